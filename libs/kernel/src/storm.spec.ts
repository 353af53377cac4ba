/**
 * Frames in a loop of switches without a spanning tree: they race for ever, as they would on real ones, but the clock
 * goes on, programs go on, and memory stays bounded.
 */
import { devOpen, devSetMaster, type NetDevice } from '@netloom/kernel-core';
import type { Host } from './host.js';
import { ip4 } from './spec-frames.js';
import { ip } from './spec-ip.js';
import { SpecLab } from './spec-lab.js';

const shout = async (sys: import('@netloom/sys').Sys): Promise<number> => {
  const fd = sys.socket(2, 2, 0);
  sys.setsockopt(fd, 'SO_BROADCAST', 1);
  await sys.sendto(fd, new Uint8Array(100), 0, {
    family: 'inet',
    addr: ip4('10.0.0.255'),
    port: 9,
  });
  await sys.sleep(20e6);
  return sys.now();
};

describe('a loop', () => {
  it('of two ports of one bridge joined by a veth pair', async () => {
    const lab = new SpecLab();
    const host = lab.host('h');
    const now = await lab.call(host, (sys) => {
      for (const command of [
        'link add br0 type bridge',
        'link set br0 up',
        'link add v0 type veth peer name v1',
        'link set v0 master br0',
        'link set v1 master br0',
        'link set v0 up',
        'link set v1 up',
        'addr add 10.0.0.1/24 brd + dev br0',
      ]) {
        expect(ip(sys, command)).toBe('');
      }
      return shout(sys);
    });
    expect(now).toBeGreaterThanOrEqual(20e6);
    expect(host.kernel.softnet(0).timeSqueeze).toBeGreaterThan(10);
    expect(lab.pool.live).toBeLessThan(1100);
    await lab.call(host, (sys) => ip(sys, 'link set v1 down'));
    await lab.advance(1e9);
    expect(lab.pool.live).toBe(0);
  });

  it('of three switches on plain wires, which also multiply', async () => {
    const lab = new SpecLab();
    const hosts = ['s0', 's1', 's2'].map((name) => lab.host(name));
    const ports = new Map<Host, number>();
    const port = (host: Host): ReturnType<SpecLab['nic']> => {
      const n = ports.get(host) ?? 0;
      ports.set(host, n + 1);
      return lab.nic(host, `e${n}`, `02:00:00:00:0${host.index}:0${n}`);
    };
    const wires = [
      [0, 1],
      [1, 2],
      [2, 0],
      [0, 1],
    ].map(([a = 0, z = 0], i) =>
      lab.wire(port(hosts[a] as Host), port(hosts[z] as Host), {}, `w${i}`),
    );
    for (const host of hosts) {
      await lab.call(host, (sys) => ip(sys, 'link add br0 type bridge'));
      const net = host.kernel.initNet;
      const bridge = net.devByName('br0') as NetDevice;
      for (const dev of net.devices) if (dev.name.startsWith('e')) devSetMaster(dev, bridge);
      devOpen(bridge);
    }
    const now = await lab.call(hosts[0] as Host, (sys) => {
      ip(sys, 'addr add 10.0.0.1/24 brd + dev br0');
      return shout(sys);
    });
    expect(now).toBeGreaterThanOrEqual(20e6);
    expect(lab.pool.live).toBeLessThan(20_000);
    expect(
      wires.reduce((sum, wire) => sum + wire.a.stats.queueDrops + wire.z.stats.queueDrops, 0),
    ).toBeGreaterThan(0);
    for (const wire of wires) wire.setUp(false);
    await lab.advance(1e9);
    expect(lab.pool.live).toBe(0);
  });
});
