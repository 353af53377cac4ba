/**
 * Probes of `traceroute` and `mtr`: one packet with a hop limit, and who answered it.
 *
 * Each method sends through sockets with IP_RECVERR, so that routers' ICMP errors come back on the error queue of the
 * probe's own socket; the destination answers by an ICMP error (UDP), an echo reply (ICMP) or a segment (TCP).
 */
import { KernelError } from '@netloom/base';
import {
  IPPROTO_TCP,
  Msg,
  Poll,
  SOCK_DGRAM,
  SOCK_RAW,
  type IpAddr,
  type PollFd,
  type RecvResult,
  type Sys,
} from '@netloom/sys';
import { inetChecksum } from '../inet-checksum.js';
import {
  endpoint,
  familyOf,
  hostOf,
  sameHost,
  transportChecksum,
  type TraceFamily,
  type TraceTarget,
} from './family.js';

export type ProbeMethod = 'default' | 'udp' | 'icmp' | 'tcp';

export interface ProbeSettings {
  readonly target: TraceTarget;
  readonly method: ProbeMethod;
  /** First port, constant port, or first sequence number, by method. */
  readonly port: number;
  /** Bytes of the whole IP packet. */
  readonly packetBytes: number;
  readonly tos?: number;
  readonly mark?: number;
  readonly device?: string;
  readonly source?: IpAddr;
  readonly dontFragment?: boolean;
}

export interface ProbeAnswer {
  readonly index: number;
  readonly from: TraceTarget;
  readonly atNs: number;
  /** Nothing lies beyond. */
  readonly final: boolean;
  /** `!N`, `!H`, … */
  readonly mark: string;
  /** Hop limit that the answer arrived with. */
  readonly ttl: number | undefined;
}

/** A TCP SYN of 40 bytes: MSS, SACK permitted, time stamps, window scale. */
function synSegment(
  source: IpAddr,
  target: IpAddr,
  sport: number,
  dport: number,
  seq: number,
): Uint8Array {
  const bytes = new Uint8Array(40);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, sport);
  view.setUint16(2, dport);
  view.setUint32(4, seq);
  bytes[12] = 10 << 4;
  bytes[13] = 2;
  view.setUint16(14, 5840);
  bytes.set([2, 4, 5, 0xb4, 4, 2, 8, 10], 20);
  bytes.set([1, 3, 3, 2], 36);
  view.setUint16(16, transportChecksum(source, target, IPPROTO_TCP, bytes));
  return bytes;
}

/** Sends probes and collects their answers. */
export class Prober {
  /** UDP: a socket a probe. */
  private readonly sockets = new Map<number, number>();
  /** ICMP and TCP: one raw socket for all. */
  private raw = -1;
  private readonly ports = new Map<number, number>();
  private readonly ident: number;
  private readonly of: TraceFamily;
  private sourceAddress: IpAddr = 0;

  constructor(
    private readonly sys: Sys,
    private readonly settings: ProbeSettings,
  ) {
    this.ident = sys.pid & 0xffff;
    this.of = familyOf(settings.target.address);
  }

  /** Opens what all probes share; throws KernelError as connect does where there is no route. */
  async open(): Promise<void> {
    const { sys, settings } = this;
    const probe = this.udpSocket();
    try {
      const port = settings.port === 0 ? 33434 : settings.port & 0xffff;
      await sys.connect(probe, endpoint(settings.target, port));
      const name = sys.getsockname(probe);
      this.sourceAddress = settings.source ?? hostOf(name)?.address ?? 0;
    } finally {
      sys.close(probe);
    }
    if (settings.method !== 'icmp' && settings.method !== 'tcp') return;
    const protocol = settings.method === 'icmp' ? this.of.icmp : IPPROTO_TCP;
    this.raw = sys.socket(this.of.family, SOCK_RAW, protocol);
    this.tune(this.raw);
    const [filter, pass] = this.of.echoFilter;
    if (settings.method === 'icmp') sys.setsockopt(this.raw, filter, pass);
    sys.setNonblock(this.raw, true);
  }

  private tune(fd: number): void {
    const { sys, settings, of } = this;
    if (settings.device !== undefined) sys.setsockopt(fd, 'SO_BINDTODEVICE', settings.device);
    if (settings.source !== undefined)
      sys.bind(fd, endpoint({ address: settings.source, scopeId: settings.target.scopeId }, 0));
    if (settings.tos !== undefined) sys.setsockopt(fd, of.tos, settings.tos);
    if (settings.mark !== undefined) sys.setsockopt(fd, 'SO_MARK', settings.mark);
    sys.setsockopt(fd, of.mtuDiscover, settings.dontFragment === true ? 2 : 0);
    sys.setsockopt(fd, of.recvErr, 1);
    sys.setsockopt(fd, 'SO_TIMESTAMPNS', 1);
    sys.setsockopt(fd, of.recvHops, 1);
  }

  private udpSocket(): number {
    const fd = this.sys.socket(this.of.family, SOCK_DGRAM, 0);
    this.tune(fd);
    return fd;
  }

  /** Sends probe `index` with a hop limit. */
  async send(index: number, ttl: number): Promise<void> {
    const { sys, settings, of } = this;
    if (settings.method === 'icmp' || settings.method === 'tcp') {
      sys.setsockopt(this.raw, of.hops, ttl);
      const data = settings.method === 'icmp' ? this.echo(index) : this.syn(index);
      await sys.sendto(this.raw, data, 0, endpoint(settings.target, 0));
      return;
    }
    const fd = this.udpSocket();
    sys.setNonblock(fd, true);
    const port = settings.method === 'default' ? (settings.port + index) & 0xffff : settings.port;
    await sys.connect(fd, endpoint(settings.target, port));
    sys.setsockopt(fd, of.hops, ttl);
    const data = new Uint8Array(Math.max(0, settings.packetBytes - of.headerBytes - 8)).map(
      (_, i) => 0x40 + (i & 0x3f),
    );
    this.sockets.set(index, fd);
    await sys.sendto(fd, data);
  }

  private echo(index: number): Uint8Array {
    const data = new Uint8Array(Math.max(8, this.settings.packetBytes - this.of.headerBytes)).map(
      (_, i) => 0x40 + ((i - 8) & 0x3f),
    );
    const view = new DataView(data.buffer);
    data[0] = this.of.echo;
    data[1] = 0;
    view.setUint16(2, 0);
    view.setUint16(4, this.ident);
    view.setUint16(6, (this.settings.port + index) & 0xffff);
    if (this.of.rawHeader) view.setUint16(2, inetChecksum(data)); // ICMPv6's is the kernel's work
    return data;
  }

  private syn(index: number): Uint8Array {
    const sport = 32768 + ((this.sys.random() ^ index) % 28000);
    this.ports.set(sport, index);
    return synSegment(
      this.sourceAddress,
      this.settings.target.address,
      sport,
      this.settings.port,
      this.sys.random(),
    );
  }

  /** Forgets a probe that will not be waited for any longer. */
  drop(index: number): void {
    const fd = this.sockets.get(index);
    if (fd === undefined) return;
    this.sockets.delete(index);
    this.sys.close(fd);
  }

  /** Waits for answers, at most `timeoutNs`. */
  async wait(timeoutNs: number): Promise<ProbeAnswer[]> {
    const { sys } = this;
    const indexes = [...this.sockets.keys()];
    const entries: PollFd[] = indexes.map((index) => ({
      fd: this.sockets.get(index) ?? -1,
      events: Poll.POLLIN | Poll.POLLERR,
    }));
    if (this.raw >= 0) entries.push({ fd: this.raw, events: Poll.POLLIN | Poll.POLLERR });
    const ready = await sys.poll(entries, Math.max(0, timeoutNs));
    const answers: ProbeAnswer[] = [];
    for (let i = 0; i < entries.length; i++) {
      if ((ready[i] ?? 0) === 0) continue;
      const entry = entries[i];
      if (entry === undefined) continue;
      if (entry.fd === this.raw) {
        await this.drainRaw(answers);
        continue;
      }
      const index = indexes[i] ?? 0;
      const message = await this.receive(entry.fd, Msg.MSG_ERRQUEUE | Msg.MSG_DONTWAIT);
      const answer =
        message === undefined
          ? await this.dataAnswer(entry.fd, index)
          : this.errorAnswer(message, index);
      if (answer !== undefined) {
        answers.push(answer);
        this.drop(index);
      }
    }
    return answers;
  }

  private async receive(fd: number, flags: number): Promise<RecvResult | undefined> {
    try {
      return await this.sys.recvmsg(fd, 1500, flags);
    } catch (error) {
      if (error instanceof KernelError) return undefined;
      throw error;
    }
  }

  /** The destination answered in its own protocol. */
  private async dataAnswer(fd: number, index: number): Promise<ProbeAnswer | undefined> {
    const message = await this.receive(fd, Msg.MSG_DONTWAIT);
    const from = message === undefined ? undefined : hostOf(message.from);
    if (message === undefined || from === undefined) return undefined;
    return {
      index,
      from,
      atNs: this.arrival(message),
      final: true,
      mark: '',
      ttl: message.control.ttl,
    };
  }

  private arrival(message: RecvResult): number {
    return message.control.timestampNs ?? this.sys.now();
  }

  private errorAnswer(message: RecvResult, index: number): ProbeAnswer | undefined {
    const error = message.control.err;
    const from = error === undefined ? undefined : hostOf(error.offender);
    if (error === undefined || from === undefined || error.origin !== this.of.origin)
      return undefined;
    const exceeded = this.of.exceeded(error);
    const mark = exceeded ? '' : this.of.mark(error);
    return {
      index,
      from,
      atNs: this.arrival(message),
      final: !exceeded,
      mark,
      ttl: message.control.ttl,
    };
  }

  private async drainRaw(answers: ProbeAnswer[]): Promise<void> {
    const icmp = this.settings.method === 'icmp';
    for (;;) {
      const error = await this.receive(this.raw, Msg.MSG_ERRQUEUE | Msg.MSG_DONTWAIT);
      if (error === undefined) break;
      const index = icmp
        ? this.echoIndex(error.data, 0)
        : this.ports.get(((error.data[0] ?? 0) << 8) | (error.data[1] ?? 0));
      const answer = index === undefined ? undefined : this.errorAnswer(error, index);
      if (answer !== undefined) answers.push(answer);
    }
    for (;;) {
      const message = await this.receive(this.raw, Msg.MSG_DONTWAIT);
      if (message === undefined) return;
      const from = hostOf(message.from);
      if (from === undefined || !sameHost(from, this.settings.target)) continue;
      const at = this.of.rawHeader ? ((message.data[0] ?? 0) & 15) * 4 : 0;
      const index = icmp ? this.echoIndex(message.data, at) : this.segmentIndex(message.data, at);
      if (index === undefined) continue;
      answers.push({
        index,
        from,
        atNs: this.arrival(message),
        final: true,
        mark: '',
        ttl: message.control.ttl ?? (this.of.rawHeader ? message.data[8] : undefined),
      });
    }
  }

  private echoIndex(data: Uint8Array, at: number): number | undefined {
    const type = data[at];
    if (type !== this.of.echoReply && type !== this.of.echo) return undefined;
    const view = new DataView(data.buffer, data.byteOffset);
    if (data.length < at + 8 || view.getUint16(at + 4) !== this.ident) return undefined;
    return (view.getUint16(at + 6) - this.settings.port) & 0xffff;
  }

  private segmentIndex(data: Uint8Array, at: number): number | undefined {
    if (data.length < at + 20) return undefined;
    const sport = ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0);
    const dport = ((data[at + 2] ?? 0) << 8) | (data[at + 3] ?? 0);
    return sport === this.settings.port ? this.ports.get(dport) : undefined;
  }
}
