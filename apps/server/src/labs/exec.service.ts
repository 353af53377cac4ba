/**
 * Runs a command in a node and answers with what it said.
 *
 * What is over the limit is acknowledged and thrown away; below it nothing is, so that all of it fits the process's
 * window at once. A caller who goes away hangs the command up, as a lost login does.
 */
import { Inject, Injectable } from '@nestjs/common';
import { LabError, type LabMessage } from '@netloom/lab';
import type { Socket } from 'node:net';
import type { ServerConfig } from '../config.js';
import { limitReached } from '../http/problem.js';
import type { ExecBody } from '../http/schemas.js';
import { CONFIG } from '../tokens.js';
import { LabRegistry } from './lab-registry.js';
import type { LabSession } from './lab-session.js';
import { SIGHUP } from './restore.js';

/** Room for what a command says at once beyond the limit, so that it is seen to be too much. */
const WINDOW_SLACK_BYTES = 4 * 2 ** 20;

export interface ExecOutcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Virtual nanoseconds since the lab began. */
  readonly virtualTime: number;
  readonly truncated: boolean;
}

@Injectable()
export class ExecService {
  constructor(
    @Inject(LabRegistry) private readonly registry: LabRegistry,
    @Inject(CONFIG) private readonly config: ServerConfig,
  ) {}

  async exec(lab: string, node: string, body: ExecBody, caller: Socket): Promise<ExecOutcome> {
    const session = this.registry.get(lab);
    const { execsPerLab, outputBytes } = this.config.limits;
    if (session.execs >= execsPerLab)
      throw limitReached(`A lab runs at most ${execsPerLab} awaited commands at a time.`);
    session.execs++;
    try {
      const outcome = await this.run(session, node, body, outputBytes, caller);
      await session.journal?.commit(outcome.virtualTime);
      return outcome;
    } finally {
      session.execs--;
    }
  }

  private async run(
    session: LabSession,
    node: string,
    body: ExecBody,
    limit: number,
    caller: Socket,
  ): Promise<ExecOutcome> {
    const runner = await session.running();
    const output = new Output(limit);
    const ended = deferred<ExecOutcome>();
    const removeEnd = session.onEnd((reason) => ended.reject(new LabError('failed', reason)));
    const onMessage = (message: LabMessage): void => {
      if (message.type === 'output') {
        const excess = output.take(message.stream, message.data, message.lostBytes);
        if (excess > 0) runner.ack(message.process, excess);
      } else if (message.type === 'exit') {
        ended.resolve({
          exitCode: message.exitCode,
          ...output.text(),
          virtualTime: message.virtualTimeNs,
        });
      }
    };
    const request = {
      node,
      command: body.command,
      windowBytes: limit + WINDOW_SLACK_BYTES,
      ...(body.timeout === undefined ? {} : { timeoutNs: body.timeout }),
      ...(body.env === undefined ? {} : { env: body.env }),
      ...(body.stdin === undefined ? {} : { stdin: true }),
    };
    let process: string | undefined;
    const hangUp = (): void => {
      if (process !== undefined) runner.signal(process, SIGHUP).catch(() => undefined); // the lab may be gone with it
    };
    caller.once('close', hangUp);
    try {
      ({ process } = await session.open(
        (lab) => lab.start(request),
        (answer) => answer.process,
        onMessage,
      ));
      if (caller.destroyed) hangUp();
      if (body.stdin !== undefined) {
        await runner.writeStdin(process, new TextEncoder().encode(body.stdin));
        await runner.closeStdin(process);
      }
      return await ended.promise;
    } finally {
      caller.removeListener('close', hangUp);
      removeEnd();
      if (process !== undefined) session.release(process);
    }
  }
}

/** The first bytes of both streams, up to a limit. */
class Output {
  private readonly kept = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  private size = 0;
  private truncated = false;

  constructor(private readonly limit: number) {}

  /** Returns how many of the bytes were not kept. */
  take(stream: 'stdout' | 'stderr', data: Uint8Array, lostBytes: number): number {
    const part = data.subarray(0, Math.max(0, this.limit - this.size));
    if (part.byteLength > 0) this.kept[stream].push(part);
    this.size += part.byteLength;
    const excess = data.byteLength - part.byteLength;
    this.truncated ||= excess > 0 || lostBytes > 0;
    return excess;
  }

  text(): { stdout: string; stderr: string; truncated: boolean } {
    const joined = (chunks: readonly Uint8Array[]): string =>
      Buffer.concat(chunks).toString('utf8');
    return {
      stdout: joined(this.kept.stdout),
      stderr: joined(this.kept.stderr),
      truncated: this.truncated,
    };
  }
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  promise.catch(() => undefined); // whoever awaits it hears of it; nobody may
  return { promise, resolve, reject };
}
