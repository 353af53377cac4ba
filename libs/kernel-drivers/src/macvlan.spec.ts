import { devOpen, unregisterNetdevice, type NetDevice } from '@netloom/kernel-core';
import { macvlanKind } from './macvlan.js';
import { address, EVERYONE, SpecWorld } from './spec-drivers.js';
import { nicReceive } from './nic.js';
import { Wire } from './wire-link.js';

class Bench {
  readonly world = new SpecWorld();
  readonly net = this.world.kernel('a').initNet;
  readonly nic = this.world.nic(this.net, 'eth0', 1);
  readonly far = this.world.nic(this.world.kernel('b').initNet, 'far', 2);
  readonly wire = new Wire(this.world.engine, this.nic, this.far, 'w');

  constructor() {
    this.far.dev.promiscuity = 1;
  }

  add(name: string, last: number, data: Record<string, string | number | boolean>): NetDevice {
    const request = { kind: 'macvlan', link: this.nic.dev.ifindex, address: address(last), data };
    const dev = macvlanKind.newlink(this.net, name, request, this.net);
    devOpen(dev);
    return dev;
  }

  receive(dst: Uint8Array, id: number, src = address(2)): string[] {
    nicReceive(this.nic, this.world.frame(dst, src, id));
    this.world.advance(0);
    return this.world.take().sort();
  }

  send(dev: NetDevice, dst: Uint8Array, id: number): string[] {
    this.world.send(dev, dst, id);
    this.world.advance(1e6);
    return this.world.take().sort();
  }
}

describe('MACVLAN', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(() => {
    bench.world.advance(1e9);
    bench.world.take();
    bench.world.expectNothingLeft();
  });

  it('hands frames to the station with that address, groups to all', () => {
    bench.add('m1', 11, { mode: 'private' });
    bench.add('m2', 12, { mode: 'bridge' });
    expect(bench.receive(address(11), 1)).toEqual(['m1:1']);
    expect(bench.receive(address(12), 2)).toEqual(['m2:2']);
    expect(bench.receive(address(1), 3)).toEqual(['eth0:3']);
    expect(bench.receive(EVERYONE, 4)).toEqual(['eth0:4', 'm1:4', 'm2:4']);
  });

  it.each([
    ['bridge', ['m2:1'], ['far:2', 'm2:2']],
    ['vepa', ['far:1'], ['far:2']],
    ['private', ['far:1'], ['far:2']],
  ])('in mode %s sends to a station %o, to all %o', (mode, one, all) => {
    const m1 = bench.add('m1', 11, { mode });
    bench.add('m2', 12, { mode });
    expect(bench.send(m1, address(12), 1)).toEqual(one);
    expect(bench.send(m1, EVERYONE, 2)).toEqual(all);
  });

  it('in mode vepa takes back what a switch reflects, but not its own broadcast', () => {
    bench.add('m1', 11, { mode: 'vepa' });
    bench.add('m2', 12, { mode: 'vepa' });
    expect(bench.receive(address(12), 1, address(11))).toEqual(['m2:1']);
    expect(bench.receive(EVERYONE, 2, address(11))).toEqual(['eth0:2', 'm2:2']);
  });

  it('in mode passthru has the device to itself', () => {
    const dev = bench.add('m1', 11, { mode: 'passthru' });
    expect([...dev.address]).toEqual([...address(1)]);
    expect(bench.nic.dev.promiscuity).toBe(1);
    expect(bench.receive(address(99), 1)).toEqual(['m1:1']);
    expect(() => bench.add('m2', 12, { mode: 'bridge' })).toThrow('Invalid argument');
  });

  it('in mode source hears whom it names', () => {
    const dev = bench.add('m1', 11, { mode: 'source' });
    dev.ops.changelink?.(dev, { macaddr_mode: 'add', macaddr_data: '02:00:00:00:00:02' });
    expect(bench.receive(address(1), 1)).toEqual(['eth0:1', 'm1:1']);
    expect(bench.receive(address(1), 2, address(3))).toEqual(['eth0:2']);
    dev.ops.changelink?.(dev, { macaddr_mode: 'flush' });
    expect(bench.receive(address(1), 3)).toEqual(['eth0:3']);
  });

  it('refuses addresses in use and masters that are taken', () => {
    const dev = bench.add('m1', 11, { mode: 'bridge' });
    expect(() => bench.add('m2', 11, { mode: 'bridge' })).toThrow('Address already in use');
    expect(dev.ops.setMacAddress?.(dev, address(1))).toBe(-98);
    expect(() =>
      macvlanKind.newlink(bench.net, 'x', { kind: 'macvlan', link: 1 }, bench.net),
    ).toThrow('Invalid argument');
  });

  it('gives the device back with the last station, and goes with the device', () => {
    const m1 = bench.add('m1', 11, { mode: 'bridge' });
    unregisterNetdevice(m1);
    expect(bench.nic.dev.rxHandler).toBeNull();
    const m2 = bench.add('m2', 12, { mode: 'bridge' });
    unregisterNetdevice(bench.nic.dev);
    expect(m2.registered).toBe(false);
  });
});
