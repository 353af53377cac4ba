/**
 * What runs in a lab's thread: the lab, its clock paced by this thread's wall clock, behind messages to the server.
 *
 * V8 ends the thread when its heap is full. Files and packets are in buffers outside of the heap, which nobody bounds:
 * this thread looks after them itself.
 */
import { setImmediate, setTimeout } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { createLabRunner, serveRunner } from '@netloom/lab';
import { OUT_OF_MEMORY, type LabWorkerData } from './worker-runner.js';
import { channelOf } from './worker-channel.js';

if (parentPort === null) throw new Error('this file is the entry of a worker thread');

const runner = createLabRunner({
  wall: {
    nowMs: () => performance.now(),
    sleep: (ms) => setTimeout(ms),
    drain: () => setImmediate(),
  },
});
serveRunner(channelOf(parentPort), runner);

const MEMORY_CHECK_MS = 200;
const { memoryMb } = workerData as LabWorkerData;

setInterval(() => {
  if (process.memoryUsage().external < memoryMb * 2 ** 20) return;
  throw Object.assign(new Error('buffers outside of the heap'), { code: OUT_OF_MEMORY });
}, MEMORY_CHECK_MS);
