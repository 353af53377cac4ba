import { checkRows } from './spec-rows.js';

// What tcpdump 4.99.3 prints for the same bytes. All three versions.

checkRows('IGMP', 1, [
  {
    hex: '02000000000202000000000108004500001c000100000102a5dd0a0000010a0000021100eeff00000000',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: igmp query v1',
      '-tnv': [
        'IP (tos 0x0, ttl 1, id 1, offset 0, flags [none], proto IGMP (2), length 28)',
        '    10.0.0.1 > 10.0.0.2: igmp query v1',
      ].join('\n'),
      '-tnvv': [
        'IP (tos 0x0, ttl 1, id 1, offset 0, flags [none], proto IGMP (2), length 28)',
        '    10.0.0.1 > 10.0.0.2: igmp query v1',
      ].join('\n'),
      '-tq': 'IP 10.0.0.1 > 10.0.0.2: igmp',
    },
  },
  {
    hex: '02000000000202000000000108004500001c000100000102a5dd0a0000010a00000211140de9e0010101',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: igmp query v2 [max resp time 20] [gaddr 224.1.1.1]',
      '-tnv': [
        'IP (tos 0x0, ttl 1, id 1, offset 0, flags [none], proto IGMP (2), length 28)',
        '    10.0.0.1 > 10.0.0.2: igmp query v2 [max resp time 20] [gaddr 224.1.1.1]',
      ].join('\n'),
      '-tnvv': [
        'IP (tos 0x0, ttl 1, id 1, offset 0, flags [none], proto IGMP (2), length 28)',
        '    10.0.0.1 > 10.0.0.2: igmp query v2 [max resp time 20] [gaddr 224.1.1.1]',
      ].join('\n'),
      '-tq': 'IP 10.0.0.1 > 10.0.0.2: igmp',
    },
  },
  {
    hex: '02000000000202000000000108004500001c000100000102a5dd0a0000010a00000212140ce9e0010101',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: igmp v1 report 224.1.1.1',
      '-tnv': [
        'IP (tos 0x0, ttl 1, id 1, offset 0, flags [none], proto IGMP (2), length 28)',
        '    10.0.0.1 > 10.0.0.2: igmp v1 report 224.1.1.1',
      ].join('\n'),
      '-tnvv': [
        'IP (tos 0x0, ttl 1, id 1, offset 0, flags [none], proto IGMP (2), length 28)',
        '    10.0.0.1 > 10.0.0.2: igmp v1 report 224.1.1.1',
      ].join('\n'),
      '-tq': 'IP 10.0.0.1 > 10.0.0.2: igmp',
    },
  },
  {
    hex: '02000000000202000000000108004500001c000100000102a5dd0a0000010a000002161408e9e0010101',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: igmp v2 report 224.1.1.1',
      '-tnv': [
        'IP (tos 0x0, ttl 1, id 1, offset 0, flags [none], proto IGMP (2), length 28)',
        '    10.0.0.1 > 10.0.0.2: igmp v2 report 224.1.1.1',
      ].join('\n'),
      '-tnvv': [
        'IP (tos 0x0, ttl 1, id 1, offset 0, flags [none], proto IGMP (2), length 28)',
        '    10.0.0.1 > 10.0.0.2: igmp v2 report 224.1.1.1',
      ].join('\n'),
      '-tq': 'IP 10.0.0.1 > 10.0.0.2: igmp',
    },
  },
  {
    hex: '02000000000202000000000108004500001c000100000102a5dd0a0000010a000002171407e9e0010101',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: igmp leave 224.1.1.1',
      '-tnv': [
        'IP (tos 0x0, ttl 1, id 1, offset 0, flags [none], proto IGMP (2), length 28)',
        '    10.0.0.1 > 10.0.0.2: igmp leave 224.1.1.1',
      ].join('\n'),
      '-tnvv': [
        'IP (tos 0x0, ttl 1, id 1, offset 0, flags [none], proto IGMP (2), length 28)',
        '    10.0.0.1 > 10.0.0.2: igmp leave 224.1.1.1',
      ].join('\n'),
      '-tq': 'IP 10.0.0.1 > 10.0.0.2: igmp',
    },
  },
  {
    hex: '020000000002020000000001080045c00020000100000102a5190a0000010a0000021164ee9b0000000000000000',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: igmp query v3',
      '-tnv': [
        'IP (tos 0xc0, ttl 1, id 1, offset 0, flags [none], proto IGMP (2), length 32)',
        '    10.0.0.1 > 10.0.0.2: igmp query v3',
      ].join('\n'),
      '-tnvv': [
        'IP (tos 0xc0, ttl 1, id 1, offset 0, flags [none], proto IGMP (2), length 32)',
        '    10.0.0.1 > 10.0.0.2: igmp query v3',
      ].join('\n'),
      '-tq': 'IP 10.0.0.1 > 10.0.0.2: igmp',
    },
  },
  {
    hex: '020000000002020000000001080045c00028000100000102a5110a0000010a00000211c8072de0010101000000020101010102020202',
    text: {
      '-tn':
        'IP 10.0.0.1 > 10.0.0.2: igmp query v3 [max resp time 5m7s] [gaddr 224.1.1.1, 2 source(s)]',
      '-tnv': [
        'IP (tos 0xc0, ttl 1, id 1, offset 0, flags [none], proto IGMP (2), length 40)',
        '    10.0.0.1 > 10.0.0.2: igmp query v3 [max resp time 5m7s] [gaddr 224.1.1.1, 2 source(s)]',
      ].join('\n'),
      '-tnvv': [
        'IP (tos 0xc0, ttl 1, id 1, offset 0, flags [none], proto IGMP (2), length 40)',
        '    10.0.0.1 > 10.0.0.2: igmp query v3 [max resp time 5m7s] [gaddr 224.1.1.1 { 1.1.1.1 2.2.2.2 }]',
      ].join('\n'),
      '-tq': 'IP 10.0.0.1 > 10.0.0.2: igmp',
    },
  },
  {
    hex: '020000000002020000000001080045c00020000100000102a5190a0000010a00000211ff0cfee001010100000000',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: igmp query v3 [max resp time 52m54s] [gaddr 224.1.1.1]',
      '-tnv': [
        'IP (tos 0xc0, ttl 1, id 1, offset 0, flags [none], proto IGMP (2), length 32)',
        '    10.0.0.1 > 10.0.0.2: igmp query v3 [max resp time 52m54s] [gaddr 224.1.1.1]',
      ].join('\n'),
      '-tnvv': [
        'IP (tos 0xc0, ttl 1, id 1, offset 0, flags [none], proto IGMP (2), length 32)',
        '    10.0.0.1 > 10.0.0.2: igmp query v3 [max resp time 52m54s] [gaddr 224.1.1.1]',
      ].join('\n'),
      '-tq': 'IP 10.0.0.1 > 10.0.0.2: igmp',
    },
  },
  {
    hex: '020000000002020000000001080045c00030000100000102a5090a0000010a000002220014f40000000204000000e001010101000001e001010201010101',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: igmp v3 report, 2 group record(s)',
      '-tnv': [
        'IP (tos 0xc0, ttl 1, id 1, offset 0, flags [none], proto IGMP (2), length 48)',
        '    10.0.0.1 > 10.0.0.2: igmp v3 report, 2 group record(s) [gaddr 224.1.1.1 to_ex, 0 source(s)] [gaddr 224.1.1.2 is_in, 1 source(s)]',
      ].join('\n'),
      '-tnvv': [
        'IP (tos 0xc0, ttl 1, id 1, offset 0, flags [none], proto IGMP (2), length 48)',
        '    10.0.0.1 > 10.0.0.2: igmp v3 report, 2 group record(s) [gaddr 224.1.1.1 to_ex { }] [gaddr 224.1.1.2 is_in { 1.1.1.1 }]',
      ].join('\n'),
      '-tq': 'IP 10.0.0.1 > 10.0.0.2: igmp',
    },
  },
]);
