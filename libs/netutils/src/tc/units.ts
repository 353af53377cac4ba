/**
 * Sizes, rates and times as tc reads and prints them, and the clock ticks through which it hands times to the kernel.
 * Source: tc(8) "PARAMETERS"; the roundings are those of iproute2 6.1.
 */
import { parseDurationNs, parseRateBits } from '@netloom/base';

/** Scheduler ticks in a microsecond: /proc/net/psched says 1000 µs in 64ths. */
const TICKS_PER_US = 1000 / 64;

const SIZE: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  kb: 1024,
  m: 1024 ** 2,
  mb: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1024 ** 3,
  kbit: 1024 / 8,
  mbit: 1024 ** 2 / 8,
  gbit: 1024 ** 3 / 8,
};

/** Bytes; undefined where it is no size. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d*)?|\.\d+)([a-z]*)$/i.exec(text);
  const unit = SIZE[(match?.[2] ?? '').toLowerCase()];
  if (match === null || unit === undefined) return undefined;
  const bytes = Math.floor(Number(match[1]) * unit);
  return bytes <= 0xffffffff ? bytes : undefined;
}

/** Bytes a second; undefined where it is no rate. */
export function parseRate(text: string): number | undefined {
  const bits = parseRateBits(text);
  return bits === undefined ? undefined : bits / 8;
}

/** Microseconds; undefined where it is no time. */
export function parseTime(text: string): number | undefined {
  const ns = parseDurationNs(text, 'us');
  return ns === undefined ? undefined : Math.floor(ns / 1000);
}

/** The time that `size` bytes take at a rate, as the kernel reports it: in ticks of 64 ns. */
export function sendingTicks(rate: number, size: number): number {
  return Math.floor(Math.floor((size * 1e9) / rate) / 64);
}

/** Whole microseconds. */
export function ticksToUs(ticks: number): number {
  return Math.floor(ticks / TICKS_PER_US);
}

/** What is left of a size that went through ticks and back. */
export function ticksToSize(rate: number, ticks: number): number {
  return Math.floor((rate * ticksToUs(ticks)) / 1e6);
}

/** Six significant digits, as C's %g. */
function g(value: number): string {
  return String(Number(value.toPrecision(6)));
}

export function sizeText(bytes: number): string {
  const near = (unit: number, within: number): boolean =>
    bytes >= unit && Math.abs(unit * Math.round(bytes / unit) - bytes) < within;
  if (near(1024 ** 2, 1024)) return `${g(Math.round(bytes / 1024 ** 2))}Mb`;
  if (near(1024, 16)) return `${g(Math.round(bytes / 1024))}Kb`;
  return `${bytes}b`;
}

export function rateText(bytesPerSecond: number): string {
  const units = ['', 'K', 'M', 'G', 'T'];
  let rate = bytesPerSecond * 8;
  let unit = 0;
  while (unit < 4 && rate >= 1000 && (rate % 1000 === 0 || rate >= 1e6)) {
    rate /= 1000;
    unit++;
  }
  return `${rate.toFixed(0)}${units[unit] ?? ''}bit`;
}

export function timeText(us: number): string {
  if (us >= 1e6) return `${String(Number((us / 1e6).toPrecision(3)))}s`;
  if (us >= 1000) return `${String(Number((us / 1000).toPrecision(3)))}ms`;
  return `${Math.floor(us)}us`;
}
