/**
 * SipHash-2-4: a keyed hash of short inputs that does not give its key away, as Fast Open's cookies need it.
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012). Slow (64-bit integers as BigInt): a call for a
 * cookie, not for a packet.
 */
const MASK = (1n << 64n) - 1n;

function rotl(value: bigint, bits: bigint): bigint {
  return ((value << bits) | (value >> (64n - bits))) & MASK;
}

function little64(bytes: Uint8Array, at: number, count: number): bigint {
  let value = 0n;
  for (let i = count - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i] as number);
  return value;
}

class SipState {
  v0: bigint;
  v1: bigint;
  v2: bigint;
  v3: bigint;

  constructor(k0: bigint, k1: bigint) {
    this.v0 = k0 ^ 0x736f6d6570736575n;
    this.v1 = k1 ^ 0x646f72616e646f6dn;
    this.v2 = k0 ^ 0x6c7967656e657261n;
    this.v3 = k1 ^ 0x7465646279746573n;
  }

  round(): void {
    this.v0 = (this.v0 + this.v1) & MASK;
    this.v1 = rotl(this.v1, 13n) ^ this.v0;
    this.v0 = rotl(this.v0, 32n);
    this.v2 = (this.v2 + this.v3) & MASK;
    this.v3 = rotl(this.v3, 16n) ^ this.v2;
    this.v0 = (this.v0 + this.v3) & MASK;
    this.v3 = rotl(this.v3, 21n) ^ this.v0;
    this.v2 = (this.v2 + this.v1) & MASK;
    this.v1 = rotl(this.v1, 17n) ^ this.v2;
    this.v2 = rotl(this.v2, 32n);
  }

  absorb(word: bigint): void {
    this.v3 ^= word;
    this.round();
    this.round();
    this.v0 ^= word;
  }
}

/** The hash's eight bytes in little-endian order. `key` has 16 bytes. */
export function sipHash24(key: Uint8Array, data: Uint8Array): Uint8Array {
  const state = new SipState(little64(key, 0, 8), little64(key, 8, 8));
  const whole = data.length - (data.length % 8);
  for (let at = 0; at < whole; at += 8) state.absorb(little64(data, at, 8));
  const rest = little64(data, whole, data.length - whole);
  state.absorb((BigInt(data.length & 255) << 56n) | rest);
  state.v2 ^= 0xffn;
  for (let i = 0; i < 4; i++) state.round();
  const hash = state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
  return Uint8Array.from({ length: 8 }, (_, i) => Number((hash >> BigInt(8 * i)) & 255n));
}
