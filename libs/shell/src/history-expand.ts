/** History expansion of an interactive line: `!!`, `!$`, `!n`, `!-n`, `!text`, `^old^new`. */

/** The line with references replaced; undefined with `missing` set where one refers to nothing. */
export function expandHistory(
  line: string,
  history: readonly string[],
): { text: string | undefined; missing: string; changed: boolean } {
  const quick = /^\^([^^]*)\^([^^]*)\^?$/.exec(line);
  const last = history.at(-1);
  if (quick !== null) {
    const [, old = '', replacement = ''] = quick;
    if (last?.includes(old) !== true)
      return { text: undefined, missing: `:s${line}`, changed: false };
    return { text: last.replace(old, () => replacement), missing: '', changed: true };
  }
  let out = '';
  let single = false;
  let double = false;
  let changed = false;
  for (let at = 0; at < line.length; at++) {
    const char = line[at] ?? '';
    if (char === '\\' && !single) {
      out += char + (line[++at] ?? '');
      continue;
    }
    if (char === "'" && !double) single = !single;
    else if (char === '"' && !single) double = !double;
    const event =
      char === '!' && !single
        ? /^!(?:!|\$|-?\d+|\?[^?]*\??|[A-Za-z_./][^\s:;|&()<>"']*)/.exec(line.slice(at))
        : null;
    if (event === null || /[$({]$/.test(out)) {
      out += char;
      continue;
    }
    const found = lookUp(event[0].slice(1), history);
    if (found === undefined) return { text: undefined, missing: event[0], changed: false };
    out += found;
    at += event[0].length - 1;
    changed = true;
  }
  return { text: out, missing: '', changed };
}

function lookUp(event: string, history: readonly string[]): string | undefined {
  const last = history.at(-1);
  if (event === '!') return last;
  if (event === '$') return /(\S+)\s*$/.exec(last ?? '')?.[1];
  if (/^-\d+$/.test(event)) return history.at(Number(event));
  if (/^\d+$/.test(event)) return history[Number(event) - 1];
  if (event.startsWith('?'))
    return history.findLast((line) => line.includes(event.slice(1).replace(/\?$/, '')));
  return history.findLast((line) => line.startsWith(event));
}
