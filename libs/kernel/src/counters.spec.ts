/**
 * Which counters a received packet moves and what is sent about it, as Linux 6.18 counted the same frames put into a
 * router between two network namespaces. Each row: frames, counters of /proc/net/snmp and netstat, packets sent to A or C.
 */
import type { Sock } from '@netloom/kernel-core';
import type { Nic, Wire } from '@netloom/kernel-drivers';
import { AF_INET, SOCK_DGRAM } from '@netloom/sys';
import { formatIpv4 } from '@netloom/base';
import type { Host } from './host.js';
import { eth, ETHER_BROADCAST, fill, fromHex, icmp, ip4, ipv4, tcp, udp } from './spec-frames.js';
import { addAddress, counters, moved, SpecLab, sysctl, watch, type SeenFrame } from './spec-lab.js';
import { fibNewRoute, ipv4SetConf, type Ipv4ConfName } from '@netloom/kernel-inet';
import { ip } from './spec-ip.js';

const A = '10.1.0.1';
const B = '10.1.0.2';
const C = '10.2.0.2';
const MAC_A = '02:00:00:00:01:01';
const MAC_B = '02:00:00:00:01:02';
const HELLO = fill(5, 0x68);
const BIG = udp(A, B, 5, 5000, fill(1200));

const frame = (packet: Uint8Array, dst = MAC_B): Uint8Array => eth(dst, MAC_A, 0x800, packet);

type Row = readonly [
  name: string,
  frames: readonly Uint8Array[],
  counted: string,
  sent?: readonly string[],
];

const ROWS: readonly Row[] = [
  [
    'echo',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(16))))],
    'IcmpInEchos IcmpInMsgs IcmpMsgInType8 IcmpMsgOutType0 IcmpOutEchoReps IcmpOutMsgs IpExtInNoECTPkts IpInDelivers IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len44 tos00 ttl64 icmp0/0 rest00010001'],
  ],
  [
    'bad ip csum',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(16)), { check: 0x1234 }))],
    'IpExtInCsumErrors IpExtInNoECTPkts IpInHdrErrors IpInReceives',
  ],
  [
    'version 5',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(16)), { version: 5 }))],
    'IpInHdrErrors IpInReceives',
  ],
  [
    'ihl 4',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(16)), { ihl: 4 }))],
    'IpInHdrErrors IpInReceives',
  ],
  [
    'ihl beyond',
    [frame(ipv4(A, B, 1, fill(0), { ihl: 7, totLen: 20 }))],
    'IpExtInNoECTPkts IpInHdrErrors IpInReceives',
  ],
  ['short header', [frame(ipv4(A, B, 1, fill(0)).subarray(0, 10))], 'IpInHdrErrors IpInReceives'],
  [
    'totlen beyond frame',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(16)), { totLen: 200 }))],
    'IpExtInNoECTPkts IpExtInTruncatedPkts IpInReceives',
  ],
  [
    'totlen below ihl',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(16)), { totLen: 16 }))],
    'IpExtInNoECTPkts IpInHdrErrors IpInReceives',
  ],
  [
    'totlen below ihl2',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(16)), { totLen: 20 }))],
    'IcmpInCsumErrors IcmpInErrors IcmpInMsgs IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'ttl1 forward',
    [frame(ipv4(A, C, 1, icmp(8, 0, 0x10001, fill(16)), { ttl: 1 }))],
    'IcmpMsgOutType11 IcmpOutMsgs IcmpOutTimeExcds IpExtInNoECTPkts IpInHdrErrors IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len72 tosc0 ttl64 icmp11/0 rest00000000 inner ttl1 innerlen44'],
  ],
  [
    'ttl0 forward',
    [frame(ipv4(A, C, 1, icmp(8, 0, 0x10001, fill(16)), { ttl: 0 }))],
    'IcmpMsgOutType11 IcmpOutMsgs IcmpOutTimeExcds IpExtInNoECTPkts IpInHdrErrors IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len72 tosc0 ttl64 icmp11/0 rest00000000 inner ttl0 innerlen44'],
  ],
  [
    'ttl1 local',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(16)), { ttl: 1 }))],
    'IcmpInEchos IcmpInMsgs IcmpMsgInType8 IcmpMsgOutType0 IcmpOutEchoReps IcmpOutMsgs IpExtInNoECTPkts IpInDelivers IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len44 tos00 ttl64 icmp0/0 rest00010001'],
  ],
  [
    'ttl2 forward udp',
    [frame(ipv4(A, C, 17, udp(A, C, 1, 9, HELLO), { ttl: 2 }))],
    'IpExtInNoECTPkts=2 IpForwDatagrams=2 IpInReceives=2 IpOutTransmits=2',
    [
      'A  10.2.0.2>10.1.0.1 p1 len61 tosc0 ttl63 icmp3/3 rest00000000 inner ttl1 innerlen33',
      'C  10.1.0.1>10.2.0.2 p17 len33 tos00 ttl1',
    ],
  ],
  [
    'unknown proto',
    [frame(ipv4(A, B, 200, fill(8)))],
    'IcmpMsgOutType3 IcmpOutDestUnreachs IcmpOutMsgs IpExtInNoECTPkts IpInReceives IpInUnknownProtos IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len56 tosc0 ttl64 icmp3/2 rest00000000 inner ttl64 innerlen28'],
  ],
  [
    'udp no port',
    [frame(ipv4(A, B, 17, udp(A, B, 5, 7777, HELLO)))],
    'IcmpMsgOutType3 IcmpOutDestUnreachs IcmpOutMsgs IpExtInNoECTPkts IpInDelivers IpInReceives IpOutRequests IpOutTransmits UdpNoPorts',
    ['A  10.1.0.2>10.1.0.1 p1 len61 tosc0 ttl64 icmp3/3 rest00000000 inner ttl64 innerlen33'],
  ],
  [
    'udp bad csum no socket',
    [frame(ipv4(A, B, 17, udp(A, B, 5, 7777, HELLO, { check: 0x1111 })))],
    'IpExtInNoECTPkts IpInDelivers IpInReceives UdpInCsumErrors UdpInErrors',
  ],
  [
    'udp ok unread',
    [frame(ipv4(A, B, 17, udp(A, B, 5, 5000, HELLO)))],
    'IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'udp bad csum socket unread',
    [frame(ipv4(A, B, 17, udp(A, B, 5, 5000, HELLO, { check: 0x1111 })))],
    'IpExtInNoECTPkts IpInDelivers IpInReceives UdpInCsumErrors UdpInErrors',
  ],
  [
    'udp len 4',
    [frame(ipv4(A, B, 17, udp(A, B, 5, 5000, HELLO, { length: 4 })))],
    'IpExtInNoECTPkts IpInDelivers IpInReceives UdpInErrors',
  ],
  [
    'udp len beyond',
    [frame(ipv4(A, B, 17, udp(A, B, 5, 5000, HELLO, { length: 100 })))],
    'IpExtInNoECTPkts IpInDelivers IpInReceives UdpInErrors',
  ],
  [
    'udp 4 bytes',
    [frame(ipv4(A, B, 17, fromHex('00051388')))],
    'IpExtInNoECTPkts IpInDelivers IpInReceives UdpInErrors',
  ],
  [
    'icmp bad csum',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(0), 5)))],
    'IcmpInCsumErrors IcmpInErrors IcmpInMsgs IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'icmp short ok csum',
    [frame(ipv4(A, B, 1, fromHex('0800f7ff')))],
    'IcmpInErrors IcmpInMsgs IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'icmp short bad csum',
    [frame(ipv4(A, B, 1, fromHex('08000001')))],
    'IcmpInCsumErrors IcmpInErrors IcmpInMsgs IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'icmp type 42',
    [frame(ipv4(A, B, 1, icmp(42)))],
    'IcmpInMsgs IcmpMsgInType42 IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'icmp type 19',
    [frame(ipv4(A, B, 1, icmp(19)))],
    'IcmpInErrors IcmpInMsgs IcmpMsgInType19 IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'icmp type 1',
    [frame(ipv4(A, B, 1, icmp(1)))],
    'IcmpInMsgs IcmpMsgInType1 IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'icmp type 17',
    [frame(ipv4(A, B, 1, icmp(17, 0, 0, fill(4, 0))))],
    'IcmpInAddrMasks IcmpInMsgs IcmpMsgInType17 IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'icmp timestamp',
    [frame(ipv4(A, B, 1, icmp(13, 0, 0, fill(12, 0))))],
    'IcmpInMsgs IcmpInTimestamps IcmpMsgInType13 IcmpMsgOutType0 IcmpOutEchoReps IcmpOutMsgs IpExtInNoECTPkts IpInDelivers IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len40 tos00 ttl64 icmp14/0 rest00000000'],
  ],
  [
    'icmp timestamp short',
    [frame(ipv4(A, B, 1, icmp(13, 0, 0, fill(4, 0))))],
    'IcmpInMsgs IcmpInTimestamps IcmpMsgInType13 IcmpMsgOutType0 IcmpOutEchoReps IcmpOutMsgs IpExtInNoECTPkts IpInDelivers IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len40 tos00 ttl64 icmp14/0 rest00000000'],
  ],
  [
    'icmp echo bcast',
    [frame(ipv4(A, '10.1.0.255', 1, icmp(8, 0, 0x10001, fill(16))), ETHER_BROADCAST)],
    'IcmpInEchos IcmpInErrors IcmpInMsgs IcmpMsgInType8 IpExtInBcastOctets=44 IpExtInBcastPkts IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'icmp echo mcast',
    [frame(ipv4(A, '224.0.0.1', 1, icmp(8, 0, 0x10001, fill(16))), '01:00:5e:00:00:01')],
    'IcmpInEchos IcmpInErrors IcmpInMsgs IcmpMsgInType8 IpExtInMcastOctets=44 IpExtInMcastPkts IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'icmp unreach about nothing',
    [frame(ipv4(A, B, 1, icmp(3, 3, 0, ipv4(B, A, 17, udp(B, A, 99, 98, HELLO)))))],
    'IcmpInDestUnreachs IcmpInErrors IcmpInMsgs IcmpMsgInType3 IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'icmp unreach short inner',
    [frame(ipv4(A, B, 1, icmp(3, 3, 0, ipv4(B, A, 17, fill(0)).subarray(0, 12))))],
    'IcmpInDestUnreachs IcmpInErrors IcmpInMsgs IcmpMsgInType3 IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'icmp unreach inner no 8',
    [frame(ipv4(A, B, 1, icmp(3, 3, 0, ipv4(B, A, 17, fill(4)))))],
    'IcmpInDestUnreachs IcmpInErrors IcmpInMsgs IcmpMsgInType3 IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'icmp unreach inner ihl 3',
    [frame(ipv4(A, B, 1, icmp(3, 3, 0, ipv4(B, A, 17, udp(B, A, 99, 98, HELLO), { ihl: 3 }))))],
    'IcmpInDestUnreachs IcmpInErrors IcmpInMsgs IcmpMsgInType3 IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'icmp unreach code 20',
    [frame(ipv4(A, B, 1, icmp(3, 20, 0, ipv4(B, A, 17, udp(B, A, 99, 98, HELLO)))))],
    'IcmpInDestUnreachs IcmpInMsgs IcmpMsgInType3 IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'icmp timex fragtime',
    [frame(ipv4(A, B, 1, icmp(11, 1, 0, ipv4(B, A, 17, udp(B, A, 99, 98, HELLO)))))],
    'IcmpInMsgs IcmpInTimeExcds IcmpMsgInType11 IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'icmp redirect',
    [frame(ipv4(A, B, 1, icmp(5, 1, ip4(A), ipv4(B, '10.2.0.9', 17, udp(B, A, 99, 98, HELLO)))))],
    'IcmpInErrors IcmpInMsgs IcmpInRedirects IcmpMsgInType5 IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'icmp redirect short',
    [frame(ipv4(A, B, 1, icmp(5, 1, ip4(A), fill(3))))],
    'IcmpInErrors IcmpInMsgs IcmpInRedirects IcmpMsgInType5 IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'icmp unreach bcast',
    [
      frame(
        ipv4(A, '10.1.0.255', 1, icmp(3, 3, 0, ipv4(B, A, 17, udp(B, A, 99, 98, HELLO)))),
        ETHER_BROADCAST,
      ),
    ],
    'IcmpInDestUnreachs IcmpInErrors IcmpInMsgs IcmpMsgInType3 IpExtInBcastOctets=61 IpExtInBcastPkts IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'icmp unreach proto 200',
    [frame(ipv4(A, B, 1, icmp(3, 3, 0, ipv4(B, A, 200, fill(8)))))],
    'IcmpInDestUnreachs IcmpInMsgs IcmpMsgInType3 IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'src 10.1.0.2 local',
    [frame(ipv4(B, B, 17, udp(B, B, 5, 7777, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'src 10.1.0.2 fwd',
    [frame(ipv4(B, C, 17, udp(B, C, 5, 7777, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'src 10.1.0.2 bcast',
    [
      frame(
        ipv4(B, '255.255.255.255', 17, udp(B, '255.255.255.255', 5, 7777, HELLO)),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'src 10.2.0.1 local',
    [frame(ipv4('10.2.0.1', B, 17, udp('10.2.0.1', B, 5, 7777, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'src 10.2.0.1 fwd',
    [frame(ipv4('10.2.0.1', C, 17, udp('10.2.0.1', C, 5, 7777, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'src 10.2.0.1 bcast',
    [
      frame(
        ipv4('10.2.0.1', '255.255.255.255', 17, udp('10.2.0.1', '255.255.255.255', 5, 7777, HELLO)),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'src 127.0.0.1 local',
    [frame(ipv4('127.0.0.1', B, 17, udp('127.0.0.1', B, 5, 7777, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'src 127.0.0.1 fwd',
    [frame(ipv4('127.0.0.1', C, 17, udp('127.0.0.1', C, 5, 7777, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'src 127.0.0.1 bcast',
    [
      frame(
        ipv4(
          '127.0.0.1',
          '255.255.255.255',
          17,
          udp('127.0.0.1', '255.255.255.255', 5, 7777, HELLO),
        ),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'src 10.1.0.255 local',
    [frame(ipv4('10.1.0.255', B, 17, udp('10.1.0.255', B, 5, 7777, HELLO)))],
    'IcmpInDestUnreachs IcmpInErrors IcmpInMsgs IcmpMsgInType3 IcmpMsgOutType3 IcmpOutDestUnreachs IcmpOutMsgs IpExtInBcastOctets=61 IpExtInBcastPkts IpExtInNoECTPkts=2 IpExtOutBcastOctets=61 IpExtOutBcastPkts IpInDelivers=2 IpInReceives=2 IpOutRequests IpOutTransmits UdpNoPorts',
    ['A  10.1.0.2>10.1.0.255 p1 len61 tosc0 ttl64 icmp3/3 rest00000000 inner ttl64 innerlen33'],
  ],
  [
    'src 10.1.0.255 fwd',
    [frame(ipv4('10.1.0.255', C, 17, udp('10.1.0.255', C, 5, 7777, HELLO)))],
    'IcmpInDestUnreachs IcmpInErrors IcmpInMsgs IcmpMsgInType3 IpExtInBcastOctets=61 IpExtInBcastPkts IpExtInNoECTPkts=2 IpForwDatagrams IpInDelivers IpInReceives=2 IpOutTransmits',
    ['C  10.1.0.255>10.2.0.2 p17 len33 tos00 ttl63'],
  ],
  [
    'src 10.1.0.255 bcast',
    [
      frame(
        ipv4(
          '10.1.0.255',
          '255.255.255.255',
          17,
          udp('10.1.0.255', '255.255.255.255', 5, 7777, HELLO),
        ),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInBcastOctets=33 IpExtInBcastPkts IpExtInNoECTPkts IpInDelivers IpInReceives UdpIgnoredMulti',
  ],
  [
    'src 10.2.0.255 local',
    [frame(ipv4('10.2.0.255', B, 17, udp('10.2.0.255', B, 5, 7777, HELLO)))],
    'IcmpInDestUnreachs IcmpInErrors IcmpInMsgs IcmpMsgInType3 IcmpMsgOutType3 IcmpOutDestUnreachs IcmpOutMsgs IpExtInBcastOctets=61 IpExtInBcastPkts IpExtInNoECTPkts=2 IpExtOutBcastOctets=61 IpExtOutBcastPkts IpInDelivers=2 IpInReceives=2 IpOutRequests IpOutTransmits UdpNoPorts',
    ['C  10.1.0.2>10.2.0.255 p1 len61 tosc0 ttl64 icmp3/3 rest00000000 inner ttl64 innerlen33'],
  ],
  [
    'src 10.2.0.255 fwd',
    [frame(ipv4('10.2.0.255', C, 17, udp('10.2.0.255', C, 5, 7777, HELLO)))],
    'IcmpInDestUnreachs IcmpInErrors IcmpInMsgs IcmpMsgInType3 IpExtInBcastOctets=61 IpExtInBcastPkts IpExtInNoECTPkts=2 IpForwDatagrams IpInDelivers IpInReceives=2 IpOutTransmits',
    ['C  10.2.0.255>10.2.0.2 p17 len33 tos00 ttl63'],
  ],
  [
    'src 10.2.0.255 bcast',
    [
      frame(
        ipv4(
          '10.2.0.255',
          '255.255.255.255',
          17,
          udp('10.2.0.255', '255.255.255.255', 5, 7777, HELLO),
        ),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInBcastOctets=33 IpExtInBcastPkts IpExtInNoECTPkts IpInDelivers IpInReceives UdpIgnoredMulti',
  ],
  [
    'src 255.255.255.255 local',
    [frame(ipv4('255.255.255.255', B, 17, udp('255.255.255.255', B, 5, 7777, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'src 255.255.255.255 fwd',
    [frame(ipv4('255.255.255.255', C, 17, udp('255.255.255.255', C, 5, 7777, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'src 255.255.255.255 bcast',
    [
      frame(
        ipv4(
          '255.255.255.255',
          '255.255.255.255',
          17,
          udp('255.255.255.255', '255.255.255.255', 5, 7777, HELLO),
        ),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'src 224.1.1.1 local',
    [frame(ipv4('224.1.1.1', B, 17, udp('224.1.1.1', B, 5, 7777, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'src 224.1.1.1 fwd',
    [frame(ipv4('224.1.1.1', C, 17, udp('224.1.1.1', C, 5, 7777, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'src 224.1.1.1 bcast',
    [
      frame(
        ipv4(
          '224.1.1.1',
          '255.255.255.255',
          17,
          udp('224.1.1.1', '255.255.255.255', 5, 7777, HELLO),
        ),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'src 0.0.0.0 local',
    [frame(ipv4('0.0.0.0', B, 17, udp('0.0.0.0', B, 5, 7777, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'src 0.0.0.0 fwd',
    [frame(ipv4('0.0.0.0', C, 17, udp('0.0.0.0', C, 5, 7777, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'src 0.0.0.0 bcast',
    [
      frame(
        ipv4('0.0.0.0', '255.255.255.255', 17, udp('0.0.0.0', '255.255.255.255', 5, 7777, HELLO)),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInBcastOctets=33 IpExtInBcastPkts IpExtInNoECTPkts IpInDelivers IpInReceives UdpIgnoredMulti',
  ],
  [
    'src 0.1.2.3 local',
    [frame(ipv4('0.1.2.3', B, 17, udp('0.1.2.3', B, 5, 7777, HELLO)))],
    'IpExtInNoECTPkts IpInDelivers IpInReceives UdpNoPorts',
  ],
  [
    'src 0.1.2.3 fwd',
    [frame(ipv4('0.1.2.3', C, 17, udp('0.1.2.3', C, 5, 7777, HELLO)))],
    'IpExtInNoECTPkts=2 IpExtInNoRoutes IpForwDatagrams IpInReceives=2 IpOutTransmits',
    ['C  0.1.2.3>10.2.0.2 p17 len33 tos00 ttl63'],
  ],
  [
    'src 0.1.2.3 bcast',
    [
      frame(
        ipv4('0.1.2.3', '255.255.255.255', 17, udp('0.1.2.3', '255.255.255.255', 5, 7777, HELLO)),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInBcastOctets=33 IpExtInBcastPkts IpExtInNoECTPkts IpInDelivers IpInReceives UdpIgnoredMulti',
  ],
  [
    'src 240.0.0.1 local',
    [frame(ipv4('240.0.0.1', B, 17, udp('240.0.0.1', B, 5, 7777, HELLO)))],
    'IpExtInNoECTPkts IpInDelivers IpInReceives UdpNoPorts',
  ],
  [
    'src 240.0.0.1 fwd',
    [frame(ipv4('240.0.0.1', C, 17, udp('240.0.0.1', C, 5, 7777, HELLO)))],
    'IpExtInNoECTPkts=2 IpExtInNoRoutes IpForwDatagrams IpInReceives=2 IpOutTransmits',
    ['C  240.0.0.1>10.2.0.2 p17 len33 tos00 ttl63'],
  ],
  [
    'src 240.0.0.1 bcast',
    [
      frame(
        ipv4(
          '240.0.0.1',
          '255.255.255.255',
          17,
          udp('240.0.0.1', '255.255.255.255', 5, 7777, HELLO),
        ),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInBcastOctets=33 IpExtInBcastPkts IpExtInNoECTPkts IpInDelivers IpInReceives UdpIgnoredMulti',
  ],
  [
    'src 10.1.0.0 local',
    [frame(ipv4('10.1.0.0', B, 17, udp('10.1.0.0', B, 5, 7777, HELLO)))],
    'IcmpMsgOutType3 IcmpOutDestUnreachs IcmpOutMsgs IpExtInNoECTPkts IpInDelivers IpInReceives IpOutRequests IpOutTransmits UdpNoPorts',
  ],
  [
    'src 10.1.0.0 fwd',
    [frame(ipv4('10.1.0.0', C, 17, udp('10.1.0.0', C, 5, 7777, HELLO)))],
    'IpExtInNoECTPkts=2 IpForwDatagrams=2 IpInReceives=2 IpOutTransmits=2',
    ['C  10.1.0.0>10.2.0.2 p17 len33 tos00 ttl63'],
  ],
  [
    'src 10.1.0.0 bcast',
    [
      frame(
        ipv4('10.1.0.0', '255.255.255.255', 17, udp('10.1.0.0', '255.255.255.255', 5, 7777, HELLO)),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInBcastOctets=33 IpExtInBcastPkts IpExtInNoECTPkts IpInDelivers IpInReceives UdpIgnoredMulti',
  ],
  [
    'dst 127.0.0.1',
    [frame(ipv4(A, '127.0.0.1', 17, udp(A, '127.0.0.1', 5, 7777, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'dst 127.0.0.1 l2bc',
    [frame(ipv4(A, '127.0.0.1', 17, udp(A, '127.0.0.1', 5, 7777, HELLO)), ETHER_BROADCAST)],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'dst 0.0.0.0',
    [frame(ipv4(A, '0.0.0.0', 17, udp(A, '0.0.0.0', 5, 7777, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'dst 0.0.0.0 l2bc',
    [frame(ipv4(A, '0.0.0.0', 17, udp(A, '0.0.0.0', 5, 7777, HELLO)), ETHER_BROADCAST)],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'dst 0.1.1.1',
    [frame(ipv4(A, '0.1.1.1', 17, udp(A, '0.1.1.1', 5, 7777, HELLO)))],
    'IcmpMsgOutType3 IcmpOutDestUnreachs IcmpOutMsgs IpExtInNoECTPkts IpExtInNoRoutes IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len61 tosc0 ttl64 icmp3/0 rest00000000 inner ttl64 innerlen33'],
  ],
  [
    'dst 0.1.1.1 l2bc',
    [frame(ipv4(A, '0.1.1.1', 17, udp(A, '0.1.1.1', 5, 7777, HELLO)), ETHER_BROADCAST)],
    'IpExtInNoECTPkts IpExtInNoRoutes IpInReceives',
  ],
  [
    'dst 10.1.0.255',
    [frame(ipv4(A, '10.1.0.255', 17, udp(A, '10.1.0.255', 5, 7777, HELLO)))],
    'IpExtInBcastOctets=33 IpExtInBcastPkts IpExtInNoECTPkts IpInDelivers IpInReceives UdpIgnoredMulti',
  ],
  [
    'dst 10.1.0.255 l2bc',
    [frame(ipv4(A, '10.1.0.255', 17, udp(A, '10.1.0.255', 5, 7777, HELLO)), ETHER_BROADCAST)],
    'IpExtInBcastOctets=33 IpExtInBcastPkts IpExtInNoECTPkts IpInDelivers IpInReceives UdpIgnoredMulti',
  ],
  [
    'dst 10.2.0.255',
    [frame(ipv4(A, '10.2.0.255', 17, udp(A, '10.2.0.255', 5, 7777, HELLO)))],
    'IpExtInBcastOctets=33 IpExtInBcastPkts IpExtInNoECTPkts IpInDelivers IpInReceives UdpIgnoredMulti',
  ],
  [
    'dst 10.2.0.255 l2bc',
    [frame(ipv4(A, '10.2.0.255', 17, udp(A, '10.2.0.255', 5, 7777, HELLO)), ETHER_BROADCAST)],
    'IpExtInBcastOctets=33 IpExtInBcastPkts IpExtInNoECTPkts IpInDelivers IpInReceives UdpIgnoredMulti',
  ],
  [
    'dst 224.0.0.1',
    [frame(ipv4(A, '224.0.0.1', 17, udp(A, '224.0.0.1', 5, 7777, HELLO)))],
    'IpExtInMcastOctets=33 IpExtInMcastPkts IpExtInNoECTPkts IpInDelivers IpInReceives UdpIgnoredMulti',
  ],
  [
    'dst 224.0.0.1 l2bc',
    [frame(ipv4(A, '224.0.0.1', 17, udp(A, '224.0.0.1', 5, 7777, HELLO)), ETHER_BROADCAST)],
    'IpExtInMcastOctets=33 IpExtInMcastPkts IpExtInNoECTPkts IpInDelivers IpInReceives UdpIgnoredMulti',
  ],
  [
    'dst 239.1.1.1',
    [frame(ipv4(A, '239.1.1.1', 17, udp(A, '239.1.1.1', 5, 7777, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'dst 239.1.1.1 l2bc',
    [frame(ipv4(A, '239.1.1.1', 17, udp(A, '239.1.1.1', 5, 7777, HELLO)), ETHER_BROADCAST)],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'dst 255.255.255.255',
    [frame(ipv4(A, '255.255.255.255', 17, udp(A, '255.255.255.255', 5, 7777, HELLO)))],
    'IpExtInBcastOctets=33 IpExtInBcastPkts IpExtInNoECTPkts IpInDelivers IpInReceives UdpIgnoredMulti',
  ],
  [
    'dst 255.255.255.255 l2bc',
    [
      frame(
        ipv4(A, '255.255.255.255', 17, udp(A, '255.255.255.255', 5, 7777, HELLO)),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInBcastOctets=33 IpExtInBcastPkts IpExtInNoECTPkts IpInDelivers IpInReceives UdpIgnoredMulti',
  ],
  [
    'dst 10.1.0.0 l2bc',
    [frame(ipv4(A, '10.1.0.0', 17, udp(A, '10.1.0.0', 5, 7777, HELLO)), ETHER_BROADCAST)],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'l2 bcast unicast ip udp noport',
    [frame(ipv4(A, B, 17, udp(A, B, 5, 7777, HELLO)), ETHER_BROADCAST)],
    'IpExtInNoECTPkts IpInDelivers IpInReceives UdpNoPorts',
  ],
  [
    'l2 bcast unicast ip echo',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(16))), ETHER_BROADCAST)],
    'IcmpInEchos IcmpInMsgs IcmpMsgInType8 IcmpMsgOutType0 IcmpOutEchoReps IcmpOutMsgs IpExtInNoECTPkts IpInDelivers IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len44 tos00 ttl64 icmp0/0 rest00010001'],
  ],
  [
    'l2 bcast fwd',
    [frame(ipv4(A, C, 1, icmp(8, 0, 0x10001, fill(16))), ETHER_BROADCAST)],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'ecn 1',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(16)), { tos: 1 }))],
    'IcmpInEchos IcmpInMsgs IcmpMsgInType8 IcmpMsgOutType0 IcmpOutEchoReps IcmpOutMsgs IpExtInECT1Pkts IpInDelivers IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len44 tos01 ttl64 icmp0/0 rest00010001'],
  ],
  [
    'ecn 2',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(16)), { tos: 2 }))],
    'IcmpInEchos IcmpInMsgs IcmpMsgInType8 IcmpMsgOutType0 IcmpOutEchoReps IcmpOutMsgs IpExtInECT0Pkts IpInDelivers IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len44 tos02 ttl64 icmp0/0 rest00010001'],
  ],
  [
    'ecn 3',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(16)), { tos: 3 }))],
    'IcmpInEchos IcmpInMsgs IcmpMsgInType8 IcmpMsgOutType0 IcmpOutEchoReps IcmpOutMsgs IpExtInCEPkts IpInDelivers IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len44 tos03 ttl64 icmp0/0 rest00010001'],
  ],
  [
    'ecn bad csum',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(16)), { tos: 3, check: 1 }))],
    'IpExtInCEPkts IpExtInCsumErrors IpInHdrErrors IpInReceives',
  ],
  [
    'echo tos ff',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(16)), { tos: 0xff }))],
    'IcmpInEchos IcmpInMsgs IcmpMsgInType8 IcmpMsgOutType0 IcmpOutEchoReps IcmpOutMsgs IpExtInCEPkts IpInDelivers IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len44 tosff ttl64 icmp0/0 rest00010001'],
  ],
  [
    'udp noport tos ff',
    [frame(ipv4(A, B, 17, udp(A, B, 5, 7777, HELLO), { tos: 0xff }))],
    'IcmpMsgOutType3 IcmpOutDestUnreachs IcmpOutMsgs IpExtInCEPkts IpInDelivers IpInReceives IpOutRequests IpOutTransmits UdpNoPorts',
    ['A  10.1.0.2>10.1.0.1 p1 len61 tosde ttl64 icmp3/3 rest00000000 inner ttl64 innerlen33'],
  ],
  [
    'fwd too big df',
    [frame(ipv4(A, C, 17, udp(A, C, 1, 9, fill(1200)), { frag: 0x4000 }))],
    'IcmpMsgOutType3 IcmpOutDestUnreachs IcmpOutMsgs IpExtInNoECTPkts IpForwDatagrams IpFragFails IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len576 tosc0 ttl64 icmp3/4 rest000003e8 inner ttl64 innerlen548'],
  ],
  [
    'fwd too big',
    [frame(ipv4(A, C, 17, udp(A, C, 1, 9, fill(1200))))],
    'IpExtInNoECTPkts=2 IpForwDatagrams=2 IpFragCreates=2 IpFragOKs IpInReceives=2 IpOutTransmits=3',
    [
      'A  10.2.0.2>10.1.0.1 p1 len576 tosc0 ttl63 icmp3/3 rest00000000 inner ttl63 innerlen548',
      'C  10.1.0.1>10.2.0.2 p17 len996 tos00 ttl63 frag2000',
      'C  10.1.0.1>10.2.0.2 p17 len252 tos00 ttl63 frag007a',
    ],
  ],
  [
    'fwd too big mf',
    [frame(ipv4(A, C, 17, udp(A, C, 1, 9, fill(1200)), { frag: 0x2003 }))],
    'IpExtInNoECTPkts IpForwDatagrams IpFragCreates=2 IpFragOKs IpInReceives IpOutTransmits=2',
    [
      'C  10.1.0.1>10.2.0.2 p17 len996 tos00 ttl63 frag2003',
      'C  10.1.0.1>10.2.0.2 p17 len252 tos00 ttl63 frag207d',
    ],
  ],
  [
    'frag overlap',
    [
      frame(ipv4(A, B, 17, BIG.subarray(0, 600), { frag: 0x2000, id: 11 })),
      frame(ipv4(A, B, 17, BIG.subarray(592, 1208), { frag: 0x004a, id: 11 })),
    ],
    'IpExtInNoECTPkts=2 IpExtReasmOverlaps IpInReceives=2 IpReasmFails IpReasmReqds=2',
  ],
  [
    'frag overlap then rest',
    [
      frame(ipv4(A, B, 17, BIG.subarray(0, 600), { frag: 0x2000, id: 12 })),
      frame(ipv4(A, B, 17, BIG.subarray(592, 672), { frag: 0x204a, id: 12 })),
      frame(ipv4(A, B, 17, BIG.subarray(600, 1208), { frag: 0x004b, id: 12 })),
    ],
    'IpExtInNoECTPkts=3 IpExtReasmOverlaps IpInReceives=3 IpReasmFails IpReasmReqds=3',
  ],
  [
    'frag empty',
    [frame(ipv4(A, B, 17, fill(0), { frag: 0x2000, id: 13 }))],
    'IpExtInNoECTPkts IpInReceives IpReasmFails IpReasmReqds',
  ],
  [
    'frag empty last',
    [frame(ipv4(A, B, 17, fill(0), { frag: 0x0010, id: 13 }))],
    'IpExtInNoECTPkts IpInReceives IpReasmFails IpReasmReqds',
  ],
  [
    'frag odd more',
    [frame(ipv4(A, B, 17, fill(13), { frag: 0x2000, id: 14 }))],
    'IpExtInNoECTPkts IpInReceives IpReasmReqds',
  ],
  [
    'frag tiny more',
    [frame(ipv4(A, B, 17, fill(5), { frag: 0x2000, id: 14 }))],
    'IpExtInNoECTPkts IpInReceives IpReasmFails IpReasmReqds',
  ],
  [
    'frag last twice differs',
    [
      frame(ipv4(A, B, 17, BIG.subarray(600, 1208), { frag: 0x004b, id: 15 })),
      frame(ipv4(A, B, 17, fill(8), { frag: 0x00c8, id: 15 })),
    ],
    'IpExtInNoECTPkts=2 IpInReceives=2 IpReasmFails IpReasmReqds=2',
  ],
  [
    'frag last below',
    [
      frame(ipv4(A, B, 17, BIG.subarray(600, 1000), { frag: 0x204b, id: 16 })),
      frame(ipv4(A, B, 17, fill(8), { frag: 0x000a, id: 16 })),
    ],
    'IpExtInNoECTPkts=2 IpInReceives=2 IpReasmFails IpReasmReqds=2',
  ],
  [
    'frag beyond last',
    [
      frame(ipv4(A, B, 17, fill(8), { frag: 0x000a, id: 17 })),
      frame(ipv4(A, B, 17, fill(8), { frag: 0x2032, id: 17 })),
    ],
    'IpExtInNoECTPkts=2 IpInReceives=2 IpReasmFails IpReasmReqds=2',
  ],
  [
    'frag beyond 64k',
    [frame(ipv4(A, B, 17, fill(1000), { frag: 0x1fff, id: 18 }))],
    'IpExtInNoECTPkts IpInReceives IpReasmReqds',
  ],
  [
    'frag beyond 64k more',
    [frame(ipv4(A, B, 17, fill(1000), { frag: 0x3fff, id: 18 }))],
    'IpExtInNoECTPkts IpInReceives IpReasmReqds',
  ],
  [
    'frag timeout first',
    [frame(ipv4(A, B, 17, BIG.subarray(0, 600), { frag: 0x2000, id: 20 }))],
    'IcmpMsgOutType11 IcmpOutMsgs IcmpOutTimeExcds IpExtInNoECTPkts IpInReceives IpOutRequests IpOutTransmits IpReasmFails IpReasmReqds IpReasmTimeout',
    ['A  10.1.0.2>10.1.0.1 p1 len576 tosc0 ttl64 icmp11/1 rest00000000 inner ttl64 innerlen548'],
  ],
  [
    'frag timeout two',
    [
      frame(ipv4(A, B, 17, BIG.subarray(0, 600), { frag: 0x2000, id: 22 })),
      frame(ipv4(A, B, 17, BIG.subarray(600, 800), { frag: 0x204b, id: 22 })),
    ],
    'IcmpMsgOutType11 IcmpOutMsgs IcmpOutTimeExcds IpExtInNoECTPkts=2 IpInReceives=2 IpOutRequests IpOutTransmits IpReasmFails IpReasmReqds=2 IpReasmTimeout',
    ['A  10.1.0.2>10.1.0.1 p1 len576 tosc0 ttl64 icmp11/1 rest00000000 inner ttl64 innerlen548'],
  ],
  [
    'frag timeout not first',
    [frame(ipv4(A, B, 17, BIG.subarray(600, 1208), { frag: 0x004b, id: 21 }))],
    'IpExtInNoECTPkts IpInReceives IpReasmFails IpReasmReqds IpReasmTimeout',
  ],
  [
    'frag icmp timeout',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(16)), { frag: 0x2000, id: 23 }))],
    'IcmpMsgOutType11 IcmpOutMsgs IcmpOutTimeExcds IpExtInNoECTPkts IpInReceives IpOutRequests IpOutTransmits IpReasmFails IpReasmReqds IpReasmTimeout',
    ['A  10.1.0.2>10.1.0.1 p1 len72 tosc0 ttl64 icmp11/1 rest00000000 inner ttl64 innerlen44'],
  ],
  [
    'opt nop',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(16)), { options: fromHex('01010100') }))],
    'IcmpInEchos IcmpInMsgs IcmpMsgInType8 IcmpMsgOutType0 IcmpOutEchoReps IcmpOutMsgs IpExtInNoECTPkts IpInDelivers IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len44 tos00 ttl64 icmp0/0 rest00010001'],
  ],
  [
    'opt lsrr',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(16)), { options: fromHex('8307040a02000200') }))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'opt len0',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(16)), { options: fromHex('07000000') }))],
    'IcmpMsgOutType12 IcmpOutMsgs IcmpOutParmProbs IpExtInNoECTPkts IpInHdrErrors IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len76 tosc0 ttl64 icmp12/0 rest14000000 inner ttl64 innerlen48'],
  ],
  [
    'opt len beyond',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(16)), { options: fromHex('070b0400') }))],
    'IcmpMsgOutType12 IcmpOutMsgs IcmpOutParmProbs IpExtInNoECTPkts IpInHdrErrors IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len76 tosc0 ttl64 icmp12/0 rest14000000 inner ttl64 innerlen48'],
  ],
  [
    'opt unknown',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(16)), { options: fromHex('1f040000') }))],
    'IcmpInEchos IcmpInMsgs IcmpMsgInType8 IcmpMsgOutType0 IcmpOutEchoReps IcmpOutMsgs IpExtInNoECTPkts IpInDelivers IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len44 tos00 ttl64 icmp0/0 rest00010001'],
  ],
  [
    'opt unknown bad len',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(16)), { options: fromHex('1f090000') }))],
    'IcmpMsgOutType12 IcmpOutMsgs IcmpOutParmProbs IpExtInNoECTPkts IpInHdrErrors IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len76 tosc0 ttl64 icmp12/0 rest14000000 inner ttl64 innerlen48'],
  ],
  [
    'opt ra',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(16)), { options: fromHex('94040000') }))],
    'IcmpInEchos IcmpInMsgs IcmpMsgInType8 IcmpMsgOutType0 IcmpOutEchoReps IcmpOutMsgs IpExtInNoECTPkts IpInDelivers IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len44 tos00 ttl64 icmp0/0 rest00010001'],
  ],
  [
    'opt udp noport nop',
    [frame(ipv4(A, B, 17, udp(A, B, 5, 7777, HELLO), { options: fromHex('01010100') }))],
    'IcmpMsgOutType3 IcmpOutDestUnreachs IcmpOutMsgs IpExtInNoECTPkts IpInDelivers IpInReceives IpOutRequests IpOutTransmits UdpNoPorts',
    ['A  10.1.0.2>10.1.0.1 p1 len65 tosc0 ttl64 icmp3/3 rest00000000 inner ttl64 innerlen37'],
  ],
  [
    'unknown icmp type fwd ttl1',
    [frame(ipv4(A, C, 1, icmp(42), { ttl: 1 }))],
    'IpExtInNoECTPkts IpInHdrErrors IpInReceives',
  ],
  [
    'icmp error fwd ttl1',
    [frame(ipv4(A, C, 1, icmp(3, 3, 0, ipv4(B, A, 17, udp(B, A, 99, 98, HELLO))), { ttl: 1 }))],
    'IpExtInNoECTPkts IpInHdrErrors IpInReceives',
  ],
  [
    'nonfirst frag ttl1',
    [frame(ipv4(A, C, 1, icmp(8, 0, 0x10001, fill(16)), { ttl: 1, frag: 5 }))],
    'IpExtInNoECTPkts IpInHdrErrors IpInReceives',
  ],
  [
    'ttl1 big',
    [frame(ipv4(A, C, 17, udp(A, C, 1, 9, fill(1200)), { ttl: 1 }))],
    'IcmpMsgOutType11 IcmpOutMsgs IcmpOutTimeExcds IpExtInNoECTPkts IpInHdrErrors IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len576 tosc0 ttl64 icmp11/0 rest00000000 inner ttl1 innerlen548'],
  ],
  [
    'tcp syn closed',
    [frame(ipv4(A, B, 6, tcp(A, B, 1000, 81)))],
    'IpExtInNoECTPkts IpInDelivers IpInReceives IpOutRequests IpOutTransmits TcpInSegs TcpOutRsts TcpOutSegs',
    ['A  10.1.0.2>10.1.0.1 p6 len40 tos00 ttl64 frag4000'],
  ],
  [
    'tcp bad csum',
    [frame(ipv4(A, B, 6, tcp(A, B, 1000, 81, { check: 4 })))],
    'IpExtInNoECTPkts IpInDelivers IpInReceives TcpInCsumErrors TcpInErrs TcpInSegs',
  ],
  [
    'tcp short',
    [frame(ipv4(A, B, 6, tcp(A, B, 1000, 81).subarray(0, 12)))],
    'IpExtInNoECTPkts IpInDelivers IpInReceives TcpInSegs',
  ],
  [
    'tcp doff 3',
    [frame(ipv4(A, B, 6, tcp(A, B, 1000, 81, { doff: 3 })))],
    'IpExtInNoECTPkts IpInDelivers IpInReceives TcpInErrs TcpInSegs',
  ],
  [
    'icmp unreach tcp',
    [frame(ipv4(A, B, 1, icmp(3, 3, 0, ipv4(B, A, 6, tcp(B, A, 99, 98)))))],
    'IcmpInDestUnreachs IcmpInErrors IcmpInMsgs IcmpMsgInType3 IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
];

/** Rows after a setting: a route in the words of ip(8), or a sysctl of the receiving card. */
const SETTINGS: readonly (readonly [
  name: string,
  setting: string,
  frames: readonly Uint8Array[],
  counted: string,
  sent?: readonly string[],
])[] = [
  [
    'no route',
    '',
    [frame(ipv4(A, '192.168.5.5', 17, udp(A, C, 1, 9, HELLO)))],
    'IcmpMsgOutType3 IcmpOutDestUnreachs IcmpOutMsgs IpExtInNoECTPkts IpExtInNoRoutes IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len61 tosc0 ttl64 icmp3/0 rest00000000 inner ttl64 innerlen33'],
  ],
  [
    'blackhole',
    'route add blackhole 192.168.1.0/24',
    [frame(ipv4(A, '192.168.1.1', 17, udp(A, C, 1, 9, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'prohibit',
    'route add prohibit 192.168.2.0/24',
    [frame(ipv4(A, '192.168.2.1', 17, udp(A, C, 1, 9, HELLO)))],
    'IcmpMsgOutType3 IcmpOutDestUnreachs IcmpOutMsgs IpExtInNoECTPkts IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len61 tosc0 ttl64 icmp3/13 rest00000000 inner ttl64 innerlen33'],
  ],
  [
    'unreachable',
    'route add unreachable 192.168.3.0/24',
    [frame(ipv4(A, '192.168.3.1', 17, udp(A, C, 1, 9, HELLO)))],
    'IcmpMsgOutType3 IcmpOutDestUnreachs IcmpOutMsgs IpExtInNoECTPkts IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len61 tosc0 ttl64 icmp3/1 rest00000000 inner ttl64 innerlen33'],
  ],
  [
    'throw',
    'route add throw 192.168.4.0/24',
    [frame(ipv4(A, '192.168.4.1', 17, udp(A, C, 1, 9, HELLO)))],
    'IcmpMsgOutType3 IcmpOutDestUnreachs IcmpOutMsgs IpExtInNoECTPkts IpExtInNoRoutes IpInReceives IpOutRequests IpOutTransmits',
    ['A  10.1.0.2>10.1.0.1 p1 len61 tosc0 ttl64 icmp3/0 rest00000000 inner ttl64 innerlen33'],
  ],
  [
    'forwarding off: no route',
    'forwarding 0',
    [frame(ipv4(A, '192.168.5.5', 17, udp(A, C, 1, 9, HELLO)))],
    'IpExtInNoECTPkts IpInAddrErrors IpInReceives',
  ],
  [
    'forwarding off: a route',
    'forwarding 0',
    [frame(ipv4(A, '10.2.0.2', 17, udp(A, C, 1, 9, HELLO)))],
    'IpExtInNoECTPkts IpInAddrErrors IpInReceives',
  ],
  [
    'forwarding off: a blackhole',
    'forwarding 0',
    [frame(ipv4(A, '192.168.1.1', 17, udp(A, C, 1, 9, HELLO)))],
    'IpExtInNoECTPkts IpInAddrErrors IpInReceives',
  ],
  [
    'forwarding off: delivered here all the same',
    'forwarding 0',
    [frame(ipv4(A, B, 17, udp(A, B, 5, 7777, HELLO)))],
    'IcmpMsgOutType3 IcmpOutDestUnreachs IcmpOutMsgs IpExtInNoECTPkts IpInDelivers IpInReceives IpOutRequests IpOutTransmits UdpNoPorts',
    ['A  10.1.0.2>10.1.0.1 p1 len61 tosc0 ttl64 icmp3/3 rest00000000 inner ttl64 innerlen33'],
  ],
  [
    'forwarded back: redirect',
    '',
    [frame(ipv4(A, '10.1.0.77', 17, udp(A, '10.1.0.77', 5, 7, HELLO)))],
    'IcmpMsgOutType5 IcmpOutMsgs IcmpOutRedirects IpExtInNoECTPkts IpForwDatagrams IpInReceives IpOutRequests IpOutTransmits=2',
    ['A  10.1.0.2>10.1.0.1 p1 len61 tosc0 ttl64 icmp5/1 rest0a01004d inner ttl63 innerlen33'],
  ],
  [
    'forwarded back: no redirects wanted',
    'send_redirects 0',
    [frame(ipv4(A, '10.1.0.77', 17, udp(A, '10.1.0.77', 5, 7, HELLO)))],
    'IpExtInNoECTPkts IpForwDatagrams IpInReceives IpOutTransmits',
  ],
  [
    'rp_filter 1: 10.2.0.9',
    'rp_filter 1',
    [frame(ipv4('10.2.0.9', B, 17, udp('10.2.0.9', B, 5, 5000, HELLO)))],
    'IpExtInNoECTPkts IpInReceives TcpExtIPReversePathFilter',
  ],
  [
    'rp_filter 1: 10.2.0.9 to all',
    'rp_filter 1',
    [
      frame(
        ipv4('10.2.0.9', '10.1.0.255', 17, udp('10.2.0.9', '10.1.0.255', 5, 5000, HELLO)),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInNoECTPkts IpInReceives TcpExtIPReversePathFilter',
  ],
  [
    'rp_filter 1: 99.9.9.9',
    'rp_filter 1',
    [frame(ipv4('99.9.9.9', B, 17, udp('99.9.9.9', B, 5, 5000, HELLO)))],
    'IpExtInNoECTPkts IpInReceives TcpExtIPReversePathFilter',
  ],
  [
    'rp_filter 1: 99.9.9.9 to all',
    'rp_filter 1',
    [
      frame(
        ipv4('99.9.9.9', '10.1.0.255', 17, udp('99.9.9.9', '10.1.0.255', 5, 5000, HELLO)),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInNoECTPkts IpInReceives TcpExtIPReversePathFilter',
  ],
  [
    'rp_filter 1: 10.1.0.9',
    'rp_filter 1',
    [frame(ipv4('10.1.0.9', B, 17, udp('10.1.0.9', B, 5, 5000, HELLO)))],
    'IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'rp_filter 1: 10.1.0.9 to all',
    'rp_filter 1',
    [
      frame(
        ipv4('10.1.0.9', '10.1.0.255', 17, udp('10.1.0.9', '10.1.0.255', 5, 5000, HELLO)),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInBcastOctets=33 IpExtInBcastPkts IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'rp_filter 1: 10.1.0.255',
    'rp_filter 1',
    [frame(ipv4('10.1.0.255', B, 17, udp('10.1.0.255', B, 5, 5000, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'rp_filter 1: 10.1.0.255 to all',
    'rp_filter 1',
    [
      frame(
        ipv4('10.1.0.255', '10.1.0.255', 17, udp('10.1.0.255', '10.1.0.255', 5, 5000, HELLO)),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'rp_filter 1: 10.2.0.255',
    'rp_filter 1',
    [frame(ipv4('10.2.0.255', B, 17, udp('10.2.0.255', B, 5, 5000, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'rp_filter 1: 10.2.0.255 to all',
    'rp_filter 1',
    [
      frame(
        ipv4('10.2.0.255', '10.1.0.255', 17, udp('10.2.0.255', '10.1.0.255', 5, 5000, HELLO)),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'rp_filter 1: 10.1.0.2',
    'rp_filter 1',
    [frame(ipv4('10.1.0.2', B, 17, udp('10.1.0.2', B, 5, 5000, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'rp_filter 1: 10.1.0.2 to all',
    'rp_filter 1',
    [
      frame(
        ipv4('10.1.0.2', '10.1.0.255', 17, udp('10.1.0.2', '10.1.0.255', 5, 5000, HELLO)),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'rp_filter 1: 0.0.0.0',
    'rp_filter 1',
    [frame(ipv4('0.0.0.0', B, 17, udp('0.0.0.0', B, 5, 5000, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'rp_filter 1: 0.0.0.0 to all',
    'rp_filter 1',
    [
      frame(
        ipv4('0.0.0.0', '10.1.0.255', 17, udp('0.0.0.0', '10.1.0.255', 5, 5000, HELLO)),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'rp_filter 2: 10.2.0.9',
    'rp_filter 2',
    [frame(ipv4('10.2.0.9', B, 17, udp('10.2.0.9', B, 5, 5000, HELLO)))],
    'IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'rp_filter 2: 10.2.0.9 to all',
    'rp_filter 2',
    [
      frame(
        ipv4('10.2.0.9', '10.1.0.255', 17, udp('10.2.0.9', '10.1.0.255', 5, 5000, HELLO)),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInBcastOctets=33 IpExtInBcastPkts IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'rp_filter 2: 99.9.9.9',
    'rp_filter 2',
    [frame(ipv4('99.9.9.9', B, 17, udp('99.9.9.9', B, 5, 5000, HELLO)))],
    'IpExtInNoECTPkts IpInReceives TcpExtIPReversePathFilter',
  ],
  [
    'rp_filter 2: 99.9.9.9 to all',
    'rp_filter 2',
    [
      frame(
        ipv4('99.9.9.9', '10.1.0.255', 17, udp('99.9.9.9', '10.1.0.255', 5, 5000, HELLO)),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInNoECTPkts IpInReceives TcpExtIPReversePathFilter',
  ],
  [
    'rp_filter 2: 10.1.0.9',
    'rp_filter 2',
    [frame(ipv4('10.1.0.9', B, 17, udp('10.1.0.9', B, 5, 5000, HELLO)))],
    'IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'rp_filter 2: 10.1.0.9 to all',
    'rp_filter 2',
    [
      frame(
        ipv4('10.1.0.9', '10.1.0.255', 17, udp('10.1.0.9', '10.1.0.255', 5, 5000, HELLO)),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInBcastOctets=33 IpExtInBcastPkts IpExtInNoECTPkts IpInDelivers IpInReceives',
  ],
  [
    'rp_filter 2: 10.1.0.255',
    'rp_filter 2',
    [frame(ipv4('10.1.0.255', B, 17, udp('10.1.0.255', B, 5, 5000, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'rp_filter 2: 10.1.0.255 to all',
    'rp_filter 2',
    [
      frame(
        ipv4('10.1.0.255', '10.1.0.255', 17, udp('10.1.0.255', '10.1.0.255', 5, 5000, HELLO)),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'rp_filter 2: 10.2.0.255',
    'rp_filter 2',
    [frame(ipv4('10.2.0.255', B, 17, udp('10.2.0.255', B, 5, 5000, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'rp_filter 2: 10.2.0.255 to all',
    'rp_filter 2',
    [
      frame(
        ipv4('10.2.0.255', '10.1.0.255', 17, udp('10.2.0.255', '10.1.0.255', 5, 5000, HELLO)),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'rp_filter 2: 10.1.0.2',
    'rp_filter 2',
    [frame(ipv4('10.1.0.2', B, 17, udp('10.1.0.2', B, 5, 5000, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'rp_filter 2: 10.1.0.2 to all',
    'rp_filter 2',
    [
      frame(
        ipv4('10.1.0.2', '10.1.0.255', 17, udp('10.1.0.2', '10.1.0.255', 5, 5000, HELLO)),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'rp_filter 2: 0.0.0.0',
    'rp_filter 2',
    [frame(ipv4('0.0.0.0', B, 17, udp('0.0.0.0', B, 5, 5000, HELLO)))],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    'rp_filter 2: 0.0.0.0 to all',
    'rp_filter 2',
    [
      frame(
        ipv4('0.0.0.0', '10.1.0.255', 17, udp('0.0.0.0', '10.1.0.255', 5, 5000, HELLO)),
        ETHER_BROADCAST,
      ),
    ],
    'IpExtInNoECTPkts IpInReceives',
  ],
  [
    "somebody else's frame",
    '',
    [frame(ipv4(A, B, 1, icmp(8, 0, 0x10001, fill(16))), '02:00:00:00:99:99')],
    '',
  ],
];

/** A packet as the table writes it. */
function describePacket(b: Uint8Array): string {
  const dv = new DataView(b.buffer, b.byteOffset, b.length);
  const hex = (n: number, width: number): string => n.toString(16).padStart(width, '0');
  let text = `${formatIpv4(dv.getUint32(12))}>${formatIpv4(dv.getUint32(16))} p${dv.getUint8(9)} len${dv.getUint16(2)} tos${hex(dv.getUint8(1), 2)} ttl${dv.getUint8(8)}`;
  const frag = dv.getUint16(6);
  if (frag !== 0) text += ` frag${hex(frag, 4)}`;
  if (dv.getUint8(9) !== 1 || (frag & 0x1fff) !== 0) return text;
  const o = (dv.getUint8(0) & 15) * 4;
  const type = dv.getUint8(o);
  text += ` icmp${type}/${dv.getUint8(o + 1)} rest${hex(dv.getUint32(o + 4), 8)}`;
  return [3, 5, 11, 12].includes(type)
    ? `${text} inner ttl${dv.getUint8(o + 16)} innerlen${b.length - o - 8}`
    : text;
}

function packets(letter: string, frames: readonly SeenFrame[]): string[] {
  return frames
    .filter(({ bytes }) => bytes[12] === 8 && bytes[13] === 0)
    .map(({ bytes }) => `${letter}  ${describePacket(bytes.subarray(14))}`);
}

interface Bench {
  readonly lab: SpecLab;
  readonly router: Host;
  readonly card: Nic;
  readonly wireA: Wire;
  readonly wireC: Wire;
}

async function makeBench(): Promise<Bench> {
  const lab = new SpecLab();
  const a = lab.host('a');
  const router = lab.host('b');
  const c = lab.host('c');
  const nicA = lab.nic(a, 'e0', MAC_A);
  const card = lab.nic(router, 'e0', MAC_B);
  const other = lab.nic(router, 'e1', '02:00:00:00:02:01');
  const nicC = lab.nic(c, 'e0', '02:00:00:00:02:02');
  const wireA = lab.wire(nicA, card, {}, 'a');
  const wireC = lab.wire(other, nicC, {}, 'c');
  addAddress(a.kernel.initNet, nicA.dev.ifindex, '10.1.0.1/24');
  addAddress(router.kernel.initNet, card.dev.ifindex, '10.1.0.2/24');
  addAddress(router.kernel.initNet, other.dev.ifindex, '10.2.0.1/24');
  addAddress(c.kernel.initNet, nicC.dev.ifindex, '10.2.0.2/24');
  fibNewRoute(a.kernel.initNet, { family: 2, dstLen: 0, nexthops: [{ via: ip4(B) }], mode: 'add' });
  fibNewRoute(c.kernel.initNet, {
    family: 2,
    dstLen: 0,
    nexthops: [{ via: ip4('10.2.0.1') }],
    mode: 'add',
  });
  await lab.run(router, sysctl('net/ipv4/ip_forward', 1));
  await lab.run(router, sysctl('net/ipv4/icmp_ratelimit', 0));
  await lab.run(router, sysctl('net/ipv4/ipfrag_time', 1));
  return { lab, router, card, wireA, wireC };
}

function udpSocket(host: Host, port: number): Sock {
  const sk = host.kernel.modules.createSock(host.kernel.initNet, AF_INET, SOCK_DGRAM, 0);
  expect(sk.bind({ family: 'inet', addr: 0, port })).toBe(0);
  return sk;
}

describe('counters of a router', () => {
  let bench: Bench;
  let sk: Sock;

  beforeAll(async () => {
    bench = await makeBench();
    sk = udpSocket(bench.router, 5000);
  });

  afterAll(async () => {
    sk.release();
    await bench.lab.advance(120e9);
    expect(bench.lab.pool.live).toBe(0);
    expect(bench.lab.memory.inUse).toEqual({ small: 0, large: 0 });
  });

  it.each(SETTINGS.map((row) => ({ name: row[0], row })))(
    '$name',
    async ({ row: [, setting, frames, counted, sent = []] }) => {
      const { lab, router, card, wireA, wireC } = bench;
      await lab.advance(20e9);
      const net = router.kernel.initNet;
      const [first = '', value] = setting.split(' ');
      if (first === 'route') await lab.call(router, (sys) => expect(ip(sys, setting)).toBe(''));
      else if (first !== '') ipv4SetConf(net, 'e0', first as Ipv4ConfName, Number(value));
      if (first === 'send_redirects') ipv4SetConf(net, 'all', first, 0);
      wireA.observer = wireC.observer = null;
      const [toA, toC] = [watch(wireA, 'z'), watch(wireC, 'a')];
      const before = counters(net);
      for (const bytes of frames) lab.receive(card, bytes);
      await lab.advance(60e6);
      expect(moved(before, counters(net))).toBe(counted);
      expect(
        [...packets('A', toA), ...packets('C', toC)].filter((text) => !text.includes(' p17 ')),
      ).toEqual(sent);
      ipv4SetConf(net, 'all', 'forwarding', 1);
      ipv4SetConf(net, 'all', 'send_redirects', 1);
      for (const [name, initial] of [
        ['rp_filter', 0],
        ['send_redirects', 1],
      ] as const)
        ipv4SetConf(net, 'e0', name, initial);
      for (let skb = sk.receiveQueue.shift(); skb !== null; skb = sk.receiveQueue.shift())
        skb.pool.release(skb);
    },
  );

  it.each(ROWS.map((row) => ({ name: row[0], row })))(
    '$name',
    async ({ name, row: [, frames, counted, sent = []] }) => {
      const { lab, router, card, wireA, wireC } = bench;
      await lab.advance(20e9); // token buckets are full again
      for (const port of router.kernel.initNet.devices)
        port.mtu = name.startsWith('fwd too big') && port.name === 'e1' ? 1000 : port.mtu;
      wireA.observer = wireC.observer = null;
      const toA = watch(wireA, 'z');
      const toC = watch(wireC, 'a');
      const before = counters(router.kernel.initNet);
      for (const bytes of frames) lab.receive(card, bytes);
      await lab.advance(name.includes('timeout') ? 1.3e9 : 60e6);
      for (const port of router.kernel.initNet.devices) if (port.name === 'e1') port.mtu = 1500;
      expect(moved(before, counters(router.kernel.initNet))).toBe(counted);
      expect([...packets('A', toA), ...packets('C', toC)]).toEqual(sent);
    },
  );
});
