import { checkRows } from './spec-rows.js';

// What tcpdump 4.99.3 prints for the same bytes. GRE, VXLAN, IP in IP, Geneve.

checkRows('GRE and VXLAN', 1, [
  {
    hex: '02000000000202000000000108004500003400010000402f66980a0000010a000002000008004500001c00010000400166de0a0000010a0000020800f7ff00000000',
    text: {
      '-tn':
        'IP 10.0.0.1 > 10.0.0.2: GREv0, length 32: IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 0, seq 0, length 8',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto GRE (47), length 52)',
        '    10.0.0.1 > 10.0.0.2: GREv0, Flags [none], length 32',
        '\tIP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 28)',
        '    10.0.0.1 > 10.0.0.2: ICMP echo request, id 0, seq 0, length 8',
      ].join('\n'),
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800), length 66: 10.0.0.1 > 10.0.0.2: GREv0, proto IPv4 (0x0800), length 32: 10.0.0.1 > 10.0.0.2: ICMP echo request, id 0, seq 0, length 8',
    },
  },
  {
    hex: '02000000000202000000000108004500005000010000402f667c0a0000010a000002300086dd0000002a00000007600000000008114020010db800010000000000000000000220010db8000100000000000000000001000100020008a464',
    text: {
      '-tn':
        'IP 10.0.0.1 > 10.0.0.2: GREv0, key=0x2a, seq 7, length 60: IP6 2001:db8:1::2.1 > 2001:db8:1::1.2: UDP, length 0',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto GRE (47), length 80)',
        '    10.0.0.1 > 10.0.0.2: GREv0, Flags [key present, sequence# present], key=0x2a, seq 7, length 60',
        '\tIP6 (hlim 64, next-header UDP (17) payload length: 8) 2001:db8:1::2.1 > 2001:db8:1::1.2: [udp sum ok] UDP, length 0',
      ].join('\n'),
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800), length 94: 10.0.0.1 > 10.0.0.2: GREv0, key=0x2a, seq 7, proto IPv6 (0x86dd), length 60: 2001:db8:1::2.1 > 2001:db8:1::1.2: UDP, length 0',
    },
  },
  {
    hex: '02000000000202000000000108004500003800010000402f66940a0000010a000002800008008c1b00004500001c00010000401166ce0a0000010a000002000100020008ebd8',
    text: {
      '-tn':
        'IP 10.0.0.1 > 10.0.0.2: GREv0, off 0x0, length 36: IP 10.0.0.1.1 > 10.0.0.2.2: UDP, length 0',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto GRE (47), length 56)',
        '    10.0.0.1 > 10.0.0.2: GREv0, Flags [checksum present], sum 0x8c1b, off 0x0, length 36',
        '\tIP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 28)',
        '    10.0.0.1.1 > 10.0.0.2.2: UDP, length 0',
      ].join('\n'),
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800), length 70: 10.0.0.1 > 10.0.0.2: GREv0, off 0x0, proto IPv4 (0x0800), length 36: 10.0.0.1.1 > 10.0.0.2.2: UDP, length 0',
    },
  },
  {
    hex: '02000000000202000000000108004500004200010000402f668a0a0000010a0000020000655802000000000202000000000108004500001c00010000401166ce0a0000010a000002000100020008ebd8',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: GREv0, length 46: IP 10.0.0.1.1 > 10.0.0.2.2: UDP, length 0',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto GRE (47), length 66)',
        '    10.0.0.1 > 10.0.0.2: GREv0, Flags [none], length 46',
        '\tIP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 28)',
        '    10.0.0.1.1 > 10.0.0.2.2: UDP, length 0',
      ].join('\n'),
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800), length 80: 10.0.0.1 > 10.0.0.2: GREv0, proto TEB (0x6558), length 46: 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800), length 42: 10.0.0.1.1 > 10.0.0.2.2: UDP, length 0',
    },
  },
  {
    hex: '02000000000202000000000108004500001b00010000402f66b10a0000010a00000200001234616263',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: GREv0, length 7: gre-proto-0x1234',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto GRE (47), length 27)',
        '    10.0.0.1 > 10.0.0.2: GREv0, Flags [none], length 7',
        '\tgre-proto-0x1234',
      ].join('\n'),
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800), length 41: 10.0.0.1 > 10.0.0.2: GREv0, proto unknown (0x1234), length 7: gre-proto-0x1234',
    },
  },
  {
    hex: '02000000000202000000000186dd6000000000202f4020010db800010000000000000000000220010db8000100000000000000000001000008004500001c00010000401166ce0a0000010a000002000100020008ebd8',
    text: {
      '-tn':
        'IP6 2001:db8:1::2 > 2001:db8:1::1: GREv0, length 32: IP 10.0.0.1.1 > 10.0.0.2.2: UDP, length 0',
      '-tnv': [
        'IP6 (hlim 64, next-header GRE (47) payload length: 32) 2001:db8:1::2 > 2001:db8:1::1: GREv0, Flags [none], length 32',
        '\tIP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 28)',
        '    10.0.0.1.1 > 10.0.0.2.2: UDP, length 0',
      ].join('\n'),
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv6 (0x86dd), length 86: 2001:db8:1::2 > 2001:db8:1::1: GREv0, proto IPv4 (0x0800), length 32: 10.0.0.1.1 > 10.0.0.2.2: UDP, length 0',
    },
  },
  {
    hex: '02000000000202000000000108004500004e000100004011669c0a0000010a000002138812b5003a87370800000000002a0002000000000202000000000108004500001c00010000400166de0a0000010a0000020800f7ff00000000',
    text: {
      '-tn': [
        'IP 10.0.0.1.5000 > 10.0.0.2.4789: VXLAN, flags [I] (0x08), vni 42',
        'IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 0, seq 0, length 8',
      ].join('\n'),
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 78)',
        '    10.0.0.1.5000 > 10.0.0.2.4789: VXLAN, flags [I] (0x08), vni 42',
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 28)',
        '    10.0.0.1 > 10.0.0.2: ICMP echo request, id 0, seq 0, length 8',
      ].join('\n'),
      '-tne': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800), length 92: 10.0.0.1.5000 > 10.0.0.2.4789: VXLAN, flags [I] (0x08), vni 42',
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800), length 42: 10.0.0.1 > 10.0.0.2: ICMP echo request, id 0, seq 0, length 8',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500004e000100004011669c0a0000010a000002138812b5003a6a2b0000000000002a000200000000020200000000010806000108000604000102fc000000010a0000010000000000000a000002',
    text: {
      '-tn': [
        'IP 10.0.0.1.5000 > 10.0.0.2.4789: VXLAN, flags [invalid] (0x00), vni 42',
        'ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28',
      ].join('\n'),
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 78)',
        '    10.0.0.1.5000 > 10.0.0.2.4789: VXLAN, flags [invalid] (0x00), vni 42',
        'ARP, Ethernet (len 6), IPv4 (len 4), Request who-has 10.0.0.2 tell 10.0.0.1, length 28',
      ].join('\n'),
      '-tne': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800), length 92: 10.0.0.1.5000 > 10.0.0.2.4789: VXLAN, flags [invalid] (0x00), vni 42',
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype ARP (0x0806), length 42: Request who-has 10.0.0.2 tell 10.0.0.1, length 28',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000186dd60000000004e114020010db800010000000000000000000220010db8000100000000000000000001138812b5004e26b70800000000002a0002000000000202000000000186dd6000000000083a4020010db800010000000000000000000220010db80001000000000000000000018000244600000000',
    text: {
      '-tn': [
        'IP6 2001:db8:1::2.5000 > 2001:db8:1::1.4789: VXLAN, flags [I] (0x08), vni 42',
        'IP6 2001:db8:1::2 > 2001:db8:1::1: ICMP6, echo request, id 0, seq 0, length 8',
      ].join('\n'),
      '-tnv': [
        'IP6 (hlim 64, next-header UDP (17) payload length: 78) 2001:db8:1::2.5000 > 2001:db8:1::1.4789: [udp sum ok] VXLAN, flags [I] (0x08), vni 42',
        'IP6 (hlim 64, next-header ICMPv6 (58) payload length: 8) 2001:db8:1::2 > 2001:db8:1::1: [icmp6 sum ok] ICMP6, echo request, id 0, seq 0',
      ].join('\n'),
      '-tne': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv6 (0x86dd), length 132: 2001:db8:1::2.5000 > 2001:db8:1::1.4789: VXLAN, flags [I] (0x08), vni 42',
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv6 (0x86dd), length 62: 2001:db8:1::2 > 2001:db8:1::1: ICMP6, echo request, id 0, seq 0, length 8',
      ].join('\n'),
    },
  },
]);

checkRows('ESP behind NAT, VAT, Geneve', 1, [
  {
    hex: '02000000000202000000000108004500002c00010000401166be0a0000010a0000029c4011940018d374010203046162636465666768696a6b6c',
    text: {
      '-tn':
        'IP 10.0.0.1.40000 > 10.0.0.2.4500: UDP-encap: ESP(spi=0x01020304,seq=0x61626364), length 16',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 44)',
        '    10.0.0.1.40000 > 10.0.0.2.4500: UDP-encap: ESP(spi=0x01020304,seq=0x61626364), length 16',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002c00010000401166be0a0000010a0000029c4017c10018cd47010203046162636465666768696a6b6c',
    text: {
      '-tn':
        'IP 10.0.0.1.40000 > 10.0.0.2.6081: Geneve, Flags [R5], vni 0x616263, rsvd 0x64, options [4 bytes]: geneve-proto-0x304',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 44)',
        '    10.0.0.1.40000 > 10.0.0.2.6081: Geneve, Flags [R5], vni 0x616263, rsvd 0x64, options [class Unknown (0x6566) type 0x67 len 36 [bad length]]',
        '\tgeneve-proto-0x304',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002c00010000401166be0a0000010a0000029c400d800018d788010203046162636465666768696a6b6c',
    text: {
      '-tn': 'IP 10.0.0.1.40000 > 10.0.0.2.3456: udp/vat 8 c772 1633837924 f2 s1',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 44)',
        '    10.0.0.1.40000 > 10.0.0.2.3456: udp/vat 8 c772 1633837924 f2 s1',
      ].join('\n'),
    },
  },
]);

checkRows('OTV, and VXLAN cut short', 1, [
  {
    hex: '02000000000202000000000108004500006200014000401126880a0000010a0000029c402118004e00000800000000000500020000000002020000000001080045000030000140004001b778c0a80101c0a801020800f7ff000000007878787878787878787878787878787878787878',
    text: {
      '-tn': [
        'IP 10.0.0.1.40000 > 10.0.0.2.8472: OTV, flags [I] (0x08), overlay 0, instance 5',
        'IP 192.168.1.1 > 192.168.1.2: ICMP echo request, id 0, seq 0, length 28',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500001f00014000401126cb0a0000010a0000029c402118000b0000080000',
    text: { '-tn': 'IP 10.0.0.1.40000 > 10.0.0.2.8472: OTV, [length 3 < 8] (invalid)' },
  },
  {
    hex: '02000000000202000000000108004500001f00014000401126cb0a0000010a0000029c4012b5000b0000080000',
    text: { '-tn': 'IP 10.0.0.1.40000 > 10.0.0.2.4789: VXLAN (invalid)' },
  },
]);
