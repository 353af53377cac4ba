/** alias and unalias; expansion is done where lines are read (alias-expand). */
import { quoteSingle } from '../quote.js';
import type { Builtin } from './types.js';

const alias: Builtin = async (sh, _args, words) => {
  const names = words.slice(words[1] === '-p' ? 2 : 1);
  if (names.length === 0) {
    const lines = [...sh.aliases]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `alias ${name}=${quoteSingle(value)}\n`);
    return sh.out(lines.join(''), 'alias');
  }
  let status = 0;
  for (const word of names) {
    const split = word.indexOf('=');
    if (split > 0) sh.aliases.set(word.slice(0, split), word.slice(split + 1));
    else {
      const value = sh.aliases.get(word);
      if (value === undefined) status = await sh.fail('alias', `${word}: not found`);
      else await sh.out(`alias ${word}=${quoteSingle(value)}\n`, 'alias');
    }
  }
  return status;
};

const unalias: Builtin = async (sh, _args, words) => {
  if (words[1] === '-a') {
    sh.aliases.clear();
    return 0;
  }
  let status = 0;
  for (const name of words.slice(1))
    if (!sh.aliases.delete(name)) status = await sh.fail('unalias', `${name}: not found`);
  return status;
};

export const aliasBuiltins: Readonly<Record<string, Builtin>> = { alias, unalias };
