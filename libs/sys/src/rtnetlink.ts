/**
 * rtnetlink as typed messages: what `ip`, `bridge` and `tc` ask and what the kernel answers.
 *
 * The shapes follow <linux/rtnetlink.h> and <linux/if_link.h> attribute by attribute (IFLA_ADDRESS → `address`), with
 * text and numbers instead of bytes where that loses nothing. A refused request throws KernelError with the errno and,
 * where the kernel sends one, the extack text. Addresses: IPv4 as numbers, IPv6 as 16 bytes (`IpAddr`).
 */

export type IpAddr = number | Uint8Array;

/** net_device flags. */
export const Iff = {
  IFF_UP: 1,
  IFF_BROADCAST: 2,
  IFF_DEBUG: 4,
  IFF_LOOPBACK: 8,
  IFF_POINTOPOINT: 0x10,
  IFF_RUNNING: 0x40,
  IFF_NOARP: 0x80,
  IFF_PROMISC: 0x100,
  IFF_ALLMULTI: 0x200,
  IFF_MASTER: 0x400,
  IFF_SLAVE: 0x800,
  IFF_MULTICAST: 0x1000,
  IFF_LOWER_UP: 0x10000,
  IFF_DORMANT: 0x20000,
  IFF_ECHO: 0x40000,
} as const;

/** rtnl_link_stats64. */
export interface LinkStats {
  rxPackets: number;
  txPackets: number;
  rxBytes: number;
  txBytes: number;
  rxErrors: number;
  txErrors: number;
  rxDropped: number;
  txDropped: number;
  multicast: number;
  collisions: number;
  rxLengthErrors: number;
  rxOverErrors: number;
  rxCrcErrors: number;
  rxFrameErrors: number;
  rxFifoErrors: number;
  rxMissedErrors: number;
  txAbortedErrors: number;
  txCarrierErrors: number;
  txFifoErrors: number;
  txHeartbeatErrors: number;
  txWindowErrors: number;
  rxNohandler: number;
}

/** IFLA_INFO_DATA and IFLA_INFO_SLAVE_DATA: attribute names as `ip -d -j` prints them. */
export type LinkInfoData = Readonly<Record<string, string | number | boolean>>;

/** An answer to RTM_GETLINK, and the body of RTM_NEWLINK events. */
export interface LinkMsg {
  readonly ifindex: number;
  readonly ifname: string;
  /** ARPHRD_ETHER 1, LOOPBACK 772, … */
  readonly type: number;
  readonly flags: number;
  readonly mtu: number;
  readonly minMtu: number;
  readonly maxMtu: number;
  readonly txqlen: number;
  readonly qdisc: string;
  /** 0 UNKNOWN, 1 NOTPRESENT, 2 DOWN, 3 LOWERLAYERDOWN, 4 TESTING, 5 DORMANT, 6 UP. */
  readonly operstate: number;
  readonly linkmode: number;
  readonly group: number;
  readonly promiscuity: number;
  readonly allmulti: number;
  readonly numTxQueues: number;
  readonly numRxQueues: number;
  readonly gsoMaxSize: number;
  readonly gsoMaxSegs: number;
  readonly tsoMaxSize?: number;
  readonly tsoMaxSegs?: number;
  readonly groMaxSize?: number;
  /** Kept down by a protocol (`protodown on`). */
  readonly protoDown?: boolean;
  /** `eui64`, `none`, `stable_secret` or `random`; absent where the host has no IPv6. */
  readonly addrGenMode?: string;
  readonly address: Uint8Array;
  readonly broadcast: Uint8Array;
  readonly permAddress?: Uint8Array;
  readonly alias?: string;
  readonly altnames: readonly string[];
  /** IFLA_LINK: the ifindex of the lower device or peer (in the namespace `linkNetnsid` when that is given). */
  readonly link?: number;
  readonly linkNetnsid?: number;
  readonly master?: number;
  readonly carrierChanges: number;
  readonly kind?: string;
  readonly data?: LinkInfoData;
  readonly slaveKind?: string;
  readonly slaveData?: LinkInfoData;
  /** `xdp`/parent bus details for `ip -d link`. */
  readonly parentBus?: string;
  readonly parentDev?: string;
  readonly stats: Readonly<LinkStats>;
}

/** Which namespace a link is to be moved to or made in: an nsfs descriptor of the caller, or a pid. */
export type NetnsRef = { readonly fd: number } | { readonly pid: number };

/** RTM_NEWLINK as a change (`ip link set`). */
export interface LinkSet {
  readonly ifindex?: number;
  readonly ifname?: string;
  /** Rename to. */
  readonly newName?: string;
  /** Bits to set and the mask of bits meant. */
  readonly flags?: number;
  readonly flagsMask?: number;
  readonly mtu?: number;
  readonly txqlen?: number;
  readonly address?: Uint8Array;
  readonly broadcast?: Uint8Array;
  readonly alias?: string;
  readonly group?: number;
  /** 0 for nomaster. */
  readonly master?: number;
  readonly netns?: NetnsRef;
  readonly operstate?: number;
  readonly linkmode?: number;
  readonly carrier?: boolean;
  readonly protoDown?: boolean;
  readonly addrGenMode?: string;
  readonly gsoMaxSize?: number;
  readonly gsoMaxSegs?: number;
  readonly groMaxSize?: number;
  readonly addAltname?: string;
  readonly delAltname?: string;
  /** `ip link set X type KIND ATTR…`, and port attributes with `slave`. */
  readonly kind?: string;
  readonly data?: LinkInfoData;
  readonly slaveKind?: string;
  readonly slaveData?: LinkInfoData;
}

/** RTM_NEWLINK as a creation (`ip link add`). */
export interface LinkAdd {
  readonly ifname?: string;
  readonly ifindex?: number;
  readonly kind: string;
  readonly data?: LinkInfoData;
  readonly mtu?: number;
  readonly txqlen?: number;
  readonly address?: Uint8Array;
  readonly numTxQueues?: number;
  readonly numRxQueues?: number;
  /** IFLA_LINK: lower device, in the namespace `linkNetns` or else the caller's. */
  readonly link?: number;
  readonly linkNetns?: NetnsRef;
  readonly group?: number;
  readonly broadcast?: Uint8Array;
  readonly alias?: string;
  readonly master?: number;
  readonly netns?: NetnsRef;
  readonly up?: boolean;
  /** veth: the other end. */
  readonly peer?: {
    readonly ifname?: string;
    readonly address?: Uint8Array;
    readonly mtu?: number;
    readonly netns?: NetnsRef;
  };
}

export interface AddrMsg {
  readonly family: number;
  readonly ifindex: number;
  readonly prefixlen: number;
  /** IFA_F_* bits: 0x01 secondary, 0x08 dadfailed, 0x40 tentative, 0x80 permanent, 0x200 noprefixroute, … */
  readonly flags: number;
  /** RT_SCOPE_*: 0 global, 253 link, 254 host. */
  readonly scope: number;
  /** IFA_LOCAL. */
  readonly local: IpAddr;
  /** IFA_ADDRESS: the peer of a point-to-point address, else the same as local. */
  readonly address: IpAddr;
  readonly broadcast?: number;
  readonly label?: string;
  /** Seconds; 0xffffffff is for ever. */
  readonly validLft: number;
  readonly preferredLft: number;
  readonly metric?: number;
  readonly proto?: number;
}

export interface AddrNew {
  readonly family: number;
  readonly ifindex: number;
  readonly prefixlen: number;
  readonly local: IpAddr;
  readonly address?: IpAddr;
  readonly broadcast?: number;
  readonly label?: string;
  readonly scope?: number;
  readonly flags?: number;
  readonly validLft?: number;
  readonly preferredLft?: number;
  readonly metric?: number;
  /** NLM_F_REPLACE. */
  readonly replace?: boolean;
}

export interface NextHop {
  readonly via?: IpAddr;
  readonly ifindex: number;
  readonly weight: number;
  /** RTNH_F_*: 1 dead, 4 onlink, 16 linkdown. */
  readonly flags: number;
}

/** RTM_NEWROUTE both ways. Types: 1 unicast 2 local 3 broadcast 4 anycast 5 multicast 6 blackhole 7 unreachable 8 prohibit 9 throw. */
export interface RouteMsg {
  readonly family: number;
  readonly dst?: IpAddr;
  readonly dstLen: number;
  readonly src?: IpAddr;
  readonly srcLen?: number;
  readonly tos: number;
  readonly table: number;
  /** RTPROT_*: 2 kernel, 3 boot, 4 static, 9 ra, … */
  readonly protocol: number;
  readonly scope: number;
  readonly type: number;
  /** RTM_F_CLONED 0x200 and RTNH_F_* bits. */
  readonly flags: number;
  readonly priority?: number;
  readonly prefsrc?: IpAddr;
  readonly nexthops: readonly NextHop[];
  /** As in {@link RouteNew}. */
  readonly metrics?: Readonly<Record<string, number | string>>;
  /** Seconds left of a cached exception or an IPv6 lifetime. */
  readonly expires?: number;
  readonly iif?: number;
  readonly uid?: number;
  readonly mark?: number;
  readonly nhid?: number;
  readonly pref?: string;
  /** For offloaded/`linkdown` and similar notes as ip prints them. */
  readonly error?: number;
}

export interface RouteNew {
  readonly family: number;
  readonly dst?: IpAddr;
  readonly dstLen: number;
  readonly tos?: number;
  /** RT_TABLE_MAIN 254 where absent. */
  readonly table?: number;
  readonly protocol?: number;
  readonly scope?: number;
  readonly type?: number;
  readonly priority?: number;
  readonly prefsrc?: IpAddr;
  readonly nexthops?: readonly (Partial<NextHop> & { readonly onlink?: boolean })[];
  /** By the words of `ip route`; `lock` is the mask of locked RTAX_* numbers, `rto_min` is in milliseconds. */
  readonly metrics?: Readonly<Record<string, number | string>>;
  /** Seconds (IPv6). */
  readonly expires?: number;
  /** `low`, `medium` or `high` (RFC 4191, IPv6). */
  readonly pref?: string;
  readonly nhid?: number;
  /** add: create|excl; replace: create|replace; change: replace; append: create|append; prepend: create. */
  readonly mode: 'add' | 'replace' | 'change' | 'append' | 'prepend';
}

export interface RouteGet {
  readonly family: number;
  readonly dst: IpAddr;
  readonly src?: IpAddr;
  readonly iif?: number;
  readonly oif?: number;
  readonly mark?: number;
  readonly tos?: number;
  readonly fibMatch?: boolean;
  /** RTM_F_NOTIFY. */
  readonly notify?: boolean;
  readonly uid?: number;
  readonly ipproto?: number;
  readonly sport?: number;
  readonly dport?: number;
}

/** RTM_NEWNEXTHOP: a way on that routes refer to by `id`. */
export interface NexthopMsg {
  readonly id: number;
  readonly family: number;
  readonly protocol: number;
  readonly scope: number;
  /** RTNH_F_*. */
  readonly flags: number;
  readonly via?: number;
  readonly ifindex?: number;
  readonly group?: readonly { readonly id: number; readonly weight: number }[];
  readonly blackhole: boolean;
  readonly fdb: boolean;
}

export interface NexthopNew {
  /** 0 for the lowest free one. */
  readonly id: number;
  /** AF_UNSPEC for a group and a blackhole of none. */
  readonly family: number;
  readonly via?: number;
  readonly ifindex?: number;
  readonly onlink?: boolean;
  readonly blackhole?: boolean;
  readonly fdb?: boolean;
  readonly group?: readonly { readonly id: number; readonly weight: number }[];
  readonly resilient?: boolean;
  readonly protocol?: number;
  readonly mode: 'add' | 'replace' | 'change';
}

export interface RuleMsg {
  readonly family: number;
  readonly priority: number;
  readonly src?: IpAddr;
  readonly srcLen: number;
  readonly dst?: IpAddr;
  readonly dstLen: number;
  readonly tos: number;
  readonly iifname?: string;
  readonly oifname?: string;
  readonly fwmark?: number;
  readonly fwmask?: number;
  readonly table: number;
  /** FR_ACT_*: 1 to_tbl, 2 goto, 6 blackhole, 7 unreachable, 8 prohibit. */
  readonly action: number;
  readonly invert?: boolean;
  /** FRA_IP_PROTO, FRA_SPORT_RANGE, FRA_DPORT_RANGE, FRA_UID_RANGE. */
  readonly ipproto?: number;
  readonly sport?: readonly [number, number];
  readonly dport?: readonly [number, number];
  readonly uidrange?: readonly [number, number];
  /** Routes with at most so long a prefix, or over devices of this group, do not count. */
  readonly suppressPrefixlen?: number;
  readonly suppressIfgroup?: number;
  /** Look up the table of the VRF that the packet belongs to. */
  readonly l3mdev?: boolean;
  readonly tunId?: string;
  /** FIB_RULE_*: 4 unresolved, 8 iif detached, 16 oif detached. */
  readonly flags?: number;
  readonly protocol?: number;
}

/** Neighbour states. */
export const Nud = {
  NUD_INCOMPLETE: 1,
  NUD_REACHABLE: 2,
  NUD_STALE: 4,
  NUD_DELAY: 8,
  NUD_PROBE: 0x10,
  NUD_FAILED: 0x20,
  NUD_NOARP: 0x40,
  NUD_PERMANENT: 0x80,
  NUD_NONE: 0,
} as const;

export interface NeighMsg {
  readonly family: number;
  readonly ifindex: number;
  readonly dst?: IpAddr;
  readonly lladdr?: Uint8Array;
  readonly state: number;
  /** NTF_*: 1 use, 2 self, 4 master, 8 proxy, 0x10 ext_learned, 0x80 router. */
  readonly flags: number;
  readonly vlan?: number;
  readonly vni?: number;
  /** VXLAN: the outer UDP port and the device to send by, where they are not the tunnel's own. */
  readonly port?: number;
  readonly via?: number;
  readonly master?: number;
  /** Seconds since confirmed, used, updated. */
  readonly cacheinfo?: {
    readonly confirmed: number;
    readonly used: number;
    readonly updated: number;
    readonly refcnt: number;
  };
  readonly probes?: number;
}

export interface NeighNew {
  readonly family: number;
  readonly ifindex: number;
  readonly dst?: IpAddr;
  readonly lladdr?: Uint8Array;
  readonly state?: number;
  readonly flags?: number;
  readonly vlan?: number;
  readonly vni?: number;
  readonly port?: number;
  readonly via?: number;
  readonly mode: 'add' | 'replace' | 'change' | 'append';
}

/** RTM_NEWQDISC: `options` by tc's names, in bytes, bytes a second and microseconds. */
export interface QdiscNew {
  readonly ifindex: number;
  /** 0: the kernel gives one. */
  readonly handle: number;
  /** TC_H_ROOT, or the class it belongs to. */
  readonly parent: number;
  readonly kind?: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly mode: 'add' | 'change' | 'replace' | 'link';
}

/** RTM_GETQDISC */
export interface QdiscMsg {
  readonly ifindex: number;
  readonly handle: number;
  readonly parent: number;
  readonly kind: string;
  readonly refcnt: number;
  readonly options: Readonly<Record<string, unknown>>;
  readonly stats: {
    readonly bytes: number;
    readonly packets: number;
    readonly drops: number;
    readonly overlimits: number;
    readonly requeues: number;
    readonly backlog: number;
    readonly qlen: number;
  };
}

/** BRIDGE_VLAN_INFO_* */
export const BridgeVlanFlag = { MASTER: 1, PVID: 2, UNTAGGED: 4, BRENTRY: 0x20 } as const;

/** A VLAN of a bridge's port, or of the bridge itself. */
export interface BridgeVlanMsg {
  readonly ifindex: number;
  readonly vid: number;
  /** BridgeVlanFlag bits. */
  readonly flags: number;
  /** STP state by name. */
  readonly state: string;
  readonly mcastRouter: number;
  readonly stats?: {
    readonly rxBytes: number;
    readonly rxPackets: number;
    readonly txBytes: number;
    readonly txPackets: number;
  };
}

export interface BridgeVlanNew {
  readonly ifindex: number;
  readonly vid: number;
  readonly vidEnd: number;
  readonly flags: number;
  /** Of the bridge device itself. */
  readonly self?: boolean;
}

/** A group's membership on a port of a bridge (the bridge itself where they are the same). */
export interface MdbEntry {
  readonly bridge: number;
  readonly port: number;
  readonly group: IpAddr | Uint8Array;
  /** 0 for a group by MAC address; else AF_INET or AF_INET6. */
  readonly family: number;
  readonly vid: number;
  readonly permanent: boolean;
  /** Seconds left, for `-s`. */
  readonly timer: number;
  /** RTPROT_*; 2 kernel. */
  readonly protocol: number;
}

export interface MdbMsg {
  readonly entries: readonly MdbEntry[];
  /** Ports with multicast routers: how known, and seconds left. */
  readonly routers: readonly {
    readonly bridge: number;
    readonly port: number;
    readonly type: 'temp' | 'permanent';
    readonly timer: number;
  }[];
}

export interface MdbNew {
  readonly bridge: number;
  readonly port: number;
  readonly group: IpAddr | Uint8Array;
  readonly family: number;
  readonly vid?: number;
  readonly permanent: boolean;
  readonly replace?: boolean;
}

/** What TCP remembers of a peer, as the generic netlink family tcp_metrics tells it. Round trips scaled by 8 and 4. */
export interface TcpMetricsEntry {
  readonly daddr: string;
  readonly saddr: string;
  readonly ageMs: number;
  readonly rttUs: number;
  readonly rttvarUs: number;
  readonly ssthresh: number;
  readonly cwnd: number;
  readonly reordering: number;
  readonly foMss: number;
  readonly foSynDrops: number;
  readonly foSynDropMs: number;
  readonly foCookie: Uint8Array | null;
}

/** Message type → request and answer. Dumps answer an array; changes answer nothing. */
export interface Rtnl {
  RTM_GETLINK: {
    req: {
      readonly ifindex?: number;
      readonly ifname?: string;
      readonly master?: number;
      readonly kind?: string;
    };
    res: LinkMsg[];
  };
  RTM_NEWLINK: { req: LinkAdd; res: void };
  RTM_SETLINK: { req: LinkSet; res: void };
  RTM_DELLINK: { req: { readonly ifindex?: number; readonly ifname?: string }; res: void };
  RTM_GETADDR: { req: { readonly family?: number; readonly ifindex?: number }; res: AddrMsg[] };
  RTM_NEWADDR: { req: AddrNew; res: void };
  RTM_DELADDR: {
    req: {
      readonly family: number;
      readonly ifindex: number;
      readonly local: IpAddr;
      readonly prefixlen?: number;
      readonly label?: string;
    };
    res: void;
  };
  RTM_GETROUTE: {
    req: { readonly family?: number; readonly table?: number; readonly cache?: boolean };
    res: RouteMsg[];
  };
  RTM_NEWROUTE: { req: RouteNew; res: void };
  /** Generic netlink of the family tcp_metrics: all entries, or forgets those that match; how many there were. */
  TCP_METRICS_CMD_GET: { req: object; res: TcpMetricsEntry[] };
  TCP_METRICS_CMD_DEL: { req: { readonly daddr?: string; readonly saddr?: string }; res: number };
  RTM_DELROUTE: { req: Omit<RouteNew, 'mode'>; res: void };
  /** `ip route get`. */
  RTM_GETROUTE_ONE: { req: RouteGet; res: RouteMsg };
  /** `id`: one; else those that fit. ENOENT for one that is not there. */
  RTM_GETNEXTHOP: { req: { readonly id?: number }; res: NexthopMsg[] };
  RTM_NEWNEXTHOP: { req: NexthopNew; res: void };
  RTM_DELNEXTHOP: { req: { readonly id: number }; res: void };
  RTM_GETRULE: { req: { readonly family?: number }; res: RuleMsg[] };
  RTM_NEWRULE: { req: Partial<RuleMsg> & { readonly family: number }; res: void };
  RTM_DELRULE: { req: Partial<RuleMsg> & { readonly family: number }; res: void };
  RTM_GETNEIGH: {
    req: {
      readonly family?: number;
      readonly ifindex?: number;
      readonly master?: number;
      readonly proxy?: boolean;
    };
    res: NeighMsg[];
  };
  RTM_NEWNEIGH: { req: NeighNew; res: void };
  RTM_DELNEIGH: { req: Omit<NeighNew, 'mode'>; res: void };
  /** `bridge vlan`: of one port, or of all. */
  RTM_GETVLAN: { req: { readonly ifindex?: number }; res: BridgeVlanMsg[] };
  RTM_NEWVLAN: { req: BridgeVlanNew; res: void };
  RTM_DELVLAN: { req: BridgeVlanNew; res: void };
  RTM_GETMDB: { req: { readonly bridge?: number }; res: MdbMsg };
  RTM_NEWMDB: { req: MdbNew; res: void };
  RTM_DELMDB: { req: MdbNew; res: void };
  RTM_NEWQDISC: { req: QdiscNew; res: void };
  RTM_DELQDISC: { req: Pick<QdiscNew, 'ifindex' | 'handle' | 'parent' | 'kind'>; res: void };
  RTM_GETQDISC: { req: { readonly ifindex?: number }; res: QdiscMsg[] };
  /** The nsid by which the caller's namespace knows another, -1 where none is assigned. */
  RTM_GETNSID: { req: NetnsRef; res: number };
  RTM_NEWNSID: { req: { readonly fd: number; readonly nsid: number }; res: void };
}

export type RtnlType = keyof Rtnl;

/** What `ip monitor` receives. */
export type RtnlEvent =
  | { readonly type: 'RTM_NEWLINK' | 'RTM_DELLINK'; readonly link: LinkMsg }
  | { readonly type: 'RTM_NEWADDR' | 'RTM_DELADDR'; readonly addr: AddrMsg }
  | { readonly type: 'RTM_NEWROUTE' | 'RTM_DELROUTE'; readonly route: RouteMsg }
  /** RTM_GETNEIGH: a device asks user space for an entry that it lacks. */
  | { readonly type: 'RTM_NEWNEIGH' | 'RTM_DELNEIGH' | 'RTM_GETNEIGH'; readonly neigh: NeighMsg }
  | { readonly type: 'RTM_NEWMDB' | 'RTM_DELMDB'; readonly mdb: MdbEntry }
  | { readonly type: 'RTM_NEWVLAN' | 'RTM_DELVLAN'; readonly vlan: BridgeVlanMsg }
  | { readonly type: 'RTM_NEWNEXTHOP' | 'RTM_DELNEXTHOP'; readonly nexthop: NexthopMsg }
  | { readonly type: 'RTM_NEWRULE' | 'RTM_DELRULE'; readonly rule: RuleMsg };

export type RtnlGroup = 'link' | 'addr' | 'route' | 'neigh' | 'rule' | 'nexthop' | 'mdb' | 'vlan';
