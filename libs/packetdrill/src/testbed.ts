/**
 * The host under test and the wire to a peer that only the script plays: one host whose device `tun0` hands every packet
 * to us and takes ours.
 *
 * runner.ts → this → Engine and Host. Time is virtual: it moves only while something here waits for it.
 */
import { coreutilsPrograms } from '@netloom/coreutils';
import { Engine } from '@netloom/engine';
import { createEnvironment, Host } from '@netloom/kernel';
import {
  devAddrSet,
  ethTypeTrans,
  Feature,
  NetDevice,
  NETDEV_TX_OK,
  netifRx,
  registerNetdevice,
  SkbPool,
  skbBytes,
  skbOrphan,
  skbPut,
  Tracepoints,
  type SkBuff,
} from '@netloom/kernel-core';
import type { RunHandle, Task } from '@netloom/kernel-tasks';
import { netutilsPrograms } from '@netloom/netutils';
import { shellPrograms } from '@netloom/shell';
import { Iff, type Program, type ProgramSpec, type Sys, type WaitStatus } from '@netloom/sys';
import { ETH_HLEN, ETH_P_IP, ETH_P_IPV6, LARGE_SLOT, PacketMemory } from '@netloom/wire';
import { ScriptError } from './ast.js';
import { readPacket, type LivePacket } from './packet.js';

const PACKET_MEMORY = 24 * 1024 * 1024;
/** Calendar time at the start: 2025-01-01. */
const BOOT_SECONDS = 1735689600;
/** A command of a script that does not come to an end within this virtual time has failed. */
const COMMAND_LIMIT_NS = 60e9;
const MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);

export interface TestbedOptions {
  /** Settles after a macrotask turn: lets every program continue. */
  readonly drain: () => Promise<void>;
  readonly mtu: number;
  readonly seed?: number;
  /** Programs beside the host's own, such as `./defaults.sh`. */
  readonly programs: readonly ProgramSpec[];
}

export class Testbed {
  readonly engine: Engine;
  readonly host: Host;
  readonly dev: NetDevice;
  /** What the host has sent and nobody has taken yet. */
  readonly sent: LivePacket[] = [];
  private readonly pool: SkbPool;
  private readonly drain: () => Promise<void>;
  private bug: unknown;
  private process: { readonly task: Task; readonly sys: Sys } | undefined;

  constructor(options: TestbedOptions) {
    this.drain = options.drain;
    this.engine = new Engine({ seed: options.seed ?? 1, drain: options.drain });
    this.pool = new SkbPool(new PacketMemory(PACKET_MEMORY));
    const programs = [...shellPrograms, ...coreutilsPrograms, ...netutilsPrograms];
    this.host = new Host({
      environment: createEnvironment([...programs, ...options.programs]),
      engine: this.engine,
      pool: this.pool,
      trace: new Tracepoints(),
      name: 'packetdrill',
      index: 1,
      bootTimeSec: BOOT_SECONDS,
      onBug: (error) => {
        this.bug ??= error;
        this.engine.stop();
      },
    });
    this.dev = new NetDevice(this.host.kernel.initNet, 'tun0', {
      driver: 'tun',
      startXmit: (skb) => this.transmitted(skb),
    });
    this.dev.flags = Iff.IFF_POINTOPOINT | Iff.IFF_NOARP | Iff.IFF_MULTICAST;
    this.dev.mtu = options.mtu;
    this.dev.features = Feature.GSO; // TCP builds bursts as large as on Linux, which come here cut into segments
    devAddrSet(this.dev, MAC); // ours and the peer's: without ARP, frames carry the device's own address
    registerNetdevice(this.dev);
  }

  private transmitted(skb: SkBuff): number {
    const packet = readPacket(skbBytes(skb).slice(ETH_HLEN), this.engine.now);
    skbOrphan(skb);
    this.pool.release(skb);
    if (packet !== undefined && !isHousekeeping(packet)) {
      this.sent.push(packet);
      this.engine.stop(); // whoever waits for a packet looks at it at this very time
    }
    return NETDEV_TX_OK;
  }

  /** A packet arrives; longer ones than `segmentSize` as if a card had merged segments of that size. */
  inject(bytes: Uint8Array, segmentSize: number | undefined): void {
    const length = ETH_HLEN + bytes.length;
    const skb = length > LARGE_SLOT - 128 ? null : this.pool.alloc(length, 128);
    if (skb === null) throw new ScriptError('no memory for a packet');
    const at = skb.data;
    skbPut(skb, length);
    const m = skb.mem;
    m.write(at, MAC);
    m.write(at + 6, MAC);
    m.dv.setUint16(at + 12, (bytes[0] as number) >> 4 === 4 ? ETH_P_IP : ETH_P_IPV6);
    m.write(at + ETH_HLEN, bytes);
    skb.packetId = this.pool.nextPacketId();
    skb.truesize = tunTruesize(bytes.length);
    if (segmentSize !== undefined) {
      skb.gsoSize = segmentSize;
      skb.gsoSegs = Math.ceil(bytes.length / segmentSize);
    }
    skb.protocol = ethTypeTrans(skb, this.dev);
    netifRx(skb);
  }

  /** Lets everything happen that can happen now. */
  async settle(): Promise<void> {
    await this.drain();
    while (!(await this.engine.run(this.engine.now))) this.complain();
    this.complain();
  }

  /** Moves the clock to `until`, or less far: until `over` holds. */
  async runUntil(until: number, over: () => boolean = () => false): Promise<void> {
    for (;;) {
      await this.settle();
      if (over() || this.engine.now >= until) return;
      await this.step(until);
    }
  }

  /** Runs the events of the next instant that has any. */
  private async step(until: number): Promise<void> {
    const next = this.engine.nextEventTime(until) ?? until;
    await this.engine.run(next);
    this.complain();
  }

  private complain(): void {
    if (this.bug === undefined) return;
    const { bug } = this;
    this.bug = undefined;
    throw bug;
  }

  /** The process under test: its system calls are the script's. */
  async startProcess(cwd: string): Promise<{ readonly task: Task; readonly sys: Sys }> {
    let sys: Sys | undefined;
    const main: Program = (own) => {
      sys = own;
      return new Promise(() => undefined);
    };
    const { task } = this.host.tasks.run(main, ['packetdrill'], { cwd });
    await this.runUntil(this.engine.now + 1e9, () => sys !== undefined);
    if (sys === undefined) throw new ScriptError('the process under test did not start');
    return (this.process = { task, sys });
  }

  /** Runs a line with /bin/sh as a child of the process under test. @throws ScriptError with what it printed. */
  async command(line: string, cwd: string): Promise<void> {
    let printed = '';
    const decoder = new TextDecoder();
    const keep = (data: Uint8Array): void => {
      printed += decoder.decode(data, { stream: true });
    };
    let ended: WaitStatus | undefined;
    const run: RunHandle = this.host.tasks.run('/bin/sh', ['sh', '-c', line], {
      cwd,
      onStdout: keep,
      onStderr: keep,
      ...(this.process === undefined ? {} : { net: this.process.task.net }),
    });
    void run.exit.then((status) => (ended = status));
    await this.runUntil(this.engine.now + COMMAND_LIMIT_NS, () => ended !== undefined);
    if (ended === undefined) throw new ScriptError(`command does not end: ${line.trim()}`);
    if (ended.kind !== 'exit' || ended.value !== 0)
      throw new ScriptError(
        `command ended with ${ended.kind} ${ended.value}: ${line.trim()}${printed === '' ? '' : `: ${printed.trim()}`}`,
      );
  }

  /** Ends every process of the host. */
  shutdown(): void {
    this.host.shutdown();
  }
}

const PAGE = 4096;
/** sizeof(struct sk_buff), sizeof(struct skb_shared_info), and what a driver leaves in front of a packet. */
const SKB_STRUCT = 256;
const SHARED_INFO = 320;
const HEADROOM = 66;

/** Memory that a packet counts for as Linux's TUN driver allocates it: a linear part, and pages behind it. */
function tunTruesize(length: number): number {
  const linear = Math.min(length, PAGE - HEADROOM - SHARED_INFO);
  let head = 512;
  while (head < HEADROOM + linear + SHARED_INFO) head *= 2;
  return head + SKB_STRUCT + Math.ceil((length - linear) / PAGE) * PAGE;
}

/** What IPv6 says by itself: neighbour and router discovery, multicast listeners. */
function isHousekeeping(packet: LivePacket): boolean {
  const { icmp } = packet;
  return (
    packet.src.length === 16 &&
    (packet.protocol === 0 || (icmp !== undefined && icmp.type >= 130 && icmp.type <= 143))
  );
}
