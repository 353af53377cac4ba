/** Makes the queueing disciplines part of a kernel. */
import type { KernelModules } from '@netloom/kernel-core';
import { bfifo, pfifo } from './fifo.js';
import { tbf } from './tbf.js';

export function registerSched(modules: KernelModules): void {
  for (const kind of [pfifo, bfifo, tbf]) modules.addQdiscKind(kind);
}
