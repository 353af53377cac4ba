/**
 * VXLAN: Ethernet frames in UDP, to tunnel ends that a forwarding database names. RFC 7348, drivers/net/vxlan.
 * devQueueXmit → vxlanXmit → vxlanXmitOne → UDP → ipLocalOut; udpRcv → UdpTunnelSock → vxlanRcv → netifRx.
 *
 * Differs: IPv4 outside only; no GPE, GBP, VNI filter, remote checksum offload or route short-circuit; an external device
 * sends nothing, for want of metadata.
 */
import { formatIpv4, KernelError, parseIpv4 } from '@netloom/base';
import {
  devAddrSet,
  DropReason,
  ethRandomAddr,
  ethTypeTrans,
  NetDevice,
  NETDEV_TX_OK,
  PACKET_HOST,
  registerNetdevice,
  skbOrphan,
  Stat,
  statAdd,
  unregisterNetdevice,
  type KernelModules,
  type LinkKind,
  type Net,
  type NetDeviceOps,
  type SkBuff,
} from '@netloom/kernel-core';
import {
  igmpJoin,
  igmpLeave,
  ipRouteOutput,
  ipv4IsMulticast,
  RTN_LOCAL,
  type Rtable,
  udpTunnelPush,
  udpTunnelSock,
  type UdpTunnelSock,
} from '@netloom/kernel-inet';
import { Iff, IPPROTO_UDP, type LinkAdd, type LinkInfoData } from '@netloom/sys';
import {
  ETH_HLEN,
  ETH_P_ARP,
  ethDestHi,
  ethDestLo,
  ethProto,
  ethSourceHi,
  ethSourceLo,
  iphSaddr,
  iphTos,
} from '@netloom/wire';
import {
  ecnDecap,
  ecnEncap,
  innerDf,
  innerTos,
  innerTtl,
  ipTunnelXmit,
  rtHoplimit,
  skbScrub,
  TOS_INHERIT,
  TUNNEL_HEADROOM,
  udpFlowSrcPort,
  tunnelCheckPmtu,
  tunnelPrepare,
  tunnelReceive,
} from './ip-tunnel-core.js';
import { netTunnels, netTunnelsIfAny } from './net-tunnels.js';
import { arpReduce } from './vxlan-arp.js';
import { VxlanFdb, type VxlanRdst } from './vxlan-fdb.js';

const VXLAN_HLEN = 8;
/** IP, UDP and VXLAN headers and the inner Ethernet header. */
const VXLAN_HEADROOM = 20 + 8 + VXLAN_HLEN + ETH_HLEN;
const VXLAN_HF_VNI = 0x08000000;
const VXLAN_DEFAULT_PORT = 8472;
const GROUP_BIT = 0x100;

export interface VxlanConfig {
  vni: number;
  /** Where frames without an entry go: a host, a group, or 0. */
  remote: number;
  local: number;
  ifindex: number;
  port: number;
  portMin: number;
  portMax: number;
  /** 0: the route's. */
  ttl: number;
  ttlInherit: boolean;
  tos: number;
  df: 'unset' | 'set' | 'inherit';
  /** Seconds; 0 never. */
  ageing: number;
  /** Entries at most; 0 any number. */
  limit: number;
  learning: boolean;
  proxy: boolean;
  rsc: boolean;
  l2miss: boolean;
  l3miss: boolean;
  udpCsum: boolean;
  udpZeroCsum6Tx: boolean;
  udpZeroCsum6Rx: boolean;
  external: boolean;
}

/** A port's socket and the devices behind it, by network identifier. */
export class VxlanSock {
  readonly byVni = new Map<number, Vxlan>();
  sock: UdpTunnelSock | null = null;

  constructor(
    readonly net: Net,
    readonly port: number,
    readonly external: boolean,
  ) {}
}

export class Vxlan {
  readonly fdb = new VxlanFdb(this);
  sock: VxlanSock | null = null;

  constructor(
    readonly dev: NetDevice,
    /** Where the packets outside travel. */
    readonly net: Net,
    readonly cfg: VxlanConfig,
  ) {}

  /** A remote with the device's own port and identifier. */
  defaultRdst(ip: number): VxlanRdst {
    return { ip, port: this.cfg.port, vni: this.cfg.vni, ifindex: this.cfg.ifindex };
  }
}

function vxlanOf(dev: NetDevice): Vxlan {
  return dev.priv as Vxlan;
}

/** A frame for the tunnel (data at its Ethernet header). Consumes it. @kernel vxlan_xmit() */
function vxlanXmit(skb: SkBuff, dev: NetDevice): number {
  const vxlan = vxlanOf(dev);
  const m = skb.mem;
  const o = skb.data;
  skb.macHeader = o;
  skb.networkHeader = o + ETH_HLEN;
  const protocol = ethProto(m, o);
  if (vxlan.cfg.external) return drop(skb, dev, DropReason.TUNNEL_TXINFO);
  if (vxlan.cfg.proxy && protocol === ETH_P_ARP) {
    arpReduce(skb, vxlan);
    return NETDEV_TX_OK;
  }
  const hi = ethDestHi(m, o);
  const mac = hi * 0x1_0000_0000 + ethDestLo(m, o);
  let entry = vxlan.fdb.find(mac);
  if (entry === undefined) {
    entry = vxlan.fdb.find(0);
    if (entry === undefined) {
      if (vxlan.cfg.l2miss && (hi & GROUP_BIT) === 0) notifyMiss(vxlan, mac);
      return drop(skb, dev, DropReason.VXLAN_NO_REMOTE);
    }
  }
  const { remotes } = entry;
  for (let i = 1; i < remotes.length; i++)
    vxlanXmitOne(skb.pool.clone(skb), vxlan, remotes[i] as VxlanRdst, protocol);
  const [first] = remotes;
  if (first === undefined) return drop(skb, dev, DropReason.VXLAN_NO_REMOTE);
  vxlanXmitOne(skb, vxlan, first, protocol);
  return NETDEV_TX_OK;
}

function drop(skb: SkBuff, dev: NetDevice, reason: number): number {
  statAdd(dev, Stat.txDropped, 1);
  dev.kernel.kfreeSkbReason(skb, reason);
  return NETDEV_TX_OK;
}

/** Asks whoever listens for an entry. @kernel vxlan_fdb_miss() */
function notifyMiss(vxlan: Vxlan, mac: number): void {
  const { net } = vxlan.dev;
  if (net.rtnlListeners.size === 0) return;
  const lladdr = new Uint8Array(6);
  const view = new DataView(lladdr.buffer);
  view.setUint16(0, Math.floor(mac / 0x1_0000_0000));
  view.setUint32(2, mac >>> 0);
  net.notify({
    type: 'RTM_GETNEIGH',
    neigh: { family: 7, ifindex: vxlan.dev.ifindex, lladdr, state: 4, flags: 2 },
  });
}

/** @kernel vxlan_xmit_one() */
function vxlanXmitOne(skb: SkBuff, vxlan: Vxlan, remote: VxlanRdst, protocol: number): void {
  const { dev, cfg, net } = vxlan;
  const dst = remote.ip;
  if (dst === 0) {
    drop(skb, dev, DropReason.VXLAN_NO_REMOTE);
    return;
  }
  let { ttl, tos } = cfg;
  if (cfg.ttlInherit) ttl = innerTtl(skb, protocol);
  else if (ttl === 0 && ipv4IsMulticast(dst)) ttl = 1;
  if (tos === TOS_INHERIT) tos = innerTos(skb, protocol);
  const sport = udpFlowSrcPort(skb, dev, net, cfg.portMin, cfg.portMax, protocol);
  const rt = ipRouteOutput(net, {
    daddr: dst,
    saddr: cfg.local,
    oif: remote.ifindex,
    tos: tos & 0x1c,
    mark: skb.mark,
    protocol: IPPROTO_UDP,
    sport,
    dport: remote.port,
  });
  if (typeof rt === 'number' || rt.dev === dev) {
    txError(skb, dev, rt);
    return;
  }
  if (rt.type === RTN_LOCAL) {
    bypass(skb, vxlan, remote);
    return;
  }
  tunnelCheckPmtu(skb, rt, VXLAN_HEADROOM);
  if (!tunnelPrepare(skb, TUNNEL_HEADROOM)) {
    statAdd(dev, Stat.txErrors, 1);
    dev.kernel.kfreeSkbReason(skb, DropReason.NOMEM);
    return;
  }
  const outerTos = ecnEncap(tos, skb, protocol);
  const df = cfg.df === 'set' || (cfg.df === 'inherit' && innerDf(skb, protocol));
  const inner = skb.len - ETH_HLEN;
  const m = skb.mem;
  skb.data -= VXLAN_HLEN;
  skb.len += VXLAN_HLEN;
  m.dv.setUint32(skb.data, VXLAN_HF_VNI);
  m.dv.setUint32(skb.data + 4, remote.vni << 8);
  const saddr = cfg.local !== 0 ? cfg.local : rt.prefsrc;
  udpTunnelPush(skb, saddr, dst, sport, remote.port, cfg.udpCsum);
  if (ipv4IsMulticast(dst)) {
    skbOrphan(skb); // the group does not hear its own: the tunnel's socket says so, not the sender's
    skb.sk = vxlan.sock?.sock ?? null;
  }
  ipTunnelXmit(
    dev,
    skb,
    rt,
    saddr,
    dst,
    IPPROTO_UDP,
    outerTos,
    ttl !== 0 ? ttl : rtHoplimit(net, rt),
    df,
    inner,
  );
}

function txError(skb: SkBuff, dev: NetDevice, rt: Rtable | number): void {
  if (typeof rt !== 'number') statAdd(dev, Stat.collisions, 1);
  else if (rt === -101) statAdd(dev, Stat.txCarrierErrors, 1); // ENETUNREACH
  statAdd(dev, Stat.txErrors, 1);
  dev.kernel.kfreeSkbReason(skb, DropReason.IP_OUTNOROUTES);
}

/** The remote end is on this host: the frame goes there directly. @kernel vxlan_encap_bypass() */
function bypass(skb: SkBuff, vxlan: Vxlan, remote: VxlanRdst): void {
  const { dev } = vxlan;
  const target = netTunnels(vxlan.net).vxlans.find(
    (other) =>
      other.cfg.vni === remote.vni && other.cfg.port === remote.port && other.sock !== null,
  );
  if (target === undefined) {
    statAdd(dev, Stat.txErrors, 1);
    dev.kernel.kfreeSkbReason(skb, DropReason.VXLAN_VNI_NOT_FOUND);
    return;
  }
  const source = ethSourceHi(skb.mem, skb.data) * 0x1_0000_0000 + ethSourceLo(skb.mem, skb.data);
  statAdd(dev, Stat.txPackets, 1);
  statAdd(dev, Stat.txBytes, skb.len);
  skbOrphan(skb);
  skbScrub(skb, dev.net !== target.dev.net);
  skb.protocol = ethTypeTrans(skb, target.dev);
  skb.pktType = PACKET_HOST;
  if (target.cfg.learning) target.fdb.learn(source, 0x7f000001);
  tunnelReceive(skb, target.dev);
}

/** A datagram at a tunnel's port (data behind the UDP header). Consumes it. @kernel vxlan_rcv() */
function vxlanRcv(skb: SkBuff, sock: UdpTunnelSock): void {
  const vs = sock.userData as VxlanSock;
  const { kernel } = vs.net;
  const m = skb.mem;
  if (!tunnelPrepare(skb, 0) || skb.len < VXLAN_HLEN + ETH_HLEN) {
    kernel.kfreeSkbReason(skb, DropReason.HDR_TRUNC);
    return;
  }
  const flags = m.dv.getUint32(skb.data);
  const word = m.dv.getUint32(skb.data + 4);
  if (flags !== VXLAN_HF_VNI || (word & 255) !== 0) {
    kernel.kfreeSkbReason(skb, DropReason.VXLAN_INVALID_HDR);
    return;
  }
  const vxlan = vs.byVni.get(vs.external ? 0 : word >>> 8);
  if (vxlan === undefined) {
    kernel.kfreeSkbReason(skb, DropReason.VXLAN_VNI_NOT_FOUND);
    return;
  }
  const { dev } = vxlan;
  const saddr = iphSaddr(m, skb.networkHeader);
  const outerTos = iphTos(m, skb.networkHeader);
  skb.data += VXLAN_HLEN;
  skb.len -= VXLAN_HLEN;
  skbScrub(skb, dev.net !== vs.net);
  const sourceHi = ethSourceHi(m, skb.data);
  const sourceLo = ethSourceLo(m, skb.data);
  skb.protocol = ethTypeTrans(skb, dev);
  if (sourceHi === dev.addrHi && sourceLo === dev.addrLo) {
    kernel.kfreeSkbReason(skb, DropReason.LOCAL_MAC);
    return;
  }
  if (
    vxlan.cfg.learning &&
    dev.up &&
    !vxlan.fdb.learn(sourceHi * 0x1_0000_0000 + sourceLo, saddr)
  ) {
    kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
    return;
  }
  skb.networkHeader = skb.data;
  if (ecnDecap(skb, skb.protocol, outerTos) > 1) {
    statAdd(dev, Stat.rxFrameErrors, 1);
    statAdd(dev, Stat.rxErrors, 1);
    kernel.kfreeSkbReason(skb, DropReason.IP_TUNNEL_ECN);
    return;
  }
  if (!dev.up) {
    statAdd(dev, Stat.rxDropped, 1);
    kernel.kfreeSkbReason(skb, DropReason.DEV_READY);
    return;
  }
  tunnelReceive(skb, dev);
}

/** Finds or opens the socket of the device's port. A negative errno when it is taken. @kernel vxlan_sock_add() */
function sockAdd(vxlan: Vxlan): number {
  const { net, cfg } = vxlan;
  const tables = netTunnels(net);
  let vs = tables.vxlanSocks.find((one) => one.port === cfg.port && one.external === cfg.external);
  if (vs === undefined) {
    vs = new VxlanSock(net, cfg.port, cfg.external);
    const sock = udpTunnelSock(net, cfg.port, vxlanRcv, vs);
    if (typeof sock === 'number') return sock;
    vs.sock = sock;
    tables.vxlanSocks.push(vs);
  }
  vs.byVni.set(cfg.vni, vxlan);
  vxlan.sock = vs;
  return 0;
}

function sockRelease(vxlan: Vxlan): void {
  const vs = vxlan.sock;
  if (vs === null) return;
  vxlan.sock = null;
  vs.byVni.delete(vxlan.cfg.vni);
  if (vs.byVni.size > 0) return;
  const { vxlanSocks } = netTunnels(vxlan.net);
  vxlanSocks.splice(vxlanSocks.indexOf(vs), 1);
  vs.sock?.release();
}

/** @kernel vxlan_open(), vxlan_multicast_join() */
function open(dev: NetDevice): number {
  const vxlan = vxlanOf(dev);
  const error = sockAdd(vxlan);
  if (error < 0) return error;
  membership(vxlan, true);
  return 0;
}

function stop(dev: NetDevice): void {
  const vxlan = vxlanOf(dev);
  membership(vxlan, false);
  vxlan.fdb.flush(false);
  sockRelease(vxlan);
}

/** Joins or leaves the group of the default remote. */
function membership(vxlan: Vxlan, join: boolean): void {
  const { cfg, net } = vxlan;
  if (!ipv4IsMulticast(cfg.remote)) return;
  const lower = net.devByIndex(cfg.ifindex);
  if (lower === undefined) return;
  if (join) igmpJoin(lower, cfg.remote);
  else igmpLeave(lower, cfg.remote);
}

function changeMtu(dev: NetDevice, mtu: number): number {
  const vxlan = vxlanOf(dev);
  const lower = vxlan.net.devByIndex(vxlan.cfg.ifindex);
  return lower !== undefined && mtu > lower.mtu - VXLAN_HEADROOM ? -22 : 0; // EINVAL
}

function address(data: LinkInfoData, ...names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = data[name];
    if (value === undefined) continue;
    const parsed = typeof value === 'string' ? parseIpv4(value) : undefined;
    if (parsed === undefined)
      throw new KernelError('EOPNOTSUPP', 'IPv6 support not enabled in the kernel');
    return parsed;
  }
  return undefined;
}

function lowerIndex(net: Net, name: string | number | boolean | undefined): number {
  if (name === undefined) return 0;
  const dev = net.devByName(String(name));
  if (dev === undefined)
    throw new KernelError('ENODEV', 'Invalid local interface, device not found');
  return dev.ifindex;
}

const flag = (data: LinkInfoData, name: string, usual: boolean): boolean =>
  data[name] === undefined ? usual : data[name] === true || data[name] === 1;

/** Attributes over the values before. @kernel vxlan_nl2conf() */
function readConfig(net: Net, data: LinkInfoData, old: VxlanConfig | null): VxlanConfig {
  const number = (name: string, usual: number): number =>
    typeof data[name] === 'number' ? data[name] : usual;
  const external = flag(data, 'external', old?.external ?? false);
  if (old !== null) {
    if (data['id'] !== undefined && data['id'] !== old.vni)
      throw new KernelError('EOPNOTSUPP', 'Cannot change VNI');
    if (data['port'] !== undefined && data['port'] !== old.port)
      throw new KernelError('EOPNOTSUPP', 'Cannot change port');
    if (data['port_range_low'] !== undefined)
      throw new KernelError('EOPNOTSUPP', 'Cannot change port range');
  } else if (data['id'] === undefined && !external) {
    throw new KernelError('EINVAL', 'Required attributes not provided to perform the operation');
  }
  const local = address(data, 'local') ?? old?.local ?? 0;
  if (ipv4IsMulticast(local)) throw new KernelError('EINVAL', 'Local address cannot be multicast');
  const ttl = data['ttl'];
  return {
    vni: number('id', old?.vni ?? 0),
    remote: address(data, 'remote', 'group') ?? old?.remote ?? 0,
    local,
    ifindex: data['link'] === undefined ? (old?.ifindex ?? 0) : lowerIndex(net, data['link']),
    port: number('port', old?.port ?? VXLAN_DEFAULT_PORT),
    portMin: number('port_range_low', old?.portMin ?? 0),
    portMax: number('port_range_high', old?.portMax ?? 0),
    ttl: typeof ttl === 'number' ? ttl : ttl === 'inherit' ? 0 : (old?.ttl ?? 0),
    ttlInherit: ttl === 'inherit' || (ttl === undefined && (old?.ttlInherit ?? false)),
    tos: number('tos', old?.tos ?? 0),
    df: data['df'] === 'set' || data['df'] === 'inherit' ? data['df'] : (old?.df ?? 'unset'),
    ageing: number('ageing', old?.ageing ?? 300),
    limit: number('limit', old?.limit ?? 0),
    learning: flag(data, 'learning', old?.learning ?? true),
    proxy: flag(data, 'proxy', old?.proxy ?? false),
    rsc: flag(data, 'rsc', old?.rsc ?? false),
    l2miss: flag(data, 'l2miss', old?.l2miss ?? false),
    l3miss: flag(data, 'l3miss', old?.l3miss ?? false),
    udpCsum: flag(data, 'udp_csum', old?.udpCsum ?? true),
    udpZeroCsum6Tx: flag(data, 'udp_zero_csum6_tx', old?.udpZeroCsum6Tx ?? false),
    udpZeroCsum6Rx: flag(data, 'udp_zero_csum6_rx', old?.udpZeroCsum6Rx ?? false),
    external,
  };
}

/** `ip link set … type vxlan …`. @errno EOPNOTSUPP. @kernel vxlan_changelink() */
function changelink(dev: NetDevice, data: LinkInfoData): void {
  const vxlan = vxlanOf(dev);
  const { cfg } = vxlan;
  const next = readConfig(vxlan.net, data, cfg);
  const before = cfg.remote;
  if (next.remote !== before && dev.up) membership(vxlan, false);
  Object.assign(cfg, next);
  if (next.remote === before) return;
  if (before !== 0) vxlan.fdb.dropDefault(before);
  if (next.remote !== 0) vxlan.fdb.setDefault(vxlan.defaultRdst(next.remote));
  if (dev.up) membership(vxlan, true);
}

/** IFLA_INFO_DATA in the order of `ip -d -j`. @kernel vxlan_fill_info() */
function info(dev: NetDevice): LinkInfoData {
  const { cfg, net } = vxlanOf(dev);
  const lower = (dev.net === net ? net : dev.net).devByIndex(cfg.ifindex);
  const link = cfg.ifindex === 0 ? undefined : (lower?.name ?? `if${cfg.ifindex}`);
  const remote =
    cfg.remote === 0
      ? {}
      : { [ipv4IsMulticast(cfg.remote) ? 'group' : 'remote']: formatIpv4(cfg.remote) };
  return {
    ...(cfg.external ? { external: true } : {}),
    id: cfg.vni,
    ...remote,
    ...(cfg.local === 0 ? {} : { local: formatIpv4(cfg.local) }),
    ...(link === undefined ? {} : { link }),
    port_range_low: cfg.portMin,
    port_range_high: cfg.portMax,
    port: cfg.port,
    learning: cfg.learning,
    proxy: cfg.proxy,
    rsc: cfg.rsc,
    l2miss: cfg.l2miss,
    l3miss: cfg.l3miss,
    tos: cfg.tos,
    ttl: cfg.ttlInherit ? 'inherit' : cfg.ttl,
    df: cfg.df,
    ageing: cfg.ageing,
    limit: cfg.limit,
    udp_csum: cfg.udpCsum,
    udp_zero_csum6_tx: cfg.udpZeroCsum6Tx,
    udp_zero_csum6_rx: cfg.udpZeroCsum6Rx,
  };
}

const vxlanOps: NetDeviceOps = {
  driver: 'vxlan',
  kind: 'vxlan',
  startXmit: vxlanXmit,
  open,
  stop,
  changeMtu,
  changelink,
  info,
  setMacAddress: (dev, mac) => {
    devAddrSet(dev, mac);
    return 0;
  },
  fdbAdd: (dev, request) => {
    vxlanOf(dev).fdb.add(request);
  },
  fdbDel: (dev, request) => {
    vxlanOf(dev).fdb.del(request);
  },
  fdbDump: (dev) => vxlanOf(dev).fdb.dump(),
  uninit: (dev) => {
    const vxlan = vxlanOf(dev);
    vxlan.fdb.flush(true);
    const { vxlans } = netTunnels(vxlan.net);
    const at = vxlans.indexOf(vxlan);
    if (at >= 0) vxlans.splice(at, 1);
  },
};

/** @errno EINVAL, EEXIST, ENODEV, EOPNOTSUPP. @kernel vxlan_newlink(), __vxlan_dev_create() */
function newlink(net: Net, name: string, request: LinkAdd, sourceNet: Net): NetDevice {
  const cfg = readConfig(sourceNet, request.data ?? {}, null);
  const tables = netTunnels(sourceNet);
  const taken = tables.vxlans.some(
    (other) =>
      other.cfg.vni === cfg.vni &&
      other.cfg.port === cfg.port &&
      other.cfg.external === cfg.external,
  );
  if (taken)
    throw new KernelError('EEXIST', 'A VXLAN device with the specified VNI already exists');
  const dev = new NetDevice(net, name, vxlanOps);
  const vxlan = new Vxlan(dev, sourceNet, cfg);
  dev.priv = vxlan;
  dev.flags = Iff.IFF_BROADCAST | Iff.IFF_MULTICAST;
  const lower = sourceNet.devByIndex(cfg.ifindex);
  const most = lower === undefined ? 65535 : Math.max(68, lower.mtu - VXLAN_HEADROOM);
  dev.mtu = Math.min(request.mtu ?? (lower === undefined ? 1500 : most), most);
  devAddrSet(dev, request.address ?? ethRandomAddr(net.kernel));
  registerNetdevice(dev, request.ifindex ?? 0);
  tables.vxlans.push(vxlan);
  if (cfg.remote !== 0) vxlan.fdb.setDefault(vxlan.defaultRdst(cfg.remote));
  return dev;
}

export const vxlanKind: LinkKind = { kind: 'vxlan', namePattern: 'vxlan%d', newlink };

/** A tunnel goes with the device below. @kernel vxlan_netdevice_event() */
export function vxlanRegister(modules: KernelModules): void {
  modules.addLinkKind(vxlanKind);
  modules.addNetdevNotifier((event, dev) => {
    if (event !== 'UNREGISTER') return;
    for (const vxlan of [...(netTunnelsIfAny(dev.net)?.vxlans ?? [])])
      if (vxlan.cfg.ifindex === dev.ifindex && vxlan.dev !== dev) unregisterNetdevice(vxlan.dev);
  });
  modules.addPernet(
    () => undefined,
    (net) => {
      for (const vxlan of [...(netTunnelsIfAny(net)?.vxlans ?? [])]) unregisterNetdevice(vxlan.dev);
    },
  );
}
