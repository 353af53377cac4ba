export {
  ConfigError,
  DEFAULT_LIMITS,
  type Limits,
  type Log,
  type LogLevel,
  type ServerOptions,
} from './config.js';
export { startServer, type RunningServer } from './start-server.js';
export type { OwnedRunner, RunnerFactory } from './runner/runner-factory.js';
