import { cubicRoot } from './tcp-cubic.js';

describe('cubicRoot', () => {
  it('is right for small numbers and within half a percent for all', () => {
    expect([0, 1, 7, 8, 9, 26, 27, 28, 63].map(cubicRoot)).toEqual([0, 1, 2, 2, 2, 3, 3, 3, 4]);
    for (let a = 64; a < 2 ** 50; a = Math.floor(a * 1.37) + 1) {
      const root = Math.cbrt(a);
      expect(Math.abs(cubicRoot(a) - root)).toBeLessThanOrEqual(1 + root * 0.005);
    }
  });
});
