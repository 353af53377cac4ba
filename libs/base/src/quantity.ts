/**
 * Durations, rates, sizes and percentages as people write them in topology files and on tc's command line.
 *
 * Sources: tc(8) "PARAMETERS" (time, rate, size spellings); containerlab's bare numbers are the caller's to scale.
 */

const TIME_NS: Readonly<Record<string, number>> = {
  ns: 1,
  nsec: 1,
  nsecs: 1,
  us: 1e3,
  usec: 1e3,
  usecs: 1e3,
  µs: 1e3,
  ms: 1e6,
  msec: 1e6,
  msecs: 1e6,
  s: 1e9,
  sec: 1e9,
  secs: 1e9,
  m: 60e9,
  min: 60e9,
  h: 3600e9,
};

/** `10ms`, `1.5s`, `200us` to integer nanoseconds; a bare number is in `bareUnit` (default seconds). */
export function parseDurationNs(text: string | number, bareUnit = 's'): number | undefined {
  const match = /^\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-zµ]*)\s*$/.exec(String(text));
  if (match === null) return undefined;
  const unit = TIME_NS[match[2] === '' ? bareUnit : (match[2] ?? '')];
  return unit === undefined ? undefined : Math.round(Number(match[1]) * unit);
}

const RATE_BITS: Readonly<Record<string, number>> = {
  bit: 1,
  kbit: 1e3,
  mbit: 1e6,
  gbit: 1e9,
  tbit: 1e12,
  kibit: 1024,
  mibit: 1024 ** 2,
  gibit: 1024 ** 3,
  tibit: 1024 ** 4,
  bps: 8,
  kbps: 8e3,
  mbps: 8e6,
  gbps: 8e9,
  tbps: 8e12,
  kibps: 8192,
  mibps: 8 * 1024 ** 2,
  gibps: 8 * 1024 ** 3,
  tibps: 8 * 1024 ** 4,
};

/** tc's rate spellings to bits a second (`bps` is bytes a second there); a bare number is in `bareUnit`. */
export function parseRateBits(text: string | number, bareUnit = 'bit'): number | undefined {
  const match = /^\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)\s*$/i.exec(String(text));
  if (match === null) return undefined;
  const unit = RATE_BITS[match[2] === '' ? bareUnit : (match[2] ?? '').toLowerCase()];
  return unit === undefined ? undefined : Math.round(Number(match[1]) * unit);
}

/** `0.1%` or a bare percentage to a fraction of 1; undefined where malformed or outside 0 to 100. */
export function parsePercent(text: string | number): number | undefined {
  const match = /^\s*(\d+(?:\.\d*)?|\.\d+)\s*%?\s*$/.exec(String(text));
  if (match === null) return undefined;
  const percent = Number(match[1]);
  return percent <= 100 ? percent / 100 : undefined;
}
