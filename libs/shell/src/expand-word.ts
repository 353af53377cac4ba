/**
 * Word expansion: tilde, parameters, commands, arithmetic, splitting, pathnames, in bash's order.
 *
 * Callers: exec-simple (arguments), assignments, redirections, case, `[[`. Everything is awaited because a command
 * substitution may run a process; words without any expansion take no part in it (`WordIr.constant`).
 */
import { evaluate } from './arith.js';
import { expandParameter } from './expand-param.js';
import { globPaths } from './glob.js';
import type { Shell } from './shell.js';
import { FieldSink, PatternSink, RegexSink, TextSink, type Sink } from './sinks.js';
import type { Part, WordIr } from './word-ir.js';

/** Arguments: every word split and matched against the file system. */
export async function expandWords(sh: Shell, words: readonly WordIr[]): Promise<string[]> {
  const out: string[] = [];
  for (const word of words) {
    if (word.constant !== undefined) out.push(word.constant);
    else await expandFields(sh, word, out);
  }
  return out;
}

/** One word to any number of fields. */
export async function expandFields(sh: Shell, word: WordIr, out: string[]): Promise<void> {
  if (word.constant !== undefined) {
    out.push(word.constant);
    return;
  }
  if (word.alternatives !== undefined) {
    for (const alternative of word.alternatives) await expandFields(sh, alternative, out);
    return;
  }
  const sink = new FieldSink(sh.ifs());
  await expandParts(sh, word.parts, sink, false);
  for (const field of sink.end()) {
    if (!field.magic || sh.options.noglob) {
      out.push(field.text);
      continue;
    }
    const paths = globPaths(sh, field.pattern);
    if (paths.length > 0) out.push(...paths);
    else if (!sh.shopt.has('nullglob')) out.push(field.text);
  }
}

/** One word to one text: no splitting, no pathnames. */
export async function expandText(sh: Shell, word: WordIr): Promise<string> {
  if (word.constant !== undefined) return word.constant;
  return expandPartsText(sh, word.parts);
}

export async function expandPartsText(sh: Shell, parts: readonly Part[]): Promise<string> {
  const sink = new TextSink();
  await expandParts(sh, parts, sink, false);
  return sink.text;
}

/** One word to a pattern, its quoted characters behind backslashes. */
export async function expandPattern(sh: Shell, parts: readonly Part[]): Promise<string> {
  const sink = new PatternSink();
  await expandParts(sh, parts, sink, false);
  return sink.text;
}

/** One word to the source of a POSIX regular expression. */
export async function expandRegex(sh: Shell, parts: readonly Part[]): Promise<string> {
  const sink = new RegexSink();
  await expandParts(sh, parts, sink, false);
  return sink.text;
}

/** The value of an arithmetic text with its substitutions done. */
export async function expandArithmetic(
  sh: Shell,
  part: Part & { kind: 'arithmetic' },
): Promise<bigint> {
  const text = part.text ?? (await expandPartsText(sh, part.parts));
  return evaluate(text, sh.arith);
}

/**
 * Sends the expansion of some parts to a sink. `quoted`: inside double quotes. `operand`: the parts are the operand of
 * an unquoted `${x:-…}`, whose own unquoted text is split too.
 */
export async function expandParts(
  sh: Shell,
  parts: readonly Part[],
  sink: Sink,
  quoted: boolean,
  operand = false,
): Promise<void> {
  for (const part of parts) {
    switch (part.kind) {
      case 'literal':
        if (operand && part.form === 'bare') sink.value(part.text);
        else sink.literal(part.text, quoted ? 'quoted' : part.form);
        break;
      case 'double':
        await expandParts(sh, part.parts, sink, true);
        break;
      case 'tilde':
        sink.literal(tildePath(sh, part.user), 'quoted');
        break;
      case 'parameter':
        await expandParameter(sh, part.spec, sink, quoted);
        break;
      case 'command':
        emit(sink, await sh.runner.substitute(part.body), quoted);
        break;
      case 'arithmetic':
        emit(sink, (await expandArithmetic(sh, part)).toString(), quoted);
        break;
      case 'process':
        sink.quoted(sh.runner.processSubstitution(part.body, part.output));
    }
  }
}

function emit(sink: Sink, text: string, quoted: boolean): void {
  if (quoted) sink.quoted(text);
  else sink.value(text);
}

function tildePath(sh: Shell, user: string): string {
  if (user === '') return sh.vars.value('HOME') ?? '/root';
  if (user === '+') return sh.vars.value('PWD') ?? '~+';
  if (user === '-') return sh.vars.value('OLDPWD') ?? '~-';
  return user === 'root' ? '/root' : `~${user}`;
}
