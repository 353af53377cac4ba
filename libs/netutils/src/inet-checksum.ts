/**
 * The Internet checksum (RFC 1071), for programs that build ICMP messages themselves.
 */
export function inetChecksum(
  bytes: Uint8Array,
  offset = 0,
  length = bytes.length - offset,
): number {
  let sum = 0;
  for (let i = 0; i < length; i += 2) {
    sum += ((bytes[offset + i] ?? 0) << 8) | (i + 1 < length ? (bytes[offset + i + 1] ?? 0) : 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
