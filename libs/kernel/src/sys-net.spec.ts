/**
 * The network system calls as a program sees them: blocking in virtual time, readiness, errors, and the lives of
 * namespaces.
 */
import { KernelError } from '@netloom/base';
import {
  AF_INET,
  decodeText,
  encodeText,
  Msg,
  OpenFlag,
  Poll,
  readTextFile,
  SOCK_DGRAM,
  type Program,
  type SockAddrIn,
  type Sys,
} from '@netloom/sys';
import type { Host } from './host.js';
import { fill, ip4 } from './spec-frames.js';
import { SpecLab } from './spec-lab.js';
import { ip } from './spec-ip.js';

const at = (addr: string, port: number): SockAddrIn => ({ family: 'inet', addr: ip4(addr), port });
const code = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    if (error instanceof KernelError) return error.code;
    throw error;
  }
  return 'OK';
};
const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise;
  } catch (error) {
    if (error instanceof KernelError) return error.code;
    throw error;
  }
  return 'OK';
};

function twoHosts(): { readonly lab: SpecLab; readonly a: Host; readonly b: Host } {
  const lab = new SpecLab();
  const a = lab.host('a');
  const b = lab.host('b');
  lab.wire(
    lab.nic(a, 'e0', '02:00:00:00:01:01', ['10.1.0.1/24']),
    lab.nic(b, 'e0', '02:00:00:00:01:02', ['10.1.0.2/24']),
    { delayNs: 5e6 },
    'w',
  );
  return { lab, a, b };
}

async function quiet(lab: SpecLab, ...hosts: readonly Host[]): Promise<void> {
  for (const host of hosts) host.shutdown();
  await lab.advance(120e9);
  expect(lab.bugs).toEqual([]);
  expect(lab.pool.live).toBe(0);
}

describe('socket calls', () => {
  it('recvmsg blocks until the datagram is there, to the nanosecond', async () => {
    const { lab, a, b } = twoHosts();
    const times: number[] = [];
    const server = lab.start(b, async (sys) => {
      const fd = sys.socket(AF_INET, SOCK_DGRAM, 0);
      sys.bind(fd, at('0.0.0.0', 5000));
      for (let i = 0; i < 2; i++) {
        const { data, from } = await sys.recvmsg(fd, 100);
        times.push(sys.now());
        await sys.sendto(fd, data, 0, from);
      }
      return 0;
    });
    const client = await lab.run(a, async (sys) => {
      const fd = sys.socket(AF_INET, SOCK_DGRAM, 0);
      await sys.connect(fd, at('10.1.0.2', 5000));
      await sys.sleep(1e9);
      for (let i = 0; i < 2; i++) {
        await sys.sendto(fd, encodeText('hello'));
        expect(decodeText((await sys.recvmsg(fd, 100)).data)).toBe('hello');
        times.push(sys.now());
      }
      return 0;
    });
    expect(client.status).toMatchObject({ kind: 'exit', value: 0 });
    expect(server.status).toMatchObject({ kind: 'exit', value: 0 });
    // the first exchange also resolves both addresses: there and back once for ARP, then 5 ms each way
    expect(times.map((time) => Math.round((time - 1e9) / 5e6))).toEqual([3, 4, 5, 6]);
    await quiet(lab, a, b);
  });

  it('MSG_DONTWAIT and O_NONBLOCK say EAGAIN instead', async () => {
    const { lab, a } = twoHosts();
    await lab.run(a, async (sys) => {
      const fd = sys.socket(AF_INET, SOCK_DGRAM, 0);
      expect(await codeOf(sys.recvmsg(fd, 10, Msg.MSG_DONTWAIT))).toBe('EAGAIN');
      sys.setNonblock(fd, true);
      expect(await codeOf(sys.recvmsg(fd, 10))).toBe('EAGAIN');
      expect(await codeOf(sys.read(fd, 10))).toBe('EAGAIN');
      expect(await codeOf(sys.recvmsg(fd, 10, Msg.MSG_ERRQUEUE))).toBe('EAGAIN');
      return 0;
    });
    await quiet(lab, a);
  });

  it('poll waits for readiness or its timeout', async () => {
    const { lab, a, b } = twoHosts();
    const log = await lab.call(a, async (sys) => {
      const fd = sys.socket(AF_INET, SOCK_DGRAM, 0);
      sys.setsockopt(fd, 'IP_RECVERR', 1);
      const start = sys.now();
      const seen: (readonly [number, number])[] = [];
      const poll = async (events: number, timeout?: number): Promise<void> => {
        const [ready = 0] = await sys.poll([{ fd, events }], timeout);
        seen.push([ready, Math.round((sys.now() - start) / 1e6)]);
      };
      await poll(Poll.POLLIN, 0);
      await poll(Poll.POLLOUT);
      await poll(Poll.POLLIN, 100e6);
      await sys.sendto(fd, fill(1), 0, at('10.1.0.2', 9)); // refused
      await poll(Poll.POLLIN, 1e9);
      await sys.recvmsg(fd, 10, Msg.MSG_ERRQUEUE);
      await sys.sendto(fd, fill(1), 0, at('127.0.0.1', (sys.getsockname(fd) as SockAddrIn).port));
      await poll(Poll.POLLIN, 1e9);
      return seen;
    });
    expect(log).toEqual([
      [0, 0],
      [Poll.POLLOUT, 0],
      [0, 100],
      [Poll.POLLERR, 120],
      [Poll.POLLIN, 120],
    ]);
    await quiet(lab, a, b);
  });

  it('an ICMP error reaches a blocked reader as an errno, and the error queue has its story', async () => {
    const { lab, a, b } = twoHosts();
    await lab.run(a, async (sys) => {
      const fd = sys.socket(AF_INET, SOCK_DGRAM, 0);
      await sys.connect(fd, at('10.1.0.2', 9));
      await sys.sendto(fd, fill(1));
      expect(await codeOf(sys.recvmsg(fd, 10))).toBe('ECONNREFUSED');
      sys.setsockopt(fd, 'IP_RECVERR', 1);
      await sys.sendto(fd, fill(3));
      expect(await codeOf(sys.recvmsg(fd, 10))).toBe('ECONNREFUSED');
      const { control, flags, from } = await sys.recvmsg(fd, 10, Msg.MSG_ERRQUEUE);
      expect(control.err).toMatchObject({
        origin: 2,
        type: 3,
        code: 3,
        offender: { addr: ip4('10.1.0.2') },
      });
      expect([flags, from]).toEqual([Msg.MSG_ERRQUEUE, at('10.1.0.2', 9)]);
      expect(sys.getsockopt(fd, 'SO_ERROR')).toBe(0);
      return 0;
    });
    await quiet(lab, a, b);
  });

  it('a sender blocks while the wire is slow, and goes on as it empties', async () => {
    const { lab, a, b } = twoHosts();
    const nic = a.kernel.initNet.devByName('e0');
    const wire = (nic?.priv as unknown as { tx: { set(s: object): void } }).tx;
    await lab.call(a, async (sys) => {
      await sys.sendto(sys.socket(AF_INET, SOCK_DGRAM, 0), fill(1), 0, at('10.1.0.2', 9)); // resolves the address
      await sys.sleep(1e9);
    });
    wire.set({ rateBits: 8e6, limit: 10_000 });
    const elapsed = await lab.call(a, async (sys) => {
      const fd = sys.socket(AF_INET, SOCK_DGRAM, 0);
      sys.setsockopt(fd, 'SO_SNDBUF', 4608);
      const start = sys.now();
      for (let i = 0; i < 50; i++) await sys.sendto(fd, fill(958), 0, at('10.1.0.2', 9)); // 1000 bytes of frame: 1 ms each
      return sys.now() - start;
    });
    expect(elapsed).toBeGreaterThan(40e6);
    expect(elapsed).toBeLessThan(50e6);
    await quiet(lab, a, b);
  });

  it("wrong arguments get the kernel's errno", async () => {
    const { lab, a } = twoHosts();
    await lab.run(a, async (sys) => {
      expect(code(() => sys.socket(99, SOCK_DGRAM, 0))).toBe('EAFNOSUPPORT');
      expect(code(() => sys.socket(AF_INET, 99, 0))).toBe('ESOCKTNOSUPPORT');
      expect(code(() => sys.socket(AF_INET, SOCK_DGRAM, 200))).toBe('EPROTONOSUPPORT');
      expect(code(() => sys.bind(0, at('0.0.0.0', 1)))).toBe('ENOTSOCK');
      expect(code(() => sys.bind(77, at('0.0.0.0', 1)))).toBe('EBADF');
      const fd = sys.socket(AF_INET, SOCK_DGRAM, 0);
      expect(
        code(() => {
          sys.listen(fd, 1);
        }),
      ).toBe('EOPNOTSUPP');
      expect(await codeOf(sys.accept(fd))).toBe('EOPNOTSUPP');
      expect(code(() => sys.getpeername(fd))).toBe('ENOTCONN');
      expect(
        code(() => {
          sys.shutdown(fd, 'rdwr');
        }),
      ).toBe('ENOTCONN');
      expect(
        code(() => {
          sys.setsockopt(fd, 'TCP_NODELAY', 1);
        }),
      ).toBe('ENOPROTOOPT');
      expect(
        code(() => {
          sys.setsockopt(fd, 'IP_TTL', 256);
        }),
      ).toBe('EINVAL');
      expect(
        code(() => {
          sys.setsockopt(fd, 'SO_BINDTODEVICE', 'nope');
        }),
      ).toBe('ENODEV');
      expect(await codeOf(sys.connect(fd, { family: 'unix', path: '/x' }))).toBe('EAFNOSUPPORT');
      sys.close(fd);
      expect(await codeOf(sys.recvmsg(fd, 1))).toBe('EBADF');
      return 0;
    });
    await quiet(lab, a);
  });

  it('descriptors share a socket; it closes with the last one', async () => {
    const { lab, a } = twoHosts();
    await lab.run(a, async (sys) => {
      const fd = sys.socket(AF_INET, SOCK_DGRAM, 0);
      sys.bind(fd, at('0.0.0.0', 5000));
      const twin = sys.dup(fd);
      sys.close(fd);
      const other = sys.socket(AF_INET, SOCK_DGRAM, 0);
      expect(
        code(() => {
          sys.bind(other, at('0.0.0.0', 5000));
        }),
      ).toBe('EADDRINUSE');
      expect(
        sys.sockDiag(['udp']).map(({ local, users }) => [local, users.map(({ fd: n }) => n)]),
      ).toEqual([[at('0.0.0.0', 5000), [twin]]]);
      sys.close(twin);
      sys.bind(other, at('0.0.0.0', 5000));
      return 0;
    });
    await quiet(lab, a);
  });

  it('SO_RCVBUF and SO_SNDBUF are doubled and bounded', async () => {
    const { lab, a } = twoHosts();
    await lab.run(a, (sys) => {
      const fd = sys.socket(AF_INET, SOCK_DGRAM, 0);
      const after = (option: 'SO_RCVBUF' | 'SO_SNDBUF', value: number): unknown => {
        sys.setsockopt(fd, option, value);
        return sys.getsockopt(fd, option);
      };
      expect([sys.getsockopt(fd, 'SO_RCVBUF'), sys.getsockopt(fd, 'SO_SNDBUF')]).toEqual([
        212992, 212992,
      ]);
      expect([after('SO_RCVBUF', 5000), after('SO_RCVBUF', 1), after('SO_RCVBUF', 1e9)]).toEqual([
        10_000, 2304, 425_984,
      ]);
      expect([after('SO_SNDBUF', 5000), after('SO_SNDBUF', 1), after('SO_SNDBUF', 1e9)]).toEqual([
        10_000, 4608, 425_984,
      ]);
      return Promise.resolve(0);
    });
    await quiet(lab, a);
  });
});

describe('network namespaces', () => {
  const links = (sys: Sys): string =>
    sys
      .rtnl('RTM_GETLINK', {})
      .map(({ ifname }) => ifname)
      .join(' ');
  const alive = (host: Host): number => host.kernel.nets.length;

  it('a new one has only lo, down, and its own files and sockets', async () => {
    const { lab, a } = twoHosts();
    await lab.run(a, async (sys) => {
      const outside = sys.readlink('/proc/self/ns/net');
      const fd = sys.socket(AF_INET, SOCK_DGRAM, 0);
      sys.bind(fd, at('0.0.0.0', 5000));
      sys.unshareNet();
      expect(sys.readlink('/proc/self/ns/net')).not.toBe(outside);
      expect(links(sys)).toBe('lo');
      expect(await readTextFile(sys, '/proc/net/route')).not.toContain('e0');
      expect(sys.sockDiag(['udp'])).toEqual([]);
      const own = sys.socket(AF_INET, SOCK_DGRAM, 0);
      sys.bind(own, at('0.0.0.0', 5000));
      expect(await codeOf(sys.sendto(own, fill(1), 0, at('127.0.0.1', 5000)))).toBe('ENETUNREACH'); // lo is down
      expect(await codeOf(sys.sendto(fd, fill(1), 0, at('127.0.0.1', 5000)))).toBe('OK'); // the old socket is still outside
      return 0;
    });
    expect(alive(a)).toBe(1);
    await quiet(lab, a);
  });

  it('lives as long as a process, a descriptor, a mount or a socket needs it', async () => {
    const { lab, a } = twoHosts();
    const counts: number[] = [];
    const note = (): number => counts.push(alive(a));
    await lab.run(a, async (sys) => {
      const home = sys.open('/proc/self/ns/net', OpenFlag.O_RDONLY);
      sys.unshareNet();
      note(); // 2: a process
      const nsfs = sys.open('/proc/self/ns/net', OpenFlag.O_RDONLY);
      const socket = sys.socket(AF_INET, SOCK_DGRAM, 0);
      sys.close(sys.open('/tmp/ns', OpenFlag.O_CREAT | OpenFlag.O_WRONLY));
      sys.netnsBind('/tmp/ns');
      sys.setns(home);
      note(); // 2: descriptor, mount, socket
      sys.close(nsfs);
      note(); // 2: mount, socket
      sys.netnsUnbind('/tmp/ns');
      note(); // 2: socket
      expect(await codeOf(sys.sendto(socket, fill(1), 0, at('127.0.0.1', 9)))).toBe('ENETUNREACH');
      sys.close(socket);
      note(); // 1
      return 0;
    });
    expect(counts).toEqual([2, 2, 2, 2, 1]);
    await quiet(lab, a);
  });

  it('gives cards back and takes virtual devices along when it goes', async () => {
    const { lab, a } = twoHosts();
    await lab.run(a, async (sys) => {
      const home = sys.open('/proc/self/ns/net', OpenFlag.O_RDONLY);
      sys.unshareNet();
      expect(ip(sys, 'link add d0')).toBe('');
      const inside = sys.open('/proc/self/ns/net', OpenFlag.O_RDONLY);
      sys.setns(home);
      sys.rtnl('RTM_SETLINK', { ifname: 'e0', netns: { fd: inside } });
      expect(links(sys)).toBe('lo');
      sys.setns(inside);
      expect(links(sys)).toBe('lo p0 d0 e0'); // index 2 is taken there
      sys.close(inside);
      sys.setns(home);
      expect(links(sys)).toBe('lo e0');
      expect(sys.rtnl('RTM_GETADDR', { family: 2 }).length).toBe(1); // addresses stay behind, only lo's is left
      return 0;
    });
    expect(alive(a)).toBe(1);
    await quiet(lab, a);
  });

  it('children are born into it, and keep it', async () => {
    const { lab, a } = twoHosts();
    const child: Program = async (sys) => {
      await sys.sleep(10e9);
      return links(sys) === 'lo' ? 0 : 1;
    };
    await lab.run(a, async (sys) => {
      const home = sys.open('/proc/self/ns/net', OpenFlag.O_RDONLY);
      sys.unshareNet();
      const pid = sys.spawn({ program: child, argv: ['child'] });
      sys.setns(home);
      expect(alive(a)).toBe(2);
      expect((await sys.waitpid(pid))?.value).toBe(0);
      return 0;
    });
    expect(alive(a)).toBe(1);
    await quiet(lab, a);
  });

  it('setns wants a namespace; a bind mount wants a file', async () => {
    const { lab, a } = twoHosts();
    await lab.run(a, (sys) => {
      const fd = sys.open('/tmp', OpenFlag.O_RDONLY);
      expect(
        code(() => {
          sys.setns(fd);
        }),
      ).toBe('EINVAL');
      expect(
        code(() => {
          sys.setns(99);
        }),
      ).toBe('EBADF');
      expect(
        code(() => {
          sys.netnsBind('/tmp/none');
        }),
      ).toBe('ENOENT');
      expect(
        code(() => {
          sys.netnsUnbind('/tmp');
        }),
      ).toBe('EINVAL');
      return Promise.resolve(0);
    });
    await quiet(lab, a);
  });
});

describe('rtnetlink events', () => {
  it('tell a listener of its namespace what happens, in order', async () => {
    const { lab, a } = twoHosts();
    const events = await lab.call(a, async (sys) => {
      sys.unshareNet();
      const fd = sys.rtnlSubscribe(['link', 'addr', 'route']);
      ip(sys, 'link add d0');
      ip(sys, 'link set d0 up');
      ip(sys, 'addr add 10.0.0.1/24 brd + dev d0');
      ip(sys, 'route add 10.9.0.0/16 via 10.0.0.9');
      ip(sys, 'addr del 10.0.0.1/24 dev d0');
      ip(sys, 'link del d0');
      const seen: string[] = [];
      while (((await sys.poll([{ fd, events: Poll.POLLIN }], 0))[0] ?? 0) !== 0) {
        const event = await sys.rtnlRecv(fd);
        if ('route' in event && event.route.family !== AF_INET) continue;
        seen.push(event.type + ('link' in event ? ` ${event.link.ifname}` : ''));
      }
      return seen;
    });
    const short = events.filter((event) => !event.startsWith('RTM_NEWLINK'));
    expect(short.slice(0, 3)).toEqual(['RTM_NEWADDR', 'RTM_NEWROUTE', 'RTM_NEWROUTE']);
    expect(short).toContain('RTM_DELADDR');
    expect(short.filter((event) => event.startsWith('RTM_DELLINK')).sort()).toEqual([
      'RTM_DELLINK d0',
      'RTM_DELLINK p0',
    ]);
    await quiet(lab, a);
  });

  it('wake a reader that waits', async () => {
    const { lab, a } = twoHosts();
    const run = lab.start(a, async (sys) => {
      const fd = sys.rtnlSubscribe(['addr']);
      const event = await sys.rtnlRecv(fd);
      return event.type === 'RTM_NEWADDR' && sys.now() >= 1e9 ? 0 : 1;
    });
    await lab.run(a, async (sys) => {
      await sys.sleep(1e9);
      ip(sys, 'addr add 10.77.0.1/24 dev e0');
      return 0;
    });
    await lab.advance(1e6);
    expect(run.status).toMatchObject({ kind: 'exit', value: 0 });
    await quiet(lab, a);
  });
});
