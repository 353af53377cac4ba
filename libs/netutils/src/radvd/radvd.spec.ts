/**
 * radvd.conf to advertisements. The bytes are those that radvd 2.19 sends for the same file.
 */
import { routerAdvert } from './advert.js';
import { checkInterface, ConfigError, minInterval, parseRadvdConfig } from './config.js';

const CONF = `
# a comment
interface eth0
{
    AdvSendAdvert on;
    MinRtrAdvInterval 3;
    MaxRtrAdvInterval 10;
    AdvLinkMTU 1400;
    prefix 2001:db8:5::/64
    {
        AdvOnLink on;
        AdvAutonomous on;
        AdvValidLifetime 3600;
        AdvPreferredLifetime 1800;
    };
    route 2001:db8:77::/48 { AdvRouteLifetime 600; AdvRoutePreference high; };
    RDNSS 2001:db8::53 { AdvRDNSSLifetime 30; };
    DNSSL lan.example { };
};
`;
const MAC = Uint8Array.of(2, 0, 0, 0, 0, 0x0b);
const hex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

describe('an advertisement', () => {
  const [config] = parseRadvdConfig(CONF);
  if (config === undefined) throw new Error('no interface');

  it('has the options of the file in radvd’s order', () => {
    expect(hex(routerAdvert(config, MAC, false))).toBe(
      [
        '86000000' + '4000001e' + '00000000' + '00000000',
        '030440c0' + '00000e10' + '00000708' + '00000000' + '20010db8000500000000000000000000',
        '18033008' + '00000258' + '20010db8007700000000000000000000',
        '19030000' + '0000001e' + '20010db8000000000000000000000053',
        '1f030000' + '0000000a' + '036c616e076578616d706c6500000000',
        '05010000' + '00000578',
        '0101' + '02000000000b',
      ].join(''),
    );
  });

  it('takes the router, its routes and its name servers back at the end', () => {
    const last = hex(routerAdvert(config, MAC, true));
    expect(last.slice(12, 16)).toBe('0000'); // router lifetime
    expect(last).toContain('1803300800000000');
    expect(last).toContain('1903000000000000');
  });

  it('leaves out what was not asked for', () => {
    const [bare] = parseRadvdConfig('interface e { AdvSendAdvert on; AdvSourceLLAddress off; };');
    expect(bare === undefined ? '' : hex(routerAdvert(bare, MAC, false))).toBe(
      '86000000400007080000000000000000',
    );
  });
});

describe('a configuration', () => {
  it.each([
    ['interface e { Foo on; };', 1, 'Foo'],
    ['interface e {\n AdvSendAdvert maybe; };', 2, 'maybe'],
    ['interface e {\n\n prefix 2001:db8::/129 { }; };', 3, '2001:db8::/129'],
    ['interfaces e { };', 1, 'interfaces'],
  ])('%j is refused', (text, line, near) => {
    try {
      parseRadvdConfig(text);
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      expect([(error as ConfigError).line, (error as ConfigError).near]).toEqual([line, near]);
      return;
    }
    throw new Error('accepted');
  });

  it.each([
    ['', undefined, 198],
    ['MaxRtrAdvInterval 4;', undefined, 3],
    [
      'MaxRtrAdvInterval 3; MinRtrAdvInterval 3;',
      'MinRtrAdvInterval for e (3.00) must be at least 3.00 but no more than 3/4 of MaxRtrAdvInterval (2.25)',
      3,
    ],
    [
      'AdvDefaultLifetime 10;',
      'AdvDefaultLifetime for e (10) must be zero or between 600 and 9000',
      198,
    ],
  ])('%j: %s', (words, complaint, least) => {
    const [config] = parseRadvdConfig(`interface e { ${words} };`);
    if (config === undefined) throw new Error('no interface');
    expect(checkInterface(config)).toBe(complaint);
    expect(minInterval(config)).toBeCloseTo(least);
  });
});
