/**
 * Why a packet was dropped, by the kernel's own names.
 *
 * Every drop of the data path passes `kfreeSkbReason` with one of these; tracepoints, events and drop monitors show the
 * name. Source: include/net/dropreason-core.h (names and meanings; the numbers there change between versions).
 */
const NAMES = [
  'NOT_SPECIFIED', // no better reason is known
  'NO_SOCKET', // no socket takes it
  'PKT_TOO_SMALL', // shorter than its headers claim
  'TCP_CSUM',
  'SOCKET_FILTER', // a filter attached to the socket
  'UDP_CSUM',
  'NETFILTER_DROP',
  'OTHERHOST', // the frame's MAC address is somebody else's
  'IP_CSUM',
  'IP_INHDR', // malformed IP header
  'IP_RPFILTER',
  'UNICAST_IN_L2_MULTICAST',
  'PROTO_MEM', // protocol memory limit
  'TCP_MD5UNEXPECTED', // a signature for a socket without a key
  'TCP_AUTH_HDR',
  'SOCKET_RCVBUFF', // receive buffer full
  'SOCKET_BACKLOG',
  'TCP_FLAGS', // flags that make no sense in this state
  'TCP_ABORT_ON_DATA',
  'TCP_ZEROWINDOW',
  'TCP_OLD_DATA',
  'TCP_OVERWINDOW',
  'TCP_OFOMERGE',
  'TCP_RFC7323_PAWS',
  'TCP_OLD_SEQUENCE',
  'TCP_INVALID_SEQUENCE',
  'TCP_INVALID_END_SEQUENCE',
  'TCP_INVALID_ACK_SEQUENCE',
  'TCP_RESET',
  'TCP_INVALID_SYN',
  'TCP_CLOSE',
  'TCP_FASTOPEN',
  'TCP_OLD_ACK',
  'TCP_TOO_OLD_ACK',
  'TCP_ACK_UNSENT_DATA',
  'TCP_OFO_QUEUE_PRUNE',
  'TCP_OFO_DROP',
  'TCP_MINTTL',
  'TCP_LISTEN_OVERFLOW',
  'IP_OUTNOROUTES',
  'IP_INNOROUTES',
  'IP_LOCAL_SOURCE', // a packet from the wire with a source address of ours
  'IP_INVALID_SOURCE',
  'IP_INVALID_DEST',
  'IP_LOCALNET', // 127.0.0.0/8 on the wire
  'BPF_CGROUP_EGRESS',
  'IPV6DISABLED',
  'NEIGH_CREATEFAIL',
  'NEIGH_FAILED', // the next hop does not answer
  'NEIGH_QUEUEFULL',
  'NEIGH_DEAD',
  'TC_EGRESS',
  'TC_INGRESS',
  'QDISC_DROP',
  'CPU_BACKLOG', // netdev_max_backlog reached
  'XDP',
  'UNHANDLED_PROTO',
  'SKB_CSUM',
  'SKB_GSO_SEG',
  'SKB_UCOPY_FAULT',
  'DEV_HDR', // no room or no rule for the device's header
  'DEV_READY', // the device is not up
  'FULL_RING',
  'NOMEM',
  'HDR_TRUNC',
  'TAP_FILTER',
  'TAP_TXFILTER',
  'ICMP_CSUM',
  'INVALID_PROTO',
  'IP_INADDRERRORS',
  'IP_INNOHOST',
  'PKT_TOO_BIG',
  'DUP_FRAG',
  'FRAG_REASM_TIMEOUT',
  'FRAG_TOO_FAR',
  'IPV6_BAD_EXTHDR',
  'IPV6_NDISC_BAD_OPTIONS',
  'QUEUE_PURGE',
  'BRIDGE_NO_EGRESS_PORT',
  'BRIDGE_INGRESS_STP_STATE',
  'VLAN_FILTER',
  'ARP_PVLAN_DISABLE',
  'MAC_INVALID_SOURCE',
  'IP_TTL', // time to live ran out while forwarding
  'IP_NOTFORWARDING', // for somebody else, and forwarding is off
  'WIRE_LOSS', // ours: the wire's random loss
  'WIRE_QUEUE', // ours: the wire's bounded queue was full
  'WIRE_DOWN', // ours: no carrier
  'RECURSION_LIMIT', // tunnels that lead into each other
  'TUNNEL_TXINFO', // an external tunnel was told no destination
  'IP_TUNNEL_ECN', // congestion was marked on a tunnel's packet whose inside does not take part
  'VXLAN_INVALID_HDR',
  'VXLAN_VNI_NOT_FOUND',
  'VXLAN_NO_REMOTE', // no entry in the forwarding database
  'LOCAL_MAC', // our own frame came back
  'IGMP_CSUM',
] as const;

export type DropReasonName = (typeof NAMES)[number];

/** Reason name (without the kernel's SKB_DROP_REASON_ prefix) to our number. */
export const DropReason = Object.freeze(
  Object.fromEntries(NAMES.map((name, index) => [name, index])),
) as Readonly<Record<DropReasonName, number>>;

/** The name of a reason's number. */
export function dropReasonName(reason: number): DropReasonName {
  return NAMES[reason] ?? 'NOT_SPECIFIED';
}
