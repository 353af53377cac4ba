/**
 * Explicit congestion notification: agreed in the handshake, sent as ECT(0) on data, echoed by ECE until CWR answers.
 *
 *   sender   data with ECT(0) ──▶ router marks CE ──▶ receiver notes it (DEMAND_CWR)
 *            reduces, queues CWR ◀── every ACK with ECE ──┘        CWR on data ──▶ ECE stops
 *
 * tcp-connect, tcp-listen, tcp-open agree; tcp-transmit marks; tcp-data and tcp-ack react.
 * Sources: RFC 3168 §6.1, net/ipv4/tcp_input.c, tcp_output.c (the tcp_ecn_… functions). Accurate ECN: tcp-accecn.ts.
 */
import { seqBefore } from '@netloom/base';
import {
  TcpAccecn,
  tcpAccecnRcvSyn,
  tcpAccecnRcvSynack,
  tcpAccecnWanted,
  tcpSetEcnMark,
  TCPHDR_ACE,
} from './tcp-accecn.js';
import type { Dst, SkBuff } from '@netloom/kernel-core';
import { ip6hTclass, iphTos, iphVersion, TCPHDR_CWR, TCPHDR_ECE, TCPHDR_SYN } from '@netloom/wire';
import { CA_EVENT_ECN_IS_CE, CA_EVENT_ECN_NO_CE } from './tcp-cong-ops.js';
import { tcpCaEvent } from './tcp-cong.js';
import { ICSK_ACK_NOW } from './tcp-const.js';
import { dstMetric, RTAX_FEATURE_ECN } from './tcp-dst.js';
import { TcpSysctl } from './tcp-net.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpEnterQuickackMode } from './tcp-transmit.js';

/** `tp.ecnFlags`. */
export const TCP_ECN_OK = 1;
export const TCP_ECN_QUEUE_CWR = 2;
export const TCP_ECN_DEMAND_CWR = 4;
export const TCP_ECN_SEEN = 8;

export const INET_ECN_MASK = 3;
const INET_ECN_NOT_ECT = 0;
const INET_ECN_ECT_0 = 2;
const INET_ECN_CE = 3;

/** Data after one of these marks is acknowledged at once. */
const ECN_QUICKACKS = 2;

/** The two bits of the IP header in which a received segment came. */
export function tcpSkbEcn(skb: SkBuff): number {
  return tcpSkbDsfield(skb) & INET_ECN_MASK;
}

/** TOS or traffic class of a received segment. */
export function tcpSkbDsfield(skb: SkBuff): number {
  const m = skb.mem;
  const ip = skb.networkHeader;
  return iphVersion(m, ip) === 4 ? iphTos(m, ip) : ip6hTclass(m, ip);
}

/** `ip route … features ecn`. */
export function dstFeatureEcn(dst: Dst | null): boolean {
  return (dstMetric(dst, 'features') & RTAX_FEATURE_ECN) !== 0;
}

function ecnXmit(tp: TcpSock): void {
  tcpSetEcnMark(tp, INET_ECN_ECT_0);
}

function ecnDontXmit(tp: TcpSock): void {
  tcpSetEcnMark(tp, INET_ECN_NOT_ECT);
}

/** An algorithm that lives on marks has all its packets sent as ECT. @kernel tcp_assign_congestion_control() */
export function tcpEcnForCongestion(tp: TcpSock): void {
  if (tp.caOps.needsEcn === true) ecnXmit(tp);
  else ecnDontXmit(tp);
}

// ---- handshake ----

/** Values of tcp_ecn that ask for classic ECN. */
const ECN_IN_OUT = 1;
const ECN_IN_ACCECN_OUT = 4;

/** The flags that our SYN adds. @kernel tcp_ecn_send_syn() */
export function tcpEcnSendSyn(tp: TcpSock): number {
  const sysctl = tp.tn.sysctl(TcpSysctl.tcp_ecn);
  tp.ecnFlags = 0;
  tp.accecn = null;
  const accurate = tcpAccecnWanted(tp);
  const classic = sysctl === ECN_IN_OUT || sysctl === ECN_IN_ACCECN_OUT;
  if (!accurate && !classic && tp.caOps.needsEcn !== true && !dstFeatureEcn(tp.dst)) return 0;
  if (tp.caOps.needsEcn === true) ecnXmit(tp);
  if (accurate) {
    tp.accecn = new TcpAccecn();
    tp.accecn.synEctSnt = tp.tos & INET_ECN_MASK;
    return TCPHDR_ACE;
  }
  tp.ecnFlags = TCP_ECN_OK;
  return TCPHDR_ECE | TCPHDR_CWR;
}

/** A SYN that went unanswered is repeated without ECN: a middlebox may have dropped it. @kernel tcp_ecn_clear_syn() */
export function tcpEcnClearSyn(tp: TcpSock, skb: SkBuff): void {
  // Accurate ECN is worth a second try.
  if (tp.accecn !== null && tp.accecn.pending && tp.retransmits < 2) return;
  if (tp.tn.sysctl(TcpSysctl.tcp_ecn_fallback) !== 0) skb.cbFlags &= ~TCPHDR_ACE;
}

/** @kernel tcp_ecn_rcv_synack() */
export function tcpEcnRcvSynack(tp: TcpSock, skb: SkBuff): void {
  const flags = skb.cbFlags;
  if (tp.accecn !== null) {
    const mode = tcpAccecnRcvSynack(tp, tp.accecn, skb, tcpSkbEcn(skb));
    if (mode !== 2) tp.accecn = null;
    if (mode === 1) tp.ecnFlags |= TCP_ECN_OK;
    return;
  }
  if ((flags & TCPHDR_ECE) === 0 || (flags & TCPHDR_CWR) !== 0) tp.ecnFlags &= ~TCP_ECN_OK;
}

/** In a simultaneous open. @kernel tcp_ecn_rcv_syn() */
export function tcpEcnRcvSyn(tp: TcpSock, skb: SkBuff): void {
  const flags = skb.cbFlags;
  if (tp.accecn !== null) {
    if (tcpAccecnRcvSyn(tp.accecn, skb, tcpSkbEcn(skb))) return;
    tp.accecn = null;
    tp.ecnFlags |= TCP_ECN_OK;
  }
  const both = TCPHDR_ECE | TCPHDR_CWR;
  if ((flags & both) !== both) tp.ecnFlags &= ~TCP_ECN_OK;
}

/** Whether a listener agrees to the ECN of a SYN. @kernel tcp_ecn_create_request() */
export function tcpEcnAccept(listener: TcpSock, skb: SkBuff, dst: Dst): boolean {
  const both = TCPHDR_ECE | TCPHDR_CWR;
  if ((skb.cbFlags & both) !== both) return false;
  if (listener.caOps.needsEcn === true) return true;
  // RFC 3168 §6.1.1: a SYN is never sent as ECT; one that is comes from something that does not know ECN.
  if (tcpSkbEcn(skb) !== INET_ECN_NOT_ECT) return false;
  return tcpEcnAllowed(listener, dst);
}

/** @kernel cookie_ecn_ok() */
export function tcpEcnAllowed(listener: TcpSock, dst: Dst): boolean {
  return listener.tn.sysctl(TcpSysctl.tcp_ecn) !== 0 || dstFeatureEcn(dst);
}

// ---- sending ----

/**
 * Marks a segment of an ECN connection as ECT where it is new data. @returns the flags to add. @kernel tcp_ecn_send()
 */
export function tcpEcnSend(tp: TcpSock, skb: SkBuff, payload: number): number {
  let flags = 0;
  if (payload > 0 && !seqBefore(skb.cbSeq, tp.sndNxt)) {
    ecnXmit(tp);
    if ((tp.ecnFlags & TCP_ECN_QUEUE_CWR) !== 0) {
      tp.ecnFlags &= ~TCP_ECN_QUEUE_CWR;
      flags = TCPHDR_CWR;
    }
  } else if (tp.caOps.needsEcn !== true) {
    ecnDontXmit(tp); // pure ACKs and retransmissions (RFC 3168 §6.1.4, §6.1.5)
  }
  return (tp.ecnFlags & TCP_ECN_DEMAND_CWR) !== 0 ? flags | TCPHDR_ECE : flags;
}

// ---- receiving ----

/** The sender says that it has reduced. @kernel tcp_ecn_accept_cwr() */
export function tcpEcnAcceptCwr(tp: TcpSock, skb: SkBuff): void {
  if ((skb.cbFlags & TCPHDR_CWR) === 0) return;
  tp.ecnFlags &= ~TCP_ECN_DEMAND_CWR;
  // One that waits for this ACK must hear at once that the echo has ended.
  if (skb.cbSeq !== skb.cbEndSeq) tp.ackPending |= ICSK_ACK_NOW;
}

/** Data arrived: notes how the path marked it. @kernel tcp_data_ecn_check() */
export function tcpDataEcnCheck(tp: TcpSock, skb: SkBuff): void {
  switch (tcpSkbEcn(skb)) {
    case INET_ECN_NOT_ECT:
      // Expected ECT: probably a retransmission, whose sender waits for the ACK.
      if ((tp.ecnFlags & TCP_ECN_SEEN) !== 0) tcpEnterQuickackMode(tp, ECN_QUICKACKS);
      return;
    case INET_ECN_CE:
      if (tp.caOps.needsEcn === true) tcpCaEvent(tp, CA_EVENT_ECN_IS_CE);
      if ((tp.ecnFlags & TCP_ECN_DEMAND_CWR) === 0) {
        tcpEnterQuickackMode(tp, ECN_QUICKACKS);
        tp.ecnFlags |= TCP_ECN_DEMAND_CWR;
      }
      break;
    default:
      if (tp.caOps.needsEcn === true) tcpCaEvent(tp, CA_EVENT_ECN_NO_CE);
  }
  tp.ecnFlags |= TCP_ECN_SEEN;
}

/** The receiver echoes a mark. @kernel tcp_ecn_rcv_ecn_echo() */
export function tcpEcnEcho(tp: TcpSock, skb: SkBuff): boolean {
  return (
    (tp.ecnFlags & TCP_ECN_OK) !== 0 && (skb.cbFlags & (TCPHDR_ECE | TCPHDR_SYN)) === TCPHDR_ECE
  );
}

/** Tells the receiver with the next data that the window was reduced. */
export function tcpEcnQueueCwr(tp: TcpSock): void {
  if ((tp.ecnFlags & TCP_ECN_OK) !== 0) tp.ecnFlags |= TCP_ECN_QUEUE_CWR;
}

export function tcpEcnWithdrawCwr(tp: TcpSock): void {
  tp.ecnFlags &= ~TCP_ECN_QUEUE_CWR;
}
