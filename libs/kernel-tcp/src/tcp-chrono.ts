/**
 * What a sender spends its time on: sending, waiting for the peer's window, waiting for room in its own buffer.
 * tcp-output, tcp-cwnd, tcp-ack → here → tcp_info's busy_time, rwnd_limited, sndbuf_limited.
 * Source: net/ipv4/tcp_output.c tcp_chrono_start(). Kept in nanoseconds, where Linux counts ticks.
 */
import type { TcpSock } from './tcp-sock.js';

const CHRONO_NONE = 0;
export const CHRONO_BUSY = 1;
export const CHRONO_RWND_LIMITED = 2;
export const CHRONO_SNDBUF_LIMITED = 3;

function chronoSet(tp: TcpSock, type: number): void {
  const spent = tp.now - tp.chronoStart;
  if (tp.chronoType === CHRONO_BUSY) tp.chronoBusyNs += spent;
  else if (tp.chronoType === CHRONO_RWND_LIMITED) tp.chronoRwndNs += spent;
  else if (tp.chronoType === CHRONO_SNDBUF_LIMITED) tp.chronoSndbufNs += spent;
  tp.chronoStart = tp.now;
  tp.chronoType = type;
}

/** A reason begins to hold; a stronger one goes on. @kernel tcp_chrono_start() */
export function tcpChronoStart(tp: TcpSock, type: number): void {
  if (type > tp.chronoType) chronoSet(tp, type);
}

/** A reason holds no longer. @kernel tcp_chrono_stop() */
export function tcpChronoStop(tp: TcpSock, type: number): void {
  if (tp.chronoType === CHRONO_NONE) return;
  if (tp.rtxQueue.length === 0 && tp.writeQueue.head === null) chronoSet(tp, CHRONO_NONE);
  else if (type === tp.chronoType) chronoSet(tp, CHRONO_BUSY);
}

/** Microseconds as tcp_info has them. @kernel tcp_get_info_chrono_stats() */
export function tcpChronoInfo(tp: TcpSock): {
  readonly busy_time: number;
  readonly rwnd_limited: number;
  readonly sndbuf_limited: number;
} {
  const running = tp.now - tp.chronoStart;
  const spent = (type: number, ns: number): number =>
    Math.floor((tp.chronoType === type ? ns + running : ns) / 1000);
  const rwnd = spent(CHRONO_RWND_LIMITED, tp.chronoRwndNs);
  const sndbuf = spent(CHRONO_SNDBUF_LIMITED, tp.chronoSndbufNs);
  return {
    busy_time: spent(CHRONO_BUSY, tp.chronoBusyNs) + rwnd + sndbuf,
    rwnd_limited: rwnd,
    sndbuf_limited: sndbuf,
  };
}
