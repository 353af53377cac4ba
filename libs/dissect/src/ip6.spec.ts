import { checkRows } from './spec-rows.js';

// What tcpdump 4.99.3 prints for the same bytes. Headers, extension headers, jumbograms.

checkRows('IPv6', 1, [
  {
    hex: '02000000000202000000000186dd610123450008110320010db800010000000000000000000220010db8000100000000000000000001000100020008a464',
    text: {
      '-tn': 'IP6 2001:db8:1::2.1 > 2001:db8:1::1.2: UDP, length 0',
      '-tnv':
        'IP6 (class 0x10, flowlabel 0x12345, hlim 3, next-header UDP (17) payload length: 8) 2001:db8:1::2.1 > 2001:db8:1::1.2: [udp sum ok] UDP, length 0',
    },
  },
  {
    hex: '02000000000202000000000186dd600000000030004020010db800010000000000000000000220010db8000100000000000000000001110400010000c204000111700100c910000000000000000000000000000000053e03616263010100000100020008a464',
    text: {
      '-tn': 'IP6 2001:db8:1::2 > 2001:db8:1::1: HBH 1 > 2: UDP, length 0',
      '-tnv':
        'IP6 (hlim 64, next-header Options (0) payload length: 48) 2001:db8:1::2 > 2001:db8:1::1: HBH (pad1)(padn)(pad1)(jumbo: 70000 - payload len != 0) (padn)(homeaddr: ::5)(opt_type 0x3e: len=3)(padn) 1 > 2: [udp sum ok] UDP, length 0',
    },
  },
  {
    hex: '02000000000202000000000186dd6000000000103c4020010db800010000000000000000000220010db80001000000000000000000011100010431323334000100020008a464',
    text: {
      '-tn': 'IP6 2001:db8:1::2 > 2001:db8:1::1: DSTOPT 1 > 2: UDP, length 0',
      '-tnv':
        'IP6 (hlim 64, next-header unknown (60) payload length: 16) 2001:db8:1::2 > 2001:db8:1::1: DSTOPT (padn) 1 > 2: [udp sum ok] UDP, length 0',
    },
  },
  {
    hex: '02000000000202000000000186dd6000000000742c4020010db800010000000000000000000220010db80001000000000000000000011100000100001234000100020bb8934b61616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161',
    text: {
      '-tn': 'IP6 2001:db8:1::2 > 2001:db8:1::1: frag (0|108) 1 > 2: UDP, length 2992',
      '-tnv':
        'IP6 (hlim 64, next-header Fragment (44) payload length: 116) 2001:db8:1::2 > 2001:db8:1::1: frag (0x00001234:0|108) 1 > 2: UDP, length 2992',
    },
  },
  {
    hex: '02000000000202000000000186dd6000000000402c4020010db800010000000000000000000220010db800010000000000000000000111000548000012346161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161',
    text: {
      '-tn': 'IP6 2001:db8:1::2 > 2001:db8:1::1: frag (1352|56)',
      '-tnv':
        'IP6 (hlim 64, next-header Fragment (44) payload length: 64) 2001:db8:1::2 > 2001:db8:1::1: frag (0x00001234:1352|56)',
    },
  },
  {
    hex: '02000000000202000000000186dd6000000000102c4020010db800010000000000000000000220010db80001000000000000000000013a000000000000018000244600000000',
    text: {
      '-tn':
        'IP6 2001:db8:1::2 > 2001:db8:1::1: frag (0|8) ICMP6, echo request, id 0, seq 0, length 8',
      '-tnv':
        'IP6 (hlim 64, next-header Fragment (44) payload length: 16) 2001:db8:1::2 > 2001:db8:1::1: frag (0x00000001:0|8) ICMP6, echo request, id 0, seq 0',
    },
  },
  {
    hex: '02000000000202000000000186dd6000000000302b4020010db800010000000000000000000220010db800010000000000000000000111040002000000000000000000000000000000000000000100000000000000000000000000000002000100020008d21d',
    text: {
      '-tn':
        'IP6 2001:db8:1::2 > 2001:db8:1::1: RT6 (len=4, type=0 [Deprecated], segleft=2, [0]::1, [1]::2) 1 > 2: UDP, length 0',
      '-tnv':
        'IP6 (hlim 64, next-header Routing (43) payload length: 48) 2001:db8:1::2 > 2001:db8:1::1: RT6 (len=4, type=0 [Deprecated], segleft=2, rsv=0x0, [0]::1, [1]::2) 1 > 2: [udp sum ok] UDP, length 0',
    },
  },
  {
    hex: '02000000000202000000000186dd60000000002c2b4020010db800010000000000000000000220010db80001000000000000000000010602020100000000000000000000000000000000000000010014005000000000000000005002200061c20000',
    text: {
      '-tn':
        'IP6 2001:db8:1::2 > 2001:db8:1::1: RT6 (len=2, type=2, segleft=1, [0]::1) 20 > 80: Flags [S], seq 0, win 8192, length 0',
      '-tnv':
        'IP6 (hlim 64, next-header Routing (43) payload length: 44) 2001:db8:1::2 > 2001:db8:1::1: RT6 (len=2, type=2, segleft=1, rsv=0x0, [0]::1) 20 > 80: Flags [S], cksum 0x61c2 (correct), seq 0, win 8192, length 0',
    },
  },
  {
    hex: '02000000000202000000000186dd60000000002c2b4020010db800010000000000000000000220010db80001000000000000000000010602050100000000000000000000000000000000000000010014005000000000000000005002200061c20000',
    text: {
      '-tn':
        'IP6 2001:db8:1::2 > 2001:db8:1::1: RT6 (len=2, type=5, segleft=1 (unknown type) (invalid)',
      '-tnv':
        'IP6 (hlim 64, next-header Routing (43) payload length: 44) 2001:db8:1::2 > 2001:db8:1::1: RT6 (len=2, type=5, segleft=1 (unknown type) (invalid)',
    },
  },
  {
    hex: '02000000000202000000000186dd6000000000302b4020010db800010000000000000000000220010db800010000000000000000000111040401010000000000000000000000000000000000000100000000000000000000000000000002000100020008d21e',
    text: {
      '-tn':
        'IP6 2001:db8:1::2 > 2001:db8:1::1: RT6 (len=4, type=4, segleft=1, last-entry=1, tag=0, [0]::1, [1]::2) 1 > 2: UDP, length 0',
      '-tnv':
        'IP6 (hlim 64, next-header Routing (43) payload length: 48) 2001:db8:1::2 > 2001:db8:1::1: RT6 (len=4, type=4, segleft=1, last-entry=1, flags=0x0, tag=0, [0]::1, [1]::2) 1 > 2: [udp sum ok] UDP, length 0',
    },
  },
  {
    hex: '02000000000202000000000186dd6000000000003b4000000000000000000000ffff0102030400000000000000000000000001020304',
    text: {
      '-tn': 'IP6 ::ffff:1.2.3.4 > ::1.2.3.4: no next header',
      '-tnv':
        'IP6 (hlim 64, next-header unknown (59) payload length: 0) ::ffff:1.2.3.4 > ::1.2.3.4: no next header',
    },
  },
  {
    hex: '02000000000202000000000186dd6000000000033b400064ff9b00000000000000000102030420010db8000000000001000000000001616263',
    text: {
      '-tn': 'IP6 64:ff9b::102:304 > 2001:db8::1:0:0:1: no next header',
      '-tnv':
        'IP6 (hlim 64, next-header unknown (59) payload length: 3) 64:ff9b::102:304 > 2001:db8::1:0:0:1: no next header',
    },
  },
  {
    hex: '02000000000202000000000186dd600000000003014020010db800010000000000000000000220010db8000100000000000000000001616263',
    text: {
      '-tn': 'IP6 2001:db8:1::2 > 2001:db8:1::1: [ICMP requires IPv4] (invalid)',
      '-tnv':
        'IP6 (hlim 64, next-header ICMP (1) payload length: 3) 2001:db8:1::2 > 2001:db8:1::1: [ICMP requires IPv4] (invalid)',
    },
  },
  {
    hex: '02000000000202000000000186dd600000000003fd4020010db800010000000000000000000220010db8000100000000000000000001616263',
    text: {
      '-tn': 'IP6 2001:db8:1::2 > 2001:db8:1::1:  ip-proto-253 3',
      '-tnv':
        'IP6 (hlim 64, next-header unknown (253) payload length: 3) 2001:db8:1::2 > 2001:db8:1::1:  ip-proto-253 3',
    },
  },
  {
    hex: '02000000000202000000000186dd600000000003024020010db800010000000000000000000220010db8000100000000000000000001616263',
    text: {
      '-tn': 'IP6 2001:db8:1::2 > 2001:db8:1::1: [IGMP requires IPv4] (invalid)',
      '-tnv':
        'IP6 (hlim 64, next-header IGMP (2) payload length: 3) 2001:db8:1::2 > 2001:db8:1::1: [IGMP requires IPv4] (invalid)',
    },
  },
  {
    hex: '02000000000202000000000186dd600000000064114020010db800010000000000000000000220010db8000100000000000000000001000100020008a464',
    text: {
      '-tn':
        'IP6 truncated-ip6 - 92 bytes missing!2001:db8:1::2.1 > 2001:db8:1::1.2: UDP, length 0',
      '-tnv':
        'IP6 truncated-ip6 - 92 bytes missing!(hlim 64, next-header UDP (17) payload length: 100) 2001:db8:1::2.1 > 2001:db8:1::1.2: [udp sum ok] UDP, length 0',
    },
  },
  {
    hex: '02000000000202000000000186dd400000000008114020010db800010000000000000000000220010db8000100000000000000000001003500350008a3fd',
    text: {
      '-tn': 'IP6 version error: 4 != 6',
      '-tnv': 'IP6 version error: 4 != 6',
    },
  },
  {
    hex: '02000000000202000000000186dd60000000001c044020010db800010000000000000000000220010db80001000000000000000000014500001c00010000401166ce0a0000010a000002000100020008ebd8',
    text: {
      '-tn': 'IP6 2001:db8:1::2 > 2001:db8:1::1: IP 10.0.0.1.1 > 10.0.0.2.2: UDP, length 0',
      '-tnv': [
        'IP6 (hlim 64, next-header IPIP (4) payload length: 28) 2001:db8:1::2 > 2001:db8:1::1: IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 28)',
        '    10.0.0.1.1 > 10.0.0.2.2: UDP, length 0',
      ].join('\n'),
    },
  },
  {
    hex: '020000000002020000000001080045000044000100004029668e0a0000010a000002600000000008114020010db800010000000000000000000220010db8000100000000000000000001000100020008a464',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: IP6 2001:db8:1::2.1 > 2001:db8:1::1.2: UDP, length 0',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto IPv6 (41), length 68)',
        '    10.0.0.1 > 10.0.0.2: IP6 (hlim 64, next-header UDP (17) payload length: 8) 2001:db8:1::2.1 > 2001:db8:1::1.2: [udp sum ok] UDP, length 0',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500003000010000400466c70a0000010a0000024500001c00010000400166de0a0000010a0000020800f7ff00000000',
    text: {
      '-tn':
        'IP 10.0.0.1 > 10.0.0.2: IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 0, seq 0, length 8',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto IPIP (4), length 48)',
        '    10.0.0.1 > 10.0.0.2: IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 28)',
        '    10.0.0.1 > 10.0.0.2: ICMP echo request, id 0, seq 0, length 8',
      ].join('\n'),
    },
  },
  {
    hex: '020000000002020000000001080045000044000100004029668e0a0000010a0000026000000000083a4020010db800010000000000000000000220010db80001000000000000000000018000244600000000',
    text: {
      '-tn':
        'IP 10.0.0.1 > 10.0.0.2: IP6 2001:db8:1::2 > 2001:db8:1::1: ICMP6, echo request, id 0, seq 0, length 8',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto IPv6 (41), length 68)',
        '    10.0.0.1 > 10.0.0.2: IP6 (hlim 64, next-header ICMPv6 (58) payload length: 8) 2001:db8:1::2 > 2001:db8:1::1: [icmp6 sum ok] ICMP6, echo request, id 0, seq 0',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500001c000100000102a5dd0a0000010a0000021164ee9b00000000',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: igmp query v2',
      '-tnv': [
        'IP (tos 0x0, ttl 1, id 1, offset 0, flags [none], proto IGMP (2), length 28)',
        '    10.0.0.1 > 10.0.0.2: igmp query v2',
      ].join('\n'),
    },
  },
]);

checkRows('jumbograms and odd chains', 1, [
  {
    hex: '02000000000202000000000186dd600000000000114020010db800010000000000000000000220010db800010000000000000000000100010002000bdffb616263',
    text: {
      '-tn': 'IP6 2001:db8:1::2 > 2001:db8:1::1:  [|udp]',
      '-tnv':
        'IP6 (hlim 64, next-header UDP (17) payload length: 0) 2001:db8:1::2 > 2001:db8:1::1:  [|udp]',
    },
  },
  {
    hex: '02000000000202000000000186dd600000000000064020010db800010000000000000000000220010db80001000000000000000000010001000200000000000000005002200070030000616263',
    text: {
      '-tn': 'IP6 2001:db8:1::2 > 2001:db8:1::1: [|tcp]',
      '-tnv':
        'IP6 (hlim 64, next-header TCP (6) payload length: 0) 2001:db8:1::2 > 2001:db8:1::1: [|tcp]',
    },
  },
  {
    hex: '02000000000202000000000186dd6000000000003a4020010db800010000000000000000000220010db80001000000000000000000018000244600000000',
    text: {
      '-tn': 'IP6 2001:db8:1::2 > 2001:db8:1::1: ICMP6, length 0 (invalid)',
      '-tnv':
        'IP6 (hlim 64, next-header ICMPv6 (58) payload length: 0) 2001:db8:1::2 > 2001:db8:1::1: ICMP6, length 0 (invalid)',
    },
  },
  {
    hex: '02000000000202000000000186dd600000000000004020010db800010000000000000000000220010db80001000000000000000000011100c2040001117000010002000bdffb616263',
    text: {
      '-tn':
        'IP6 2001:db8:1::2 > 2001:db8:1::1: HBH truncated-ip6 - 69981 bytes missing!1 > 2: UDP, length 3',
      '-tnv':
        'IP6 (hlim 64, next-header Options (0) payload length: 0) 2001:db8:1::2 > 2001:db8:1::1: HBH (jumbo: 70000)  truncated-ip6 - 69981 bytes missing!1 > 2: [udp sum ok] UDP, length 3',
    },
  },
  {
    hex: '02000000000202000000000186dd600000000000004020010db800010000000000000000000220010db80001000000000000000000011100c2040000006400010002000bdffb616263',
    text: {
      '-tn':
        'IP6 2001:db8:1::2 > 2001:db8:1::1: HBH [No valid Jumbo Payload Hop-by-Hop option found] (invalid)',
      '-tnv':
        'IP6 (hlim 64, next-header Options (0) payload length: 0) 2001:db8:1::2 > 2001:db8:1::1: HBH (jumbo: 100 - < 65536)  [No valid Jumbo Payload Hop-by-Hop option found] (invalid)',
    },
  },
  {
    hex: '02000000000202000000000186dd600000000018004020010db800010000000000000000000220010db800010000000000000000000100000104000000001100010400000000003500350008a3fd',
    text: {
      '-tn':
        'IP6 2001:db8:1::2 > 2001:db8:1::1: HBH [The Hop-by-Hop Options header was already found] (invalid)',
      '-tnv':
        'IP6 (hlim 64, next-header Options (0) payload length: 24) 2001:db8:1::2 > 2001:db8:1::1: HBH (padn) [The Hop-by-Hop Options header was already found] (invalid)',
    },
  },
  {
    hex: '02000000000202000000000186dd6000000000183c4020010db800010000000000000000000220010db800010000000000000000000100000104000000001100010400000000003500350008a3fd',
    text: {
      '-tn':
        "IP6 2001:db8:1::2 > 2001:db8:1::1: DSTOPT [The Hop-by-Hop Options header don't follow the IPv6 header] (invalid)",
      '-tnv':
        "IP6 (hlim 64, next-header unknown (60) payload length: 24) 2001:db8:1::2 > 2001:db8:1::1: DSTOPT (padn) [The Hop-by-Hop Options header don't follow the IPv6 header] (invalid)",
    },
  },
  {
    hex: '02000000000202000000000186dd600000000018004020010db800010000000000000000000220010db80001000000000000000000011101c204000111700100c20400011170003500350008a3fd',
    text: {
      '-tn': 'IP6 2001:db8:1::2 > 2001:db8:1::1: HBH 53 > 53: domain [length 0 < 12] (invalid)',
      '-tnv':
        'IP6 (hlim 64, next-header Options (0) payload length: 24) 2001:db8:1::2 > 2001:db8:1::1: HBH (jumbo: 70000 - payload len != 0) (padn)(jumbo: 70000 - already seen)  53 > 53: [udp sum ok] domain [length 0 < 12] (invalid)',
    },
  },
  {
    hex: '02000000000202000000000186dd600000000000064020010db800010000000000000000000220010db8000100000000000000000001',
    text: {
      '-tn': 'IP6 2001:db8:1::2 > 2001:db8:1::1: [|tcp]',
      '-tnv':
        'IP6 (hlim 64, next-header TCP (6) payload length: 0) 2001:db8:1::2 > 2001:db8:1::1: [|tcp]',
    },
  },
  {
    hex: '02000000000202000000000186dd6000000000003a4020010db800010000000000000000000220010db8000100000000000000000001',
    text: {
      '-tn': 'IP6 2001:db8:1::2 > 2001:db8:1::1: ICMP6, length 0 (invalid)',
      '-tnv':
        'IP6 (hlim 64, next-header ICMPv6 (58) payload length: 0) 2001:db8:1::2 > 2001:db8:1::1: ICMP6, length 0 (invalid)',
    },
  },
  {
    hex: '02000000000202000000000186dd600000000000634020010db800010000000000000000000220010db8000100000000000000000001',
    text: {
      '-tn': 'IP6 2001:db8:1::2 > 2001:db8:1::1:  ip-proto-99 0',
      '-tnv':
        'IP6 (hlim 64, next-header unknown (99) payload length: 0) 2001:db8:1::2 > 2001:db8:1::1:  ip-proto-99 0',
    },
  },
  {
    hex: '02000000000202000000000186dd600000000000064020010db800010000000000000000000220010db8000100000000000000000001616263',
    text: {
      '-tn': 'IP6 2001:db8:1::2 > 2001:db8:1::1: [|tcp]',
      '-tnv':
        'IP6 (hlim 64, next-header TCP (6) payload length: 0) 2001:db8:1::2 > 2001:db8:1::1: [|tcp]',
    },
  },
  {
    hex: '02000000000202000000000186dd6000000000002c4020010db800010000000000000000000220010db8000100000000000000000001',
    text: {
      '-tn': 'IP6 2001:db8:1::2 > 2001:db8:1::1:  [|frag6]',
      '-tnv':
        'IP6 (hlim 64, next-header Fragment (44) payload length: 0) 2001:db8:1::2 > 2001:db8:1::1:  [|frag6]',
    },
  },
  {
    hex: '02000000000202000000000186dd600000000000114020010db800010000000000000000000220010db8000100000000000000000001',
    text: {
      '-tn': 'IP6 2001:db8:1::2 > 2001:db8:1::1:  [|udp]',
      '-tnv':
        'IP6 (hlim 64, next-header UDP (17) payload length: 0) 2001:db8:1::2 > 2001:db8:1::1:  [|udp]',
    },
  },
]);
