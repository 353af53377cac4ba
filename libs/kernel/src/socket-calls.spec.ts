/**
 * System calls on sockets: time limits, many messages at once, options of UDP and IP, filters, epoll over sockets.
 */
import { Errno, KernelError } from '@netloom/base';
import {
  AF_INET,
  decodeText,
  encodeText,
  Epoll,
  IPPROTO_ICMP,
  Msg,
  OpenFlag,
  Poll,
  SOCK_DGRAM,
  SOCK_STREAM,
  type SockAddrIn,
  type Sys,
} from '@netloom/sys';
import { ip4 } from './spec-frames.js';
import { SpecLab } from './spec-lab.js';

const LO = ip4('127.0.0.1');
const at = (port: number, addr = LO): SockAddrIn => ({ family: 'inet', addr, port });

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
  const host = lab.host('a');
  const { loopback } = host.kernel.initNet;
  const run = lab.start(host, async (sys) => {
    sys.rtnl('RTM_SETLINK', { ifindex: loopback.ifindex, flags: 1, flagsMask: 1 });
    await program(sys);
    return 0;
  });
  await lab.advance(30e9);
  if (run.error !== undefined) throw run.error as Error;
  expect(run.endNs).toBeGreaterThanOrEqual(0);
}

function udp(sys: Sys, port = 0): number {
  const fd = sys.socket(AF_INET, SOCK_DGRAM, 0);
  if (port !== 0) sys.bind(fd, at(port));
  return fd;
}

const one = (value: Uint8Array): number => value[0] ?? -1;

describe('calls on sockets', () => {
  it('give up after SO_RCVTIMEO', () =>
    onHost(async (sys) => {
      const fd = udp(sys, 1000);
      sys.setsockopt(fd, 'SO_RCVTIMEO', 2e9);
      const before = sys.now();
      expect(await errnoOf(() => sys.recvmsg(fd, 10))).toBe(Errno.EAGAIN);
      expect(sys.now() - before).toBeGreaterThanOrEqual(2e9);
      expect(await errnoOf(() => sys.read(fd, 10))).toBe(Errno.EAGAIN);
      const listener = sys.socket(AF_INET, SOCK_STREAM, 0);
      sys.bind(listener, at(80));
      sys.listen(listener, 1);
      sys.setsockopt(listener, 'SO_RCVTIMEO', 1e9);
      expect(await errnoOf(() => sys.accept(listener))).toBe(Errno.EAGAIN);
    }));

  it('send and receive many messages at once', () =>
    onHost(async (sys) => {
      const server = udp(sys, 1000);
      const client = udp(sys);
      const sent = await sys.sendmmsg(
        client,
        [1, 2, 3].map((n) => ({ data: new Uint8Array(n), to: at(1000) })),
      );
      expect(sent).toEqual([1, 2, 3]);
      const got = await sys.recvmmsg(server, 5, 100, Msg.MSG_WAITFORONE);
      expect(got.map(({ data }) => data.length)).toEqual([1, 2, 3]);
      expect(await errnoOf(() => sys.recvmmsg(server, 5, 100, Msg.MSG_DONTWAIT))).toBe(
        Errno.EAGAIN,
      );
    }));

  it('cut a message with UDP_SEGMENT, and hold it back with UDP_CORK', () =>
    onHost(async (sys) => {
      const server = udp(sys, 1000);
      const client = udp(sys);
      await sys.connect(client, at(1000));
      await sys.sendmsg(client, { data: new Uint8Array(2500), control: { segment: 1000 } });
      const lengths: number[] = [];
      for (let i = 0; i < 3; i++) lengths.push((await sys.recvmsg(server, 4096)).length);
      expect(lengths).toEqual([1000, 1000, 500]);
      sys.setsockopt(client, 'UDP_CORK', 1);
      await sys.write(client, encodeText('ab'));
      await sys.write(client, encodeText('cd'));
      expect(await errnoOf(() => sys.recvmsg(server, 10, Msg.MSG_DONTWAIT))).toBe(Errno.EAGAIN);
      sys.setsockopt(client, 'UDP_CORK', 0);
      expect(decodeText((await sys.recvmsg(server, 10)).data)).toBe('abcd');
      expect(
        await errnoOf(() =>
          sys.sendmsg(client, { data: new Uint8Array(60000), control: { segment: 100 } }),
        ),
      ).toBe(Errno.EINVAL);
    }));

  it('tell of completed MSG_ZEROCOPY sends, and count them apart', () =>
    onHost(async (sys) => {
      udp(sys, 1000);
      const client = udp(sys);
      await sys.connect(client, at(1000));
      sys.setsockopt(client, 'SO_ZEROCOPY', 1);
      for (let i = 0; i < 3; i++) await sys.sendto(client, new Uint8Array(100), Msg.MSG_ZEROCOPY);
      const { control } = await sys.recvmsg(client, 0, Msg.MSG_ERRQUEUE);
      expect(control.err).toMatchObject({ errno: 0, origin: 5, code: 1, info: 0, data: 2 });
      const fd = sys.open('/sys/kernel/debug/netloom/copied_bytes', OpenFlag.O_RDONLY);
      expect(decodeText(await sys.read(fd, 100))).toMatch(/^read \d+\nwritten \d+\nmoved 300\n$/);
    }));

  it('take per-message TTL and TOS, and tell them', () =>
    onHost(async (sys) => {
      const server = udp(sys, 1000);
      sys.setsockopt(server, 'IP_RECVTTL', 1);
      sys.setsockopt(server, 'IP_RECVTOS', 1);
      sys.setsockopt(server, 'IP_RECVORIGDSTADDR', 1);
      const client = udp(sys);
      await sys.sendmsg(client, {
        data: encodeText('x'),
        to: at(1000),
        control: { ttl: 7, tos: 0x10 },
      });
      expect((await sys.recvmsg(server, 10)).control).toEqual({
        ttl: 7,
        tos: 0x10,
        origdst: at(1000),
      });
      expect(
        await errnoOf(() =>
          sys.sendmsg(client, { data: encodeText('x'), to: at(1000), control: { ttl: 256 } }),
        ),
      ).toBe(Errno.EINVAL);
    }));

  it('peek from an offset', () =>
    onHost(async (sys) => {
      const server = udp(sys, 1000);
      sys.setsockopt(server, 'SO_PEEK_OFF', 2);
      await sys.sendto(udp(sys), encodeText('abcdef'), 0, at(1000));
      expect(decodeText((await sys.recvmsg(server, 2, Msg.MSG_PEEK)).data)).toBe('cd');
      expect(decodeText((await sys.recvmsg(server, 9, Msg.MSG_PEEK)).data)).toBe('ef');
      expect(decodeText((await sys.recvmsg(server, 9)).data)).toBe('abcdef');
    }));

  it('filter by SO_ATTACH_FILTER, from the UDP header on', () =>
    onHost(async (sys) => {
      const server = udp(sys, 1000);
      // ldb [8]; jeq #'y', keep, drop
      const program = new Uint8Array(32);
      const view = new DataView(program.buffer);
      const put = (i: number, code: number, jt: number, jf: number, k: number): void => {
        view.setUint16(i * 8, code, true);
        view.setUint8(i * 8 + 2, jt);
        view.setUint8(i * 8 + 3, jf);
        view.setUint32(i * 8 + 4, k, true);
      };
      put(0, 0x30, 0, 0, 8);
      put(1, 0x15, 0, 1, 'y'.charCodeAt(0));
      put(2, 0x06, 0, 0, 0xffff);
      put(3, 0x06, 0, 0, 0);
      sys.setsockopt(server, 'SO_ATTACH_FILTER', program);
      const client = udp(sys);
      await sys.sendto(client, encodeText('no'), 0, at(1000));
      await sys.sendto(client, encodeText('yes'), 0, at(1000));
      expect(decodeText((await sys.recvmsg(server, 10)).data)).toBe('yes');
      sys.setsockopt(server, 'SO_LOCK_FILTER', 1);
      expect(
        await errnoOf(() => {
          sys.setsockopt(server, 'SO_DETACH_FILTER', 0);
        }),
      ).toBe(Errno.EPERM);
    }));

  it('spread datagrams over a SO_REUSEPORT group, each flow to one socket', () =>
    onHost(async (sys) => {
      const servers = [0, 1, 2, 3].map(() => {
        const fd = sys.socket(AF_INET, SOCK_DGRAM, 0);
        sys.setsockopt(fd, 'SO_REUSEPORT', 1);
        sys.bind(fd, at(1000));
        return fd;
      });
      for (let i = 0; i < 64; i++) {
        const client = udp(sys, 2000 + i);
        await sys.sendto(client, Uint8Array.of(i), 0, at(1000));
        await sys.sendto(client, Uint8Array.of(i), 0, at(1000));
        sys.close(client);
      }
      await sys.sleep(1e6);
      const shares: number[] = [];
      for (const fd of servers) {
        const got = await sys.recvmmsg(fd, 200, 10, Msg.MSG_DONTWAIT);
        shares.push(got.length);
        const flows = got.map(({ data }) => one(data));
        for (const flow of flows) expect(flows.filter((other) => other === flow)).toHaveLength(2);
      }
      expect(shares.reduce((a, b) => a + b)).toBe(128);
      expect(Math.min(...shares)).toBeGreaterThan(8);
    }));

  it('keep ephemeral ports to IP_LOCAL_PORT_RANGE and out of the reserved ones', () =>
    onHost(async (sys) => {
      const reserve = sys.open('/proc/sys/net/ipv4/ip_local_reserved_ports', OpenFlag.O_RDWR);
      await sys.write(reserve, encodeText('40001-40003'));
      const ports = new Set<number>();
      for (let i = 0; i < 3; i++) {
        const fd = sys.socket(AF_INET, SOCK_DGRAM, 0);
        sys.setsockopt(fd, 'IP_LOCAL_PORT_RANGE', [40000, 40005]);
        sys.bind(fd, at(0));
        const name = sys.getsockname(fd);
        if (name.family === 'inet') ports.add(name.port);
      }
      expect([...ports].sort()).toEqual([40000, 40004, 40005]);
    }));

  it('make ping sockets for the groups that may', () =>
    onHost(async (sys) => {
      expect(await errnoOf(() => sys.socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP))).toBe(Errno.EACCES);
      await sys.write(
        sys.open('/proc/sys/net/ipv4/ping_group_range', OpenFlag.O_WRONLY),
        encodeText('0 10'),
      );
      const fd = sys.socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
      await sys.sendto(fd, Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 1, 42), 0, at(0));
      const { data } = await sys.recvmsg(fd, 100);
      expect([data[0], data[7], data[8]]).toEqual([0, 1, 42]);
      expect(
        await errnoOf(() => sys.sendto(fd, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1), 0, at(0))),
      ).toBe(Errno.EINVAL);
      expect(sys.sockDiag(['icmp'])).toHaveLength(1);
    }));

  it('report sockets through epoll: level, edge, one shot', () =>
    onHost(async (sys) => {
      const io = sys.io();
      const server = udp(sys, 1000);
      const client = udp(sys);
      const send = (): Promise<number> => sys.sendto(client, encodeText('x'), 0, at(1000));
      const ep = io.epollCreate();
      io.epollCtl(ep, 'add', server, { events: Poll.POLLIN, data: 7 });
      expect(await io.epollWait(ep, 8, 0)).toEqual([]);
      await send();
      expect(await io.epollWait(ep, 8)).toEqual([{ events: Poll.POLLIN, data: 7 }]);
      expect(await io.epollWait(ep, 8, 0)).toHaveLength(1);
      io.epollCtl(ep, 'mod', server, { events: Poll.POLLIN | Epoll.EPOLLET, data: 8 });
      expect(await io.epollWait(ep, 8, 0)).toEqual([{ events: Poll.POLLIN, data: 8 }]);
      expect(await io.epollWait(ep, 8, 0)).toEqual([]);
      await send();
      expect(await io.epollWait(ep, 8)).toHaveLength(1);
      io.epollCtl(ep, 'mod', server, { events: Poll.POLLIN | Epoll.EPOLLONESHOT, data: 9 });
      expect(await io.epollWait(ep, 8, 0)).toHaveLength(1);
      await send();
      await sys.sleep(1e6);
      expect(await io.epollWait(ep, 8, 0)).toEqual([]);
      expect(
        await errnoOf(() => {
          io.epollCtl(ep, 'add', server, { events: 1, data: 0 });
        }),
      ).toBe(Errno.EEXIST);
      sys.close(server);
      expect(
        await errnoOf(() => {
          io.epollCtl(ep, 'del', server);
        }),
      ).toBe(Errno.EBADF);
    }));

  it('pass a file to a connection without a copy', () =>
    onHost(async (sys) => {
      const listener = sys.socket(AF_INET, SOCK_STREAM, 0);
      sys.bind(listener, at(80));
      sys.listen(listener, 1);
      const client = sys.socket(AF_INET, SOCK_STREAM, 0);
      await sys.connect(client, at(80));
      const { fd: server } = await sys.accept(listener);
      const file = sys.open('/tmp/f', OpenFlag.O_CREAT | OpenFlag.O_RDWR);
      await sys.write(
        file,
        Uint8Array.from({ length: 200_000 }, (_, i) => i % 251),
      );
      let got = 0;
      const reader = (async (): Promise<void> => {
        while (got < 199_000) got += (await sys.recvmsg(client, 65536)).data.length;
      })();
      expect(await sys.io().sendfile(server, file, 1000, 500_000)).toBe(199_000);
      await reader;
      expect(got).toBe(199_000);
    }));
});
