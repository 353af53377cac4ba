/** seq, factor, expr: numbers. */
import type { ProgramSpec } from '@netloom/sys';
import { formatFloat, parseSpec } from '../tool/cformat.js';
import { quoteAlways } from '../tool/quote.js';
import { defineTool, type Tool } from '../tool/tool.js';

interface Decimal {
  /** value × 10^places. */
  readonly scaled: bigint;
  readonly places: number;
  readonly text: string;
}

function parseDecimal(t: Tool, text: string): Decimal {
  const match = /^\s*([-+]?)(\d*)(?:\.(\d*))?(?:[eE]([-+]?\d+))?$/.exec(text);
  if (match === null || ((match[2] ?? '') === '' && (match[3] ?? '') === '')) {
    return t.usage(`invalid floating point argument: ${quoteAlways(text)}`);
  }
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const shift = Number(exponent);
  const places = Math.max(0, fraction.length - shift);
  const scaled = BigInt(whole + fraction) * 10n ** BigInt(Math.max(0, shift - fraction.length));
  return { scaled: sign === '-' ? -scaled : scaled, places, text };
}

function decimalText(scaled: bigint, places: number): string {
  const negative = scaled < 0n;
  const digits = (negative ? -scaled : scaled).toString().padStart(places + 1, '0');
  const body = places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
  return negative ? `-${body}` : body;
}

const seq = defineTool(
  {
    name: 'seq',
    usage:
      '[OPTION]... LAST\n  or:  seq [OPTION]... FIRST LAST\n  or:  seq [OPTION]... FIRST INCREMENT LAST',
    about: 'Print numbers from FIRST to LAST, in steps of INCREMENT.',
    raw: true,
  },
  async (t) => {
    // A negative number is an operand, not options.
    const split = t.args.findIndex((arg) => /^-[.\d]/.test(arg));
    const args = split < 0 ? t.args : [...t.args.slice(0, split), '--', ...t.args.slice(split)];
    const { options, operands: given } = t.parse(
      {
        short: 'f:s:w',
        long: { format: 'f:', separator: 's:', 'equal-width': 'w' },
        inOrder: true,
      },
      args,
    );
    const operands = given.filter((word) => word !== '--');
    const value = (key: string): string | undefined =>
      options.filter((option) => option.key === key).pop()?.value;
    if (operands.length === 0) t.usage('missing operand');
    if (operands.length > 3) t.usage(`extra operand ${quoteAlways(operands[3] ?? '')}`);
    const numbers = operands.map((text) =>
      /^[-+]?inf$/i.test(text) ? undefined : parseDecimal(t, text),
    );
    const one: Decimal = { scaled: 1n, places: 0, text: '1' };
    const first = numbers.length === 1 ? one : (numbers[0] ?? one);
    const step = numbers.length === 3 ? (numbers[1] ?? one) : one;
    const last = numbers[numbers.length - 1];
    if (step.scaled === 0n) t.usage(`invalid Zero increment value: ${quoteAlways(step.text)}`);
    const format = value('f');
    if (format !== undefined) checkFormat(t, format);
    const shown = Math.max(first.places, step.places);
    const places = Math.max(shown, last?.places ?? 0);
    const scale = (number: Decimal): bigint =>
      number.scaled * 10n ** BigInt(places - number.places);
    const [from, by, to] = [
      scale(first),
      scale(step),
      last === undefined ? undefined : scale(last),
    ];
    const drop = 10n ** BigInt(places - shown);
    const equalWidth = options.some(({ key }) => key === 'w');
    const lastShown = to === undefined ? from : from + ((to - from) / by) * by;
    const width = equalWidth
      ? Math.max(
          decimalText(from / drop, shown).length,
          decimalText((last?.scaled ?? 0n) < 0n ? (to ?? 0n) / drop : lastShown / drop, shown)
            .length,
          widthOf(first, shown),
          widthOf(last ?? first, shown),
        )
      : 0;
    const separator = value('s') ?? '\n';
    let any = false;
    let count = 0;
    for (let at = from; to === undefined || (by > 0n ? at <= to : at >= to); at += by) {
      let text = decimalText(at / drop, shown);
      if (format !== undefined) text = formatted(format, Number(text));
      else if (equalWidth)
        text = text.startsWith('-')
          ? `-${text.slice(1).padStart(width - 1, '0')}`
          : text.padStart(width, '0');
      t.put((any ? separator : '') + text);
      any = true;
      if (t.full) await t.flush();
      if (++count % 100000 === 0) await t.sys.cpu(1_000_000);
    }
    if (any) t.put('\n');
    return 0;
  },
);

/** How wide a number is as it was written, with the places that are shown. */
function widthOf(number: Decimal, shown: number): number {
  const whole = decimalText(number.scaled, number.places).split('.')[0] ?? '';
  return whole.length + (shown > 0 ? shown + 1 : 0);
}

function checkFormat(t: Tool, format: string): void {
  const plain = format.replaceAll('%%', '');
  const directives = [...plain.matchAll(/%/g)];
  if (directives.length === 0) t.fail(`format ${quoteAlways(format)} has no % directive`);
  if (directives.length > 1) t.fail(`format ${quoteAlways(format)} has too many % directives`);
  const conversion = parseSpec(plain, plain.indexOf('%'))?.spec.conversion;
  if (conversion === undefined) return t.fail(`format ${quoteAlways(format)} ends in %`);
  if (!'efgaEFGA'.includes(conversion))
    t.fail(`format ${quoteAlways(format)} has unknown %${conversion} directive`);
}

function formatted(format: string, value: number): string {
  return format.replace(/%%|%[-+ #0']*\d*(?:\.\d*)?[efgEFG]/g, (directive) => {
    const spec = directive === '%%' ? undefined : parseSpec(directive, 0)?.spec;
    return spec === undefined ? '%' : formatFloat(spec, value);
  });
}

function factors(value: bigint): bigint[] {
  const out: bigint[] = [];
  let rest = value;
  for (let divisor = 2n; divisor * divisor <= rest; divisor += divisor === 2n ? 1n : 2n) {
    while (rest % divisor === 0n) {
      out.push(divisor);
      rest /= divisor;
    }
  }
  if (rest > 1n) out.push(rest);
  return out;
}

const factor = defineTool(
  {
    name: 'factor',
    usage: '[NUMBER]...',
    about: 'Print the prime factors of each specified integer NUMBER.',
  },
  async (t, { operands }) => {
    const show = (word: string): void => {
      if (!/^\+?\d+$/.test(word)) {
        t.warn(`${quoteAlways(word)} is not a valid positive integer`);
        return;
      }
      const value = BigInt(word.replace('+', ''));
      t.put(
        `${value}:${factors(value)
          .map((item) => ` ${item}`)
          .join('')}\n`,
      );
    };
    if (operands.length > 0) operands.forEach(show);
    else {
      const input = t.input(0);
      for (let line = await input.line(); line !== undefined; line = await input.line())
        line
          .split(/[ \t]+/)
          .filter((word) => word !== '')
          .forEach(show);
    }
    return t.status;
  },
);

export const numberPrograms: readonly ProgramSpec[] = [seq, factor];
