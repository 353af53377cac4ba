import {
  formatIpv4,
  formatIpv6,
  formatMac,
  ipv4Mask,
  parseIpv4,
  parseIpv6,
  parseMac,
} from './ip-text.js';
import fc from 'fast-check';

describe('IPv4 text', () => {
  it.each([
    ['0.0.0.0', 0],
    ['255.255.255.255', 0xffffffff],
    ['10.0.0.1', 0x0a000001],
    ['192.168.255.1', 0xc0a8ff01],
  ] as const)('%s', (text, address) => {
    expect(parseIpv4(text)).toBe(address);
    expect(formatIpv4(address)).toBe(text);
  });

  it.each([
    '',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '256.0.0.1',
    '1.2.3.-4',
    '1.2.3.4 ',
    '1.2..4',
    'a.b.c.d',
    '1.2.3.0x4',
    '1.2.3.1000',
  ])('refuses %p', (text) => {
    expect(parseIpv4(text)).toBeUndefined();
  });

  it('reads what it writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (address) => {
        expect(parseIpv4(formatIpv4(address))).toBe(address);
      }),
    );
  });

  it.each([
    [0, 0],
    [1, 0x80000000],
    [8, 0xff000000],
    [24, 0xffffff00],
    [31, 0xfffffffe],
    [32, 0xffffffff],
  ])('mask /%i', (length, mask) => {
    expect(ipv4Mask(length)).toBe(mask);
  });
});

describe('MAC text', () => {
  it.each([
    ['02:00:00:00:00:01', '02:00:00:00:00:01'],
    ['AA-BB-CC-DD-EE-FF', 'aa:bb:cc:dd:ee:ff'],
    ['2:0:0:0:0:1', '02:00:00:00:00:01'],
  ])('%s', (text, canonical) => {
    expect(formatMac(parseMac(text) ?? new Uint8Array())).toBe(canonical);
  });

  it.each([
    '',
    '02:00:00:00:00',
    '02:00:00:00:00:00:01',
    '02:00:00:00:00:0g',
    '02:00:00:00:00:001',
  ])('refuses %p', (text) => {
    expect(parseMac(text)).toBeUndefined();
  });
});

describe('IPv6 text (RFC 5952)', () => {
  it.each([
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:db8::1', '2001:db8::1'],
    ['2001:0DB8:0:0:0:0:0:1', '2001:db8::1'], // §4.1 leading zeros, §4.3 lower case
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'], // §4.2.2 one zero word stays
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'], // §4.2.3 the longest run
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'], // §4.2.3 the first of equal runs
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'], // §5
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['fe80::1:0:0:0', 'fe80::1:0:0:0'],
    ['1:0:0:2:0:0:0:0', '1:0:0:2::'],
  ])('%s', (text, canonical) => {
    const bytes = parseIpv6(text);
    expect(bytes).toHaveLength(16);
    expect(formatIpv6(bytes as Uint8Array)).toBe(canonical);
  });

  it.each([
    '',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'g::',
    '1.2.3.4',
    '::1.2.3.4:1',
    '1:2:3:4:5:6:7:8::',
  ])('refuses %p', (text) => {
    expect(parseIpv6(text)).toBeUndefined();
  });

  it('reads what it writes', () => {
    const sparse = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 255 })), {
      minLength: 16,
      maxLength: 16,
    });
    fc.assert(
      fc.property(sparse, (bytes) => {
        expect([...(parseIpv6(formatIpv6(Uint8Array.from(bytes))) ?? [])]).toEqual(bytes);
      }),
    );
  });
});
