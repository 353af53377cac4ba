import type { Engine } from '@netloom/engine';
import type { Tracepoints } from '@netloom/kernel-core';
import type { Hardware } from './hardware.js';
import { LabError } from './port.js';

export function createHardware(_engine: Engine, _trace: Tracepoints): Hardware {
  throw new LabError('unsupported', 'no hosts yet');
}
