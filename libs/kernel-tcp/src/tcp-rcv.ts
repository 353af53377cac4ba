/**
 * What happens to a received segment whatever protocol carried it: its header is checked, and it goes to the connection,
 * request, TIME-WAIT entry or listener that it is for.
 * tcp-ipv4, tcp-ipv6 → tcpRcvHeader, tcpRcvEntry → tcp-input. Sources: net/ipv4/tcp_ipv4.c, net/ipv6/tcp_ipv6.c.
 */
import {
  CHECKSUM_PARTIAL,
  CHECKSUM_UNNECESSARY,
  DropReason,
  Mib,
  mibAdd,
  PACKET_HOST,
  pskbMayPull,
  skbOrphan,
  skbPull,
  type Net,
  type SkBuff,
} from '@netloom/kernel-core';
import { IPPROTO_TCP } from '@netloom/sys';
import {
  csumPartial,
  csumPseudo4,
  csumPseudo6At,
  iphDaddr,
  iphSaddr,
  iphVersion,
  TCP_HLEN,
  TCPHDR_FIN,
  TCPHDR_SYN,
  tcphDoff,
  tcphFlags,
  tcphSeq,
} from '@netloom/wire';
import type { TcpAfOps } from './tcp-af.js';
import { tcpAfOf } from './tcp-af-of.js';
import {
  TCP_ESTABLISHED,
  TCP_LISTEN,
  TCP_NEW_SYN_RECV,
  TCP_SYN_RECV,
  TCP_TIME_WAIT,
} from './tcp-const.js';
import type { TcpEntry } from './tcp-hash.js';
import { tcpRcvEstablished, tcpRcvStateProcess } from './tcp-input.js';
import { tcpCookieCheck } from './tcp-listen.js';
import { reqskQueueDrop, tcpCheckReq, type TcpRequestSock } from './tcp-minisocks.js';
import { tcpNet, type TcpNet } from './tcp-net.js';
import { tcpHasSignature } from './tcp-options.js';
import { tcpSendReset, tcpTimewaitAck } from './tcp-reply.js';
import type { TcpSock } from './tcp-sock.js';
import {
  TCP_TW_ACK,
  TCP_TW_RST,
  TCP_TW_SYN,
  tcpTimewaitStateProcess,
  type TcpTimewaitSock,
} from './tcp-timewait.js';

/** A header with an MD5 signature (RFC 2385) has at least so many bytes. */
const MD5_LEAST_DOFF = 40;

/** Whether the checksum is right, or somebody vouches for it. */
function checksumOk(skb: SkBuff): boolean {
  if (skb.ipSummed === CHECKSUM_UNNECESSARY || skb.ipSummed === CHECKSUM_PARTIAL) return true;
  const m = skb.mem;
  const ip = skb.networkHeader;
  const pseudo =
    iphVersion(m, ip) === 4
      ? csumPseudo4(iphSaddr(m, ip), iphDaddr(m, ip), IPPROTO_TCP, skb.len)
      : csumPseudo6At(m, ip, IPPROTO_TCP, skb.len);
  return csumPartial(m, skb.data, skb.len, pseudo) === 0xffff;
}

/**
 * Checks a packet whose data starts at the TCP header, reads the header and steps over it. @returns the header's length,
 * or 0 where the packet was bad and has been consumed. @kernel tcp_v4_rcv(), tcp_v4_fill_cb()
 */
export function tcpRcvHeader(skb: SkBuff, net: Net): number {
  const kernel = net.kernel;
  const mib = net.mib;
  if (skb.pktType !== PACKET_HOST) {
    kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
    return 0;
  }
  mibAdd(mib, Mib.TcpInSegs, 1);
  const doff = pskbMayPull(skb, TCP_HLEN) ? tcphDoff(skb.mem, skb.data) : 0;
  if (doff < TCP_HLEN || !pskbMayPull(skb, doff)) {
    if (doff < TCP_HLEN && skb.len >= TCP_HLEN) mibAdd(mib, Mib.TcpInErrs, 1); // a cut header is no error of TCP's
    kernel.kfreeSkbReason(skb, DropReason.PKT_TOO_SMALL);
    return 0;
  }
  if (!checksumOk(skb)) {
    mibAdd(mib, Mib.TcpInCsumErrors, 1);
    mibAdd(mib, Mib.TcpInErrs, 1);
    kernel.kfreeSkbReason(skb, DropReason.TCP_CSUM);
    return 0;
  }
  skbOrphan(skb);
  const m = skb.mem;
  const th = skb.data;
  skb.transportHeader = th;
  skbPull(skb, doff);
  const flags = tcphFlags(m, th);
  skb.cbFlags = flags;
  skb.cbSacked = 0;
  skb.cbSeq = tcphSeq(m, th);
  skb.cbEndSeq =
    (skb.cbSeq +
      skb.len +
      ((flags & TCPHDR_SYN) !== 0 ? 1 : 0) +
      ((flags & TCPHDR_FIN) !== 0 ? 1 : 0)) >>>
    0;
  return doff;
}

/** Hands a segment on. `entry`: what the table of connections holds for it. Consumes it. */
export function tcpRcvEntry(
  af: TcpAfOps,
  net: Net,
  entry: TcpEntry | null,
  skb: SkBuff,
  doff: number,
): void {
  const tn = tcpNet(net);
  let listener: TcpSock | null;
  if (
    doff >= MD5_LEAST_DOFF &&
    entry?.state !== TCP_TIME_WAIT &&
    tcpHasSignature(skb.mem, skb.transportHeader, doff)
  ) {
    mibAdd(net.mib, Mib.TcpExtTCPMD5Unexpected, 1);
    net.kernel.kfreeSkbReason(skb, DropReason.TCP_MD5UNEXPECTED);
    return;
  }
  if (entry !== null) {
    if (entry.state === TCP_TIME_WAIT) {
      listener = rcvTimewait(tn, entry as TcpTimewaitSock, skb);
      if (listener === null) return;
    } else if (entry.state === TCP_NEW_SYN_RECV) {
      listener = rcvRequest(entry as TcpRequestSock, skb, doff);
      if (listener === null) return;
    } else {
      tcpDoRcv(entry as TcpSock, skb, doff);
      return;
    }
  } else {
    listener = af.lookupListener(tn, skb);
    if (listener !== null) listener.timewaitIsn = 0;
  }
  if (listener === null) {
    tcpSendReset(af, net, null, skb);
    net.kernel.kfreeSkbReason(skb, DropReason.NO_SOCKET);
    return;
  }
  tcpDoRcv(listener, skb, doff);
}

/** Gives a segment to its socket. Consumes it. @kernel tcp_v4_do_rcv(), tcp_v6_do_rcv() */
function tcpDoRcv(tp: TcpSock, skb: SkBuff, doff: number): void {
  tp.segsIn++;
  if (skb.len > 0) tp.dataSegsIn++;
  if (tp.state === TCP_ESTABLISHED) {
    tcpRcvEstablished(tp, skb, doff);
    return;
  }
  if (tp.state === TCP_LISTEN) {
    const child = tcpCookieCheck(tp, skb);
    if (child !== null) {
      childProcess(tp, child, skb, doff);
      return;
    }
  }
  if (tcpRcvStateProcess(tp, skb, doff)) resetAndDrop(tp, skb);
}

function resetAndDrop(tp: TcpSock, skb: SkBuff): void {
  tcpSendReset(tcpAfOf(skb), tp.net, tp, skb);
  tp.net.kernel.kfreeSkbReason(skb, tp.dropReason);
}

/** The third packet makes its child a connection, and the listener has something to accept. @kernel tcp_child_process() */
function childProcess(listener: TcpSock, child: TcpSock, skb: SkBuff, doff: number): void {
  const refused = tcpRcvStateProcess(child, skb, doff);
  if (child.state !== TCP_SYN_RECV && listener.dataReady !== null) listener.dataReady(listener);
  if (refused) resetAndDrop(child, skb);
}

/** @returns the listener where the segment is its business; null when it has been consumed. */
function rcvRequest(req: TcpRequestSock, skb: SkBuff, doff: number): TcpSock | null {
  const listener = req.listener;
  if (listener.state !== TCP_LISTEN) {
    reqskQueueDrop(req);
    tcpSendReset(req.af, listener.net, null, skb);
    listener.net.kernel.kfreeSkbReason(skb, DropReason.NO_SOCKET);
    return null;
  }
  const result = tcpCheckReq(req, skb);
  if (result === null) {
    listener.net.kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
    return null;
  }
  if (result === listener) {
    listener.timewaitIsn = 0;
    return listener;
  }
  result.synackTime = req.numRetrans === 0 ? req.sntSynack : 0;
  childProcess(listener, result, skb, doff);
  return null;
}

/** @returns a listener for a SYN that opens a new connection in place of this one; null when the packet was consumed. */
function rcvTimewait(tn: TcpNet, tw: TcpTimewaitSock, skb: SkBuff): TcpSock | null {
  tcpTimewaitStateProcess(tw, skb, tn.timewaitVerdict);
  const { action, isn } = tn.timewaitVerdict;
  if (action === TCP_TW_SYN) {
    const listener = tw.af.lookupListener(tn, skb);
    if (listener !== null) {
      tw.kill();
      listener.timewaitIsn = isn;
      return listener;
    }
  }
  if (action === TCP_TW_ACK || action === TCP_TW_SYN) {
    tcpTimewaitAck(tw);
  } else if (action === TCP_TW_RST) {
    tcpSendReset(tw.af, tw.net, null, skb);
    tw.kill();
  }
  tw.net.kernel.kfreeSkbReason(skb, DropReason.NOT_SPECIFIED);
  return null;
}
