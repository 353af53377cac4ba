/**
 * Words as the expander wants them: a short list of parts, compiled once per syntax node and kept.
 *
 * unbash AST word → {@link WordIr}; literal text is split into quoted and unquoted runs here, braces are expanded here
 * (they do not depend on any value), tildes are marked.
 */
import type {
  ParameterExpansionPart,
  ParameterOperation,
  Script,
  ParseError,
  Word,
  WordPart,
} from 'unbash';
import { expandBraces } from './brace.js';
import { Source } from './source.js';
import { parseWordText } from './syntax.js';

/** `bare`: unquoted text of the word itself; `escaped`: after a backslash; `quoted`: inside quotes. */
export type LiteralForm = 'bare' | 'escaped' | 'quoted';

export interface ScriptRef {
  readonly script: Script;
  readonly source: Source;
  readonly errors: readonly ParseError[] | undefined;
}

export type Part =
  | { readonly kind: 'literal'; readonly text: string; readonly form: LiteralForm }
  | { readonly kind: 'double'; readonly parts: readonly Part[] }
  | { readonly kind: 'parameter'; readonly spec: ParameterSpec }
  | { readonly kind: 'command'; readonly body: ScriptRef }
  | {
      readonly kind: 'arithmetic';
      readonly parts: readonly Part[];
      readonly text: string | undefined;
      readonly source: string;
    }
  | { readonly kind: 'process'; readonly body: ScriptRef; readonly output: boolean }
  | { readonly kind: 'tilde'; readonly user: string };

export interface WordIr {
  readonly parts: readonly Part[];
  /** The one field the word always gives, where nothing in it can expand. */
  readonly constant: string | undefined;
  /** Several words instead, after brace expansion. */
  readonly alternatives: readonly WordIr[] | undefined;
  readonly text: string;
}

export type Operation =
  | { readonly kind: 'default'; readonly operator: string; readonly operand: readonly Part[] }
  | {
      readonly kind: 'remove';
      readonly operator: '#' | '##' | '%' | '%%';
      readonly operand: readonly Part[];
    }
  | {
      readonly kind: 'replace';
      readonly operator: '/' | '//' | '/#' | '/%';
      readonly pattern: readonly Part[];
      readonly replacement: readonly Part[];
    }
  | {
      readonly kind: 'slice';
      readonly offset: readonly Part[];
      readonly length: readonly Part[] | undefined;
    }
  | {
      readonly kind: 'case';
      readonly operator: '^' | '^^' | ',' | ',,';
      readonly operand: readonly Part[] | undefined;
    }
  | { readonly kind: 'transform'; readonly operator: string }
  | { readonly kind: 'names'; readonly star: boolean }
  | { readonly kind: 'bad' };

export interface ParameterSpec {
  readonly name: string;
  readonly indirect: boolean;
  readonly length: boolean;
  /** `[@]`, `[*]`, or a subscript to expand. */
  readonly index: '@' | '*' | readonly Part[] | undefined;
  readonly operation: Operation | undefined;
  readonly text: string;
}

type Mode = 'word' | 'assignment' | 'double' | 'pattern' | 'text';

const cache = new WeakMap<object, WordIr>();

/** Compiles an argument, redirection target or similar: braces, tilde, everything. */
export function wordIr(word: Word, source: Source): WordIr {
  return cached(word, source, 'word');
}

/** Compiles the right side of an assignment: no braces, tildes also after colons. */
export function assignmentIr(word: Word, source: Source): WordIr {
  return cached(word, source, 'assignment');
}

/** Compiles a word without braces or tilde rules beyond the first character (case words, patterns, `[[`). */
export function textIr(word: Word, source: Source): WordIr {
  return cached(word, source, 'text');
}

function cached(word: Word, source: Source, mode: Mode): WordIr {
  let ir = cache.get(word);
  if (ir === undefined) {
    ir = compile(word, source, mode);
    cache.set(word, ir);
  }
  return ir;
}

function compile(word: Word, source: Source, mode: Mode): WordIr {
  if (mode === 'word' && word.parts?.some((part) => part.type === 'BraceExpansion') === true) {
    const line = source.lineAt(word.pos);
    const alternatives = expandBraces(word.text).flatMap((text) => {
      if (text === '') return [];
      if (text.startsWith('#')) return [constantIr(text)];
      const parsed = parseWordText(text);
      return parsed === undefined ? [] : [compile(parsed, new Source(`: ${text}`, line), 'text')];
    });
    return { parts: [], constant: undefined, alternatives, text: word.text };
  }
  const parts = wordParts(word, source, mode);
  return { parts, constant: constantOf(parts), alternatives: undefined, text: word.text };
}

function constantIr(text: string): WordIr {
  return {
    parts: [{ kind: 'literal', text, form: 'quoted' }],
    constant: text,
    alternatives: undefined,
    text,
  };
}

function constantOf(parts: readonly Part[]): string | undefined {
  let out = '';
  for (const part of parts) {
    if (part.kind === 'double') {
      const inner = constantOf(part.parts);
      if (inner === undefined) return undefined;
      out += inner;
    } else if (part.kind !== 'literal' || (part.form === 'bare' && /[*?[]|[+@!]\(/.test(part.text)))
      return undefined;
    else out += part.text;
  }
  return parts.length === 0 ? undefined : out;
}

/** The parts of a word. */
export function wordParts(word: Word, source: Source, mode: Mode): Part[] {
  const out: Part[] = [];
  if (word.parts === undefined) {
    if (mode === 'double') out.push({ kind: 'literal', text: word.value, form: 'quoted' });
    else bareText(word.text, out);
  } else {
    for (const part of word.parts) convert(part, source, mode, out);
  }
  if (mode !== 'double' && mode !== 'pattern')
    markTildes(
      out,
      mode === 'assignment' || (mode === 'word' && /^[A-Za-z_][A-Za-z0-9_]*=/.test(word.text)),
    );
  return out;
}

/** The parts of a here-document body; leading tabs removed for `<<-`. */
export function hereDocParts(
  parts: readonly WordPart[],
  source: Source,
  stripTabs: boolean,
): Part[] {
  const out: Part[] = [];
  let lineStart = true;
  for (const part of parts) {
    if (part.type === 'Literal' && stripTabs) {
      let text = part.value.replace(/\n\t+/g, '\n');
      if (lineStart) text = text.replace(/^\t+/, '');
      out.push({ kind: 'literal', text, form: 'quoted' });
      lineStart = text.endsWith('\n');
    } else {
      convert(part, source, 'double', out);
      lineStart = part.type === 'Literal' && part.text.endsWith('\n');
    }
  }
  return out;
}

function bareText(text: string, out: Part[]): void {
  let run = '';
  const flush = (): void => {
    if (run !== '') out.push({ kind: 'literal', text: run, form: 'bare' });
    run = '';
  };
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char !== '\\') {
      run += char;
      continue;
    }
    at++;
    const next = text[at];
    if (next === '\n') continue;
    flush();
    if (next === undefined) run = '\\';
    else out.push({ kind: 'literal', text: next, form: 'escaped' });
  }
  flush();
}

function convert(part: WordPart, source: Source, mode: Mode, out: Part[]): void {
  switch (part.type) {
    case 'Literal':
      if (mode === 'double') out.push({ kind: 'literal', text: part.value, form: 'quoted' });
      else bareText(part.text, out);
      return;
    case 'SingleQuoted':
    case 'AnsiCQuoted':
      out.push({ kind: 'literal', text: part.value, form: 'quoted' });
      return;
    case 'DoubleQuoted':
    case 'LocaleString': {
      const inner: Part[] = [];
      for (const child of part.parts) convert(child, source, 'double', inner);
      if (inner.length === 0) out.push({ kind: 'literal', text: '', form: 'quoted' });
      else out.push({ kind: 'double', parts: inner });
      return;
    }
    case 'Glob':
      if (part.kind !== 'bracket') out.push({ kind: 'literal', text: part.text, form: 'bare' });
      else {
        out.push({ kind: 'literal', text: '[', form: 'bare' });
        for (const child of part.parts) convert(child, source, mode, out);
        out.push({ kind: 'literal', text: ']', form: 'bare' });
      }
      return;
    case 'ExtendedGlob':
      out.push({ kind: 'literal', text: `${part.operator}(`, form: 'bare' });
      if (part.parts === undefined) bareText(part.pattern, out);
      else for (const child of part.parts) convert(child, source, mode, out);
      out.push({ kind: 'literal', text: ')', form: 'bare' });
      return;
    case 'BraceExpansion':
      bareText(part.text, out);
      return;
    case 'SimpleExpansion':
      out.push({
        kind: 'parameter',
        spec: {
          name: part.text.slice(1),
          indirect: false,
          length: false,
          index: undefined,
          operation: undefined,
          text: part.text,
        },
      });
      return;
    case 'ParameterExpansion':
      out.push({ kind: 'parameter', spec: parameterSpec(part, source, mode === 'double') });
      return;
    case 'CommandExpansion':
      out.push({ kind: 'command', body: scriptRef(part.script, source) });
      return;
    case 'ProcessSubstitution':
      out.push({
        kind: 'process',
        body: scriptRef(part.script, source),
        output: part.operator === '>',
      });
      return;
    case 'ArithmeticExpansion':
      out.push(
        arithmeticPart(
          part.text.startsWith('$((') ? part.text.slice(3, -2) : part.text.slice(2, -1),
          source.lineAt(part.pos),
        ),
      );
  }
}

/** An arithmetic text: expanded as if in double quotes, then evaluated. */
export function arithmeticPart(body: string, line: number): Part & { kind: 'arithmetic' } {
  if (!/[$`\\"']/.test(body)) return { kind: 'arithmetic', parts: [], text: body, source: body };
  return {
    kind: 'arithmetic',
    parts: doubleQuotedParts(body.replaceAll('"', ''), line),
    text: undefined,
    source: body,
  };
}

/** The parts of a text that is not in the syntax tree, read as if it stood in double quotes. */
export function doubleQuotedParts(text: string, line: number): Part[] {
  const holder = parseWordText(`"${text.replace(/"/g, '\\"')}"`);
  if (holder === undefined) return [];
  return wordParts(holder, new Source(`: "${text}"`, line), 'text');
}

function scriptRef(
  script: (Script & { readonly errors?: readonly ParseError[] | undefined }) | undefined,
  source: Source,
): ScriptRef {
  const body = script ?? {
    type: 'Script' as const,
    pos: 0,
    end: 0,
    shebang: undefined,
    commands: [],
    errors: undefined,
  };
  const own = body.source === undefined ? source : new Source(body.source, source.firstLine);
  return { script: body, source: own, errors: body.errors };
}

function parameterSpec(
  part: ParameterExpansionPart,
  source: Source,
  quoted: boolean,
): ParameterSpec {
  const index = part.index;
  return {
    name: part.parameter,
    indirect: part.prefix === '!',
    length: part.prefix === '#',
    index:
      index === undefined
        ? undefined
        : index.text === '@' || index.text === '*'
          ? index.text
          : wordParts(index, source, 'pattern'),
    operation: part.operation === undefined ? undefined : operation(part.operation, source, quoted),
    text: part.text,
  };
}

function operation(from: ParameterOperation, source: Source, quoted: boolean): Operation {
  switch (from.type) {
    case 'Default':
      return {
        kind: 'default',
        operator: from.operator,
        operand: wordParts(from.operand, source, quoted ? 'double' : 'text'),
      };
    case 'Remove':
      return {
        kind: 'remove',
        operator: from.operator,
        operand: wordParts(from.operand, source, 'pattern'),
      };
    case 'Replace':
      return {
        kind: 'replace',
        operator: from.operator,
        pattern: wordParts(from.pattern, source, 'pattern'),
        replacement: wordParts(from.replacement, source, 'text'),
      };
    case 'Slice': {
      const length = from.length;
      return {
        kind: 'slice',
        offset: [arithmeticPart(from.offset.text, source.lineAt(from.pos))],
        length:
          length === undefined ? undefined : [arithmeticPart(length.text, source.lineAt(from.pos))],
      };
    }
    case 'CaseModification':
      return {
        kind: 'case',
        operator: from.operator,
        operand:
          from.operand === undefined ? undefined : wordParts(from.operand, source, 'pattern'),
      };
    case 'Transform':
      return { kind: 'transform', operator: from.operand.text };
    case 'Names':
      return { kind: 'names', star: from.operator === '*' };
    case 'Unknown':
      return { kind: 'bad' };
  }
}

/** Turns a leading unquoted `~name` (and in assignments one after a colon) into a tilde part. */
function markTildes(parts: Part[], assignment: boolean): void {
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at];
    if (part?.kind !== 'literal' || part.form !== 'bare' || (at > 0 && !assignment)) continue;
    const pattern = assignment
      ? /(^|:|^[A-Za-z_][A-Za-z0-9_]*=)~([A-Za-z0-9_.+-]*)(?=[/:]|$)/
      : /^()~([A-Za-z0-9_.+-]*)(?=\/|$)/;
    const match = pattern.exec(part.text);
    if (match === null || (match[1] === '' && at > 0)) continue;
    const end = match.index + match[0].length;
    if (end === part.text.length && at + 1 < parts.length) continue;
    const before = part.text.slice(0, match.index) + (match[1] ?? '');
    const replacement: Part[] = [{ kind: 'tilde', user: match[2] ?? '' }];
    if (before !== '') replacement.unshift({ kind: 'literal', text: before, form: 'bare' });
    if (end < part.text.length)
      replacement.push({ kind: 'literal', text: part.text.slice(end), form: 'bare' });
    parts.splice(at, 1, ...replacement);
    at += replacement.length - (end < part.text.length ? 2 : 1);
    if (!assignment) return;
  }
}
