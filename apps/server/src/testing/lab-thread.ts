/** Real labs in real threads, for specs: a thread runs built JavaScript, so the workspace must have been built. */
import { existsSync } from 'node:fs';
import { WorkerRunnerFactory } from '../runner/worker-runner.js';

export const MAIN = new URL('../../dist/main.js', import.meta.url);
const ENTRY = new URL('../../dist/runner/lab-worker.js', import.meta.url);

export function threads(memoryMb = 1024): WorkerRunnerFactory {
  if (!existsSync(ENTRY)) throw new Error('build first: npm run build');
  return new WorkerRunnerFactory(memoryMb, ENTRY);
}
