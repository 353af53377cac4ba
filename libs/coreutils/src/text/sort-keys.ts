/** How sort compares: fields and characters of a line as keys, each with an ordering of its own. */

export interface Ordering {
  kind: '' | 'n' | 'g' | 'h' | 'M' | 'V' | 'R';
  reverse: boolean;
  skipLeading: boolean;
  skipTrailing: boolean;
  fold: boolean;
  dictionary: boolean;
  printable: boolean;
}

export interface SortKey {
  startField: number;
  startChar: number;
  /** 0: to the end of the line. */
  endField: number;
  /** 0: the end of the field. */
  endChar: number;
  ordering: Ordering;
}

export function noOrdering(): Ordering {
  return {
    kind: '',
    reverse: false,
    skipLeading: false,
    skipTrailing: false,
    fold: false,
    dictionary: false,
    printable: false,
  };
}

const isBlank = (char: string | undefined): boolean => char === ' ' || char === '\t';

/** Where each field begins; without a separator a field takes the blanks before it along. */
function skipFields(line: string, count: number, separator: string | undefined): number {
  let at = 0;
  for (let left = count; left > 0 && at < line.length; left--) {
    if (separator !== undefined) {
      const next = line.indexOf(separator, at);
      if (next < 0) return line.length;
      at = next + 1;
    } else {
      while (isBlank(line[at])) at++;
      while (at < line.length && !isBlank(line[at])) at++;
    }
  }
  return at;
}

/** The text of a key in a line. */
export function keyText(line: string, key: SortKey, separator: string | undefined): string {
  let start = skipFields(line, key.startField - 1, separator);
  if (key.ordering.skipLeading) while (isBlank(line[start])) start++;
  start = Math.min(line.length, start + key.startChar - 1);
  let end = line.length;
  if (key.endField > 0) {
    if (key.endChar === 0) {
      end = skipFields(line, key.endField, separator);
      if (
        separator !== undefined &&
        end > 0 &&
        (end < line.length || line.endsWith(separator)) &&
        line[end - 1] === separator
      )
        end--;
    } else {
      end = skipFields(line, key.endField - 1, separator);
      if (key.ordering.skipTrailing) while (isBlank(line[end])) end++;
      end = Math.min(line.length, end + key.endChar);
    }
  }
  return line.slice(start, Math.max(start, end));
}

const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

interface Decimal {
  readonly negative: boolean;
  readonly whole: string;
  readonly fraction: string;
  readonly suffix: number;
}

function decimal(text: string): Decimal {
  const match = /^[ \t]*(-?)0*(\d*)(?:\.(\d*))?([KMGTPEZYk]?)/.exec(text);
  const whole = match?.[2] ?? '';
  const fraction = (match?.[3] ?? '').replace(/0+$/, '');
  const zero = whole === '' && fraction === '';
  const suffix = zero ? 0 : 'KMGTPEZY'.indexOf((match?.[4] ?? '').toUpperCase() || '-') + 1;
  return { negative: match?.[1] === '-' && !zero, whole, fraction, suffix };
}

function compareDecimal(a: string, b: string, human: boolean): number {
  const [left, right] = [decimal(a), decimal(b)];
  if (left.negative !== right.negative) return left.negative ? -1 : 1;
  const sign = left.negative ? -1 : 1;
  if (human && left.suffix !== right.suffix) return sign * (left.suffix - right.suffix);
  if (left.whole.length !== right.whole.length)
    return sign * (left.whole.length - right.whole.length);
  return (
    sign * (compareText(left.whole, right.whole) || compareText(left.fraction, right.fraction))
  );
}

function general(text: string): number {
  const match =
    /^[ \t]*([-+]?(?:0x[0-9a-f]+|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|inf(?:inity)?|nan))/i.exec(
      text,
    );
  if (match === null) return -Infinity;
  const word = (match[1] ?? '').toLowerCase();
  if (word.includes('nan')) return NaN;
  return word.includes('inf')
    ? word.startsWith('-')
      ? -Infinity
      : Infinity
    : Number(word.replace(/^\+/, ''));
}

function compareGeneral(a: string, b: string): number {
  const valid = (text: string): boolean => /^[ \t]*[-+]?(?:\d|\.\d|inf|nan)/i.test(text);
  if (valid(a) !== valid(b)) return valid(a) ? 1 : -1;
  const [left, right] = [general(a), general(b)];
  if (Number.isNaN(left) || Number.isNaN(right))
    return Number(Number.isNaN(right)) - Number(Number.isNaN(left));
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The order of file versions: digits count as numbers, `~` before everything. */
export function compareVersions(a: string, b: string): number {
  const rank = (char: string | undefined): number => {
    if (char === undefined || /\d/.test(char)) return 0;
    if (char === '~') return -1;
    return /[A-Za-z]/.test(char) ? char.charCodeAt(0) : char.charCodeAt(0) + 256;
  };
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while ((i < a.length && !/\d/.test(a.charAt(i))) || (j < b.length && !/\d/.test(b.charAt(j)))) {
      const difference = rank(a[i]) - rank(b[j]);
      if (difference !== 0) return difference;
      i++;
      j++;
    }
    const left = /^0*(\d*)/.exec(a.slice(i)) ?? ['', ''];
    const right = /^0*(\d*)/.exec(b.slice(j)) ?? ['', ''];
    const difference =
      (left[1] ?? '').length - (right[1] ?? '').length ||
      compareText(left[1] ?? '', right[1] ?? '');
    if (difference !== 0) return difference;
    i += left[0]?.length ?? 0;
    j += right[0]?.length ?? 0;
  }
  return 0;
}

function compareVersionNames(a: string, b: string): number {
  if (a === b) return 0;
  if (a === '' || b === '') return a === '' ? -1 : 1;
  const stem = (name: string): string =>
    /^([^]*?)(?:\.[A-Za-z~][A-Za-z0-9~]*)*$/.exec(name)?.[1] ?? name;
  return compareVersions(stem(a), stem(b)) || compareVersions(a, b);
}

function prepared(text: string, ordering: Ordering): string {
  let out = text;
  if (ordering.dictionary) out = out.replace(/[^A-Za-z0-9 \t]/g, '');
  else if (ordering.printable) out = out.replace(/[^\x20-\x7e]/g, '');
  return ordering.fold ? out.replace(/[a-z]+/g, (part) => part.toUpperCase()) : out;
}

/** FNV-1a with a salt: the order of -R, equal for equal keys. */
function scrambled(text: string, salt: number): number {
  let hash = (0x811c9dc5 ^ salt) >>> 0;
  for (let at = 0; at < text.length; at++)
    hash = Math.imul(hash ^ text.charCodeAt(at), 16777619) >>> 0;
  return hash;
}

/** Compares two key texts by an ordering (its `reverse` included). */
export function compareKeys(a: string, b: string, ordering: Ordering, salt: number): number {
  let result: number;
  switch (ordering.kind) {
    case 'n':
      result = compareDecimal(a, b, false);
      break;
    case 'h':
      result = compareDecimal(a, b, true);
      break;
    case 'g':
      result = compareGeneral(a, b);
      break;
    case 'M': {
      const month = (text: string): number =>
        months.indexOf(text.trimStart().slice(0, 3).toUpperCase());
      result = month(a) - month(b);
      break;
    }
    case 'V':
      result = compareVersionNames(a, b);
      break;
    case 'R':
      result = scrambled(a, salt) - scrambled(b, salt);
      break;
    default:
      result = compareText(prepared(a, ordering), prepared(b, ordering));
  }
  return ordering.reverse ? -result : result;
}
