import type { ProgramSpec } from '@netloom/sys';
import { shellMain } from './shell-main.js';

export { shellMain } from './shell-main.js';

/** `bash`, and `sh` and `dash` as names of it that print dash's messages. */
export const shellPrograms: readonly ProgramSpec[] = [
  { paths: ['/usr/bin/bash'], main: shellMain },
  { paths: ['/usr/bin/dash', '/usr/bin/sh'], main: shellMain },
];
