/**
 * Simple commands: assignments, expansion, redirections, then a function, a builtin or a program.
 *
 * Programs are spawned directly with their descriptors; as the last command of a process (`tail`) they replace it, so
 * that a signal sent to the process reaches the program itself, as bash's own optimisation has it.
 */
import type { Command, Redirection } from 'unbash';
import { Errno, KernelError, strerror } from '@netloom/base';
import {
  assign,
  type AssignmentIr,
  compileAssignment,
  resolveAssignment,
  type ResolvedAssignment,
  traceAssignment,
} from './assign.js';
import { builtins, type Argument } from './builtins/index.js';
import { callFunction } from './exec-function.js';
import { expandFields, expandPartsText } from './expand-word.js';
import { ShellError } from './errors.js';
import { waitForeground } from './exec-pipeline.js';
import { findCommand } from './path-lookup.js';
import { expandPrompt } from './prompt.js';
import { quoteIfNeeded } from './quote.js';
import { closeQuietly, redirectChild, redirectForGood, redirectShell } from './redirect.js';
import type { Shell } from './shell.js';
import { tick } from './tick.js';
import { doubleQuotedParts, type WordIr, wordIr } from './word-ir.js';

interface CommandIr {
  readonly assignments: readonly AssignmentIr[];
  /** Words, and the assignments that are arguments of declaration builtins. */
  readonly words: readonly (WordIr | AssignmentIr)[];
  readonly redirects: readonly Redirection[];
  readonly text: string;
}

const cache = new WeakMap<Command, CommandIr>();

function compile(sh: Shell, node: Command): CommandIr {
  let ir = cache.get(node);
  if (ir === undefined) {
    const { source } = sh;
    const words: (WordIr | AssignmentIr)[] =
      node.name === undefined ? [] : [wordIr(node.name, source)];
    for (const argument of node.args)
      words.push(
        argument.type === 'Assignment'
          ? compileAssignment(argument, source)
          : wordIr(argument, source),
      );
    ir = {
      assignments: node.prefix.flatMap((item) =>
        item.type === 'Assignment' ? [compileAssignment(item, source)] : [],
      ),
      words,
      redirects: node.redirects,
      text: source.text.slice(node.pos, node.end),
    };
    cache.set(node, ir);
  }
  return ir;
}

/** Runs one simple command; `tail`: nothing follows it in this process. */
export async function runSimple(sh: Shell, node: Command, tail: boolean): Promise<number> {
  sh.pos = node.pos;
  await tick(sh);
  if (
    sh.traps.get('DEBUG') !== undefined &&
    (sh.options.functrace || !sh.frames.some((frame) => frame.isFunction))
  ) {
    await sh.traps.run('DEBUG');
  }
  const ir = compile(sh, node);
  sh.substitutionStatus = undefined;
  if (sh.traps.depth === 0) sh.commandText = ir.text;
  const firstProcessFd = sh.processFds.length;
  try {
    const args = await expandArguments(sh, ir);
    const name = args[0];
    if (name === undefined) return await runAssignments(sh, ir);
    const resolved: ResolvedAssignment[] = [];
    for (const assignment of ir.assignments) resolved.push(await resolveAssignment(sh, assignment));
    if (sh.options.xtrace) await traceCommand(sh, resolved, args);
    const words = args.map(argumentText);
    const status = await dispatch(sh, {
      args,
      words,
      assignments: resolved,
      redirects: ir.redirects,
      text: ir.text,
      tail,
      how: 'any',
    });
    sh.lastArg = words.at(-1) ?? '';
    return status;
  } finally {
    if (sh.processFds.length > firstProcessFd)
      for (const fd of sh.processFds.splice(firstProcessFd)) closeQuietly(sh, fd);
  }
}

/** The words as text, for messages and programs. */
export function argumentText(argument: Argument): string {
  if (typeof argument === 'string') return argument;
  const { name, index, append, scalar } = argument;
  return `${name}${index === undefined ? '' : `[${index}]`}${append ? '+=' : '='}${scalar ?? ''}`;
}

async function expandArguments(sh: Shell, ir: CommandIr): Promise<Argument[]> {
  const out: Argument[] = [];
  for (const word of ir.words) {
    if ('parts' in word) {
      if (word.constant !== undefined) out.push(word.constant);
      else await expandFields(sh, word, out as string[]);
    } else out.push(await resolveAssignment(sh, word));
  }
  return out;
}

async function runAssignments(sh: Shell, ir: CommandIr): Promise<number> {
  for (const assignment of ir.assignments) {
    const resolved = await resolveAssignment(sh, assignment);
    if (sh.options.xtrace) await trace(sh, traceAssignment(resolved));
    assign(sh, resolved);
  }
  if (ir.redirects.length > 0) {
    try {
      (await redirectShell(sh, ir.redirects))();
    } catch (error) {
      return reportRedirect(sh, error);
    }
  }
  return sh.substitutionStatus ?? 0;
}

export interface Invocation {
  readonly args: readonly Argument[];
  readonly words: readonly string[];
  readonly assignments: readonly ResolvedAssignment[];
  readonly redirects: readonly Redirection[];
  readonly text: string;
  readonly tail: boolean;
  readonly how: 'any' | 'no-function' | 'builtin';
}

/** Finds out what a command name means and runs it. */
export async function dispatch(sh: Shell, call: Invocation): Promise<number> {
  const name = call.words[0] ?? '';
  const fn = call.how === 'any' ? sh.functions.get(name) : undefined;
  const builtin = fn === undefined ? builtins.get(name) : undefined;
  if (fn === undefined && builtin === undefined) {
    if (call.how === 'builtin') return sh.fail('builtin', `${name}: not a shell builtin`);
    return runProgram(sh, call);
  }
  if (name === 'exec' && builtin !== undefined) return runExec(sh, call);
  let undo: (() => void) | undefined;
  if (call.redirects.length > 0) {
    try {
      undo = await redirectShell(sh, call.redirects);
    } catch (error) {
      return reportRedirect(sh, error);
    }
  }
  const scoped = call.assignments.length > 0;
  if (scoped) await pushAssignments(sh, call.assignments);
  try {
    if (fn !== undefined) return await callFunction(sh, fn, call.words.slice(1));
    return builtin === undefined ? 0 : await builtin(sh, call.args, call.words);
  } catch (error) {
    if (error instanceof ShellError && error.scope === 'command') {
      await sh.error(`${name}: ${error.message}`);
      return error.status;
    }
    throw error;
  } finally {
    if (scoped) sh.vars.popScope();
    undo?.();
  }
}

/** `x=1 command`: variables for the duration of a function or builtin. */
async function pushAssignments(sh: Shell, all: readonly ResolvedAssignment[]): Promise<void> {
  const assignments = await writable(sh, all);
  const before = assignments.map(({ name, append }) => (append ? (sh.vars.value(name) ?? '') : ''));
  const scope = sh.vars.pushScope('command');
  assignments.forEach(({ name, scalar }, at) => {
    const variable = sh.vars.declareIn(scope, name);
    variable.value = (before[at] ?? '') + (scalar ?? '');
    variable.exported = true;
  });
}

/** The assignments to variables that are not read-only; the others are reported. */
async function writable(
  sh: Shell,
  assignments: readonly ResolvedAssignment[],
): Promise<ResolvedAssignment[]> {
  const out: ResolvedAssignment[] = [];
  for (const assignment of assignments) {
    if (sh.vars.raw(assignment.name)?.readonly === true)
      await sh.error(`${assignment.name}: readonly variable`);
    else out.push(assignment);
  }
  return out;
}

async function reportRedirect(sh: Shell, error: unknown): Promise<number> {
  if (error instanceof ShellError && error.scope === 'command') {
    await sh.error(error.message);
    return error.status;
  }
  throw error;
}

async function environmentOf(
  sh: Shell,
  call: Invocation,
  path: string,
): Promise<Map<string, string>> {
  const env = sh.vars.environment();
  for (const { name, scalar, append } of await writable(sh, call.assignments))
    env.set(name, (append ? (sh.vars.value(name) ?? '') : '') + (scalar ?? ''));
  env.set('_', path);
  return env;
}

async function runProgram(sh: Shell, call: Invocation): Promise<number> {
  const name = call.words[0] ?? '';
  const replace = call.tail && !sh.traps.any && !sh.jobControl;
  const temporaryPath = call.assignments.find((assignment) => assignment.name === 'PATH')?.scalar;
  const path = findCommand(sh, name, temporaryPath);
  if (replace) {
    try {
      await redirectForGood(sh, call.redirects);
    } catch (error) {
      return reportRedirect(sh, error);
    }
    if (path === undefined) return notFound(sh, name);
    return replaceProcess(sh, path, call.words, await environmentOf(sh, call, path));
  }
  const fds = sh.inheritableFds();
  let opened: number[];
  try {
    opened = await redirectChild(sh, call.redirects, fds);
  } catch (error) {
    return reportRedirect(sh, error);
  }
  let pid: number;
  try {
    if (path === undefined) return await withStderr(sh, fds, () => notFound(sh, name));
    const env = await environmentOf(sh, call, path);
    const pgid = sh.jobControl ? { pgid: 0 } : {};
    try {
      pid = sh.sys.spawn({ program: path, argv: call.words, env, fds, ...pgid });
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      if (error.errno !== Errno.ENOEXEC)
        return await withStderr(sh, fds, () => cannotRun(sh, path, error));
      pid = sh.sys.spawn({
        program: sh.runner.main,
        argv: [sh.arg0, path, ...call.words.slice(1)],
        env,
        fds,
        ...pgid,
      });
    }
  } finally {
    for (const fd of opened) closeQuietly(sh, fd);
  }
  const [status = 0] = await waitForeground(sh, [sh.jobs.track(pid)], () => call.text);
  return status;
}

/** Runs something with the standard error that a command would have had. */
async function withStderr(
  sh: Shell,
  fds: ReadonlyMap<number, number>,
  body: () => Promise<number>,
): Promise<number> {
  const own = fds.get(2);
  if (own === undefined || own === 2) return body();
  const copy = sh.sys.dup(2, 10);
  sh.sys.dup2(own, 2);
  try {
    return await body();
  } finally {
    sh.sys.dup2(copy, 2);
    sh.sys.close(copy);
  }
}

async function notFound(sh: Shell, name: string): Promise<number> {
  const handler = sh.functions.get('command_not_found_handle');
  if (handler !== undefined) return callFunction(sh, handler, [name]);
  if (sh.isDash) await sh.error(`${name}: not found`);
  else if (name.includes('/') || (sh.vars.value('PATH') ?? '') === '')
    await sh.error(`${name}: No such file or directory`);
  else await sh.error(`${name}: command not found`);
  return 127;
}

async function cannotRun(sh: Shell, path: string, error: KernelError): Promise<number> {
  if (error.errno === Errno.ENOENT) {
    const exists = kindOf(sh, path) !== undefined;
    await sh.error(
      `${path}: ${exists ? 'cannot execute: required file not found' : 'No such file or directory'}`,
    );
    return 127;
  }
  if (kindOf(sh, path) === 'dir') await sh.error(`${path}: Is a directory`);
  else await sh.error(`${path}: ${strerror(error.errno)}`);
  return 126;
}

function kindOf(sh: Shell, path: string): string | undefined {
  try {
    return sh.sys.stat(path).type;
  } catch {
    return undefined;
  }
}

async function replaceProcess(
  sh: Shell,
  path: string,
  argv: readonly string[],
  env: Map<string, string>,
): Promise<number> {
  for (const fd of sh.internalFds) closeQuietly(sh, fd);
  sh.internalFds.clear();
  try {
    return await sh.sys.exec(path, argv, env);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    if (error.errno !== Errno.ENOEXEC) return cannotRun(sh, path, error);
    return sh.sys.exec(sh.runner.main, [sh.arg0, path, ...argv.slice(1)], env);
  }
}

/** `exec`: redirections for good, or the shell's replacement. */
async function runExec(sh: Shell, call: Invocation): Promise<number> {
  let words = call.words.slice(1);
  let zero: string | undefined;
  let clear = false;
  while (words[0]?.startsWith('-') === true && words[0] !== '-') {
    const option = words[0];
    if (option === '--') {
      words = words.slice(1);
      break;
    }
    if (option === '-a') {
      zero = words[1];
      words = words.slice(2);
    } else if (option === '-c' || option === '-l') {
      clear ||= option === '-c';
      words = words.slice(1);
    } else
      return sh.fail(
        'exec',
        `${option}: invalid option\nexec: usage: exec [-cl] [-a name] [command [argument ...]] [redirection ...]`,
        2,
      );
  }
  try {
    await redirectForGood(sh, call.redirects);
  } catch (error) {
    return reportRedirect(sh, error);
  }
  const name = words[0];
  if (name === undefined) {
    for (const assignment of call.assignments) assign(sh, assignment);
    return 0;
  }
  const path = findCommand(sh, name, undefined);
  const leave = (status: number): number => {
    if (!sh.interactive && !sh.shopt.has('execfail')) sh.unwind = { kind: 'exit', levels: 0 };
    return status;
  };
  if (path === undefined) {
    await sh.error(
      name.includes('/') ? `${name}: No such file or directory` : `exec: ${name}: not found`,
    );
    return leave(127);
  }
  const env = clear ? new Map<string, string>() : await environmentOf(sh, call, path);
  return leave(
    await replaceProcess(sh, path, zero === undefined ? words : [zero, ...words.slice(1)], env),
  );
}

async function traceCommand(
  sh: Shell,
  assignments: readonly ResolvedAssignment[],
  args: readonly Argument[],
): Promise<void> {
  for (const assignment of assignments) await trace(sh, traceAssignment(assignment));
  await trace(
    sh,
    args
      .map((argument) =>
        typeof argument === 'string' ? quoteIfNeeded(argument) : traceAssignment(argument),
      )
      .join(' '),
  );
}

/** One line of `set -x`. */
export async function trace(sh: Shell, text: string): Promise<void> {
  const raw = sh.vars.value('PS4') ?? '+ ';
  let prompt = /\\/.test(raw) ? expandPrompt(sh, raw) : raw;
  if (/[$`]/.test(prompt)) {
    sh.options.xtrace = false;
    prompt = await expandPartsText(sh, doubleQuotedParts(prompt, sh.line()));
    sh.options.xtrace = true;
  }
  await sh.err(`${prompt.charAt(0).repeat(sh.traceDepth)}${prompt.slice(1)}${text}\n`);
}
