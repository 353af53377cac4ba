/**
 * The two ways in which code below the applications fails.
 *
 * {@link KernelError} is what a system call returns to a program: an errno and, for netlink requests, the extended
 * acknowledgement text. {@link invariant} is for our own bugs and is never caught by a program.
 */
import { errnoName, strerror, type ErrnoName, Errno } from './errno.js';

/** A refused request: the errno a system call fails with, and netlink's extack text where there is one. */
export class KernelError extends Error {
  readonly errno: number;

  constructor(
    errno: number | ErrnoName,
    readonly extack?: string,
  ) {
    const number = typeof errno === 'number' ? errno : Errno[errno];
    super(extack ?? strerror(number));
    this.name = 'KernelError';
    this.errno = number;
  }

  /** The symbolic name, such as `EEXIST`. */
  get code(): string {
    return errnoName(this.errno) ?? `E${this.errno}`;
  }
}

/** A broken assumption of ours; carries whatever the caller says of time and host. */
export class InvariantError extends Error {
  constructor(message: string) {
    super(`invariant failed: ${message}`);
    this.name = 'InvariantError';
  }
}

/** Fails loudly where `condition` does not hold. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** For the `default` branch of an exhaustive switch. */
export function assertNever(value: never): never {
  throw new InvariantError(`unexpected value ${String(value)}`);
}
