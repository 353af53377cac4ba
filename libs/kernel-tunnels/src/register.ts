/**
 * Makes tunnels part of a kernel.
 */
import type { KernelModules } from '@netloom/kernel-core';
import { ipTunnelRegister } from './ip-tunnel-kinds.js';
import { tunKind } from './tun.js';
import { vxlanRegister } from './vxlan.js';

/** Registers VXLAN, GRE, IP in IP. */
export function registerTunnels(modules: KernelModules): void {
  vxlanRegister(modules);
  ipTunnelRegister(modules);
  modules.addLinkKind(tunKind);
}
