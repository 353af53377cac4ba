/**
 * Super-packets: TCP segments of one connection carried through the stack as one sk_buff, and how they are cut up again.
 *
 *   tcp → one sk_buff of many segments (gsoSize, gsoSegs) → IP → qdisc → device with TSO: the card cuts it
 *                                                                     → device without: validateXmit cuts it
 *
 * Sources: net/core/gso.c skb_segment(), net/ipv4/tcp_offload.c tcp_gso_segment(), net/ipv4/af_inet.c inet_gso_segment().
 */
import {
  csumFold,
  ipHeaderSum,
  iphIhl,
  iphSetCheck,
  iphSetTotLen,
  TCPHDR_CWR,
  TCPHDR_FIN,
  TCPHDR_PSH,
  tcphDoff,
} from '@netloom/wire';
import { skbPut, type SkBuff } from './skbuff.js';

const IP6_HLEN = 40;
/** The flags that only a super-packet's last segment has, and the one that only the first has. */
const LAST_ONLY = TCPHDR_FIN | TCPHDR_PSH;

/** Bytes in front of the payload, from `skb.data`. The TCP header is where its checksum, which is yet to be made, starts. */
export function skbGsoHeaderLength(skb: SkBuff): number {
  return skb.csumStart - skb.data + tcphDoff(skb.mem, skb.csumStart);
}

/** Length of the longest segment as IP sees it. @kernel skb_gso_network_seglen() */
export function skbGsoNetworkSeglen(skb: SkBuff): number {
  return skb.csumStart - skb.networkHeader + tcphDoff(skb.mem, skb.csumStart) + skb.gsoSize;
}

/**
 * Cuts a super-packet whose data starts at its link-layer or IP header into packets of at most `perPacket` segments
 * (one: frames for the wire), linked by `next`. Consumes it. The last has the socket's charge. Null without memory: all is gone.
 * Checksums stay to be filled in.
 */
export function skbGsoSegment(skb: SkBuff, perPacket = 1): SkBuff | null {
  const { mem, pool } = skb;
  const header = skbGsoHeaderLength(skb);
  const chunk = skb.gsoSize * perPacket;
  const network = skb.networkHeader - skb.data;
  const transport = skb.csumStart - skb.data;
  const seq = mem.dv.getUint32(skb.csumStart + 4);
  const flags = mem.u8[skb.csumStart + 13] as number;
  const ipv4 = (mem.u8[skb.networkHeader] as number) >> 4 === 4;
  const ident = ipv4 ? mem.dv.getUint16(skb.networkHeader + 4) : 0;
  // What the sum of the pseudo-header says without the length, which differs.
  const pseudo = mem.dv.getUint16(skb.csumStart + 16) + (~(skb.len - transport) & 0xffff);
  let first: SkBuff | null = null;
  let last: SkBuff | null = null;
  const payload = skb.len - header;
  for (let done = 0; done < payload; done += chunk) {
    const size = Math.min(chunk, payload - done);
    const seg = pool.alloc(header + size, skb.data - skb.head);
    if (seg === null) {
      freeList(first);
      pool.release(skb);
      return null;
    }
    const at = skbPut(seg, header + size);
    mem.copy(at, skb.data, header);
    mem.copy(at + header, skb.data + header + done, size);
    seg.dev = skb.dev;
    seg.protocol = skb.protocol;
    seg.mark = skb.mark;
    seg.priority = skb.priority;
    seg.hash = skb.hash;
    seg.tstamp = skb.tstamp;
    seg.queueMapping = skb.queueMapping;
    seg.vlanTci = skb.vlanTci;
    seg.dst = skb.dst;
    seg.nfct = skb.nfct;
    seg.nfctInfo = skb.nfctInfo;
    seg.packetId = skb.packetId;
    seg.macHeader = at;
    seg.networkHeader = at + network;
    seg.transportHeader = at + transport;
    seg.ipSummed = skb.ipSummed;
    seg.csumStart = seg.transportHeader;
    seg.csumOffset = skb.csumOffset;
    const segments = Math.ceil(size / skb.gsoSize);
    seg.gsoSegs = segments;
    seg.gsoSize = segments > 1 ? skb.gsoSize : 0;
    const tcp = seg.transportHeader;
    mem.dv.setUint32(tcp + 4, seq + done);
    let kept = flags;
    if (done > 0) kept &= ~TCPHDR_CWR;
    if (done + size < payload) kept &= ~LAST_ONLY;
    mem.u8[tcp + 13] = kept;
    mem.dv.setUint16(tcp + 16, csumFold(pseudo + (seg.len - transport)));
    if (ipv4) {
      const ip = seg.networkHeader;
      iphSetTotLen(mem, ip, seg.len - network);
      mem.dv.setUint16(ip + 4, ident + done / skb.gsoSize);
      iphSetCheck(mem, ip, 0);
      iphSetCheck(mem, ip, ~ipHeaderSum(mem, ip, iphIhl(mem, ip)) & 0xffff);
    } else {
      mem.dv.setUint16(seg.networkHeader + 4, seg.len - network - IP6_HLEN);
    }
    if (last === null) first = seg;
    else last.next = seg;
    last = seg;
  }
  if (last !== null) {
    last.sk = skb.sk;
    last.destructor = skb.destructor;
    last.truesize = skb.destructor === null ? last.truesize : skb.truesize;
    skb.destructor = null;
  }
  pool.release(skb);
  return first;
}

function freeList(first: SkBuff | null): void {
  for (let seg = first; seg !== null;) {
    const next = seg.next;
    seg.next = null;
    seg.pool.release(seg);
    seg = next;
  }
}
