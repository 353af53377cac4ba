/**
 * /proc/net directories that drivers bring: /proc/net/vlan, /proc/net/bonding … for the namespace of whoever reads.
 */
import type { KernelModules } from '@netloom/kernel-core';
import { pseudoFile, type PseudoFs } from '@netloom/kernel-tasks';
import { netOf } from './host.js';

/** Registers what the drivers have put into the kernel's table. */
export function registerProcDrivers(pseudo: PseudoFs, modules: KernelModules): void {
  for (const [name, files] of modules.procNetDirs) {
    pseudo.registerDir(`/proc/net/${name}`, {
      list: (task) => files.list(netOf(task)),
      lookup: (task, file) =>
        files.read(netOf(task), file) === undefined
          ? undefined
          : pseudoFile({ read: (reader) => files.read(netOf(reader), file) ?? '' }),
    });
  }
}
