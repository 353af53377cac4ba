/**
 * Cutting a datagram into fragments that fit a device. Sources: net/ipv4/ip_output.c ip_do_fragment(), RFC 791 §3.2.
 */
import { Errno } from '@netloom/base';
import {
  CHECKSUM_PARTIAL,
  DropReason,
  skbChecksumHelp,
  Mib,
  mibAdd,
  LL_MAX_HEADER,
  skbGsoNetworkSeglen,
  skbGsoSegment,
  skbPut,
  type Net,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import {
  ICMP_DEST_UNREACH,
  ICMP_FRAG_NEEDED,
  IP_DF,
  IP_MF,
  IP_OFFSET,
  ipHeaderSum,
  iphFragOff,
  iphIhl,
  iphSetCheck,
  iphSetFragOff,
  iphSetTotLen,
} from '@netloom/wire';
import { icmpSend } from './icmp-send.js';
import { ipOptionsFragment } from './ip-options-out.js';
import type { Rtable } from './route.js';

/** Bit of `skb.cbFlags2`: fragment in spite of DF (the sender allows local fragmentation). */
export const IPSKB_IGNORE_DF = 1;

/** A super-packet whose segments are too long: each is cut. @kernel ip_finish_output_gso() */
function fragmentSegments(
  net: Net,
  skb: SkBuff,
  rt: Rtable,
  output: (skb: SkBuff, rt: Rtable) => number,
): number {
  let error = 0;
  let seg = skbGsoSegment(skb);
  if (seg === null) return -Errno.ENOMEM;
  while (seg !== null) {
    const next: SkBuff | null = seg.next;
    seg.next = null;
    const failed = ipFragment(net, seg, rt, output);
    if (error === 0) error = failed;
    seg = next;
  }
  return error;
}

/** Consumes the packet; 0 or a negative errno. */
export function ipFragment(
  net: Net,
  skb: SkBuff,
  rt: Rtable,
  output: (skb: SkBuff, rt: Rtable) => number,
): number {
  const mem = skb.mem;
  const o = skb.networkHeader;
  const mtu = rt.mtu();
  if (skb.len <= mtu) return output(skb, rt);
  if (skb.gsoSize > 0) {
    if (skbGsoNetworkSeglen(skb) <= mtu) return output(skb, rt);
    if ((iphFragOff(mem, o) & IP_DF) === 0) return fragmentSegments(net, skb, rt, output);
  }
  const was = iphFragOff(mem, o);
  if ((was & IP_DF) !== 0 && (skb.cbFlags2 & IPSKB_IGNORE_DF) === 0) {
    mibAdd(net.mib, Mib.IpFragFails, 1);
    icmpSend(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu);
    net.kernel.kfreeSkbReason(skb, DropReason.PKT_TOO_BIG);
    return -Errno.EMSGSIZE;
  }
  if (skb.ipSummed === CHECKSUM_PARTIAL && !skbChecksumHelp(skb)) {
    mibAdd(net.mib, Mib.IpFragFails, 1);
    net.kernel.kfreeSkbReason(skb, DropReason.NOMEM);
    return -Errno.ENOMEM;
  }
  const header = iphIhl(mem, o) * 4;
  const room = (mtu - header) & ~7;
  if (room <= 0) {
    mibAdd(net.mib, Mib.IpFragFails, 1); // a route's mtu metric below what a header takes
    net.kernel.kfreeSkbReason(skb, DropReason.PKT_TOO_BIG);
    return -Errno.EMSGSIZE;
  }
  const total = skb.len - header;
  let error = 0;
  for (let at = 0; at < total; at += room) {
    const size = Math.min(room, total - at);
    const fragment = skb.pool.alloc(header + size, LL_MAX_HEADER);
    if (fragment === null) {
      mibAdd(net.mib, Mib.IpFragFails, 1);
      net.kernel.kfreeSkbReason(skb, DropReason.NOMEM);
      return -Errno.ENOMEM;
    }
    const f = skbPut(fragment, header + size);
    mem.copy(f, o, header);
    copyPayload(skb, header + at, f + header, size);
    const more = at + size < total || (was & IP_MF) !== 0;
    iphSetFragOff(mem, f, (was & IP_DF) | (more ? IP_MF : 0) | ((was & IP_OFFSET) + (at >>> 3)));
    iphSetTotLen(mem, f, header + size);
    iphSetCheck(mem, f, 0);
    iphSetCheck(mem, f, ~ipHeaderSum(mem, f, header >>> 2) & 0xffff);
    fragment.networkHeader = f;
    fragment.transportHeader = f + header;
    fragment.protocol = skb.protocol;
    fragment.priority = skb.priority;
    fragment.mark = skb.mark;
    fragment.packetId = skb.packetId;
    fragment.dev = skb.dev as NetDevice;
    fragment.dst = rt;
    mibAdd(net.mib, Mib.IpFragCreates, 1);
    if (at === 0 && header > 20) ipOptionsFragment(skb); // the copies of the others carry less
    const verdict = output(fragment, rt);
    if (verdict !== 0) error = verdict;
  }
  mibAdd(net.mib, Mib.IpFragOKs, 1);
  skb.pool.release(skb);
  return error;
}

function copyPayload(skb: SkBuff, offset: number, dst: number, size: number): void {
  skb.mem.copy(dst, skb.data + offset, size);
}
