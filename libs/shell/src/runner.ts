/**
 * The interpreter as expansions and builtins call it: command and process substitution, `eval`, `source`, traps.
 */
import { readAll } from '@netloom/sys';
import type { Program } from '@netloom/sys';
import { fromBytes } from './bytes.js';
import { argumentText, dispatch } from './exec-simple.js';
import { runNode, runParsed } from './exec.js';
import { spawnSubshell } from './exec-pipeline.js';
import { expandFields } from './expand-word.js';
import { closeQuietly } from './redirect.js';
import type { Runner, Shell } from './shell.js';
import { fromScript, parseText } from './syntax.js';
import { type ScriptRef, wordIr } from './word-ir.js';
import { KernelError, strerror } from '@netloom/base';

/** Connects a shell (and its copies) to the interpreter. */
export function attachRunner(sh: Shell, main: Program): void {
  sh.runner = makeRunner(sh, main);
}

function makeRunner(sh: Shell, main: Program): Runner {
  return {
    main,
    forShell: (copy) => makeRunner(copy, main),
    substitute: (body) => substitute(sh, body),
    processSubstitution: (body, output) => processSubstitution(sh, body, output),
    runText: (text, kind, firstLine) => runText(sh, text, kind, firstLine),
    runWords: (words, how) =>
      dispatch(sh, {
        args: words,
        words: words.map(argumentText),
        assignments: [],
        redirects: [],
        text: words.join(' '),
        tail: false,
        how,
      }),
  };
}

async function substitute(sh: Shell, body: ScriptRef): Promise<string> {
  const file = await readWholeFile(sh, body);
  if (file !== undefined) return file;
  const [reader, writer] = sh.sys.pipe();
  const fds = sh.inheritableFds();
  fds.delete(reader);
  fds.delete(writer);
  fds.set(1, writer);
  const pid = spawnSubshell(sh, (copy) => runBody(copy, body), { fds });
  const child = sh.jobs.track(pid);
  sh.sys.close(writer);
  sh.sys.setCloexec(reader, true);
  sh.internalFds.add(reader);
  const outer = sh.traps.foreground;
  sh.traps.foreground = true;
  let bytes: Uint8Array;
  try {
    bytes = await readAll(sh.sys, reader);
    await sh.jobs.settle(child);
  } finally {
    sh.traps.foreground = outer;
    sh.internalFds.delete(reader);
    closeQuietly(sh, reader);
  }
  sh.jobs.drop(child);
  sh.substitutionStatus = child.status;
  sh.status = child.status;
  if (child.signal === 2 && sh.traps.interrupted && !sh.interactive) await sh.traps.die(2);
  return withoutNewlines(sh, fromBytes(bytes));
}

async function runBody(copy: Shell, body: ScriptRef): Promise<number> {
  copy.traceDepth++;
  if (!copy.shopt.has('inherit_errexit')) copy.options.errexit = false;
  copy.errexitOff = 0;
  return runParsed(
    copy,
    fromScript(body.script, body.source, body.errors),
    true,
    `${copy.shellName()}: ${copy.isCommandString ? 'command substitution: ' : ''}`,
  );
}

/** Command substitution drops NULs (with a warning) and trailing newlines. */
async function withoutNewlines(sh: Shell, text: string): Promise<string> {
  let out = text;
  if (out.includes('\0')) {
    await sh.error('warning: command substitution: ignored null byte in input');
    out = out.replaceAll('\0', '');
  }
  let end = out.length;
  while (end > 0 && out.charCodeAt(end - 1) === 10) end--;
  return out.slice(0, end);
}

/** `$(<file)` needs no process. */
async function readWholeFile(sh: Shell, body: ScriptRef): Promise<string | undefined> {
  const command = body.script.commands.length === 1 ? body.script.commands[0]?.command : undefined;
  if (command?.type !== 'Command' || command.name !== undefined || command.prefix.length !== 1)
    return undefined;
  const redirect = command.prefix[0];
  if (
    redirect?.type !== 'Redirect' ||
    redirect.operator !== '<' ||
    redirect.descriptor !== undefined ||
    redirect.target === undefined
  )
    return undefined;
  const fields: string[] = [];
  await expandFields(sh, wordIr(redirect.target, body.source), fields);
  const path = fields[0];
  if (path === undefined || fields.length > 1) return undefined;
  try {
    const fd = sh.sys.open(path, 0);
    try {
      sh.substitutionStatus = 0;
      return await withoutNewlines(sh, fromBytes(await readAll(sh.sys, fd)));
    } finally {
      sh.sys.close(fd);
    }
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    await sh.error(`${path}: ${strerror(error.errno)}`);
    sh.substitutionStatus = 1;
    return '';
  }
}

function processSubstitution(sh: Shell, body: ScriptRef, output: boolean): string {
  const [reader, writer] = sh.sys.pipe();
  const [own, theirs] = output ? [writer, reader] : [reader, writer];
  const fds = sh.inheritableFds();
  fds.delete(reader);
  fds.delete(writer);
  fds.set(output ? 0 : 1, theirs);
  const pid = spawnSubshell(sh, (copy) => runBody(copy, body), { fds });
  sh.jobs.track(pid);
  sh.sys.close(theirs);
  let target = 63;
  const open = new Set(sh.sys.openFds());
  while (open.has(target)) target--;
  sh.sys.dup2(own, target);
  sh.sys.close(own);
  sh.processFds.push(target);
  return `/dev/fd/${target}`;
}

async function runText(
  sh: Shell,
  text: string,
  kind: 'eval' | 'source' | 'trap',
  firstLine?: number,
): Promise<number> {
  const parsed = parseText(text, firstLine ?? (kind === 'eval' || kind === 'trap' ? sh.line() : 1));
  const file = sh.frames.at(-1)?.file ?? (sh.scriptFile === '' ? sh.shellName() : sh.scriptFile);
  const prefix =
    kind === 'source' ? `${file}: ` : `${sh.shellName()}: ${kind === 'eval' ? 'eval: ' : ''}`;
  if (kind !== 'source') sh.traceDepth += kind === 'eval' ? 1 : 0;
  try {
    if (parsed.failure === undefined && parsed.statements.length === 1 && kind === 'eval') {
      const [only] = parsed.statements;
      if (only !== undefined && only.background !== true) {
        const { source, pos } = sh;
        sh.source = parsed.source;
        try {
          return await runNode(sh, only.command, false);
        } finally {
          sh.source = source;
          sh.pos = pos;
        }
      }
    }
    if (parsed.statements.length === 0 && parsed.failure === undefined)
      return kind === 'trap' ? sh.status : 0;
    return await runParsed(sh, parsed, false, prefix);
  } finally {
    if (kind === 'eval') sh.traceDepth--;
  }
}
