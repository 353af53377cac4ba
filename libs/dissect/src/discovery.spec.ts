import { checkRows } from './spec-rows.js';

// What tcpdump 4.99.3 prints for the same bytes. LACP and marker, LLDP, Ethernet loopback.

checkRows('slow protocols', 1, [
  {
    hex: '0180c200000202000000000188090101011400000000000000000000000000000000000002140000000000000000000000000000000000000310000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000',
    text: {
      '-tn': 'LACPv1, length 110',
      '-tnv': [
        'LACPv1, length 110',
        '\tActor Information TLV (0x01), length 20',
        '\t  System 00:00:00:00:00:00, System Priority 0, Key 0, Port 0, Port Priority 0',
        '\t  State Flags [none]',
        '\tPartner Information TLV (0x02), length 20',
        '\t  System 00:00:00:00:00:00, System Priority 0, Key 0, Port 0, Port Priority 0',
        '\t  State Flags [none]',
        '\tCollector Information TLV (0x03), length 16',
        '\t  Max Delay 0',
        '\tTerminator TLV (0x00), length 0',
      ].join('\n'),
    },
  },
  {
    hex: '0180c20000020200000000018809',
    text: {
      '-tn': ' (packet is too short)',
      '-tnv': ['', '\t\t packet is too short'].join('\n'),
    },
  },
  {
    hex: '0180c200000202000000000188090201',
    text: {
      '-tn': 'MARKERv1, length 2',
      '-tnv': 'MARKERv1, length 2',
    },
  },
  {
    hex: '0180c200000202000000000188090202',
    text: {
      '-tn': 'MARKER version 2 packet not supported',
      '-tnv': 'MARKER version 2 packet not supported',
    },
  },
  {
    hex: '0180c200000202000000000188090201011000010200000000010000000200000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000',
    text: {
      '-tn': 'MARKERv1, length 110',
      '-tnv': [
        'MARKERv1, length 110',
        '\tMarker Information TLV (0x01), length 16',
        '\t  Request System 02:00:00:00:00:01, Request Port 1, Request Transaction ID 0x00000002',
        '\tTerminator TLV (0x00), length 0',
      ].join('\n'),
    },
  },
  {
    hex: '0180c200000202000000000188090a00616263',
    text: {
      '-tn': ['unknown (10), length 5', '\t0x0000:  0a00 6162 63'].join('\n'),
      '-tnv': ['unknown (10), length 5', '\t0x0000:  0a00 6162 63'].join('\n'),
    },
  },
  {
    hex: '0180c200000202000000000188090102',
    text: {
      '-tn': 'LACP version 2 packet not supported',
      '-tnv': 'LACP version 2 packet not supported',
    },
  },
]);

checkRows('LLDP', 1, [
  {
    hex: '0180c200000e02000000000188cc02070402000000000104040565746831060200780a05686f7374310c04646573630e0400140014100c05010a000001020000000200fe060080c20100010000',
    text: {
      '-tn': 'LLDP, length 63 [|lldp]',
      '-tnv': [
        'LLDP, length 63',
        '\tChassis ID TLV (1), length 7',
        '\t  Subtype MAC address (4): 02:00:00:00:00:01',
        '\tPort ID TLV (2), length 4',
        '\t  Subtype Interface Name (5): eth',
        '\tUnknown TLV (24), length 262 [|lldp]',
      ].join('\n'),
    },
  },
  {
    hex: '0180c200000e02000000000188cc0207040200000000',
    text: {
      '-tn': 'LLDP, length 8 [|lldp]',
      '-tnv': ['LLDP, length 8', '\tChassis ID TLV (1), length 7 [|lldp]'].join('\n'),
    },
  },
]);

checkRows('loopback', 1, [
  {
    hex: '02000000000202000000000190000000010007006162',
    text: {
      '-tn': 'Loopback, skipCount 0, Reply, receipt number 7, data (2 octets)',
    },
  },
  {
    hex: '0200000000020200000000019000000002000200000000090000',
    text: {
      '-tn':
        'Loopback, skipCount 0, Forward Data, forwarding address 02:00:00:00:00:09, data (2 octets)',
    },
  },
  {
    hex: '02000000000202000000000190000100',
    text: {
      '-tn': 'Loopback, skipCount 1 (bogus) (invalid)',
    },
  },
  {
    hex: '02000000000202000000000190000000',
    text: {
      '-tn': 'Loopback, skipCount 0 (invalid)',
    },
  },
  {
    hex: '0200000000020200000000019000ff',
    text: {
      '-tn': 'Loopback (invalid)',
    },
  },
  {
    hex: '02000000000202000000000190000800616263646566676801000000',
    text: {
      '-tn': 'Loopback, skipCount 8, Reply, receipt number 0, data (0 octets)',
    },
  },
]);
