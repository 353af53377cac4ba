/**
 * DNS messages, over UDP and TCP, and multicast DNS.
 *
 * udp-ports, tcp-ports → this → domain-record. Source: RFC 1035, RFC 6891, RFC 6762.
 */
import { nameText, skipName } from './domain-name.js';
import { classText, putRecord, recordType } from './domain-record.js';
import type { Printout } from './printout.js';

const HLEN = 12;

const OPERATIONS = [
  '',
  ' inv_q',
  ' stat',
  ' op3',
  ' notify',
  ' update',
  ' op6',
  ' op7',
  ' op8',
  ' updateA',
  ' updateD',
  ' updateDA',
  ' updateM',
  ' updateMA',
  ' zoneInit',
  ' zoneRef',
];

const RESPONSES = [
  '',
  ' FormErr',
  ' ServFail',
  ' NXDomain',
  ' NotImp',
  ' Refused',
  ' YXDomain',
  ' YXRRSet',
  ' NXRRSet',
  ' NotAuth',
  ' NotZone',
  ' Resp11',
  ' Resp12',
  ' Resp13',
  ' Resp14',
  ' NoChange',
];

const AA = 0x0400;
const TC = 0x0200;
const RD = 0x0100;
const RA = 0x0080;
const AD = 0x0020;
const CD = 0x0010;
const INVERSE_QUERY = 1;

export interface DomainKind {
  readonly overTcp: boolean;
  readonly multicast: boolean;
}

export function printDomain(out: Printout, start: number, total: number, kind: DomainKind): void {
  out.protocol = 'domain';
  let p = start;
  let length = total;
  if (kind.overTcp) {
    if (length < 2) {
      out.put(` [DNS over TCP: length ${length} < 2]`);
      out.putInvalid();
      return;
    }
    length -= 2;
    const prefix = out.u16(p);
    if (prefix !== length) {
      out.put(` [prefix length(${prefix}) != length(${length})]`);
      out.putInvalid();
      return;
    }
    p += 2;
    out.put(' ');
  }
  if (length < HLEN) {
    out.put(`domain [length ${length} < ${HLEN}]`);
    out.putInvalid();
    return;
  }
  const whole =
    out.has(p, HLEN) &&
    ((out.u16(p + 2) & 0x8000) !== 0
      ? putResponse(out, p, kind.multicast)
      : putRequest(out, p, kind.multicast));
  if (whole) out.put(` (${length})`);
  else out.putTruncated();
}

/** A comma-separated list of records; where it ends, or undefined where it is cut off. */
function putRecords(
  out: Printout,
  p: number,
  count: number,
  message: number,
  multicast: boolean,
): number | undefined {
  let at: number | undefined = p;
  for (let i = 0; i < count; i++) {
    if (i > 0 && at >= out.snapEnd) return undefined;
    at = putRecord(out, at, message, multicast);
    if (at === undefined) return undefined;
    if (at < out.snapEnd && i + 1 < count) out.put(',');
  }
  return at;
}

/** The sections that -vv adds. */
function putSections(
  out: Printout,
  p: number,
  counts: readonly (readonly [label: string, count: number])[],
  message: number,
  multicast: boolean,
): boolean {
  let at: number | undefined = p;
  for (const [label, count] of counts) {
    if (count === 0) continue;
    if (label !== '') {
      if (at >= out.snapEnd) return false;
      out.put(label);
    }
    at = putRecords(out, at, count, message, multicast);
    if (at === undefined) return false;
  }
  return true;
}

function putResponse(out: Printout, p: number, multicast: boolean): boolean {
  const flags = out.u16(p + 2);
  const [questions, answers, authorities, additional] = [4, 6, 8, 10].map((o) => out.u16(p + o));
  out.put(
    `${out.u16(p)}${OPERATIONS[(flags >> 11) & 15] ?? ''}${RESPONSES[flags & 15] ?? ''}` +
      `${(flags & AA) !== 0 ? '*' : ''}${(flags & RA) !== 0 ? '' : '-'}` +
      `${(flags & TC) !== 0 ? '|' : ''}${(flags & AD) !== 0 ? '$' : ''}`,
  );
  if (questions !== 1) out.put(` [${questions ?? 0}q]`);
  let at: number | undefined = p + HLEN;
  for (let i = 0; i < (questions ?? 0); i++) {
    if (i > 0) out.put(',');
    if (out.options.verbose > 1) {
      out.put(' q:');
      at = putQuestion(out, at, p, multicast);
      if (at === undefined) return false;
    } else {
      at = skipName(out, at);
      if (at === undefined) return false;
      at += 4;
    }
  }
  out.put(` ${answers ?? 0}/${authorities ?? 0}/${additional ?? 0}`);
  at = putRecords(out, at, answers ?? 0, p, multicast);
  if (at === undefined) return false;
  if (out.options.verbose <= 1) return true;
  return putSections(
    out,
    at,
    [
      [' ns:', authorities ?? 0],
      [' ar:', additional ?? 0],
    ],
    p,
    multicast,
  );
}

function putRequest(out: Printout, p: number, multicast: boolean): boolean {
  const flags = out.u16(p + 2);
  const operation = (flags >> 11) & 15;
  const questions = out.u16(p + 4);
  const answers = out.u16(p + 6);
  const authorities = out.u16(p + 8);
  const additional = out.u16(p + 10);
  out.put(
    `${out.u16(p)}${OPERATIONS[operation] ?? ''}${(flags & RD) !== 0 ? '+' : ''}` +
      `${(flags & CD) !== 0 ? '%' : ''}`,
  );
  if ((flags & 0x06cf) !== 0) out.put(` [b2&3=0x${flags.toString(16)}]`);
  if (operation === INVERSE_QUERY) {
    if (questions !== 0) out.put(` [${questions}q]`);
    if (answers !== 1) out.put(` [${answers}a]`);
  } else {
    if (answers !== 0) out.put(` [${answers}a]`);
    if (questions !== 1) out.put(` [${questions}q]`);
  }
  if (authorities !== 0) out.put(` [${authorities}n]`);
  if (additional !== 0) out.put(` [${additional}au]`);
  let at: number | undefined = p + HLEN;
  for (let i = 0; i < questions; i++) {
    at = putQuestion(out, at, p, multicast);
    if (at === undefined) return false;
    if (at >= out.snapEnd && i + 1 < questions) return false;
  }
  if (out.options.verbose <= 1) return true;
  return putSections(
    out,
    at,
    [
      ['', answers],
      [' ns:', authorities],
      [' ar:', additional],
    ],
    p,
    multicast,
  );
}

function putQuestion(
  out: Printout,
  p: number,
  message: number,
  multicast: boolean,
): number | undefined {
  const end = skipName(out, p);
  if (end === undefined || !out.has(end, 4)) return undefined;
  out.put(` ${recordType(out.u16(end))}`);
  const field = out.u16(end + 2);
  const questionClass = multicast ? field & 0x7fff : field;
  if (questionClass !== 1) out.put(` ${classText(questionClass)}`);
  if (multicast) out.put((field & 0x8000) !== 0 ? ' (QU)' : ' (QM)');
  const name = nameText(out, p, message);
  out.put(`? ${name.text}`);
  return name.next === undefined ? undefined : name.next + 4;
}
