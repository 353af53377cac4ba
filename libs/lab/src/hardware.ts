/**
 * What a lab needs of simulated machines and wires, in its own words.
 *
 * lab.ts → these interfaces → hosts.ts, which makes them of @netloom/kernel and @netloom/kernel-drivers. Tests of the lab
 * itself need no kernel behind them.
 */
import type { Kernel, NetDevice, SkBuff } from '@netloom/kernel-core';
import type { TaskHost } from '@netloom/kernel-tasks';
import type { Impairment, NodeKind } from './port.js';

export interface MachineSpec {
  readonly name: string;
  /** A small integer of its own, in the order of creation. */
  readonly index: number;
  readonly kind: NodeKind;
  readonly cpus: number;
}

/** One simulated host. */
export interface Machine {
  readonly name: string;
  readonly kernel: Kernel;
  readonly tasks: TaskHost;
  /** A network card in the host's first namespace, down and without a wire. */
  addNic(name: string, options: { readonly mac: Uint8Array; readonly mtu: number }): LabNic;
  removeNic(nic: LabNic): void;
  /** Ends every process and timer. */
  shutdown(): void;
}

export interface LabNic {
  readonly dev: NetDevice;
}

/** What a wire did to a frame. */
export type WireAction =
  'sent' | 'delivered' | 'lost' | 'duplicated' | 'corrupted' | 'queue-full' | 'no-carrier';

/** Sees every frame; `from` is the side that sent it. Must not keep the sk_buff. */
export type WireWatcher = (action: WireAction, from: 'a' | 'z', skb: SkBuff) => void;

/** A third machine on the wire, next to the interface of one side. */
export interface WireAttachment {
  /** A frame arrives at the interface. False without packet memory, carrier or for a frame that is too short or long. */
  send(frame: Uint8Array): boolean;
  detach(): void;
}

export interface LabWire {
  /** What happens to what this side sends. */
  setImpairment(side: 'a' | 'z', impairment: Impairment): void;
  /** Carrier at both ends. */
  setUp(up: boolean): void;
  /** At most one; undefined removes it. */
  watch(watcher: WireWatcher | undefined): void;
  /** `onFrame` gets a copy of what the side's interface sends. */
  attach(side: 'a' | 'z', onFrame: (frame: Uint8Array) => void): WireAttachment;
  /** Unplugs both ends. */
  remove(): void;
}

/** Makes machines and wires that share one engine and packet memory. */
export interface Hardware {
  machine(spec: MachineSpec): Machine;
  wire(id: string, a: LabNic, z: LabNic): LabWire;
  /** Frames that all wires have delivered. */
  readonly frames: number;
  /** In small slots (2 KiB). */
  readonly packetMemory: { readonly usedSlots: number; readonly totalSlots: number };
}
