/**
 * The UDP sockets of a namespace by local port, and the choice of the one a datagram is for.
 * Source: net/ipv4/udp.c udp_lib_lport_inuse(), compute_score().
 */
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
    return best;
  }
}

const NONE: readonly UdpSock[] = [];
