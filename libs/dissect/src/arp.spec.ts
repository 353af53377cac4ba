import { checkRows } from './spec-rows.js';

// What tcpdump 4.99.3 prints for the same bytes. Requests, a unicast probe, announcement, reverse and inverse ARP.

checkRows('ARP', 1, [
  {
    hex: 'ffffffffffff020000000001080600010800060400010200000000010a0000010000000000000a000002',
    text: {
      '-tn': 'ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28',
      '-tnv':
        'ARP, Ethernet (len 6), IPv4 (len 4), Request who-has 10.0.0.2 tell 10.0.0.1, length 28',
      '-tne':
        '02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has 10.0.0.2 tell 10.0.0.1, length 28',
    },
  },
  {
    hex: '020000000002020000000001080600010800060400010200000000010a0000010200000000020a000002',
    text: {
      '-tn': 'ARP, Request who-has 10.0.0.2 (02:00:00:00:00:02) tell 10.0.0.1, length 28',
      '-tnv':
        'ARP, Ethernet (len 6), IPv4 (len 4), Request who-has 10.0.0.2 (02:00:00:00:00:02) tell 10.0.0.1, length 28',
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype ARP (0x0806), length 42: Request who-has 10.0.0.2 (02:00:00:00:00:02) tell 10.0.0.1, length 28',
    },
  },
  {
    hex: '020000000002020000000001080600010800060400020200000000010a0000010000000000000a000002',
    text: {
      '-tn': 'ARP, Reply 10.0.0.1 is-at 02:00:00:00:00:01, length 28',
      '-tnv':
        'ARP, Ethernet (len 6), IPv4 (len 4), Reply 10.0.0.1 is-at 02:00:00:00:00:01, length 28',
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype ARP (0x0806), length 42: Reply 10.0.0.1 is-at 02:00:00:00:00:01, length 28',
    },
  },
  {
    hex: '02000000000202000000000108060001080006040001020000000001000000000000000000000a000002',
    text: {
      '-tn': 'ARP, Request who-has 10.0.0.2 tell 0.0.0.0, length 28',
      '-tnv':
        'ARP, Ethernet (len 6), IPv4 (len 4), Request who-has 10.0.0.2 tell 0.0.0.0, length 28',
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype ARP (0x0806), length 42: Request who-has 10.0.0.2 tell 0.0.0.0, length 28',
    },
  },
  {
    hex: '020000000002020000000001080600010800060400010200000000010a0000020000000000000a000002',
    text: {
      '-tn': 'ARP, Request who-has 10.0.0.2 tell 10.0.0.2, length 28',
      '-tnv':
        'ARP, Ethernet (len 6), IPv4 (len 4), Request who-has 10.0.0.2 tell 10.0.0.2, length 28',
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype ARP (0x0806), length 42: Request who-has 10.0.0.2 tell 10.0.0.2, length 28',
    },
  },
  {
    hex: '020000000002020000000001080600010800060400030200000000010a0000020000000000000a000002',
    text: {
      '-tn': 'ARP, Reverse Request who-is 00:00:00:00:00:00 tell 02:00:00:00:00:01, length 28',
      '-tnv':
        'ARP, Ethernet (len 6), IPv4 (len 4), Reverse Request who-is 00:00:00:00:00:00 tell 02:00:00:00:00:01, length 28',
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype ARP (0x0806), length 42: Reverse Request who-is 00:00:00:00:00:00 tell 02:00:00:00:00:01, length 28',
    },
  },
  {
    hex: '020000000002020000000001080600010800060400040200000000010a0000020000000000000a000002',
    text: {
      '-tn': 'ARP, Reverse Reply 00:00:00:00:00:00 at 10.0.0.2, length 28',
      '-tnv':
        'ARP, Ethernet (len 6), IPv4 (len 4), Reverse Reply 00:00:00:00:00:00 at 10.0.0.2, length 28',
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype ARP (0x0806), length 42: Reverse Reply 00:00:00:00:00:00 at 10.0.0.2, length 28',
    },
  },
  {
    hex: '020000000002020000000001080600010800060400080200000000010a0000020000000000000a000002',
    text: {
      '-tn': 'ARP, Inverse Request who-is 00:00:00:00:00:00 tell 02:00:00:00:00:01, length 28',
      '-tnv':
        'ARP, Ethernet (len 6), IPv4 (len 4), Inverse Request who-is 00:00:00:00:00:00 tell 02:00:00:00:00:01, length 28',
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype ARP (0x0806), length 42: Inverse Request who-is 00:00:00:00:00:00 tell 02:00:00:00:00:01, length 28',
    },
  },
  {
    hex: '020000000002020000000001080600010800060400090200000000010a0000020000000000000a000002',
    text: {
      '-tn': 'ARP, Inverse Reply 02:00:00:00:00:01 at 10.0.0.2, length 28',
      '-tnv':
        'ARP, Ethernet (len 6), IPv4 (len 4), Inverse Reply 02:00:00:00:00:01 at 10.0.0.2, length 28',
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype ARP (0x0806), length 42: Inverse Reply 02:00:00:00:00:01 at 10.0.0.2, length 28',
    },
  },
  {
    hex: '0200000000020200000000010806000108000604000a0200000000010a0000020000000000000a000002',
    text: {
      '-tn': [
        'ARP, NACK Reply ',
        '\t0x0000:  0001 0800 0604 000a 0200 0000 0001 0a00  ................',
        '\t0x0010:  0002 0000 0000 0000 0a00 0002            ............',
      ].join('\n'),
      '-tnv': [
        'ARP, Ethernet (len 6), IPv4 (len 4), NACK Reply ',
        '\t0x0000:  0001 0800 0604 000a 0200 0000 0001 0a00  ................',
        '\t0x0010:  0002 0000 0000 0000 0a00 0002            ............',
      ].join('\n'),
      '-tne': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype ARP (0x0806), length 42: NACK Reply ',
        '\t0x0000:  0001 0800 0604 000a 0200 0000 0001 0a00  ................',
        '\t0x0010:  0002 0000 0000 0000 0a00 0002            ............',
      ].join('\n'),
    },
  },
  {
    hex: '0200000000020200000000010806000108000604000b0200000000010a0000020000000000000a000002',
    text: {
      '-tn': [
        'ARP, Unknown (11) ',
        '\t0x0000:  0001 0800 0604 000b 0200 0000 0001 0a00  ................',
        '\t0x0010:  0002 0000 0000 0000 0a00 0002            ............',
      ].join('\n'),
      '-tnv': [
        'ARP, Ethernet (len 6), IPv4 (len 4), Unknown (11) ',
        '\t0x0000:  0001 0800 0604 000b 0200 0000 0001 0a00  ................',
        '\t0x0010:  0002 0000 0000 0000 0a00 0002            ............',
      ].join('\n'),
      '-tne': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype ARP (0x0806), length 42: Unknown (11) ',
        '\t0x0000:  0001 0800 0604 000b 0200 0000 0001 0a00  ................',
        '\t0x0010:  0002 0000 0000 0000 0a00 0002            ............',
      ].join('\n'),
    },
  },
  {
    hex: '020000000002020000000001080600010800060400020200000000010a0000010000000000000a000002000000000000000000000000000000000000',
    text: {
      '-tn': 'ARP, Reply 10.0.0.1 is-at 02:00:00:00:00:01, length 46',
      '-tnv':
        'ARP, Ethernet (len 6), IPv4 (len 4), Reply 10.0.0.1 is-at 02:00:00:00:00:01, length 46',
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype ARP (0x0806), length 60: Reply 10.0.0.1 is-at 02:00:00:00:00:01, length 46',
    },
  },
]);

checkRows('ARP cut off', 1, [
  {
    hex: 'ffffffffffff020000000001080600010800060400010200000000010a00',
    length: 42,
    text: {
      '-tn': ' [|arp]',
    },
  },
]);
