/**
 * What IPv4 sockets of all protocols share: addresses, IP options, sending through a route, errors from ICMP.
 * Sources: include/net/inet_sock.h, net/ipv4/af_inet.c, ip_sockglue.c.
 */
import { Errno } from '@netloom/base';
import {
  DropReason,
  Mib,
  mibAdd,
  Sock,
  sockControl,
  type Dst,
  sockGetsockopt,
  sockSetsockopt,
  type Net,
  type SkBuff,
} from '@netloom/kernel-core';
import {
  AF_INET,
  SOCK_RAW,
  type Control,
  type RecvResult,
  type SockAddr,
  type SockAddrIn,
  type SockDiagEntry,
  type SockExtendedErr,
  type SockOpt,
  type SockOptValue,
  Msg,
} from '@netloom/sys';
import { iphDaddr, iphIhl, iphTos, iphTtl, l4Dest } from '@netloom/wire';
import { inetAddrType } from './fib-frontend.js';
import { RTN_BROADCAST, RTN_LOCAL, RTN_MULTICAST, RTN_UNICAST } from './fib-table.js';
import { MCAST_EXCLUDE, MCAST_INCLUDE } from './igmp.js';
import { McSocklist } from './igmp-sock.js';
import { IPSKB_IGNORE_DF } from './ip-fragment-out.js';
import {
  ipOptionsCompile,
  ipOptionsEcho,
  ipOptionsUndo,
  ipPushHeaderOptions,
  type IpOptions,
} from './ip-options-out.js';
import {
  ipDefaultTtl,
  ipLocalOut,
  ipPushHeader,
  ipSelectIdent,
  type IpHeaderFields,
} from './ip-output.js';
import { ipv4Of, Ipv4Sysctl } from './ipv4-net.js';
import { sockaddrIn6, sockaddrMapped, type Ipv6Pinfo } from './ipv6-pinfo.js';
import { ipRouteOutput } from './route-output.js';
import { ipv4IsMulticast, rtValid, type Rtable } from './route.js';

export const IP_PMTUDISC_DONT = 0;
export const IP_PMTUDISC_WANT = 1;
export const IP_PMTUDISC_DO = 2;
export const IP_PMTUDISC_PROBE = 3;

/** ICMP unreachable code → errno and whether it is fatal to a connected socket. @kernel icmp_err_convert */
export const ICMP_ERR_CONVERT: readonly { readonly errno: number; readonly fatal: boolean }[] = [
  { errno: Errno.ENETUNREACH, fatal: false },
  { errno: Errno.EHOSTUNREACH, fatal: false },
  { errno: Errno.ENOPROTOOPT, fatal: true },
  { errno: Errno.ECONNREFUSED, fatal: true },
  { errno: Errno.EMSGSIZE, fatal: false },
  { errno: Errno.EOPNOTSUPP, fatal: false },
  { errno: Errno.ENETUNREACH, fatal: true },
  { errno: Errno.EHOSTDOWN, fatal: true },
  { errno: Errno.ENONET, fatal: true },
  { errno: Errno.ENETUNREACH, fatal: true },
  { errno: Errno.EHOSTUNREACH, fatal: true },
  { errno: Errno.ENETUNREACH, fatal: false },
  { errno: Errno.EHOSTUNREACH, fatal: false },
  { errno: Errno.EHOSTUNREACH, fatal: true },
  { errno: Errno.EHOSTUNREACH, fatal: true },
  { errno: Errno.EHOSTUNREACH, fatal: true },
];

export function sockaddrIn(addr: number, port: number): SockAddrIn {
  return { family: 'inet', addr, port };
}

/** What ancillary data asks for one message, in place of what the socket is set to. @kernel struct ipcm_cookie */
export interface MessageFields {
  readonly saddr?: number;
  readonly oif?: number;
  readonly tos?: number;
  readonly ttl?: number;
  readonly options?: IpOptions;
}

const SO_EE_ORIGIN_ZEROCOPY = 5;

/** Options of all sockets after which a kept route no longer holds. */
const SO_REROUTES: ReadonlySet<SockOpt> = new Set<SockOpt>([
  'SO_BINDTODEVICE',
  'SO_BINDTOIFINDEX',
  'SO_MARK',
  'SO_DONTROUTE',
]);

const NO_PORT_RANGE: readonly [number, number] = [0, 0];

export abstract class InetSock extends Sock {
  /** Address used as source when sending, 0 for the route's choice. */
  saddr = 0;
  /** Address bound to, 0 for any. */
  rcvSaddr = 0;
  daddr = 0;
  sport = 0;
  dport = 0;
  tos = 0;
  /** -1: the namespace's default. */
  ttl = -1;
  mcTtl = 1;
  mcLoop = true;
  mcIndex = 0;
  mcAddr = 0;
  /** Groups that others on this host joined are heard too. */
  mcAll = true;
  hdrincl = false;
  recverr = false;
  recvttl = false;
  recvtos = false;
  pktinfo = false;
  recvopts = false;
  retopts = false;
  recvorigdst = false;
  transparent = false;
  unicastIf = 0;
  /** IP_LOCAL_PORT_RANGE: ephemeral ports of this socket, [0, 0] for the namespace's. */
  portRange: readonly [number, number] = NO_PORT_RANGE;
  /** IP_OPTIONS: what headers of this socket carry. */
  options: IpOptions | null = null;
  freebind = false;
  bindNoPort = false;
  pmtudisc = IP_PMTUDISC_WANT;
  /** Route kept while connected: an {@link Rtable}, unless the socket talks IPv6. */
  dst: Dst | null = null;
  /** Of an AF_INET6 socket. */
  v6: Ipv6Pinfo | null = null;
  private id = 0;
  private errors:
    | {
        readonly data: Uint8Array;
        readonly from: SockAddr;
        readonly err: SockExtendedErr;
        readonly ttl: number | undefined;
        readonly at?: number | undefined;
      }[]
    | null = null;
  private groups: McSocklist | null = null;

  constructor(net: Net, type: number, protocol: number, family: number = AF_INET) {
    super(net, family, type, protocol);
  }

  /** Whether this socket's address may be bound. 0 or a negative errno. @kernel inet_bind() */
  protected checkBindAddress(addr: number): number {
    const type = inetAddrType(this.net, addr);
    if (addr === 0 || type === RTN_LOCAL || type === RTN_MULTICAST || type === RTN_BROADCAST)
      return 0;
    if (
      this.freebind ||
      this.transparent ||
      ipv4Of(this.net).sysctl(Ipv4Sysctl.ip_nonlocal_bind) !== 0
    )
      return 0;
    return -Errno.EADDRNOTAVAIL;
  }

  /** Takes over a bound address (multicast and broadcast ones are not sources). */
  protected setBound(addr: number): void {
    const type = inetAddrType(this.net, addr);
    this.rcvSaddr = addr;
    this.saddr = type === RTN_MULTICAST || type === RTN_BROADCAST ? 0 : addr;
  }

  /** The route to an address: the kept one where it still holds. A negative errno when there is none. */
  routeTo(daddr: number, dport = this.dport): Rtable | number {
    const kept = this.dst as Rtable | null;
    if (kept !== null && daddr === this.daddr && rtValid(kept, this.net)) return kept;
    const multicast = ipv4IsMulticast(daddr);
    const oif = this.boundDev !== 0 ? this.boundDev : multicast ? this.mcIndex : this.unicastIf;
    const saddr = multicast && this.saddr === 0 ? this.mcAddr : this.saddr;
    const rt = ipRouteOutput(this.net, {
      daddr,
      saddr,
      oif,
      tos: this.tos & 0x1c,
      mark: this.mark,
      onlink: this.localroute,
      anysrc: this.transparent || this.hdrincl,
      uid: this.uid,
      protocol: this.protocol,
      sport: this.sport,
      dport,
    });
    if (typeof rt === 'number') return rt;
    if (daddr === this.daddr && this.daddr !== 0) this.dst = rt;
    return rt;
  }

  /** The route of one message, which may ask for another source, device or TOS than the socket has. */
  protected routeFor(
    daddr: number,
    fields: MessageFields | undefined,
    onlink: boolean,
    dport = this.dport,
  ): Rtable | number {
    if (fields === undefined && !onlink) return this.routeTo(daddr, dport);
    const multicast = ipv4IsMulticast(daddr);
    const own = this.boundDev !== 0 ? this.boundDev : multicast ? this.mcIndex : this.unicastIf;
    return ipRouteOutput(this.net, {
      daddr,
      saddr: fields?.saddr ?? this.saddr,
      oif: fields?.oif ?? own,
      tos: (fields?.tos ?? this.tos) & 0x1c,
      mark: this.mark,
      onlink: onlink || this.localroute,
      anysrc: this.transparent || this.hdrincl,
      uid: this.uid,
      protocol: this.protocol,
      sport: this.sport,
      dport,
    });
  }

  /** TTL for a destination. */
  ttlFor(rt: Rtable): number {
    if (rt.type === RTN_MULTICAST) return this.mcTtl;
    return this.ttl >= 0 ? this.ttl : ipDefaultTtl(this.net);
  }

  /** Whether packets carry DF. @kernel ip_dont_fragment() */
  get dontFragment(): boolean {
    return (
      this.pmtudisc === IP_PMTUDISC_DO ||
      this.pmtudisc === IP_PMTUDISC_PROBE ||
      this.pmtudisc === IP_PMTUDISC_WANT
    );
  }

  /**
   * Puts the IPv4 header in front of a transport packet and sends it. Consumes it. 0 or a negative errno.
   * @kernel ip_send_skb(), __ip_make_skb()
   */
  ipSend(
    skb: SkBuff,
    rt: Rtable,
    daddr: number,
    protocol = this.protocol,
    message?: MessageFields,
  ): number {
    const df =
      this.dontFragment &&
      (this.pmtudisc !== IP_PMTUDISC_WANT || (skb.len + 20 <= rt.mtu() && !rt.mtuLocked));
    if (this.pmtudisc < IP_PMTUDISC_DO) skb.cbFlags2 |= IPSKB_IGNORE_DF;
    const header: IpHeaderFields = {
      saddr: message?.saddr ?? (this.saddr !== 0 ? this.saddr : rt.prefsrc),
      daddr,
      protocol,
      tos: message?.tos ?? this.tos,
      ttl: message?.ttl ?? this.ttlFor(rt),
      id: this.nextIdent(df, Math.max(1, skb.gsoSegs)),
      df,
    };
    const options = message?.options ?? this.options;
    if (options === null) ipPushHeader(skb, header);
    else ipPushHeaderOptions(this.net, skb, header, options, header.saddr);
    skb.mark = this.mark;
    skb.priority = this.priority;
    return ipLocalOut(this.net, skb, rt);
  }

  /** Identification: the socket's own counter once connected, none for atomic datagrams. @kernel ip_select_ident() */
  nextIdent(df: boolean, packets = 1): number {
    if (this.daddr !== 0) {
      if (this.id === 0) this.id = this.net.kernel.random('ip-ident').below(0xffff) + 1;
      const id = (this.id + 1) & 0xffff;
      this.id = (this.id + packets) & 0xffff;
      return id;
    }
    return df && this.pmtudisc >= IP_PMTUDISC_DO ? 0 : ipSelectIdent(this.net); // else it may yet be fragmented here
  }

  /** Queues an ICMP or local error for MSG_ERRQUEUE; `ttl` is what the ICMP error arrived with. @kernel ip_icmp_error() */
  queueError(data: Uint8Array, from: SockAddr, err: SockExtendedErr, ttl?: number): void {
    (this.errors ??= []).push({ data, from, err, ttl: this.recvttl ? ttl : undefined });
    if (this.errors.length > 64) this.errors.shift();
    if (this.dataReady !== null) this.dataReady(this);
  }

  /** Tells that a send with MSG_ZEROCOPY is complete; runs of them become one message. @kernel __msg_zerocopy_callback() */
  queueCompletion(id: number, code: number): void {
    const errors = (this.errors ??= []);
    const last = errors[errors.length - 1];
    const first =
      last?.err.origin === SO_EE_ORIGIN_ZEROCOPY &&
      last.err.code === code &&
      last.err.data === id - 1
        ? last.err.info
        : id;
    if (first !== id) errors.pop();
    const err: SockExtendedErr = {
      errno: 0,
      origin: SO_EE_ORIGIN_ZEROCOPY,
      type: 0,
      code,
      info: first,
      data: id,
      offender: { family: 'unspec' },
    };
    errors.push({ data: new Uint8Array(0), from: { family: 'unspec' }, err, ttl: undefined });
    if (this.dataReady !== null) this.dataReady(this);
  }

  /** Queues the time at which something happened to a packet sent (SO_TIMESTAMPING). @kernel __skb_tstamp_tx() */
  queueTxTimestamp(data: Uint8Array, err: SockExtendedErr, at: number | undefined): void {
    const errors = (this.errors ??= []);
    errors.push({ data, from: { family: 'unspec' }, err, ttl: undefined, at });
    if (this.dataReady !== null) this.dataReady(this);
  }

  get hasErrors(): boolean {
    return this.errors !== null && this.errors.length > 0;
  }

  /** recvmsg(MSG_ERRQUEUE). @kernel ip_recv_error() */
  recvError(count: number): RecvResult | number {
    const entry = this.errors?.shift();
    if (entry === undefined) return -Errno.EAGAIN;
    const data = entry.data.subarray(0, count);
    // @kernel sock_dequeue_err_skb(): the pending error is that of the next ICMP error, or none
    const next = this.errors?.[0]?.err;
    if (next !== undefined && next.origin !== 1) this.err = next.errno;
    else if (entry.err.origin !== 1) this.err = 0;
    const control: Control =
      entry.ttl === undefined ? { err: entry.err } : { err: entry.err, ttl: entry.ttl };
    if (entry.at !== undefined) control.timestamping = [entry.at, 0, 0];
    const from = this.v6 === null ? entry.from : mapped(entry.from);
    if (this.v6 !== null) control.err = { ...entry.err, offender: mapped(entry.err.offender) };
    const flags = Msg.MSG_ERRQUEUE | (entry.data.length > count ? Msg.MSG_TRUNC : 0);
    return { data, from, flags, length: entry.data.length, control };
  }

  /** Ancillary data of a received packet, as the socket asked for it. @kernel ip_cmsg_recv() */
  protected control(skb: SkBuff): Control {
    const control = sockControl(this, skb);
    if (this.recvttl) control.ttl = iphTtl(skb.mem, skb.networkHeader);
    if (this.recvtos) control.tos = iphTos(skb.mem, skb.networkHeader);
    if (this.pktinfo)
      control.pktinfo = { ifindex: skb.skbIif, addr: iphDaddr(skb.mem, skb.networkHeader) };
    if (this.recvopts || this.retopts || this.recvorigdst) this.rareControl(skb, control);
    return control;
  }

  private rareControl(skb: SkBuff, control: Control): void {
    const m = skb.mem;
    const o = skb.networkHeader;
    const size = iphIhl(m, o) * 4 - 20;
    if (this.recvopts && size > 0) control.options = m.bytes(o + 20, size);
    if (this.retopts && size > 0) {
      const echo = ipOptionsEcho(this.net, skb);
      if (echo !== undefined && echo !== null) control.retopts = ipOptionsUndo(echo);
    }
    if (this.recvorigdst)
      control.origdst = sockaddrIn(iphDaddr(m, o), l4Dest(m, skb.transportHeader));
  }

  /**
   * What ancillary data of a message to send says. A negative errno where it is wrong. @kernel ip_cmsg_send()
   */
  protected messageFields(control: Control | undefined): MessageFields | undefined | number {
    if (control === undefined) return undefined;
    const { ttl, tos, pktinfo, retopts } = control;
    if (ttl !== undefined && (ttl < 1 || ttl > 255)) return -Errno.EINVAL;
    if (tos !== undefined && (tos < 0 || tos > 255)) return -Errno.EINVAL;
    const options = retopts === undefined ? null : ipOptionsCompile(this.net, retopts);
    if (options === undefined) return -Errno.EINVAL;
    return {
      ...(ttl !== undefined ? { ttl } : {}),
      ...(tos !== undefined ? { tos } : {}),
      ...(pktinfo !== undefined && pktinfo.addr !== 0 ? { saddr: pktinfo.addr } : {}),
      ...(pktinfo !== undefined && pktinfo.ifindex !== 0 ? { oif: pktinfo.ifindex } : {}),
      ...(options !== null ? { options } : {}),
    };
  }

  /** The range that ephemeral ports come from. @kernel inet_sk_get_local_port_range() */
  get ephemeralPorts(): readonly [number, number] {
    const [low, high] = ipv4Of(this.net).localPortRange;
    const [first, last] = this.portRange;
    const from = first !== 0 && first >= low && first <= high ? first : low;
    const to = last !== 0 && last >= from && last <= high ? last : high;
    return [from, to];
  }

  /** Socket memory as sock_diag tells it of datagram sockets. */
  protected diagMem(): NonNullable<SockDiagEntry['mem']> {
    return {
      rmem: this.rmemAlloc,
      rcvbuf: this.rcvbuf,
      wmem: this.wmemAlloc,
      sndbuf: this.sndbuf,
      fwd: 0,
      wmemQueued: 0,
      opt: 0,
      backlog: 0,
      drops: this.drops,
    };
  }

  /** Takes a pending error as recvmsg and sendmsg report it. */
  protected takeError(): number {
    const err = this.err;
    this.err = 0;
    return -err;
  }

  /** IP_* options. 0, a negative errno, or 1 where the option is not IP's. */
  protected ipSetsockopt(option: SockOpt, value: SockOptValue): number {
    const generic = sockSetsockopt(this, option, value);
    if (generic !== 1) {
      if (SO_REROUTES.has(option)) this.dst = null;
      return generic;
    }
    const n = typeof value === 'number' ? value : 0;
    switch (option) {
      case 'IP_TTL':
        if (n !== -1 && (n < 1 || n > 255)) return -Errno.EINVAL;
        this.ttl = n;
        return 0;
      case 'IP_TOS':
        this.tos = n & 0xff;
        this.dst = null;
        return 0;
      case 'IP_HDRINCL':
        if (this.type !== SOCK_RAW) return -Errno.ENOPROTOOPT;
        this.hdrincl = n !== 0;
        return 0;
      case 'IP_OPTIONS': {
        const options = ipOptionsCompile(
          this.net,
          value instanceof Uint8Array ? value : new Uint8Array(0),
        );
        if (options === undefined) return -Errno.EINVAL;
        this.options = options;
        this.dst = null;
        return 0;
      }
      case 'IP_RECVOPTS':
        this.recvopts = n !== 0;
        return 0;
      case 'IP_RETOPTS':
        this.retopts = n !== 0;
        return 0;
      case 'IP_RECVORIGDSTADDR':
        this.recvorigdst = n !== 0;
        return 0;
      case 'IP_TRANSPARENT':
        this.transparent = n !== 0;
        return 0;
      case 'IP_UNICAST_IF':
        if (n !== 0 && this.net.devByIndex(n) === undefined) return -Errno.EADDRNOTAVAIL;
        this.unicastIf = n;
        return 0;
      case 'IP_LOCAL_PORT_RANGE':
        return this.setPortRange(value);
      case 'IP_RECVERR':
        this.recverr = n !== 0;
        return 0;
      case 'IP_RECVTTL':
        this.recvttl = n !== 0;
        return 0;
      case 'IP_RECVTOS':
        this.recvtos = n !== 0;
        return 0;
      case 'IP_PKTINFO':
        this.pktinfo = n !== 0;
        return 0;
      case 'IP_MTU_DISCOVER':
        if (n < 0 || n > 5) return -Errno.EINVAL;
        this.pmtudisc = n;
        return 0;
      case 'IP_FREEBIND':
        this.freebind = n !== 0;
        return 0;
      case 'IP_BIND_ADDRESS_NO_PORT':
        this.bindNoPort = n !== 0;
        return 0;
      case 'IP_MULTICAST_TTL':
        if (n < -1 || n > 255) return -Errno.EINVAL;
        this.mcTtl = n === -1 ? 1 : n;
        return 0;
      case 'IP_MULTICAST_LOOP':
        this.mcLoop = n !== 0;
        return 0;
      case 'IP_MULTICAST_IF':
        return this.setMulticastIf(value);
      case 'IP_ADD_MEMBERSHIP':
      case 'IP_DROP_MEMBERSHIP':
        return this.membership(option === 'IP_ADD_MEMBERSHIP', value);
      case 'IP_ADD_SOURCE_MEMBERSHIP':
      case 'IP_DROP_SOURCE_MEMBERSHIP':
      case 'IP_BLOCK_SOURCE':
      case 'IP_UNBLOCK_SOURCE':
        return this.sourceMembership(option, value);
      case 'IP_MULTICAST_ALL':
        if (n !== 0 && n !== 1) return -Errno.EINVAL;
        this.mcAll = n === 1;
        return 0;
      default:
        return 1;
    }
  }

  /** [low, high], 0 for no bound of one's own; or both in the halves of a number. @kernel do_ip_setsockopt() */
  private setPortRange(value: SockOptValue): number {
    const [low = 0, high = 0] = Array.isArray(value)
      ? (value as readonly number[])
      : [Number(value) & 0xffff, Number(value) >>> 16];
    if (low !== 0 && high !== 0 && low > high) return -Errno.EINVAL;
    this.portRange = [low, high];
    return 0;
  }

  private setMulticastIf(value: SockOptValue): number {
    if (typeof value === 'string') {
      const dev = this.net.devByName(value);
      if (dev === undefined) return -Errno.ENODEV;
      this.mcIndex = dev.ifindex;
      return 0;
    }
    this.mcAddr = Number(value);
    return 0;
  }

  /** Value: [group, ifindex], [group, ifindex, address of the device]; without either the route's device. */
  private membership(join: boolean, value: SockOptValue): number {
    const [group = 0, ifindex = 0, address = 0] = numbers(value);
    const list = (this.groups ??= new McSocklist(this.net));
    return join ? list.join(group, ifindex, address) : list.leave(group, ifindex, address);
  }

  /** Value: [group, address of the device, source], as struct ip_mreq_source. */
  private sourceMembership(option: SockOpt, value: SockOptValue): number {
    const [group = 0, address = 0, source = 0] = numbers(value);
    const list = (this.groups ??= new McSocklist(this.net));
    const include = option === 'IP_ADD_SOURCE_MEMBERSHIP' || option === 'IP_DROP_SOURCE_MEMBERSHIP';
    const add = option === 'IP_ADD_SOURCE_MEMBERSHIP' || option === 'IP_BLOCK_SOURCE';
    return list.source(add, include ? MCAST_INCLUDE : MCAST_EXCLUDE, group, address, source);
  }

  protected ipGetsockopt(option: SockOpt): SockOptValue | undefined {
    switch (option) {
      case 'IP_TTL':
        return this.ttl >= 0 ? this.ttl : ipDefaultTtl(this.net);
      case 'IP_TOS':
        return this.tos;
      case 'IP_HDRINCL':
        return Number(this.hdrincl);
      case 'IP_RECVERR':
        return Number(this.recverr);
      case 'IP_MULTICAST_ALL':
        return Number(this.mcAll);
      case 'IP_MTU_DISCOVER':
        return this.pmtudisc;
      case 'IP_OPTIONS':
        return this.options === null ? new Uint8Array(0) : ipOptionsUndo(this.options);
      case 'IP_RECVTTL':
        return Number(this.recvttl);
      case 'IP_RECVTOS':
        return Number(this.recvtos);
      case 'IP_PKTINFO':
        return Number(this.pktinfo);
      case 'IP_RECVOPTS':
        return Number(this.recvopts);
      case 'IP_RETOPTS':
        return Number(this.retopts);
      case 'IP_RECVORIGDSTADDR':
        return Number(this.recvorigdst);
      case 'IP_TRANSPARENT':
        return Number(this.transparent);
      case 'IP_FREEBIND':
        return Number(this.freebind);
      case 'IP_BIND_ADDRESS_NO_PORT':
        return Number(this.bindNoPort);
      case 'IP_UNICAST_IF':
        return this.unicastIf;
      case 'IP_LOCAL_PORT_RANGE':
        return this.portRange;
      case 'IP_MULTICAST_TTL':
        return this.mcTtl;
      case 'IP_MULTICAST_LOOP':
        return Number(this.mcLoop);
      case 'IP_MULTICAST_IF':
        return this.mcAddr;
      case 'IP_MTU':
        return this.dst?.mtu() ?? -Errno.ENOTCONN;
      default:
        return sockGetsockopt(this, option);
    }
  }

  getname(peer: boolean): SockAddr | number {
    if (this.v6 !== null) return this.getname6(this.v6, peer);
    if (!peer) return sockaddrIn(this.saddr !== 0 ? this.saddr : this.rcvSaddr, this.sport);
    return this.daddr === 0 ? -Errno.ENOTCONN : sockaddrIn(this.daddr, this.dport);
  }

  /** @kernel inet6_getname() */
  private getname6(v6: Ipv6Pinfo, peer: boolean): SockAddr | number {
    if (peer) {
      if (this.daddr === 0) return -Errno.ENOTCONN;
      return v6.mapped
        ? sockaddrMapped(this.daddr, this.dport)
        : sockaddrIn6(v6.daddr, this.dport, this.boundDev);
    }
    if (v6.mapped)
      return sockaddrMapped(this.rcvSaddr !== 0 ? this.rcvSaddr : this.saddr, this.sport);
    return sockaddrIn6(this.rcvSaddr !== 0 ? v6.rcvSaddr : v6.saddr, this.sport, this.boundDev);
  }

  /** Own address and peer as sock_diag and /proc show them. */
  diagNames(): { readonly local: SockAddr; readonly peer: SockAddr } {
    const { v6 } = this;
    if (v6 === null)
      return {
        local: sockaddrIn(this.rcvSaddr, this.sport),
        peer: sockaddrIn(this.daddr, this.dport),
      };
    if (v6.mapped)
      return {
        local: sockaddrMapped(this.rcvSaddr, this.sport),
        peer: sockaddrMapped(this.daddr, this.dport),
      };
    return {
      local: sockaddrIn6(v6.rcvSaddr, this.sport, this.boundDev),
      peer: sockaddrIn6(v6.daddr, this.dport, this.boundDev),
    };
  }

  /** Leaves all multicast groups. */
  protected leaveGroups(): void {
    this.groups?.leaveAll();
    this.groups = null;
  }

  /** True where a packet of this group that came in on this device is for this socket. @kernel ip_mc_sf_allow() */
  protected joined(group: number, source: number, ifindex: number): boolean {
    return this.groups === null
      ? this.mcAll
      : this.groups.allows(group, source, ifindex, this.mcAll);
  }

  /**
   * Connects a datagram socket: fixes peer, source and route. 0 or a negative errno. @kernel __ip4_datagram_connect()
   */
  protected datagramConnect(addr: number, port: number): number {
    this.dst = null;
    this.daddr = 0;
    const rt = ipRouteOutput(this.net, {
      daddr: addr,
      saddr: this.saddr,
      oif: this.boundDev,
      tos: this.tos & 0x1e,
      mark: this.mark,
      onlink: this.localroute,
      anysrc: this.transparent,
      uid: this.uid,
      protocol: this.protocol,
      sport: this.sport,
      dport: port,
    });
    if (typeof rt === 'number') {
      if (rt === -Errno.ENETUNREACH) mibAdd(this.net.mib, Mib.IpOutNoRoutes, 1);
      return rt;
    }
    if (rt.type === RTN_BROADCAST && !this.broadcast) return -Errno.EACCES;
    if (this.saddr === 0) this.saddr = rt.prefsrc;
    if (this.rcvSaddr === 0) this.rcvSaddr = rt.prefsrc;
    this.daddr = addr === 0 ? rt.prefsrc : addr;
    this.dport = port;
    this.dst = rt.type === RTN_UNICAST ? rt : null;
    return 0;
  }

  listen(_backlog: number): number {
    return -Errno.EOPNOTSUPP;
  }

  accept(): number {
    return -Errno.EOPNOTSUPP;
  }
}

/** An IPv4 address as an IPv6 socket sees it. */
function mapped(addr: SockAddr): SockAddr {
  return addr.family === 'inet' ? sockaddrMapped(addr.addr, addr.port) : addr;
}

function numbers(value: SockOptValue): readonly number[] {
  return Array.isArray(value) ? (value as readonly number[]) : [Number(value)];
}

/**
 * Sends a connection's segment: data starts at the transport header. Consumes it. 0 or a negative errno.
 * @kernel net/ipv4/ip_output.c ip_queue_xmit()
 */
export function ipQueueXmit(sk: InetSock, skb: SkBuff): number {
  const rt = sk.routeTo(sk.daddr);
  if (typeof rt === 'number') {
    sk.net.kernel.kfreeSkbReason(skb, DropReason.IP_OUTNOROUTES);
    return -Errno.EHOSTUNREACH;
  }
  return sk.ipSend(skb, rt, sk.daddr);
}

/**
 * Sends a transport packet that belongs to no socket (a reset, an ACK of TIME-WAIT). Consumes it. 0 or a negative errno.
 * @kernel ip_send_unicast_reply()
 */
export function ipSendSkbReply(
  net: Net,
  skb: SkBuff,
  saddr: number,
  daddr: number,
  protocol: number,
  options: {
    readonly tos?: number;
    readonly ttl?: number;
    readonly oif?: number;
    readonly mark?: number;
  } = {},
): number {
  const rt = ipRouteOutput(net, {
    daddr,
    saddr,
    oif: options.oif ?? 0,
    tos: (options.tos ?? 0) & 0x1e,
    mark: options.mark ?? 0,
  });
  if (typeof rt === 'number') {
    net.kernel.kfreeSkbReason(skb, DropReason.IP_OUTNOROUTES);
    return rt;
  }
  const header: IpHeaderFields = {
    saddr: saddr !== 0 ? saddr : rt.prefsrc,
    daddr,
    protocol,
    tos: options.tos ?? 0,
    ttl: options.ttl ?? ipDefaultTtl(net),
    id: 0,
    df: true,
  };
  ipPushHeader(skb, header);
  return ipLocalOut(net, skb, rt);
}
