import { checkRows } from './spec-rows.js';

// What tcpdump 4.99.3 prints for the same bytes. Checksums, lengths that are wrong, service names.

checkRows('UDP', 1, [
  {
    hex: '02000000000202000000000108004500002800010000401166c20a0000010a0000021e61000900143b8168656c6c6f20776f726c640a',
    text: {
      '-tn': 'IP 10.0.0.1.7777 > 10.0.0.2.9: UDP, length 12',
      '-t': 'IP 10.0.0.1.7777 > 10.0.0.2.discard: UDP, length 12',
      '-tnvv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.1.7777 > 10.0.0.2.9: [udp sum ok] UDP, length 12',
      ].join('\n'),
      '-tnKvv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.1.7777 > 10.0.0.2.9: UDP, length 12',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002800010000401166c20a0000010a0000021e6100090014000068656c6c6f20776f726c640a',
    text: {
      '-tn': 'IP 10.0.0.1.7777 > 10.0.0.2.9: UDP, length 12',
      '-t': 'IP 10.0.0.1.7777 > 10.0.0.2.discard: UDP, length 12',
      '-tnvv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.1.7777 > 10.0.0.2.9: [no cksum] UDP, length 12',
      ].join('\n'),
      '-tnKvv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.1.7777 > 10.0.0.2.9: UDP, length 12',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002800010000401166c20a0000010a0000021e6100090014123468656c6c6f20776f726c640a',
    text: {
      '-tn': 'IP 10.0.0.1.7777 > 10.0.0.2.9: UDP, length 12',
      '-t': 'IP 10.0.0.1.7777 > 10.0.0.2.discard: UDP, length 12',
      '-tnvv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.1.7777 > 10.0.0.2.9: [bad udp cksum 0x1234 -> 0x3b81!] UDP, length 12',
      ].join('\n'),
      '-tnKvv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.1.7777 > 10.0.0.2.9: UDP, length 12',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002800010000401166c20a0000010a0000021e61000900643b3168656c6c6f20776f726c640a',
    text: {
      '-tn': 'IP 10.0.0.1.7777 > 10.0.0.2.9: UDP, bad length 92 > 12',
      '-t': 'IP 10.0.0.1.7777 > 10.0.0.2.discard: UDP, bad length 92 > 12',
      '-tnvv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.1.7777 > 10.0.0.2.9: [udp sum ok] UDP, bad length 92 > 12',
      ].join('\n'),
      '-tnKvv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.1.7777 > 10.0.0.2.9: UDP, bad length 92 > 12',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002800010000401166c20a0000010a0000021e61000900033b9268656c6c6f20776f726c640a',
    text: {
      '-tn': 'IP 10.0.0.1.7777 > 10.0.0.2.9: truncated-udplength 3',
      '-t': 'IP 10.0.0.1.7777 > 10.0.0.2.discard: truncated-udplength 3',
      '-tnvv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.1.7777 > 10.0.0.2.9: truncated-udplength 3',
      ].join('\n'),
      '-tnKvv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.1.7777 > 10.0.0.2.9: truncated-udplength 3',
      ].join('\n'),
    },
  },
]);

checkRows('UDP cut off', 1, [
  {
    hex: '02000000000202000000000108004500002c00010000400166ce0a0000010a00000209000000',
    length: 58,
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2:  [|icmp]',
      '-tnvv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 44)',
        '    10.0.0.1 > 10.0.0.2:  [|icmp]',
      ].join('\n'),
    },
  },
]);

checkRows('UDP over IPv6', 1, [
  {
    hex: '02000000000202000000000186dd60000000000b114020010db800010000000000000000000220010db800010000000000000000000103e807d0000bd446616263',
    text: {
      '-tn': 'IP6 2001:db8:1::2.1000 > 2001:db8:1::1.2000: UDP, length 3',
      '-tnv':
        'IP6 (hlim 64, next-header UDP (17) payload length: 11) 2001:db8:1::2.1000 > 2001:db8:1::1.2000: [udp sum ok] UDP, length 3',
    },
  },
  {
    hex: '02000000000202000000000186dd60000000000b114020010db800010000000000000000000220010db800010000000000000000000103e807d0000b1111616263',
    text: {
      '-tn': 'IP6 2001:db8:1::2.1000 > 2001:db8:1::1.2000: UDP, length 3',
      '-tnv':
        'IP6 (hlim 64, next-header UDP (17) payload length: 11) 2001:db8:1::2.1000 > 2001:db8:1::1.2000: [bad udp cksum 0x1111 -> 0xd446!] UDP, length 3',
    },
  },
]);
