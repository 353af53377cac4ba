/**
 * A running test on either side: streams that send and receive, the clock of intervals, and what was counted.
 *
 * The client's and the server's loops call {@link IperfTest.step} again and again; it waits for the control connection,
 * the streams and the next timer at once. Receivers count bytes without copying them (MSG_TRUNC), and at high rates let
 * some gather before they wake (SO_RCVLOWAT); what has gathered is counted at every report.
 */
import { Errno, KernelError } from '@netloom/base';
import { Msg, Poll, readTextFile, type PollFd, type Sys } from '@netloom/sys';
import { errnoOf } from '../command.js';
import { hostOf, portOf } from '../sockets.js';
import { JsonObject, type JsonValue } from './cjson.js';
import { IperfError } from './errors.js';
import type { IperfOptions } from './options.js';
import { IperfOutput } from './output.js';
import { senderInfo, Stream, type SenderInfo } from './stream.js';

/** States, as they are sent over the control connection (a signed byte each). */
export const State = {
  TEST_START: 1,
  TEST_RUNNING: 2,
  TEST_END: 4,
  PARAM_EXCHANGE: 9,
  CREATE_STREAMS: 10,
  SERVER_TERMINATE: 11,
  CLIENT_TERMINATE: 12,
  EXCHANGE_RESULTS: 13,
  DISPLAY_RESULTS: 14,
  IPERF_START: 15,
  IPERF_DONE: 16,
  ACCESS_DENIED: -1,
  SERVER_ERROR: -2,
} as const;

/** -1 is both directions at once. */
export type Mode = 1 | 0 | -1;

/** Blocks written before the others get their turn. */
const MULTISEND = 10;
/** Reads after which a receiver looks how fast it is. */
const MEASURE_READS = 64;
/** A receiver lets about this much time's bytes gather, but never more than these. */
const GATHER_NS = 250_000;
const GATHER_MAX = 32768;
const GATHER_MIN = 4096;
/** CPU time of forgetting what was counted while omitting. */
const RESET_COST_NS = 20_000;
const TICK_NS = 1e7;

interface CpuMark {
  readonly wallNs: number;
  readonly userNs: number;
  readonly systemNs: number;
}

/** The source of random bytes; a process opens it once and keeps it. */
export class Entropy {
  private fd = -1;

  constructor(private readonly sys: Sys) {}

  open(): number {
    if (this.fd < 0) this.fd = this.sys.open('/dev/urandom', 0);
    return this.fd;
  }
}

export class IperfTest {
  state: number = State.IPERF_START;
  mode: Mode;
  streams: Stream[] = [];
  control = -1;
  cookie = '';
  done = false;
  omitting = false;
  bytesSent = 0;
  bytesReceived = 0;
  blocksSent = 0;
  blocksReceived = 0;
  senderHasRetransmits = 0;
  otherSideHasRetransmits = 0;
  congestionUsed: string | undefined;
  remoteCongestionUsed: string | undefined;
  cpu: readonly number[] = [0, 0, 0];
  remoteCpu: readonly number[] = [0, 0, 0];
  serverOutputText: string | undefined;
  serverOutputJson: unknown;
  readonly output: IperfOutput;

  readonly json = new JsonObject();
  readonly jsonStart = new JsonObject();
  readonly jsonConnected: JsonValue[] = [];
  readonly jsonIntervals: JsonValue[] = [];
  readonly jsonEnd = new JsonObject();

  /** When things happen next; infinite where they do not. Nanoseconds. */
  private endAtNs = Infinity;
  private reportAtNs = Infinity;
  private omitAtNs = Infinity;
  private block = new Uint8Array(0);
  private header = new DataView(new ArrayBuffer(0));
  private list: PollFd[] = [];
  private listStreams: Stream[] = [];
  private listDirty = true;
  private cpuMark: CpuMark | undefined;
  private lastReceiveNs = 0;
  /** Prints what state asks for; set by the reporter. */
  reporter: () => Promise<void> = () => Promise.resolve();

  constructor(
    readonly sys: Sys,
    readonly o: IperfOptions,
    output?: IperfOutput,
    private readonly entropy: Entropy = new Entropy(sys),
  ) {
    this.output = output ?? new IperfOutput(sys, o);
    this.mode = o.bidirectional ? -1 : (o.role === 'c') !== o.reverse ? 1 : 0;
    this.jsonStart.add('connected', this.jsonConnected);
    this.json.add('start', this.jsonStart);
    this.json.add('intervals', this.jsonIntervals);
    this.json.add('end', this.jsonEnd);
  }

  get nowUs(): number {
    return Math.floor(this.sys.now() / 1000);
  }

  // ---- CPU time ----

  private async cpuNow(): Promise<CpuMark> {
    const fields = (await readTextFile(this.sys, '/proc/self/stat'))
      .replace(/^.*\) /, '')
      .split(' ');
    return {
      wallNs: this.sys.now(),
      userNs: Number(fields[11] ?? 0) * TICK_NS,
      systemNs: Number(fields[12] ?? 0) * TICK_NS,
    };
  }

  async startCpu(): Promise<void> {
    this.cpuMark = await this.cpuNow();
  }

  async measureCpu(): Promise<void> {
    const from = this.cpuMark;
    const to = await this.cpuNow();
    if (from === undefined || to.wallNs === from.wallNs) return;
    const part = (ns: number): number => (100 * ns) / (to.wallNs - from.wallNs);
    const user = part(to.userNs - from.userNs);
    const system = part(to.systemNs - from.systemNs);
    this.cpu = [user + system, user, system];
  }

  // ---- random bytes ----

  /** 36 characters of base 32. */
  async makeCookie(): Promise<string> {
    const bytes = await this.sys.read(this.entropy.open(), 36);
    return [...bytes].map((byte) => 'abcdefghijklmnopqrstuvwxyz234567'[byte % 32]).join('');
  }

  private async fillBlock(): Promise<void> {
    if (this.block.length === this.o.blockSize) return;
    const block = new Uint8Array(this.o.blockSize);
    if (this.o.repeatingPayload) for (let i = 0; i < block.length; i++) block[i] = 0x30 + (i % 10);
    else {
      const seed = await this.sys.read(this.entropy.open(), 4);
      let x = (seed[0] ?? 1) | ((seed[1] ?? 1) << 8) | ((seed[2] ?? 1) << 16) | 1;
      for (let i = 0; i < block.length; i++) {
        x = (Math.imul(x, 1103515245) + 12345) | 0;
        block[i] = x >>> 16;
      }
    }
    this.block = block;
    this.header = new DataView(block.buffer);
  }

  // ---- streams ----

  /** Takes a connected socket into the test. */
  async addStream(fd: number, sender: boolean): Promise<Stream> {
    const { sys, o } = this;
    const id = this.streams.length === 0 ? 1 : this.streams.length + 2;
    const bufferFd = sys.open('/dev/zero', 0);
    await this.fillBlock();
    const stream = new Stream(id, fd, sender, bufferFd);
    const local = sys.getsockname(fd);
    const remote = sys.getpeername(fd);
    stream.localHost = hostOf(local);
    stream.localPort = portOf(local);
    stream.remoteHost = hostOf(remote);
    stream.remotePort = portOf(remote);
    if (o.tos !== 0) {
      try {
        sys.setsockopt(fd, local.family === 'inet6' ? 'IPV6_TCLASS' : 'IP_TOS', o.tos);
      } catch (error) {
        throw new IperfError(125, errnoOf(error));
      }
    }
    sys.setNonblock(fd, true);
    this.streams.push(stream);
    this.listDirty = true;
    if (o.json)
      this.jsonConnected.push(
        new JsonObject({
          socket: fd,
          local_host: stream.localHost,
          local_port: stream.localPort,
          remote_host: stream.remoteHost,
          remote_port: stream.remotePort,
        }),
      );
    else
      await this.output.print(
        `[${String(fd).padStart(3)}] local ${stream.localHost} port ${stream.localPort} connected to ${stream.remoteHost} port ${stream.remotePort}\n`,
      );
    return stream;
  }

  closeStreams(): void {
    for (const stream of this.streams)
      for (const fd of [stream.fd, stream.bufferFd]) {
        try {
          this.sys.close(fd);
        } catch (error) {
          if (!(error instanceof KernelError)) throw error;
        }
      }
    this.listDirty = true;
  }

  // ---- clock ----

  /** Sets every stream's start and the timers of the test. */
  start(): void {
    const { o } = this;
    const now = this.sys.now();
    const us = this.nowUs;
    for (const stream of this.streams) {
      stream.startUs = us;
      stream.runUs = us;
      stream.endUs = us;
    }
    this.lastReceiveNs = now;
    if (this.mode !== 0) this.senderHasRetransmits = o.udp ? 0 : 1;
    this.omitting = o.omit > 0;
    if (o.omit > 0) this.omitAtNs = now + o.omit * 1e9;
    if (o.role === 'c' && o.seconds > 0) this.endAtNs = now + (o.omit + o.seconds) * 1e9;
    if (o.interval > 0) this.reportAtNs = now + o.interval * 1e9;
  }

  /** Ends reports and the test's own end; streams stop. */
  stopTimers(): void {
    this.endAtNs = Infinity;
    this.reportAtNs = Infinity;
    this.omitAtNs = Infinity;
    this.listDirty = true;
  }

  private async runTimers(): Promise<void> {
    const now = this.sys.now();
    if (now >= this.endAtNs) {
      this.endAtNs = Infinity;
      this.done = true;
    }
    if (this.done) return;
    if (now >= this.reportAtNs) {
      this.reportAtNs += this.o.interval * 1e9;
      await this.collect();
      await this.reporter();
    }
    if (now >= this.omitAtNs) {
      this.omitAtNs = Infinity;
      this.omitting = false;
      await this.sys.cpu(RESET_COST_NS);
      this.resetCounts();
      if (this.o.interval > 0) this.reportAtNs = now + this.o.interval * 1e9;
    }
  }

  private resetCounts(): void {
    const us = this.nowUs;
    this.bytesSent = 0;
    this.blocksSent = 0;
    for (const stream of this.streams) {
      stream.bytesSentOmitted = stream.bytesSent;
      stream.bytesReceived = 0;
      stream.intervalBytes = 0;
      if (stream.sender && !this.o.udp) {
        stream.previousRetransmits = senderInfo(this.sys, stream.fd).retransmits;
        stream.retransmits = 0;
      }
      stream.omittedPackets = stream.packetCount;
      stream.omittedLost = stream.lost;
      stream.omittedOutOfOrder = stream.outOfOrder;
      stream.jitter = 0;
      stream.startUs = us;
    }
  }

  /** Closes an interval on every stream. */
  async collect(): Promise<void> {
    const { sys, o } = this;
    for (const stream of this.streams) {
      if (!stream.sender && stream.lowWater > 1) await this.receiveTcp(stream);
      const last = stream.last;
      const startUs = last === undefined ? stream.startUs : stream.endUs;
      stream.endUs = Math.floor(sys.now() / 1000);
      let info: SenderInfo = { retransmits: 0, cwnd: 0, sndWnd: 0, rtt: 0, rttvar: 0, pmtu: 0 };
      let retransmits = 0;
      if (!o.udp && stream.sender) {
        info = senderInfo(sys, stream.fd);
        retransmits = info.retransmits - stream.previousRetransmits;
        stream.retransmits += retransmits;
        stream.previousRetransmits = info.retransmits;
        stream.maxCwnd = Math.max(stream.maxCwnd, info.cwnd);
        stream.maxSndWnd = Math.max(stream.maxSndWnd, info.sndWnd);
        stream.maxRtt = Math.max(stream.maxRtt, info.rtt);
        stream.minRtt = stream.minRtt === 0 ? info.rtt : Math.min(stream.minRtt, info.rtt);
        stream.sumRtt += info.rtt;
        stream.countRtt++;
      }
      stream.last = {
        startUs,
        endUs: stream.endUs,
        seconds: Math.fround(Math.abs(stream.endUs - startUs) / 1e6),
        bytes: stream.intervalBytes,
        omitted: this.omitting,
        ...info,
        retransmits,
        packets: stream.packetCount - (last?.totalPackets ?? 0),
        lost: stream.lost - (last?.totalLost ?? 0),
        jitter: stream.jitter,
        totalPackets: stream.packetCount,
        totalLost: stream.lost,
      };
      stream.intervalBytes = 0;
    }
  }

  // ---- the loop ----

  private rebuild(extra: readonly PollFd[]): void {
    this.list = [{ fd: this.control, events: Poll.POLLIN }, ...extra];
    this.listStreams = [];
    const running = this.state === State.TEST_RUNNING && !this.done;
    const draining = this.mode === 0 && this.state === State.TEST_END;
    if (running || draining)
      for (const stream of this.streams) {
        if (stream.ended || (stream.sender && (draining || !stream.green))) continue;
        this.list.push({ fd: stream.fd, events: stream.sender ? Poll.POLLOUT : Poll.POLLIN });
        this.listStreams.push(stream);
      }
    this.listDirty = false;
  }

  /** The streams changed; the next step looks again. */
  touch(): void {
    this.listDirty = true;
  }

  /**
   * Waits for something to do and does it.
   *
   * @returns what the control connection, and then each of `extra`, is ready for
   */
  async step(extra: readonly PollFd[] = []): Promise<readonly number[]> {
    const { sys } = this;
    const before = sys.now();
    let next = Math.min(this.endAtNs, this.reportAtNs, this.omitAtNs);
    for (const stream of this.streams) {
      if (stream.green) continue;
      if (before >= stream.greenAtNs) {
        stream.green = true;
        this.listDirty = true;
      } else next = Math.min(next, stream.greenAtNs);
    }
    const waits =
      this.state === State.TEST_RUNNING && this.mode !== 1
        ? this.lastReceiveNs + this.o.receiveTimeoutMs * 1e6
        : Infinity;
    next = Math.min(next, waits);
    const count = 1 + extra.length;
    if (this.listDirty || this.list.length < count) this.rebuild(extra);
    const { list, listStreams } = this;
    const ready = await sys.poll(list, next === Infinity ? undefined : Math.max(0, next - before));
    for (let i = 0; i < listStreams.length; i++) {
      const stream = listStreams[i];
      if (stream === undefined || (ready[count + i] ?? 0) === 0) continue;
      if (stream.sender) await this.send(stream);
      else if (this.o.udp) await this.receiveUdp(stream);
      else await this.receiveTcp(stream);
    }
    if (this.state === State.TEST_RUNNING) await this.runTimers();
    if (sys.now() >= waits && sys.now() >= this.lastReceiveNs + this.o.receiveTimeoutMs * 1e6)
      throw new IperfError(144);
    return ready;
  }

  /** Whether the amount to transfer has been transferred. */
  get transferred(): boolean {
    const { bytes, blocks } = this.o;
    return (
      (bytes > 0 && (this.bytesSent >= bytes || this.bytesReceived >= bytes)) ||
      (blocks > 0 && (this.blocksSent >= blocks || this.blocksReceived >= blocks))
    );
  }

  // ---- sending ----

  private async send(stream: Stream): Promise<void> {
    const { o } = this;
    const rate = o.rate ?? 0;
    let turns = o.burst > 0 ? o.burst : rate === 0 ? MULTISEND : 1;
    for (; turns > 0; turns--) {
      const more = o.udp ? await this.sendUdp(stream) : await this.sendTcp(stream);
      if (rate > 0 && o.burst === 0) this.throttle(stream, rate);
      if (!more || !stream.green || this.transferred) break;
    }
    if (rate > 0 && o.burst > 0) this.throttle(stream, rate);
  }

  /** Stops a stream that is ahead of its rate until the tick of the pacing timer at which it is not. */
  private throttle(stream: Stream, rate: number): void {
    const runNs = stream.runUs * 1000;
    const dueNs = ((stream.bytesSent * 8) / rate) * 1e9;
    if (this.sys.now() - runNs > dueNs) return;
    const tickNs = this.o.pacingTimerUs * 1000;
    stream.green = false;
    stream.greenAtNs = runNs + (Math.floor(dueNs / tickNs) + 1) * tickNs;
    this.listDirty = true;
  }

  private counted(stream: Stream, bytes: number): void {
    stream.bytesSent += bytes;
    stream.intervalBytes += bytes;
    this.bytesSent += bytes;
  }

  /** One block, or the rest of one; false where the socket takes no more. */
  private async sendTcp(stream: Stream): Promise<boolean> {
    const size = this.block.length;
    const rest = stream.pending === 0 ? size : stream.pending;
    const taken = await this.write(
      stream,
      rest === size ? this.block : this.block.subarray(0, rest),
    );
    this.counted(stream, taken);
    stream.pending = rest - taken;
    if (stream.pending === 0) this.blocksSent++;
    return taken === rest;
  }

  private async sendUdp(stream: Stream): Promise<boolean> {
    const us = this.nowUs;
    stream.packetCount++;
    this.header.setUint32(0, Math.floor(us / 1e6));
    this.header.setUint32(4, us % 1e6);
    if (this.o.counters64) this.header.setBigUint64(8, BigInt(stream.packetCount));
    else this.header.setUint32(8, stream.packetCount);
    const taken = await this.write(stream, this.block);
    if (taken === 0) {
      stream.packetCount--;
      return false;
    }
    this.counted(stream, taken);
    this.blocksSent++;
    return true;
  }

  private async write(stream: Stream, data: Uint8Array): Promise<number> {
    try {
      return await this.sys.write(stream.fd, data);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === Errno.EAGAIN || errno === Errno.ENOBUFS) return 0;
      throw new IperfError(205, errno);
    }
  }

  // ---- receiving ----

  private async receiveTcp(stream: Stream): Promise<void> {
    let length: number;
    try {
      const flags = Msg.MSG_TRUNC | Msg.MSG_DONTWAIT;
      ({ length } = await this.sys.recvmsg(stream.fd, this.o.blockSize, flags));
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === Errno.EAGAIN) return;
      throw new IperfError(206, errno);
    }
    if (length === 0) {
      stream.ended = true;
      this.listDirty = true;
      return;
    }
    if (this.state !== State.TEST_RUNNING) return;
    stream.bytesReceived += length;
    stream.intervalBytes += length;
    this.bytesReceived += length;
    this.blocksReceived++;
    this.lastReceiveNs = this.sys.now();
    stream.measureBytes += length;
    if (++stream.reads % MEASURE_READS === 0) this.chooseLowWater(stream);
  }

  private chooseLowWater(stream: Stream): void {
    const elapsed = this.lastReceiveNs - stream.measureFromNs;
    const gathered = (stream.measureBytes / Math.max(1, elapsed)) * GATHER_NS;
    stream.measureFromNs = this.lastReceiveNs;
    stream.measureBytes = 0;
    const wanted = gathered < GATHER_MIN ? 1 : Math.min(GATHER_MAX, Math.floor(gathered));
    if (wanted <= 2 * stream.lowWater && 2 * wanted >= stream.lowWater) return;
    stream.lowWater = wanted;
    this.sys.setsockopt(stream.fd, 'SO_RCVLOWAT', wanted);
  }

  private async receiveUdp(stream: Stream): Promise<void> {
    let data: Uint8Array;
    let length: number;
    try {
      ({ data, length } = await this.sys.recvmsg(stream.fd, 16, Msg.MSG_DONTWAIT));
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === Errno.EAGAIN) return;
      throw new IperfError(206, errno);
    }
    if (this.state !== State.TEST_RUNNING || data.length < 12) return;
    stream.bytesReceived += length;
    stream.intervalBytes += length;
    this.bytesReceived += length;
    this.blocksReceived++;
    this.lastReceiveNs = this.sys.now();
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    const sentUs = view.getUint32(0) * 1e6 + view.getUint32(4);
    const number = this.o.counters64 ? Number(view.getBigUint64(8)) : view.getUint32(8);
    if (number > stream.packetCount) {
      stream.lost += number - 1 - stream.packetCount;
      stream.packetCount = number;
    } else {
      stream.outOfOrder++;
      if (stream.lost > 0) stream.lost--;
    }
    const transit = Math.abs(this.nowUs - sentUs);
    const change = Math.abs(transit - (stream.transitUs ?? transit)) / 1e6;
    stream.transitUs = transit;
    stream.jitter += (change - stream.jitter) / 16;
  }
}
