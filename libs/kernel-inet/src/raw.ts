/**
 * Raw IPv4 sockets: every packet of a protocol to read, whole packets to send. Sources: net/ipv4/raw.c, raw(7).
 */
import { Errno } from '@netloom/base';
import {
  DropReason,
  LL_MAX_HEADER,
  sockFilter,
  RCV_SHUTDOWN,
  skbBytes,
  skbPut,
  skbSetOwnerW,
  sockQueueRcvSkb,
  type Net,
  type SendOptions,
  type SkBuff,
} from '@netloom/kernel-core';
import {
  IPPROTO_ICMP,
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
  ICMP_DEST_UNREACH,
  ICMP_FRAG_NEEDED,
  ICMP_REDIRECT,
  ICMP_SOURCE_QUENCH,
  iphDaddr,
  iphIhl,
  iphSaddr,
  iphSetCheck,
  iphSetTotLen,
  iphTtl,
} from '@netloom/wire';
import { icmpCountOut } from './icmp-send.js';
import { ICMP_ERR_CONVERT, InetSock, sockaddrIn } from './inet-sock.js';
import { ipLocalOut } from './ip-output.js';
import { ipv4Of } from './ipv4-net.js';
import { ipv4IsMulticast, type Rtable } from './route.js';
import { ipv4Redirect, ipv4UpdatePmtu } from './route-exceptions.js';
import { RTN_BROADCAST } from './fib-table.js';

export class RawTable {
  private readonly byProtocol = new Map<number, RawSock[]>();
  size = 0;

  add(sk: RawSock): void {
    const list = this.byProtocol.get(sk.protocol);
    if (list === undefined) this.byProtocol.set(sk.protocol, [sk]);
    else list.push(sk);
    this.size++;
  }

  remove(sk: RawSock): void {
    const list = this.byProtocol.get(sk.protocol);
    const at = list?.indexOf(sk) ?? -1;
    if (list === undefined || at < 0) return;
    list.splice(at, 1);
    this.size--;
  }

  all(): RawSock[] {
    return [...this.byProtocol.values()].flat();
  }

  /** Gives copies of a packet (data behind the IP header) to all sockets it matches; true where there was one. @kernel raw_local_deliver() */
  deliver(skb: SkBuff, protocol: number): boolean {
    const list = this.byProtocol.get(protocol);
    if (list === undefined) return false;
    let found = false;
    for (const sk of list) {
      if (!sk.matches(skb)) continue;
      found = true;
      if (sk.filtered(skb)) continue;
      const copy = skb.pool.clone(skb);
      copy.data = copy.networkHeader; // a raw socket reads the IP header too
      copy.len = copy.tail - copy.data;
      if (sk.skFilter !== null && !sockFilter(sk, sk.skFilter, copy)) {
        sk.drops++;
        sk.net.kernel.kfreeSkbReason(copy, DropReason.SOCKET_FILTER);
        continue;
      }
      sockQueueRcvSkb(sk, copy);
    }
    return found;
  }

  /** An ICMP error about a packet (data at the quoted IP header). @kernel raw_icmp_error() */
  error(skb: SkBuff, protocol: number, type: number, code: number, info: number): void {
    const m = skb.mem;
    const daddr = iphDaddr(m, skb.data);
    const saddr = iphSaddr(m, skb.data);
    for (const sk of this.byProtocol.get(protocol) ?? []) {
      if (sk.rcvSaddr !== 0 && sk.rcvSaddr !== saddr) continue;
      if (sk.daddr !== 0 && sk.daddr !== daddr) continue;
      sk.icmpError(skb, type, code, info);
    }
  }
}

export class RawSock extends InetSock {
  /** Bits of ICMP types that are not wanted (ICMP_FILTER). */
  private icmpFilter = 0;

  constructor(net: Net, protocol: number) {
    super(net, SOCK_RAW, protocol);
    if (protocol === IPPROTO_RAW) this.hdrincl = true;
    ipv4Of(net).raw.add(this);
  }

  release(): void {
    this.leaveGroups();
    ipv4Of(this.net).raw.remove(this);
    this.receiveQueue.purge();
  }

  matches(skb: SkBuff): boolean {
    const m = skb.mem;
    if (this.rcvSaddr !== 0 && this.rcvSaddr !== iphDaddr(m, skb.networkHeader)) return false;
    if (this.daddr !== 0 && this.daddr !== iphSaddr(m, skb.networkHeader)) return false;
    if (this.boundDev !== 0 && this.boundDev !== skb.skbIif) return false;
    const daddr = iphDaddr(m, skb.networkHeader);
    return (
      !ipv4IsMulticast(daddr) || this.joined(daddr, iphSaddr(m, skb.networkHeader), skb.skbIif)
    );
  }

  filtered(skb: SkBuff): boolean {
    if (this.protocol !== IPPROTO_ICMP || this.icmpFilter === 0 || skb.len < 1) return false;
    const type = skb.mem.u8[skb.data] as number;
    return type < 32 && (this.icmpFilter & (1 << type)) !== 0;
  }

  bind(addr: SockAddr): number {
    if (addr.family !== 'inet') return -Errno.EAFNOSUPPORT;
    const bad = this.checkBindAddress(addr.addr);
    if (bad !== 0) return bad;
    this.setBound(addr.addr);
    return 0;
  }

  connect(addr: SockAddr): number {
    if (addr.family === 'unspec') {
      this.daddr = 0;
      this.dst = null;
      return 0;
    }
    if (addr.family !== 'inet') return -Errno.EAFNOSUPPORT;
    return this.datagramConnect(addr.addr, addr.port);
  }

  /** @kernel raw_sendmsg() */
  sendmsg(data: Uint8Array, options: SendOptions): number {
    const { to } = options;
    if (data.length > 0xffff) return -Errno.EMSGSIZE;
    let daddr = this.daddr;
    if (to !== undefined) {
      if (to.family !== 'inet') return -Errno.EAFNOSUPPORT;
      daddr = to.addr === 0 ? 0x7f000001 : to.addr;
    } else if (daddr === 0) {
      return -Errno.EDESTADDRREQ;
    }
    const fields = this.messageFields(options.control);
    if (typeof fields === 'number') return fields;
    const sets = fields?.options ?? this.options;
    const hop = sets !== null && sets.faddr !== 0 ? sets.faddr : daddr;
    const rt = this.routeFor(hop, fields, (options.flags & Msg.MSG_DONTROUTE) !== 0);
    if (typeof rt === 'number') return rt;
    if (rt.type === RTN_BROADCAST && !this.broadcast) return -Errno.EACCES;
    if (
      this.pmtudisc > 1 &&
      !this.hdrincl &&
      data.length + 20 + (sets?.bytes.length ?? 0) > rt.mtu()
    ) {
      if (this.recverr) this.localError(Errno.EMSGSIZE, rt.mtu(), daddr, data);
      return -Errno.EMSGSIZE;
    }
    if (this.wmemAlloc > 0 && this.wmemAlloc + data.length > this.sndbuf) return -Errno.EAGAIN;
    const skb = this.net.kernel.pool.alloc(data.length, LL_MAX_HEADER);
    if (skb === null) return -Errno.ENOBUFS;
    const o = skbPut(skb, data.length);
    skb.mem.write(o, data);
    skb.transportHeader = o;
    skbSetOwnerW(skb, this);
    const sent = this.hdrincl
      ? this.sendWithHeader(skb, rt)
      : this.ipSend(skb, rt, daddr, this.protocol, fields);
    if (this.protocol === IPPROTO_ICMP && data.length > 0 && sent === 0)
      icmpCountOut(this.net, data[0] as number);
    return sent < 0 ? sent : data.length;
  }

  /** EMSGSIZE that never left: SO_EE_ORIGIN_LOCAL. @kernel ip_local_error() */
  private localError(errno: number, info: number, daddr: number, data: Uint8Array): void {
    this.queueError(data.slice(), sockaddrIn(daddr, 0), {
      errno,
      origin: 1,
      type: 0,
      code: 0,
      info,
      offender: { family: 'unspec' },
    });
    this.err = errno;
  }

  /** IP_HDRINCL: the caller wrote the header; length, checksum and missing fields are filled in. @kernel raw_send_hdrinc() */
  private sendWithHeader(skb: SkBuff, rt: Rtable): number {
    const m = skb.mem;
    const o = skb.data;
    const ihl = iphIhl(m, o);
    if (skb.len < 20 || ihl < 5 || skb.len < ihl * 4) {
      skb.pool.release(skb);
      return -Errno.EINVAL;
    }
    if (iphSaddr(m, o) === 0) m.dv.setUint32(o + 12, rt.prefsrc);
    iphSetTotLen(m, o, skb.len);
    if (m.dv.getUint16(o + 4) === 0) m.dv.setUint16(o + 4, this.nextIdent(false));
    iphSetCheck(m, o, 0);
    iphSetCheck(m, o, ~csumPartial(m, o, ihl * 4) & 0xffff);
    skb.networkHeader = o;
    skb.transportHeader = o + ihl * 4;
    return ipLocalOut(this.net, skb, rt);
  }

  recvmsg(count: number, flags: number): RecvResult | number {
    if ((flags & Msg.MSG_ERRQUEUE) !== 0) return this.recvError(count);
    const skb = this.receiveQueue.head;
    if (skb === null) {
      if (this.err !== 0) return this.takeError();
      return (this.shutdownMask & RCV_SHUTDOWN) !== 0 ? -Errno.ENOTCONN : -Errno.EAGAIN;
    }
    const m = skb.mem;
    const result: RecvResult = {
      data: skbBytes(skb, 0, Math.min(count, skb.len)),
      from: sockaddrIn(iphSaddr(m, skb.networkHeader), 0),
      flags: skb.len > count ? Msg.MSG_TRUNC : 0,
      length: skb.len,
      control: this.control(skb),
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
    if (option === 'ICMP_FILTER') {
      this.icmpFilter = Number(value) >>> 0;
      return 0;
    }
    const result = this.ipSetsockopt(option, value);
    return result === 1 ? -Errno.ENOPROTOOPT : result;
  }

  getsockopt(option: SockOpt): SockOptValue | undefined {
    return option === 'ICMP_FILTER' ? this.icmpFilter : this.ipGetsockopt(option);
  }

  diag(): Omit<SockDiagEntry, 'users' | 'ino'> {
    return {
      family: 'inet',
      type: 'raw',
      state: this.daddr === 0 ? 7 : 1,
      local: sockaddrIn(this.rcvSaddr, this.protocol),
      peer: sockaddrIn(this.daddr, 0),
      recvQ: this.rmemAlloc,
      sendQ: this.wmemAlloc,
      uid: this.uid,
      ifindex: this.boundDev,
      mem: this.diagMem(),
    };
  }

  /** @kernel raw_err() */
  icmpError(skb: SkBuff, type: number, code: number, info: number): void {
    if (type === ICMP_DEST_UNREACH && code === ICMP_FRAG_NEEDED) ipv4UpdatePmtu(skb, info);
    else if (type === ICMP_REDIRECT) ipv4Redirect(skb, info);
    if (type === ICMP_SOURCE_QUENCH || type === ICMP_REDIRECT) return;
    let errno: number = Errno.EHOSTUNREACH;
    let hard = false;
    if (type === ICMP_DEST_UNREACH) {
      const converted = ICMP_ERR_CONVERT[Math.min(code, 15)];
      errno = converted?.errno ?? Errno.EHOSTUNREACH;
      hard = converted?.fatal ?? false;
      if (code === ICMP_FRAG_NEEDED) hard = this.pmtudisc !== 0;
    } else if (type === 12) {
      errno = Errno.EPROTO;
      hard = true;
    }
    if (this.recverr) {
      const m = skb.mem;
      const inner = skb.data;
      const start = this.hdrincl ? inner : inner + iphIhl(m, inner) * 4;
      this.queueError(
        m.bytes(start, Math.max(0, inner + skb.len - start)),
        sockaddrIn(iphDaddr(m, inner), 0),
        {
          errno,
          origin: 2,
          type,
          code,
          info,
          offender: sockaddrIn(iphSaddr(m, skb.networkHeader), 0),
        },
        iphTtl(m, skb.networkHeader),
      );
    }
    if (this.recverr || (hard && this.daddr !== 0)) {
      this.err = errno;
      if (this.dataReady !== null) this.dataReady(this);
    }
  }
}
