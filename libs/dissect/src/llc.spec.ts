import { checkRows } from './spec-rows.js';

// What tcpdump 4.99.3 prints for the same bytes. 802.2, SNAP, spanning tree.

checkRows('spanning tree', 1, [
  {
    hex: '0180c200000002000000000100264242030000000000000002000000000100000004000002000000000280010100140002000f00',
    text: {
      '-tn': 'STP 802.1d, Config, Flags [none], bridge-id 0000.02:00:00:00:00:02.8001, length 35',
      '-tnv': [
        'STP 802.1d, Config, Flags [none], bridge-id 0000.02:00:00:00:00:02.8001, length 35',
        '\tmessage-age 1.00s, max-age 20.00s, hello-time 2.00s, forwarding-delay 15.00s',
        '\troot-id 0000.02:00:00:00:00:01, root-pathcost 4',
      ].join('\n'),
      '-tne':
        '02:00:00:00:00:01 > 01:80:c2:00:00:00, 802.3, length 38: LLC, dsap STP (0x42) Individual, ssap STP (0x42) Command, ctrl 0x03: STP 802.1d, Config, Flags [none], bridge-id 0000.02:00:00:00:00:02.8001, length 35',
    },
  },
  {
    hex: '0180c2000000020000000001002e4242030000000081000002000000000100000000000002000000000200000100140002000f000000000000000000',
    text: {
      '-tn':
        'STP 802.1d, Config, Flags [Topology change, Topology change ACK], bridge-id 0000.02:00:00:00:00:02.0000, length 43',
      '-tnv': [
        'STP 802.1d, Config, Flags [Topology change, Topology change ACK], bridge-id 0000.02:00:00:00:00:02.0000, length 43',
        '\tmessage-age 1.00s, max-age 20.00s, hello-time 2.00s, forwarding-delay 15.00s',
        '\troot-id 0000.02:00:00:00:00:01, root-pathcost 0',
      ].join('\n'),
      '-tne':
        '02:00:00:00:00:01 > 01:80:c2:00:00:00, 802.3, length 46: LLC, dsap STP (0x42) Individual, ssap STP (0x42) Command, ctrl 0x03: STP 802.1d, Config, Flags [Topology change, Topology change ACK], bridge-id 0000.02:00:00:00:00:02.0000, length 43',
    },
  },
  {
    hex: '0180c20000000200000000010027424203000002023c000002000000000100000000000002000000000200000100140002000f0000',
    text: {
      '-tn':
        'STP 802.1w, Rapid STP, Flags [Learn, Forward], bridge-id 0000.02:00:00:00:00:02.0000, length 36',
      '-tnv': [
        'STP 802.1w, Rapid STP, Flags [Learn, Forward], bridge-id 0000.02:00:00:00:00:02.0000, length 36',
        '\tmessage-age 1.00s, max-age 20.00s, hello-time 2.00s, forwarding-delay 15.00s',
        '\troot-id 0000.02:00:00:00:00:01, root-pathcost 0, port-role Designated',
      ].join('\n'),
      '-tne':
        '02:00:00:00:00:01 > 01:80:c2:00:00:00, 802.3, length 39: LLC, dsap STP (0x42) Individual, ssap STP (0x42) Command, ctrl 0x03: STP 802.1w, Rapid STP, Flags [Learn, Forward], bridge-id 0000.02:00:00:00:00:02.0000, length 36',
    },
  },
  {
    hex: '0180c2000000020000000001000700000000000080000000000000000000000000000000000000000000000000000000000000000000000000000000',
    text: {
      '-tn': [
        '02:00:00:00:00:01 > 01:80:c2:00:00:00 Null Information, send seq 0, rcv seq 0, Flags [Command], length 7',
        '\t0x0000:  0000 0000 0000 80                        .......',
      ].join('\n'),
      '-tnv': [
        '02:00:00:00:00:01 > 01:80:c2:00:00:00 Null Information, send seq 0, rcv seq 0, Flags [Command], length 7',
        '\t0x0000:  0000 0000 0000 80                        .......',
      ].join('\n'),
      '-tne': [
        '02:00:00:00:00:01 > 01:80:c2:00:00:00, 802.3, length 7: LLC, dsap Null (0x00) Individual, ssap Null (0x00) Command, ctrl 0x0000: Information, send seq 0, rcv seq 0, Flags [Command], length 7',
        '\t0x0000:  0000 0000 0000 80                        .......',
      ].join('\n'),
    },
  },
  {
    hex: '0180c2000000020000000001000700000000000902',
    text: {
      '-tn': [
        '02:00:00:00:00:01 > 01:80:c2:00:00:00 Null Information, send seq 0, rcv seq 0, Flags [Command], length 7',
        '\t0x0000:  0000 0000 0009 02                        .......',
      ].join('\n'),
      '-tnv': [
        '02:00:00:00:00:01 > 01:80:c2:00:00:00 Null Information, send seq 0, rcv seq 0, Flags [Command], length 7',
        '\t0x0000:  0000 0000 0009 02                        .......',
      ].join('\n'),
      '-tne': [
        '02:00:00:00:00:01 > 01:80:c2:00:00:00, 802.3, length 7: LLC, dsap Null (0x00) Individual, ssap Null (0x00) Command, ctrl 0x0000: Information, send seq 0, rcv seq 0, Flags [Command], length 7',
        '\t0x0000:  0000 0000 0009 02                        .......',
      ].join('\n'),
    },
  },
  {
    hex: '0180c2000000020000000001000700000000020902',
    text: {
      '-tn': [
        '02:00:00:00:00:01 > 01:80:c2:00:00:00 Null Information, send seq 0, rcv seq 0, Flags [Command], length 7',
        '\t0x0000:  0000 0000 0209 02                        .......',
      ].join('\n'),
      '-tnv': [
        '02:00:00:00:00:01 > 01:80:c2:00:00:00 Null Information, send seq 0, rcv seq 0, Flags [Command], length 7',
        '\t0x0000:  0000 0000 0209 02                        .......',
      ].join('\n'),
      '-tne': [
        '02:00:00:00:00:01 > 01:80:c2:00:00:00, 802.3, length 7: LLC, dsap Null (0x00) Individual, ssap Null (0x00) Command, ctrl 0x0000: Information, send seq 0, rcv seq 0, Flags [Command], length 7',
        '\t0x0000:  0000 0000 0209 02                        .......',
      ].join('\n'),
    },
  },
  {
    hex: '0180c200000002000000000100080000000000030200',
    text: {
      '-tn': [
        '02:00:00:00:00:01 > 01:80:c2:00:00:00 Null Information, send seq 0, rcv seq 0, Flags [Command], length 8',
        '\t0x0000:  0000 0000 0003 0200                      ........',
      ].join('\n'),
      '-tnv': [
        '02:00:00:00:00:01 > 01:80:c2:00:00:00 Null Information, send seq 0, rcv seq 0, Flags [Command], length 8',
        '\t0x0000:  0000 0000 0003 0200                      ........',
      ].join('\n'),
      '-tne': [
        '02:00:00:00:00:01 > 01:80:c2:00:00:00, 802.3, length 8: LLC, dsap Null (0x00) Individual, ssap Null (0x00) Command, ctrl 0x0000: Information, send seq 0, rcv seq 0, Flags [Command], length 8',
        '\t0x0000:  0000 0000 0003 0200                      ........',
      ].join('\n'),
    },
  },
]);

checkRows('LLC and SNAP', 1, [
  {
    hex: '0200000000020200000000010024aaaa0300000008004500001c00010000401166ce0a0000010a000002000100020008ebd8',
    text: {
      '-tn': 'IP 10.0.0.1.1 > 10.0.0.2.2: UDP, length 0',
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, 802.3, length 36: LLC, dsap SNAP (0xaa) Individual, ssap SNAP (0xaa) Command, ctrl 0x03: oui Ethernet (0x000000), ethertype IPv4 (0x0800), length 28: 10.0.0.1.1 > 10.0.0.2.2: UDP, length 0',
      '-tq': 'IP 10.0.0.1.1 > 10.0.0.2.2: UDP, length 0',
    },
  },
  {
    hex: '020000000002020000000001000baaaa0300000088b5616263',
    text: {
      '-tn': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02 SNAP, ethertype Unknown (0x88b5), length 3: ',
        '\t0x0000:  aaaa 0300 0000 88b5 6162 63              ........abc',
      ].join('\n'),
      '-tne': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02, 802.3, length 11: LLC, dsap SNAP (0xaa) Individual, ssap SNAP (0xaa) Command, ctrl 0x03: oui Ethernet (0x000000), ethertype Unknown (0x88b5), length 3: ',
        '\t0x0000:  aaaa 0300 0000 88b5 6162 63              ........abc',
      ].join('\n'),
      '-tq':
        '02:00:00:00:00:01 (oui Unknown) > 02:00:00:00:00:02 (oui Unknown) SNAP, ethertype Unknown (0x88b5), length 3: ',
    },
  },
  {
    hex: '0200000000020200000000010006aaaa03000000',
    text: {
      '-tn': ' [|snap]',
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, 802.3, length 6: LLC, dsap SNAP (0xaa) Individual, ssap SNAP (0xaa) Command, ctrl 0x03:  [|snap]',
      '-tq': ' [|snap]',
    },
  },
  {
    hex: '02000000000202000000000100024242',
    text: {
      '-tn': [' [|llc]', '\t0x0000:  4242                                     BB'].join('\n'),
      '-tne': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02, 802.3, length 2:  [|llc]',
        '\t0x0000:  4242                                     BB',
      ].join('\n'),
      '-tq': [' [|llc]', '\t0x0000:  4242                                     BB'].join('\n'),
    },
  },
  {
    hex: '0200000000020200000000010006f0f003616263',
    text: {
      '-tn': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02 NetBeui Unnumbered, ui, Flags [Command], length 6',
        '\t0x0000:  f0f0 0361 6263                           ...abc',
      ].join('\n'),
      '-tne': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02, 802.3, length 6: LLC, dsap NetBeui (0xf0) Individual, ssap NetBeui (0xf0) Command, ctrl 0x03: Unnumbered, ui, Flags [Command], length 6',
        '\t0x0000:  f0f0 0361 6263                           ...abc',
      ].join('\n'),
      '-tq':
        '02:00:00:00:00:01 (oui Unknown) > 02:00:00:00:00:02 (oui Unknown) NetBeui Unnumbered, ui, Flags [Command], length 6',
    },
  },
  {
    hex: '02000000000202000000000100050606034500',
    text: {
      '-tn': 'IP  [|ip]',
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, 802.3, length 5: LLC, dsap IP (0x06) Individual, ssap IP (0x06) Command, ctrl 0x03:  [|ip]',
      '-tq': 'IP  [|ip]',
    },
  },
  {
    hex: '02000000000202000000000100060404af810100',
    text: {
      '-tn':
        '02:00:00:00:00:01 > 02:00:00:00:00:02 SNA Unnumbered, xid, Flags [Command], length 6: 01 00',
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, 802.3, length 6: LLC, dsap SNA (0x04) Individual, ssap SNA (0x04) Command, ctrl 0xaf: Unnumbered, xid, Flags [Command], length 6: 01 00',
      '-tq':
        '02:00:00:00:00:01 (oui Unknown) > 02:00:00:00:00:02 (oui Unknown) SNA Unnumbered, xid, Flags [Command], length 6: 01 00',
    },
  },
  {
    hex: '02000000000202000000000100030404bf',
    text: {
      '-tn': '02:00:00:00:00:01 > 02:00:00:00:00:02 SNA Unnumbered, xid, Flags [Poll], length 3',
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, 802.3, length 3: LLC, dsap SNA (0x04) Individual, ssap SNA (0x04) Command, ctrl 0xbf: Unnumbered, xid, Flags [Poll], length 3',
      '-tq':
        '02:00:00:00:00:01 (oui Unknown) > 02:00:00:00:00:02 (oui Unknown) SNA Unnumbered, xid, Flags [Poll], length 3',
    },
  },
  {
    hex: '02000000000202000000000100050005e3aabb',
    text: {
      '-tn': [
        '02:00:00:00:00:01 SNA > 02:00:00:00:00:02 Null Unnumbered, test, Flags [Response], length 5',
        '\t0x0000:  0005 e3aa bb                             .....',
      ].join('\n'),
      '-tne': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02, 802.3, length 5: LLC, dsap Null (0x00) Individual, ssap SNA (0x04) Response, ctrl 0xe3: Unnumbered, test, Flags [Response], length 5',
        '\t0x0000:  0005 e3aa bb                             .....',
      ].join('\n'),
      '-tq':
        '02:00:00:00:00:01 (oui Unknown) SNA > 02:00:00:00:00:02 (oui Unknown) Null Unnumbered, test, Flags [Response], length 5',
    },
  },
  {
    hex: '0200000000020200000000010006040401046161',
    text: {
      '-tn':
        '02:00:00:00:00:01 > 02:00:00:00:00:02 SNA Supervisory, Receiver Ready, rcv seq 2, Flags [Command], length 6',
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, 802.3, length 6: LLC, dsap SNA (0x04) Individual, ssap SNA (0x04) Command, ctrl 0x0401: Supervisory, Receiver Ready, rcv seq 2, Flags [Command], length 6',
      '-tq':
        '02:00:00:00:00:01 (oui Unknown) > 02:00:00:00:00:02 (oui Unknown) SNA Supervisory, Receiver Ready, rcv seq 2, Flags [Command], length 6',
    },
  },
  {
    hex: '02000000000202000000000100040404050a',
    text: {
      '-tn':
        '02:00:00:00:00:01 > 02:00:00:00:00:02 SNA Supervisory, Receiver not Ready, rcv seq 5, Flags [Command], length 4',
      '-tne':
        '02:00:00:00:00:01 > 02:00:00:00:00:02, 802.3, length 4: LLC, dsap SNA (0x04) Individual, ssap SNA (0x04) Command, ctrl 0x0a05: Supervisory, Receiver not Ready, rcv seq 5, Flags [Command], length 4',
      '-tq':
        '02:00:00:00:00:01 (oui Unknown) > 02:00:00:00:00:02 (oui Unknown) SNA Supervisory, Receiver not Ready, rcv seq 5, Flags [Command], length 4',
    },
  },
  {
    hex: '020000000002020000000001000404040003',
    text: {
      '-tn': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02 SNA Information, send seq 0, rcv seq 1, Flags [Poll], length 4',
        '\t0x0000:  0404 0003                                ....',
      ].join('\n'),
      '-tne': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02, 802.3, length 4: LLC, dsap SNA (0x04) Individual, ssap SNA (0x04) Command, ctrl 0x0300: Information, send seq 0, rcv seq 1, Flags [Poll], length 4',
        '\t0x0000:  0404 0003                                ....',
      ].join('\n'),
      '-tq':
        '02:00:00:00:00:01 (oui Unknown) > 02:00:00:00:00:02 (oui Unknown) SNA Information, send seq 0, rcv seq 1, Flags [Poll], length 4',
    },
  },
  {
    hex: '020000000002020000000001000480aa1310',
    text: {
      '-tn': [
        '02:00:00:00:00:01 SNAP > 02:00:00:00:00:02 Unknown DSAP 0x80 Unnumbered, ui, Flags [Poll], length 4',
        '\t0x0000:  80aa 1310                                ....',
      ].join('\n'),
      '-tne': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02, 802.3, length 4: LLC, dsap Unknown (0x80) Individual, ssap SNAP (0xaa) Command, ctrl 0x13: Unnumbered, ui, Flags [Poll], length 4',
        '\t0x0000:  80aa 1310                                ....',
      ].join('\n'),
      '-tq':
        '02:00:00:00:00:01 (oui Unknown) SNAP > 02:00:00:00:00:02 (oui Unknown) Unknown DSAP 0x80 Unnumbered, ui, Flags [Poll], length 4',
    },
  },
  {
    hex: '02000000000202000000000100047e7e0faa',
    text: {
      '-tn': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02 ISO8208 Unnumbered, dm, Flags [Command], length 4',
        '\t0x0000:  7e7e 0faa                                ~~..',
      ].join('\n'),
      '-tne': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02, 802.3, length 4: LLC, dsap ISO8208 (0x7e) Individual, ssap ISO8208 (0x7e) Command, ctrl 0x0f: Unnumbered, dm, Flags [Command], length 4',
        '\t0x0000:  7e7e 0faa                                ~~..',
      ].join('\n'),
      '-tq':
        '02:00:00:00:00:01 (oui Unknown) > 02:00:00:00:00:02 (oui Unknown) ISO8208 Unnumbered, dm, Flags [Command], length 4',
    },
  },
  {
    hex: '0200000000020200000000010003aaabf3',
    text: {
      '-tn': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02 SNAP Unnumbered, test, Flags [Final], length 3',
        '\t0x0000:  aaab f3                                  ...',
      ].join('\n'),
      '-tne': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02, 802.3, length 3: LLC, dsap SNAP (0xaa) Individual, ssap SNAP (0xaa) Response, ctrl 0xf3: Unnumbered, test, Flags [Final], length 3',
        '\t0x0000:  aaab f3                                  ...',
      ].join('\n'),
      '-tq':
        '02:00:00:00:00:01 (oui Unknown) > 02:00:00:00:00:02 (oui Unknown) SNAP Unnumbered, test, Flags [Final], length 3',
    },
  },
  {
    hex: '02000000000202000000000100040c0d0203',
    text: {
      '-tn': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02 Unknown DSAP 0x0c Information, send seq 1, rcv seq 1, Flags [Final], length 4',
        '\t0x0000:  0c0d 0203                                ....',
      ].join('\n'),
      '-tne': [
        '02:00:00:00:00:01 > 02:00:00:00:00:02, 802.3, length 4: LLC, dsap Unknown (0x0c) Individual, ssap Unknown (0x0c) Response, ctrl 0x0302: Information, send seq 1, rcv seq 1, Flags [Final], length 4',
        '\t0x0000:  0c0d 0203                                ....',
      ].join('\n'),
      '-tq':
        '02:00:00:00:00:01 (oui Unknown) > 02:00:00:00:00:02 (oui Unknown) Unknown DSAP 0x0c Information, send seq 1, rcv seq 1, Flags [Final], length 4',
    },
  },
]);
