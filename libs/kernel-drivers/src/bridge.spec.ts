import {
  devClose,
  devOpen,
  devSetMaster,
  devSetPromiscuity,
  unregisterNetdevice,
  type Net,
  type NetDevice,
} from '@netloom/kernel-core';
import { Nud } from '@netloom/sys';
import { formatMac } from '@netloom/base';
import { bridgeFdbAdd, bridgeFdbDel, bridgeFdbDump, bridgeKind } from './bridge.js';
import { bridgeOf, type Bridge } from './bridge-state.js';
import { address, EVERYONE, SpecWorld } from './spec-drivers.js';
import { nicReceive, type Nic } from './nic.js';
import { Wire } from './wire-link.js';

/** A bridge with three ports; each port's far end is a card that takes every frame. */
class Bench {
  readonly world = new SpecWorld();
  readonly net: Net = this.world.kernel('sw').initNet;
  readonly dev: NetDevice = bridgeKind.newlink(this.net, 'br0', { kind: 'bridge' }, this.net);
  readonly bridge: Bridge = bridgeOf(this.dev) as Bridge;
  readonly ports: Nic[] = [];
  readonly wires: Wire[] = [];

  constructor(up = true) {
    const outside = this.world.kernel('out').initNet;
    for (let i = 0; i < 3; i++) {
      const port = this.world.nic(this.net, `p${i}`, 0x30 - i);
      const far = this.world.nic(outside, `h${i}`, 1 + i);
      far.dev.promiscuity = 1;
      this.wires.push(new Wire(this.world.engine, port, far, `w${i}`));
      devSetMaster(port.dev, this.dev);
      this.ports.push(port);
    }
    if (up) devOpen(this.dev);
  }

  /** A frame comes in on a port. */
  receive(port: number, src: number, dst: Uint8Array, id: number): string[] {
    nicReceive(this.ports[port] as Nic, this.world.frame(dst, address(src), id));
    this.world.advance(0);
    return this.world.take();
  }

  port(i: number): NetDevice {
    return (this.ports[i] as Nic).dev;
  }

  fdb(): string[] {
    return bridgeFdbDump(this.bridge).map(
      ({ lladdr, ifindex, state }) =>
        `${formatMac(lladdr ?? new Uint8Array())} ${this.net.devByIndex(ifindex)?.name} ${state === Nud.NUD_PERMANENT ? 'permanent' : 'learned'}`,
    );
  }
}

describe('a bridge', () => {
  let bench: Bench;

  beforeEach(() => {
    bench = new Bench();
  });

  afterEach(() => {
    bench.world.advance(1e9);
    bench.world.expectNothingLeft();
  });

  it('floods what it does not know and sends straight what it has learned', () => {
    expect(bench.receive(0, 1, address(2), 1)).toEqual(['h1:1', 'h2:1']);
    expect(bench.receive(1, 2, address(1), 2)).toEqual(['h0:2']);
    expect(bench.receive(0, 1, address(2), 3)).toEqual(['h1:3']);
    expect(bench.fdb().filter((line) => line.includes('learned'))).toEqual([
      '02:00:00:00:00:02 p1 learned', // the newest first
      '02:00:00:00:00:01 p0 learned',
    ]);
  });

  it('sends broadcasts everywhere and up', () => {
    expect(bench.receive(0, 1, EVERYONE, 1).sort()).toEqual(['br0:1', 'h1:1', 'h2:1']);
  });

  it('never sends a frame back where it came from', () => {
    bench.receive(0, 1, EVERYONE, 1);
    expect(bench.receive(0, 3, address(1), 2)).toEqual([]);
    expect(bench.world.drops).toEqual(['NOT_SPECIFIED']);
  });

  it('follows an address that moves', () => {
    bench.receive(0, 1, EVERYONE, 1);
    bench.receive(2, 1, EVERYONE, 2);
    expect(bench.receive(1, 2, address(1), 3)).toEqual(['h2:3']);
  });

  it('forgets after the ageing time, and not before', () => {
    bench.receive(0, 1, EVERYONE, 1);
    bench.world.advance(299e9);
    expect(bench.receive(1, 2, address(1), 2)).toEqual(['h0:2']);
    bench.world.advance(1e9);
    expect(bench.receive(1, 2, address(1), 3)).toEqual(['h0:3', 'h2:3']);
    bench.dev.ops.changelink?.(bench.dev, { ageing_time: 1000 });
    bench.receive(0, 1, EVERYONE, 4);
    bench.world.advance(10e9);
    expect(bench.receive(1, 2, address(1), 5)).toEqual(['h0:5', 'h2:5']);
  });

  it('keeps link-local groups to the port, unless told otherwise', () => {
    const slow = Uint8Array.of(1, 0x80, 0xc2, 0, 0, 2);
    expect(bench.receive(0, 1, slow, 1)).toEqual(['p0:1']);
    const stp = Uint8Array.of(1, 0x80, 0xc2, 0, 0, 0); // passes a bridge that takes no part in it
    expect(bench.receive(0, 1, stp, 1).sort()).toEqual(['br0:1', 'h1:1', 'h2:1']);
    bench.dev.ops.changelink?.(bench.dev, { group_fwd_mask: 1 << 14 });
    const lldp = Uint8Array.of(1, 0x80, 0xc2, 0, 0, 14);
    expect(bench.receive(0, 1, lldp, 2).sort()).toEqual(['br0:2', 'h1:2', 'h2:2']);
    expect(bench.receive(0, 1, slow, 3)).toEqual(['p0:3']);
  });

  it('refuses sources that are groups or nobody', () => {
    nicReceive(bench.ports[0] as Nic, bench.world.frame(EVERYONE, EVERYONE, 1));
    nicReceive(bench.ports[0] as Nic, bench.world.frame(EVERYONE, new Uint8Array(6), 2));
    bench.world.advance(0);
    expect([bench.world.take(), bench.world.drops]).toEqual([
      [],
      ['MAC_INVALID_SOURCE', 'MAC_INVALID_SOURCE'],
    ]);
  });

  it("takes frames for itself and for its ports' addresses", () => {
    expect(bench.receive(0, 1, bench.dev.address, 1)).toEqual(['br0:1']);
    expect(bench.receive(0, 1, bench.port(0).address, 2)).toEqual(['br0:2']);
  });

  it('sends its own frames like a host on it', () => {
    bench.receive(1, 2, EVERYONE, 1);
    bench.world.send(bench.dev, address(2), 2);
    bench.world.send(bench.dev, address(9), 3);
    bench.world.advance(0);
    expect(bench.world.take()).toEqual(['h1:2', 'h0:3', 'h1:3', 'h2:3']);
  });

  it('down, forwards nothing', () => {
    devClose(bench.dev);
    expect([bench.receive(0, 1, EVERYONE, 1), bench.world.drops]).toEqual([[], ['DEV_READY']]);
  });

  it('leaves out ports that are down or without carrier, and forgets what it learned there', () => {
    bench.receive(1, 2, EVERYONE, 1);
    (bench.wires[1] as Wire).setUp(false);
    expect(bench.receive(0, 1, address(2), 2)).toEqual(['h2:2']);
    devClose(bench.port(2));
    expect(bench.receive(0, 1, EVERYONE, 3)).toEqual(['br0:3']);
  });

  it('has carrier while a port has', () => {
    const seen = [bench.dev.running];
    for (const wire of bench.wires) {
      wire.setUp(false);
      seen.push(bench.dev.running);
    }
    (bench.wires[1] as Wire).setUp(true);
    seen.push(bench.dev.running);
    expect(seen).toEqual([true, true, true, false, true]);
  });

  it('bears the lowest address of its ports until it gets one of its own', () => {
    const mac = (): string => formatMac(bench.dev.address);
    expect(mac()).toBe('02:00:00:00:00:2e');
    devSetMaster(bench.port(2), null);
    expect(mac()).toBe('02:00:00:00:00:2f');
    bench.dev.ops.setMacAddress?.(bench.dev, address(0x77));
    devSetMaster(bench.port(2), bench.dev);
    expect(mac()).toBe('02:00:00:00:00:77');
    expect(bench.receive(0, 1, address(0x77), 1)).toEqual(['br0:1']);
  });

  it("follows its ports' smallest MTU until it gets one of its own", () => {
    bench.port(1).mtu = 1000;
    bench.net.kernel.modules.callNetdevNotifiers('CHANGEMTU', bench.port(1));
    expect(bench.dev.mtu).toBe(1000);
    devSetMaster(bench.port(1), null);
    expect(bench.dev.mtu).toBe(1500);
  });

  it('gives its ports back when they leave and when it goes', () => {
    devSetMaster(bench.port(0), null);
    expect([
      bench.port(0).promiscuity,
      bench.port(0).rxHandler,
      bench.fdb().filter((line) => line.includes('p0')),
    ]).toEqual([0, null, []]);
    expect(bench.receive(0, 1, bench.port(0).address, 1)).toEqual(['p0:1']);
    unregisterNetdevice(bench.dev);
    expect([bench.port(1).master, bench.port(1).promiscuity, bench.net.devByName('br0')]).toEqual([
      null,
      0,
      undefined,
    ]);
  });

  it('a port belongs to one bridge; lo and bridges belong to none', () => {
    const other = bridgeKind.newlink(bench.net, 'br1', { kind: 'bridge' }, bench.net);
    expect(() => {
      devSetMaster(other, bench.dev);
    }).toThrow('Can not enslave a bridge to a bridge');
    expect(() => {
      devSetMaster(bench.net.loopback, bench.dev);
    }).toThrow('Invalid argument');
    devSetMaster(bench.port(0), other); // leaves the first, as `ip link set master` does
    expect([bench.port(0).master === other, bench.bridge.ports.length]).toEqual([true, 2]);
  });

  it('shows everything to a watcher of the bridge itself', () => {
    bench.receive(1, 2, EVERYONE, 1);
    devSetPromiscuity(bench.dev, 1);
    bench.world.modules.addPacketHandler(0x88b5, (skb, dev) => {
      bench.world.arrivals.push({
        time: 0,
        dev: dev.name,
        id: skb.mem.dv.getUint32(skb.data),
        bytes: new Uint8Array(),
      });
      skb.pool.release(skb);
    });
    expect(bench.receive(0, 1, address(2), 2).sort()).toEqual(['br0:2', 'h1:2']);
    devSetPromiscuity(bench.dev, -1);
    expect(bench.receive(0, 1, address(2), 3)).toEqual(['h1:3']);
  });

  it('obeys entries made by hand: static ones do not age, sticky ones do not move either', () => {
    bridgeFdbAdd(bench.port(2), {
      family: 7,
      ifindex: bench.port(2).ifindex,
      lladdr: address(9),
      state: Nud.NUD_NOARP,
      flags: 0x40, // NTF_STICKY
      mode: 'add',
    });
    bench.world.advance(1000e9);
    expect(bench.receive(0, 1, address(9), 1)).toEqual(['h2:1']);
    bench.receive(1, 9, EVERYONE, 2); // somebody claims it elsewhere
    expect(bench.receive(0, 1, address(9), 3)).toEqual(['h2:3']);
    const add = (): void =>
      bridgeFdbAdd(bench.port(1), {
        family: 7,
        ifindex: bench.port(1).ifindex,
        lladdr: address(9),
        state: Nud.NUD_NOARP,
        mode: 'add',
      });
    expect(add).toThrow('File exists');
    expect(() => {
      bridgeFdbDel(bench.port(0), { family: 7, ifindex: 0, lladdr: address(9) });
    }).toThrow('No such file or directory');
    bridgeFdbDel(bench.port(2), { family: 7, ifindex: 0, lladdr: address(9) });
    expect(bench.receive(0, 1, address(9), 4)).toEqual(['h1:4', 'h2:4']);
    expect(add).not.toThrow();
  });
});
