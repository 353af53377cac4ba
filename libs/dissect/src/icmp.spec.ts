import { checkRows } from './spec-rows.js';

// What tcpdump 4.99.3 prints for the same bytes. Errors with the packets that they quote.

checkRows('ICMP messages', 1, [
  {
    hex: '02000000000202000000000108004500005400010000400166a60a0000010a0000020000d282004d00037878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP echo reply, id 77, seq 3, length 64',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 84)',
        '    10.0.0.1 > 10.0.0.2: ICMP echo reply, id 77, seq 3, length 64',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500005400010000400166a60a0000010a0000020800ca82004d00037878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 77, seq 3, length 64',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 84)',
        '    10.0.0.1 > 10.0.0.2: ICMP echo request, id 77, seq 3, length 64',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004510001f00014000210145cb0a0000010a0000020800339c00010000616263',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 0, length 11',
      '-tnv': [
        'IP (tos 0x10, ttl 33, id 1, offset 0, flags [DF], proto ICMP (1), length 31)',
        '    10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 0, length 11',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002800010000400166d20a0000010a0000020d0003c7000300040036eefb0000000000000000',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP time stamp query id 3 seq 4, length 20',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 40)',
        '    10.0.0.1 > 10.0.0.2: ICMP time stamp query id 3 seq 4, length 20',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002800010000400166d20a0000010a0000020e008b35000300040036eefb05265bffee6b2800',
    text: {
      '-tn':
        'IP 10.0.0.1 > 10.0.0.2: ICMP time stamp reply id 3 seq 4: org 01:00:00.123, recv 23:59:59.999, xmit 1111:06:40.000, length 20',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 40)',
        '    10.0.0.1 > 10.0.0.2: ICMP time stamp reply id 3 seq 4: org 01:00:00.123, recv 23:59:59.999, xmit 1111:06:40.000, length 20',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002000010000400166da0a0000010a0000020400fcfe00000000ffffff00',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP source quench, length 12',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 32)',
        '    10.0.0.1 > 10.0.0.2: ICMP source quench, length 12',
        '\tIP15 (invalid)',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002000010000400166da0a0000010a0000020a00f6fe00000000ffffff00',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP router solicitation, length 12',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 32)',
        '    10.0.0.1 > 10.0.0.2: ICMP router solicitation, length 12',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002000010000400166da0a0000010a0000020f00f1fe00000000ffffff00',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP information request, length 12',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 32)',
        '    10.0.0.1 > 10.0.0.2: ICMP information request, length 12',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002000010000400166da0a0000010a0000021000f0fe00000000ffffff00',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP information reply, length 12',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 32)',
        '    10.0.0.1 > 10.0.0.2: ICMP information reply, length 12',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002400010000400166d60a0000010a0000021100effe0000000000000000ffffff00',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP address mask request, length 16',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 36)',
        '    10.0.0.1 > 10.0.0.2: ICMP address mask request, length 16',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002400010000400166d60a0000010a0000021200eefe0000000000000000ffffff00',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP address mask is 0x00000000, length 16',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 36)',
        '    10.0.0.1 > 10.0.0.2: ICMP address mask is 0x00000000, length 16',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002000010000400166da0a0000010a0000021e00e2fe00000000ffffff00',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP type-#30, length 12',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 32)',
        '    10.0.0.1 > 10.0.0.2: ICMP type-#30, length 12',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002000010000400166da0a0000010a0000022a00d6fe00000000ffffff00',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP type-#42, length 12',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 32)',
        '    10.0.0.1 > 10.0.0.2: ICMP type-#42, length 12',
      ].join('\n'),
    },
  },
]);

checkRows('ICMP errors', 1, [
  {
    hex: '02000000000202000000000108004500004400010000400166b60a0000010a00000203001130000000004500002800090000401166b20a0000020a00000904d2003500147442686868686868686868686868',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP net 10.0.0.9 unreachable, length 48',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 68)',
        '    10.0.0.1 > 10.0.0.2: ICMP net 10.0.0.9 unreachable, length 48',
        '\tIP (tos 0x0, ttl 64, id 9, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.2.1234 > 10.0.0.9.53: 26728 updateMA [b2&3=0x6868] [26728a] [26728q] [26728n] [26728au] [|domain]',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500004400010000400166b60a0000010a0000020301112f000000004500002800090000401166b20a0000020a00000904d2003500147442686868686868686868686868',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP host 10.0.0.9 unreachable, length 48',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 68)',
        '    10.0.0.1 > 10.0.0.2: ICMP host 10.0.0.9 unreachable, length 48',
        '\tIP (tos 0x0, ttl 64, id 9, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.2.1234 > 10.0.0.9.53: 26728 updateMA [b2&3=0x6868] [26728a] [26728q] [26728n] [26728au] [|domain]',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500004400010000400166b60a0000010a0000020302112e000000004500002800090000401166b20a0000020a00000904d2003500147442686868686868686868686868',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.9 protocol 17 unreachable, length 48',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 68)',
        '    10.0.0.1 > 10.0.0.2: ICMP 10.0.0.9 protocol 17 unreachable, length 48',
        '\tIP (tos 0x0, ttl 64, id 9, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.2.1234 > 10.0.0.9.53: 26728 updateMA [b2&3=0x6868] [26728a] [26728q] [26728n] [26728au] [|domain]',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500004400010000400166b60a0000010a0000020303112d000000004500002800090000401166b20a0000020a00000904d2003500147442686868686868686868686868',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.9 udp port 53 unreachable, length 48',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 68)',
        '    10.0.0.1 > 10.0.0.2: ICMP 10.0.0.9 udp port 53 unreachable, length 48',
        '\tIP (tos 0x0, ttl 64, id 9, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.2.1234 > 10.0.0.9.53: 26728 updateMA [b2&3=0x6868] [26728a] [26728q] [26728n] [26728au] [|domain]',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500004400010000400166b60a0000010a0000020304112c000000004500002800090000401166b20a0000020a00000904d2003500147442686868686868686868686868',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.9 unreachable - need to frag, length 48',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 68)',
        '    10.0.0.1 > 10.0.0.2: ICMP 10.0.0.9 unreachable - need to frag, length 48',
        '\tIP (tos 0x0, ttl 64, id 9, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.2.1234 > 10.0.0.9.53: 26728 updateMA [b2&3=0x6868] [26728a] [26728q] [26728n] [26728au] [|domain]',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500004400010000400166b60a0000010a00000203091127000000004500002800090000401166b20a0000020a00000904d2003500147442686868686868686868686868',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP net 10.0.0.9 unreachable - admin prohibited, length 48',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 68)',
        '    10.0.0.1 > 10.0.0.2: ICMP net 10.0.0.9 unreachable - admin prohibited, length 48',
        '\tIP (tos 0x0, ttl 64, id 9, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.2.1234 > 10.0.0.9.53: 26728 updateMA [b2&3=0x6868] [26728a] [26728q] [26728n] [26728au] [|domain]',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500004400010000400166b60a0000010a000002030d1123000000004500002800090000401166b20a0000020a00000904d2003500147442686868686868686868686868',
    text: {
      '-tn':
        'IP 10.0.0.1 > 10.0.0.2: ICMP host 10.0.0.9 unreachable - admin prohibited filter, length 48',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 68)',
        '    10.0.0.1 > 10.0.0.2: ICMP host 10.0.0.9 unreachable - admin prohibited filter, length 48',
        '\tIP (tos 0x0, ttl 64, id 9, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.2.1234 > 10.0.0.9.53: 26728 updateMA [b2&3=0x6868] [26728a] [26728q] [26728n] [26728au] [|domain]',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500004400010000400166b60a0000010a00000203101120000000004500002800090000401166b20a0000020a00000904d2003500147442686868686868686868686868',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.9 unreachable - #16, length 48',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 68)',
        '    10.0.0.1 > 10.0.0.2: ICMP 10.0.0.9 unreachable - #16, length 48',
        '\tIP (tos 0x0, ttl 64, id 9, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.2.1234 > 10.0.0.9.53: 26728 updateMA [b2&3=0x6868] [26728a] [26728q] [26728n] [26728au] [|domain]',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500004400010000400166b60a0000010a00000203031122000000004500002800090000400666bd0a0000020a00000904d2005000000000000000005002200076b60000',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.9 tcp port 80 unreachable, length 48',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 68)',
        '    10.0.0.1 > 10.0.0.2: ICMP 10.0.0.9 tcp port 80 unreachable, length 48',
        '\tIP (tos 0x0, ttl 64, id 9, offset 0, flags [none], proto TCP (6), length 40)',
        '    10.0.0.2.1234 > 10.0.0.9.80: Flags [S], cksum 0x76b6 (correct), seq 0, win 8192, length 0',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500004400010000400166b60a0000010a00000203040ba9000005784500002800090000400666bd0a0000020a00000904d2005000000000000000005002200076b60000',
    text: {
      '-tn':
        'IP 10.0.0.1 > 10.0.0.2: ICMP 10.0.0.9 unreachable - need to frag (mtu 1400), length 48',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 68)',
        '    10.0.0.1 > 10.0.0.2: ICMP 10.0.0.9 unreachable - need to frag (mtu 1400), length 48',
        '\tIP (tos 0x0, ttl 64, id 9, offset 0, flags [none], proto TCP (6), length 40)',
        '    10.0.0.2.1234 > 10.0.0.9.80: Flags [S], cksum 0x76b6 (correct), seq 0, win 8192, length 0',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500004400010000400166b60a0000010a000002050004320a0000fe4500002800090000401166b20a0000020a00000904d2003500147442686868686868686868686868',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP redirect 10.0.0.9 to net 10.0.0.254, length 48',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 68)',
        '    10.0.0.1 > 10.0.0.2: ICMP redirect 10.0.0.9 to net 10.0.0.254, length 48',
        '\tIP (tos 0x0, ttl 64, id 9, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.2.1234 > 10.0.0.9.53: 26728 updateMA [b2&3=0x6868] [26728a] [26728q] [26728n] [26728au] [|domain]',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500004400010000400166b60a0000010a000002050104310a0000fe4500002800090000401166b20a0000020a00000904d2003500147442686868686868686868686868',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP redirect 10.0.0.9 to host 10.0.0.254, length 48',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 68)',
        '    10.0.0.1 > 10.0.0.2: ICMP redirect 10.0.0.9 to host 10.0.0.254, length 48',
        '\tIP (tos 0x0, ttl 64, id 9, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.2.1234 > 10.0.0.9.53: 26728 updateMA [b2&3=0x6868] [26728a] [26728q] [26728n] [26728au] [|domain]',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500004400010000400166b60a0000010a000002050204300a0000fe4500002800090000401166b20a0000020a00000904d2003500147442686868686868686868686868',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP redirect-tos 10.0.0.9 to net 10.0.0.254, length 48',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 68)',
        '    10.0.0.1 > 10.0.0.2: ICMP redirect-tos 10.0.0.9 to net 10.0.0.254, length 48',
        '\tIP (tos 0x0, ttl 64, id 9, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.2.1234 > 10.0.0.9.53: 26728 updateMA [b2&3=0x6868] [26728a] [26728q] [26728n] [26728au] [|domain]',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500004400010000400166b60a0000010a0000020503042f0a0000fe4500002800090000401166b20a0000020a00000904d2003500147442686868686868686868686868',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP redirect-tos 10.0.0.9 to host 10.0.0.254, length 48',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 68)',
        '    10.0.0.1 > 10.0.0.2: ICMP redirect-tos 10.0.0.9 to host 10.0.0.254, length 48',
        '\tIP (tos 0x0, ttl 64, id 9, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.2.1234 > 10.0.0.9.53: 26728 updateMA [b2&3=0x6868] [26728a] [26728q] [26728n] [26728au] [|domain]',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500004400010000400166b60a0000010a0000020504042e0a0000fe4500002800090000401166b20a0000020a00000904d2003500147442686868686868686868686868',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP redirect-#4 10.0.0.9 to 10.0.0.254, length 48',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 68)',
        '    10.0.0.1 > 10.0.0.2: ICMP redirect-#4 10.0.0.9 to 10.0.0.254, length 48',
        '\tIP (tos 0x0, ttl 64, id 9, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.2.1234 > 10.0.0.9.53: 26728 updateMA [b2&3=0x6868] [26728a] [26728q] [26728n] [26728au] [|domain]',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500004400010000400166b60a0000010a0000020b000930000000004500002800090000401166b20a0000020a00000904d2003500147442686868686868686868686868',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP time exceeded in-transit, length 48',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 68)',
        '    10.0.0.1 > 10.0.0.2: ICMP time exceeded in-transit, length 48',
        '\tIP (tos 0x0, ttl 64, id 9, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.2.1234 > 10.0.0.9.53: 26728 updateMA [b2&3=0x6868] [26728a] [26728q] [26728n] [26728au] [|domain]',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500004400010000400166b60a0000010a0000020b01092f000000004500002800090000401166b20a0000020a00000904d2003500147442686868686868686868686868',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP ip reassembly time exceeded, length 48',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 68)',
        '    10.0.0.1 > 10.0.0.2: ICMP ip reassembly time exceeded, length 48',
        '\tIP (tos 0x0, ttl 64, id 9, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.2.1234 > 10.0.0.9.53: 26728 updateMA [b2&3=0x6868] [26728a] [26728q] [26728n] [26728au] [|domain]',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500004400010000400166b60a0000010a0000020b02092e000000004500002800090000401166b20a0000020a00000904d2003500147442686868686868686868686868',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP time exceeded-#2, length 48',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 68)',
        '    10.0.0.1 > 10.0.0.2: ICMP time exceeded-#2, length 48',
        '\tIP (tos 0x0, ttl 64, id 9, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.2.1234 > 10.0.0.9.53: 26728 updateMA [b2&3=0x6868] [26728a] [26728q] [26728n] [26728au] [|domain]',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500004400010000400166b60a0000010a0000020c00f42f140000004500002800090000401166b20a0000020a00000904d2003500147442686868686868686868686868',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP parameter problem - octet 20, length 48',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 68)',
        '    10.0.0.1 > 10.0.0.2: ICMP parameter problem - octet 20, length 48',
        '\tIP (tos 0x0, ttl 64, id 9, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.2.1234 > 10.0.0.9.53: 26728 updateMA [b2&3=0x6868] [26728a] [26728q] [26728n] [26728au] [|domain]',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500004400010000400166b60a0000010a0000020c01082f000000004500002800090000401166b20a0000020a00000904d2003500147442686868686868686868686868',
    text: {
      '-tn': 'IP 10.0.0.1 > 10.0.0.2: ICMP parameter problem - code 1, length 48',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 68)',
        '    10.0.0.1 > 10.0.0.2: ICMP parameter problem - code 1, length 48',
        '\tIP (tos 0x0, ttl 64, id 9, offset 0, flags [none], proto UDP (17), length 40)',
        '    10.0.0.2.1234 > 10.0.0.9.53: 26728 updateMA [b2&3=0x6868] [26728a] [26728q] [26728n] [26728au] [|domain]',
      ].join('\n'),
    },
  },
]);
