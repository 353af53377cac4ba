/**
 * UDP over IPv4: sockets, sending, receiving, errors. Sources: net/ipv4/udp.c, RFC 768, RFC 1122 §4.1.
 */
import { Errno } from '@netloom/base';
import type { BpfProgram } from '@netloom/bpf';
import {
  DropReason,
  LL_MAX_HEADER,
  Mib,
  mibAdd,
  pskbMayPull,
  RCV_SHUTDOWN,
  SEND_SHUTDOWN,
  skbBytes,
  skbPush,
  skbPut,
  skbSetOwnerW,
  skbTrim,
  decodeClassicFilter,
  sockFilter,
  sockQueueRcvSkb,
  type InetProtocol,
  type NetDevice,
  type SendOptions,
  type SkBuff,
} from '@netloom/kernel-core';
import {
  Iff,
  IPPROTO_UDP,
  Msg,
  Poll,
  type RecvResult,
  type SockAddr,
  type SockDiagEntry,
  type SockOpt,
  type SockOptValue,
} from '@netloom/sys';
import {
  csumPartial,
  csumPseudo4,
  ICMP_DEST_UNREACH,
  ICMP_FRAG_NEEDED,
  ICMP_PORT_UNREACH,
  ICMP_REDIRECT,
  ICMP_SOURCE_QUENCH,
  ICMP_TIME_EXCEEDED,
  iphDaddr,
  iphIhl,
  iphSaddr,
  iphTtl,
  l4Dest,
  l4Source,
  UDP_HLEN,
  udphCheck,
  udphLen,
} from '@netloom/wire';
import {
  ICMP_ERR_CONVERT,
  InetSock,
  type MessageFields,
  IP_PMTUDISC_DONT,
  sockaddrIn,
} from './inet-sock.js';
import { icmpSend } from './icmp-send.js';
import { ipv4Of } from './ipv4-net.js';
import { BIND_V6 } from './ipv6-pinfo.js';
import { RTN_BROADCAST, RTN_MULTICAST } from './fib-table.js';
import { ipv4IsMulticast, type Rtable } from './route.js';
import { ipv4Redirect, ipv4UpdatePmtu } from './route-exceptions.js';

const MAX_DATAGRAM = 65507;
const UDP_MAX_SEGMENTS = 128;

export class UdpSock extends InetSock {
  protected hashed = false;
  /** MSG_MORE, UDP_CORK: what has been held back, and for whom. */
  protected pending: Uint8Array | null = null;
  private pendingTo: readonly [number, number] = [0, 0];
  private corked = false;
  /** UDP_SEGMENT: payload of each datagram that a larger message becomes; 0 for none. */
  private gsoSize = 0;
  private gro = false;
  private noCheck = false;
  private zerocopyId = 0;
  /** SO_ATTACH_REUSEPORT_CBPF: which of the sockets on this port gets a datagram. */
  reuseportFilter: BpfProgram | null = null;
  /** A tunnel's socket (udp-tunnel.ts): ICMP errors about its packets name a port that varies. */
  encap = false;

  release(): void {
    this.leaveGroups();
    this.unhash();
    this.receiveQueue.purge();
  }

  protected unhash(): void {
    if (this.hashed) ipv4Of(this.net).udp.remove(this);
    this.hashed = false;
  }

  bind(addr: SockAddr): number {
    if (addr.family !== 'inet') return addr.family === 'unspec' ? 0 : -Errno.EAFNOSUPPORT;
    if (this.hashed) return -Errno.EINVAL;
    const bad = this.checkBindAddress(addr.addr);
    if (bad !== 0) return bad;
    const port = addr.port === 0 ? this.freePort(addr.addr) : addr.port;
    if (port === 0 || ipv4Of(this.net).udp.conflicts(this, port, addr.addr))
      return -Errno.EADDRINUSE;
    this.setBound(addr.addr);
    this.hash(port);
    return 0;
  }

  protected hash(port: number): void {
    this.sport = port;
    ipv4Of(this.net).udp.add(this);
    this.hashed = true;
  }

  /** An ephemeral port at random, 0 when all are taken. @kernel udp_lib_get_port() */
  protected freePort(addr: number): number {
    const ipv4 = ipv4Of(this.net);
    const { udp } = ipv4;
    const [low, high] = this.ephemeralPorts;
    const count = high - low + 1;
    const start = this.net.kernel.random('udp-port').below(count);
    for (let i = 0; i < count; i++) {
      const port = low + ((start + i) % count);
      if (!ipv4.isReservedPort(port) && !udp.conflicts(this, port, addr)) return port;
    }
    return 0;
  }

  protected autobind(): boolean {
    if (this.hashed) return true;
    const port = this.freePort(this.rcvSaddr);
    if (port === 0) return false;
    this.hash(port);
    return true;
  }

  connect(addr: SockAddr): number {
    if (addr.family === 'unspec') {
      this.daddr = this.dport = 0;
      this.dst = null;
      return 0;
    }
    if (addr.family !== 'inet') return -Errno.EAFNOSUPPORT;
    if (!this.autobind()) return -Errno.EAGAIN;
    return this.datagramConnect(addr.addr, addr.port);
  }

  /** @kernel udp_sendmsg() */
  sendmsg(data: Uint8Array, options: SendOptions): number {
    const { to, flags } = options;
    if ((this.shutdownMask & SEND_SHUTDOWN) !== 0) return -Errno.EPIPE;
    if (this.err !== 0 && to === undefined) return this.takeError();
    if ((flags & Msg.MSG_OOB) !== 0) return -Errno.EOPNOTSUPP;
    let daddr = this.daddr;
    let dport = this.dport;
    if (to !== undefined) {
      if (to.family !== 'inet') return -Errno.EAFNOSUPPORT;
      if (to.port === 0) return -Errno.EINVAL;
      daddr = to.addr === 0 ? 0x7f000001 : to.addr;
      dport = to.port;
    } else if (daddr === 0) {
      return -Errno.EDESTADDRREQ;
    }
    const fields = this.messageFields(options.control);
    if (typeof fields === 'number') return fields;
    const segment = options.control?.segment ?? this.gsoSize;
    const more = (flags & Msg.MSG_MORE) !== 0 || this.corked;
    if (this.pending !== null || more) {
      const whole = new Uint8Array((this.pending?.length ?? 0) + data.length);
      whole.set(this.pending ?? [], 0);
      whole.set(data, this.pending?.length ?? 0);
      if (whole.length > MAX_DATAGRAM) return -Errno.EMSGSIZE;
      this.pendingTo = [daddr, dport];
      this.pending = more ? whole : null;
      if (more) return data.length;
      const sent = this.sendDatagrams(whole, daddr, dport, segment, fields, flags);
      return sent < 0 ? sent : data.length;
    }
    return this.sendDatagrams(data, daddr, dport, segment, fields, flags);
  }

  /** Sends what UDP_CORK held back. @kernel udp_push_pending_frames() */
  private pushPending(): void {
    const whole = this.pending;
    if (whole === null) return;
    this.pending = null;
    const [daddr, dport] = this.pendingTo;
    this.sendDatagrams(whole, daddr, dport, this.gsoSize, undefined, 0);
  }

  /** One datagram, or several of `segment` bytes where that is set. Bytes taken or a negative errno. */
  private sendDatagrams(
    payload: Uint8Array,
    daddr: number,
    dport: number,
    segment: number,
    fields: MessageFields | undefined,
    flags: number,
  ): number {
    if (payload.length > MAX_DATAGRAM) return -Errno.EMSGSIZE;
    if (!this.autobind()) return -Errno.EAGAIN;
    const options = fields?.options ?? this.options;
    const hop = options !== null && options.faddr !== 0 ? options.faddr : daddr;
    const rt = this.routeFor(hop, fields, (flags & Msg.MSG_DONTROUTE) !== 0, dport);
    if (typeof rt === 'number') {
      if (rt === -Errno.ENETUNREACH) mibAdd(this.net.mib, Mib.IpOutNoRoutes, 1);
      return rt;
    }
    if (rt.type === RTN_BROADCAST && !this.broadcast) return -Errno.EACCES;
    const headers = 28 + (options?.bytes.length ?? 0);
    const several = segment > 0 && payload.length > segment;
    const largest = several ? segment : payload.length;
    if (several) {
      if (largest + headers > rt.mtu()) return -Errno.EMSGSIZE;
      if (payload.length > segment * UDP_MAX_SEGMENTS) return -Errno.EINVAL;
      if (this.noCheck) return -Errno.EINVAL;
    } else if (this.pmtudisc > 1 && largest + headers > rt.mtu()) {
      // told twice, as @kernel ip_local_error() does: by the call and on the error queue
      if (this.recverr) {
        const info = rt.mtu();
        this.queueError(payload.slice(), sockaddrIn(daddr, this.dport), {
          errno: Errno.EMSGSIZE,
          origin: 1,
          type: 0,
          code: 0,
          info,
          offender: { family: 'unspec' },
        });
      }
      return -Errno.EMSGSIZE;
    }
    if (this.wmemAlloc > 0 && this.wmemAlloc + payload.length > this.sndbuf) return -Errno.EAGAIN;
    if (!several) return this.push(payload, daddr, dport, rt, fields, flags);
    for (let at = 0; at < payload.length; at += segment) {
      const sent = this.push(payload.subarray(at, at + segment), daddr, dport, rt, fields, flags);
      if (sent < 0) return at > 0 ? payload.length : sent;
    }
    return payload.length;
  }

  /** Sends one datagram. Bytes taken or a negative errno. @kernel udp_send_skb() */
  private push(
    payload: Uint8Array,
    daddr: number,
    dport: number,
    rt: Rtable,
    fields: MessageFields | undefined,
    flags: number,
  ): number {
    const { length } = payload;
    const skb = this.net.kernel.pool.alloc(length, LL_MAX_HEADER);
    if (skb === null) return -Errno.ENOBUFS;
    const m = skb.mem;
    m.write(skbPut(skb, length), payload);
    const saddr = fields?.saddr ?? (this.saddr !== 0 ? this.saddr : rt.prefsrc);
    const o = skbPush(skb, UDP_HLEN);
    m.dv.setUint16(o, this.sport);
    m.dv.setUint16(o + 2, dport);
    m.dv.setUint16(o + 4, length + UDP_HLEN);
    m.dv.setUint16(o + 6, 0);
    if (!this.noCheck) {
      const check =
        ~csumPartial(m, o, skb.len, csumPseudo4(saddr, daddr, IPPROTO_UDP, skb.len)) & 0xffff;
      m.dv.setUint16(o + 6, check === 0 ? 0xffff : check);
    }
    skb.transportHeader = o;
    skbSetOwnerW(skb, this);
    if (this.zerocopy && (flags & Msg.MSG_ZEROCOPY) !== 0)
      this.completeZerocopy((rt.dev.flags & Iff.IFF_LOOPBACK) !== 0);
    const sent = this.ipSend(skb, rt, daddr, this.protocol, fields);
    if (sent === 0) {
      mibAdd(this.net.mib, Mib.UdpOutDatagrams, 1);
      return length;
    }
    if (sent !== -Errno.ENOBUFS) return sent;
    mibAdd(this.net.mib, Mib.UdpSndbufErrors, 1); // a full queue is the sender's business only with IP_RECVERR
    return this.recverr ? sent : length;
  }

  /**
   * Tells that the kernel is done with a buffer sent with MSG_ZEROCOPY: at once, since its bytes have been taken over.
   * @param copied the way led back to this host, where Linux copies after all @kernel msg_zerocopy_complete()
   */
  private completeZerocopy(copied: boolean): void {
    const id = this.zerocopyId++;
    this.queueCompletion(id, copied ? 1 : 0);
  }

  recvmsg(count: number, flags: number): RecvResult | number {
    if ((flags & Msg.MSG_ERRQUEUE) !== 0) return this.recvError(count);
    const skb = this.receiveQueue.head;
    if (skb === null) {
      if (this.err !== 0) return this.takeError();
      if ((this.shutdownMask & RCV_SHUTDOWN) !== 0)
        return {
          data: new Uint8Array(0),
          from: { family: 'unspec' },
          flags: 0,
          length: 0,
          control: {},
        };
      return -Errno.EAGAIN;
    }
    const m = skb.mem;
    const from = sockaddrIn(iphSaddr(m, skb.networkHeader), l4Source(m, skb.transportHeader));
    const peek = (flags & Msg.MSG_PEEK) !== 0;
    const start = peek && this.peekOff > 0 ? Math.min(this.peekOff, skb.len) : 0;
    const length = skb.len - start;
    const result: RecvResult = {
      data: skbBytes(skb, start, Math.min(count, length)),
      from,
      flags: length > count ? Msg.MSG_TRUNC : 0,
      length,
      control: this.control(skb),
    };
    if (this.peekOff >= 0)
      this.peekOff = peek ? this.peekOff + result.data.length : Math.max(0, this.peekOff - skb.len);
    if (!peek) {
      this.receiveQueue.unlink(skb);
      mibAdd(this.net.mib, Mib.UdpInDatagrams, 1);
      skb.pool.release(skb);
    }
    return result;
  }

  poll(): number {
    let events = this.receiveQueue.length > 0 ? Poll.POLLIN : 0;
    if (this.wmemAlloc * 2 < this.sndbuf) events |= Poll.POLLOUT;
    if (this.err !== 0 || this.hasErrors) events |= Poll.POLLERR;
    if ((this.shutdownMask & RCV_SHUTDOWN) !== 0) events |= Poll.POLLIN | Poll.POLLRDHUP;
    if (this.shutdownMask === 3) events |= Poll.POLLHUP;
    return events;
  }

  shutdown(how: number): number {
    if (this.daddr === 0) return -Errno.ENOTCONN;
    this.shutdownMask |= how;
    if (this.stateChange !== null) this.stateChange(this);
    return 0;
  }

  setsockopt(option: SockOpt, value: SockOptValue): number {
    const n = typeof value === 'number' ? value : 0;
    switch (option) {
      case 'UDP_CORK':
        this.corked = n !== 0;
        if (!this.corked) this.pushPending();
        return 0;
      case 'UDP_SEGMENT':
        if (n < 0 || n > 0xffff) return -Errno.EINVAL;
        this.gsoSize = n;
        return 0;
      case 'UDP_GRO':
        this.gro = n !== 0;
        return 0;
      case 'SO_NO_CHECK':
        this.noCheck = n !== 0;
        return 0;
      case 'SO_ATTACH_REUSEPORT_CBPF': {
        const program = decodeClassicFilter(value);
        if (program === null || !this.reusePort) return -Errno.EINVAL;
        ipv4Of(this.net).udp.steer(this, program);
        return 0;
      }
      default: {
        const result = this.ipSetsockopt(option, value);
        return result === 1 ? -Errno.ENOPROTOOPT : result;
      }
    }
  }

  getsockopt(option: SockOpt): SockOptValue | undefined {
    switch (option) {
      case 'UDP_CORK':
        return Number(this.corked);
      case 'UDP_SEGMENT':
        return this.gsoSize;
      case 'UDP_GRO':
        return Number(this.gro);
      case 'SO_NO_CHECK':
        return Number(this.noCheck);
      default:
        return this.ipGetsockopt(option);
    }
  }

  diag(): Omit<SockDiagEntry, 'users' | 'ino'> {
    return {
      family: this.v6 === null ? 'inet' : 'inet6',
      type: 'udp',
      state: this.daddr === 0 ? 7 : 1,
      ...this.diagNames(),
      recvQ: this.rmemAlloc,
      sendQ: this.wmemAlloc,
      uid: this.uid,
      ifindex: this.boundDev,
      mem: this.diagMem(),
    };
  }

  /** Takes a datagram whose data starts behind the UDP header. Consumes it. @kernel udp_queue_rcv_skb() */
  receive(skb: SkBuff): void {
    if (this.skFilter !== null && !this.passesFilter(skb, this.skFilter)) return;
    if (!sockQueueRcvSkb(this, skb)) {
      mibAdd(this.net.mib, Mib.UdpRcvbufErrors, 1);
      mibAdd(this.net.mib, Mib.UdpInErrors, 1);
    }
  }

  /** Runs SO_ATTACH_FILTER's program from the UDP header on; false when the datagram is gone. */
  private passesFilter(skb: SkBuff, filter: BpfProgram): boolean {
    skb.data -= UDP_HLEN;
    skb.len += UDP_HLEN;
    const wanted = sockFilter(this, filter, skb);
    skb.data += UDP_HLEN;
    skb.len -= UDP_HLEN;
    if (wanted) return true;
    this.drops++;
    mibAdd(this.net.mib, Mib.UdpInErrors, 1);
    this.net.kernel.kfreeSkbReason(skb, DropReason.SOCKET_FILTER);
    return false;
  }

  /** True where a broadcast or multicast datagram is for this socket too. */
  takesMulticast(skb: SkBuff, saddr: number, sport: number, daddr: number): boolean {
    if (this.rcvSaddr !== 0 && this.rcvSaddr !== daddr) return false;
    if (this.v6 !== null && this.v6.bindClass === BIND_V6) return false;
    if (this.daddr !== 0 && this.daddr !== saddr) return false;
    if (this.dport !== 0 && this.dport !== sport) return false;
    if (this.boundDev !== 0 && this.boundDev !== skb.skbIif) return false;
    return !ipv4IsMulticast(daddr) || this.joined(daddr, saddr, skb.skbIif);
  }

  /** An ICMP error about a datagram of this socket. @kernel __udp4_lib_err() */
  icmpError(skb: SkBuff, type: number, code: number, info: number): void {
    let errno: number = Errno.EHOSTUNREACH;
    let hard = false;
    if (type === ICMP_REDIRECT) ipv4Redirect(skb, info);
    if (type === ICMP_SOURCE_QUENCH || type === ICMP_REDIRECT) return;
    if (type === ICMP_TIME_EXCEEDED) {
      errno = Errno.EHOSTUNREACH;
    } else if (type === ICMP_DEST_UNREACH) {
      if (code === ICMP_FRAG_NEEDED) {
        ipv4UpdatePmtu(skb, info);
        if (this.pmtudisc === IP_PMTUDISC_DONT) return;
        errno = Errno.EMSGSIZE;
        hard = true;
      } else {
        const converted = ICMP_ERR_CONVERT[code];
        hard = converted?.fatal ?? false;
        errno = converted?.errno ?? Errno.EHOSTUNREACH;
      }
    }
    if (!this.recverr) {
      if (!hard || this.daddr === 0) return;
    } else {
      const m = skb.mem;
      const outer = sockaddrIn(iphSaddr(m, skb.networkHeader), 0);
      const inner = skb.data;
      const payload = inner + iphIhl(m, inner) * 4;
      this.queueError(
        m.bytes(payload + UDP_HLEN, Math.max(0, skb.data + skb.len - payload - UDP_HLEN)),
        sockaddrIn(iphDaddr(m, inner), l4Dest(m, payload)),
        {
          errno,
          origin: 2,
          type,
          code,
          info,
          offender: outer,
        },
        iphTtl(m, skb.networkHeader),
      );
    }
    this.err = errno;
    if (this.dataReady !== null) this.dataReady(this);
  }
}

/** @kernel udp_rcv(), __udp4_lib_rcv() */
function udpRcv(skb: SkBuff): void {
  const dev = skb.dev as NetDevice;
  const net = dev.net;
  const kernel = net.kernel;
  const m = skb.mem;
  if (!pskbMayPull(skb, UDP_HLEN)) {
    mibAdd(net.mib, Mib.UdpInErrors, 1);
    kernel.kfreeSkbReason(skb, DropReason.PKT_TOO_SMALL);
    return;
  }
  const o = skb.data;
  const length = udphLen(m, o);
  if (length < UDP_HLEN || length > skb.len) {
    mibAdd(net.mib, Mib.UdpInErrors, 1);
    kernel.kfreeSkbReason(skb, DropReason.PKT_TOO_SMALL);
    return;
  }
  skbTrim(skb, length);
  const ip = skb.networkHeader;
  const saddr = iphSaddr(m, ip);
  const daddr = iphDaddr(m, ip);
  if (
    udphCheck(m, o) !== 0 &&
    csumPartial(m, o, length, csumPseudo4(saddr, daddr, IPPROTO_UDP, length)) !== 0xffff
  ) {
    mibAdd(net.mib, Mib.UdpInCsumErrors, 1);
    mibAdd(net.mib, Mib.UdpInErrors, 1);
    kernel.kfreeSkbReason(skb, DropReason.UDP_CSUM);
    return;
  }
  const sport = l4Source(m, o);
  const dport = l4Dest(m, o);
  const table = ipv4Of(net).udp;
  skb.transportHeader = o;
  const cast = (skb.dst as Rtable).type;
  if (cast === RTN_BROADCAST || cast === RTN_MULTICAST) {
    deliverToAll(skb, table.at(dport), saddr, sport, daddr);
    return;
  }
  const sk = table.lookup(saddr, sport, daddr, dport, dev.ifindex, skb);
  if (sk !== null) {
    skb.data = o + UDP_HLEN;
    skb.len -= UDP_HLEN;
    sk.receive(skb);
    return;
  }
  mibAdd(net.mib, Mib.UdpNoPorts, 1);
  icmpSend(skb, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
  kernel.kfreeSkbReason(skb, DropReason.NO_SOCKET);
}

/** @kernel __udp4_lib_mcast_deliver() */
function deliverToAll(
  skb: SkBuff,
  sockets: readonly UdpSock[],
  saddr: number,
  sport: number,
  daddr: number,
): void {
  const takers = sockets.filter((sk) => sk.takesMulticast(skb, saddr, sport, daddr));
  skb.data += UDP_HLEN;
  skb.len -= UDP_HLEN;
  takers.forEach((sk, i) => {
    sk.receive(i === takers.length - 1 ? skb : skb.pool.clone(skb));
  });
  if (takers.length > 0) return;
  const net = (skb.dev as NetDevice).net;
  mibAdd(net.mib, Mib.UdpIgnoredMulti, 1);
  net.kernel.kfreeSkbReason(skb, DropReason.NO_SOCKET);
}

function udpErr(skb: SkBuff, type: number, code: number, info: number): void {
  const dev = skb.dev as NetDevice;
  const m = skb.mem;
  const inner = skb.data;
  const o = inner + iphIhl(m, inner) * 4;
  const sk = ipv4Of(dev.net).udp.lookup(
    iphDaddr(m, inner),
    l4Dest(m, o),
    iphSaddr(m, inner),
    l4Source(m, o),
    dev.ifindex,
  );
  if (sk === null || sk.encap) {
    const tunnel = ipv4Of(dev.net)
      .udp.at(l4Dest(m, o))
      .find((other) => other.encap);
    if (tunnel === undefined) mibAdd(dev.net.mib, Mib.IcmpInErrors, 1);
    else if (type === ICMP_DEST_UNREACH && code === ICMP_FRAG_NEEDED) ipv4UpdatePmtu(skb, info);
    else if (type === ICMP_REDIRECT) ipv4Redirect(skb, info);
    return;
  }
  sk.icmpError(skb, type, code, info);
}

export const udpProtocol: InetProtocol = { handler: udpRcv, errHandler: udpErr };
