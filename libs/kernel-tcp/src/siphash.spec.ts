import { sipHash24 } from './siphash.js';

const hex = (bytes: Uint8Array): string =>
  [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('');
const counting = (n: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => i);

describe('SipHash-2-4', () => {
  // The paper's appendix, and vectors of its reference implementation: key 00 01 … 0f, input 00 01 … n-1.
  it.each([
    [0, '310e0edd47db6f72'],
    [1, 'fd67dc93c539f874'],
    [8, '6224939a79f5f593'],
    [15, 'e545be4961ca29a1'],
  ])('of %d bytes', (n, expected) => {
    expect(hex(sipHash24(counting(16), counting(n)))).toBe(expected);
  });

  it('makes the Fast Open cookie that Linux makes for key a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4', () => {
    const key = Uint8Array.from([161, 178, 195, 212].flatMap((b) => [b, b, b, b]));
    const addresses = Uint8Array.of(192, 0, 2, 1, 192, 168, 0, 1);
    expect(hex(sipHash24(key, addresses))).toBe('3021b9d889017eeb');
    const words = (text: string): number[] =>
      text.split(':').flatMap((word) => [parseInt(word, 16) >> 8, parseInt(word, 16) & 255]);
    const peer = words('fd3d:fa7b:d17d:0:0:0:0:1');
    const own = words('fd3d:0a0b:17d6:0:0:0:0:1');
    expect(hex(sipHash24(key, Uint8Array.from([...peer, ...own])))).toBe('c1d1e9742a47a9bc');
  });
});
