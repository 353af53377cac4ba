/** What unwinds the interpreter other than plain statuses. */

/**
 * A failed expansion or assignment; the message (without the `bash: line N:` prefix) is printed where it is caught.
 * `scope`: `command` fails one command, `discard` returns to the top level, `exit` ends a shell that is not interactive.
 */
export class ShellError extends Error {
  constructor(
    message: string,
    readonly status = 1,
    readonly scope: 'command' | 'discard' | 'exit' = 'discard',
  ) {
    super(message);
    this.name = 'ShellError';
  }
}

/** An arithmetic expression that cannot be evaluated; `text` is the whole expression. */
export class ArithError extends ShellError {
  constructor(
    readonly expression: string,
    readonly reason: string,
    readonly token: string,
  ) {
    super(
      token === ''
        ? `${expression}: ${reason}`
        : `${expression}: ${reason} (error token is "${token}")`,
    );
    this.name = 'ArithError';
  }
}

/** Control flow that leaves the current list: checked after every statement. */
export interface Unwind {
  readonly kind: 'break' | 'continue' | 'return' | 'exit' | 'interrupt';
  /** Loops left to leave. */
  levels: number;
}
