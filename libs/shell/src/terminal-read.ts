/**
 * Reads that Ctrl-C can cut short.
 *
 * A blocked system call is not interrupted by a handler here, so an interrupted read stays outstanding and is handed to
 * whoever reads that descriptor next.
 */
import type { Shell } from './shell.js';

/** Like `sys.read`, but undefined when SIGINT comes first (interactive shells only). */
export async function interruptibleRead(
  sh: Shell,
  fd: number,
  count: number,
): Promise<Uint8Array | undefined> {
  const waiting = sh.orphanReads.get(fd);
  sh.orphanReads.delete(fd);
  const reading = waiting ?? sh.sys.read(fd, count);
  if (!sh.interactive) return reading;
  const arrival = sh.traps.arrival();
  const first = await Promise.race([reading, arrival.promise.then(() => undefined)]);
  arrival.cancel();
  if (first === undefined) sh.orphanReads.set(fd, reading);
  return first;
}

/** One byte from the terminal; undefined at end of file. Signals do not disturb it. */
export async function readTerminalByte(sh: Shell): Promise<number | undefined> {
  for (;;) {
    const chunk = await interruptibleRead(sh, 0, 1);
    if (chunk !== undefined) return chunk[0];
  }
}
