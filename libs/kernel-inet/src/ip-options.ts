/**
 * The options of a received IPv4 header: whether they are well-formed, and whether a source route is refused.
 * ipRcvFinish → ipRcvOptions. Sources: net/ipv4/ip_options.c __ip_options_compile(), RFC 791 §3.1, RFC 1122 §3.2.1.8.
 *
 * Unlike there, route and time are not recorded, and answers carry no options back.
 */
import type { NetDevice, SkBuff } from '@netloom/kernel-core';
import { ICMP_PARAMETERPROB, IP_HLEN, iphIhl, type PacketMemory } from '@netloom/wire';
import { icmpSend } from './icmp-send.js';
import { Conf, InDevice } from './in-device.js';
import { ipv4Of } from './ipv4-net.js';

const IPOPT_END = 0;
const IPOPT_NOOP = 1;
const IPOPT_RR = 7;
const IPOPT_TIMESTAMP = 68;
const IPOPT_LSRR = 131;
const IPOPT_SSRR = 137;
const IPOPT_RA = 148;

export const IP_OPTIONS_OK = 0;
export const IP_OPTIONS_MALFORMED = 1;
export const IP_OPTIONS_SOURCE_ROUTE = 2;

/** Checks the options of a packet that has some; tells the sender of malformed ones. @returns IP_OPTIONS_… */
export function ipRcvOptions(skb: SkBuff, dev: NetDevice): number {
  const m = skb.mem;
  const o = skb.networkHeader;
  const end = o + iphIhl(m, o) * 4;
  let sourceRoute = false;
  const seen = new Set<number>();
  for (let at = o + IP_HLEN; at < end;) {
    const type = m.u8[at] as number;
    if (type === IPOPT_END) break;
    if (type === IPOPT_NOOP) {
      at++;
      continue;
    }
    const length = m.u8[at + 1] as number;
    const wrong =
      at + 2 > end || length < 2 || at + length > end
        ? at
        : wrongByte(m, at, type, length, seen.has(type));
    if (wrong >= 0) {
      icmpSend(skb, ICMP_PARAMETERPROB, 0, ((wrong - o) << 24) >>> 0);
      return IP_OPTIONS_MALFORMED;
    }
    if (type === IPOPT_LSRR || type === IPOPT_SSRR) {
      sourceRoute = true;
      seen.add(IPOPT_LSRR).add(IPOPT_SSRR);
    }
    seen.add(type);
    at += length;
  }
  if (!sourceRoute) return IP_OPTIONS_OK;
  const accepted =
    ipv4Of(dev.net).confAll[Conf.accept_source_route] !== 0 &&
    InDevice.of(dev)?.conf[Conf.accept_source_route] !== 0;
  return accepted ? IP_OPTIONS_OK : IP_OPTIONS_SOURCE_ROUTE;
}

/** The offset of the byte that makes one option wrong, -1 where it is right. The option lies within the header. */
function wrongByte(
  m: PacketMemory,
  at: number,
  type: number,
  length: number,
  repeated: boolean,
): number {
  const pointer = length > 2 ? (m.u8[at + 2] as number) : 0;
  switch (type) {
    case IPOPT_LSRR:
    case IPOPT_SSRR:
      if (length < 3) return at + 1;
      if (pointer < 4) return at + 2;
      return repeated ? at : -1;
    case IPOPT_RR:
      if (repeated) return at;
      if (length < 3) return at + 1;
      return pointer < 4 || (pointer <= length && pointer + 3 > length) ? at + 2 : -1;
    case IPOPT_TIMESTAMP: {
      if (repeated) return at;
      if (length < 4) return at + 1;
      if (pointer < 5) return at + 2;
      const flags = m.u8[at + 3] as number;
      const kind = flags & 15;
      if (pointer > length) return kind !== 3 && flags >>> 4 === 15 ? at + 3 : -1;
      return pointer + (kind === 1 || kind === 3 ? 7 : 3) > length ? at + 2 : -1;
    }
    case IPOPT_RA:
      return length < 4 ? at + 1 : -1;
    default:
      return -1;
  }
}
