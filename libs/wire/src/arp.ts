/**
 * ARP over Ethernet for IPv4 (RFC 826): offsets and accessors over packet memory.
 */
import type { PacketMemory } from './packet-memory.js';

export const ARP_HLEN = 28;
export const ARPOP_REQUEST = 1;
export const ARPOP_REPLY = 2;
export const ARPHRD_ETHER = 1;
export const ARPHRD_LOOPBACK = 772;

export function arphHrd(m: PacketMemory, o: number): number {
  return m.dv.getUint16(o);
}
export function arphPro(m: PacketMemory, o: number): number {
  return m.dv.getUint16(o + 2);
}
export function arphHln(m: PacketMemory, o: number): number {
  return m.u8[o + 4] as number;
}
export function arphPln(m: PacketMemory, o: number): number {
  return m.u8[o + 5] as number;
}
export function arphOp(m: PacketMemory, o: number): number {
  return m.dv.getUint16(o + 6);
}
/** Offset of the sender's hardware address. */
export function arphSha(o: number): number {
  return o + 8;
}
export function arphSip(m: PacketMemory, o: number): number {
  return m.dv.getUint32(o + 14);
}
/** Offset of the target's hardware address. */
export function arphTha(o: number): number {
  return o + 18;
}
export function arphTip(m: PacketMemory, o: number): number {
  return m.dv.getUint32(o + 24);
}
