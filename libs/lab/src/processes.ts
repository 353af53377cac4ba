/**
 * Commands that somebody outside starts on a node: streams, terminals, timeouts, exit codes.
 *
 * Lab → this → TaskHost.run. A process has a session of its own; signals go to its whole group. Everything that it says
 * arrives in virtual time, in the order in which it was written.
 */
import { KernelError } from '@netloom/base';
import { InputStream, type Pty, type RunHandle, type TaskHost } from '@netloom/kernel-tasks';
import { Signal, type WaitStatus } from '@netloom/sys';
import { LabError, type StartRequest } from './port.js';

export const SHELL = '/bin/bash';
/** Exit code of a command that its timeout ended, as timeout(1) has it. */
export const EXIT_TIMEOUT = 124;

export type ProcessOutput = (stream: 'stdout' | 'stderr', data: Uint8Array) => void;

export interface ProcessOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly onOutput: ProcessOutput;
  readonly onExit: (exitCode: number) => void;
}

/** Exit code as a shell reports it. */
export function exitCodeOf(status: WaitStatus): number {
  return status.kind === 'exit' ? status.value : 128 + status.value;
}

export class NodeProcess {
  exitCode: number | undefined;
  private readonly handle: RunHandle;
  private readonly input: InputStream | undefined;
  private pty: Pty | undefined;
  private timedOut = false;

  constructor(
    host: TaskHost,
    readonly request: StartRequest & { readonly input?: Uint8Array },
    options: ProcessOptions,
  ) {
    const { command, tty, stdin, input, timeoutNs } = request;
    const argv = command === undefined ? ['bash', '-i'] : ['bash', '-c', command];
    const env = { ...options.env, ...request.env };
    const onStdout = (data: Uint8Array): void => options.onOutput('stdout', data);
    try {
      if (tty !== undefined) {
        this.pty = host.openPty({ size: tty, onOutput: onStdout });
        this.handle = host.run(SHELL, argv, { env, pty: this.pty });
      } else {
        if (stdin === true || input !== undefined) this.input = new InputStream();
        if (input !== undefined) {
          this.input?.write(input);
          if (stdin !== true) this.input?.end();
        }
        this.handle = host.run(SHELL, command === undefined ? ['bash'] : argv, {
          env,
          onStdout,
          onStderr: (data) => options.onOutput('stderr', data),
          ...(this.input === undefined ? {} : { stdin: this.input }),
        });
      }
    } catch (error) {
      this.closePty();
      if (error instanceof KernelError) throw new LabError('failed', `${SHELL}: ${error.message}`);
      throw error;
    }
    if (timeoutNs !== undefined) host.engine.after(timeoutNs, expire, this);
    void this.handle.exit.then((status) => {
      this.exitCode = this.timedOut ? EXIT_TIMEOUT : exitCodeOf(status);
      this.closePty();
      options.onExit(this.exitCode);
    });
  }

  get ended(): boolean {
    return this.exitCode !== undefined;
  }

  write(data: Uint8Array): void {
    if (this.ended) return;
    if (this.pty !== undefined) this.pty.input(data);
    else this.input?.write(data);
  }

  /** End of file; a terminal goes away. */
  end(): void {
    if (this.ended) return;
    if (this.pty !== undefined) this.closePty();
    else this.input?.end();
  }

  /** Once: its number may already belong to another terminal. */
  private closePty(): void {
    this.pty?.close();
    this.pty = undefined;
  }

  signal(signal: number): void {
    if (!this.ended) this.handle.killGroup(signal);
  }

  resize(rows: number, cols: number): void {
    if (!this.ended) this.pty?.resize({ rows, cols });
  }

  /** @internal the timeout is over */
  expire(): void {
    if (this.ended) return;
    this.timedOut = true;
    this.handle.killGroup(Signal.SIGKILL);
    this.handle.kill(Signal.SIGKILL);
  }
}

function expire(process: NodeProcess): void {
  process.expire();
}
