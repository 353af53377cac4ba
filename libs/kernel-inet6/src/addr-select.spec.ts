import type { Net, NetDevice } from '@netloom/kernel-core';
import { in6Parse, in6Text, type In6Addr } from '@netloom/wire';
import { ipv6AddrLabel, ipv6DevGetSaddr } from './addr-select.js';
import { CONF6_DEVICE_DEFAULTS } from './inet6-conf.js';
import { Inet6Dev, Inet6Ifaddr } from './inet6-dev.js';
import { NEIGH6_PARMS_DEFAULT } from './ipv6-net.js';

const address = (text: string): In6Addr => in6Parse(text) as In6Addr;

/** A namespace of devices with addresses, `ADDRESS/LENGTH` and perhaps flags in hexadecimal behind a blank. */
function net(devices: Readonly<Record<string, readonly string[]>>): Net {
  const made = { devices: [] as NetDevice[] };
  for (const [name, texts] of Object.entries(devices)) {
    const dev = {
      name,
      flags: 0,
      mtu: 1500,
      in6Dev: null,
      kernel: { engine: { now: 0 } },
    } as unknown as NetDevice;
    const idev = new Inet6Dev(dev, CONF6_DEVICE_DEFAULTS, NEIGH6_PARMS_DEFAULT);
    dev.in6Dev = idev;
    for (const text of texts) {
      const [local = '', flags = '80'] = text.split(' ');
      const [addr = '', length = '64'] = local.split('/');
      const ifa = new Inet6Ifaddr(idev, address(addr), Number(length));
      ifa.flags = parseInt(flags, 16);
      idev.addresses.push(ifa);
    }
    made.devices.push(dev);
  }
  return made as unknown as Net;
}

const LL = 'fe80::1/64';

describe('the source address (RFC 6724)', () => {
  const rows: readonly [
    rule: string,
    devices: Readonly<Record<string, readonly string[]>>,
    daddr: string,
    wanted: string | null,
  ][] = [
    [
      '1: the destination itself',
      { eth0: [LL, '2001:db8::1/64', '2001:db8::2/64'] },
      '2001:db8::2',
      '2001:db8::2',
    ],
    ['2: a scope that reaches', { eth0: [LL, '2001:db8::1/64'] }, '2001:db9::1', '2001:db8::1'],
    ['2: not a wider one than needed', { eth0: ['2001:db8::1/64', LL] }, 'fe80::9', 'fe80::1'],
    ['2: better too small than none', { eth0: [LL] }, '2001:db9::1', 'fe80::1'],
    [
      '3: not deprecated',
      { eth0: ['2001:db8::1/64 a0', '2001:db9::1/64'] },
      '2001:db8::9',
      '2001:db9::1',
    ],
    [
      '5: of the way out',
      { eth0: ['2001:db9::1/64'], eth1: ['2001:db8::1/64'] },
      '2001:db8::9',
      '2001:db9::1',
    ],
    ['6: of the same kind', { eth0: ['2001:db8::1/64', 'fd00::1/64'] }, 'fd01::1', 'fd00::1'],
    [
      '7: public rather than temporary',
      { eth0: ['2001:db8::1/64 1', '2001:db8::2/64'] },
      '2001:db8::9',
      '2001:db8::2',
    ],
    [
      '8: the longest common prefix',
      { eth0: ['2001:db8:1::1/64', '2001:db8:2::1/64'] },
      '2001:db8:2::9',
      '2001:db8:2::1',
    ],
    ['tentative addresses are none', { eth0: ['2001:db8::1/64 c0', LL] }, '2001:db8::9', 'fe80::1'],
    ['no address', { eth0: [] }, '2001:db8::9', null],
    ['for a group, of its device', { eth0: [LL], eth1: ['2001:db8::1/64'] }, 'ff05::2', 'fe80::1'],
  ];

  it.each(rows)('%s', (_, devices, daddr, wanted) => {
    const space = net(devices);
    const found = ipv6DevGetSaddr(space, space.devices[0] as NetDevice, address(daddr), 0);
    expect(found === null ? null : in6Text(found)).toBe(wanted);
  });

  it('uses the labels of the default policy', () => {
    expect(
      [
        '::1',
        '::ffff:1.2.3.4',
        '::7',
        '2001::1',
        '2002::1',
        '3ffe::1',
        'fc00::1',
        'fec0::1',
        '2001:db8::1',
      ].map((text) => ipv6AddrLabel(address(text))),
    ).toEqual([0, 4, 3, 6, 2, 12, 5, 11, 1]);
  });
});
