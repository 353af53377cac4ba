/** The tree of a regular expression, over byte text: sets are 256-entry membership tables. */

export type AssertKind =
  | 'bol'
  | 'eol'
  | 'wordStart'
  | 'wordEnd'
  | 'word'
  | 'notWord'
  | 'bufferStart'
  | 'bufferEnd'
  /** No word character before, behind (`grep -w`). */
  | 'noWordBefore'
  | 'noWordAfter';

export type RegexNode =
  | { readonly kind: 'set'; readonly members: Uint8Array }
  | { readonly kind: 'seq'; readonly items: readonly RegexNode[] }
  | { readonly kind: 'alt'; readonly items: readonly RegexNode[] }
  | {
      readonly kind: 'repeat';
      readonly item: RegexNode;
      readonly min: number;
      readonly max: number;
    }
  | { readonly kind: 'group'; readonly item: RegexNode; readonly index: number }
  | { readonly kind: 'assert'; readonly what: AssertKind }
  | { readonly kind: 'backref'; readonly index: number };

/** A pattern that the library refuses, with regerror(3)'s text as GNU tools print it. */
export class RegexError extends Error {}

/** A set of the characters for which `test` holds. */
export function setOf(test: (code: number) => boolean): Uint8Array {
  const members = new Uint8Array(256);
  for (let code = 0; code < 256; code++) if (test(code)) members[code] = 1;
  return members;
}

const between = (code: number, from: number, to: number): boolean => code >= from && code <= to;
const isLower = (code: number): boolean => between(code, 97, 122);
const isUpper = (code: number): boolean => between(code, 65, 90);
const isDigit = (code: number): boolean => between(code, 48, 57);
const isAlpha = (code: number): boolean => isLower(code) || isUpper(code);

/** The character classes of the C locale. */
export const classTests: Readonly<Record<string, (code: number) => boolean>> = {
  alpha: isAlpha,
  digit: isDigit,
  alnum: (code) => isAlpha(code) || isDigit(code),
  upper: isUpper,
  lower: isLower,
  space: (code) => code === 32 || between(code, 9, 13),
  blank: (code) => code === 32 || code === 9,
  punct: (code) => between(code, 33, 126) && !isAlpha(code) && !isDigit(code),
  print: (code) => between(code, 32, 126),
  graph: (code) => between(code, 33, 126),
  cntrl: (code) => code < 32 || code === 127,
  xdigit: (code) => isDigit(code) || between(code, 65, 70) || between(code, 97, 102),
};

export const wordSet = setOf((code) => isAlpha(code) || isDigit(code) || code === 95);
export const spaceSet = setOf(classTests['space'] ?? (() => false));

export function complement(members: Uint8Array): Uint8Array {
  return members.map((member) => 1 - member);
}

/** The set with the other case of every letter in it. */
export function foldCase(members: Uint8Array): Uint8Array {
  const folded = members.slice();
  for (let code = 65; code <= 90; code++) {
    const either = (members[code] ?? 0) | (members[code + 32] ?? 0);
    folded[code] = either;
    folded[code + 32] = either;
  }
  return folded;
}
