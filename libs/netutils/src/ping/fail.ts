/**
 * How `ping` gives up before it has sent anything.
 */
import { strerror } from '@netloom/base';
import { CommandExit, errnoOf } from '../command.js';

export function fail(message: string): CommandExit {
  return new CommandExit(2, `ping: ${message}\n`);
}

/** Runs a call of the set-up, naming it in the complaint. */
export function attempt<T>(what: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw fail(`${what}: ${strerror(errnoOf(error))}`);
  }
}
