import { checkRows } from './spec-rows.js';

// What tcpdump 4.99.3 prints for the same bytes. Ethernet, VLAN tags, cooked capture and bare IP.

checkRows('Ethernet and VLAN', 1, [
  {
    hex: '02000000000202000000000188b568656c6c6f206f757420746865726520616e64206d6f7265',
    text: {
      '-tn': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype Unknown (0x88b5), length 38: ',
        '\t0x0000:  6865 6c6c 6f20 6f75 7420 7468 6572 6520  hello.out.there.',
        '\t0x0010:  616e 6420 6d6f 7265                      and.more',
      ].join('\n'),
      '-tne': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype Unknown (0x88b5), length 38: ',
        '\t0x0000:  6865 6c6c 6f20 6f75 7420 7468 6572 6520  hello.out.there.',
        '\t0x0010:  616e 6420 6d6f 7265                      and.more',
      ].join('\n'),
      '-te': [
        '02:00:00:00:00:01 (oui Unknown) > 02:00:00:00:00:02 (oui Unknown), ethertype Unknown (0x88b5), length 38: ',
        '\t0x0000:  6865 6c6c 6f20 6f75 7420 7468 6572 6520  hello.out.there.',
        '\t0x0010:  616e 6420 6d6f 7265                      and.more',
      ].join('\n'),
      '-tq':
        '02:00:00:00:00:01 (oui Unknown) > 02:00:00:00:00:02 (oui Unknown), Unknown Ethertype (0x88b5), length 38: ',
      '-tnex': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype Unknown (0x88b5), length 38: ',
        '\t0x0000:  6865 6c6c 6f20 6f75 7420 7468 6572 6520',
        '\t0x0010:  616e 6420 6d6f 7265',
      ].join('\n'),
    },
  },
  {
    hex: '0200000000020200000000018100',
    text: {
      '-tn': ' [|vlan]',
      '-tne': '02:00:00:00:00:01 > 02:00:00:00:00:02,  [|vlan]',
      '-te': '02:00:00:00:00:01 (oui Unknown) > 02:00:00:00:00:02 (oui Unknown),  [|vlan]',
      '-tq': ' [|vlan]',
      '-tnex': '02:00:00:00:00:01 > 02:00:00:00:00:02,  [|vlan]',
    },
  },
  {
    hex: '0200000000020200000000018100600a08004500001c00010000401166ce0a0000010a000002000100020008ebd8',
    text: {
      '-tn': 'IP 10.0.0.1.1 > 10.0.0.2.2: UDP, length 0',
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 802.1Q (0x8100), length 46: vlan 10, p 3, ethertype IPv4 (0x0800), 10.0.0.1.1 > 10.0.0.2.2: UDP, length 0',
      '-te':
        '02:00:00:00:00:01 (oui Unknown) > 02:00:00:00:00:02 (oui Unknown), ethertype 802.1Q (0x8100), length 46: vlan 10, p 3, ethertype IPv4 (0x0800), 10.0.0.1.1 > 10.0.0.2.2: UDP, length 0',
      '-tq': 'IP 10.0.0.1.1 > 10.0.0.2.2: UDP, length 0',
      '-tnex': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 802.1Q (0x8100), length 46: vlan 10, p 3, ethertype IPv4 (0x0800), 10.0.0.1.1 > 10.0.0.2.2: UDP, length 0',
        '\t0x0000:  4500 001c 0001 0000 4011 66ce 0a00 0001',
        '\t0x0010:  0a00 0002 0001 0002 0008 ebd8',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000188a8100a8100001408004500001c00010000400166de0a0000010a0000020800f7ff00000000',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 0, seq 0, length 8',
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 802.1Q-QinQ (0x88a8), length 50: vlan 10, p 0, DEI, ethertype 802.1Q (0x8100), vlan 20, p 0, ethertype IPv4 (0x0800), 10.0.0.1 > 10.0.0.2: ICMP echo request, id 0, seq 0, length 8',
      '-te':
        '02:00:00:00:00:01 (oui Unknown) > 02:00:00:00:00:02 (oui Unknown), ethertype 802.1Q-QinQ (0x88a8), length 50: vlan 10, p 0, DEI, ethertype 802.1Q (0x8100), vlan 20, p 0, ethertype IPv4 (0x0800), 10.0.0.1 > 10.0.0.2: ICMP echo request, id 0, seq 0, length 8',
      '-tq': 'IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 0, seq 0, length 8',
      '-tnex': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 802.1Q-QinQ (0x88a8), length 50: vlan 10, p 0, DEI, ethertype 802.1Q (0x8100), vlan 20, p 0, ethertype IPv4 (0x0800), 10.0.0.1 > 10.0.0.2: ICMP echo request, id 0, seq 0, length 8',
        '\t0x0000:  4500 001c 0001 0000 4001 66de 0a00 0001',
        '\t0x0010:  0a00 0002 0800 f7ff 0000 0000',
      ].join('\n'),
    },
  },
  {
    hex: '0200000000020200000000018100000a88b5616263',
    text: {
      '-tn': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype Unknown (0x88b5), length 21: ',
        '\t0x0000:  6162 63                                  abc',
      ].join('\n'),
      '-tne': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 802.1Q (0x8100), length 21: vlan 10, p 0, ethertype Unknown (0x88b5), ',
        '\t0x0000:  6162 63                                  abc',
      ].join('\n'),
      '-te': [
        '02:00:00:00:00:01 (oui Unknown) > 02:00:00:00:00:02 (oui Unknown), ethertype 802.1Q (0x8100), length 21: vlan 10, p 0, ethertype Unknown (0x88b5), ',
        '\t0x0000:  6162 63                                  abc',
      ].join('\n'),
      '-tq':
        '02:00:00:00:00:01 (oui Unknown) > 02:00:00:00:00:02 (oui Unknown), Unknown Ethertype (0x88b5), length 21: ',
      '-tnex': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 802.1Q (0x8100), length 21: vlan 10, p 0, ethertype Unknown (0x88b5), ',
        '\t0x0000:  6162 63',
      ].join('\n'),
    },
  },
]);

checkRows('Linux cooked capture v2', 276, [
  {
    hex: '08000000000000010001000602000000000100004500001c00010000400166de0a0000010a0000020800f7f800070000',
    text: {
      '-tn': 'lo    In  IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 0, length 8',
      '-tne':
        'lo    In  ifindex 1 02:00:00:00:00:01 ethertype IPv4 (0x0800), length 48: 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 0, length 8',
      '-tq': 'lo    In  IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 0, length 8',
    },
  },
  {
    hex: '08000000000000010001020602000000000100004500001c00010000400166de0a0000010a0000020800f7f800070000',
    text: {
      '-tn': 'lo    M   IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 0, length 8',
      '-tne':
        'lo    M   ifindex 1 02:00:00:00:00:01 ethertype IPv4 (0x0800), length 48: 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 0, length 8',
      '-tq': 'lo    M   IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 0, length 8',
    },
  },
  {
    hex: '08000000000000010001050602000000000100004500001c00010000400166de0a0000010a0000020800f7f800070000',
    text: {
      '-tn': 'lo    ?   IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 0, length 8',
      '-tne':
        'lo    ?   ifindex 1 02:00:00:00:00:01 ethertype IPv4 (0x0800), length 48: 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 0, length 8',
      '-tq': 'lo    ?   IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 0, length 8',
    },
  },
  {
    hex: '0806000000000001000101060200000000010000000108000604000102fc000000010102030400000000000001020305',
    text: {
      '-tn': 'lo    B   ARP, Request who-has 1.2.3.5 tell 1.2.3.4, length 28',
      '-tne':
        'lo    B   ifindex 1 02:00:00:00:00:01 ethertype ARP (0x0806), length 48: Request who-has 1.2.3.5 tell 1.2.3.4, length 28',
      '-tq': 'lo    B   ARP, Request who-has 1.2.3.5 tell 1.2.3.4, length 28',
    },
  },
  {
    hex: '88b5000000000001000101060200000000010000616263646566',
    text: {
      '-tn': [
        'lo    B   ifindex 1 02:00:00:00:00:01 ethertype Unknown (0x88b5), length 26: ',
        '\t0x0000:  6162 6364 6566                           abcdef',
      ].join('\n'),
      '-tne': [
        'lo    B   ifindex 1 02:00:00:00:00:01 ethertype Unknown (0x88b5), length 26: ',
        '\t0x0000:  6162 6364 6566                           abcdef',
      ].join('\n'),
      '-tq': 'lo    B   ifindex 1 02:00:00:00:00:01 (oui Unknown) ',
    },
  },
  {
    hex: '0004000000000001000100060200000000010000aaaa03616263646566',
    text: {
      '-tn': [
        'lo    In  SNAP, oui Unknown (0x616263), pid Unknown (0x6465), length 1: ',
        '\t0x0000:  aaaa 0361 6263 6465 66                   ...abcdef',
      ].join('\n'),
      '-tne': [
        'lo    In  ifindex 1 02:00:00:00:00:01 802.2, length 29: LLC, dsap SNAP (0xaa) Individual, ssap SNAP (0xaa) Command, ctrl 0x03: oui Unknown (0x616263), pid Unknown (0x6465), length 1: ',
        '\t0x0000:  aaaa 0361 6263 6465 66                   ...abcdef',
      ].join('\n'),
      '-tq': 'lo    In  SNAP, oui Unknown (0x616263), pid Unknown (0x6465), length 1: ',
    },
  },
  {
    hex: '8100000000000001000100060200000000010000000a08004500001c00010000400166de0a0000010a0000020800f7f800070000',
    text: {
      '-tn':
        'lo    In  ethertype IPv4, IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 0, length 8',
      '-tne':
        'lo    In  ifindex 1 02:00:00:00:00:01 ethertype 802.1Q (0x8100), length 52: vlan 10, p 0, ethertype IPv4, 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 0, length 8',
      '-tq': 'lo    In  IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 0, length 8',
    },
  },
  {
    hex: '0002000000000001000100060200000000010000616263',
    text: {
      '-tn': ['lo    In  ', '\t0x0000:  6162 63                                  abc'].join('\n'),
      '-tne': [
        'lo    In  ifindex 1 02:00:00:00:00:01 ethertype Unknown (0x0002), length 23: ',
        '\t0x0000:  6162 63                                  abc',
      ].join('\n'),
      '-tq': 'lo    In  ',
    },
  },
  {
    hex: '08000000000000010304000002000000000100004500001c00010000400166de0a0000010a0000020800f7f800070000',
    text: {
      '-tn': 'lo    In  IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 0, length 8',
      '-tne':
        'lo    In  ifindex 1 ethertype IPv4 (0x0800), length 48: 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 0, length 8',
      '-tq': 'lo    In  IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 0, length 8',
    },
  },
]);

checkRows('bare IP', 101, [
  {
    hex: '4500001c00010000400166de0a0000010a0000020800f7f800070000',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 0, length 8',
      '-tne': 'ip: 10.0.0.1 > 10.0.0.2: ICMP echo request, id 7, seq 0, length 8',
    },
  },
  {
    hex: '6000000000083a40fe800000000000000000000000000001ff0200000000000000000000000000018000823700000000',
    text: {
      '-tn': 'IP6 fe80::1 > ff02::1: ICMP6, echo request, id 0, seq 0, length 8',
      '-tne': 'ip: fe80::1 > ff02::1: ICMP6, echo request, id 0, seq 0, length 8',
    },
  },
  {
    hex: '10616263',
    text: {
      '-tn': 'unknown ip 1',
      '-tne': 'ip: unknown ip 1',
    },
  },
  {
    hex: '45',
    text: {
      '-tn': 'IP  [|ip]',
      '-tne': 'ip:  [|ip]',
    },
  },
]);

checkRows('a frame cut off', 1, [
  {
    hex: '02000000000202000000',
    length: 98,
    text: {
      '-tn': ' [|ether]',
      '-tnx': ' [|ether]',
    },
  },
]);
