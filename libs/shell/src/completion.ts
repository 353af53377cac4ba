/** Tab completion: commands at the start of a command, variables after `$`, paths elsewhere. */
import { builtins } from './builtins/index.js';
import type { Completion } from './line-editor.js';
import { DEFAULT_PATH } from './path-lookup.js';
import type { Shell } from './shell.js';

const WORDS = [
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
  'function',
  'time',
];

/** What could follow `before`, the line up to the cursor. */
export function completeLine(sh: Shell, before: string): Completion {
  const start = wordStart(before);
  const word = before.slice(start);
  const head = before.slice(0, start).trimEnd();
  const isCommand =
    head === '' ||
    /[|;&({`!]$/.test(head) ||
    /(?:^|\s)(?:if|then|else|elif|while|until|do|time|exec|sudo|command)$/.test(head);
  const variable = /\$\{?([A-Za-z_][A-Za-z0-9_]*)?$/.exec(word);
  if (variable !== null)
    return {
      start,
      candidates: variables(
        sh,
        word.slice(0, variable.index),
        variable[1] ?? '',
        word.includes('{', variable.index),
      ),
    };
  if (isCommand && !word.includes('/') && !word.startsWith('~') && !/[<>]$/.test(head))
    return { start, candidates: commands(sh, word) };
  return { start, candidates: paths(sh, word) };
}

/** Where the word under the cursor begins: after the last unquoted separator. */
function wordStart(text: string): number {
  let start = 0;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char === '\\') at++;
    else if (quote !== '') {
      if (char === quote) quote = '';
    } else if (char === '"' || char === "'") quote = char;
    else if (/[\s|;&()<>=`]/.test(char)) start = at + 1;
  }
  return start;
}

function variables(
  sh: Shell,
  before: string,
  prefix: string,
  braced: boolean,
): Completion['candidates'] {
  return sh.vars
    .names()
    .filter((name) => name.startsWith(prefix))
    .map((name) => ({
      insert: `${before}$${braced ? `{${name}}` : name}`,
      show: `$${name}`,
      final: true,
    }));
}

function commands(sh: Shell, prefix: string): Completion['candidates'] {
  const names = new Set<string>([
    ...builtins.keys(),
    ...WORDS,
    ...sh.functions.keys(),
    ...sh.aliases.keys(),
  ]);
  for (const directory of (sh.vars.value('PATH') ?? DEFAULT_PATH).split(':')) {
    try {
      for (const entry of sh.sys.readdir(directory === '' ? '.' : directory))
        if (entry.name.startsWith(prefix) && entry.type !== 'dir') names.add(entry.name);
    } catch {
      continue;
    }
  }
  return [...names]
    .filter((name) => name.startsWith(prefix))
    .sort()
    .map((name) => ({ insert: name, show: name, final: true }));
}

function paths(sh: Shell, word: string): Completion['candidates'] {
  const quote = /^["']/.test(word) ? word.charAt(0) : '';
  const plain = quote === '' ? word.replace(/\\(.)/g, '$1') : word.slice(1);
  const slash = plain.lastIndexOf('/') + 1;
  const base = plain.slice(0, slash);
  const prefix = plain.slice(slash);
  const home = sh.vars.value('HOME') ?? '/root';
  const directory = base === '' ? '.' : base.startsWith('~/') ? home + base.slice(1) : base;
  const protect = (text: string): string =>
    quote === '' ? text.replace(/[\s"'\\|&;()<>$`!*?[\]{}#]/g, '\\$&') : text;
  try {
    return sh.sys
      .readdir(directory)
      .filter(
        (entry) =>
          entry.name.startsWith(prefix) && (prefix.startsWith('.') || !entry.name.startsWith('.')),
      )
      .map((entry) => {
        const isDirectory =
          entry.type === 'dir' ||
          (entry.type === 'symlink' && sh.sys.stat(`${directory}/${entry.name}`).type === 'dir');
        const end = isDirectory ? '/' : quote;
        return {
          insert: quote + protect(base + entry.name) + end,
          show: entry.name + (isDirectory ? '/' : ''),
          final: !isDirectory,
        };
      });
  } catch {
    return [];
  }
}
