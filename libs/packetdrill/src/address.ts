/**
 * An address of either family as bytes, and a side of a connection as text.
 */
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '@netloom/base';
import { ScriptError } from './ast.js';

/** 4 or 16 bytes. */
export type Address = Uint8Array;

export function parseAddress(text: string): Address {
  const v6 = text.includes(':') ? parseIpv6(text) : undefined;
  if (v6 !== undefined) return v6;
  const v4 = parseIpv4(text);
  if (v4 === undefined) throw new ScriptError(`"${text}" is no address`);
  return Uint8Array.of(v4 >>> 24, (v4 >>> 16) & 255, (v4 >>> 8) & 255, v4 & 255);
}

/** An IPv4 address as a number. */
export function ipv4Number(address: Address): number {
  return new DataView(address.buffer, address.byteOffset).getUint32(0);
}

/** `::ffff:a.b.c.d`. */
export function mappedAddress(address: Address): Address {
  const out = new Uint8Array(16);
  out[10] = out[11] = 0xff;
  out.set(address, 12);
  return out;
}

export function addressText(address: Address): string {
  return address.length === 4 ? formatIpv4(ipv4Number(address)) : formatIpv6(address);
}

export function sameAddress(a: Address, b: Address): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
