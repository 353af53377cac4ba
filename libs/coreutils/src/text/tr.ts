/** tr: translates, squeezes and deletes characters. */
import { quoteAlways } from '../tool/quote.js';
import { defineTool, type Tool } from '../tool/tool.js';
import { classTests } from '../regex/ast.js';

interface SetItem {
  readonly codes: readonly number[];
  /** `[c*]`: as often as needed; `[:upper:]`, `[:lower:]` in both sets change case. */
  readonly fill?: boolean;
  readonly className?: string;
}

const escapes: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '\\': 92,
};

function parseSet(t: Tool, text: string): SetItem[] {
  const items: SetItem[] = [];
  let at = 0;
  const char = (): number => {
    const code = text.charCodeAt(at++);
    if (code !== 92 || at >= text.length) return code;
    const octal = /^[0-3]?[0-7]{1,2}/.exec(text.slice(at));
    if (octal !== null) {
      at += octal[0].length;
      return parseInt(octal[0], 8);
    }
    const letter = text.charAt(at++);
    return escapes[letter] ?? letter.charCodeAt(0);
  };
  while (at < text.length) {
    const rest = text.slice(at);
    const named = /^\[:([a-z]*):\]/.exec(rest);
    const equal = /^\[=([^])=\]/.exec(rest);
    const repeat = /^\[(\\?[^])\*(\d*)\]/.exec(rest);
    if (named !== null) {
      const test = classTests[named[1] ?? ''];
      if (test === undefined)
        return t.fail(`invalid character class ${quoteAlways(named[1] ?? '')}`);
      items.push({
        codes: Array.from({ length: 256 }, (_, code) => code).filter(test),
        className: named[1] ?? '',
      });
      at += named[0].length;
    } else if (equal !== null) {
      items.push({ codes: [(equal[1] ?? '').charCodeAt(0)] });
      at += equal[0].length;
    } else if (repeat !== null) {
      at++;
      const code = char();
      at += 1 + (repeat[2] ?? '').length + 1;
      const digits = repeat[2] ?? '';
      const count = digits.startsWith('0') ? parseInt(digits, 8) : Number(digits);
      if (digits === '' || count === 0) items.push({ codes: [code], fill: true });
      else items.push({ codes: new Array<number>(count).fill(code) });
    } else {
      const from = char();
      if (text[at] === '-' && at + 1 < text.length) {
        at++;
        const to = char();
        if (to < from) {
          return t.fail(
            `range-endpoints of '${String.fromCharCode(from)}-${String.fromCharCode(to)}' are in reverse collating sequence order`,
          );
        }
        items.push({ codes: Array.from({ length: to - from + 1 }, (_, offset) => from + offset) });
      } else items.push({ codes: [from] });
    }
  }
  return items;
}

function expand(items: readonly SetItem[], length: number): number[] {
  const fixed = items.reduce((sum, item) => sum + (item.fill === true ? 0 : item.codes.length), 0);
  return items.flatMap((item) =>
    item.fill === true
      ? new Array<number>(Math.max(0, length - fixed)).fill(item.codes[0] ?? 0)
      : item.codes,
  );
}

function translation(
  t: Tool,
  from: readonly SetItem[],
  to: readonly SetItem[],
  complement: boolean,
  truncate: boolean,
): Uint8Array {
  const table = Uint8Array.from({ length: 256 }, (_, code) => code);
  let source = expand(from, 0);
  if (complement) {
    const members = new Set(source);
    source = Array.from({ length: 256 }, (_, code) => code).filter((code) => !members.has(code));
  }
  const target = expand(to, source.length);
  if (target.length === 0 && !truncate)
    t.fail('when not truncating set1, string2 must be non-empty');
  if (
    to.some(
      (item) =>
        item.className !== undefined && item.className !== 'upper' && item.className !== 'lower',
    )
  ) {
    t.fail(
      "when translating, the only character classes that may appear in\nstring2 are 'upper' and 'lower'",
    );
  }
  const last = target[target.length - 1] ?? 0;
  source.forEach((code, index) => {
    if (index >= target.length && truncate) return;
    table[code] = target[index] ?? last;
  });
  return table;
}

export const tr = defineTool(
  {
    name: 'tr',
    usage: '[OPTION]... STRING1 [STRING2]',
    about:
      'Translate, squeeze, and/or delete characters from standard input,\nwriting to standard output.',
    short: 'cCdst',
    long: { complement: 'c', delete: 'd', 'squeeze-repeats': 's', 'truncate-set1': 't' },
    inOrder: true,
  },
  async (t, { options, operands }) => {
    const keys = new Set(options.map(({ key }) => key));
    const [complement, remove, squeeze] = [
      keys.has('c') || keys.has('C'),
      keys.has('d'),
      keys.has('s'),
    ];
    const [first, second, third] = operands;
    if (first === undefined) return t.usage('missing operand');
    const needsTwo = (!remove && !squeeze) || (remove && squeeze);
    if (second === undefined && needsTwo) {
      t.warn(`missing operand after ${quoteAlways(first)}`);
      t.put(
        remove
          ? 'Two strings must be given when both deleting and squeezing repeats.\n'
          : 'Two strings must be given when translating.\n',
        2,
      );
      return t.usage();
    }
    if (second !== undefined && remove && !squeeze) {
      t.warn(`extra operand ${quoteAlways(second)}`);
      t.put('Only one string may be given when deleting without squeezing repeats.\n', 2);
      return t.usage();
    }
    if (third !== undefined) t.usage(`extra operand ${quoteAlways(third)}`);
    const set1 = parseSet(t, first);
    const set2 = second === undefined ? [] : parseSet(t, second);
    const members = new Uint8Array(256);
    for (const code of expand(set1, 0)) members[code] = 1;
    if (complement) for (let code = 0; code < 256; code++) members[code] = 1 - (members[code] ?? 0);
    const translates = !remove && second !== undefined;
    const table = translates ? translation(t, set1, set2, complement, keys.has('t')) : undefined;
    const squeezed = new Uint8Array(256);
    if (squeeze) {
      if (second === undefined) squeezed.set(members);
      else for (const code of expand(set2, 256)) squeezed[code] = 1;
    }
    const input = t.input(0);
    let previous = -1;
    for (let chunk = await input.chunk(); chunk !== undefined; chunk = await input.chunk()) {
      let out = '';
      for (let at = 0; at < chunk.length; at++) {
        let code = chunk.charCodeAt(at);
        if (remove && members[code] === 1) continue;
        if (table !== undefined) code = table[code] ?? code;
        if (squeeze && code === previous && squeezed[code] === 1) continue;
        previous = code;
        out += String.fromCharCode(code);
      }
      t.put(out);
    }
    return 0;
  },
);
