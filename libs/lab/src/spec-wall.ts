/** The real clock and event loop, for specs. */
import type { WallClock } from './pacer.js';

declare function setImmediate(fn: () => void): unknown;
declare function setTimeout(fn: () => void, ms: number): unknown;
declare const performance: { now(): number };

export const specWall: WallClock = {
  nowMs: () => performance.now(),
  sleep: (ms) => new Promise((done) => void setTimeout(done, ms)),
  drain: () => new Promise((done) => void setImmediate(done)),
};
