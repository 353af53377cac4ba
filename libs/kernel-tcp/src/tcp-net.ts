/**
 * TCP's part of a network namespace: sysctls, socket tables, secrets. @kernel include/net/netns/ipv4.h
 */
import { WIDE_ZERO } from '@netloom/base';
import type { Net } from '@netloom/kernel-core';
import { ipv4Of } from '@netloom/kernel-inet';
import type { RateSample, TcpCongestionOps } from './tcp-cong-ops.js';
import { TcpHash } from './tcp-hash.js';
import type { TcpMetrics } from './tcp-metrics.js';
import { TcpOptionsReceived } from './tcp-rx-opt.js';
import { TcpSecrets } from './tcp-secret.js';

/** Integer sysctls under net.ipv4: name, default, least, most. */
export const TCP_SYSCTLS = [
  // Settings that Linux keeps though nothing depends on them any more (adv_win_scale, fack, low_latency), or whose effect
  // is on the host's own time alone (backlog_ack_defer, comp_sack_slack_ns, early_demux).
  ['tcp_adv_win_scale', 1, -31, 31],
  ['tcp_backlog_ack_defer', 1, 0, 1],
  ['tcp_comp_sack_slack_ns', 100000, 0, 2147483647],
  ['tcp_early_demux', 1, 0, 255],
  ['tcp_low_latency', 0, 0, 2147483647],
  ['tcp_abort_on_overflow', 0, 0, 255],
  ['tcp_app_win', 31, 0, 31],
  ['tcp_autocorking', 1, 0, 255],
  ['tcp_challenge_ack_limit', 2147483647, 0, 2147483647],
  ['tcp_comp_sack_delay_ns', 1000000, 0, 2147483647],
  ['tcp_comp_sack_nr', 44, 0, 255],
  ['tcp_dsack', 1, 0, 255],
  ['tcp_early_retrans', 3, 0, 4],
  ['tcp_ecn', 2, 0, 5],
  ['tcp_ecn_fallback', 1, 0, 255],
  ['tcp_ecn_option', 2, 0, 3],
  ['tcp_ecn_option_beacon', 3, 0, 3],
  ['tcp_fastopen', 1, -2147483648, 2147483647],
  ['tcp_fastopen_blackhole_timeout_sec', 0, 0, 2147483647],
  ['tcp_fack', 0, 0, 255],
  ['tcp_fin_timeout', 60, 0, 2147483],
  ['tcp_fwmark_accept', 0, 0, 255],
  ['tcp_frto', 2, 0, 255],
  ['tcp_invalid_ratelimit', 500, 0, 2147483647],
  ['tcp_keepalive_intvl', 75, 0, 2147483],
  ['tcp_keepalive_probes', 9, 0, 255],
  ['tcp_keepalive_time', 7200, 0, 2147483],
  ['tcp_limit_output_bytes', 4194304, 0, 2147483647],
  ['tcp_max_orphans', 131072, 0, 2147483647],
  ['tcp_max_reordering', 300, 0, 2147483647],
  ['tcp_max_syn_backlog', 2048, 0, 2147483647],
  ['tcp_max_tw_buckets', 131072, 0, 2147483647],
  ['tcp_min_rtt_wlen', 300, 0, 86400],
  ['tcp_min_snd_mss', 48, 48, 65535],
  ['tcp_min_tso_segs', 2, 1, 255],
  ['tcp_moderate_rcvbuf', 1, 0, 255],
  ['tcp_base_mss', 1024, -2147483648, 2147483647],
  ['tcp_mtu_probe_floor', 48, -2147483648, 2147483647],
  ['tcp_mtu_probing', 0, 0, 255],
  ['tcp_probe_interval', 600, 0, 2147483647],
  ['tcp_probe_threshold', 8, -2147483648, 2147483647],
  ['tcp_no_metrics_save', 0, 0, 255],
  ['tcp_no_ssthresh_metrics_save', 1, 0, 255],
  ['tcp_notsent_lowat', 4294967295, 0, 4294967295],
  ['tcp_orphan_retries', 0, 0, 255],
  ['tcp_pacing_ca_ratio', 120, 0, 1000],
  ['tcp_pacing_ss_ratio', 200, 0, 1000],
  ['tcp_pingpong_thresh', 1, 1, 255],
  ['tcp_recovery', 1, 0, 255],
  ['tcp_reflect_tos', 0, 0, 255],
  ['tcp_reordering', 3, -2147483648, 2147483647],
  ['tcp_retrans_collapse', 1, 0, 255],
  ['tcp_retries1', 3, 0, 255],
  ['tcp_retries2', 15, 0, 255],
  ['tcp_rfc1337', 0, 0, 255],
  ['tcp_rto_max_ms', 120000, 1000, 120000],
  ['tcp_rto_min_us', 200000, 1, 2147483647],
  ['tcp_sack', 1, 0, 255],
  ['tcp_shrink_window', 0, 0, 1],
  ['tcp_slow_start_after_idle', 1, 0, 255],
  ['tcp_stdurg', 0, 0, 255],
  ['tcp_syn_linear_timeouts', 4, 0, 127],
  ['tcp_syn_retries', 6, 1, 127],
  ['tcp_synack_retries', 5, 0, 255],
  ['tcp_syncookies', 1, 0, 255],
  ['tcp_thin_linear_timeouts', 0, 0, 255],
  ['tcp_timestamps', 1, 0, 255],
  ['tcp_tso_rtt_log', 9, 0, 255],
  ['tcp_tso_win_divisor', 3, 0, 255],
  ['tcp_tw_reuse_delay', 1000, 1, 2147483647],
  ['tcp_tw_reuse', 2, 0, 2],
  ['tcp_window_scaling', 1, 0, 255],
] as const;

export type TcpSysctlName = (typeof TCP_SYSCTLS)[number][0];

/** Sysctl name to its place. */
export const TcpSysctl = Object.freeze(
  Object.fromEntries(TCP_SYSCTLS.map(([name], i) => [name, i])),
) as Readonly<Record<TcpSysctlName, number>>;

const DEFAULTS = Float64Array.from(TCP_SYSCTLS, ([, value]) => value);

/** The algorithms that there are. */
interface CongestionTable {
  find(name: string): TcpCongestionOps | undefined;
  readonly names: readonly string[];
}

export class TcpNet {
  readonly hash = new TcpHash();
  readonly secrets: TcpSecrets;
  /** For segments that belong to no sock yet or any more. */
  readonly scratchOptions = new TcpOptionsReceived();
  /** Keys of Fast Open's cookies, the one in use first; null until somebody needs one. */
  tfoKeys: readonly Uint8Array[] | null = null;
  /** Times that active Fast Open was given up in a row, and when the last was (ns). */
  tfoDisableTimes = 0;
  tfoDisableStamp = 0;
  /** What is remembered of peers. */
  metrics: Map<string, TcpMetrics> | null = null;
  /** Of the ACK in hand: its rate sample, and its SACK blocks in order of sequence. */
  readonly rateSample: RateSample = {
    priorMstamp: WIDE_ZERO,
    priorDelivered: 0,
    delivered: -1,
    intervalUs: -1,
    sndIntervalUs: 0,
    rcvIntervalUs: 0,
    rttUs: -1,
    losses: 0,
    ackedSacked: 0,
    priorInFlight: 0,
    lastEndSeq: WIDE_ZERO,
    isAppLimited: false,
    isRetrans: false,
    isAckDelayed: false,
  };
  readonly sackNew = new Float64Array(8);
  readonly timewaitVerdict = { action: 0, isn: 0 };
  /** Moves the search for a free port on with each connection. */
  portPerturb = 0;
  private values = DEFAULTS;
  /** tcp_rmem and tcp_wmem: least, default, most. */
  rmem: readonly [number, number, number] = [4096, 131072, 6291456];
  wmem: readonly [number, number, number] = [4096, 16384, 4194304];
  /** net.core.somaxconn */
  somaxconn = 4096;
  /** Sockets without a process, and TIME-WAIT entries. */
  orphans = 0;
  timewaits = 0;
  /** Challenge ACKs sent in the second that began at the stamp. */
  challengeCount = 0;
  challengeStamp = -1;
  /** Last time a listener's SYN queue overflowed (ns). */
  synqOverflowStamp = -1e18;

  /** Names that processes without privileges may choose. */
  allowedCongestion: readonly string[];

  constructor(
    net: Net,
    readonly congestion: CongestionTable,
    public defaultCongestion: TcpCongestionOps,
  ) {
    this.secrets = new TcpSecrets(net);
    this.allowedCongestion = congestion.names;
  }

  sysctl(index: number): number {
    return this.values[index] as number;
  }

  setSysctl(index: number, value: number): void {
    if (this.values === DEFAULTS) this.values = DEFAULTS.slice();
    this.values[index] = value;
  }
}

/** TCP's tables of a namespace. */
export function tcpNet(net: Net): TcpNet {
  const ipv4 = ipv4Of(net);
  return (ipv4.tcp ??= ipv4.makeTcp?.(net) ?? null) as TcpNet;
}
