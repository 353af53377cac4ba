/**
 * The words of the filter language: keywords, constants, names of protocols.
 *
 * Sources: pcap-filter(7), IANA registries, IEEE 802 numbers, include/uapi/linux/if_ether.h.
 */

/** Words that may stand where a protocol qualifies a primitive. */
export const PROTOCOL_WORDS = [
  'link',
  'ip',
  'arp',
  'rarp',
  'sctp',
  'tcp',
  'udp',
  'icmp',
  'igmp',
  'igrp',
  'pim',
  'vrrp',
  'carp',
  'radio',
  'ip6',
  'icmp6',
  'ah',
  'esp',
  'atalk',
  'aarp',
  'decnet',
  'lat',
  'sca',
  'moprc',
  'mopdl',
  'iso',
  'esis',
  'isis',
  'l1',
  'l2',
  'iih',
  'lsp',
  'snp',
  'csnp',
  'psnp',
  'clnp',
  'stp',
  'ipx',
  'netbeui',
] as const;

export type ProtocolWord = (typeof PROTOCOL_WORDS)[number];

const OTHER_KEYWORDS = [
  'src',
  'dst',
  'host',
  'net',
  'mask',
  'port',
  'portrange',
  'proto',
  'protochain',
  'gateway',
  'type',
  'subtype',
  'dir',
  'less',
  'greater',
  'byte',
  'broadcast',
  'multicast',
  'and',
  'or',
  'not',
  'len',
  'inbound',
  'outbound',
  'ifindex',
  'vlan',
  'mpls',
  'pppoed',
  'pppoes',
  'geneve',
  'vxlan',
  'llc',
  'action',
  'reason',
  'ifname',
  'rset',
  'ruleset',
  'rnum',
  'srnum',
  'addr1',
  'addr2',
  'addr3',
  'addr4',
  'ra',
  'ta',
] as const;

const SYNONYMS = {
  ether: 'link',
  ppp: 'link',
  slip: 'link',
  fddi: 'link',
  tr: 'link',
  wlan: 'link',
  length: 'len',
  'es-is': 'esis',
  'is-is': 'isis',
  address1: 'addr1',
  address2: 'addr2',
  address3: 'addr3',
  address4: 'addr4',
  direction: 'dir',
} as const;

/** Spelling → canonical keyword. */
export const KEYWORDS: ReadonlyMap<string, string> = new Map<string, string>([
  ...PROTOCOL_WORDS.map((word): [string, string] => [word, word]),
  ...OTHER_KEYWORDS.map((word): [string, string] => [word, word]),
  ...Object.entries(SYNONYMS),
]);

/** Named constants: field offsets, ICMP types, TCP flags. */
export const NUMBER_WORDS: ReadonlyMap<string, number> = new Map<string, number>([
  ['icmptype', 0],
  ['icmpcode', 1],
  ['icmp-echoreply', 0],
  ['icmp-unreach', 3],
  ['icmp-sourcequench', 4],
  ['icmp-redirect', 5],
  ['icmp-echo', 8],
  ['icmp-routeradvert', 9],
  ['icmp-routersolicit', 10],
  ['icmp-timxceed', 11],
  ['icmp-paramprob', 12],
  ['icmp-tstamp', 13],
  ['icmp-tstampreply', 14],
  ['icmp-ireq', 15],
  ['icmp-ireqreply', 16],
  ['icmp-maskreq', 17],
  ['icmp-maskreply', 18],
  ['icmp6type', 0],
  ['icmp6code', 1],
  ['icmp6-destinationunreach', 1],
  ['icmp6-packettoobig', 2],
  ['icmp6-timeexceeded', 3],
  ['icmp6-parameterproblem', 4],
  ['icmp6-echo', 128],
  ['icmp6-echoreply', 129],
  ['icmp6-multicastlistenerquery', 130],
  ['icmp6-multicastlistenerreportv1', 131],
  ['icmp6-multicastlistenerdone', 132],
  ['icmp6-routersolicit', 133],
  ['icmp6-routeradvert', 134],
  ['icmp6-neighborsolicit', 135],
  ['icmp6-neighboradvert', 136],
  ['icmp6-redirect', 137],
  ['icmp6-routerrenum', 138],
  ['icmp6-nodeinformationquery', 139],
  ['icmp6-nodeinformationresponse', 140],
  ['icmp6-ineighbordiscoverysolicit', 141],
  ['icmp6-ineighbordiscoveryadvert', 142],
  ['icmp6-multicastlistenerreportv2', 143],
  ['icmp6-homeagentdiscoveryrequest', 144],
  ['icmp6-homeagentdiscoveryreply', 145],
  ['icmp6-mobileprefixsolicit', 146],
  ['icmp6-mobileprefixadvert', 147],
  ['icmp6-certpathsolicit', 148],
  ['icmp6-certpathadvert', 149],
  ['icmp6-multicastrouteradvert', 151],
  ['icmp6-multicastroutersolicit', 152],
  ['icmp6-multicastrouterterm', 153],
  ['tcpflags', 13],
  ['tcp-fin', 0x01],
  ['tcp-syn', 0x02],
  ['tcp-rst', 0x04],
  ['tcp-push', 0x08],
  ['tcp-ack', 0x10],
  ['tcp-urg', 0x20],
  ['tcp-ece', 0x40],
  ['tcp-cwr', 0x80],
]);

export const ETHERTYPE_IP = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_REVARP = 0x8035;
export const ETHERTYPE_IPV6 = 0x86dd;
export const ETHERTYPE_8021Q = 0x8100;
export const ETHERTYPE_8021AD = 0x88a8;
export const ETHERTYPE_8021QINQ = 0x9100;
export const ETHERTYPE_MPLS = 0x8847;
export const ETHERTYPE_PPPOED = 0x8863;
export const ETHERTYPE_PPPOES = 0x8864;
export const ETHERTYPE_TEB = 0x6558;
export const ETHERTYPE_DN = 0x6003;
export const ETHERTYPE_ATALK = 0x809b;
export const ETHERTYPE_AARP = 0x80f3;
export const ETHERTYPE_IPX = 0x8137;

export const LLCSAP_IP = 0x06;
export const LLCSAP_8021D = 0x42;
export const LLCSAP_IPX = 0xe0;
export const LLCSAP_NETBEUI = 0xf0;
export const LLCSAP_ISONS = 0xfe;

/** `ether proto NAME`. */
export const LINK_PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ['aarp', ETHERTYPE_AARP],
  ['arp', ETHERTYPE_ARP],
  ['atalk', ETHERTYPE_ATALK],
  ['decnet', ETHERTYPE_DN],
  ['ip', ETHERTYPE_IP],
  ['ip6', ETHERTYPE_IPV6],
  ['lat', 0x6004],
  ['loopback', 0x9000],
  ['mopdl', 0x6001],
  ['moprc', 0x6002],
  ['rarp', ETHERTYPE_REVARP],
  ['sca', 0x6007],
  ['slow', 0x8809],
  ['iso', LLCSAP_ISONS],
  ['stp', LLCSAP_8021D],
  ['ipx', LLCSAP_IPX],
  ['netbeui', LLCSAP_NETBEUI],
]);

export const ISO_CLNP = 0x81;
export const ISO_ESIS = 0x82;
export const ISO_ISIS = 0x83;

/** `iso proto NAME`. */
export const OSI_PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ['clnp', ISO_CLNP],
  ['esis', ISO_ESIS],
  ['isis', ISO_ISIS],
]);

/** `llc TYPE`: control field value, and the mask that selects it. */
export const LLC_SUBTYPES: ReadonlyMap<string, readonly [value: number, mask: number]> = new Map([
  ['rr', [0x01, 0x0f]],
  ['rnr', [0x05, 0x0f]],
  ['rej', [0x09, 0x0f]],
  ['ui', [0x03, 0xef]],
  ['ua', [0x63, 0xef]],
  ['disc', [0x43, 0xef]],
  ['dm', [0x0f, 0xef]],
  ['sabme', [0x6f, 0xef]],
  ['test', [0xe3, 0xef]],
  ['xid', [0xaf, 0xef]],
  ['frmr', [0x87, 0xef]],
]);
