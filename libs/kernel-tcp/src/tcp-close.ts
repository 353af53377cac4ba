/**
 * Ending a connection from this side: shutdown, close, disconnect, and orphans that end without a process.
 * TcpStreamSock.shutdown, release, connect(AF_UNSPEC) → here. Source: net/ipv4/tcp.c tcp_close(), tcp_disconnect();
 * RFC 9293 §3.6, RFC 2525 §2.17.
 */
import { Errno } from '@netloom/base';
import { Mib, mibAdd, RCV_SHUTDOWN, SEND_SHUTDOWN } from '@netloom/kernel-core';
import {
  SOCK_BINDPORT_LOCK,
  SS_UNCONNECTED,
  TCP_CLOSE,
  TCP_CLOSE_WAIT,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_LAST_ACK,
  TCP_LISTEN,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TCP_TIMEOUT_INIT_US,
  TCP_TIMEWAIT_LEN,
  TCPF_CLOSE_WAIT,
  TCPF_CLOSING,
  TCPF_ESTABLISHED,
  TCPF_FIN_WAIT1,
  TCPF_FIN_WAIT2,
  TCPF_LAST_ACK,
  TCPF_SYN_RECV,
} from './tcp-const.js';
import { tcpFastopenForget, tcpFastopenRemove } from './tcp-fastopen.js';
import { tcpForgetPeer } from './tcp-hash-connect.js';
import { tcpListenStop } from './tcp-listen.js';
import { tcpSendFin } from './tcp-output.js';
import { tcpInqueue } from './tcp-recvmsg.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpDestroySock, tcpPutPort, tcpSetState, tcpWriteQueuePurge } from './tcp-state.js';
import { tcpFinTime } from './tcp-timer.js';
import { tcpTimeWait } from './tcp-timewait.js';
import { tcpSendActiveReset } from './tcp-transmit.js';
import { tcpClearXmitTimers, tcpResetKeepalive } from './tcp-xmit-timer.js';

/** State after close() or shutdown(SEND), and whether a FIN goes out. @kernel tcp_close_state() */
const CLOSE_NEXT: Readonly<Record<number, readonly [number, boolean]>> = {
  [TCP_ESTABLISHED]: [TCP_FIN_WAIT1, true],
  [TCP_SYN_SENT]: [TCP_CLOSE, false],
  [TCP_SYN_RECV]: [TCP_FIN_WAIT1, true],
  [TCP_CLOSE_WAIT]: [TCP_LAST_ACK, true],
  [TCP_LISTEN]: [TCP_CLOSE, false],
};

/** Moves on for a FIN of ours. @returns whether one is to be sent. @kernel tcp_close_state() */
function closeState(tp: TcpSock): boolean {
  const next = CLOSE_NEXT[tp.state];
  if (next === undefined) return false;
  tcpSetState(tp, next[0]);
  return next[1];
}

/** Ends one or both directions. 0 or -ENOTCONN. @kernel inet_shutdown(), tcp_shutdown() */
export function tcpShutdown(tp: TcpSock, how: number): number {
  const state = tp.state;
  if (state === TCP_CLOSE) return -Errno.ENOTCONN;
  if (state === TCP_LISTEN || state === TCP_SYN_SENT) {
    if (state === TCP_LISTEN && (how & RCV_SHUTDOWN) === 0) return 0;
    const error = tcpDisconnect(tp);
    tp.socketState = SS_UNCONNECTED;
    if (tp.stateChange !== null) tp.stateChange(tp);
    return error;
  }
  tp.shutdownMask |= how;
  const open = TCPF_ESTABLISHED | TCPF_CLOSE_WAIT; // in SYN-RECV the FIN waits for the third packet
  if ((how & SEND_SHUTDOWN) !== 0 && ((1 << state) & open) !== 0 && closeState(tp)) tcpSendFin(tp);
  if (tp.stateChange !== null) tp.stateChange(tp);
  return 0;
}

/** The file is gone. @kernel tcp_close() */
export function tcpClose(tp: TcpSock): void {
  tp.shutdownMask = RCV_SHUTDOWN | SEND_SHUTDOWN;
  if (tp.state === TCP_LISTEN) {
    tcpSetState(tp, TCP_CLOSE);
    tcpListenStop(tp);
  } else {
    closeConnection(tp);
  }
  orphan(tp);
  if (tp.state === TCP_FIN_WAIT2) orphanFinWait2(tp);
  if (tp.state === TCP_CLOSE) tcpDestroySock(tp);
}

function closeConnection(tp: TcpSock): void {
  const unread = tcpInqueue(tp) > 0;
  tp.receiveQueue.purge();
  if (tp.state === TCP_CLOSE) return;
  if (unread) {
    // Data that nobody will read: tell the sender (RFC 2525 §2.17).
    mibAdd(tp.net.mib, Mib.TcpExtTCPAbortOnClose, 1);
    tcpSendActiveReset(tp);
    tcpSetState(tp, TCP_CLOSE);
  } else if (tp.linger && tp.lingerTime === 0) {
    mibAdd(tp.net.mib, Mib.TcpExtTCPAbortOnData, 1);
    tcpDisconnect(tp);
  } else if (closeState(tp)) {
    tcpSendFin(tp);
  }
}

function orphan(tp: TcpSock): void {
  if (tp.dead) return;
  tp.dead = true;
  tp.dataReady = null;
  tp.writeSpace = null;
  tp.stateChange = null;
  tp.tn.orphans++;
}

function orphanFinWait2(tp: TcpSock): void {
  if (tp.linger2 < 0) {
    tcpSendActiveReset(tp);
    mibAdd(tp.net.mib, Mib.TcpExtTCPAbortOnLinger, 1);
    tcpSetState(tp, TCP_CLOSE);
    return;
  }
  const timeout = tcpFinTime(tp);
  if (timeout > TCP_TIMEWAIT_LEN) tcpResetKeepalive(tp, timeout - TCP_TIMEWAIT_LEN);
  else tcpTimeWait(tp, TCP_FIN_WAIT2, timeout);
}

/** Gives the connection up at once. 0. @kernel tcp_disconnect() */
export function tcpDisconnect(tp: TcpSock): number {
  const old = tp.state;
  const unsent = tp.sndNxt !== tp.writeSeq;
  const bit = 1 << old;
  const needsReset =
    (bit &
      (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT | TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2 | TCPF_SYN_RECV)) !==
    0;
  if (needsReset || (unsent && (bit & (TCPF_CLOSING | TCPF_LAST_ACK)) !== 0)) {
    tcpSendActiveReset(tp);
    tp.err = Errno.ECONNRESET;
  } else if (old === TCP_SYN_SENT) {
    tp.err = Errno.ECONNRESET;
  }
  if (old !== TCP_CLOSE) tcpSetState(tp, TCP_CLOSE);
  if (old === TCP_LISTEN) tcpListenStop(tp);
  tcpClearXmitTimers(tp);
  tp.receiveQueue.purge();
  tp.ofoQueue.purge();
  tcpWriteQueuePurge(tp);
  if (tp.tfo !== null) {
    tcpFastopenRemove(tp, false);
    tcpFastopenForget(tp.tfo);
  }
  tcpForgetPeer(tp);
  if ((tp.userlocks & SOCK_BINDPORT_LOCK) === 0 && tp.bindBucket !== null) tcpPutPort(tp);
  tp.shutdownMask = 0;
  tp.done = false;
  tp.windowClamp = 0;
  tp.srttUs = 0;
  tp.mdevUs = tp.rtoUs = TCP_TIMEOUT_INIT_US;
  tp.writeSeq = (tp.writeSeq + tp.maxWindow + 2) >>> 0;
  tp.copiedSeq = tp.rcvNxt;
  tp.probesOut = 0;
  tp.predictable = false;
  tp.ackAto = 0;
  tp.numSacks = 0;
  tp.caInitialized = false;
  tp.caState = 0;
  return 0;
}
