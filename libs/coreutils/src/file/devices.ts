/** Major and minor numbers of the device nodes that a host has (Documentation/admin-guide/devices.txt). */
import { baseName } from './paths.js';

const known: Readonly<Record<string, readonly [number, number]>> = {
  mem: [1, 1],
  null: [1, 3],
  port: [1, 4],
  zero: [1, 5],
  full: [1, 7],
  random: [1, 8],
  urandom: [1, 9],
  kmsg: [1, 11],
  tty: [5, 0],
  console: [5, 1],
  ptmx: [5, 2],
};

export function deviceNumbers(path: string): readonly [number, number] | undefined {
  const name = baseName(path);
  if (/\/pts\/\d+$/.test(path)) return [136, Number(name)];
  return known[name];
}
