import { devClose, devOpen, devSetPromiscuity, Stat } from '@netloom/kernel-core';
import { NIC_RING_DEFAULT, nicCreate, nicReceive, nicRemove, type Nic } from './nic.js';
import { address, EVERYONE, SpecWorld } from './spec-drivers.js';
import { Wire } from './wire-link.js';

describe('a card', () => {
  let world: SpecWorld;
  let nic: Nic;

  beforeEach(() => {
    world = new SpecWorld();
    nic = world.nic(world.kernel('a').initNet, 'e0', 1);
    const other = world.nic(world.kernel('z').initNet, 'e0', 2);
    new Wire(world.engine, other, nic, 'w');
  });

  afterEach(() => {
    world.advance(1e9);
    world.expectNothingLeft();
  });

  const receive = (dst: Uint8Array, id: number, length = 64): void => {
    nicReceive(nic, world.frame(dst, address(2), id, length));
  };
  const stat = (name: keyof typeof Stat): number => nic.dev.stats[Stat[name]] as number;

  it('takes frames for itself, for groups and for all, and no others', () => {
    receive(address(1), 1);
    receive(EVERYONE, 2);
    receive(Uint8Array.of(1, 0, 0x5e, 0, 0, 1), 3);
    receive(address(9), 4);
    expect(world.take()).toEqual(['e0:1', 'e0:2', 'e0:3']);
    expect([stat('rxPackets'), stat('rxBytes'), stat('multicast')]).toEqual([3, 192, 1]);
    expect(world.drops).toEqual([]);
  });

  it('takes everything while promiscuous', () => {
    devSetPromiscuity(nic.dev, 1);
    receive(address(9), 1);
    devSetPromiscuity(nic.dev, -1);
    receive(address(9), 2);
    expect(world.take()).toEqual(['e0:1']);
  });

  it('takes the new address after a change', () => {
    nic.dev.ops.setMacAddress?.(nic.dev, address(7));
    receive(address(1), 1);
    receive(address(7), 2);
    expect(world.take()).toEqual(['e0:2']);
    expect(nic.dev.ops.setMacAddress?.(nic.dev, EVERYONE)).toBe(-99);
  });

  it.each([
    [13, 'PKT_TOO_SMALL'],
    [0, 'PKT_TOO_SMALL'],
    [1519, 'PKT_TOO_BIG'],
    [9000, 'PKT_TOO_BIG'],
  ])('counts a frame of %i bytes as a length error', (length, reason) => {
    receive(address(1), 1, length);
    expect([stat('rxErrors'), stat('rxLengthErrors'), world.drops, world.take()]).toEqual([
      1,
      1,
      [reason],
      [],
    ]);
  });

  it.each([14, 18, 1514, 1518])('takes a frame of %i bytes', (length) => {
    receive(address(1), 1, length);
    expect(stat('rxPackets')).toBe(1);
    world.arrivals.length = 0;
  });

  it('without a poll, fills its ring and counts what is missed', () => {
    nic.napi.scheduled = true; // the poll does not come
    for (let i = 0; i < NIC_RING_DEFAULT + 5; i++) receive(address(1), i);
    expect([nic.rxPending, nic.rxMissed, stat('rxMissedErrors')]).toEqual([NIC_RING_DEFAULT, 5, 5]);
    expect(world.drops).toEqual(new Array<string>(5).fill('FULL_RING'));
    nic.napi.scheduled = false;
    receive(address(1), 999);
    expect([nic.rxMissed, nic.irqs]).toEqual([6, 0]);
    nic.clear();
    receive(address(1), 1000);
    expect(world.take()).toEqual(['e0:1000']);
    expect(nic.irqs).toBe(1);
  });

  it('a ring of another size', () => {
    nic.resize(8, 8);
    nic.napi.scheduled = true;
    for (let i = 0; i < 10; i++) receive(address(1), i);
    expect([nic.rxPending, nic.rxMissed]).toEqual([8, 2]);
    nic.resize(16, 16);
    expect(nic.rxPending).toBe(0);
    nic.napi.scheduled = false;
  });

  it('one interrupt for what a poll takes', () => {
    let inside = false;
    world.modules.addPacketHandler(0x88b6, (skb) => {
      if (!inside) {
        inside = true;
        for (let i = 0; i < 5; i++) receive(address(1), i); // arrive while it polls
      }
      skb.pool.release(skb);
    });
    const first = world.frame(address(1), address(2), 7);
    first.mem.dv.setUint16(first.data + 12, 0x88b6);
    nicReceive(nic, first);
    expect([world.take().length, nic.irqs]).toEqual([5, 1]);
  });

  it('down, takes and sends nothing; up again, does', () => {
    devClose(nic.dev);
    receive(address(1), 1);
    world.send(nic.dev, address(2), 2);
    expect(world.drops).toEqual(['DEV_READY', 'DEV_READY']);
    devOpen(nic.dev);
    receive(address(1), 3);
    expect(world.take()).toEqual(['e0:3']);
  });

  it('without a wire, counts carrier errors', () => {
    const lonely = world.nic(nic.dev.net, 'e9', 9);
    expect(lonely.dev.running).toBe(false);
    world.send(lonely.dev, address(2), 1);
    expect([
      lonely.dev.stats[Stat.txDropped],
      lonely.dev.stats[Stat.txCarrierErrors],
      world.drops,
    ]).toEqual([1, 1, ['WIRE_DOWN']]);
    nicRemove(lonely);
    expect(nic.dev.net.devByName('e9')).toBeUndefined();
  });

  it('refuses an MTU no Ethernet has, and a name twice', () => {
    expect(() => nicCreate(nic.dev.net, 'e5', address(5), 67)).toThrow('Invalid argument');
    expect(() => nicCreate(nic.dev.net, 'e0', address(5), 1500)).toThrow('File exists');
    expect(() => nicCreate(nic.dev.net, 'a/b', address(5), 1500)).toThrow('Invalid argument');
  });

  it("keeps a frame apart from the sender's clone of it", () => {
    const frame = world.frame(address(1), address(2), 5);
    const clone = world.pool.clone(frame);
    nicReceive(nic, frame);
    world.memory.u8[clone.data + 14] = 0xff;
    expect(world.take()).toEqual(['e0:5']);
    clone.pool.release(clone);
  });
});
