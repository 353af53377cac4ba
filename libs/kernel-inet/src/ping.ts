/**
 * ICMP datagram sockets: echo requests without privileges, each socket known by the identifier of its messages.
 * socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP) → PingSock; icmpRcv of an echo reply → pingRcv. Source: net/ipv4/ping.c.
 */
import { Errno, KernelError } from '@netloom/base';
import {
  DropReason,
  LL_MAX_HEADER,
  Mib,
  mibAdd,
  RCV_SHUTDOWN,
  skbBytes,
  skbPut,
  skbSetOwnerW,
  sockFilter,
  sockQueueRcvSkb,
  type Net,
  type NetDevice,
  type SendOptions,
  type SkBuff,
} from '@netloom/kernel-core';
import {
  IPPROTO_ICMP,
  Msg,
  Poll,
  SOCK_DGRAM,
  type RecvResult,
  type SockAddr,
  type SockDiagEntry,
  type SockOpt,
  type SockOptValue,
} from '@netloom/sys';
import {
  csumPartial,
  ICMP_DEST_UNREACH,
  ICMP_ECHO,
  ICMP_FRAG_NEEDED,
  ICMP_HLEN,
  ICMP_PARAMETERPROB,
  ICMP_REDIRECT,
  ICMP_SOURCE_QUENCH,
  iphDaddr,
  iphIhl,
  iphSaddr,
  iphTtl,
} from '@netloom/wire';
import { RTN_BROADCAST } from './fib-table.js';
import { icmpCountOut } from './icmp-send.js';
import { ICMP_ERR_CONVERT, InetSock, IP_PMTUDISC_DONT, sockaddrIn } from './inet-sock.js';
import { ipv4Of } from './ipv4-net.js';
import { ipv4Redirect, ipv4UpdatePmtu } from './route-exceptions.js';

const PORT_MAX = 0xffff;
const EPROTO = 71;

/** The ping sockets of a namespace by identifier. */
export class PingTable {
  private readonly sockets = new Map<number, PingSock[]>();
  private rover = 0;

  all(): PingSock[] {
    return [...this.sockets.keys()]
      .sort((a, b) => a - b)
      .flatMap((ident) => this.sockets.get(ident) ?? []);
  }

  at(ident: number): readonly PingSock[] {
    return this.sockets.get(ident) ?? [];
  }

  add(sk: PingSock): void {
    this.sockets.set(sk.sport, [...this.at(sk.sport), sk]);
  }

  remove(sk: PingSock): void {
    const rest = this.at(sk.sport).filter((other) => other !== sk);
    if (rest.length === 0) this.sockets.delete(sk.sport);
    else this.sockets.set(sk.sport, rest);
  }

  /** The next free identifier, 0 when all are taken. @kernel ping_get_port() */
  free(): number {
    for (let i = 0; i < PORT_MAX; i++) {
      this.rover = this.rover >= PORT_MAX ? 1 : this.rover + 1;
      if (!this.sockets.has(this.rover)) return this.rover;
    }
    return 0;
  }
}

/** The ping sockets of a namespace. */
export function pingTable(net: Net): PingTable {
  const ipv4 = ipv4Of(net);
  return (ipv4.ping ??= new PingTable());
}

export class PingSock extends InetSock {
  private hashed = false;

  /** @errno EACCES where net.ipv4.ping_group_range does not have the group */
  constructor(net: Net) {
    super(net, SOCK_DGRAM, IPPROTO_ICMP);
    const [low, high] = ipv4Of(net).pingGroupRange;
    if (low > 0 || high < 0) throw new KernelError('EACCES'); // everybody's group is 0
  }

  release(): void {
    this.leaveGroups();
    if (this.hashed) pingTable(this.net).remove(this);
    this.receiveQueue.purge();
  }

  bind(addr: SockAddr): number {
    if (addr.family !== 'inet') return -Errno.EAFNOSUPPORT;
    if (this.hashed) return -Errno.EINVAL;
    const bad = this.checkBindAddress(addr.addr);
    if (bad !== 0) return bad;
    this.setBound(addr.addr);
    if (this.getPort(addr.port)) return 0;
    this.setBound(0);
    return -Errno.EADDRINUSE;
  }

  private getPort(wanted: number): boolean {
    const table = pingTable(this.net);
    const ident = wanted === 0 ? table.free() : wanted;
    if (ident === 0) return false;
    const taken = table
      .at(ident)
      .some((other) => !(other.reuseAddr && this.reuseAddr) && this.sharesAddress(other));
    if (taken) return false;
    this.sport = ident;
    table.add(this);
    this.hashed = true;
    return true;
  }

  private sharesAddress(other: PingSock): boolean {
    return this.rcvSaddr === 0 || other.rcvSaddr === 0 || this.rcvSaddr === other.rcvSaddr;
  }

  connect(addr: SockAddr): number {
    if (addr.family === 'unspec') {
      this.daddr = this.dport = 0;
      this.dst = null;
      return 0;
    }
    if (addr.family !== 'inet') return -Errno.EAFNOSUPPORT;
    if (!this.hashed && !this.getPort(0)) return -Errno.EAGAIN;
    return this.datagramConnect(addr.addr, addr.port);
  }

  /** @kernel ping_v4_sendmsg() */
  sendmsg(data: Uint8Array, options: SendOptions): number {
    const { to, flags } = options;
    if (data.length > 0xffff) return -Errno.EMSGSIZE;
    if ((flags & Msg.MSG_OOB) !== 0) return -Errno.EOPNOTSUPP;
    if (data.length < ICMP_HLEN || data[0] !== ICMP_ECHO || data[1] !== 0) return -Errno.EINVAL;
    let daddr = this.daddr;
    if (to !== undefined) {
      if (to.family !== 'inet') return -Errno.EAFNOSUPPORT;
      daddr = to.addr === 0 ? 0x7f000001 : to.addr;
    } else if (daddr === 0) {
      return -Errno.EDESTADDRREQ;
    }
    if (!this.hashed && !this.getPort(0)) return -Errno.EAGAIN;
    const fields = this.messageFields(options.control);
    if (typeof fields === 'number') return fields;
    const sets = fields?.options ?? this.options;
    const hop = sets !== null && sets.faddr !== 0 ? sets.faddr : daddr;
    const rt = this.routeFor(hop, fields, (flags & Msg.MSG_DONTROUTE) !== 0);
    if (typeof rt === 'number') {
      if (rt === -Errno.ENETUNREACH) mibAdd(this.net.mib, Mib.IpOutNoRoutes, 1);
      return rt;
    }
    if (rt.type === RTN_BROADCAST && !this.broadcast) return -Errno.EACCES;
    const size = data.length + 20 + (sets?.bytes.length ?? 0);
    if (this.pmtudisc > 1 && size > rt.mtu()) {
      if (this.recverr)
        this.queueError(data.slice(), sockaddrIn(daddr, 0), {
          errno: Errno.EMSGSIZE,
          origin: 1,
          type: 0,
          code: 0,
          info: rt.mtu(),
          offender: { family: 'unspec' },
        });
      return -Errno.EMSGSIZE;
    }
    if (this.wmemAlloc > 0 && this.wmemAlloc + data.length > this.sndbuf) return -Errno.EAGAIN;
    const skb = this.net.kernel.pool.alloc(data.length, LL_MAX_HEADER);
    if (skb === null) return -Errno.ENOBUFS;
    const o = skbPut(skb, data.length);
    const m = skb.mem;
    m.write(o, data);
    m.dv.setUint16(o + 2, 0);
    m.dv.setUint16(o + 4, this.sport);
    m.dv.setUint16(o + 2, ~csumPartial(m, o, data.length) & 0xffff);
    skb.transportHeader = o;
    skbSetOwnerW(skb, this);
    icmpCountOut(this.net, ICMP_ECHO);
    const sent = this.ipSend(skb, rt, daddr, IPPROTO_ICMP, fields);
    return sent < 0 ? sent : data.length;
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
      from: sockaddrIn(iphSaddr(skb.mem, skb.networkHeader), 0),
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
    if (this.daddr === 0) return -Errno.ENOTCONN;
    this.shutdownMask |= how;
    return 0;
  }

  setsockopt(option: SockOpt, value: SockOptValue): number {
    const result = this.ipSetsockopt(option, value);
    return result === 1 ? -Errno.ENOPROTOOPT : result;
  }

  getsockopt(option: SockOpt): SockOptValue | undefined {
    return this.ipGetsockopt(option);
  }

  diag(): Omit<SockDiagEntry, 'users' | 'ino'> {
    return {
      family: 'inet',
      type: 'icmp',
      state: this.daddr === 0 ? 7 : 1,
      local: sockaddrIn(this.rcvSaddr, this.sport),
      peer: sockaddrIn(this.daddr, 0),
      recvQ: this.rmemAlloc,
      sendQ: this.wmemAlloc,
      uid: this.uid,
      ifindex: this.boundDev,
      mem: this.diagMem(),
    };
  }

  takes(skb: SkBuff): boolean {
    const m = skb.mem;
    const o = skb.networkHeader;
    if (this.rcvSaddr !== 0 && this.rcvSaddr !== iphDaddr(m, o)) return false;
    return this.boundDev === 0 || this.boundDev === skb.skbIif;
  }

  /** @kernel ping_err() */
  icmpError(skb: SkBuff, type: number, code: number, info: number): void {
    let errno: number = Errno.EHOSTUNREACH;
    let hard = false;
    if (type === ICMP_REDIRECT) ipv4Redirect(skb, info);
    if (type === ICMP_SOURCE_QUENCH || type === ICMP_REDIRECT) return;
    if (type === ICMP_PARAMETERPROB) {
      errno = EPROTO;
      hard = true;
    } else if (type === ICMP_DEST_UNREACH) {
      if (code === ICMP_FRAG_NEEDED) {
        ipv4UpdatePmtu(skb, info);
        if (this.pmtudisc === IP_PMTUDISC_DONT) return;
        errno = Errno.EMSGSIZE;
        hard = true;
      } else {
        const converted = ICMP_ERR_CONVERT[code];
        errno = converted?.errno ?? Errno.EHOSTUNREACH;
        hard = converted?.fatal ?? false;
      }
    }
    if (this.recverr) {
      const m = skb.mem;
      const inner = skb.data;
      const start = inner + iphIhl(m, inner) * 4;
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
    } else if (!hard || this.daddr === 0) {
      return;
    }
    this.err = errno;
    if (this.dataReady !== null) this.dataReady(this);
  }
}

/** Gives an echo reply (data at the ICMP header) to the socket that it is for; the packet stays the caller's. @kernel ping_rcv() */
export function pingRcv(skb: SkBuff): void {
  const { net } = skb.dev as NetDevice;
  const table = ipv4Of(net).ping;
  if (table === null) return;
  const ident = skb.mem.dv.getUint16(skb.data + 4);
  const sk = table.at(ident).find((other) => other.takes(skb));
  if (sk === undefined) return;
  const copy = skb.pool.clone(skb);
  if (sk.skFilter !== null && !sockFilter(sk, sk.skFilter, copy)) {
    net.kernel.kfreeSkbReason(copy, DropReason.SOCKET_FILTER);
    return;
  }
  sockQueueRcvSkb(sk, copy);
}

/** An ICMP error about an echo request (data at the quoted IP header). */
export function pingErr(skb: SkBuff, type: number, code: number, info: number): void {
  const { net } = skb.dev as NetDevice;
  const table = ipv4Of(net).ping;
  if (table === null) return;
  const m = skb.mem;
  const inner = skb.data;
  const icmp = inner + iphIhl(m, inner) * 4;
  if (m.u8[icmp] !== ICMP_ECHO) return;
  const saddr = iphSaddr(m, inner);
  const sk = table
    .at(m.dv.getUint16(icmp + 4))
    .find((other) => other.rcvSaddr === 0 || other.rcvSaddr === saddr);
  sk?.icmpError(skb, type, code, info);
}
