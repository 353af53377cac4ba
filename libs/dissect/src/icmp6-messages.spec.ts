import { checkRows } from './spec-rows.js';

// What tcpdump 4.99.3 prints for the same bytes. Multicast listener discovery and rarer messages.

checkRows('multicast listener discovery and others', 1, [
  {
    hex: '02000000000202000000000186dd6000000000183a0120010db800010000000000000000000220010db80001000000000000000000018200fc2127100000ff020000000000000000000000000001',
    text: {
      '-tn':
        'IP6 2001:db8:1::2 > 2001:db8:1::1: ICMP6, multicast listener querymax resp delay: 10000 addr: ff02::1, length 24',
      '-tnvv':
        'IP6 (hlim 1, next-header ICMPv6 (58) payload length: 24) 2001:db8:1::2 > 2001:db8:1::1: [icmp6 sum ok] ICMP6, multicast listener querymax resp delay: 10000 addr: ff02::1',
    },
  },
  {
    hex: '02000000000202000000000186dd6000000000183a0120010db800010000000000000000000220010db80001000000000000000000018300233000000000ff0200000000000000000001ff000001',
    text: {
      '-tn':
        'IP6 2001:db8:1::2 > 2001:db8:1::1: ICMP6, multicast listener reportmax resp delay: 0 addr: ff02::1:ff00:1, length 24',
      '-tnvv':
        'IP6 (hlim 1, next-header ICMPv6 (58) payload length: 24) 2001:db8:1::2 > 2001:db8:1::1: [icmp6 sum ok] ICMP6, multicast listener reportmax resp delay: 0 addr: ff02::1:ff00:1',
    },
  },
  {
    hex: '02000000000202000000000186dd6000000000183a0120010db800010000000000000000000220010db80001000000000000000000018400223000000000ff0200000000000000000001ff000001',
    text: {
      '-tn':
        'IP6 2001:db8:1::2 > 2001:db8:1::1: ICMP6, multicast listener donemax resp delay: 0 addr: ff02::1:ff00:1, length 24',
      '-tnvv':
        'IP6 (hlim 1, next-header ICMPv6 (58) payload length: 24) 2001:db8:1::2 > 2001:db8:1::1: [icmp6 sum ok] ICMP6, multicast listener donemax resp delay: 0 addr: ff02::1:ff00:1',
    },
  },
  {
    hex: '02000000000202000000000186dd60000000006c0001fe800000000000000000000000000001ff0200000000000000000000000000163a000502000001008f006a260000000304000000ff0200000000000000000001ff00000101000002ff020000000000000000000000000002fe8000000000000000000000000000090000000000000000000000000000000109000000ff020000000000000000000000000002',
    text: {
      '-tn':
        'IP6 fe80::1 > ff02::16: HBH ICMP6, multicast listener report v2, 3 group record(s), length 100',
      '-tnvv':
        'IP6 (hlim 1, next-header Options (0) payload length: 108) fe80::1 > ff02::16: HBH (rtalert: 0x0000) (padn) [icmp6 sum ok] ICMP6, multicast listener report v2, 3 group record(s) [gaddr ff02::1:ff00:1 to_ex { }] [gaddr ff02::2 is_in { fe80::9 ::1 }] [gaddr ff02::2  [v2-report-#9] { }]',
    },
  },
  {
    hex: '02000000000202000000000186dd6000000000340001fe800000000000000000000000000001ff0200000000000000000000000000163a000502000001008200dbb09c400000ff0200000000000000000000000000020a7d0001fe800000000000000000000000000009',
    text: {
      '-tn':
        'IP6 fe80::1 > ff02::16: HBH ICMP6, multicast listener query v2 [gaddr ff02::2, 1 source(s)], length 44',
      '-tnvv':
        'IP6 (hlim 1, next-header Options (0) payload length: 52) fe80::1 > ff02::16: HBH (rtalert: 0x0000) (padn) [icmp6 sum ok] ICMP6, multicast listener query v2 [max resp delay=115712] [gaddr ff02::2 sflag robustness=2 qqi=125 { fe80::9 }]',
    },
  },
  {
    hex: '02000000000202000000000186dd60000000001c3a0120010db800010000000000000000000220010db80001000000000000000000018200fb21271000000000000000000000000000000000000000000000',
    text: {
      '-tn':
        'IP6 2001:db8:1::2 > 2001:db8:1::1: ICMP6, multicast listener query v2 [gaddr ::], length 28',
      '-tnvv':
        'IP6 (hlim 1, next-header ICMPv6 (58) payload length: 28) 2001:db8:1::2 > 2001:db8:1::1: [icmp6 sum ok] ICMP6, multicast listener query v2 [max resp delay=10000] [gaddr :: qqi=0]',
    },
  },
  {
    hex: '02000000000202000000000186dd6000000000073a4020010db800010000000000000000000220010db8000100000000000000000001c80017e4616263',
    text: {
      '-tn': [
        'IP6 2001:db8:1::2 > 2001:db8:1::1: ICMP6, mtrace response, length 7',
        '\t0x0000:  c800 17e4 6162 63',
      ].join('\n'),
      '-tnvv':
        'IP6 (hlim 64, next-header ICMPv6 (58) payload length: 7) 2001:db8:1::2 > 2001:db8:1::1: [icmp6 sum ok] ICMP6, mtrace response, length 7',
    },
  },
  {
    hex: '02000000000202000000000186dd60000000001e3a4020010db800010000000000000000000220010db8000100000000000000000001fa001b946162636465666768696a6b6c6d6e6f707172737475767778797a',
    text: {
      '-tn': [
        'IP6 2001:db8:1::2 > 2001:db8:1::1: ICMP6, unknown icmp6 type (250), length 30',
        '\t0x0000:  fa00 1b94 6162 6364 6566 6768 696a 6b6c',
        '\t0x0010:  6d6e 6f70 7172 7374 7576 7778 797a',
      ].join('\n'),
      '-tnvv':
        'IP6 (hlim 64, next-header ICMPv6 (58) payload length: 30) 2001:db8:1::2 > 2001:db8:1::1: [icmp6 sum ok] ICMP6, unknown icmp6 type (250), length 30',
    },
  },
  {
    hex: '02000000000202000000000186dd6000000000083a4020010db800010000000000000000000220010db80001000000000000000000019000944100048000',
    text: {
      '-tn': 'IP6 2001:db8:1::2 > 2001:db8:1::1: ICMP6, ha discovery request, id 0x0004, length 8',
      '-tnvv':
        'IP6 (hlim 64, next-header ICMPv6 (58) payload length: 8) 2001:db8:1::2 > 2001:db8:1::1: [icmp6 sum ok] ICMP6, ha discovery request, id 0x0004',
    },
  },
  {
    hex: '02000000000202000000000186dd6000000000283a4020010db800010000000000000000000220010db80001000000000000000000019100931e000480000000000000000000000000000000000100000000000000000000000000000002',
    text: {
      '-tn': 'IP6 2001:db8:1::2 > 2001:db8:1::1: ICMP6, ha discovery reply, length 40',
      '-tnvv':
        'IP6 (hlim 64, next-header ICMPv6 (58) payload length: 40) 2001:db8:1::2 > 2001:db8:1::1: [icmp6 sum ok] ICMP6, ha discovery reply, length 40, id 0x0004, ::1, ::2',
    },
  },
  {
    hex: '02000000000202000000000186dd6000000000083a4020010db800010000000000000000000220010db80001000000000000000000019200124200040000',
    text: {
      '-tn':
        'IP6 2001:db8:1::2 > 2001:db8:1::1: ICMP6, mobile router solicitation, id 0x0004, length 8',
      '-tnvv':
        'IP6 (hlim 64, next-header ICMPv6 (58) payload length: 8) 2001:db8:1::2 > 2001:db8:1::1: [icmp6 sum ok] ICMP6, mobile router solicitation, id 0x0004',
    },
  },
  {
    hex: '02000000000202000000000186dd6000000000083a4020010db800010000000000000000000220010db80001000000000000000000019300914100048000',
    text: {
      '-tn': 'IP6 2001:db8:1::2 > 2001:db8:1::1: ICMP6, mobile router advertisement, length 8',
      '-tnvv':
        'IP6 (hlim 64, next-header ICMPv6 (58) payload length: 8) 2001:db8:1::2 > 2001:db8:1::1: [icmp6 sum ok] ICMP6, mobile router advertisement, length 8, id 0x0004 M',
    },
  },
]);
