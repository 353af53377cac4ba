/**
 * Which printer an IP protocol has. IPv4 and the IPv6 header chain → this.
 */
import { printEther } from './ether.js';
import { printIcmp } from './icmp.js';
import { printIcmp6 } from './icmp6.js';
import { printIgmp } from './igmp.js';
import { printIp } from './ip.js';
import { printIp6 } from './ip6.js';
import { IP_PROTOCOL_NAMES } from './names.js';
import type { Printout } from './printout.js';
import { protocolText } from './protocol-names.js';
import { printTcp } from './tcp.js';
import { printAh, printEsp, printGre } from './tunnels.js';
import { printUdp } from './udp.js';

const AH = 51;

/** What a transport must know of the network header before it. */
export interface IpContext {
  /** Bytes of payload, as the header says. */
  readonly length: number;
  readonly version: 4 | 6;
  /** More fragments follow: lengths and checksums cannot be judged. */
  readonly fragmented: boolean;
  readonly protocol: number;
  /** Offset of the IP header. */
  readonly header: number;
  readonly hopLimit: number;
}

export function ipDemux(out: Printout, p: number, ip: IpContext): void {
  let at = p;
  let inner = ip;
  while (inner.protocol === AH) {
    const size = printAh(out, at);
    inner = { ...inner, length: inner.length - size, protocol: out.u8(at) };
    at += size;
  }
  printProtocol(out, at, inner);
}

function printProtocol(out: Printout, p: number, ip: IpContext): void {
  const { protocol, length } = ip;
  switch (protocol) {
    case 1:
      if (ip.version === 4) printIcmp(out, p, ip);
      else putWrongVersion(out, protocol, 4);
      return;
    case 2:
      if (ip.version === 4) printIgmp(out, p, length);
      else putWrongVersion(out, protocol, 4);
      return;
    case 4:
      printIp(out, p, length);
      return;
    case 6:
      printTcp(out, p, ip);
      return;
    case 17:
      printUdp(out, p, ip);
      return;
    case 41:
      printIp6(out, p, length);
      return;
    case 47:
      printGre(out, p, length);
      return;
    case 50:
      printEsp(out, p, length);
      return;
    case 58:
      if (ip.version === 6) printIcmp6(out, p, ip);
      else putWrongVersion(out, protocol, 6);
      return;
    case 143:
      if (ip.version === 6) printEther(out, p, length, out.available(p));
      else putWrongVersion(out, protocol, 6);
      return;
    case 59:
      out.put('no next header');
      return;
    default:
      out.put(` ${protocolText(protocol, out.options.numeric)} ${length}`);
  }
}

function putWrongVersion(out: Printout, protocol: number, version: number): void {
  out.put(`[${IP_PROTOCOL_NAMES[protocol] ?? 'unknown'} requires IPv${version}]`);
  out.putInvalid();
}
