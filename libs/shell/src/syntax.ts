/**
 * Text to statements, with errors as bash words them.
 *
 * Parsing itself is the `unbash` package; this file groups statements by complete line (bash runs the lines before the
 * one with the error), tells an unfinished text from a wrong one, and writes the messages.
 */
import {
  forEachChild,
  parse,
  type ParseError,
  type Script,
  type Statement,
  type SyntaxNode,
  type Word,
} from 'unbash';
import { skipOpaque } from './brace.js';
import { Source } from './source.js';

export interface SyntaxFailure {
  readonly line: number;
  readonly message: string;
  /** The offending line, which bash repeats under the message; undefined where it does not. */
  readonly lineText: string | undefined;
  /** More input might complete it. */
  readonly incomplete: boolean;
  /** `$?` after it; 2 unless given. */
  readonly status?: number;
}

export interface ParsedText {
  readonly source: Source;
  /** What may run: everything, or the complete lines before the error. */
  readonly statements: readonly Statement[];
  readonly failure: SyntaxFailure | undefined;
}

const CLOSER: readonly (readonly [string, string])[] = [
  ['unterminated double quote', '"'],
  ['unterminated single quote', "'"],
  ['unterminated ANSI-C quote', "'"],
  ['unterminated locale', '"'],
  ['unterminated backtick', '`'],
  ['unterminated command substitution', ')'],
  ['unterminated process substitution', ')'],
  ['unterminated parameter expansion', '}'],
  ['unterminated arithmetic', ')'],
  ['unterminated extended glob', ')'],
  ['unterminated array', ')'],
];

const OPERATORS = [
  '<<<',
  '<<-',
  '&>>',
  ';;&',
  '&&',
  '||',
  ';;',
  ';&',
  '|&',
  '>>',
  '<<',
  '>&',
  '<&',
  '<>',
  '>|',
  '&>',
  '|',
  '&',
  ';',
  '(',
  ')',
  '<',
  '>',
];

/** Parses a script or a line; never throws. */
export function parseText(text: string, firstLine = 1): ParsedText {
  const source = new Source(text, firstLine);
  const script = parse(text);
  if (script.errors === undefined && text.includes('$(')) {
    const nested = nestedError(script);
    if (nested !== undefined) {
      const parsed = fromScript(script, source, [nested]);
      return { ...parsed, failure: parsed.failure && { ...parsed.failure, status: 127 } };
    }
  }
  return fromScript(script, source, script.errors);
}

/** The statements of an already parsed substitution. */
export function fromScript(
  script: Script,
  source: Source,
  errors: readonly ParseError[] | undefined,
): ParsedText {
  const first = errors?.find(
    (error, at) => at === errors.length - 1 || !error.message.startsWith('expected command in '),
  );
  if (first === undefined) return { source, statements: script.commands, failure: undefined };
  const complete = completeBefore(script.commands, source.text, first.pos);
  const failure = describe(first, source);
  return {
    source,
    statements:
      failure.incomplete &&
      failure.lineText === undefined &&
      !failure.message.startsWith('unexpected EOF')
        ? complete.filter((statement) => statement !== script.commands.at(-1))
        : complete,
    failure,
  };
}

/** Whether a here-document still waits for its end, or the text ends in a backslash. */
export function isUnfinished(parsed: ParsedText): boolean {
  if (parsed.failure !== undefined) return parsed.failure.incomplete;
  const text = parsed.source.text;
  if (/(?:^|[^\\])(?:\\\\)*\\\n$/.test(text)) return true;
  return /<<-?/.test(text) && hasOpenHereDoc(parsed.statements);
}

/** Parses the text of one word, as brace expansion makes them. undefined for an empty word. */
export function parseWordText(text: string): Word | undefined {
  const statement = parse(`: ${text}`).commands[0];
  const command = statement?.command;
  if (command?.type !== 'Command') return undefined;
  const word = command.suffix[0];
  return word?.type === 'Word' ? word : undefined;
}

/** The first error within a `$( )` or `<( )`, which bash reads along with its line (backquotes only when they run). */
function nestedError(root: SyntaxNode): ParseError | undefined {
  let found: ParseError | undefined;
  forEachChild(root, (child) => {
    if (found !== undefined) return;
    if (child.type === 'Script') found = child.source === undefined ? child.errors?.[0] : undefined;
    if (child.type !== 'CommandExpansion' || !/^(?:`|\$\(\()/.test(child.text))
      found ??= nestedError(child);
  });
  return found;
}

function completeBefore(
  statements: readonly Statement[],
  text: string,
  errorPos: number,
): Statement[] {
  let keep = 0;
  for (let index = 0; index < statements.length; index++) {
    const statement = statements[index];
    if (statement === undefined || statement.end > errorPos) break;
    const next = statements[index + 1];
    const until = Math.min(next?.pos ?? errorPos, errorPos);
    if (text.slice(statement.end, until).includes('\n')) keep = index + 1;
  }
  return statements.slice(0, keep);
}

function describe(error: ParseError, source: Source): SyntaxFailure {
  const { text } = source;
  const closer = CLOSER.find(([start]) => error.message.startsWith(start));
  const lastLine = source.lineAt(text.length) + (text.endsWith('\n') ? 0 : 1);
  if (closer !== undefined) {
    const line =
      closer[1] === ')' && text[error.pos] === '$' && text[error.pos + 2] !== '('
        ? lastLine
        : source.lineAt(error.pos);
    return {
      line,
      message: `unexpected EOF while looking for matching \`${closer[1]}'`,
      lineText: undefined,
      incomplete: true,
    };
  }
  if (text[error.pos - 1] === '(' && text[error.pos - 2] === '=')
    return near('(', source, error.pos - 1);
  const empty = error.message.startsWith('expected command in ');
  const token = tokenAt(text, empty ? error.pos + 1 : error.pos);
  if (token === undefined) {
    const newline =
      error.message === 'expected redirect target' || /(?:^|[\s;&|])function\s*$/.test(text);
    if (newline) return near('newline', source, Math.max(0, text.trimEnd().length - 1));
    return {
      line: lastLine,
      message: 'syntax error: unexpected end of file',
      lineText: undefined,
      incomplete: true,
    };
  }
  return near(token.text, source, token.pos);
}

function near(token: string, source: Source, pos: number): SyntaxFailure {
  return {
    line: source.lineAt(pos),
    message: `syntax error near unexpected token \`${token}'`,
    lineText: source.lineText(pos),
    incomplete: false,
  };
}

function tokenAt(text: string, from: number): { text: string; pos: number } | undefined {
  let pos = from;
  for (;;) {
    while (pos < text.length && /[ \t\n]/.test(text[pos] ?? '')) {
      if (text[pos] === '\n' && text.slice(pos).trim() !== '') return { text: 'newline', pos };
      pos++;
    }
    if (text[pos] !== '#') break;
    const end = text.indexOf('\n', pos);
    if (end < 0) return undefined;
    pos = end;
  }
  if (pos >= text.length) return undefined;
  const operator = OPERATORS.find((candidate) => text.startsWith(candidate, pos));
  if (operator !== undefined) return { text: operator, pos };
  let end = pos;
  while (end < text.length && !/[ \t\n|&;()<>]/.test(text[end] ?? '')) {
    const skipped = skipOpaque(text, end);
    end = skipped > end ? Math.min(skipped, text.length) : end + 1;
  }
  return { text: text.slice(pos, end), pos };
}

function hasOpenHereDoc(node: unknown): boolean {
  if (Array.isArray(node)) return node.some(hasOpenHereDoc);
  if (typeof node !== 'object' || node === null) return false;
  const record = node as Readonly<Record<string, unknown>>;
  if (record['type'] === 'HereDoc') return record['closing'] === undefined;
  return Object.values(record).some(hasOpenHereDoc);
}
