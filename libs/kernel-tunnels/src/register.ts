/**
 * Makes tunnels part of a kernel.
 */
import type { KernelModules } from '@netloom/kernel-core';
import { vxlanRegister } from './vxlan.js';

/** Registers VXLAN. */
export function registerTunnels(modules: KernelModules): void {
  vxlanRegister(modules);
}
