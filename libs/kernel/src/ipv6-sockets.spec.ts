/**
 * Sockets of AF_INET6 as a program sees them: addresses of both families, ports that are shared or not, options,
 * ancillary data, errors that come back, connections.
 */
import { formatIpv6, KernelError, parseIpv6 } from '@netloom/base';
import { ipv6SetConf } from '@netloom/kernel-inet6';
import {
  AF_INET,
  AF_INET6,
  decodeText,
  encodeText,
  IPPROTO_ICMPV6,
  Msg,
  OpenFlag,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
  type Program,
  type SockAddr,
  type SockAddrIn6,
  type Sys,
} from '@netloom/sys';
import type { Host } from './host.js';
import { ip4 } from './spec-frames.js';
import { SpecLab } from './spec-lab.js';

const bytes = (text: string): Uint8Array => parseIpv6(text) ?? new Uint8Array(16);
const at6 = (addr: string, port: number, scopeId = 0): SockAddrIn6 => ({
  family: 'inet6',
  addr: bytes(addr),
  port,
  scopeId,
});
const text = (addr: SockAddr): string =>
  addr.family === 'inet6' ? `[${formatIpv6(addr.addr)}]:${addr.port}` : addr.family;

function code(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof KernelError) return error.code;
    throw error;
  }
  return 'OK';
}
async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof KernelError) return error.code;
    throw error;
  }
  return 'OK';
}

/** Two hosts on a wire, 2001:db8::1 and ::2 with 10.1.0.1 and .2. */
function twoHosts(): { readonly lab: SpecLab; readonly a: Host; readonly b: Host } {
  const lab = new SpecLab();
  const hosts = ['a', 'b'].map((name) => lab.host(name));
  const [a, b] = hosts as [Host, Host];
  const nics = hosts.map((host, i) =>
    lab.nic(host, 'e0', `02:00:00:00:01:0${i + 1}`, [`10.1.0.${i + 1}/24`]),
  );
  lab.wire(nics[0] as never, nics[1] as never, { delayNs: 1e6 }, 'w');
  for (const [i, host] of hosts.entries()) {
    const net = host.kernel.initNet;
    for (const name of ['all', 'default', 'e0', 'lo']) ipv6SetConf(net, name, 'disable_ipv6', '0');
    lab.start(host, (sys) => {
      const ifindex = sys.rtnl('RTM_GETLINK', {}).find((one) => one.ifname === 'e0')?.ifindex ?? 0;
      const local = bytes(`2001:db8::${i + 1}`);
      sys.rtnl('RTM_NEWADDR', { family: AF_INET6, ifindex, prefixlen: 64, local, flags: 2 });
      return Promise.resolve(0);
    });
  }
  return { lab, a, b };
}

/** Runs a program on a host two seconds after the start, when addresses are settled, and expects exit code 0. */
async function run(lab: SpecLab, host: Host, program: Program): Promise<void> {
  await lab.advance(3e9);
  const done = await lab.run(host, program);
  if (done.error !== undefined) throw done.error as Error;
  expect(done.status).toMatchObject({ kind: 'exit', value: 0 });
}

async function quiet(lab: SpecLab, ...hosts: readonly Host[]): Promise<void> {
  for (const host of hosts) host.shutdown();
  await lab.advance(130e9);
  expect(lab.bugs).toEqual([]);
}

describe('bind', () => {
  it.each([
    // first socket, second socket: what the second bind() says
    ['::', '0.0.0.0', false, 'EADDRINUSE'],
    ['::', '0.0.0.0', true, 'OK'],
    ['0.0.0.0', '::', false, 'EADDRINUSE'],
    ['0.0.0.0', '::', true, 'OK'],
    ['::1', '127.0.0.1', false, 'OK'],
    ['::', '127.0.0.1', false, 'EADDRINUSE'],
    ['::ffff:127.0.0.1', '127.0.0.1', false, 'EADDRINUSE'],
    ['::ffff:10.1.0.1', '127.0.0.1', false, 'OK'],
    ['::1', '::', false, 'EADDRINUSE'],
    ['::1', '2001:db8::1', false, 'OK'],
  ] as const)('%s, then %s (IPV6_V6ONLY %s): %s', async (first, second, only, expected) => {
    const { lab, a, b } = twoHosts();
    await run(lab, a, (sys) => {
      for (const type of [SOCK_DGRAM, SOCK_STREAM]) {
        const open = (address: string): string => {
          const six = address.includes(':');
          const fd = sys.socket(six ? AF_INET6 : AF_INET, type, 0);
          if (six && only) sys.setsockopt(fd, 'IPV6_V6ONLY', 1);
          return code(() => {
            sys.bind(
              fd,
              six ? at6(address, 700) : { family: 'inet', addr: ip4(address), port: 700 },
            );
          });
        };
        expect(open(first)).toBe('OK');
        expect(open(second)).toBe(expected);
      }
      return Promise.resolve(0);
    });
    await quiet(lab, a, b);
  });

  it.each([
    ['2001:db8::77', 0, 'EADDRNOTAVAIL'],
    ['fe80::ff:fe00:101', 0, 'EINVAL'],
    ['fe80::ff:fe00:101', 2, 'OK'],
    ['fe80::ff:fe00:101', 9, 'ENODEV'],
    ['::ffff:10.9.9.9', 0, 'EADDRNOTAVAIL'],
  ] as const)('%s in zone %d: %s', async (address, zone, expected) => {
    const { lab, a, b } = twoHosts();
    await run(lab, a, (sys) => {
      const fd = sys.socket(AF_INET6, SOCK_DGRAM, 0);
      expect(code(() => sys.bind(fd, at6(address, 5000, zone)))).toBe(expected);
      return Promise.resolve(0);
    });
    await quiet(lab, a, b);
  });
});

async function echo(sys: Sys, fd: number): Promise<SockAddr> {
  const { data, from } = await sys.recvmsg(fd, 2000);
  await sys.sendto(fd, data, 0, from);
  return from;
}

describe('UDP', () => {
  it('serves both families from one socket, with ancillary data of each', async () => {
    const { lab, a, b } = twoHosts();
    const seen: string[] = [];
    lab.start(b, async (sys) => {
      const fd = sys.socket(AF_INET6, SOCK_DGRAM, 0);
      sys.bind(fd, at6('::', 5000));
      sys.setsockopt(fd, 'IPV6_RECVPKTINFO', 1);
      sys.setsockopt(fd, 'IPV6_RECVHOPLIMIT', 1);
      sys.setsockopt(fd, 'IPV6_RECVTCLASS', 1);
      for (let i = 0; i < 2; i++) {
        const { data, from, control } = await sys.recvmsg(fd, 2000);
        const to = formatIpv6(control.pktinfo6?.addr ?? new Uint8Array(16));
        seen.push(
          `${decodeText(data)} ${text(from).replace(/\d+$/, '')} ${to} ${control.ttl} ${control.tclass}`,
        );
        await sys.sendto(fd, data, 0, from);
      }
      return 0;
    });
    await run(lab, a, async (sys) => {
      const six = sys.socket(AF_INET6, SOCK_DGRAM, 0);
      sys.setsockopt(six, 'IPV6_TCLASS', 0x20);
      sys.setsockopt(six, 'IPV6_UNICAST_HOPS', 9);
      await sys.connect(six, at6('2001:db8::2', 5000));
      await sys.sendto(six, encodeText('six'));
      expect(text((await sys.recvmsg(six, 100)).from)).toBe('[2001:db8::2]:5000');
      expect(text(sys.getsockname(six))).toMatch(/^\[2001:db8::1\]:\d+$/);
      const mapped = sys.socket(AF_INET6, SOCK_DGRAM, 0);
      await sys.sendto(mapped, encodeText('four'), 0, at6('::ffff:10.1.0.2', 5000));
      expect(text((await sys.recvmsg(mapped, 100)).from)).toBe('[::ffff:10.1.0.2]:5000');
      return 0;
    });
    expect(seen).toEqual([
      'six [2001:db8::1]: 2001:db8::2 9 32',
      'four [::ffff:10.1.0.1]: ::ffff:10.1.0.2 64 undefined',
    ]);
    await quiet(lab, a, b);
  });

  it('hears of a closed port, and of a path too narrow where it may not fragment', async () => {
    const { lab, a, b } = twoHosts();
    await run(lab, a, async (sys) => {
      const fd = sys.socket(AF_INET6, SOCK_DGRAM, 0);
      sys.setsockopt(fd, 'IPV6_RECVERR', 1);
      sys.setsockopt(fd, 'IPV6_RECVHOPLIMIT', 1);
      await sys.connect(fd, at6('2001:db8::2', 9));
      await sys.sendto(fd, encodeText('x'));
      await sys.sleep(1e9);
      expect(await codeOf(sys.sendto(fd, encodeText('x')))).toBe('ECONNREFUSED');
      const { control, data, from } = await sys.recvmsg(fd, 100, Msg.MSG_ERRQUEUE);
      expect(control.err).toMatchObject({ errno: 111, origin: 3, type: 1, code: 4 });
      expect(text(control.err?.offender ?? { family: 'unspec' })).toBe('[2001:db8::2]:0');
      expect(control.ttl).toBe(64);
      expect([decodeText(data), text(from)]).toEqual(['x', '[2001:db8::2]:9']);
      const big = sys.socket(AF_INET6, SOCK_DGRAM, 0);
      await sys.connect(big, at6('2001:db8::2', 5000));
      expect(await codeOf(sys.sendto(big, new Uint8Array(4000)))).toBe('OK');
      sys.setsockopt(big, 'IPV6_DONTFRAG', 1);
      expect(await codeOf(sys.sendto(big, new Uint8Array(4000)))).toBe('EMSGSIZE');
      expect(sys.getsockopt(big, 'IPV6_MTU')).toBe(1500);
      return 0;
    });
    await quiet(lab, a, b);
  });

  it.each([
    ['2001:db8:9::1', 0, false, 'ENETUNREACH'],
    ['fe80::1', 0, false, 'EINVAL'],
    ['fe80::1', 2, false, 'OK'],
    ['::ffff:10.1.0.2', 0, true, 'ENETUNREACH'],
  ] as const)('connect to %s in zone %d (v6only %s): %s', async (to, zone, only, expected) => {
    const { lab, a, b } = twoHosts();
    await run(lab, a, async (sys) => {
      const fd = sys.socket(AF_INET6, SOCK_DGRAM, 0);
      sys.setsockopt(fd, 'IPV6_V6ONLY', Number(only));
      expect(await codeOf(sys.connect(fd, at6(to, 53, zone)))).toBe(expected);
      return 0;
    });
    await quiet(lab, a, b);
  });

  it('delivers what is sent to a group that was joined', async () => {
    const { lab, a, b } = twoHosts();
    const mreq = new Uint8Array(20);
    mreq.set(bytes('ff02::1234'));
    mreq[16] = 2;
    let heard = '';
    lab.start(b, async (sys) => {
      await sys.sleep(2.5e9);
      const fd = sys.socket(AF_INET6, SOCK_DGRAM, 0);
      sys.bind(fd, at6('::', 6000));
      sys.setsockopt(fd, 'IPV6_JOIN_GROUP', mreq);
      expect(code(() => sys.setsockopt(fd, 'IPV6_JOIN_GROUP', mreq))).toBe('EADDRINUSE');
      heard = text(await echo(sys, fd));
      sys.setsockopt(fd, 'IPV6_LEAVE_GROUP', mreq);
      expect(code(() => sys.setsockopt(fd, 'IPV6_LEAVE_GROUP', mreq))).toBe('EADDRNOTAVAIL');
      return 0;
    });
    await run(lab, a, async (sys) => {
      const fd = sys.socket(AF_INET6, SOCK_DGRAM, 0);
      await sys.sendto(fd, encodeText('all'), 0, at6('ff02::1234', 6000, 2));
      const { from } = await sys.recvmsg(fd, 100);
      expect(text(from)).toBe('[fe80::ff:fe00:102]:6000');
      return 0;
    });
    expect(heard).toMatch(/^\[fe80::ff:fe00:101\]:\d+$/);
    await quiet(lab, a, b);
  });
});

describe('raw sockets', () => {
  it('see what follows the IPv6 header, and have ICMPv6 checksums made and checked', async () => {
    const { lab, a, b } = twoHosts();
    await run(lab, a, async (sys) => {
      const fd = sys.socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
      const filter = new Uint8Array(32).fill(255);
      filter[16] = 255 & ~(1 << 1); // 129, echo reply
      sys.setsockopt(fd, 'ICMP6_FILTER', filter);
      sys.setsockopt(fd, 'IPV6_RECVHOPLIMIT', 1);
      expect(code(() => sys.setsockopt(fd, 'IPV6_CHECKSUM', 4))).toBe('EINVAL');
      await sys.sendto(fd, Uint8Array.of(128, 0, 0, 0, 0, 7, 0, 1, 42), 0, at6('2001:db8::2', 0));
      const { data, from, control } = await sys.recvmsg(fd, 100);
      expect([...data.subarray(0, 2), ...data.subarray(4)]).toEqual([129, 0, 0, 7, 0, 1, 42]);
      expect([text(from), control.ttl]).toEqual(['[2001:db8::2]:0', 64]);
      return 0;
    });
    await quiet(lab, a, b);
  });
});

describe('ping sockets', () => {
  it('need a group of ping_group_range, and get only their own replies', async () => {
    const { lab, a, b } = twoHosts();
    await run(lab, a, async (sys) => {
      const open = (): number => sys.socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);
      expect(code(open)).toBe('EACCES');
      const file = sys.open('/proc/sys/net/ipv4/ping_group_range', OpenFlag.O_WRONLY);
      await sys.write(file, encodeText('0 100'));
      const [one, two] = [open(), open()];
      expect(await codeOf(sys.sendto(one, Uint8Array.of(129, 0, 0, 0, 0, 0, 0, 0)))).toBe('EINVAL');
      for (const [seq, fd] of [one, two].entries())
        await sys.sendto(fd, Uint8Array.of(128, 0, 0, 0, 0, 0, 0, seq), 0, at6('2001:db8::2', 0));
      const idents: number[] = [];
      for (const [seq, fd] of [one, two].entries()) {
        const { data, from } = await sys.recvmsg(fd, 100);
        expect([data[0], data[7], text(from)]).toEqual([129, seq, '[2001:db8::2]:0']);
        const name = sys.getsockname(fd);
        idents.push(name.family === 'inet6' ? name.port : 0);
        expect(idents[seq]).toBe(((data[4] ?? 0) << 8) | (data[5] ?? 0));
      }
      expect(idents[0]).not.toBe(idents[1]);
      expect(await codeOf(sys.recvmsg(one, 100, Msg.MSG_DONTWAIT))).toBe('EAGAIN');
      expect(sys.sockDiag(['icmp', 'raw']).map((entry) => entry.type)).toEqual(['icmp', 'icmp']);
      return 0;
    });
    await quiet(lab, a, b);
  });
});

describe('TCP', () => {
  it.each([
    ['2001:db8::2', '[2001:db8::1]', '[2001:db8::2]:80'],
    ['::ffff:10.1.0.2', '[::ffff:10.1.0.1]', '[::ffff:10.1.0.2]:80'],
    ['fe80::ff:fe00:102', '[fe80::ff:fe00:101]', '[fe80::ff:fe00:102]:80'],
  ] as const)('connects to %s', async (to, mine, theirs) => {
    const { lab, a, b } = twoHosts();
    const names: string[] = [];
    let got = 0;
    lab.start(b, async (sys) => {
      const fd = sys.socket(AF_INET6, SOCK_STREAM, 0);
      sys.bind(fd, at6('::', 80));
      sys.listen(fd, 5);
      const { fd: connection, peer } = await sys.accept(fd);
      names.push(text(peer).replace(/:\d+$/, ''), text(sys.getsockname(connection)));
      for (;;) {
        const { data } = await sys.recvmsg(connection, 65536);
        if (data.length === 0) break;
        got += data.length;
      }
      return 0;
    });
    await run(lab, a, async (sys) => {
      const fd = sys.socket(AF_INET6, SOCK_STREAM, 0);
      await sys.connect(fd, at6(to, 80, to.startsWith('fe80') ? 2 : 0));
      expect(text(sys.getpeername(fd))).toBe(theirs);
      await sys.sendto(fd, new Uint8Array(200_000));
      const [diag] = sys.sockDiag(['tcp']);
      expect([diag?.family, diag?.tcpInfo?.['snd_mss']]).toEqual([
        'inet6',
        to.startsWith('::ffff') ? 1448 : 1428,
      ]);
      sys.close(fd);
      await sys.sleep(2e9);
      const [remains] = sys.sockDiag(['tcp']);
      expect([remains?.state, text(remains?.peer ?? { family: 'unspec' })]).toEqual([6, theirs]);
      return 0;
    });
    expect([...names, got]).toEqual([mine, theirs, 200_000]);
    await quiet(lab, a, b);
  });

  it.each([
    ['2001:db8::2', 81, 'ECONNREFUSED'],
    ['2001:db8::77', 80, 'EHOSTUNREACH'],
    ['2001:db8:7::1', 80, 'ENETUNREACH'],
    ['fe80::2', 80, 'EINVAL'],
    ['ff02::1', 80, 'ENETUNREACH'],
  ] as const)('connect to %s port %d: %s', async (to, port, expected) => {
    const { lab, a, b } = twoHosts();
    await run(lab, a, async (sys) => {
      const fd = sys.socket(AF_INET6, SOCK_STREAM, 0);
      expect(await codeOf(sys.connect(fd, at6(to, port)))).toBe(expected);
      return 0;
    });
    await quiet(lab, a, b);
  });

  it('answers a flood of SYNs with cookies', async () => {
    const { lab, a, b } = twoHosts();
    b.kernel.modules.sysctls
      .find((entry) => entry.path === 'net/ipv4/tcp_syncookies')
      ?.write?.(b.kernel.initNet, '2');
    lab.start(b, async (sys) => {
      const fd = sys.socket(AF_INET6, SOCK_STREAM, 0);
      sys.bind(fd, at6('::', 80));
      sys.listen(fd, 5);
      const { fd: connection } = await sys.accept(fd);
      await sys.sendto(connection, encodeText('hello'));
      sys.close(connection);
      return 0;
    });
    await run(lab, a, async (sys) => {
      const fd = sys.socket(AF_INET6, SOCK_STREAM, 0);
      await sys.connect(fd, at6('2001:db8::2', 80));
      expect(decodeText((await sys.recvmsg(fd, 100)).data)).toBe('hello');
      return 0;
    });
    await quiet(lab, a, b);
  });
});
