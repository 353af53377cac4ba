/**
 * `tracepath`: the path to a host and its MTU, by UDP packets that may not be fragmented (iputils 20221126).
 */
import { KernelError, strerror } from '@netloom/base';
import { Msg, Poll, print, SOCK_DGRAM, type RecvResult, type Sys } from '@netloom/sys';
import { CommandExit, errnoOf, program } from '../command.js';
import { getopt } from '../getopt.js';
import { resolveName, reverseName } from '../resolve.js';
import {
  endpoint,
  familyOf,
  hostOf,
  hostText,
  type TraceFamily,
  type TraceTarget,
} from './family.js';
import { TRACEPATH_USAGE } from './usage.js';

/** Least payload of a probe's packet: what does not fit is not sent at all. */
const UDP_HEADER = 8;
const HISTORY = 64;
const IP_PMTUDISC_PROBE = 3;

interface SentProbe {
  hops: number;
  sentNs: number;
}

class Tracepath {
  private slot = 0;
  private readonly history: SentProbe[] = Array.from({ length: HISTORY }, () => ({
    hops: 0,
    sentNs: 0,
  }));
  hopsTo = -1;
  hopsFrom = -1;

  constructor(
    private readonly sys: Sys,
    private readonly fd: number,
    private readonly of: TraceFamily,
    private readonly target: TraceTarget,
    private readonly basePort: number,
    public mtu: number,
    private readonly numeric: boolean,
    private readonly both: boolean,
  ) {}

  private async say(text: string): Promise<void> {
    await print(this.sys, text);
  }

  private async host(host: TraceTarget): Promise<string> {
    const text = hostText(this.sys, host);
    if (this.numeric) return text;
    const name = (await reverseName(this.sys, host.address)) ?? text;
    return this.both ? `${name} (${text})` : name;
  }

  /** Reads the error queue: 0 ends everything, > 0 means something was learnt, < 0 nothing came. */
  private async readErrors(ttl: number): Promise<number> {
    let progress = -1;
    for (;;) {
      let message: RecvResult;
      try {
        message = await this.sys.recvmsg(this.fd, 65536, Msg.MSG_ERRQUEUE | Msg.MSG_DONTWAIT);
      } catch (error) {
        errnoOf(error);
        return progress;
      }
      const error = message.control.err;
      if (error === undefined) {
        await this.say('no info\n');
        return 0;
      }
      let sentHops = -1;
      let sentNs = -1;
      const { from } = message;
      const known = from.family === 'inet' || from.family === 'inet6';
      const slot = known ? from.port - this.basePort : -1;
      const record = slot >= 0 && slot < HISTORY - 1 ? this.history[slot] : undefined;
      if (record !== undefined && record.hops > 0) {
        sentHops = record.hops;
        sentNs = record.sentNs;
        record.hops = 0;
      }
      const local = error.origin === 1;
      if (local) await this.say(`${String(ttl).padStart(2)}?: ${'[LOCALHOST]'.padEnd(32)} `);
      else {
        await this.say(
          sentHops > 0 ? `${String(sentHops).padStart(2)}:  ` : `${String(ttl).padStart(2)}?: `,
        );
        const offender = hostOf(error.offender);
        const name = offender === undefined ? '' : await this.host(offender);
        await this.say(name.padEnd(52));
      }
      if (sentNs >= 0) {
        const micros = Math.floor(
          ((message.control.timestampNs ?? this.sys.now()) - sentNs) / 1000,
        );
        await this.say(
          `${String(Math.floor(micros / 1000)).padStart(3)}.${String(micros % 1000).padStart(3, '0')}ms `,
        );
      }
      const back = returnHops(message.control.ttl);
      const verdict = await this.judge(error, ttl, sentHops, back);
      if (verdict === 'end') return 0;
      progress = this.mtu;
    }
  }

  private async judge(
    error: NonNullable<RecvResult['control']['err']>,
    ttl: number,
    sentHops: number,
    back: number,
  ): Promise<'end' | 'on'> {
    switch (new KernelError(error.errno).code) {
      case 'ETIMEDOUT':
        await this.say('\n');
        return 'on';
      case 'EMSGSIZE':
        await this.say(`pmtu ${error.info}\n`);
        this.mtu = error.info;
        return 'on';
      case 'ECONNREFUSED':
        await this.say('reached\n');
        this.hopsTo = sentHops < 0 ? ttl : sentHops;
        this.hopsFrom = back;
        return 'end';
      case 'EPROTO':
        await this.say('!P\n');
        return 'end';
      case 'EHOSTUNREACH':
        if (error.origin === this.of.origin && this.of.exceeded(error)) {
          const expected = sentHops >= 0 ? sentHops : ttl;
          if (back >= 0 && back !== expected) await this.say(`asymm ${String(back).padStart(2)} `);
          await this.say('\n');
          return 'on';
        }
        await this.say('!H\n');
        return 'end';
      case 'ENETUNREACH':
        await this.say('!N\n');
        return 'end';
      case 'EACCES':
        await this.say('!A\n');
        return 'end';
      default:
        throw new CommandExit(1, `\nNET ERROR: ${strerror(error.errno)}\n`);
    }
  }

  /** One packet with this hop limit; as {@link readErrors}. */
  async probe(ttl: number): Promise<number> {
    const { sys, fd } = this;
    for (let attempt = 0; attempt < 10;) {
      const record = this.history[this.slot];
      if (record !== undefined) {
        record.hops = ttl;
        record.sentNs = sys.now();
      }
      try {
        const size = Math.max(0, this.mtu - this.of.headerBytes - UDP_HEADER);
        const to = endpoint(this.target, this.basePort + this.slot);
        await sys.sendto(fd, new Uint8Array(size), 0, to);
        this.slot = (this.slot + 1) & (HISTORY - 1);
        await sys.poll([{ fd, events: Poll.POLLIN | Poll.POLLERR }], 1e9);
        return await this.readErrors(ttl);
      } catch (error) {
        errnoOf(error);
        const result = await this.readErrors(ttl);
        if (record !== undefined) record.hops = 0;
        if (result === 0) return 0;
        // what was learnt (a smaller MTU) is worth another try at once
        if (result < 0) attempt++;
      }
    }
    await this.say(`${String(ttl).padStart(2)}:  send failed\n`);
    return 0;
  }

  async run(maxHops: number): Promise<void> {
    const { sys } = this;
    let reached = false;
    for (let ttl = 1; ttl <= maxHops && !reached; ttl++) {
      sys.setsockopt(this.fd, this.of.hops, ttl);
      let result = -1;
      for (let i = 0; i < 3; i++) {
        const before = this.mtu;
        result = await this.probe(ttl);
        if (this.mtu !== before && result !== 0) {
          i = -1;
          continue;
        }
        if (result >= 0) break;
      }
      if (result === 0) reached = true;
      else if (result < 0) await this.say(`${String(ttl).padStart(2)}:  no reply\n`);
    }
    if (!reached) await this.say(`     Too many hops: pmtu ${this.mtu}\n`);
    let text = `     Resume: pmtu ${this.mtu} `;
    if (this.hopsTo >= 0) text += `hops ${this.hopsTo} `;
    if (this.hopsFrom >= 0) text += `back ${this.hopsFrom} `;
    await this.say(`${text}\n`);
  }
}

/** How many hops an answer travelled, by the hop limit it arrived with; -1 where that is unknown. */
function returnHops(ttl: number | undefined): number {
  if (ttl === undefined) return -1;
  if (ttl <= 64) return 65 - ttl;
  return ttl <= 128 ? 129 - ttl : 256 - ttl;
}

/** tracepath(8). */
export const tracepathMain = program(async (sys) => {
  const parsed = getopt('tracepath', sys.argv.slice(1), { short: '46nbh?l:m:p:V' });
  if (parsed.error !== undefined) throw new CommandExit(255, `${parsed.error}\n${TRACEPATH_USAGE}`);
  const has = (name: string): boolean => parsed.options.some((option) => option.name === name);
  const number = (name: string, fallback: number): number => {
    const text = parsed.options.filter((option) => option.name === name).pop()?.value;
    if (text === undefined) return fallback;
    if (!/^\d+$/.test(text)) throw new CommandExit(1, `tracepath: invalid argument: '${text}'\n`);
    return Number(text);
  };
  if (has('V')) {
    await print(sys, 'tracepath from iputils 20221126\n');
    return 0;
  }
  const [destination] = parsed.operands;
  if (destination === undefined || parsed.operands.length > 1)
    throw new CommandExit(255, TRACEPATH_USAGE);
  const [host = '', portText] = destination.split('/');
  const resolved = await resolveName(sys, host, has('6') ? 6 : has('4') ? 4 : undefined);
  if (resolved === undefined) {
    throw new CommandExit(1, `tracepath: ${host}: Name or service not known\n`);
  }
  const target: TraceTarget = { address: resolved.address, scopeId: resolved.scopeId ?? 0 };
  const of = familyOf(target.address);
  const fd = sys.socket(of.family, SOCK_DGRAM, 0);
  sys.setsockopt(fd, of.mtuDiscover, IP_PMTUDISC_PROBE);
  sys.setsockopt(fd, of.recvErr, 1);
  sys.setsockopt(fd, of.recvHops, 1);
  sys.setsockopt(fd, 'SO_TIMESTAMPNS', 1);
  sys.setNonblock(fd, true);
  const port = portText === undefined ? number('p', 44444) : Number(portText);
  // a link-local address without a zone goes where routing says
  const mtu = number('l', of.headerBytes === 40 ? 128000 : 65535);
  await new Tracepath(sys, fd, of, target, port, mtu, has('n'), has('b')).run(number('m', 30));
  return 0;
});
