/**
 * The IPv4 header (RFC 791): offsets and accessors over packet memory. `o` is the header's offset.
 */
import type { PacketMemory } from './packet-memory.js';

export const IP_HLEN = 20;
export const IP_CE = 0x8000;
export const IP_DF = 0x4000;
export const IP_MF = 0x2000;
export const IP_OFFSET = 0x1fff;

export function iphVersion(m: PacketMemory, o: number): number {
  return (m.u8[o] as number) >>> 4;
}
/** Header length in 32-bit words. */
export function iphIhl(m: PacketMemory, o: number): number {
  return (m.u8[o] as number) & 15;
}
export function iphTos(m: PacketMemory, o: number): number {
  return m.u8[o + 1] as number;
}
export function iphTotLen(m: PacketMemory, o: number): number {
  return m.dv.getUint16(o + 2);
}
export function iphId(m: PacketMemory, o: number): number {
  return m.dv.getUint16(o + 4);
}
/** Flags and fragment offset together, as on the wire. */
export function iphFragOff(m: PacketMemory, o: number): number {
  return m.dv.getUint16(o + 6);
}
export function iphTtl(m: PacketMemory, o: number): number {
  return m.u8[o + 8] as number;
}
export function iphProtocol(m: PacketMemory, o: number): number {
  return m.u8[o + 9] as number;
}
export function iphCheck(m: PacketMemory, o: number): number {
  return m.dv.getUint16(o + 10);
}
export function iphSaddr(m: PacketMemory, o: number): number {
  return m.dv.getUint32(o + 12);
}
export function iphDaddr(m: PacketMemory, o: number): number {
  return m.dv.getUint32(o + 16);
}
export function iphSetTotLen(m: PacketMemory, o: number, value: number): void {
  m.dv.setUint16(o + 2, value);
}
export function iphSetId(m: PacketMemory, o: number, value: number): void {
  m.dv.setUint16(o + 4, value);
}
export function iphSetFragOff(m: PacketMemory, o: number, value: number): void {
  m.dv.setUint16(o + 6, value);
}
export function iphSetCheck(m: PacketMemory, o: number, value: number): void {
  m.dv.setUint16(o + 10, value);
}

/** Lowers the TTL by one and corrects the checksum. @kernel include/net/ip.h ip_decrease_ttl() */
export function iphDecreaseTtl(m: PacketMemory, o: number): number {
  let check = m.dv.getUint16(o + 10) + 0x100;
  check = (check & 0xffff) + (check >>> 16); // RFC 1624: the TTL is the high byte of its word
  m.dv.setUint16(o + 10, check);
  const ttl = (m.u8[o + 8] as number) - 1;
  m.u8[o + 8] = ttl;
  return ttl;
}
