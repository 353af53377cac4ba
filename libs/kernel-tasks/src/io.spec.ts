/**
 * epoll, eventfd, timerfd, sendfile, splice and tee over pipes and files.
 */
import { Errno, KernelError } from '@netloom/base';
import { decodeText, encodeText, Epoll, OpenFlag, Poll, type Sys } from '@netloom/sys';
import { makeHost, runToEnd } from './spec-host.js';

async function errnoOf(call: () => unknown): Promise<number> {
  try {
    await call();
  } catch (error) {
    if (error instanceof KernelError) return error.errno;
    throw error;
  }
  return 0;
}

async function onHost(program: (sys: Sys) => Promise<void>): Promise<void> {
  let failure: unknown;
  let ended = false;
  await runToEnd(makeHost(), async (sys) => {
    try {
      await program(sys);
      ended = true;
    } catch (error) {
      failure = error;
    }
    return 0;
  });
  if (failure !== undefined) throw failure as Error;
  expect(ended).toBe(true);
}

const count = (bytes: Uint8Array): number =>
  Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
const eight = (value: number): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
};

describe('SysIo', () => {
  it('counts with eventfd', () =>
    onHost(async (sys) => {
      const fd = sys.io().eventfd(3);
      await sys.write(fd, eight(4));
      expect(count(await sys.read(fd, 8))).toBe(7);
      sys.setNonblock(fd, true);
      expect(await errnoOf(() => sys.read(fd, 8))).toBe(Errno.EAGAIN);
      expect(await errnoOf(() => sys.read(fd, 4))).toBe(Errno.EINVAL);
      const semaphore = sys.io().eventfd(2, true);
      expect(count(await sys.read(semaphore, 8))).toBe(1);
      expect(count(await sys.read(semaphore, 8))).toBe(1);
    }));

  it('ticks with timerfd', () =>
    onHost(async (sys) => {
      const io = sys.io();
      const fd = io.timerfd();
      io.timerfdSettime(fd, 1e9, 0.5e9);
      const start = sys.now();
      expect(count(await sys.read(fd, 8))).toBe(1);
      expect(Math.round((sys.now() - start) / 1e8)).toBe(10);
      await sys.sleep(2.2e9);
      expect(count(await sys.read(fd, 8))).toBe(4);
      io.timerfdSettime(fd, 0, 0);
      expect(io.timerfdGettime(fd)).toEqual({ valueNs: 0, intervalNs: 0 });
    }));

  it('waits with epoll over pipes, clocks and other epolls', () =>
    onHost(async (sys) => {
      const io = sys.io();
      const [read, write] = sys.pipe();
      const inner = io.epollCreate();
      const outer = io.epollCreate();
      io.epollCtl(inner, 'add', read, { events: Poll.POLLIN | Epoll.EPOLLET, data: 1 });
      io.epollCtl(outer, 'add', inner, { events: Poll.POLLIN, data: 2 });
      const timer = io.timerfd();
      io.timerfdSettime(timer, 1e9, 0);
      io.epollCtl(outer, 'add', timer, { events: Poll.POLLIN, data: 3 });
      expect(await io.epollWait(outer, 4)).toEqual([{ events: Poll.POLLIN, data: 3 }]);
      await sys.read(timer, 8);
      await sys.write(write, encodeText('a'));
      expect(await io.epollWait(outer, 4)).toEqual([{ events: Poll.POLLIN, data: 2 }]);
      expect(await io.epollWait(inner, 4)).toEqual([{ events: Poll.POLLIN, data: 1 }]);
      expect(await io.epollWait(outer, 4, 0)).toEqual([]);
      sys.close(write);
      expect(await io.epollWait(inner, 4)).toEqual([
        { events: Poll.POLLIN | Poll.POLLHUP, data: 1 },
      ]);
      expect(
        await errnoOf(() => {
          io.epollCtl(inner, 'add', outer, { events: 1, data: 0 });
        }),
      ).toBe(Errno.ELOOP);
      const file = sys.open('/tmp/f', OpenFlag.O_CREAT | OpenFlag.O_RDWR);
      expect(
        await errnoOf(() => {
          io.epollCtl(inner, 'add', file, { events: 1, data: 0 });
        }),
      ).toBe(Errno.EPERM);
    }));

  it('moves bytes between files and pipes, and doubles them', () =>
    onHost(async (sys) => {
      const io = sys.io();
      const file = sys.open('/tmp/f', OpenFlag.O_CREAT | OpenFlag.O_RDWR);
      await sys.write(file, encodeText('hello world'));
      sys.seek(file, 0, 'set');
      const [r1, w1] = sys.pipe();
      const [r2, w2] = sys.pipe();
      expect(await io.sendfile(w1, file, undefined, 5)).toBe(5);
      expect(await io.tee(r1, w2, 100)).toBe(5);
      expect(decodeText(await sys.read(r2, 100))).toBe('hello');
      expect(await io.splice(r1, w2, 3)).toBe(3);
      expect(decodeText(await sys.read(r2, 100))).toBe('hel');
      expect(decodeText(await sys.read(r1, 100))).toBe('lo');
      expect(await io.splice(file, w1, 100)).toBe(6);
      const out = sys.open('/tmp/g', OpenFlag.O_CREAT | OpenFlag.O_RDWR);
      expect(await io.splice(r1, out, 100)).toBe(6);
      expect(await errnoOf(() => io.splice(file, out, 1))).toBe(Errno.EINVAL);
      expect(await errnoOf(() => io.sendfile(out, r1, undefined, 1))).toBe(Errno.EINVAL);
      expect(await errnoOf(() => io.splice(r1, out, 1, true))).toBe(Errno.EAGAIN);
      sys.close(w1);
      expect(await io.splice(r1, out, 1)).toBe(0);
    }));
});
