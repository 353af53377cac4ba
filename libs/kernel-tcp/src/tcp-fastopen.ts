/**
 * TCP Fast Open: data in the SYN for peers that prove by a cookie that they own their address.
 *
 *   client   SYN + empty option ──▶ server      SYN + cookie + data ──▶ child with data, at once to accept()
 *            ◀── SYN-ACK + cookie               ◀── SYN-ACK that acknowledges the data
 *
 * Here: the parts that both sides share, and the server. The client is in tcp-fastopen-client.ts. A socket has the state
 * of this file only once it uses Fast Open (`tp.tfo`). Sources: RFC 7413, net/ipv4/tcp_fastopen.c.
 */
import { Mib, mibAdd, type SkBuff } from '@netloom/kernel-core';
import { TCPHDR_FIN, TCPHDR_SYN, tcphWindow, type PacketMemory } from '@netloom/wire';
import { ICSK_TIME_RETRANS, NSEC_PER_SEC, TCP_LISTEN, TCP_TIMEOUT_INIT_US } from './tcp-const.js';
import { tcpFin } from './tcp-data.js';
import { dstMetric } from './tcp-dst.js';
import { tcpSynRecvSock, type TcpRequestSock } from './tcp-minisocks.js';
import { TcpSysctl } from './tcp-net.js';
import { tcpInitTransfer } from './tcp-open.js';
import { tcpQueueRcv } from './tcp-rmem.js';
import { sipHash24 } from './siphash.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpResetXmitTimer } from './tcp-xmit-timer.js';

/** Bits of net.ipv4.tcp_fastopen. */
export const TFO_CLIENT_ENABLE = 1;
export const TFO_SERVER_ENABLE = 2;
export const TFO_CLIENT_NO_COOKIE = 4;
const TFO_SERVER_COOKIE_NOT_REQD = 0x200;
const TFO_SERVER_WO_SOCKOPT1 = 0x400;

export const TCP_FASTOPEN_KEY_LENGTH = 16;
const COOKIE_MIN = 4;
const COOKIE_MAX = 16;
/** A connection that the peer reset keeps its place in the queue for so long (RFC 7413 §5.1). */
const RST_WAIT_NS = 60 * NSEC_PER_SEC;

const TCPOPT_FASTOPEN = 34;
const TCPOPT_EXP = 254;
const FASTOPEN_MAGIC = 0xf989;

/** A Fast Open option: `cookie` is null where there is none, empty where one is asked for. @kernel struct tcp_fastopen_cookie */
export interface FastopenOption {
  cookie: Uint8Array | null;
  /** In the experimental form (RFC 6994) that came before kind 34. */
  exp: boolean;
}

/** What a client wants to send with its SYN. @kernel struct tcp_fastopen_request */
export interface FastopenRequest extends FastopenOption {
  data: Uint8Array | null;
  copied: number;
}

/** A socket's Fast Open state. */
export class TcpFastopen {
  // Client: TCP_FASTOPEN_CONNECT, TCP_FASTOPEN_NO_COOKIE; connect() put off until data comes; what its SYN carried
  connect = false;
  noCookie = false;
  defer = false;
  req: FastopenRequest | null = null;
  synFastopen = false;
  synFastopenExp = false;
  synFastopenCh = false;
  synData = false;
  synDataAcked = false;
  clientFail = 0;
  // Listener: TCP_FASTOPEN's backlog, connections before their third packet, ends of reset ones' waits, own keys
  maxQlen = 0;
  qlen = 0;
  rst: number[] = [];
  keys: readonly Uint8Array[] | null = null;
  /** Child before the third packet. */
  request: TcpRequestSock | null = null;
}

/** A socket's Fast Open state, made on first use. */
export function tcpFastopenOf(tp: TcpSock): TcpFastopen {
  return (tp.tfo ??= new TcpFastopen());
}

/** A connection that is given up leaves only the user's options. */
export function tcpFastopenForget(tfo: TcpFastopen): void {
  tfo.defer = false;
  tfo.req = null;
  tfo.synFastopen = tfo.synFastopenExp = tfo.synFastopenCh = false;
  tfo.synData = tfo.synDataAcked = false;
  tfo.clientFail = 0;
}

/** True for a connection that a SYN with data has made and the third packet has not confirmed. @kernel tcp_passive_fastopen() */
export function tcpPassiveFastopen(tp: TcpSock): boolean {
  return tp.tfo !== null && tp.tfo.request !== null;
}

// ---- the option ----

/** Reads the Fast Open option of a segment with SYN. @kernel tcp_parse_fastopen_option() */
export function tcpParseFastopen(m: PacketMemory, o: number, doff: number): FastopenOption {
  const found: FastopenOption = { cookie: null, exp: false };
  const end = o + doff;
  for (let at = o + 20; at < end;) {
    const kind = m.u8[at] as number;
    if (kind === 0) break;
    if (kind === 1) {
      at++;
      continue;
    }
    const size = at + 1 < end ? (m.u8[at + 1] as number) : 0;
    if (size < 2 || at + size > end) break;
    const exp = kind === TCPOPT_EXP && size >= 4 && m.dv.getUint16(at + 2) === FASTOPEN_MAGIC;
    if (kind === TCPOPT_FASTOPEN || exp) {
      const length = size - (exp ? 4 : 2);
      if ((length & 1) === 0) {
        found.exp = exp;
        const usable = length === 0 || (length >= COOKIE_MIN && length <= COOKIE_MAX);
        found.cookie = usable ? m.bytes(at + size - length, length) : null;
      }
    }
    at += size;
  }
  return found;
}

/** Bytes of the option in a SYN, padded. */
export function tcpFastopenOptionSize(cookie: Uint8Array, exp: boolean): number {
  return (cookie.length + (exp ? 4 : 2) + 3) & ~3;
}

/** Writes the option at `at`. */
export function tcpFastopenOptionWrite(
  m: PacketMemory,
  at: number,
  cookie: Uint8Array,
  exp: boolean,
): void {
  let p = at;
  m.u8[p++] = exp ? TCPOPT_EXP : TCPOPT_FASTOPEN;
  m.u8[p++] = cookie.length + (exp ? 4 : 2);
  if (exp) {
    m.dv.setUint16(p, FASTOPEN_MAGIC);
    p += 2;
  }
  m.write(p, cookie);
  p += cookie.length;
  while ((p - at) % 4 !== 0) m.u8[p++] = 1;
}

// ---- keys and cookies ----

/** Chooses a key for the namespace where none was set. @kernel tcp_fastopen_init_key_once() */
export function tcpFastopenInitKey(tp: TcpSock): void {
  const { tn } = tp;
  if (tn.tfoKeys !== null) return;
  const stream = tp.net.kernel.random('tcp-fastopen');
  const key = new Uint8Array(TCP_FASTOPEN_KEY_LENGTH);
  for (let i = 0; i < key.length; i += 4) {
    const word = stream.u32();
    key.set([word & 255, (word >>> 8) & 255, (word >>> 16) & 255, word >>> 24], i);
  }
  tn.tfoKeys = [key];
}

/** Keys as net.ipv4.tcp_fastopen_key shows them: four little-endian words each. */
export function tcpFastopenKeyText(keys: readonly Uint8Array[] | null): string {
  const of = (key: Uint8Array): string =>
    [0, 4, 8, 12]
      .map((at) =>
        [3, 2, 1, 0].map((i) => (key[at + i] as number).toString(16).padStart(2, '0')).join(''),
      )
      .join('-');
  return (keys ?? [new Uint8Array(TCP_FASTOPEN_KEY_LENGTH)]).map(of).join(',');
}

/** The reverse; undefined for what is no key or pair of keys. */
export function tcpFastopenParseKeys(text: string): Uint8Array[] | undefined {
  const keys: Uint8Array[] = [];
  for (const part of text.trim().split(',')) {
    const words = /^([0-9a-f]{1,8})-([0-9a-f]{1,8})-([0-9a-f]{1,8})-([0-9a-f]{1,8})$/i.exec(part);
    if (words === null || keys.length === 2) return undefined;
    const key = words.slice(1).flatMap((word) => {
      const value = parseInt(word, 16);
      return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
    });
    keys.push(Uint8Array.from(key));
  }
  return keys;
}

/** The cookie of the peer that sent `skb`: a keyed hash of both addresses. @kernel __tcp_fastopen_cookie_gen_with_ctx() */
function cookieOf(key: Uint8Array, skb: SkBuff): Uint8Array {
  const ip = skb.networkHeader;
  const v6 = (skb.mem.u8[ip] as number) >>> 4 === 6;
  return sipHash24(key, v6 ? skb.mem.bytes(ip + 8, 32) : skb.mem.bytes(ip + 12, 8));
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Whether cookies are not asked for. `flag`: the side's bit of the sysctl. @kernel tcp_fastopen_no_cookie() */
export function tcpFastopenNoCookie(tp: TcpSock, flag: number): boolean {
  return (
    (tp.tn.sysctl(TcpSysctl.tcp_fastopen) & flag) !== 0 ||
    tp.tfo?.noCookie === true ||
    dstMetric(tp.dst, 'fastopen_no_cookie') !== 0
  );
}

// ---- the listener ----

/** Sets how many connections may wait for their third packet. @kernel fastopen_queue_tune() */
export function tcpFastopenQueueTune(tp: TcpSock, backlog: number): void {
  tcpFastopenInitKey(tp);
  tcpFastopenOf(tp).maxQlen = Math.min(backlog, tp.tn.somaxconn);
}

/** A listener serves Fast Open without having asked for it where the sysctl says so. @kernel inet_listen() */
export function tcpFastopenListen(tp: TcpSock, backlog: number): void {
  const wanted = TFO_SERVER_WO_SOCKOPT1 | TFO_SERVER_ENABLE;
  if ((tp.tn.sysctl(TcpSysctl.tcp_fastopen) & wanted) === wanted && (tp.tfo?.maxQlen ?? 0) === 0)
    tcpFastopenQueueTune(tp, backlog);
}

/** Whether a SYN can concern Fast Open at all: it has room for the option, or data. */
export function tcpMayFastopen(tp: TcpSock, skb: SkBuff): boolean {
  if (skb.data - skb.transportHeader <= 20 && skb.len === 0) return false;
  return tp.tfo !== null || (tp.tn.sysctl(TcpSysctl.tcp_fastopen) & TFO_SERVER_ENABLE) !== 0;
}

/** @kernel tcp_fastopen_queue_check() */
function queueCheck(tp: TcpSock): boolean {
  const { tfo } = tp;
  if (tfo === null || tfo.maxQlen === 0) return false;
  if (tfo.qlen < tfo.maxQlen) return true;
  const oldest = tfo.rst[0];
  if (oldest === undefined || oldest > tp.now) {
    mibAdd(tp.net.mib, Mib.TcpExtTCPFastOpenListenOverflow, 1);
    return false;
  }
  tfo.rst.shift();
  tfo.qlen--;
  return true;
}

/**
 * Judges a SYN's cookie and data. `option` is replaced by what the SYN-ACK is to carry.
 * @returns a connection that may be accepted at once, or null for the usual way. @kernel tcp_try_fastopen()
 */
export function tcpTryFastopen(
  tp: TcpSock,
  req: TcpRequestSock,
  skb: SkBuff,
  option: FastopenOption,
): TcpSock | null {
  const mib = tp.net.mib;
  const asked = option.cookie;
  option.cookie = null;
  if (asked !== null && asked.length === 0) mibAdd(mib, Mib.TcpExtTCPFastOpenCookieReqd, 1);
  const synData = skb.cbEndSeq !== (skb.cbSeq + 1) >>> 0;
  if (
    (tp.tn.sysctl(TcpSysctl.tcp_fastopen) & TFO_SERVER_ENABLE) === 0 ||
    (!synData && asked === null) ||
    !queueCheck(tp)
  )
    return null;
  if (tcpFastopenNoCookie(tp, TFO_SERVER_COOKIE_NOT_REQD)) return accepted(tp, req, skb);
  if (asked === null) return null;
  const keys = tp.tfo?.keys ?? tp.tn.tfoKeys ?? [];
  const primary = keys[0];
  if (primary === undefined) return null;
  const valid = cookieOf(primary, skb);
  if (asked.length === 0) {
    option.cookie = valid;
    return null;
  }
  const backup = keys[1];
  const isBackup = backup !== undefined && sameBytes(cookieOf(backup, skb), asked);
  if (!sameBytes(valid, asked) && !isBackup) {
    mibAdd(mib, Mib.TcpExtTCPFastOpenPassiveFail, 1);
    option.cookie = valid;
    return null;
  }
  const child = accepted(tp, req, skb);
  if (child !== null && isBackup && !sameBytes(valid, asked)) {
    option.cookie = valid; // its key is going out of use: here is the new one's
    mibAdd(mib, Mib.TcpExtTCPFastOpenPassiveAltKey, 1);
  } else if (child === null) {
    option.cookie = valid;
  }
  return child;
}

function accepted(tp: TcpSock, req: TcpRequestSock, skb: SkBuff): TcpSock | null {
  const child = createChild(tp, req, skb);
  mibAdd(
    tp.net.mib,
    child !== null ? Mib.TcpExtTCPFastOpenPassive : Mib.TcpExtTCPFastOpenPassiveFail,
    1,
  );
  return child;
}

/** @kernel tcp_fastopen_create_child() */
function createChild(tp: TcpSock, req: TcpRequestSock, skb: SkBuff): TcpSock | null {
  const tfo = tcpFastopenOf(tp);
  tfo.qlen++;
  const child = tcpSynRecvSock(req, skb);
  if (child === null) {
    tfo.qlen--;
    return null;
  }
  tcpFastopenOf(child).request = req;
  child.sndWnd = tcphWindow(skb.mem, skb.transportHeader); // never scaled in a SYN
  child.maxWindow = child.sndWnd;
  // The SYN-ACK's timer: the request is in no queue of its own.
  tcpResetXmitTimer(child, ICSK_TIME_RETRANS, TCP_TIMEOUT_INIT_US);
  tcpInitTransfer(child);
  tcpFastopenAddSkb(child, skb);
  if (skb.len > 0) child.dataSegsIn = 1;
  req.rcvNxt = child.rcvNxt;
  child.rcvWup = child.rcvNxt;
  tp.acceptQueue.push(child);
  child.listener = tp;
  return child;
}

/** Queues what a SYN or SYN-ACK carried. The packet stays the caller's. @kernel tcp_fastopen_add_skb() */
export function tcpFastopenAddSkb(tp: TcpSock, skb: SkBuff): void {
  if (skb.cbEndSeq === tp.rcvNxt) return;
  const copy = skb.pool.clone(skb);
  if (copy === null) return;
  copy.dst = null;
  copy.cbSeq = (skb.cbSeq + 1) >>> 0;
  copy.cbEndSeq = skb.cbEndSeq;
  copy.cbFlags = skb.cbFlags & ~TCPHDR_SYN;
  copy.cbSacked = 0;
  const fin = (copy.cbFlags & TCPHDR_FIN) !== 0;
  tcpQueueRcv(tp, copy);
  tcpFastopenOf(tp).synDataAcked = true;
  if (fin) tcpFin(tp);
}

/** The child's request has served: confirmed, ended or reset. @kernel reqsk_fastopen_remove() */
export function tcpFastopenRemove(child: TcpSock, reset: boolean): void {
  const tfo = child.tfo;
  const req = tfo?.request ?? null;
  if (tfo === null || req === null) return;
  tfo.request = null;
  const { listener } = req;
  const queue = listener.tfo;
  if (queue === null) return;
  queue.qlen--;
  // A reset after accept() may be an attack with a spoofed address: its place stays taken for a while.
  if (!reset || child.listener !== null || listener.state !== TCP_LISTEN) return;
  queue.rst.push(child.now + RST_WAIT_NS);
  queue.qlen++;
}
