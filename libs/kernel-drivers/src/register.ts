/**
 * Makes the drivers part of a kernel.
 */
import type { KernelModules } from '@netloom/kernel-core';
import { bridgeRegister } from './bridge.js';
import { dummyKind } from './dummy.js';
import { loopbackNetInit } from './loopback.js';
import { vethKind } from './veth.js';

/** Registers lo, veth, bridge and dummy; cards are put in by whoever builds the topology. */
export function registerDrivers(modules: KernelModules): void {
  modules.addPernet(loopbackNetInit);
  modules.addLinkKind(vethKind);
  modules.addLinkKind(dummyKind);
  bridgeRegister(modules);
}
