/**
 * Makes the drivers part of a kernel: one line a kind of link. A kind that follows other devices or has files of /proc
 * brings a function that registers all of it.
 */
import type { KernelModules } from '@netloom/kernel-core';
import { bondRegister } from './bond.js';
import { bridgeRegister } from './bridge.js';
import { dummyKind } from './dummy.js';
import { ifbKind } from './ifb.js';
import { ipvlanRegister } from './ipvlan.js';
import { loopbackNetInit } from './loopback.js';
import { macvlanRegister } from './macvlan.js';
import { vethKind } from './veth.js';
import { vlanRegister } from './vlan.js';
import { vrfRegister } from './vrf.js';

const DRIVERS: readonly ((modules: KernelModules) => void)[] = [
  (modules) => {
    modules.addPernet(loopbackNetInit);
  },
  (modules) => {
    modules.addLinkKind(vethKind);
  },
  (modules) => {
    modules.addLinkKind(dummyKind);
  },
  (modules) => {
    modules.addLinkKind(ifbKind);
  },
  bridgeRegister,
  vlanRegister,
  macvlanRegister,
  bondRegister,
  vrfRegister,
  ipvlanRegister,
];

/** Registers lo and every kind of virtual link; cards are put in by whoever builds the topology. */
export function registerDrivers(modules: KernelModules): void {
  for (const register of DRIVERS) register(modules);
}
