import { CASES } from './cases/index.js';
import { runLine } from './spec-host.js';

/** Process ids differ; everything else must be what bash printed. */
const withoutPids = (text: string): string => text.replace(/ +\d+ (Killed|Hangup)/g, ' PID $1');

for (const [theme, cases] of Object.entries(CASES)) {
  describe(theme, () => {
    it.each(cases.map((own) => [own.line, own] as const))('%s', async (_line, own) => {
      const ran = await runLine(own.line);
      expect({ out: ran.out, err: withoutPids(ran.err), status: ran.status }).toEqual({
        out: own.out,
        err: own.err ?? '',
        status: expect.objectContaining({ kind: 'exit', value: own.status ?? 0 }),
      });
    });
  });
}
