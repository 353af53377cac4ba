/**
 * The one door through which a TCP socket changes its state, and the end of its life.
 *
 * tcpSetState checks the edge, keeps the counters and tells the tracepoint; tcpDone ends a connection whatever the reason.
 * Sources: net/ipv4/tcp.c tcp_set_state(), tcp_done(), RFC 9293 figure 5.
 */
import { invariant } from '@netloom/base';
import { Mib, mibAdd, RCV_SHUTDOWN, SEND_SHUTDOWN, type SkBuff } from '@netloom/kernel-core';
import {
  SOCK_BINDPORT_LOCK,
  TCP_CA_OPEN,
  TCP_CLOSE,
  TCP_CLOSE_WAIT,
  TCP_ESTABLISHED,
  TCP_LISTEN,
  TCP_STATE_NAMES,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TCPF_CLOSE,
  TCPF_CLOSE_WAIT,
  TCPF_CLOSING,
  TCPF_ESTABLISHED,
  TCPF_FIN_WAIT1,
  TCPF_FIN_WAIT2,
  TCPF_LAST_ACK,
  TCPF_LISTEN,
  TCPF_SYN_RECV,
  TCPF_SYN_SENT,
} from './tcp-const.js';
import { CHRONO_BUSY, tcpChronoStop } from './tcp-chrono.js';
import { tcpFastopenDisableOfoCheck } from './tcp-fastopen-client.js';
import { tcpFastopenRemove } from './tcp-fastopen.js';
import type { TcpSock } from './tcp-sock.js';
import { tcpTxMarksPurge } from './tcp-tx-marks.js';
import { tcpClearXmitTimers } from './tcp-xmit-timer.js';

/** State to the states that may follow it. TIME-WAIT is an entry of its own (tcp-minisocks.ts), not a state of a sock. */
const EDGES: readonly number[] = [
  0,
  TCPF_FIN_WAIT1 | TCPF_CLOSE_WAIT | TCPF_CLOSE, // ESTABLISHED
  TCPF_ESTABLISHED | TCPF_SYN_RECV | TCPF_CLOSE, // SYN_SENT
  TCPF_ESTABLISHED | TCPF_FIN_WAIT1 | TCPF_CLOSE_WAIT | TCPF_CLOSE, // SYN_RECV
  TCPF_FIN_WAIT2 | TCPF_CLOSING | TCPF_CLOSE, // FIN_WAIT1
  TCPF_CLOSE, // FIN_WAIT2
  0, // TIME_WAIT
  TCPF_SYN_SENT | TCPF_SYN_RECV | TCPF_LISTEN, // CLOSE
  TCPF_LAST_ACK | TCPF_CLOSE, // CLOSE_WAIT
  TCPF_CLOSE, // LAST_ACK
  TCPF_CLOSE, // LISTEN
  TCPF_CLOSE, // CLOSING
];

/** Moves a socket to another state. @kernel net/ipv4/tcp.c tcp_set_state() */
export function tcpSetState(tp: TcpSock, state: number): void {
  const old = tp.state;
  if (old === state) return;
  invariant(
    ((EDGES[old] as number) & (1 << state)) !== 0,
    `TCP ${TCP_STATE_NAMES[old] ?? old} → ${TCP_STATE_NAMES[state] ?? state} on ${tp.net.kernel.hostname} at ${tp.now}`,
  );
  const mib = tp.net.mib;
  const trace = tp.net.kernel.trace;
  if (trace.inetSockSetState !== null) trace.inetSockSetState(tp, old, state);
  const wasCounted = old === TCP_ESTABLISHED || old === TCP_CLOSE_WAIT;
  if (state === TCP_ESTABLISHED || (state === TCP_CLOSE_WAIT && old === TCP_SYN_RECV)) {
    mibAdd(mib, Mib.TcpCurrEstab, 1);
  } else if (state === TCP_CLOSE) {
    if (wasCounted) mibAdd(mib, Mib.TcpEstabResets, 1);
    tcpUnhash(tp);
    if (tp.bindBucket !== null && (tp.userlocks & SOCK_BINDPORT_LOCK) === 0) tcpPutPort(tp);
    if (wasCounted) mibAdd(mib, Mib.TcpCurrEstab, -1);
  } else if (wasCounted && state !== TCP_CLOSE_WAIT) {
    mibAdd(mib, Mib.TcpCurrEstab, -1);
  }
  tp.state = state;
}

/** Takes a socket out of the tables of connections or listeners. */
export function tcpUnhash(tp: TcpSock): void {
  if (tp.state === TCP_LISTEN) tp.tn.hash.removeListener(tp);
  else tp.tn.hash.remove(tp);
}

/** Gives up the local port. @kernel inet_put_port() */
export function tcpPutPort(tp: TcpSock): void {
  if (tp.bindBucket === null) return;
  tp.tn.hash.unbind(tp.bindBucket, tp);
  tp.bindBucket = null;
  tp.sport = 0;
}

/** Ends a connection: CLOSE, no timers, both directions shut, owner told or sock destroyed. @kernel tcp_done() */
export function tcpDone(tp: TcpSock): void {
  if (tp.state === TCP_SYN_SENT || tp.state === TCP_SYN_RECV)
    mibAdd(tp.net.mib, Mib.TcpAttemptFails, 1);
  if (tp.tfo !== null) {
    tcpFastopenRemove(tp, false);
    tcpFastopenDisableOfoCheck(tp);
  }
  tcpSetState(tp, TCP_CLOSE);
  tcpClearXmitTimers(tp);
  tp.shutdownMask = RCV_SHUTDOWN | SEND_SHUTDOWN;
  if (!tp.dead) {
    if (tp.stateChange !== null) tp.stateChange(tp);
  } else {
    tcpDestroySock(tp);
  }
}

/** Tells the owner of an error that has been set. @kernel sk_error_report() */
export function tcpErrorReport(tp: TcpSock): void {
  if (tp.stateChange !== null) tp.stateChange(tp);
}

/** Frees what a closed sock without an owner holds. @kernel inet_csk_destroy_sock(), tcp_v4_destroy_sock() */
export function tcpDestroySock(tp: TcpSock): void {
  if (tp.destroyed) return;
  invariant(tp.state === TCP_CLOSE, 'a TCP socket is destroyed before it is closed');
  tp.destroyed = true;
  tcpClearXmitTimers(tp);
  if (tp.tfo !== null) tcpFastopenRemove(tp, false);
  tp.caOps.release?.(tp);
  tcpWriteQueuePurge(tp);
  tp.receiveQueue.purge();
  tp.ofoQueue.purge();
  if (tp.bindBucket !== null) tcpPutPort(tp);
  tp.dst = null;
  tp.tn.orphans--;
}

/** Takes a segment off the retransmit queue's second list. */
export function tsortedUnlink(tp: TcpSock, skb: SkBuff): void {
  if (skb.cbOptLen === 0) return;
  skb.cbOptLen = 0;
  tp.tsorted.unlink(skb);
}

/** Forgets everything sent and to be sent. @kernel tcp_write_queue_purge() */
export function tcpWriteQueuePurge(tp: TcpSock): void {
  const pool = tp.net.kernel.pool;
  for (let skb = tp.writeQueue.shift(); skb !== null; skb = tp.writeQueue.shift())
    pool.release(skb);
  for (let skb = tp.rtxQueue.shift(); skb !== null; skb = tp.rtxQueue.shift()) {
    tsortedUnlink(tp, skb);
    pool.release(skb);
  }
  tcpChronoStop(tp, CHRONO_BUSY);
  if (tp.txMarks !== null) tcpTxMarksPurge(tp);
  tp.wmemQueued = 0;
  tp.retransmitHint = null;
  tp.sackCacheLen = 0;
  tp.packetsOut = 0;
  tp.retransOut = 0;
  tp.lostOut = 0;
  tp.sackedOut = 0;
  tp.backoff = 0;
  tp.caState = tp.state === TCP_CLOSE ? TCP_CA_OPEN : tp.caState;
}

/** The pending error as a negative errno; it is reported once. @kernel sock_error() */
export function tcpTakeError(tp: TcpSock): number {
  const { err } = tp;
  tp.err = 0;
  return -err;
}
