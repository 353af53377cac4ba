/**
 * Names of routing tables, protocols, scopes, route types and traffic classes: iproute2's built-in ones and those of
 * the host's /etc/iproute2 files.
 */
import { KernelError } from '@netloom/base';
import { readTextFile, type Sys } from '@netloom/sys';
import { parseUnsigned } from '../args.js';

/** A two-way table of numbers and names. */
export class NameTable {
  private readonly byNumber = new Map<number, string>();
  private readonly byName = new Map<string, number>();

  constructor(entries: readonly (readonly [number, string])[]) {
    for (const [number, name] of entries) this.add(number, name);
  }

  add(number: number, name: string): void {
    this.byNumber.set(number, name);
    this.byName.set(name, number);
  }

  /** The name, or the number as text. */
  name(number: number, numeric = false): string {
    return (numeric ? undefined : this.byNumber.get(number)) ?? String(number);
  }

  /** The number of a name or of a numeric text up to `max`. */
  number(text: string, max = 255): number | undefined {
    return this.byName.get(text) ?? parseUnsigned(text, max);
  }
}

/** rtm_type values. */
export const ROUTE_TYPES: readonly string[] = [
  'none',
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
  'nat',
  'xresolve',
];

const PROTOCOLS: readonly (readonly [number, string])[] = [
  [0, 'unspec'],
  [1, 'redirect'],
  [2, 'kernel'],
  [3, 'boot'],
  [4, 'static'],
  [8, 'gated'],
  [9, 'ra'],
  [10, 'mrt'],
  [11, 'zebra'],
  [12, 'bird'],
  [13, 'dnrouted'],
  [14, 'xorp'],
  [15, 'ntk'],
  [16, 'dhcp'],
  [18, 'keepalived'],
  [42, 'babel'],
  [99, 'openr'],
  [186, 'bgp'],
  [187, 'isis'],
  [188, 'ospf'],
  [189, 'rip'],
  [192, 'eigrp'],
];

const DSFIELD: Readonly<Record<number, string>> = {
  0x28: 'AF11',
  0x30: 'AF12',
  0x38: 'AF13',
  0x48: 'AF21',
  0x50: 'AF22',
  0x58: 'AF23',
  0x68: 'AF31',
  0x70: 'AF32',
  0x78: 'AF33',
  0x88: 'AF41',
  0x90: 'AF42',
  0x98: 'AF43',
  0x20: 'CS1',
  0x40: 'CS2',
  0x60: 'CS3',
  0x80: 'CS4',
  0xa0: 'CS5',
  0xc0: 'CS6',
  0xe0: 'CS7',
  0xb8: 'EF',
};

/** The TOS byte as `ip` shows it. */
export function dsfieldText(tos: number, numeric = false): string {
  return (numeric ? undefined : DSFIELD[tos]) ?? `0x${tos.toString(16).padStart(2, '0')}`;
}

/** A TOS byte from its name or hexadecimal text. */
export function parseDsfield(text: string): number | undefined {
  for (const [value, name] of Object.entries(DSFIELD)) if (name === text) return Number(value);
  return text === 'default' ? 0 : parseUnsigned(text, 255, 16);
}

/** All the tables of one program run. */
export class Names {
  readonly tables = new NameTable([
    [255, 'local'],
    [254, 'main'],
    [253, 'default'],
    [0, 'unspec'],
  ]);
  readonly protocols = new NameTable(PROTOCOLS);
  readonly scopes = new NameTable([
    [0, 'global'],
    [255, 'nowhere'],
    [254, 'host'],
    [253, 'link'],
    [200, 'site'],
  ]);
  readonly groups = new NameTable([[0, 'default']]);

  /** Adds what the host's files name; a missing file adds nothing. */
  async load(sys: Sys): Promise<void> {
    const files: readonly (readonly [string, NameTable])[] = [
      ['rt_tables', this.tables],
      ['rt_protos', this.protocols],
      ['rt_scopes', this.scopes],
      ['group', this.groups],
    ];
    for (const [file, table] of files) {
      try {
        const text = await readTextFile(sys, `/etc/iproute2/${file}`);
        for (const match of text.matchAll(/^\s*(0x[0-9a-fA-F]+|\d+)\s+([^\s#]+)/gm)) {
          table.add(Number(match[1]), match[2] ?? '');
        }
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
      }
    }
  }
}
