/**
 * A lab's hardware: hosts of @netloom/kernel with every program installed, joined by wires of @netloom/kernel-drivers.
 *
 * local-runner.ts, emulator-backend.ts → createHardware → Lab. What all hosts share (protocols, programs, packet
 * memory) is made once a lab; nothing is shared between labs.
 */
import { coreutilsPrograms } from '@netloom/coreutils';
import type { Engine } from '@netloom/engine';
import { createEnvironment, Host } from '@netloom/kernel';
import {
  NET_SKB_PAD,
  SkbPool,
  skbBytes,
  skbPut,
  type SkBuff,
  type Tracepoints,
} from '@netloom/kernel-core';
import { nicReceive, Wire, type Nic, type WireDirection } from '@netloom/kernel-drivers';
import { netutilsPrograms } from '@netloom/netutils';
import { shellPrograms } from '@netloom/shell';
import type { ProgramSpec } from '@netloom/sys';
import { ETH_HLEN, LARGE_SLOT, PacketMemory, SMALL_SLOT } from '@netloom/wire';
import type {
  Hardware,
  LabNic,
  LabWire,
  Machine,
  MachineSpec,
  WireAction,
  WireAttachment,
  WireWatcher,
} from './hardware.js';
import { EPOCH_SEC } from './epoch.js';
import type { Impairment } from './port.js';

/** Every program that a host has. */
export const ALL_PROGRAMS: readonly ProgramSpec[] = [
  ...shellPrograms,
  ...coreutilsPrograms,
  ...netutilsPrograms,
];

/** Machines and wires on an engine, with packet memory of their own. */
export function createHardware(
  engine: Engine,
  trace: Tracepoints,
  programs: readonly ProgramSpec[] = ALL_PROGRAMS,
): Hardware {
  const environment = createEnvironment(programs);
  const memory = new PacketMemory();
  const pool = new SkbPool(memory);
  const wires = new Set<SimulatedWire>();
  let framesOfRemoved = 0;
  return {
    machine: ({ name, index, cpus }: MachineSpec): Machine =>
      new Host({
        environment,
        engine,
        pool,
        trace,
        name,
        index,
        cpus,
        bootTimeSec: EPOCH_SEC,
        onBug: (error) => engine.at(engine.now, rethrow, error),
      }),
    wire: (id, a, z) => {
      const wire = new SimulatedWire(new Wire(engine, nic(a), nic(z), id), pool, (frames) => {
        framesOfRemoved += frames;
        wires.delete(wire);
      });
      wires.add(wire);
      return wire;
    },
    get frames() {
      let frames = framesOfRemoved;
      for (const wire of wires) frames += wire.frames;
      return frames;
    },
    get packetMemory() {
      const { small, large } = memory.inUse;
      const used = small + large * Math.ceil(LARGE_SLOT / SMALL_SLOT);
      return { usedSlots: used, totalSlots: Math.floor(memory.u8.length / SMALL_SLOT) };
    },
  };
}

/** A program that throws what is no errno is a bug of ours, and ends the lab. */
function rethrow(error: unknown): void {
  throw error;
}

/** This hardware's machines make no other cards. */
function nic(card: LabNic): Nic {
  return card as Nic;
}

const ACTIONS: Readonly<Record<string, WireAction>> = { down: 'no-carrier' };

interface Attachment {
  readonly side: 'a' | 'z';
  readonly onFrame: (frame: Uint8Array) => void;
}

class SimulatedWire implements LabWire {
  private watcher: WireWatcher | undefined;
  private readonly attachments = new Set<Attachment>();

  constructor(
    private readonly wire: Wire,
    private readonly pool: SkbPool,
    private readonly onRemove: (frames: number) => void,
  ) {}

  get frames(): number {
    return this.wire.a.frames + this.wire.z.frames;
  }

  setImpairment(side: 'a' | 'z', impairment: Impairment): void {
    this.wire[side].set(impairment);
  }

  setUp(up: boolean): void {
    this.wire.setUp(up);
  }

  watch(watcher: WireWatcher | undefined): void {
    this.watcher = watcher;
    this.observe();
  }

  attach(side: 'a' | 'z', onFrame: (frame: Uint8Array) => void): WireAttachment {
    const attachment = { side, onFrame };
    this.attachments.add(attachment);
    this.observe();
    return {
      send: (frame) => this.inject(side, frame),
      detach: () => {
        this.attachments.delete(attachment);
        this.observe();
      },
    };
  }

  remove(): void {
    this.onRemove(this.frames);
    this.wire.observer = null;
    this.wire.remove();
  }

  /** Costs nothing where nobody looks. */
  private observe(): void {
    const idle = this.watcher === undefined && this.attachments.size === 0;
    this.wire.observer = idle
      ? null
      : (direction, skb, outcome) => this.observed(direction, skb, outcome);
  }

  private observed(direction: WireDirection, skb: SkBuff, outcome: string): void {
    this.watcher?.(ACTIONS[outcome] ?? (outcome as WireAction), direction.name, skb);
    if (outcome !== 'sent') return;
    for (const { side, onFrame } of this.attachments)
      if (side === direction.name) onFrame(skbBytes(skb));
  }

  private inject(side: 'a' | 'z', frame: Uint8Array): boolean {
    const card = side === 'a' ? this.wire.nicA : this.wire.nicZ;
    if (!this.wire.up || frame.length < ETH_HLEN) return false;
    const skb = this.pool.alloc(frame.length, NET_SKB_PAD);
    if (skb === null) return false;
    const at = skb.data;
    skbPut(skb, frame.length);
    skb.mem.write(at, frame);
    skb.packetId = this.pool.nextPacketId();
    skb.dev = card.dev;
    nicReceive(card, skb);
    return true;
  }
}
