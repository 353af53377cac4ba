/**
 * Protocols of text lines over TCP: HTTP, FTP, SMTP, RTSP, and the greeting of SSH.
 *
 * Prints the first line of a request or response; with -v all lines, as long as they are text.
 */
import type { Printout } from './printout.js';

/** Requests of HTTP and the protocols over it. Anything else that starts with a status code is a response. */
const HTTP_REQUESTS = [
  'GET',
  'PUT',
  'COPY',
  'HEAD',
  'LOCK',
  'MOVE',
  'POLL',
  'POST',
  'BCOPY',
  'BMOVE',
  'MKCOL',
  'TRACE',
  'LABEL',
  'MERGE',
  'DELETE',
  'SEARCH',
  'UNLOCK',
  'REPORT',
  'UPDATE',
  'NOTIFY',
  'BDELETE',
  'CONNECT',
  'OPTIONS',
  'CHECKIN',
  'PROPFIND',
  'CHECKOUT',
  'CCM_POST',
  'SUBSCRIBE',
  'PROPPATCH',
  'BPROPFIND',
  'BPROPPATCH',
  'UNCHECKOUT',
  'MKACTIVITY',
  'MKWORKSPACE',
  'UNSUBSCRIBE',
  'RPC_CONNECT',
  'VERSION-CONTROL',
  'BASELINE-CONTROL',
];

const RTSP_REQUESTS = [
  'OPTIONS',
  'DESCRIBE',
  'ANNOUNCE',
  'SETUP',
  'PLAY',
  'PAUSE',
  'TEARDOWN',
  'GET_PARAMETER',
  'SET_PARAMETER',
  'REDIRECT',
  'RECORD',
];

const SIP_REQUESTS = [
  'ACK',
  'BYE',
  'CANCEL',
  'DO',
  'INFO',
  'INVITE',
  'MESSAGE',
  'NOTIFY',
  'OPTIONS',
  'PRACK',
  'QAUTH',
  'REFER',
  'REGISTER',
  'SPRACK',
  'SUBSCRIBE',
  'UPDATE',
  'PUBLISH',
];

interface TextProtocol {
  readonly name: string;
  /** Only packets that start with one of these, or with a response, are printed. */
  readonly requests?: readonly string[];
}

export const HTTP: TextProtocol = { name: 'HTTP', requests: HTTP_REQUESTS };
export const RTSP: TextProtocol = { name: 'RTSP', requests: RTSP_REQUESTS };
export const FTP: TextProtocol = { name: 'FTP' };
export const WHOIS: TextProtocol = { name: 'WHOIS' };
export const SIP: TextProtocol = { name: 'SIP', requests: SIP_REQUESTS };
export const SMTP: TextProtocol = { name: 'SMTP' };

const LF = 10;
const CR = 13;
const MAX_TOKEN = 128;

const isPrintable = (byte: number): boolean => byte >= 32 && byte < 127;

export function printTextProtocol(
  out: Printout,
  p: number,
  length: number,
  protocol: TextProtocol,
): void {
  out.protocol = protocol.name.toLowerCase();
  out.put(protocol.name);
  if (protocol.requests !== undefined && !isMessage(out, p, length, protocol.requests)) return;
  if (out.options.verbose === 0) {
    putLine(out, ': ', p, 0, length);
    return;
  }
  out.put(`, length: ${length}`);
  let at = 0;
  while (at < length) {
    const next = putLine(out, '\n\t', p, at, length);
    if (next === undefined) break;
    at = next;
  }
}

function isMessage(out: Printout, p: number, length: number, requests: readonly string[]): boolean {
  const first = token(out, p, 0, length);
  if (first === undefined) return false;
  if (requests.includes(first.text.toUpperCase())) return true;
  const second = token(out, p, first.next, length);
  return second !== undefined && /^\d{3}$/.test(second.text);
}

function token(
  out: Printout,
  p: number,
  from: number,
  length: number,
): { readonly text: string; readonly next: number } | undefined {
  let at = from;
  let text = '';
  const byteAt = (i: number): number | undefined => (out.has(p + i, 1) ? out.u8(p + i) : undefined);
  for (; at < length; at++) {
    const byte = byteAt(at);
    if (byte === undefined) return undefined;
    if (byte === 32 || byte === 9 || byte === CR || byte === LF) break;
    if (!isPrintable(byte) || text.length + 2 > MAX_TOKEN + 1) return undefined;
    text += String.fromCharCode(byte);
  }
  if (text === '') return undefined;
  while (at < length && byteAt(at) === 32) at++;
  return { text, next: at };
}

/** Prints a line that is text; where the next starts, or undefined where there is none. */
function putLine(
  out: Printout,
  prefix: string,
  p: number,
  from: number,
  length: number,
): number | undefined {
  let text = '';
  let at = from;
  let next: number | undefined;
  while (at < length) {
    const byte = out.u8(p + at);
    if (byte === LF) {
      next = at + 1;
      break;
    }
    if (byte === CR) {
      if (at + 1 >= length || out.u8(p + at + 1) !== LF) return undefined;
      next = at + 2;
      break;
    }
    if (!isPrintable(byte) && byte !== 9) return undefined;
    text += String.fromCharCode(byte);
    at++;
  }
  out.put(prefix + text);
  if (next === undefined) out.putTruncated(); // the rest of the line is in another packet
  return next;
}

/** The version line of SSH; encrypted packets only by name. */
export function printSsh(out: Printout, p: number, length: number): void {
  out.protocol = 'ssh';
  const magic = [0x53, 0x53, 0x48, 0x2d]; // SSH-
  if (length < 4) return;
  if (magic.some((byte, i) => out.u8(p + i) !== byte)) return;
  let text = '';
  for (let i = 0; i < length; i++) {
    const byte = out.u8(p + i);
    if (byte === LF || (byte === CR && i + 1 < length && out.u8(p + i + 1) === LF)) break;
    if (!isPrintable(byte)) return;
    text += String.fromCharCode(byte);
  }
  out.put(`: SSH: ${text}`);
}
