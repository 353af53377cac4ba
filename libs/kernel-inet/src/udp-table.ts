/**
 * The UDP sockets of a namespace by local port, and the choice of the one a datagram is for.
 * Source: net/ipv4/udp.c udp_lib_lport_inuse(), compute_score().
 */
import { bpfRun, type BpfProgram } from '@netloom/bpf';
import type { SkBuff } from '@netloom/kernel-core';
import { IPPROTO_UDP } from '@netloom/sys';
import { UDP_HLEN } from '@netloom/wire';
import { flowHash } from './fib-multipath.js';
import { bindAddressesMeet, BIND_V6 } from './ipv6-pinfo.js';
import type { UdpSock } from './udp.js';

export class UdpTable {
  private readonly ports = new Map<number, UdpSock[]>();

  at(port: number): readonly UdpSock[] {
    return this.ports.get(port) ?? NONE;
  }

  add(sk: UdpSock): void {
    const list = this.ports.get(sk.sport);
    if (list === undefined) this.ports.set(sk.sport, [sk]);
    else list.push(sk);
  }

  remove(sk: UdpSock): void {
    const list = this.ports.get(sk.sport);
    const at = list?.indexOf(sk) ?? -1;
    if (list === undefined || at < 0) return;
    list.splice(at, 1);
    if (list.length === 0) this.ports.delete(sk.sport);
  }

  /** All sockets, by port. */
  all(): UdpSock[] {
    return [...this.ports.keys()]
      .sort((a, b) => a - b)
      .flatMap((port) => this.ports.get(port) ?? []);
  }

  /** Whether a socket may take a port: two may share it where both say SO_REUSEADDR or SO_REUSEPORT, or addresses differ. */
  conflicts(sk: UdpSock, port: number, addr: number): boolean {
    return this.at(port).some((other) => {
      if (other === sk) return false;
      if (other.reuseAddr && sk.reuseAddr) return false;
      if (other.reusePort && sk.reusePort && other.uid === sk.uid) return false;
      if (other.boundDev !== 0 && sk.boundDev !== 0 && other.boundDev !== sk.boundDev) return false;
      return bindAddressesMeet(
        sk.v6?.bindClass ?? 0,
        addr,
        other.v6?.bindClass ?? 0,
        other.rcvSaddr,
      );
    });
  }

  /** The socket that fits a datagram best: connected over bound over wildcard. @kernel __udp4_lib_lookup() */
  lookup(
    saddr: number,
    sport: number,
    daddr: number,
    dport: number,
    ifindex: number,
    skb: SkBuff | null = null,
  ): UdpSock | null {
    const list = this.ports.get(dport);
    if (list === undefined) return null;
    let best: UdpSock | null = null;
    let bestScore = -1;
    for (let i = 0; i < list.length; i++) {
      const sk = list[i] as UdpSock;
      if (sk.v6 !== null && sk.v6.bindClass === BIND_V6) continue;
      let score = sk.v6 === null ? 2 : 1;
      if (sk.rcvSaddr !== 0) {
        if (sk.rcvSaddr !== daddr) continue;
        score += 4;
      }
      if (sk.daddr !== 0) {
        if (sk.daddr !== saddr) continue;
        score += 4;
      }
      if (sk.dport !== 0) {
        if (sk.dport !== sport) continue;
        score += 4;
      }
      if (sk.boundDev !== 0) {
        if (sk.boundDev !== ifindex) continue;
        score += 4;
      }
      if (score > bestScore) {
        best = sk;
        bestScore = score;
      }
    }
    if (best !== null && best.reusePort && best.daddr === 0 && list.length > 1)
      return this.spread(list, best, saddr, sport, daddr, dport, skb);
    return best;
  }

  /** Gives the sockets that share an address by SO_REUSEPORT a program that chooses among them. @kernel reuseport_attach_prog() */
  steer(sk: UdpSock, program: BpfProgram): void {
    sk.reuseportFilter = program;
    for (const other of this.at(sk.sport))
      if (sharesPort(other, sk)) other.reuseportFilter = program;
  }

  /** Which of several sockets on one address gets a datagram: the one its flow hashes to. @kernel reuseport_select_sock() */
  private spread(
    list: readonly UdpSock[],
    best: UdpSock,
    saddr: number,
    sport: number,
    daddr: number,
    dport: number,
    skb: SkBuff | null,
  ): UdpSock {
    const group = list.filter((sk) => sharesPort(sk, best));
    if (group.length < 2) return best;
    if (best.reuseportFilter !== null && skb !== null) {
      const payload = skb.transportHeader + UDP_HLEN;
      const size = Math.max(0, skb.tail - payload);
      const at = bpfRun(best.reuseportFilter, skb.mem.u8, payload, size, size);
      const chosen = group[at];
      if (chosen !== undefined) return chosen;
    }
    const hash = flowHash(best.net, saddr, daddr, IPPROTO_UDP, sport, dport);
    return group[Math.floor((hash / 2 ** 31) * group.length)] ?? best;
  }
}

/** Whether a socket is one of those that share another's address by SO_REUSEPORT. */
function sharesPort(sk: UdpSock, like: UdpSock): boolean {
  return (
    sk.reusePort &&
    sk.daddr === 0 &&
    sk.rcvSaddr === like.rcvSaddr &&
    sk.boundDev === like.boundDev &&
    sk.uid === like.uid &&
    sk.v6?.bindClass === like.v6?.bindClass
  );
}

const NONE: readonly UdpSock[] = [];
