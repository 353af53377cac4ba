/**
 * Accurate ECN: the receiver counts CE marks and says in every segment how many there were, not only that there were some.
 *
 *   ACE   three header bits (AE, CWR, ECE): packets marked CE, modulo 8, starting at 5; in the handshake a code for the
 *         mark with which the other's SYN or SYN-ACK arrived
 *   option 172 or 174: bytes that arrived with each mark, modulo 2^24, starting at 1 (ECT) or 0 (CE)
 *
 * tcp-connect, tcp-listen, tcp-minisocks, tcp-open negotiate; tcp-transmit and tcp-options send; tcp-input and tcp-ack
 * receive. Sources: RFC 9768, include/net/tcp_ecn.h, net/ipv4/tcp_input.c tcp_accecn_process(). Byte counters are
 * indexed by the mark less one: ECT(1), ECT(0), CE.
 */
import type { PacketMemory } from '@netloom/wire';
import type { SkBuff } from '@netloom/kernel-core';
import { FLAG_ACKED, FLAG_DATA_SACKED, FLAG_SYN_ACKED, FLAG_TS_PROGRESS } from './tcp-ack-flags.js';
import { ICSK_ACK_NOW, TCP_CA_CWR, TCP_CA_OPEN } from './tcp-const.js';
import { TcpSysctl } from './tcp-net.js';
import type { TcpSock } from './tcp-sock.js';

/** AE, CWR and ECE in a header's flags. */
export const TCPHDR_ACE = 0x1c0;
export const TCPHDR_AE = 0x100;
const ACE_SHIFT = 6;
const ACE_MASK = 7;
/** First value of the counter of CE packets. */
const CEP_INIT = 5;

const NOT_ECT = 0;
const ECT_1 = 1;
const ECT_0 = 2;
const CE = 3;

/** Values of tcp_ecn from which on AccECN is accepted, and the one that also asks for it. */
export const ECN_IN_ACCECN = 3;
const ECN_OUT_ACCECN = 3;

/** Values of tcp_ecn_option. */
const OPTION_FULL = 2;
const OPTION_PERSIST = 3;

/** `fail`: which direction of what does not get through. */
const ACE_FAIL_RECV = 2;
const OPT_FAIL_SEND = 4;
const OPT_FAIL_RECV = 8;

/** `sawOption`. */
export const OPT_NOT_SEEN = 0;
const OPT_EMPTY_SEEN = 1;
export const OPT_COUNTER_SEEN = 2;
const OPT_FAIL_SEEN = 3;

const TCPOPT_NOP = 1;
const TCPOPT_ACCECN0 = 172;
export const TCPOPT_ACCECN1 = 174;
const FIELD = 3;
const MAX_FIELDS = 3;
/** Room that the option takes with all fields. */
export const TCPOLEN_ACCECN_ALIGNED = 12;
/** The option is sent at least once for so many bytes with a mark. */
const BEACON_BYTES_SHIFT = 22;
/** Bytes sent without having seen the option, after which counters could have wrapped: too late to begin. */
const TOO_LATE_BYTES = (1 << 23) - 1;
const SACK_BLOCK = 8;
/** ACKs that cover more packets than this on average come from something that thins them out. */
const ACK_COMP_THRESH = 4;
const EWMA_SHIFT = 6;
const SAFETY_SHIFT = 1;

/** The state of a connection that speaks it, or has asked to. */
export class TcpAccecn {
  /** Asked for in our SYN, not answered yet. */
  pending = true;
  synEctSnt = NOT_ECT;
  synEctRcv = NOT_ECT;
  /** Packets that came with CE. */
  receivedCe = 0;
  readonly receivedBytes = new Uint32Array(3);
  /** What the peer says of ours. */
  readonly deliveredBytes = new Uint32Array(3);
  /** How many fields the next option must have at least, and how many options are owed. */
  minFields = 0;
  demand = 0;
  prevEcn = NOT_ECT;
  /** The mark that unexplained bytes are taken to have had; 0 for none. */
  estEcn = 0;
  sawOption = OPT_NOT_SEEN;
  fail = 0;
  optionStamp = 0;
  sentWithDsack = false;
  /** Packets covered by an ACK on average, in 64ths. */
  ackedEwma = 0;
  /** Of the segment being sent: fields of its option, -1 without one, and its SACK blocks. */
  outFields = -1;
  outBlocks = 0;
}

// ---- marks and codes ----

/** AE, CWR and ECE of a received segment as a number. */
export function tcpAce(skb: SkBuff): number {
  const o = skb.transportHeader;
  return (
    (((skb.mem.u8[o + 12] as number) & 1) << 2) | ((skb.mem.u8[o + 13] as number) >> ACE_SHIFT)
  );
}

/** SYN asks for AccECN: any code but none and classic ECN's. RFC 9768 §3.1.2 */
export function tcpAccecnRequested(skb: SkBuff): boolean {
  const ace = tcpAce(skb);
  return ace !== 0 && ace !== 3;
}

const REFLECTED = [0b010, 0b011, 0b100, 0b110] as const;
const MARK_OF_CODE = [ECT_0, ECT_1, NOT_ECT, ECT_1, ECT_0, ECT_1, CE, ECT_1] as const;

/** The flags that tell with which mark a SYN or SYN-ACK came. @kernel tcp_accecn_reflector_flags() */
export function tcpAccecnReflect(mark: number): number {
  return (REFLECTED[mark & 3] as number) << ACE_SHIFT;
}

/** What was sent as `sent` may arrive as `received`. @kernel tcp_ect_transition_valid() */
function transitionValid(sent: number, received: number): boolean {
  if (sent === received) return true;
  return sent !== NOT_ECT && received !== NOT_ECT && sent !== CE;
}

/** @kernel tcp_accecn_validate_syn_feedback() */
function validFeedback(tp: TcpSock, a: TcpAccecn, ace: number, sent: number): boolean {
  if (tp.tn.sysctl(TcpSysctl.tcp_ecn_fallback) === 0) return true;
  if (transitionValid(sent, MARK_OF_CODE[ace & ACE_MASK] as number)) return true;
  a.fail |= ACE_FAIL_RECV;
  return false;
}

// ---- handshake ----

/** Whether our SYN asks for it. @kernel tcp_ecn_send_syn() */
export function tcpAccecnWanted(tp: TcpSock): boolean {
  return tp.tn.sysctl(TcpSysctl.tcp_ecn) === ECN_OUT_ACCECN;
}

/** What a first option says of the path: zeroed counters tell of a middlebox. @kernel tcp_accecn_option_init() */
export function tcpAccecnOptionInit(m: PacketMemory, at: number): number {
  const length = (m.u8[at + 1] as number) - 2;
  if (length < FIELD) return OPT_EMPTY_SEEN;
  if (u24(m, at + 2) === 0) return OPT_FAIL_SEEN;
  if (length < MAX_FIELDS * FIELD) return OPT_COUNTER_SEEN;
  return u24(m, at + 2 + 2 * FIELD) === 0 ? OPT_FAIL_SEEN : OPT_COUNTER_SEEN;
}

function sawOption(a: TcpAccecn, saw: number): void {
  a.sawOption = saw;
  if (saw === OPT_FAIL_SEEN) a.fail |= OPT_FAIL_RECV;
}

function noteOption(tp: TcpSock, a: TcpAccecn, skb: SkBuff, demand: number): void {
  if (tp.rxOpt.accecn === 0 || a.sawOption >= OPT_COUNTER_SEEN) return;
  sawOption(a, tcpAccecnOptionInit(skb.mem, tp.rxOpt.accecn));
  a.demand = Math.max(a.demand, demand);
}

/** The SYN-ACK of a connection that asked for AccECN. @returns the mode agreed on: 0 none, 1 classic, 2 AccECN. @kernel tcp_ecn_rcv_synack() */
export function tcpAccecnRcvSynack(tp: TcpSock, a: TcpAccecn, skb: SkBuff, mark: number): number {
  const ace = tcpAce(skb);
  if (ace === 0 || ace === 7) return 0;
  if (ace === 1) return 1;
  a.pending = false;
  a.synEctRcv = mark;
  noteOption(tp, a, skb, 2);
  if (mark === CE && validFeedback(tp, a, ace, a.synEctSnt)) a.receivedCe++;
  return 2;
}

/** The peer's SYN crossed ours. @returns false to go back to classic ECN. @kernel tcp_ecn_rcv_syn() */
export function tcpAccecnRcvSyn(a: TcpAccecn, skb: SkBuff, mark: number): boolean {
  if (!tcpAccecnRequested(skb)) return false;
  a.pending = false;
  a.synEctRcv = a.prevEcn = mark;
  return true;
}

/** What a request remembers of it until there is a socket. */
export interface AccecnRequest {
  readonly synEctRcv: number;
  readonly sawAccecnOpt: number;
  /** A repeated SYN came, or a SYN-ACK went, without the flags: the path may not let them through. */
  readonly aceLost: boolean;
}

/** The socket that a request with AccECN becomes, with its third packet. @kernel tcp_ecn_openreq_child() */
export function tcpAccecnChild(tp: TcpSock, req: AccecnRequest, skb: SkBuff, mark: number): void {
  const a = (tp.accecn = new TcpAccecn());
  a.pending = false;
  a.synEctRcv = a.prevEcn = req.synEctRcv;
  a.demand = 1;
  if (req.aceLost) a.fail |= ACE_FAIL_RECV;
  const ace = tcpAce(skb);
  if (ace === 0) {
    a.fail |= ACE_FAIL_RECV;
  } else if (ace !== 7 && ace !== 5 && ace !== 1 && skb.cbSeq === skb.cbEndSeq) {
    // The first packet without data tells how our SYN-ACK arrived.
    if (validFeedback(tp, a, ace, NOT_ECT) && MARK_OF_CODE[ace] === CE && tp.deliveredCe === 0)
      tp.deliveredCe++;
  }
  sawOption(a, req.sawAccecnOpt);
  tcpAccecnReceived(tp, a, skb, mark, (skb.cbEndSeq - skb.cbSeq) >>> 0);
}

/** A SYN in the middle of a connection: the answer reflects its mark. @returns flags for that answer. */
export function tcpAccecnSynAgain(tp: TcpSock, a: TcpAccecn, skb: SkBuff, mark: number): number {
  a.synEctRcv = mark;
  noteOption(tp, a, skb, 1);
  return tcpAccecnReflect(mark);
}

// ---- sending ----

/** The mark of packets from now on. @kernel INET_ECN_xmit() */
export function tcpSetEcnMark(tp: TcpSock, mark: number): void {
  tp.tos = (tp.tos & ~3) | mark;
  if (tp.v6 !== null) tp.v6.tclass = (tp.v6.tclass & ~3) | mark;
}

/** The flags of a segment, and the mark of its packet. @kernel tcp_ecn_send(), tcp_accecn_set_ace() */
export function tcpAccecnSend(tp: TcpSock, a: TcpAccecn, flags: number): number {
  tcpSetEcnMark(tp, (a.fail & ACE_FAIL_RECV) === 0 ? ECT_0 : NOT_ECT);
  if ((flags & TCPHDR_ACE) !== 0) return flags; // says how a SYN arrived
  return flags | (((a.receivedCe + CEP_INIT) & ACE_MASK) << ACE_SHIFT);
}

/** Sent often enough that the peer keeps track of the counters. @kernel tcp_accecn_option_beacon_check() */
function beaconDue(tp: TcpSock, a: TcpAccecn): boolean {
  const beacon = tp.tn.sysctl(TcpSysctl.tcp_ecn_option_beacon);
  return beacon !== 0 && ((tp.now - a.optionStamp) / 1000) * beacon >= tp.srttUs >> 3;
}

/**
 * Finds room for the option beside `blocks` SACK blocks (one may have to go) in `room` bytes.
 * Leaves the decision in `outFields` and `outBlocks`. @returns bytes added to the options, may be negative
 * @kernel tcp_options_fit_accecn()
 */
export function tcpAccecnFit(tp: TcpSock, a: TcpAccecn, blocks: number, room: number): number {
  a.outFields = -1;
  a.outBlocks = blocks;
  const option = tp.tn.sysctl(TcpSysctl.tcp_ecn_option);
  const wanted =
    option !== 0 &&
    a.sawOption !== OPT_NOT_SEEN &&
    (option >= OPTION_PERSIST || (a.fail & OPT_FAIL_SEND) === 0) &&
    (option >= OPTION_FULL || a.demand > 0 || beaconDue(tp, a));
  if (!wanted) return 0;
  const combine = blocks > 0 ? 2 : 0; // what would be padding in front of SACK
  let left = room;
  let fields = MAX_FIELDS;
  while (fields >= a.minFields) {
    const size = 2 + fields * FIELD;
    const aligned = (size & 3) > combine ? (size + 3) & ~3 : size & ~3;
    if (left >= aligned) {
      a.outFields = fields;
      return aligned - (blocks - a.outBlocks) * SACK_BLOCK;
    }
    if (fields === a.minFields && a.outBlocks > 2 && a.minFields > 0) {
      a.outBlocks--;
      left += SACK_BLOCK;
      fields = MAX_FIELDS;
    } else {
      fields--;
    }
  }
  a.outBlocks = blocks;
  return 0;
}

/** Two bytes that did not fill a word of the option: the next option begins with them in place of padding. */
export const NO_LEFTOVER = (TCPOPT_NOP << 8) | TCPOPT_NOP;

/**
 * Writes an option of `fields` fields with these byte counters at `at`.
 * @returns what is left over in the low 16 bits, the number of bytes written above. @kernel tcp_options_write()
 */
export function tcpAccecnOptionWrite(
  m: PacketMemory,
  at: number,
  fields: number,
  bytes: Uint32Array | null,
): number {
  const { dv } = m;
  const e1b = ((bytes?.[ECT_1 - 1] ?? 0) + 1) & 0xffffff;
  const ceb = (bytes?.[CE - 1] ?? 0) & 0xffffff;
  const e0b = ((bytes?.[ECT_0 - 1] ?? 0) + 1) & 0xffffff;
  const length = 2 + fields * FIELD;
  if (fields === 0) return (TCPOPT_ACCECN1 << 8) | length;
  dv.setUint32(at, (TCPOPT_ACCECN1 << 24) | (length << 16) | (e1b >> 8));
  if (fields === 1) return (4 << 16) | ((e1b & 0xff) << 8) | TCPOPT_NOP;
  dv.setUint32(at + 4, ((e1b & 0xff) << 24) | ceb);
  if (fields === 2) return (8 << 16) | NO_LEFTOVER;
  dv.setUint32(at + 8, (e0b << 8) | TCPOPT_NOP);
  return (TCPOLEN_ACCECN_ALIGNED << 16) | NO_LEFTOVER;
}

/** The option of an established connection is on its way. */
export function tcpAccecnOptionSent(tp: TcpSock, a: TcpAccecn): void {
  a.minFields = 0;
  a.optionStamp = tp.now;
  a.sentWithDsack = tp.rxOpt.dsack;
  if (a.demand > 0) a.demand--;
}

/** Old data again, although its ACK was sent with the option: the option does not get through. @kernel tcp_rcv_spurious_retrans() */
export function tcpAccecnSpuriousRetrans(tp: TcpSock, a: TcpAccecn, seq: number): void {
  if (seq === tp.dsackStart && a.sentWithDsack) a.fail |= OPT_FAIL_SEND;
}

// ---- receiving ----

const FIELD_OF_MARK = [0, 1, 3, 2] as const;

/** Counts a segment by its mark; a change of marks is told at once. @kernel tcp_ecn_received_counters() */
export function tcpAccecnReceived(
  tp: TcpSock,
  a: TcpAccecn,
  skb: SkBuff,
  mark: number,
  length: number,
): void {
  if (mark !== NOT_ECT) {
    if (mark === CE) a.receivedCe += Math.max(1, skb.gsoSegs);
    if (length > 0) {
      const before = a.receivedBytes[mark - 1] as number;
      const after = (before + length) >>> 0;
      a.receivedBytes[mark - 1] = after;
      a.minFields = Math.max(a.minFields, FIELD_OF_MARK[mark] ?? 0);
      if (before >>> BEACON_BYTES_SHIFT !== after >>> BEACON_BYTES_SHIFT)
        a.demand = Math.max(a.demand, 1);
    }
  }
  const edge = a.prevEcn !== mark;
  if (!edge && mark !== CE) return;
  a.prevEcn = mark;
  if (edge) tp.ackPending |= ICSK_ACK_NOW;
  a.demand = 2;
}

function u24(m: PacketMemory, at: number): number {
  return ((m.u8[at] as number) << 16) | m.dv.getUint16(at + 1);
}

/** Marks of an option's fields by its kind. */
const ORDER0 = [ECT_0, CE, ECT_1] as const;
const ORDER1 = [ECT_1, CE, ECT_0] as const;

/** Takes the peer's byte counters over. @returns whether their growth can be trusted. @kernel tcp_accecn_process_option() */
function processOption(tp: TcpSock, a: TcpAccecn, skb: SkBuff): boolean {
  if ((a.fail & OPT_FAIL_RECV) !== 0) return false;
  const estimate = a.estEcn;
  const at = tp.rxOpt.accecn;
  if (at === 0) {
    if (a.sawOption === OPT_NOT_SEEN) {
      if (tp.bytesSent >= TOO_LATE_BYTES) sawOption(a, OPT_FAIL_SEEN);
      return false;
    }
    if (estimate === 0) return false;
    a.deliveredBytes[estimate - 1] =
      ((a.deliveredBytes[estimate - 1] as number) + tp.ackDeliveredBytes) >>> 0;
    return true;
  }
  const m = skb.mem;
  const order = m.u8[at] === TCPOPT_ACCECN0 ? ORDER0 : ORDER1;
  if (a.sawOption < OPT_COUNTER_SEEN) sawOption(a, tcpAccecnOptionInit(m, at));
  const fields = Math.min(MAX_FIELDS, Math.floor(((m.u8[at + 1] as number) - 2) / FIELD));
  let valid = estimate !== 0;
  let changed = false;
  let ambiguous = false;
  for (let i = 0; i < fields; i++) {
    const mark = order[i] as number;
    const before = a.deliveredBytes[mark - 1] as number;
    const told = (u24(m, at + 2 + i * FIELD) - (mark === CE ? 0 : 1)) & 0xffffff;
    const delta = ((told - before) << 8) >> 8; // of 24 bits, with its sign
    if (delta === 0) continue;
    a.deliveredBytes[mark - 1] = (before + delta) >>> 0;
    if (delta < 0) {
      valid = false;
      ambiguous = true;
    }
    if (mark === estimate) continue;
    if (changed) {
      valid = false;
      ambiguous = true;
    } else {
      a.estEcn = mark;
      changed = true;
    }
  }
  if (ambiguous) a.estEcn = 0;
  return valid;
}

/**
 * What an ACK tells of CE marks. Adds them to `deliveredCe`. `packets`: how many it reports for the first time.
 * @returns how many marks are new. @kernel tcp_accecn_process()
 */
export function tcpAccecnProcess(
  tp: TcpSock,
  a: TcpAccecn,
  skb: SkBuff,
  packets: number,
  flag: number,
): number {
  // An ACK that tells nothing new may be an old one.
  if ((flag & (FLAG_ACKED | FLAG_DATA_SACKED | FLAG_TS_PROGRESS)) === 0) return 0;
  const ceBytes = a.deliveredBytes[CE - 1] as number;
  const trusted = processOption(tp, a, skb);
  if (packets > 0) {
    const scaled = packets << EWMA_SHIFT;
    a.ackedEwma =
      a.ackedEwma === 0 ? scaled : Math.min((a.ackedEwma * 63 + scaled) >> EWMA_SHIFT, 0xffff);
  }
  if ((flag & FLAG_SYN_ACKED) !== 0) return 0; // in the handshake the bits mean something else
  const delta = (tcpAce(skb) - CEP_INIT - tp.deliveredCe) & ACE_MASK;
  const marks = packets <= ACE_MASK ? delta : wrapped(tp, a, packets, delta, trusted, ceBytes);
  tp.deliveredCe += marks;
  return marks;
}

/** The counter may have gone round: how many marks were there, at the safe end of what is possible? */
function wrapped(
  tp: TcpSock,
  a: TcpAccecn,
  packets: number,
  delta: number,
  trusted: boolean,
  ceBytesBefore: number,
): number {
  const safe = packets - ((packets - delta) & ACE_MASK);
  if (!trusted) return a.ackedEwma > ACK_COMP_THRESH << EWMA_SHIFT ? delta : safe;
  const bytes = ((a.deliveredBytes[CE - 1] as number) - ceBytesBefore) >>> 0;
  if (bytes === 0) return delta;
  if (
    packets >= (ACE_MASK + 1) * 2 &&
    (tp.rxOpt.sackOk || tp.caState === TCP_CA_OPEN || tp.caState === TCP_CA_CWR)
  ) {
    if (tp.ackDeliveredBytes <= bytes) return safe;
    const estimate = Math.ceil((bytes * packets) / tp.ackDeliveredBytes);
    return Math.min(safe, delta + (estimate & ~ACE_MASK));
  }
  if (bytes > delta * tp.mssCache) return safe;
  if (bytes < (safe * tp.mssCache) >> SAFETY_SHIFT) return delta;
  return safe;
}

/** Its part of tcp_info. */
export function tcpAccecnInfo(a: TcpAccecn): Record<string, number> {
  const at = (counters: Uint32Array, mark: number): number => counters[mark - 1] as number;
  return {
    received_ce: a.receivedCe,
    delivered_e1_bytes: at(a.deliveredBytes, ECT_1),
    delivered_e0_bytes: at(a.deliveredBytes, ECT_0),
    delivered_ce_bytes: at(a.deliveredBytes, CE),
    received_e1_bytes: at(a.receivedBytes, ECT_1),
    received_e0_bytes: at(a.receivedBytes, ECT_0),
    received_ce_bytes: at(a.receivedBytes, CE),
    accecn_fail_mode: a.fail,
    accecn_opt_seen: a.sawOption,
  };
}
