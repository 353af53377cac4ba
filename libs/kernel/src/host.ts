/**
 * One simulated Linux host: a kernel, its processes and files, and the system calls that join them.
 */
import type { Engine } from '@netloom/engine';
import {
  devOpen,
  Kernel,
  type Net,
  type SkbPool,
  type Tracepoints,
  devChangeNetNamespace,
  unregisterNetdevice,
} from '@netloom/kernel-core';
import { nicCreate, nicRemove, type Nic } from '@netloom/kernel-drivers';
import { joinSys, TaskHost, type NetOps, type Task } from '@netloom/kernel-tasks';
import type { HostEnvironment } from './environment.js';
import { netCalls } from './net-calls.js';

export interface HostOptions {
  readonly environment: HostEnvironment;
  readonly engine: Engine;
  readonly pool: SkbPool;
  readonly trace: Tracepoints;
  readonly name: string;
  /** A small integer of its own, in the order of creation. */
  readonly index: number;
  readonly cpus?: number;
  /** Calendar time of virtual time zero, seconds since 1970. */
  readonly bootTimeSec: number;
  /** Exceptions of programs that are our own bugs. */
  readonly onBug?: (error: unknown, task: Task) => void;
}

export class Host {
  readonly kernel: Kernel;
  readonly tasks: TaskHost;
  readonly name: string;
  readonly index: number;
  private socketInos = 20000;
  private readonly netRefs = new Map<Net, number>();

  constructor(options: HostOptions) {
    const { environment, engine, name } = options;
    this.name = name;
    this.index = options.index;
    const cpus = options.cpus ?? 1;
    this.kernel = new Kernel({
      engine,
      pool: options.pool,
      modules: environment.modules,
      trace: options.trace,
      hostname: name,
      hostId: options.index,
      cpus,
    });
    devOpen(this.kernel.initNet.loopback);
    this.tasks = new TaskHost({
      engine,
      hostname: name,
      bootTimeSec: options.bootTimeSec,
      random: this.kernel.random('user'),
      nprocs: cpus,
      programs: environment.programs,
      pseudo: environment.pseudo,
      net: this.kernel.initNet,
      netOps: this.netOps(),
      owner: this,
      extendSys: (task, base) => joinSys(base, netCalls(this, task.context)),
      ...(options.onBug !== undefined ? { onBug: options.onBug } : {}),
    });
  }

  /** Namespaces live as long as a process, a descriptor, a mount or a socket refers to them. */
  private netOps(): NetOps {
    return {
      ino: (ns) => (ns as Net).inum,
      hold: (ns) => {
        this.netRefs.set(ns as Net, (this.netRefs.get(ns as Net) ?? 0) + 1);
      },
      release: (ns) => {
        const net = ns as Net;
        const left = (this.netRefs.get(net) ?? 1) - 1;
        this.netRefs.set(net, left);
        if (left <= 0 && net !== this.kernel.initNet) this.destroyNet(net);
      },
    };
  }

  /** Cards go back to the first namespace, virtual devices go. @kernel default_device_exit_batch() */
  private destroyNet(net: Net): void {
    this.netRefs.delete(net);
    for (const dev of [...net.devices].reverse()) {
      if (!dev.registered || dev === net.loopback) continue;
      if (dev.ops.kind === undefined) {
        const clash = this.kernel.initNet.devByName(dev.name) !== undefined;
        devChangeNetNamespace(dev, this.kernel.initNet, clash ? `dev${dev.ifindex}` : undefined);
      } else {
        unregisterNetdevice(dev);
      }
    }
    this.kernel.destroyNet(net);
  }

  /** Puts a card into the first namespace, down and without a wire. @errno EEXIST, EINVAL */
  addNic(name: string, options: { readonly mac: Uint8Array; readonly mtu: number }): Nic {
    return nicCreate(this.kernel.initNet, name, options.mac, options.mtu);
  }

  removeNic(nic: Nic): void {
    nicRemove(nic);
  }

  /** @internal */
  nextSocketIno(): number {
    return this.socketInos++;
  }

  /** Ends every process. */
  shutdown(): void {
    this.tasks.killAll();
  }
}

/** The host that a task runs on. */
export function hostOf(task: Task): Host {
  return task.host.owner as Host;
}

/** The namespace that a task is in. */
export function netOf(task: Task): Net {
  return task.net as Net;
}
