import {
  devChangeNetNamespace,
  devClose,
  devOpen,
  unregisterNetdevice,
  type NetDevice,
} from '@netloom/kernel-core';
import { Iff } from '@netloom/sys';
import { address, EVERYONE, SpecWorld } from './spec-drivers.js';
import { nicReceive, type Nic } from './nic.js';
import { vlanKind } from './vlan.js';
import { Wire } from './wire-link.js';

/** Two cards on a wire; VLAN devices are made on the first. */
class Bench {
  readonly world = new SpecWorld();
  readonly net = this.world.kernel('a').initNet;
  readonly nic: Nic = this.world.nic(this.net, 'eth0', 1);
  readonly far: Nic = this.world.nic(this.world.kernel('b').initNet, 'far', 2);
  readonly wire = new Wire(this.world.engine, this.nic, this.far, 'w');

  add(
    name: string,
    data: Record<string, string | number | boolean>,
    lower = this.nic.dev,
  ): NetDevice {
    const dev = vlanKind.newlink(
      this.net,
      name,
      { kind: 'vlan', link: lower.ifindex, data },
      this.net,
    );
    devOpen(dev);
    return dev;
  }

  /** A frame with these tags, outermost first, comes in. */
  receive(dst: Uint8Array, tags: readonly (readonly [number, number])[], id: number): string[] {
    const skb = this.world.frame(dst, address(2), id, 80);
    const { u8, dv } = skb.mem;
    const body = u8.slice(skb.data + 12, skb.tail - tags.length * 4);
    tags.forEach(([proto, tci], i) => {
      dv.setUint16(skb.data + 12 + i * 4, proto);
      dv.setUint16(skb.data + 14 + i * 4, tci);
    });
    u8.set(body, skb.data + 12 + tags.length * 4);
    nicReceive(this.nic, skb);
    this.world.advance(0);
    return this.world.take();
  }
}

describe('a VLAN device', () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(() => {
    bench.world.advance(1e9);
    bench.world.take();
    bench.world.expectNothingLeft();
  });

  it('receives the frames of its VLAN, without their tag', () => {
    bench.add('v10', { id: 10 });
    expect(bench.receive(address(1), [[0x8100, 10]], 1)).toEqual(['v10:1']);
    expect(bench.receive(EVERYONE, [[0x8100, 10]], 2)).toEqual(['v10:2']);
    expect(bench.receive(address(1), [], 3)).toEqual(['eth0:3']);
  });

  it('leaves other VLANs alone; a priority tag is no VLAN', () => {
    bench.add('v10', { id: 10 });
    bench.receive(address(1), [[0x8100, 11]], 1);
    expect(bench.receive(address(1), [[0x88a8, 10]], 2)).not.toContain('v10:2');
    expect(bench.receive(address(1), [[0x8100, 0x6000]], 3)).toEqual(['eth0:3']);
  });

  it('stands on another one', () => {
    const q = bench.add('q', { id: 100, protocol: '802.1ad' });
    bench.add('qq', { id: 5 }, q);
    expect(
      bench.receive(
        address(1),
        [
          [0x88a8, 100],
          [0x8100, 5],
        ],
        1,
      ),
    ).toEqual(['qq:1']);
  });

  it('takes frames for an address of its own', () => {
    const dev = bench.add('v10', { id: 10 });
    dev.ops.setMacAddress?.(dev, address(7));
    expect(bench.nic.dev.ucList?.size).toBe(1);
    expect(bench.receive(address(7), [[0x8100, 10]], 1)).toEqual(['v10:1']);
    devClose(dev);
    expect(bench.nic.dev.ucList).toBeNull();
  });

  it('sends with its tag, and the code point that the priority maps to', () => {
    const dev = bench.add('v10', { id: 10, egress_qos: '3:5' });
    const far = vlanKind.newlink(
      bench.far.dev.net,
      'f10',
      { kind: 'vlan', link: bench.far.dev.ifindex, data: { id: 10, ingress_qos: '5:2' } },
      bench.far.dev.net,
    );
    devOpen(far);
    const skb = bench.world.frame(address(2), dev.address, 9);
    skb.dev = dev;
    skb.priority = 3;
    dev.ops.startXmit(skb, dev);
    bench.world.advance(1e6);
    expect(bench.world.take()).toEqual(['f10:9']);
    expect([dev.stats[1], far.stats[0]]).toEqual([1, 1]);
  });

  it('follows the device below: MTU, address, state, end', () => {
    const dev = bench.add('v10', { id: 10 });
    const lower = bench.nic.dev;
    expect([dev.mtu, dev.carrier, dev.up]).toEqual([1500, true, true]);
    lower.mtu = 1400;
    bench.world.modules.callNetdevNotifiers('CHANGEMTU', lower);
    expect(dev.mtu).toBe(1400);
    lower.ops.setMacAddress?.(lower, address(9));
    bench.world.modules.callNetdevNotifiers('CHANGEADDR', lower);
    expect([...dev.address]).toEqual([...address(9)]);
    devClose(lower);
    expect(dev.up).toBe(false);
    expect(() => {
      devOpen(dev);
    }).toThrow('Network is down');
    devOpen(lower);
    expect(dev.up).toBe(true);
    unregisterNetdevice(lower);
    expect(dev.registered).toBe(false);
  });

  it('with loose binding goes its own way', () => {
    const dev = bench.add('v10', { id: 10, loose_binding: true });
    devClose(bench.nic.dev);
    expect(dev.up).toBe(true);
  });

  it('lives in another namespace while its device stays', () => {
    const dev = bench.add('v10', { id: 10 });
    const other = bench.net.kernel.createNet();
    devChangeNetNamespace(dev, other);
    devOpen(dev);
    expect(bench.receive(address(1), [[0x8100, 10]], 1)).toEqual(['v10:1']);
    expect(dev.ops.link?.(dev)).toBe(bench.nic.dev);
  });

  it.each([
    [{ id: 10 }, '8021q: VLAN device already exists'],
    [{ id: 4095 }, '8021q: Invalid VLAN id'],
    [{}, '8021q: VLAN properties not specified'],
    [{ reorder_hdr: false }, '8021q: VLAN id not specified'],
  ])('is refused with %o: %s', (data, text) => {
    bench.add('v10', { id: 10 });
    let extack = '';
    try {
      bench.add('bad', data);
    } catch (error) {
      extack = (error as { extack?: string }).extack ?? '';
    }
    expect(extack).toBe(text);
  });

  it('does not stand on lo', () => {
    expect(() => bench.add('v', { id: 3 }, bench.net.loopback)).toThrow(
      'VLANs not supported on device',
    );
    expect(bench.net.loopback.flags & Iff.IFF_LOOPBACK).not.toBe(0);
  });

  it('shows itself in /proc/net/vlan', () => {
    bench.add('v10', { id: 10, egress_qos: '3:5' });
    bench.receive(address(1), [[0x8100, 10]], 1);
    const files = bench.world.modules.procNetDirs.get('vlan');
    expect(files?.list(bench.net)).toEqual(['config', 'v10']);
    expect(files?.read(bench.net, 'config')).toContain('v10            | 10  | eth0\n');
    expect(files?.read(bench.net, 'v10')).toContain(
      '         total frames received            1\n',
    );
    expect(files?.read(bench.net, 'nope')).toBeUndefined();
  });
});
