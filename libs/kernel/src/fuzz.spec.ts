import { fuzz } from './spec-fuzz.js';
import { fuzz6 } from './spec-fuzz6.js';

describe('mutated frames', () => {
  it('are taken or dropped with a reason, never leak, and leave the hosts answering', async () => {
    const result = await fuzz(20_260, 30_000);
    expect(result.unaccounted).toEqual([]);
    expect(result.dropped).toBeGreaterThan(1000);
    expect(result.answers).toEqual(['type 0', 'type 0']);
    expect(result.live).toBe(0);
    expect(result.slots).toEqual({ small: 0, large: 0 });
  });

  it('end in the same counts with the same seed', async () => {
    expect(await fuzz(7, 1000)).toEqual(await fuzz(7, 1000));
  });

  it.each([20_260, 20_261])(
    'of IPv6 too, into a router and an end host (seed %i)',
    async (seed) => {
      const result = await fuzz6(seed, 15_000);
      expect(result.dropped).toBeGreaterThan(1000);
      expect(result).toMatchObject({ live: 0, answered: true });
      expect(await fuzz6(seed, 500)).toEqual(await fuzz6(seed, 500));
    },
  );
});
