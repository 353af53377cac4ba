/**
 * A socket's kernel half: queues, memory accounting, the callbacks through which a waiting process is woken.
 *
 * Nothing here blocks: a protocol's operations return a negative errno (EAGAIN, EINPROGRESS) and the system-call layer
 * waits for one of the callbacks and asks again. Sources: include/net/sock.h, net/core/sock.c.
 */
import type {
  Control,
  RecvResult,
  SockAddr,
  SockDiagEntry,
  SockOpt,
  SockOptValue,
} from '@netloom/sys';
import { DropReason } from './drop-reasons.js';
import type { Net } from './net.js';
import type { NetDevice } from './net-device.js';
import { SkbQueue } from './skb-queue.js';
import type { SkBuff } from './skbuff.js';

/** net.core.rmem_default and wmem_default. */
export const SK_RMEM_DEFAULT = 212992;
export const SK_WMEM_DEFAULT = 212992;

export const RCV_SHUTDOWN = 1;
export const SEND_SHUTDOWN = 2;

export interface SendOptions {
  readonly flags: number;
  /** Absent: the connected peer. */
  readonly to?: SockAddr;
}

/** What a family and protocol let one do with a socket. Numbers below zero are errnos. */
export interface SockOps {
  /** Frees what the protocol holds; with a protocol that lingers (TCP) the sock lives on without a file. */
  release(): void;
  bind(addr: SockAddr): number;
  /** 0 when connected, -EINPROGRESS when the outcome will come through `stateChange`. */
  connect(addr: SockAddr): number;
  listen(backlog: number): number;
  /** A connection's sock, null when none waits; a negative number for an error. */
  accept(): Sock | null | number;
  /** Bytes taken, or a negative errno. */
  sendmsg(data: Uint8Array, options: SendOptions): number;
  recvmsg(count: number, flags: number): RecvResult | number;
  /** poll(2) event bits that hold now. */
  poll(): number;
  shutdown(how: number): number;
  setsockopt(option: SockOpt, value: SockOptValue): number;
  getsockopt(option: SockOpt): SockOptValue | undefined;
  getname(peer: boolean): SockAddr | number;
  diag(): Omit<SockDiagEntry, 'users' | 'ino'>;
}

export abstract class Sock implements SockOps {
  readonly receiveQueue = new SkbQueue();
  errorQueue: SkbQueue | null = null;
  /** Bytes (truesize) that received packets hold, and that packets sent hold until the card is done. */
  rmemAlloc = 0;
  wmemAlloc = 0;
  rcvbuf = SK_RMEM_DEFAULT;
  sndbuf = SK_WMEM_DEFAULT;
  drops = 0;
  /** Pending error (positive errno). */
  err = 0;
  shutdownMask = 0;
  boundDev = 0;
  mark = 0;
  priority = 0;
  reuseAddr = false;
  reusePort = false;
  broadcast = false;
  timestamp = false;
  /** File inode while a file refers to it, else 0. */
  ino = 0;
  uid = 0;

  /** Something can be read, or an error or end waits. */
  dataReady: ((sk: Sock) => void) | null = null;
  /** There is room to write again. */
  writeSpace: ((sk: Sock) => void) | null = null;
  /** The connection's state changed (connected, refused, closed, or one waits to be accepted). */
  stateChange: ((sk: Sock) => void) | null = null;

  constructor(
    readonly net: Net,
    readonly family: number,
    readonly type: number,
    readonly protocol: number,
  ) {}

  abstract release(): void;
  abstract bind(addr: SockAddr): number;
  abstract connect(addr: SockAddr): number;
  abstract listen(backlog: number): number;
  abstract accept(): Sock | null | number;
  abstract sendmsg(data: Uint8Array, options: SendOptions): number;
  abstract recvmsg(count: number, flags: number): RecvResult | number;
  abstract poll(): number;
  abstract shutdown(how: number): number;
  abstract setsockopt(option: SockOpt, value: SockOptValue): number;
  abstract getsockopt(option: SockOpt): SockOptValue | undefined;
  abstract getname(peer: boolean): SockAddr | number;
  abstract diag(): Omit<SockDiagEntry, 'users' | 'ino'>;
}

/** Options that every socket has. @returns 0, a negative errno, or 1 where the option is the protocol's own. */
export function sockSetsockopt(sk: Sock, option: SockOpt, value: SockOptValue): number {
  const n = typeof value === 'number' ? value : 0;
  switch (option) {
    case 'SO_REUSEADDR':
      sk.reuseAddr = n !== 0;
      return 0;
    case 'SO_REUSEPORT':
      sk.reusePort = n !== 0;
      return 0;
    case 'SO_BROADCAST':
      sk.broadcast = n !== 0;
      return 0;
    case 'SO_TIMESTAMPNS':
      sk.timestamp = n !== 0;
      return 0;
    case 'SO_MARK':
      sk.mark = n >>> 0;
      return 0;
    case 'SO_PRIORITY':
      sk.priority = n;
      return 0;
    case 'SO_RCVBUF':
    case 'SO_RCVBUFFORCE':
      // The kernel doubles what it is asked for and keeps at least SOCK_MIN_RCVBUF (net/core/sock.c).
      sk.rcvbuf = Math.max((option === 'SO_RCVBUF' ? Math.min(n, SK_RMEM_DEFAULT) : n) * 2, 2304);
      return 0;
    case 'SO_SNDBUF':
    case 'SO_SNDBUFFORCE':
      sk.sndbuf = Math.max((option === 'SO_SNDBUF' ? Math.min(n, SK_WMEM_DEFAULT) : n) * 2, 4608);
      return 0;
    case 'SO_BINDTODEVICE': {
      const name = String(value);
      const dev = name === '' ? null : sk.net.devByName(name);
      if (dev === undefined) return -19; // ENODEV
      sk.boundDev = dev === null ? 0 : dev.ifindex;
      return 0;
    }
    case 'SO_DONTROUTE':
    case 'SO_KEEPALIVE':
    case 'SO_LINGER':
    case 'SO_RCVLOWAT':
      return 1;
    default:
      return 1;
  }
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
    case 'SO_TIMESTAMPNS':
      return Number(sk.timestamp);
    case 'SO_MARK':
      return sk.mark;
    case 'SO_PRIORITY':
      return sk.priority;
    case 'SO_RCVBUF':
      return sk.rcvbuf;
    case 'SO_SNDBUF':
      return sk.sndbuf;
    case 'SO_TYPE':
      return sk.type;
    case 'SO_ERROR': {
      const err = sk.err;
      sk.err = 0;
      return err;
    }
    case 'SO_BINDTODEVICE':
      return sk.net.devByIndex(sk.boundDev)?.name ?? '';
    default:
      return undefined;
  }
}

function sockRfree(skb: SkBuff): void {
  const sk = skb.sk;
  if (sk !== null) sk.rmemAlloc -= skb.truesize;
}

/** Charges a received packet to the socket: freeing it gives the memory back. @kernel skb_set_owner_r() */
export function skbSetOwnerR(skb: SkBuff, sk: Sock): void {
  skb.sk = sk;
  skb.destructor = sockRfree;
  sk.rmemAlloc += skb.truesize;
}

function sockWfree(skb: SkBuff): void {
  const sk = skb.sk;
  if (sk === null) return;
  sk.wmemAlloc -= skb.truesize;
  if (sk.writeSpace !== null) sk.writeSpace(sk);
}

/** Charges a packet being sent to the socket until it is freed. @kernel skb_set_owner_w() */
export function skbSetOwnerW(skb: SkBuff, sk: Sock): void {
  skb.sk = sk;
  skb.destructor = sockWfree;
  sk.wmemAlloc += skb.truesize;
}

/**
 * Gives a packet back to nobody before another layer takes it over (a wire, another host, another namespace).
 * @kernel skb_orphan()
 */
export function skbOrphan(skb: SkBuff): void {
  if (skb.destructor !== null) {
    skb.destructor(skb);
    skb.destructor = null;
  }
  skb.sk = null;
}

/**
 * Queues a received packet on a socket and wakes its reader; drops it where the receive buffer is full.
 * Consumes it. @returns true when queued. @kernel net/core/sock.c __sock_queue_rcv_skb()
 */
export function sockQueueRcvSkb(sk: Sock, skb: SkBuff): boolean {
  if (sk.rmemAlloc >= sk.rcvbuf) {
    sk.drops++;
    sk.net.kernel.kfreeSkbReason(skb, DropReason.SOCKET_RCVBUFF);
    return false;
  }
  skb.dst = null;
  skbSetOwnerR(skb, sk);
  sk.receiveQueue.push(skb);
  if (sk.dataReady !== null) sk.dataReady(sk);
  return true;
}

/** Bytes waiting in the receive queue. */
export function sockQueuedBytes(sk: Sock): number {
  let total = 0;
  for (let skb = sk.receiveQueue.head; skb !== null; skb = skb.next) total += skb.len;
  return total;
}

/** Whether a packet that arrived on `dev` may reach a socket bound to a device. */
export function sockDevMatches(sk: Sock, dev: NetDevice | null): boolean {
  return sk.boundDev === 0 || (dev !== null && dev.ifindex === sk.boundDev);
}

/** Ancillary data of a datagram as the socket asked for it. */
export function sockControl(sk: Sock, skb: SkBuff): Control {
  return sk.timestamp
    ? { timestampNs: skb.tstamp === 0 ? sk.net.kernel.engine.now : skb.tstamp }
    : {};
}
