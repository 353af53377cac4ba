/**
 * Seeded random numbers: a 128-bit xoshiro generator whose seed is derived by hashing text.
 *
 * Every purpose draws from a stream of its own (a wire's direction, an ISN generator, ephemeral ports), so that
 * adding a draw in one place changes nothing elsewhere. Only 32-bit integer arithmetic: the same on every machine.
 * Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators" (xoshiro128**); seeding by
 * splitmix-style mixing of a 32-bit FNV-1a hash.
 */

/** 32-bit FNV-1a over the UTF-16 code units of a text, folded to bytes. */
export function hashText(text: string, seed = 0x811c9dc5): number {
  let hash = seed >>> 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 255), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  return hash >>> 0;
}

function mix(state: number): number {
  let z = state;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

/** One random stream. */
export class RandomStream {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  /** @param seed the lab's seed; @param purpose what the stream is for, such as `isn/client` */
  constructor(seed: number, purpose: string) {
    const high = Math.floor(seed / 0x1_0000_0000) | 0;
    let s = hashText(purpose) ^ mix((seed | 0) + 0x9e3779b9) ^ Math.imul(high, 0x85ebca6b);
    const next = (): number => {
      s = (s + 0x9e3779b9) | 0;
      return mix(s) | 0;
    };
    this.a = next();
    this.b = next();
    this.c = next();
    this.d = next() | 1;
  }

  /** The next unsigned 32-bit integer. */
  u32(): number {
    const r = Math.imul(this.b, 5);
    const result = Math.imul((r << 7) | (r >>> 25), 9) >>> 0;
    const t = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= t;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result;
  }

  /** A uniform integer in [0, bound); bound at most 2^32. */
  below(bound: number): number {
    return Math.floor((this.u32() / 0x1_0000_0000) * bound);
  }

  /** True with probability `threshold / 2^32`. */
  chance(threshold: number): boolean {
    return threshold > 0 && this.u32() < threshold;
  }
}

/** A fraction of 1 as the threshold {@link RandomStream.chance} takes. */
export function chanceThreshold(fraction: number): number {
  return fraction >= 1 ? 0x1_0000_0000 : Math.round(fraction * 0x1_0000_0000);
}
