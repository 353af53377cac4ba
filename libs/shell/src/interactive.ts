/**
 * The interactive loop: start-up files, prompt, reading (with the line editor on a terminal), running, job notices.
 *
 * With a terminal on standard input the shell leads its process group and hands the terminal to each foreground job.
 */
import { Signal } from '@netloom/sys';
import { expandAliases } from './alias-expand.js';
import { completeLine } from './completion.js';
import { runParsed } from './exec.js';
import { giveTerminal } from './exec-pipeline.js';
import { expandPartsText } from './expand-word.js';
import { expandHistory } from './history-expand.js';
import { type EditResult, LineEditor } from './line-editor.js';
import { expandPrompt } from './prompt.js';
import { readInputLine } from './read-line.js';
import type { Shell } from './shell.js';
import { exists, sourceIfThere } from './startup.js';
import { isUnfinished, type ParsedText, parseText } from './syntax.js';
import { doubleQuotedParts } from './word-ir.js';

export async function runInteractive(sh: Shell): Promise<number> {
  await prepare(sh);
  for (;;) {
    await sh.jobs.notify();
    const command = await readCommand(sh);
    if (command === 'interrupt') {
      sh.status = 130;
      continue;
    }
    if (command === 'eof') {
      if (!(await leave(sh))) continue;
      return sh.status;
    }
    await runParsed(sh, command, false, `${sh.shellName()}: `);
    const { unwind } = sh;
    sh.unwind = null;
    sh.errexitOff = 0;
    if (unwind?.kind === 'interrupt') await sh.err('\n');
    if (unwind?.kind === 'exit') return sh.status;
  }
}

async function prepare(sh: Shell): Promise<void> {
  const { sys } = sh;
  const terminal = sys.isatty(0);
  sh.options.histexpand = true;
  sh.options.history = true;
  sh.options.emacs = terminal;
  sh.shopt.add('expand_aliases');
  if (terminal) {
    sh.jobControl = true;
    sh.options.monitor = true;
  }
  sh.traps.start();
  if (terminal) {
    const group = sys.getpgid(0);
    if (group !== sys.pid) {
      try {
        sys.setpgid(0, 0);
      } catch {
        // a session leader already leads its group
      }
    }
    giveTerminal(sh, sys.getpgid(0));
  } else {
    await sh.err(
      `${sh.shellName()}: cannot set terminal process group (${sys.getpgid(0)}): Inappropriate ioctl for device\n${sh.shellName()}: no job control in this shell\n`,
    );
  }
  setDefault(sh, 'PS1', '\\u@\\h:\\w\\$ ');
  setDefault(sh, 'PS2', '> ');
  if (sh.isLogin) {
    await sourceIfThere(sh, '/etc/profile');
    for (const name of ['.bash_profile', '.bash_login', '.profile']) {
      const path = `${sh.vars.value('HOME') ?? ''}/${name}`;
      if (exists(sh, path)) {
        await sourceIfThere(sh, path);
        break;
      }
    }
  } else {
    await sourceIfThere(sh, '/etc/bash.bashrc');
    await sourceIfThere(sh, `${sh.vars.value('HOME') ?? ''}/.bashrc`);
  }
}

function setDefault(sh: Shell, name: string, value: string): void {
  if (sh.vars.value(name) === undefined) sh.vars.set(name, value);
}

/** End of input: false where stopped jobs hold the shell back once. */
async function leave(sh: Shell): Promise<boolean> {
  const stopped = sh.jobs.list().filter((job) => sh.jobs.stateOf(job) === 'stopped');
  await sh.err(sh.isLogin ? 'logout\n' : 'exit\n');
  if (stopped.length === 0) return true;
  if (!sh.exitWarned) {
    sh.exitWarned = true;
    await sh.err('There are stopped jobs.\n');
    return false;
  }
  for (const job of stopped) {
    if (job.pgid === undefined) continue;
    sh.sys.kill(-job.pgid, Signal.SIGHUP);
    sh.sys.kill(-job.pgid, Signal.SIGCONT);
  }
  return true;
}

/** Reads lines until they form whole commands. */
async function readCommand(sh: Shell): Promise<ParsedText | 'eof' | 'interrupt'> {
  const hook = sh.vars.value('PROMPT_COMMAND');
  if (hook !== undefined && hook !== '') {
    const { status } = sh;
    await sh.runner.runText(hook, 'trap');
    sh.status = status;
  }
  let text = '';
  for (let prompt = 'PS1'; ; prompt = 'PS2') {
    const result = await readLine(sh, await promptText(sh, prompt));
    if (result.kind === 'interrupt') return 'interrupt';
    if (result.kind === 'eof') {
      if (text === '') return 'eof';
      return parseText(text);
    }
    let line = result.text;
    if (sh.options.histexpand) {
      const expanded = expandHistory(line, sh.history);
      if (expanded.text === undefined) {
        await sh.err(`${sh.shellName()}: ${expanded.missing}: event not found\n`);
        return 'interrupt';
      }
      if (expanded.changed) await sh.err(`${expanded.text}\n`);
      line = expanded.text;
    }
    remember(sh, line, text !== '');
    text += `${line}\n`;
    const parsed = parseText(expandAliases(sh, text));
    if (!isUnfinished(parsed)) return parsed;
  }
}

/** Adds to the history: a continued command stays one entry. */
function remember(sh: Shell, line: string, continued: boolean): void {
  const last = sh.history.at(-1);
  if (continued && last !== undefined) {
    const joint = /(?:\b(?:do|then|else|elif|in)|[{(|&;]|\\)$/.test(last) ? ' ' : '; ';
    sh.history[sh.history.length - 1] = last.replace(/\\$/, '') + joint + line;
  } else if (line.trim() !== '' && !line.startsWith(' ') && line !== last) sh.history.push(line);
  if (sh.history.length > 1000) sh.history.shift();
}

async function promptText(sh: Shell, name: string): Promise<string> {
  const raw = sh.vars.value(name) ?? '';
  const text = expandPrompt(sh, raw);
  if (!/[$`]/.test(raw.replace(/\\\$/g, ''))) return text;
  return expandPartsText(sh, doubleQuotedParts(text, 1));
}

async function readLine(sh: Shell, prompt: string): Promise<EditResult> {
  if (!sh.sys.isatty(0)) {
    await sh.err(prompt);
    const line = await readInputLine(sh, 0);
    return line === undefined ? { kind: 'eof' } : { kind: 'line', text: line };
  }
  sh.sys.ttyRaw(0, true);
  try {
    return await new LineEditor(sh, prompt, (before) => completeLine(sh, before)).read();
  } finally {
    sh.sys.ttyRaw(0, false);
    sh.traps.interrupted = false;
  }
}
