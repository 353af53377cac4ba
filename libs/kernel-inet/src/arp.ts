/**
 * ARP: IPv4 neighbours on Ethernet. Sources: RFC 826, RFC 5227 for probes, net/ipv4/arp.c.
 * ipFinishOutput2 → arpNeighbour → Neighbour → arpSolicit; the wire → arpRcv → Neighbour.update.
 */
import {
  DropReason,
  LL_MAX_HEADER,
  Mib,
  mibAdd,
  NEIGH_PARMS_DEFAULT,
  NEIGH_UPDATE_F_OVERRIDE,
  Neighbour,
  PACKET_HOST,
  PACKET_LOOPBACK,
  PACKET_OTHERHOST,
  pskbMayPull,
  skbPush,
  skbPut,
  devQueueXmit,
  type NeighOps,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import { AF_INET, Iff, Nud, type NeighMsg } from '@netloom/sys';
import {
  ARP_HLEN,
  ARPOP_REPLY,
  ARPOP_REQUEST,
  arphHln,
  arphHrd,
  arphOp,
  arphPln,
  arphPro,
  arphSha,
  arphSip,
  arphTha,
  arphTip,
  ETH_HLEN,
  ETH_P_ARP,
  ETH_P_IP,
  ethWrite,
  ICMP_DEST_UNREACH,
  ICMP_HOST_UNREACH,
  iphSaddr,
} from '@netloom/wire';
import { arpHasRoom, arpStartSweep } from './arp-gc.js';
import { fibLookup, fibSelectSource, inetAddrType } from './fib-frontend.js';
import {
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_UNICAST,
  RT_SCOPE_LINK,
} from './fib-table.js';
import { icmpSend } from './icmp-send.js';
import { Conf, InDevice } from './in-device.js';
import { ipv4HostSysctl, ipv4Of } from './ipv4-net.js';
import { ipRouteInput } from './route-input.js';
import type { Rtable } from './route.js';

const arpOps: NeighOps = {
  family: AF_INET,
  solicit: arpSolicit,
  errorReport: arpErrorReport,
  notify: arpNotify,
  parms: (dev) => InDevice.of(dev)?.neighParms ?? NEIGH_PARMS_DEFAULT,
  random: (dev) => dev.net.kernel.random('neighbour'),
};

/** An entry as rtnetlink shows it. */
export function neighMsg(neigh: Neighbour): NeighMsg {
  const age = (since: number): number => Math.floor((neigh.now - since) / 1e9);
  const known = (neigh.nudState & (Nud.NUD_INCOMPLETE | Nud.NUD_FAILED)) === 0;
  return {
    family: AF_INET,
    ifindex: neigh.dev.ifindex,
    dst: neigh.key as number,
    state: neigh.nudState,
    flags: neigh.flags,
    probes: neigh.probes,
    cacheinfo: {
      confirmed: age(neigh.confirmed),
      used: age(neigh.used),
      updated: age(neigh.updated),
      refcnt: neigh.queue?.length ?? 0,
    },
    ...(known ? { lladdr: neigh.lladdr } : {}),
  };
}

/** Tells listeners of a change; that a question has been asked, or will be, is none. */
function arpNotify(neigh: Neighbour): void {
  if (neigh.nudState === Nud.NUD_INCOMPLETE || neigh.nudState === Nud.NUD_DELAY) return;
  const { net } = neigh.dev;
  if (net.rtnlListeners.size > 0) net.notify({ type: 'RTM_NEWNEIGH', neigh: neighMsg(neigh) });
}

/** The entry of an address, or undefined. */
export function arpLookup(dev: NetDevice, address: number): Neighbour | undefined {
  return dev.neigh4?.get(address);
}

/** The entry of an address, made where there is none; null when the cache is full. @kernel ip_neigh_gw4() */
export function arpNeighbour(dev: NetDevice, address: number, routeType: number): Neighbour | null {
  const known = dev.neigh4?.get(address);
  return known ?? arpCreate(dev, address, routeType);
}

/** @kernel neigh_create(), arp_constructor() */
export function arpCreate(dev: NetDevice, address: number, routeType = 0): Neighbour | null {
  const tables = ipv4Of(dev.net.kernel.initNet);
  if (!arpHasRoom(dev)) {
    tables.neighTableFulls++;
    if (dev.net.kernel.netRatelimit())
      dev.net.kernel.printk(6, 'neighbour: arp_cache: neighbor table overflow!');
    return null;
  }
  const neigh = new Neighbour(dev, address, arpOps);
  const type = routeType !== 0 ? routeType : inetAddrType(dev.net, address);
  if ((dev.flags & (Iff.IFF_NOARP | Iff.IFF_LOOPBACK)) !== 0) {
    neigh.nudState = Nud.NUD_NOARP;
    neigh.haHi = dev.addrHi;
    neigh.haLo = dev.addrLo;
  } else if (type === RTN_MULTICAST) {
    neigh.nudState = Nud.NUD_NOARP;
    neigh.haHi = 0x0100; // RFC 1112 §6.4: 01:00:5e and the low 23 bits
    neigh.haLo = (0x5e000000 | (address & 0x7fffff)) >>> 0;
  } else if (type === RTN_BROADCAST) {
    neigh.nudState = Nud.NUD_NOARP;
    neigh.haHi = 0xffff;
    neigh.haLo = 0xffffffff;
  }
  (dev.neigh4 ??= new Map<number, Neighbour>()).set(address, neigh);
  tables.neighCount++;
  if (tables.neighCount >= ipv4HostSysctl(dev.net, 'neigh/default/gc_thresh1'))
    arpStartSweep(dev.net.kernel);
  return neigh;
}

/** Takes an entry out of the cache. */
export function arpRemove(neigh: Neighbour): void {
  if (neigh.dev.neigh4?.delete(neigh.key as number) !== true) return;
  const { net } = neigh.dev;
  ipv4Of(net.kernel.initNet).neighCount--;
  neigh.kill();
  if (net.rtnlListeners.size > 0) net.notify({ type: 'RTM_DELNEIGH', neigh: neighMsg(neigh) });
}

/** A device went down or away: its entries go, permanent ones only with the device. @kernel neigh_ifdown() */
export function arpDeviceDown(dev: NetDevice, unregister: boolean): void {
  for (const neigh of [...(dev.neigh4?.values() ?? [])]) {
    if (unregister || neigh.nudState !== Nud.NUD_PERMANENT) arpRemove(neigh);
  }
}

/** The device's own address changed. @kernel neigh_changeaddr() */
export function arpChangeAddress(dev: NetDevice): void {
  arpDeviceDown(dev, false);
}

function arpErrorReport(neigh: Neighbour, skb: SkBuff): void {
  const kernel = neigh.dev.net.kernel;
  // A packet that was being forwarded is reported to its sender, one of ours to its socket (dst_link_failure).
  const net = neigh.dev.net;
  if (skb.skbIif !== 0) {
    const input = net.devByIndex(skb.skbIif);
    if (input !== undefined) {
      skb.dev = input;
      icmpSend(skb, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
    }
  } else {
    skb.dev = neigh.dev;
    icmpSend(skb, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
  }
  kernel.kfreeSkbReason(skb, DropReason.NEIGH_FAILED);
}

/** Broadcasts (or, to check a stale entry, sends to its old address) a request. @kernel arp_solicit() */
function arpSolicit(neigh: Neighbour, skb: SkBuff | null): void {
  const dev = neigh.dev;
  const target = neigh.key as number;
  const announce = Math.max(
    (dev.inDev as InDevice | null)?.conf[Conf.arp_announce] ?? 0,
    ipv4Of(dev.net).confAll[Conf.arp_announce] as number,
  );
  let source = 0;
  if (skb !== null && announce < 2) {
    const candidate = iphSaddr(skb.mem, skb.networkHeader);
    if (inetAddrType(dev.net, candidate) === RTN_LOCAL) {
      const sameSubnet = InDevice.of(dev)?.addresses.some(
        (ifa) =>
          ((ifa.address ^ target) & ifa.mask) === 0 && ((ifa.address ^ candidate) & ifa.mask) === 0,
      );
      if (announce === 0 || sameSubnet === true) source = candidate;
    }
  }
  if (source === 0) source = fibSelectSource(dev, target, RT_SCOPE_LINK);
  const parms = arpOps.parms(dev);
  const unicast =
    neigh.probes <= parms.ucastProbes &&
    (neigh.nudState & (Nud.NUD_PROBE | Nud.NUD_STALE | Nud.NUD_DELAY)) !== 0;
  const hi = unicast ? neigh.haHi : 0xffff;
  const lo = unicast ? neigh.haLo : 0xffffffff;
  arpSend(dev, ARPOP_REQUEST, hi, lo, source, target, 0, 0);
}

/** Builds and queues one ARP packet. @kernel arp_send() */
export function arpSend(
  dev: NetDevice,
  op: number,
  dstHi: number,
  dstLo: number,
  sip: number,
  tip: number,
  thaHi: number,
  thaLo: number,
): void {
  const pool = dev.net.kernel.pool;
  const skb = pool.alloc(ARP_HLEN, LL_MAX_HEADER);
  if (skb === null) return;
  const o = skbPut(skb, ARP_HLEN);
  const dv = skb.mem.dv;
  dv.setUint32(o, 0x00010800);
  dv.setUint32(o + 4, 0x06040000 | op);
  dv.setUint16(o + 8, dev.addrHi);
  dv.setUint32(o + 10, dev.addrLo);
  dv.setUint32(o + 14, sip);
  dv.setUint16(o + 18, thaHi);
  dv.setUint32(o + 20, thaLo);
  dv.setUint32(o + 24, tip);
  skb.networkHeader = o;
  skb.protocol = ETH_P_ARP;
  skb.packetId = pool.nextPacketId();
  const e = skbPush(skb, ETH_HLEN);
  ethWrite(skb.mem, e, dstHi, dstLo, dev.addrHi, dev.addrLo, ETH_P_ARP);
  skb.dev = dev;
  devQueueXmit(skb);
}

/** Takes a received ARP packet (data at the ARP header). Consumes it. @kernel arp_rcv(), arp_process() */
export function arpRcv(skb: SkBuff, dev: NetDevice): void {
  const kernel = dev.net.kernel;
  if (
    (dev.flags & Iff.IFF_NOARP) !== 0 ||
    skb.pktType === PACKET_OTHERHOST ||
    skb.pktType === PACKET_LOOPBACK
  ) {
    kernel.kfreeSkbReason(skb, DropReason.OTHERHOST);
    return;
  }
  const m = skb.mem;
  if (
    !pskbMayPull(skb, ARP_HLEN) ||
    arphHln(m, skb.data) !== 6 ||
    arphPln(m, skb.data) !== 4 ||
    arphHrd(m, skb.data) !== 1 ||
    arphPro(m, skb.data) !== ETH_P_IP
  ) {
    kernel.kfreeSkbReason(skb, DropReason.PKT_TOO_SMALL);
    return;
  }
  arpProcess(skb, dev);
  skb.pool.release(skb);
}

function arpProcess(skb: SkBuff, dev: NetDevice): void {
  const inDev = InDevice.of(dev);
  if (inDev === null) return;
  const m = skb.mem;
  const o = skb.data;
  const op = arphOp(m, o);
  if (op !== ARPOP_REQUEST && op !== ARPOP_REPLY) return;
  const sip = arphSip(m, o);
  const tip = arphTip(m, o);
  const sha = { hi: m.dv.getUint16(arphSha(o)), lo: m.dv.getUint32(arphSha(o) + 2) };
  const net = dev.net;
  if (tip >>> 28 === 14 || (tip >>> 24 === 127 && inDev.conf[Conf.route_localnet] === 0)) return;
  if (op === ARPOP_REQUEST && sip === 0) {
    // RFC 5227: an address probe is answered, but teaches nothing.
    if (inetAddrType(net, tip) === RTN_LOCAL && !arpIgnore(inDev, sip, tip))
      arpSend(dev, ARPOP_REPLY, sha.hi, sha.lo, tip, sip, sha.hi, sha.lo);
    return;
  }
  if (op === ARPOP_REQUEST && ipRouteInput(skb, tip, sip, 0, dev) === 0) {
    const rt = skb.dst as Rtable;
    skb.dst = null;
    if (rt.error === 0 && rt.type === RTN_LOCAL) {
      if (arpIgnore(inDev, sip, tip) || arpFilter(inDev, sip, tip)) return;
      const neigh = arpLookup(dev, sip) ?? arpCreate(dev, sip);
      neigh?.update(sha, Nud.NUD_STALE, NEIGH_UPDATE_F_OVERRIDE);
      arpSend(dev, ARPOP_REPLY, sha.hi, sha.lo, tip, sip, sha.hi, sha.lo);
      return;
    }
    if (
      rt.error === 0 &&
      rt.type === RTN_UNICAST &&
      inDev.forwarding &&
      answersFor(inDev, rt, tip)
    ) {
      const neigh = arpLookup(dev, sip) ?? arpCreate(dev, sip);
      neigh?.update(sha, Nud.NUD_STALE, NEIGH_UPDATE_F_OVERRIDE);
      const delay = skb.pktType === PACKET_HOST ? 0 : arpOps.parms(dev).proxyDelay;
      if (delay === 0) arpSend(dev, ARPOP_REPLY, sha.hi, sha.lo, tip, sip, sha.hi, sha.lo);
      else
        net.kernel.engine.after(net.kernel.random('arp-proxy').below(delay), proxyReply, {
          dev,
          sha,
          sip,
          tip,
        });
      return;
    }
  }
  if (
    sip === tip &&
    (inDev.conf[Conf.drop_gratuitous_arp] !== 0 ||
      ipv4Of(net).confAll[Conf.drop_gratuitous_arp] !== 0)
  )
    return;
  let neigh = arpLookup(dev, sip);
  const accept = Math.max(
    inDev.conf[Conf.arp_accept] as number,
    ipv4Of(net).confAll[Conf.arp_accept] as number,
  );
  const gratuitous = isGratuitous(skb, op, sip, tip) && inetAddrType(net, sip) === RTN_UNICAST;
  if (
    neigh === undefined &&
    accept !== 0 &&
    (accept !== 2 || inDev.addresses.some((ifa) => ((ifa.address ^ sip) & ifa.mask) === 0)) &&
    (gratuitous || (op === ARPOP_REPLY && inetAddrType(net, sip) === RTN_UNICAST))
  ) {
    neigh = arpCreate(dev, sip) ?? undefined;
  }
  if (neigh === undefined) return;
  // locktime keeps a burst of answers from flapping the entry; an announcement is always believed.
  const override = neigh.now > neigh.updated + arpOps.parms(dev).locktime || gratuitous;
  const state =
    op === ARPOP_REPLY && skb.pktType === PACKET_HOST ? Nud.NUD_REACHABLE : Nud.NUD_STALE;
  neigh.update(sha, state, override ? NEIGH_UPDATE_F_OVERRIDE : 0);
}

/** Answers for another host once the one itself had its chance. @kernel pneigh_enqueue() */
function proxyReply({
  dev,
  sha,
  sip,
  tip,
}: {
  readonly dev: NetDevice;
  readonly sha: { readonly hi: number; readonly lo: number };
  readonly sip: number;
  readonly tip: number;
}): void {
  if (dev.up) arpSend(dev, ARPOP_REPLY, sha.hi, sha.lo, tip, sip, sha.hi, sha.lo);
}

/** An announcement: about the sender's own address, and in a reply to itself. @kernel arp_is_garp() */
function isGratuitous(skb: SkBuff, op: number, sip: number, tip: number): boolean {
  if (sip !== tip) return false;
  if (op !== ARPOP_REPLY) return true;
  const { dv } = skb.mem;
  const sha = arphSha(skb.data);
  const tha = arphTha(skb.data);
  return dv.getUint16(sha) === dv.getUint16(tha) && dv.getUint32(sha + 2) === dv.getUint32(tha + 2);
}

/** net.ipv4.conf.*.arp_ignore: which requests for our addresses go unanswered. @kernel arp_ignore() */
function arpIgnore(inDev: InDevice, sip: number, tip: number): boolean {
  const mode = Math.max(
    inDev.conf[Conf.arp_ignore] as number,
    ipv4Of(inDev.dev.net).confAll[Conf.arp_ignore] as number,
  );
  if (mode === 0) return false;
  if (mode === 8) return true;
  const here = inDev.addresses.filter((ifa) => ifa.local === tip);
  if (mode === 1) return here.length === 0;
  if (mode === 2) return !here.some((ifa) => ((ifa.address ^ sip) & ifa.mask) === 0);
  if (mode === 3)
    return inDev.dev.net.devices.every((dev) =>
      (InDevice.of(dev)?.addresses ?? []).every((ifa) => ifa.local !== tip || ifa.scope >= 254),
    );
  return false;
}

/** net.ipv4.conf.*.arp_filter: answer only where our packets to the asker would leave. @kernel arp_filter() */
function arpFilter(inDev: InDevice, sip: number, tip: number): boolean {
  const on =
    inDev.conf[Conf.arp_filter] !== 0 || ipv4Of(inDev.dev.net).confAll[Conf.arp_filter] !== 0;
  if (!on || tip === 0) return false;
  const res = fibLookup(inDev.dev.net, sip, 0, 0);
  if (res?.nh.dev === inDev.dev) return false;
  mibAdd(inDev.dev.net.mib, Mib.TcpExtArpFilter, 1);
  return true;
}

/** Whether a request for another host's address is answered here. @kernel arp_fwd_proxy(), arp_fwd_pvlan() */
function answersFor(inDev: InDevice, rt: Rtable, tip: number): boolean {
  const { dev } = inDev;
  const all = ipv4Of(dev.net).confAll;
  if (rt.dev === dev) return inDev.conf[Conf.proxy_arp_pvlan] !== 0;
  if (inDev.conf[Conf.proxy_arp] !== 0 || all[Conf.proxy_arp] !== 0) {
    const medium = inDev.conf[Conf.medium_id] as number;
    if (medium === 0) return true;
    const other = InDevice.of(rt.dev)?.conf[Conf.medium_id] ?? 0;
    if (medium !== -1 && other !== medium && other !== -1) return true;
  }
  const { proxies } = ipv4Of(dev.net);
  return proxies?.get(dev.ifindex)?.has(tip) === true || proxies?.get(0)?.has(tip) === true;
}

/** Announces the addresses of a device: a request for each, from itself. @kernel inetdev_send_gratuitous_arp() */
export function arpAnnounce(dev: NetDevice): void {
  for (const ifa of InDevice.of(dev)?.addresses ?? [])
    arpSend(dev, ARPOP_REQUEST, 0xffff, 0xffffffff, ifa.local, ifa.local, 0, 0);
}
