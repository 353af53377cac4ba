/** echo, printf, test and [. */
import { ShellError } from '../errors.js';
import { formatPrintf } from '../printf.js';
import { testWords } from '../test-expr.js';
import { decodeEscapes } from '../transform.js';
import { isName, splitSubscript } from '../variables.js';
import type { Shell } from '../shell.js';
import type { Builtin } from './types.js';

const echo: Builtin = (sh, _args, words) => {
  let at = 1;
  let newline = true;
  let escapes = sh.isDash || sh.shopt.has('xpg_echo');
  for (; at < words.length; at++) {
    const word = words[at] ?? '';
    if (!(sh.isDash ? /^-n$/ : /^-[neE]+$/).test(word)) break;
    for (const letter of word.slice(1)) {
      if (letter === 'n') newline = false;
      else escapes = letter === 'e';
    }
  }
  let text = words.slice(at).join(' ');
  if (escapes) {
    const decoded = decodeEscapes(text, 'echo');
    text = decoded.text;
    if (decoded.stopped) newline = false;
  }
  return sh.out(newline ? `${text}\n` : text, 'echo');
};

const printf: Builtin = async (sh, _args, words) => {
  let at = 1;
  let variable: string | undefined;
  if (words[at] === '-v') {
    variable = words[at + 1];
    at += 2;
    if (variable === undefined)
      return sh.fail(
        'printf',
        '-v: option requires an argument\nprintf: usage: printf [-v var] format [arguments]',
        2,
      );
    if (!isName(variable) && splitSubscript(variable) === undefined)
      return sh.fail('printf', `\`${variable}': not a valid identifier`, 2);
  }
  if (words[at] === '--') at++;
  const format = words[at];
  if (format === undefined) {
    await sh.err('printf: usage: printf [-v var] format [arguments]\n');
    return 2;
  }
  const { text, errors } = formatPrintf(sh, format, words.slice(at + 1));
  for (const error of errors) await sh.error(`printf: ${error}`);
  let status = errors.length > 0 ? 1 : 0;
  if (variable === undefined) status = (await sh.out(text, 'printf')) || status;
  else assignVariable(sh, variable, text);
  return status;
};

/** Stores into `name` or `name[index]`. */
export function assignVariable(sh: Shell, target: string, value: string): void {
  const subscript = splitSubscript(target);
  if (subscript === undefined) sh.vars.set(target, value);
  else sh.vars.setElement(subscript.name, subscript.index, value);
}

async function runTest(sh: Shell, name: string, words: readonly string[]): Promise<number> {
  try {
    return testWords(sh, words) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof ShellError) || error.scope !== 'command') throw error;
    return sh.fail(name, error.message, error.status);
  }
}

const test: Builtin = (sh, _args, words) => runTest(sh, 'test', words.slice(1));

const bracket: Builtin = (sh, _args, words) => {
  if (words.at(-1) !== ']') return sh.fail('[', "missing `]'", 2);
  return runTest(sh, '[', words.slice(1, -1));
};

export const outputBuiltins: Readonly<Record<string, Builtin>> = {
  echo,
  printf,
  test,
  '[': bracket,
};
