/**
 * iproute2's way of reading a command line: words one after the other, keywords that may be abbreviated, and its fixed
 * complaints. Shared by `ip` and `bridge` (tc uses the same).
 */
import { formatIpv4, formatIpv6, ipv4Mask, parseIpv6, parseMac } from '@netloom/base';
import { AF_BRIDGE, AF_INET, AF_INET6, AF_PACKET, AF_UNSPEC, type IpAddr } from '@netloom/sys';
import { CommandExit } from './command.js';

/** True where `word` is a non-empty beginning of `keyword`. */
export function matches(word: string, keyword: string): boolean {
  return word !== '' && keyword.startsWith(word);
}

/** `Error: argument "x" is wrong: …`, exit code 255. */
export function invalidArgument(message: string, word: string): CommandExit {
  return new CommandExit(255, `Error: argument "${word}" is wrong: ${message}\n`);
}

/** A keyword given twice, or a word that belongs nowhere. */
export function garbage(keyword: string, word: string): CommandExit {
  return new CommandExit(
    255,
    `Error: either "${keyword}" is duplicate, or "${word}" is a garbage.\n`,
  );
}

export function duplicate(keyword: string, word: string): CommandExit {
  return new CommandExit(255, `Error: duplicate "${keyword}": "${word}" is the second value.\n`);
}

export function noDevice(name: string): CommandExit {
  return new CommandExit(1, `Cannot find device "${name}"\n`);
}

/** The words of a command line, read from the front. */
export class Args {
  private at = 0;

  constructor(private readonly words: readonly string[]) {}

  get done(): boolean {
    return this.at >= this.words.length;
  }

  get left(): number {
    return this.words.length - this.at;
  }

  /** The current word. */
  get word(): string {
    return this.words[this.at] ?? '';
  }

  /** The word after the current one, or undefined. */
  get following(): string | undefined {
    return this.words[this.at + 1];
  }

  /** Takes the current word. */
  take(): string {
    return this.words[this.at++] ?? '';
  }

  /** Steps back over the word just taken. */
  back(): void {
    this.at--;
  }

  /** Takes the word that a keyword needs after it. */
  value(): string {
    if (this.done) throw new CommandExit(255, 'Command line is not complete. Try option "help"\n');
    return this.take();
  }

  rest(): string[] {
    const out = this.words.slice(this.at);
    this.at = this.words.length;
    return [...out];
  }
}

/** A C integer text (decimal, 0x, 0 octal) not above `max`; undefined where malformed. */
export function parseUnsigned(text: string, max = 0xffffffff, base = 0): number | undefined {
  let value: number;
  if (base === 16)
    value = /^(0[xX])?[0-9a-fA-F]+$/.test(text) ? parseInt(text.replace(/^0[xX]/, ''), 16) : NaN;
  else if (/^0[xX][0-9a-fA-F]+$/.test(text)) value = parseInt(text.slice(2), 16);
  else if (/^0[0-7]+$/.test(text)) value = parseInt(text, 8);
  else if (/^\d+$/.test(text)) value = Number(text);
  else return undefined;
  return Number.isNaN(value) || value > max ? undefined : value;
}

/** `on` or `off` after `keyword`. */
export function parseOnOff(keyword: string, word: string): boolean {
  if (word === 'on') return true;
  if (word === 'off') return false;
  throw new CommandExit(
    1,
    `Error: argument of "${keyword}" must be "on" or "off", not "${word}"\n`,
  );
}

/** A link-layer address of any length; `"zz" is invalid lladdr.` */
export function parseLladdr(text: string): Uint8Array {
  if (text.includes('.') && !text.includes(':')) {
    const v4 = parseInetAddr(text);
    if (v4 !== undefined) return Uint8Array.of(v4 >>> 24, v4 >>> 16, v4 >>> 8, v4);
  }
  const out: number[] = [];
  for (const part of text.split(':')) {
    if (!/^[0-9a-fA-F]{1,2}$/.test(part))
      throw new CommandExit(1, `"${part}" is invalid lladdr.\n`);
    out.push(parseInt(part, 16));
  }
  return Uint8Array.from(out);
}

/** Six bytes or undefined. */
export function parseMacAddress(text: string): Uint8Array | undefined {
  return parseMac(text);
}

/** An address or prefix as typed. */
export interface Prefix {
  readonly family: number;
  readonly address: IpAddr;
  readonly length: number;
  /** `/N` was written. */
  readonly explicit: boolean;
  /** `default`, `any` or `all`. */
  readonly any: boolean;
}

const FAMILY_NAME: Readonly<Record<number, string>> = {
  [AF_UNSPEC]: 'any valid',
  [AF_INET]: 'inet',
  [AF_INET6]: 'inet6',
  [AF_PACKET]: 'link',
  [AF_BRIDGE]: 'bridge',
};

/** Dotted IPv4 text; missing trailing octets are zero, as iproute2 reads `10/8`. */
function parseInetAddr(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length > 4) return undefined;
  let value = 0;
  for (let i = 0; i < 4; i++) {
    const part = parts[i] ?? '0';
    const octet = parseUnsigned(part, 255);
    if (octet === undefined) return undefined;
    value = value * 256 + octet;
  }
  return value;
}

const IPV6_ANY = new Uint8Array(16);

/** A prefix or undefined; `family` AF_UNSPEC takes either. */
export function tryPrefix(text: string, family: number): Prefix | undefined {
  if (text === 'default' || text === 'any' || text === 'all') {
    return {
      family,
      address: family === AF_INET6 ? IPV6_ANY : 0,
      length: 0,
      explicit: true,
      any: true,
    };
  }
  const slash = text.indexOf('/');
  const head = slash < 0 ? text : text.slice(0, slash);
  let address: IpAddr | undefined;
  let found = AF_INET;
  if (head.includes(':')) {
    found = AF_INET6;
    if (family === AF_UNSPEC || family === AF_INET6) address = parseIpv6(head);
  } else if (family === AF_UNSPEC || family === AF_INET) {
    address = parseInetAddr(head);
  }
  if (address === undefined) return undefined;
  const max = found === AF_INET6 ? 128 : 32;
  if (slash < 0) return { family: found, address, length: max, explicit: false, any: false };
  const lengthText = text.slice(slash + 1);
  let length = parseUnsigned(lengthText, max);
  if (length === undefined && found === AF_INET) {
    const mask = parseInetAddr(lengthText);
    if (mask !== undefined) {
      for (let bits = 0; bits <= 32; bits++) if (ipv4Mask(bits) === mask) length = bits;
    }
  }
  return length === undefined
    ? undefined
    : { family: found, address, length, explicit: true, any: false };
}

/** As {@link tryPrefix}, complaining as iproute2 does (exit code 1). */
export function parsePrefix(text: string, family: number): Prefix {
  const prefix = tryPrefix(text, family);
  if (prefix !== undefined) return prefix;
  const name = FAMILY_NAME[family] ?? 'any valid';
  throw new CommandExit(1, `Error: ${name} prefix is expected rather than "${text}".\n`);
}

/** An address without a length. */
export function parseAddress(text: string, family: number): Prefix {
  const prefix = text.includes('/') ? undefined : tryPrefix(text, family);
  if (prefix !== undefined) return prefix;
  const name = FAMILY_NAME[family] ?? 'any valid';
  throw new CommandExit(1, `Error: ${name} address is expected rather than "${text}".\n`);
}

/** IPv4 number or IPv6 bytes as text. */
export function addressText(address: IpAddr): string {
  return typeof address === 'number' ? formatIpv4(address) : formatIpv6(address);
}

/** Address bytes in network order. */
export function addressBytes(address: IpAddr): Uint8Array {
  return typeof address === 'number'
    ? Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address)
    : address;
}

/** True where the first `length` bits are equal and the families are. */
export function samePrefix(a: IpAddr, b: IpAddr, length: number): boolean {
  if (typeof a === 'number' && typeof b === 'number') {
    const mask = ipv4Mask(length);
    return (a & mask) >>> 0 === (b & mask) >>> 0;
  }
  const x = addressBytes(a);
  const y = addressBytes(b);
  if (x.length !== y.length) return false;
  for (let bit = 0; bit < length; bit += 8) {
    const mask = length - bit >= 8 ? 255 : (0xff << (8 - (length - bit))) & 255;
    if (((x[bit >> 3] ?? 0) & mask) !== ((y[bit >> 3] ?? 0) & mask)) return false;
  }
  return true;
}

/** A name Linux accepts for an interface. */
export function isInterfaceName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && name.length < 16 && !/[/\s:]/.test(name);
}

/** Text with no slash or white space: what iproute2 lets through as a name or alternative name. */
export function isAltName(name: string): boolean {
  return name !== '' && name.length < 128 && !/[/\s]/.test(name);
}

/** Shell-style matching of `*`, `?` and `[…]` (fnmatch without flags). */
export function fnmatch(pattern: string, text: string): boolean {
  let source = '';
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i] ?? '';
    if (c === '*') source += '[\\s\\S]*';
    else if (c === '?') source += '[\\s\\S]';
    else if (c === '[' && pattern.indexOf(']', i + 2) > 0) {
      const end = pattern.indexOf(']', i + 2);
      source +=
        '[' +
        pattern
          .slice(i + 1, end)
          .replace(/^!/, '^')
          .replace(/\\/g, '\\\\') +
        ']';
      i = end;
    } else source += c.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  }
  return new RegExp(`^${source}$`).test(text);
}
