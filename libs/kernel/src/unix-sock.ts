/**
 * AF_UNIX sockets: streams, datagrams and sequenced packets between processes of a host.
 *
 * A message is a JavaScript object on the receiver's queue; its bytes are charged to the sender until they are read,
 * which is what makes a writer wait. Descriptors that travel with a message are held until somebody takes them.
 * Names are in unix-names.ts. Sources: net/unix/af_unix.c, unix(7).
 *
 * Differs: descriptors in flight are not collected when sockets hold each other.
 */
import { Errno } from '@netloom/base';
import {
  RCV_SHUTDOWN,
  SEND_SHUTDOWN,
  Sock,
  sockGetsockopt,
  sockSetsockopt,
  type Net,
  type SendOptions,
} from '@netloom/kernel-core';
import type { FileDescription } from '@netloom/kernel-tasks';
import {
  AF_UNIX,
  Msg,
  Poll,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  type Control,
  type RecvResult,
  type SockAddr,
  type SockAddrUnix,
  type SockDiagEntry,
  type SockOpt,
  type SockOptValue,
} from '@netloom/sys';
import { unixTable, type UnixName } from './unix-names.js';

export interface UnixCreds {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

interface Message {
  data: Uint8Array;
  /** Bytes charged to the sender. */
  charge: number;
  readonly sender: UnixSock;
  readonly from: SockAddr;
  readonly creds: UnixCreds;
  rights: readonly FileDescription[];
}

const NOBODY: SockAddrUnix = { family: 'unix', path: '' };
const NO_CREDS: UnixCreds = { pid: 0, uid: 0xffffffff, gid: 0xffffffff };
/** What a message costs its sender beside its bytes. */
const MESSAGE_OVERHEAD = 576;
/** net.unix.max_dgram_qlen. */
export const MAX_DGRAM_QLEN = 10;
/** Largest piece that a stream's bytes are queued in. */
const STREAM_PIECE = 32768;

const TCP_ESTABLISHED = 1;
const TCP_CLOSE = 7;
const TCP_LISTEN = 10;

export class UnixSock extends Sock {
  name: UnixName | null = null;
  peer: UnixSock | null = null;
  /** Who called listen or connect, for SO_PEERCRED of the other side. */
  creds: UnixCreds = NO_CREDS;
  peerCreds: UnixCreds = NO_CREDS;
  listening = false;
  private backlog = 0;
  private readonly waiting: UnixSock[] = [];
  private messages: Message[] = [];
  private passcred = false;
  private released = false;
  /** The listener that a connection came to; connections of one share its name. */
  private connected = false;

  constructor(net: Net, type: number) {
    super(net, AF_UNIX, type, 0);
    unixTable(net).sockets.add(this);
  }

  private get stream(): boolean {
    return this.type !== SOCK_DGRAM;
  }

  get address(): SockAddrUnix {
    return this.name === null ? NOBODY : { family: 'unix', path: this.name.path };
  }

  release(): void {
    if (this.released) return;
    this.released = true;
    unixTable(this.net).sockets.delete(this);
    this.name?.drop(this);
    for (const waiting of this.waiting.splice(0)) waiting.release();
    const { peer } = this;
    if (peer !== null && this.stream) {
      if (this.messages.length > 0) peer.err = Errno.ECONNRESET;
      peer.shutdownMask = 3;
      if (peer.stateChange !== null) peer.stateChange(peer);
    }
    for (const message of this.messages) this.forget(message);
    this.messages = [];
    unixTable(this.net).gone(this);
  }

  get alive(): boolean {
    return !this.released;
  }

  private forget(message: Message): void {
    for (const desc of message.rights) desc.drop();
    message.rights = [];
    uncharge(message);
  }

  /** Names are bound by the call, which has a file system (unix-names.ts). */
  bind(): number {
    return -Errno.EINVAL;
  }

  connect(addr: SockAddr): number {
    if (addr.family !== 'unspec') return -Errno.EINVAL;
    if (this.type !== SOCK_DGRAM) return -Errno.EINVAL;
    this.peer = null;
    return 0;
  }

  /** Connects to a socket that was found by its name. -EAGAIN where its backlog is full. @kernel unix_stream_connect() */
  connectTo(other: UnixSock): number {
    if (other.type !== this.type) return -Errno.EPROTOTYPE;
    if (this.type === SOCK_DGRAM) {
      this.peer = other;
      return 0;
    }
    if (this.connected) return -Errno.EISCONN;
    if (this.listening) return -Errno.EINVAL;
    if (!other.listening || (other.shutdownMask & RCV_SHUTDOWN) !== 0) return -Errno.ECONNREFUSED;
    if (other.waiting.length > other.backlog) return -Errno.EAGAIN;
    const server = new UnixSock(this.net, this.type);
    server.name = other.name;
    pair(this, server);
    server.peerCreds = this.creds;
    server.creds = other.creds;
    this.peerCreds = other.creds;
    other.waiting.push(server);
    if (other.dataReady !== null) other.dataReady(other);
    return 0;
  }

  /** Joins two sockets as socketpair(2) does. */
  static join(a: UnixSock, b: UnixSock, creds: UnixCreds): void {
    pair(a, b);
    for (const sk of [a, b]) {
      sk.creds = creds;
      sk.peerCreds = creds;
    }
  }

  markConnected(): void {
    this.connected = true;
  }

  listen(backlog: number): number {
    if (!this.stream) return -Errno.EOPNOTSUPP;
    if (this.name === null || this.connected) return -Errno.EINVAL;
    this.listening = true;
    this.backlog = backlog;
    return 0;
  }

  accept(): Sock | null | number {
    if (!this.stream) return -Errno.EOPNOTSUPP;
    if (!this.listening) return -Errno.EINVAL;
    const server = this.waiting.shift() ?? null;
    if (server !== null) unixTable(this.net).roomAt(this);
    else if ((this.shutdownMask & RCV_SHUTDOWN) !== 0) return -Errno.EINVAL;
    return server;
  }

  sendmsg(data: Uint8Array, options: SendOptions): number {
    return this.send(data, options.flags, undefined, [], this.creds);
  }

  /**
   * Sends bytes, to the peer unless `to` is given. Takes over a reference to each of `rights`, when it takes any bytes.
   * Bytes taken or a negative errno. @kernel unix_stream_sendmsg(), unix_dgram_sendmsg()
   */
  send(
    data: Uint8Array,
    flags: number,
    to: UnixSock | undefined,
    rights: readonly FileDescription[],
    creds: UnixCreds,
  ): number {
    if ((flags & Msg.MSG_OOB) !== 0) return -Errno.EOPNOTSUPP;
    if (this.stream && to !== undefined) return this.connected ? -Errno.EISCONN : -Errno.EOPNOTSUPP;
    const peer = to ?? this.peer;
    if (peer === null) return -Errno.ENOTCONN;
    if ((this.shutdownMask & SEND_SHUTDOWN) !== 0) return -Errno.EPIPE;
    if (this.stream) {
      if (!peer.alive || (peer.shutdownMask & RCV_SHUTDOWN) !== 0) return -Errno.EPIPE;
    } else {
      if (!peer.alive) {
        if (to === undefined) this.peer = null;
        return -Errno.ECONNREFUSED;
      }
      if (peer.type !== this.type) return -Errno.EPROTOTYPE;
      if (peer.peer !== null && peer.peer !== this) return -Errno.EPERM;
      if ((peer.shutdownMask & RCV_SHUTDOWN) !== 0) return -Errno.EPIPE;
    }
    const byteStream = this.type === SOCK_STREAM;
    if (!byteStream && data.length > this.sndbuf - 32) return -Errno.EMSGSIZE;
    if (byteStream && data.length === 0) return 0;
    const room = this.sndbuf - this.wmemAlloc;
    if (byteStream ? room <= MESSAGE_OVERHEAD : this.wmemAlloc > 0 && data.length > room)
      return -Errno.EAGAIN;
    if (this.type === SOCK_DGRAM && peer.messages.length > maxDgramQlen(this.net))
      return -Errno.EAGAIN;
    const taken = byteStream
      ? data.subarray(0, Math.min(data.length, STREAM_PIECE, room - MESSAGE_OVERHEAD))
      : data;
    const charge = taken.length + MESSAGE_OVERHEAD;
    this.wmemAlloc += charge;
    peer.rmemAlloc += charge;
    peer.messages.push({
      data: taken.slice(),
      charge,
      sender: this,
      from: this.address,
      creds,
      rights,
    });
    if (peer.dataReady !== null) peer.dataReady(peer);
    return taken.length;
  }

  recvmsg(count: number, flags: number): RecvResult | number {
    const result = this.take(count, flags);
    if (typeof result === 'number') return result;
    for (const desc of result.rights) desc.drop();
    return result.message;
  }

  /** Receives, with the descriptors that came along: their references are the caller's. @kernel unix_stream_read_generic() */
  take(
    count: number,
    flags: number,
  ): { readonly message: RecvResult; readonly rights: readonly FileDescription[] } | number {
    if (this.stream && !this.connected && this.peer === null) return -Errno.EINVAL;
    const first = this.messages[0];
    if (first === undefined) {
      const end = this.nothing();
      return typeof end === 'number' ? end : { message: end, rights: [] };
    }
    const peek = (flags & Msg.MSG_PEEK) !== 0;
    const byteStream = this.type === SOCK_STREAM;
    const parts: Uint8Array[] = [];
    let got = 0;
    for (let i = 0; i < (byteStream ? this.messages.length : 1) && got < count; i++) {
      const message = this.messages[i] as Message;
      if (i > 0 && (message.rights.length > 0 || message.creds.pid !== first.creds.pid)) break;
      const part = message.data.subarray(0, count - got);
      parts.push(part);
      got += part.length;
    }
    const length = byteStream ? got : first.data.length;
    const control: Control = this.passcred ? { creds: first.creds } : {};
    const rights = peek ? first.rights.map((desc) => desc.hold()) : first.rights;
    if (!peek) {
      first.rights = [];
      this.consume(byteStream ? got : -1);
    }
    const data = parts.length === 1 ? (parts[0] as Uint8Array) : join(parts, got);
    const truncated = !byteStream && length > count ? Msg.MSG_TRUNC : 0;
    const eor = this.type === SOCK_SEQPACKET && truncated === 0 ? Msg.MSG_EOR : 0;
    const from = byteStream ? { family: 'unspec' as const } : first.from;
    return { message: { data, from, flags: truncated | eor, length, control }, rights };
  }

  private nothing(): RecvResult | number {
    if (this.err !== 0) {
      const { err } = this;
      this.err = 0;
      return -err;
    }
    if ((this.shutdownMask & RCV_SHUTDOWN) === 0) return -Errno.EAGAIN;
    return { ...END };
  }

  /** Takes bytes off the queue: `count`, or one message for -1. */
  private consume(count: number): void {
    let left = count;
    for (;;) {
      const message = this.messages[0];
      if (message === undefined) return;
      if (left >= 0 && left < message.data.length) {
        message.data = message.data.subarray(left);
        return;
      }
      this.messages.shift();
      this.rmemAlloc -= message.charge;
      const { sender } = message;
      uncharge(message);
      if (sender.writeSpace !== null) sender.writeSpace(sender);
      if (this.type === SOCK_DGRAM) unixTable(this.net).roomAt(this);
      if (left < 0) return;
      left -= message.data.length;
      if (left <= 0) return;
    }
  }

  poll(): number {
    let events = 0;
    if (this.listening) return this.waiting.length > 0 ? Poll.POLLIN : 0;
    if (this.messages.length > 0) events |= Poll.POLLIN;
    if (this.err !== 0) events |= Poll.POLLERR;
    if ((this.shutdownMask & RCV_SHUTDOWN) !== 0) events |= Poll.POLLIN | Poll.POLLRDHUP;
    if (this.shutdownMask === 3) events |= Poll.POLLHUP;
    if (this.stream && !this.connected) return events | Poll.POLLHUP | Poll.POLLOUT;
    const full =
      this.type === SOCK_DGRAM &&
      this.peer !== null &&
      this.peer.messages.length > maxDgramQlen(this.net);
    if (this.wmemAlloc * 4 <= this.sndbuf && !full) events |= Poll.POLLOUT;
    return events;
  }

  shutdown(how: number): number {
    if (this.stream && !this.connected && !this.listening) return -Errno.ENOTCONN;
    this.shutdownMask |= how;
    const { peer } = this;
    if (peer !== null && this.stream) {
      if ((how & RCV_SHUTDOWN) !== 0) peer.shutdownMask |= SEND_SHUTDOWN;
      if ((how & SEND_SHUTDOWN) !== 0) peer.shutdownMask |= RCV_SHUTDOWN;
      if (peer.stateChange !== null) peer.stateChange(peer);
    }
    if (this.stateChange !== null) this.stateChange(this);
    return 0;
  }

  setsockopt(option: SockOpt, value: SockOptValue): number {
    if (option === 'SO_PASSCRED') {
      this.passcred = Number(value) !== 0;
      return 0;
    }
    if (option === 'SO_PEERCRED') return -Errno.ENOPROTOOPT;
    const result = sockSetsockopt(this, option, value);
    return result === 1 ? -Errno.ENOPROTOOPT : result;
  }

  getsockopt(option: SockOpt): SockOptValue | undefined {
    if (option === 'SO_PASSCRED') return Number(this.passcred);
    if (option === 'SO_PEERCRED')
      return [this.peerCreds.pid, this.peerCreds.uid, this.peerCreds.gid];
    if (option === 'SO_ACCEPTCONN') return Number(this.listening);
    return sockGetsockopt(this, option);
  }

  getname(peer: boolean): SockAddr | number {
    if (!peer) return this.address;
    return this.peer === null ? -Errno.ENOTCONN : this.peer.address;
  }

  /** Messages, or connections of a listener, that wait. */
  get queued(): number {
    return this.listening
      ? this.waiting.length
      : this.messages.reduce((n, m) => n + m.data.length, 0);
  }

  get state(): number {
    if (this.listening) return TCP_LISTEN;
    return this.connected || this.peer !== null ? TCP_ESTABLISHED : TCP_CLOSE;
  }

  diag(): Omit<SockDiagEntry, 'users' | 'ino'> {
    return {
      family: 'unix',
      type: this.type === SOCK_STREAM ? 'u_str' : this.type === SOCK_DGRAM ? 'u_dgr' : 'u_seq',
      state: this.state,
      local: this.address,
      peer: this.peer?.address ?? NOBODY,
      peerIno: this.peer?.ino ?? 0,
      recvQ: this.queued,
      sendQ: this.listening ? this.backlog : this.wmemAlloc,
      uid: this.uid,
      ifindex: 0,
      shutdown: this.shutdownMask,
      mem: {
        rmem: this.rmemAlloc,
        rcvbuf: this.rcvbuf,
        wmem: this.wmemAlloc,
        sndbuf: this.sndbuf,
        fwd: 0,
        wmemQueued: 0,
        opt: 0,
        backlog: 0,
        drops: 0,
      },
    };
  }
}

const END: RecvResult = {
  data: new Uint8Array(0),
  from: { family: 'unspec' },
  flags: 0,
  length: 0,
  control: {},
};

function pair(a: UnixSock, b: UnixSock): void {
  a.peer = b;
  b.peer = a;
  a.markConnected();
  b.markConnected();
}

function uncharge(message: Message): void {
  message.sender.wmemAlloc -= message.charge;
  message.charge = 0;
}

function maxDgramQlen(net: Net): number {
  return unixTable(net).maxDgramQlen;
}

function join(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
