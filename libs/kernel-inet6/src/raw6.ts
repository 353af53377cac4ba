/**
 * Raw IPv6 sockets: what follows the IPv6 header to read, payloads or whole packets to send. Programs see and write no
 * IPv6 header unless they say IPV6_HDRINCL. Sources: net/ipv6/raw.c, RFC 3542.
 */
import { Errno } from '@netloom/base';
import {
  DropReason,
  LL_MAX_HEADER,
  RCV_SHUTDOWN,
  skbBytes,
  skbPut,
  skbSetOwnerW,
  sockFilter,
  sockQueueRcvSkb,
  type Net,
  type SendOptions,
  type SkBuff,
} from '@netloom/kernel-core';
import { InetSock, Ipv6Pinfo, sockaddrIn6 } from '@netloom/kernel-inet';
import {
  AF_INET6,
  IPPROTO_ICMPV6,
  IPPROTO_RAW,
  Msg,
  Poll,
  SOCK_RAW,
  type RecvResult,
  type SockAddr,
  type SockDiagEntry,
  type SockOpt,
  type SockOptValue,
} from '@netloom/sys';
import {
  csumPartial,
  csumPseudo6,
  csumPseudo6At,
  ICMPV6_PKT_TOOBIG,
  IN6ADDR_ANY,
  IN6ADDR_LOOPBACK,
  in6Equal,
  in6FromBytes,
  in6IsAny,
  in6IsLinkLocal,
  in6IsMulticast,
  in6IsV4Mapped,
  IP6_HLEN,
  ip6hDaddr,
  ip6hSaddr,
  NDISC_REDIRECT,
  type In6Addr,
} from '@netloom/wire';
import { IP6SKB_NOMCLOOP } from './exthdrs.js';
import { icmpv6ErrConvert } from './icmpv6.js';
import { icmpv6CountOut } from './icmpv6-send.js';
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
  IPV6_PMTUDISC_DO,
  v6Of,
} from './inet6-sock.js';
import { ip6LocalOut, ip6PushHeader, ipv6AutoFlowLabel } from './ip6-output.js';
import { Ipv6Sysctl, ipv6Of, type Raw6Hook } from './ipv6-net.js';
import { ip6DstLookupFlow, type Rt6Info } from './route6.js';
import { ip6UpdatePmtu } from './route6-exceptions.js';

const HEADROOM = LL_MAX_HEADER + IP6_HLEN + 8;

/** The raw sockets of a namespace, by protocol. */
export class Raw6Table implements Raw6Hook {
  private readonly byProtocol = new Map<number, Raw6Sock[]>();
  size = 0;

  add(sk: Raw6Sock): void {
    const list = this.byProtocol.get(sk.protocol);
    if (list === undefined) this.byProtocol.set(sk.protocol, [sk]);
    else list.push(sk);
    this.size++;
  }

  remove(sk: Raw6Sock): void {
    const list = this.byProtocol.get(sk.protocol);
    const at = list?.indexOf(sk) ?? -1;
    if (list === undefined || at < 0) return;
    list.splice(at, 1);
    this.size--;
  }

  all(): Raw6Sock[] {
    return [...this.byProtocol.values()].flat();
  }

  /** @kernel ipv6_raw_deliver() */
  deliver(skb: SkBuff, nexthdr: number): boolean {
    const list = this.byProtocol.get(nexthdr);
    if (list === undefined) return false;
    let found = false;
    const m = skb.mem;
    const saddr = ip6hSaddr(m, skb.networkHeader);
    const daddr = ip6hDaddr(m, skb.networkHeader);
    for (const sk of list) {
      if (!sk.matches(saddr, daddr, skb.skbIif)) continue;
      found = true;
      if (sk.filtered(skb)) continue;
      sk.receive(skb.pool.clone(skb));
    }
    return found;
  }

  /** @kernel raw6_icmp_error() */
  error(skb: SkBuff, nexthdr: number, type: number, code: number, info: number): void {
    const m = skb.mem;
    const saddr = ip6hSaddr(m, skb.data);
    const daddr = ip6hDaddr(m, skb.data);
    for (const sk of this.byProtocol.get(nexthdr) ?? [])
      if (sk.matches(daddr, saddr, skb.skbIif)) sk.icmp6Error(skb, type, code, info);
  }
}

/** The raw sockets of a namespace; the table is made with the first. */
export function raw6Of(net: Net): Raw6Table {
  return (ipv6Of(net).raw ??= new Raw6Table()) as Raw6Table;
}

export class Raw6Sock extends InetSock {
  /** ICMP6_FILTER: 256 bits, set ones are kept out. */
  private filter: Uint8Array | null = null;

  constructor(net: Net, protocol: number, type: number = SOCK_RAW) {
    super(net, type, protocol, AF_INET6);
    const v6 = new Ipv6Pinfo(ipv6Of(net).sysctl(Ipv6Sysctl.bindv6only) !== 0);
    this.v6 = v6;
    this.sport = protocol; // shown where others show their port
    if (protocol === IPPROTO_ICMPV6) v6.checksum = 2;
    if (protocol === IPPROTO_RAW) v6.hdrincl = true;
    raw6Of(net).add(this);
  }

  release(): void {
    inet6LeaveGroups(this);
    raw6Of(this.net).remove(this);
    this.receiveQueue.purge();
  }

  matches(saddr: In6Addr, daddr: In6Addr, ifindex: number): boolean {
    const v6 = v6Of(this);
    if (this.boundDev !== 0 && this.boundDev !== ifindex) return false;
    if (this.daddr !== 0 && !in6Equal(v6.daddr, saddr)) return false;
    return this.rcvSaddr === 0 || in6Equal(v6.rcvSaddr, daddr) || in6IsMulticast(daddr);
  }

  filtered(skb: SkBuff): boolean {
    if (this.protocol !== IPPROTO_ICMPV6 || this.filter === null || skb.len < 1) return false;
    const type = skb.mem.u8[skb.data] as number;
    return ((this.filter[type >> 3] as number) & (1 << (type & 7))) !== 0;
  }

  /** Takes a copy of a packet, data at its transport header. Consumes it. @kernel rawv6_rcv() */
  receive(skb: SkBuff): void {
    const v6 = v6Of(this);
    if (v6.checksum >= 0) {
      const pseudo = csumPseudo6At(skb.mem, skb.networkHeader, this.protocol, skb.len);
      if (csumPartial(skb.mem, skb.data, skb.len, pseudo) !== 0xffff) {
        this.drops++;
        this.net.kernel.kfreeSkbReason(skb, DropReason.SKB_CSUM);
        return;
      }
    }
    if (this.skFilter !== null && !sockFilter(this, this.skFilter, skb)) {
      this.net.kernel.kfreeSkbReason(skb, DropReason.SOCKET_FILTER);
      return;
    }
    sockQueueRcvSkb(this, skb);
  }

  bind(addr: SockAddr): number {
    if (addr.family !== 'inet6') return -Errno.EINVAL;
    if (in6IsV4Mapped(in6FromBytes(addr.addr))) return -Errno.EADDRNOTAVAIL;
    return inet6BindAddress(this, addr);
  }

  connect(addr: SockAddr): number {
    if (addr.family === 'unspec') {
      this.daddr = this.dport = 0;
      v6Of(this).daddr = IN6ADDR_ANY;
      this.dst = null;
      return 0;
    }
    if (addr.family !== 'inet6') return -Errno.EAFNOSUPPORT;
    const error = inet6DatagramConnect(this, addr);
    if (error !== 0 && this.daddr === 0 && this.rcvSaddr === 0) inet6ResetAddress(this);
    return error;
  }

  /** @kernel rawv6_sendmsg() */
  sendmsg(data: Uint8Array, options: SendOptions): number {
    const v6 = v6Of(this);
    const { to } = options;
    if (this.err !== 0 && to === undefined) return this.takeError();
    let daddr = v6.daddr;
    let zone = 0;
    if (to !== undefined) {
      if (to.family !== 'inet6') return -Errno.EAFNOSUPPORT;
      if (to.port !== 0 && to.port !== this.protocol) return -Errno.EINVAL;
      daddr = in6FromBytes(to.addr);
      if (in6IsLinkLocal(daddr) || in6IsMulticast(daddr)) zone = to.scopeId;
    } else if (this.daddr === 0) {
      return -Errno.EDESTADDRREQ;
    }
    if (in6IsAny(daddr)) daddr = IN6ADDR_LOOPBACK;
    const flow = inet6Flow(this, daddr, 0, zone);
    if (to?.family === 'inet6' && to.flowInfo !== undefined) flow.flowLabel = to.flowInfo;
    const message = inet6MessageControl(this, flow, options.control);
    if (typeof message === 'number') return message;
    const rt =
      to === undefined && options.control === undefined
        ? inet6Route(this)
        : ip6DstLookupFlow(this.net, flow);
    if (typeof rt === 'number') return rt;
    const mtu = rt.mtu();
    if (v6.hdrincl ? data.length > mtu : inet6TooBig(v6, data.length + IP6_HLEN, mtu)) {
      inet6LocalError(this, daddr, 0, mtu, data);
      if (v6.recverr && v6.pmtudisc >= IPV6_PMTUDISC_DO) this.err = Errno.EMSGSIZE;
      return -Errno.EMSGSIZE;
    }
    if (this.wmemAlloc > 0 && this.wmemAlloc + data.length > this.sndbuf) return -Errno.EAGAIN;
    const skb = this.net.kernel.pool.alloc(data.length, HEADROOM);
    if (skb === null) return -Errno.ENOBUFS;
    const o = skbPut(skb, data.length);
    skb.mem.write(o, data);
    skb.mark = this.mark;
    skb.priority = this.priority;
    skbSetOwnerW(skb, this);
    if (!v6.mcLoop) skb.cbFlags2 |= IP6SKB_NOMCLOOP;
    if (v6.hdrincl) return this.sendWithHeader(skb, rt, data.length);
    skb.transportHeader = o;
    if (v6.checksum >= 0) {
      if (v6.checksum + 2 > data.length) {
        skb.pool.release(skb);
        return -Errno.EINVAL;
      }
      const at = o + v6.checksum;
      if (this.protocol === IPPROTO_ICMPV6) skb.mem.dv.setUint16(at, 0);
      const pseudo = csumPseudo6(flow.saddr, daddr, this.protocol, skb.len);
      const check = ~csumPartial(skb.mem, o, skb.len, pseudo) & 0xffff;
      skb.mem.dv.setUint16(at, check === 0 ? 0xffff : check);
    }
    if ((flow.flowLabel & 0xfffff) === 0 && v6.autoFlowLabel !== 0)
      flow.flowLabel |= ipv6AutoFlowLabel(this.net, flow);
    const hops = message.hops >= 0 ? message.hops : inet6HopLimit(this, daddr, rt);
    ip6PushHeader(skb, flow.saddr, daddr, this.protocol, hops, flow.flowLabel);
    if (this.protocol === IPPROTO_ICMPV6 && data.length > 0)
      icmpv6CountOut(this.net, data[0] as number);
    const sent = ip6LocalOut(this.net, skb, rt);
    return sent < 0 ? sent : data.length;
  }

  /** IPV6_HDRINCL: the caller wrote the whole packet. @kernel rawv6_send_hdrinc() */
  private sendWithHeader(skb: SkBuff, rt: Rt6Info, length: number): number {
    if (skb.len < IP6_HLEN) {
      skb.pool.release(skb);
      return -Errno.EINVAL;
    }
    skb.networkHeader = skb.data;
    skb.transportHeader = skb.data + IP6_HLEN;
    const sent = ip6LocalOut(this.net, skb, rt);
    return sent < 0 ? sent : length;
  }

  recvmsg(count: number, flags: number): RecvResult | number {
    if ((flags & Msg.MSG_ERRQUEUE) !== 0) return this.recvError(count);
    const skb = this.receiveQueue.head;
    if (skb === null) {
      if (this.err !== 0) return this.takeError();
      return (this.shutdownMask & RCV_SHUTDOWN) !== 0 ? -Errno.ENOTCONN : -Errno.EAGAIN;
    }
    const result: RecvResult = {
      data: skbBytes(skb, 0, Math.min(count, skb.len)),
      from: sockaddrIn6(ip6hSaddr(skb.mem, skb.networkHeader), 0, skb.skbIif),
      flags: skb.len > count ? Msg.MSG_TRUNC : 0,
      length: skb.len,
      control: inet6Control(this, skb),
    };
    if ((flags & Msg.MSG_PEEK) === 0) {
      this.receiveQueue.unlink(skb);
      skb.pool.release(skb);
    }
    return result;
  }

  poll(): number {
    let events = this.receiveQueue.length > 0 ? Poll.POLLIN : 0;
    if (this.wmemAlloc * 2 < this.sndbuf) events |= Poll.POLLOUT;
    if (this.err !== 0 || this.hasErrors) events |= Poll.POLLERR;
    return events;
  }

  shutdown(how: number): number {
    this.shutdownMask |= how;
    return 0;
  }

  setsockopt(option: SockOpt, value: SockOptValue): number {
    const v6 = v6Of(this);
    const n = typeof value === 'number' ? value : 0;
    switch (option) {
      case 'ICMP6_FILTER':
        if (this.protocol !== IPPROTO_ICMPV6) return -Errno.EOPNOTSUPP;
        if (!(value instanceof Uint8Array)) return -Errno.EINVAL;
        this.filter = new Uint8Array(32);
        this.filter.set(value.subarray(0, 32));
        return 0;
      case 'IPV6_CHECKSUM':
        // ICMPv6's place is fixed (RFC 3542 §3.1)
        if (this.protocol === IPPROTO_ICMPV6) return -Errno.EINVAL;
        if (n > 0 && (n & 1) !== 0) return -Errno.EINVAL;
        v6.checksum = n < 0 ? -1 : n;
        return 0;
      case 'IPV6_HDRINCL':
        v6.hdrincl = n !== 0;
        return 0;
      default: {
        const own = inet6Setsockopt(this, option, value);
        const result = own === 1 ? this.ipSetsockopt(option, value) : own;
        return result === 1 ? -Errno.ENOPROTOOPT : result;
      }
    }
  }

  getsockopt(option: SockOpt): SockOptValue | undefined {
    if (option === 'ICMP6_FILTER') return this.filter ?? new Uint8Array(32);
    if (option === 'IPV6_CHECKSUM') return v6Of(this).checksum;
    if (option === 'IPV6_HDRINCL') return Number(v6Of(this).hdrincl);
    return inet6Getsockopt(this, option) ?? this.ipGetsockopt(option);
  }

  diag(): Omit<SockDiagEntry, 'users' | 'ino'> {
    return {
      family: 'inet6',
      type: 'raw',
      state: this.daddr === 0 ? 7 : 1,
      ...this.diagNames(),
      recvQ: this.rmemAlloc,
      sendQ: this.wmemAlloc,
      uid: this.uid,
      ifindex: this.boundDev,
      mem: this.diagMem(),
      v6only: v6Of(this).v6only,
    };
  }

  /** @kernel rawv6_err() */
  icmp6Error(skb: SkBuff, type: number, code: number, info: number): void {
    const v6 = v6Of(this);
    if (!v6.recverr && this.daddr === 0) return;
    const m = skb.mem;
    const { errno, fatal } = icmpv6ErrConvert(type, code);
    let hard = fatal;
    if (type === ICMPV6_PKT_TOOBIG) {
      const daddr = ip6hDaddr(m, skb.data);
      ip6UpdatePmtu(this.net, daddr, ip6hSaddr(m, skb.data), this.boundDev, this.mark, info);
      hard = v6.pmtudisc === IPV6_PMTUDISC_DO;
    }
    if (type === NDISC_REDIRECT) return; // the network layer has learned it
    if (v6.recverr) {
      const payload = v6.hdrincl ? skb.data : skb.data + skb.cbOptLen;
      inet6IcmpError(this, skb, errno, type, code, info, payload, 0);
    }
    if (v6.recverr || hard) {
      this.err = errno;
      if (this.dataReady !== null) this.dataReady(this);
    }
  }
}
