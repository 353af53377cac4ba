/**
 * Which of a route's next hops a flow takes: a hash of the flow, compared with bounds in proportion to the weights.
 * ipRouteInput, ipRouteOutput → this. Sources: net/ipv4/fib_semantics.c (fib_select_multipath, fib_rebalance), RFC 2992.
 *
 * Differs: the hash function and its key, which are random in Linux too. Bounds are computed where they are used.
 */
import { Nud } from '@netloom/sys';
import type { Net } from '@netloom/kernel-core';
import { fibSelectSource } from './fib-frontend.js';
import { RT_SCOPE_LINK, RTNH_F_DEAD, RTNH_F_LINKDOWN, type FibNh } from './fib-table.js';
import { Conf, InDevice } from './in-device.js';
import { Ipv4Sysctl, ipv4Of } from './ipv4-net.js';

const HASH_RANGE = 2 ** 31;
/** Score of a next hop whose device has the flow's source address, and of one whose share of the hashes this is. */
const SCORE_SOURCE = 2;
const SCORE_HASH = 1;

/** A hash of a flow, below 2^31. @kernel fib_multipath_hash() */
export function flowHash(
  net: Net,
  saddr: number,
  daddr: number,
  protocol: number,
  sport: number,
  dport: number,
): number {
  const ipv4 = ipv4Of(net);
  if (ipv4.multipathSeed === 0)
    ipv4.multipathSeed = net.kernel.random('fib-multipath').below(0x7fffffff) + 1;
  const chosen = ipv4.sysctl(Ipv4Sysctl.fib_multipath_hash_seed);
  let hash = chosen !== 0 ? chosen | 0 : ipv4.multipathSeed;
  hash = mix(hash, saddr);
  hash = mix(hash, daddr);
  hash = mix(hash, protocol);
  hash = mix(hash, (sport << 16) | dport);
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x2c1b3c6d) >>> 1;
}

/** A round of MurmurHash3. */
function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const mixed = hash ^ k;
  const turned = (mixed << 13) | (mixed >>> 19);
  const next = (Math.imul(turned, 5) + 0xe6546b64) | 0;
  return Math.imul(next ^ (next >>> 16), 0x85ebca6b) ^ (next >>> 13);
}

function carries(nh: FibNh): boolean {
  if ((nh.flags & RTNH_F_DEAD) !== 0) return false;
  return (
    (nh.flags & RTNH_F_LINKDOWN) === 0 ||
    InDevice.of(nh.dev)?.conf[Conf.ignore_routes_with_linkdown] === 0
  );
}

/** Whether a next hop's neighbour may be reached, as far as is known. @kernel fib_good_nh() */
function neighbourGood(nh: FibNh): boolean {
  const neigh = nh.gateway === 0 ? undefined : nh.dev.neigh4?.get(nh.gateway);
  return neigh === undefined || (neigh.nudState & Nud.NUD_FAILED) === 0;
}

/**
 * The next hop of a flow: one with its source address where there is such, else the one whose share the hash falls in.
 * @param saddr the flow's source where it is fixed, else 0 @returns null when none is alive
 */
export function fibSelectMultipath(
  net: Net,
  nexthops: readonly FibNh[],
  hash: number,
  saddr: number,
): FibNh | null {
  const useNeigh = ipv4Of(net).sysctl(Ipv4Sysctl.fib_multipath_use_neigh) !== 0;
  let total = 0;
  for (const nh of nexthops) if (carries(nh)) total += nh.weight;
  let weight = 0;
  let best: FibNh | null = null;
  let bestScore = -1;
  for (const nh of nexthops) {
    if (!carries(nh)) continue;
    weight += nh.weight;
    if (useNeigh && !neighbourGood(nh)) continue;
    let score = hash < Math.round((HASH_RANGE * weight) / total) ? SCORE_HASH : 0;
    if (saddr !== 0 && fibSelectSource(nh.dev, nh.gateway, RT_SCOPE_LINK) === saddr)
      score += SCORE_SOURCE;
    if (score <= bestScore) continue;
    best = nh;
    bestScore = score;
    if (score === SCORE_SOURCE + SCORE_HASH || (saddr === 0 && score === SCORE_HASH)) break;
  }
  return best;
}
