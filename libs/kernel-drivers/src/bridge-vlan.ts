/**
 * VLANs of a bridge that filters: which VLAN a frame belongs to when it comes in, where it may leave, and with or without
 * its tag. brHandleFrame → allowedIngress → forwarding in that VLAN → allowedEgress, egressTag.
 * Source: net/bridge/br_vlan.c, IEEE 802.1Q §8.6. No per-VLAN spanning tree, no VLAN tunnels.
 */
import { KernelError } from '@netloom/base';
import {
  DropReason,
  skbVlanPush,
  VLAN_8021AD,
  VLAN_VID_MASK,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import { BridgeVlanFlag, type BridgeVlanMsg, type BridgeVlanNew } from '@netloom/sys';
import { ETH_HLEN, ETH_P_8021AD } from '@netloom/wire';
import { macNumber } from './bridge-fdb.js';
import {
  BR_STATE_FORWARDING,
  BR_STATE_NAMES,
  bridgeOf,
  bridgePortOf,
  type Bridge,
  type BridgePort,
  type VlanGroup,
} from './bridge-state.js';

const SHOWN = BridgeVlanFlag.PVID | BridgeVlanFlag.UNTAGGED;
const VID_MAX = 4094;

/**
 * The VLAN of a frame that came in through this group; its tag is beside it afterwards, priority-tagged and untagged ones
 * in the port's own. -1 where it may not enter. @kernel __allowed_ingress()
 */
export function allowedIngress(br: Bridge, group: VlanGroup, skb: SkBuff): number {
  const foreign =
    skb.vlanTci >= 0 && ((skb.vlanTci & VLAN_8021AD) !== 0) !== (br.vlanProto === ETH_P_8021AD);
  if (foreign) {
    // a tag of the other protocol is payload here
    skb.data -= ETH_HLEN;
    skb.len += ETH_HLEN;
    if (!skbVlanPush(skb)) return -2;
    skb.data += ETH_HLEN;
    skb.len -= ETH_HLEN;
  }
  let vid = skb.vlanTci >= 0 ? skb.vlanTci & VLAN_VID_MASK : 0;
  if (vid === 0) {
    if (group.pvid === 0) return -1;
    vid = group.pvid;
    const priority = skb.vlanTci >= 0 ? skb.vlanTci & 0xf000 : 0;
    skb.vlanTci = vid | priority | (br.vlanProto === ETH_P_8021AD ? VLAN_8021AD : 0);
  }
  const vlan = group.vlans.get(vid);
  if (vlan === undefined) return -1;
  if (br.vlanStatsEnabled !== 0) {
    vlan.rxPackets++;
    vlan.rxBytes += skb.len;
  }
  return vid;
}

/** @kernel br_allowed_egress() */
export function allowedEgress(group: VlanGroup, vid: number): boolean {
  return group.vlans.has(vid);
}

/** Takes the tag off where the VLAN leaves untagged. @kernel br_handle_vlan() */
export function egressTag(br: Bridge, group: VlanGroup, skb: SkBuff, vid: number): void {
  const vlan = group.vlans.get(vid);
  if (vlan === undefined) return;
  if (br.vlanStatsEnabled !== 0) {
    vlan.txPackets++;
    vlan.txBytes += skb.len;
  }
  if ((vlan.flags & BridgeVlanFlag.UNTAGGED) !== 0) skb.vlanTci = -1;
}

/** A dropped frame at the filter. */
export function vlanDrop(br: Bridge, skb: SkBuff): void {
  br.dev.kernel.kfreeSkbReason(skb, DropReason.VLAN_FILTER);
}

function addLocal(br: Bridge, port: BridgePort | null, vid: number): void {
  const dev = port?.dev ?? br.dev;
  const mac = macNumber(dev.addrHi, dev.addrLo);
  if (mac === 0 || br.fdb.get(mac, vid)?.local === true) return;
  const now = br.dev.kernel.engine.now;
  br.fdb.add({ mac, vid, port, local: true, permanent: true, updated: now, used: now });
}

function delLocal(br: Bridge, port: BridgePort | null, vid: number): void {
  const dev = port?.dev ?? br.dev;
  const mac = macNumber(dev.addrHi, dev.addrLo);
  const entry = br.fdb.get(mac, vid);
  if (entry?.local === true && entry.port === port) br.fdb.remove(mac, vid);
}

/** @kernel nbp_vlan_add(), br_vlan_add() */
export function vlanAdd(br: Bridge, port: BridgePort | null, vid: number, flags: number): void {
  const group = port?.vlanGroup ?? br.vlanGroup;
  const known = group.vlans.get(vid);
  const kept = flags & BridgeVlanFlag.UNTAGGED;
  if (known === undefined) {
    group.vlans.set(vid, {
      flags: kept,
      state: BR_STATE_FORWARDING,
      rxPackets: 0,
      rxBytes: 0,
      txPackets: 0,
      txBytes: 0,
    });
    addLocal(br, port, vid);
  } else {
    known.flags = kept;
  }
  if ((flags & BridgeVlanFlag.PVID) !== 0) group.pvid = vid;
  else if (group.pvid === vid) group.pvid = 0;
}

/** False where there is no such VLAN. */
export function vlanDelete(br: Bridge, port: BridgePort | null, vid: number): boolean {
  const group = port?.vlanGroup ?? br.vlanGroup;
  if (!group.vlans.delete(vid)) return false;
  if (group.pvid === vid) group.pvid = 0;
  delLocal(br, port, vid);
  br.fdb.flushPort(port, true, vid);
  return true;
}

/** The port's addresses in each of its VLANs, as when it gets another address. */
export function vlanLocalEntries(br: Bridge, port: BridgePort | null): void {
  const group = port?.vlanGroup ?? br.vlanGroup;
  for (const vid of group.vlans.keys()) addLocal(br, port, vid);
}

/** @kernel br_vlan_set_default_pvid(). @errno EINVAL */
export function setDefaultPvid(br: Bridge, pvid: number): void {
  if (pvid >= 4095) throw new KernelError('EINVAL');
  if (pvid === br.defaultPvid) return;
  const old = br.defaultPvid;
  for (const port of [null, ...br.ports]) {
    const group = port?.vlanGroup ?? br.vlanGroup;
    // a group whose pvid was set by hand keeps it
    const atDefault =
      group.pvid === old && (old === 0 || group.vlans.get(old)?.flags === BridgeVlanFlag.UNTAGGED);
    if (!atDefault) continue;
    if (pvid !== 0) vlanAdd(br, port, pvid, SHOWN);
    if (old !== 0) vlanDelete(br, port, old);
  }
  br.defaultPvid = pvid;
}

/** `bridge vlan add|del`. @errno EINVAL, ENOENT, EOPNOTSUPP. @kernel br_process_vlan_info() */
export function vlanChange(dev: NetDevice, request: BridgeVlanNew, adding: boolean): void {
  const own = bridgeOf(dev);
  const port = own === undefined ? bridgePortOf(dev) : undefined;
  const br = own ?? port?.br;
  if (br === undefined) throw new KernelError('EOPNOTSUPP');
  const { vid, vidEnd, flags } = request;
  if (vid < 1 || vidEnd > VID_MAX) throw new KernelError('EINVAL', 'bridge: Vlan id is invalid');
  if (vidEnd > vid && (flags & BridgeVlanFlag.PVID) !== 0)
    throw new KernelError('EINVAL', 'bridge: Vlan range cannot be pvid');
  for (let id = vid; id <= vidEnd; id++) {
    if (adding) vlanAdd(br, port ?? null, id, flags);
    else vlanDelete(br, port ?? null, id);
  }
  if (dev.net.rtnlListeners.size === 0) return;
  dev.kernel.modules.callNetdevNotifiers('CHANGE', dev);
}

/** The VLANs of a port, or of the bridge itself, by number. */
export function vlanDump(dev: NetDevice): BridgeVlanMsg[] {
  const own = bridgeOf(dev);
  const port = own === undefined ? bridgePortOf(dev) : undefined;
  const group = own?.vlanGroup ?? port?.vlanGroup;
  if (group === undefined) return [];
  return [...group.vlans]
    .sort(([a], [b]) => a - b)
    .map(([vid, vlan]) => ({
      ifindex: dev.ifindex,
      vid,
      flags: vlan.flags | (group.pvid === vid ? BridgeVlanFlag.PVID : 0),
      state: BR_STATE_NAMES[vlan.state] ?? 'forwarding',
      mcastRouter: 1,
      stats: {
        rxBytes: vlan.rxBytes,
        rxPackets: vlan.rxPackets,
        txBytes: vlan.txBytes,
        txPackets: vlan.txPackets,
      },
    }));
}
