/**
 * Interactive connections: where data answers data, an ACK may wait for the answer that will carry it.
 * Source: include/net/inet_connection_sock.h inet_csk_in_pingpong_mode(). net.ipv4.tcp_pingpong_thresh says after how many
 * answers in a row a connection counts as one.
 */
import { TcpSysctl } from './tcp-net.js';
import type { TcpSock } from './tcp-sock.js';

export function tcpInPingpong(tp: TcpSock): boolean {
  return tp.ackPingpong >= tp.tn.sysctl(TcpSysctl.tcp_pingpong_thresh);
}

export function tcpEnterPingpong(tp: TcpSock): void {
  tp.ackPingpong = tp.tn.sysctl(TcpSysctl.tcp_pingpong_thresh);
}
