/**
 * Duplicate address detection, and what follows once an address is ours: its route, router solicitations.
 * Sources: RFC 4862 §5.4, RFC 7527, RFC 7559, net/ipv6/addrconf.c (addrconf_dad_*, addrconf_rs_timer).
 */
import { Timer } from '@netloom/engine';
import type { NetDevice, SkBuff } from '@netloom/kernel-core';
import { Iff } from '@netloom/sys';
import { formatMac } from '@netloom/base';
import {
  IN6ADDR_ALLNODES,
  IN6ADDR_ALLROUTERS,
  IN6ADDR_ANY,
  in6Equal,
  in6SolicitedNode,
  in6Text,
} from '@netloom/wire';
import { ARPHRD_SIT, eui64Address } from './addr-gen.js';
import { ipv6GetLladdr } from './addr-select.js';
import {
  addrconfDelete,
  addrconfNotify,
  addrconfRegenerateStable,
  addrconfRouteIn,
  LINK_LOCAL_PREFIX,
} from './addrconf.js';
import {
  Conf6,
  IFA6_F_PERMANENT,
  IFA_F_DADFAILED,
  IFA_F_NODAD,
  IFA_F_OPTIMISTIC,
  IFA_F_STABLE_PRIVACY,
  IFA_F_TENTATIVE,
  RT6_SCOPE_LINK,
} from './inet6-conf.js';
import {
  IFA_STATE_DAD,
  IFA_STATE_DEAD,
  IFA_STATE_ERRDAD,
  IFA_STATE_POSTDAD,
  type Inet6Dev,
  type Inet6Ifaddr,
} from './inet6-dev.js';
import { ipv6Of, Ipv6Sysctl } from './ipv6-net.js';
import { ipv6DevMcInc, ipv6McDadComplete } from './mcast6.js';
import { NA_OVERRIDE, NA_ROUTER, ndiscSendNa, ndiscSendNs, ndiscSendRs } from './ndisc-solicit.js';

const SECOND = 1e9;

/** Whether duplicates are looked for on a device. */
function detects(idev: Inet6Dev): boolean {
  return (
    (ipv6Of(idev.dev.net).confAll[Conf6.accept_dad] as number) >= 1 ||
    (idev.conf[Conf6.accept_dad] as number) >= 1
  );
}

/** An address was added: checks that nobody else has it, or takes it at once. @kernel addrconf_dad_begin() */
export function addrconfDadStart(ifa: Inet6Ifaddr): void {
  const { idev } = ifa;
  const { dev } = idev;
  const alone = (dev.flags & (Iff.IFF_NOARP | Iff.IFF_LOOPBACK)) !== 0;
  if (!alone) ipv6DevMcInc(dev, in6SolicitedNode(ifa.addr));
  if (
    alone ||
    !detects(idev) ||
    (ifa.flags & IFA_F_TENTATIVE) === 0 ||
    (ifa.flags & IFA_F_NODAD) !== 0
  ) {
    const announce = (ifa.flags & IFA_F_TENTATIVE) !== 0 && (ifa.flags & IFA_F_OPTIMISTIC) === 0;
    ifa.flags &= ~(IFA_F_TENTATIVE | IFA_F_OPTIMISTIC | IFA_F_DADFAILED);
    dadCompleted(ifa, announce);
    return;
  }
  if (!idev.ready) {
    dadStop(ifa, false); // it waits until the device is ready
    return;
  }
  if ((ifa.flags & IFA_F_OPTIMISTIC) !== 0) addrconfRouteIn(ifa);
  dadKick(ifa);
}

/** Starts probing after a random wait. @kernel addrconf_dad_kick() */
export function dadKick(ifa: Inet6Ifaddr): void {
  const { idev } = ifa;
  const { kernel } = idev.dev;
  const random = kernel.random('dad');
  const delay = (idev.conf[Conf6.router_solicitation_delay] as number) * SECOND;
  ifa.state = IFA_STATE_DAD;
  ifa.dadProbes = idev.conf[Conf6.dad_transmits] as number;
  ifa.dadNonce = null;
  if (
    idev.conf[Conf6.enhanced_dad] !== 0 ||
    ipv6Of(idev.dev.net).confAll[Conf6.enhanced_dad] !== 0
  ) {
    const nonce = new Uint8Array(6);
    const view = new DataView(nonce.buffer);
    view.setUint16(0, random.below(0x10000));
    view.setUint32(2, random.u32() || 1);
    ifa.dadNonce = nonce;
  }
  ifa.dadTimer ??= new Timer(kernel.engine, () => {
    dadWork(ifa);
  });
  const wait = (ifa.flags & IFA_F_OPTIMISTIC) !== 0 || delay === 0 ? 0 : random.below(delay);
  ifa.dadTimer.set(kernel.engine.now + wait);
}

/** @kernel addrconf_dad_work() */
function dadWork(ifa: Inet6Ifaddr): void {
  const { idev } = ifa;
  const { dev } = idev;
  if (ifa.state === IFA_STATE_DEAD || idev.dead || !idev.ready) return;
  if (ifa.dadProbes === 0) {
    const announce = (ifa.flags & IFA_F_TENTATIVE) !== 0 && (ifa.flags & IFA_F_OPTIMISTIC) === 0;
    ifa.flags &= ~(IFA_F_TENTATIVE | IFA_F_OPTIMISTIC | IFA_F_DADFAILED);
    dadCompleted(ifa, announce);
    return;
  }
  ifa.dadProbes--;
  (ifa.dadTimer as Timer).set(dev.kernel.engine.now + Math.max(idev.neighParms.retransTime, 10e6));
  ndiscSendNs(dev, ifa.addr, in6SolicitedNode(ifa.addr), IN6ADDR_ANY, ifa.dadNonce);
}

/** Whether this is the only usable link-local address of its device. @kernel ipv6_lonely_lladdr() */
function lonely(ifa: Inet6Ifaddr): boolean {
  return !ifa.idev.addresses.some(
    (other) =>
      other !== ifa &&
      other.scope === RT6_SCOPE_LINK &&
      (other.flags & (IFA6_F_PERMANENT | IFA_F_TENTATIVE | IFA_F_OPTIMISTIC | IFA_F_DADFAILED)) ===
        IFA6_F_PERMANENT,
  );
}

/** Whether router advertisements are heeded. @kernel ipv6_accept_ra() */
export function ipv6AcceptRa(idev: Inet6Dev): boolean {
  const mode = idev.conf[Conf6.accept_ra] as number;
  return idev.forwarding ? mode === 2 : mode > 0;
}

/** The address is ours now. @kernel addrconf_dad_completed() */
function dadCompleted(ifa: Inet6Ifaddr, announce: boolean): void {
  const { idev } = ifa;
  const { dev } = idev;
  const { net } = dev;
  ifa.dadTimer?.cancel();
  ifa.dadTimer = null;
  ifa.dadNonce = null;
  ifa.state = IFA_STATE_POSTDAD;
  addrconfRouteIn(ifa);
  addrconfNotify(net, 'RTM_NEWADDR', ifa);
  const first = ifa.scope === RT6_SCOPE_LINK && lonely(ifa);
  const loopback = (dev.flags & Iff.IFF_LOOPBACK) !== 0;
  if (first && dev.up) ipv6McDadComplete(idev);
  if (
    announce &&
    !loopback &&
    (idev.conf[Conf6.ndisc_notify] !== 0 || ipv6Of(net).confAll[Conf6.ndisc_notify] !== 0)
  ) {
    const router = idev.forwarding ? NA_ROUTER : 0;
    ndiscSendNa(dev, IN6ADDR_ALLNODES, ifa.addr, router | NA_OVERRIDE, true);
  }
  if (
    first &&
    !loopback &&
    dev.type !== ARPHRD_SIT && // its address was not looked for
    dev.up &&
    ipv6AcceptRa(idev) &&
    idev.conf[Conf6.router_solicitations] !== 0
  )
    startSolicitations(idev);
  ipv6Of(net).genid++;
}

function startSolicitations(idev: Inet6Dev): void {
  const { dev } = idev;
  const lladdr = ipv6GetLladdr(dev, IFA_F_TENTATIVE);
  if (lladdr === null) return;
  ndiscSendRs(dev, lladdr, IN6ADDR_ALLROUTERS);
  const { kernel } = dev;
  const base = (idev.conf[Conf6.router_solicitation_interval] as number) * SECOND;
  idev.rsInterval = scaled(dev, base, 900000);
  idev.rsProbes = 1;
  idev.rsTimer ??= new Timer(kernel.engine, () => {
    rsWork(idev);
  });
  idev.rsTimer.set(kernel.engine.now + idev.rsInterval);
}

/** A time times a factor of `from` to `from` + 0.2, in millionths (RFC 3315 §14). */
function scaled(dev: NetDevice, base: number, from: number): number {
  return Math.floor((base / 1e6) * (from + dev.kernel.random('rs').below(200001)));
}

/** @kernel addrconf_rs_timer() */
function rsWork(idev: Inet6Dev): void {
  const { dev } = idev;
  if (idev.dead || !dev.up || !idev.ready || !ipv6AcceptRa(idev) || idev.raRcvd) return;
  const most = idev.conf[Conf6.router_solicitations] as number;
  if (most >= 0 && idev.rsProbes >= most) return;
  idev.rsProbes++;
  const lladdr = ipv6GetLladdr(dev, IFA_F_TENTATIVE);
  if (lladdr === null) return;
  ndiscSendRs(dev, lladdr, IN6ADDR_ALLROUTERS);
  const longest = (idev.conf[Conf6.router_solicitation_max_interval] as number) * SECOND;
  let next = scaled(dev, idev.rsInterval, 1900000);
  if (next > longest) next = scaled(dev, longest, 900000);
  idev.rsInterval = next;
  const wait =
    idev.rsProbes === most ? (idev.conf[Conf6.router_solicitation_delay] as number) * SECOND : next;
  idev.rsTimer?.set(dev.kernel.engine.now + wait);
}

/** Asks the routers again: forwarding was turned off, or the device came back. */
export function addrconfSolicitAgain(idev: Inet6Dev): void {
  if (idev.ready && ipv6AcceptRa(idev)) startSolicitations(idev);
}

/** Ends detection without an answer, or with the answer that the address is taken. @kernel addrconf_dad_stop() */
function dadStop(ifa: Inet6Ifaddr, failed: boolean): void {
  if (failed) ifa.flags |= IFA_F_DADFAILED;
  ifa.dadTimer?.cancel();
  if ((ifa.flags & IFA6_F_PERMANENT) !== 0) {
    ifa.flags |= IFA_F_TENTATIVE;
    ifa.state = failed ? IFA_STATE_ERRDAD : 0;
    if (failed) addrconfNotify(ifa.idev.dev.net, 'RTM_NEWADDR', ifa);
  } else {
    addrconfDelete(ifa);
  }
}

/** Somebody else has the address. @kernel addrconf_dad_failure() */
export function addrconfDadFailure(skb: SkBuff, ifa: Inet6Ifaddr): void {
  const { idev } = ifa;
  const { dev } = idev;
  if (ifa.state === IFA_STATE_ERRDAD || ifa.state === IFA_STATE_DEAD) return;
  dev.kernel.printk(
    6,
    `IPv6: ${dev.name}: IPv6 duplicate address ${in6Text(ifa.addr)} used by ${formatMac(skb.mem.u8, skb.macHeader + 6)} detected!`,
  );
  if ((ifa.flags & IFA_F_STABLE_PRIVACY) !== 0) {
    const retries = ipv6Of(dev.net).sysctl(Ipv6Sysctl.idgen_retries);
    if (ifa.stablePrivacyRetry < retries) {
      addrconfRegenerateStable(ifa);
      return;
    }
  } else if ((idev.conf[Conf6.accept_dad] as number) > 1 && isEui64LinkLocal(ifa)) {
    idev.setConf(Conf6.disable_ipv6, 1);
    dev.kernel.printk(6, `IPv6: ${dev.name}: IPv6 being disabled!`);
  }
  dadStop(ifa, true);
}

function isEui64LinkLocal(ifa: Inet6Ifaddr): boolean {
  return in6Equal(ifa.addr, eui64Address(ifa.idev.dev, LINK_LOCAL_PREFIX));
}
