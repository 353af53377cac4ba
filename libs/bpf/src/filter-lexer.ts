/**
 * Splits a filter expression into words.
 *
 * Caller: filter-parser.ts. Source: pcap-filter(7) and the observed behaviour of libpcap 1.10.3; as
 * there, the longest match wins, and a keyword beats a name of the same length.
 */

import { parseIpv6 } from '@netloom/base';
import { FilterError, syntaxError } from './filter-error.js';
import { KEYWORDS, NUMBER_WORDS } from './filter-words.js';

export type TokenKind =
  | 'keyword' // text is the canonical word
  | 'op' // text is the operator
  | 'num' // value
  | 'id' // a name
  | 'hid' // dotted numbers
  | 'hid6' // IPv6 address
  | 'eid' // Ethernet address
  | 'aid' // $hex
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly value: number;
}

const B = '[0-9A-Fa-f]{1,2}';
const B2 = '[0-9A-Fa-f]{4}';
const N = '(?:0[xX][0-9A-Fa-f]+|[0-9]+)';

const SPACE = /[ \r\n\t]+/y;
const OPERATOR = /&&|\|\||>=|<=|!=|==|<<|>>|[!<>()[\]+\-*/%:&|^=]/y;
const NAME = /[A-Za-z0-9](?:[-_.A-Za-z0-9]*[.A-Za-z0-9])?/y;
const ESCAPED = /\\[^ !()\n\t]+/y;
const MAC = new RegExp(
  [':', '-', '\\.']
    .map((sep) => `${B}(?:${sep}${B}){5}`)
    .concat([`${B2}\\.${B2}\\.${B2}`, '[0-9A-Fa-f]{12}'])
    .join('|'),
  'y',
);
const BOGUS_MAC = new RegExp(`${B}:+(?:${B}:+)+`, 'y');
const NUMBER = new RegExp(N, 'y');
const DOTTED = new RegExp(`${N}(?:\\.${N}){1,3}`, 'y');
const SHORT_ADDRESS = new RegExp(`\\$${B}`, 'y');
const IPV6_CHARS = /[0-9A-Fa-f:.]+/y;

/** All tokens of a filter, ending with one of kind 'end'. */
export function lexFilter(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const space = take(SPACE, text, at);
    if (space > 0) {
      at += space;
      continue;
    }
    const [token, length] = nextToken(text, at);
    tokens.push(token);
    at += length;
  }
  tokens.push({ kind: 'end', text: '', value: 0 });
  return tokens;
}

function nextToken(text: string, at: number): [Token, number] {
  const six = ipv6Length(text, at);
  const mac = take(MAC, text, at);
  const bogus = take(BOGUS_MAC, text, at);
  const dotted = take(DOTTED, text, at);
  const number = take(NUMBER, text, at);
  const name = take(NAME, text, at);
  const longest = Math.max(six, mac, bogus, dotted, number, name);
  if (longest > 0) {
    const word = text.slice(at, at + longest);
    const make = (kind: TokenKind, value = 0): [Token, number] => [
      { kind, text: word, value },
      longest,
    ];
    if (longest === mac) return make('eid');
    if (longest === number) return make('num', parseNumber(word));
    if (longest === dotted) return make('hid');
    if (longest === six) return make('hid6');
    if (longest === bogus) throw new FilterError(`bogus ethernet address ${word}`);
    const keyword = KEYWORDS.get(word);
    if (keyword !== undefined) return [{ kind: 'keyword', text: keyword, value: 0 }, longest];
    const constant = NUMBER_WORDS.get(word);
    if (constant !== undefined) return make('num', constant);
    return make('id');
  }
  const short = take(SHORT_ADDRESS, text, at);
  if (short > 0) return [{ kind: 'aid', text: text.slice(at, at + short), value: 0 }, short];
  const escaped = take(ESCAPED, text, at);
  if (escaped > 0) {
    return [{ kind: 'id', text: text.slice(at + 1, at + escaped), value: 0 }, escaped];
  }
  const operator = take(OPERATOR, text, at);
  if (operator === 0) throw syntaxError();
  const op = text.slice(at, at + operator);
  if (op === '&&') return [{ kind: 'keyword', text: 'and', value: 0 }, 2];
  if (op === '||') return [{ kind: 'keyword', text: 'or', value: 0 }, 2];
  if (op === '!') return [{ kind: 'keyword', text: 'not', value: 0 }, 1];
  return [{ kind: 'op', text: op === '==' ? '=' : op, value: 0 }, operator];
}

function take(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  const match = pattern.exec(text);
  return match === null ? 0 : match[0].length;
}

/** Length of the longest prefix that is an IPv6 address, or 0. */
function ipv6Length(text: string, at: number): number {
  const length = take(IPV6_CHARS, text, at);
  const run = text.slice(at, at + length);
  if (!run.includes('::') && run.split(':').length < 7) return 0;
  for (let n = run.length; n >= 2; n--) {
    if (parseIpv6(run.slice(0, n)) !== undefined) return n;
  }
  return 0;
}

function parseNumber(word: string): number {
  const hex = /^0[xX]/.test(word);
  const octal = !hex && word.length > 1 && word.startsWith('0');
  if (octal && /[89]/.test(word)) {
    throw new FilterError(`number ${word} contains non-octal digit`);
  }
  const value = Number.parseInt(hex ? word.slice(2) : word, hex ? 16 : octal ? 8 : 10);
  if (value > 0xffffffff) throw new FilterError(`number ${word} overflows 32 bits`);
  return value;
}
