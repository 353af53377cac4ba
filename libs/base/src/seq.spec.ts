import { seqAdd, seqAfter, seqBefore, seqBetween, seqDiff } from './seq.js';
import fc from 'fast-check';

const seq = fc.integer({ min: 0, max: 0xffffffff });
const step = fc.integer({ min: 1, max: 0x7fffffff });

describe('sequence numbers', () => {
  it.each([
    [0xffffffff, 0, true],
    [0, 0xffffffff, false],
    [5, 5, false],
    [0, 0x7fffffff, true],
    [0x7fffffff, 0x80000000, true],
    [1, 2, true],
  ])('%i before %i: %p', (a, b, before) => {
    expect(seqBefore(a, b)).toBe(before);
    expect(seqAfter(b, a)).toBe(before);
  });

  it('adds and subtracts round the end', () => {
    fc.assert(
      fc.property(seq, step, (a, n) => {
        const b = seqAdd(a, n);
        expect(b).toBeGreaterThanOrEqual(0);
        expect(seqDiff(b, a)).toBe(n);
        expect(seqDiff(a, b)).toBe(-n);
        expect(seqBefore(a, b)).toBe(true);
        expect(seqBefore(b, a)).toBe(false);
        expect(seqBetween(a, a, b) && seqBetween(b, a, b)).toBe(true);
        expect(seqBetween(seqAdd(b, 1), a, b)).toBe(false);
        expect(seqBetween(seqAdd(a, -1), a, b)).toBe(false);
      }),
    );
  });
});
