/**
 * Runs a script: one event after the other against a host of its own, on a virtual clock.
 *
 * An event happens at its time; a packet that the host is to send must come within the tolerance of its time. A call that
 * may block runs on while further events happen, and must return at the time the script says.
 */
import { KernelError } from '@netloom/base';
import { SocketDescription } from '@netloom/kernel';
import type { Task } from '@netloom/kernel-tasks';
import { Signal } from '@netloom/sys';
import { addressText, parseAddress, type Address } from './address.js';
import {
  ScriptError,
  type PacketSpec,
  type Script,
  type ScriptEvent,
  type SystemCall,
} from './ast.js';
import { Flow, Flows } from './flows.js';
import type { LivePacket } from './packet.js';
import { DEFAULT_SYSCTLS, SCRIPT_FOLDER, scriptPrograms } from './host-programs.js';
import { inboundBytes } from './inbound.js';
import { compareOutbound, extendBurst, liveTcpText, singleBurst, type Burst } from './outbound.js';
import { parseScript } from './parser.js';
import { PyError, runPython } from './python.js';
import { socketNames } from './socket-info.js';
import { Values } from './symbols.js';
import { SystemCalls, type IpVersion } from './system-calls.js';
import { Testbed } from './testbed.js';

export interface RunScriptOptions {
  /** Settles after a macrotask turn, when every promise continuation that could run has run. */
  readonly drain: () => Promise<void>;
  /** Unless the script says it itself. */
  readonly ipVersion?: IpVersion;
  /** What `./defaults.sh` sets, one `name = value` a line. */
  readonly defaults?: string;
  /** Words that scripts use as values, as `-D NAME=value`. */
  readonly definitions?: ReadonlyMap<string, string>;
  /** Gets what code prints. */
  readonly print?: (text: string) => void;
}

export type ScriptResult = { readonly ok: true } | { readonly ok: false; readonly reason: string };

interface Family {
  readonly mtu: number;
  readonly local: string;
  readonly prefix: number;
  readonly remote: string;
  readonly words: Readonly<Record<string, string>>;
}

const IPV4: Family = {
  mtu: 1500,
  local: '192.168.0.1',
  prefix: 16,
  remote: '192.0.2.1',
  words: {
    TFO_COOKIE: '3021b9d889017eeb',
    TFO_COOKIE_ZERO: 'b7c12350a90dc8f5',
    CMSG_LEVEL_IP: 'SOL_IP',
    CMSG_TYPE_RECVERR: 'IP_RECVERR',
    CODE: 'host_unreachable',
  },
};
const IPV6: Family = {
  mtu: 1520,
  local: 'fd3d:0a0b:17d6::1',
  prefix: 48,
  remote: 'fd3d:fa7b:d17d::1',
  words: {
    TFO_COOKIE: 'c1d1e9742a47a9bc',
    TFO_COOKIE_ZERO: '82af1a8f9a205c34',
    CMSG_LEVEL_IP: 'SOL_IPV6',
    CMSG_TYPE_RECVERR: 'IPV6_RECVERR',
    CODE: 'address_unreachable',
  },
};

/** Where sockets listen and connect to. */
const PORT = 8080;
const DEFAULT_TOLERANCE_NS = 4e6;
/** Share of the time since the event before that an event may be off. */
const TOLERANCE_SHARE = 0.125;

/** Parses and runs a script; never throws for what the script or the host does. */
export async function runScript(text: string, options: RunScriptOptions): Promise<ScriptResult> {
  let run: ScriptRun | undefined;
  try {
    const version = versionOf(text, options);
    const words = new Map([
      ...Object.entries((version === 'ipv6' ? IPV6 : IPV4).words),
      ...(options.definitions ?? []),
    ]);
    run = new ScriptRun(parseScript(text, words), version, words, options);
    await run.run();
    return { ok: true };
  } catch (error) {
    if (error instanceof ScriptError) return { ok: false, reason: error.message };
    if (error instanceof KernelError) return { ok: false, reason: `refused: ${error.message}` };
    throw error;
  } finally {
    run?.shutdown();
  }
}

/** The family decides which words a script is read with, so it is looked for first. */
function versionOf(text: string, options: RunScriptOptions): IpVersion {
  const said = /^\s*--ip_version=(\S+)/m.exec(text)?.[1];
  if (said === undefined) return options.ipVersion ?? 'ipv4';
  if (said === 'ipv4' || said === 'ipv6' || said === 'ipv4-mapped-ipv6') return said;
  throw new ScriptError(`unknown ip_version ${said}`);
}

/** A call that has been started and must return in time. */
interface PendingCall {
  readonly event: ScriptEvent;
  readonly endNs: number;
  readonly toleranceNs: number;
  doneNs: number | undefined;
  failure: unknown;
}

class ScriptRun {
  private readonly bed: Testbed;
  private readonly flows = new Flows();
  private readonly local: Address;
  private readonly remote: Address;
  private readonly family: Family;
  private readonly pending: PendingCall[] = [];
  private calls: SystemCalls | undefined;
  private task: Task | undefined;
  private startNs = 0;
  /** Script time of the event before, and when it happened. */
  private lastNs = 0;
  private lastLiveNs = 0;

  constructor(
    private readonly script: Script,
    private readonly version: IpVersion,
    private readonly words: ReadonlyMap<string, string>,
    private readonly options: RunScriptOptions,
  ) {
    this.family = version === 'ipv6' ? IPV6 : IPV4;
    this.local = parseAddress(this.option('local_ip', this.family.local));
    this.remote = parseAddress(this.option('remote_ip', this.family.remote));
    this.bed = new Testbed({
      drain: options.drain,
      mtu: Number(this.option('mtu', String(this.family.mtu))),
      programs: scriptPrograms(options.defaults ?? DEFAULT_SYSCTLS),
    });
  }

  private option(name: string, fallback: string): string {
    return this.script.options.get(name) ?? fallback;
  }

  /** Nanoseconds of an option in microseconds. */
  private microseconds(name: string): number | undefined {
    const value = this.script.options.get(name);
    return value === undefined ? undefined : Number(value) * 1000;
  }

  shutdown(): void {
    this.bed.shutdown();
  }

  async run(): Promise<void> {
    await this.prepare();
    try {
      for (const event of this.script.events) await this.event(event);
      for (const call of [...this.pending]) await this.finish(call);
    } finally {
      if (this.script.cleanup !== undefined)
        await this.bed.command(this.script.cleanup, SCRIPT_FOLDER);
    }
  }

  private async prepare(): Promise<void> {
    const { bed, family } = this;
    const flags = this.local.length === 16 ? ' nodad' : '';
    await bed.command(
      `mkdir -p ${SCRIPT_FOLDER} && ip link set tun0 up && ip addr add ${addressText(this.local)}/${family.prefix} dev tun0${flags} && ip ${this.local.length === 16 ? '-6 ' : ''}route add default dev tun0`,
      '/',
    );
    const { task, sys } = await bed.startProcess(SCRIPT_FOLDER);
    sys.signal(Signal.SIGPIPE, 'ignore');
    this.task = task;
    if (this.script.init !== undefined) await bed.command(this.script.init, SCRIPT_FOLDER);
    this.startNs = bed.engine.now;
    bed.sent.length = 0;
    this.calls = new SystemCalls({
      sys,
      task,
      values: new Values(this.words),
      flows: this.flows,
      version: this.version,
      local: this.local,
      remote: this.remote,
      port: PORT,
      startNs: this.startNs,
      toleranceNs: this.microseconds('tolerance_usecs') ?? DEFAULT_TOLERANCE_NS,
    });
  }

  // ---- time ----

  private get now(): number {
    return this.bed.engine.now - this.startNs;
  }

  private tolerance(eventNs: number): number {
    const fixed = this.microseconds('tolerance_usecs') ?? DEFAULT_TOLERANCE_NS;
    return Math.max(fixed, (eventNs - this.lastNs) * TOLERANCE_SHARE);
  }

  private async runUntil(scriptNs: number, over?: () => boolean): Promise<void> {
    await this.bed.runUntil(this.startNs + scriptNs, over);
  }

  private async event(event: ScriptEvent): Promise<void> {
    const { time, action, line } = event;
    const base = time.kind === 'relative' ? this.lastNs : 0;
    const at = time.kind === 'any' ? this.lastNs : base + time.ns;
    try {
      if (action.kind === 'packet' && action.packet.direction === 'out') {
        const end =
          time.kind === 'any'
            ? Infinity
            : time.rangeEndNs === undefined
              ? at
              : base + time.rangeEndNs;
        const sentNs = await this.expectPacket(action.packet, at, end, time.kind === 'any');
        this.lastNs = time.kind === 'any' || time.rangeEndNs !== undefined ? sentNs : at;
        this.lastLiveNs = sentNs;
        return;
      }
      await this.runUntil(at);
      this.checkPending();
      switch (action.kind) {
        case 'packet':
          await this.inject(action.packet);
          break;
        case 'call':
          await this.call(event, action.call, base, at);
          break;
        case 'command':
          await this.bed.command(action.text, SCRIPT_FOLDER);
          break;
        case 'code':
          this.code(action.text);
          break;
      }
      this.lastNs = this.lastLiveNs = at;
    } catch (error) {
      if (error instanceof ScriptError && error.line === undefined)
        throw new ScriptError(error.message, line);
      throw error;
    }
  }

  // ---- packets ----

  private async inject(packet: PacketSpec): Promise<void> {
    const { transport } = packet;
    const flow =
      transport.kind === 'tcp'
        ? this.flows.forInbound(transport)
        : (this.flows.current ?? this.portsOnly());
    if (flow === undefined) throw new ScriptError('the packet belongs to no connection');
    const bytes = inboundBytes(packet, { local: this.local, remote: this.remote }, flow);
    const mss = Number(this.option('mss', '0'));
    const merged = mss > 0 && transport.kind === 'tcp' && transport.length > mss;
    this.bed.inject(bytes, merged ? mss : undefined);
    await this.bed.settle();
  }

  /** For datagrams, which have no connection. */
  private portsOnly(): Flow {
    const flow = new Flow();
    flow.localPort = flow.remotePort = PORT;
    return flow;
  }

  /** Waits for the host's next packet and compares it. @returns the script time at which it was sent */
  private async expectPacket(
    spec: PacketSpec,
    at: number,
    end: number,
    anyTime: boolean,
  ): Promise<number> {
    const tolerance = this.tolerance(at);
    const latest = anyTime ? this.lastNs + 600e9 : end + tolerance;
    const burst = await this.nextBurst(spec, latest);
    if (burst === undefined) throw new ScriptError('the host sends no packet');
    const flow = this.flows.forOutbound(burst.first);
    const difference = compareOutbound(
      {
        spec,
        local: this.local,
        remote: this.remote,
        tsTickNs: this.microseconds('tcp_ts_tick_usecs'),
        startNs: this.startNs,
      },
      burst,
      flow,
    );
    if (difference !== undefined) throw new ScriptError(difference);
    if (flow !== undefined) this.flows.current = flow;
    const sentNs = burst.first.timeNs - this.startNs;
    // A row of packets may run ahead of the script: what counts is also how long after the one before it came.
    const ahead = Math.max(0, this.lastNs - this.lastLiveNs);
    if (!anyTime && (sentNs < at - ahead - tolerance || sentNs > end + tolerance))
      throw new ScriptError(
        `sent at ${seconds(sentNs)}, expected at ${seconds(at)}${end === at ? '' : ` to ${seconds(end)}`}: ${liveTcpText(burst, flow)}`,
      );
    return sentNs;
  }

  private async nextBurst(spec: PacketSpec, latest: number): Promise<Burst | undefined> {
    const { sent } = this.bed;
    const waiting = (): boolean => {
      while (sent[0] !== undefined && this.ofAnotherFlow(sent[0], spec)) sent.shift();
      return sent.length > 0;
    };
    if (!waiting()) await this.runUntil(latest, waiting);
    const first = sent.shift();
    if (first === undefined) return undefined;
    let burst = singleBurst(first);
    if (this.script.options.has('strict_segments') || spec.transport.kind !== 'tcp') return burst;
    while (burst.payloadLength < spec.transport.length) {
      if (!waiting()) await this.runUntil(latest, waiting);
      const next = sent[0];
      const longer = next === undefined ? undefined : extendBurst(burst, next);
      if (longer === undefined || longer.payloadLength > spec.transport.length) return burst;
      sent.shift();
      burst = longer;
    }
    return burst;
  }

  /** Connections that the script has left behind may still send; nobody looks at that. */
  private ofAnotherFlow(packet: LivePacket, spec: PacketSpec): boolean {
    if (packet.tcp === undefined || spec.transport.kind !== 'tcp') return false;
    if (spec.transport.sport !== undefined) return false;
    return this.flows.forOutbound(packet) !== this.flows.current;
  }

  // ---- calls and code ----

  private async call(
    event: ScriptEvent,
    call: SystemCall,
    base: number,
    at: number,
  ): Promise<void> {
    // One thread makes the calls: the one before must have come back.
    for (const earlier of [...this.pending]) await this.finish(earlier);
    const { blockingEndNs } = event.time;
    const endNs = blockingEndNs === undefined ? at : base + blockingEndNs;
    const pending: PendingCall = {
      event,
      endNs,
      toleranceNs: Math.max(this.tolerance(at), this.tolerance(endNs)),
      doneNs: undefined,
      failure: undefined,
    };
    this.pending.push(pending);
    (this.calls as SystemCalls).start(call).then(
      () => (pending.doneNs = this.now),
      (error: unknown) => {
        pending.failure = error;
        pending.doneNs = this.now;
      },
    );
    await this.bed.settle();
    if (blockingEndNs === undefined) await this.finish(pending);
    else this.checkPending();
  }

  /** Calls that have come back must have done so in time; the others must still be allowed to wait. */
  private checkPending(): void {
    for (const call of [...this.pending]) {
      if (call.doneNs !== undefined || this.now > call.endNs + call.toleranceNs) this.verdict(call);
    }
  }

  private async finish(call: PendingCall): Promise<void> {
    if (!this.pending.includes(call)) return;
    await this.runUntil(call.endNs + call.toleranceNs, () => call.doneNs !== undefined);
    this.verdict(call);
  }

  private verdict(call: PendingCall): void {
    this.pending.splice(this.pending.indexOf(call), 1);
    const { line } = call.event;
    if (call.failure instanceof ScriptError) throw new ScriptError(call.failure.message, line);
    if (call.failure !== undefined) throw call.failure;
    if (call.doneNs === undefined)
      throw new ScriptError(`the call has not returned at ${seconds(this.now)}`, line);
    if (Math.abs(call.doneNs - call.endNs) > call.toleranceNs)
      throw new ScriptError(
        `the call returned at ${seconds(call.doneNs)}, expected at ${seconds(call.endNs)}`,
        line,
      );
  }

  private code(text: string): void {
    const fd = (this.calls as SystemCalls).socketUnderTest;
    const description = fd === undefined ? undefined : this.task?.fds.find(fd);
    const sk = description instanceof SocketDescription ? description.sk : undefined;
    try {
      runPython(text, socketNames(sk), this.options.print);
    } catch (error) {
      if (error instanceof PyError) throw new ScriptError(error.message);
      throw error;
    }
  }
}

function seconds(ns: number): string {
  return `${(ns / 1e9).toFixed(6)} s`;
}
