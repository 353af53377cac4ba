/**
 * `arping`: ARP requests to a host of the link, over a packet socket (iputils 20221126).
 */
import { formatIpv4, strerror } from '@netloom/base';
import {
  AF_INET,
  AF_PACKET,
  Iff,
  Poll,
  print,
  Signal,
  SOCK_DGRAM,
  type LinkMsg,
  type SockAddrLl,
  type Sys,
} from '@netloom/sys';
import { CommandExit, errnoOf, program } from '../command.js';
import { getopt } from '../getopt.js';
import { inetAton, resolveName } from '../resolve.js';
import { ARPING_USAGE } from './usage.js';

const ETH_P_ARP = 0x0806;
const BROADCAST = Uint8Array.of(255, 255, 255, 255, 255, 255);

interface Settings {
  readonly link: LinkMsg;
  readonly target: number;
  readonly source: number;
  readonly count: number;
  readonly timeoutNs: number;
  readonly intervalNs: number;
  readonly quitOnReply: boolean;
  readonly quiet: boolean;
  readonly keepBroadcasting: boolean;
  readonly duplicates: boolean;
  readonly unsolicited: boolean;
  readonly advert: boolean;
}

function macText(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(':');
}

class Arping {
  private sent = 0;
  private broadcasts = 0;
  private received = 0;
  private broadcastReceived = 0;
  private requestsReceived = 0;
  private lastNs = 0;
  private peer: Uint8Array | undefined;
  private done = false;

  constructor(
    private readonly sys: Sys,
    private readonly fd: number,
    private readonly settings: Settings,
  ) {}

  private async send(): Promise<void> {
    const { settings, sys } = this;
    const frame = new Uint8Array(28);
    const view = new DataView(frame.buffer);
    view.setUint16(0, 1);
    view.setUint16(2, 0x0800);
    frame[4] = 6;
    frame[5] = 4;
    view.setUint16(6, settings.advert ? 2 : 1);
    frame.set(settings.link.address, 8);
    view.setUint32(14, settings.source);
    frame.set(settings.advert ? settings.link.address : BROADCAST, 18);
    view.setUint32(24, settings.target);
    const to = this.peer ?? BROADCAST;
    this.lastNs = sys.now();
    const address: SockAddrLl = {
      family: 'packet',
      protocol: ETH_P_ARP,
      ifindex: settings.link.ifindex,
      hatype: 1,
      pkttype: 0,
      addr: to,
    };
    await sys.sendto(this.fd, frame, 0, address);
    this.sent++;
    if (this.peer === undefined) this.broadcasts++;
  }

  /** Takes an ARP packet if it answers us. */
  private async take(data: Uint8Array, from: SockAddrLl): Promise<void> {
    const { settings } = this;
    if (data.length < 28 || from.pkttype === 4) return;
    const view = new DataView(data.buffer, data.byteOffset);
    const operation = view.getUint16(6);
    if ((operation !== 1 && operation !== 2) || view.getUint16(2) !== 0x0800) return;
    const sender = view.getUint32(14);
    const target = view.getUint32(24);
    if (
      settings.duplicates
        ? sender !== settings.target
        : sender !== settings.target || target !== settings.source
    )
      return;
    const hardware = data.slice(8, 14);
    if (settings.duplicates && settings.source !== 0 && target !== settings.source) return;
    this.received++;
    const broadcast = from.pkttype !== 0;
    if (broadcast) this.broadcastReceived++;
    if (operation === 1) this.requestsReceived++;
    if (!settings.quiet) {
      const micros = Math.floor((this.sys.now() - this.lastNs) / 1000);
      const time =
        this.lastNs > 0
          ? `  ${Math.floor(micros / 1000)}.${String(micros % 1000).padStart(3, '0')}ms`
          : '';
      await print(
        this.sys,
        `${broadcast ? 'Broadcast' : 'Unicast'} ${operation === 1 ? 'request' : 'reply'} from ${formatIpv4(sender)} [${macText(hardware)}]${time}\n`,
      );
    }
    if (settings.quitOnReply) this.done = true;
    if (!settings.keepBroadcasting) this.peer = hardware;
  }

  async run(): Promise<number> {
    const { sys, settings } = this;
    const [wakeRead, wakeWrite] = sys.pipe();
    sys.signal(Signal.SIGINT, async () => {
      this.done = true;
      await sys.write(wakeWrite, Uint8Array.of(0));
    });
    if (!settings.quiet) {
      await print(
        sys,
        `ARPING ${formatIpv4(settings.target)} from ${formatIpv4(settings.source)} ${settings.link.ifname}\n`,
      );
    }
    const deadline =
      settings.timeoutNs > 0 ? sys.now() + settings.timeoutNs : Number.POSITIVE_INFINITY;
    let nextNs = sys.now();
    while (!this.done && sys.now() < deadline) {
      if (sys.now() >= nextNs) {
        if (settings.count > 0 && this.sent >= settings.count) break;
        await this.send();
        nextNs += settings.intervalNs;
      }
      const wait = Math.min(nextNs, deadline) - sys.now();
      const [ready = 0] = await sys.poll(
        [
          { fd: this.fd, events: Poll.POLLIN },
          { fd: wakeRead, events: Poll.POLLIN },
        ],
        Math.max(0, wait),
      );
      if ((ready & Poll.POLLIN) === 0) continue;
      const message = await sys.recvmsg(this.fd, 4096);
      if (message.from.family === 'packet') await this.take(message.data, message.from);
      if (settings.count > 0 && this.sent === settings.count && this.received === this.sent) break;
    }
    if (!settings.quiet) {
      let text = `Sent ${this.sent} probes (${this.broadcasts} broadcast(s))\nReceived ${this.received} response(s)`;
      const details = [
        ...(this.requestsReceived > 0 ? [`${this.requestsReceived} request(s)`] : []),
        ...(this.broadcastReceived > 0 ? [`${this.broadcastReceived} broadcast(s)`] : []),
      ];
      if (details.length > 0) text += ` (${details.join(', ')})`;
      await print(sys, `${text}\n`);
    }
    if (settings.duplicates) return this.received > 0 ? 1 : 0;
    return settings.unsolicited || this.received > 0 ? 0 : 1;
  }
}

/** arping(8). */
export const arpingMain = program(async (sys) => {
  const parsed = getopt('arping', sys.argv.slice(1), { short: 'h?bfDUAqc:w:i:s:I:V' });
  if (parsed.error !== undefined) throw new CommandExit(2, `${parsed.error}\n${ARPING_USAGE}`);
  const has = (name: string): boolean => parsed.options.some((option) => option.name === name);
  const value = (name: string): string | undefined =>
    parsed.options.filter((option) => option.name === name).pop()?.value;
  const number = (name: string, fallback: number): number => {
    const text = value(name);
    if (text === undefined) return fallback;
    if (!/^\d+(\.\d+)?$/.test(text))
      throw new CommandExit(1, `arping: invalid argument: '${text}'\n`);
    return Number(text);
  };
  if (has('V')) {
    await print(sys, 'arping from iputils 20221126\n');
    return 0;
  }
  const [host] = parsed.operands;
  if (host === undefined || parsed.operands.length > 1) throw new CommandExit(2, ARPING_USAGE);
  const resolved = await resolveName(sys, host, 4);
  if (resolved === undefined || typeof resolved.address !== 'number') {
    throw new CommandExit(2, `arping: ${host}: Name or service not known\n`);
  }
  const target = resolved.address;
  const links = sys.rtnl('RTM_GETLINK', {});
  let name = value('I');
  if (name === undefined) {
    try {
      const route = sys.rtnl('RTM_GETROUTE_ONE', { family: AF_INET, dst: target });
      name = links.find((link) => link.ifindex === route.nexthops[0]?.ifindex)?.ifname;
    } catch (error) {
      throw new CommandExit(2, `arping: connect: ${strerror(errnoOf(error))}\n`);
    }
  }
  const link = links.find((one) => one.ifname === name);
  if (link === undefined) throw new CommandExit(2, `arping: Device ${name ?? ''} not available.\n`);
  if ((link.flags & (Iff.IFF_NOARP | Iff.IFF_LOOPBACK)) !== 0)
    throw new CommandExit(2, `Interface "${link.ifname}" is not ARPable\n`);
  if ((link.flags & Iff.IFF_UP) === 0)
    throw new CommandExit(2, `Interface "${link.ifname}" is down\n`);
  const unsolicited = has('U') || has('A');
  let source = value('s') === undefined ? undefined : inetAton(value('s') ?? '');
  if (source === undefined && unsolicited) source = target;
  if (source === undefined && !has('D')) {
    const own = sys
      .rtnl('RTM_GETADDR', { family: AF_INET })
      .filter((address) => address.ifindex === link.ifindex);
    const address = own[0]?.local;
    source = typeof address === 'number' ? address : 0;
  }
  let fd: number;
  try {
    fd = sys.socket(AF_PACKET, SOCK_DGRAM, ETH_P_ARP);
    sys.bind(fd, {
      family: 'packet',
      protocol: ETH_P_ARP,
      ifindex: link.ifindex,
      hatype: 1,
      pkttype: 0,
      addr: new Uint8Array(0),
    });
  } catch (error) {
    throw new CommandExit(2, `arping: socket: ${strerror(errnoOf(error))}\n`);
  }
  return await new Arping(sys, fd, {
    link,
    target,
    source: source ?? 0,
    count: number('c', 0),
    timeoutNs: number('w', 0) * 1e9,
    intervalNs: number('i', 1) * 1e9,
    quitOnReply: has('f') || has('D'),
    quiet: has('q'),
    keepBroadcasting: has('b'),
    duplicates: has('D'),
    unsolicited,
    advert: has('A'),
  }).run();
});
