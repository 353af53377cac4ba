/**
 * A socket's kernel half: queues, memory accounting, the callbacks through which a waiting process is woken.
 *
 * Nothing here blocks: a protocol's operations return a negative errno (EAGAIN, EINPROGRESS) and the system-call layer
 * waits for one of the callbacks and asks again. Sources: include/net/sock.h, net/core/sock.c.
 */
import { Errno } from '@netloom/base';
import type {
  Control,
  RecvResult,
  SockAddr,
  SockDiagEntry,
  SockIoctl,
  SockOpt,
  SockOptValue,
} from '@netloom/sys';
import { bpfRun, type BpfProgram } from '@netloom/bpf';
import { IPPROTO_UDP } from '@netloom/sys';
import { UDP_HLEN } from '@netloom/wire';
import { CoreHostSysctl } from './core-sysctls.js';
import { DropReason } from './drop-reasons.js';
import type { Net } from './net.js';
import type { NetDevice } from './net-device.js';
import { SkbQueue } from './skb-queue.js';
import { skbTrim, type SkBuff } from './skbuff.js';

export const RCV_SHUTDOWN = 1;
export const SEND_SHUTDOWN = 2;

export interface SendOptions {
  readonly flags: number;
  /** The rest of a message of which some was taken before. */
  readonly continued?: boolean;
  /** Absent: the connected peer. */
  readonly to?: SockAddr;
  /** Ancillary data. */
  readonly control?: Control;
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
  rcvbuf: number;
  sndbuf: number;
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
  /** SO_TIMESTAMPNS, SO_TIMESTAMP. */
  timestamp = false;
  timestampUs = false;
  /** SO_TIMESTAMPING: SOF_TIMESTAMPING_* bits. */
  tsFlags = 0;
  /** SO_DONTROUTE: destinations are on the link. */
  localroute = false;
  /** SO_RCVTIMEO and SO_SNDTIMEO in nanoseconds; Infinity for no limit. */
  rcvTimeoNs = Infinity;
  sndTimeoNs = Infinity;
  /** SO_ATTACH_FILTER: how much of a packet the socket wants; null for all of all. */
  skFilter: BpfProgram | null = null;
  filterLocked = false;
  /** SO_PEEK_OFF: where the next peek starts, -1 for always at the front. */
  peekOff = -1;
  /** SO_RXQ_OVFL: each message tells how many were dropped before. */
  rxqOvfl = false;
  /** SO_ZEROCOPY: MSG_ZEROCOPY may be asked for. */
  zerocopy = false;
  /** CPU that the last packet was taken on. */
  incomingCpu = -1;
  busyPollUs: number;
  private cookieValue = 0;

  /** SO_COOKIE: a number that no other socket of the namespace has, given out on first use. */
  get cookie(): number {
    if (this.cookieValue === 0) this.cookieValue = ++this.net.sockCookies;
    return this.cookieValue;
  }

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
  ) {
    const { coreValues } = net.kernel;
    this.rcvbuf = coreValues[CoreHostSysctl.rmem_default] as number;
    this.sndbuf = coreValues[CoreHostSysctl.wmem_default] as number;
    this.busyPollUs = coreValues[CoreHostSysctl.busy_read] as number;
  }

  /** What waits next is not for splice: urgent data. */
  spliceStops(): boolean {
    return false;
  }

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

  /** Answers an ioctl(2): a number, or a negative errno. Datagram sockets tell of the message in front. */
  ioctl(request: SockIoctl): number {
    if (request === 'SIOCOUTQ') return this.wmemAlloc;
    return request === 'SIOCINQ' ? (this.receiveQueue.head?.len ?? 0) : -Errno.ENOTTY;
  }
  abstract diag(): Omit<SockDiagEntry, 'users' | 'ino'>;
}

/** SO_TIMESTAMPING: report what the software noted. */
export const SOF_TIMESTAMPING_SOFTWARE = 0x10;

/** Runs a socket's filter over a packet whose data starts where the socket's protocol does; cuts it to what is wanted. */
export function sockFilter(sk: Sock, filter: BpfProgram, skb: SkBuff): boolean {
  const keep = bpfRun(filter, skb.mem.u8, skb.data, skb.len - skb.dataLen, skb.len);
  if (keep === 0) return false;
  const least = sk.protocol === IPPROTO_UDP ? UDP_HLEN : 0;
  if (keep < skb.len) skbTrim(skb, Math.max(keep, least));
  return true;
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
  const control: Control = {};
  if (!sk.timestamp && sk.tsFlags === 0 && !sk.rxqOvfl) return control;
  const at = skb.tstamp === 0 ? sk.net.kernel.engine.now : skb.tstamp;
  if (sk.timestamp) control.timestampNs = sk.timestampUs ? Math.floor(at / 1000) * 1000 : at;
  if ((sk.tsFlags & SOF_TIMESTAMPING_SOFTWARE) !== 0) control.timestamping = [at, 0, 0];
  if (sk.rxqOvfl && sk.drops > 0) control.drops = sk.drops;
  return control;
}
