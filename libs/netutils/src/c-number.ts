/**
 * Numbers as C's printf prints them, where JavaScript has no form of its own.
 */

/** `%.{precision}g`. */
export function formatG(value: number, precision: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const scientific = value.toExponential(precision - 1);
  const at = scientific.indexOf('e');
  const exponent = Number(scientific.slice(at + 1));
  if (exponent >= -4 && exponent < precision) {
    const text = value.toFixed(Math.max(0, precision - 1 - exponent));
    return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  }
  const mantissa = scientific.slice(0, at).replace(/\.?0+$/, '');
  const sign = exponent < 0 ? '-' : '+';
  return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

/** `%{width}.{digits}f`; a negative width pads on the right. */
export function fixed(value: number, width: number, digits: number): string {
  const text = value.toFixed(digits);
  return width < 0 ? text.padEnd(-width) : text.padStart(width);
}
