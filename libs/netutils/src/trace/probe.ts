/**
 * Probes of `traceroute` and `mtr`: one packet with a hop limit, and who answered it.
 *
 * Each method sends through sockets with IP_RECVERR, so that routers' ICMP errors come back on the error queue of the
 * probe's own socket; the destination answers by an ICMP error (UDP), an echo reply (ICMP) or a segment (TCP).
 */
import { KernelError } from '@netloom/base';
import {
  AF_INET,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  Msg,
  Poll,
  SOCK_DGRAM,
  SOCK_RAW,
  type PollFd,
  type RecvResult,
  type Sys,
} from '@netloom/sys';
import { inetChecksum } from '../inet-checksum.js';

export type ProbeMethod = 'default' | 'udp' | 'icmp' | 'tcp';

export interface ProbeSettings {
  readonly target: number;
  readonly method: ProbeMethod;
  /** First port, constant port, or first sequence number, by method. */
  readonly port: number;
  /** Bytes of the whole IP packet. */
  readonly packetBytes: number;
  readonly tos?: number;
  readonly mark?: number;
  readonly device?: string;
  readonly source?: number;
  readonly dontFragment?: boolean;
}

export interface ProbeAnswer {
  readonly index: number;
  readonly from: number;
  readonly atNs: number;
  /** Nothing lies beyond. */
  readonly final: boolean;
  /** `!N`, `!H`, … */
  readonly mark: string;
  /** Hop limit that the answer arrived with. */
  readonly ttl: number | undefined;
}

const UNREACHABLE_MARKS: Readonly<Record<number, string>> = {
  0: '!N',
  6: '!N',
  8: '!N',
  11: '!N',
  1: '!H',
  7: '!H',
  12: '!H',
  9: '!X',
  10: '!X',
  13: '!X',
  3: '',
  2: '!P',
  5: '!S',
  14: '!V',
  15: '!C',
};

/** A TCP SYN of 40 bytes: MSS, SACK permitted, time stamps, window scale. */
function synSegment(
  source: number,
  target: number,
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
  const pseudo = new Uint8Array(12 + bytes.length);
  const header = new DataView(pseudo.buffer);
  header.setUint32(0, source);
  header.setUint32(4, target);
  pseudo[9] = IPPROTO_TCP;
  header.setUint16(10, bytes.length);
  pseudo.set(bytes, 12);
  view.setUint16(16, inetChecksum(pseudo));
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
  private sourceAddress = 0;

  constructor(
    private readonly sys: Sys,
    private readonly settings: ProbeSettings,
  ) {
    this.ident = sys.pid & 0xffff;
  }

  /** Opens what all probes share; throws KernelError as connect does where there is no route. */
  async open(): Promise<void> {
    const { sys, settings } = this;
    const probe = this.udpSocket();
    try {
      await sys.connect(probe, {
        family: 'inet',
        addr: settings.target,
        port: settings.port === 0 ? 33434 : settings.port & 0xffff,
      });
      const name = sys.getsockname(probe);
      this.sourceAddress = settings.source ?? (name.family === 'inet' ? name.addr : 0);
    } finally {
      sys.close(probe);
    }
    if (settings.method !== 'icmp' && settings.method !== 'tcp') return;
    this.raw = sys.socket(
      AF_INET,
      SOCK_RAW,
      settings.method === 'icmp' ? IPPROTO_ICMP : IPPROTO_TCP,
    );
    this.tune(this.raw);
    if (settings.method === 'icmp') sys.setsockopt(this.raw, 'ICMP_FILTER', ~1 >>> 0);
    sys.setNonblock(this.raw, true);
  }

  private tune(fd: number): void {
    const { sys, settings } = this;
    if (settings.device !== undefined) sys.setsockopt(fd, 'SO_BINDTODEVICE', settings.device);
    if (settings.source !== undefined)
      sys.bind(fd, { family: 'inet', addr: settings.source, port: 0 });
    if (settings.tos !== undefined) sys.setsockopt(fd, 'IP_TOS', settings.tos);
    if (settings.mark !== undefined) sys.setsockopt(fd, 'SO_MARK', settings.mark);
    sys.setsockopt(fd, 'IP_MTU_DISCOVER', settings.dontFragment === true ? 2 : 0);
    sys.setsockopt(fd, 'IP_RECVERR', 1);
    sys.setsockopt(fd, 'SO_TIMESTAMPNS', 1);
    sys.setsockopt(fd, 'IP_RECVTTL', 1);
  }

  private udpSocket(): number {
    const fd = this.sys.socket(AF_INET, SOCK_DGRAM, 0);
    this.tune(fd);
    return fd;
  }

  /** Sends probe `index` with a hop limit. */
  async send(index: number, ttl: number): Promise<void> {
    const { sys, settings } = this;
    if (settings.method === 'icmp' || settings.method === 'tcp') {
      sys.setsockopt(this.raw, 'IP_TTL', ttl);
      const data = settings.method === 'icmp' ? this.echo(index) : this.syn(index);
      await sys.sendto(this.raw, data, 0, { family: 'inet', addr: settings.target, port: 0 });
      return;
    }
    const fd = this.udpSocket();
    sys.setNonblock(fd, true);
    const port = settings.method === 'default' ? (settings.port + index) & 0xffff : settings.port;
    await sys.connect(fd, { family: 'inet', addr: settings.target, port });
    sys.setsockopt(fd, 'IP_TTL', ttl);
    const data = new Uint8Array(Math.max(0, settings.packetBytes - 28)).map(
      (_, i) => 0x40 + (i & 0x3f),
    );
    this.sockets.set(index, fd);
    await sys.sendto(fd, data);
  }

  private echo(index: number): Uint8Array {
    const data = new Uint8Array(Math.max(8, this.settings.packetBytes - 20)).map(
      (_, i) => 0x40 + ((i - 8) & 0x3f),
    );
    const view = new DataView(data.buffer);
    data[0] = 8;
    data[1] = 0;
    view.setUint16(2, 0);
    view.setUint16(4, this.ident);
    view.setUint16(6, (this.settings.port + index) & 0xffff);
    view.setUint16(2, inetChecksum(data));
    return data;
  }

  private syn(index: number): Uint8Array {
    const sport = 32768 + ((this.sys.random() ^ index) % 28000);
    this.ports.set(sport, index);
    return synSegment(
      this.sourceAddress,
      this.settings.target,
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
    if (message === undefined || message.from.family !== 'inet') return undefined;
    return {
      index,
      from: message.from.addr,
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
    if (error === undefined || error.origin !== 2 || error.offender.family !== 'inet')
      return undefined;
    const exceeded = error.type === 11 && error.code === 0;
    let mark = '';
    if (!exceeded) {
      mark =
        error.type !== 3
          ? `!<${error.type}-${error.code}>`
          : error.code === 4
            ? `!F-${error.info}`
            : (UNREACHABLE_MARKS[error.code] ?? `!<${error.code}>`);
    }
    return {
      index,
      from: error.offender.addr,
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
      if (message.from.family !== 'inet' || message.from.addr !== this.settings.target) continue;
      const at = ((message.data[0] ?? 0) & 15) * 4;
      const index = icmp ? this.echoIndex(message.data, at) : this.segmentIndex(message.data, at);
      if (index === undefined) continue;
      answers.push({
        index,
        from: message.from.addr,
        atNs: this.arrival(message),
        final: true,
        mark: '',
        ttl: message.control.ttl ?? message.data[8],
      });
    }
  }

  private echoIndex(data: Uint8Array, at: number): number | undefined {
    const type = data[at];
    if (type !== 0 && type !== 8) return undefined;
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
