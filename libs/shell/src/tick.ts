/** What a command of the shell costs: virtual CPU time, so that a spinning loop moves the clock and lets others run. */
import type { Shell } from './shell.js';

const COMMAND_NS = 1000;

export function tick(sh: Shell): Promise<void> {
  sh.cpuNs += COMMAND_NS;
  return sh.sys.cpu(COMMAND_NS);
}
