/**
 * printf(3) conversions over numbers and byte text: shared by printf, awk, seq, od and others.
 * Rounding is the C library's (exact value, ties to even).
 */

export interface FormatSpec {
  readonly flags: string;
  /** `'*'` is taken from the arguments by the caller. */
  readonly width: number | '*' | undefined;
  readonly precision: number | '*' | undefined;
  readonly conversion: string;
}

/** Reads the directive whose `%` is at `at`; `length` is that of its spelling. Length modifiers are skipped. */
export function parseSpec(
  format: string,
  at: number,
): { spec: FormatSpec; length: number } | undefined {
  const match = /^%([-+ #0']*)(\*|\d+)?(?:\.(\*|-?\d*))?(?:hh|h|ll|l|L|j|z|t)?([^])/.exec(
    format.slice(at, at + 80),
  );
  if (match === null) return undefined;
  const [text, flags = '', width, precision, conversion = ''] = match;
  const number = (digits: string | undefined): number | '*' | undefined =>
    digits === undefined
      ? undefined
      : digits === '*'
        ? '*'
        : Math.max(0, Number(digits === '' ? '0' : digits));
  const negative = precision?.startsWith('-') === true;
  return {
    spec: {
      flags,
      width: number(width),
      precision: negative ? undefined : number(precision),
      conversion,
    },
    length: text.length,
  };
}

function pad(text: string, spec: FormatSpec, zeroFrom: number): string {
  const width = typeof spec.width === 'number' ? spec.width : 0;
  if (text.length >= width) return text;
  const missing = width - text.length;
  if (spec.flags.includes('-')) return text + ' '.repeat(missing);
  if (zeroFrom >= 0 && spec.flags.includes('0'))
    return text.slice(0, zeroFrom) + '0'.repeat(missing) + text.slice(zeroFrom);
  return ' '.repeat(missing) + text;
}

export function formatText(spec: FormatSpec, text: string): string {
  const cut = typeof spec.precision === 'number' ? text.slice(0, spec.precision) : text;
  return pad(cut, spec, -1);
}

function sign(negative: boolean, flags: string): string {
  return negative ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
}

/** d, i, u, o, x, X of a whole number; negative ones of the unsigned conversions wrap at 64 bits. */
export function formatInteger(spec: FormatSpec, value: bigint): string {
  const { flags, conversion } = spec;
  const signed = conversion === 'd' || conversion === 'i';
  const magnitude = signed ? (value < 0n ? -value : value) : BigInt.asUintN(64, value);
  const radix = conversion === 'o' ? 8 : conversion === 'x' || conversion === 'X' ? 16 : 10;
  let digits = magnitude.toString(radix);
  if (conversion === 'X') digits = digits.toUpperCase();
  const precision = typeof spec.precision === 'number' ? spec.precision : undefined;
  if (precision !== undefined)
    digits = precision === 0 && magnitude === 0n ? '' : digits.padStart(precision, '0');
  let prefix = signed ? sign(value < 0n, flags) : '';
  if (flags.includes('#') && magnitude !== 0n) {
    if (radix === 16) prefix = conversion === 'x' ? '0x' : '0X';
    else if (radix === 8 && !digits.startsWith('0')) digits = `0${digits}`;
  }
  if (flags.includes("'") && radix === 10) digits = digits.replace(/\B(?=(\d{3})+$)/g, ',');
  return pad(prefix + digits, spec, precision === undefined ? prefix.length : -1);
}

/** Corrects a rounding up of an exact tie to an odd last digit. */
function tiesToEven(rounded: string, exact: string, digits: string): string {
  // `exact` carries 25 more digits than `rounded`; a tie shows as a 5 and zeros.
  if (!/^50*$/.test(digits)) return rounded;
  const kept = exact.slice(0, exact.length - digits.length).replace(/\.$/, '');
  return /[02468]$/.test(kept) ? kept : rounded;
}

function fixed(value: number, precision: number): string {
  if (value >= 1e21) {
    const whole = BigInt(value).toString();
    return precision === 0 ? whole : `${whole}.${'0'.repeat(precision)}`;
  }
  const places = Math.min(precision, 100);
  let text = value.toFixed(places);
  if (places <= 75) {
    const exact = value.toFixed(places + 25);
    text = tiesToEven(text, exact, exact.slice(exact.length - 25));
  }
  return precision > places ? text + '0'.repeat(precision - places) : text;
}

function exponential(value: number, precision: number): { mantissa: string; exponent: number } {
  const places = Math.min(precision, 100);
  const [mantissa = '', exponent = '0'] = value.toExponential(places).split('e');
  let text = mantissa;
  if (places <= 75) {
    const [exact = '', exactExponent] = value.toExponential(places + 25).split('e');
    if (exactExponent === exponent)
      text = tiesToEven(mantissa, exact, exact.slice(exact.length - 25));
  }
  return { mantissa: text + '0'.repeat(precision - places), exponent: Number(exponent) };
}

function exponentText(exponent: number): string {
  return `e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

function general(value: number, precision: number, keepZeros: boolean): string {
  const digits = precision === 0 ? 1 : precision;
  const { mantissa, exponent } =
    value === 0 ? { mantissa: '0', exponent: 0 } : exponential(value, digits - 1);
  const strip = (text: string): string =>
    keepZeros || !text.includes('.') ? text : text.replace(/\.?0+$/, '');
  if (exponent < -4 || exponent >= digits) return strip(mantissa) + exponentText(exponent);
  return strip(fixed(value, digits - 1 - exponent));
}

/** e, f, g and their capitals. */
export function formatFloat(spec: FormatSpec, value: number): string {
  const { flags, conversion } = spec;
  const prefix = sign(value < 0 || Object.is(value, -0), flags);
  const magnitude = Math.abs(value);
  if (!Number.isFinite(value)) {
    const word = Number.isNaN(value) ? 'nan' : 'inf';
    const shown = conversion === conversion.toUpperCase() ? word.toUpperCase() : word;
    return pad(prefix + shown, { ...spec, flags: flags.replace('0', '') }, -1);
  }
  const precision = typeof spec.precision === 'number' ? spec.precision : 6;
  const kind = conversion.toLowerCase();
  let body: string;
  if (kind === 'f') body = fixed(magnitude, precision);
  else if (kind === 'e') {
    const { mantissa, exponent } = exponential(magnitude, precision);
    body = mantissa + exponentText(exponent);
  } else body = general(magnitude, precision, flags.includes('#'));
  if (conversion !== kind) body = body.toUpperCase();
  return pad(prefix + body, spec, prefix.length);
}

/** `%.{precision}g` of a number. */
export function shortest(value: number, precision = 6): string {
  return formatFloat({ flags: '', width: undefined, precision, conversion: 'g' }, value);
}
