/**
 * GENEVE: Ethernet frames in UDP to one remote end. RFC 8926, drivers/net/geneve.c.
 * devQueueXmit → geneveXmit → UDP → ipLocalOut; udpRcv → UdpTunnelSock → geneveRcv → netifRx.
 * Differs: IPv4 outside only; options are skipped; an external device sends nothing.
 */
import { formatIpv4, KernelError, parseIpv4 } from '@netloom/base';
import {
  devAddrSet,
  DropReason,
  ethRandomAddr,
  ethTypeTrans,
  NetDevice,
  NETDEV_TX_OK,
  registerNetdevice,
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
  ipRouteOutput,
  ipv4IsMulticast,
  udpTunnelPush,
  udpTunnelSock,
  type UdpTunnelSock,
} from '@netloom/kernel-inet';
import { IPPROTO_UDP, type LinkAdd, type LinkInfoData } from '@netloom/sys';
import { ETH_HLEN, ethProto, ethSourceHi, ethSourceLo, iphSaddr, iphTos } from '@netloom/wire';
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
  tunnelCheckPmtu,
  tunnelPrepare,
  tunnelReceive,
  udpFlowSrcPort,
} from './ip-tunnel-core.js';
import { netTunnels, netTunnelsIfAny } from './net-tunnels.js';

const GENEVE_HLEN = 8;
const GENEVE_OVERHEAD = ETH_HLEN + 20 + 8 + GENEVE_HLEN;
const GENEVE_PORT = 6081;
const ETH_P_TEB = 0x6558;
const ENETUNREACH = 101;

interface GeneveConfig {
  vni: number;
  remote: number;
  port: number;
  ttl: number;
  ttlInherit: boolean;
  tos: number;
  df: 'unset' | 'set' | 'inherit';
  udpCsum: boolean;
  external: boolean;
}

/** A port's socket and the devices behind it. */
export class GeneveSock {
  readonly devices: Geneve[] = [];
  sock: UdpTunnelSock | null = null;

  constructor(
    readonly net: Net,
    readonly port: number,
  ) {}
}

export class Geneve {
  sock: GeneveSock | null = null;

  constructor(
    readonly dev: NetDevice,
    readonly net: Net,
    readonly cfg: GeneveConfig,
  ) {}
}

function geneveOf(dev: NetDevice): Geneve {
  return dev.priv as Geneve;
}

/** @kernel geneve_xmit(), geneve_xmit_skb() */
function geneveXmit(skb: SkBuff, dev: NetDevice): number {
  const { cfg, net } = geneveOf(dev);
  skb.macHeader = skb.data;
  skb.networkHeader = skb.data + ETH_HLEN;
  if (cfg.external) {
    statAdd(dev, Stat.txErrors, 1);
    dev.kernel.kfreeSkbReason(skb, DropReason.TUNNEL_TXINFO);
    return NETDEV_TX_OK;
  }
  const protocol = ethProto(skb.mem, skb.data);
  const tos = cfg.tos === TOS_INHERIT ? innerTos(skb, protocol) : cfg.tos;
  const sport = udpFlowSrcPort(skb, dev, net, 1, 65535, protocol);
  const rt = ipRouteOutput(net, {
    daddr: cfg.remote,
    saddr: 0,
    oif: 0,
    tos: tos & 0x1c,
    mark: skb.mark,
    protocol: IPPROTO_UDP,
    sport,
    dport: cfg.port,
  });
  if (typeof rt === 'number' || rt.dev === dev) {
    if (typeof rt !== 'number') statAdd(dev, Stat.collisions, 1);
    else if (rt === -ENETUNREACH) statAdd(dev, Stat.txCarrierErrors, 1);
    statAdd(dev, Stat.txErrors, 1);
    dev.kernel.kfreeSkbReason(skb, DropReason.IP_OUTNOROUTES);
    return NETDEV_TX_OK;
  }
  tunnelCheckPmtu(skb, rt, GENEVE_OVERHEAD);
  if (!tunnelPrepare(skb, TUNNEL_HEADROOM)) {
    statAdd(dev, Stat.txErrors, 1);
    dev.kernel.kfreeSkbReason(skb, DropReason.NOMEM);
    return NETDEV_TX_OK;
  }
  const outerTos = ecnEncap(tos, skb, protocol);
  let ttl = cfg.ttlInherit ? innerTtl(skb, protocol) : cfg.ttl;
  if (ttl === 0) ttl = ipv4IsMulticast(cfg.remote) ? 1 : rtHoplimit(net, rt);
  const df = cfg.df === 'set' || (cfg.df === 'inherit' && innerDf(skb, protocol));
  const inner = skb.len - ETH_HLEN;
  skb.data -= GENEVE_HLEN;
  skb.len += GENEVE_HLEN;
  skb.mem.dv.setUint32(skb.data, ETH_P_TEB);
  skb.mem.dv.setUint32(skb.data + 4, cfg.vni << 8);
  udpTunnelPush(skb, rt.prefsrc, cfg.remote, sport, cfg.port, cfg.udpCsum);
  ipTunnelXmit(dev, skb, rt, rt.prefsrc, cfg.remote, IPPROTO_UDP, outerTos, ttl, df, inner);
  return NETDEV_TX_OK;
}

/** A datagram at a tunnel's port (data behind the UDP header). Consumes it. @kernel geneve_udp_encap_recv(), geneve_rx() */
function geneveRcv(skb: SkBuff, sock: UdpTunnelSock): void {
  const gs = sock.userData as GeneveSock;
  const { kernel } = gs.net;
  const m = skb.mem;
  if (!tunnelPrepare(skb, 0) || skb.len < GENEVE_HLEN + ETH_HLEN) {
    kernel.kfreeSkbReason(skb, DropReason.HDR_TRUNC);
    return;
  }
  const first = m.dv.getUint32(skb.data);
  const vni = m.dv.getUint32(skb.data + 4) >>> 8;
  const saddr = iphSaddr(m, skb.networkHeader);
  const header = GENEVE_HLEN + ((first >>> 24) & 63) * 4;
  const geneve = gs.devices.find(
    ({ cfg }) => cfg.external || (cfg.vni === vni && cfg.remote === saddr),
  );
  if (
    geneve === undefined ||
    first >>> 30 !== 0 ||
    (first & 0xffff) !== ETH_P_TEB ||
    skb.len < header + ETH_HLEN
  ) {
    kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
    return;
  }
  const { dev } = geneve;
  const outerTos = iphTos(m, skb.networkHeader);
  skb.data += header;
  skb.len -= header;
  skbScrub(skb, dev.net !== gs.net);
  const own = ethSourceHi(m, skb.data) === dev.addrHi && ethSourceLo(m, skb.data) === dev.addrLo;
  skb.protocol = ethTypeTrans(skb, dev);
  skb.networkHeader = skb.data;
  if (own) {
    statAdd(dev, Stat.rxErrors, 1);
    kernel.kfreeSkbReason(skb, DropReason.LOCAL_MAC);
    return;
  }
  if (ecnDecap(skb, skb.protocol, outerTos) > 1) {
    statAdd(dev, Stat.rxFrameErrors, 1);
    statAdd(dev, Stat.rxErrors, 1);
    kernel.kfreeSkbReason(skb, DropReason.IP_TUNNEL_ECN);
    return;
  }
  tunnelReceive(skb, dev);
}

/** @kernel geneve_open(), geneve_sock_add() */
function open(dev: NetDevice): number {
  const geneve = geneveOf(dev);
  const { geneveSocks } = netTunnels(geneve.net);
  let gs = geneveSocks.find((one) => one.port === geneve.cfg.port);
  if (gs === undefined) {
    gs = new GeneveSock(geneve.net, geneve.cfg.port);
    const sock = udpTunnelSock(geneve.net, geneve.cfg.port, geneveRcv, gs);
    if (typeof sock === 'number') return sock;
    gs.sock = sock;
    geneveSocks.push(gs);
  }
  gs.devices.push(geneve);
  geneve.sock = gs;
  return 0;
}

function stop(dev: NetDevice): void {
  const geneve = geneveOf(dev);
  const gs = geneve.sock;
  if (gs === null) return;
  geneve.sock = null;
  gs.devices.splice(gs.devices.indexOf(geneve), 1);
  if (gs.devices.length > 0) return;
  const { geneveSocks } = netTunnels(geneve.net);
  geneveSocks.splice(geneveSocks.indexOf(gs), 1);
  gs.sock?.release();
}

function readConfig(data: LinkInfoData, old: GeneveConfig | null): GeneveConfig {
  const number = (name: string, usual: number): number =>
    typeof data[name] === 'number' ? data[name] : usual;
  const flag = (name: string, usual: boolean): boolean =>
    data[name] === undefined ? usual : data[name] === true || data[name] === 1;
  const remote = data['remote'] === undefined ? old?.remote : parseIpv4(String(data['remote']));
  if (data['remote'] !== undefined && remote === undefined)
    throw new KernelError('EAFNOSUPPORT', 'IPv6 support not enabled in the kernel');
  const ttl = data['ttl'];
  const cfg: GeneveConfig = {
    vni: number('id', old?.vni ?? 0),
    remote: remote ?? 0,
    port: number('port', old?.port ?? GENEVE_PORT),
    ttl: typeof ttl === 'number' ? ttl : (old?.ttl ?? 0),
    ttlInherit: ttl === undefined ? (old?.ttlInherit ?? false) : ttl === 'inherit',
    tos: number('tos', old?.tos ?? 0),
    df: data['df'] === 'set' || data['df'] === 'inherit' ? data['df'] : (old?.df ?? 'unset'),
    udpCsum: flag('udp_csum', old?.udpCsum ?? false),
    external: flag('external', old?.external ?? false),
  };
  if (old === null && Object.keys(data).length === 0)
    throw new KernelError('EINVAL', 'Not enough attributes provided to perform the operation');
  if (
    old !== null &&
    (cfg.port !== old.port ||
      cfg.vni !== old.vni ||
      cfg.external !== old.external ||
      cfg.udpCsum !== old.udpCsum)
  )
    throw new KernelError(
      'EOPNOTSUPP',
      'Changing VNI, Port, endpoint IP address family, external, inner_proto_inherit, and UDP checksum attributes are not supported',
    );
  if (ipv4IsMulticast(cfg.remote))
    throw new KernelError('EINVAL', 'Remote IPv4 address cannot be Multicast');
  return cfg;
}

function taken(net: Net, cfg: GeneveConfig, self: Geneve | null): boolean {
  return netTunnels(net).geneves.some(
    (other) =>
      other !== self &&
      other.cfg.port === cfg.port &&
      (other.cfg.external ||
        cfg.external ||
        (other.cfg.vni === cfg.vni && other.cfg.remote === cfg.remote)),
  );
}

function info(dev: NetDevice): LinkInfoData {
  const { cfg } = geneveOf(dev);
  return {
    ...(cfg.external ? { external: true } : {}),
    id: cfg.vni,
    ...(cfg.remote !== 0 ? { remote: formatIpv4(cfg.remote) } : {}),
    ttl: cfg.ttlInherit ? 'inherit' : cfg.ttl,
    tos: cfg.tos,
    df: cfg.df,
    port: cfg.port,
    udp_csum: cfg.udpCsum,
    udp_zero_csum6_rx: true,
  };
}

const geneveOps: NetDeviceOps = {
  driver: 'geneve',
  kind: 'geneve',
  startXmit: geneveXmit,
  open,
  stop,
  info,
  changelink: (dev, data) => {
    const geneve = geneveOf(dev);
    const next = readConfig(data, geneve.cfg);
    if (taken(geneve.net, next, geneve)) throw new KernelError('EBUSY');
    Object.assign(geneve.cfg, next);
  },
  setMacAddress: (dev, mac) => {
    devAddrSet(dev, mac);
    return 0;
  },
  uninit: (dev) => {
    const { geneves } = netTunnels(geneveOf(dev).net);
    const at = geneves.indexOf(geneveOf(dev));
    if (at >= 0) geneves.splice(at, 1);
  },
};

/** @errno EBUSY, EINVAL, EOPNOTSUPP. @kernel geneve_newlink(), geneve_configure() */
function newlink(net: Net, name: string, request: LinkAdd, travel: Net): NetDevice {
  const cfg = readConfig(request.data ?? {}, null);
  if (taken(travel, cfg, null)) throw new KernelError('EBUSY');
  const dev = new NetDevice(net, name, geneveOps);
  const geneve = new Geneve(dev, travel, cfg);
  dev.priv = geneve;
  dev.maxMtu = 65535 - GENEVE_OVERHEAD;
  const rt =
    cfg.remote === 0
      ? 0
      : ipRouteOutput(travel, { daddr: cfg.remote, saddr: 0, oif: 0, tos: 0, mark: 0 });
  const lower = typeof rt === 'number' ? 1500 + GENEVE_OVERHEAD : rt.dev.mtu;
  dev.mtu = request.mtu ?? Math.max(68, Math.min(lower, 65535) - GENEVE_OVERHEAD);
  devAddrSet(dev, request.address ?? ethRandomAddr(net.kernel));
  registerNetdevice(dev, request.ifindex ?? 0);
  netTunnels(travel).geneves.push(geneve);
  return dev;
}

const geneveKind: LinkKind = { kind: 'geneve', namePattern: 'geneve%d', newlink };

export function geneveRegister(modules: KernelModules): void {
  modules.addLinkKind(geneveKind);
  modules.addPernet(
    () => undefined,
    (net) => {
      for (const geneve of [...(netTunnelsIfAny(net)?.geneves ?? [])])
        unregisterNetdevice(geneve.dev);
    },
  );
}
