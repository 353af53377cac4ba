/**
 * The link kinds of IPv4 tunnels: making, changing and deleting gre, gretap, erspan, ipip and sit devices, and the ones that
 * come with each module (gre0, gretap0, erspan0, tunl0, sit0). Sources: net/ipv4/ip_tunnel.c (ip_tunnel_newlink,
 * ip_tunnel_init_net), ip_gre.c, ipip.c, net/ipv6/sit.c. erspan is there only as the device that comes with GRE.
 */
import { KernelError } from '@netloom/base';
import {
  devAddrSet,
  devTxStats,
  DropReason,
  ethRandomAddr,
  Mib,
  mibAdd,
  NetDevice,
  NETDEV_TX_OK,
  PfifoFast,
  registerNetdevice,
  unregisterNetdevice,
  type InetProtocol,
  type Kernel,
  type KernelModules,
  type LinkKind,
  type Net,
  type NetDeviceOps,
  type SkBuff,
} from '@netloom/kernel-core';
import { icmpSend } from '@netloom/kernel-inet';
import { Iff, type LinkAdd, type LinkInfoData } from '@netloom/sys';
import { ICMP_DEST_UNREACH, ICMP_PROT_UNREACH } from '@netloom/wire';
import { greHeaderLength, greProtocol, greTapXmit, greXmit, IPPROTO_GRE } from './ip-gre.js';
import {
  ipipProtocol,
  ipipXmit,
  IPPROTO_IPIP,
  IPPROTO_IPV6,
  sitProtocol,
  sitXmit,
} from './ipip.js';
import {
  ARPHRD_IPGRE,
  ARPHRD_SIT,
  ARPHRD_TUNNEL,
  IpTunnel,
  ipTunnelBind,
  ipTunnelChangeMtu,
  ipTunnelInfo,
  ipTunnelOf,
  ipTunnelParms,
  ipTunnelTable,
  type IpTunnelParms,
} from './ip-tunnel.js';
import { hasFallbackTunnels, netTunnelsIfAny } from './net-tunnels.js';

const IP_MAX_MTU = 65535;
const IPV6_MIN_MTU = 1280;
const IP6_MAX_MTU = 65535 + 40;
const IP_HLEN = 20;

interface TunnelKind {
  readonly kind: string;
  /** The module that it belongs to. */
  readonly module: string;
  /** The device that comes with the module. */
  readonly fallback: string;
  readonly pattern: string;
  /** ARPHRD_*, or undefined for Ethernet. */
  readonly type: number | undefined;
  readonly xmit: (skb: SkBuff, dev: NetDevice) => number;
  readonly headerLength: (parms: IpTunnelParms) => number;
  /** Attributes of the kind's own in `ip -d link`. */
  readonly extra?: (parms: IpTunnelParms) => LinkInfoData;
  readonly fallbackParms?: Partial<IpTunnelParms>;
}

const MODES: Readonly<Record<number, string>> = { 0: 'any', 4: 'ipip', 41: 'ip6ip' };

const modeOf = (parms: IpTunnelParms): LinkInfoData => ({ mode: MODES[parms.proto] ?? 'any' });

function swallow(skb: SkBuff, dev: NetDevice): number {
  devTxStats(dev, skb.len);
  skb.pool.release(skb);
  return NETDEV_TX_OK;
}

const KINDS: readonly TunnelKind[] = [
  {
    kind: 'gre',
    module: 'ip_gre',
    fallback: 'gre0',
    pattern: 'gre%d',
    type: ARPHRD_IPGRE,
    xmit: greXmit,
    headerLength: greHeaderLength,
  },
  {
    kind: 'gretap',
    module: 'ip_gre',
    fallback: 'gretap0',
    pattern: 'gretap%d',
    type: undefined,
    xmit: greTapXmit,
    headerLength: greHeaderLength,
  },
  {
    kind: 'erspan',
    module: 'ip_gre',
    fallback: 'erspan0',
    pattern: 'erspan%d',
    type: undefined,
    xmit: swallow,
    headerLength: () => 16,
    extra: () => ({ okey: '0.0.0.0', erspan_index: 0, erspan_ver: 1 }),
  },
  {
    kind: 'ipip',
    module: 'ipip',
    fallback: 'tunl0',
    pattern: 'tunl%d',
    type: ARPHRD_TUNNEL,
    xmit: ipipXmit,
    headerLength: () => 0,
    extra: modeOf,
  },
  {
    kind: 'sit',
    module: 'sit',
    fallback: 'sit0',
    pattern: 'sit%d',
    type: ARPHRD_SIT,
    xmit: sitXmit,
    headerLength: () => 0,
    extra: (parms) => ({ ...modeOf(parms), '6rd-prefix': '2002::/16' }),
    fallbackParms: { ttl: 64, proto: IPPROTO_IPV6 },
  },
];

const OPS = new Map<string, NetDeviceOps>(KINDS.map((kind) => [kind.kind, opsOf(kind, false)]));
const FALLBACK_OPS = new Map<string, NetDeviceOps>(
  KINDS.map((kind) => [kind.kind, opsOf(kind, true)]),
);

function opsOf(kind: TunnelKind, fallback: boolean): NetDeviceOps {
  const ethernet = kind.type === undefined;
  return {
    driver: kind.kind,
    kind: kind.kind,
    startXmit: kind.xmit,
    changeMtu: ipTunnelChangeMtu,
    changelink,
    netnsLocal: fallback,
    info: (dev) => ({
      ...ipTunnelInfo(dev),
      ...kind.extra?.(ipTunnelOf(dev).parms),
    }),
    link: (dev) => {
      const { net, parms } = ipTunnelOf(dev);
      return net.devByIndex(parms.ifindex) ?? null;
    },
    linkNet: (dev) => ipTunnelOf(dev).net,
    dellink: (dev) => {
      if (!isFallback(dev)) unregisterNetdevice(dev);
    },
    uninit: (dev) => {
      const { table } = ipTunnelOf(dev);
      const at = table.tunnels.indexOf(ipTunnelOf(dev));
      if (at >= 0) table.tunnels.splice(at, 1);
      if (table.fallback === dev) table.fallback = null;
    },
    ...(ethernet
      ? {
          setMacAddress: (dev: NetDevice, address: Uint8Array) => {
            devAddrSet(dev, address);
            return 0;
          },
        }
      : {}),
  };
}

/** The device that came with the module. */
export function isFallback(dev: NetDevice): boolean {
  return dev.ops.netnsLocal === true;
}

function create(
  kind: TunnelKind,
  net: Net,
  name: string,
  parms: IpTunnelParms,
  travel: Net,
  fallback = false,
): IpTunnel {
  const ops = (fallback ? FALLBACK_OPS : OPS).get(kind.kind) as NetDeviceOps;
  const dev = new NetDevice(net, name, ops);
  const tunnel = new IpTunnel(dev, travel, ipTunnelTable(travel, kind.kind), parms);
  dev.priv = tunnel;
  tunnel.hlen = kind.headerLength(parms);
  if (kind.type === undefined) {
    dev.maxMtu = 0;
    dev.qdisc = new PfifoFast(dev);
  } else {
    dev.type = kind.type;
    dev.flags = Iff.IFF_NOARP;
    dev.hardHeaderLen = 0;
    dev.minMtu = 0;
    dev.maxMtu = 0;
  }
  if (kind.kind === 'sit') {
    dev.minMtu = IPV6_MIN_MTU;
    dev.maxMtu = IP6_MAX_MTU - IP_HLEN;
  }
  return tunnel;
}

/** @errno EEXIST, EINVAL, ENODEV. @kernel ip_tunnel_newlink() */
function newlink(
  kind: TunnelKind,
  net: Net,
  name: string,
  request: LinkAdd,
  travel: Net,
): NetDevice {
  const parms = ipTunnelParms(travel, request.data ?? {}, null);
  if (parms.external ? false : ipTunnelTable(travel, kind.kind).find(parms) !== undefined)
    throw new KernelError('EEXIST');
  const tunnel = create(kind, net, name, parms, travel);
  const { dev } = tunnel;
  if (kind.type === undefined) devAddrSet(dev, request.address ?? ethRandomAddr(net.kernel));
  ipTunnelBind(tunnel, true);
  if (request.mtu !== undefined) dev.mtu = request.mtu;
  if (request.data?.['ioctl'] === true && kind.kind !== 'sit') {
    dev.minMtu = 68; // as SIOCADDTUNNEL leaves it
    dev.maxMtu = IP_MAX_MTU - IP_HLEN - tunnel.hlen;
  }
  registerNetdevice(dev, request.ifindex ?? 0);
  tunnel.table.tunnels.unshift(tunnel);
  return dev;
}

/** `ip link set … type gre …`, `ip tunnel change`. @errno EINVAL, EEXIST. @kernel ip_tunnel_changelink() */
function changelink(dev: NetDevice, data: LinkInfoData): void {
  const tunnel = ipTunnelOf(dev);
  if (isFallback(dev)) throw new KernelError('EINVAL');
  const next = ipTunnelParms(tunnel.net, data, tunnel.parms);
  const same = tunnel.table.find(next);
  if (same !== undefined && same !== tunnel) throw new KernelError('EEXIST');
  const point = (dev.flags & Iff.IFF_POINTOPOINT) !== 0;
  if (dev.type !== 1 && point !== (next.remote !== 0)) throw new KernelError('EINVAL');
  const moved = next.ifindex !== tunnel.parms.ifindex || next.fwmark !== tunnel.parms.fwmark;
  const was = tunnel.hlen;
  Object.assign(tunnel.parms, next);
  const kind = KINDS.find((one) => one.kind === dev.ops.kind) as TunnelKind;
  tunnel.hlen = kind.headerLength(tunnel.parms);
  ipTunnelBind(tunnel, moved);
  if (!moved && was !== tunnel.hlen) dev.mtu = Math.max(68, dev.mtu + was - tunnel.hlen);
  dev.kernel.modules.callNetdevNotifiers('CHANGE', dev);
}

/** Makes the devices of a module in a namespace. @kernel ip_tunnel_init_net() */
function initNet(net: Net, module: string): void {
  if (!hasFallbackTunnels(net)) return;
  for (const kind of KINDS) {
    if (kind.module !== module) continue;
    const parms: IpTunnelParms = {
      ...ipTunnelParms(net, {}, null),
      pmtudisc: false,
      ...kind.fallbackParms,
    };
    const tunnel = create(kind, net, kind.fallback, parms, net, true);
    const { dev } = tunnel;
    if (kind.type === undefined) devAddrSet(dev, new Uint8Array(6));
    ipTunnelBind(tunnel, true);
    tunnel.table.fallback = dev;
    registerNetdevice(dev);
  }
}

function loadModule(kernel: Kernel, module: string): void {
  const loaded = (kernel.loadedModules ??= new Set<string>());
  if (loaded.has(module)) return;
  loaded.add(module);
  for (const net of kernel.nets) initNet(net, module);
}

/** A protocol that is unknown until one of its modules is there. */
function loadedOnly(names: readonly string[], protocol: InetProtocol): InetProtocol {
  const { errHandler } = protocol;
  return {
    handler: (skb) => {
      const { net, kernel } = skb.dev as NetDevice;
      if (names.some((name) => kernel.loadedModules?.has(name) === true)) {
        protocol.handler(skb);
        return;
      }
      mibAdd(net.mib, Mib.IpInDelivers, -1);
      mibAdd(net.mib, Mib.IpInUnknownProtos, 1);
      icmpSend(skb, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, 0);
      kernel.kfreeSkbReason(skb, DropReason.INVALID_PROTO);
    },
    ...(errHandler === undefined ? {} : { errHandler }),
  };
}

export function ipTunnelRegister(modules: KernelModules): void {
  for (const kind of KINDS) {
    const link: LinkKind = {
      kind: kind.kind,
      namePattern: kind.pattern,
      minMtu: 0,
      newlink: (net, name, request, travel) => {
        if (kind.kind === 'erspan') throw new KernelError('EOPNOTSUPP');
        return newlink(kind, net, name, request, travel);
      },
      load: (kernel) => {
        loadModule(kernel, kind.module);
      },
    };
    modules.addLinkKind(link);
  }
  modules.addInetProtocol(IPPROTO_GRE, loadedOnly(['ip_gre'], greProtocol));
  modules.addInetProtocol(IPPROTO_IPIP, loadedOnly(['ipip', 'sit'], ipipProtocol));
  modules.addInetProtocol(IPPROTO_IPV6, loadedOnly(['sit'], sitProtocol));
  modules.addPernet(
    (net) => {
      for (const module of net.kernel.loadedModules ?? []) initNet(net, module);
    },
    (net) => {
      for (const table of netTunnelsIfAny(net)?.ipTunnels.values() ?? [])
        for (const tunnel of [...table.tunnels]) unregisterNetdevice(tunnel.dev);
    },
  );
}
