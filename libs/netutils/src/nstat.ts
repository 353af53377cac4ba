/**
 * `nstat`: SNMP counters as increments since its last run, kept in a history file of the host (iproute2 6.1).
 */
import { KernelError } from '@netloom/base';
import { encodeText, OpenFlag, print, readTextFile, type Sys } from '@netloom/sys';
import { fnmatch } from './args.js';
import { CommandExit, program } from './command.js';
import { getopt } from './getopt.js';
import { JsonWriter } from './json-writer.js';
import { readCounters, readFlatCounters } from './proc-counters.js';
import { NSTAT_USAGE } from './usage.js';

/** Settings that the counter files carry among the counters. */
const NOT_COUNTERS = new Set([
  'IpForwarding',
  'IpDefaultTTL',
  'TcpRtoAlgorithm',
  'TcpRtoMin',
  'TcpRtoMax',
  'TcpMaxConn',
  'TcpCurrEstab',
]);

async function readAllCounters(sys: Sys): Promise<Map<string, number>> {
  const values = new Map<string, number>();
  const add = (name: string, value: number): void => {
    if (!NOT_COUNTERS.has(name)) values.set(name, value);
  };
  for (const group of await readCounters(sys, '/proc/net/snmp')) {
    for (const [name, value] of group.counters) add(group.name + name, value);
  }
  for (const [name, value] of await readFlatCounters(sys, '/proc/net/snmp6')) add(name, value);
  for (const group of await readCounters(sys, '/proc/net/netstat')) {
    for (const [name, value] of group.counters) add(group.name + name, value);
  }
  return values;
}

async function readHistory(sys: Sys, path: string): Promise<Map<string, number>> {
  try {
    const text = await readTextFile(sys, path);
    return new Map(
      [...text.matchAll(/^(\w+)\s+(\d+)/gm)].map(
        (match) => [match[1] ?? '', Number(match[2])] as const,
      ),
    );
  } catch (error) {
    if (error instanceof KernelError) return new Map();
    throw error;
  }
}

function line(name: string, value: number): string {
  return `${name.padEnd(32)}${String(value).padEnd(16)}${'0.0'.padStart(6)}\n`;
}

/** nstat(8). */
export const nstatMain = program(async (sys) => {
  const parsed = getopt('nstat', sys.argv.slice(1), {
    short: 'h?vVzrnasd:t:jp',
    long: {
      help: 'h',
      ignore: 'a',
      scan: 'd:',
      nooutput: 'n',
      json: 'j',
      reset: 'r',
      noupdate: 's',
      pretty: 'p',
      interval: 't:',
      version: 'V',
      zeros: 'z',
    },
  });
  if (parsed.error !== undefined) throw new CommandExit(255, `${parsed.error}\n${NSTAT_USAGE}`);
  const has = (name: string): boolean => parsed.options.some((option) => option.name === name);
  if (has('h') || has('?')) throw new CommandExit(255, NSTAT_USAGE);
  if (has('V') || has('v')) {
    await print(sys, 'nstat utility, iproute2-6.1.0\n');
    return 0;
  }
  const path = sys.env.get('NSTAT_HISTORY') ?? `/tmp/.nstat.u${sys.getuid()}`;
  const now = await readAllCounters(sys);
  const history = has('a') || has('r') ? new Map<string, number>() : await readHistory(sys, path);
  const patterns = parsed.operands.map((pattern) => pattern.toLowerCase());
  const shown: (readonly [string, number])[] = [];
  for (const [name, value] of now) {
    if (patterns.length > 0 && !patterns.some((pattern) => fnmatch(pattern, name.toLowerCase())))
      continue;
    const difference = value - (history.get(name) ?? 0);
    if (difference !== 0 || has('z')) shown.push([name, difference]);
  }
  if (!has('n')) {
    if (has('j')) {
      const json = new JsonWriter(has('p'));
      json.startObject();
      json.name('kernel');
      json.startObject();
      for (const [name, value] of shown) {
        json.name(name);
        json.raw(String(value));
      }
      json.endObject();
      json.endObject();
      await print(sys, `${json.text}\n`);
    } else {
      await print(sys, `#kernel\n${shown.map(([name, value]) => line(name, value)).join('')}`);
    }
  }
  if (!has('s')) {
    const fd = sys.open(path, OpenFlag.O_WRONLY | OpenFlag.O_CREAT | OpenFlag.O_TRUNC, 0o600);
    await sys.write(fd, encodeText([...now].map(([name, value]) => line(name, value)).join('')));
    sys.close(fd);
  }
  return 0;
});
