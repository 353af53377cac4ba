/** How sockets of both families share ports: ipv6_rcv_saddr_equal() as a table, and the numbers addresses have. */
import { in6Parse, type In6Addr } from '@netloom/wire';
import { BIND_DUAL, BIND_V4, BIND_V6, bindAddressesMeet, in6Key } from './ipv6-pinfo.js';

const addr = (text: string): In6Addr => in6Parse(text) as In6Addr;
const ONE = 0x0a000001;
const TWO = 0x0a000002;
const SIX = in6Key(addr('2001:db8::1'));
const OTHER = in6Key(addr('2001:db8::2'));

describe('two bound addresses take the same packet', () => {
  it.each([
    ['0.0.0.0, 10.0.0.1', BIND_V4, 0, BIND_V4, ONE, true],
    ['10.0.0.1, 10.0.0.2', BIND_V4, ONE, BIND_V4, TWO, false],
    [':: (dual), 0.0.0.0', BIND_DUAL, 0, BIND_V4, 0, true],
    [':: (dual), 10.0.0.1', BIND_DUAL, 0, BIND_V4, ONE, true],
    [':: (v6only), 0.0.0.0', BIND_V6, 0, BIND_V4, 0, false],
    ['2001:db8::1 (dual), 0.0.0.0', BIND_DUAL, SIX, BIND_V4, 0, false],
    [':: (dual), :: (v6only)', BIND_DUAL, 0, BIND_V6, 0, true],
    [':: (v6only), 2001:db8::1', BIND_V6, 0, BIND_DUAL, SIX, true],
    ['2001:db8::1, 2001:db8::2', BIND_DUAL, SIX, BIND_DUAL, OTHER, false],
    ['2001:db8::1, 2001:db8::1', BIND_DUAL, SIX, BIND_V6, SIX, true],
  ] as const)('%s', (_name, classA, a, classB, b, meet) => {
    expect(bindAddressesMeet(classA, a, classB, b)).toBe(meet);
    expect(bindAddressesMeet(classB, b, classA, a)).toBe(meet);
  });
});

describe('the number of an address', () => {
  it.each([
    ['::', 0],
    ['::ffff:10.0.0.1', ONE],
    ['::ffff:0.0.0.0', 0],
  ])('%s is IPv4’s', (text, number) => {
    expect(in6Key(addr(text))).toBe(number);
  });

  it('differs between neighbours, and is never one of IPv4', () => {
    const keys = new Set<number>();
    for (let net = 1; net <= 64; net++)
      for (let host = 1; host <= 64; host++)
        keys.add(in6Key(addr(`2001:db8:${net.toString(16)}::${host.toString(16)}`)));
    expect(keys.size).toBe(4096);
    expect(Math.min(...keys)).toBeGreaterThan(0xffffffff);
    expect([...keys].every(Number.isSafeInteger)).toBe(true);
  });
});
