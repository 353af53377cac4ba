/**
 * The routes that addresses bring and take away. Each case: commands in the words of ip(8), then what `ip route show
 * table all` and `ip -o addr show` of Linux 6.18 said after the same commands. `link add` makes a pair whose far end is up.
 */
import { formatIpv4 } from '@netloom/base';
import { ipv4SetConf, type Ipv4ConfName } from '@netloom/kernel-inet';
import type { AddrMsg, RouteMsg, RouteNew, Sys } from '@netloom/sys';
import { netOf } from './host.js';
import { ip4 } from './spec-frames.js';
import { SpecLab } from './spec-lab.js';

const CASES: readonly { readonly name: string; readonly commands: string; readonly routes: readonly string[]; readonly addresses: readonly string[] }[] = [
  {
    name: 'one address, device up',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: [
      'd0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0',
    ],
  },
  {
    name: 'no broadcast given',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 dev d0',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: [
      'd0 inet 10.0.0.1/24 scope global d0',
    ],
  },
  {
    name: 'address before up',
    commands: 'link add d0; addr add 10.0.0.1/24 brd + dev d0',
    routes: [
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
    ],
    addresses: [
      'd0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0',
    ],
  },
  {
    name: 'address, then up',
    commands: 'link add d0; addr add 10.0.0.1/24 brd + dev d0; link set d0 up',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: [
      'd0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0',
    ],
  },
  {
    name: 'up, address, down',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; link set d0 down',
    routes: [
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
    ],
    addresses: [
      'd0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0',
    ],
  },
  {
    name: 'down and up again',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; route add 10.9.0.0/16 via 10.0.0.9; link set d0 down; link set d0 up',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: [
      'd0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0',
    ],
  },
  {
    name: '/32',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/32 dev d0',
    routes: [
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
    ],
    addresses: [
      'd0 inet 10.0.0.1/32 scope global d0',
    ],
  },
  {
    name: '/31',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.0/31 dev d0',
    routes: [
      '10.0.0.0/31 dev d0 proto kernel scope link src 10.0.0.0',
      'local 10.0.0.0 dev d0 table local proto kernel scope host src 10.0.0.0',
    ],
    addresses: [
      'd0 inet 10.0.0.0/31 scope global d0',
    ],
  },
  {
    name: '/30',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/30 brd + dev d0',
    routes: [
      '10.0.0.0/30 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.3 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: [
      'd0 inet 10.0.0.1/30 brd 10.0.0.3 scope global d0',
    ],
  },
  {
    name: 'peer',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1 peer 10.0.0.2/32 dev d0',
    routes: [
      '10.0.0.2 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
    ],
    addresses: [
      'd0 inet 10.0.0.1 peer 10.0.0.2/32 scope global d0',
    ],
  },
  {
    name: 'peer with prefix',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1 peer 10.1.0.2/24 dev d0',
    routes: [
      '10.1.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.1.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: [
      'd0 inet 10.0.0.1 peer 10.1.0.2/24 scope global d0',
    ],
  },
  {
    name: 'secondary',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.0.0.2/24 brd + dev d0',
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
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.0.0.2/24 brd + dev d0; addr del 10.0.0.2/24 dev d0',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: [
      'd0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0',
    ],
  },
  {
    name: 'primary deleted',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.0.0.2/24 brd + dev d0; addr del 10.0.0.1/24 dev d0',
    routes: [],
    addresses: [],
  },
  {
    name: 'same address, two lengths',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.0.0.1/16 brd + dev d0',
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
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.0.0.1/16 brd + dev d0; addr del 10.0.0.1/24 dev d0',
    routes: [
      '10.0.0.0/16 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.255.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: [
      'd0 inet 10.0.0.1/16 brd 10.0.255.255 scope global d0',
    ],
  },
  {
    name: 'two subnets',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.1.0.1/24 brd + dev d0; addr del 10.0.0.1/24 dev d0',
    routes: [
      '10.1.0.0/24 dev d0 proto kernel scope link src 10.1.0.1',
      'local 10.1.0.1 dev d0 table local proto kernel scope host src 10.1.0.1',
      'broadcast 10.1.0.255 dev d0 table local proto kernel scope link src 10.1.0.1',
    ],
    addresses: [
      'd0 inet 10.1.0.1/24 brd 10.1.0.255 scope global d0',
    ],
  },
  {
    name: 'same subnet on two devices',
    commands: 'link add d0; link set d0 up; link add d1; link set d1 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.0.0.2/24 brd + dev d1',
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
    commands: 'link add d0; link set d0 up; link add d1; link set d1 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.0.0.2/24 brd + dev d1; addr del 10.0.0.1/24 dev d0',
    routes: [
      '10.0.0.0/24 dev d1 proto kernel scope link src 10.0.0.2',
      'local 10.0.0.2 dev d1 table local proto kernel scope host src 10.0.0.2',
      'broadcast 10.0.0.255 dev d1 table local proto kernel scope link src 10.0.0.2',
    ],
    addresses: [
      'd1 inet 10.0.0.2/24 brd 10.0.0.255 scope global d1',
    ],
  },
  {
    name: 'same address on two devices',
    commands: 'link add d0; link set d0 up; link add d1; link set d1 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.0.0.1/24 brd + dev d1',
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
    commands: 'link add d0; link set d0 up; link add d1; link set d1 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.0.0.1/24 brd + dev d1; addr del 10.0.0.1/24 dev d0',
    routes: [
      '10.0.0.0/24 dev d1 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d1 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d1 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: [
      'd1 inet 10.0.0.1/24 brd 10.0.0.255 scope global d1',
    ],
  },
  {
    name: 'source route dies with its source',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.5.0.1/24 brd + dev d0; route add 10.9.0.0/16 via 10.0.0.9 src 10.5.0.1; addr del 10.5.0.1/24 dev d0',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: [
      'd0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0',
    ],
  },
  {
    name: 'gateway outlives its address',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.5.0.1/24 brd + dev d0; route add 10.9.0.0/16 via 10.5.0.9; addr del 10.5.0.1/24 dev d0',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      '10.9.0.0/16 via 10.5.0.9 dev d0',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: [
      'd0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0',
    ],
  },
  {
    name: 'metric',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + metric 50 dev d0',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1 metric 50',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: [
      'd0 inet 10.0.0.1/24 metric 50 brd 10.0.0.255 scope global d0',
    ],
  },
  {
    name: 'noprefixroute',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + noprefixroute dev d0',
    routes: [
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: [
      'd0 inet 10.0.0.1/24 brd 10.0.0.255 scope global noprefixroute d0',
    ],
  },
  {
    name: 'scope link',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + scope link dev d0',
    routes: [
      '10.0.0.0/24 dev d0 proto kernel scope link src 10.0.0.1',
      'local 10.0.0.1 dev d0 table local proto kernel scope host src 10.0.0.1',
      'broadcast 10.0.0.255 dev d0 table local proto kernel scope link src 10.0.0.1',
    ],
    addresses: [
      'd0 inet 10.0.0.1/24 brd 10.0.0.255 scope link d0',
    ],
  },
  {
    name: 'lo',
    commands: 'link set lo up',
    routes: [
      'local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1',
      'local 127.0.0.1 dev lo table local proto kernel scope host src 127.0.0.1',
      'broadcast 127.255.255.255 dev lo table local proto kernel scope link src 127.0.0.1',
    ],
    addresses: [
      'lo inet 127.0.0.1/8 scope host lo',
    ],
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
    addresses: [
      'lo inet 127.0.0.1/8 scope host lo',
      'lo inet 10.0.0.1/32 scope global lo',
    ],
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
    addresses: [
      'lo inet 127.0.0.1/8 scope host lo',
      'lo inet 10.0.0.1/24 scope global lo',
    ],
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
    addresses: [
      'd0 inet 10.0.0.1/24 brd 10.0.0.127 scope global d0',
    ],
  },
  {
    name: 'device deleted',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; link del d0',
    routes: [],
    addresses: [],
  },
  {
    name: 'more routes',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; route add default via 10.0.0.254; route add 10.2.0.0/16 via 10.0.0.2 metric 5; route add blackhole 10.3.0.0/16; route add unreachable 10.4.0.0/16 metric 9; route add 10.6.0.0/16 dev d0; route add 10.7.0.0/16 via 10.0.0.3 table 100; route append 10.2.0.0/16 via 10.0.0.4 metric 5; route replace 10.2.0.0/16 via 10.0.0.5 metric 5',
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
    addresses: [
      'd0 inet 10.0.0.1/24 brd 10.0.0.255 scope global d0',
    ],
  },
  {
    name: 'narrow scopes come first',
    commands: 'link add d0; link set d0 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.1.0.1/24 brd + scope link dev d0; addr add 10.2.0.1/24 brd + dev d0; addr add 10.3.0.1/24 brd + scope host dev d0; addr add 10.0.0.2/24 brd + dev d0; addr add 10.4.0.1/24 brd + scope link dev d0',
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
    commands: 'link add d0; link set d0 up; link add d1; link set d1 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.1.0.1/24 brd + dev d1; route add 10.9.0.0/16 nexthop via 10.0.0.9 nexthop via 10.1.0.9 weight 2; link set d1 down',
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
    commands: 'link add d0; link set d0 up; link add d1; link set d1 up; addr add 10.0.0.1/24 brd + dev d0; addr add 10.1.0.1/24 brd + dev d1; route add 10.9.0.0/16 nexthop via 10.0.0.9 nexthop via 10.1.0.9 weight 2; link set d1 down; link set d1 up',
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
    commands: 'link add d0; link set d0 up; sysctl promote_secondaries d0 1; addr add 10.0.0.1/24 brd + dev d0; addr add 10.0.0.2/24 brd + dev d0; addr add 10.0.0.3/24 brd + dev d0; addr del 10.0.0.1/24 dev d0',
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

const SCOPES: Readonly<Record<string, number>> = { global: 0, link: 253, host: 254 };
const TYPES: Readonly<Record<string, number>> = { blackhole: 6, unreachable: 7 };
const nameOf = (table: Readonly<Record<string, number>>, value: number): string => Object.keys(table).find((name) => table[name] === value) ?? String(value);

function ifindex(sys: Sys, name: string): number {
  return sys.rtnl('RTM_GETLINK', { ifname: name })[0]?.ifindex ?? 0;
}

function prefix(text: string): { readonly address: number; readonly length: number } {
  if (text === 'default') return { address: 0, length: 0 };
  const [address = '', length = '32'] = text.split('/');
  return { address: ip4(address), length: Number(length) };
}

/** `a b c d` after the leading words as { a: b, c: d }; words without a value are flags. */
function options(words: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    found.set(word, word === 'noprefixroute' || word === 'nexthop' ? '' : (words[++i] ?? ''));
  }
  return found;
}

function link(sys: Sys, verb: string, name: string, rest: readonly string[]): void {
  if (verb === 'add') {
    const peer = name.replace('d', 'p');
    sys.rtnl('RTM_NEWLINK', { kind: 'veth', ifname: name, peer: { ifname: peer } });
    sys.rtnl('RTM_SETLINK', { ifname: peer, flags: 1, flagsMask: 1 });
  } else if (verb === 'del') {
    sys.rtnl('RTM_DELLINK', { ifname: name });
  } else {
    sys.rtnl('RTM_SETLINK', { ifname: name, flags: rest[0] === 'up' ? 1 : 0, flagsMask: 1 });
  }
}

function addr(sys: Sys, verb: string, what: string, rest: readonly string[]): void {
  const given = options(rest);
  const { address: local, length } = prefix(what);
  const on = { family: 2, ifindex: ifindex(sys, given.get('dev') ?? ''), local };
  if (verb === 'del') {
    sys.rtnl('RTM_DELADDR', { ...on, prefixlen: length });
    return;
  }
  const peer = given.get('peer');
  const brd = given.get('brd');
  sys.rtnl('RTM_NEWADDR', {
    ...on, prefixlen: peer === undefined ? length : prefix(peer).length,
    ...(peer === undefined ? {} : { address: prefix(peer).address }),
    ...(brd === undefined ? {} : { broadcast: brd === '+' ? (local | (0xffffffff >>> length)) >>> 0 : ip4(brd) }),
    ...(given.has('metric') ? { metric: Number(given.get('metric')) } : {}),
    ...(given.has('noprefixroute') ? { flags: 0x200 } : {}),
    ...(given.has('scope') ? { scope: SCOPES[given.get('scope') ?? ''] ?? 0 } : {}),
  });
}

function route(sys: Sys, verb: string, words: readonly string[]): void {
  const type = TYPES[words[0] ?? ''];
  const [what = '', ...rest] = type === undefined ? words : words.slice(1);
  const { address: dst, length: dstLen } = prefix(what);
  const given = options(rest.join(' ').split(' nexthop ')[0]?.split(' ') ?? []);
  const hops = rest[0] === 'nexthop' ? rest.join(' ').split('nexthop ').slice(1).map((hop) => options(hop.trim().split(' '))) : given.has('via') || given.has('dev') ? [given] : [];
  sys.rtnl('RTM_NEWROUTE', {
    family: 2, dst, dstLen, mode: verb as RouteNew['mode'],
    nexthops: hops.map((hop) => ({
      ...(hop.has('via') ? { via: ip4(hop.get('via') ?? '') } : {}), ...(hop.has('dev') ? { ifindex: ifindex(sys, hop.get('dev') ?? '') } : {}),
      ...(hop.has('weight') ? { weight: Number(hop.get('weight')) } : {}),
    })),
    ...(type === undefined ? {} : { type }),
    ...(given.has('metric') ? { priority: Number(given.get('metric')) } : {}),
    ...(given.has('src') ? { prefsrc: ip4(given.get('src') ?? '') } : {}),
    ...(given.has('table') ? { table: Number(given.get('table')) } : {}),
  });
}

function showRoute(sys: Sys, r: RouteMsg): string[] {
  const name = (index: number): string => sys.rtnl('RTM_GETLINK', { ifindex: index })[0]?.ifname ?? '?';
  const dst = r.dst === undefined ? 'default' : formatIpv4(Number(r.dst)) + (r.dstLen === 32 ? '' : `/${r.dstLen}`);
  const type = { 1: '', 2: 'local ', 3: 'broadcast ', 6: 'blackhole ', 7: 'unreachable ' }[r.type] ?? '?';
  const hops = r.nexthops.map((hop) => `${hop.via === undefined ? '' : `via ${formatIpv4(Number(hop.via))} `}dev ${name(hop.ifindex)}`);
  const rest =
    (r.table === 254 ? '' : ` table ${r.table === 255 ? 'local' : r.table}`) + (r.protocol === 2 ? ' proto kernel' : '') +
    (r.scope === 0 || r.type >= 6 ? '' : ` scope ${nameOf(SCOPES, r.scope)}`) + (r.prefsrc === undefined ? '' : ` src ${formatIpv4(Number(r.prefsrc))}`) +
    (r.priority === undefined ? '' : ` metric ${r.priority}`);
  if (hops.length < 2) return [`${type}${dst}${hops.length > 0 ? ` ${hops.join('')}` : ''}${rest}`];
  const notes = (flags: number): string => ((flags & 1) !== 0 ? ' dead' : '') + ((flags & 16) !== 0 ? ' linkdown' : '');
  return [`${type}${dst}${rest}`, ...r.nexthops.map((hop, i) => `nexthop ${hops[i] ?? ''} weight ${hop.weight}${notes(hop.flags)}`)];
}

function showAddr(sys: Sys, a: AddrMsg): string {
  const name = sys.rtnl('RTM_GETLINK', { ifindex: a.ifindex })[0]?.ifname ?? '?';
  const peer = a.address === a.local ? '' : ` peer ${formatIpv4(Number(a.address))}`;
  return (
    `${name} inet ${formatIpv4(Number(a.local))}${peer}/${a.prefixlen}` + (a.metric === undefined ? '' : ` metric ${a.metric}`) +
    (a.broadcast === undefined ? '' : ` brd ${formatIpv4(a.broadcast)}`) + ` scope ${nameOf(SCOPES, a.scope)}` +
    ((a.flags & 1) !== 0 ? ' secondary' : '') + ((a.flags & 0x200) !== 0 ? ' noprefixroute' : '') + ` ${name}`
  );
}

describe('routes of addresses', () => {
  it.each(CASES)('$name', async ({ commands, routes, addresses }) => {
    const lab = new SpecLab();
    const host = lab.host('h');
    const shown = await lab.call(host, async (sys) => {
      sys.unshareNet();
      for (const command of commands.split('; ')) {
        const [object, verb = '', what = '', ...rest] = command.split(' ');
        if (object === 'link') link(sys, verb, what, rest);
        else if (object === 'addr') addr(sys, verb, what, rest);
        else if (object === 'route') route(sys, verb, [what, ...rest]);
        else ipv4SetConf(netOf(host.tasks.task(sys.pid) as never), what, verb as Ipv4ConfName, Number(rest[0]));
      }
      return {
        routes: sys.rtnl('RTM_GETROUTE', {}).flatMap((r) => showRoute(sys, r)),
        addresses: sys.rtnl('RTM_GETADDR', { family: 2 }).map((a) => showAddr(sys, a)),
      };
    });
    expect(shown).toEqual({ routes, addresses });
    await lab.advance(1e9);
    expect(lab.pool.live).toBe(0);
  });
});
