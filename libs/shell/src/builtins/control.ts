/** Control flow and running text: `:` true false exit return break continue eval source shift exec. */
import { KernelError, strerror } from '@netloom/base';
import { readAll } from '@netloom/sys';
import { fromBytes } from '../bytes.js';
import type { Shell } from '../shell.js';
import type { Builtin } from './types.js';

const zero: Builtin = () => 0;

/** A status argument: undefined after reporting a bad one. */
async function statusArgument(
  sh: Shell,
  name: string,
  word: string | undefined,
): Promise<number | undefined> {
  if (word === undefined) return sh.status;
  if (/^\s*[-+]?\d+\s*$/.test(word)) return Number(BigInt.asUintN(8, BigInt(word.trim())));
  await sh.error(`${name}: ${word}: numeric argument required`);
  return undefined;
}

const exit: Builtin = async (sh, _args, words) => {
  if (sh.interactive && !sh.isSubshell) {
    await sh.err(sh.isLogin ? 'logout\n' : 'exit\n');
    if (!sh.exitWarned && sh.jobs.list().some((job) => sh.jobs.stateOf(job) === 'stopped')) {
      sh.exitWarned = true;
      await sh.err('There are stopped jobs.\n');
      return 1;
    }
  }
  const status = await statusArgument(sh, 'exit', words[1]);
  if (words.length > 2 && status !== undefined) return sh.fail('exit', 'too many arguments');
  sh.unwind = { kind: 'exit', levels: 0 };
  sh.status = status ?? 2;
  return sh.status;
};

const returnBuiltin: Builtin = async (sh, _args, words) => {
  if (words.length > 2 && /^\s*[-+]?\d+\s*$/.test(words[1] ?? ''))
    return sh.fail('return', 'too many arguments');
  const status = await statusArgument(sh, 'return', words[1]);
  if (sh.frames.length === 0)
    return sh.fail('return', "can only `return' from a function or sourced script", 2);
  sh.unwind = { kind: 'return', levels: 0 };
  sh.status = status ?? 2;
  return sh.status;
};

function loopExit(kind: 'break' | 'continue'): Builtin {
  return async (sh, _args, words) => {
    if (sh.loopDepth === 0) {
      await sh.error(`${kind}: only meaningful in a \`for', \`while', or \`until' loop`);
      return 0;
    }
    const word = words[1] ?? '1';
    if (!/^[-+]?\d+$/.test(word)) {
      await sh.error(`${kind}: ${word}: numeric argument required`);
      sh.unwind = { kind: 'exit', levels: 0 };
      sh.status = 128;
      return 128;
    }
    const levels = Number(word);
    if (levels < 1) {
      sh.unwind = { kind: 'break', levels: sh.loopDepth };
      return sh.fail(kind, `${word}: loop count out of range`);
    }
    sh.unwind = { kind, levels: Math.min(levels, sh.loopDepth) };
    sh.status = 0;
    return 0;
  };
}

const evalBuiltin: Builtin = (sh, _args, words) =>
  sh.runner.runText(words.slice(words[1] === '--' ? 2 : 1).join(' '), 'eval');

const source: Builtin = async (sh, _args, words) => {
  const name = words[0] ?? '.';
  const file = words[1] === '--' ? words[2] : words[1];
  if (file === undefined) {
    await sh.error(`${name}: filename argument required`);
    await sh.err(`${name}: usage: ${name} filename [arguments]\n`);
    return 2;
  }
  let text: string;
  try {
    text = await readScript(sh, file);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    await sh.error(
      `${error.code === 'EISDIR' ? `${name}: ` : ''}${file}: ${error.code === 'EISDIR' ? 'is a directory' : strerror(error.errno)}`,
    );
    return 1;
  }
  const { positional, loopDepth } = sh;
  const args = words.slice(words[1] === '--' ? 3 : 2);
  if (args.length > 0) sh.positional = args;
  sh.frames.push({ name: 'source', callLine: sh.line(), file, isFunction: false });
  sh.loopDepth = 0;
  try {
    const status = await sh.runner.runText(text, 'source', 1);
    if (sh.unwind?.kind === 'return') {
      sh.unwind = null;
      return sh.status;
    }
    return status;
  } finally {
    sh.frames.pop();
    sh.loopDepth = loopDepth;
    if (args.length > 0) sh.positional = positional;
  }
};

async function readScript(sh: Shell, file: string): Promise<string> {
  const candidates = file.includes('/')
    ? [file]
    : [
        ...(sh.vars.value('PATH') ?? '').split(':').map((directory) => `${directory}/${file}`),
        file,
      ];
  for (const path of candidates) {
    try {
      if (path !== file && sh.sys.stat(path).type !== 'file') continue;
    } catch {
      continue;
    }
    const fd = sh.sys.open(path, 0);
    try {
      if (sh.sys.fstat(fd).type === 'dir') throw new KernelError('EISDIR');
      return fromBytes(await readAll(sh.sys, fd));
    } finally {
      sh.sys.close(fd);
    }
  }
  const fd = sh.sys.open(file, 0);
  try {
    return fromBytes(await readAll(sh.sys, fd));
  } finally {
    sh.sys.close(fd);
  }
}

const caller: Builtin = (sh, _args, words) => {
  const level = Number(words[1] ?? '0');
  const frame = sh.frames.at(-1 - level);
  if (frame === undefined) return 1;
  const outer = sh.frames.at(-2 - level);
  if (words[1] === undefined)
    return sh.out(
      `${frame.callLine} ${outer?.file ?? (sh.scriptFile === '' ? 'NULL' : sh.scriptFile)}\n`,
      'caller',
    );
  if (outer === undefined && sh.scriptFile === '') return 1;
  return sh.out(
    `${frame.callLine} ${outer?.name ?? 'main'} ${outer?.file ?? sh.scriptFile}\n`,
    'caller',
  );
};

const shift: Builtin = (sh, _args, words) => {
  const word = words[1] ?? '1';
  if (!/^[-+]?\d+$/.test(word)) return sh.fail('shift', `${word}: numeric argument required`);
  if (words.length > 2) return sh.fail('shift', 'too many arguments');
  const count = Number(word);
  if (count < 0) return sh.fail('shift', `${word}: shift count out of range`);
  if (count > sh.positional.length) return 1;
  sh.positional = sh.positional.slice(count);
  return 0;
};

export const controlBuiltins: Readonly<Record<string, Builtin>> = {
  ':': zero,
  true: zero,
  false: () => 1,
  exit,
  logout: (sh, args, words) =>
    sh.isLogin ? exit(sh, args, words) : sh.fail('logout', "not login shell: use `exit'"),
  caller,
  return: returnBuiltin,
  break: loopExit('break'),
  continue: loopExit('continue'),
  eval: evalBuiltin,
  source,
  '.': source,
  shift,
  exec: zero,
};
