import { type KernelError } from '@netloom/base';
import {
  decodeText,
  encodeText,
  OpenFlag,
  Poll,
  print,
  readAll,
  Signal,
  type Program,
  type Sys,
} from '@netloom/sys';
import { InputStream } from './run.js';
import { makeHost, runToEnd } from './spec-host.js';

const child = (sys: Sys, main: Program, fds: [number, number][]): number =>
  sys.spawn({ program: main, argv: ['c'], fds: new Map(fds) });

describe('pipes', () => {
  it('block the writer when full and the reader when empty, and end with the last writer', async () => {
    const { out } = await runToEnd(makeHost(), async (sys) => {
      const [r, w] = sys.pipe();
      child(
        sys,
        async (s) => {
          await s.sleep(1e9);
          await s.write(1, new Uint8Array(150_000));
          await print(s, 'end');
          return 0;
        },
        [
          [1, w],
          [2, 2],
        ],
      );
      sys.close(w);
      const sizes: number[] = [];
      for (;;) {
        const chunk = await sys.read(r, 100_000);
        if (chunk.length === 0) break;
        sizes.push(chunk.length);
      }
      await print(
        sys,
        `${sizes.reduce((a, b) => a + b, 0)} ${Math.max(...sizes)} ${Math.round(sys.now() / 1e9)}`,
      );
      return 0;
    });
    expect(out).toBe('150003 65536 1');
  });

  it('fill a read from several chunks, and keep small writes whole', async () => {
    const { out } = await runToEnd(makeHost(), async (sys) => {
      const [r, w] = sys.pipe();
      for (const text of ['abc', 'def', 'ghi']) await sys.write(w, encodeText(text));
      await print(sys, `${decodeText(await sys.read(r, 7))},${decodeText(await sys.read(r, 7))}\n`);
      await sys.write(w, new Uint8Array(65_000));
      sys.setNonblock(w, true);
      const small = await sys.write(w, new Uint8Array(600)).catch((e: KernelError) => e.code);
      const large = await sys.write(w, new Uint8Array(5000));
      const full = await sys.write(w, new Uint8Array(1)).catch((e: KernelError) => e.code);
      await print(sys, `${small} ${large} ${full} ${(await sys.read(r, 1e6)).length}\n`);
      sys.setNonblock(r, true);
      await print(sys, await sys.read(r, 1).then(String, (e: KernelError) => e.code));
      return 0;
    });
    expect(out).toBe('abcdefg,hi\nEAGAIN 536 EAGAIN 65536\nEAGAIN');
  });

  it('raise SIGPIPE, and fail with EPIPE where it is ignored', async () => {
    const { out } = await runToEnd(makeHost(), async (sys) => {
      for (const ignore of [[], [Signal.SIGPIPE]]) {
        const [r, w] = sys.pipe();
        const pid = sys.spawn({
          program: async (s) => {
            await s.sleep(1);
            return s.write(1, new Uint8Array(1)).then(
              () => 0,
              (e: KernelError) => e.errno,
            );
          },
          argv: ['c'],
          fds: new Map([[1, w]]),
          ignore,
        });
        sys.close(r);
        const status = await sys.waitpid(pid);
        await print(sys, `${status?.kind} ${status?.value}\n`);
      }
      return 0;
    });
    expect(out).toBe('signal 13\nexit 32\n');
  });

  it('end `yes | head` by SIGPIPE', async () => {
    const { out, status } = await runToEnd(makeHost(), async (sys) => {
      const [r, w] = sys.pipe();
      const yes = child(
        sys,
        async (s) => {
          const block = encodeText('y\n'.repeat(4096));
          for (;;) await s.write(1, block);
        },
        [[1, w]],
      );
      sys.close(w);
      await print(sys, decodeText(await sys.read(r, 4)));
      sys.close(r);
      await print(sys, JSON.stringify(await sys.waitpid(yes)));
      return 0;
    });
    expect(status).toMatchObject({ kind: 'exit', value: 0 });
    expect(out).toBe('y\ny\n{"pid":101,"kind":"signal","value":13}');
  });

  it('move 64 MB fast', async () => {
    const host = makeHost();
    const total = 64 * 1024 * 1024;
    const { out } = await runToEnd(host, async (sys) => {
      const [r, w] = sys.pipe();
      child(
        sys,
        async (s) => {
          const block = new Uint8Array(65536);
          for (let sent = 0; sent < total; sent += block.length) await s.write(1, block);
          return 0;
        },
        [[1, w]],
      );
      sys.close(w);
      let got = 0;
      for (let n = -1; n !== 0; got += n) n = (await sys.read(r, 65536)).length;
      await print(sys, String(got));
      return 0;
    });
    expect(out).toBe(String(total));
  });

  it('never starve the clock: a loop over /dev/zero costs virtual time', async () => {
    const host = makeHost();
    const handle = host.run(
      async (sys) => {
        const from = sys.open('/dev/zero', OpenFlag.O_RDONLY);
        const to = sys.open('/dev/null', OpenFlag.O_WRONLY);
        for (;;) await sys.write(to, await sys.read(from, 65536));
      },
      ['spin'],
    );
    host.engine.at(0.1e9, () => handle.kill(Signal.SIGINT), undefined);
    await host.engine.run(1e9);
    expect(await handle.exit).toMatchObject({ kind: 'signal', value: 2 });
  });
});

describe('poll', () => {
  it('waits for any of its descriptors, or its time', async () => {
    const { out } = await runToEnd(makeHost(), async (sys) => {
      const [r, w] = sys.pipe();
      const [r2, w2] = sys.pipe();
      const both = [
        { fd: r, events: Poll.POLLIN },
        { fd: r2, events: Poll.POLLIN },
        { fd: w, events: 0 },
      ];
      const seen: unknown[] = [
        await sys.poll(both, 0),
        await sys.poll(both, 1e9),
        Math.round(sys.now() / 1e9),
      ];
      child(
        sys,
        async (s) => {
          await s.sleep(1e9);
          await print(s, 'x');
          await s.sleep(1e9);
          return 0;
        },
        [[1, w2]],
      );
      sys.close(w2);
      seen.push(await sys.poll(both), Math.round(sys.now() / 1e9));
      await sys.read(r2, 1);
      seen.push(await sys.poll(both), Math.round(sys.now() / 1e9));
      sys.close(r);
      seen.push(
        await sys.poll([
          { fd: w, events: Poll.POLLOUT },
          { fd: 77, events: Poll.POLLIN },
        ]),
      );
      await print(sys, JSON.stringify(seen));
      return 0;
    });
    expect(out).toBe('[[0,0,0],[0,0,0],1,[0,1,0],2,[0,16,0],3,[12,32]]');
  });
});

describe('fifos', () => {
  it('wait for the other end, and end with it', async () => {
    const { out } = await runToEnd(makeHost(), async (sys) => {
      sys.mkfifo('p');
      child(
        sys,
        async (s) => {
          const fd = s.open('p', OpenFlag.O_WRONLY);
          await s.write(fd, encodeText('through'));
          return 0;
        },
        [],
      );
      await sys.sleep(1e9);
      const fd = sys.open('p', OpenFlag.O_RDONLY);
      await print(sys, `${decodeText(await readAll(sys, fd))} ${sys.lstat('p').type}\n`);
      sys.close(fd);
      const again = sys.open('p', OpenFlag.O_RDONLY);
      child(
        sys,
        async (s) => {
          await s.sleep(1e9);
          await s.write(s.open('p', OpenFlag.O_WRONLY), encodeText('again'));
          return 0;
        },
        [],
      );
      await print(sys, decodeText(await readAll(sys, again)));
      return 0;
    });
    expect(out).toBe('through fifo\nagain');
  });
});

describe('standard input of run', () => {
  it('is bytes, or a stream that the application feeds', async () => {
    const cat: Program = async (sys) => {
      for (;;) {
        const chunk = await sys.read(0, 4);
        if (chunk.length === 0) return 0;
        await sys.write(1, chunk);
      }
    };
    expect(await runToEnd(makeHost(), cat, ['cat'], { stdin: 'some bytes' })).toMatchObject({
      out: 'some bytes',
    });
    const host = makeHost();
    const stdin = new InputStream();
    const drained: number[] = [];
    stdin.onDrain = () => drained.push(host.engine.now);
    host.engine.at(1e9, () => stdin.write('later'), undefined);
    host.engine.at(2e9, () => stdin.end(), undefined);
    const outcome = await runToEnd(host, cat, ['cat'], { stdin });
    expect(outcome).toMatchObject({ out: 'later', status: { value: 0 }, endNs: 2e9 });
    expect(drained).toEqual([1e9]);
  });
});
