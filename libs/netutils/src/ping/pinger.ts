/**
 * The loop of `ping`: a token bucket of milliseconds paces the requests; replies and errors are read as they come; after
 * the last request it waits twice the longest round trip but at least one interval, or `-W` where nothing came back.
 * Source of the rules: iputils 20221126.
 */
import { strerror } from '@netloom/base';
import {
  Msg,
  Poll,
  print,
  printErr,
  Signal,
  type RecvResult,
  type SockAddr,
  type Sys,
} from '@netloom/sys';
import { errnoOf } from '../command.js';
import { reverseName } from '../resolve.js';
import { icmpText } from './icmp-text.js';
import type { PingOptions } from './options.js';
import type { PingProtocol } from './protocol.js';
import { PingStatistics, replyTimeText } from './statistics.js';

/** Shortest pause between probes that wait for a reply, milliseconds. */
const MIN_INTERVAL = 10;
const TIMEVAL_BYTES = 16;
const EAGAIN = 11;
const EMSGSIZE = 90;

/** One run: what is sent, what comes back, when it ends. */
export class Pinger {
  private readonly stats = new PingStatistics();
  private readonly packet: Uint8Array;
  private readonly timing: boolean;
  private readonly nameCache = new Map<string, string>();
  private intervalMs: number;
  private exiting = false;
  private quitSeen = false;
  private tokens = 0;
  private startNs = -1;
  private lastSendNs = 0;
  private exitAtNs = Number.POSITIVE_INFINITY;
  private waiting = false;
  private out = '';

  constructor(
    private readonly sys: Sys,
    private readonly options: PingOptions,
    private readonly fd: number,
    private readonly host: string,
    private readonly protocol: PingProtocol,
    private readonly ident: number,
  ) {
    this.timing = options.size >= TIMEVAL_BYTES;
    this.intervalMs = options.intervalMs;
    this.packet = new Uint8Array(8 + options.size);
    for (let i = 0; i < options.size; i++) {
      const { pattern } = options;
      this.packet[8 + i] = pattern.length > 0 ? (pattern[i % pattern.length] ?? 0) : i & 255;
    }
  }

  private say(text: string): void {
    this.out += text;
  }

  private async flush(): Promise<void> {
    const text = this.out;
    this.out = '';
    await print(this.sys, text);
  }

  private stamp(): void {
    if (!this.options.dates) return;
    const now = this.sys.now();
    const micros = String(Math.floor((now % 1e9) / 1e3)).padStart(6, '0');
    this.say(`[${this.sys.bootTime() + Math.floor(now / 1e9)}.${micros}] `);
  }

  private async addressText(address: SockAddr): Promise<string> {
    const text = this.protocol.addressText(address);
    if (this.options.numeric || (address.family !== 'inet' && address.family !== 'inet6'))
      return text;
    const known = this.nameCache.get(text);
    if (known !== undefined) return known;
    const name = await reverseName(this.sys, address.addr);
    const full = name === undefined ? text : `${name} (${text})`;
    this.nameCache.set(text, full);
    return full;
  }

  private buildProbe(seq: number): void {
    const p = this.packet;
    const view = new DataView(p.buffer);
    p[0] = this.protocol.echo;
    p[1] = 0;
    view.setUint16(2, 0);
    view.setUint16(4, this.ident);
    view.setUint16(6, seq & 0xffff);
    if (this.timing) {
      const now = this.sys.now();
      view.setUint32(8, this.sys.bootTime() + Math.floor(now / 1e9), true);
      view.setUint32(12, 0, true);
      view.setUint32(16, Math.floor((now % 1e9) / 1000), true);
      view.setUint32(20, 0, true);
    }
    this.protocol.seal(p);
  }

  /** Sends what is due; answers the milliseconds until the next send (never more than needed). */
  private async pinger(): Promise<number> {
    const { options, stats } = this;
    if (
      this.exiting ||
      (options.count > 0 && stats.transmitted >= options.count && options.deadlineNs === 0)
    )
      return 1000;
    const now = this.sys.now();
    if (this.startNs < 0) {
      this.startNs = now;
      this.lastSendNs = now;
      this.tokens = this.intervalMs * (options.preload - 1);
    } else {
      let tokens = Math.trunc((now - this.lastSendNs) / 1e6);
      if (this.intervalMs === 0 && tokens < MIN_INTERVAL && stats.inFlight >= options.preload)
        return MIN_INTERVAL - tokens;
      tokens = Math.min(tokens + this.tokens, this.intervalMs * options.preload);
      if (tokens < this.intervalMs) return this.intervalMs - tokens;
      this.lastSendNs = now;
      this.tokens = tokens - this.intervalMs;
    }
    if (options.outstanding && stats.transmitted > 0 && !stats.wasSeen(stats.transmitted)) {
      this.stamp();
      this.say(`no answer yet for icmp_seq=${stats.transmitted % 65536}\n`);
    }
    const seq = stats.transmitted + 1;
    stats.forget(seq);
    this.buildProbe(seq);
    try {
      await this.sys.sendto(this.fd, this.packet, 0, this.protocol.target);
    } catch (error) {
      return await this.sendFailed(errnoOf(error));
    }
    stats.transmitted++;
    if (options.flood && !options.quiet) this.say('.');
    return this.intervalMs - this.tokens;
  }

  private async sendFailed(errno: number): Promise<number> {
    const { options, stats } = this;
    if (errno === EAGAIN) {
      this.tokens += this.intervalMs;
      return MIN_INTERVAL;
    }
    const queued = await this.readErrorQueue();
    if (queued > 0) {
      this.tokens += this.intervalMs;
      return MIN_INTERVAL;
    }
    stats.transmitted++;
    if (queued === 0 && !options.quiet) {
      if (options.flood) this.say('E');
      else {
        await this.flush();
        await printErr(this.sys, `ping: sendmsg: ${strerror(errno)}\n`);
      }
    }
    this.tokens = 0;
    return Math.max(this.intervalMs, MIN_INTERVAL);
  }

  /** After the last request: how long to wait at most. */
  private scheduleExit(next: number): number {
    const { options, stats } = this;
    if (
      options.count === 0 ||
      stats.transmitted < options.count ||
      options.deadlineNs > 0 ||
      this.waiting
    )
      return next;
    this.waiting = true;
    // a round trip of no time at all still leaves the replies a moment to be read
    const longest = Math.max(2 * stats.max, 1000 * this.intervalMs, 1000 * MIN_INTERVAL);
    const waitMicros = stats.received > 0 ? longest : options.lingerMs * 1000;
    this.exitAtNs = Math.min(this.exitAtNs, this.sys.now() + waitMicros * 1000);
    return Math.max(next, Math.floor(waitMicros / 1000));
  }

  /** Reads one error; > 0 for an ICMP error of ours, < 0 for a local one, 0 for none. */
  private async readErrorQueue(): Promise<number> {
    const { options, stats } = this;
    let message: RecvResult;
    try {
      message = await this.sys.recvmsg(this.fd, 65536, Msg.MSG_ERRQUEUE | Msg.MSG_DONTWAIT);
    } catch (error) {
      errnoOf(error);
      return 0;
    }
    const error = message.control.err;
    if (error === undefined) return 0;
    if (error.origin === 1) {
      stats.errors++;
      if (!options.quiet) {
        if (options.flood) this.say('E');
        else {
          await this.flush();
          const text =
            error.errno === EMSGSIZE ? this.protocol.tooLong(error.info) : strerror(error.errno);
          await printErr(this.sys, `ping: local error: ${text}\n`);
        }
      }
      return -1;
    }
    const { data } = message;
    const ours =
      data.length >= 8 &&
      data[0] === this.protocol.echo &&
      (this.protocol.datagram === true || this.idOf(data, 0) === this.ident);
    if (!ours || !this.protocol.concerns(message.from)) return 0;
    const seq = ((data[6] ?? 0) << 8) | (data[7] ?? 0);
    stats.acknowledge(seq);
    stats.errors++;
    if (!options.quiet) {
      if (options.flood) this.say('\bE');
      else {
        this.stamp();
        const offender = await this.addressText(error.offender);
        const text = this.protocol.errorText(error.type, error.code, error.info);
        this.say(`From ${offender} icmp_seq=${seq} ${text}\n`);
      }
    }
    return 1;
  }

  private idOf(data: Uint8Array, at: number): number {
    return ((data[at + 4] ?? 0) << 8) | (data[at + 5] ?? 0);
  }

  /** One packet of the raw socket. */
  private async parseReply(message: RecvResult): Promise<void> {
    const { options, stats } = this;
    const read = this.protocol.read(message, this.ident);
    if (read === undefined) return;
    if (read.kind === 'reply') {
      const { icmp, ttl, bad } = read;
      const stampNs = message.control.timestampNs;
      if (await this.countReply(icmp, message.from, ttl, bad, stampNs)) return;
      if (!options.flood) {
        if (options.audible) this.say('\x07');
        this.say(`${read.options}\n`);
      }
      return;
    }
    const { type, seq } = read;
    if (type !== 5 && type !== 4) {
      stats.acknowledge(seq);
      return;
    }
    if (options.quiet || options.flood) return;
    this.stamp();
    const gateway = await this.addressText(read.gateway);
    this.say(
      `From ${await this.addressText(message.from)}: icmp_seq=${seq} ${icmpText(type, read.code, 0, gateway)}\n`,
    );
  }

  /** Counts and prints an echo reply; true where its line is already ended (or there is none). */
  private async countReply(
    icmp: Uint8Array,
    from: SockAddr,
    ttl: number | undefined,
    bad: boolean,
    stampNs: number | undefined,
  ): Promise<boolean> {
    const { options, stats, sys } = this;
    const seq = ((icmp[6] ?? 0) << 8) | (icmp[7] ?? 0);
    stats.received++;
    if (!bad) stats.acknowledge(seq);
    let tripMicros: number | undefined;
    if (this.timing && icmp.length >= 8 + TIMEVAL_BYTES) {
      const view = new DataView(icmp.buffer, icmp.byteOffset);
      const arrivedNs = options.userLatency || stampNs === undefined ? sys.now() : stampNs;
      const sentMicros =
        (view.getUint32(8, true) - sys.bootTime()) * 1e6 + view.getUint32(16, true);
      tripMicros = Math.max(0, Math.floor(arrivedNs / 1000) - sentMicros);
      if (!bad) {
        stats.addTime(tripMicros);
        if (options.adaptive) this.adapt();
      }
    }
    let duplicate = false;
    if (bad) {
      stats.corrupted++;
      stats.received--;
    } else if (stats.wasSeen(seq)) {
      stats.repeats++;
      stats.received--;
      duplicate = true;
    } else {
      stats.markSeen(seq);
    }
    if (options.quiet) return true;
    if (options.flood) {
      this.say(bad ? '\bC' : '\b \b');
      return true;
    }
    this.stamp();
    this.say(`${icmp.length} bytes from ${await this.addressText(from)}: icmp_seq=${seq}`);
    if (options.verbose && this.protocol.datagram !== true) this.say(` ident=${this.ident}`);
    if (ttl !== undefined) this.say(` ttl=${ttl}`);
    if (icmp.length < options.size + 8) {
      this.say(' (truncated)\n');
      return true;
    }
    if (tripMicros !== undefined) this.say(` time=${replyTimeText(tripMicros)} ms`);
    if (duplicate && (!this.protocol.multicast || options.verbose)) this.say(' (DUP!)');
    if (bad) this.say(' (BAD CHECKSUM!)');
    this.checkData(icmp);
    return false;
  }

  private checkData(icmp: Uint8Array): void {
    const { size } = this.options;
    for (let i = TIMEVAL_BYTES; i < size; i++) {
      const want = this.packet[8 + i] ?? 0;
      const got = icmp[8 + i] ?? 0;
      if (want === got) continue;
      this.say(
        `\nwrong data byte #${i} should be 0x${want.toString(16)} but was 0x${got.toString(16)}`,
      );
      for (let j = TIMEVAL_BYTES; j < size; j++) {
        if (j % 32 === TIMEVAL_BYTES) this.say(`\n#${j}\t`);
        this.say(`${(icmp[8 + j] ?? 0).toString(16)} `);
      }
      return;
    }
  }

  /** `-A`: the interval follows the round-trip time. */
  private adapt(): void {
    this.intervalMs = Math.trunc((Math.trunc(this.stats.rtt / 8) + 500) / 1000);
  }

  private async receive(): Promise<void> {
    const { sys, stats } = this;
    for (;;) {
      let message: RecvResult;
      try {
        message = await sys.recvmsg(this.fd, this.options.size + 8 + 60 + 192, Msg.MSG_DONTWAIT);
      } catch (error) {
        if (errnoOf(error) === EAGAIN) return;
        if ((await this.readErrorQueue()) === 0) return;
        if (stats.inFlight === 0) return;
        continue;
      }
      await this.parseReply(message);
      if (stats.inFlight === 0) return;
    }
  }

  /** Runs to the end; answers the exit code. */
  async run(): Promise<number> {
    const { sys, options, stats } = this;
    const [wakeRead, wakeWrite] = sys.pipe();
    const wake = async (): Promise<void> => {
      await sys.write(wakeWrite, Uint8Array.of(0));
    };
    sys.signal(Signal.SIGINT, async () => {
      this.exiting = true;
      await wake();
    });
    sys.signal(Signal.SIGQUIT, async () => {
      this.quitSeen = true;
      await wake();
    });
    if (options.deadlineNs > 0) this.exitAtNs = sys.now() + options.deadlineNs;
    if (options.adaptive) this.intervalMs = options.intervalMs;
    for (;;) {
      if (this.exiting || sys.now() >= this.exitAtNs) break;
      if (options.count > 0 && stats.received + stats.errors >= options.count) break;
      if (options.deadlineNs > 0 && stats.errors > 0) break;
      if (this.quitSeen) {
        this.quitSeen = false;
        await this.flush();
        await printErr(sys, stats.snapshot(this.timing));
      }
      let next: number;
      do {
        next = this.scheduleExit(await this.pinger());
      } while (next <= 0);
      await this.flush();
      // a reply already due must be read before the clock moves on
      const waitNs = Math.max(0, Math.min(next * 1e6, this.exitAtNs - sys.now()));
      const fds = [
        { fd: this.fd, events: Poll.POLLIN },
        { fd: wakeRead, events: Poll.POLLIN },
      ];
      const [socket = 0, woken = 0] = await sys.poll(fds, waitNs);
      if (woken !== 0) await sys.read(wakeRead, 16);
      if ((socket & Poll.POLLERR) !== 0) {
        while ((await this.readErrorQueue()) !== 0) continue;
      }
      if (socket !== 0) await this.receive();
      await this.flush();
    }
    const elapsed = this.startNs < 0 ? 0 : this.lastSendNs - this.startNs;
    this.say(
      stats.summary(
        this.host,
        elapsed,
        this.timing,
        this.intervalMs === 0 || options.flood || options.adaptive,
      ),
    );
    await this.flush();
    return stats.received === 0 || (options.deadlineNs > 0 && stats.received < options.count)
      ? 1
      : 0;
  }
}
