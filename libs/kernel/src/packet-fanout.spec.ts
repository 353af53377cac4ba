/**
 * PACKET_FANOUT: each frame goes to one socket of a group, chosen by the group's mode.
 */
import { Errno } from '@netloom/base';
import type { Sock } from '@netloom/kernel-core';
import { AF_INET, AF_PACKET, SOCK_DGRAM, SOCK_RAW } from '@netloom/sys';
import { ip4 } from './spec-frames.js';
import { SpecLab } from './spec-lab.js';

const ETH_P_IP = 0x0800;
const HASH = 0;
const LB = 1;
const ROUNDS = 12;

function count(sk: Sock): number {
  let n = 0;
  while (typeof sk.recvmsg(2000, 0) !== 'number') n++;
  return n;
}

function setup(mode: number): {
  lab: SpecLab;
  group: Sock[];
  alone: Sock;
  send: (port: number) => void;
} {
  const lab = new SpecLab();
  const a = lab.host('a');
  const b = lab.host('b');
  const nicA = lab.nic(a, 'e0', '02:00:00:00:01:01', ['10.1.0.1/24']);
  const nicB = lab.nic(b, 'e0', '02:00:00:00:01:02', ['10.1.0.2/24']);
  lab.wire(nicA, nicB, { delayNs: 1e6 });
  const make = (): Sock =>
    b.kernel.modules.createSock(b.kernel.initNet, AF_PACKET, SOCK_RAW, ETH_P_IP);
  const group = [make(), make(), make()];
  for (const sk of group) expect(sk.setsockopt('PACKET_FANOUT', 7 | (mode << 16))).toBe(0);
  const alone = make();
  const sender = a.kernel.modules.createSock(a.kernel.initNet, AF_INET, SOCK_DGRAM, 0);
  const send = (port: number): void => {
    expect(
      sender.sendmsg(new Uint8Array(10), {
        flags: 0,
        to: { family: 'inet', addr: ip4('10.1.0.2'), port },
      }),
    ).toBe(10);
    lab.engine.advance(lab.engine.now + 5e6);
  };
  return { lab, group, alone, send };
}

describe('PACKET_FANOUT', () => {
  it('hands frames out in turn', () => {
    const { group, alone, send } = setup(LB);
    for (let i = 0; i < ROUNDS; i++) send(1000 + i);
    expect(group.map(count)).toEqual([4, 4, 4]);
    expect(count(alone)).toBe(ROUNDS);
  });

  it('keeps a flow on one socket, and flows on several', () => {
    const { group, send } = setup(HASH);
    for (let i = 0; i < ROUNDS; i++) send(1000);
    expect(group.map(count).sort()).toEqual([0, 0, ROUNDS]);
    for (let i = 0; i < 60; i++) send(2000 + i);
    const shares = group.map(count);
    expect(Math.min(...shares)).toBeGreaterThan(5);
  });

  it('refuses another mode for a group, a second group for a socket, and a socket that takes nothing', () => {
    const { alone, group, lab } = setup(LB);
    expect(alone.setsockopt('PACKET_FANOUT', 7 | (HASH << 16))).toBe(-Errno.EINVAL);
    expect(alone.setsockopt('PACKET_FANOUT', 8 | (99 << 16))).toBe(-Errno.EINVAL);
    expect(group[0]?.setsockopt('PACKET_FANOUT', 8)).toBe(-114);
    const { kernel } = lab.host('c');
    const silent = kernel.modules.createSock(kernel.initNet, AF_PACKET, SOCK_RAW, 0);
    expect(silent.setsockopt('PACKET_FANOUT', 1)).toBe(-Errno.EINVAL);
  });
});
