/** umask, ulimit, times, getopts, history. */
import { minutes } from '../times.js';
import type { Shell } from '../shell.js';
import type { Builtin } from './types.js';

const umask: Builtin = async (sh, _args, words) => {
  const rest = words.slice(1).filter((word) => !/^-[Sp]+$/.test(word));
  const flags = words
    .slice(1)
    .filter((word) => /^-[Sp]+$/.test(word))
    .join('');
  const current = sh.sys.umask(0o22);
  sh.sys.umask(current);
  const [mode] = rest;
  if (mode === undefined) {
    const octal = current.toString(8).padStart(4, '0');
    if (flags.includes('S'))
      return sh.out(`${flags.includes('p') ? 'umask -S ' : ''}${symbolic(current)}\n`, 'umask');
    return sh.out(`${flags.includes('p') ? 'umask ' : ''}${octal}\n`, 'umask');
  }
  if (/^\d+$/.test(mode)) {
    if (!/^[0-7]+$/.test(mode) || parseInt(mode, 8) > 0o777)
      return sh.fail('umask', `${mode}: octal number out of range`);
    sh.sys.umask(parseInt(mode, 8));
    return 0;
  }
  let allowed = ~current & 0o777;
  for (const clause of mode.split(',')) {
    const match = /^([ugoa]*)([-+=])([rwx]*)$/.exec(clause);
    if (match === null)
      return sh.fail('umask', `\`${clause.charAt(0)}': invalid symbolic mode operator`);
    const [, who = '', operator, what = ''] = match;
    const bits =
      (what.includes('r') ? 4 : 0) | (what.includes('w') ? 2 : 0) | (what.includes('x') ? 1 : 0);
    const shifts =
      who === '' || who.includes('a')
        ? [6, 3, 0]
        : [
            who.includes('u') ? 6 : -1,
            who.includes('g') ? 3 : -1,
            who.includes('o') ? 0 : -1,
          ].filter((shift) => shift >= 0);
    for (const shift of shifts) {
      if (operator === '+') allowed |= bits << shift;
      else if (operator === '-') allowed &= ~(bits << shift);
      else allowed = (allowed & ~(7 << shift)) | (bits << shift);
    }
  }
  sh.sys.umask(~allowed & 0o777);
  return 0;
};

function symbolic(mask: number): string {
  const part = (shift: number): string =>
    ['r', 'w', 'x'].filter((_letter, at) => (mask & ((4 >> at) << shift)) === 0).join('');
  return `u=${part(6)},g=${part(3)},o=${part(0)}`;
}

/** Letter, what it is, unit, value: the limits of a Debian process. Accepted and remembered; nothing enforces them. */
const LIMITS: readonly (readonly [string, string, string, string])[] = [
  ['R', 'real-time non-blocking time', 'microseconds', 'unlimited'],
  ['c', 'core file size', 'blocks', '0'],
  ['d', 'data seg size', 'kbytes', 'unlimited'],
  ['e', 'scheduling priority', '', '0'],
  ['f', 'file size', 'blocks', 'unlimited'],
  ['i', 'pending signals', '', '15482'],
  ['l', 'max locked memory', 'kbytes', '8192'],
  ['m', 'max memory size', 'kbytes', 'unlimited'],
  ['n', 'open files', '', '1024'],
  ['p', 'pipe size', '512 bytes', '8'],
  ['q', 'POSIX message queues', 'bytes', '819200'],
  ['r', 'real-time priority', '', '0'],
  ['s', 'stack size', 'kbytes', '8192'],
  ['t', 'cpu time', 'seconds', 'unlimited'],
  ['u', 'max user processes', '', '15482'],
  ['v', 'virtual memory', 'kbytes', 'unlimited'],
  ['x', 'file locks', '', 'unlimited'],
];

const ulimit: Builtin = async (sh, _args, words) => {
  let letters = '';
  let value: string | undefined;
  for (const word of words.slice(1)) {
    if (/^-[A-Za-z]+$/.test(word)) letters += word.slice(1);
    else value = word;
  }
  letters = letters.replace(/[HS]/g, '');
  const show = (row: readonly [string, string, string, string]): string =>
    sh.limits.get(row[0]) ?? row[3];
  if (letters.includes('a')) {
    let out = '';
    for (const row of LIMITS)
      out += `${row[1].padEnd(20)}${`(${row[2] === '' ? '' : `${row[2]}, `}-${row[0]})`.padStart(20)} ${show(row)}\n`;
    return sh.out(out, 'ulimit');
  }
  if (letters === '') letters = 'f';
  let status = 0;
  for (const letter of letters) {
    const row = LIMITS.find(([own]) => own === letter);
    if (row === undefined) {
      await sh.error(`ulimit: -${letter}: invalid option`);
      await sh.err('ulimit: usage: ulimit [-SHabcdefiklmnpqrstuvxPRT] [limit]\n');
      return 2;
    }
    if (value === undefined) status = await sh.out(`${show(row)}\n`, 'ulimit');
    else if (!/^(?:\d+|unlimited|hard|soft)$/.test(value))
      return sh.fail('ulimit', `${value}: invalid number`);
    else if (value !== 'hard' && value !== 'soft') sh.limits.set(letter, value);
  }
  return status;
};

const times: Builtin = (sh) => {
  const zero = minutes(0, 3);
  return sh.out(`${minutes(sh.cpuNs, 3)} ${zero}\n${zero} ${zero}\n`, 'times');
};

const getopts: Builtin = async (sh, _args, words) => {
  const [, spec, name] = words;
  if (spec === undefined || name === undefined) {
    await sh.err('getopts: usage: getopts optstring name [arg ...]\n');
    return 2;
  }
  const args = words.length > 3 ? words.slice(3) : sh.positional;
  let index = Number(sh.vars.value('OPTIND') ?? '1') || 1;
  if (index !== sh.getoptsIndex) sh.getoptsColumn = 0;
  const finish = (status: number): number => {
    sh.vars.set('OPTIND', String(index));
    sh.getoptsIndex = index;
    return status;
  };
  const word = args[index - 1];
  if (sh.getoptsColumn === 0) {
    if (word === '--') {
      index++;
      sh.vars.set(name, '?');
      return finish(1);
    }
    if (word === undefined || !word.startsWith('-') || word === '-') {
      sh.vars.set(name, '?');
      sh.vars.unset('OPTARG');
      return finish(1);
    }
    sh.getoptsColumn = 1;
  }
  const current = word ?? '';
  const letter = current.charAt(sh.getoptsColumn);
  sh.getoptsColumn++;
  const atEnd = sh.getoptsColumn >= current.length;
  const silent = spec.startsWith(':');
  const quiet = silent || sh.vars.value('OPTERR') === '0';
  const found = letter === ':' ? -1 : spec.indexOf(letter, silent ? 1 : 0);
  if (found < 0) {
    if (atEnd) next();
    sh.vars.set(name, '?');
    if (silent) sh.vars.set('OPTARG', letter);
    else sh.vars.unset('OPTARG');
    if (!quiet) await sh.err(`${sh.arg0}: illegal option -- ${letter}\n`);
    return finish(0);
  }
  if (spec[found + 1] !== ':') {
    if (atEnd) next();
    sh.vars.set(name, letter);
    sh.vars.unset('OPTARG');
    return finish(0);
  }
  if (!atEnd) {
    sh.vars.set('OPTARG', current.slice(sh.getoptsColumn));
    next();
  } else {
    next();
    const value = args[index - 1];
    if (value === undefined) {
      if (silent) {
        sh.vars.set(name, ':');
        sh.vars.set('OPTARG', letter);
      } else {
        sh.vars.set(name, '?');
        sh.vars.unset('OPTARG');
        if (!quiet) await sh.err(`${sh.arg0}: option requires an argument -- ${letter}\n`);
      }
      return finish(0);
    }
    sh.vars.set('OPTARG', value);
    index++;
  }
  sh.vars.set(name, letter);
  return finish(0);

  function next(): void {
    index++;
    sh.getoptsColumn = 0;
  }
};

const history: Builtin = async (sh, _args, words) => {
  const [, option] = words;
  if (option === '-c') {
    sh.history = [];
    return 0;
  }
  if (option !== undefined && !/^\d+$/.test(option))
    return sh.fail('history', `${option}: numeric argument required`);
  const count = option === undefined ? sh.history.length : Number(option);
  const first = Math.max(0, sh.history.length - count);
  return sh.out(historyText(sh, first), 'history');
};

function historyText(sh: Shell, first: number): string {
  return sh.history
    .slice(first)
    .map((line, at) => `${String(first + at + 1).padStart(5)}  ${line}\n`)
    .join('');
}

export const miscBuiltins: Readonly<Record<string, Builtin>> = {
  umask,
  ulimit,
  times,
  getopts,
  history,
};
