/**
 * `a.port > b.port: `, the ends of a transport header.
 */
import type { ServiceProtocol } from '@netloom/base';
import type { IpContext } from './ip-demux.js';
import { ip4Text, ip6Text, portText } from './names.js';
import type { Printout } from './printout.js';

const sourceText = (out: Printout, ip: IpContext): string =>
  ip.version === 4 ? ip4Text(out, ip.header + 12) : ip6Text(out, ip.header + 8);

const destText = (out: Printout, ip: IpContext): string =>
  ip.version === 4 ? ip4Text(out, ip.header + 16) : ip6Text(out, ip.header + 24);

/** Whether the transport follows the IP header directly; else the addresses are printed already. */
export const followsDirectly = (out: Printout, ip: IpContext, protocol: number): boolean =>
  out.u8(ip.header + (ip.version === 4 ? 9 : 6)) === protocol;

/** Where the ports were not captured. */
export function addressesText(out: Printout, ip: IpContext): string {
  return `${sourceText(out, ip)} > ${destText(out, ip)}:`;
}

export function endsText(
  out: Printout,
  ip: IpContext,
  service: ServiceProtocol,
  source: number,
  dest: number,
): string {
  const from = portText(out, source, service);
  const to = portText(out, dest, service);
  const protocol = service === 'tcp' ? 6 : 17;
  if (!followsDirectly(out, ip, protocol)) return `${from} > ${to}: `;
  return `${sourceText(out, ip)}.${from} > ${destText(out, ip)}.${to}: `;
}
