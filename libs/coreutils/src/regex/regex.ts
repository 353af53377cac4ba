/**
 * POSIX regular expressions on the platform's matcher: the tree is written out as a JavaScript pattern, and where
 * "leftmost-longest" may differ from "first alternative" the longest end is found first ({@link longestEnd}).
 *
 * Differences from a POSIX matcher: inside a match of the right place and length, groups are JavaScript's.
 */
import { RegexError, type AssertKind, type RegexNode } from './ast.js';
import { compileNfa, longestEnd } from './nfa.js';
import { PosixParser, type RegexSyntax } from './posix-parse.js';

export { RegexError };
export type { RegexSyntax };

export interface RegexMatch {
  readonly start: number;
  readonly end: number;
  /** Groups from 1 on (index 0 is the whole match); undefined for those that took no part. */
  readonly groups: readonly (string | undefined)[];
}

const assertSources: Readonly<Record<AssertKind, string>> = {
  bol: '^',
  eol: '$',
  wordStart: '\\b(?=\\w)',
  wordEnd: '\\b(?<=\\w)',
  word: '\\b',
  notWord: '\\B',
  bufferStart: '(?<![^])',
  bufferEnd: '(?![^])',
  noWordBefore: '(?<!\\w)',
  noWordAfter: '(?!\\w)',
};

function hex(code: number): string {
  return `\\x${code.toString(16).padStart(2, '0')}`;
}

function setSource(members: Uint8Array): string {
  let ranges = '';
  let count = 0;
  let only = 0;
  for (let code = 0; code < 256; code++) {
    if (members[code] !== 1) continue;
    const from = code;
    while (code < 255 && members[code + 1] === 1) code++;
    ranges += from === code ? hex(from) : `${hex(from)}-${hex(code)}`;
    count += code - from + 1;
    only = from;
  }
  if (count === 256) return '[^]';
  return count === 1 ? hex(only) : `[${ranges}]`;
}

function source(node: RegexNode): string {
  switch (node.kind) {
    case 'set':
      return setSource(node.members);
    case 'seq':
      return node.items.map(source).join('');
    case 'alt':
      return `(?:${node.items.map(source).join('|')})`;
    case 'group':
      return `(${source(node.item)})`;
    case 'assert':
      return assertSources[node.what];
    case 'backref':
      return `(?:\\${node.index})`;
    case 'repeat': {
      const range = node.max === Infinity ? `${node.min},` : `${node.min},${node.max}`;
      const suffix =
        node.min === 0 && node.max === Infinity
          ? '*'
          : node.min === 1 && node.max === Infinity
            ? '+'
            : `{${range}}`;
      return `(?:${source(node.item)})${suffix}`;
    }
  }
}

/** Characters that every match of the tree has, undefined where that varies. */
function fixedLength(node: RegexNode): number | undefined {
  switch (node.kind) {
    case 'set':
      return 1;
    case 'assert':
      return 0;
    case 'group':
      return fixedLength(node.item);
    case 'backref':
      return undefined;
    case 'repeat': {
      const length = fixedLength(node.item);
      return node.min === node.max && length !== undefined ? length * node.min : undefined;
    }
    case 'seq':
      return node.items.reduce<number | undefined>((sum, item) => add(sum, fixedLength(item)), 0);
    case 'alt': {
      const lengths = new Set(node.items.map(fixedLength));
      return lengths.size === 1 ? [...lengths][0] : undefined;
    }
  }
}

function add(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined || right === undefined ? undefined : left + right;
}

/** Whether JavaScript's first match may be shorter than the longest one from the same place. */
function mayBeShort(node: RegexNode): boolean {
  switch (node.kind) {
    case 'group':
      return mayBeShort(node.item);
    case 'seq':
      return node.items.some(mayBeShort);
    case 'alt':
      return fixedLength(node) === undefined;
    case 'repeat':
      return mayBeShort(node.item) || (node.min !== node.max && fixedLength(node.item) !== 1);
    default:
      return false;
  }
}

export interface RegexOptions extends RegexSyntax {
  /** `^` and `$` also match beside newlines. */
  readonly multiline?: boolean;
  /** A match must be a whole word, or a whole line. */
  readonly whole?: 'word' | 'line';
}

/** Finds matches in byte text. */
export interface Matcher {
  test(text: string): boolean;
  /** The leftmost longest match at or behind `from`. */
  exec(text: string, from?: number): RegexMatch | undefined;
}

function wrapWhole(tree: RegexNode, whole: RegexOptions['whole']): RegexNode {
  if (whole === undefined) return tree;
  const before = {
    kind: 'assert',
    what: whole === 'word' ? 'noWordBefore' : 'bufferStart',
  } as const;
  const after = { kind: 'assert', what: whole === 'word' ? 'noWordAfter' : 'bufferEnd' } as const;
  return {
    kind: 'seq',
    items: [before, tree.kind === 'alt' ? tree : { kind: 'alt', items: [tree] }, after],
  };
}

export class Regex implements Matcher {
  /** Number of groups in the pattern. */
  readonly groups: number;
  private readonly search: RegExp;
  private readonly sticky: RegExp;
  private readonly nfa: ReturnType<typeof compileNfa>;
  private readonly multiline: boolean;

  /** Several patterns are alternatives. */
  constructor(patterns: string | readonly string[], options: RegexOptions) {
    const list = typeof patterns === 'string' ? [patterns] : patterns;
    let groups = 0;
    const trees = list.map((pattern) => {
      const parser = new PosixParser(pattern, options, groups);
      const parsed = parser.parse();
      groups = parser.groups;
      return parsed;
    });
    this.groups = groups;
    const tree = wrapWhole(
      trees.length === 1 ? (trees[0] as RegexNode) : { kind: 'alt', items: trees },
      options.whole,
    );
    this.multiline = options.multiline === true;
    const hasBackref =
      options.flavour !== 'fixed' && list.some((pattern) => /\\[1-9]/.test(pattern));
    const flags = `${this.multiline ? 'm' : ''}${hasBackref && options.ignoreCase === true ? 'i' : ''}`;
    const text = source(tree);
    this.search = new RegExp(text, `g${flags}`);
    this.sticky = new RegExp(`(?:${text})(?![^])`, `y${flags}`);
    this.nfa = mayBeShort(tree) ? compileNfa(tree) : undefined;
  }

  /** Whether the text has a match. */
  test(text: string): boolean {
    this.search.lastIndex = 0;
    return this.search.test(text);
  }

  /** The leftmost longest match at or behind `from`. */
  exec(text: string, from = 0): RegexMatch | undefined {
    this.search.lastIndex = from;
    const found = this.search.exec(text);
    if (found === null) return undefined;
    const end = found.index + found[0].length;
    if (this.nfa === undefined) return { start: found.index, end, groups: found };
    const longest = longestEnd(this.nfa, text, found.index, this.multiline);
    if (longest <= end) return { start: found.index, end, groups: found };
    this.sticky.lastIndex = found.index;
    const whole = this.sticky.exec(text.slice(0, longest));
    const groups = whole ?? Object.assign([...found], { 0: text.slice(found.index, longest) });
    return { start: found.index, end: longest, groups };
  }
}
