/**
 * Counters of /proc/net/snmp and /proc/net/netstat: pairs of lines, names and values.
 */
import { KernelError } from '@netloom/base';
import { readTextFile, type Sys } from '@netloom/sys';

export interface CounterGroup {
  /** `Ip`, `Icmp`, `TcpExt`, … */
  readonly name: string;
  readonly counters: readonly (readonly [string, number])[];
}

/** The groups of a file in its order; none where it does not exist. */
export async function readCounters(sys: Sys, path: string): Promise<CounterGroup[]> {
  let text: string;
  try {
    text = await readTextFile(sys, path);
  } catch (error) {
    if (error instanceof KernelError) return [];
    throw error;
  }
  const lines = text.split('\n').filter((line) => line !== '');
  const groups: CounterGroup[] = [];
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [head = '', ...names] = (lines[i] ?? '').trim().split(/\s+/);
    const [, ...values] = (lines[i + 1] ?? '').trim().split(/\s+/);
    groups.push({
      name: head.replace(/:$/, ''),
      counters: names.map((name, at) => [name, Number(values[at] ?? 0)] as const),
    });
  }
  return groups;
}

/** /proc/net/snmp6 and its like: one name and value a line. */
export async function readFlatCounters(
  sys: Sys,
  path: string,
): Promise<(readonly [string, number])[]> {
  try {
    const text = await readTextFile(sys, path);
    return [...text.matchAll(/^(\S+)\s+(\d+)\s*$/gm)].map(
      (match) => [match[1] ?? '', Number(match[2])] as const,
    );
  } catch (error) {
    if (error instanceof KernelError) return [];
    throw error;
  }
}
