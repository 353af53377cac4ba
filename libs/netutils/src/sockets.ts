/**
 * What the programs that speak over sockets share: addresses, connecting with a limit in time, exact reads.
 */
import { Errno, KernelError } from '@netloom/base';
import { Poll, type IpAddr, type SockAddr, type Sys } from '@netloom/sys';
import { ipText } from './resolve.js';

/** An address and a port as the socket calls take them; `scopeId` is a link-local IPv6 address's interface. */
export function socketAddress(address: IpAddr, port: number, scopeId = 0): SockAddr {
  return typeof address === 'number'
    ? { family: 'inet', addr: address, port }
    : { family: 'inet6', addr: address, port, scopeId };
}

/** IPv4 of an IPv4-mapped IPv6 address; other addresses as they are. */
export function unmapped(address: IpAddr): IpAddr {
  if (typeof address === 'number') return address;
  const mapped = address.every((byte, i) => i >= 12 || byte === (i < 10 ? 0 : 255));
  if (!mapped) return address;
  return new DataView(address.buffer, address.byteOffset, 16).getUint32(12);
}

/** A socket's address as text, without the port; IPv4-mapped ones as IPv4. */
export function hostOf(address: SockAddr): string {
  if (address.family === 'inet') return ipText(address.addr);
  if (address.family === 'inet6') return ipText(unmapped(address.addr));
  return address.family === 'unix' ? address.path : '';
}

/** A socket's port; 0 where it has none. */
export function portOf(address: SockAddr): number {
  return address.family === 'inet' || address.family === 'inet6' ? address.port : 0;
}

/**
 * Connects within a time. The descriptor blocks again afterwards.
 *
 * @param timeoutNs undefined waits as long as the kernel does
 * @returns 0, the errno, or EINPROGRESS where the time ran out
 */
export async function connectWithin(
  sys: Sys,
  fd: number,
  to: SockAddr,
  timeoutNs?: number,
): Promise<number> {
  sys.setNonblock(fd, true);
  try {
    await sys.connect(fd, to);
    return 0;
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    if (error.errno !== Errno.EINPROGRESS) return error.errno;
    const [events = 0] = await sys.poll([{ fd, events: Poll.POLLOUT }], timeoutNs);
    if (events === 0) return Errno.EINPROGRESS;
    return Number(sys.getsockopt(fd, 'SO_ERROR'));
  } finally {
    sys.setNonblock(fd, false);
  }
}

/** Reads `count` bytes unless the stream ends before; blocks. */
export async function readExactly(sys: Sys, fd: number, count: number): Promise<Uint8Array> {
  let data = await sys.read(fd, count);
  while (data.length > 0 && data.length < count) {
    const more = await sys.read(fd, count - data.length);
    if (more.length === 0) break;
    const both = new Uint8Array(data.length + more.length);
    both.set(data);
    both.set(more, data.length);
    data = both;
  }
  return data;
}
