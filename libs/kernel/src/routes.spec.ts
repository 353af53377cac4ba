/**
 * The routes that addresses bring and take away. Each case: commands in the words of ip(8), then what `ip route show
 * table all` and `ip -o addr show` of Linux 6.18 said after the same commands. `link add` makes a pair whose far end is up.
 */
import { ip, showAddr, showRoute } from './spec-ip.js';
import { SpecLab, sysctl } from './spec-lab.js';

const CASES: readonly {
  readonly name: string;
  readonly commands: string;
  readonly routes: readonly string[];
  readonly addresses: readonly string[];
}[] = [
  {
    name: 'one address, device up',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: ['d0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0'],
  },
  {
    name: 'no broadcast given',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 dev d0',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: ['d0 inet 10.0.0.1/24 scope global d0'],
  },
  {
    name: 'address before up',
    commands: 'link add d0; addr add 10.0.0.1/24 brd + dev d0',
    routes: ['local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1'],
    addresses: ['d0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0'],
  },
  {
    name: 'address, then up',
    commands: 'link add d0; addr add 10.0.0.1/24 brd + dev d0; link set d0 up',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: ['d0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0'],
  },
  {
    name: 'up, address, down',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; link set d0 down',
    routes: ['local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1'],
    addresses: ['d0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0'],
  },
  {
    name: 'down and up again',
    commands:
      'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; route add 10.9.0.0/16 via 10.0.0.9; link set d0 down; link set d0 up',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: ['d0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0'],
  },
  {
    name: '/32',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/32 dev d0',
    routes: ['local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1'],
    addresses: ['d0 inet 10.0.0.1/32 scope global d0'],
  },
  {
    name: '/31',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.0/31 dev d0',
    routes: [
      '10.0.0.0/31 dev d0 proto kernel scope link src 10.0.0.0',
      'local 10.0.0.0 dev d0 table local proto kernel scope host src 10.0.0.0',
    ],
    addresses: ['d0 inet 10.0.0.0/31 scope global d0'],
  },
  {
    name: '/30',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/30 brd + dev d0',
    routes: [
      '10.0.0.0/30 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.3 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: ['d0 inet 10.0.0.1/30 brd 10.0.0.3 scope global d0'],
  },
  {
    name: 'peer',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1 peer 10.0.0.2/32 dev d0',
    routes: [
      '10.0.0.2 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
    ],
    addresses: ['d0 inet 10.0.0.1 peer 10.0.0.2/32 scope global d0'],
  },
  {
    name: 'peer with prefix',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1 peer 10.1.0.2/24 dev d0',
    routes: [
      '10.1.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.1.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: ['d0 inet 10.0.0.1 peer 10.1.0.2/24 scope global d0'],
  },
  {
    name: 'secondary',
    commands:
      'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.0.0.2/24 brd + dev d0',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'local 10.0.0.2 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: [
      'd0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0',
      'd0 inet 10.0.0.2/24 brd 10.0.0.255 scope global secondary d0',
    ],
  },
  {
    name: 'secondary deleted',
    commands:
      'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.0.0.2/24 brd + dev d0; addr del 10.0.0.2/24 dev d0',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: ['d0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0'],
  },
  {
    name: 'primary deleted',
    commands:
      'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.0.0.2/24 brd + dev d0; addr del 10.0.0.1/24 dev d0',
    routes: [],
    addresses: [],
  },
  {
    name: 'same address, two lengths',
    commands:
      'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.0.0.1/16 brd + dev d0',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      '10.0.0.0/16 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
      'broadcast 10.0.255.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: [
      'd0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0',
      'd0 inet 10.0.0.1/16 brd 10.0.255.255 scope global d0',
    ],
  },
  {
    name: 'same address, two lengths, one deleted',
    commands:
      'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.0.0.1/16 brd + dev d0; addr del 10.0.0.1/24 dev d0',
    routes: [
      '10.0.0.0/16 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.255.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: ['d0 inet 10.0.0.1/16 brd 10.0.255.255 scope global d0'],
  },
  {
    name: 'two subnets',
    commands:
      'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.1.0.1/24 brd + dev d0; addr del 10.0.0.1/24 dev d0',
    routes: [
      '10.1.0.0/24 dev d0 proto kernel scope link src 10.1.0.1',
      'local 10.1.0.1 dev d0 table local proto kernel scope host src 10.1.0.1',
      'broadcast 10.1.0.255 dev d0 table local proto kernel scope link src 10.1.0.1',
    ],
    addresses: ['d0 inet 10.1.0.1/24 brd 10.1.0.255 scope global d0'],
  },
  {
    name: 'same subnet on two devices',
    commands:
      'link add d0; link set d0 up; link add d1; link set d1 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.0.0.2/24 brd + dev d1',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      '10.0.0.0/24 dev d1 proto kernel scope link src 10.0.0.2',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'local 10.0.0.2 dev d1 table local proto kernel scope host src 10.0.0.2',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
      'broadcast 10.0.0.255 dev d1 table local proto kernel scope link src 10.0.0.2',
    ],
    addresses: [
      'd0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0',
      'd1 inet 10.0.0.2/24 brd 10.0.0.255 scope global d1',
    ],
  },
  {
    name: 'same subnet on two devices, first deleted',
    commands:
      'link add d0; link set d0 up; link add d1; link set d1 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.0.0.2/24 brd + dev d1; addr del 10.0.0.1/24 dev d0',
    routes: [
      '10.0.0.0/24 dev d1 proto kernel scope link src 10.0.0.2',
      'local 10.0.0.2 dev d1 table local proto kernel scope host src 10.0.0.2',
      'broadcast 10.0.0.255 dev d1 table local proto kernel scope link src 10.0.0.2',
    ],
    addresses: ['d1 inet 10.0.0.2/24 brd 10.0.0.255 scope global d1'],
  },
  {
    name: 'same address on two devices',
    commands:
      'link add d0; link set d0 up; link add d1; link set d1 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.0.0.1/24 brd + dev d1',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      '10.0.0.0/24 dev d1 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'local 10.0.0.1 dev d1 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
      'broadcast 10.0.0.255 dev d1 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: [
      'd0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0',
      'd1 inet 10.0.0.1/24 brd 10.0.0.255 scope global d1',
    ],
  },
  {
    name: 'same address on two devices, first deleted',
    commands:
      'link add d0; link set d0 up; link add d1; link set d1 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.0.0.1/24 brd + dev d1; addr del 10.0.0.1/24 dev d0',
    routes: [
      '10.0.0.0/24 dev d1 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d1 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d1 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: ['d1 inet 10.0.0.1/24 brd 10.0.0.255 scope global d1'],
  },
  {
    name: 'source route dies with its source',
    commands:
      'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.5.0.1/24 brd + dev d0; route add 10.9.0.0/16 via 10.0.0.9 src 10.5.0.1; addr del 10.5.0.1/24 dev d0',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: ['d0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0'],
  },
  {
    name: 'gateway outlives its address',
    commands:
      'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.5.0.1/24 brd + dev d0; route add 10.9.0.0/16 via 10.5.0.9; addr del 10.5.0.1/24 dev d0',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      '10.9.0.0/16 via 10.5.0.9 dev d0',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: ['d0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0'],
  },
  {
    name: 'metric',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + metric 50 dev d0',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1 metric 50',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: ['d0 inet 10.0.0.1/24 metric 50 brd 10.0.0.255 scope global d0'],
  },
  {
    name: 'noprefixroute',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + noprefixroute dev d0',
    routes: [
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: ['d0 inet 10.0.0.1/24 brd 10.0.0.255 scope global noprefixroute d0'],
  },
  {
    name: 'scope link',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + scope link dev d0',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: ['d0 inet 10.0.0.1/24 brd 10.0.0.255 scope link d0'],
  },
  {
    name: 'lo',
    commands: 'link set lo up',
    routes: [
      'local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1',
      'local 127.0.0.1 dev lo table local proto kernel scope host src 127.0.0.1',
      'broadcast 127.255.255.255 dev lo table local proto kernel scope link src 127.0.0.1',
    ],
    addresses: ['lo inet 127.0.0.1/8 scope host lo'],
  },
  {
    name: 'lo with an address',
    commands: 'link set lo up; addr add 10.0.0.1/32 dev lo',
    routes: [
      'local 10.0.0.1 dev lo table local proto kernel scope host src 10.0.0.1',
      'local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1',
      'local 127.0.0.1 dev lo table local proto kernel scope host src 127.0.0.1',
      'broadcast 127.255.255.255 dev lo table local proto kernel scope link src 127.0.0.1',
    ],
    addresses: ['lo inet 127.0.0.1/8 scope host lo', 'lo inet 10.0.0.1/32 scope global lo'],
  },
  {
    name: 'lo with a subnet',
    commands: 'link set lo up; addr add 10.0.0.1/24 dev lo',
    routes: [
      'local 10.0.0.0/24 dev lo table local proto kernel scope host src 10.0.0.1',
      'local 10.0.0.1 dev lo table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev lo table local proto kernel scope link src 10.0.0.1',
      'local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1',
      'local 127.0.0.1 dev lo table local proto kernel scope host src 127.0.0.1',
      'broadcast 127.255.255.255 dev lo table local proto kernel scope link src 127.0.0.1',
    ],
    addresses: ['lo inet 127.0.0.1/8 scope host lo', 'lo inet 10.0.0.1/24 scope global lo'],
  },
  {
    name: 'own broadcast address',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd 10.0.0.127 dev d0',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.127 dev d0 table local proto kernel scope link src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: ['d0 inet 10.0.0.1/24 brd 10.0.0.127 scope global d0'],
  },
  {
    name: 'device deleted',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; link del d0',
    routes: [],
    addresses: [],
  },
  {
    name: 'more routes',
    commands:
      'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; route add default via 10.0.0.254; route add 10.2.0.0/16 via 10.0.0.2 metric 5; route add blackhole 10.3.0.0/16; route add unreachable 10.4.0.0/16 metric 9; route add 10.6.0.0/16 dev d0; route add 10.7.0.0/16 via 10.0.0.3 table 100; route append 10.2.0.0/16 via 10.0.0.4 metric 5; route replace 10.2.0.0/16 via 10.0.0.5 metric 5',
    routes: [
      '10.7.0.0/16 via 10.0.0.3 dev d0 table 100',
      'default via 10.0.0.254 dev d0',
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      '10.2.0.0/16 via 10.0.0.5 dev d0 metric 5',
      '10.2.0.0/16 via 10.0.0.4 dev d0 metric 5',
      'blackhole 10.3.0.0/16',
      'unreachable 10.4.0.0/16 metric 9',
      '10.6.0.0/16 dev d0 scope link',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: ['d0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0'],
  },
  {
    name: 'narrow scopes come first',
    commands:
      'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.1.0.1/24 brd + scope link dev d0; addr add 10.2.0.1/24 brd + dev d0; addr add 10.3.0.1/24 brd + scope host dev d0; addr add 10.0.0.2/24 brd + dev d0; addr add 10.4.0.1/24 brd + scope link dev d0',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      '10.1.0.0/24 dev d0 proto kernel scope link src 10.1.0.1',
      '10.2.0.0/24 dev d0 proto kernel scope link src 10.2.0.1',
      '10.3.0.0/24 dev d0 proto kernel scope link src 10.3.0.1',
      '10.4.0.0/24 dev d0 proto kernel scope link src 10.4.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'local 10.0.0.2 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
      'local 10.1.0.1 dev d0 table local proto kernel scope host src 10.1.0.1',
      'broadcast 10.1.0.255 dev d0 table local proto kernel scope link src 10.1.0.1',
      'local 10.2.0.1 dev d0 table local proto kernel scope host src 10.2.0.1',
      'broadcast 10.2.0.255 dev d0 table local proto kernel scope link src 10.2.0.1',
      'local 10.3.0.1 dev d0 table local proto kernel scope host src 10.3.0.1',
      'broadcast 10.3.0.255 dev d0 table local proto kernel scope link src 10.3.0.1',
      'local 10.4.0.1 dev d0 table local proto kernel scope host src 10.4.0.1',
      'broadcast 10.4.0.255 dev d0 table local proto kernel scope link src 10.4.0.1',
    ],
    addresses: [
      'd0 inet 10.3.0.1/24 brd 10.3.0.255 scope host d0',
      'd0 inet 10.1.0.1/24 brd 10.1.0.255 scope link d0',
      'd0 inet 10.4.0.1/24 brd 10.4.0.255 scope link d0',
      'd0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0',
      'd0 inet 10.2.0.1/24 brd 10.2.0.255 scope global d0',
      'd0 inet 10.0.0.2/24 brd 10.0.0.255 scope global secondary d0',
    ],
  },
  {
    name: 'half of two next hops',
    commands:
      'link add d0; link set d0 up; link add d1; link set d1 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.1.0.1/24 brd + dev d1; route add 10.9.0.0/16 nexthop via 10.0.0.9 nexthop via 10.1.0.9 weight 2; link set d1 down',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      '10.9.0.0/16',
      'nexthop via 10.0.0.9 dev d0 weight 1',
      'nexthop via 10.1.0.9 dev d1 weight 2 dead linkdown',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
      'local 10.1.0.1 dev d1 table local proto kernel scope host src 10.1.0.1',
    ],
    addresses: [
      'd0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0',
      'd1 inet 10.1.0.1/24 brd 10.1.0.255 scope global d1',
    ],
  },
  {
    name: 'two next hops again',
    commands:
      'link add d0; link set d0 up; link add d1; link set d1 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.1.0.1/24 brd + dev d1; route add 10.9.0.0/16 nexthop via 10.0.0.9 nexthop via 10.1.0.9 weight 2; link set d1 down; link set d1 up',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      '10.1.0.0/24 dev d1 proto kernel scope link src 10.1.0.1',
      '10.9.0.0/16',
      'nexthop via 10.0.0.9 dev d0 weight 1',
      'nexthop via 10.1.0.9 dev d1 weight 2',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
      'local 10.1.0.1 dev d1 table local proto kernel scope host src 10.1.0.1',
      'broadcast 10.1.0.255 dev d1 table local proto kernel scope link src 10.1.0.1',
    ],
    addresses: [
      'd0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0',
      'd1 inet 10.1.0.1/24 brd 10.1.0.255 scope global d1',
    ],
  },
  {
    name: 'promote_secondaries',
    commands:
      'link add d0; link set d0 up; sysctl promote_secondaries d0 1; addr add 10.0.0.1/24 brd + dev d0; addr add 10.0.0.2/24 brd + dev d0; addr add 10.0.0.3/24 brd + dev d0; addr del 10.0.0.1/24 dev d0',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.2',
      'local 10.0.0.2 dev d0 table local proto kernel scope host src 10.0.0.2',
      'local 10.0.0.3 dev d0 table local proto kernel scope host src 10.0.0.2',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.2',
    ],
    addresses: [
      'd0 inet 10.0.0.2/24 brd 10.0.0.255 scope global d0',
      'd0 inet 10.0.0.3/24 brd 10.0.0.255 scope global secondary d0',
    ],
  },
];

describe('routes of addresses', () => {
  it.each(CASES)('$name', async ({ commands, routes, addresses }) => {
    const lab = new SpecLab();
    const host = lab.host('h');
    const shown = await lab.call(host, async (sys) => {
      sys.unshareNet();
      for (const command of commands.split('; ')) {
        const [object, name = '', device = '', value = ''] = command.split(' ');
        if (object === 'sysctl') await sysctl(`net/ipv4/conf/${device}/${name}`, value)(sys);
        else expect(ip(sys, command)).toBe('');
      }
      return {
        routes: sys.rtnl('RTM_GETROUTE', { family: 2 }).flatMap((r) => showRoute(sys, r)),
        addresses: sys.rtnl('RTM_GETADDR', { family: 2 }).map((a) => showAddr(sys, a)),
      };
    });
    expect(shown).toEqual({ routes, addresses });
    await lab.advance(1e9);
    expect(lab.pool.live).toBe(0);
  });
});
