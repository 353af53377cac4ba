/**
 * The options of SOL_SOCKET: those that every socket has, whatever its protocol. Source: net/core/sock.c sk_setsockopt().
 */
import { bpfCheckClassic, BpfProgram, type BpfInsn } from '@netloom/bpf';
import { Errno } from '@netloom/base';
import type { SockOpt, SockOptValue } from '@netloom/sys';
import { CoreHostSysctl } from './core-sysctls.js';
import type { Sock } from './sock.js';

/** Least sizes of a buffer, and the largest that may be asked for. */
const SOCK_MIN_RCVBUF = 2304;
const SOCK_MIN_SNDBUF = 4608;
const INT_MAX = 2147483647;
/** SO_TIMESTAMPING bits that exist. */
const SOF_TIMESTAMPING_MASK = 0x3ffff;
const SOF_TIMESTAMPING_OPT_ID = 0x80;
const SOF_TIMESTAMPING_OPT_ID_TCP = 0x10000;
const MAX_PRIORITY_UNPRIVILEGED = 7;

/** What a buffer of so many bytes asked for becomes: doubled, for what packets cost besides. */
function bufferSize(asked: number, limit: number, least: number): number {
  return Math.max(Math.min(asked < 0 ? 0 : asked, limit, INT_MAX / 2) * 2, least);
}

/** Options that every socket has. @returns 0, a negative errno, or 1 where the option is the protocol's own. */
export function sockSetsockopt(sk: Sock, option: SockOpt, value: SockOptValue): number {
  const n = typeof value === 'number' ? value : 0;
  const limit = (index: number): number => sk.net.kernel.coreValues[index] as number;
  switch (option) {
    case 'SO_TYPE':
    case 'SO_PROTOCOL':
    case 'SO_DOMAIN':
    case 'SO_ERROR':
    case 'SO_ACCEPTCONN':
    case 'SO_COOKIE':
      return -Errno.ENOPROTOOPT;
    case 'SO_REUSEADDR':
      sk.reuseAddr = n !== 0;
      return 0;
    case 'SO_REUSEPORT':
      sk.reusePort = n !== 0;
      return 0;
    case 'SO_BROADCAST':
      sk.broadcast = n !== 0;
      return 0;
    case 'SO_DONTROUTE':
      sk.localroute = n !== 0;
      return 0;
    case 'SO_TIMESTAMPNS':
    case 'SO_TIMESTAMP':
      sk.timestamp = n !== 0;
      sk.timestampUs = option === 'SO_TIMESTAMP';
      return 0;
    case 'SO_TIMESTAMPING':
      if ((n & ~SOF_TIMESTAMPING_MASK) !== 0) return -Errno.EINVAL;
      if ((n & SOF_TIMESTAMPING_OPT_ID_TCP) !== 0 && (n & SOF_TIMESTAMPING_OPT_ID) === 0)
        return -Errno.EINVAL;
      sk.tsFlags = n;
      return 0;
    case 'SO_MARK':
      sk.mark = n >>> 0;
      return 0;
    case 'SO_PRIORITY':
      if (n < 0 || n > MAX_PRIORITY_UNPRIVILEGED + INT_MAX) return -Errno.EPERM;
      sk.priority = n;
      return 0;
    case 'SO_RCVBUF':
      sk.rcvbuf = bufferSize(n, limit(CoreHostSysctl.rmem_max), SOCK_MIN_RCVBUF);
      return 0;
    case 'SO_RCVBUFFORCE':
      sk.rcvbuf = bufferSize(n, INT_MAX, SOCK_MIN_RCVBUF);
      return 0;
    case 'SO_SNDBUF':
      sk.sndbuf = bufferSize(n, limit(CoreHostSysctl.wmem_max), SOCK_MIN_SNDBUF);
      return 0;
    case 'SO_SNDBUFFORCE':
      sk.sndbuf = bufferSize(n, INT_MAX, SOCK_MIN_SNDBUF);
      return 0;
    case 'SO_RCVTIMEO':
    case 'SO_SNDTIMEO':
      return setTimeout(sk, option, n);
    case 'SO_BINDTODEVICE':
      return bindToDevice(sk, value);
    case 'SO_BINDTOIFINDEX':
      if (n < 0) return -Errno.EINVAL;
      if (n !== 0 && sk.net.devByIndex(n) === undefined) return -Errno.ENODEV;
      sk.boundDev = n;
      return 0;
    case 'SO_ATTACH_FILTER':
      return attachFilter(sk, value);
    case 'SO_DETACH_FILTER':
      if (sk.filterLocked) return -Errno.EPERM;
      if (sk.skFilter === null) return -Errno.ENOENT;
      sk.skFilter = null;
      return 0;
    case 'SO_LOCK_FILTER':
      if (sk.filterLocked && n === 0) return -Errno.EPERM;
      sk.filterLocked = n !== 0;
      return 0;
    case 'SO_RXQ_OVFL':
      sk.rxqOvfl = n !== 0;
      return 0;
    case 'SO_PEEK_OFF':
      sk.peekOff = n;
      return 0;
    case 'SO_INCOMING_CPU':
      sk.incomingCpu = n;
      return 0;
    case 'SO_BUSY_POLL':
      if (n < 0) return -Errno.EINVAL;
      sk.busyPollUs = n;
      return 0;
    case 'SO_ZEROCOPY':
      if (n < 0 || n > 1) return -Errno.EINVAL;
      sk.zerocopy = n !== 0;
      return 0;
    default:
      return 1;
  }
}

/** Nanoseconds; 0 for no limit. @errno EDOM @kernel sock_set_timeout() */
function setTimeout(sk: Sock, option: 'SO_RCVTIMEO' | 'SO_SNDTIMEO', ns: number): number {
  const limit = ns === 0 ? Infinity : Math.max(0, ns);
  if (option === 'SO_RCVTIMEO') sk.rcvTimeoNs = limit;
  else sk.sndTimeoNs = limit;
  return 0;
}

function bindToDevice(sk: Sock, value: SockOptValue): number {
  const name = String(value);
  const dev = name === '' ? null : sk.net.devByName(name);
  if (dev === undefined) return -Errno.ENODEV;
  sk.boundDev = dev === null ? 0 : dev.ifindex;
  return 0;
}

function attachFilter(sk: Sock, value: SockOptValue): number {
  if (sk.filterLocked) return -Errno.EPERM;
  const program = decodeClassicFilter(value);
  if (program === null) return -Errno.EINVAL;
  sk.skFilter = program;
  return 0;
}

/** struct sock_filter[] (code, jt, jf, k; little-endian) to a checked program, null where the kernel would refuse it. */
export function decodeClassicFilter(value: SockOptValue): BpfProgram | null {
  if (!(value instanceof Uint8Array) || value.length === 0 || value.length % 8 !== 0) return null;
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  const insns: BpfInsn[] = [];
  for (let o = 0; o < value.length; o += 8) {
    insns.push({
      code: view.getUint16(o, true),
      jt: view.getUint8(o + 2),
      jf: view.getUint8(o + 3),
      k: view.getUint32(o + 4, true),
    });
  }
  return bpfCheckClassic(insns) ? new BpfProgram(insns) : null;
}

/** The counterpart of {@link sockSetsockopt}; undefined where the option is the protocol's own. */
export function sockGetsockopt(sk: Sock, option: SockOpt): SockOptValue | undefined {
  switch (option) {
    case 'SO_REUSEADDR':
      return Number(sk.reuseAddr);
    case 'SO_REUSEPORT':
      return Number(sk.reusePort);
    case 'SO_BROADCAST':
      return Number(sk.broadcast);
    case 'SO_DONTROUTE':
      return Number(sk.localroute);
    case 'SO_TIMESTAMPNS':
      return Number(sk.timestamp && !sk.timestampUs);
    case 'SO_TIMESTAMP':
      return Number(sk.timestamp && sk.timestampUs);
    case 'SO_TIMESTAMPING':
      return sk.tsFlags;
    case 'SO_MARK':
      return sk.mark;
    case 'SO_PRIORITY':
      return sk.priority;
    case 'SO_RCVBUF':
      return sk.rcvbuf;
    case 'SO_SNDBUF':
      return sk.sndbuf;
    case 'SO_RCVTIMEO':
      return sk.rcvTimeoNs === Infinity ? 0 : sk.rcvTimeoNs;
    case 'SO_SNDTIMEO':
      return sk.sndTimeoNs === Infinity ? 0 : sk.sndTimeoNs;
    case 'SO_TYPE':
      return sk.type;
    case 'SO_PROTOCOL':
      return sk.protocol;
    case 'SO_DOMAIN':
      return sk.family;
    case 'SO_ACCEPTCONN':
      return 0;
    case 'SO_ERROR': {
      const err = sk.err;
      sk.err = 0;
      return err;
    }
    case 'SO_BINDTODEVICE':
      return sk.net.devByIndex(sk.boundDev)?.name ?? '';
    case 'SO_BINDTOIFINDEX':
      return sk.boundDev;
    case 'SO_LOCK_FILTER':
      return Number(sk.filterLocked);
    case 'SO_RXQ_OVFL':
      return Number(sk.rxqOvfl);
    case 'SO_PEEK_OFF':
      return sk.peekOff;
    case 'SO_INCOMING_CPU':
      return sk.incomingCpu;
    case 'SO_BUSY_POLL':
      return sk.busyPollUs;
    case 'SO_ZEROCOPY':
      return Number(sk.zerocopy);
    case 'SO_COOKIE':
      return sk.cookie;
    default:
      return undefined;
  }
}
