import { chanceThreshold, hashText, RandomStream } from './random.js';

/** The chi-square statistic of counts against equal expectation. */
function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((a, b) => a + b, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

const draws = (seed: number, purpose: string, count: number): number[] => {
  const stream = new RandomStream(seed, purpose);
  return Array.from({ length: count }, () => stream.u32());
};

describe('RandomStream', () => {
  it('gives the same numbers on every machine and in every version', () => {
    expect(draws(1, 'wire/w/a', 4)).toMatchInlineSnapshot(`
      [
        2528712699,
        1364909139,
        2801943478,
        1090121647,
      ]
    `);
    expect(draws(2 ** 40 + 1, 'wire/w/a', 2)).toMatchInlineSnapshot(`
      [
        1634655141,
        3471566410,
      ]
    `);
  });

  it('differs by seed, by the upper half of a seed, and by purpose', () => {
    const all = [
      draws(1, 'x', 8),
      draws(2, 'x', 8),
      draws(1 + 2 ** 32, 'x', 8),
      draws(1, 'y', 8),
      draws(-1, 'x', 8),
    ].map(String);
    expect(new Set(all).size).toBe(all.length);
  });

  it('is uniform: 64 bins of high bits and of low bits, chi-square below the 0.1 % bound', () => {
    const high = new Array<number>(64).fill(0);
    const low = new Array<number>(64).fill(0);
    for (const n of draws(3, 'uniform', 64_000)) {
      high[n >>> 26]!++;
      low[n & 63]!++;
    }
    expect(chiSquare(high)).toBeLessThan(103.4); // 63 degrees of freedom
    expect(chiSquare(low)).toBeLessThan(103.4);
  });

  it('has streams that do not follow each other', () => {
    const a = draws(1, 'isn/a', 20_000);
    const b = draws(1, 'isn/b', 20_000);
    const agree = a.filter((n, i) => n >>> 31 === (b[i] as number) >>> 31).length;
    expect(Math.abs(agree - 10_000)).toBeLessThan(350); // 5 sigma
  });

  it('draws below a bound, evenly', () => {
    const stream = new RandomStream(5, 'below');
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 20_000; i++) counts[stream.below(10)]!++;
    expect(counts.length).toBe(10);
    expect(chiSquare(counts)).toBeLessThan(27.9); // 9 degrees of freedom
    expect(stream.below(1)).toBe(0);
  });

  it.each([0, 0.001, 0.25, 0.5, 1])('hits a chance of %p', (fraction) => {
    const stream = new RandomStream(6, `chance/${fraction}`);
    const threshold = chanceThreshold(fraction);
    let hits = 0;
    for (let i = 0; i < 50_000; i++) if (stream.chance(threshold)) hits++;
    const sigma = Math.sqrt(50_000 * fraction * (1 - fraction));
    expect(Math.abs(hits - 50_000 * fraction)).toBeLessThanOrEqual(4 * sigma);
  });

  it('takes no draw for a chance of nothing', () => {
    const stream = new RandomStream(1, 'x');
    stream.chance(0);
    expect(stream.u32()).toBe(draws(1, 'x', 1)[0]);
  });
});

describe('hashText', () => {
  it.each([
    ['', 0x811c9dc5],
    ['a', Math.imul(Math.imul(0x811c9dc5 ^ 0x61, 0x01000193) ^ 0, 0x01000193) >>> 0],
  ])('%p', (text, hash) => {
    expect(hashText(text)).toBe(hash);
  });

  it('spreads: no collisions among ten thousand names', () => {
    const hashes = new Set(Array.from({ length: 10_000 }, (_, i) => hashText(`wire/link-${i}/a`)));
    expect(hashes.size).toBe(10_000);
  });
});
