import { type KernelError } from '@netloom/base';
import { decodeText, OpenFlag, print, readTextFile, Signal, type Program } from '@netloom/sys';
import type { Pty } from './pty.js';
import { makeHost } from './spec-host.js';
import type { TaskHost } from './task-host.js';

interface Screen {
  readonly host: TaskHost;
  readonly pty: Pty;
  shown: string;
}

function makeScreen(): Screen {
  const host = makeHost();
  const screen: { host: TaskHost; pty: Pty; shown: string } = {
    host,
    shown: '',
    pty: host.openPty({
      size: { rows: 24, cols: 80 },
      onOutput: (data) => (screen.shown += decodeText(data)),
    }),
  };
  return screen;
}

/** Runs a program on a terminal while keys come in at given times (seconds). */
async function session(
  main: Program,
  keys: readonly (readonly [number, string])[],
  screen = makeScreen(),
): Promise<Screen & { readonly end: unknown }> {
  const { host, pty } = screen;
  const handle = host.run(main, ['prog'], { pty });
  for (const [at, text] of keys) host.engine.at(at * 1e9, () => pty.input(text), undefined);
  await host.engine.run(100e9);
  const box: { end?: unknown } = {};
  void handle.exit.then((status) => (box.end = status));
  await host.engine.run(101e9);
  return { ...screen, shown: screen.shown, end: box.end };
}

/** Reads until end of file and shows each read as JSON. */
const reader: Program = async (sys) => {
  for (;;) {
    const data = await sys.read(0, 1000);
    await print(sys, `${JSON.stringify(decodeText(data))}\n`);
    if (data.length === 0) return 0;
  }
};

describe('canonical mode', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['echoes lines and ends at ^D', 'hello\r\x04', 'hello\r\n"hello\\n"\r\n""\r\n'],
    [
      'erases characters, also of several bytes',
      'heé\x7f\x7fi\n\x04',
      'heé\b \b\b \bi\r\n"hi\\n"\r\n""\r\n',
    ],
    [
      'erases words',
      'one two  \x17x\n\x04',
      'one two  \b \b\b \b\b \b\b \b\b \bx\r\n"one x\\n"\r\n""\r\n',
    ],
    [
      'erases words up to punctuation',
      'foo,bar\x17\n\x04',
      'foo,bar\b \b\b \b\b \b\r\n"foo,\\n"\r\n""\r\n',
    ],
    ['shows the line again at ^R', 'ab\x12c\n\x04', 'ab^R\r\nabc\r\n"abc\\n"\r\n""\r\n'],
    ['kills the line', 'abc\x15d\n\x04', 'abc\b \b\b \b\b \bd\r\n"d\\n"\r\n""\r\n'],
    [
      'shows control characters, and erases both cells',
      'a\x01\x7fb\n\x04',
      'a^A\b \b\b \bb\r\n"ab\\n"\r\n""\r\n',
    ],
    [
      'erases a tab back to its column',
      'a\t\x7fb\n\x04',
      `a\t${'\b'.repeat(7)}b\r\n"ab\\n"\r\n""\r\n`,
    ],
    ['gives an unfinished line at ^D', 'part\x04\x04', 'part"part"\r\n""\r\n'],
    ['takes the next key literally after ^V', '\x16\x03\n\x04', '^\b^C\r\n"\\u0003\\n"\r\n""\r\n'],
  ];

  it.each(cases)('%s', async (_name, keys, shown) => {
    expect((await session(reader, [[1, keys]])).shown).toBe(shown);
  });

  it('keeps reads apart line by line', async () => {
    expect((await session(reader, [[1, 'a\nb\n\x04']])).shown).toBe(
      'a\r\nb\r\n"a\\n"\r\n"b\\n"\r\n""\r\n',
    );
  });
});

describe('keys that send signals', () => {
  it.each([
    ['\x03', '^C', 2],
    ['\x1c', '^\\', 3],
  ])('%j', async (key, shown, signal) => {
    const result = await session(async (sys) => (await sys.sleep(50e9), 0), [[1, `gone${key}`]]);
    expect(result.shown).toBe(`gone${shown}`);
    expect(result.end).toMatchObject({ kind: 'signal', value: signal });
  });

  it('^Z stops the foreground job, which the shell continues', async () => {
    const shell: Program = async (sys) => {
      const job = sys.spawn({ program: reader, argv: ['job'], pgid: 0 });
      sys.tcsetpgrp(0, job);
      await print(sys, `[${JSON.stringify(await sys.waitpid(job, { untraced: true }))}]\n`);
      sys.tcsetpgrp(0, sys.getpgid(0));
      const line = await sys.read(0, 100);
      await print(sys, `shell got ${JSON.stringify(decodeText(line))}\n`);
      sys.tcsetpgrp(0, job);
      sys.kill(-job, Signal.SIGCONT);
      await print(sys, `[${JSON.stringify(await sys.waitpid(job, { untraced: true }))}]\n`);
      return 0;
    };
    const { shown } = await session(shell, [
      [1, 'one\n'],
      [2, '\x1a'],
      [3, 'fg\n'],
      [4, 'two\n\x04'],
    ]);
    expect(shown).toBe(
      'one\r\n"one\\n"\r\n^Z[{"pid":101,"kind":"stop","value":20}]\r\nfg\r\nshell got "fg\\n"\r\ntwo\r\n"two\\n"\r\n""\r\n[{"pid":101,"kind":"exit","value":0}]\r\n',
    );
  });

  it('a background job that reads is stopped, or fails where it ignores that', async () => {
    const shell: Program = async (sys) => {
      for (const ignore of [[], [Signal.SIGTTIN]]) {
        const job = sys.spawn({
          program: (s) =>
            s.read(0, 1).then(
              () => 0,
              (e: KernelError) => e.errno,
            ),
          argv: ['job'],
          pgid: 0,
          ignore,
        });
        const status = await sys.waitpid(job, { untraced: true });
        await print(sys, `${status?.kind} ${status?.value}\n`);
        if (status?.kind === 'stop') sys.kill(job, Signal.SIGKILL);
        if (status?.kind === 'stop') await sys.waitpid(job);
      }
      return 0;
    };
    expect((await session(shell, [])).shown).toBe('stop 21\r\nexit 5\r\n');
  });
});

describe('a terminal', () => {
  it('has a name, a size and raw mode', async () => {
    const main: Program = async (sys) => {
      const seen: unknown[] = [
        sys.isatty(0),
        sys.ttySize(1),
        sys.fstat(0).type,
        sys.readlink('/proc/self/fd/0'),
      ];
      seen.push(
        sys.processes().find((p) => p.pid === sys.pid)?.tty,
        sys.readdir('/dev/pts').map((e) => `${e.name}:${e.type}`),
      );
      sys.signal(Signal.SIGWINCH, () => void seen.push(sys.ttySize(0)));
      sys.ttyRaw(0, true);
      seen.push(decodeText(await sys.read(0, 100)), decodeText(await sys.read(0, 100)));
      sys.ttyRaw(0, false);
      const again = sys.open('/dev/tty', OpenFlag.O_RDWR);
      await sys.write(again, new TextEncoder().encode(`${JSON.stringify(seen)}\n`));
      await print(
        sys,
        (await readTextFile(sys, '/proc/self/stat')).split(' ').slice(4, 8).join(' '),
      );
      return 0;
    };
    const screen = makeScreen();
    screen.host.engine.at(1.5e9, () => screen.pty.resize({ rows: 50, cols: 132 }), undefined);
    const { shown } = await session(
      main,
      [
        [1, 'q'],
        [2, '\x1b[A\r\x03'],
      ],
      screen,
    );
    expect(shown).toBe(
      '[true,{"rows":24,"cols":80},"char","/dev/pts/0","pts/0",["0:char"],{"rows":50,"cols":132},"q","\\u001b[A\\r\\u0003"]\r\n100 100 34816 100',
    );
  });

  it('hangs its session up when it is closed, and frees its number', async () => {
    const screen = makeScreen();
    screen.host.engine.at(5e9, () => screen.pty.close(), undefined);
    const { end, host } = await session(
      async (sys) => {
        sys.spawn({ program: async (s) => (await s.sleep(90e9), 0), argv: ['bg'], pgid: 0 });
        await sys.sleep(50e9);
        return 0;
      },
      [],
      screen,
    );
    expect(end).toMatchObject({ kind: 'signal', value: Signal.SIGHUP });
    expect(host.openPty({ onOutput: () => undefined }).tty.name).toBe('pts/0');
  });

  it('is lost to the session when its leader ends', async () => {
    const { shown, host } = await session(async (sys) => {
      sys.spawn({
        program: async (s) => (await s.sleep(1e9), await print(s, 'late'), 0),
        argv: ['fg'],
      });
      sys.spawn({
        program: async (s) => (
          await s.sleep(1e9),
          await print(s, `still ${s.openFds().length}`),
          0
        ),
        argv: ['bg'],
        pgid: 0,
      });
      await sys.sleep(1000);
      return 0;
    }, []);
    expect(shown).toBe('still 3'); // the foreground group got SIGHUP, the other goes on
    expect(host.allTasks().length).toBe(1);
  });

  it('is no terminal to a program without one', async () => {
    const host = makeHost();
    const codes: string[] = [];
    host.run(
      async (sys) => {
        for (const call of [
          () => sys.ttySize(0),
          () => sys.tcgetpgrp(0),
          () => sys.ttyRaw(9, true),
        ]) {
          try {
            call();
          } catch (error) {
            codes.push((error as KernelError).code);
          }
        }
        return Promise.resolve(0);
      },
      ['x'],
    );
    await host.engine.run(1e9);
    expect(codes).toEqual(['ENOTTY', 'ENOTTY', 'EBADF']);
  });
});
