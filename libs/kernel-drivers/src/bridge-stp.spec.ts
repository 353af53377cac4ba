import { devClose, devOpen, devSetMaster, type NetDevice } from '@netloom/kernel-core';
import { BridgeVlanFlag, AF_INET } from '@netloom/sys';
import { bridgeKind } from './bridge.js';
import { BR_STATE_NAMES, bridgeOf, bridgePortOf, type Bridge } from './bridge-state.js';
import { address, EVERYONE, SpecWorld } from './spec-drivers.js';
import { nicReceive, type Nic } from './nic.js';
import { Wire } from './wire-link.js';

class Bench {
  readonly world = new SpecWorld();
  readonly bridges: NetDevice[] = [];

  bridge(name: string, last: number, data: Record<string, string | number> = {}): NetDevice {
    const { initNet } = this.world.kernel(name);
    const request = { kind: 'bridge', address: address(last), data };
    const dev = bridgeKind.newlink(initNet, 'br0', request, initNet);
    devOpen(dev);
    this.bridges.push(dev);
    return dev;
  }

  /** A card in a bridge. */
  port(bridge: NetDevice, name: string, last: number): Nic {
    const nic = this.world.nic(bridge.net, name, last);
    devSetMaster(nic.dev, bridge);
    return nic;
  }

  /** A host behind a port, whose card hears everything. */
  host(port: Nic, name: string, last: number): Nic {
    const nic = this.world.nic(this.world.kernel(name).initNet, name, last);
    nic.dev.promiscuity = 1;
    this.join(port, nic);
    return nic;
  }

  join(a: Nic, b: Nic): Wire {
    return new Wire(this.world.engine, a, b, `${a.dev.name}-${b.dev.name}`);
  }
}

const state = (nic: Nic): string => BR_STATE_NAMES[bridgePortOf(nic.dev)?.state ?? 0] ?? '';

describe('spanning tree', () => {
  it('breaks a loop of two bridges, and uses the other way when the first breaks', () => {
    const bench = new Bench();
    const stp = { stp_state: 1, forward_delay: 200 };
    const a = bench.bridge('a', 0x0a, stp);
    const b = bench.bridge('b', 0x0b, stp);
    const [a1, a2] = [bench.port(a, 'a1', 0xa1), bench.port(a, 'a2', 0xa2)];
    const [b1, b2] = [bench.port(b, 'b1', 0xb1), bench.port(b, 'b2', 0xb2)];
    const first = bench.join(a1, b1);
    bench.join(a2, b2);
    expect([a1, a2, b1].map(state)).toEqual(['listening', 'listening', 'listening']);
    bench.world.advance(3e9);
    expect(state(b2)).toBe('blocking');
    bench.world.advance(3e9);
    expect([a1, a2, b1, b2].map(state)).toEqual([
      'forwarding',
      'forwarding',
      'forwarding',
      'blocking',
    ]);
    const root = bridgeOf(b) as Bridge;
    expect([root.rootPort, root.rootPathCost, root.designatedRoot]).toEqual([
      1,
      2,
      '8000.02000000000a',
    ]);
    first.setUp(false);
    bench.world.advance(5e9);
    expect([b1, b2].map(state)).toEqual(['disabled', 'forwarding']);
  });

  it('forwards at once without it', () => {
    const bench = new Bench();
    const a = bench.bridge('a', 0x0a);
    const port = bench.port(a, 'a1', 0xa1);
    bench.host(port, 'h', 1);
    expect(state(port)).toBe('forwarding');
    devClose(a);
    expect(state(port)).toBe('disabled');
  });
});

describe('VLAN filtering', () => {
  it('keeps VLANs apart, tags trunks, and learns by VLAN', () => {
    const bench = new Bench();
    const br = bench.bridge('a', 0x0a, { vlan_filtering: 1 });
    const [p1, p2, p3] = [1, 2, 3].map((i) => bench.port(br, `p${i}`, 0x10 + i)) as [Nic, Nic, Nic];
    [p1, p2, p3].forEach((port, i) => bench.host(port, `h${i + 1}`, 1 + i));
    const add = (nic: Nic, vid: number, flags: number): void => {
      br.ops.vlanChange?.(nic.dev, { ifindex: nic.dev.ifindex, vid, vidEnd: vid, flags }, true);
    };
    const access = BridgeVlanFlag.PVID | BridgeVlanFlag.UNTAGGED;
    add(p1, 10, access);
    add(p2, 10, access);
    const receive = (port: Nic, id: number): string[] => {
      nicReceive(port, bench.world.frame(EVERYONE, address(0x77), id));
      bench.world.advance(1e6);
      return bench.world.take().sort();
    };
    bench.world.advance(1e6);
    bench.world.take();
    expect(receive(p1, 1)).toEqual(['h2:1']); // VLAN 10, of which the bridge itself is no member
    expect(receive(p3, 2)).toEqual(['br0:2', 'h1:2', 'h2:2']); // VLAN 1, untagged on them too
    const learned = (br.ops.fdbDump?.(br, p1.dev) ?? []).find(({ lladdr }) => lladdr?.[5] === 0x77);
    expect(learned?.vlan).toBe(10);
    expect((br.ops.vlanDump?.(p1.dev) ?? []).map(({ vid, flags }) => [vid, flags])).toEqual([
      [1, BridgeVlanFlag.UNTAGGED],
      [10, access],
    ]);
    expect(() => {
      add(p1, 4095, 0);
    }).toThrow();
  });
});

describe('ports', () => {
  it('that are isolated do not reach each other; hairpin sends back', () => {
    const bench = new Bench();
    const br = bench.bridge('a', 0x0a);
    const [p1, p2, p3] = [1, 2, 3].map((i) => bench.port(br, `p${i}`, 0x10 + i)) as [Nic, Nic, Nic];
    [p1, p2, p3].forEach((port, i) => bench.host(port, `h${i + 1}`, 1 + i));
    const set = (nic: Nic, data: Record<string, boolean>): void => {
      br.ops.slaveChangelink?.(br, nic.dev, data);
    };
    set(p1, { isolated: true });
    set(p2, { isolated: true });
    const receive = (port: Nic, id: number): string[] => {
      nicReceive(port, bench.world.frame(EVERYONE, address(0x77), id));
      bench.world.advance(1e6);
      return bench.world.take().sort();
    };
    expect(receive(p1, 1)).toEqual(['br0:1', 'h3:1']);
    expect(receive(p3, 2)).toEqual(['br0:2', 'h1:2', 'h2:2']);
    set(p3, { hairpin: true });
    expect(receive(p3, 3)).toEqual(['br0:3', 'h1:3', 'h2:3', 'h3:3']);
    set(p1, { bcast_flood: false });
    expect(receive(p3, 4)).toEqual(['br0:4', 'h2:4', 'h3:4']);
  });
});

describe('multicast groups', () => {
  it('are sent to their members once there is a querier', () => {
    const bench = new Bench();
    const br = bench.bridge('a', 0x0a, { mcast_querier: 1 });
    const [p1, p2] = [1, 2].map((i) => bench.port(br, `p${i}`, 0x10 + i)) as [Nic, Nic];
    [p1, p2].forEach((port, i) => bench.host(port, `h${i + 1}`, 1 + i));
    const group = 0xef010101;
    const join = {
      bridge: br.ifindex,
      port: p1.dev.ifindex,
      group,
      family: AF_INET,
      permanent: false,
    };
    br.ops.mdbChange?.(br, join, true);
    const mdb = br.ops.mdbDump?.(br);
    expect(mdb?.entries.map(({ port, permanent }) => [port, permanent])).toEqual([
      [p1.dev.ifindex, false],
    ]);
    expect(() => br.ops.mdbChange?.(br, join, true)).toThrow('already joined by port');
    bench.world.advance(261e9);
    expect(br.ops.mdbDump?.(br)?.entries).toEqual([]);
  });
});
