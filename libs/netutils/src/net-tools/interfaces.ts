/**
 * Interfaces in net-tools' words: `ifconfig`'s records, and the table of `ifconfig -s` and `netstat -i`.
 */
import { formatIpv4, formatIpv6, formatMac, ipv4Mask } from '@netloom/base';
import { AF_INET6, Iff, type AddrMsg, type LinkMsg, type Sys } from '@netloom/sys';

const FLAG_WORDS: readonly (readonly [number, string])[] = [
  [Iff.IFF_UP, 'UP'],
  [Iff.IFF_BROADCAST, 'BROADCAST'],
  [Iff.IFF_DEBUG, 'DEBUG'],
  [Iff.IFF_LOOPBACK, 'LOOPBACK'],
  [Iff.IFF_POINTOPOINT, 'POINTOPOINT'],
  [0x20, 'NOTRAILERS'],
  [Iff.IFF_RUNNING, 'RUNNING'],
  [Iff.IFF_NOARP, 'NOARP'],
  [Iff.IFF_PROMISC, 'PROMISC'],
  [Iff.IFF_ALLMULTI, 'ALLMULTI'],
  [Iff.IFF_SLAVE, 'SLAVE'],
  [Iff.IFF_MASTER, 'MASTER'],
  [Iff.IFF_MULTICAST, 'MULTICAST'],
  [0x8000, 'DYNAMIC'],
];

const SCOPES: readonly (readonly [number, string])[] = [
  [254, '0x10<host>'],
  [253, '0x20<link>'],
  [200, '0x40<site>'],
  [0, '0x0<global>'],
];

/** An interface or an alias (`eth0:1`) with its addresses. */
export interface Interface {
  readonly name: string;
  readonly link: LinkMsg;
  readonly v4: AddrMsg | undefined;
  readonly v6: readonly AddrMsg[];
  readonly alias: boolean;
}

/** By name, numbers in it by their value, as net-tools keeps its list. */
function byName(a: LinkMsg, b: LinkMsg): number {
  const [x, y] = [a, b].map(({ ifname }) => /^(.*?)(\d*)$/.exec(ifname) ?? []);
  const [left = '', right = ''] = [x?.[1], y?.[1]];
  if (left !== right) return left < right ? -1 : 1;
  return Number(x?.[2] ?? 0) - Number(y?.[2] ?? 0);
}

/** All interfaces by name, each followed by its aliases. */
export function interfaces(sys: Sys): Interface[] {
  const addresses = sys.rtnl('RTM_GETADDR', {});
  const out: Interface[] = [];
  for (const link of [...sys.rtnl('RTM_GETLINK', {})].sort(byName)) {
    const own = addresses.filter((address) => address.ifindex === link.ifindex);
    const v4 = own.filter((address) => typeof address.local === 'number');
    const main = v4.find((address) => address.label === undefined || address.label === link.ifname);
    out.push({
      name: link.ifname,
      link,
      v4: main,
      v6: own.filter((address) => address.family === AF_INET6),
      alias: false,
    });
    for (const address of v4) {
      if (address.label !== undefined && address.label !== link.ifname) {
        out.push({ name: address.label, link, v4: address, v6: [], alias: true });
      }
    }
  }
  return out;
}

function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
  let value = bytes;
  let unit = 0;
  while (value > 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  // truncated, not rounded
  return `${(Math.floor(value * 10) / 10).toFixed(1)} ${units[unit] ?? ''}`;
}

/** One record, with the empty line after it. */
export function interfaceRecord(one: Interface): string {
  const { link } = one;
  const flags = link.flags & 0xffff;
  const words = FLAG_WORDS.filter(([bit]) => (flags & bit) !== 0).map(([, word]) => word);
  let text = `${one.name}: flags=${flags}<${words.join(',')}>  mtu ${link.mtu}\n`;
  const { v4 } = one;
  if (v4 !== undefined && typeof v4.local === 'number') {
    text += `        inet ${formatIpv4(v4.local)}  netmask ${formatIpv4(ipv4Mask(v4.prefixlen))}`;
    if ((flags & Iff.IFF_BROADCAST) !== 0) text += `  broadcast ${formatIpv4(v4.broadcast ?? 0)}`;
    if ((flags & Iff.IFF_POINTOPOINT) !== 0 && typeof v4.address === 'number')
      text += `  destination ${formatIpv4(v4.address)}`;
    text += '\n';
  }
  for (const address of one.v6) {
    if (typeof address.local === 'number') continue;
    const scope = SCOPES.find(([value]) => value === address.scope)?.[1] ?? '0x0<unknown>';
    text += `        inet6 ${formatIpv6(address.local)}  prefixlen ${address.prefixlen}  scopeid ${scope}\n`;
  }
  if (link.type === 772) text += `        loop  txqueuelen ${link.txqlen}  (Local Loopback)\n`;
  else if (link.address.length === 6)
    text += `        ether ${formatMac(link.address)}  txqueuelen ${link.txqlen}  (Ethernet)\n`;
  else
    text += `        unspec 00-00-00-00-00-00-00-00-00-00-00-00-00-00-00-00  txqueuelen ${link.txqlen}  (UNSPEC)\n`;
  if (!one.alias) {
    const s = link.stats;
    text +=
      `        RX packets ${s.rxPackets}  bytes ${s.rxBytes} (${sizeText(s.rxBytes)})\n` +
      `        RX errors ${s.rxErrors}  dropped ${s.rxDropped}  overruns ${s.rxFifoErrors}  frame ${s.rxFrameErrors}\n` +
      `        TX packets ${s.txPackets}  bytes ${s.txBytes} (${sizeText(s.txBytes)})\n` +
      `        TX errors ${s.txErrors}  dropped ${s.txDropped} overruns ${s.txFifoErrors}  carrier ${s.txCarrierErrors}  collisions ${s.collisions}\n`;
  }
  return `${text}\n`;
}

const SHORT_FLAGS: readonly (readonly [number, string])[] = [
  [Iff.IFF_ALLMULTI, 'A'],
  [Iff.IFF_BROADCAST, 'B'],
  [Iff.IFF_DEBUG, 'D'],
  [Iff.IFF_LOOPBACK, 'L'],
  [Iff.IFF_MULTICAST, 'M'],
  [0x8000, 'd'],
  [Iff.IFF_PROMISC, 'P'],
  [0x20, 'N'],
  [Iff.IFF_NOARP, 'O'],
  [Iff.IFF_POINTOPOINT, 'P'],
  [Iff.IFF_SLAVE, 's'],
  [Iff.IFF_MASTER, 'm'],
  [Iff.IFF_RUNNING, 'R'],
  [Iff.IFF_UP, 'U'],
];

/** One line of the table; `width` is the name column's. */
export function interfaceLine(one: Interface, width: number): string {
  const { link } = one;
  const s = link.stats;
  const flags = SHORT_FLAGS.filter(([bit]) => (link.flags & bit) !== 0)
    .map(([, letter]) => letter)
    .join('');
  const head = `${one.name.padEnd(width)} ${String(link.mtu).padStart(5)} `;
  if (one.alias) return `${head}${'     - no statistics available -'.padEnd(54)} ${flags}\n`;
  const pad = (value: number, size: number): string => String(value).padStart(size);
  const received = `${pad(s.rxPackets, 8)} ${pad(s.rxErrors, 6)} ${pad(s.rxDropped, 6)} ${String(s.rxFifoErrors).padEnd(6)}`;
  const sent = `${pad(s.txPackets, 8)} ${pad(s.txErrors, 6)} ${pad(s.txDropped, 6)} ${pad(s.txFifoErrors, 6)}`;
  return `${head}${received} ${sent} ${flags}\n`;
}
