/**
 * The interpreter: lists, and-or lists, compound commands; errexit and traps between them.
 *
 * shell-main → {@link runParsed} → {@link runNode} → exec-simple, exec-pipeline, exec-compound. A node's runner returns
 * its status; `break`, `continue`, `return` and `exit` set `sh.unwind`, which every list looks at after each command.
 */
import type { AndOr, CommandNode, CompoundList, PipelineNode, Statement } from 'unbash';
import { ShellError } from './errors.js';
import { runArithmeticFor, runCase, runFor, runIf, runSelect, runWhile } from './exec-compound.js';
import { runPipeline, runSubshell, sourceText, startBackground } from './exec-pipeline.js';
import { runSimple, trace } from './exec-simple.js';
import { startCoprocess } from './coproc.js';
import { evaluate } from './arith.js';
import { expandArithmetic } from './expand-word.js';
import { redirectForGood, redirectShell } from './redirect.js';
import type { Shell } from './shell.js';
import { parseText, type ParsedText } from './syntax.js';
import { expandAliases } from './alias-expand.js';
import { runTestCommand } from './test-command.js';
import { tick } from './tick.js';
import { arithmeticPart } from './word-ir.js';

export type AnyNode = PipelineNode | AndOr | CompoundList | CommandNode;

/**
 * Runs parsed text at the top level: an error discards its line only, a syntax error is reported after the lines before
 * it. `tail`: the process ends with it.
 */
export async function runParsed(
  sh: Shell,
  parsed: ParsedText,
  tail: boolean,
  errorPrefix: string,
): Promise<number> {
  const outer = { source: sh.source, pos: sh.pos };
  sh.source = parsed.source;
  try {
    const { statements } = parsed;
    let discarded = false;
    for (let at = 0; at < statements.length; at++) {
      const statement = statements[at];
      if (statement === undefined) continue;
      const newLine =
        at === 0 ||
        parsed.source.text.slice(statements[at - 1]?.end ?? 0, statement.pos).includes('\n');
      if ((discarded && !newLine) || (sh.options.noexec && !sh.interactive)) continue;
      discarded = false;
      if (newLine && sh.aliases.size > 0 && !sh.interactive && sh.shopt.has('expand_aliases')) {
        const done = await runAliased(sh, parsed, at, errorPrefix);
        if (done > 0) {
          at += done - 1;
          if (sh.unwind !== null) return sh.status;
          continue;
        }
      }
      try {
        const last = tail && parsed.failure === undefined && at === statements.length - 1;
        sh.status = await runStatement(sh, statement, last);
      } catch (error) {
        if (!(error instanceof ShellError)) throw error;
        await reportShellError(sh, error);
        discarded = true;
      }
      if (sh.unwind !== null) return sh.status;
    }
    const { failure } = parsed;
    if (failure !== undefined) {
      if (sh.isDash) {
        await sh.err(`${sh.arg0}: ${failure.line}: Syntax error: ${dashSyntax(failure.message)}\n`);
        sh.status = 2;
        return 2;
      }
      const interactive = sh.interactive && sh.frames.length === 0;
      await sh.err(
        `${errorPrefix}${interactive ? '' : `line ${failure.line}: `}${failure.message}\n`,
      );
      if (failure.lineText !== undefined && !interactive)
        await sh.err(`${errorPrefix}line ${failure.line}: \`${failure.lineText}'\n`);
      sh.status = failure.status ?? 2;
    }
    return sh.status;
  } finally {
    sh.source = outer.source;
    sh.pos = outer.pos;
  }
}

/** dash's words for a syntax error. */
function dashSyntax(message: string): string {
  const token = /`(.*)'$/.exec(message)?.[1];
  if (message.startsWith('unexpected EOF')) return 'Unterminated quoted string';
  return token === undefined
    ? 'end of file unexpected'
    : `${token === 'newline' ? token : `"${token}"`} unexpected`;
}

/** Runs the line that starts at a statement with its aliases expanded; returns how many statements that was, 0 for none. */
async function runAliased(
  sh: Shell,
  parsed: ParsedText,
  first: number,
  errorPrefix: string,
): Promise<number> {
  const { statements, source } = parsed;
  let last = first;
  while (
    statements[last + 1] !== undefined &&
    !source.text.slice(statements[last]?.end, statements[last + 1]?.pos).includes('\n')
  )
    last++;
  const from = statements[first]?.pos ?? 0;
  const text = source.text.slice(from, statements[last]?.end);
  const expanded = expandAliases(sh, text);
  if (expanded === text) return 0;
  await runParsed(sh, parseText(expanded, source.lineAt(from)), false, errorPrefix);
  return last - first + 1;
}

/** Prints a failed expansion and sets `$?`; ends a shell that is not interactive where the error is that grave. */
export async function reportShellError(sh: Shell, error: ShellError): Promise<void> {
  if (error.message !== '') await sh.error(error.message); // else reported where it arose
  sh.status = error.status;
  if (error.scope === 'exit' && !sh.interactive) sh.unwind = { kind: 'exit', levels: 0 };
}

/** Runs a shell process to its end: the body, waiting traps, the EXIT trap. Returns the exit status. */
export async function finishShell(sh: Shell, body: () => Promise<number>): Promise<number> {
  try {
    sh.status = await body();
  } catch (error) {
    if (!(error instanceof ShellError)) throw error;
    await reportShellError(sh, error);
  }
  const status = sh.status;
  return (await sh.traps.exitTrap(status)) & 255;
}

/** One statement, in the background where it ends in `&`; then whatever traps wait. */
async function runStatement(sh: Shell, statement: Statement, tail: boolean): Promise<number> {
  let status = 0;
  if (statement.background === true) {
    sh.pos = statement.pos;
    await tick(sh);
    await startBackground(sh, statement.command);
  } else status = await runNode(sh, statement.command, tail);
  sh.status = status;
  if (sh.traps.hasPending) {
    await sh.traps.runPending();
    return sh.status;
  }
  return status;
}

export async function runList(sh: Shell, list: CompoundList, tail: boolean): Promise<number> {
  const { commands } = list;
  let status = 0;
  for (let at = 0; at < commands.length; at++) {
    const statement = commands[at];
    if (statement === undefined) continue;
    status = await runStatement(sh, statement, tail && at === commands.length - 1);
    if (sh.unwind !== null) return sh.status;
  }
  return status;
}

/** Runs any node; returns its status. `tail`: the process has nothing left to do after it. */
export async function runNode(sh: Shell, node: AnyNode, tail: boolean): Promise<number> {
  switch (node.type) {
    case 'Command': {
      const trapped = sh.traps.get('ERR') !== undefined;
      return single(sh, await guard(sh, () => runSimple(sh, node, tail)), trapped);
    }
    case 'Pipeline': {
      sh.negated = false;
      const status = await runPipeline(sh, node, tail);
      const { negated } = sh;
      sh.negated = false;
      if (node.commands.length < 2) sh.pipeStatus = [status];
      return negated || sh.unwind !== null || node.commands.length < 2 ? status : check(sh, status);
    }
    case 'AndOr':
      return runAndOr(sh, node, tail);
    case 'CompoundList':
      return runList(sh, node, tail);
    case 'BraceGroup':
      return runList(sh, node.body, false);
    case 'Subshell':
      sh.pos = node.pos;
      await tick(sh);
      if (tail && inPlace(sh)) return runList(sh, node.body, true);
      return single(sh, await runSubshell(sh, node, [], () => sourceText(sh, node)));
    case 'Redirected': {
      const { command } = node;
      if (command.type === 'Subshell') {
        sh.pos = node.pos;
        await tick(sh);
        if (tail && inPlace(sh)) {
          await redirectForGood(sh, node.redirects);
          return runList(sh, command.body, true);
        }
        return single(
          sh,
          await runSubshell(sh, command, node.redirects, () => sourceText(sh, node)),
        );
      }
      let undo: () => void;
      try {
        sh.pos = node.pos;
        undo = await redirectShell(sh, node.redirects);
      } catch (error) {
        if (!(error instanceof ShellError) || error.scope !== 'command') throw error;
        await sh.error(error.message);
        return single(sh, error.status);
      }
      try {
        return await runNode(sh, command, false);
      } finally {
        undo();
      }
    }
    case 'If':
      return runIf(sh, node);
    case 'For':
      return runFor(sh, node);
    case 'ArithmeticFor':
      return runArithmeticFor(sh, node);
    case 'Select':
      return runSelect(sh, node);
    case 'While':
      return runWhile(sh, node);
    case 'Case':
      return runCase(sh, node);
    case 'TestCommand':
      sh.pos = node.pos;
      await tick(sh);
      return single(sh, await guard(sh, () => runTestCommand(sh, node)));
    case 'ArithmeticCommand':
      sh.pos = node.pos;
      await tick(sh);
      return single(sh, await guard(sh, () => runArithmeticCommand(sh, node.body)));
    case 'Function':
      sh.functions.set(node.name.value, {
        name: node.name.value,
        body: node.body,
        source: sh.source,
        file: sh.scriptFile === '' ? 'environment' : sh.scriptFile,
      });
      return 0;
    case 'Coproc':
      return startCoprocess(sh, node);
  }
}

/** Whether `( )` at the end of a process that is a subshell already needs no process of its own. */
function inPlace(sh: Shell): boolean {
  if (!sh.isSubshell || sh.traps.any || sh.jobControl) return false;
  sh.subshellDepth++;
  return true;
}

/** Errors that fail one command only. */
async function guard(sh: Shell, run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof ShellError) || error.scope !== 'command') throw error;
    await sh.error(error.message);
    return error.status;
  }
}

/** After a command that is not a pipeline: PIPESTATUS, errexit. */
function single(sh: Shell, status: number, trapped = true): number | Promise<number> {
  sh.pipeStatus = [status];
  return status === 0 || sh.unwind !== null ? status : check(sh, status, trapped);
}

/** The ERR trap (not one that the command itself has set: `trapped`) and `set -e`. */
async function check(sh: Shell, status: number, trapped = true): Promise<number> {
  if (status === 0 || sh.errexitOff > 0) return status;
  sh.status = status;
  if (
    trapped &&
    sh.traps.get('ERR') !== undefined &&
    (sh.options.errtrace || !sh.frames.some((frame) => frame.isFunction))
  )
    await sh.traps.run('ERR');
  if (sh.options.errexit && sh.unwind === null) sh.unwind = { kind: 'exit', levels: 0 };
  return status;
}

async function runAndOr(sh: Shell, node: AndOr, tail: boolean): Promise<number> {
  let status = 0;
  const last = node.commands.length - 1;
  for (let at = 0; at <= last; at++) {
    const operator = at === 0 ? undefined : node.operators[at - 1];
    if (operator === '&&' && status !== 0) continue;
    if (operator === '||' && status === 0) continue;
    const command = node.commands[at];
    if (command === undefined) continue;
    if (at < last) sh.errexitOff++;
    try {
      status = await runNode(sh, command, tail && at === last);
    } finally {
      if (at < last) sh.errexitOff--;
    }
    sh.status = status;
    if (sh.unwind !== null) return sh.status;
  }
  return status;
}

async function runArithmeticCommand(sh: Shell, body: string): Promise<number> {
  if (sh.options.xtrace) await trace(sh, `(( ${body} ))`);
  try {
    const part = arithmeticCommandPart(sh, body);
    const value =
      part.text === undefined ? await expandArithmetic(sh, part) : evaluate(part.text, sh.arith);
    return value === 0n ? 1 : 0;
  } catch (error) {
    if (!(error instanceof ShellError) || error.scope === 'exit') throw error;
    await sh.error(`((: ${error.message}`);
    return 1;
  }
}

type ArithmeticPart = ReturnType<typeof arithmeticPart>;

const arithmeticParts = new Map<string, ArithmeticPart>();

function arithmeticCommandPart(sh: Shell, body: string): ArithmeticPart {
  const known = arithmeticParts.get(body);
  if (known !== undefined) return known;
  const part = arithmeticPart(body, sh.line());
  if (arithmeticParts.size > 1000) arithmeticParts.clear();
  arithmeticParts.set(body, part);
  return part;
}
