/**
 * For this package's specs: a kernel with devices whose driver only collects frames, and packets with known bytes.
 */
import { Engine } from '@netloom/engine';
import { PacketMemory } from '@netloom/wire';
import { devOpen, registerNetdevice } from './dev.js';
import { Kernel, KernelModules } from './kernel.js';
import {
  devAddrSet,
  NetDevice,
  NETDEV_TX_BUSY,
  NETDEV_TX_OK,
  type NetDeviceOps,
} from './net-device.js';
import { skbBytes, SkbPool, skbPut, type SkBuff } from './skbuff.js';
import { Tracepoints } from './trace.js';

export interface Drop {
  readonly reason: number;
  readonly bytes: number;
}

export class SpecKernel {
  readonly engine = new Engine();
  readonly memory = new PacketMemory(4 * 1024 * 1024);
  readonly pool = new SkbPool(this.memory);
  readonly modules = new KernelModules();
  readonly trace = new Tracepoints();
  readonly kernel: Kernel;
  readonly drops: Drop[] = [];

  constructor() {
    this.trace.kfreeSkb = (_kernel, skb, reason) => this.drops.push({ reason, bytes: skb.len });
    this.kernel = new Kernel({
      engine: this.engine,
      pool: this.pool,
      modules: this.modules,
      trace: this.trace,
      hostname: 'h',
      hostId: 1,
    });
  }

  get net() {
    return this.kernel.initNet;
  }

  /** A device, up, whose driver keeps what it is given. */
  port(name: string): SpecPort {
    return new SpecPort(this, name);
  }

  /** A packet of `count` bytes 0, 1, 2 … */
  packet(count: number, headroom = 64): SkBuff {
    const skb = this.pool.alloc(count, headroom);
    if (skb === null) throw new Error('packet memory is full');
    const at = skbPut(skb, count);
    for (let i = 0; i < count; i++) this.memory.u8[at + i] = i & 255;
    skb.networkHeader = skb.transportHeader = skb.macHeader = at;
    return skb;
  }

  /** Runs all events up to a time in nanoseconds. */
  advanceTo(time: number): void {
    this.engine.advance(time);
  }
}

export class SpecPort {
  readonly dev: NetDevice;
  /** Frames handed to the driver, and when. */
  readonly sent: { readonly time: number; readonly bytes: Uint8Array }[] = [];
  /** The driver refuses frames while this is true. */
  busy = false;

  constructor(spec: SpecKernel, name: string) {
    const ops: NetDeviceOps = {
      driver: 'spec',
      startXmit: (skb) => {
        if (this.busy) {
          this.dev.txStopped = true;
          return NETDEV_TX_BUSY;
        }
        this.sent.push({ time: spec.engine.now, bytes: skbBytes(skb) });
        skb.pool.release(skb);
        return NETDEV_TX_OK;
      },
    };
    this.dev = new NetDevice(spec.net, name, ops);
    devAddrSet(this.dev, Uint8Array.of(2, 0, 0, 0, 0, 1));
    registerNetdevice(this.dev);
    devOpen(this.dev);
  }
}

/** The numbers from `from` to `to`. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => (from + i) & 255);
}
