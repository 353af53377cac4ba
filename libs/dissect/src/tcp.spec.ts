import { checkRows } from './spec-rows.js';

// What tcpdump 4.99.3 prints for the same bytes. One conversation, then single segments; relative numbers depend on the rows before.

checkRows('TCP conversation', 1, [
  {
    hex: '02000000000202000000000108004500003c00054000400626b50a0000010a0000029c401389000003e800000000a002faf084f70000020405b40402080a000000640000000001030307',
    text: {
      '-tn':
        'IP 10.0.0.1.40000 > 10.0.0.2.5001: Flags [S], seq 1000, win 64240, options [mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7], length 0',
      '-tnS':
        'IP 10.0.0.1.40000 > 10.0.0.2.5001: Flags [S], seq 1000, win 64240, options [mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7], length 0',
      '-tnvv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 60)',
        '    10.0.0.1.40000 > 10.0.0.2.5001: Flags [S], cksum 0x84f7 (correct), seq 1000, win 64240, options [mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7], length 0',
      ].join('\n'),
      '-tnq': 'IP 10.0.0.1.40000 > 10.0.0.2.5001: tcp 0',
    },
  },
  {
    hex: '02000000000202000000000108004500003c00054000400626b50a0000020a00000113899c4000002328000003e9a01220003caf0000020405b40402080a000000640000000001030307',
    text: {
      '-tn':
        'IP 10.0.0.2.5001 > 10.0.0.1.40000: Flags [S.], seq 9000, ack 1001, win 8192, options [mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7], length 0',
      '-tnS':
        'IP 10.0.0.2.5001 > 10.0.0.1.40000: Flags [S.], seq 9000, ack 1001, win 8192, options [mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7], length 0',
      '-tnvv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 60)',
        '    10.0.0.2.5001 > 10.0.0.1.40000: Flags [S.], cksum 0x3caf (correct), seq 9000, ack 1001, win 8192, options [mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7], length 0',
      ].join('\n'),
      '-tnq': 'IP 10.0.0.2.5001 > 10.0.0.1.40000: tcp 0',
    },
  },
  {
    hex: '02000000000202000000000108004500003400054000400626bd0a0000010a0000029c401389000003e900002329801020006ab300000101080a000000c800000064',
    text: {
      '-tn':
        'IP 10.0.0.1.40000 > 10.0.0.2.5001: Flags [.], ack 1, win 8192, options [nop,nop,TS val 200 ecr 100], length 0',
      '-tnS':
        'IP 10.0.0.1.40000 > 10.0.0.2.5001: Flags [.], ack 9001, win 8192, options [nop,nop,TS val 200 ecr 100], length 0',
      '-tnvv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 52)',
        '    10.0.0.1.40000 > 10.0.0.2.5001: Flags [.], cksum 0x6ab3 (correct), seq 1, ack 1, win 8192, options [nop,nop,TS val 200 ecr 100], length 0',
      ].join('\n'),
      '-tnq': 'IP 10.0.0.1.40000 > 10.0.0.2.5001: tcp 0',
    },
  },
  {
    hex: '02000000000202000000000108004500003900054000400626b80a0000010a0000029c401389000003e9000023298018200026d400000101080a000000c80000006468656c6c6f',
    text: {
      '-tn':
        'IP 10.0.0.1.40000 > 10.0.0.2.5001: Flags [P.], seq 1:6, ack 1, win 8192, options [nop,nop,TS val 200 ecr 100], length 5',
      '-tnS':
        'IP 10.0.0.1.40000 > 10.0.0.2.5001: Flags [P.], seq 1001:1006, ack 9001, win 8192, options [nop,nop,TS val 200 ecr 100], length 5',
      '-tnvv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 57)',
        '    10.0.0.1.40000 > 10.0.0.2.5001: Flags [P.], cksum 0x26d4 (correct), seq 1:6, ack 1, win 8192, options [nop,nop,TS val 200 ecr 100], length 5',
      ].join('\n'),
      '-tnq': 'IP 10.0.0.1.40000 > 10.0.0.2.5001: tcp 5',
    },
  },
  {
    hex: '02000000000202000000000108004500003400054000400626bd0a0000020a00000113899c4000002329000003ee801020006aae00000101080a000000c800000064',
    text: {
      '-tn':
        'IP 10.0.0.2.5001 > 10.0.0.1.40000: Flags [.], ack 6, win 8192, options [nop,nop,TS val 200 ecr 100], length 0',
      '-tnS':
        'IP 10.0.0.2.5001 > 10.0.0.1.40000: Flags [.], ack 1006, win 8192, options [nop,nop,TS val 200 ecr 100], length 0',
      '-tnvv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 52)',
        '    10.0.0.2.5001 > 10.0.0.1.40000: Flags [.], cksum 0x6aae (correct), seq 1, ack 6, win 8192, options [nop,nop,TS val 200 ecr 100], length 0',
      ].join('\n'),
      '-tnq': 'IP 10.0.0.2.5001 > 10.0.0.1.40000: tcp 0',
    },
  },
  {
    hex: '02000000000202000000000108004500003c00054000400626b50a0000020a00000113899c4000002329000003eea01020003b420000010105120000044c000004b00000051400000578',
    text: {
      '-tn':
        'IP 10.0.0.2.5001 > 10.0.0.1.40000: Flags [.], ack 6, win 8192, options [nop,nop,sack 2 {100:200}{300:400}], length 0',
      '-tnS':
        'IP 10.0.0.2.5001 > 10.0.0.1.40000: Flags [.], ack 1006, win 8192, options [nop,nop,sack 2 {1100:1200}{1300:1400}], length 0',
      '-tnvv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 60)',
        '    10.0.0.2.5001 > 10.0.0.1.40000: Flags [.], cksum 0x3b42 (correct), seq 1, ack 6, win 8192, options [nop,nop,sack 2 {100:200}{300:400}], length 0',
      ].join('\n'),
      '-tnq': 'IP 10.0.0.2.5001 > 10.0.0.1.40000: tcp 0',
    },
  },
  {
    hex: '02000000000202000000000108004500003400054000400626bd0a0000010a0000029c401389000003ee0000232980102000275e00000101050a0000238c000023f0',
    text: {
      '-tn':
        'IP 10.0.0.1.40000 > 10.0.0.2.5001: Flags [.], ack 1, win 8192, options [nop,nop,sack 1 {100:200}], length 0',
      '-tnS':
        'IP 10.0.0.1.40000 > 10.0.0.2.5001: Flags [.], ack 9001, win 8192, options [nop,nop,sack 1 {9100:9200}], length 0',
      '-tnvv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 52)',
        '    10.0.0.1.40000 > 10.0.0.2.5001: Flags [.], cksum 0x275e (correct), seq 6, ack 1, win 8192, options [nop,nop,sack 1 {100:200}], length 0',
      ].join('\n'),
      '-tnq': 'IP 10.0.0.1.40000 > 10.0.0.2.5001: tcp 0',
    },
  },
  {
    hex: '02000000000202000000000108004500002800054000400626c90a0000010a0000029c401389000003ee0000232950112000a4f00000',
    text: {
      '-tn': 'IP 10.0.0.1.40000 > 10.0.0.2.5001: Flags [F.], seq 6, ack 1, win 8192, length 0',
      '-tnS':
        'IP 10.0.0.1.40000 > 10.0.0.2.5001: Flags [F.], seq 1006, ack 9001, win 8192, length 0',
      '-tnvv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 40)',
        '    10.0.0.1.40000 > 10.0.0.2.5001: Flags [F.], cksum 0xa4f0 (correct), seq 6, ack 1, win 8192, length 0',
      ].join('\n'),
      '-tnq': 'IP 10.0.0.1.40000 > 10.0.0.2.5001: tcp 0',
    },
  },
  {
    hex: '02000000000202000000000108004500002800054000400626c90a0000020a00000113899c4000002329000003ef50112000a4ef0000',
    text: {
      '-tn': 'IP 10.0.0.2.5001 > 10.0.0.1.40000: Flags [F.], seq 1, ack 7, win 8192, length 0',
      '-tnS':
        'IP 10.0.0.2.5001 > 10.0.0.1.40000: Flags [F.], seq 9001, ack 1007, win 8192, length 0',
      '-tnvv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 40)',
        '    10.0.0.2.5001 > 10.0.0.1.40000: Flags [F.], cksum 0xa4ef (correct), seq 1, ack 7, win 8192, length 0',
      ].join('\n'),
      '-tnq': 'IP 10.0.0.2.5001 > 10.0.0.1.40000: tcp 0',
    },
  },
  {
    hex: '02000000000202000000000108004500002800054000400626c90a0000010a0000029c401389000003ef0000232a50102000a4ef0000',
    text: {
      '-tn': 'IP 10.0.0.1.40000 > 10.0.0.2.5001: Flags [.], ack 2, win 8192, length 0',
      '-tnS': 'IP 10.0.0.1.40000 > 10.0.0.2.5001: Flags [.], ack 9002, win 8192, length 0',
      '-tnvv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 40)',
        '    10.0.0.1.40000 > 10.0.0.2.5001: Flags [.], cksum 0xa4ef (correct), seq 7, ack 2, win 8192, length 0',
      ].join('\n'),
      '-tnq': 'IP 10.0.0.1.40000 > 10.0.0.2.5001: tcp 0',
    },
  },
  {
    hex: '02000000000202000000000108004500002800054000400626c90a0000020a00000113899c400000232a0000000050042000a8ea0000',
    text: {
      '-tn': 'IP 10.0.0.2.5001 > 10.0.0.1.40000: Flags [R], seq 9002, win 8192, length 0',
      '-tnS': 'IP 10.0.0.2.5001 > 10.0.0.1.40000: Flags [R], seq 9002, win 8192, length 0',
      '-tnvv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 40)',
        '    10.0.0.2.5001 > 10.0.0.1.40000: Flags [R], cksum 0xa8ea (correct), seq 9002, win 8192, length 0',
      ].join('\n'),
      '-tnq': 'IP 10.0.0.2.5001 > 10.0.0.1.40000: tcp 0',
    },
  },
  {
    hex: '02000000000202000000000108004500002800054000400626c90a0000020a00000100519c4100000000000007d150142000d76a0000',
    text: {
      '-tn': 'IP 10.0.0.2.81 > 10.0.0.1.40001: Flags [R.], seq 0, ack 2001, win 8192, length 0',
      '-tnS': 'IP 10.0.0.2.81 > 10.0.0.1.40001: Flags [R.], seq 0, ack 2001, win 8192, length 0',
      '-tnvv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 40)',
        '    10.0.0.2.81 > 10.0.0.1.40001: Flags [R.], cksum 0xd76a (correct), seq 0, ack 2001, win 8192, length 0',
      ].join('\n'),
      '-tnq': 'IP 10.0.0.2.81 > 10.0.0.1.40001: tcp 0',
    },
  },
  {
    hex: '02000000000202000000000108004500002900054000400626c80a0000010a00000200160016000000050000000650102000019a00007a',
    text: {
      '-tn': 'IP 10.0.0.1.22 > 10.0.0.2.22: Flags [.], seq 5:6, ack 6, win 8192, length 1',
      '-tnS': 'IP 10.0.0.1.22 > 10.0.0.2.22: Flags [.], seq 5:6, ack 6, win 8192, length 1',
      '-tnvv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 41)',
        '    10.0.0.1.22 > 10.0.0.2.22: Flags [.], cksum 0x019a (correct), seq 5:6, ack 6, win 8192, length 1',
      ].join('\n'),
      '-tnq': 'IP 10.0.0.1.22 > 10.0.0.2.22: tcp 1',
    },
  },
  {
    hex: '02000000000202000000000108004500002800054000400626c90a0000020a000001001600160000000600000006501020007b9a0000',
    text: {
      '-tn': 'IP 10.0.0.2.22 > 10.0.0.1.22: Flags [.], ack 1, win 8192, length 0',
      '-tnS': 'IP 10.0.0.2.22 > 10.0.0.1.22: Flags [.], ack 6, win 8192, length 0',
      '-tnvv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 40)',
        '    10.0.0.2.22 > 10.0.0.1.22: Flags [.], cksum 0x7b9a (correct), seq 1, ack 1, win 8192, length 0',
      ].join('\n'),
      '-tnq': 'IP 10.0.0.2.22 > 10.0.0.1.22: tcp 0',
    },
  },
]);

checkRows('TCP flags and options', 1, [
  {
    hex: '02000000000202000000000108004500002800054000400626c90a0000010a00000200010002000000050000000650ff20007ace0007',
    text: {
      '-tn':
        'IP 10.0.0.1.1 > 10.0.0.2.2: Flags [FSRP.UEW], seq 5, ack 6, win 8192, urg 7, length 0',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 40)',
        '    10.0.0.1.1 > 10.0.0.2.2: Flags [FSRP.UEW], cksum 0x7ace (correct), seq 5, ack 6, win 8192, urg 7, length 0',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002800054000400626c90a0000010a000002000100020000000500000006500020007bd40000',
    text: {
      '-tn': 'IP 10.0.0.1.1 > 10.0.0.2.2: Flags [none], win 8192, length 0',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 40)',
        '    10.0.0.1.1 > 10.0.0.2.2: Flags [none], cksum 0x7bd4 (correct), win 8192, length 0',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002800054000400626c90a0000010a00000200010002000000050000000650c220007b120000',
    text: {
      '-tn': 'IP 10.0.0.1.1 > 10.0.0.2.2: Flags [SEW], seq 5, win 8192, length 0',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 40)',
        '    10.0.0.1.1 > 10.0.0.2.2: Flags [SEW], cksum 0x7b12 (correct), seq 5, win 8192, length 0',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002800054000400626c90a0000010a00000200010002000000050000000651ff200079d50000',
    text: {
      '-tn':
        'IP 10.0.0.1.1 > 10.0.0.2.2: Flags [FSRP.UEW], seq 5, ack 6, win 8192, urg 0, length 0',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 40)',
        '    10.0.0.1.1 > 10.0.0.2.2: Flags [FSRP.UEW], cksum 0x79d5 (correct), seq 5, ack 6, win 8192, urg 0, length 0',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002c00054000400626c50a0000010a000002000100020000000500000006600220006bce000000000000',
    text: {
      '-tn': 'IP 10.0.0.1.1 > 10.0.0.2.2: Flags [S], seq 5, win 8192, options [eol], length 0',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 44)',
        '    10.0.0.1.1 > 10.0.0.2.2: Flags [S], cksum 0x6bce (correct), seq 5, win 8192, options [eol], length 0',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500003400054000400626bd0a0000010a0000020001000200000005000000068002200076240000220a61626364656667682202',
    text: {
      '-tn':
        'IP 10.0.0.1.1 > 10.0.0.2.2: Flags [S], seq 5, win 8192, options [tfo  cookie 6162636465666768,tfo  cookiereq], length 0',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 52)',
        '    10.0.0.1.1 > 10.0.0.2.2: Flags [S], cksum 0x7624 (correct), seq 5, win 8192, options [tfo  cookie 6162636465666768,tfo  cookiereq], length 0',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500003400054000400626bd0a0000010a00000200010002000000050000000680022000bd250000fd0a61626364656667680000',
    text: {
      '-tn':
        'IP 10.0.0.1.1 > 10.0.0.2.2: Flags [S], seq 5, win 8192, options [unknown-253 0x6162636465666768,eol], length 0',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 52)',
        '    10.0.0.1.1 > 10.0.0.2.2: Flags [S], cksum 0xbd25 (correct), seq 5, win 8192, options [unknown-253 0x6162636465666768,eol], length 0',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500004000054000400626b10a0000010a000002000100020000000500000006b0022000150a0000630461621312303132333435363738396162636465660000',
    text: {
      '-tn':
        "IP 10.0.0.1.1 > 10.0.0.2.2: Flags [S], seq 5, win 8192, options [unknown-99 0x6162,md5 shared secret not supplied with -M, can't check - 30313233343536373839616263646566,eol], length 0",
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 64)',
        "    10.0.0.1.1 > 10.0.0.2.2: Flags [S], cksum 0x150a (correct), seq 5, win 8192, options [unknown-99 0x6162,md5 shared secret not supplied with -M, can't check - 30313233343536373839616263646566,eol], length 0",
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500003c00054000400626b50a0000010a000002000100020000000500000006a0022000f83300001c0480101b083132333435361d08010261626364',
    text: {
      '-tn':
        'IP 10.0.0.1.1 > 10.0.0.2.2: Flags [S], seq 5, win 8192, options [uto 0x8010 16392,unknown-27 0x313233343536,tcp-ao keyid 1 rnextkeyid 2 mac 0x61626364], length 0',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 60)',
        '    10.0.0.1.1 > 10.0.0.2.2: Flags [S], cksum 0xf833 (correct), seq 5, win 8192, options [uto 0x8010 16392,unknown-27 0x313233343536,tcp-ao keyid 1 rnextkeyid 2 mac 0x61626364], length 0',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500003000054000400626c10a0000010a000002000100020000000500000006700220004ac500000e05010002000000',
    text: {
      '-tn':
        'IP 10.0.0.1.1 > 10.0.0.2.2: Flags [S], seq 5, win 8192, options [unknown-14 0x010002,eol], length 0',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 48)',
        '    10.0.0.1.1 > 10.0.0.2.2: Flags [S], cksum 0x4ac5 (correct), seq 5, win 8192, options [unknown-14 0x010002,eol], length 0',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002800054000400626c90a0000010a0000020001000200000005000000065002200011110000',
    text: {
      '-tn': 'IP 10.0.0.1.1 > 10.0.0.2.2: Flags [S], seq 5, win 8192, length 0',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 40)',
        '    10.0.0.1.1 > 10.0.0.2.2: Flags [S], cksum 0x1111 (incorrect -> 0x7bd2), seq 5, win 8192, length 0',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002c00054000400626c50a0000010a0000020001000200000005000000063002200094160000020405b4',
    text: {
      '-tn': 'IP 10.0.0.1.1 > 10.0.0.2.2:  tcp 12 [bad hdr length 12 - too short, < 20]',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 44)',
        '    10.0.0.1.1 > 10.0.0.2.2:  tcp 12 [bad hdr length 12 - too short, < 20]',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002800054000400626c90a0000010a000002000100020000000500000006f0022000dbd10000',
    text: {
      '-tn': 'IP 10.0.0.1.1 > 10.0.0.2.2: Flags [S] [bad hdr length 60 - too long, > 20]',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 40)',
        '    10.0.0.1.1 > 10.0.0.2.2: Flags [S] [bad hdr length 60 - too long, > 20]',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500003000054000400626c10a0000010a00000200010002000000050000000670102000925400000505616263000000',
    text: {
      '-tn':
        'IP 10.0.0.1.1 > 10.0.0.2.2: Flags [.], ack 1, win 8192, options [sack invalid sack,eol], length 0',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 48)',
        '    10.0.0.1.1 > 10.0.0.2.2: Flags [.], cksum 0x9254 (correct), ack 1, win 8192, options [sack invalid sack,eol], length 0',
      ].join('\n'),
    },
  },
  {
    hex: '02000000000202000000000108004500002f00054000400626c20a0000010a0000020001000200000005000000065004200003970000676f2061776179',
    text: {
      '-tn': 'IP 10.0.0.1.1 > 10.0.0.2.2: Flags [R], seq 5:12, win 8192, length 7',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 47)',
        '    10.0.0.1.1 > 10.0.0.2.2: Flags [R], cksum 0x0397 (correct), seq 5:12, win 8192, length 7 [RST go away]',
      ].join('\n'),
    },
  },
]);

checkRows('TCP over IPv6', 1, [
  {
    hex: '02000000000202000000000186dd600000000014064020010db800010000000000000000000220010db800010000000000000000000103e807d000000000000000005002200028b40000',
    text: {
      '-tn': 'IP6 2001:db8:1::2.1000 > 2001:db8:1::1.2000: Flags [S], seq 0, win 8192, length 0',
      '-tnv':
        'IP6 (hlim 64, next-header TCP (6) payload length: 20) 2001:db8:1::2.1000 > 2001:db8:1::1.2000: Flags [S], cksum 0x28b4 (correct), seq 0, win 8192, length 0',
    },
  },
  {
    hex: '02000000000202000000000186dd600000000014064020010db800010000000000000000000220010db800010000000000000000000103e807d000000000000000005002200000010000',
    text: {
      '-tn': 'IP6 2001:db8:1::2.1000 > 2001:db8:1::1.2000: Flags [S], seq 0, win 8192, length 0',
      '-tnv':
        'IP6 (hlim 64, next-header TCP (6) payload length: 20) 2001:db8:1::2.1000 > 2001:db8:1::1.2000: Flags [S], cksum 0x0001 (incorrect -> 0x28b4), seq 0, win 8192, length 0',
    },
  },
]);

checkRows('TCP cut off', 1, [
  {
    hex: '02000000000202000000000108004500003c00054000400626b50a0000010a0000029c401389000003e800000000a002faf084f70000020405b40402',
    length: 74,
    text: {
      '-tn':
        'IP 10.0.0.1.40000 > 10.0.0.2.5001: Flags [S], seq 1000, win 64240, options [mss 1460,sackOK, [|tcp]',
      '-tnv': [
        'IP (tos 0x0, ttl 64, id 5, offset 0, flags [DF], proto TCP (6), length 60)',
        '    10.0.0.1.40000 > 10.0.0.2.5001: Flags [S], seq 1000, win 64240, options [mss 1460,sackOK, [|tcp]',
      ].join('\n'),
    },
  },
]);
