import {
  devChangeNetNamespace,
  devClose,
  devOpen,
  Stat,
  unregisterNetdevice,
  type Net,
  type NetDevice,
} from '@netloom/kernel-core';
import { SpecWorld } from './spec-drivers.js';
import { vethKind } from './veth.js';

describe('a veth pair', () => {
  let world: SpecWorld;
  let net: Net;

  beforeEach(() => {
    world = new SpecWorld();
    net = world.kernel('h').initNet;
  });

  afterEach(() => {
    world.advance(1e9);
    world.expectNothingLeft();
  });

  const pair = (peerNet: Net = net): readonly [NetDevice, NetDevice] => {
    const dev = vethKind.newlink(net, 'v0', { kind: 'veth', peer: { ifname: 'v1' } }, peerNet);
    return [dev, peerNet.devByName('v1') as NetDevice];
  };

  it('has carrier while both ends are up', () => {
    const [a, b] = pair();
    const state = (): string => `${a.running}/${b.running}`;
    const seen = [state()];
    for (const step of [
      () => devOpen(a),
      () => devOpen(b),
      () => devClose(b),
      () => devOpen(b),
      () => devClose(a),
    ]) {
      step();
      seen.push(state());
    }
    expect(seen).toEqual([
      'false/false',
      'false/false',
      'true/true',
      'false/false',
      'true/true',
      'false/false',
    ]);
  });

  it('carries frames both ways as an event at the same instant', () => {
    const [a, b] = pair();
    devOpen(a);
    devOpen(b);
    world.send(a, b.address, 1);
    world.send(b, a.address, 2);
    expect(world.take()).toEqual([]);
    world.advance(0);
    expect(world.take()).toEqual(['v1:1', 'v0:2']);
    expect([a.stats[Stat.txPackets], b.stats[Stat.rxBytes]]).toEqual([1, 64]);
  });

  it('drops what the far end cannot take', () => {
    const [a, b] = pair();
    devOpen(a);
    devOpen(b);
    b.mtu = 100;
    world.send(a, b.address, 1, 119);
    expect([world.drops, a.stats[Stat.txDropped]]).toEqual([['PKT_TOO_BIG'], 1]);
    world.send(a, b.address, 2, 118);
    world.advance(0);
    expect(world.take()).toEqual(['v1:2']);
  });

  it('joins namespaces, and forgets mark and priority between them', () => {
    const other = net.kernel.createNet();
    const [a, b] = pair(other);
    devOpen(a);
    devOpen(b);
    expect([b.net === other, a.ifindex, b.ifindex]).toEqual([true, 2, 2]);
    const seen: number[][] = [];
    world.modules.addPacketHandler(0x88b6, (skb) => {
      seen.push([skb.mark, skb.priority, skb.pktType]);
      skb.pool.release(skb);
    });
    const skb = world.frame(b.address, a.address, 1);
    skb.mem.dv.setUint16(skb.data + 12, 0x88b6);
    Object.assign(skb, { mark: 5, priority: 6, dev: a });
    a.ops.startXmit(skb, a);
    world.advance(0);
    expect(seen).toEqual([[0, 0, 0]]);
    other.kernel.destroyNet(other);
  });

  it('keeps its index in the namespace it moves to, or takes the next one', () => {
    const other = net.kernel.createNet();
    const [, b] = pair();
    devOpen(b);
    devChangeNetNamespace(b, other);
    expect([
      b.net === other,
      b.ifindex,
      b.up,
      net.devByName('v1'),
      other.devByName('v1') === b,
    ]).toEqual([true, 2, false, undefined, true]);
    const clash = vethKind.newlink(net, 'w0', { kind: 'veth', peer: { ifname: 'w1' } }, net);
    const free = net.devByName('w1') as NetDevice;
    expect([free.ifindex, clash.ifindex]).toEqual([4, 5]);
    expect(() => {
      devChangeNetNamespace(other.loopback, net);
    }).toThrow('The interface netns is immutable');
  });

  it('lives and dies as one, whichever end goes', () => {
    for (const end of [0, 1] as const) {
      const [a, b] = pair();
      devOpen(a);
      devOpen(b);
      world.send(a, b.address, 1); // on its way while the pair goes
      unregisterNetdevice([a, b][end] as NetDevice);
      expect([net.devByName('v0'), net.devByName('v1'), a.registered, b.registered]).toEqual([
        undefined,
        undefined,
        false,
        false,
      ]);
      world.advance(1e6);
      world.take();
      expect(() => devOpen(a)).toThrow('Transport endpoint is not connected');
    }
  });

  it('refuses names that are taken and leaves nothing behind', () => {
    pair();
    expect(() =>
      vethKind.newlink(net, 'x0', { kind: 'veth', peer: { ifname: 'v0' } }, net),
    ).toThrow('File exists');
    expect(() =>
      vethKind.newlink(net, 'v0', { kind: 'veth', peer: { ifname: 'x1' } }, net),
    ).toThrow('File exists');
    expect(net.devices.map((dev) => dev.name)).toEqual(['lo', 'v1', 'v0']);
  });
});
