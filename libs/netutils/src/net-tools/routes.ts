/** The IPv4 routing table in the columns of `route` and `netstat -r`. */
import { formatIpv4, ipv4Mask } from '@netloom/base';
import { AF_INET, type RouteMsg, type Sys } from '@netloom/sys';
import { reverseName } from '../resolve.js';

/** The main table as text; `extended` shows MSS, window and irtt. */
export async function routeTable(sys: Sys, numeric: boolean, extended: boolean): Promise<string> {
  const names = new Map(sys.rtnl('RTM_GETLINK', {}).map((link) => [link.ifindex, link.ifname]));
  let text = 'Kernel IP routing table\n';
  text += extended
    ? 'Destination     Gateway         Genmask         Flags   MSS Window  irtt Iface\n'
    : 'Destination     Gateway         Genmask         Flags Metric Ref    Use Iface\n';
  const host = async (address: number, any: string): Promise<string> => {
    if (address === 0) return numeric ? '0.0.0.0' : any;
    const name = numeric ? undefined : await reverseName(sys, address);
    return (name ?? formatIpv4(address)).slice(0, 15);
  };
  for (const route of sys.rtnl('RTM_GETROUTE', { family: AF_INET, table: 254 })) {
    if (![1, 6, 7, 8].includes(route.type)) continue;
    const rejected = route.type !== 1;
    // multipath routes show their first hop
    const hop = route.nexthops[0];
    const dst = typeof route.dst === 'number' ? route.dst : 0;
    const via = typeof hop?.via === 'number' ? hop.via : 0;
    const gateway = rejected ? '-' : await host(via, numeric ? '0.0.0.0' : '0.0.0.0');
    let flags = rejected ? '!' : 'U';
    if (!rejected && via !== 0) flags += 'G';
    if (route.dstLen === 32) flags += 'H';
    const mask = formatIpv4(ipv4Mask(route.dstLen));
    const target = await host(dst, 'default');
    const head = `${target.padEnd(15)} ${gateway.padEnd(15)} ${mask.padEnd(15)} `;
    const device = rejected ? '-' : (names.get(hop?.ifindex ?? 0) ?? '*');
    text +=
      head +
      (extended ? extendedColumns(route, flags, rejected) : plainColumns(route, flags, rejected)) +
      `${device}\n`;
  }
  return text;
}

function plainColumns(route: RouteMsg, flags: string, rejected: boolean): string {
  const metric = String(route.priority ?? 0).padEnd(6);
  return `${flags.padEnd(5)} ${metric} ${rejected ? '-' : '0'} ${'0'.padStart(rejected ? 8 : 8)} `;
}

function extendedColumns(route: RouteMsg, flags: string, rejected: boolean): string {
  if (rejected) return `${flags.padEnd(5)} ${'-'.padStart(5)} ${'-'.padEnd(6)} ${'-'.padStart(5)} `;
  const mss = Number(route.metrics?.['mtu'] ?? 0);
  const window = Number(route.metrics?.['window'] ?? 0);
  return `${flags.padEnd(5)} ${String(mss).padStart(5)} ${String(window).padEnd(6)} ${'0'.padStart(5)} `;
}
