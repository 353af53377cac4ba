export { Engine, type Drain, type EngineOptions } from './engine.js';
export { Fingerprint } from './fingerprint.js';
export { Timer } from './timer.js';
export { TimingWheel, type EventFn } from './timing-wheel.js';
