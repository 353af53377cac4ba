/** Reading a discipline's options, which programs send as numbers by tc's names. */
import { KernelError } from '@netloom/base';

/** @errno EINVAL for what is no number of at least `least` */
export function numberOption(
  options: Readonly<Record<string, unknown>>,
  name: string,
  fallback: number,
  least = 0,
): number {
  const value = options[name];
  if (value === undefined) return fallback;
  if (typeof value !== 'number' || !(value >= least)) throw new KernelError('EINVAL');
  return value;
}
