/**
 * What all hosts of a lab share: protocols, drivers, programs, pseudo files. Built once by whoever makes a lab.
 */
import { KernelModules } from '@netloom/kernel-core';
import { registerDrivers } from '@netloom/kernel-drivers';
import { registerInet } from '@netloom/kernel-inet';
import { registerInet6, registerSockets6 } from '@netloom/kernel-inet6';
import { registerSched } from '@netloom/kernel-sched';
import { registerTcp } from '@netloom/kernel-tcp';
import { registerTunFile, registerTunnels } from '@netloom/kernel-tunnels';
import { createPseudoFs, ProgramTable, type PseudoFs } from '@netloom/kernel-tasks';
import type { ProgramSpec } from '@netloom/sys';
import { registerHostFiles } from './proc-host.js';
import { registerLinkEvents } from './link-events.js';
import { registerProcDrivers } from './proc-drivers.js';
import { registerProcMulticast } from './proc-multicast.js';
import { registerProcNet } from './proc-net.js';
import { registerProcNet6 } from './proc-net6.js';
import { registerProcSys } from './proc-sys.js';
import { registerRtnlInet } from './rtnl-inet.js';
import { registerUnix } from './unix-register.js';
import { registerSysClassNet } from './sys-class-net.js';

export interface HostEnvironment {
  readonly modules: KernelModules;
  readonly programs: ProgramTable;
  readonly pseudo: PseudoFs;
}

export interface KernelConfig {
  /** False: a kernel started with `ipv6.disable=1`, without AF_INET6. */
  readonly ipv6?: boolean;
}

/** Composes a kernel of everything there is, with these programs installed. */
export function createEnvironment(
  programs: readonly ProgramSpec[],
  { ipv6 = true }: KernelConfig = {},
): HostEnvironment {
  const modules = new KernelModules();
  registerInet(modules);
  registerRtnlInet(modules);
  if (ipv6) {
    registerInet6(modules);
    registerSockets6(modules);
  }
  registerTcp(modules);
  registerUnix(modules);
  registerDrivers(modules);
  registerSched(modules);
  registerTunnels(modules);
  registerLinkEvents(modules);
  const pseudo = createPseudoFs();
  registerTunFile(pseudo);
  registerProcNet(pseudo);
  if (ipv6) registerProcNet6(pseudo);
  registerProcMulticast(pseudo);
  registerProcSys(pseudo, modules);
  registerProcDrivers(pseudo, modules);
  registerSysClassNet(pseudo, modules);
  registerHostFiles(pseudo);
  return { modules, programs: new ProgramTable(programs), pseudo };
}
