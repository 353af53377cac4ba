/**
 * What all the programs of this library share: how one fails, and how a program is wrapped.
 *
 * A program's parser throws {@link CommandExit} with the text for standard error and the exit code; the wrapper writes
 * what was printed before it first, as an unbuffered terminal would show it.
 */
import { KernelError, strerror } from '@netloom/base';
import { printErr, type Program, type Sys } from '@netloom/sys';

/** Ends a program: `stderr` is printed as it is, then the program exits with `code`. */
export class CommandExit extends Error {
  constructor(
    readonly code: number,
    readonly stderr = '',
  ) {
    super(stderr);
    this.name = 'CommandExit';
  }
}

/** Wraps a program's body so that {@link CommandExit} becomes text and exit code. */
export function program(main: (sys: Sys) => Promise<number>): Program {
  return async (sys) => {
    try {
      return await main(sys);
    } catch (error) {
      if (!(error instanceof CommandExit)) throw error;
      await printErr(sys, error.stderr);
      return error.code;
    }
  };
}

/** The C library's text of a failed call. */
export function errorText(error: unknown): string {
  if (error instanceof KernelError) return strerror(error.errno);
  throw error;
}

/** The errno of a failed call; anything that is not a KernelError is our own fault and goes on. */
export function errnoOf(error: unknown): number {
  if (error instanceof KernelError) return error.errno;
  throw error;
}
