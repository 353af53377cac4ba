import { sequences } from './sequences.cases.js';
import { SpecHost } from './spec-host.js';

describe('commands one after another', () => {
  it.each(
    sequences.map(
      (steps, index) => [`${index + 1}: ${steps[0]?.[0].join(' ') ?? ''}`, steps] as const,
    ),
  )('%s', async (_name, steps) => {
    const host = await SpecHost.create();
    for (const [argv, , out, err, code] of steps) {
      expect({ argv, ...(await host.run(argv)) }).toEqual({ argv, out, err, code });
    }
  });
});
