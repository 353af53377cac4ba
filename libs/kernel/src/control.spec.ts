/**
 * The control path under random orders: links of all kinds come, go, change masters, names and namespaces while addresses
 * and routes change and packets fly. A request may be refused; nothing may break, leak, or be left behind.
 */
import { KernelError, RandomStream } from '@netloom/base';
import {
  AF_INET,
  AF_PACKET,
  OpenFlag,
  SOCK_DGRAM,
  SOCK_RAW,
  type Program,
  type Sys,
} from '@netloom/sys';
import { fill, icmp, ip4 } from './spec-frames.js';
import { ip } from './spec-ip.js';
import { SpecLab, sysctl } from './spec-lab.js';

const NAMES = ['v0', 'v1', 'v2', 'w0', 'w1', 'br0', 'br1', 'd0', 'e0', 'lo'];
const KINDS = ['veth', 'veth', 'veth', 'bridge', 'dummy'];
const ADDRESSES = [
  '10.0.0.1',
  '10.0.0.2',
  '10.0.1.1',
  '10.0.1.2',
  '10.0.0.255',
  '255.255.255.255',
  '127.0.0.1',
  '224.0.0.1',
  '192.168.1.1',
];

/** One random request; refusals are part of the game. */
async function step(
  sys: Sys,
  random: RandomStream,
  spaces: readonly number[],
  sockets: number[],
): Promise<void> {
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)] as T;
  const name = pick(NAMES);
  switch (random.below(16)) {
    case 0:
    case 1:
      ip(
        sys,
        `link add ${name} type ${pick(KINDS)}${random.below(2) === 0 ? ` peer name ${pick(NAMES)}` : ''}`,
      );
      break;
    case 2:
      ip(sys, `link del ${name}`);
      break;
    case 3:
    case 4:
    case 5:
      ip(sys, `link set ${name} ${pick(['up', 'up', 'up', 'down'])}`);
      break;
    case 6:
      ip(
        sys,
        `link set ${name} ${pick(['nomaster', 'master br0', 'master br1', 'mtu 500', 'mtu 1500', 'promisc on', 'address 02:00:00:00:00:42', 'name w1'])}`,
      );
      break;
    case 7:
    case 8:
      ip(
        sys,
        `addr ${pick(['add', 'add', 'del'])} ${pick(ADDRESSES)}/${pick(['24', '24', '32', '16', '30'])} ${random.below(2) === 0 ? 'brd + ' : ''}dev ${name}`,
      );
      break;
    case 9:
      ip(
        sys,
        `route ${pick(['add', 'add', 'replace', 'del'])} ${pick(['default', '10.9.0.0/16', '10.0.1.0/24'])} ${pick([`via ${pick(ADDRESSES)}`, `dev ${name}`])}`,
      );
      break;
    case 10:
      ip(
        sys,
        `neigh ${pick(['add', 'replace', 'del'])} ${pick(ADDRESSES)} lladdr 02:00:00:00:00:09 dev ${name}`,
      );
      break;
    case 11: {
      const netns = { fd: pick(spaces) };
      if (random.below(2) === 0) sys.setns(netns.fd);
      else sys.rtnl('RTM_SETLINK', { ifname: name, netns });
      break;
    }
    case 12: {
      const fd =
        random.below(4) === 0
          ? sys.socket(AF_PACKET, SOCK_RAW, 3)
          : random.below(3) === 0
            ? sys.socket(AF_INET, SOCK_RAW, 1)
            : sys.socket(AF_INET, SOCK_DGRAM, 0);
      sockets.push(fd);
      if (random.below(2) === 0)
        sys.bind(fd, { family: 'inet', addr: 0, port: 1 + random.below(4) });
      else sys.setsockopt(fd, 'SO_BINDTODEVICE', name);
      break;
    }
    case 13:
      await sysctl(
        `net/ipv4/conf/all/${pick(['forwarding', 'rp_filter', 'proxy_arp', 'arp_announce', 'promote_secondaries'])}`,
        random.below(3),
      )(sys);
      break;
    default:
      break;
  }
  if (sockets.length === 0) return;
  const fd = pick(sockets);
  for (let i = random.below(3); i > 0; i--) {
    await sys.sendto(
      fd,
      random.below(3) === 0 ? icmp(8, 0, 1, fill(8)) : fill(random.below(3000)),
      0x40,
      { family: 'inet', addr: ip4(pick(ADDRESSES)), port: 1 + random.below(4) },
    );
  }
  if (random.below(6) === 0) sys.close(sockets.splice(sockets.indexOf(fd), 1)[0] as number);
}

const chaos =
  (random: RandomStream, steps: number): Program =>
  async (sys) => {
    const spaces = [sys.open('/proc/self/ns/net', OpenFlag.O_RDONLY)];
    for (let i = 0; i < 2; i++) {
      sys.unshareNet();
      spaces.push(sys.open('/proc/self/ns/net', OpenFlag.O_RDONLY));
      ip(sys, 'link set lo up');
    }
    const sockets: number[] = [];
    for (let i = 0; i < steps; i++) {
      try {
        await step(sys, random, spaces, sockets);
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
      }
      if (random.below(3) === 0) await sys.sleep(random.below(3) === 0 ? 1e9 : 1e6);
    }
    return 0;
  };

describe('random requests', () => {
  it.each(Array.from({ length: 12 }, (_, i) => i + 1))('seed %i', async (seed) => {
    const lab = new SpecLab(seed);
    const host = lab.host('h');
    const far = lab.nic(lab.host('far'), 'e0', '02:00:00:00:09:09', ['10.0.0.9/24']);
    const wire = lab.wire(lab.nic(host, 'e0', '02:00:00:00:09:01', ['10.0.0.8/24']), far, {
      delayNs: 2e6,
      rateBits: 1e7,
      loss: 0.1,
      duplicate: 0.1,
      corrupt: 0.1,
    });
    const random = new RandomStream(seed, 'control');
    const run = await lab.run(host, chaos(random, 250), 1000e9);
    expect(run.status).toMatchObject({ kind: 'exit', value: 0 });
    await lab.call(host, (sys) => {
      for (const { ifname, kind } of [...sys.rtnl('RTM_GETLINK', {})].reverse())
        if (kind !== undefined) ip(sys, `link del ${ifname}`);
    });
    await lab.advance(200e9);
    expect(host.kernel.nets.length).toBe(1);
    expect(host.kernel.initNet.devices.includes(wire.nicA.dev)).toBe(true); // whatever it is called by now
    expect([lab.bugs, lab.pool.live, lab.memory.inUse]).toEqual([[], 0, { small: 0, large: 0 }]);
  });
});
