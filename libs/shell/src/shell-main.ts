/**
 * The program `bash` (also `sh`, `dash`): arguments, environment, and which of the ways to read commands applies.
 *
 * `-c TEXT`, a script file, standard input line by line, or the interactive loop.
 */
import { KernelError, strerror } from '@netloom/base';
import { readAll, type Program, type Sys } from '@netloom/sys';
import { setOption } from './builtins/options.js';
import { fromBytes } from './bytes.js';
import { finishShell, runParsed } from './exec.js';
import { runInteractive } from './interactive.js';
import { isOptionName, optionOfLetter } from './options.js';
import { DEFAULT_PATH, searchCommand } from './path-lookup.js';
import { readInputLine } from './read-line.js';
import { attachRunner } from './runner.js';
import { Shell } from './shell.js';
import { exists, sourceIfThere } from './startup.js';
import { isUnfinished, parseText } from './syntax.js';

const VERSION = `GNU bash, version 5.2.15(1)-release (x86_64-pc-linux-gnu)
Netloom's own implementation of the language and its builtins.
`;

const USAGE = `Usage:	bash [GNU long option] [option] ...
	bash [GNU long option] [option] script-file ...
Shell options:
	-ilrsD or -c command or -O shopt_option		(invocation only)
	-abefhkmnptuvxBCEHPT or -o option
`;

interface Invocation {
  readonly command: string | undefined;
  readonly script: string | undefined;
  readonly args: readonly string[];
  readonly login: boolean;
  readonly interactive: boolean;
  readonly fromStdin: boolean;
}

/** Entry point. */
export const shellMain: Program = async (sys) => {
  const sh = new Shell();
  sh.attach(sys);
  attachRunner(sh, shellMain);
  const arg0 = sys.argv[0] ?? 'bash';
  sh.arg0 = arg0;
  sh.isDash = /(?:^|\/)(?:sh|dash)$/.test(arg0);
  sh.shellPid = sys.pid;
  sh.dynamic.startNs = sys.now();
  importEnvironment(sh);
  const invocation = await parseArguments(sh, sys.argv.slice(1));
  if (typeof invocation === 'number') return invocation;
  sh.isLogin = invocation.login || arg0.startsWith('-');
  if (sh.isLogin) sh.shopt.add('login_shell');
  return finishShell(sh, () => start(sh, sys, invocation));
};

async function start(sh: Shell, sys: Sys, invocation: Invocation): Promise<number> {
  if (invocation.command !== undefined) {
    const [name, ...rest] = invocation.args;
    if (name !== undefined) sh.arg0 = name;
    sh.positional = rest;
    sh.isCommandString = true;
    sh.interactive = invocation.interactive;
    sh.traps.start();
    if (sh.isLogin) await sourceIfThere(sh, '/etc/profile');
    return runParsed(
      sh,
      parseText(invocation.command),
      true,
      sh.interactive ? `${sh.shellName()}: ` : `${sh.shellName()}: -c: `,
    );
  }
  if (invocation.script !== undefined) {
    sh.traps.start();
    return runScript(sh, invocation.script, invocation.args);
  }
  sh.positional = [...invocation.args];
  if (invocation.interactive || (sys.isatty(0) && sys.isatty(2))) {
    sh.interactive = true;
    return runInteractive(sh);
  }
  sh.traps.start();
  return runStandardInput(sh);
}

function importEnvironment(sh: Shell): void {
  for (const [name, value] of sh.sys.env) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) continue;
    const variable = sh.vars.ensure(name);
    variable.value = value;
    variable.exported = true;
  }
  if (sh.vars.value('PATH') === undefined) sh.vars.set('PATH', DEFAULT_PATH);
  const level = Number(sh.vars.value('SHLVL') ?? '0');
  sh.vars.set('SHLVL', String((Number.isInteger(level) ? level : 0) + 1));
  sh.vars.ensure('SHLVL').exported = true;
  sh.vars.set('PWD', workingDirectory(sh));
  sh.vars.ensure('PWD').exported = true;
  sh.vars.ensure('OLDPWD').exported = true;
  if (sh.vars.value('HOME') === undefined) sh.vars.set('HOME', '/root');
  sh.vars.set('IFS', ' \t\n');
  sh.vars.set('OPTIND', '1');
  sh.vars.set('OPTERR', '1');
  sh.vars.set('PS4', '+ ');
  sh.lastArg = sh.sys.argv[0] ?? 'bash';
}

/** `$PWD` if it names the working directory, else the kernel's answer. */
function workingDirectory(sh: Shell): string {
  const claimed = sh.vars.value('PWD');
  try {
    if (claimed?.startsWith('/') === true && sh.sys.stat(claimed).ino === sh.sys.stat('.').ino)
      return claimed;
  } catch {
    // a stale PWD: ask the kernel below
  }
  return sh.sys.getcwd();
}

async function parseArguments(sh: Shell, words: readonly string[]): Promise<Invocation | number> {
  let at = 0;
  let command = false;
  let login = false;
  let interactive = false;
  let fromStdin = false;
  for (; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--' || word === '-') {
      at++;
      break;
    }
    if (word.startsWith('--')) {
      if (word === '--version') {
        await sh.out(VERSION, 'bash');
        return 0;
      }
      if (word === '--help') {
        await sh.out(`GNU bash, version 5.2.15(1)-release-(x86_64-pc-linux-gnu)\n${USAGE}`, 'bash');
        return 0;
      }
      if (word === '--login') login = true;
      else if (word === '--posix') sh.options.posix = true;
      else if (word === '--rcfile' || word === '--init-file') at++;
      else if (
        !['--norc', '--noprofile', '--noediting', '--verbose', '--debugger'].includes(word)
      ) {
        await sh.err(`${sh.arg0}: ${word}: invalid option\n${USAGE}`);
        return 2;
      }
      continue;
    }
    if (!/^[-+]./.test(word)) break;
    const on = word.startsWith('-');
    for (const letter of word.slice(1)) {
      if (letter === 'c') command = true;
      else if (letter === 'l') login = true;
      else if (letter === 'i') interactive = true;
      else if (letter === 's') fromStdin = true;
      else if (letter === 'o' || letter === 'O') {
        const name = words[++at] ?? '';
        if (letter === 'O') {
          if (on) sh.shopt.add(name);
          else sh.shopt.delete(name);
        } else if (isOptionName(name)) setOption(sh, name, on);
        else {
          await sh.err(`${sh.arg0}: ${name}: invalid option name\n`);
          return 2;
        }
      } else {
        const name = optionOfLetter(letter);
        if (name === undefined) {
          await sh.err(`${sh.arg0}: ${word.charAt(0)}${letter}: invalid option\n${USAGE}`);
          return 2;
        }
        setOption(sh, name, on);
      }
    }
  }
  const rest = words.slice(at);
  const base = { login, interactive, fromStdin };
  if (command) {
    const [text, ...args] = rest;
    if (text === undefined) {
      await sh.err(`${sh.arg0}: -c: option requires an argument\n`);
      return 2;
    }
    return { ...base, command: text, script: undefined, args };
  }
  const [script, ...args] = rest;
  if (script === undefined || fromStdin)
    return { ...base, command: undefined, script: undefined, args: rest };
  return { ...base, command: undefined, script, args };
}

async function runScript(sh: Shell, name: string, args: readonly string[]): Promise<number> {
  let path = name;
  if (!name.includes('/') && !exists(sh, name))
    path = searchCommand(sh, name, undefined)[0] ?? name;
  let bytes: Uint8Array;
  try {
    const fd = sh.sys.open(path, 0);
    try {
      if (sh.sys.fstat(fd).type === 'dir') throw new KernelError('EISDIR');
      bytes = await readAll(sh.sys, fd);
    } finally {
      sh.sys.close(fd);
    }
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    const isDirectory = error.code === 'EISDIR';
    await sh.err(
      `${sh.arg0}: ${isDirectory ? `${name}: ` : `${name}: `}${strerror(error.errno)}\n`,
    );
    return isDirectory || error.code === 'EACCES' ? 126 : 127;
  }
  const text = fromBytes(bytes);
  if (text.slice(0, 80).split('\n')[0]?.includes('\0') === true) {
    await sh.err(`${sh.arg0}: ${name}: cannot execute binary file\n`);
    return 126;
  }
  sh.arg0 = name;
  sh.scriptFile = name;
  sh.positional = [...args];
  return runParsed(sh, parseText(text), true, `${name}: `);
}

/** Commands from a pipe or file, a line at a time, so that they may read the rest themselves. */
async function runStandardInput(sh: Shell): Promise<number> {
  let pending = '';
  let line = 1;
  let first = 1;
  for (;;) {
    const text = await readInputLine(sh, 0);
    if (text === undefined) break;
    line++;
    pending += `${text}\n`;
    const parsed = parseText(pending, first);
    if (isUnfinished(parsed)) continue;
    pending = '';
    first = line;
    if (sh.options.verbose) await sh.err(`${text}\n`);
    await runParsed(sh, parsed, false, `${sh.shellName()}: `);
    if (sh.unwind !== null) return sh.status;
    if (parsed.failure !== undefined) return 2;
  }
  if (pending !== '') await runParsed(sh, parseText(pending, first), false, `${sh.shellName()}: `);
  return sh.status;
}
