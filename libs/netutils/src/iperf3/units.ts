/**
 * Quantities as iperf3 reads and prints them: bytes by 1024, bits by 1000.
 */
const SUFFIX = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([tTgGmMkK]?)/;

function withSuffix(text: string, base: number): number {
  const found = SUFFIX.exec(text.trim());
  if (found === null) return 0;
  const power = ['', 'k', 'm', 'g', 't'].indexOf((found[2] ?? '').toLowerCase());
  return Number(found[1]) * base ** power;
}

/** `128K` is 131072. */
export function parseBytes(text: string): number {
  return Math.trunc(withSuffix(text, 1024));
}

/** `1M` is 1000000. */
export function parseRate(text: string): number {
  return Math.trunc(withSuffix(text, 1000));
}

/** C's atoi. */
export function atoi(text: string): number {
  return Number(/^\s*([+-]?\d+)/.exec(text)?.[1] ?? 0);
}

const BYTES = ['Byte', 'KByte', 'MByte', 'GByte', 'TByte'];
const BITS = ['bit', 'Kbit', 'Mbit', 'Gbit', 'Tbit'];

/**
 * `12.7 KByte`, to which the reports add an `s`. `format`: `A` bytes in the unit that fits, `a` bits; `k`, `m`, `g`,
 * `t` bits and `K`, `M`, `G`, `T` bytes in a fixed one.
 */
export function unitText(bytes: number, format: string): string {
  const inBytes = format === format.toUpperCase();
  const base = inBytes ? 1024 : 1000;
  let value = inBytes ? bytes : bytes * 8;
  let unit = ['k', 'm', 'g', 't'].indexOf(format.toLowerCase()) + 1;
  if (unit > 0) value /= base ** unit;
  else
    while (value >= base && unit < 4) {
      value /= base;
      unit++;
    }
  const digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return `${value.toFixed(digits).padStart(4)} ${(inBytes ? BYTES : BITS)[unit] ?? ''}`;
}
