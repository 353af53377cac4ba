/** ICMPv6 errors in ping's words, and what a raw socket's packet is to it. */
import type { RecvResult, Sys } from '@netloom/sys';
import { icmp6Text } from './icmp6-text.js';
import { Ping6, scopedText } from './protocol.js';

const sys = {
  rtnl: () => [{ ifindex: 2, ifname: 'eth0' }],
} as unknown as Sys;
const target = {
  family: 'inet6',
  addr: Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
  port: 0,
  scopeId: 2,
} as const;

describe('ICMPv6 errors', () => {
  it.each([
    [1, 0, 0, 'Destination unreachable: No route'],
    [1, 1, 0, 'Destination unreachable: Administratively prohibited'],
    [1, 3, 0, 'Destination unreachable: Address unreachable'],
    [1, 4, 0, 'Destination unreachable: Port unreachable'],
    [1, 9, 0, 'Destination unreachable: Unknown code 9'],
    [2, 0, 1400, 'Packet too big: mtu=1400'],
    [3, 0, 0, 'Time exceeded: Hop limit'],
    [3, 1, 0, 'Time exceeded: Defragmentation failure'],
    [4, 1, 40, 'Parameter problem: Unknown header at 40'],
    [143, 0, 0, 'unknown icmp type: 143'],
  ])('type %d code %d', (type, code, info, text) => {
    expect(icmp6Text(type, code, info)).toBe(text);
  });
});

describe('an echo reply', () => {
  const message = (...data: number[]): RecvResult => ({
    data: Uint8Array.from(data),
    from: target,
    flags: 0,
    length: data.length,
    control: { ttl: 63 },
  });

  it.each([
    [message(129, 0, 0, 0, 0, 7, 0, 1), true],
    [message(129, 0, 0, 0, 0, 8, 0, 1), false],
    [message(128, 0, 0, 0, 0, 7, 0, 1), false],
    [message(129, 0, 0), false],
  ])('%#', (received, ours) => {
    const reply = new Ping6(sys, target).read(received, 7);
    expect(reply?.ttl).toBe(ours ? 63 : undefined);
  });

  it('is shown with its zone', () => {
    expect(scopedText(sys, target)).toBe('fe80::1%eth0');
    expect(scopedText(sys, { ...target, scopeId: 5 })).toBe('fe80::1%5');
  });
});
