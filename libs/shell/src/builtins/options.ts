/** set and shopt. */
import { isOptionName, optionNames, optionOfLetter, type OptionName } from '../options.js';
import { printFunction } from '../print-command.js';
import type { Shell } from '../shell.js';
import { plainLine } from './declare.js';
import type { Builtin } from './types.js';

const SHOPT_NAMES = [
  'assoc_expand_once',
  'autocd',
  'cdable_vars',
  'cdspell',
  'checkhash',
  'checkjobs',
  'checkwinsize',
  'cmdhist',
  'compat31',
  'compat32',
  'compat40',
  'compat41',
  'compat42',
  'compat43',
  'compat44',
  'complete_fullquote',
  'direxpand',
  'dirspell',
  'dotglob',
  'execfail',
  'expand_aliases',
  'extdebug',
  'extglob',
  'extquote',
  'failglob',
  'force_fignore',
  'globasciiranges',
  'globskipdots',
  'globstar',
  'gnu_errfmt',
  'histappend',
  'histreedit',
  'histverify',
  'hostcomplete',
  'huponexit',
  'inherit_errexit',
  'interactive_comments',
  'lastpipe',
  'lithist',
  'localvar_inherit',
  'localvar_unset',
  'login_shell',
  'mailwarn',
  'no_empty_cmd_completion',
  'nocaseglob',
  'nocasematch',
  'noexpand_translation',
  'nullglob',
  'patsub_replacement',
  'progcomp',
  'progcomp_alias',
  'promptvars',
  'restricted_shell',
  'shift_verbose',
  'sourcepath',
  'varredir_close',
  'xpg_echo',
];

/** Sets an option by name, with what follows from it. */
export function setOption(sh: Shell, name: OptionName, on: boolean): void {
  sh.options[name] = on;
  if (name === 'monitor') sh.jobControl = on && (sh.interactive || sh.sys.isatty(0));
}

const set: Builtin = async (sh, _args, words) => {
  if (words.length === 1) {
    let out = '';
    for (const name of sh.vars.names()) {
      const variable = sh.vars.raw(name);
      if (variable?.isSet === true) out += plainLine(name, variable);
    }
    for (const fn of sh.functions.values()) out += `${printFunction(fn)}\n`;
    return sh.out(out, 'set');
  }
  let at = 1;
  for (; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') {
      sh.positional = words.slice(at + 1);
      return 0;
    }
    if (word === '-') {
      sh.options.xtrace = false;
      sh.options.verbose = false;
      if (at + 1 < words.length) sh.positional = words.slice(at + 1);
      return 0;
    }
    if (!/^[-+]./.test(word)) break;
    const on = word.startsWith('-');
    for (const letter of word.slice(1)) {
      if (letter === 'o') {
        const name = words[at + 1];
        if (name === undefined || /^[-+]/.test(name)) return sh.out(listOptions(sh, on), 'set');
        at++;
        if (!isOptionName(name)) return sh.fail('set', `${name}: invalid option name`, 2);
        setOption(sh, name, on);
        continue;
      }
      const name = optionOfLetter(letter);
      if (name === undefined) {
        await sh.error(`set: ${word.charAt(0)}${letter}: invalid option`);
        await sh.err(
          'set: usage: set [-abefhkmnptuvxBCEHPT] [-o option-name] [--] [-] [arg ...]\n',
        );
        return 2;
      }
      setOption(sh, name, on);
    }
  }
  if (at < words.length) sh.positional = words.slice(at);
  return 0;
};

function listOptions(sh: Shell, table: boolean): string {
  return optionNames()
    .map((name) =>
      table
        ? `${name.padEnd(15)}\t${sh.options[name] ? 'on' : 'off'}\n`
        : `set ${sh.options[name] ? '-' : '+'}o ${name}\n`,
    )
    .join('');
}

const shopt: Builtin = async (sh, _args, words) => {
  const flags = words.filter((word) => /^-[supqo]+$/.test(word)).join('');
  const names = words.slice(1).filter((word) => !/^-[supqo]+$/.test(word));
  const isSet = (name: string): boolean =>
    flags.includes('o') ? isOptionName(name) && sh.options[name] : sh.shopt.has(name);
  const known = (name: string): boolean =>
    flags.includes('o') ? isOptionName(name) : SHOPT_NAMES.includes(name);
  let status = 0;
  let out = '';
  const change = flags.includes('s') || flags.includes('u');
  for (const name of names) {
    if (!known(name)) {
      status = await sh.fail('shopt', `${name}: invalid shell option name`);
      continue;
    }
    if (change) {
      const on = flags.includes('s');
      if (flags.includes('o')) setOption(sh, name as OptionName, on);
      else if (on) sh.shopt.add(name);
      else sh.shopt.delete(name);
      continue;
    }
    if (!isSet(name)) status = 1;
    out += line(name, isSet(name), flags);
  }
  if (names.length === 0) {
    for (const name of flags.includes('o') ? optionNames() : SHOPT_NAMES) {
      const on = isSet(name);
      if (change && on !== flags.includes('s')) continue;
      out += line(name, on, flags);
    }
  }
  return flags.includes('q') ? status : (await sh.out(out, 'shopt')) || status;
};

function line(name: string, on: boolean, flags: string): string {
  if (flags.includes('p'))
    return flags.includes('o')
      ? `set ${on ? '-' : '+'}o ${name}\n`
      : `shopt ${on ? '-s' : '-u'} ${name}\n`;
  return `${name.padEnd(15)}\t${on ? 'on' : 'off'}\n`;
}

export const optionBuiltins: Readonly<Record<string, Builtin>> = { set, shopt };
