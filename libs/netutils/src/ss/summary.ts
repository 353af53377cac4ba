/**
 * `ss -s`: how many sockets there are.
 */
import { KernelError } from '@netloom/base';
import { readTextFile, type Sys } from '@netloom/sys';

/** The text of `ss -s`, from /proc. */
export async function socketSummary(sys: Sys): Promise<string> {
  const file = async (path: string): Promise<string> => {
    try {
      return await readTextFile(sys, path);
    } catch (error) {
      if (error instanceof KernelError) return '';
      throw error;
    }
  };
  const sockstat = await file('/proc/net/sockstat');
  const sockstat6 = await file('/proc/net/sockstat6');
  const snmp = await file('/proc/net/snmp');
  const value = (text: string, line: string, word: string): number =>
    Number(new RegExp(`^${line}:.*\\b${word} (\\d+)`, 'm').exec(text)?.[1] ?? 0);
  const [names = '', values = ''] = snmp.split('\n').filter((line) => line.startsWith('Tcp:'));
  const established = Number(values.split(' ')[names.split(' ').indexOf('CurrEstab')] ?? 0);
  const tcp4 = value(sockstat, 'TCP', 'inuse');
  const tcp6 = value(sockstat6, 'TCP6', 'inuse');
  const alloc = value(sockstat, 'TCP', 'alloc');
  const waiting = value(sockstat, 'TCP', 'tw');
  const udp = [value(sockstat, 'UDP', 'inuse'), value(sockstat6, 'UDP6', 'inuse')] as const;
  const raw = [value(sockstat, 'RAW', 'inuse'), value(sockstat6, 'RAW6', 'inuse')] as const;
  const frag = [value(sockstat, 'FRAG', 'inuse'), value(sockstat6, 'FRAG6', 'inuse')] as const;
  const line = (name: string, v4: number, v6: number): string =>
    `${name}\t  ${String(v4 + v6).padEnd(9)} ${String(v4).padEnd(9)} ${String(v6).padEnd(9)}\n`;
  const closed = alloc - (tcp4 + tcp6 - waiting);
  return (
    `Total: ${value(sockstat, 'sockets', 'used')}\n` +
    `TCP:   ${alloc + waiting} (estab ${established}, closed ${closed}, orphaned ${value(sockstat, 'TCP', 'orphan')}, timewait ${waiting})\n\n` +
    'Transport Total     IP        IPv6\n' +
    line('RAW', ...raw) +
    line('UDP', ...udp) +
    line('TCP', tcp4, tcp6) +
    line('INET', raw[0] + udp[0] + tcp4, raw[1] + udp[1] + tcp6) +
    line('FRAG', ...frag) +
    '\n'
  );
}
