/** Shell patterns (fnmatch(3)) as regular expressions over byte text. */

function bracket(glob: string, start: number): { source: string; end: number } | undefined {
  let at = start + 1;
  const negated = glob[at] === '!' || glob[at] === '^';
  if (negated) at++;
  let source = negated ? '[^' : '[';
  for (let first = true; ; first = false) {
    const char = glob[at];
    if (char === undefined) return undefined;
    if (char === ']' && !first) return { source: `${source}]`, end: at + 1 };
    const named = /^\[:(\w+):\]/.exec(glob.slice(at));
    if (named !== null) {
      source += posixClasses[named[1] ?? ''] ?? '';
      at += named[0].length;
      continue;
    }
    const literal = char === '\\' ? glob.charAt(++at) : char;
    source += /[\\\]^[]/.test(literal) ? `\\${literal}` : literal;
    at++;
  }
}

const posixClasses: Readonly<Record<string, string>> = {
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: 'A-Za-z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: '\\t-\\r ',
  blank: '\\t ',
  punct: '!-\\/:-@\\[-`{-~',
  print: ' -~',
  graph: '!-~',
  cntrl: '\\x00-\\x1f\\x7f',
  xdigit: '0-9A-Fa-f',
};

/** A pattern that the whole text must match; `*` and `?` match slashes too, unless `pathname`. */
export function globRegExp(
  glob: string,
  options: { readonly ignoreCase?: boolean; readonly pathname?: boolean } = {},
): RegExp {
  let source = '';
  for (let at = 0; at < glob.length;) {
    const char = glob.charAt(at);
    const set = char === '[' ? bracket(glob, at) : undefined;
    if (set !== undefined) {
      source += set.source;
      at = set.end;
      continue;
    }
    at++;
    if (char === '*') source += options.pathname === true ? '[^/]*' : '[^]*';
    else if (char === '?') source += options.pathname === true ? '[^/]' : '[^]';
    else
      source += (char === '\\' && at < glob.length ? glob.charAt(at++) : char).replace(
        /[\\^$.*+?()[\]{}|/]/,
        '\\$&',
      );
  }
  return new RegExp(`^(?:${source})$`, options.ignoreCase === true ? 'i' : '');
}
