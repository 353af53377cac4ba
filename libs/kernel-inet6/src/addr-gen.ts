/**
 * Interface identifiers: from the MAC address (RFC 4291 appendix A), or stable and opaque from a secret (RFC 7217).
 * Source: net/ipv6/addrconf.c ipv6_generate_eui64(), ipv6_generate_stable_address(). The kernel hashes one block of
 * SHA-1 without padding.
 */
import type { NetDevice } from '@netloom/kernel-core';
import { in6Bytes, In6Addr } from '@netloom/wire';

const BLOCK = 64;
/** What a device without an address of its own hardware hashes. */
const NO_ADDRESS = new Uint8Array(6);

/** An address of a prefix with the identifier that the MAC address gives. */
export function eui64Address(dev: NetDevice, prefix: In6Addr): In6Addr {
  const { addrHi, addrLo } = dev;
  return new In6Addr(
    prefix.w0,
    prefix.w1,
    ((addrHi ^ 0x0200) << 16) | ((addrLo >>> 24) << 8) | 0xff,
    0xfe000000 | (addrLo & 0xffffff),
  );
}

const ARPHRD_TUNNEL = 768;
const ARPHRD_TUNNEL6 = 769;
const ARPHRD_IP6GRE = 823;
export const ARPHRD_SIT = 776;
const ARPHRD_IPGRE = 778;
export const ARPHRD_NONE = 0xfffe;

/**
 * The link-local address of a device by its kind: from the MAC address, or from a tunnel's IPv4 address; null where there
 * is none to be made. @kernel addrconf_dev_config(), addrconf_gre_config(), addrconf_sit_config()
 */
export function linkLocalAddress(dev: NetDevice, prefix: In6Addr): In6Addr | null {
  if (dev.type === ARPHRD_TUNNEL) return null;
  if (dev.type === ARPHRD_TUNNEL6 || dev.type === ARPHRD_IP6GRE) {
    const [u = 0, v = 0, w = 0, x = 0, y = 0, z = 0] = dev.permAddress ?? [];
    return new In6Addr(
      prefix.w0,
      prefix.w1,
      ((u ^ 2) << 24) | (v << 16) | (w << 8) | 0xff,
      0xfe000000 | (x << 16) | (y << 8) | z,
    );
  }
  if (dev.type !== ARPHRD_SIT && dev.type !== ARPHRD_IPGRE) return eui64Address(dev, prefix);
  const [a = 0, b = 0, c = 0, d = 0] = dev.address;
  const v4 = (a << 24) | (b << 16) | (c << 8) | d;
  if (dev.type === ARPHRD_SIT) return v4 === 0 ? null : new In6Addr(prefix.w0, prefix.w1, 0, v4);
  return new In6Addr(prefix.w0, prefix.w1, (isPrivate(a, b, c) ? 0 : 0x02000000) | 0x5efe, v4);
}

/** Addresses that are not unique in the world. @kernel __ipv6_isatap_ifid() */
function isPrivate(a: number, b: number, c: number): boolean {
  if (a === 0 || a === 10 || a === 127 || a >= 224) return true;
  if (a === 172) return b >= 16 && b < 32;
  return (
    (a === 169 && b === 254) ||
    (a === 192 && (b === 168 || (b === 0 && c === 2) || (b === 88 && c === 99))) ||
    (a === 198 && (b & 0xfe) === 18)
  );
}

/** One round of SHA-1 over a block, from its initial state: the first two words of the outcome. @rfc 3174 */
function sha1Block(block: Uint8Array): readonly [number, number] {
  const view = new DataView(block.buffer, block.byteOffset);
  const w = new Int32Array(80);
  const rol = (x: number, n: number): number => (x << n) | (x >>> (32 - n));
  for (let i = 0; i < 16; i++) w[i] = view.getInt32(4 * i);
  for (let i = 16; i < 80; i++)
    w[i] = rol(
      (w[i - 3] as number) ^ (w[i - 8] as number) ^ (w[i - 14] as number) ^ (w[i - 16] as number),
      1,
    );
  let [a, b, c, d, e] = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476, 0xc3d2e1f0 | 0];
  for (let i = 0; i < 80; i++) {
    const f =
      i < 20 ? (b & c) | (~b & d) : i < 40 || i >= 60 ? b ^ c ^ d : (b & c) | (b & d) | (c & d);
    const k = i < 20 ? 0x5a827999 : i < 40 ? 0x6ed9eba1 : i < 60 ? 0x8f1bbcdc | 0 : 0xca62c1d6 | 0;
    const next = (rol(a, 5) + f + e + k + (w[i] as number)) | 0;
    e = d;
    d = c;
    c = rol(b, 30);
    b = a;
    a = next;
  }
  return [(a + 0x67452301) | 0, (b + 0xefcdab89) | 0];
}

function swap(word: number): number {
  return ((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

/** Identifiers that mean something else (RFC 5453): the routers' anycast and the reserved range. */
function reserved(addr: In6Addr): boolean {
  if (addr.w2 === 0 && addr.w3 === 0) return true;
  if (addr.w2 === 0x02005eff && addr.w3 >>> 0 >= 0xfe000000) return true;
  return addr.w2 >>> 0 === 0xfdffffff && addr.w3 >>> 0 >= 0xffffff80;
}

/** An address whose identifier only the secret explains; null when none could be made. */
export function stableAddress(
  dev: NetDevice,
  prefix: In6Addr,
  secret: In6Addr,
  dadCount: number,
  retries: number,
): In6Addr | null {
  for (let count = dadCount; count <= dadCount + retries; count++) {
    const block = new Uint8Array(BLOCK);
    block.set(in6Bytes(secret), 0);
    block.set(in6Bytes(prefix).subarray(0, 8), 16);
    block.set(dev.permAddress ?? NO_ADDRESS, 24);
    block[56] = count;
    const [first, second] = sha1Block(block);
    const addr = new In6Addr(prefix.w0, prefix.w1, swap(first), swap(second));
    if (!reserved(addr)) return addr;
  }
  return null;
}
