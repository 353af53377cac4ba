/**
 * Numbers that every part of TCP shares: states, tag bits of queued segments, timer kinds, limits.
 * Sources: include/net/tcp_states.h, include/net/tcp.h, RFC 9293 §3.3.2. Times are nanoseconds unless a name says µs.
 */
import { LL_MAX_HEADER } from '@netloom/kernel-core';
import { IP6_HLEN } from '@netloom/wire';

export const TCP_ESTABLISHED = 1;
export const TCP_SYN_SENT = 2;
export const TCP_SYN_RECV = 3;
export const TCP_FIN_WAIT1 = 4;
export const TCP_FIN_WAIT2 = 5;
export const TCP_TIME_WAIT = 6;
export const TCP_CLOSE = 7;
export const TCP_CLOSE_WAIT = 8;
export const TCP_LAST_ACK = 9;
export const TCP_LISTEN = 10;
export const TCP_CLOSING = 11;
/** A connection request that is not a sock yet. */
export const TCP_NEW_SYN_RECV = 12;

/** The states as bits: `(stateBit(state) & (TCPF_… | TCPF_…)) !== 0`. */
export const TCPF_ESTABLISHED = 1 << 1;
export const TCPF_SYN_SENT = 1 << 2;
export const TCPF_SYN_RECV = 1 << 3;
export const TCPF_FIN_WAIT1 = 1 << 4;
export const TCPF_FIN_WAIT2 = 1 << 5;
export const TCPF_CLOSE = 1 << 7;
export const TCPF_CLOSE_WAIT = 1 << 8;
export const TCPF_LAST_ACK = 1 << 9;
export const TCPF_LISTEN = 1 << 10;
export const TCPF_CLOSING = 1 << 11;

export const TCP_STATE_NAMES = [
  '',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'NEW_SYN_RECV',
] as const;

/** Congestion states of the sender. */
export const TCP_CA_OPEN = 0;
export const TCP_CA_DISORDER = 1;
export const TCP_CA_CWR = 2;
export const TCP_CA_RECOVERY = 3;
export const TCP_CA_LOSS = 4;

/** `skb.cbSacked` of a segment in the retransmit queue. */
export const TCPCB_SACKED_ACKED = 0x01;
export const TCPCB_SACKED_RETRANS = 0x02;
export const TCPCB_LOST = 0x04;
export const TCPCB_EVER_RETRANS = 0x80;
export const TCPCB_RETRANS = TCPCB_SACKED_RETRANS | TCPCB_EVER_RETRANS;
/** In cbFlags2: no later data joins the segment (MSG_EOR). */
export const TCP_SKB_EOR = 2;

/** `tp.pendingEvent`: what the retransmission timer is waiting for. */
export const ICSK_TIME_RETRANS = 1;
export const ICSK_TIME_PROBE0 = 3;
export const ICSK_TIME_LOSS_PROBE = 5;
export const ICSK_TIME_REO_TIMEOUT = 6;

/** `tp.ackPending`: state of the acknowledgement we owe. */
export const ICSK_ACK_SCHED = 1;
export const ICSK_ACK_TIMER = 2;
export const ICSK_ACK_PUSHED = 4;
export const ICSK_ACK_PUSHED2 = 8;
export const ICSK_ACK_NOW = 16;
export const ICSK_ACK_NOMEM = 32;

/** `tp.nonagle`. */
export const TCP_NAGLE_OFF = 1;
export const TCP_NAGLE_CORK = 2;
export const TCP_NAGLE_PUSH = 4;

/** `tp.socketState`: what connect() is up to. */
export const SS_UNCONNECTED = 0;
export const SS_CONNECTING = 1;
export const SS_CONNECTED = 2;

/** `tp.userlocks`. */
export const SOCK_SNDBUF_LOCK = 1;
export const SOCK_RCVBUF_LOCK = 2;
export const SOCK_BINDADDR_LOCK = 4;
export const SOCK_BINDPORT_LOCK = 8;

/** Headroom of a segment under construction: link layer, IP, TCP with all options. */
/** Memory that a queued packet counts for besides its payload, as on x86-64. */
export const TCP_SKB_HEAD = 1280;
export const MAX_TCP_HEADER = LL_MAX_HEADER + IP6_HLEN + 60;

export const TCP_MSS_DEFAULT = 536;
/** Least MSS that we let a peer force on us (net.ipv4.tcp_min_snd_mss). */
export const TCP_MIN_SND_MSS = 48;
export const TCP_MAX_WSCALE = 14;
export const TCP_INIT_CWND = 10;
export const TCP_INFINITE_SSTHRESH = 0x7fffffff;
export const TCP_FASTRETRANS_THRESH = 3;
export const TCP_MAX_QUICKACKS = 16;
export const TCP_NUM_SACKS = 4;

export const NSEC_PER_MSEC = 1_000_000;
export const NSEC_PER_SEC = 1_000_000_000;

/** Retransmission timeouts in microseconds (RFC 6298 with Linux's bounds). */
export const TCP_RTO_MAX_US = 120_000_000;
export const TCP_RTO_MIN_US = 200_000;
export const TCP_TIMEOUT_INIT_US = 1_000_000;
export const TCP_TIMEOUT_FALLBACK_US = 3_000_000;
/** Least delay of a timer that is meant to fire "soon": two ticks of 1 kHz. */
export const TCP_TIMEOUT_MIN_US = 2_000;
/** Try again after this when the host itself has no room to send. */
export const TCP_RESOURCE_PROBE_US = 500_000;

export const TCP_ATO_MIN = 40 * NSEC_PER_MSEC;
export const TCP_DELACK_MIN = 40 * NSEC_PER_MSEC;
export const TCP_DELACK_MAX = 200 * NSEC_PER_MSEC;
export const TCP_TIMEWAIT_LEN = 60 * NSEC_PER_SEC;
/** Age after which a remembered timestamp proves nothing (24 days, RFC 7323 §5.5), and PAWS's slack. */
export const TCP_PAWS_24DAYS = 60 * 60 * 24 * 24;
export const TCP_PAWS_WINDOW = 1;

/** A segment's flags byte as one word with its header length is what header prediction compares. */
export const TCPCB_FLAG_MASK = 0x3f;

export function stateBit(state: number): number {
  return 1 << state;
}
