/**
 * One interface as `ip link`, `ip addr` and `ip monitor` print it: flags, the link/ether line, `-d` details, `-s`
 * counters, and the `-br` form.
 */
import { formatIpv4, formatIpv6, formatMac } from '@netloom/base';
import { AF_INET6, AF_PACKET, AF_UNSPEC, Iff, type LinkMsg, type LinkStats } from '@netloom/sys';
import type { Out } from '../out.js';
import type { IpContext } from './context.js';
import { printLinkData, printSlaveData } from './link-types.js';

const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [Iff.IFF_LOOPBACK, 'LOOPBACK'],
  [Iff.IFF_BROADCAST, 'BROADCAST'],
  [Iff.IFF_POINTOPOINT, 'POINTOPOINT'],
  [Iff.IFF_MULTICAST, 'MULTICAST'],
  [Iff.IFF_NOARP, 'NOARP'],
  [Iff.IFF_ALLMULTI, 'ALLMULTI'],
  [Iff.IFF_PROMISC, 'PROMISC'],
  [Iff.IFF_MASTER, 'MASTER'],
  [Iff.IFF_SLAVE, 'SLAVE'],
  [Iff.IFF_DEBUG, 'DEBUG'],
  [0x8000, 'DYNAMIC'],
  [0x4000, 'AUTOMEDIA'],
  [0x2000, 'PORTSEL'],
  [0x20, 'NOTRAILERS'],
  [Iff.IFF_UP, 'UP'],
  [Iff.IFF_LOWER_UP, 'LOWER_UP'],
  [Iff.IFF_DORMANT, 'DORMANT'],
  [Iff.IFF_ECHO, 'ECHO'],
];

const OPER_STATES = ['UNKNOWN', 'NOTPRESENT', 'DOWN', 'LOWERLAYERDOWN', 'TESTING', 'DORMANT', 'UP'];

const LINK_TYPES: Readonly<Record<number, string>> = {
  1: 'ether',
  32: 'infiniband',
  256: 'slip',
  512: 'ppp',
  768: 'ipip',
  769: 'tunnel6',
  772: 'loopback',
  776: 'sit',
  778: 'gre',
  779: 'netrom',
  801: 'ieee802.11',
  803: 'ieee802.11/radiotap',
  823: 'gre6',
  824: 'netlink',
  0xfffe: 'none',
  0xffff: 'void',
};

/** The ARPHRD name, such as `ether`. */
export function linkTypeText(type: number, numeric = false): string {
  return (numeric ? undefined : LINK_TYPES[type]) ?? `[${type}]`;
}

/** A link-layer address; tunnels show theirs as IPv4. */
export function lladdrText(bytes: Uint8Array, type: number): string {
  if (bytes.length === 4 && (type === 768 || type === 776 || type === 778)) {
    return formatIpv4(
      (((bytes[0] ?? 0) << 24) |
        ((bytes[1] ?? 0) << 16) |
        ((bytes[2] ?? 0) << 8) |
        (bytes[3] ?? 0)) >>>
        0,
    );
  }
  if (bytes.length === 16 && (type === 769 || type === 823)) return formatIpv6(bytes);
  return formatMac(bytes, 0, bytes.length);
}

/** `<BROADCAST,…>`; `lowerDown` adds M-DOWN. */
export function printLinkFlags(out: Out, flags: number, lowerDown: boolean): void {
  const names: string[] = [];
  if ((flags & Iff.IFF_UP) !== 0 && (flags & Iff.IFF_RUNNING) === 0) names.push('NO-CARRIER');
  let left = flags & ~Iff.IFF_RUNNING;
  for (const [bit, name] of FLAG_NAMES) {
    if ((left & bit) !== 0) names.push(name);
    left &= ~bit;
  }
  if (left !== 0) names.push((left >>> 0).toString(16));
  if (lowerDown) names.push('M-DOWN');
  out.openArray('flags', '<');
  names.forEach((name, i) => out.any(undefined, (i > 0 ? ',' : '') + name, name));
  out.closeArray('> ');
}

/** Prints the name with what it stands on (`veth0@if5`) and tells whether the lower device is down. */
export function printNameAndLink(
  context: IpContext,
  link: LinkMsg,
  format: (shown: string) => string,
): boolean {
  const { out } = context;
  let lowerDown = false;
  let suffix = '';
  if (link.link !== undefined) {
    if (link.link === 0) {
      suffix = '@NONE';
      out.jsonOnly('link', null);
    } else if (link.linkNetnsid !== undefined) {
      suffix = `@if${link.link}`;
      out.jsonOnly('link_index', link.link);
    } else {
      const name = context.ifname(link.link);
      const lower = context.linkByIndex(link.link);
      lowerDown = lower !== undefined && (lower.flags & Iff.IFF_UP) === 0;
      suffix = `@${name}`;
      out.jsonOnly('link', name);
    }
  }
  out.colored('ifname', 'ifname', '', format(link.ifname + suffix), '', link.ifname);
  return lowerDown;
}

function printOperState(context: IpContext, link: LinkMsg, brief: boolean): void {
  const { out } = context;
  const known = OPER_STATES[link.operstate];
  const name = known ?? `${link.operstate}`;
  const shown = brief ? `${name.padEnd(14)} ` : `${name} `;
  const before = brief ? '' : 'state ';
  if (known === undefined) {
    out.any('operstate_index', before + shown, link.operstate);
    return;
  }
  if (name === 'UP') out.colored('up', 'operstate', before, shown, '', name);
  else if (name === 'DOWN') out.colored('down', 'operstate', before, shown, '', name);
  else out.any('operstate', before + shown, name);
}

/** The `-br` line up to (and for `ip link` including) the end. */
export function printLinkBrief(context: IpContext, link: LinkMsg, withAddress: boolean): void {
  const { out } = context;
  const lowerDown = printNameAndLink(context, link, (name) => `${name.padEnd(16)} `);
  printOperState(context, link, true);
  if (!withAddress) return;
  if (link.address.length > 0) {
    out.colored(
      'mac',
      'address',
      '',
      lladdrText(link.address, link.type),
      ' ',
      lladdrText(link.address, link.type),
    );
  }
  printLinkFlags(out, link.flags, lowerDown);
  out.plain('\n');
}

export interface LinkPrintStyle {
  /** `ip link`: shows the link mode, counters directly after, and so on. */
  readonly linkCommand: boolean;
  /** The family asked for, which decides whether the link/ether line is shown. */
  readonly family: number;
  /** What the kernel tells is that family's dump; the family asked for where absent. */
  readonly dumped?: number;
  /** An event of `ip monitor`: without the queue length. */
  readonly event?: boolean;
}

/** The whole record of one interface, without its addresses. */
export function printLink(context: IpContext, link: LinkMsg, style: LinkPrintStyle): void {
  const { out, options } = context;
  // an inet6 dump carries only what IPv6 knows of a device
  const v6 = (style.dumped ?? style.family) === AF_INET6;
  out.any('ifindex', `${link.ifindex}: `, link.ifindex);
  const lowerDown = printNameAndLink(context, link, (name) => `${name}: `);
  printLinkFlags(out, link.flags, lowerDown);
  out.any('mtu', `mtu ${link.mtu} `, link.mtu);
  if (!v6 && link.qdisc !== '') out.any('qdisc', `qdisc ${link.qdisc} `, link.qdisc);
  if (!v6 && link.master !== undefined && link.master !== 0) {
    out.any('master', `master ${context.ifname(link.master)} `, context.ifname(link.master));
  }
  printOperState(context, link, false);
  if (style.linkCommand) {
    const mode = ['DEFAULT', 'DORMANT'][link.linkmode] ?? String(link.linkmode);
    out.any('linkmode', `mode ${mode} `, mode);
  }
  if (!v6) {
    const group = context.names.groups.name(link.group, options.numeric);
    out.any('group', `group ${group} `, group);
  }
  if (link.txqlen > 0 && style.event !== true)
    out.any('txqlen', `qlen ${link.txqlen}`, link.txqlen);

  if (style.family === AF_UNSPEC || style.family === AF_PACKET || options.details > 0) {
    out.newline();
    printAddressLine(context, link);
  }
  if (options.details > 0) printDetails(context, link, style.dumped ?? style.family);
  if ((style.linkCommand || options.details > 0) && options.stats > 0) {
    out.newline();
    printLinkStats(context, link.stats, link.carrierChanges);
  }
  if (style.linkCommand && link.alias !== undefined && link.alias !== '') {
    out.newline();
    out.any('ifalias', `    alias ${link.alias}`, link.alias);
  }
  if (!v6 && link.altnames.length > 0) {
    out.openArray('altnames');
    for (const name of link.altnames) {
      out.newline();
      out.any(undefined, `    altname ${name}`, name);
    }
    out.closeArray();
  }
  out.plain('\n');
}

function printAddressLine(context: IpContext, link: LinkMsg): void {
  const { out, options } = context;
  const type = linkTypeText(link.type, options.numeric);
  out.any('link_type', `    link/${type} `, type);
  if (link.address.length > 0) {
    const text = lladdrText(link.address, link.type);
    out.colored('mac', 'address', '', text, '', text);
  }
  if (link.broadcast.length > 0 && (link.address.length > 0 || link.type !== 0xfffe)) {
    const text = lladdrText(link.broadcast, link.type);
    if ((link.flags & Iff.IFF_POINTOPOINT) !== 0) {
      out.jsonOnly('link_pointtopoint', true);
      out.plain(' peer ');
    } else {
      out.plain(' brd ');
    }
    out.colored('mac', 'broadcast', '', text, '', text);
  }
  if (link.permAddress !== undefined && link.permAddress.length > 0) {
    const text = lladdrText(link.permAddress, link.type);
    if (text !== lladdrText(link.address, link.type))
      out.colored('mac', 'permaddr', ' permaddr ', text, '', text);
  }
  if (link.linkNetnsid !== undefined) {
    const name = link.linkNetnsid >= 0 ? context.netnsName(link.linkNetnsid) : undefined;
    const text =
      link.linkNetnsid < 0 ? ' link-netnsid unknown' : ` link-netnsid ${link.linkNetnsid}`;
    out.any('link_netnsid', name === undefined ? text : ` link-netns ${name}`, link.linkNetnsid);
  }
  printProtoDown(context, link);
}

/** `protodown on` and why. */
function printProtoDown(context: IpContext, link: LinkMsg): void {
  if (link.protoDown === true) context.out.any('proto_down', ' protodown on ', true);
}

function printDetails(context: IpContext, link: LinkMsg, family: number): void {
  const { out } = context;
  out.any('promiscuity', ` promiscuity ${link.promiscuity} `, link.promiscuity);
  out.any('allmulti', ` allmulti ${link.allmulti} `, link.allmulti);
  out.any('min_mtu', `minmtu ${link.minMtu} `, link.minMtu);
  out.any('max_mtu', `maxmtu ${link.maxMtu} `, link.maxMtu);
  if (link.kind !== undefined || link.slaveKind !== undefined) {
    out.openObject('linkinfo');
    if (link.kind !== undefined) {
      out.newline();
      out.any('info_kind', `    ${link.kind} `, link.kind);
      printLinkData(context, link.kind, link.data ?? {});
    }
    if (link.slaveKind !== undefined) {
      out.newline();
      out.any('info_slave_kind', `    ${link.slaveKind}_slave `, link.slaveKind);
      printSlaveData(context, link.slaveKind, link.slaveData ?? {});
    }
    out.closeObject();
  }
  if (family === AF_INET6) return;
  if (link.addrGenMode !== undefined && (family === AF_UNSPEC || family === AF_PACKET)) {
    out.any('inet6_addr_gen_mode', `addrgenmode ${link.addrGenMode} `, link.addrGenMode);
  }
  out.any('num_tx_queues', `numtxqueues ${link.numTxQueues} `, link.numTxQueues);
  out.any('num_rx_queues', `numrxqueues ${link.numRxQueues} `, link.numRxQueues);
  out.any('gso_max_size', `gso_max_size ${link.gsoMaxSize} `, link.gsoMaxSize);
  out.any('gso_max_segs', `gso_max_segs ${link.gsoMaxSegs} `, link.gsoMaxSegs);
  if (link.tsoMaxSize !== undefined)
    out.any('tso_max_size', `tso_max_size ${link.tsoMaxSize} `, link.tsoMaxSize);
  if (link.tsoMaxSegs !== undefined)
    out.any('tso_max_segs', `tso_max_segs ${link.tsoMaxSegs} `, link.tsoMaxSegs);
  if (link.groMaxSize !== undefined)
    out.any('gro_max_size', `gro_max_size ${link.groMaxSize} `, link.groMaxSize);
  if (link.parentBus !== undefined)
    out.any('parentbus', `parentbus ${link.parentBus} `, link.parentBus);
  if (link.parentDev !== undefined)
    out.any('parentdev', `parentdev ${link.parentDev} `, link.parentDev);
}

/** A counter, with `-h` shortened to a unit. */
export function countText(value: number, human: boolean, iec: boolean): string {
  if (!human) return String(value);
  const base = iec ? 1024 : 1000;
  const units = 'KMGTPE';
  let power = 0;
  let scaled = value;
  while (scaled >= base && power < units.length) {
    scaled /= base;
    power++;
  }
  if (power === 0) return String(value);
  const digits = scaled < 10 ? 2 : scaled < 100 ? 1 : 0;
  const unit = units[power - 1] ?? '';
  return `${scaled.toFixed(digits)}${iec ? `${unit}i` : power === 1 ? 'k' : unit}`;
}

const HEADER_WIDTHS = [10, 7, 6, 7, 7, 7, 10];

/** The RX and TX tables of `-s` (and `-s -s`). */
export function printLinkStats(
  context: IpContext,
  stats: Readonly<LinkStats>,
  carrierChanges: number,
): void {
  const { out, options } = context;
  const s = stats;
  const br = out.lineBreak;
  const errors = options.stats > 1;
  const rows: readonly (readonly number[])[] = [
    [s.rxBytes, s.rxPackets, s.rxErrors, s.rxDropped, s.rxMissedErrors, s.multicast],
    [s.txBytes, s.txPackets, s.txErrors, s.txDropped, s.txCarrierErrors, s.collisions],
    ...(errors
      ? [
          [
            0,
            s.rxLengthErrors,
            s.rxCrcErrors,
            s.rxFrameErrors,
            s.rxFifoErrors,
            s.rxOverErrors,
            s.rxNohandler,
          ],
          [
            0,
            s.txAbortedErrors,
            s.txFifoErrors,
            s.txWindowErrors,
            s.txHeartbeatErrors,
            carrierChanges,
          ],
        ]
      : []),
  ];
  const show = (value: number): string => countText(value, options.human, options.iec);
  const widths = HEADER_WIDTHS.map((width, i) =>
    Math.max(width, ...rows.map((row) => show(row[i] ?? 0).length)),
  );
  const cells = (values: readonly number[], from = 0): string =>
    values.map((value, i) => `${show(value).padStart(widths[i + from] ?? 0)} `).join('');
  const heads = (names: readonly string[], from = 0, less = 0): string =>
    names.map((name, i) => name.padStart((widths[i + from] ?? 0) - (i === 0 ? less : 0))).join(' ');
  const blank = ' '.repeat(1 + (widths[6] ?? 0));

  out.openObject('stats64');
  out.openObject('rx');
  out.plain(
    `    RX: ${heads(['bytes', 'packets', 'errors', 'dropped', 'missed', 'mcast'], 0, 4)}${blank}${br}    `,
  );
  out.plain(cells(rows[0] ?? []));
  jsonCounters(out, {
    bytes: s.rxBytes,
    packets: s.rxPackets,
    errors: s.rxErrors,
    dropped: s.rxDropped,
    over_errors: s.rxOverErrors,
    multicast: s.multicast,
  });
  if (errors) {
    const nohandler = s.rxNohandler > 0;
    out.plain(`${br}    RX errors: ${heads(['length', 'crc', 'frame', 'fifo', 'overrun'], 1)}`);
    if (nohandler) out.plain(` ${'nohandler'.padStart(widths[6] ?? 0)}`);
    out.plain(`${br}${' '.repeat(5 + (widths[0] ?? 0))}`);
    out.plain(
      cells([s.rxLengthErrors, s.rxCrcErrors, s.rxFrameErrors, s.rxFifoErrors, s.rxOverErrors], 1),
    );
    if (nohandler) out.plain(cells([s.rxNohandler], 6));
    jsonCounters(out, {
      length_errors: s.rxLengthErrors,
      crc_errors: s.rxCrcErrors,
      frame_errors: s.rxFrameErrors,
      fifo_errors: s.rxFifoErrors,
      missed_errors: s.rxMissedErrors,
    });
    if (nohandler) jsonCounters(out, { nohandler: s.rxNohandler });
  }
  out.closeObject();
  out.openObject('tx');
  out.plain(
    `${br}    TX: ${heads(['bytes', 'packets', 'errors', 'dropped', 'carrier', 'collsns'], 0, 4)}${blank}${br}    `,
  );
  out.plain(cells(rows[1] ?? []));
  jsonCounters(out, {
    bytes: s.txBytes,
    packets: s.txPackets,
    errors: s.txErrors,
    dropped: s.txDropped,
    carrier_errors: s.txCarrierErrors,
    collisions: s.collisions,
  });
  if (errors) {
    out.plain(
      `${br}    TX errors: ${heads(['aborted', 'fifo', 'window', 'heartbt', 'transns'], 1)}${br}`,
    );
    out.plain(' '.repeat(5 + (widths[0] ?? 0)));
    out.plain(
      cells(
        [s.txAbortedErrors, s.txFifoErrors, s.txWindowErrors, s.txHeartbeatErrors, carrierChanges],
        1,
      ),
    );
    jsonCounters(out, {
      aborted_errors: s.txAbortedErrors,
      fifo_errors: s.txFifoErrors,
      window_errors: s.txWindowErrors,
      heartbeat_errors: s.txHeartbeatErrors,
      carrier_changes: carrierChanges,
    });
  }
  out.closeObject();
  out.closeObject();
}

function jsonCounters(out: Out, values: Readonly<Record<string, number>>): void {
  for (const [key, value] of Object.entries(values)) out.jsonOnly(key, value);
}
