/**
 * TCP sockets as the socket layer sees them: connect, listen, accept, send, receive, poll, shut down, close.
 * socket layer → TcpStreamSock → tcp-sendmsg, tcp-recvmsg, tcp-close, tcp-ipv4 (connect), tcp-listen.
 * Sources: net/ipv4/tcp.c, af_inet.c, RFC 9293 §3.9. Nothing blocks: EAGAIN and EINPROGRESS tell the caller to wait.
 */
import { Errno } from '@netloom/base';
import { RCV_SHUTDOWN, SEND_SHUTDOWN, type SendOptions } from '@netloom/kernel-core';
import { ipv4Of } from '@netloom/kernel-inet';
import {
  inet6BindAddress,
  inet6Getsockopt,
  inet6ResetAddress,
  inet6Setsockopt,
} from '@netloom/kernel-inet6';
import {
  Msg,
  Poll,
  type RecvResult,
  type SockAddr,
  type SockDiagEntry,
  type SockIoctl,
  type SockOpt,
  type SockOptValue,
} from '@netloom/sys';
import { in6FromBytes, in6IsMulticast } from '@netloom/wire';
import { tcpAf4 } from './tcp-af-ipv4.js';
import { tcpClose, tcpDisconnect, tcpShutdown } from './tcp-close.js';
import {
  SOCK_BINDADDR_LOCK,
  SOCK_BINDPORT_LOCK,
  SS_CONNECTED,
  SS_CONNECTING,
  SS_UNCONNECTED,
  TCP_CLOSE,
  TCP_LISTEN,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TCPF_CLOSE,
  TCPF_LISTEN,
  TCPF_SYN_RECV,
  TCPF_SYN_SENT,
} from './tcp-const.js';
import { tcpPacketsInFlight } from './tcp-cwnd.js';
import { tcpSockDiag } from './tcp-diag.js';
import { tcpV4Connect } from './tcp-ipv4.js';
import { tcpV6Connect } from './tcp-ipv6.js';
import { tcpConnect } from './tcp-connect.js';
import { tcpFastopenClientEnabled } from './tcp-fastopen-client.js';
import { tcpFastopenListen, tcpFastopenOf, type FastopenRequest } from './tcp-fastopen.js';
import { tcpSetState } from './tcp-state.js';
import { tcpAcceptDequeue, tcpListenStart } from './tcp-listen.js';
import { tcpCurrentMss } from './tcp-mss.js';
import { tcpWriteXmit } from './tcp-output.js';
import { tcpInqueue, tcpReadInto, tcpRecvmsg } from './tcp-recvmsg.js';
import { tcpXmitRetransmitQueue } from './tcp-retransmit.js';
import { tcpNotsentRoom, tcpSendmsg } from './tcp-sendmsg.js';
import { tcpNoteSend } from './tcp-tx-marks.js';
import { tcpAtMark, tcpUrgHole, tcpUrgLimit, tcpUrgReady } from './tcp-urg.js';
import { TcpSock } from './tcp-sock.js';
import { tcpGetsockopt, tcpSetsockopt } from './tcp-sockopt.js';
import { tcpInitXmitTimers, tcpKeepaliveTimeWhen } from './tcp-timer.js';
import { tcpResetKeepalive } from './tcp-xmit-timer.js';

export class TcpStreamSock extends TcpSock {
  initTimers(): void {
    tcpInitXmitTimers(this);
  }

  startKeepalive(): void {
    tcpResetKeepalive(this, tcpKeepaliveTimeWhen(this));
  }

  onTsq(): void {
    if (this.lostOut > this.retransOut && this.sndCwnd > tcpPacketsInFlight(this))
      tcpXmitRetransmitQueue(this);
    tcpWriteXmit(this, tcpCurrentMss(this), this.nonagle, 0);
  }

  newChild(): TcpStreamSock {
    const child = new TcpStreamSock(this.net, this.family);
    if (this.v6 !== null) child.v6?.inherit(this.v6);
    child.rcvbuf = this.rcvbuf;
    child.sndbuf = this.sndbuf;
    child.userlocks = this.userlocks & ~(SOCK_BINDADDR_LOCK | SOCK_BINDPORT_LOCK);
    child.priority = this.priority;
    child.reuseAddr = this.reuseAddr;
    child.reusePort = this.reusePort;
    child.timestamp = this.timestamp;
    child.timestampUs = this.timestampUs;
    child.tsFlags = this.tsFlags;
    child.zerocopy = this.zerocopy;
    child.localroute = this.localroute;
    child.rcvTimeoNs = this.rcvTimeoNs;
    child.sndTimeoNs = this.sndTimeoNs;
    child.urginline = this.urginline;
    child.recvmsgInq = this.recvmsgInq;
    child.notsentLowat = this.notsentLowat;
    child.thinLto = this.thinLto;
    child.rtoMaxUs = this.rtoMaxUs;
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
    if (addr.family !== (this.v6 === null ? 'inet' : 'inet6')) return -Errno.EAFNOSUPPORT;
    if (this.state !== TCP_CLOSE || this.sport !== 0) return -Errno.EINVAL;
    const bad = this.bindAddress(addr);
    if (bad !== 0) return bad;
    if (this.rcvSaddr !== 0) this.userlocks |= SOCK_BINDADDR_LOCK;
    if (addr.port === 0 && this.bindNoPort) return 0;
    const error = this.getPort(addr.port);
    if (error !== 0) {
      if (this.v6 !== null) inet6ResetAddress(this);
      else this.saddr = this.rcvSaddr = 0;
      this.userlocks &= ~SOCK_BINDADDR_LOCK;
      return error;
    }
    if (addr.port !== 0) this.userlocks |= SOCK_BINDPORT_LOCK;
    return 0;
  }

  private bindAddress(addr: SockAddr): number {
    if (addr.family === 'inet6') {
      const bad = in6IsMulticast(in6FromBytes(addr.addr))
        ? -Errno.EINVAL
        : inet6BindAddress(this, addr);
      if (bad === 0 && this.v6?.mapped === true) this.af = tcpAf4;
      return bad;
    }
    if (addr.family !== 'inet') return -Errno.EAFNOSUPPORT;
    const bad = this.checkBindAddress(addr.addr);
    if (bad === 0) this.setBound(addr.addr);
    return bad;
  }

  /** Takes a port, 0 for a free one. 0 or -EADDRINUSE. @kernel inet_csk_get_port() */
  private getPort(wanted: number): number {
    const { hash } = this.tn;
    const port = wanted !== 0 ? wanted : this.freePort();
    if (port === 0 || hash.conflicts(this, port, this.rcvSaddr, wanted !== 0))
      return -Errno.EADDRINUSE;
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
      const error = tcpDisconnect(this);
      this.socketState = SS_UNCONNECTED;
      return error;
    }
    if (addr.family !== (this.v6 === null ? 'inet' : 'inet6')) return -Errno.EAFNOSUPPORT;
    let error: number = -Errno.EINPROGRESS;
    if (this.socketState === SS_CONNECTED) return -Errno.EISCONN;
    if (this.socketState === SS_CONNECTING) {
      error = -Errno.EALREADY;
    } else {
      if (this.state !== TCP_CLOSE) return -Errno.EISCONN;
      const started =
        addr.family === 'inet6'
          ? tcpV6Connect(this, addr)
          : tcpV4Connect(this, addr.addr, addr.port);
      if (started !== 0) return started;
      this.socketState = SS_CONNECTING;
    }
    if (this.tfo !== null && this.tfo.defer) return error === -Errno.EALREADY ? -Errno.EISCONN : 0;
    const bit = 1 << this.state;
    if ((bit & (TCPF_SYN_SENT | TCPF_SYN_RECV)) !== 0) return error;
    if ((bit & TCPF_CLOSE) !== 0) {
      const failed = this.err !== 0 ? this.takeError() : -Errno.ECONNABORTED;
      this.socketState = SS_UNCONNECTED;
      tcpDisconnect(this);
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
    tcpFastopenListen(this, backlog);
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

  // ---- data ----

  sendmsg(data: Uint8Array, options: SendOptions): number {
    if ((options.flags & Msg.MSG_FASTOPEN) !== 0 || (this.tfo !== null && this.tfo.defer))
      return this.sendmsgFastopen(data, options);
    return tcpSendmsg(this, data, options);
  }

  /**
   * Opens the connection with the first data in the SYN where a cookie is known, else asks for one. Bytes taken, or
   * -EINPROGRESS where none were. @kernel tcp_sendmsg_fastopen()
   */
  private sendmsgFastopen(data: Uint8Array, options: SendOptions): number {
    if (!tcpFastopenClientEnabled(this)) return -Errno.EOPNOTSUPP;
    const tfo = tcpFastopenOf(this);
    if (tfo.req !== null) return -Errno.EALREADY;
    const request: FastopenRequest = {
      cookie: new Uint8Array(0),
      exp: false,
      data: data.slice(0, 65536),
      copied: 0,
    };
    tfo.req = request;
    let error: number;
    if (tfo.defer) {
      tfo.defer = false;
      error = tcpConnect(this);
      if (error !== 0) tcpSetState(this, TCP_CLOSE);
      else error = -Errno.EINPROGRESS;
    } else {
      error = options.to === undefined ? -Errno.EDESTADDRREQ : this.connect(options.to);
    }
    tfo.req = null;
    if (request.copied > 0) tcpNoteSend(this, options.flags, request.copied, false);
    return error === -Errno.EINPROGRESS && request.copied > 0 ? request.copied : error;
  }

  recvmsg(count: number, flags: number): RecvResult | number {
    return (flags & Msg.MSG_ERRQUEUE) !== 0
      ? this.recvError(count)
      : tcpRecvmsg(this, count, flags);
  }

  /** Reads into a buffer of the caller's; bytes, 0 at the end of the stream, or a negative errno. */
  readInto(buffer: Uint8Array): number {
    return tcpReadInto(this, buffer);
  }

  override spliceStops(): boolean {
    return tcpAtMark(this);
  }

  // ---- what ioctl(2) tells ----

  /** @kernel tcp_ioctl() */
  override ioctl(request: SockIoctl): number {
    if (request === 'SIOCATMARK') return Number(tcpAtMark(this));
    if (this.state === TCP_LISTEN) return -Errno.EINVAL;
    if (((1 << this.state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) !== 0) return 0;
    if (request === 'SIOCINQ') {
      const hole = this.urg !== null && tcpUrgHole(this);
      return hole ? 0 : tcpUrgLimit(this, tcpInqueue(this));
    }
    return (this.writeSeq - (request === 'SIOCOUTQNSD' ? this.sndNxt : this.sndUna)) >>> 0;
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
      // The urgent byte at the mark is nothing to read.
      const hole = this.urg !== null && tcpUrgHole(this) ? 1 : 0;
      if (tcpInqueue(this) >= Math.min(this.rcvlowat, this.rcvbuf >> 1) + hole)
        events |= Poll.POLLIN;
      if (this.urg !== null && tcpUrgReady(this)) events |= Poll.POLLPRI;
      if ((this.shutdownMask & SEND_SHUTDOWN) !== 0 || this.writeable()) events |= Poll.POLLOUT;
      else this.nospace = true;
    }
    if (state === TCP_SYN_SENT && this.tfo !== null && this.tfo.defer) events |= Poll.POLLOUT;
    if (this.err !== 0 || this.hasErrors) events |= Poll.POLLERR;
    return events;
  }

  private writeable(): boolean {
    return (
      this.sndbuf - this.wmemQueued >= this.wmemQueued >> 1 &&
      this.wmemQueued < this.sndbuf &&
      tcpNotsentRoom(this)
    );
  }

  // ---- closing ----

  shutdown(how: number): number {
    return tcpShutdown(this, how);
  }

  release(): void {
    tcpClose(this);
  }

  // ---- options and dumps ----

  setsockopt(option: SockOpt, value: SockOptValue): number {
    const own = tcpSetsockopt(this, option, value);
    if (own !== 1) return own;
    const six = inet6Setsockopt(this, option, value);
    if (six !== 1) return six;
    const result = this.ipSetsockopt(option, value);
    return result === 1 ? -Errno.ENOPROTOOPT : result;
  }

  getsockopt(option: SockOpt): SockOptValue | undefined {
    const own = tcpGetsockopt(this, option);
    return own ?? inet6Getsockopt(this, option) ?? this.ipGetsockopt(option);
  }

  diag(): Omit<SockDiagEntry, 'users' | 'ino'> {
    return tcpSockDiag(this);
  }
}
