/**
 * A run's fingerprint: a running hash over what happened when, to whom. Two runs that differ anywhere differ here.
 * Two 32-bit lanes of multiply-rotate mixing (as in MurmurHash3's body); not cryptographic.
 */
export class Fingerprint {
  private a = 0x2f0b4c47;
  private b = 0x7a8d0f13;

  /** Mixes in an event: its time (ns), who and where (small integers), and a hash of what. */
  mix(time: number, place: number, what: number): void {
    let a = this.a ^ Math.imul(what | 0, 0xcc9e2d51);
    a = (a << 13) | (a >>> 19);
    this.a = (Math.imul(a, 5) + (time | 0)) | 0;
    let b = this.b ^ Math.imul(place ^ ((time * 2 ** -32) | 0), 0x1b873593);
    b = (b << 15) | (b >>> 17);
    this.b = (Math.imul(b, 5) + this.a) | 0;
  }

  /** The fingerprint so far, as 16 hexadecimal digits. */
  get text(): string {
    const hex = (n: number): string => (n >>> 0).toString(16).padStart(8, '0');
    return hex(this.a) + hex(this.b);
  }
}
