/** A line for the shell and what bash does with it. */
export interface BashCase {
  readonly line: string;
  readonly out: string;
  /** Standard error; empty where absent. Process ids in it read PID. */
  readonly err?: string;
  /** Exit status; 0 where absent. */
  readonly status?: number;
}
