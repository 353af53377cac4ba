import type { NetDevice } from '@netloom/kernel-core';
import { in6Parse, in6Text, type In6Addr } from '@netloom/wire';
import { eui64Address, stableAddress } from './addr-gen.js';

const address = (text: string): In6Addr => in6Parse(text) as In6Addr;

describe('interface identifiers', () => {
  it('come from the MAC address with its universal bit turned round', () => {
    const dev = { addrHi: 0x0200, addrLo: 0x5e105342 } as NetDevice;
    expect(in6Text(eui64Address(dev, address('2001:db8::')))).toBe('2001:db8::5eff:fe10:5342');
  });

  it('come from a secret as the kernel computes them', () => {
    // Read off Linux 6.18: a veth without a permanent address.
    const dev = { address: new Uint8Array(6) } as NetDevice;
    const secret = address('2001:db8::1234:5678');
    expect(in6Text(stableAddress(dev, address('fe80::'), secret, 0, 3) as In6Addr)).toBe(
      'fe80::71d8:1385:74ce:e11c',
    );
    expect(stableAddress(dev, address('fe80::'), secret, 1, 3)).not.toEqual(
      stableAddress(dev, address('fe80::'), secret, 0, 3),
    );
  });
});
