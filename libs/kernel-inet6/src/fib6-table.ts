/**
 * An IPv6 routing table: longest prefix match over a path-compressed binary trie, each prefix with its routes in order
 * of metric. Source: net/ipv6/ip6_fib.c for what a table answers.
 *
 *   node: prefix (key, bits) — routes or null — child for the next bit 0, child for the next bit 1
 */
import type { NetDevice } from '@netloom/kernel-core';
import {
  IN6ADDR_ANY,
  in6Bit,
  in6CommonBits,
  in6Equal,
  in6Prefix,
  in6PrefixEqual,
  type In6Addr,
} from '@netloom/wire';
import type { Exception6 } from './route6-exceptions.js';
import type { Rt6Info } from './route6.js';

export const RTN6_UNICAST = 1;
export const RTN6_LOCAL = 2;
export const RTN6_ANYCAST = 4;
export const RTN6_MULTICAST = 5;
export const RTN6_BLACKHOLE = 6;
export const RTN6_UNREACHABLE = 7;
export const RTN6_PROHIBIT = 8;
export const RTN6_THROW = 9;

export const RTPROT6_REDIRECT = 1;
export const RTPROT6_KERNEL = 2;
export const RTPROT6_BOOT = 3;
export const RTPROT6_RA = 9;

export const RTNH6_F_DEAD = 1;
export const RTNH6_F_ONLINK = 4;
export const RTNH6_F_LINKDOWN = 16;

/** Bits of a route's flags. @kernel include/uapi/linux/ipv6_route.h */
export const RTF_DEFAULT = 0x00010000;
export const RTF_ADDRCONF = 0x00040000;
export const RTF_PREFIX_RT = 0x00080000;
export const RTF_ROUTEINFO = 0x00800000;
export const RTF_GATEWAY = 0x0002;
export const RTF_DYNAMIC = 0x0010;
export const RTF_MODIFIED = 0x0020;

/** Metrics that the kernel gives. */
export const IP6_RT_PRIO_USER = 1024;
export const IP6_RT_PRIO_ADDRCONF = 256;

/** One way on. */
export interface Fib6Nh {
  readonly dev: NetDevice;
  /** null: the destination is on the link. */
  readonly gateway: In6Addr | null;
  readonly weight: number;
  flags: number;
  /** The route in use, cached. */
  rt: Rt6Info | null;
  /** What ICMP taught about single destinations, by the address's hash. */
  exceptions: Map<number, Exception6> | null;
}

/** A route. @kernel struct fib6_info */
export interface Fib6Info {
  readonly dst: In6Addr;
  readonly dstLen: number;
  readonly table: number;
  readonly type: number;
  protocol: number;
  metric: number;
  readonly prefsrc: In6Addr | null;
  metrics: Readonly<Record<string, number | string>> | undefined;
  flags: number;
  /** Router preference: 0 medium, 1 high, 3 low (RFC 4191). */
  pref: number;
  /** End of its life in ns, 0 for none. */
  expires: number;
  readonly nexthops: Fib6Nh[];
}

interface Node {
  key: In6Addr;
  bits: number;
  routes: Fib6Info[] | null;
  zero: Node | null;
  one: Node | null;
}

const MAX_DEPTH = 130;

export class Fib6Table {
  private root: Node | null = null;
  size = 0;
  /** Scratch: the nodes that cover an address, shortest first. */
  private readonly path: Fib6Info[][] = [];

  constructor(readonly id: number) {}

  /**
   * The routes of every prefix that covers an address, the longest first, are offered to `choose` until it takes one.
   */
  lookup<A>(
    address: In6Addr,
    choose: (routes: Fib6Info[], arg: A) => Fib6Info | null,
    arg: A,
  ): Fib6Info | null {
    const path = this.path;
    let depth = 0;
    let node = this.root;
    while (node !== null && depth < MAX_DEPTH) {
      const { bits } = node;
      if (bits > 0 && !in6PrefixEqual(address, node.key, bits)) break;
      if (node.routes !== null) path[depth++] = node.routes;
      if (bits === 128) break;
      node = in6Bit(address, bits) === 0 ? node.zero : node.one;
    }
    while (depth > 0) {
      const found = choose(path[--depth] as Fib6Info[], arg);
      if (found !== null) return found;
    }
    return null;
  }

  /** The routes of exactly this prefix. */
  find(dst: In6Addr, dstLen: number): readonly Fib6Info[] {
    let node = this.root;
    while (node !== null) {
      if (node.bits > dstLen || !in6PrefixEqual(dst, node.key, node.bits)) return [];
      if (node.bits === dstLen) return node.routes ?? [];
      node = in6Bit(dst, node.bits) === 0 ? node.zero : node.one;
    }
    return [];
  }

  /** Adds a route behind (or, with `before`, in front of) those of the same prefix and metric. */
  insert(route: Fib6Info, before = false): void {
    const node = this.node(route.dst, route.dstLen);
    const routes = (node.routes ??= []);
    let at = routes.findIndex((other) =>
      before ? other.metric >= route.metric : other.metric > route.metric,
    );
    if (at < 0) at = routes.length;
    routes.splice(at, 0, route);
    this.size++;
  }

  private node(dst: In6Addr, dstLen: number): Node {
    const make = (): Node => ({
      key: in6Prefix(dst, dstLen),
      bits: dstLen,
      routes: null,
      zero: null,
      one: null,
    });
    let parent: Node | null = null;
    let node = this.root;
    while (node !== null) {
      const common = Math.min(in6CommonBits(dst, node.key), dstLen, node.bits);
      if (common === node.bits) {
        if (node.bits === dstLen) return node;
        parent = node;
        node = in6Bit(dst, node.bits) === 0 ? node.zero : node.one;
        continue;
      }
      const fresh = make();
      if (common === dstLen) {
        this.attach(fresh, node);
        this.replace(parent, fresh);
        return fresh;
      }
      const fork: Node = {
        key: in6Prefix(dst, common),
        bits: common,
        routes: null,
        zero: null,
        one: null,
      };
      this.attach(fork, node);
      this.attach(fork, fresh);
      this.replace(parent, fork);
      return fresh;
    }
    const leaf = make();
    this.replace(parent, leaf);
    return leaf;
  }

  private attach(parent: Node, child: Node): void {
    if (in6Bit(child.key, parent.bits) === 0) parent.zero = child;
    else parent.one = child;
  }

  private replace(parent: Node | null, child: Node): void {
    if (parent === null) this.root = child;
    else this.attach(parent, child);
  }

  /** Takes a route away; false where it was not there. */
  remove(route: Fib6Info): boolean {
    const trail: Node[] = [];
    let node = this.root;
    while (node !== null) {
      if (node.bits > route.dstLen || !in6PrefixEqual(route.dst, node.key, node.bits)) return false;
      trail.push(node);
      if (node.bits === route.dstLen) break;
      node = in6Bit(route.dst, node.bits) === 0 ? node.zero : node.one;
    }
    const at = node?.routes?.indexOf(route) ?? -1;
    if (node === null || node.routes === null || at < 0) return false;
    node.routes.splice(at, 1);
    this.size--;
    if (node.routes.length === 0) node.routes = null;
    for (let i = trail.length - 1; i >= 0; i--) {
      const here = trail[i] as Node;
      if (here.routes !== null || (here.zero !== null && here.one !== null)) break;
      const only = here.zero ?? here.one;
      const parent = trail[i - 1] ?? null;
      if (parent === null) this.root = only;
      else if (parent.zero === here) parent.zero = only;
      else parent.one = only;
      if (only !== null) break;
    }
    return true;
  }

  /** All routes as a walk of the kernel's tree gives them: below a prefix first, then the prefix itself. */
  routes(): Fib6Info[] {
    const all: Fib6Info[] = [];
    const walk = (node: Node | null): void => {
      if (node === null) return;
      walk(node.zero);
      walk(node.one);
      if (node.routes !== null) all.push(...node.routes);
    };
    walk(this.root);
    return all;
  }
}

/** A next hop without anything learned yet. */
export function fib6Nh(dev: NetDevice, gateway: In6Addr | null, flags = 0, weight = 1): Fib6Nh {
  return { dev, gateway, weight, flags, rt: null, exceptions: null };
}

/** Whether two next hops lead the same way. */
export function fib6SameNh(a: Fib6Nh, b: Fib6Nh): boolean {
  return a.dev === b.dev && in6Equal(a.gateway ?? IN6ADDR_ANY, b.gateway ?? IN6ADDR_ANY);
}
