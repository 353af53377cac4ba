/**
 * A routing table: longest prefix match over a path-compressed binary trie, each prefix with its routes in order of TOS
 * and metric.
 *
 *   node: prefix (key, bits) — routes or null — child for the next bit 0, child for the next bit 1
 *
 * Source: net/ipv4/fib_trie.c for what a table answers (the tree there is level-compressed). Addresses are unsigned.
 */
import { ipv4Mask, withInserted } from '@netloom/base';
import type { NetDevice } from '@netloom/kernel-core';
import type { RouteException } from './route-exceptions.js';
import type { Rtable } from './route.js';

export const RTN_UNICAST = 1;
export const RTN_LOCAL = 2;
export const RTN_BROADCAST = 3;
export const RTN_MULTICAST = 5;
export const RTN_BLACKHOLE = 6;
export const RTN_UNREACHABLE = 7;
export const RTN_PROHIBIT = 8;
export const RTN_THROW = 9;

export const RT_SCOPE_UNIVERSE = 0;
export const RT_SCOPE_SITE = 200;
export const RT_SCOPE_LINK = 253;
export const RT_SCOPE_HOST = 254;
export const RT_SCOPE_NOWHERE = 255;

export const RTPROT_KERNEL = 2;
export const RTPROT_BOOT = 3;

export const RTNH_F_DEAD = 1;
export const RTNH_F_ONLINK = 4;
export const RTNH_F_LINKDOWN = 16;

/** One way on: a device and perhaps a gateway, with the routes cached for it. */
export interface FibNh {
  readonly dev: NetDevice;
  /** 0: the destination is on the link. */
  readonly gateway: number;
  readonly weight: number;
  flags: number;
  readonly scope: number;
  rthInput: Rtable | null;
  rthOutput: Rtable | null;
  /** What ICMP taught about single destinations. */
  exceptions?: Map<number, RouteException>;
}

/** What a route says beside its prefix. @kernel struct fib_info */
export interface FibInfo {
  readonly type: number;
  readonly tos: number;
  readonly table: number;
  readonly protocol: number;
  readonly scope: number;
  readonly priority: number;
  readonly prefsrc: number;
  readonly nexthops: readonly FibNh[];
  /** The nexthop object that the route refers to, 0 for none. */
  readonly nhid: number;
  readonly metrics: Readonly<Record<string, number | string>> | undefined;
}

/** A route with its prefix. */
export interface FibRoute {
  readonly dst: number;
  readonly dstLen: number;
  readonly info: FibInfo;
}

interface Node {
  key: number;
  bits: number;
  routes: readonly FibRoute[] | null;
  zero: Node | null;
  one: Node | null;
}

function commonBits(a: number, b: number, most: number): number {
  return Math.min(most, Math.clz32(a ^ b));
}

export class FibTable {
  private root: Node | null = null;
  size = 0;

  constructor(readonly id: number) {}

  /**
   * The routes of the longest prefix that covers `address` and whose routes pass `usable`; null when none does.
   * The caller tries TOS and next hops in order. @kernel fib_table_lookup()
   */
  lookup(address: number, tos: number, oif: number, scope = 0): FibRoute | null {
    let best: FibRoute | null = null;
    let node = this.root;
    while (node !== null) {
      const bits = node.bits;
      if (bits > 0 && (address ^ node.key) >>> (32 - bits) !== 0) break;
      if (node.routes !== null) {
        const route = choose(node.routes, tos, oif, scope);
        if (route !== null) best = route;
      }
      if (bits === 32) break;
      node = ((address >>> (31 - bits)) & 1) === 0 ? node.zero : node.one;
    }
    return best;
  }

  /** The routes of exactly this prefix. */
  find(dst: number, dstLen: number): readonly FibRoute[] {
    let node = this.root;
    while (node !== null && node.bits <= dstLen) {
      if (node.bits > 0 && (dst ^ node.key) >>> (32 - node.bits) !== 0) return [];
      if (node.bits === dstLen) return node.routes ?? [];
      node = ((dst >>> (31 - node.bits)) & 1) === 0 ? node.zero : node.one;
    }
    return [];
  }

  /** Adds a route among those of its prefix, by TOS (descending) and metric; `before` puts it in front of its equals. */
  insert(route: FibRoute, before = false): void {
    const node = this.nodeFor(route.dst, route.dstLen);
    const routes = node.routes ?? [];
    const at = routes.findIndex(
      (other) =>
        other.info.tos < route.info.tos ||
        (other.info.tos === route.info.tos &&
          (before
            ? other.info.priority >= route.info.priority
            : other.info.priority > route.info.priority)),
    );
    node.routes = withInserted(routes, at < 0 ? routes.length : at, route);
    this.size++;
  }

  /** Removes a route object. */
  remove(route: FibRoute): void {
    const node = this.nodeFor(route.dst, route.dstLen);
    const at = node.routes?.indexOf(route) ?? -1;
    if (at < 0 || node.routes === null) return;
    node.routes = node.routes.length === 1 ? null : node.routes.filter((other) => other !== route);
    this.size--;
    this.root = prune(this.root);
  }

  private nodeFor(dst: number, bits: number): Node {
    const fresh = (): Node => ({ key: dst, bits, routes: null, zero: null, one: null });
    let parent: Node | null = null;
    let node = this.root;
    for (;;) {
      if (node === null) {
        const leaf = fresh();
        this.attach(parent, leaf);
        return leaf;
      }
      const common = commonBits(dst, node.key, Math.min(bits, node.bits));
      if (common === node.bits && common === bits) return node;
      if (common === node.bits) {
        parent = node;
        node = ((dst >>> (31 - node.bits)) & 1) === 0 ? node.zero : node.one;
        continue;
      }
      const split: Node =
        common === bits
          ? fresh()
          : {
              key: (dst & ipv4Mask(common)) >>> 0,
              bits: common,
              routes: null,
              zero: null,
              one: null,
            };
      this.attach(parent, split);
      this.attach(split, node);
      if (split.bits === bits) return split;
      const leaf = fresh();
      this.attach(split, leaf);
      return leaf;
    }
  }

  private attach(parent: Node | null, child: Node): void {
    if (parent === null) this.root = child;
    else if (((child.key >>> (31 - parent.bits)) & 1) === 0) parent.zero = child;
    else parent.one = child;
  }

  /** All routes by prefix: shorter addresses first, then longer prefixes, as a dump lists them. */
  routes(): FibRoute[] {
    const all: FibRoute[] = [];
    const walk = (node: Node | null): void => {
      if (node === null) return;
      if (node.routes !== null) all.push(...node.routes);
      walk(node.zero);
      walk(node.one);
    };
    walk(this.root);
    return all;
  }
}

function choose(
  routes: readonly FibRoute[],
  tos: number,
  oif: number,
  scope: number,
): FibRoute | null {
  for (let i = 0; i < routes.length; i++) {
    const route = routes[i] as FibRoute;
    const info = route.info;
    if ((info.tos !== 0 && info.tos !== tos) || info.scope < scope) continue;
    if (info.nexthops.length === 0 || info.type >= RTN_BLACKHOLE) return route; // leads nowhere
    for (let n = 0; n < info.nexthops.length; n++) {
      const nh = info.nexthops[n] as FibNh;
      if ((nh.flags & RTNH_F_DEAD) !== 0) continue;
      if (oif !== 0 && nh.dev.ifindex !== oif) continue;
      return route;
    }
  }
  return null;
}

/** Drops nodes that hold nothing and lead to at most one other. */
function prune(node: Node | null): Node | null {
  if (node === null) return null;
  node.zero = prune(node.zero);
  node.one = prune(node.one);
  if (node.routes !== null) return node;
  if (node.zero === null) return node.one;
  return node.one === null ? node.zero : node;
}
