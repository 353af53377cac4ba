/** Where labs run: a factory gives one runner a lab, and the means to be rid of it. */
import type { LabRunner } from '@netloom/lab';

export interface OwnedRunner {
  readonly runner: LabRunner;
  /** Every call that is under way, and every later one, is refused with this message. */
  fail(message: string): void;
  /** Ends it at once, whatever it is doing. */
  terminate(): Promise<void>;
}

export interface RunnerFactory {
  open(labId: string): OwnedRunner;
}
