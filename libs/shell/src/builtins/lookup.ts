/** type, command, builtin, hash: what a name means. */
import { searchCommand } from '../path-lookup.js';
import { printFunction } from '../print-command.js';
import type { Shell } from '../shell.js';
import { quoteSingle } from '../quote.js';
import { builtins } from './index.js';
import type { Builtin } from './types.js';

const KEYWORDS = new Set([
  'if',
  'then',
  'else',
  'elif',
  'fi',
  'case',
  'esac',
  'for',
  'select',
  'while',
  'until',
  'do',
  'done',
  'in',
  'function',
  'time',
  '{',
  '}',
  '!',
  '[[',
  ']]',
  'coproc',
]);

interface Meaning {
  readonly kind: 'alias' | 'keyword' | 'function' | 'builtin' | 'file';
  readonly path: string;
}

function meanings(sh: Shell, name: string, all: boolean, noFunctions: boolean): Meaning[] {
  const out: Meaning[] = [];
  if (sh.aliases.has(name) && (sh.interactive || sh.shopt.has('expand_aliases')))
    out.push({ kind: 'alias', path: sh.aliases.get(name) ?? '' });
  if (KEYWORDS.has(name)) out.push({ kind: 'keyword', path: '' });
  if (sh.functions.has(name) && !noFunctions) out.push({ kind: 'function', path: '' });
  if (builtins.has(name)) out.push({ kind: 'builtin', path: '' });
  if (out.length === 0 || all) for (const path of files(sh, name)) out.push({ kind: 'file', path });
  return all ? out : out.slice(0, 1);
}

function files(sh: Shell, name: string): string[] {
  if (!name.includes('/')) return searchCommand(sh, name, undefined);
  try {
    const stat = sh.sys.stat(name);
    return stat.type !== 'dir' && (stat.mode & 0o111) !== 0 ? [name] : [];
  } catch {
    return [];
  }
}

function describe(sh: Shell, name: string, meaning: Meaning): string {
  switch (meaning.kind) {
    case 'alias':
      return `${name} is aliased to \`${meaning.path}'\n`;
    case 'keyword':
      return `${name} is a shell keyword\n`;
    case 'function': {
      const fn = sh.functions.get(name);
      return `${name} is a function\n${fn === undefined ? '' : printFunction(fn)}\n`;
    }
    case 'builtin':
      return `${name} is a shell builtin\n`;
    case 'file':
      return !name.includes('/') && sh.hashed.get(name)?.path === meaning.path
        ? `${name} is hashed (${meaning.path})\n`
        : `${name} is ${meaning.path}\n`;
  }
}

const type: Builtin = async (sh, _args, words) => {
  let at = 1;
  let flags = '';
  for (; /^-[afptP]+$/.test(words[at] ?? ''); at++) flags += words[at]?.slice(1) ?? '';
  if (words[at] === '--') at++;
  let status = 0;
  for (const name of words.slice(at)) {
    const found: Meaning[] = flags.includes('P')
      ? files(sh, name).map((path) => ({ kind: 'file', path }))
      : meanings(sh, name, flags.includes('a'), flags.includes('f'));
    if (found.length === 0) {
      status = 1;
      if (!/[tpP]/.test(flags)) await sh.error(`type: ${name}: not found`);
      continue;
    }
    let out = '';
    for (const meaning of flags.includes('a') ? found : found.slice(0, 1)) {
      if (flags.includes('t')) out += `${meaning.kind}\n`;
      else if (/[pP]/.test(flags)) out += meaning.kind === 'file' ? `${meaning.path}\n` : '';
      else out += describe(sh, name, meaning);
    }
    await sh.out(out, 'type');
  }
  return status;
};

const command: Builtin = async (sh, _args, words) => {
  let at = 1;
  let flags = '';
  for (; /^-[pvV]+$/.test(words[at] ?? ''); at++) flags += words[at]?.slice(1) ?? '';
  if (words[at] === '--') at++;
  const rest = words.slice(at);
  if (rest.length === 0) return 0;
  if (!/[vV]/.test(flags)) return sh.runner.runWords(rest, 'no-function');
  let found = 0;
  for (const name of rest) {
    const [meaning] = meanings(sh, name, false, false);
    if (meaning === undefined) {
      if (flags.includes('V')) await sh.error(`command: ${name}: not found`);
      continue;
    }
    found++;
    if (flags.includes('V')) await sh.out(describe(sh, name, meaning), 'command');
    else if (meaning.kind === 'alias')
      await sh.out(`alias ${name}=${quoteSingle(meaning.path)}\n`, 'command');
    else await sh.out(`${meaning.kind === 'file' ? meaning.path : name}\n`, 'command');
  }
  return found > 0 ? 0 : 1;
};

const builtin: Builtin = (sh, _args, words) => {
  const rest = words.slice(words[1] === '--' ? 2 : 1);
  return rest.length === 0 ? 0 : sh.runner.runWords(rest, 'builtin');
};

const hash: Builtin = async (sh, _args, words) => {
  if (words[1] === '-r') {
    sh.hashed.clear();
    return 0;
  }
  if (words.length === 1) {
    if (sh.hashed.size === 0) return sh.out('hash: hash table empty\n', 'hash');
    let out = 'hits\tcommand\n';
    for (const entry of sh.hashed.values())
      out += `${String(entry.hits).padStart(4)}\t${entry.path}\n`;
    return sh.out(out, 'hash');
  }
  if (words[1] === '-t') {
    const entry = sh.hashed.get(words[2] ?? '');
    return entry === undefined
      ? sh.fail('hash', `${words[2] ?? ''}: not found`)
      : sh.out(`${entry.path}\n`, 'hash');
  }
  if (words[1] === '-d') {
    for (const name of words.slice(2)) sh.hashed.delete(name);
    return 0;
  }
  let status = 0;
  for (const name of words.slice(1)) {
    const [path] = searchCommand(sh, name, undefined);
    if (path === undefined) status = await sh.fail('hash', `${name}: not found`);
    else sh.hashed.set(name, { path, hits: 0 });
  }
  return status;
};

export const lookupBuiltins: Readonly<Record<string, Builtin>> = { type, command, builtin, hash };
