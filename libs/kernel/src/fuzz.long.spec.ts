import { fuzz } from './spec-fuzz.js';
import { fuzz6 } from './spec-fuzz6.js';

describe('a million mutated frames', () => {
  it.each(Array.from({ length: 10 }, (_, i) => i + 1))(
    'seed %i',
    async (seed) => {
      const result = await fuzz(seed, 100_000);
      expect(result.unaccounted).toEqual([]);
      expect(result.answers).toEqual(['type 0', 'type 0']);
      expect(result.live).toBe(0);
      expect(result.slots).toEqual({ small: 0, large: 0 });
    },
    120_000,
  );
});

describe('a million mutated frames of IPv6', () => {
  it.each(Array.from({ length: 10 }, (_, i) => i + 1))(
    'seed %i',
    async (seed) => {
      expect(await fuzz6(seed, 100_000)).toMatchObject({ live: 0, answered: true });
    },
    120_000,
  );
});
