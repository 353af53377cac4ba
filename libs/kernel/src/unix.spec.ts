/**
 * AF_UNIX sockets as programs see them: names, streams, datagrams, descriptors that travel, errors.
 */
import { Errno, KernelError } from '@netloom/base';
import {
  AF_INET,
  AF_UNIX,
  encodeText,
  decodeText,
  Msg,
  OpenFlag,
  Poll,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  type SockAddr,
  type Sys,
} from '@netloom/sys';
import { SpecLab } from './spec-lab.js';

const unix = (path: string): SockAddr => ({ family: 'unix', path });

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
  const lab = new SpecLab();
  const run = lab.start(lab.host('a'), async (sys) => {
    await program(sys);
    return 0;
  });
  await lab.advance(10e9);
  if (run.error !== undefined) throw run.error as Error;
  expect(run.endNs).toBeGreaterThanOrEqual(0);
}

const text = async (sys: Sys, fd: number, flags = 0): Promise<string> =>
  decodeText((await sys.recvmsg(fd, 100, flags)).data);

describe('AF_UNIX', () => {
  it.each([
    ['a path', '/tmp/s'],
    ['an abstract name', '\0name'],
  ])('connects streams by %s', (_what, path) =>
    onHost(async (sys) => {
      const listener = sys.socket(AF_UNIX, SOCK_STREAM, 0);
      sys.bind(listener, unix(path));
      sys.listen(listener, 5);
      const client = sys.socket(AF_UNIX, SOCK_STREAM, 0);
      await sys.connect(client, unix(path));
      const { fd: server } = await sys.accept(listener);
      await sys.write(client, encodeText('hello'));
      await sys.write(client, encodeText(' you'));
      expect(await text(sys, server, Msg.MSG_PEEK)).toBe('hello you');
      expect(await text(sys, server)).toBe('hello you');
      expect(sys.getpeername(client)).toEqual(unix(path));
      expect(sys.getpeername(server)).toEqual(unix(''));
      expect(sys.getsockopt(server, 'SO_PEERCRED')).toEqual([sys.pid, 0, 0]);
      sys.shutdown(client, 'wr');
      expect(await text(sys, server)).toBe('');
      await sys.write(server, encodeText('bye'));
      sys.close(server);
      expect(await text(sys, client)).toBe('bye');
      expect(await text(sys, client)).toBe('');
      expect(await errnoOf(() => sys.sendto(client, encodeText('x'), Msg.MSG_NOSIGNAL))).toBe(
        Errno.EPIPE,
      );
    }),
  );

  it('refuses names that are taken, missing or of another kind', () =>
    onHost(async (sys) => {
      const a = sys.socket(AF_UNIX, SOCK_STREAM, 0);
      const b = sys.socket(AF_UNIX, SOCK_STREAM, 0);
      sys.bind(a, unix('/tmp/s'));
      expect(
        await errnoOf(() => {
          sys.bind(b, unix('/tmp/s'));
        }),
      ).toBe(Errno.EADDRINUSE);
      expect(
        await errnoOf(() => {
          sys.bind(a, unix('/tmp/t'));
        }),
      ).toBe(Errno.EINVAL);
      expect(await errnoOf(() => sys.connect(b, unix('/tmp/none')))).toBe(Errno.ENOENT);
      expect(await errnoOf(() => sys.connect(b, unix('/tmp/s')))).toBe(Errno.ECONNREFUSED);
      expect(await errnoOf(() => sys.connect(b, unix('\0none')))).toBe(Errno.ECONNREFUSED);
      const d = sys.socket(AF_UNIX, SOCK_DGRAM, 0);
      sys.listen(a, 0);
      expect(await errnoOf(() => sys.connect(d, unix('/tmp/s')))).toBe(Errno.EPROTOTYPE);
      expect(sys.stat('/tmp/s').type).toBe('socket');
      sys.close(a);
      expect(await errnoOf(() => sys.connect(b, unix('/tmp/s')))).toBe(Errno.ECONNREFUSED);
      expect(await errnoOf(() => sys.socketpair(AF_INET, SOCK_STREAM, 0))).toBe(Errno.EOPNOTSUPP);
    }));

  it('keeps the bounds of datagrams and sequenced packets, and truncates', () =>
    onHost(async (sys) => {
      for (const type of [SOCK_DGRAM, SOCK_SEQPACKET]) {
        const [a, b] = sys.socketpair(AF_UNIX, type, 0);
        await sys.sendto(a, encodeText('first'));
        await sys.sendto(a, encodeText('second'));
        expect(await text(sys, b)).toBe('first');
        const cut = await sys.recvmsg(b, 3);
        expect([decodeText(cut.data), cut.length, cut.flags & Msg.MSG_TRUNC]).toEqual([
          'sec',
          6,
          Msg.MSG_TRUNC,
        ]);
        expect(await errnoOf(() => sys.recvmsg(b, 3, Msg.MSG_DONTWAIT))).toBe(Errno.EAGAIN);
      }
    }));

  it('lets a datagram socket hold ten messages, then makes writers wait', () =>
    onHost(async (sys) => {
      const server = sys.socket(AF_UNIX, SOCK_DGRAM, 0);
      sys.bind(server, unix('\0d'));
      const client = sys.socket(AF_UNIX, SOCK_DGRAM, 0);
      sys.bind(client, unix(''));
      const send = (): Promise<number> =>
        sys.sendto(client, encodeText('m'), Msg.MSG_DONTWAIT, unix('\0d'));
      let sent = 0;
      for (;;) {
        if ((await errnoOf(send)) !== 0) break;
        sent++;
      }
      expect(sent).toBe(11);
      const from = (await sys.recvmsg(server, 10)).from;
      expect(from.family === 'unix' && /^\0[0-9a-f]{5}$/.test(from.path)).toBe(true);
      expect(await send()).toBe(1);
      sys.close(server);
      expect(await errnoOf(send)).toBe(Errno.ECONNREFUSED);
    }));

  it('carries descriptors', () =>
    onHost(async (sys) => {
      const [a, b] = sys.socketpair(AF_UNIX, SOCK_STREAM, 0);
      const file = sys.open('/tmp/f', OpenFlag.O_CREAT | OpenFlag.O_RDWR);
      await sys.write(file, encodeText('inside'));
      await sys.sendmsg(a, { data: encodeText('x'), control: { rights: [file] } });
      sys.close(file);
      const { control } = await sys.recvmsg(b, 10);
      const [got = -1] = control.rights ?? [];
      expect(got).toBeGreaterThan(0);
      sys.seek(got, 0, 'set');
      expect(decodeText(await sys.read(got, 100))).toBe('inside');
    }));

  it('blocks a writer until somebody reads, and polls so', () =>
    onHost(async (sys) => {
      const [a, b] = sys.socketpair(AF_UNIX, SOCK_STREAM, 0);
      const big = new Uint8Array(1_000_000);
      const wrote = sys.write(a, big);
      const poll = await sys.poll([{ fd: a, events: Poll.POLLOUT }], 0);
      expect(poll).toEqual([0]);
      let got = 0;
      while (got < big.length) got += (await sys.recvmsg(b, 65536)).data.length;
      expect(await wrote).toBe(big.length);
      expect(await sys.poll([{ fd: a, events: Poll.POLLOUT }], 0)).toEqual([Poll.POLLOUT]);
    }));

  it('is listed', () =>
    onHost(async (sys) => {
      const listener = sys.socket(AF_UNIX, SOCK_STREAM, 0);
      sys.bind(listener, unix('/tmp/s'));
      sys.listen(listener, 7);
      const proc = sys.open('/proc/net/unix', OpenFlag.O_RDONLY);
      const lines = decodeText(await sys.read(proc, 4096)).split('\n');
      expect(lines[0]).toBe('Num       RefCount Protocol Flags    Type St Inode Path');
      expect(lines[1]).toMatch(/^[0-9a-f]{16}: 00000002 00000000 00010000 0001 01 +\d+ \/tmp\/s$/);
      expect(sys.sockDiag(['u_str']).map((e) => [e.state, e.sendQ, e.local])).toEqual([
        [10, 7, unix('/tmp/s')],
      ]);
    }));
});
