/**
 * rtnetlink's answers: commands in the words of ip(8), one after the other in one namespace, and what ip printed with
 * Linux 6.18 (without the uid and offload notes of `route get`).
 */
import { ip } from './spec-ip.js';
import { SpecLab } from './spec-lab.js';

const SETUP = [
  'link set lo up',
  'link add d0',
  'link set d0 up',
  'link add d1',
  'link set d1 up',
  'addr add 10.0.0.1/24 brd + dev d0',
  'addr add 10.1.0.1/24 brd + dev d1',
  'link add br0 type bridge',
  'link set br0 up',
];

const ANSWERS: readonly (readonly [command: string, answer: string])[] = [
  ['addr add 10.0.0.1/24 dev d0', 'Error: ipv4: Address already assigned.'],
  ['addr add 10.0.0.9/24 scope link dev d0', 'Error: ipv4: Invalid scope value.'],
  ['addr del 10.9.9.9/24 dev d0', 'Error: ipv4: Address not found.'],
  ['addr del 10.0.0.1/16 dev d0', 'Error: ipv4: Address not found.'],
  ['route add 10.9.0.0/16 via 10.5.5.5', 'Error: Nexthop has invalid gateway.'],
  ['route add 10.9.0.0/16 via 10.0.0.1', ''],
  ['route add 10.9.0.0/16 via 10.0.0.255', 'Error: Nexthop has invalid gateway.'],
  ['route add 10.9.0.1/16 via 10.0.0.9', 'Error: Invalid prefix for given prefix length.'],
  ['route add 10.9.0.0/16', 'RTNETLINK answers: No such device'],
  ['route add 10.9.0.0/16 via 10.0.0.9 dev d1', 'Error: Nexthop has invalid gateway.'],
  ['route add 10.9.0.0/16 via 10.0.0.9 dev d0 onlink', 'RTNETLINK answers: File exists'],
  ['route add 10.9.0.0/16 via 10.0.0.9', 'RTNETLINK answers: File exists'],
  ['route append 10.9.0.0/16 via 10.0.0.9', ''],
  ['route append 10.9.0.0/16 via 10.0.0.8', ''],
  ['route change 10.66.0.0/16 via 10.0.0.9', 'RTNETLINK answers: No such file or directory'],
  ['route replace 10.66.0.0/16 via 10.0.0.9', ''],
  ['route del 10.77.0.0/16', 'RTNETLINK answers: No such process'],
  ['route del 10.66.0.0/16 via 10.0.0.77', 'RTNETLINK answers: No such process'],
  ['route del 10.66.0.0/16 dev d1', 'RTNETLINK answers: No such process'],
  ['route del 10.66.0.0/16 metric 7', 'RTNETLINK answers: No such process'],
  ['route del 10.66.0.0/16', ''],
  ['route add 10.67.0.0/16 via 10.0.0.9 src 1.2.3.4', 'Error: Invalid prefsrc address.'],
  ['route add 10.68.0.0/16 dev d0 scope host', ''],
  [
    'route add blackhole 10.69.0.0/16 via 10.0.0.9',
    'Error: Gateway, device and multipath can not be specified for this route type.',
  ],
  ['route add 10.71.0.0/16 via 10.7.7.7 dev d0 onlink', ''],
  ['route add 10.72.0.0/16 via 10.0.0.1 dev d0 onlink', 'Error: Nexthop has invalid gateway.'],
  [
    'route add 10.73.0.0/16 nexthop via 10.0.0.9 nexthop via 10.88.0.9',
    'Error: Nexthop has invalid gateway.',
  ],
  ['route add 10.74.0.0/16 via 10.71.0.5', 'Error: Nexthop has invalid gateway.'],
  ['route add local 10.75.0.0/16 dev lo', ''],
  ['route add 10.76.0.0/16 dev d0 src 10.1.0.1', ''],
  ['route add 10.78.0.0/16 via 127.0.0.1', ''],
  ['route add 10.79.0.0/16 via 224.0.0.1', 'Error: Nexthop has invalid gateway.'],
  ['link set d0 mtu 10', 'Error: mtu less than device minimum.'],
  ['link set d0 mtu 70000', 'Error: mtu greater than device maximum.'],
  ['link set d0 address 01:00:00:00:00:01', 'RTNETLINK answers: Cannot assign requested address'],
  ['link set d0 address 00:00:00:00:00:00', 'RTNETLINK answers: Cannot assign requested address'],
  ['link add x0 type nosuch', 'Error: Unknown device type.'],
  ['link add x0 type veth peer name d0', 'RTNETLINK answers: File exists'],
  ['link del lo', 'RTNETLINK answers: Operation not supported'],
  ['link set br0 master br0', 'Error: Can not enslave a bridge to a bridge.'],
  ['link set d0 master br0', ''],
  ['link set d0 nomaster', ''],
  ['link set lo master br0', 'RTNETLINK answers: Invalid argument'],
  ['link set br0 netns 1', 'Error: The interface netns is immutable.'],
  ['link set lo netns 1', 'Error: The interface netns is immutable.'],
  ['link set d0 carrier off', 'RTNETLINK answers: Operation not supported'],
  ['link set d0 promisc on', ''],
  ['neigh add 10.0.0.5 lladdr 02:00:00:00:00:09 dev d0', ''],
  ['neigh add 10.0.0.5 lladdr 02:00:00:00:00:0a dev d0', 'RTNETLINK answers: File exists'],
  [
    'neigh change 10.0.0.55 lladdr 02:00:00:00:00:0a dev d0',
    'RTNETLINK answers: No such file or directory',
  ],
  ['neigh del 10.0.0.99 dev d0', 'RTNETLINK answers: No such file or directory'],
  ['neigh add 10.0.0.6 dev d0', 'Error: No link layer address given.'],
  ['neigh add 10.0.0.7 dev d0 nud stale', 'Error: No link layer address given.'],
  ['neigh add 10.0.0.8 dev d0 nud failed', ''],
  ['neigh add 10.0.0.77 lladdr 02:00:00:00:00:09 dev lo', ''],
  ['neigh del 10.0.0.5 dev d0', ''],
  ['route get 10.0.0.9', '10.0.0.9 dev d0 src 10.0.0.1 cache'],
  ['route get 10.0.0.1', 'local 10.0.0.1 dev lo src 10.0.0.1 cache <local>'],
  ['route get 10.0.0.255', 'broadcast 10.0.0.255 dev d0 src 10.0.0.1 cache <local,brd>'],
  ['route get 255.255.255.255', 'RTNETLINK answers: Network is unreachable'],
  ['route get 224.0.0.1', 'RTNETLINK answers: Network is unreachable'],
  ['route get 8.8.8.8', 'RTNETLINK answers: Network is unreachable'],
  ['route get 10.9.1.1', '10.9.1.1 dev d0 src 10.0.0.1 cache'],
  ['route get 10.9.1.1 from 10.1.0.1', '10.9.1.1 from 10.1.0.1 dev d0 cache'],
  ['route get 10.9.1.1 from 1.2.3.4', 'RTNETLINK answers: Network is unreachable'],
  ['route get 10.9.1.1 oif d1', '10.9.1.1 dev d1 src 10.1.0.1 cache'],
  ['route get 8.8.8.8 oif d1', '8.8.8.8 dev d1 src 10.1.0.1 cache'],
  ['route get 224.0.0.1 oif d1', 'multicast 224.0.0.1 dev d1 src 10.1.0.1 cache <local,mc>'],
  ['route get 10.1.0.7 from 10.0.0.9 iif d0', 'RTNETLINK answers: No route to host'],
  [
    'route get 10.0.0.1 from 10.0.0.9 iif d0',
    'local 10.0.0.1 from 10.0.0.9 dev lo cache <local> iif d0',
  ],
  ['route get 10.0.0.9 from 127.0.0.1', 'RTNETLINK answers: Invalid argument'],
  ['route get 10.69.0.1', 'RTNETLINK answers: Network is unreachable'],
  ['route get 127.0.0.5', 'local 127.0.0.5 dev lo src 127.0.0.1 cache <local>'],
  ['route get 0.0.0.0', 'local 0.0.0.0 dev lo src 127.0.0.1 cache <local>'],
  ['route get 10.76.0.1', '10.76.0.1 dev d0 src 10.1.0.1 cache'],
  ['link set d0 address 01:00:00:00:00:01', 'RTNETLINK answers: Cannot assign requested address'],
  ['link set d0 address 00:00:00:00:00:00', 'RTNETLINK answers: Cannot assign requested address'],
  ['link set d0 address 02:00:00:00:00:77', ''],
  ['link set d0 name d1', 'RTNETLINK answers: File exists'],
  ['link set d0 up name d8', ''],
  ['link add d0 type bridge', ''],
  ['link set d0 mtu 68', ''],
  ['link set d0 mtu 1500', ''],
  ['link set d0 txqueuelen 50', ''],
  ['neigh add 10.0.0.5 lladdr 02:00:00:00:00:09 dev d0', ''],
  ['neigh replace 10.0.0.5 lladdr 02:00:00:00:00:0b dev d0', ''],
  ['neigh add 224.1.1.1 lladdr 02:00:00:00:00:0b dev d0', ''],
  ['neigh add 10.0.0.1 lladdr 02:00:00:00:00:0b dev d0', ''],
  ['route add 10.90.0.0/16 via 10.0.0.9 metric 1', ''],
  ['route add 10.90.0.0/16 via 10.0.0.9 metric 1', 'RTNETLINK answers: File exists'],
  ['route append 10.90.0.0/16 via 10.0.0.9 metric 1', 'RTNETLINK answers: File exists'],
  ['route prepend 10.90.0.0/16 via 10.0.0.9 metric 1', 'RTNETLINK answers: File exists'],
  ['route replace 10.90.0.0/16 via 10.0.0.9 metric 1', ''],
  ['route add 10.91.0.0/16 dev br0', ''],
  ['route add 224.0.0.0/4 dev d1', ''],
  [
    'route add blackhole 10.92.0.0/16 dev d0',
    'Error: Gateway, device and multipath can not be specified for this route type.',
  ],
  ['route add 10.93.0.0/16 via 10.0.0.9 table 300', ''],
  ['route del 10.93.0.0/16', 'RTNETLINK answers: No such process'],
  ['route del 10.93.0.0/16 table 300', ''],
  ['route get 224.0.0.9', 'multicast 224.0.0.9 dev d1 src 10.1.0.1 cache <mc>'],
  ['route get 224.0.0.9 from 10.0.0.1', 'multicast 224.0.0.9 from 10.0.0.1 dev d8 cache <mc>'],
  [
    'route get 255.255.255.255 from 10.0.0.1',
    'broadcast 255.255.255.255 from 10.0.0.1 dev d8 cache <local,brd>',
  ],
  ['route get 10.0.0.9 from 224.0.0.1', 'RTNETLINK answers: Invalid argument'],
  ['route get 1.1.1.1 from 10.0.0.9 iif d0', 'RTNETLINK answers: No route to host'],
  ['route get 10.0.0.77 from 10.0.0.1 iif d0', 'RTNETLINK answers: No route to host'],
  [
    'route get 10.0.0.1 from 10.1.0.5 iif d0',
    'local 10.0.0.1 from 10.1.0.5 dev lo cache <local> iif d0',
  ],
  [
    'route get 10.0.0.255 from 10.0.0.5 iif d0',
    'broadcast 10.0.0.255 from 10.0.0.5 dev lo cache <local,brd> iif d0',
  ],
  ['route get 10.92.0.1', 'RTNETLINK answers: Network is unreachable'],
  ['route get fibmatch 10.0.0.9', '10.0.0.0/24 dev d8 proto kernel scope link src 10.0.0.1'],
  ['addr add 10.0.0.1/24 dev lo', ''],
  ['addr add 127.0.0.1/8 dev lo', 'Error: ipv4: Address already assigned.'],
  ['addr add 0.0.0.0/8 dev d0', ''],
  ['addr add 224.0.0.1/24 dev d0', ''],
  ['addr replace 10.0.0.1/24 dev d0', ''],
  ['link set lo down', ''],
  ['link set lo up', ''],
  ['link set d1 down', ''],
  ['route add 10.80.0.0/16 dev d1', 'Error: Device for nexthop is not up.'],
  ['route add 10.80.0.0/16 via 10.1.0.5 dev d1', 'Error: Nexthop has invalid gateway.'],
  ['route add 10.80.0.0/16 via 10.1.0.5 dev d1 onlink', 'Error: Nexthop device is not up.'],
  ['route get 10.1.0.5', 'RTNETLINK answers: Network is unreachable'],
];

describe('rtnetlink', () => {
  it('answers as Linux does', async () => {
    const lab = new SpecLab();
    const answers = await lab.call(lab.host('h'), (sys) => {
      sys.unshareNet();
      for (const command of SETUP) expect(`${command}: ${ip(sys, command)}`).toBe(`${command}: `);
      return ANSWERS.map(([command]) => [command, ip(sys, command)]);
    });
    expect(answers).toEqual(ANSWERS);
    await lab.advance(10e9);
    expect(lab.pool.live).toBe(0);
  });
});

/** Addresses and routes, then destinations and the sources that Linux chose. */
const SOURCES: readonly (readonly [commands: string, choices: Readonly<Record<string, string>>])[] =
  [
    [
      'addr add 10.0.0.1/24 dev d0; addr add 10.5.0.1/24 dev d0; addr add 10.0.0.2/24 dev d0; route add 10.9.0.0/16 via 10.5.0.9; ' +
        'route add 10.8.0.0/16 dev d0; route add 10.7.0.0/16 via 10.0.0.9 src 10.0.0.2',
      {
        '10.0.0.9': '10.0.0.1',
        '10.5.0.9': '10.5.0.1',
        '10.9.1.1': '10.5.0.1',
        '10.8.0.1': '10.0.0.1',
        '10.7.0.1': '10.0.0.2',
        '10.0.0.2': '10.0.0.1',
      },
    ],
    [
      'addr add 10.0.0.1/24 scope link dev d0; addr add 10.1.0.1/24 dev d1; route add 10.9.0.0/16 via 10.0.0.9; route add 10.8.0.0/16 dev d0',
      { '10.0.0.9': '10.0.0.1', '10.9.1.1': '10.1.0.1', '10.8.0.1': '10.0.0.1' },
    ],
    ['addr add 10.1.0.1/24 dev d1; route add 10.8.0.0/16 dev d0', { '10.8.0.1': '10.1.0.1' }],
    ['addr add 10.3.0.1/32 dev lo; route add 10.8.0.0/16 dev d0', { '10.8.0.1': '10.3.0.1' }],
    ['route add 10.8.0.0/16 dev d0', { '10.8.0.1': 'none' }],
    [
      'addr add 10.0.0.1/24 scope host dev d0; route add 10.8.0.0/16 dev d0',
      { '10.8.0.1': 'none' },
    ],
  ];

describe('source addresses', () => {
  it.each(SOURCES)('%s', async (commands, choices) => {
    const lab = new SpecLab();
    const chosen = await lab.call(lab.host('h'), (sys) => {
      sys.unshareNet();
      for (const command of [
        'link set lo up',
        'link add d0',
        'link set d0 up',
        'link add d1',
        'link set d1 up',
        ...commands.split('; '),
      ]) {
        expect(`${command}: ${ip(sys, command)}`).toBe(`${command}: `);
      }
      return Object.fromEntries(
        Object.keys(choices).map((to) => [
          to,
          / src (\S+)/.exec(ip(sys, `route get ${to}`))?.[1] ?? 'none',
        ]),
      );
    });
    expect(chosen).toEqual(choices);
  });
});
