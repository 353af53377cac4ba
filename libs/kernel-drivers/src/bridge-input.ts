/**
 * A frame's way through a bridge.
 * port → brHandleFrame (rx_handler) → VLAN filter → learn → forward, flood to a group's members or to all, or up;
 * the bridge's own traffic → startXmit → forward or flood.
 * Sources: net/bridge/br_input.c, br_forward.c, br_device.c; IEEE 802.1D §7.
 */
import {
  devQueueXmit,
  devTxStats,
  DropReason,
  NETDEV_TX_OK,
  netifReceiveSkb,
  PACKET_HOST,
  PACKET_LOOPBACK,
  RX_HANDLER_CONSUMED,
  RX_HANDLER_PASS,
  skbVlanUntag,
  Stat,
  statAdd,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import {
  ETH_HLEN,
  ETH_P_8021AD,
  ETH_P_8021Q,
  ethDestHi,
  ethDestLo,
  ethProto,
  ethSourceHi,
  ethSourceLo,
} from '@netloom/wire';
import { brStpRcv } from './bridge-bpdu.js';
import { macNumber } from './bridge-fdb.js';
import { MCAST_ROUTERS_ONLY, mcastLookup, mcastRcv } from './bridge-multicast.js';
import {
  BR_NO_STP,
  BR_STATE_DISABLED,
  BR_STATE_FORWARDING,
  BR_STATE_LEARNING,
  PortFlag,
  type Bridge,
  type BridgePort,
} from './bridge-state.js';
import { allowedEgress, allowedIngress, egressTag, vlanDrop } from './bridge-vlan.js';

const GROUP_BIT = 0x100;
/** 01:80:c2:00:00:0X: not forwarded by a bridge (802.1D §7.12.6). */
const LINK_LOCAL_HI = 0x0180;
const LINK_LOCAL_LO = 0xc2000000;

/** A frame came in on a port (data behind the Ethernet header). @kernel br_handle_frame() */
export function brHandleFrame(skb: SkBuff, dev: NetDevice): number {
  if (skb.pktType === PACKET_LOOPBACK) return RX_HANDLER_PASS;
  const port = dev.rxHandlerData as BridgePort;
  const { br } = port;
  const m = skb.mem;
  const o = skb.macHeader;
  const sourceHi = ethSourceHi(m, o);
  if ((sourceHi & GROUP_BIT) !== 0 || (sourceHi === 0 && ethSourceLo(m, o) === 0)) {
    dev.kernel.kfreeSkbReason(skb, DropReason.MAC_INVALID_SOURCE);
    return RX_HANDLER_CONSUMED;
  }
  const hi = ethDestHi(m, o);
  const lo = ethDestLo(m, o);
  if (hi === LINK_LOCAL_HI && (lo & ~15) >>> 0 === LINK_LOCAL_LO) {
    const verdict = linkLocal(skb, port, lo & 15);
    if (verdict !== FORWARD) return verdict;
  }
  if (!br.dev.up) {
    dev.kernel.kfreeSkbReason(skb, DropReason.DEV_READY);
    return RX_HANDLER_CONSUMED;
  }
  if (port.state !== BR_STATE_FORWARDING && port.state !== BR_STATE_LEARNING) {
    dev.kernel.kfreeSkbReason(skb, DropReason.BRIDGE_INGRESS_STP_STATE);
    return RX_HANDLER_CONSUMED;
  }
  handleFrameFinish(skb, port, hi, lo);
  return RX_HANDLER_CONSUMED;
}

const FORWARD = -1;

/** Frames to 01:80:c2:00:00:0X: of the spanning tree, pause frames, LLDP. FORWARD where it is treated as any other. */
function linkLocal(skb: SkBuff, port: BridgePort, low: number): number {
  const { br } = port;
  const mask = br.groupFwdMask | port.groupFwdMask;
  if (low === 1) {
    port.dev.kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED); // a pause frame
    return RX_HANDLER_CONSUMED;
  }
  if ((mask & (1 << low)) !== 0) return FORWARD;
  if (low === 0 && br.stpEnabled === BR_NO_STP) return FORWARD; // keeps others' loop detection working
  if (
    (port.flags & PortFlag.learning) !== 0 &&
    port.state !== BR_STATE_DISABLED &&
    (port.state === BR_STATE_LEARNING || port.state === BR_STATE_FORWARDING) &&
    br.noLinklocalLearn === 0
  ) {
    const { mem, macHeader } = skb;
    const mac = macNumber(ethSourceHi(mem, macHeader), ethSourceLo(mem, macHeader));
    br.fdb.learn(mac, port, br.dev.kernel.engine.now, br.vlanEnabled ? port.vlanGroup.pvid : 0);
  }
  if (low === br.groupAddress && br.stpEnabled !== BR_NO_STP) brStpRcv(skb, port);
  return RX_HANDLER_PASS; // for the port itself
}

/** @kernel br_handle_frame_finish() */
function handleFrameFinish(skb: SkBuff, port: BridgePort, hi: number, lo: number): void {
  const { br } = port;
  const kernel = br.dev.kernel;
  let vid = 0;
  if (br.vlanEnabled) {
    vid = allowedIngress(br, port.vlanGroup, skb);
    if (vid < 0) {
      if (vid === -1) vlanDrop(br, skb);
      return;
    }
  }
  const m = skb.mem;
  const source = macNumber(ethSourceHi(m, skb.macHeader), ethSourceLo(m, skb.macHeader));
  const now = kernel.engine.now;
  const { fdb } = br;
  if ((port.flags & PortFlag.locked) !== 0 && fdb.lookup(source, now, vid)?.port !== port) {
    kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
    return;
  }
  if ((port.flags & PortFlag.learning) !== 0) fdb.learn(source, port, now, vid);
  if (port.state === BR_STATE_LEARNING) {
    kernel.kfreeSkbReason(skb, DropReason.BRIDGE_INGRESS_STP_STATE);
    return;
  }
  const up = br.dev.promiscuity > 0;
  if ((hi & GROUP_BIT) !== 0) {
    if (hi === 0xffff && lo === 0xffffffff) {
      const copy = skb.pool.clone(skb);
      flood(br, skb, port, PortFlag.bcast_flood, vid);
      passUp(br, copy, vid);
      return;
    }
    multicast(br, skb, port, vid, up);
    return;
  }
  const entry = fdb.lookup(macNumber(hi, lo), now, vid);
  if (entry !== undefined && (entry.local || entry.port === null)) {
    passUp(br, skb, vid);
    return;
  }
  if (up) passUp(br, skb.pool.clone(skb), vid);
  if (entry === undefined) {
    flood(br, skb, port, PortFlag.flood, vid);
    return;
  }
  entry.used = now;
  const to = entry.port as BridgePort;
  if (shouldDeliver(br, port, to, vid)) forward(br, skb, to, vid);
  else kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
}

/** A frame to a group: to its members where somebody asks for them, else to all. */
function multicast(br: Bridge, skb: SkBuff, port: BridgePort, vid: number, promisc: boolean): void {
  const said = mcastRcv(br, port, skb, vid);
  const group = mcastLookup(br, skb, vid);
  const family = skb.protocol === 0x0800 ? 2 : 10;
  if (
    br.mcast !== null &&
    (group !== undefined || said === MCAST_ROUTERS_ONLY) &&
    br.mcast.querierExists(family)
  ) {
    const host = group?.members.has(null) === true || br.mcast.hostIsRouter;
    if (host) statAdd(br.dev, Stat.multicast, 1);
    const mcast = br.mcast;
    const copy = host || promisc ? skb.pool.clone(skb) : null;
    deliver(br, skb, port, vid, (to) => group?.members.has(to) === true || mcast.isRouter(to));
    if (copy !== null) passUp(br, copy, vid);
    return;
  }
  statAdd(br.dev, Stat.multicast, 1);
  const copy = skb.pool.clone(skb);
  flood(br, skb, port, PortFlag.mcast_flood, vid);
  passUp(br, copy, vid);
}

/** @kernel br_pass_frame_up() */
function passUp(br: Bridge, skb: SkBuff, vid: number): void {
  if (br.vlanEnabled) {
    if (br.dev.promiscuity === 0 && !allowedEgress(br.vlanGroup, vid)) {
      vlanDrop(br, skb);
      return;
    }
    egressTag(br, br.vlanGroup, skb, vid);
  }
  statAdd(br.dev, Stat.rxPackets, 1);
  statAdd(br.dev, Stat.rxBytes, skb.len);
  const hi = ethDestHi(skb.mem, skb.macHeader);
  if ((hi & GROUP_BIT) === 0) {
    const lo = ethDestLo(skb.mem, skb.macHeader);
    if (
      (hi === br.dev.addrHi && lo === br.dev.addrLo) ||
      br.fdb.get(macNumber(hi, lo), vid)?.local === true
    )
      skb.pktType = PACKET_HOST;
  }
  skb.dev = br.dev;
  netifReceiveSkb(skb);
}

/** @kernel should_deliver() */
function shouldDeliver(br: Bridge, from: BridgePort | null, to: BridgePort, vid: number): boolean {
  if (to === from && (to.flags & PortFlag.hairpin) === 0) return false;
  if (to.state !== BR_STATE_FORWARDING || !to.dev.running) return false;
  if (from !== null && (from.flags & to.flags & PortFlag.isolated) !== 0) return false;
  return !br.vlanEnabled || allowedEgress(to.vlanGroup, vid);
}

/** Sends a frame (data behind the Ethernet header) out of one port. @kernel br_dev_queue_push_xmit() */
function forward(br: Bridge, skb: SkBuff, port: BridgePort, vid: number): void {
  const { dev } = port;
  if (skb.len > dev.mtu + 4) {
    dev.kernel.kfreeSkbReason(skb, DropReason.PKT_TOO_BIG);
    return;
  }
  if (br.vlanEnabled) egressTag(br, port.vlanGroup, skb, vid);
  skb.data -= ETH_HLEN;
  skb.len += ETH_HLEN;
  skb.dev = dev;
  devQueueXmit(skb);
}

/** Sends copies out of every port that takes such frames. Consumes the frame. @kernel br_flood() */
function flood(br: Bridge, skb: SkBuff, from: BridgePort | null, kind: number, vid: number): void {
  let previous: BridgePort | null = null;
  for (const port of br.ports) {
    // what the host itself sends to groups is not held back
    if ((from !== null || kind === PortFlag.flood) && (port.flags & kind) === 0) continue;
    if (!shouldDeliver(br, from, port, vid)) continue;
    if (previous !== null) forward(br, skb.pool.clone(skb), previous, vid);
    previous = port;
  }
  if (previous !== null) forward(br, skb, previous, vid);
  else skb.pool.release(skb);
}

/** Copies to the ports that are wanted. Consumes the frame. @kernel br_multicast_flood() */
function deliver(
  br: Bridge,
  skb: SkBuff,
  from: BridgePort | null,
  vid: number,
  wanted: (port: BridgePort) => boolean,
): void {
  for (const port of br.ports)
    if (wanted(port) && shouldDeliver(br, from, port, vid))
      forward(br, skb.pool.clone(skb), port, vid);
  skb.pool.release(skb);
}

/** The bridge's own frames. @kernel br_dev_xmit() */
export function brDevXmit(skb: SkBuff, dev: NetDevice): number {
  const br = dev.priv as Bridge;
  devTxStats(dev, skb.len);
  const o = skb.data;
  const hi = ethDestHi(skb.mem, o);
  const lo = ethDestLo(skb.mem, o);
  skb.macHeader = o;
  skb.data += ETH_HLEN;
  skb.len -= ETH_HLEN;
  let vid = 0;
  if (br.vlanEnabled) {
    skb.protocol = ethProto(skb.mem, o);
    if ((skb.protocol === ETH_P_8021Q || skb.protocol === ETH_P_8021AD) && !skbVlanUntag(skb))
      return NETDEV_TX_OK;
    vid = allowedIngress(br, br.vlanGroup, skb);
    if (vid < 0) {
      if (vid === -1) vlanDrop(br, skb);
      return NETDEV_TX_OK;
    }
  }
  if ((hi & GROUP_BIT) !== 0) {
    if (hi === 0xffff && lo === 0xffffffff) {
      flood(br, skb, null, PortFlag.bcast_flood, vid);
      return NETDEV_TX_OK;
    }
    const said = mcastRcv(br, null, skb, vid);
    const group = mcastLookup(br, skb, vid);
    const { mcast } = br;
    if (
      mcast !== null &&
      (group !== undefined || said === MCAST_ROUTERS_ONLY) &&
      mcast.querierExists(skb.protocol === 0x0800 ? 2 : 10)
    )
      deliver(br, skb, null, vid, (to) => group?.members.has(to) === true || mcast.isRouter(to));
    else flood(br, skb, null, PortFlag.mcast_flood, vid);
    return NETDEV_TX_OK;
  }
  const entry = br.fdb.lookup(macNumber(hi, lo), dev.kernel.engine.now, vid);
  if (entry?.port !== undefined && entry.port !== null) {
    if (shouldDeliver(br, null, entry.port, vid)) forward(br, skb, entry.port, vid);
    else dev.kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
  } else flood(br, skb, null, PortFlag.flood, vid);
  return NETDEV_TX_OK;
}
