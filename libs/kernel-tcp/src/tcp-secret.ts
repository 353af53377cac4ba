/**
 * Numbers that an outsider must not guess: initial sequence numbers, timestamp offsets, where the search for a free port
 * starts, and SYN cookies. All are keyed hashes whose keys come from the host's random stream at first use.
 *
 * Sources: RFC 6528 (ISN = clock + keyed hash), RFC 7323 §5.4, RFC 6056 §3.3.3, net/core/secure_seq.c,
 * net/ipv4/syncookies.c. The hash is a 32-bit mixer, not SipHash: nothing here resists a real attacker.
 */
import type { Net } from '@netloom/kernel-core';

function mix(h: number, v: number): number {
  let z = Math.imul(h ^ v, 0x85ebca6b);
  z ^= z >>> 13;
  z = Math.imul(z, 0xc2b2ae35);
  return z ^ (z >>> 16);
}

/** A 32-bit hash of a connection's addresses and ports. */
export function tupleHash(key: number, a: number, b: number, ports: number): number {
  return mix(mix(mix(key, a | 0), b | 0), ports | 0) >>> 0;
}

/** Segment sizes that a SYN cookie can stand for, and the bits that tell which. @kernel net/ipv4/syncookies.c msstab */
const COOKIE_MSS = [536, 1300, 1440, 1460] as const;
/** Over IPv6: MTUs 1280, 1480, 1500 and 9000 without headers. @kernel net/ipv6/syncookies.c msstab */
const COOKIE_MSS6 = [1220, 1420, 1440, 8940] as const;
const COOKIE_MINUTE_NS = 60e9;
const COOKIE_MAX_AGE = 2;
const COOKIE_BITS = 24;
const COOKIE_MASK = (1 << COOKIE_BITS) - 1;
/** Low bits of the timestamp of a cookie's SYN-ACK: window scale (15: none), SACK, ECN. */
export const COOKIE_TS_BITS = 6;
const COOKIE_TS_WSCALE = 0xf;
const COOKIE_TS_SACK = 1 << 4;
const COOKIE_TS_ECN = 1 << 5;

export class TcpSecrets {
  private keys: readonly number[] | null = null;

  constructor(private readonly net: Net) {}

  private key(index: number): number {
    if (this.keys === null) {
      const stream = this.net.kernel.random('tcp-secret');
      this.keys = [stream.u32(), stream.u32(), stream.u32(), stream.u32(), stream.u32()];
    }
    return this.keys[index] as number;
  }

  /** @kernel secure_tcp_seq() */
  isn(saddr: number, daddr: number, sport: number, dport: number): number {
    const hash = tupleHash(this.key(0), saddr, daddr, (sport << 16) | dport);
    return (hash + Math.floor(this.net.kernel.engine.now / 64)) >>> 0; // a tick each 64 ns
  }

  /** @kernel secure_tcp_ts_off() */
  tsOffset(saddr: number, daddr: number): number {
    return tupleHash(this.key(1), saddr, daddr, 0);
  }

  /** @kernel secure_ipv4_port_ephemeral() */
  portOffset(saddr: number, daddr: number, dport: number): number {
    return tupleHash(this.key(2), saddr, daddr, dport);
  }

  private cookieCount(): number {
    return Math.floor(this.net.kernel.engine.now / COOKIE_MINUTE_NS);
  }

  /** An initial sequence number that encodes the MSS and the minute. @kernel cookie_v4_init_sequence() */
  cookie(
    saddr: number,
    daddr: number,
    sport: number,
    dport: number,
    seq: number,
    mss: number,
    v6: boolean,
  ): number {
    const sizes = v6 ? COOKIE_MSS6 : COOKIE_MSS;
    let index = sizes.length - 1;
    while (index > 0 && mss < (sizes[index] as number)) index--;
    const count = this.cookieCount();
    const ports = (sport << 16) | dport;
    const first = tupleHash(this.key(3), saddr, daddr, ports);
    const second = tupleHash(mix(this.key(4), count), saddr, daddr, ports) & COOKIE_MASK;
    return (first + seq + count * (1 << COOKIE_BITS) + ((second + index) & COOKIE_MASK)) >>> 0;
  }

  /** The MSS that a cookie stands for, 0 where it is not one of ours or too old. @kernel __cookie_v4_check() */
  cookieMss(
    saddr: number,
    daddr: number,
    sport: number,
    dport: number,
    seq: number,
    cookie: number,
    v6: boolean,
  ): number {
    const ports = (sport << 16) | dport;
    const left = (cookie - tupleHash(this.key(3), saddr, daddr, ports) - seq) >>> 0;
    const now = this.cookieCount();
    const age = (now - (left >>> COOKIE_BITS)) & 0xff;
    if (age >= COOKIE_MAX_AGE) return 0;
    const second = tupleHash(mix(this.key(4), now - age), saddr, daddr, ports) & COOKIE_MASK;
    return (v6 ? COOKIE_MSS6 : COOKIE_MSS)[(left - second) & COOKIE_MASK] ?? 0;
  }
}

/** Puts what a cookie must remember into a SYN-ACK's timestamp, never making it later. @kernel cookie_init_timestamp() */
export function cookieTimestamp(
  ts: number,
  wscaleOk: boolean,
  wscale: number,
  sackOk: boolean,
  ecnOk: boolean,
): number {
  const bits =
    (wscaleOk ? wscale : COOKIE_TS_WSCALE) |
    (sackOk ? COOKIE_TS_SACK : 0) |
    (ecnOk ? COOKIE_TS_ECN : 0);
  const base = Math.floor(ts / (1 << COOKIE_TS_BITS)) * (1 << COOKIE_TS_BITS);
  const value = base + bits;
  return (value > ts ? value - (1 << COOKIE_TS_BITS) : value) >>> 0;
}

/** What {@link cookieTimestamp} stored. */
export function cookieTimestampDecode(ts: number): {
  wscaleOk: boolean;
  wscale: number;
  sackOk: boolean;
  ecnOk: boolean;
} {
  const wscale = ts & COOKIE_TS_WSCALE;
  return {
    wscaleOk: wscale !== COOKIE_TS_WSCALE,
    wscale: wscale === COOKIE_TS_WSCALE ? 0 : wscale,
    sackOk: (ts & COOKIE_TS_SACK) !== 0,
    ecnOk: (ts & COOKIE_TS_ECN) !== 0,
  };
}
