/**
 * TCP options: reading them from a received segment, writing ours in the order in which Linux writes them.
 *
 *   SYN          mss, [sackOK, TS | nop nop TS], [AccECN], [nop nop sackOK], [nop wscale], [Fast Open]
 *   established  [nop nop TS], [AccECN], [nop nop SACK blocks]
 *
 * Sources: RFC 9293 §3.2, RFC 7323, RFC 2018, RFC 2883, net/ipv4/tcp_output.c tcp_options_write(), tcp_input.c.
 */
import { seqAfter, seqBefore } from '@netloom/base';
import {
  NO_LEFTOVER,
  TCPOLEN_ACCECN_ALIGNED,
  TCPOPT_ACCECN1,
  tcpAccecnFit,
  tcpAccecnOptionSent,
  tcpAccecnOptionWrite,
} from './tcp-accecn.js';
import type { PacketMemory } from '@netloom/wire';
import {
  NSEC_PER_MSEC,
  NSEC_PER_SEC,
  TCP_MAX_WSCALE,
  TCP_NUM_SACKS,
  TCP_PAWS_24DAYS,
} from './tcp-const.js';
import { tcpFastopenOptionSize, tcpFastopenOptionWrite } from './tcp-fastopen.js';
import type { TcpOptionsReceived } from './tcp-rx-opt.js';
import type { TcpSock } from './tcp-sock.js';

const TCPOPT_EOL = 0;
const TCPOPT_NOP = 1;
const TCPOPT_MSS = 2;
const TCPOPT_WINDOW = 3;
const TCPOPT_SACK_PERM = 4;
const TCPOPT_SACK = 5;
const TCPOPT_TIMESTAMP = 8;
const TCPOPT_MD5SIG = 19;
const TCPOPT_ACCECN0 = 172;

const TIMESTAMP_WORD = 0x0101080a; // nop nop timestamp, 10 bytes
export const TCPOLEN_TSTAMP_ALIGNED = 12;
const TCPOLEN_SACK_BASE_ALIGNED = 4;
const TCPOLEN_SACK_PERBLOCK = 8;
const MAX_TCP_OPTION_SPACE = 40;

/** The clock of the timestamp option: milliseconds. */
export function tcpTimestampMs(nowNs: number): number {
  return Math.floor(nowNs / NSEC_PER_MSEC);
}

/**
 * Reads all options. `established`: SYN-only options are ignored.
 * @param o offset of the TCP header; `doff` its length in bytes. @kernel tcp_parse_options()
 */
export function tcpParseOptions(
  m: PacketMemory,
  o: number,
  doff: number,
  rx: TcpOptionsReceived,
  established: boolean,
  wscaleAllowed: boolean,
): void {
  rx.sawTstamp = false;
  rx.sackCount = 0;
  rx.accecn = 0;
  const end = o + doff;
  let at = o + 20;
  while (at < end) {
    const kind = m.u8[at] as number;
    if (kind === TCPOPT_EOL) return;
    if (kind === TCPOPT_NOP) {
      at++;
      continue;
    }
    if (at + 1 >= end) return;
    const size = m.u8[at + 1] as number;
    if (size < 2 || at + size > end) return;
    const value = at + 2;
    switch (kind) {
      case TCPOPT_MSS:
        if (size === 4 && !established) {
          const mss = m.dv.getUint16(value);
          if (mss !== 0) rx.mssClamp = rx.userMss !== 0 && rx.userMss < mss ? rx.userMss : mss;
        }
        break;
      case TCPOPT_WINDOW:
        if (size === 3 && !established && wscaleAllowed) {
          rx.wscaleOk = true;
          rx.sndWscale = Math.min(m.u8[value] as number, TCP_MAX_WSCALE);
        }
        break;
      case TCPOPT_SACK_PERM:
        if (size === 2 && !established) rx.sackOk = true;
        break;
      case TCPOPT_TIMESTAMP:
        if (size === 10) {
          rx.sawTstamp = true;
          rx.rcvTsval = m.dv.getUint32(value);
          rx.rcvTsecr = m.dv.getUint32(value + 4);
        }
        break;
      case TCPOPT_SACK:
        if (size >= 10 && (size - 2) % TCPOLEN_SACK_PERBLOCK === 0 && rx.sackOk) {
          rx.sackOff = value;
          rx.sackCount = (size - 2) / TCPOLEN_SACK_PERBLOCK;
        }
        break;
      case TCPOPT_ACCECN0:
      case TCPOPT_ACCECN1:
        if ((size - 2) % 3 === 0) rx.accecn = at;
        break;
      default:
        break;
    }
    at += size;
  }
}

/** Whether a segment carries an MD5 signature (RFC 2385): no socket here has a key for one. */
export function tcpHasSignature(m: PacketMemory, o: number, doff: number): boolean {
  const end = o + doff;
  for (let at = o + 20; at < end;) {
    const kind = m.u8[at] as number;
    if (kind === TCPOPT_EOL) return false;
    if (kind === TCPOPT_NOP) {
      at++;
      continue;
    }
    const size = at + 1 < end ? (m.u8[at + 1] as number) : 0;
    if (size < 2) return false;
    if (kind === TCPOPT_MD5SIG && size === 18) return true;
    at += size;
  }
  return false;
}

/** Reads an established connection's options, the usual timestamp first. @kernel tcp_fast_parse_options() */
export function tcpFastParseOptions(tp: TcpSock, m: PacketMemory, o: number, doff: number): void {
  const rx = tp.rxOpt;
  rx.sackCount = 0;
  rx.accecn = 0;
  if (doff === 20) {
    rx.sawTstamp = false;
    return;
  }
  if (rx.tstampOk && doff === 32 && m.dv.getUint32(o + 20) === TIMESTAMP_WORD) {
    tcpParseAlignedTimestamp(tp, m, o);
    return;
  }
  tcpParseOptions(m, o, doff, rx, true, false);
  if (!rx.tstampOk) rx.sawTstamp = false;
  if (rx.sawTstamp && rx.rcvTsecr !== 0) rx.rcvTsecr = (rx.rcvTsecr - tp.tsOffset) >>> 0;
}

/** True where the only option is a timestamp in its usual place; reads it. @kernel tcp_parse_aligned_timestamp() */
export function tcpParseAlignedTimestamp(tp: TcpSock, m: PacketMemory, o: number): boolean {
  if (m.dv.getUint32(o + 20) !== TIMESTAMP_WORD) return false;
  const rx = tp.rxOpt;
  rx.sawTstamp = true;
  rx.rcvTsval = m.dv.getUint32(o + 24);
  const ecr = m.dv.getUint32(o + 28);
  rx.rcvTsecr = ecr === 0 ? 0 : (ecr - tp.tsOffset) >>> 0;
  return true;
}

/** What our SYN or SYN-ACK offers. */
export interface SynOptions {
  mss: number;
  tstampOk: boolean;
  tsval: number;
  tsecr: number;
  sackOk: boolean;
  wscaleOk: boolean;
  wscale: number;
  /** Fast Open's option: null for none, empty to ask for a cookie; `foExp` in the experimental form. */
  foCookie: Uint8Array | null;
  foExp: boolean;
  /** A SYN-ACK's option of Accurate ECN. */
  accecn: boolean;
}

export function tcpSynOptionsSize(opts: SynOptions): number {
  let size = 4;
  if (opts.tstampOk) size += TCPOLEN_TSTAMP_ALIGNED;
  else if (opts.sackOk) size += 4;
  if (opts.wscaleOk) size += 4;
  if (opts.foCookie !== null) size += tcpFastopenOptionSize(opts.foCookie, opts.foExp);
  if (opts.accecn && size + TCPOLEN_ACCECN_ALIGNED > MAX_TCP_OPTION_SPACE) opts.accecn = false;
  return opts.accecn ? size + TCPOLEN_ACCECN_ALIGNED : size;
}

/** Writes the options of a SYN at `at`. @kernel tcp_options_write() */
export function tcpSynOptionsWrite(m: PacketMemory, at: number, opts: SynOptions): void {
  const dv = m.dv;
  let p = at;
  dv.setUint32(p, (TCPOPT_MSS << 24) | (4 << 16) | opts.mss);
  p += 4;
  if (opts.tstampOk) {
    dv.setUint32(p, opts.sackOk ? (TCPOPT_SACK_PERM << 24) | (2 << 16) | 0x080a : TIMESTAMP_WORD);
    dv.setUint32(p + 4, opts.tsval);
    dv.setUint32(p + 8, opts.tsecr);
    p += TCPOLEN_TSTAMP_ALIGNED;
  }
  if (opts.accecn) p += tcpAccecnOptionWrite(m, p, 3, null) >>> 16;
  if (opts.sackOk && !opts.tstampOk) {
    dv.setUint32(p, 0x01010402);
    p += 4;
  }
  if (opts.wscaleOk) {
    dv.setUint32(p, 0x01030300 | opts.wscale);
    p += 4;
  }
  if (opts.foCookie !== null) tcpFastopenOptionWrite(m, p, opts.foCookie, opts.foExp);
}

/** How many SACK blocks the next segment carries. */
function sackBlocks(tp: TcpSock): number {
  const blocks = tp.numSacks + (tp.rxOpt.dsack ? 1 : 0);
  if (blocks === 0) return 0;
  const room =
    MAX_TCP_OPTION_SPACE -
    (tp.rxOpt.tstampOk ? TCPOLEN_TSTAMP_ALIGNED : 0) -
    TCPOLEN_SACK_BASE_ALIGNED;
  return Math.min(blocks, Math.floor(room / TCPOLEN_SACK_PERBLOCK));
}

/** @kernel tcp_established_options() */
export function tcpEstablishedOptionsSize(tp: TcpSock): number {
  const blocks = sackBlocks(tp);
  const size =
    (tp.rxOpt.tstampOk ? TCPOLEN_TSTAMP_ALIGNED : 0) +
    (blocks > 0 ? TCPOLEN_SACK_BASE_ALIGNED + blocks * TCPOLEN_SACK_PERBLOCK : 0);
  return tp.accecn === null || tp.accecn.pending
    ? size
    : size + tcpAccecnFit(tp, tp.accecn, blocks, MAX_TCP_OPTION_SPACE - size);
}

/** Writes the options of an established connection at `at`; `tsval` is the segment's own time. */
export function tcpEstablishedOptionsWrite(
  tp: TcpSock,
  m: PacketMemory,
  at: number,
  tsval: number,
): void {
  const dv = m.dv;
  let p = at;
  if (tp.rxOpt.tstampOk) {
    dv.setUint32(p, TIMESTAMP_WORD);
    dv.setUint32(p + 4, tsval);
    dv.setUint32(p + 8, tp.rxOpt.tsRecent);
    p += TCPOLEN_TSTAMP_ALIGNED;
  }
  let blocks = sackBlocks(tp);
  let leftover = NO_LEFTOVER;
  const a = tp.accecn;
  if (a !== null && !a.pending) {
    blocks = a.outBlocks;
    if (a.outFields >= 0) {
      const written = tcpAccecnOptionWrite(m, p, a.outFields, a.receivedBytes);
      leftover = written & 0xffff;
      p += written >>> 16;
      tcpAccecnOptionSent(tp, a);
      if (blocks === 0 && leftover !== NO_LEFTOVER) dv.setUint32(p, (leftover << 16) | NO_LEFTOVER);
    }
  }
  if (blocks === 0) return;
  dv.setUint32(p, (leftover << 16) | (TCPOPT_SACK << 8) | (2 + blocks * TCPOLEN_SACK_PERBLOCK));
  p += 4;
  let left = blocks;
  if (tp.rxOpt.dsack) {
    dv.setUint32(p, tp.dsackStart);
    dv.setUint32(p + 4, tp.dsackEnd);
    p += 8;
    left--;
    tp.rxOpt.dsack = false;
  }
  for (let i = 0; i < left; i++, p += 8) {
    dv.setUint32(p, tp.sackStart[i] as number);
    dv.setUint32(p + 4, tp.sackEnd[i] as number);
  }
}

/** True where the segment's timestamp is not older than the newest one known, by the rules of PAWS. @kernel tcp_paws_check(), RFC 7323 §5 */
export function tcpPawsCheck(rx: TcpOptionsReceived, window: number, nowSeconds: number): boolean {
  if (((rx.tsRecent - rx.rcvTsval) | 0) <= window) return true;
  if (nowSeconds >= rx.tsRecentStamp + TCP_PAWS_24DAYS) return true;
  return rx.tsRecent === 0; // a SYN without a timestamp: some hosts start to send them later
}

/** Remembers the peer's timestamp if this segment may advance it. @returns whether it did. @kernel tcp_replace_ts_recent() */
export function tcpReplaceTsRecent(tp: TcpSock, seq: number): boolean {
  const rx = tp.rxOpt;
  if (!rx.sawTstamp || seqAfter(seq, tp.rcvWup)) return false;
  if (!tcpPawsCheck(rx, 0, Math.floor(tp.now / NSEC_PER_SEC))) return false;
  const advanced = ((rx.rcvTsval - rx.tsRecent) | 0) > 0;
  tcpStoreTsRecent(tp);
  return advanced;
}

export function tcpStoreTsRecent(tp: TcpSock): void {
  tp.rxOpt.tsRecent = tp.rxOpt.rcvTsval;
  tp.rxOpt.tsRecentStamp = Math.max(1, Math.floor(tp.now / NSEC_PER_SEC));
}

// ---- the receiver's SACK blocks ----

/** Reports a segment that came twice. @kernel tcp_dsack_set(), RFC 2883 */
export function tcpDsackSet(tp: TcpSock, start: number, end: number): void {
  tp.rxOpt.dsack = true;
  tp.dsackStart = start;
  tp.dsackEnd = end;
}

/** Puts the block of a segment that arrived out of order first in the list. @kernel tcp_sack_new_ofo_skb() */
export function tcpSackNewOfo(tp: TcpSock, start: number, end: number): void {
  if (tp.sackStart.length === 0) {
    tp.sackStart = new Float64Array(TCP_NUM_SACKS);
    tp.sackEnd = new Float64Array(TCP_NUM_SACKS);
  }
  const s = tp.sackStart;
  const e = tp.sackEnd;
  for (let i = 0; i < tp.numSacks; i++) {
    if (seqAfter(start, e[i] as number) || seqAfter(s[i] as number, end)) continue;
    if (seqBefore(start, s[i] as number)) s[i] = start;
    if (seqAfter(end, e[i] as number)) e[i] = end;
    moveFirst(tp, i);
    if (tp.numSacks > 1) mergeFirst(tp);
    return;
  }
  if (tp.numSacks === TCP_NUM_SACKS) tp.numSacks--;
  for (let i = tp.numSacks; i > 0; i--) {
    s[i] = s[i - 1] as number;
    e[i] = e[i - 1] as number;
  }
  s[0] = start;
  e[0] = end;
  tp.numSacks++;
}

function moveFirst(tp: TcpSock, index: number): void {
  const start = tp.sackStart[index] as number;
  const end = tp.sackEnd[index] as number;
  for (let i = index; i > 0; i--) {
    tp.sackStart[i] = tp.sackStart[i - 1] as number;
    tp.sackEnd[i] = tp.sackEnd[i - 1] as number;
  }
  tp.sackStart[0] = start;
  tp.sackEnd[0] = end;
}

/** Joins other blocks that the grown first one now touches. @kernel tcp_sack_maybe_coalesce() */
function mergeFirst(tp: TcpSock): void {
  const s = tp.sackStart;
  const e = tp.sackEnd;
  for (let i = 1; i < tp.numSacks;) {
    if (seqAfter(s[i] as number, e[0] as number) || seqAfter(s[0] as number, e[i] as number)) {
      i++;
      continue;
    }
    if (seqBefore(s[i] as number, s[0] as number)) s[0] = s[i] as number;
    if (seqAfter(e[i] as number, e[0] as number)) e[0] = e[i] as number;
    removeBlock(tp, i);
  }
}

function removeBlock(tp: TcpSock, index: number): void {
  tp.numSacks--;
  for (let i = index; i < tp.numSacks; i++) {
    tp.sackStart[i] = tp.sackStart[i + 1] as number;
    tp.sackEnd[i] = tp.sackEnd[i + 1] as number;
  }
}

/** Drops blocks that the cumulative point has passed. @kernel tcp_sack_remove() */
export function tcpSackRemove(tp: TcpSock): void {
  if (tp.ofoQueue.length === 0) {
    tp.numSacks = 0;
    return;
  }
  for (let i = 0; i < tp.numSacks;) {
    if (seqBefore(tp.rcvNxt, tp.sackStart[i] as number)) i++;
    else removeBlock(tp, i);
  }
}
