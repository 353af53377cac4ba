import fc from 'fast-check';
import { bpfCheckClassic, bpfDump, bpfRun, compileFilter, FilterError } from './index.js';

const EN = 1;
const RAW = 101;
const SLL2 = 276;

function hex(text: string): Uint8Array {
  const digits = text.replaceAll(/\s/g, '');
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}

const MACS = '020000000002 020000000001';
const PACKETS = {
  syn: hex(
    `${MACS} 0800 4500003c1c4640004006b1e60a0000010a000002 c3500050 00000001 00000000 a002fad0 00000000
     020405b40402080a0000000100000000 01030307`,
  ),
  synAck: hex(
    `${MACS} 0800 4500002c000040004006b1e60a0000020a000001 0050c350 00000001 00000002 6012fad0 00000000 020405b4`,
  ),
  udp: hex(
    `${MACS} 0800 45000028000040004011b1e60a0000010a000002 1e610009 0014abcd 68656c6c6f20776f726c640a`,
  ),
  laterFragment: hex(
    `${MACS} 0800 450000280000006440110000 0a0000010a000002 00500050 0014abcd 68656c6c`,
  ),
  ping: hex(`${MACS} 0800 4500001c000040004001b1e60a0000010a000002 0800f7ff00000000`),
  arp: hex(
    'ffffffffffff 020000000001 0806 0001080006040001 020000000001 0a000001 000000000000 0a000002',
  ),
  ip6: hex(
    `${MACS} 86dd 60000000 0014 06 40 fe800000000000000000000000000001 fe800000000000000000000000000002
     c3500050 00000001 00000000 50020000 00000000`,
  ),
  vlan: hex(`${MACS} 8100 0005 0800 4500001c000040004001b1e60a0000010a000002 0800f7ff00000000`),
} as const;
type Name = keyof typeof PACKETS;

function matching(filter: string, optimize = true): Name[] {
  const prog = compileFilter(filter, EN, { optimize });
  return (Object.keys(PACKETS) as Name[]).filter((name) => {
    const bytes = PACKETS[name];
    return bpfRun(prog, bytes, 0, bytes.length, bytes.length) !== 0;
  });
}

describe('filters select packets', () => {
  const all = Object.keys(PACKETS) as Name[];
  const cases: [string, Name[]][] = [
    ['', all],
    ['ip', ['syn', 'synAck', 'udp', 'laterFragment', 'ping']],
    ['arp', ['arp']],
    ['tcp', ['syn', 'synAck', 'ip6']],
    ['ip6', ['ip6']],
    ['port 80', ['syn', 'synAck', 'ip6']],
    ['src port 80', ['synAck']],
    ['tcp dst port http', ['syn', 'ip6']],
    ['udp port 9 or 53', ['udp']],
    ['udp', ['udp', 'laterFragment']],
    ['udp[0:2] = 7777', ['udp']],
    ['portrange 1-10', ['udp']],
    ['host 10.0.0.2', ['syn', 'synAck', 'udp', 'laterFragment', 'ping', 'arp']],
    ['src host 10.0.0.2', ['synAck']],
    ['net 10.0.0.0/31', ['syn', 'synAck', 'udp', 'laterFragment', 'ping', 'arp']],
    ['arp dst host 10.0.0.2', ['arp']],
    ['ether broadcast', ['arp']],
    ['ether multicast', ['arp']],
    ['ether src 02:00:00:00:00:01', all],
    ['icmp[icmptype] = icmp-echo', ['ping']],
    ['tcp[tcpflags] == tcp-syn', ['syn']],
    ['tcp[tcpflags] & tcp-syn != 0', ['syn', 'synAck']],
    ['tcp[13] = 18', ['synAck']],
    ['ip[6:2] & 0x1fff != 0', ['laterFragment']],
    ['ip6 host fe80::1', ['ip6']],
    ['ip6 src net fe80::/64', ['ip6']],
    ['ip proto \\icmp', ['ping']],
    ['vlan', ['vlan']],
    ['vlan 5 and icmp', ['vlan']],
    ['vlan 6', []],
    ['less 42', ['ping', 'arp']],
    ['len > 60', ['syn', 'ip6']],
    ['not ip and not arp', ['ip6', 'vlan']],
    ['tcp or udp and not port 80', ['udp', 'laterFragment']],
    ['tcp or (udp and not port 9)', ['syn', 'synAck', 'laterFragment', 'ip6']],
    ['tcp[tcpflags] & (tcp-syn|tcp-ack) = tcp-syn|tcp-ack', ['synAck']],
    ['ip[2:2] - ((ip[0] & 0xf) << 2) = 8', ['ping']],
    ['not host (10.0.0.1 or 10.0.0.9)', ['ip6', 'vlan']],
    ['tcp[((tcp[12] & 0xf0) >> 2):1] = 2', []],
  ];
  it.each(cases)('%s', (filter, names) => {
    expect(matching(filter)).toEqual(names);
    expect(matching(filter, false)).toEqual(names);
  });
});

describe('listings are those of tcpdump -d', () => {
  it.each([
    [
      EN,
      'tcp[tcpflags] & tcp-syn != 0',
      `(000) ldh      [12]
(001) jeq      #0x800           jt 2\tjf 10
(002) ldb      [23]
(003) jeq      #0x6             jt 4\tjf 10
(004) ldh      [20]
(005) jset     #0x1fff          jt 10\tjf 6
(006) ldxb     4*([14]&0xf)
(007) ldb      [x + 27]
(008) jset     #0x2             jt 9\tjf 10
(009) ret      #262144
(010) ret      #0`,
    ],
    [
      SLL2,
      'port 5',
      `(000) ldh      [0]
(001) jeq      #0x86dd          jt 2\tjf 10
(002) ldb      [26]
(003) jeq      #0x84            jt 6\tjf 4
(004) jeq      #0x6             jt 6\tjf 5
(005) jeq      #0x11            jt 6\tjf 23
(006) ldh      [60]
(007) jeq      #0x5             jt 22\tjf 8
(008) ldh      [62]
(009) jeq      #0x5             jt 22\tjf 23
(010) jeq      #0x800           jt 11\tjf 23
(011) ldb      [29]
(012) jeq      #0x84            jt 15\tjf 13
(013) jeq      #0x6             jt 15\tjf 14
(014) jeq      #0x11            jt 15\tjf 23
(015) ldh      [26]
(016) jset     #0x1fff          jt 23\tjf 17
(017) ldxb     4*([20]&0xf)
(018) ldh      [x + 20]
(019) jeq      #0x5             jt 22\tjf 20
(020) ldh      [x + 22]
(021) jeq      #0x5             jt 22\tjf 23
(022) ret      #262144
(023) ret      #0`,
    ],
    [
      RAW,
      'ip broadcast',
      `(000) ldb      [0]
(001) and      #0xf0
(002) jeq      #0x40            jt 3\tjf 7
(003) ld       [16]
(004) jeq      #0x0             jt 6\tjf 5
(005) jeq      #0xffffffff      jt 6\tjf 7
(006) ret      #262144
(007) ret      #0`,
    ],
    [
      SLL2,
      'outbound',
      `(000) ldb      [10]
(001) jeq      #0x4             jt 2\tjf 3
(002) ret      #262144
(003) ret      #0`,
    ],
  ])('link type %d: %s', (linkType, filter, listing) => {
    expect(bpfDump(compileFilter(filter, linkType))).toBe(listing);
  });

  it('leaves everything in without the optimiser', () => {
    expect(bpfDump(compileFilter('5 % 3 + 1 = len', EN, { optimize: false })).split('\n')).toEqual([
      '(000) ld       #0x5',
      '(001) st       M[0]',
      '(002) ld       #0x3',
      '(003) st       M[1]',
      '(004) ld       #0x1',
      '(005) st       M[2]',
      '(006) ldx      M[2]',
      '(007) ld       M[1]',
      '(008) add      x',
      '(009) st       M[2]',
      '(010) ldx      M[2]',
      '(011) ld       M[0]',
      '(012) mod      x',
      '(013) st       M[2]',
      '(014) ld       #pktlen',
      '(015) st       M[3]',
      '(016) ldx      M[3]',
      '(017) ld       M[2]',
      '(018) sub      x',
      '(019) jeq      #0x0             jt 20\tjf 21',
      '(020) ret      #262144',
      '(021) ret      #0',
    ]);
  });

  it('reads the VLAN tag from the metadata when the filter runs in the kernel', () => {
    expect(
      bpfDump(compileFilter('vlan 5 and ip', EN, { live: true }))
        .split('\n')
        .slice(0, 5),
    ).toEqual([
      '(000) ld       #0x0',
      '(001) st       M[1]',
      '(002) ldb      [vlanp]',
      '(003) jeq      #0x1             jt 10\tjf 4',
      '(004) ld       #0x4',
    ]);
  });
});

describe('what is refused, in the words of tcpdump', () => {
  it.each([
    ['tcp porrt 80', "can't parse filter expression: syntax error"],
    ['port', "can't parse filter expression: syntax error"],
    ['port 80 443', "can't parse filter expression: syntax error"],
    ['(port 80', "can't parse filter expression: syntax error"],
    ['@', "can't parse filter expression: syntax error"],
    ['tcp port 80 and', "can't parse filter expression: syntax error"],
    ['ip6 host fe80::1::2', "can't parse filter expression: syntax error"],
    ['ip proto tcp', "can't parse filter expression: syntax error"],
    ['host 300.1.1.1', "invalid IPv4 address '300.1.1.1'"],
    ['port 99999', 'illegal port number 99999 > 65535'],
    ['port foo', "unknown port 'foo'"],
    ['udp port http', "port 'http' is tcp"],
    ['icmp port 5', "illegal qualifier of 'port'"],
    ['portrange a-b', "unknown port in range 'a-b'"],
    ['net 10.0.0.1/8', 'non-network bits set in "10.0.0.1/8"'],
    ['net 10.0.0.0/33', 'mask length must be <= 32'],
    ['net 1.2.3.4 mask 255.255.0.0', 'non-network bits set in "1.2.3.4 mask 255.255.0.0"'],
    ['net fe80::1/64', 'non-network bits set in "fe80::1/64"'],
    ['host fe80::/64', 'Mask syntax for networks only'],
    ['net foo', "unknown network 'foo'"],
    ['host foo', "unknown host 'foo'"],
    ['ether host foo', "unknown ether host 'foo'"],
    ['host 11:22:33:44:55:66', 'ethernet address used in non-ether expression'],
    ['11:22:33:44', 'bogus ethernet address 11:22:33:'],
    ['ether src 1.2.3.4', 'illegal link layer address'],
    ['tcp host 1.2.3.4', "'tcp' modifier applied to host"],
    ['ip6 host 1.2.3.4', "'ip6' modifier applied to ip host"],
    ['ip host ::1', "'ip' modifier applied to ip6 host"],
    ['tcp proto 5', "'tcp proto' is bogus"],
    ['arp proto 5', 'arp does not encapsulate another protocol'],
    ['ip proto \\foo', "unknown ip proto 'foo'"],
    ['tcp[0:3] = 1', 'data size must be 1, 2, or 4'],
    ['1 << 33 = 1', 'shift by more than 31 bits'],
    ['len / 0 = 1', 'division by zero'],
    ['09 = 1', 'number 09 contains non-octal digit'],
    ['99999999999 = 1', 'number 99999999999 overflows 32 bits'],
    ['vlan 5000', 'VLAN tag 5000 greater than maximum 4095'],
    ['ip and ip6', 'expression rejects all packets'],
    ['inbound', 'inbound/outbound not supported on Ethernet when reading savefiles'],
    ['gateway 1.2.3.4', "'gateway' requires a name"],
    ['arp multicast', /^link-layer multicast filters supported only on ethernet/],
  ])('%s', (filter, message) => {
    expect(() => compileFilter(filter, EN)).toThrow(message);
    expect(() => compileFilter(filter, EN)).toThrow(FilterError);
  });
});

describe('host names', () => {
  it('asks the caller for addresses', () => {
    const resolveHost = (name: string): string[] => (name === 'r1' ? ['10.0.0.2', 'fe80::2'] : []);
    const prog = compileFilter('dst host r1', EN, { resolveHost });
    const hits = (Object.keys(PACKETS) as Name[]).filter((name) => {
      const bytes = PACKETS[name];
      return bpfRun(prog, bytes, 0, bytes.length, bytes.length) > 0;
    });
    expect(hits).toEqual(['syn', 'udp', 'laterFragment', 'ping', 'arp', 'ip6']);
  });
});

const primitive = fc.constantFrom(
  'tcp',
  'udp',
  'ip',
  'ip6',
  'arp',
  'icmp',
  'port 80',
  'src port 9',
  'host 10.0.0.1',
  'dst host 10.0.0.2',
  'net 10.0.0.0/8',
  'ether multicast',
  'tcp[13] & 2 != 0',
  'ip[8] > 5',
  'len < 60',
  'ip6 host fe80::1',
  'udp[4:2] = 20',
  'portrange 1-100',
  'arp[6:2] = 1',
  'ip[0] & 0xf != 5',
  'vlan',
  'link[12:2] = 0x800',
);
const expression: fc.Arbitrary<string> = fc.letrec<{ e: string }>((tie) => ({
  e: fc.oneof(
    { maxDepth: 4 },
    primitive,
    fc.tuple(tie('e'), fc.constantFrom('and', 'or'), tie('e')).map((t) => `(${t.join(' ')})`),
    tie('e').map((e) => `not ${e}`),
  ),
})).e;
/** Long enough for every load: one outside of the packet rejects it, and may be optimised away. */
const packet = fc
  .tuple(fc.constantFrom(...Object.values(PACKETS)), fc.nat(60), fc.nat(255))
  .map(([bytes, at, value]) => {
    const copy = new Uint8Array(256);
    copy.set(bytes);
    copy[at] = value;
    return copy;
  });

describe('properties', () => {
  it('the optimiser changes no decision, and the kernel would take the program', () => {
    fc.assert(
      fc.property(
        expression,
        fc.array(packet, { minLength: 4, maxLength: 12 }),
        (filter, packets) => {
          const plain = compileFilter(filter, EN, { optimize: false });
          let quick;
          try {
            quick = compileFilter(filter, EN);
          } catch (error) {
            if (!(error instanceof FilterError)) throw error;
            expect(error.message).toBe('expression rejects all packets');
          }
          for (const bytes of packets) {
            const want = bpfRun(plain, bytes, 0, bytes.length, bytes.length);
            const got =
              quick === undefined ? 0 : bpfRun(quick, bytes, 0, bytes.length, bytes.length);
            expect(got).toBe(want);
          }
          for (const prog of quick === undefined ? [plain] : [plain, quick]) {
            expect(
              bpfCheckClassic(Array.from({ length: prog.length }, (_, i) => prog.insn(i))),
            ).toBe(true);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('whatever is written, only FilterError comes out', () => {
    const word = fc.constantFrom(
      ...'tcp udp ip ip6 arp src dst host net port portrange proto and or not ( ) [ ] : = != < > & | + - * / % ^ << >> ! 80 0x10 1.2.3.4 10 fe80::1 :: 1:2:3:4:5:6 foo \\tcp len vlan mpls pppoes geneve vxlan less greater byte broadcast multicast mask / $ab inbound ether link llc gateway protochain tcpflags icmp6 isis type'.split(
        ' ',
      ),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(word, { maxLength: 9 }).map((w) => w.join(' ')),
          fc.string(),
        ),
        fc.constantFrom(0, 1, 9, 101, 113, 228, 229, 276),
        (text, linkType) => {
          try {
            compileFilter(text, linkType);
          } catch (error) {
            if (!(error instanceof FilterError)) throw error;
          }
        },
      ),
      { numRuns: 5000 },
    );
  });
});
