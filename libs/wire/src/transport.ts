/**
 * UDP (RFC 768), TCP (RFC 9293 §3.1) and ICMP (RFC 792) headers: offsets and accessors over packet memory.
 */
import type { PacketMemory } from './packet-memory.js';

export const UDP_HLEN = 8;
export const TCP_HLEN = 20;
export const ICMP_HLEN = 8;

/** Source and destination ports lie at the same place in UDP and TCP. */
export function l4Source(m: PacketMemory, o: number): number {
  return m.dv.getUint16(o);
}
export function l4Dest(m: PacketMemory, o: number): number {
  return m.dv.getUint16(o + 2);
}

export function udphLen(m: PacketMemory, o: number): number {
  return m.dv.getUint16(o + 4);
}
export function udphCheck(m: PacketMemory, o: number): number {
  return m.dv.getUint16(o + 6);
}

export const TCPHDR_FIN = 0x01;
export const TCPHDR_SYN = 0x02;
export const TCPHDR_RST = 0x04;
export const TCPHDR_PSH = 0x08;
export const TCPHDR_ACK = 0x10;
export const TCPHDR_URG = 0x20;
export const TCPHDR_ECE = 0x40;
export const TCPHDR_CWR = 0x80;

export function tcphSeq(m: PacketMemory, o: number): number {
  return m.dv.getUint32(o + 4);
}
export function tcphAckSeq(m: PacketMemory, o: number): number {
  return m.dv.getUint32(o + 8);
}
/** Header length in bytes. */
export function tcphDoff(m: PacketMemory, o: number): number {
  return ((m.u8[o + 12] as number) >>> 4) << 2;
}
export function tcphFlags(m: PacketMemory, o: number): number {
  return m.u8[o + 13] as number;
}
export function tcphWindow(m: PacketMemory, o: number): number {
  return m.dv.getUint16(o + 14);
}
export function tcphCheck(m: PacketMemory, o: number): number {
  return m.dv.getUint16(o + 16);
}
export function tcphUrgPtr(m: PacketMemory, o: number): number {
  return m.dv.getUint16(o + 18);
}

export const ICMP_ECHOREPLY = 0;
export const ICMP_DEST_UNREACH = 3;
export const ICMP_SOURCE_QUENCH = 4;
export const ICMP_REDIRECT = 5;
export const ICMP_ECHO = 8;
export const ICMP_TIME_EXCEEDED = 11;
export const ICMP_PARAMETERPROB = 12;
export const ICMP_TIMESTAMP = 13;
export const ICMP_TIMESTAMPREPLY = 14;

export const ICMP_NET_UNREACH = 0;
export const ICMP_HOST_UNREACH = 1;
export const ICMP_PROT_UNREACH = 2;
export const ICMP_PORT_UNREACH = 3;
export const ICMP_FRAG_NEEDED = 4;
export const ICMP_SR_FAILED = 5;
export const ICMP_PKT_FILTERED = 13;
export const ICMP_EXC_TTL = 0;
export const ICMP_EXC_FRAGTIME = 1;

export function icmphType(m: PacketMemory, o: number): number {
  return m.u8[o] as number;
}
export function icmphCode(m: PacketMemory, o: number): number {
  return m.u8[o + 1] as number;
}
export function icmphCheck(m: PacketMemory, o: number): number {
  return m.dv.getUint16(o + 2);
}
/** Identifier of an echo. */
export function icmphId(m: PacketMemory, o: number): number {
  return m.dv.getUint16(o + 4);
}
export function icmphSequence(m: PacketMemory, o: number): number {
  return m.dv.getUint16(o + 6);
}
