import { OpenFlag, type Sys } from '@netloom/sys';
import { textToBytes } from '../tool/bytes.js';
import { SpecHost } from './spec-host.js';

const fdsOf = (input: number, output: number): Map<number, number> =>
  new Map([
    [0, input],
    [1, output],
    [2, 2],
  ]);

/** Starts `source | tool`; the source is a function. */
async function fed(
  sys: Sys,
  source: (child: Sys) => Promise<number>,
  path: string,
  argv: readonly string[],
): Promise<{ pid: number; tool: number }> {
  const [reader, writer] = sys.pipe();
  const pid = sys.spawn({ program: source, argv: ['source'], fds: fdsOf(0, writer) });
  const tool = sys.spawn({ program: path, argv, fds: fdsOf(reader, 1) });
  sys.close(reader);
  sys.close(writer);
  return { pid, tool };
}

const slowLines = async (child: Sys): Promise<number> => {
  for (const line of ['one 1\n', 'two 2\n', 'three 3\n']) {
    await child.write(1, textToBytes(line));
    await child.sleep(1e9);
  }
  await child.sleep(100e9);
  return 0;
};

describe('what a tool can say, it says before it waits', () => {
  it.each([
    ['/usr/bin/grep', ['grep', 't'], 'two 2\nthree 3\n'],
    ['/usr/bin/awk', ['awk', '{print $2}'], '1\n2\n3\n'],
    ['/usr/bin/sed', ['sed', 's/ .*//'], 'one\ntwo\nthree\n'],
    ['/usr/bin/cut', ['cut', '-c1'], 'o\nt\nt\n'],
    ['/usr/bin/tr', ['tr', 'a-z', 'A-Z'], 'ONE 1\nTWO 2\nTHREE 3\n'],
    ['/usr/bin/cat', ['cat', '-n'], '     1\tone 1\n     2\ttwo 2\n     3\tthree 3\n'],
    ['/usr/bin/tee', ['tee'], 'one 1\ntwo 2\nthree 3\n'],
    ['/usr/bin/head', ['head', '-n', '2'], 'one 1\ntwo 2\n'],
    ['/usr/bin/jq', ['jq', '-R', '.'], '"one 1"\n"two 2"\n"three 3"\n'],
  ])('%s', async (path, argv, expected) => {
    const host = await SpecHost.create();
    const { out } = await host.pipeline(async (sys) => {
      await fed(sys, slowLines, path, argv);
      await sys.sleep(5e9);
      return 0;
    });
    expect(out).toBe(expected);
  });

  it('head ends its source', async () => {
    const host = await SpecHost.create();
    const { code, out } = await host.pipeline(async (sys) => {
      const endless = async (child: Sys): Promise<number> => {
        for (;;) await child.write(1, textToBytes('y\n'.repeat(1000)));
      };
      const { pid } = await fed(sys, endless, '/usr/bin/head', ['head', '-n1']);
      const status = await sys.waitpid(pid);
      return status?.kind === 'signal' ? status.value : 0;
    });
    expect({ code, out }).toEqual({ code: 13, out: 'y\n' });
  });
});

describe('tail -f', () => {
  it('prints what is appended, and starts over where the file is cut', async () => {
    const host = await SpecHost.create();
    const seen: [string, number][] = [];
    const writer = async (sys: Sys): Promise<number> => {
      const tail = sys.spawn({ program: '/usr/bin/tail', argv: ['tail', '-n1', '-f', 'l4'] });
      await sys.sleep(1e9);
      const fd = sys.open('l4', OpenFlag.O_WRONLY | OpenFlag.O_APPEND);
      await sys.write(fd, textToBytes('more\n'));
      await sys.sleep(1e9);
      sys.ftruncate(fd, 0);
      await sys.write(fd, textToBytes('new\n'));
      await sys.sleep(1e9);
      sys.kill(tail, 15);
      return 0;
    };
    const { err, out } = await host.pipeline(writer);
    expect(seen).toEqual([]);
    expect(out).toBe('l4\nmore\nnew\n');
    expect(err).toBe('tail: l4: file truncated\n');
  });
});

describe('virtual time', () => {
  it.each([
    [['sleep', '1.5'], 1.5],
    [['sleep', '1m', '2s'], 62],
    [['timeout', '3', 'sleep', '60'], 3],
    [['timeout', '-k', '2', '3', 'sleep', '60'], 3],
  ])('%j takes %d s', async (argv, seconds) => {
    const host = await SpecHost.create();
    const start = host.engine.now;
    await host.run(argv);
    expect(Math.round((host.engine.now - start) / 1e7) / 100).toBe(seconds);
  });

  it('watch runs its command again and again', async () => {
    const host = await SpecHost.create();
    const times: number[] = [];
    await host.run(
      ['watch', '-n', '2', 'echo hi'],
      '',
      (_text, now) => times.push(Math.round(now / 1e9)),
      7e9,
    );
    expect(times.map((time) => time - (times[0] ?? 0))).toEqual([0, 2, 4, 6]);
  });

  it('endless loops let time pass', async () => {
    const host = await SpecHost.create();
    for (const argv of [
      ['awk', 'BEGIN { while (1) i++ }'],
      ['yes'],
      ['sed', ':a;ba'],
      ['cat', '/dev/zero'],
    ]) {
      const { code } = await host.run(['timeout', '1', ...argv], 'x\n');
      expect([argv[0], code]).toEqual([argv[0], 124]);
    }
  });
});
