/**
 * The `-i`, `-m` and `-o` details of a socket in ss's words. Values come by the kernel's tcp_info names, times in
 * microseconds (the `last_…` ones in milliseconds) as there.
 */
import type { SockDiagEntry } from '@netloom/sys';

/** C's `%g`. */
export function gText(value: number): string {
  if (value === 0) return '0';
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  if (exponent < -4 || exponent >= 6) {
    return value
      .toExponential(5)
      .replace(/\.?0+e/, 'e')
      .replace(/e([+-])(\d)$/, 'e$10$2');
  }
  return String(Number(value.toPrecision(6)));
}

function rateText(bits: number, numeric: boolean): string {
  if (numeric) return bits.toFixed(0);
  for (const [scale, unit] of [
    [1e12, 'T'],
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (bits >= scale) return `${Number((bits / scale).toPrecision(3))}${unit}`;
  }
  return String(Number(bits.toPrecision(3)));
}

/** `1min59sec`, `4.980ms`, `200ms`. */
export function timerText(ns: number): string {
  const total = Math.max(0, Math.floor(ns / 1e6));
  let seconds = Math.floor(total / 1000);
  const minutes = Math.floor(seconds / 60);
  let millis = total % 1000;
  seconds %= 60;
  let text = '';
  if (minutes > 0) {
    millis = 0;
    text += `${minutes}min`;
    if (minutes > 9) seconds = 0;
  }
  if (seconds > 0) {
    if (seconds > 9) millis = 0;
    text += `${seconds}${millis > 0 ? '.' : 'sec'}`;
  }
  if (millis > 0) text += `${String(millis).padStart(3, '0')}ms`;
  return text;
}

/** `skmem:(…)`. */
export function memoryText(entry: SockDiagEntry): string {
  const m = entry.mem;
  if (m === undefined) return '';
  return ` skmem:(r${m.rmem},rb${m.rcvbuf},t${m.wmem},tb${m.sndbuf},f${m.fwd},w${m.wmemQueued},o${m.opt},bl${m.backlog},d${m.drops})`;
}

const TCPI_OPT_TIMESTAMPS = 1;
const TCPI_OPT_SACK = 2;
const TCPI_OPT_WSCALE = 4;
const TCPI_OPT_ECN = 8;
const TCPI_OPT_ECN_SEEN = 16;
const TCPI_OPT_SYN_DATA = 32;

/** The tcp_info line without its leading tab. */
export function tcpInfoText(
  entry: SockDiagEntry,
  options: { readonly flags: boolean; readonly numeric: boolean },
): string {
  const info = entry.tcpInfo;
  if (info === undefined) return entry.congestion === undefined ? '' : ` ${entry.congestion}`;
  const get = (name: string): number => info[name] ?? info[`tcpi_${name}`] ?? 0;
  let out = '';
  const add = (text: string, when: boolean): void => {
    if (when) out += ` ${text}`;
  };
  const count = (label: string, name: string): void => {
    add(`${label}:${get(name)}`, get(name) !== 0);
  };
  const opts = get('options');
  if (options.flags) {
    add('ts', (opts & TCPI_OPT_TIMESTAMPS) !== 0);
    add('sack', (opts & TCPI_OPT_SACK) !== 0);
    add('ecn', (opts & TCPI_OPT_ECN) !== 0);
    add('ecnseen', (opts & TCPI_OPT_ECN_SEEN) !== 0);
    add('fastopen', (opts & TCPI_OPT_SYN_DATA) !== 0);
  }
  add(entry.congestion ?? '', entry.congestion !== undefined && entry.congestion !== '');
  add(`wscale:${get('snd_wscale')},${get('rcv_wscale')}`, (opts & TCPI_OPT_WSCALE) !== 0);
  add(`rto:${gText(get('rto') / 1000)}`, get('rto') !== 0 && get('rto') !== 3000000);
  count('backoff', 'backoff');
  add(`rtt:${gText(get('rtt') / 1000)}/${gText(get('rttvar') / 1000)}`, get('rtt') !== 0);
  add(`ato:${gText(get('ato') / 1000)}`, get('ato') !== 0);
  count('mss', 'snd_mss');
  count('pmtu', 'pmtu');
  count('rcvmss', 'rcv_mss');
  count('advmss', 'advmss');
  count('cwnd', 'snd_cwnd');
  add(`ssthresh:${get('snd_ssthresh')}`, get('snd_ssthresh') !== 0 && get('snd_ssthresh') < 0xffff);
  for (const name of [
    'bytes_sent',
    'bytes_retrans',
    'bytes_acked',
    'bytes_received',
    'segs_out',
    'segs_in',
    'data_segs_out',
    'data_segs_in',
  ]) {
    count(name, name);
  }
  out += congestionText(entry, options.numeric);
  const rtt = get('rtt');
  if (rtt > 0 && get('snd_mss') > 0 && get('snd_cwnd') > 0) {
    add(
      `send ${rateText((get('snd_cwnd') * get('snd_mss') * 8e6) / rtt, options.numeric)}bps`,
      true,
    );
  }
  count('lastsnd', 'last_data_sent');
  count('lastrcv', 'last_data_recv');
  count('lastack', 'last_ack_recv');
  const pacing = get('pacing_rate');
  if (pacing > 0) {
    const ceiling = get('max_pacing_rate');
    const limited = ceiling > 0 && ceiling < 2 ** 53;
    add(
      `pacing_rate ${rateText(pacing * 8, options.numeric)}bps${limited ? `/${rateText(ceiling * 8, options.numeric)}bps` : ''}`,
      true,
    );
  }
  add(
    `delivery_rate ${rateText(get('delivery_rate') * 8, options.numeric)}bps`,
    get('delivery_rate') > 0,
  );
  count('delivered', 'delivered');
  count('delivered_ce', 'delivered_ce');
  add('app_limited', get('delivery_rate_app_limited') !== 0);
  const busy = get('busy_time');
  if (busy > 0) {
    add(`busy:${Math.floor(busy / 1000)}ms`, true);
    for (const name of ['rwnd_limited', 'sndbuf_limited']) {
      add(
        `${name}:${Math.floor(get(name) / 1000)}ms(${((100 * get(name)) / busy).toFixed(1)}%)`,
        get(name) > 0,
      );
    }
  }
  count('unacked', 'unacked');
  add(
    `retrans:${get('retrans')}/${get('total_retrans')}`,
    get('retrans') > 0 || get('total_retrans') > 0,
  );
  count('lost', 'lost');
  add(`sacked:${get('sacked')}`, get('sacked') > 0 && entry.state !== 10);
  count('dsack_dups', 'dsack_dups');
  count('fackets', 'fackets');
  add(`reordering:${get('reordering')}`, get('reordering') !== 3 && get('reordering') !== 0);
  count('reord_seen', 'reord_seen');
  add(`rcv_rtt:${gText(get('rcv_rtt') / 1000)}`, get('rcv_rtt') > 0);
  count('rcv_space', 'rcv_space');
  count('rcv_ssthresh', 'rcv_ssthresh');
  count('notsent', 'notsent_bytes');
  const least = get('min_rtt');
  add(`minrtt:${gText(least / 1000)}`, least > 0 && least < 0xffffffff);
  count('rcv_ooopack', 'rcv_ooopack');
  count('snd_wnd', 'snd_wnd');
  return out;
}

function congestionText(entry: SockDiagEntry, numeric: boolean): string {
  const cc = entry.ccInfo;
  if (cc === undefined) return '';
  if (entry.congestion === 'dctcp') {
    if (cc['enabled'] !== 1) return ' dctcp:fallback_mode';
    const of = (name: string): string => `${name}:${cc[name] ?? 0}`;
    return ` dctcp:(${['ce_state', 'alpha', 'ab_ecn', 'ab_tot'].map(of).join(',')})`;
  }
  if (entry.congestion !== 'bbr') return '';
  let text = ` bbr:(bw:${rateText(cc['bw'] ?? 0, numeric)}bps,mrtt:${gText(cc['mrtt'] ?? 0)}`;
  for (const name of ['pacing_gain', 'cwnd_gain']) {
    const gain = cc[name] ?? 0;
    if (gain !== 0) text += `,${name}:${gText(gain)}`;
  }
  return `${text})`;
}
