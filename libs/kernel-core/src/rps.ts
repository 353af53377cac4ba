/**
 * Receive packet steering: which CPU's backlog takes a packet, by a hash of its flow, where the device's mask names CPUs.
 * netifReceiveSkb → rpsCpu → SoftnetData.enqueueToBacklog. Source: net/core/dev.c get_rps_cpu(), net/core/flow_dissector.c.
 * Differs: a small mixer instead of SipHash; packets that are not IPv4 stay where they are; there is no RFS.
 */
import {
  ETH_P_IP,
  IP_HLEN,
  IP_MF,
  IP_OFFSET,
  iphDaddr,
  iphFragOff,
  iphIhl,
  iphProtocol,
  iphSaddr,
} from '@netloom/wire';
import type { Kernel } from './kernel.js';
import type { SkBuff } from './skbuff.js';

const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;

function mix(hash: number, word: number): number {
  let h = Math.imul(hash ^ word, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The hash of a packet's flow, computed once a packet; 0 where it has none. @kernel __skb_get_hash() */
export function skbGetHash(skb: SkBuff, kernel: Kernel): number {
  if (skb.hash !== 0) return skb.hash;
  if (skb.protocol !== ETH_P_IP || skb.len < IP_HLEN) return 0;
  const m = skb.mem;
  const o = skb.data;
  const protocol = iphProtocol(m, o);
  let hash = mix(mix(mix(kernel.flowHashKey, iphSaddr(m, o)), iphDaddr(m, o)), protocol);
  const header = iphIhl(m, o) * 4;
  const whole = (iphFragOff(m, o) & (IP_MF | IP_OFFSET)) === 0;
  if (whole && (protocol === IPPROTO_TCP || protocol === IPPROTO_UDP) && skb.len >= header + 4)
    hash = mix(hash, m.dv.getUint32(o + header));
  skb.hash = hash === 0 ? 1 : hash;
  return skb.hash;
}

/** The CPU for a received packet out of a device's choice; -1 for none. @kernel get_rps_cpu() */
export function rpsCpu(skb: SkBuff, cpus: readonly number[], kernel: Kernel): number {
  const hash = skbGetHash(skb, kernel);
  if (hash === 0) return -1;
  return cpus[Math.floor((hash * cpus.length) / 2 ** 32)] ?? -1;
}
