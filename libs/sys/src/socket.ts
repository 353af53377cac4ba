/**
 * The socket half of the system-call boundary: addresses, message shapes, options, sock_diag.
 *
 * IPv4 addresses are unsigned numbers, IPv6 addresses 16 bytes, ports host-order numbers.
 */

export const AF_UNSPEC = 0;
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_PACKET = 17;
export const AF_BRIDGE = 7;

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_SEQPACKET = 5;

export const IPPROTO_IP = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_IGMP = 2;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_RAW = 255;

export interface SockAddrIn {
  readonly family: 'inet';
  readonly addr: number;
  readonly port: number;
}
export interface SockAddrIn6 {
  readonly family: 'inet6';
  readonly addr: Uint8Array;
  readonly port: number;
  readonly scopeId: number;
  /** Traffic class and flow label to send with (IPV6_FLOWINFO_SEND); absent: the socket's. */
  readonly flowInfo?: number;
}
export interface SockAddrLl {
  readonly family: 'packet';
  /** Ethertype in host order; ETH_P_ALL is 3. */
  readonly protocol: number;
  readonly ifindex: number;
  readonly hatype: number;
  /** PACKET_HOST 0, BROADCAST 1, MULTICAST 2, OTHERHOST 3, OUTGOING 4. */
  readonly pkttype: number;
  readonly addr: Uint8Array;
}
export interface SockAddrUnix {
  readonly family: 'unix';
  readonly path: string;
}
export interface SockAddrUnspec {
  readonly family: 'unspec';
}
export type SockAddr = SockAddrIn | SockAddrIn6 | SockAddrLl | SockAddrUnix | SockAddrUnspec;

/** send/recv flags of Linux. */
export const Msg = {
  MSG_OOB: 1,
  MSG_PEEK: 2,
  MSG_DONTROUTE: 4,
  MSG_CTRUNC: 8,
  MSG_TRUNC: 0x20,
  MSG_DONTWAIT: 0x40,
  MSG_EOR: 0x80,
  MSG_WAITALL: 0x100,
  MSG_CONFIRM: 0x800,
  MSG_ERRQUEUE: 0x2000,
  MSG_NOSIGNAL: 0x4000,
  MSG_MORE: 0x8000,
  MSG_WAITFORONE: 0x10000,
  MSG_ZEROCOPY: 0x4000000,
  MSG_FASTOPEN: 0x20000000,
  MSG_CMSG_CLOEXEC: 0x40000000,
} as const;

/** sock_extended_err as IP_RECVERR delivers it. */
export interface SockExtendedErr {
  readonly errno: number;
  /** SO_EE_ORIGIN_LOCAL 1, ICMP 2, ICMP6 3, TIMESTAMPING 4, ZEROCOPY 5. */
  readonly origin: number;
  readonly type: number;
  readonly code: number;
  /** Next-hop MTU for EMSGSIZE. */
  readonly info: number;
  /** ee_data: last of a run of completed MSG_ZEROCOPY sends, of which `info` is the first. */
  readonly data?: number;
  /** Who sent the ICMP error. */
  readonly offender: SockAddr;
}

/** Ancillary data of a received message. */
export interface Control {
  /** SO_TIMESTAMPNS: virtual nanoseconds since boot. */
  timestampNs?: number;
  /** SO_TIMESTAMPING: software, nothing, hardware; nanoseconds since boot, 0 for none. */
  timestamping?: readonly [number, number, number];
  /** TCP_INQ: bytes that are left to be read. */
  inq?: number;
  /** SO_RXQ_OVFL: messages lost so far. */
  drops?: number;
  /** IP_RECVOPTS, or as IP_RETOPTS gives them for an answer. */
  options?: Uint8Array;
  retopts?: Uint8Array;
  /** IP_RECVORIGDSTADDR. */
  origdst?: SockAddrIn;
  /** UDP_GRO: the size of each datagram of several received as one; UDP_SEGMENT of one to send. */
  segment?: number;
  /** SCM_RIGHTS: descriptors. */
  rights?: readonly number[];
  /** SCM_CREDENTIALS. */
  creds?: { readonly pid: number; readonly uid: number; readonly gid: number };
  /** IP_RECVTTL / IPV6_RECVHOPLIMIT. */
  ttl?: number;
  /** IP_RECVTOS. */
  tos?: number;
  /** IP_PKTINFO. */
  pktinfo?: { readonly ifindex: number; readonly addr: number };
  /** IPV6_RECVPKTINFO, and IPV6_PKTINFO of a message to send. */
  pktinfo6?: { readonly ifindex: number; readonly addr: Uint8Array };
  /** IPV6_RECVTCLASS. */
  tclass?: number;
  /** MSG_ERRQUEUE. */
  err?: SockExtendedErr;
  /** PACKET_AUXDATA. */
  auxdata?: {
    readonly len: number;
    readonly snaplen: number;
    readonly vlanTci?: number;
    readonly netOff: number;
  };
}

export interface RecvResult {
  readonly data: Uint8Array;
  readonly from: SockAddr;
  /** MSG_TRUNC, MSG_ERRQUEUE … */
  readonly flags: number;
  /** Length before truncation. */
  readonly length: number;
  readonly control: Control;
}

/** Options by their C names; a value is a number, a name (SO_BINDTODEVICE, TCP_CONGESTION) or bytes. */
export type SockOpt =
  | 'SO_REUSEADDR'
  | 'SO_REUSEPORT'
  | 'SO_BROADCAST'
  | 'SO_KEEPALIVE'
  | 'SO_LINGER'
  | 'SO_RCVBUF'
  | 'SO_SNDBUF'
  | 'SO_RCVBUFFORCE'
  | 'SO_SNDBUFFORCE'
  | 'SO_ERROR'
  | 'SO_TYPE'
  | 'SO_BINDTODEVICE'
  | 'SO_MARK'
  | 'SO_PRIORITY'
  | 'SO_TIMESTAMPNS'
  | 'SO_TIMESTAMP'
  | 'SO_TIMESTAMPING'
  | 'SO_RCVTIMEO'
  | 'SO_SNDTIMEO'
  | 'SO_DOMAIN'
  | 'SO_PROTOCOL'
  | 'SO_COOKIE'
  | 'SO_BINDTOIFINDEX'
  | 'SO_LOCK_FILTER'
  | 'SO_RXQ_OVFL'
  | 'SO_PEEK_OFF'
  | 'SO_INCOMING_CPU'
  | 'SO_BUSY_POLL'
  | 'SO_ZEROCOPY'
  | 'SO_ATTACH_REUSEPORT_CBPF'
  | 'SO_PASSCRED'
  | 'SO_PEERCRED'
  | 'SO_NO_CHECK'
  | 'UDP_CORK'
  | 'UDP_SEGMENT'
  | 'UDP_GRO'
  | 'IP_RECVOPTS'
  | 'IP_RETOPTS'
  | 'IP_RECVORIGDSTADDR'
  | 'IP_TRANSPARENT'
  | 'IP_LOCAL_PORT_RANGE'
  | 'IP_UNICAST_IF'
  | 'PACKET_VERSION'
  | 'PACKET_RX_RING'
  | 'PACKET_TX_RING'
  | 'PACKET_FANOUT'
  | 'PACKET_RESERVE'
  | 'PACKET_LOSS'
  | 'PACKET_COPY_THRESH'
  | 'PACKET_TIMESTAMP'
  | 'PACKET_QDISC_BYPASS'
  | 'PACKET_IGNORE_OUTGOING'
  | 'PACKET_DROP_MEMBERSHIP'
  | 'PACKET_ORIGDEV'
  | 'PACKET_HDRLEN'
  | 'SO_DONTROUTE'
  | 'SO_RCVLOWAT'
  | 'SO_ACCEPTCONN'
  | 'SO_ATTACH_FILTER'
  | 'SO_DETACH_FILTER'
  | 'IP_TTL'
  | 'IP_TOS'
  | 'IP_HDRINCL'
  | 'IP_RECVERR'
  | 'IP_RECVTTL'
  | 'IP_RECVTOS'
  | 'IP_PKTINFO'
  | 'IP_MTU_DISCOVER'
  | 'IP_MTU'
  | 'IP_MULTICAST_TTL'
  | 'IP_MULTICAST_LOOP'
  | 'IP_MULTICAST_IF'
  | 'IP_ADD_MEMBERSHIP'
  | 'IP_DROP_MEMBERSHIP'
  | 'IP_ADD_SOURCE_MEMBERSHIP'
  | 'IP_DROP_SOURCE_MEMBERSHIP'
  | 'IP_BLOCK_SOURCE'
  | 'IP_UNBLOCK_SOURCE'
  | 'IP_MULTICAST_ALL'
  | 'IP_OPTIONS'
  | 'IP_FREEBIND'
  | 'IP_BIND_ADDRESS_NO_PORT'
  | 'IPV6_V6ONLY'
  | 'IPV6_UNICAST_HOPS'
  | 'IPV6_MULTICAST_HOPS'
  | 'IPV6_MULTICAST_LOOP'
  | 'IPV6_MULTICAST_IF'
  | 'IPV6_UNICAST_IF'
  | 'IPV6_JOIN_GROUP'
  | 'IPV6_LEAVE_GROUP'
  | 'IPV6_RECVPKTINFO'
  | 'IPV6_PKTINFO'
  | 'IPV6_RECVHOPLIMIT'
  | 'IPV6_RECVTCLASS'
  | 'IPV6_TCLASS'
  | 'IPV6_RECVERR'
  | 'IPV6_MTU_DISCOVER'
  | 'IPV6_MTU'
  | 'IPV6_DONTFRAG'
  | 'IPV6_CHECKSUM'
  | 'IPV6_HDRINCL'
  | 'IPV6_FREEBIND'
  | 'IPV6_AUTOFLOWLABEL'
  | 'IPV6_FLOWINFO_SEND'
  | 'IPV6_TRANSPARENT'
  | 'IPV6_ADDRFORM'
  | 'IPV6_ROUTER_ALERT'
  | 'ICMP6_FILTER'
  | 'TCP_NODELAY'
  | 'TCP_CORK'
  | 'TCP_MAXSEG'
  | 'TCP_CONGESTION'
  | 'TCP_KEEPIDLE'
  | 'TCP_KEEPINTVL'
  | 'TCP_KEEPCNT'
  | 'TCP_USER_TIMEOUT'
  | 'TCP_DEFER_ACCEPT'
  | 'TCP_QUICKACK'
  | 'TCP_FASTOPEN'
  | 'SO_OOBINLINE'
  | 'TCP_INQ'
  | 'TCP_NOTSENT_LOWAT'
  | 'TCP_RTO_MAX_MS'
  | 'TCP_TIMESTAMP'
  | 'TCP_WINDOW_CLAMP'
  | 'TCP_FASTOPEN_CONNECT'
  | 'TCP_FASTOPEN_KEY'
  | 'TCP_FASTOPEN_NO_COOKIE'
  | 'TCP_THIN_LINEAR_TIMEOUTS'
  | 'TCP_SYNCNT'
  | 'TCP_LINGER2'
  | 'PACKET_ADD_MEMBERSHIP'
  | 'PACKET_AUXDATA'
  | 'PACKET_STATISTICS'
  | 'ICMP_FILTER';

/** ioctl(2) on a socket: bytes to read, bytes not acknowledged or not sent, whether the reader stands at urgent data. */
export type SockIoctl = 'SIOCINQ' | 'SIOCOUTQ' | 'SIOCOUTQNSD' | 'SIOCATMARK';

export type SockOptValue = number | string | Uint8Array | readonly number[];

/** One socket as sock_diag (and `ss`) sees it. */
export interface SockDiagEntry {
  readonly family: 'inet' | 'inet6' | 'packet' | 'unix';
  readonly type: 'tcp' | 'udp' | 'raw' | 'icmp' | 'p_raw' | 'p_dgr' | 'u_str' | 'u_dgr' | 'u_seq';
  /** TCP_ESTABLISHED 1 … TCP_CLOSING 11; UDP: 7 unconnected, 1 connected. */
  readonly state: number;
  readonly local: SockAddr;
  readonly peer: SockAddr;
  readonly recvQ: number;
  readonly sendQ: number;
  readonly ino: number;
  readonly uid: number;
  /** Bound interface, 0 for none. */
  readonly ifindex: number;
  /** Processes that hold it. */
  readonly users: readonly { readonly comm: string; readonly pid: number; readonly fd: number }[];
  /** Running timer as ss shows it. */
  readonly timer?: {
    readonly name: 'on' | 'keepalive' | 'timewait' | 'persist' | 'unknown';
    readonly expiresNs: number;
    readonly retrans: number;
  };
  /** AF_UNIX: the other side's inode, 0 for none; UNIX_DIAG_SHUTDOWN. */
  readonly peerIno?: number;
  readonly shutdown?: number;
  readonly mem?: {
    readonly rmem: number;
    readonly rcvbuf: number;
    readonly wmem: number;
    readonly sndbuf: number;
    readonly fwd: number;
    readonly wmemQueued: number;
    readonly opt: number;
    readonly backlog: number;
    readonly drops: number;
  };
  /** tcp_info by the kernel's field names (numbers; times in microseconds as in the kernel). */
  readonly tcpInfo?: Readonly<Record<string, number>>;
  /** INET_DIAG_SKV6ONLY: an IPv6 socket that takes no IPv4. */
  readonly v6only?: boolean;
  readonly congestion?: string;
  /** Congestion-control details such as bbr's, ready-made numbers by ss's names. */
  readonly ccInfo?: Readonly<Record<string, number>>;
}
