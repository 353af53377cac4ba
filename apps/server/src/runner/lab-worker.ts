/**
 * What runs in a lab's thread: the lab, its clock paced by this thread's wall clock, behind messages to the server.
 */
import { setImmediate, setTimeout } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import { createLabRunner, serveRunner } from '@netloom/lab';
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
