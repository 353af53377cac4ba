/**
 * TCP sockets as the socket layer sees them: connect, listen, accept, send, receive, poll, shut down, close.
 * socket layer → TcpStreamSock → tcp-output (sending), receive queue (receiving), tcp-ipv4, tcp-listen.
 * Sources: net/ipv4/tcp.c, af_inet.c, RFC 9293 §3.9. Nothing blocks: EAGAIN and EINPROGRESS tell the caller to wait.
 */
import { Errno, seqAfter } from '@netloom/base';
import { Mib, mibAdd, RCV_SHUTDOWN, SEND_SHUTDOWN, skbPut, type SendOptions, type SkBuff } from '@netloom/kernel-core';
import { ipv4Of } from '@netloom/kernel-inet';
import { Msg, Poll, type RecvResult, type SockAddr, type SockDiagEntry, type SockOpt, type SockOptValue } from '@netloom/sys';
import { TCPHDR_ACK, TCPHDR_FIN, TCPHDR_PSH } from '@netloom/wire';
import {
  ICSK_ACK_PUSHED, ICSK_ACK_PUSHED2, ICSK_ACK_SCHED, SOCK_BINDADDR_LOCK, SOCK_BINDPORT_LOCK, TCP_CLOSE, TCP_CLOSE_WAIT, TCP_ESTABLISHED,
  TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_LAST_ACK, TCP_LISTEN, TCP_NAGLE_CORK, TCP_NAGLE_PUSH, TCP_SYN_RECV, TCP_SYN_SENT,
  TCP_TIMEWAIT_LEN, TCPF_CLOSE, TCPF_CLOSE_WAIT, TCPF_CLOSING, TCPF_ESTABLISHED, TCPF_FIN_WAIT1, TCPF_FIN_WAIT2, TCPF_LAST_ACK, TCPF_LISTEN,
  TCPF_SYN_RECV, TCPF_SYN_SENT,
} from './tcp-const.js';
import { tcpPacketsInFlight, tcpSlowStartAfterIdleCheck } from './tcp-cwnd.js';
import { tcpSockDiag } from './tcp-diag.js';
import { tcpForgetPeer, tcpV4Connect } from './tcp-ipv4.js';
import { tcpAcceptDequeue, tcpListenStart, tcpListenStop } from './tcp-listen.js';
import { tcpCurrentMss } from './tcp-mss.js';
import { TcpSysctl } from './tcp-net.js';
import { tcpPushOne, tcpPushPending, tcpQueueSkb, tcpSendFin, tcpWriteXmit } from './tcp-output.js';
import { tcpRateCheckAppLimited } from './tcp-rate.js';
import { tcpXmitRetransmitQueue } from './tcp-retransmit.js';
import { TcpSock } from './tcp-sock.js';
import { tcpGetsockopt, tcpSetsockopt } from './tcp-sockopt.js';
import { tcpDestroySock, tcpPutPort, tcpSetState, tcpWriteQueuePurge } from './tcp-state.js';
import { tcpFinTime, tcpInitXmitTimers, tcpKeepaliveTimeWhen } from './tcp-timer.js';
import { tcpTimeWait } from './tcp-timewait.js';
import { tcpAllocSkb, tcpInitNondataSkb, tcpSendAck, tcpSendActiveReset } from './tcp-transmit.js';
import { tcpRcvSpaceAdjust, tcpReceiveWindow, tcpSelectWindowSize } from './tcp-window.js';
import { tcpClearXmitTimers, tcpResetKeepalive } from './tcp-xmit-timer.js';

const SS_UNCONNECTED = 0;
const SS_CONNECTING = 1;
const SS_CONNECTED = 2;

const UNSPEC: SockAddr = { family: 'unspec' };

/** State after close() or shutdown(SEND), and whether a FIN goes out. @kernel tcp_close_state() */
const CLOSE_NEXT: Readonly<Record<number, readonly [number, boolean]>> = {
  [TCP_ESTABLISHED]: [TCP_FIN_WAIT1, true],
  [TCP_SYN_SENT]: [TCP_CLOSE, false],
  [TCP_SYN_RECV]: [TCP_FIN_WAIT1, true],
  [TCP_CLOSE_WAIT]: [TCP_LAST_ACK, true],
  [TCP_LISTEN]: [TCP_CLOSE, false],
};

export class TcpStreamSock extends TcpSock {
  initTimers(): void {
    tcpInitXmitTimers(this);
  }

  startKeepalive(): void {
    tcpResetKeepalive(this, tcpKeepaliveTimeWhen(this));
  }

  onTsq(): void {
    if (this.lostOut > this.retransOut && this.sndCwnd > tcpPacketsInFlight(this)) tcpXmitRetransmitQueue(this);
    tcpWriteXmit(this, tcpCurrentMss(this), this.nonagle, 0);
  }

  newChild(): TcpStreamSock {
    const child = new TcpStreamSock(this.net);
    child.initTimers();
    child.rcvbuf = this.rcvbuf;
    child.sndbuf = this.sndbuf;
    child.userlocks = this.userlocks & ~(SOCK_BINDADDR_LOCK | SOCK_BINDPORT_LOCK);
    child.priority = this.priority;
    child.reuseAddr = this.reuseAddr;
    child.reusePort = this.reusePort;
    child.timestamp = this.timestamp;
    child.uid = this.uid;
    child.tos = this.tos;
    child.ttl = this.ttl;
    child.recverr = this.recverr;
    child.pmtudisc = this.pmtudisc;
    child.keepopen = this.keepopen;
    child.linger = this.linger;
    child.lingerTime = this.lingerTime;
    child.rcvlowat = this.rcvlowat;
    child.nonagle = this.nonagle;
    child.keepaliveTimeNs = this.keepaliveTimeNs;
    child.keepaliveIntvlNs = this.keepaliveIntvlNs;
    child.keepaliveProbes = this.keepaliveProbes;
    child.synRetries = this.synRetries;
    child.linger2 = this.linger2;
    child.userTimeoutMs = this.userTimeoutMs;
    child.caOps = this.caOps;
    child.ca = this.caOps.newState?.() ?? null;
    child.rxOpt.userMss = this.rxOpt.userMss;
    return child;
  }

  // ---- names and ports ----

  override getname(peer: boolean): SockAddr | number {
    if (peer && ((1 << this.state) & (TCPF_CLOSE | TCPF_SYN_SENT)) !== 0) return -Errno.ENOTCONN;
    return super.getname(peer);
  }

  bind(addr: SockAddr): number {
    if (addr.family === 'unspec') return -Errno.EINVAL;
    if (addr.family !== 'inet') return -Errno.EAFNOSUPPORT;
    if (this.state !== TCP_CLOSE || this.sport !== 0) return -Errno.EINVAL;
    const bad = this.checkBindAddress(addr.addr);
    if (bad !== 0) return bad;
    this.setBound(addr.addr);
    if (addr.addr !== 0) this.userlocks |= SOCK_BINDADDR_LOCK;
    if (addr.port === 0 && this.bindNoPort) return 0;
    const error = this.getPort(addr.port);
    if (error !== 0) {
      this.saddr = this.rcvSaddr = 0;
      this.userlocks &= ~SOCK_BINDADDR_LOCK;
      return error;
    }
    if (addr.port !== 0) this.userlocks |= SOCK_BINDPORT_LOCK;
    return 0;
  }

  /** Takes a port, 0 for a free one. 0 or -EADDRINUSE. @kernel inet_csk_get_port() */
  private getPort(wanted: number): number {
    const { hash } = this.tn;
    const port = wanted !== 0 ? wanted : this.freePort();
    if (port === 0 || hash.conflicts(this, port, this.rcvSaddr, wanted !== 0)) return -Errno.EADDRINUSE;
    this.sport = port;
    this.bindBucket = hash.bind(port, this, true);
    return 0;
  }

  /** A free port of the odd half of the range, then of the even half. @kernel inet_csk_find_open_port() */
  private freePort(): number {
    const [low, high] = ipv4Of(this.net).localPortRange;
    const count = high - low + 1;
    const start = this.net.kernel.random('tcp-port').below(count) | 1;
    for (let parity = 0; parity < 2; parity++) {
      for (let i = parity; i < count; i += 2) {
        const port = low + ((start + i) % count);
        if (!this.tn.hash.conflicts(this, port, this.rcvSaddr, false)) return port;
      }
    }
    return 0;
  }

  // ---- opening ----

  connect(addr: SockAddr): number {
    if (addr.family === 'unspec') {
      const error = this.disconnect();
      this.socketState = SS_UNCONNECTED;
      return error;
    }
    if (addr.family !== 'inet') return -Errno.EAFNOSUPPORT;
    let error: number = -Errno.EINPROGRESS;
    if (this.socketState === SS_CONNECTED) return -Errno.EISCONN;
    if (this.socketState === SS_CONNECTING) {
      error = -Errno.EALREADY;
    } else {
      if (this.state !== TCP_CLOSE) return -Errno.EISCONN;
      const started = tcpV4Connect(this, addr.addr, addr.port);
      if (started !== 0) return started;
      this.socketState = SS_CONNECTING;
    }
    const bit = 1 << this.state;
    if ((bit & (TCPF_SYN_SENT | TCPF_SYN_RECV)) !== 0) return error;
    if ((bit & TCPF_CLOSE) !== 0) {
      const failed = this.err !== 0 ? this.takeError() : -Errno.ECONNABORTED;
      this.socketState = SS_UNCONNECTED;
      this.disconnect();
      return failed;
    }
    this.socketState = SS_CONNECTED;
    return 0;
  }

  override listen(backlog: number): number {
    if (this.socketState !== SS_UNCONNECTED) return -Errno.EINVAL;
    if (((1 << this.state) & (TCPF_CLOSE | TCPF_LISTEN)) === 0) return -Errno.EINVAL;
    this.maxAckBacklog = Math.min(backlog >>> 0, this.tn.somaxconn);
    if (this.state === TCP_LISTEN) return 0;
    if (this.sport === 0) {
      const error = this.getPort(0);
      if (error !== 0) return error;
    }
    return tcpListenStart(this);
  }

  override accept(): number {
    return this.acceptSock() as unknown as number;
  }

  private acceptSock(): TcpSock | null | number {
    if (this.state !== TCP_LISTEN) return -Errno.EINVAL;
    return tcpAcceptDequeue(this);
  }

  // ---- sending ----

  /** @kernel tcp_sendmsg_locked() */
  sendmsg(data: Uint8Array, options: SendOptions): number {
    const { flags } = options;
    const bit = 1 << this.state;
    if ((bit & (TCPF_SYN_SENT | TCPF_SYN_RECV)) !== 0) {
      return this.err !== 0 ? this.takeError() : -Errno.EAGAIN;
    }
    if ((bit & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT)) === 0) return this.err !== 0 ? this.takeError() : -Errno.EPIPE;
    if (this.err !== 0) return this.takeError();
    if ((this.shutdownMask & SEND_SHUTDOWN) !== 0) return -Errno.EPIPE;
    tcpRateCheckAppLimited(this);
    const mss = tcpCurrentMss(this);
    let copied = 0;
    while (copied < data.length) {
      let skb = this.writeQueue.tail;
      let room = skb === null || (skb.cbFlags & TCPHDR_FIN) !== 0 ? 0 : Math.min(mss - skb.len, skb.end - skb.tail);
      if (room <= 0) {
        if (!this.memoryFree()) break;
        const first = this.rtxQueue.length === 0 && this.writeQueue.head === null;
        const fresh = this.newSegment(Math.min(data.length - copied, mss));
        if (fresh === null) {
          if (copied === 0 && first) return -Errno.ENOBUFS;
          break;
        }
        skb = fresh;
        room = Math.min(mss, skb.end - skb.tail);
      }
      const segment = skb as SkBuff;
      const n = Math.min(room, data.length - copied);
      this.append(segment, data, copied, n);
      if (copied === 0) segment.cbFlags &= ~TCPHDR_PSH;
      copied += n;
      if (copied === data.length) break;
      if (segment.len < mss && segment.end > segment.tail) continue;
      if (this.forcedPush()) {
        this.markPush(segment);
        tcpPushPending(this, mss, TCP_NAGLE_PUSH);
      } else if (segment === this.writeQueue.head) {
        tcpPushOne(this, mss);
      }
    }
    if (copied < data.length) this.nospace = true;
    if (copied === 0 && data.length > 0) return -Errno.EAGAIN;
    if (copied > 0) this.push(flags, mss, copied < data.length ? TCP_NAGLE_PUSH : this.nonagle);
    return copied;
  }

  private memoryFree(): boolean {
    return this.wmemQueued < this.sndbuf;
  }

  /** An empty segment at the end of the write queue. @kernel tcp_stream_alloc_skb(), tcp_skb_entail() */
  private newSegment(size: number): SkBuff | null {
    const skb = tcpAllocSkb(this, size) ?? tcpAllocSkb(this, Math.min(size, 1024));
    if (skb === null) return null;
    tcpInitNondataSkb(skb, this.writeSeq, TCPHDR_ACK);
    tcpQueueSkb(this, skb);
    this.nonagle &= ~TCP_NAGLE_PUSH;
    tcpSlowStartAfterIdleCheck(this);
    return skb;
  }

  private append(skb: SkBuff, data: Uint8Array, from: number, n: number): void {
    const at = skbPut(skb, n);
    skb.mem.write(at, data, from, n);
    // What was asked for at allocation is paid for; appending beyond it is charged now.
    const used = skb.tail - skb.head + 576;
    if (used > skb.truesize) {
      this.wmemQueued += used - skb.truesize;
      skb.truesize = used;
    }
    skb.cbEndSeq = (skb.cbEndSeq + n) >>> 0;
    this.writeSeq = (this.writeSeq + n) >>> 0;
  }

  /** Half a window since the last PSH: send one. @kernel forced_push() */
  private forcedPush(): boolean {
    return seqAfter(this.writeSeq, (this.pushedSeq + (this.maxWindow >>> 1)) >>> 0);
  }

  private markPush(skb: SkBuff): void {
    skb.cbFlags |= TCPHDR_PSH;
    this.pushedSeq = this.writeSeq;
  }

  /** Sends what a write has queued. @kernel tcp_push() */
  private push(flags: number, mss: number, nonagle: number): void {
    const tail = this.writeQueue.tail;
    if (tail === null) return;
    const more = (flags & Msg.MSG_MORE) !== 0;
    if (!more || this.forcedPush()) this.markPush(tail);
    if (this.shouldAutocork(tail, mss)) {
      if (!this.tsqThrottled) {
        this.tsqThrottled = true;
        mibAdd(this.net.mib, Mib.TcpExtTCPAutoCorking, 1);
      }
      if (this.wmemAlloc > tail.truesize) return; // sent when a clone leaves the host
    }
    tcpPushPending(this, mss, more ? TCP_NAGLE_CORK : nonagle);
  }

  /** A small segment while others wait in the host's own queue: let it grow. @kernel tcp_should_autocork() */
  private shouldAutocork(skb: SkBuff, mss: number): boolean {
    return (
      skb.len < mss && this.tn.sysctl(TcpSysctl.tcp_autocorking) !== 0 && this.rtxQueue.length > 0 && this.wmemAlloc > skb.truesize
    );
  }

  // ---- receiving ----

  /** @kernel tcp_recvmsg_locked() */
  recvmsg(count: number, flags: number): RecvResult | number {
    if ((flags & Msg.MSG_ERRQUEUE) !== 0) return this.recvError(count);
    if (this.state === TCP_LISTEN) return -Errno.ENOTCONN;
    if ((flags & Msg.MSG_OOB) !== 0) return -Errno.EINVAL;
    const peek = (flags & Msg.MSG_PEEK) !== 0;
    const available = this.inqueue();
    const size = Math.min(count, available);
    if (size === 0 && count > 0) {
      const empty = this.nothingToRead();
      if (empty < 0) return empty;
    }
    const data = (flags & Msg.MSG_TRUNC) === 0 ? this.copyOut(size, peek) : this.skip(size);
    if (!peek) {
      if (size > 0) tcpRcvSpaceAdjust(this);
      this.cleanupRbuf(size);
    }
    return { data, from: UNSPEC, flags: 0, length: size, control: {} };
  }

  /** Bytes in order that have not been read. */
  private inqueue(): number {
    const tail = this.receiveQueue.tail;
    if (tail === null) return 0;
    const fin = (tail.cbFlags & TCPHDR_FIN) !== 0 ? 1 : 0;
    return Math.max((tail.cbEndSeq - fin - this.copiedSeq) | 0, 0);
  }

  /** What an empty queue means: 0 for the end of the stream, or a negative errno. */
  private nothingToRead(): number {
    if (this.done) return this.err !== 0 ? this.takeError() : 0;
    if (this.err !== 0) return this.takeError();
    if ((this.shutdownMask & RCV_SHUTDOWN) !== 0 && this.state !== TCP_CLOSE) return 0;
    if (this.state === TCP_CLOSE) return this.socketState === SS_UNCONNECTED ? -Errno.ENOTCONN : 0;
    return -Errno.EAGAIN;
  }

  /** Copies `size` bytes out and, unless peeking, gives their buffers back. */
  private copyOut(size: number, peek: boolean): Uint8Array {
    const head = this.receiveQueue.head;
    const at = head === null ? 0 : head.data + ((this.copiedSeq - head.cbSeq) >>> 0);
    // Most reads are served by one segment: one allocation that copies.
    const whole = head !== null && head.data + head.len - at >= size;
    const data = whole ? head.mem.bytes(at, size) : new Uint8Array(size);
    if (!whole) this.copySegments(data);
    if (!peek) this.consume(size);
    return data;
  }

  private copySegments(data: Uint8Array): void {
    let offset = ((this.copiedSeq - (this.receiveQueue.head?.cbSeq ?? 0)) >>> 0);
    let done = 0;
    for (let skb = this.receiveQueue.head; skb !== null && done < data.length; skb = skb.next) {
      const n = Math.min(skb.len - offset, data.length - done);
      const from = skb.data + offset;
      data.set(skb.mem.u8.subarray(from, from + n), done);
      done += n;
      const next = skb.next;
      // Segments may overlap where a retransmission was cut differently.
      if (next !== null) offset = (skb.cbSeq + offset + n - next.cbSeq) >>> 0;
    }
  }

  /** MSG_TRUNC: bytes are thrown away unread. */
  private skip(size: number): Uint8Array {
    this.consume(size);
    return new Uint8Array(0);
  }

  /** Moves on by `size` bytes, and over the FIN behind them. */
  private consume(size: number): void {
    const until = (this.copiedSeq + size) >>> 0;
    this.copiedSeq = until;
    for (let skb = this.receiveQueue.head; skb !== null; skb = this.receiveQueue.head) {
      const fin = (skb.cbFlags & TCPHDR_FIN) !== 0;
      const left = (skb.cbEndSeq - (fin ? 1 : 0) - until) | 0;
      if (left > 0) return;
      if (fin) this.copiedSeq = (until + 1) >>> 0;
      this.eat(skb);
    }
  }

  private eat(skb: SkBuff): void {
    this.receiveQueue.unlink(skb);
    skb.pool.release(skb);
  }

  /** Room was made: perhaps the peer should hear of it. @kernel tcp_cleanup_rbuf() */
  private cleanupRbuf(copied: number): void {
    if (((1 << this.state) & (TCPF_CLOSE | TCPF_LISTEN)) !== 0) return;
    let now = false;
    if ((this.ackPending & ICSK_ACK_SCHED) !== 0) {
      const pushed =
        (this.ackPending & ICSK_ACK_PUSHED2) !== 0 || ((this.ackPending & ICSK_ACK_PUSHED) !== 0 && this.ackPingpong < 1);
      now = (this.rcvNxt - this.rcvWup) >>> 0 > this.ackRcvMss || (copied > 0 && pushed && this.rmemAlloc === 0);
    }
    if (copied > 0 && !now && (this.shutdownMask & RCV_SHUTDOWN) === 0) {
      const window = tcpReceiveWindow(this);
      if (2 * window <= this.windowClamp) {
        const wanted = tcpSelectWindowSize(this);
        if (wanted > 0 && wanted >= 2 * window) now = true;
      }
    }
    if (now) tcpSendAck(this);
  }

  // ---- readiness ----

  /** @kernel tcp_poll() */
  poll(): number {
    const state = this.state;
    if (state === TCP_LISTEN) return this.acceptQueueLength > 0 ? Poll.POLLIN : 0;
    let events = 0;
    if (this.shutdownMask === 3 || state === TCP_CLOSE) events |= Poll.POLLHUP;
    if ((this.shutdownMask & RCV_SHUTDOWN) !== 0) events |= Poll.POLLIN | Poll.POLLRDHUP;
    if (state !== TCP_SYN_SENT && (state !== TCP_SYN_RECV || this.passive)) {
      if (this.inqueue() >= Math.min(this.rcvlowat, this.rcvbuf >> 1)) events |= Poll.POLLIN;
      if ((this.shutdownMask & SEND_SHUTDOWN) !== 0 || this.writeable()) events |= Poll.POLLOUT;
      else this.nospace = true;
    }
    if (this.err !== 0 || this.hasErrors) events |= Poll.POLLERR;
    return events;
  }

  private writeable(): boolean {
    return this.sndbuf - this.wmemQueued >= this.wmemQueued >> 1 && this.wmemQueued < this.sndbuf;
  }

  // ---- closing ----

  /** Moves on for a FIN of ours. @returns whether one is to be sent. @kernel tcp_close_state() */
  private closeState(): boolean {
    const next = CLOSE_NEXT[this.state];
    if (next === undefined) return false;
    tcpSetState(this, next[0]);
    return next[1];
  }

  shutdown(how: number): number {
    const state = this.state;
    if (state === TCP_CLOSE) return -Errno.ENOTCONN;
    if (state === TCP_LISTEN || state === TCP_SYN_SENT) {
      if (state === TCP_LISTEN && (how & RCV_SHUTDOWN) === 0) return 0;
      const error = this.disconnect();
      this.socketState = SS_UNCONNECTED;
      if (this.stateChange !== null) this.stateChange(this);
      return error;
    }
    this.shutdownMask |= how;
    const open = TCPF_ESTABLISHED | TCPF_SYN_SENT | TCPF_CLOSE_WAIT | (state === TCP_SYN_RECV ? 0 : TCPF_SYN_RECV);
    if ((how & SEND_SHUTDOWN) !== 0 && ((1 << state) & open) !== 0 && this.closeState()) tcpSendFin(this);
    if (this.stateChange !== null) this.stateChange(this);
    return 0;
  }

  /** The file is gone. @kernel tcp_close() */
  release(): void {
    this.shutdownMask = RCV_SHUTDOWN | SEND_SHUTDOWN;
    if (this.state === TCP_LISTEN) {
      tcpSetState(this, TCP_CLOSE);
      tcpListenStop(this);
    } else {
      this.closeConnection();
    }
    this.orphan();
    if (this.state === TCP_FIN_WAIT2) this.orphanFinWait2();
    if (this.state === TCP_CLOSE) tcpDestroySock(this);
  }

  private closeConnection(): void {
    const unread = this.inqueue() > 0;
    this.receiveQueue.purge();
    if (this.state === TCP_CLOSE) return;
    if (unread) {
      // Data that nobody will read: tell the sender (RFC 2525 §2.17).
      mibAdd(this.net.mib, Mib.TcpExtTCPAbortOnClose, 1);
      tcpSendActiveReset(this);
      tcpSetState(this, TCP_CLOSE);
    } else if (this.linger && this.lingerTime === 0) {
      mibAdd(this.net.mib, Mib.TcpExtTCPAbortOnData, 1);
      this.disconnect();
    } else if (this.closeState()) {
      tcpSendFin(this);
    }
  }

  private orphan(): void {
    if (this.dead) return;
    this.dead = true;
    this.dataReady = null;
    this.writeSpace = null;
    this.stateChange = null;
    this.tn.orphans++;
  }

  private orphanFinWait2(): void {
    if (this.linger2 < 0) {
      tcpSendActiveReset(this);
      mibAdd(this.net.mib, Mib.TcpExtTCPAbortOnLinger, 1);
      tcpSetState(this, TCP_CLOSE);
      return;
    }
    const timeout = tcpFinTime(this);
    if (timeout > TCP_TIMEWAIT_LEN) tcpResetKeepalive(this, timeout - TCP_TIMEWAIT_LEN);
    else tcpTimeWait(this, TCP_FIN_WAIT2, timeout);
  }

  /** Gives the connection up at once. 0. @kernel tcp_disconnect() */
  private disconnect(): number {
    const old = this.state;
    const unsent = this.sndNxt !== this.writeSeq;
    const bit = 1 << old;
    const needsReset = (bit & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT | TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2 | TCPF_SYN_RECV)) !== 0;
    if (needsReset || (unsent && (bit & (TCPF_CLOSING | TCPF_LAST_ACK)) !== 0)) {
      tcpSendActiveReset(this);
      this.err = Errno.ECONNRESET;
    } else if (old === TCP_SYN_SENT) {
      this.err = Errno.ECONNRESET;
    }
    if (old !== TCP_CLOSE) tcpSetState(this, TCP_CLOSE);
    if (old === TCP_LISTEN) tcpListenStop(this);
    tcpClearXmitTimers(this);
    this.receiveQueue.purge();
    this.ofoQueue.purge();
    tcpWriteQueuePurge(this);
    tcpForgetPeer(this);
    if ((this.userlocks & SOCK_BINDPORT_LOCK) === 0 && this.bindBucket !== null) tcpPutPort(this);
    this.shutdownMask = 0;
    this.done = false;
    this.srttUs = 0;
    this.mdevUs = this.rtoUs = 1_000_000;
    this.writeSeq = (this.writeSeq + this.maxWindow + 2) >>> 0;
    this.copiedSeq = this.rcvNxt;
    this.probesOut = 0;
    this.predictable = false;
    this.ackAto = 0;
    this.numSacks = 0;
    this.caInitialized = false;
    this.caState = 0;
    return 0;
  }

  // ---- options and dumps ----

  setsockopt(option: SockOpt, value: SockOptValue): number {
    const own = tcpSetsockopt(this, option, value);
    if (own !== 1) return own;
    const result = this.ipSetsockopt(option, value);
    return result === 1 ? -Errno.ENOPROTOOPT : result;
  }

  getsockopt(option: SockOpt): SockOptValue | undefined {
    const own = tcpGetsockopt(this, option);
    return own !== undefined ? own : this.ipGetsockopt(option);
  }

  diag(): Omit<SockDiagEntry, 'users' | 'ino'> {
    return tcpSockDiag(this);
  }
}
