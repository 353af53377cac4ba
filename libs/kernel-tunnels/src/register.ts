/**
 * Makes tunnels part of a kernel.
 */
import type { KernelModules } from '@netloom/kernel-core';
import { geneveRegister } from './geneve.js';
import { ip6TunnelRegister } from './ip6-tunnel.js';
import { ipTunnelRegister } from './ip-tunnel-kinds.js';
import { tunKind } from './tun.js';
import { vxlanRegister } from './vxlan.js';

/** Registers VXLAN, GENEVE, GRE, IP in IP, tun and tap. */
export function registerTunnels(modules: KernelModules): void {
  vxlanRegister(modules);
  geneveRegister(modules);
  ipTunnelRegister(modules);
  ip6TunnelRegister(modules);
  modules.addLinkKind(tunKind);
}
