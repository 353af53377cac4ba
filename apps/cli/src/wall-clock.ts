/** Node's clock and event loop, as a lab wants them. */
import type { WallClock } from '@netloom/lab';

export const nodeWallClock: WallClock = {
  nowMs: () => performance.now(),
  sleep: (ms) => new Promise((done) => void setTimeout(done, ms)),
  drain: () => new Promise((done) => void setImmediate(done)),
};
