/**
 * For specs: hosts on wires with one engine, programs run on them, frames put in by hand and seen on the way out.
 */
import { Engine } from '@netloom/engine';
import {
  devOpen,
  MIB_ICMP_IN,
  MIB_ICMP_OUT,
  Mib,
  NET_SKB_PAD,
  skbBytes,
  SkbPool,
  skbPut,
  Tracepoints,
  type Net,
} from '@netloom/kernel-core';
import { nicReceive, Wire, type Impairments, type Nic } from '@netloom/kernel-drivers';
import { inetAddAddress } from '@netloom/kernel-inet';
import { ipv6SetConf } from '@netloom/kernel-inet6';
import {
  decodeText,
  encodeText,
  print,
  readTextFile,
  type Program,
  type ProgramSpec,
  type Sys,
  type WaitStatus,
} from '@netloom/sys';
import { PacketMemory } from '@netloom/wire';
import { createEnvironment, type HostEnvironment } from './environment.js';
import { Host } from './host.js';
import { ip4, mac } from './spec-frames.js';

declare function setImmediate(fn: () => void): unknown;

export interface SpecRun {
  status: WaitStatus | undefined;
  out: string;
  error: unknown;
  /** Virtual time of the end, -1 before. */
  endNs: number;
}

export class SpecLab {
  readonly engine: Engine;
  readonly memory = new PacketMemory(16 * 1024 * 1024);
  readonly pool = new SkbPool(this.memory);
  readonly trace = new Tracepoints();
  readonly environment: HostEnvironment;
  /** Bugs that programs of ours ran into. */
  readonly bugs: unknown[] = [];
  private hosts = 0;

  constructor(seed = 1, programs: readonly ProgramSpec[] = []) {
    this.engine = new Engine({
      seed,
      drain: () => new Promise((resolve) => setImmediate(resolve)),
    });
    this.environment = createEnvironment(programs);
  }

  /** A host; without IPv6 unless a spec is about it, so that others see their own frames alone. */
  host(name: string, options: { readonly ipv6?: boolean } = {}): Host {
    const host = new Host({
      environment: this.environment,
      engine: this.engine,
      pool: this.pool,
      trace: this.trace,
      name,
      index: this.hosts++,
      bootTimeSec: 1_700_000_000,
      onBug: (error) => this.bugs.push(error),
    });
    if (options.ipv6 !== true) ipv6SetConf(host.kernel.initNet, 'all', 'disable_ipv6', '1');
    return host;
  }

  /** Puts in a card, up, with addresses such as `10.0.0.1/24` (each with its broadcast address). */
  nic(
    host: Host,
    name: string,
    macText: string,
    addresses: readonly string[] = [],
    mtu = 1500,
  ): Nic {
    const nic = host.addNic(name, { mac: mac(macText), mtu });
    for (const address of addresses) addAddress(host.kernel.initNet, nic.dev.ifindex, address);
    devOpen(nic.dev);
    return nic;
  }

  wire(a: Nic, z: Nic, settings: Impairments = {}, name = 'w'): Wire {
    const wire = new Wire(this.engine, a, z, name);
    wire.a.set(settings);
    wire.z.set(settings);
    return wire;
  }

  /** A frame as it arrives at a card's end of the wire. */
  receive(nic: Nic, frame: Uint8Array): void {
    const skb = this.pool.alloc(frame.length, NET_SKB_PAD);
    if (skb === null) throw new Error('packet memory is full');
    this.memory.write(skbPut(skb, frame.length), frame);
    skb.packetId = this.pool.nextPacketId();
    nicReceive(nic, skb);
  }

  /** Starts a program; advance the engine to let it go on. */
  start(host: Host, program: Program, options: { readonly stdin?: string } = {}): SpecRun {
    const run: SpecRun = { status: undefined, out: '', error: undefined, endNs: -1 };
    const guarded: Program = async (sys) => {
      try {
        return await program(sys);
      } catch (error) {
        run.error = error;
        return 1;
      }
    };
    const handle = host.tasks.run(guarded, ['spec'], {
      onStdout: (data) => (run.out += decodeText(data)),
      ...(options.stdin === undefined ? {} : { stdin: encodeText(options.stdin) }),
    });
    void handle.exit.then((status) => {
      run.status = status;
      run.endNs = this.engine.now;
    });
    return run;
  }

  /** Runs a program to its end and throws what it threw. */
  async run(host: Host, program: Program, limitNs = 200e9): Promise<SpecRun> {
    const run = this.start(host, async (sys) => {
      const code = await program(sys);
      this.engine.stop();
      return code;
    });
    await this.engine.run(this.engine.now + limitNs);
    await this.engine.run(this.engine.now);
    if (run.error !== undefined) throw run.error;
    if (run.status === undefined) throw new Error('the program did not end');
    return run;
  }

  /** What a program computes, out of the simulation. */
  async call<T>(host: Host, body: (sys: Sys) => Promise<T> | T, limitNs?: number): Promise<T> {
    const box: { value?: T } = {};
    await this.run(
      host,
      async (sys) => {
        box.value = await body(sys);
        return 0;
      },
      limitNs,
    );
    return box.value as T;
  }

  async advance(ns: number): Promise<void> {
    await this.engine.run(this.engine.now + ns);
  }
}

/** Adds `A.B.C.D/LEN` with the broadcast address that `ip addr add … brd +` gives. */
export function addAddress(net: Net, ifindex: number, text: string): void {
  const [address = '', length = '32'] = text.split('/');
  const prefixlen = Number(length);
  const local = ip4(address);
  const broadcast = prefixlen < 31 ? { broadcast: (local | (0xffffffff >>> prefixlen)) >>> 0 } : {};
  inetAddAddress(net, { family: 2, ifindex, local, prefixlen, ...broadcast });
}

/** A frame that a direction of a wire carried. */
export interface SeenFrame {
  readonly time: number;
  readonly bytes: Uint8Array;
}

/** Collects what leaves one end of a wire. */
export function watch(wire: Wire, direction: 'a' | 'z'): SeenFrame[] {
  const seen: SeenFrame[] = [];
  const before = wire.observer;
  wire.observer = (from, skb, outcome) => {
    before?.(from, skb, outcome);
    if (from === wire[direction] && outcome === 'sent')
      seen.push({ time: wire.engine.now, bytes: skbBytes(skb) });
  };
  return seen;
}

const MIB_NAMES: readonly string[] = Object.keys(Mib);

/** All counters of a namespace that are not zero, by the names of /proc/net/snmp and netstat. */
export function counters(net: Net): Map<string, number> {
  const found = new Map<string, number>();
  net.mib.forEach((value, index) => {
    if (value === 0) return;
    const name =
      MIB_NAMES[index] ??
      (index < MIB_ICMP_OUT
        ? `IcmpMsgInType${index - MIB_ICMP_IN}`
        : `IcmpMsgOutType${index - MIB_ICMP_OUT}`);
    found.set(name, value);
  });
  return found;
}

/** Counters that moved, as `Name` or `Name=by`, sorted; octet counters of IpExt are left out. */
export function moved(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): string {
  const parts: string[] = [];
  for (const [name, value] of after) {
    const by = value - (before.get(name) ?? 0);
    if (by !== 0 && name !== 'IpExtInOctets' && name !== 'IpExtOutOctets')
      parts.push(by === 1 ? name : `${name}=${by}`);
  }
  return parts.sort().join(' ');
}

/** Writes a sysctl of a host. */
export function sysctl(path: string, value: number | string): Program {
  return async (sys) => {
    const fd = sys.open(`/proc/sys/${path}`, 1);
    await sys.write(fd, encodeText(`${value}\n`));
    sys.close(fd);
    return 0;
  };
}

/** Prints a file. */
export function cat(path: string): Program {
  return async (sys) => {
    await print(sys, await readTextFile(sys, path));
    return 0;
  };
}
