/**
 * A lab in a thread of its own: `LabRunner` over messages, with a bounded heap.
 *
 * Caller: LabRegistry → WorkerRunnerFactory → Worker(lab-worker.js) → the Lab. A thread that runs out of memory or dies
 * of an error of its own takes no other lab with it: its calls are refused with the reason, and the lab is `failed`.
 */
import { Worker } from 'node:worker_threads';
import { connectRunner } from '@netloom/lab';
import { channelOf } from './worker-channel.js';
import type { OwnedRunner, RunnerFactory } from './runner-factory.js';
import { codeOf, messageOf } from '../thrown.js';

/** Young generation = three semi-spaces; 64 MB ones keep packets' short-lived objects out of the old generation. */
const YOUNG_GENERATION_MB = 3 * 64;

/** What V8 says when a thread's heap is full; a lab says the same of its buffers. */
export const OUT_OF_MEMORY = 'ERR_WORKER_OUT_OF_MEMORY';

export interface LabWorkerData {
  readonly memoryMb: number;
}

export class WorkerRunnerFactory implements RunnerFactory {
  constructor(
    private readonly memoryMb: number,
    private readonly entry: URL = new URL('./lab-worker.js', import.meta.url),
  ) {}

  open(labId: string): OwnedRunner {
    const worker = new Worker(this.entry, {
      name: `lab ${labId}`,
      workerData: { memoryMb: this.memoryMb } satisfies LabWorkerData,
      // Nothing of the server's environment or arguments belongs in a lab.
      env: {},
      argv: [],
      execArgv: [],
      resourceLimits: {
        maxOldGenerationSizeMb: this.memoryMb,
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
      },
    });
    const runner = connectRunner(channelOf(worker));
    worker.on('error', (error) => runner.fail(this.reason(error)));
    worker.on('exit', (code) => runner.fail(`the lab's thread has ended (code ${code})`));
    return {
      runner,
      fail: (message) => runner.fail(message),
      terminate: async () => {
        await worker.terminate();
      },
    };
  }

  private reason(error: unknown): string {
    if (codeOf(error) === OUT_OF_MEMORY) {
      return `the lab needed more than its memory limit of ${this.memoryMb} MiB and was stopped`;
    }
    return `the lab died of an error: ${messageOf(error)}`;
  }
}
