/** Counts and sizes in arguments: `10`, `4K`, `1MiB`, `2kB`, `3b` (512 bytes), `1w`. */

const powers = 'KMGTPEZY';

function multiplier(suffix: string): number | undefined {
  if (suffix === '') return 1;
  if (suffix === 'b') return 512;
  if (suffix === 'c') return 1;
  if (suffix === 'w') return 2;
  const power = powers.indexOf(suffix.charAt(0) === 'k' ? 'K' : suffix.charAt(0)) + 1;
  if (power === 0) return undefined;
  const rest = suffix.slice(1);
  if (rest === '' || rest === 'iB') return 1024 ** power;
  return rest === 'B' ? 1000 ** power : undefined;
}

/** A non-negative count with an optional suffix; undefined where it is none. */
export function parseSize(text: string): number | undefined {
  const match = /^\s*\+?(\d+)([A-Za-z]*)$/.exec(text);
  if (match === null) return undefined;
  const factor = multiplier(match[2] ?? '');
  return factor === undefined ? undefined : Number(match[1]) * factor;
}

/** A duration as sleep and timeout take it, in nanoseconds: `1.5`, `2m`, `1h`, `3d`, `inf`. */
export function parseInterval(text: string): number | undefined {
  const match =
    /^(\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|inf(?:inity)?)([smhd]?)$/i.exec(text);
  if (match === null) return undefined;
  const base = /^inf/i.test(match[1] ?? '') ? Infinity : Number(match[1]);
  const unit = { '': 1, s: 1, m: 60, h: 3600, d: 86400 }[match[2] ?? ''] ?? 1;
  return Math.min(base * unit * 1e9, Number.MAX_SAFE_INTEGER);
}

/** A size for people: at most one decimal below ten, rounded up (`ls -h`, `du -h`, `df -h`). */
export function humanSize(bytes: number, base: 1000 | 1024 = 1024): string {
  if (bytes < base) return String(bytes);
  let value = bytes;
  let power = -1;
  while (value >= base && power < powers.length - 1) {
    value /= base;
    power++;
  }
  const letter = base === 1000 && power === 0 ? 'k' : powers.charAt(power);
  if (value < 10 && Math.ceil(value * 10) < 100)
    return `${(Math.ceil(value * 10 - 1e-9) / 10).toFixed(1)}${letter}`;
  const whole = Math.ceil(value - 1e-9);
  if (whole >= base && power < powers.length - 1) return `1.0${powers.charAt(power + 1)}`;
  return `${whole}${letter}`;
}
