/**
 * Segments that belong to no socket: resets, the ACKs of TIME-WAIT and of requests, SYN-ACKs.
 * tcp-ipv4, tcp-listen, tcp-minisocks → here → tcp-af.
 * Sources: net/ipv4/tcp_ipv4.c tcp_v4_send_reset(), tcp_v4_send_ack(); tcp_output.c tcp_make_synack(); RFC 9293 §3.5.2.
 */
import { Mib, mibAdd, skbPush, skbPut, type Net, type SkBuff } from '@netloom/kernel-core';
import { tcpAccecnReflect } from './tcp-accecn.js';
import { TcpSysctl } from './tcp-net.js';
import {
  TCP_HLEN,
  TCPHDR_ACK,
  TCPHDR_ECE,
  TCPHDR_FIN,
  TCPHDR_RST,
  TCPHDR_SYN,
  tcphAckSeq,
} from '@netloom/wire';
import type { ReplyFlow, TcpAfOps } from './tcp-af.js';
import { MAX_TCP_HEADER } from './tcp-const.js';
import type { FastopenOption } from './tcp-fastopen.js';
import type { TcpRequestSock } from './tcp-minisocks.js';
import {
  tcpSynOptionsSize,
  tcpSynOptionsWrite,
  tcpTimestampMs,
  type SynOptions,
} from './tcp-options.js';
import { cookieTimestamp } from './tcp-secret.js';
import type { TcpSock } from './tcp-sock.js';
import type { TcpTimewaitSock } from './tcp-timewait.js';
import { tcpSendCheck, tcpWriteHeader } from './tcp-transmit.js';

/** Sends a bare segment, with a timestamp option where `tsval` is not negative. */
function sendBare(
  af: TcpAfOps,
  net: Net,
  flow: ReplyFlow,
  seq: number,
  ack: number,
  flags: number,
  window: number,
  tsval: number,
  tsecr: number,
): void {
  const skb = net.kernel.pool.alloc(12, MAX_TCP_HEADER);
  if (skb === null) return;
  const m = skb.mem;
  if (tsval >= 0) {
    const p = skbPut(skb, 12);
    m.dv.setUint32(p, 0x0101080a);
    m.dv.setUint32(p + 4, tsval);
    m.dv.setUint32(p + 8, tsecr);
  }
  const headerSize = TCP_HLEN + skb.len;
  skbPush(skb, TCP_HLEN);
  tcpWriteHeader(m, skb, flow.sport, flow.dport, seq, ack, headerSize, flags, window);
  tcpSendCheck(m, skb, af.flowPseudo(flow, skb.len), false);
  mibAdd(net.mib, Mib.TcpOutSegs, 1);
  af.sendReply(net, skb, flow);
}

/**
 * Answers a segment with RST. The packet stays the caller's. `tp`: the socket that refused it, or null.
 * @kernel tcp_v4_send_reset(), tcp_v6_send_reset()
 */
export function tcpSendReset(af: TcpAfOps, net: Net, tp: TcpSock | null, skb: SkBuff): void {
  const m = skb.mem;
  if ((skb.cbFlags & TCPHDR_RST) !== 0) return; // never a reset for a reset
  const th = skb.transportHeader;
  if (tp === null && !af.isLocalDest(net, skb)) return;
  let seq = 0;
  let ack = 0;
  let flags = TCPHDR_RST;
  if ((skb.cbFlags & TCPHDR_ACK) !== 0) {
    seq = tcphAckSeq(m, th);
  } else {
    flags |= TCPHDR_ACK;
    const counted =
      ((skb.cbFlags & TCPHDR_SYN) !== 0 ? 1 : 0) + ((skb.cbFlags & TCPHDR_FIN) !== 0 ? 1 : 0);
    ack = (skb.cbSeq + skb.len + counted) >>> 0;
  }
  mibAdd(net.mib, Mib.TcpOutRsts, 1);
  sendBare(af, net, af.replyFlow(skb, tp), seq, ack, flags, 0, -1, 0);
}

/** Repeats a TIME-WAIT entry's last ACK. @kernel tcp_v4_timewait_ack() */
export function tcpTimewaitAck(tw: TcpTimewaitSock): void {
  const tsval =
    tw.tsRecentStamp !== 0 ? (tcpTimestampMs(tw.net.kernel.engine.now) + tw.tsOffset) >>> 0 : -1;
  sendBare(
    tw.af,
    tw.net,
    {
      saddr: tw.rcvSaddr,
      daddr: tw.daddr,
      v6: tw.v6Ends,
      sport: tw.sport,
      dport: tw.dport,
      oif: tw.boundDev,
      mark: tw.mark,
      tos: tw.tos,
      ttl: -1,
    },
    tw.sndNxt,
    tw.rcvNxt,
    TCPHDR_ACK,
    Math.min(tw.rcvWnd >>> tw.rcvWscale, 65535),
    tsval,
    tw.tsRecent,
  );
}

/** The way from a request to its peer. */
function requestFlow(req: TcpRequestSock): ReplyFlow {
  const { listener } = req;
  return {
    saddr: req.rcvSaddr,
    daddr: req.daddr,
    v6: req.v6Ends,
    sport: req.sport,
    dport: req.dport,
    oif: req.boundDev,
    mark: req.mark,
    tos:
      req.synTos >= 0
        ? req.synTos | (listener.tos & 3)
        : req.v6Ends === null
          ? listener.tos
          : (listener.v6?.tclass ?? 0),
    ttl: req.v6Ends === null ? listener.ttl : (listener.v6?.hopLimit ?? -1),
  };
}

/** Tells the sender of an unacceptable segment what a request expects. @kernel tcp_v4_reqsk_send_ack() */
export function tcpRequestAck(req: TcpRequestSock): void {
  const net = req.listener.net;
  const tsval = req.tstampOk ? (tcpTimestampMs(net.kernel.engine.now) + req.tsOffset) >>> 0 : -1;
  sendBare(
    req.af,
    net,
    { ...requestFlow(req), ttl: -1 },
    (req.sntIsn + 1) >>> 0,
    req.rcvNxt,
    TCPHDR_ACK,
    Math.min(req.rcvWnd, 65535) >>> req.rcvWscale,
    tsval,
    req.tsRecent,
  );
}

/** The bits that agree to ECN; AccECN gives up at the second repetition, in case they are why nothing comes back. */
function ecnFlags(req: TcpRequestSock, again: boolean): number {
  if (req.accecnOk) return again && req.numRetrans > 0 ? 0 : tcpAccecnReflect(req.synEctRcv);
  return req.ecnOk ? TCPHDR_ECE : 0;
}

/** Sends a request's SYN-ACK. `cookie`: nothing will be remembered; `fastopen`: its option; `again`: a repetition. 0 or a negative errno. @kernel tcp_v4_send_synack() */
export function tcpSendSynack(
  req: TcpRequestSock,
  cookie: boolean,
  fastopen: FastopenOption | null = null,
  again = false,
): number {
  const net = req.listener.net;
  const now = net.kernel.engine.now;
  let ts = tcpTimestampMs(now);
  if (cookie && req.tstampOk)
    ts = cookieTimestamp(ts >>> 0, req.wscaleOk, req.sndWscale, req.sackOk, req.ecnOk);
  const options: SynOptions = {
    mss: req.advmss,
    tstampOk: req.tstampOk,
    tsval: (ts + req.tsOffset) >>> 0,
    tsecr: req.tsRecent,
    sackOk: req.sackOk,
    wscaleOk: req.wscaleOk,
    wscale: req.rcvWscale,
    foCookie: fastopen === null ? null : fastopen.cookie,
    foExp: fastopen !== null && fastopen.exp,
    accecn: req.accecnOk && !again && req.listener.tn.sysctl(TcpSysctl.tcp_ecn_option) !== 0,
  };
  const size = tcpSynOptionsSize(options);
  const skb = net.kernel.pool.alloc(size, MAX_TCP_HEADER);
  if (skb === null) return -105;
  tcpSynOptionsWrite(skb.mem, skbPut(skb, size), options);
  skbPush(skb, TCP_HLEN);
  tcpWriteHeader(
    skb.mem,
    skb,
    req.sport,
    req.dport,
    req.sntIsn,
    req.rcvNxt,
    TCP_HLEN + size,
    TCPHDR_SYN | TCPHDR_ACK | ecnFlags(req, again),
    Math.min(req.rcvWnd, 65535),
  );
  const flow = requestFlow(req);
  tcpSendCheck(skb.mem, skb, req.af.flowPseudo(flow, skb.len), false);
  req.sntSynack = Math.max(1, now);
  mibAdd(net.mib, Mib.TcpOutSegs, 1);
  skb.mark = req.mark;
  return req.af.sendReply(net, skb, flow);
}
