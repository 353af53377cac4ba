/**
 * What processes and attachments of a lab say, on its way out: gathered for an `exec`, or sent on within a window.
 *
 * Lab → local-runner.ts → this → listeners of the runner. Bytes and frames that the consumer has not acknowledged are
 * bounded; what is over is dropped and counted.
 */
import { joinBytes } from './bytes.js';
import { LabError, type ExecResult, type LabMessage } from './port.js';

const DEFAULT_OUTPUT_LIMIT = 1 << 20;
const DEFAULT_OUTPUT_WINDOW = 1 << 20;
const FRAME_WINDOW = 4096;

/** Output of an `exec`, gathered until it ends. */
interface Collector {
  readonly stdout: Uint8Array[];
  readonly stderr: Uint8Array[];
  readonly limit: number;
  readonly kept: { stdout: number; stderr: number };
  truncated: boolean;
  readonly done: (result: ExecResult) => void;
  readonly fail: (error: Error) => void;
}

/** What a stream's consumer has not acknowledged. */
interface Window {
  readonly size: number;
  outstanding: number;
  lost: number;
  /** Called when the stream is over. */
  onEnd: (() => void) | undefined;
}

export class RunnerStreams {
  private readonly collectors = new Map<string, Collector>();
  private readonly windows = new Map<string, Window>();

  constructor(private readonly say: (message: LabMessage) => void) {}

  /** Gathers a process's output; the answer comes with its end. */
  collect(process: string, limit = DEFAULT_OUTPUT_LIMIT): Promise<ExecResult> {
    return new Promise((done, fail) => {
      const kept = { stdout: 0, stderr: 0 };
      this.collectors.set(process, {
        stdout: [],
        stderr: [],
        limit,
        kept,
        truncated: false,
        done,
        fail,
      });
    });
  }

  /** Sends a process's output on. */
  openProcess(process: string, windowBytes = DEFAULT_OUTPUT_WINDOW): void {
    this.windows.set(process, { size: windowBytes, outstanding: 0, lost: 0, onEnd: undefined });
  }

  openAttachment(attachment: string): void {
    this.windows.set(attachment, { size: FRAME_WINDOW, outstanding: 0, lost: 0, onEnd: undefined });
  }

  /** Calls back when the stream is over, at once where it is. */
  onEnd(stream: string, callback: () => void): void {
    const window = this.windows.get(stream);
    if (window === undefined) callback();
    else window.onEnd = callback;
  }

  close(stream: string): boolean {
    this.windows.get(stream)?.onEnd?.();
    return this.windows.delete(stream);
  }

  /** False where the stream is none of these. */
  acknowledge(stream: string, amount: number): boolean {
    const window = this.windows.get(stream);
    if (window === undefined) return false;
    window.outstanding = Math.max(0, window.outstanding - amount);
    return true;
  }

  /** Refuses every `exec` that is under way. */
  fail(message: string): void {
    for (const collector of this.collectors.values())
      collector.fail(new LabError('failed', message));
    this.collectors.clear();
  }

  /** A message of the lab: on its way out, or taken in here. */
  hear(message: LabMessage): void {
    if (message.type === 'output') this.output(message);
    else if (message.type === 'exit') this.exit(message);
    else if (message.type === 'frame') this.frame(message);
    else this.say(message);
  }

  private output(message: LabMessage & { readonly type: 'output' }): void {
    const { process, stream, data } = message;
    const collector = this.collectors.get(process);
    if (collector !== undefined) {
      const part = data.slice(0, Math.max(0, collector.limit - collector.kept[stream]));
      if (part.length < data.length) collector.truncated = true;
      if (part.length > 0) collector[stream].push(part);
      collector.kept[stream] += part.length;
      return;
    }
    const window = this.windows.get(process);
    if (window === undefined) return;
    const part = data.slice(0, Math.max(0, window.size - window.outstanding));
    if (part.length > 0) {
      window.outstanding += part.length;
      this.say({ ...message, data: part, lostBytes: window.lost });
      window.lost = 0;
    }
    window.lost += data.length - part.length;
  }

  private exit(message: LabMessage & { readonly type: 'exit' }): void {
    const { process, exitCode, virtualTimeNs } = message;
    const collector = this.collectors.get(process);
    if (collector === undefined) {
      if (this.close(process)) this.say(message);
      return;
    }
    this.collectors.delete(process);
    const { stdout, stderr, truncated } = collector;
    collector.done({
      exitCode,
      stdout: joinBytes(stdout),
      stderr: joinBytes(stderr),
      truncated,
      virtualTimeNs,
    });
  }

  private frame(message: LabMessage & { readonly type: 'frame' }): void {
    const window = this.windows.get(message.attachment);
    if (window === undefined) return;
    if (window.outstanding >= window.size) {
      window.lost++;
      return;
    }
    window.outstanding++;
    this.say({ ...message, lost: window.lost });
    window.lost = 0;
  }
}
