import { type KernelError } from '@netloom/base';
import { print, readAll, Signal, type Program, type Sys } from '@netloom/sys';
import { makeHost, runToEnd } from './spec-host.js';

const code =
  (n: number): Program =>
  () =>
    Promise.resolve(n);

describe('running a program', () => {
  it('starts after its cost, prints, and exits with its code', async () => {
    const host = makeHost([
      {
        paths: ['/usr/bin/hello', '/usr/bin/hi'],
        main: async (sys) => (await print(sys, `${sys.argv.join(' ')} ${sys.pid}\n`), 7),
      },
    ]);
    expect(await runToEnd(host, 'hi', ['hi', 'there'])).toEqual({
      status: { pid: 100, kind: 'exit', value: 7 },
      out: 'hi there 100\n',
      err: '',
      endNs: 300_000,
    });
    expect(await runToEnd(host, '/bin/hello', ['hello'])).toMatchObject({ out: 'hello 101\n' });
  });

  it('charges spawn 300 µs, a function 50 µs, and cpu what it says', async () => {
    const host = makeHost([{ paths: ['/usr/bin/nothing'], main: code(0) }]);
    const seen: number[] = [];
    await runToEnd(host, async (sys) => {
      seen.push(sys.now());
      sys.spawn({ program: '/usr/bin/nothing', argv: ['nothing'] });
      await sys.waitpid(-1);
      seen.push(sys.now());
      await sys.sleep(1_000_000);
      await sys.cpu(1000);
      seen.push(sys.now());
      return 0;
    });
    expect(seen[0]).toBe(50_000);
    expect(seen[1]).toBe(350_000);
    expect((seen[2] ?? 0) - 1_350_000).toBeGreaterThanOrEqual(1000);
    expect((seen[2] ?? 0) - 1_350_000).toBeLessThan(4000);
  });

  it('prints a KernelError that escapes, and exits with 1', async () => {
    const host = makeHost([
      { paths: ['/bin/oops'], main: (sys) => Promise.resolve(sys.open('/nowhere', 0)) },
    ]);
    expect(await runToEnd(host, 'oops', ['oops'])).toMatchObject({
      status: { kind: 'exit', value: 1 },
      err: 'oops: No such file or directory\n',
    });
  });

  it('hands bugs to the application', async () => {
    const bugs: unknown[] = [];
    const host = makeHost([], { onBug: (error) => bugs.push(error) });
    const outcome = await runToEnd(host, () => Promise.reject(new TypeError('ours')));
    expect(outcome.status).toMatchObject({ kind: 'signal', value: Signal.SIGABRT });
    expect(bugs).toEqual([new TypeError('ours')]);
    const loud = makeHost();
    loud.run(() => Promise.reject(new TypeError('ours')), ['x']);
    await expect(loud.engine.run(1e9)).rejects.toThrow('ours');
  });

  it('refuses what execve refuses', async () => {
    const host = makeHost();
    host.vfs.open(host.init, '/tmp/plain', 0o101, 0o644);
    host.vfs.open(host.init, '/tmp/exec', 0o101, 0o755);
    const refused = (path: string): string => {
      try {
        host.run(path, ['x']);
        return 'ran';
      } catch (error) {
        return (error as KernelError).code;
      }
    };
    expect(
      ['/tmp/none', 'none', '/tmp/plain', '/tmp/exec', '/tmp', '/tmp/plain/x'].map(refused),
    ).toEqual(['ENOENT', 'ENOENT', 'EACCES', 'ENOEXEC', 'EACCES', 'ENOTDIR']);
  });

  it('runs #! scripts through their interpreter, and copies of programs', async () => {
    const sh: Program = async (sys) => (await print(sys, `${sys.argv.join('|')}\n`), 0);
    const host = makeHost([
      { paths: ['/usr/bin/bash', '/usr/bin/sh'], main: sh },
      { paths: ['/usr/bin/env'], main: sh },
    ]);
    const outcome = await runToEnd(host, async (sys) => {
      const put = async (path: string, text: string | Uint8Array): Promise<void> => {
        const fd = sys.open(path, 0o1101, 0o755);
        await sys.write(fd, typeof text === 'string' ? new TextEncoder().encode(text) : text);
        sys.close(fd);
      };
      await put('a', '#!/bin/sh\necho\n');
      await put('b', '#! /usr/bin/env -S bash -e \n');
      await put('c', await readAll(sys, sys.open('/bin/sh', 0)));
      await put('d', '#!/nowhere\n');
      await put('e', '#!./e\n');
      for (const path of ['./a', 'b', '/root/c', 'd', 'e']) {
        try {
          sys.spawn({ program: path, argv: [path, '1', '2'] });
          await sys.waitpid(-1);
        } catch (error) {
          await print(sys, `${(error as KernelError).code}\n`);
        }
      }
      return 0;
    });
    expect(outcome.out).toBe(
      '/bin/sh|./a|1|2\n/usr/bin/env|-S bash -e|b|1|2\n/root/c|1|2\nENOENT\nELOOP\n',
    );
  });

  it('never ends in a RangeError of the emulator', async () => {
    const recurse = (n: number): number => recurse(n + 1) + 1;
    const host = makeHost();
    expect((await runToEnd(host, () => Promise.resolve(recurse(0)))).status).toMatchObject({
      kind: 'signal',
      value: Signal.SIGSEGV,
    });
  });
});

describe('exec', () => {
  it('replaces the program, keeps the pid and closes close-on-exec descriptors', async () => {
    const show: Program = async (sys) => (
      await print(sys, `${sys.pid} ${sys.openFds().join()} ${sys.env.get('A') ?? ''}\n`),
      3
    );
    const host = makeHost([{ paths: ['/bin/show'], main: show }]);
    let after = false;
    const outcome = await runToEnd(host, async (sys) => {
      const fd = sys.open('/dev/null', 0);
      sys.setCloexec(fd, true);
      sys.dup2(fd, 9);
      await sys.exec('/bin/show', ['show'], new Map([['A', 'b']]));
      after = true;
      return 0;
    });
    expect(outcome).toMatchObject({ status: { kind: 'exit', value: 3 }, out: '100 0,1,2,9 b\n' });
    expect(after).toBe(false);
  });
});

describe('waiting', () => {
  const family = (main: (sys: Sys) => Promise<string>): Promise<string> =>
    runToEnd(makeHost(), async (sys) => (await print(sys, await main(sys)), 0)).then(
      ({ out }) => out,
    );

  it('collects in order, by pid, without hanging, and fails without children', async () => {
    const text = await family(async (sys) => {
      const seen: unknown[] = [];
      const slow = sys.spawn({ program: async (s) => (await s.sleep(2e9), 2), argv: ['slow'] });
      const fast = sys.spawn({ program: async (s) => (await s.sleep(1e9), 1), argv: ['fast'] });
      seen.push(await sys.waitpid(-1, { nohang: true }));
      seen.push((await sys.waitpid(-1))?.pid === fast, Math.round(sys.now() / 1e9));
      seen.push((await sys.waitpid(slow))?.value, Math.round(sys.now() / 1e9));
      await sys.waitpid(-1).catch((e: KernelError) => seen.push(e.code));
      return JSON.stringify(seen);
    });
    expect(text).toBe('[null,true,1,2,2,"ECHILD"]');
  });

  it('reports stops, and freezes the stopped until it continues', async () => {
    const text = await family(async (sys) => {
      const seen: unknown[] = [];
      const child = sys.spawn({
        program: async (s) => {
          for (let i = 0; i < 3; i++) await s.sleep(1e9);
          return 5;
        },
        argv: ['c'],
        pgid: 0,
      });
      await sys.sleep(0.5e9);
      sys.kill(child, Signal.SIGSTOP);
      seen.push(await sys.waitpid(child, { untraced: true }));
      await sys.sleep(9.5e9);
      seen.push(await sys.waitpid(child, { nohang: true, untraced: true }));
      sys.kill(-child, Signal.SIGCONT);
      seen.push((await sys.waitpid(child))?.value, Math.round(sys.now() / 1e9));
      return JSON.stringify(seen);
    });
    expect(text).toBe(JSON.stringify([{ pid: 101, kind: 'stop', value: 19 }, null, 5, 12]));
  });

  it('kills a stopped process, and holds other signals back until it continues', async () => {
    const text = await family(async (sys) => {
      const seen: unknown[] = [];
      for (const signal of [Signal.SIGKILL, Signal.SIGTERM]) {
        const child = sys.spawn({ program: async (s) => (await s.sleep(99e9), 0), argv: ['c'] });
        await sys.sleep(1e9);
        sys.kill(child, Signal.SIGSTOP);
        sys.kill(child, signal);
        seen.push(await sys.waitpid(child, { nohang: true }));
        if (signal === Signal.SIGKILL) continue;
        sys.kill(child, Signal.SIGCONT);
        seen.push(await sys.waitpid(child));
      }
      return JSON.stringify(seen);
    });
    const ended = (pid: number, value: number): unknown => ({ pid, kind: 'signal', value });
    expect(text).toBe(JSON.stringify([ended(101, 9), null, ended(102, 15)]));
  });
});

describe('signals', () => {
  it('end a process and its pending calls for good', async () => {
    const host = makeHost();
    let ran = false;
    const handle = host.run(
      async (sys) => {
        await sys.sleep(5e9);
        ran = true;
        return 0;
      },
      ['x'],
    );
    await host.engine.run(1e9);
    handle.kill(Signal.SIGINT);
    await host.engine.run(10e9);
    expect(await handle.exit).toEqual({ pid: 100, kind: 'signal', value: 2 });
    expect(ran).toBe(false);
    expect(host.allTasks().map((t) => t.pid)).toEqual([1]);
  });

  it('run handlers as continuations, and are ignored where asked', async () => {
    const { out } = await runToEnd(makeHost(), async (sys) => {
      const seen: unknown[] = [];
      sys.signal(Signal.SIGUSR1, (n) => void seen.push(n));
      sys.signal(Signal.SIGTERM, 'ignore');
      sys.kill(sys.pid, Signal.SIGUSR1);
      sys.kill(sys.pid, Signal.SIGTERM);
      seen.push('sync');
      await sys.sleep(1);
      sys.signal(Signal.SIGCHLD, () => void seen.push('chld'));
      const child = sys.spawn({
        program: async (s) => (s.kill(s.pid, Signal.SIGTERM), await s.sleep(1), 4),
        argv: ['c'],
      });
      seen.push((await sys.waitpid(child))?.value);
      await sys.sleep(1);
      try {
        sys.signal(Signal.SIGKILL, 'ignore');
      } catch (error) {
        seen.push((error as KernelError).code);
      }
      await print(sys, JSON.stringify(seen));
      return 0;
    });
    expect(out).toBe('["sync",10,"chld",4,"EINVAL"]');
  });

  it('unwind the continuation that kills itself', async () => {
    let after = false;
    const outcome = await runToEnd(makeHost(), async (sys) => {
      try {
        sys.kill(0, Signal.SIGTERM);
        after = true;
      } finally {
        await print(sys, 'not seen');
      }
      return 0;
    });
    expect(outcome).toMatchObject({ status: { kind: 'signal', value: 15 }, out: '' });
    expect(after).toBe(false);
  });

  it('give orphans to init', async () => {
    const { out } = await runToEnd(makeHost(), async (sys) => {
      sys.spawn({
        program: async (s) => {
          s.spawn({
            program: async (g) => (
              await g.sleep(1e9),
              await print(g, `${g.processes().find((p) => p.pid === g.pid)?.ppid}\n`),
              0
            ),
            argv: ['g'],
          });
          return Promise.resolve(0);
        },
        argv: ['c'],
      });
      await sys.waitpid(-1);
      await sys.sleep(2e9);
      await print(sys, `${sys.processes().length}`);
      return 0;
    });
    expect(out).toBe('1\n2');
  });
});
