/**
 * For this package's specs: kernels with the drivers in them, cards, frames with a number in them, and what arrives.
 */
import { Engine } from '@netloom/engine';
import {
  devOpen,
  Kernel,
  KernelModules,
  LL_MAX_HEADER,
  SkbPool,
  skbBytes,
  skbPut,
  Tracepoints,
  devQueueXmit,
  dropReasonName,
  type Net,
  type NetDevice,
  type SkBuff,
} from '@netloom/kernel-core';
import { ETH_HLEN, PacketMemory } from '@netloom/wire';
import { nicCreate, type Nic } from './nic.js';
import { registerDrivers } from './register.js';

/** Ethertype of the specs' frames: taken by a handler that notes them. */
export const SPEC_PROTO = 0x88b5;

export interface Arrival {
  readonly time: number;
  readonly dev: string;
  readonly id: number;
  readonly bytes: Uint8Array;
}

export class SpecWorld {
  readonly engine: Engine;
  readonly memory = new PacketMemory(32 * 1024 * 1024);
  readonly pool = new SkbPool(this.memory);
  readonly modules = new KernelModules();
  readonly trace = new Tracepoints();
  readonly arrivals: Arrival[] = [];
  /** Reasons of drops, in order. */
  readonly drops: string[] = [];
  private hosts = 0;

  constructor(seed = 1) {
    this.engine = new Engine({ seed });
    registerDrivers(this.modules);
    this.modules.addPacketHandler(SPEC_PROTO, (skb, dev) => {
      this.arrivals.push({
        time: this.engine.now,
        dev: dev.name,
        id: skb.mem.dv.getUint32(skb.data),
        bytes: skbBytes(skb),
      });
      skb.pool.release(skb);
    });
    this.trace.kfreeSkb = (_kernel, _skb, reason) => this.drops.push(dropReasonName(reason));
  }

  kernel(name: string): Kernel {
    const hostId = ++this.hosts;
    const kernel = new Kernel({
      engine: this.engine,
      pool: this.pool,
      modules: this.modules,
      trace: this.trace,
      hostname: name,
      hostId,
    });
    devOpen(kernel.initNet.loopback);
    return kernel;
  }

  nic(net: Net, name: string, lastByte: number, mtu = 1500): Nic {
    const nic = nicCreate(net, name, address(lastByte), mtu);
    devOpen(nic.dev);
    return nic;
  }

  /** A frame of `length` bytes in all, with `id` behind the Ethernet header. */
  frame(dst: Uint8Array, src: Uint8Array, id: number, length = 64): SkBuff {
    const skb = this.pool.alloc(length, LL_MAX_HEADER);
    if (skb === null) throw new Error('packet memory is full');
    const o = skbPut(skb, length);
    this.memory.u8.fill(0, o, o + length);
    this.memory.u8.set(dst, o);
    this.memory.u8.set(src, o + 6);
    this.memory.dv.setUint16(o + 12, SPEC_PROTO);
    if (length >= ETH_HLEN + 4) this.memory.dv.setUint32(o + ETH_HLEN, id);
    skb.protocol = SPEC_PROTO;
    return skb;
  }

  send(dev: NetDevice, dst: Uint8Array, id: number, length = 64): void {
    const skb = this.frame(dst, dev.address, id, length);
    skb.dev = dev;
    devQueueXmit(skb);
  }

  advance(ns: number): void {
    this.engine.advance(this.engine.now + ns);
  }

  /** Ids that arrived, with the device's name before them where there are several. */
  take(): string[] {
    return this.arrivals.splice(0).map(({ dev, id }) => `${dev}:${id}`);
  }

  expectNothingLeft(): void {
    expect(this.pool.live).toBe(0);
    expect(this.memory.inUse).toEqual({ small: 0, large: 0 });
  }
}

/** 02:00:00:00:00:XX. */
export function address(lastByte: number): Uint8Array {
  return Uint8Array.of(2, 0, 0, 0, 0, lastByte);
}

export const EVERYONE = Uint8Array.of(255, 255, 255, 255, 255, 255);
