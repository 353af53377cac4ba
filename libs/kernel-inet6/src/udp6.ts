/**
 * UDP over IPv6: sockets, sending, receiving, errors. An AF_INET6 socket without IPV6_V6ONLY also takes IPv4's datagrams,
 * and sends them where the address is IPv4-mapped: {@link UdpSock} then does the work. Both families share the table of
 * ports. Sources: net/ipv6/udp.c, RFC 8200 §8.1 (a checksum is required).
 */
import { Errno } from '@netloom/base';
import {
  DropReason,
  LL_MAX_HEADER,
  Mib,
  mibAdd,
  Mib6,
  pskbMayPull,
  SEND_SHUTDOWN,
  RCV_SHUTDOWN,
  skbBytes,
  skbPush,
  skbPut,
  skbSetOwnerW,
  skbTrim,
  sockFilter,
  sockQueueRcvSkb,
  type InetProtocol,
  type Net,
  type NetDevice,
  type SendOptions,
  type SkBuff,
} from '@netloom/kernel-core';
import {
  BIND_V4,
  Ipv6Pinfo,
  ipv4Of,
  sockaddrIn6,
  sockaddrMapped,
  UdpSock,
} from '@netloom/kernel-inet';
import {
  AF_INET6,
  IPPROTO_UDP,
  Msg,
  SOCK_DGRAM,
  type RecvResult,
  type SockAddr,
  type SockOpt,
  type SockOptValue,
} from '@netloom/sys';
import {
  csumPartial,
  csumPseudo6,
  csumPseudo6At,
  ICMPV6_DEST_UNREACH,
  ICMPV6_PKT_TOOBIG,
  ICMPV6_PORT_UNREACH,
  IN6ADDR_LOOPBACK,
  in6Equal,
  in6FromBytes,
  in6IsAny,
  in6IsLinkLocal,
  in6IsMulticast,
  in6IsV4Mapped,
  in6V4,
  IP6_HLEN,
  ip6hDaddr,
  ip6hSaddr,
  iphSaddr,
  l4Dest,
  l4Source,
  NDISC_REDIRECT,
  UDP_HLEN,
  udphCheck,
  udphLen,
  type In6Addr,
} from '@netloom/wire';
import { IP6SKB_NOMCLOOP } from './exthdrs.js';
import { icmpv6ErrConvert } from './icmpv6.js';
import { icmpv6Send } from './icmpv6-send.js';
import {
  inet6BindAddress,
  inet6Control,
  inet6DatagramConnect,
  inet6Flow,
  inet6Getsockopt,
  inet6HopLimit,
  inet6IcmpError,
  inet6LeaveGroups,
  inet6LocalError,
  inet6MessageControl,
  inet6ResetAddress,
  inet6Route,
  inet6Setsockopt,
  inet6TooBig,
  IPV6_PMTUDISC_DONT,
  isIpv4,
  v6Of,
} from './inet6-sock.js';
import { ip6LocalOut, ip6PushHeader, ipv6AutoFlowLabel } from './ip6-output.js';
import { Ipv6Sysctl, ipv6Of } from './ipv6-net.js';
import { ip6DstLookupFlow } from './route6.js';
import { ip6UpdatePmtu } from './route6-exceptions.js';

const HEADROOM = LL_MAX_HEADER + IP6_HLEN + 8;

export class Udp6Sock extends UdpSock {
  /** bind() named an address, which disconnecting keeps. */
  private addressBound = false;

  constructor(net: Net) {
    super(net, SOCK_DGRAM, IPPROTO_UDP, AF_INET6);
    this.v6 = new Ipv6Pinfo(ipv6Of(net).sysctl(Ipv6Sysctl.bindv6only) !== 0);
  }

  override release(): void {
    inet6LeaveGroups(this);
    super.release();
  }

  override bind(addr: SockAddr): number {
    if (addr.family !== 'inet6')
      return addr.family === 'inet' ? -Errno.EINVAL : -Errno.EAFNOSUPPORT;
    if (this.hashed) return -Errno.EINVAL;
    const bad = inet6BindAddress(this, addr);
    if (bad !== 0) return bad;
    const port = addr.port === 0 ? this.freePort(this.rcvSaddr) : addr.port;
    if (port === 0 || ipv4Of(this.net).udp.conflicts(this, port, this.rcvSaddr)) {
      inet6ResetAddress(this);
      return -Errno.EADDRINUSE;
    }
    this.addressBound = this.rcvSaddr !== 0;
    this.hash(port);
    return 0;
  }

  override connect(addr: SockAddr): number {
    const v6 = v6Of(this);
    if (addr.family === 'unspec') {
      this.daddr = this.dport = 0;
      v6.daddr = in6FromBytes(NOTHING);
      this.dst = null;
      v6.mapped = in6IsV4Mapped(v6.rcvSaddr);
      if (!this.addressBound) inet6ResetAddress(this);
      return 0;
    }
    if (addr.family === 'inet') {
      if (v6.v6only) return -Errno.EAFNOSUPPORT;
      return this.connect4(addr.addr, addr.port);
    }
    if (addr.family !== 'inet6') return -Errno.EAFNOSUPPORT;
    const daddr = in6FromBytes(addr.addr);
    if (in6IsV4Mapped(daddr)) {
      if (v6.v6only) return -Errno.ENETUNREACH;
      return this.connect4(in6V4(daddr), addr.port);
    }
    if (v6.mapped) return -Errno.EINVAL;
    if (!this.autobind()) return -Errno.EAGAIN;
    return inet6DatagramConnect(this, addr);
  }

  private connect4(addr: number, port: number): number {
    if (!this.autobind()) return -Errno.EAGAIN;
    const error = this.datagramConnect(addr, port);
    if (error === 0) v6Of(this).mapped = true;
    return error;
  }

  /** @kernel udpv6_sendmsg() */
  override sendmsg(data: Uint8Array, options: SendOptions): number {
    const v6 = v6Of(this);
    const { to, flags } = options;
    if (to === undefined) {
      if (this.daddr === 0) return -Errno.EDESTADDRREQ;
      if (v6.mapped) return super.sendmsg(data, options);
      return this.send6(data, options, v6.daddr, this.dport, 0, true);
    }
    if (to.family === 'inet')
      return v6.v6only ? -Errno.ENETUNREACH : super.sendmsg(data, { flags, to });
    if (to.family !== 'inet6') return -Errno.EINVAL;
    if (to.port === 0) return -Errno.EINVAL;
    const daddr = in6FromBytes(to.addr);
    if (in6IsV4Mapped(daddr) || (v6.mapped && in6IsAny(daddr))) {
      if (v6.v6only) return -Errno.ENETUNREACH;
      return super.sendmsg(data, {
        flags,
        to: { family: 'inet', addr: in6V4(daddr), port: to.port },
      });
    }
    if (v6.mapped) return -Errno.ENETUNREACH;
    const zone = in6IsLinkLocal(daddr) || in6IsMulticast(daddr) ? to.scopeId : 0;
    return this.send6(
      data,
      options,
      in6IsAny(daddr) ? IN6ADDR_LOOPBACK : daddr,
      to.port,
      zone,
      false,
    );
  }

  private send6(
    data: Uint8Array,
    { flags, control }: SendOptions,
    daddr: In6Addr,
    dport: number,
    zone: number,
    connected: boolean,
  ): number {
    if ((this.shutdownMask & SEND_SHUTDOWN) !== 0) return -Errno.EPIPE;
    if (this.err !== 0 && connected) return this.takeError();
    let payload = data;
    if (this.pending !== null || (flags & Msg.MSG_MORE) !== 0) {
      const before = this.pending ?? new Uint8Array(0);
      const whole = new Uint8Array(before.length + data.length);
      whole.set(before, 0);
      whole.set(data, before.length);
      this.pending = (flags & Msg.MSG_MORE) !== 0 ? whole : null;
      if (this.pending !== null) return data.length;
      payload = whole;
    }
    if (!this.autobind()) return -Errno.EAGAIN;
    const flow = inet6Flow(this, daddr, dport, zone);
    const message = inet6MessageControl(this, flow, control);
    if (typeof message === 'number') return message;
    const kept = connected && control === undefined;
    const rt = kept ? inet6Route(this) : ip6DstLookupFlow(this.net, flow);
    if (typeof rt === 'number') return rt;
    const v6 = v6Of(this);
    const mtu = rt.mtu();
    if (inet6TooBig(v6, payload.length + IP6_HLEN + UDP_HLEN, mtu)) {
      inet6LocalError(this, daddr, dport, mtu, payload);
      return -Errno.EMSGSIZE;
    }
    if (this.wmemAlloc > 0 && this.wmemAlloc + payload.length > this.sndbuf) return -Errno.EAGAIN;
    const skb = this.net.kernel.pool.alloc(payload.length, HEADROOM);
    if (skb === null) return -Errno.ENOBUFS;
    const m = skb.mem;
    m.write(skbPut(skb, payload.length), payload);
    const o = skbPush(skb, UDP_HLEN);
    m.dv.setUint16(o, this.sport);
    m.dv.setUint16(o + 2, dport);
    m.dv.setUint16(o + 4, skb.len);
    m.dv.setUint16(o + 6, 0);
    const pseudo = csumPseudo6(flow.saddr, daddr, IPPROTO_UDP, skb.len);
    const check = ~csumPartial(m, o, skb.len, pseudo) & 0xffff;
    m.dv.setUint16(o + 6, check === 0 ? 0xffff : check);
    skb.transportHeader = o;
    skb.mark = this.mark;
    skb.priority = this.priority;
    skbSetOwnerW(skb, this);
    if (!v6.mcLoop) skb.cbFlags2 |= IP6SKB_NOMCLOOP;
    if ((flow.flowLabel & 0xfffff) === 0 && v6.autoFlowLabel !== 0)
      flow.flowLabel |= ipv6AutoFlowLabel(this.net, flow);
    const hops = message.hops >= 0 ? message.hops : inet6HopLimit(this, daddr, rt);
    ip6PushHeader(skb, flow.saddr, daddr, IPPROTO_UDP, hops, flow.flowLabel);
    const sent = ip6LocalOut(this.net, skb, rt);
    if (sent === 0) {
      this.net.mib6.add(Mib6.Udp6OutDatagrams, 1);
      return data.length;
    }
    if (sent !== -Errno.ENOBUFS) return sent;
    this.net.mib6.add(Mib6.Udp6SndbufErrors, 1);
    return v6.recverr ? sent : data.length;
  }

  override recvmsg(count: number, flags: number): RecvResult | number {
    const skb = this.receiveQueue.head;
    if ((flags & Msg.MSG_ERRQUEUE) !== 0 || skb === null) return this.recvNothing(count, flags);
    const m = skb.mem;
    const four = isIpv4(skb);
    const port = l4Source(m, skb.transportHeader);
    const length = skb.len;
    const result: RecvResult = {
      data: skbBytes(skb, 0, Math.min(count, length)),
      from: four
        ? sockaddrMapped(iphSaddr(m, skb.networkHeader), port)
        : sockaddrIn6(ip6hSaddr(m, skb.networkHeader), port, skb.skbIif),
      flags: length > count ? Msg.MSG_TRUNC : 0,
      length,
      control: inet6Control(this, skb),
    };
    if ((flags & Msg.MSG_PEEK) === 0) {
      this.receiveQueue.unlink(skb);
      if (four) mibAdd(this.net.mib, Mib.UdpInDatagrams, 1);
      else this.net.mib6.add(Mib6.Udp6InDatagrams, 1);
      skb.pool.release(skb);
    }
    return result;
  }

  private recvNothing(count: number, flags: number): RecvResult | number {
    if ((flags & Msg.MSG_ERRQUEUE) !== 0) return this.recvError(count);
    if (this.err !== 0) return this.takeError();
    if ((this.shutdownMask & RCV_SHUTDOWN) === 0) return -Errno.EAGAIN;
    const from: SockAddr = { family: 'unspec' };
    return { data: new Uint8Array(0), from, flags: 0, length: 0, control: {} };
  }

  override setsockopt(option: SockOpt, value: SockOptValue): number {
    const result = inet6Setsockopt(this, option, value);
    return result === 1 ? super.setsockopt(option, value) : result;
  }

  override getsockopt(option: SockOpt): SockOptValue | undefined {
    return inet6Getsockopt(this, option) ?? super.getsockopt(option);
  }

  override diag(): ReturnType<UdpSock['diag']> {
    return { ...super.diag(), v6only: v6Of(this).v6only };
  }

  /** Takes a datagram of IPv6 whose data starts behind the UDP header. Consumes it. */
  receive6(skb: SkBuff): void {
    if (this.skFilter !== null) {
      // a filter reads the UDP header too
      skb.data -= UDP_HLEN;
      skb.len += UDP_HLEN;
      const wanted = sockFilter(this, this.skFilter, skb);
      skb.data += UDP_HLEN;
      skb.len -= UDP_HLEN;
      if (!wanted) {
        this.drops++;
        this.net.mib6.add(Mib6.Udp6InErrors, 1);
        this.net.kernel.kfreeSkbReason(skb, DropReason.SOCKET_FILTER);
        return;
      }
    }
    if (!sockQueueRcvSkb(this, skb)) {
      this.net.mib6.add(Mib6.Udp6RcvbufErrors, 1);
      this.net.mib6.add(Mib6.Udp6InErrors, 1);
    }
  }

  /** How well a datagram fits, -1 for not at all. @kernel udp6 compute_score() */
  score(saddr: In6Addr, sport: number, daddr: In6Addr, ifindex: number): number {
    const v6 = v6Of(this);
    if (v6.bindClass === BIND_V4) return -1;
    let score = 1;
    if (this.rcvSaddr !== 0) {
      if (!in6Equal(v6.rcvSaddr, daddr)) return -1;
      score += 4;
    }
    if (this.daddr !== 0) {
      if (!in6Equal(v6.daddr, saddr) || this.dport !== sport) return -1;
      score += 8;
    }
    if (this.boundDev !== 0) {
      if (this.boundDev !== ifindex) return -1;
      score += 4;
    }
    return score;
  }

  /** An ICMPv6 error about a datagram of this socket; data at the quoted header. @kernel __udp6_lib_err() */
  icmp6Error(skb: SkBuff, type: number, code: number, info: number): void {
    const v6 = v6Of(this);
    const { errno, fatal } = icmpv6ErrConvert(type, code);
    let hard = fatal;
    const m = skb.mem;
    const daddr = ip6hDaddr(m, skb.data);
    const udp = skb.data + skb.cbOptLen;
    if (type === ICMPV6_PKT_TOOBIG) {
      ip6UpdatePmtu(this.net, daddr, ip6hSaddr(m, skb.data), this.boundDev, this.mark, info);
      if (v6.pmtudisc !== IPV6_PMTUDISC_DONT) hard = true;
    } else if (type === NDISC_REDIRECT) {
      return; // the network layer has learned it
    }
    if (!v6.recverr) {
      if (!hard || this.daddr === 0) return;
    } else {
      inet6IcmpError(this, skb, errno, type, code, info, udp + UDP_HLEN, l4Dest(m, udp));
    }
    this.err = errno;
    if (this.dataReady !== null) this.dataReady(this);
  }
}

const NOTHING = new Uint8Array(16);

/** The socket that fits a datagram best. @kernel __udp6_lib_lookup() */
function udp6Lookup(
  net: Net,
  saddr: In6Addr,
  sport: number,
  daddr: In6Addr,
  dport: number,
  ifindex: number,
): Udp6Sock | null {
  let best: Udp6Sock | null = null;
  let bestScore = 0;
  for (const sk of ipv4Of(net).udp.at(dport)) {
    if (!(sk instanceof Udp6Sock)) continue;
    const score = sk.score(saddr, sport, daddr, ifindex);
    if (score > bestScore) {
      best = sk;
      bestScore = score;
    }
  }
  return best;
}

/** @kernel __udp6_lib_rcv() */
function udpv6Rcv(skb: SkBuff): void {
  const dev = skb.dev as NetDevice;
  const net = dev.net;
  const { kernel, mib6 } = net;
  const m = skb.mem;
  const length = pskbMayPull(skb, UDP_HLEN) ? udphLen(m, skb.data) : 0;
  if (length < UDP_HLEN || length > skb.len) {
    mib6.add(Mib6.Udp6InErrors, 1);
    kernel.kfreeSkbReason(skb, DropReason.PKT_TOO_SMALL);
    return;
  }
  skbTrim(skb, length);
  const o = skb.data;
  const ip = skb.networkHeader;
  if (
    udphCheck(m, o) === 0 ||
    csumPartial(m, o, length, csumPseudo6At(m, ip, IPPROTO_UDP, length)) !== 0xffff
  ) {
    mib6.add(Mib6.Udp6InCsumErrors, 1);
    mib6.add(Mib6.Udp6InErrors, 1);
    kernel.kfreeSkbReason(skb, DropReason.UDP_CSUM);
    return;
  }
  skb.transportHeader = o;
  const saddr = ip6hSaddr(m, ip);
  const daddr = ip6hDaddr(m, ip);
  const sport = l4Source(m, o);
  const dport = l4Dest(m, o);
  if (in6IsMulticast(daddr)) {
    deliverToAll(net, skb, saddr, sport, daddr, dport, dev.ifindex);
    return;
  }
  const sk = udp6Lookup(net, saddr, sport, daddr, dport, dev.ifindex);
  if (sk !== null) {
    skb.data = o + UDP_HLEN;
    skb.len -= UDP_HLEN;
    sk.receive6(skb);
    return;
  }
  mib6.add(Mib6.Udp6NoPorts, 1);
  icmpv6Send(skb, ICMPV6_DEST_UNREACH, ICMPV6_PORT_UNREACH, 0);
  kernel.kfreeSkbReason(skb, DropReason.NO_SOCKET);
}

/** @kernel __udp6_lib_mcast_deliver() */
function deliverToAll(
  net: Net,
  skb: SkBuff,
  saddr: In6Addr,
  sport: number,
  daddr: In6Addr,
  dport: number,
  ifindex: number,
): void {
  const takers: Udp6Sock[] = [];
  for (const sk of ipv4Of(net).udp.at(dport))
    if (sk instanceof Udp6Sock && sk.score(saddr, sport, daddr, ifindex) > 0) takers.push(sk);
  skb.data += UDP_HLEN;
  skb.len -= UDP_HLEN;
  takers.forEach((sk, i) => {
    sk.receive6(i === takers.length - 1 ? skb : skb.pool.clone(skb));
  });
  if (takers.length > 0) return;
  net.mib6.add(Mib6.Udp6IgnoredMulti, 1);
  net.kernel.kfreeSkbReason(skb, DropReason.NO_SOCKET);
}

function udpv6Err(skb: SkBuff, type: number, code: number, info: number): void {
  const dev = skb.dev as NetDevice;
  const m = skb.mem;
  const udp = skb.data + skb.cbOptLen;
  const saddr = ip6hSaddr(m, skb.data);
  const daddr = ip6hDaddr(m, skb.data);
  const sk = udp6Lookup(dev.net, daddr, l4Dest(m, udp), saddr, l4Source(m, udp), dev.ifindex);
  if (sk === null) dev.net.mib6.add(Mib6.Icmp6InErrors, 1);
  else sk.icmp6Error(skb, type, code, info);
}

export const udpv6Protocol: InetProtocol = { handler: udpv6Rcv, errHandler: udpv6Err };
