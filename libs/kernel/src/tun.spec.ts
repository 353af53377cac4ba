/**
 * tun and tap devices and the programs at their far ends.
 */
import { KernelError } from '@netloom/base';
import { OpenFlag, Poll, TunFlag, type Program, type Sys } from '@netloom/sys';
import { eth, ip4, ipv4 } from './spec-frames.js';
import { SpecLab } from './spec-lab.js';

const TAP = TunFlag.IFF_TAP | TunFlag.IFF_NO_PI;
const TUN = TunFlag.IFF_TUN | TunFlag.IFF_NO_PI;

function openTun(sys: Sys, name: string, flags: number): number {
  const fd = sys.open('/dev/net/tun', OpenFlag.O_RDWR);
  expect(sys.tunSetIff(fd, name, flags)).toBe(name);
  return fd;
}

function up(sys: Sys, name: string, address?: string): void {
  const link = sys.rtnl('RTM_GETLINK', { ifname: name })[0];
  const ifindex = link?.ifindex ?? 0;
  if (address !== undefined)
    sys.rtnl('RTM_NEWADDR', { family: 2, ifindex, local: ip4(address), prefixlen: 24 });
  sys.rtnl('RTM_SETLINK', { ifindex, flags: 1, flagsMask: 1 });
}

const code = (call: () => unknown): string => {
  try {
    call();
    return '';
  } catch (error) {
    return error instanceof KernelError ? error.code : String(error);
  }
};

/** The frames of IPv4 and ARP; IPv6 talks of its own accord. */
const isIpv4 = (frame: Uint8Array): boolean =>
  frame[12] === 8 && (frame[13] === 0 || frame[13] === 6);

/** A program that joins two taps: what comes out of one goes into the other. */
const forwarder: Program = async (sys) => {
  const fds = [openTun(sys, 'tapx', TAP), openTun(sys, 'tapy', TAP)];
  for (const fd of fds) sys.setNonblock(fd, true);
  for (;;) {
    const ready = await sys.poll(fds.map((fd) => ({ fd, events: Poll.POLLIN })));
    for (let i = 0; i < fds.length; i++) {
      if (((ready[i] ?? 0) & Poll.POLLIN) === 0) continue;
      await sys.write(fds[1 - i] ?? 0, await sys.read(fds[i] ?? 0, 65536));
    }
  }
};

describe('tun and tap', () => {
  const lab = new SpecLab();
  const host = lab.host('h');

  test('a program that forwards between two taps is the wire between two namespaces', async () => {
    const bench = new SpecLab();
    const node = bench.host('n');
    const run = bench.start(node, forwarder);
    await bench.advance(1e6);
    expect(run.error).toBeUndefined();
    const received = await bench.call(node, async (sys) => {
      const home = sys.open('/proc/self/ns/net', OpenFlag.O_RDONLY);
      up(sys, 'tapx', '10.5.0.1');
      sys.unshareNet();
      const away = sys.open('/proc/self/ns/net', OpenFlag.O_RDONLY);
      sys.setns(home);
      const ifindex = sys.rtnl('RTM_GETLINK', { ifname: 'tapy' })[0]?.ifindex ?? 0;
      sys.rtnl('RTM_SETLINK', { ifindex, netns: { fd: away } });
      sys.setns(away);
      up(sys, 'tapy', '10.5.0.2');
      const server = sys.socket(2, 2, 0);
      sys.bind(server, { family: 'inet', addr: 0, port: 7 });
      sys.setns(home);
      const client = sys.socket(2, 2, 0);
      await sys.sendto(client, Uint8Array.of(1, 2, 3), 0, {
        family: 'inet',
        addr: ip4('10.5.0.2'),
        port: 7,
      });
      const { data, from } = await sys.recvmsg(server, 100);
      return [...data, from.family === 'inet' ? from.addr : 0];
    });
    expect(received).toEqual([1, 2, 3, ip4('10.5.0.1')]);
  });

  test('carrier follows the descriptor; without persistence the device goes with it', async () => {
    await lab.call(host, (sys) => {
      const flags = (): number => sys.rtnl('RTM_GETLINK', { ifname: 'p0' })[0]?.flags ?? 0;
      let fd = openTun(sys, 'p0', TUN);
      up(sys, 'p0');
      expect(flags() & 0x10000).toBe(0x10000); // LOWER_UP
      sys.tunSet(fd, 'persist', 1);
      sys.close(fd);
      expect(flags() & 0x10000).toBe(0);
      fd = openTun(sys, 'p0', TUN);
      expect(flags() & 0x10000).toBe(0x10000);
      sys.tunSet(fd, 'persist', 0);
      sys.close(fd);
      expect(code(() => sys.rtnl('RTM_GETLINK', { ifname: 'p0' }))).toBe('ENODEV');
    });
  });

  test('refusals', async () => {
    await lab.call(host, async (sys) => {
      const fd = openTun(sys, 'r0', TUN);
      const second = sys.open('/dev/net/tun', OpenFlag.O_RDWR);
      expect(code(() => sys.tunSetIff(second, 'r0', TUN))).toBe('EBUSY');
      expect(code(() => sys.tunSetIff(second, 'r0', TAP))).toBe('EINVAL');
      expect(code(() => sys.tunSetIff(second, 'lo', TAP))).toBe('EINVAL');
      expect(code(() => sys.tunSetIff(second, 'x', TunFlag.IFF_NO_PI))).toBe('EINVAL');
      expect(
        code(() => {
          sys.tunSet(second, 'persist', 1);
        }),
      ).toBe('EBADFD');
      await expect(sys.read(second, 10)).rejects.toMatchObject({ code: 'EBADFD' });
      await expect(
        sys.write(fd, ipv4('1.1.1.1', '2.2.2.2', 1, new Uint8Array(8), {})),
      ).rejects.toMatchObject({ code: 'EIO' });
      up(sys, 'r0');
      await expect(sys.write(fd, new Uint8Array(20))).rejects.toMatchObject({ code: 'EINVAL' });
      const plain = sys.open('/dev/null', OpenFlag.O_RDWR);
      expect(code(() => sys.tunSetIff(plain, 'r1', TUN))).toBe('ENOTTY');
      for (const one of [fd, second, plain]) sys.close(one);
    });
  });

  test('packet information, and counting', async () => {
    await lab.call(host, async (sys) => {
      const fd = openTun(sys, 'i0', TunFlag.IFF_TUN);
      up(sys, 'i0', '10.6.0.1');
      const socket = sys.socket(2, 2, 0);
      await sys.sendto(socket, Uint8Array.of(9), 0, {
        family: 'inet',
        addr: ip4('10.6.0.2'),
        port: 7,
      });
      let frame = await sys.read(fd, 2048);
      while (frame[2] !== 8) frame = await sys.read(fd, 2048);
      expect([...frame.subarray(0, 5)]).toEqual([0, 0, 8, 0, 0x45]);
      expect(frame.length).toBe(4 + 29);
      await sys.sendto(socket, new Uint8Array(100), 0, {
        family: 'inet',
        addr: ip4('10.6.0.2'),
        port: 7,
      });
      expect([...(await sys.read(fd, 20)).subarray(0, 5)]).toEqual([1, 0, 8, 0, 0x45]); // cut short
      const reply = ipv4(
        '10.6.0.2',
        '10.6.0.1',
        1,
        Uint8Array.from([8, 0, 0xf7, 0xff, 0, 0, 0, 0]),
        {},
      );
      await sys.write(fd, Uint8Array.from([0, 0, 8, 0, ...reply]));
      let echo = await sys.read(fd, 2048);
      while (echo[2] !== 8) echo = await sys.read(fd, 2048);
      expect(echo[4 + 20]).toBe(0); // an echo reply
      const { stats } = sys.rtnl('RTM_GETLINK', { ifname: 'i0' })[0] ?? {};
      expect([stats?.rxPackets, stats?.rxBytes]).toEqual([1, 28]);
      sys.close(fd);
      sys.close(socket);
    });
  });

  test('a full queue drops, and a tap takes Ethernet frames', async () => {
    await lab.call(host, async (sys) => {
      const fd = openTun(sys, 'q0', TAP);
      const ifindex = sys.rtnl('RTM_GETLINK', { ifname: 'q0' })[0]?.ifindex ?? 0;
      sys.rtnl('RTM_SETLINK', { ifindex, txqlen: 3 });
      up(sys, 'q0', '10.7.0.1');
      const link = sys.rtnl('RTM_GETLINK', { ifname: 'q0' })[0];
      const mac = Array.from(link?.address ?? [], (b) => b.toString(16).padStart(2, '0')).join(':');
      const echo = Uint8Array.from([8, 0, 0xf7, 0xff, 0, 0, 0, 0]);
      const frame = eth(mac, '02:00:00:00:00:09', 0x800, ipv4('10.7.0.9', '10.7.0.1', 1, echo, {}));
      await sys.write(fd, frame);
      let asked = await sys.read(fd, 2048);
      while (!isIpv4(asked)) asked = await sys.read(fd, 2048);
      expect([asked[12], asked[13]]).toEqual([8, 6]); // who has 10.7.0.9?
      for (let i = 0; i < 9; i++) await sys.write(fd, frame);
      const raw = sys.socket(17, 3, 3);
      for (let i = 0; i < 9; i++)
        await sys.sendto(raw, frame, 0, {
          family: 'packet',
          protocol: 3,
          ifindex,
          hatype: 0,
          pkttype: 0,
          addr: new Uint8Array(0),
        });
      const { stats } = sys.rtnl('RTM_GETLINK', { ifname: 'q0' })[0] ?? {};
      expect(stats?.txDropped).toBeGreaterThanOrEqual(6);
      sys.close(raw);
      sys.close(fd);
    });
    await lab.advance(60e9);
    expect(lab.memory.inUse).toEqual({ small: 0, large: 0 });
  });
});
