/**
 * Ethernet and 802.1Q headers (IEEE 802.3, 802.1Q): offsets and accessors over packet memory.
 */
import type { PacketMemory } from './packet-memory.js';

export const ETH_HLEN = 14;
export const ETH_ALEN = 6;
export const ETH_ZLEN = 60;
export const ETH_DATA_LEN = 1500;

export const ETH_P_ALL = 0x0003;
export const ETH_P_802_2 = 0x0004;
export const ETH_P_802_3_MIN = 0x0600;
export const ETH_P_IP = 0x0800;
export const ETH_P_ARP = 0x0806;
export const ETH_P_8021Q = 0x8100;
export const ETH_P_IPV6 = 0x86dd;
export const ETH_P_8021AD = 0x88a8;

/** The first 16 and the last 32 bits of an address: compared as two numbers. */
export function ethDestHi(m: PacketMemory, o: number): number {
  return m.dv.getUint16(o);
}
export function ethDestLo(m: PacketMemory, o: number): number {
  return m.dv.getUint32(o + 2);
}
export function ethSourceHi(m: PacketMemory, o: number): number {
  return m.dv.getUint16(o + 6);
}
export function ethSourceLo(m: PacketMemory, o: number): number {
  return m.dv.getUint32(o + 8);
}
export function ethProto(m: PacketMemory, o: number): number {
  return m.dv.getUint16(o + 12);
}

/** Writes a whole header; addresses as (16-bit, 32-bit) pairs. */
export function ethWrite(
  m: PacketMemory,
  o: number,
  dstHi: number,
  dstLo: number,
  srcHi: number,
  srcLo: number,
  proto: number,
): void {
  const dv = m.dv;
  dv.setUint16(o, dstHi);
  dv.setUint32(o + 2, dstLo);
  dv.setUint16(o + 6, srcHi);
  dv.setUint32(o + 8, srcLo);
  dv.setUint16(o + 12, proto);
}
