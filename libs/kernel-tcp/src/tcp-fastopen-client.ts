/**
 * Fast Open, the client: cookies from the metrics cache, the SYN with data, what its SYN-ACK says, and caution where the
 * path eats such SYNs. tcp-connect, tcp-open, tcp-sendmsg → here. Sources: RFC 7413, net/ipv4/tcp_fastopen.c, tcp_output.c
 * tcp_send_syn_data(), tcp_input.c tcp_rcv_fastopen_synack().
 */
import { Mib, mibAdd, skbPut, type SkBuff } from '@netloom/kernel-core';
import { TCPHDR_ACK, TCPHDR_FIN, TCPHDR_PSH, tcphDoff } from '@netloom/wire';
import { NSEC_PER_SEC, TCP_CLOSE, TCP_SYN_SENT } from './tcp-const.js';
import {
  TCP_FASTOPEN_KEY_LENGTH,
  TFO_CLIENT_ENABLE,
  TFO_CLIENT_NO_COOKIE,
  tcpFastopenAddSkb,
  tcpFastopenNoCookie,
  tcpFastopenOf,
  tcpParseFastopen,
  type FastopenOption,
  type TcpFastopen,
} from './tcp-fastopen.js';
import { tcpGetMetrics } from './tcp-metrics.js';
import { tcpMtuToMss } from './tcp-mss.js';
import { TcpSysctl } from './tcp-net.js';
import { tcpRtxQueuePush } from './tcp-output.js';
import { tcpMarkSkbLost } from './tcp-rack.js';
import { tcpNonCongestionLossRetransmit } from './tcp-recovery.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpAllocSkb, tcpInitNondataSkb, tcpTransmitSkb } from './tcp-transmit.js';

/** tcpi_fastopen_client_fail */
const TFO_COOKIE_UNAVAILABLE = 1;
const TFO_DATA_NOT_ACKED = 2;
const TFO_SYN_RETRANSMITTED = 3;

const MAX_TCP_OPTION_SPACE = 40;
const NO_COOKIE = new Uint8Array(0);

export function tcpFastopenClientEnabled(tp: TcpSock): boolean {
  return (tp.tn.sysctl(TcpSysctl.tcp_fastopen) & TFO_CLIENT_ENABLE) !== 0;
}

/** Looks a cookie up. @returns whether data may go with the SYN; `option` says which option does. @kernel tcp_fastopen_cookie_check() */
function cookieCheck(tp: TcpSock, tfo: TcpFastopen, option: FastopenOption): boolean {
  const tm = tcpGetMetrics(tp, false);
  if (tm !== null) {
    if (tm.foMss !== 0) tp.rxOpt.mssClamp = tm.foMss;
    option.cookie = tm.foCookie ?? NO_COOKIE;
    option.exp = tm.foCookie !== null ? tm.foExp : tm.foTryExp === 1;
  } else {
    option.cookie = NO_COOKIE;
  }
  if (activeShouldDisable(tp, tfo)) {
    option.cookie = null;
    return false;
  }
  if (tcpFastopenNoCookie(tp, TFO_CLIENT_NO_COOKIE)) {
    option.cookie = null;
    return true;
  }
  if (option.cookie.length > 0) return true;
  tfo.clientFail = TFO_COOKIE_UNAVAILABLE;
  return false;
}

/** TCP_FASTOPEN_CONNECT: with a cookie at hand the SYN waits for the first data. @kernel tcp_fastopen_defer_connect() */
export function tcpFastopenDefer(tp: TcpSock): boolean {
  const { tfo } = tp;
  if (tfo === null || !tfo.connect || tfo.req !== null || tfo.defer) return false;
  const option: FastopenOption = { cookie: NO_COOKIE, exp: false };
  const clamp = tp.rxOpt.mssClamp;
  const known = cookieCheck(tp, tfo, option);
  tp.rxOpt.mssClamp = clamp;
  if (known) {
    tfo.defer = true;
    return true;
  }
  tfo.req = { cookie: NO_COOKIE, exp: false, data: null, copied: 0 };
  return false;
}

/**
 * Sends the SYN with its option and, where a cookie allows it, with data. 0 or a negative errno.
 * @kernel net/ipv4/tcp_output.c tcp_send_syn_data()
 */
export function tcpSendSynData(tp: TcpSock, syn: SkBuff): number {
  const tfo = tcpFastopenOf(tp);
  const fo = tfo.req;
  if (fo === null) return tcpTransmitSkb(tp, syn, true);
  const rx = tp.rxOpt;
  rx.mssClamp = tp.advmss;
  const allowed = cookieCheck(tp, tfo, fo);
  if (rx.userMss !== 0 && rx.userMss < rx.mssClamp) rx.mssClamp = rx.userMss;
  let error = 1;
  if (allowed) error = synWithData(tp, tfo, syn);
  if (error > 0) {
    // No cookie: ask for one.
    if (fo.cookie !== null && fo.cookie.length > 0) fo.cookie = NO_COOKIE;
    error = tcpTransmitSkb(tp, syn, true);
    if (error !== 0) tfo.synFastopen = false;
  }
  fo.cookie = null; // repeated SYNs go without
  return error;
}

/** 0, a negative errno, or 1 where the SYN is to go alone. */
function synWithData(tp: TcpSock, tfo: TcpFastopen, syn: SkBuff): number {
  const fo = tfo.req;
  if (fo === null || fo.data === null) return 1;
  const mss = tcpMtuToMss(tp, tp.pmtuCookie) + (tp.tcpHeaderLen - 20);
  const space = Math.min(mss - MAX_TCP_OPTION_SPACE, fo.data.length);
  const skb = tcpAllocSkb(tp, Math.max(space, 0));
  if (skb === null) return 1;
  tcpInitNondataSkb(skb, syn.cbSeq, syn.cbFlags);
  if (space > 0) {
    skb.mem.write(skbPut(skb, space), fo.data, 0, space);
    skb.cbEndSeq = (skb.cbEndSeq + space) >>> 0;
  }
  if (space <= 0) {
    skb.pool.release(skb);
    return 1;
  }
  fo.copied = space;
  const error = tcpTransmitSkb(tp, skb, true);
  syn.cbTime = skb.cbTime;
  // What may have to be repeated is SYN and data apart.
  skb.cbSeq = (skb.cbSeq + 1) >>> 0;
  skb.cbFlags = TCPHDR_ACK | TCPHDR_PSH;
  tp.writeSeq = skb.cbEndSeq;
  tp.wmemQueued += skb.truesize;
  tp.packetsOut += 1;
  tcpRtxQueuePush(tp, skb);
  tfo.synData = true;
  mibAdd(tp.net.mib, Mib.TcpExtTCPOrigDataSent, 1);
  return error;
}

/**
 * The SYN-ACK of a SYN with a Fast Open option: keeps the cookie, and repeats data that was not taken.
 * @returns true where data was sent again, which is answer enough. @kernel tcp_rcv_fastopen_synack()
 */
export function tcpRcvFastopenSynack(tp: TcpSock, skb: SkBuff): boolean {
  const { tfo } = tp;
  if (tfo === null || (!tfo.synFastopen && !tfo.synData)) return false;
  const found = tcpParseFastopen(
    skb.mem,
    skb.transportHeader,
    tcphDoff(skb.mem, skb.transportHeader),
  );
  const data = tfo.synData ? tp.rtxQueue.first : null;
  let tryExp = 0;
  let synDrop = false;
  if (!tfo.synFastopen) {
    found.cookie = null; // not asked for
  } else if (tp.totalRetrans > 0) {
    synDrop = found.cookie === null && data !== null;
  } else if (found.cookie === null && !tfo.synData) {
    tryExp = tfo.synFastopenExp ? 2 : 1; // next time in the other form of the option
  }
  cacheSet(tp, found, synDrop, tryExp);
  if (data !== null) {
    tfo.clientFail = tp.totalRetrans > 0 ? TFO_SYN_RETRANSMITTED : TFO_DATA_NOT_ACKED;
    for (let i = 0; i < tp.rtxQueue.length; i++) tcpMarkSkbLost(tp, tp.rtxQueue.at(i));
    tp.retransmitHint = null;
    tcpNonCongestionLossRetransmit(tp);
    mibAdd(tp.net.mib, Mib.TcpExtTCPFastOpenActiveFail, 1);
    return true;
  }
  tfo.synDataAcked = tfo.synData;
  if (tfo.synDataAcked) {
    mibAdd(tp.net.mib, Mib.TcpExtTCPFastOpenActive, 1);
    if (tp.delivered > 1) tp.delivered--; // SYN and data were one packet
  }
  tcpFastopenAddSkb(tp, skb);
  return false;
}

/** @kernel tcp_fastopen_cache_set() */
function cacheSet(tp: TcpSock, found: FastopenOption, synLost: boolean, tryExp: number): void {
  const tm = tcpGetMetrics(tp, true);
  if (tm === null) return;
  tm.foMss = tp.rxOpt.mssClamp;
  if (found.cookie !== null && found.cookie.length > 0) {
    tm.foCookie = found.cookie;
    tm.foExp = found.exp;
  } else if (tryExp > tm.foTryExp && tm.foCookie === null) {
    tm.foTryExp = tryExp;
  }
  if (synLost) {
    tm.foSynLoss++;
    tm.foLastSynLoss = tp.now;
  } else {
    tm.foSynLoss = 0;
  }
}

// ---- middleboxes that drop what they do not know ----

/** @kernel tcp_fastopen_active_should_disable() */
function activeShouldDisable(tp: TcpSock, tfo: TcpFastopen): boolean {
  const tn = tp.tn;
  const base = tn.sysctl(TcpSysctl.tcp_fastopen_blackhole_timeout_sec);
  if (base === 0 || tn.tfoDisableTimes === 0) return false;
  const wait = base * 2 ** Math.min(tn.tfoDisableTimes - 1, 6) * NSEC_PER_SEC;
  if (tp.now < tn.tfoDisableStamp + wait) return true;
  tfo.synFastopenCh = true; // a success now ends the suspicion
  return false;
}

/** Stops active Fast Open for a while, each time for longer. @kernel tcp_fastopen_active_disable() */
function activeDisable(tp: TcpSock): void {
  const tn = tp.tn;
  if (tn.sysctl(TcpSysctl.tcp_fastopen_blackhole_timeout_sec) === 0) return;
  tn.tfoDisableStamp = tp.now;
  tn.tfoDisableTimes++;
  mibAdd(tp.net.mib, Mib.TcpExtTCPFastOpenBlackhole, 1);
}

/** A connection that ends: only a FIN behind a hole came back, or all went well. @kernel tcp_fastopen_active_disable_ofo_check() */
export function tcpFastopenDisableOfoCheck(tp: TcpSock): void {
  const { tfo } = tp;
  if (tfo === null || !tfo.synFastopen) return;
  if (tp.dataSegsIn === 0) {
    const first = tp.ofoQueue.first;
    if (first !== null && tp.ofoQueue.length === 1 && (first.cbFlags & TCPHDR_FIN) !== 0)
      activeDisable(tp);
  } else if (tfo.synFastopenCh && tp.tn.tfoDisableTimes !== 0) {
    tp.tn.tfoDisableTimes = 0;
  }
}

/** Timeouts in a row on a connection opened with data. @kernel tcp_fastopen_active_detect_blackhole() */
export function tcpFastopenDetectBlackhole(tp: TcpSock, expired: boolean): void {
  const { tfo } = tp;
  if (tfo === null || (!tfo.synFastopen && !tfo.synData && !tfo.synDataAcked)) return;
  const timeouts = tp.retransmits;
  if (timeouts === 2 || (timeouts < 2 && expired)) {
    activeDisable(tp);
    if (tp.state === TCP_SYN_SENT) tfo.clientFail = TFO_SYN_RETRANSMITTED;
  }
}

// ---- options ----

const EINVAL = -22;
const EOPNOTSUPP = -95;

/** TCP_FASTOPEN_CONNECT, TCP_FASTOPEN_NO_COOKIE, TCP_FASTOPEN_KEY. 0 or a negative errno. */
export function tcpFastopenSetsockopt(
  tp: TcpSock,
  option: 'TCP_FASTOPEN_CONNECT' | 'TCP_FASTOPEN_NO_COOKIE',
  n: number,
  listening: boolean,
): number {
  if (n !== 0 && n !== 1) return EINVAL;
  if (option === 'TCP_FASTOPEN_NO_COOKIE') {
    if (tp.state !== TCP_CLOSE && !listening) return EINVAL;
    tcpFastopenOf(tp).noCookie = n === 1;
    return 0;
  }
  if (!tcpFastopenClientEnabled(tp)) return EOPNOTSUPP;
  if (tp.state !== TCP_CLOSE) return EINVAL;
  tcpFastopenOf(tp).connect = n === 1;
  return 0;
}

/** A listener's own keys: 16 bytes, or 32 with a backup. 0 or -EINVAL. @kernel tcp_fastopen_reset_cipher() */
export function tcpFastopenSetKeys(tp: TcpSock, value: Uint8Array): number {
  const size = TCP_FASTOPEN_KEY_LENGTH;
  if (value.length !== size && value.length !== 2 * size) return EINVAL;
  const keys = [value.slice(0, size)];
  if (value.length === 2 * size) keys.push(value.slice(size));
  tcpFastopenOf(tp).keys = keys;
  return 0;
}
