/**
 * Cutting a packet of ours into fragments that fit the path. Sources: RFC 8200 §4.5, net/ipv6/ip6_output.c ip6_fragment().
 */
import { Errno } from '@netloom/base';
import {
  DropReason,
  LL_MAX_HEADER,
  Mib6,
  skbCopyBits,
  skbChecksumHelp,
  CHECKSUM_PARTIAL,
  skbPut,
  type Net,
  type SkBuff,
} from '@netloom/kernel-core';
import {
  ICMPV6_PKT_TOOBIG,
  IP6_HLEN,
  ip6hNexthdr,
  ip6hSetPayloadLen,
  NEXTHDR_DEST,
  NEXTHDR_FRAGMENT,
  NEXTHDR_HOP,
  NEXTHDR_ROUTING,
  type PacketMemory,
} from '@netloom/wire';
import { IP6SKB_DONTFRAG } from './exthdrs.js';
import { icmpv6Send } from './icmpv6-send.js';
import { ipv6Of } from './ipv6-net.js';
import type { Rt6Info } from './route6.js';

const FRAG_HLEN = 8;

/** Where the part that may be cut begins, and the field that names it. @kernel ip6_find_1stfragopt() */
function unfragmentable(
  m: PacketMemory,
  o: number,
  end: number,
): { length: number; nhoff: number } {
  let nhoff = 6;
  let at = IP6_HLEN;
  let nexthdr = ip6hNexthdr(m, o);
  let routing = false;
  while (
    o + at + 2 <= end &&
    (nexthdr === NEXTHDR_HOP || nexthdr === NEXTHDR_ROUTING || nexthdr === NEXTHDR_DEST)
  ) {
    if (nexthdr === NEXTHDR_ROUTING) routing = true;
    else if (nexthdr === NEXTHDR_DEST && routing) break;
    nhoff = at;
    nexthdr = m.u8[o + at] as number;
    at += ((m.u8[o + at + 1] as number) + 1) << 3;
  }
  return { length: at, nhoff };
}

/** Consumes the packet; 0 or a negative errno. */
export function ip6Fragment(
  net: Net,
  skb: SkBuff,
  rt: Rt6Info,
  output: (skb: SkBuff, rt: Rt6Info) => number,
): number {
  const { kernel, mib6 } = net;
  const mtu = rt.mtu();
  const tooBig = (): number => {
    mib6.add(Mib6.Ip6FragFails, 1);
    icmpv6Send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
    kernel.kfreeSkbReason(skb, DropReason.PKT_TOO_BIG);
    return -Errno.EMSGSIZE;
  };
  if ((skb.cbFlags2 & IP6SKB_DONTFRAG) !== 0) return tooBig();
  if (skb.ipSummed === CHECKSUM_PARTIAL && !skbChecksumHelp(skb)) {
    kernel.kfreeSkbReason(skb, DropReason.NOMEM);
    return -Errno.ENOMEM;
  }
  const m = skb.mem;
  const o = skb.networkHeader;
  const { length: header, nhoff } = unfragmentable(m, o, skb.tail);
  const room = (mtu - header - FRAG_HLEN) & ~7;
  if (room < 8) return tooBig();
  const total = skb.len - header;
  const ident = ipv6Of(net).nextIdent();
  const nexthdr = m.u8[o + nhoff] as number;
  let error = 0;
  for (let at = 0; at < total; at += room) {
    const size = Math.min(room, total - at);
    const fragment = skb.pool.alloc(header + FRAG_HLEN + size, LL_MAX_HEADER);
    if (fragment === null) {
      mib6.add(Mib6.Ip6FragFails, 1);
      kernel.kfreeSkbReason(skb, DropReason.NOMEM);
      return -Errno.ENOMEM;
    }
    const f = skbPut(fragment, header + FRAG_HLEN + size);
    m.copy(f, o, header);
    m.u8[f + nhoff] = NEXTHDR_FRAGMENT;
    m.u8[f + header] = nexthdr;
    m.u8[f + header + 1] = 0;
    m.dv.setUint16(f + header + 2, at | (at + size < total ? 1 : 0));
    m.dv.setUint32(f + header + 4, ident);
    skbCopyBits(skb, header + at, f + header + FRAG_HLEN, size);
    ip6hSetPayloadLen(m, f, header + FRAG_HLEN + size - IP6_HLEN);
    fragment.networkHeader = f;
    fragment.transportHeader = f + header;
    fragment.protocol = skb.protocol;
    fragment.priority = skb.priority;
    fragment.mark = skb.mark;
    fragment.packetId = skb.packetId;
    fragment.dev = skb.dev;
    fragment.dst = rt;
    fragment.cbFlags2 = skb.cbFlags2;
    mib6.add(Mib6.Ip6FragCreates, 1);
    const verdict = output(fragment, rt);
    if (verdict !== 0) error = verdict;
  }
  mib6.add(Mib6.Ip6FragOKs, 1);
  skb.pool.release(skb);
  return error;
}
