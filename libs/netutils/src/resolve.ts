/**
 * Names to addresses and back through /etc/hosts: simulated hosts have no resolver beyond it.
 */
import { formatIpv4, formatIpv6, KernelError, parseIpv4, parseIpv6 } from '@netloom/base';
import { readTextFile, type IpAddr, type Sys } from '@netloom/sys';

/** inet_aton(3): one to four numbers, decimal, octal or hexadecimal. */
export function inetAton(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length > 4 || text === '') return undefined;
  let value = 0;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] ?? '';
    if (!/^(0[xX][0-9a-fA-F]+|\d+)$/.test(part)) return undefined;
    if (/^0\d/.test(part) && !/^0[0-7]+$/.test(part)) return undefined;
    const number = /^0\d/.test(part) ? parseInt(part, 8) : Number(part);
    const last = i === parts.length - 1;
    const width = last ? 4 - i : 1;
    if (number >= 256 ** width) return undefined;
    value += number * 256 ** (4 - i - width);
  }
  return value;
}

interface HostLine {
  readonly address: IpAddr;
  readonly names: readonly string[];
}

async function hostLines(sys: Sys): Promise<HostLine[]> {
  let text: string;
  try {
    text = await readTextFile(sys, '/etc/hosts');
  } catch (error) {
    if (error instanceof KernelError) return [];
    throw error;
  }
  const out: HostLine[] = [];
  for (const line of text.split('\n')) {
    const [first = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const address = parseIpv4(first) ?? parseIpv6(first);
    if (address !== undefined) out.push({ address, names });
  }
  return out;
}

/** What a name resolves to; `name` is the canonical one. */
export interface Resolved {
  readonly address: IpAddr;
  readonly name: string;
  /** The text was an address itself. */
  readonly numeric: boolean;
  /** The ifindex after `%`. */
  readonly scopeId?: number;
}

/** The ifindex of a zone: a device's name or a number; undefined where there is none. */
function zoneIndex(sys: Sys, zone: string): number | undefined {
  const link = sys.rtnl('RTM_GETLINK', {}).find((one) => one.ifname === zone);
  if (link !== undefined) return link.ifindex;
  return /^\d+$/.test(zone) ? Number(zone) : undefined;
}

/** Looks a name up; undefined where nobody knows it. `family`: 4, 6 or either, IPv4 first. */
export async function resolveName(
  sys: Sys,
  text: string,
  family?: 4 | 6,
): Promise<Resolved | undefined> {
  const v4 = inetAton(text);
  if (v4 !== undefined)
    return family === 6 ? undefined : { address: v4, name: text, numeric: true };
  const percent = text.indexOf('%');
  const v6 = parseIpv6(percent < 0 ? text : text.slice(0, percent));
  if (v6 !== undefined) {
    if (family === 4) return undefined;
    const zoned = v6[0] === 0xfe || v6[0] === 0xff ? percent : -1;
    const scopeId = zoned < 0 ? 0 : zoneIndex(sys, text.slice(zoned + 1));
    return scopeId === undefined ? undefined : { address: v6, name: text, numeric: true, scopeId };
  }
  const wanted = text.toLowerCase();
  const found = (await hostLines(sys)).filter((line) =>
    line.names.some((name) => name.toLowerCase() === wanted),
  );
  const pick = (kind: 4 | 6): HostLine | undefined =>
    found.find((line) => (typeof line.address === 'number') === (kind === 4));
  const line = family === undefined ? (pick(4) ?? pick(6)) : pick(family);
  if (line !== undefined)
    return { address: line.address, name: line.names[0] ?? text, numeric: false };
  if (wanted === 'localhost' && family !== 6)
    return { address: 0x7f000001, name: 'localhost', numeric: false };
  return undefined;
}

/** The first name /etc/hosts has for an address. */
export async function reverseName(sys: Sys, address: IpAddr): Promise<string | undefined> {
  const text = ipText(address);
  return (await hostLines(sys)).find((line) => ipText(line.address) === text)?.names[0];
}

/** An address as text. */
export function ipText(address: IpAddr): string {
  return typeof address === 'number' ? formatIpv4(address) : formatIpv6(address);
}
