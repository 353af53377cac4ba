/**
 * Congestion control: the algorithms there are, how a socket gets one, and the pieces that algorithms share.
 * Source: net/ipv4/tcp_cong.c, RFC 5681.
 */
import { Errno } from '@netloom/base';
import { bbr } from './tcp-bbr.js';
import { cubic } from './tcp-cubic.js';
import { dctcp } from './tcp-dctcp.js';
import { dstCongctl } from './tcp-dst.js';
import { tcpEcnForCongestion } from './tcp-ecn.js';
import { CA_EVENT_TX_START, type TcpCongestionOps } from './tcp-cong-ops.js';
import { TCP_CA_RECOVERY, TCP_CLOSE, TCP_INFINITE_SSTHRESH, TCP_LISTEN } from './tcp-const.js';
import { reno } from './tcp-reno.js';
import type { TcpSock } from './tcp-sock.js';

/** The algorithms, in the order in which tcp_available_congestion_control lists them. */
export class TcpCongestionTable {
  private readonly list: TcpCongestionOps[] = [reno, bbr, cubic];
  /** Modules: there once somebody asks for them by name. */
  private readonly modules: readonly TcpCongestionOps[] = [dctcp];

  add(ops: TcpCongestionOps): void {
    this.list.push(ops);
  }

  find(name: string): TcpCongestionOps | undefined {
    const known = this.list.find((ops) => ops.name === name);
    if (known !== undefined) return known;
    const module = this.modules.find((ops) => ops.name === name);
    if (module !== undefined) this.list.push(module);
    return module;
  }

  get names(): readonly string[] {
    return this.list.map((ops) => ops.name);
  }
}

/** Starts the algorithm of a connection. @kernel tcp_init_congestion_control() */
export function tcpInitCongestionControl(tp: TcpSock): void {
  tp.priorSsthresh = 0;
  tcpEcnForCongestion(tp);
  tp.caOps.init?.(tp);
  tp.caInitialized = true;
}

/** A route may name the algorithm (`ip route … congctl NAME`). @kernel tcp_ca_dst_init(), tcp_ca_openreq_child() */
export function tcpCaByRoute(tp: TcpSock): void {
  const name = dstCongctl(tp.dst);
  if (name === undefined) return;
  const ops = tp.tn.congestion.find(name);
  if (ops === undefined || ops === tp.caOps) return;
  tp.caOps = ops;
  tp.ca = ops.newState?.() ?? null;
}

/** Changes a socket's algorithm. 0 or a negative errno. @kernel tcp_set_congestion_control() */
export function tcpSetCongestionControl(tp: TcpSock, ops: TcpCongestionOps | undefined): number {
  if (ops === undefined) return -Errno.ENOENT;
  if (ops === tp.caOps) return 0;
  if (tp.caInitialized) tp.caOps.release?.(tp);
  tp.caInitialized = false;
  tp.caOps = ops;
  tp.ca = ops.newState?.() ?? null;
  tcpEcnForCongestion(tp);
  if (tp.state !== TCP_CLOSE && tp.state !== TCP_LISTEN) tcpInitCongestionControl(tp);
  return 0;
}

export function tcpCaEvent(tp: TcpSock, event: number): void {
  const ops = tp.caOps;
  if (ops.cwndEvent !== undefined) ops.cwndEvent(tp, event);
}

/** New data leaves an idle connection. */
export function tcpCaTxStart(tp: TcpSock): void {
  tcpCaEvent(tp, CA_EVENT_TX_START);
}

/** @kernel tcp_set_ca_state() */
export function tcpSetCaState(tp: TcpSock, state: number): void {
  const ops = tp.caOps;
  if (ops.setState !== undefined) ops.setState(tp, state);
  tp.caState = state;
}

/** What the threshold is worth as long as no loss is being repaired. @kernel tcp_current_ssthresh() */
export function tcpCurrentSsthresh(tp: TcpSock): number {
  const reducing = tp.caState >= 2 && tp.caState <= TCP_CA_RECOVERY; // CWR or Recovery
  return reducing
    ? tp.sndSsthresh
    : Math.max(tp.sndSsthresh, (tp.sndCwnd >> 1) + (tp.sndCwnd >> 2));
}

export function tcpInInitialSlowstart(tp: TcpSock): boolean {
  return tp.sndSsthresh >= TCP_INFINITE_SSTHRESH;
}
