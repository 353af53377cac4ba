import { devClose, devOpen, devSetMaster, type Kernel, type NetDevice } from '@netloom/kernel-core';
import { bondKind } from './bond.js';
import { bondOf, type Bond } from './bond-state.js';
import { address, EVERYONE, SpecWorld } from './spec-drivers.js';
import { type Nic } from './nic.js';
import { Wire } from './wire-link.js';

/** A bond over two cards, wired to two cards of another host, plain or bonded too. */
class Bench {
  readonly world = new SpecWorld();
  readonly here: Kernel = this.world.kernel('a');
  readonly there: Kernel = this.world.kernel('b');
  readonly near: Nic[] = [];
  readonly far: Nic[] = [];
  readonly wires: Wire[] = [];
  readonly dev: NetDevice;
  readonly bond: Bond;

  constructor(data: Record<string, string | number>, both = false) {
    for (let i = 0; i < 2; i++) {
      const near = this.world.nic(this.here.initNet, `e${i}`, 0x10 + i);
      const far = this.world.nic(this.there.initNet, `f${i}`, 0x20 + i);
      this.wires.push(new Wire(this.world.engine, near, far, `w${i}`));
      far.dev.promiscuity = 1;
      this.near.push(near);
      this.far.push(far);
    }
    this.dev = this.make(this.here, data, this.near);
    this.bond = bondOf(this.dev) as Bond;
    if (both) this.make(this.there, data, this.far);
  }

  private make(kernel: Kernel, data: Record<string, string | number>, slaves: Nic[]): NetDevice {
    const dev = bondKind.newlink(kernel.initNet, 'bond0', { kind: 'bond', data }, kernel.initNet);
    for (const { dev: slave } of slaves) {
      devClose(slave);
      devSetMaster(slave, dev);
    }
    devOpen(dev);
    return dev;
  }

  send(count: number, dst = address(0x99)): string[] {
    for (let id = 0; id < count; id++) this.world.send(this.dev, dst, id);
    this.world.advance(1e6);
    return this.world.take();
  }

  log(): string[] {
    return this.here.log.map(({ text }) => text).filter((text) => text.startsWith('bond0'));
  }
}

describe('a bond', () => {
  it('in mode balance-rr takes turns', () => {
    const bench = new Bench({ mode: 'balance-rr' });
    expect(bench.send(4)).toEqual(['f0:0', 'f1:1', 'f0:2', 'f1:3']);
    bench.world.expectNothingLeft();
  });

  it('in mode broadcast sends everything everywhere', () => {
    const bench = new Bench({ mode: 'broadcast' });
    expect(bench.send(1).sort()).toEqual(['f0:0', 'f1:0']);
  });

  it('in mode balance-xor stays with one slave for one pair of addresses', () => {
    const bench = new Bench({ mode: 'balance-xor' });
    expect(new Set(bench.send(4).map((line) => line.slice(0, 2))).size).toBe(1);
    const other = bench.send(1, address(0x98));
    expect(other[0]?.slice(0, 2)).not.toBe(bench.send(1)[0]?.slice(0, 2));
  });

  it('bears the first slave’s address, and its slaves bear it', () => {
    const bench = new Bench({ mode: 'active-backup' });
    expect([...bench.dev.address]).toEqual([...address(0x10)]);
    const second = (bench.near[1] as Nic).dev;
    expect([...second.address]).toEqual([...address(0x10)]);
    devSetMaster(second, null);
    expect([...second.address]).toEqual([...address(0x11)]);
    expect(second.up).toBe(false);
  });

  it('in mode active-backup uses one, and the other when the first loses its link', () => {
    const bench = new Bench({ mode: 'active-backup', miimon: 100 });
    expect(bench.send(2)).toEqual(['f0:0', 'f0:1']);
    devClose((bench.far[0] as Nic).dev);
    bench.world.advance(300e6);
    bench.world.take();
    expect(bench.send(1)).toEqual(['f1:0']);
    devOpen((bench.far[0] as Nic).dev);
    bench.world.advance(300e6);
    bench.world.take();
    expect(bench.send(1)).toEqual(['f1:0']); // it stays where it is
    expect(bench.log()).toEqual([
      'bond0: (slave e0): making interface the new active one',
      'bond0: (slave e0): Enslaving as an active interface with an up link',
      'bond0: (slave e1): Enslaving as a backup interface with an up link',
      'bond0: (slave e0): link status definitely down, disabling slave',
      'bond0: (slave e1): making interface the new active one',
      'bond0: (slave e0): link status definitely up, 10000 Mbps full duplex',
    ]);
  });

  it('goes back to its primary, and waits as updelay says', () => {
    const bench = new Bench({ mode: 'active-backup', miimon: 100, updelay: 500, primary: 'e0' });
    devClose((bench.far[0] as Nic).dev);
    bench.world.advance(300e6);
    expect(bench.bond.current?.dev.name).toBe('e1');
    devOpen((bench.far[0] as Nic).dev);
    bench.world.advance(400e6);
    expect(bench.bond.current?.dev.name).toBe('e1');
    bench.world.advance(500e6);
    expect(bench.bond.current?.dev.name).toBe('e0');
  });

  it('hears only the active slave', () => {
    const bench = new Bench({ mode: 'active-backup', miimon: 100 });
    bench.world.send((bench.far[0] as Nic).dev, EVERYONE, 1);
    bench.world.send((bench.far[1] as Nic).dev, EVERYONE, 2);
    bench.world.advance(1e6);
    expect(bench.world.take()).toEqual(['bond0:1']);
  });

  it('has carrier while a slave has', () => {
    const bench = new Bench({ mode: 'active-backup', miimon: 100 });
    for (const far of bench.far) devClose(far.dev);
    bench.world.advance(300e6);
    expect(bench.dev.carrier).toBe(false);
    expect(bench.log().at(-1)).toBe('bond0: now running without any active interface!');
  });

  it('in mode 802.3ad finds its partner and uses both links; one going leaves the other', () => {
    const bench = new Bench({ mode: '802.3ad', miimon: 100, lacp_rate: 'fast' }, true);
    bench.world.advance(5e9);
    const ports = bench.bond.slaves.map(({ port }) => port);
    expect(ports.map((port) => [port?.aggregator, port?.actor.state, port?.partner.state])).toEqual(
      [
        [1, 63, 63],
        [1, 63, 63],
      ],
    );
    expect(bench.bond.slaves.map(({ active }) => active)).toEqual([true, true]);
    devClose((bench.far[0] as Nic).dev);
    bench.world.advance(1e9);
    bench.world.take();
    expect(bench.bond.slaves.map(({ active }) => active)).toEqual([false, true]);
    expect(bench.dev.carrier).toBe(true);
  });

  it('in mode 802.3ad without a partner uses one aggregator', () => {
    const bench = new Bench({ mode: '802.3ad', miimon: 100 });
    bench.world.advance(1e9);
    expect(bench.bond.slaves.map(({ port }) => [port?.actor.state, port?.partner.state])).toEqual([
      [197, 2],
      [197, 2],
    ]);
    bench.world.advance(5e9);
    expect(bench.bond.slaves.map(({ active }) => active)).toEqual([true, false]);
  });

  it('refuses options of other modes, and the mode while there are slaves', () => {
    const bench = new Bench({ mode: 'balance-rr' });
    expect(() => bench.dev.ops.changelink?.(bench.dev, { lacp_rate: 'fast' })).toThrow();
    expect(() => bench.dev.ops.changelink?.(bench.dev, { mode: '802.3ad' })).toThrow(
      'unable to set option because the bond device has slaves',
    );
  });
});
