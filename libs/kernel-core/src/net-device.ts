/**
 * A network device: what the stack sees of a driver. Drivers give an ops record and keep their own state in `priv`.
 * Sources: include/linux/netdevice.h, net/core/dev.c.
 */
import {
  Iff,
  type BridgeVlanMsg,
  type BridgeVlanNew,
  type LinkInfoData,
  type LinkStats,
  type MdbMsg,
  type MdbNew,
  type NeighMsg,
  type NeighNew,
} from '@netloom/sys';
import { ARPHRD_ETHER } from '@netloom/wire';
import type { DeviceTap } from './device-tap.js';
import type { Kernel } from './kernel.js';
import type { Neighbour } from './neighbour.js';
import type { Net } from './net.js';
import type { Qdisc } from './qdisc.js';
import type { SkBuff } from './skbuff.js';

/** Positions in {@link NetDevice.stats}. */
export const Stat = {
  rxPackets: 0,
  txPackets: 1,
  rxBytes: 2,
  txBytes: 3,
  rxErrors: 4,
  txErrors: 5,
  rxDropped: 6,
  txDropped: 7,
  multicast: 8,
  collisions: 9,
  rxLengthErrors: 10,
  rxOverErrors: 11,
  rxCrcErrors: 12,
  rxFrameErrors: 13,
  rxFifoErrors: 14,
  rxMissedErrors: 15,
  txAbortedErrors: 16,
  txCarrierErrors: 17,
  txFifoErrors: 18,
  txHeartbeatErrors: 19,
  txWindowErrors: 20,
  rxNohandler: 21,
} as const satisfies Readonly<Record<keyof LinkStats, number>>;

const STAT_COUNT = 22;

/** Operational states (RFC 2863) as `ip link` prints them. */
export const IF_OPER_UNKNOWN = 0;
export const IF_OPER_NOTPRESENT = 1;
export const IF_OPER_DOWN = 2;
export const IF_OPER_LOWERLAYERDOWN = 3;
export const IF_OPER_DORMANT = 5;
export const IF_OPER_UP = 6;

export const NETDEV_TX_OK = 0;
export const NETDEV_TX_BUSY = 16;

/** What an rx_handler did with a packet. */
export const RX_HANDLER_CONSUMED = 0;
export const RX_HANDLER_ANOTHER = 1;
export const RX_HANDLER_PASS = 3;

/** A file of a driver below /sys/class/net/DEV: its text without the newline, and what writing does. */
export interface SysfsAttribute {
  show(dev: NetDevice): string;
  /** Throws KernelError. */
  store?(dev: NetDevice, text: string): void;
}

/** Directory name → file name → attribute. */
export type SysfsGroups = Readonly<Record<string, Readonly<Record<string, SysfsAttribute>>>>;

/** A driver's operations. All but `startXmit` may be left out. */
export interface NetDeviceOps {
  /** Driver name as ethtool prints it. */
  readonly driver: string;
  /** rtnetlink's kind (`veth`, `bridge`); absent for hardware. */
  readonly kind?: string;
  /** Transmits a frame, consuming it; NETDEV_TX_BUSY leaves it with the caller. */
  startXmit(skb: SkBuff, dev: NetDevice): number;
  /** Brings the device up or down; a negative errno refuses. */
  open?(dev: NetDevice): number;
  stop?(dev: NetDevice): void;
  /** A new MAC address was set; a negative errno refuses. */
  setMacAddress?(dev: NetDevice, address: Uint8Array): number;
  changeMtu?(dev: NetDevice, mtu: number): number;
  /** The device is being unregistered. */
  uninit?(dev: NetDevice): void;
  addSlave?(dev: NetDevice, slave: NetDevice): number;
  delSlave?(dev: NetDevice, slave: NetDevice): number;
  /** Changes kind-specific attributes (`ip link set X type KIND …`); throws KernelError. */
  changelink?(dev: NetDevice, data: LinkInfoData): void;
  /** IFLA_INFO_DATA by the names that `ip -d -j` prints. */
  info?(dev: NetDevice): LinkInfoData;
  /** Port attributes of a slave (IFLA_INFO_SLAVE_DATA), and their change. */
  slaveInfo?(dev: NetDevice, slave: NetDevice): LinkInfoData;
  slaveChangelink?(dev: NetDevice, slave: NetDevice, data: LinkInfoData): void;
  /** IFLA_LINK: the lower device or peer, with the namespace it lives in; null for a tunnel over any (`@NONE`). */
  link?(dev: NetDevice): NetDevice | null | undefined;
  /** The namespace in which a tunnel's packets travel, where it is not that of `link`. @kernel get_link_net() */
  linkNet?(dev: NetDevice): Net;
  /** `ip link del` in place of unregistering. */
  dellink?(dev: NetDevice): void;
  /** True keeps the device in its namespace. */
  readonly netnsLocal?: boolean;
  /** Directories of the driver's own below /sys/class/net/DEV, and below that of each of its slaves. */
  readonly sysfs?: SysfsGroups;
  readonly slaveSysfs?: SysfsGroups;
  /** `bridge fdb … self`; a device without them shows its address lists. @kernel ndo_fdb_add(), ndo_fdb_del(), ndo_fdb_dump() */
  fdbAdd?(dev: NetDevice, request: NeighNew): void;
  fdbDel?(dev: NetDevice, request: Omit<NeighNew, 'mode'>): void;
  /** Of a bridge: the entries of one of its ports, or with itself its own. */
  fdbDump?(dev: NetDevice, port: NetDevice): NeighMsg[];
  /** VLANs and groups of a bridge and its ports. */
  vlanDump?(dev: NetDevice): BridgeVlanMsg[];
  vlanChange?(dev: NetDevice, request: BridgeVlanNew, adding: boolean): void;
  mdbDump?(dev: NetDevice): MdbMsg;
  mdbChange?(dev: NetDevice, request: MdbNew, adding: boolean): void;
  /** Refuses to be a port of a bridge. @kernel IFF_DONT_BRIDGE */
  readonly dontBridge?: boolean;
  /** Whether `protodown` may be set. */
  readonly changeProtoDown?: boolean;
  /** Its frames cross a wire, on which every checksum is complete. */
  readonly wired?: boolean;
  /** Whether carrier may be set from user space. */
  changeCarrier?(dev: NetDevice, on: boolean): number;
}

/** netdev_features_t: what a device takes off the stack's hands, and what the stack does for it. */
export const Feature = {
  /** Fills in any checksum. */
  HW_CSUM: 1 << 0,
  /** Cuts TCP super-packets into segments. */
  TSO: 1 << 1,
  /** Received segments are joined. */
  GRO: 1 << 2,
  /** Super-packets are built even where the stack has to cut them. */
  GSO: 1 << 3,
} as const;

export class NetDevice {
  ifindex = 0;
  flags = Iff.IFF_BROADCAST | Iff.IFF_MULTICAST;
  type = ARPHRD_ETHER;
  mtu = 1500;
  minMtu = 68;
  maxMtu = 65535;
  txqlen = 1000;
  group = 0;
  linkmode = 0;
  alias: string | undefined = undefined;
  altnames: string[] | undefined = undefined;
  hardHeaderLen = 14;
  /** What the device does itself: bits of Feature. */
  features = 0;

  /** The MAC address as two numbers, for comparisons on the packet path. */
  addrHi = 0;
  addrLo = 0;
  address: Uint8Array = new Uint8Array(6);
  permAddress: Uint8Array | undefined = undefined;
  broadcast: Uint8Array = BROADCAST;

  carrier = true;
  carrierChanges = 0;
  operstate = IF_OPER_UNKNOWN;
  promiscuity = 0;
  allmulti = 0;
  /** Joined multicast MAC addresses as hexadecimal text → users; null when none. */
  multicastList: Map<string, number> | null = null;

  /** null: no queue, straight to the driver. */
  qdisc: Qdisc | null = null;
  /** What the device had of its own before somebody chose; it comes back when that is deleted. */
  defaultQdisc: Qdisc | null = null;
  /** True while the driver wants no more frames. */
  txStopped = false;
  numTxQueues = 1;
  numRxQueues = 1;
  /** The CPUs among which received packets are spread; null where none were chosen. */
  rpsCpus: readonly number[] | null = null;
  /** Receive flow steering's table, and the CPUs that send by this queue: kept and shown, of no effect with one queue. */
  rpsFlowCount = 0;
  xpsCpus: readonly number[] | null = null;

  /** A bridge, bond or other upper device that takes what arrives. */
  rxHandler: ((skb: SkBuff, dev: NetDevice) => number) | null = null;
  rxHandlerData: object | null = null;
  master: NetDevice | null = null;
  taps: DeviceTap | null = null;
  readonly stats = new Float64Array(STAT_COUNT);
  /** IPv4 configuration (struct in_device), owned by the IPv4 layer. */
  inDev: object | null = null;
  /** IPv6 configuration, owned by the IPv6 layer. */
  in6Dev: object | null = null;
  /** IPv4 neighbours by address. */
  neigh4: Map<number, Neighbour> | null = null;
  /** IPv6 neighbours, owned by the IPv6 layer. */
  neigh6: object | null = null;
  /** Low words of the 33:33 group addresses that are listened to; null when none. */
  groups6: Map<number, number> | null = null;
  /** The driver's own state. */
  priv: object | null = null;
  /** Promiscuous by `ip link set promisc on`, one user among the counted. */
  userPromisc = false;
  /** The same of `allmulticast on`. */
  userAllmulti = false;
  registered = false;
  /** Being taken away for good, as against moved to another namespace. */
  unregistering = false;
  gsoMaxSize = 65536;
  gsoMaxSegs = 65535;
  groMaxSize = 65536;
  tsoMaxSize = 65536;
  /** No link event so far: `ip link` shows UNKNOWN while it is up. */
  operUnknown = true;
  /** `ip link set protodown on`. */
  protoDown = false;
  /** VLAN devices on top by protocol bit and number (see vlan-core.ts); null without any. */
  vlans: Map<number, NetDevice> | null = null;
  /** Further unicast addresses to take frames for, as 48-bit numbers → users; null when none. */
  ucList: Map<number, number> | null = null;
  /** The VRF that it belongs to, or is: its routes are looked up in that table. */
  l3mdev: NetDevice | null = null;
  /** Of a VRF: its table. */
  l3mdevTable = 0;
  /** NET_ADDR_*: 0 permanent, 1 random, 2 stolen from the device below, 3 set. */
  addrAssignType = 0;
  /** It has been up, so that its queue is in place (`ip link` shows noop before). */
  activated = false;

  /** The host's kernel, whatever namespace the device is in. */
  readonly kernel: Kernel;

  constructor(
    public net: Net,
    public name: string,
    readonly ops: NetDeviceOps,
  ) {
    this.kernel = net.kernel;
  }

  get up(): boolean {
    return (this.flags & Iff.IFF_UP) !== 0;
  }

  /** Administratively up and with carrier. */
  get running(): boolean {
    return (this.flags & Iff.IFF_UP) !== 0 && this.carrier;
  }
}

const BROADCAST = new Uint8Array([255, 255, 255, 255, 255, 255]);

/** Writes a device's MAC address without asking the driver. */
export function devAddrSet(dev: NetDevice, address: Uint8Array): void {
  dev.address = address.slice();
  const view = new DataView(dev.address.buffer);
  dev.addrHi = view.getUint16(0);
  dev.addrLo = view.getUint32(2);
}

/** Adds to one of a device's counters. */
export function statAdd(dev: NetDevice, stat: number, by: number): void {
  dev.stats[stat] = (dev.stats[stat] as number) + by;
}

/** The counters by name. */
export function devStats(dev: NetDevice): LinkStats {
  return Object.fromEntries(
    Object.entries(Stat).map(([name, index]) => [name, dev.stats[index] ?? 0]),
  ) as unknown as LinkStats;
}

/** RFC 2863 state from flags and carrier. @kernel net/core/link_watch.c default_operstate() */
export function devUpdateOperstate(dev: NetDevice): void {
  if (!dev.up) dev.operstate = IF_OPER_DOWN;
  else if (!dev.carrier)
    dev.operstate = dev.ops.link !== undefined ? IF_OPER_LOWERLAYERDOWN : IF_OPER_DOWN;
  else if (dev.operUnknown) dev.operstate = IF_OPER_UNKNOWN;
  else dev.operstate = dev.linkmode === 1 ? IF_OPER_DORMANT : IF_OPER_UP;
}
