/**
 * Whether a segment is acceptable: PAWS, sequence numbers, RST and SYN by the rules of RFC 5961.
 * tcp-input → tcpValidateIncoming. Sources: net/ipv4/tcp_input.c tcp_validate_incoming(), RFC 9293 §3.10.7.4, RFC 7323 §5.
 */
import { seqAfter, seqBefore } from '@netloom/base';
import { tcpAccecnSpuriousRetrans, tcpAccecnSynAgain } from './tcp-accecn.js';
import { tcpSkbEcn } from './tcp-ecn.js';
import { DropReason, Mib, mibAdd, type SkBuff } from '@netloom/kernel-core';
import {
  TCPHDR_ACK,
  TCPHDR_FIN,
  TCPHDR_RST,
  TCPHDR_SYN,
  tcphAckSeq,
  tcphWindow,
} from '@netloom/wire';
import {
  NSEC_PER_SEC,
  TCP_CLOSE_WAIT,
  TCP_CLOSING,
  TCP_LAST_ACK,
  TCP_PAWS_WINDOW,
  TCP_SYN_RECV,
} from './tcp-const.js';
import { tcpReset } from './tcp-data.js';
import { tcpReportDuplicate } from './tcp-ofo.js';
import { tcpFastParseOptions, tcpPawsCheck } from './tcp-options.js';
import type { TcpSock } from './tcp-sock.js';
import {
  tcpEnterQuickackMode,
  tcpOowRateLimited,
  tcpSendAck,
  tcpSendChallengeAck,
} from './tcp-transmit.js';
import { tcpReceiveWindow } from './tcp-window.js';

function nowSeconds(tp: TcpSock): number {
  return Math.floor(tp.now / NSEC_PER_SEC);
}

/** Drops a segment that its socket refuses. */
export function tcpDiscard(tp: TcpSock, skb: SkBuff, reason: number): void {
  tp.drops++;
  tp.net.kernel.kfreeSkbReason(skb, reason);
}

/** A segment to answer with an ACK and nothing else; reports data that came twice. @kernel tcp_send_dupack() */
function sendDupack(tp: TcpSock, skb: SkBuff): void {
  if (skb.cbEndSeq !== skb.cbSeq && seqBefore(skb.cbSeq, tp.rcvNxt)) {
    mibAdd(tp.net.mib, Mib.TcpExtDelayedACKLost, 1);
    if (tp.accecn !== null) tcpAccecnSpuriousRetrans(tp, tp.accecn, skb.cbSeq);
    tcpEnterQuickackMode(tp);
    const end = seqAfter(skb.cbEndSeq, tp.rcvNxt) ? tp.rcvNxt : skb.cbEndSeq;
    tcpReportDuplicate(tp, skb.cbSeq, end);
  }
  tcpSendAck(tp);
}

/** An old timestamp on what is only a pure ACK that overtook others. @kernel tcp_disordered_ack() */
function disorderedAck(tp: TcpSock, skb: SkBuff): boolean {
  const m = skb.mem;
  const th = skb.transportHeader;
  const ack = tcphAckSeq(m, th);
  const rx = tp.rxOpt;
  if (
    (skb.cbFlags & TCPHDR_ACK) === 0 ||
    skb.cbSeq !== skb.cbEndSeq ||
    skb.cbSeq !== tp.rcvNxt ||
    ack !== tp.sndUna
  )
    return false;
  const window = tcphWindow(m, th) * (1 << rx.sndWscale);
  if (
    seqAfter(ack, tp.sndUna) ||
    seqAfter(skb.cbSeq, tp.sndWl1) ||
    (skb.cbSeq === tp.sndWl1 && window > tp.sndWnd)
  )
    return false;
  return ((rx.tsRecent - rx.rcvTsval) | 0) <= Math.floor(tp.rtoUs / 1000); // within a timeout, in timestamp ticks
}

/** @returns 0, or the reason why the sequence numbers are not acceptable. @kernel tcp_sequence() */
function checkSequence(tp: TcpSock, seq: number, end: number, fin: boolean): number {
  if (seqBefore(end, tp.rcvWup)) return DropReason.TCP_OLD_SEQUENCE;
  const limit = (tp.rcvNxt + tcpReceiveWindow(tp)) >>> 0;
  if (!seqAfter(end, limit) || (fin && !seqAfter((end - 1) >>> 0, limit))) return 0;
  if (seqAfter(seq, limit)) return DropReason.TCP_INVALID_SEQUENCE;
  // A segment that begins in the window may end beyond it only while nothing waits to be read.
  return tp.receiveQueue.head !== null ? DropReason.TCP_INVALID_END_SEQUENCE : 0;
}

/** A RST one behind, as some stacks send it after a FIN. @kernel tcp_reset_check() */
function resetCheck(tp: TcpSock, skb: SkBuff): boolean {
  return (
    skb.cbSeq === (tp.rcvNxt - 1) >>> 0 &&
    (tp.state === TCP_CLOSE_WAIT || tp.state === TCP_LAST_ACK || tp.state === TCP_CLOSING)
  );
}

/** RFC 5961 §3: only an exact RST is believed, or one at the end of what was sacked. */
function resetIsExact(tp: TcpSock, skb: SkBuff): boolean {
  if (skb.cbSeq === tp.rcvNxt || resetCheck(tp, skb)) return true;
  let highest = -1;
  for (let i = 0; i < tp.numSacks; i++) {
    const end = tp.sackEnd[i] as number;
    if (highest < 0 || seqAfter(end, highest)) highest = end;
  }
  return skb.cbSeq === highest;
}

/** PAWS, sequence, RST, SYN. @returns false when the segment was consumed. @kernel tcp_validate_incoming() */
export function tcpValidateIncoming(
  tp: TcpSock,
  skb: SkBuff,
  doff: number,
  synIsError: boolean,
): boolean {
  const mib = tp.net.mib;
  const flags = skb.cbFlags;
  const rst = (flags & TCPHDR_RST) !== 0;
  tcpFastParseOptions(tp, skb.mem, skb.transportHeader, doff);
  if (
    tp.rxOpt.sawTstamp &&
    !rst &&
    !tcpPawsCheck(tp.rxOpt, TCP_PAWS_WINDOW, nowSeconds(tp)) &&
    !disorderedAck(tp, skb)
  ) {
    mibAdd(mib, Mib.TcpExtPAWSEstab, 1);
    if (!tcpOowRateLimited(tp, skb, Mib.TcpExtTCPACKSkippedPAWS)) sendDupack(tp, skb);
    tcpDiscard(tp, skb, DropReason.TCP_RFC7323_PAWS);
    return false;
  }
  const bad = checkSequence(tp, skb.cbSeq, skb.cbEndSeq, (flags & TCPHDR_FIN) !== 0);
  if (bad !== 0) {
    if (bad !== DropReason.TCP_OLD_SEQUENCE) mibAdd(mib, Mib.TcpExtBeyondWindow, 1);
    if (rst) {
      if (resetCheck(tp, skb)) {
        tcpReset(tp);
        tcpDiscard(tp, skb, DropReason.TCP_RESET);
        return false;
      }
    } else if ((flags & TCPHDR_SYN) !== 0) {
      synChallenge(tp, skb, synIsError);
    } else if (!tcpOowRateLimited(tp, skb, Mib.TcpExtTCPACKSkippedSeq)) {
      sendDupack(tp, skb);
    }
    tcpDiscard(tp, skb, bad);
    return false;
  }
  if (rst) {
    if (resetIsExact(tp, skb)) tcpReset(tp);
    else tcpSendChallengeAck(tp);
    tcpDiscard(tp, skb, DropReason.TCP_RESET);
    return false;
  }
  if ((flags & TCPHDR_SYN) !== 0) {
    // The answer in a simultaneous open may carry SYN again.
    if (
      tp.state === TCP_SYN_RECV &&
      (flags & TCPHDR_ACK) !== 0 &&
      (skb.cbSeq + 1) >>> 0 === skb.cbEndSeq &&
      skb.cbEndSeq === tp.rcvNxt &&
      tcphAckSeq(skb.mem, skb.transportHeader) === tp.sndNxt
    ) {
      return true;
    }
    synChallenge(tp, skb, synIsError);
    tcpDiscard(tp, skb, DropReason.TCP_INVALID_SYN);
    return false;
  }
  return true;
}

function synChallenge(tp: TcpSock, skb: SkBuff, isError: boolean): void {
  if (isError) mibAdd(tp.net.mib, Mib.TcpInErrs, 1);
  mibAdd(tp.net.mib, Mib.TcpExtTCPSYNChallenge, 1);
  tcpSendChallengeAck(
    tp,
    tp.accecn === null ? 0 : tcpAccecnSynAgain(tp, tp.accecn, skb, tcpSkbEcn(skb)),
  );
}
