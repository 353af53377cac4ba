/**
 * UDP sockets of the kernel's own, behind which a tunnel takes what arrives, and sending without a socket's buffers.
 * udpRcv → UdpTunnelSock.receive → the tunnel; the tunnel → udpTunnelXmit → ipLocalOut.
 * Sources: net/ipv4/udp_tunnel_core.c, net/ipv4/udp.c (encap_rcv, __udp4_lib_err_encap).
 */
import { skbPush, type Net, type SkBuff } from '@netloom/kernel-core';
import { IPPROTO_UDP, SOCK_DGRAM } from '@netloom/sys';
import { csumPartial, csumPseudo4, UDP_HLEN } from '@netloom/wire';
import { UdpSock } from './udp.js';

/** Takes a datagram whose data starts behind the UDP header. Consumes it. @kernel udp_sk(sk)->encap_rcv */
export type EncapRcv = (skb: SkBuff, sk: UdpTunnelSock) => void;

export class UdpTunnelSock extends UdpSock {
  constructor(
    net: Net,
    private readonly encapRcv: EncapRcv,
    /** The tunnel's own state. */
    readonly userData: object,
  ) {
    super(net, SOCK_DGRAM, IPPROTO_UDP);
    this.encap = true;
    this.mcLoop = false;
  }

  override receive(skb: SkBuff): void {
    this.encapRcv(skb, this);
  }
}

/**
 * Opens the socket of a tunnel on a port of all addresses; a negative errno where it is taken.
 * @kernel udp_sock_create4(), setup_udp_tunnel_sock()
 */
export function udpTunnelSock(
  net: Net,
  port: number,
  encapRcv: EncapRcv,
  userData: object,
): UdpTunnelSock | number {
  const sk = new UdpTunnelSock(net, encapRcv, userData);
  const bound = sk.bind({ family: 'inet', addr: 0, port });
  return bound < 0 ? bound : sk;
}

/** Puts a UDP header in front of a linear packet. @kernel udp_set_csum() */
export function udpTunnelPush(
  skb: SkBuff,
  saddr: number,
  daddr: number,
  sport: number,
  dport: number,
  csum: boolean,
): void {
  const m = skb.mem;
  const o = skbPush(skb, UDP_HLEN);
  m.dv.setUint16(o, sport);
  m.dv.setUint16(o + 2, dport);
  m.dv.setUint16(o + 4, skb.len);
  m.dv.setUint16(o + 6, 0);
  skb.transportHeader = o;
  if (!csum) return;
  const check =
    ~csumPartial(m, o, skb.len, csumPseudo4(saddr, daddr, IPPROTO_UDP, skb.len)) & 0xffff;
  m.dv.setUint16(o + 6, check === 0 ? 0xffff : check);
}
