/**
 * Ping sockets of IPv6: echo requests for whose who may not open raw sockets, each socket known by the identifier of its
 * messages. socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6) → Ping6Sock. Source: net/ipv6/ping.c.
 *
 * A raw socket that lets through only what is its own; identifiers are drawn from the same sequence as IPv4's.
 */
import { Errno, KernelError } from '@netloom/base';
import type { Net, SendOptions, SkBuff } from '@netloom/kernel-core';
import { ipv4Of, pingTable } from '@netloom/kernel-inet';
import {
  IPPROTO_ICMPV6,
  SOCK_DGRAM,
  type SockAddr,
  type SockOpt,
  type SockOptValue,
} from '@netloom/sys';
import { ICMP_HLEN, ICMPV6_ECHO_REPLY, ICMPV6_ECHO_REQUEST } from '@netloom/wire';
import { raw6Of, Raw6Sock } from './raw6.js';

export class Ping6Sock extends Raw6Sock {
  /** @errno EACCES where net.ipv4.ping_group_range does not have the group */
  constructor(net: Net) {
    const [low, high] = ipv4Of(net).pingGroupRange;
    if (low > 0 || high < 0) throw new KernelError('EACCES'); // everybody's group is 0
    super(net, IPPROTO_ICMPV6, SOCK_DGRAM);
    this.sport = 0;
  }

  override bind(addr: SockAddr): number {
    if (this.sport !== 0) return -Errno.EINVAL;
    const error = super.bind(addr);
    if (error !== 0) return error;
    return this.getPort(addr.family === 'inet6' ? addr.port : 0) ? 0 : -Errno.EADDRINUSE;
  }

  override connect(addr: SockAddr): number {
    if (addr.family !== 'unspec' && this.sport === 0 && !this.getPort(0)) return -Errno.EAGAIN;
    return super.connect(addr);
  }

  private getPort(wanted: number): boolean {
    const taken = (ident: number): boolean =>
      raw6Of(this.net)
        .all()
        .some((other) => other instanceof Ping6Sock && other !== this && other.sport === ident);
    let ident = wanted;
    for (let i = 0; wanted === 0 && i < 0xffff; i++) {
      ident = pingTable(this.net).free();
      if (!taken(ident)) break;
    }
    if (ident === 0 || taken(ident)) return false;
    this.sport = ident;
    return true;
  }

  /** @kernel ping_v6_sendmsg() */
  override sendmsg(data: Uint8Array, options: SendOptions): number {
    if (data.length < ICMP_HLEN || data[0] !== ICMPV6_ECHO_REQUEST || data[1] !== 0)
      return -Errno.EINVAL;
    if (this.sport === 0 && !this.getPort(0)) return -Errno.EAGAIN;
    const message = data.slice();
    message[4] = this.sport >> 8;
    message[5] = this.sport & 255;
    const { to } = options;
    if (to?.family !== 'inet6') return super.sendmsg(message, options);
    return super.sendmsg(message, { ...options, to: { ...to, port: 0 } });
  }

  override filtered(skb: SkBuff): boolean {
    const m = skb.mem;
    if (skb.len < ICMP_HLEN || m.u8[skb.data] !== ICMPV6_ECHO_REPLY) return true;
    return this.sport === 0 || m.dv.getUint16(skb.data + 4) !== this.sport;
  }

  override setsockopt(option: SockOpt, value: SockOptValue): number {
    if (option === 'ICMP6_FILTER' || option === 'IPV6_CHECKSUM' || option === 'IPV6_HDRINCL')
      return -Errno.ENOPROTOOPT;
    return super.setsockopt(option, value);
  }

  override diag(): ReturnType<Raw6Sock['diag']> {
    return { ...super.diag(), type: 'icmp' };
  }

  override icmp6Error(skb: SkBuff, type: number, code: number, info: number): void {
    const m = skb.mem;
    const icmp = skb.data + skb.cbOptLen;
    if (m.u8[icmp] !== ICMPV6_ECHO_REQUEST || m.dv.getUint16(icmp + 4) !== this.sport) return;
    super.icmp6Error(skb, type, code, info);
  }
}
