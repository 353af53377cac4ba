/** What a sed script is once it is parsed. */
import type { Regex } from '../regex/regex.js';

/** A regular expression of the script; undefined stands for the last one that was used. */
export type SedRegex = Regex | undefined;

export type Address =
  | { readonly kind: 'line'; readonly line: number }
  | { readonly kind: 'last' }
  | { readonly kind: 'regex'; readonly regex: SedRegex }
  | { readonly kind: 'step'; readonly first: number; readonly step: number }
  /** Second addresses only: `+N` and `~N`. */
  | { readonly kind: 'plus'; readonly count: number }
  | { readonly kind: 'multiple'; readonly of: number };

/** A piece of a replacement: text, a group, or a change of case for what follows. */
export type ReplacePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'group'; readonly index: number }
  | { readonly kind: 'case'; readonly mode: 'U' | 'L' | 'u' | 'l' | 'E' };

export interface Substitution {
  readonly regex: SedRegex;
  readonly parts: readonly ReplacePart[];
  readonly global: boolean;
  readonly print: number;
  readonly evaluate: boolean;
  readonly occurrence: number;
  readonly file: string | undefined;
}

export interface SedCommand {
  readonly name: string;
  readonly from: Address | undefined;
  readonly to: Address | undefined;
  readonly negated: boolean;
  /** Text of a, i, c; label of b, t, T and `:`; file of r, R, w, W; command of e. */
  readonly text: string;
  /** Exit code of q and Q, line length of l. */
  readonly number: number | undefined;
  readonly substitution?: Substitution;
  /** y: 256 characters. */
  readonly translate?: readonly string[];
  /** `{`, b, t, T: the index to go on with. */
  target: number;
  /** Where a range stands. */
  state: 'inactive' | 'active' | 'closed';
  rangeEnd: number;
}

/** A script that sed refuses; the text is what it prints behind `sed: `. */
export class SedError extends Error {
  constructor(
    text: string,
    readonly status = 1,
  ) {
    super(text);
  }
}
