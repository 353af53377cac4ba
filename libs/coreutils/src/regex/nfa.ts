/**
 * Where the longest match that begins at a given place ends: a parallel simulation of the tree as a list of instructions
 * (Thompson 1968, as in Pike's sam). POSIX asks for the longest match, JavaScript's matcher for the first alternative;
 * {@link longestEnd} settles the end wherever the two may differ. Time is O(pattern × text), whatever the pattern.
 */
import { wordSet, type AssertKind, type RegexNode } from './ast.js';

type Instruction =
  | { readonly op: 'set'; readonly members: Uint8Array }
  | { readonly op: 'split'; readonly to: number[] }
  | { readonly op: 'assert'; readonly what: AssertKind }
  | { readonly op: 'match' };

/** A compiled pattern; undefined for one with back references, which no finite automaton can follow. */
export function compileNfa(tree: RegexNode): readonly Instruction[] | undefined {
  const code: Instruction[] = [];
  if (!emit(tree, code) || code.length > 20000) return undefined;
  code.push({ op: 'match' });
  return code;
}

function emit(node: RegexNode, code: Instruction[]): boolean {
  switch (node.kind) {
    case 'set':
      code.push({ op: 'set', members: node.members });
      return true;
    case 'assert':
      code.push({ op: 'assert', what: node.what });
      return true;
    case 'group':
      return emit(node.item, code);
    case 'seq':
      return node.items.every((item) => emit(item, code));
    case 'alt':
      return emitAlternatives(node.items, code);
    case 'repeat':
      return emitRepeat(node.item, node.min, node.max, code);
    case 'backref':
      return false;
  }
}

function emitAlternatives(items: readonly RegexNode[], code: Instruction[]): boolean {
  const starts: number[] = [];
  const ends: number[][] = [];
  code.push({ op: 'split', to: starts });
  for (const item of items) {
    starts.push(code.length);
    if (!emit(item, code)) return false;
    const jump: number[] = [];
    ends.push(jump);
    code.push({ op: 'split', to: jump });
  }
  for (const jump of ends) jump.push(code.length);
  return true;
}

function emitRepeat(item: RegexNode, min: number, max: number, code: Instruction[]): boolean {
  for (let count = 0; count < min; count++)
    if (!emit(item, code) || code.length > 20000) return false;
  if (max === Infinity) {
    const at = code.length;
    const to = [at + 1];
    code.push({ op: 'split', to });
    if (!emit(item, code)) return false;
    code.push({ op: 'split', to: [at] });
    to.push(code.length);
    return true;
  }
  const skips: number[][] = [];
  for (let count = min; count < max; count++) {
    const to = [code.length + 1];
    skips.push(to);
    code.push({ op: 'split', to });
    if (!emit(item, code) || code.length > 20000) return false;
  }
  for (const to of skips) to.push(code.length);
  return true;
}

function isWord(text: string, at: number): boolean {
  return at >= 0 && at < text.length && wordSet[text.charCodeAt(at)] === 1;
}

function holds(what: AssertKind, text: string, at: number, multiline: boolean): boolean {
  const before = isWord(text, at - 1);
  const after = isWord(text, at);
  switch (what) {
    case 'bol':
      return at === 0 || (multiline && text[at - 1] === '\n');
    case 'eol':
      return at === text.length || (multiline && text[at] === '\n');
    case 'bufferStart':
      return at === 0;
    case 'bufferEnd':
      return at === text.length;
    case 'word':
      return before !== after;
    case 'notWord':
      return before === after;
    case 'wordStart':
      return !before && after;
    case 'wordEnd':
      return before && !after;
    case 'noWordBefore':
      return !before;
    case 'noWordAfter':
      return !after;
  }
}

/** The end of the longest match of `code` that begins at `start`, -1 for none. */
export function longestEnd(
  code: readonly Instruction[],
  text: string,
  start: number,
  multiline: boolean,
): number {
  let current: number[] = [];
  const seen = new Int32Array(code.length).fill(-1);
  let end = -1;
  const add = (list: number[], pc: number, at: number): void => {
    if (seen[pc] === at) return;
    seen[pc] = at;
    const instruction = code[pc];
    if (instruction === undefined) return;
    if (instruction.op === 'split') for (const to of instruction.to) add(list, to, at);
    else if (instruction.op === 'assert') {
      if (holds(instruction.what, text, at, multiline)) add(list, pc + 1, at);
    } else if (instruction.op === 'match') end = at;
    else list.push(pc);
  };
  add(current, 0, start);
  for (let at = start; current.length > 0 && at < text.length; at++) {
    const char = text.charCodeAt(at);
    const next: number[] = [];
    for (const pc of current) {
      const instruction = code[pc];
      if (instruction?.op === 'set' && instruction.members[char] === 1) add(next, pc + 1, at + 1);
    }
    current = next;
  }
  return end;
}
