/**
 * What a server is told from outside: where it listens, where it keeps things, who may call it, how much it gives.
 *
 * Options of `startServer` win over the environment, which wins over the defaults. Sizes are bytes, times milliseconds.
 */
import { isIP } from 'node:net';

export interface Limits {
  /** A request's body. */
  readonly bodyBytes: number;
  readonly labs: number;
  readonly nodesPerLab: number;
  readonly linksPerLab: number;
  /** Running captures of a lab. */
  readonly capturesPerLab: number;
  /** One capture's file; the capture is stopped when it is reached. */
  readonly captureBytes: number;
  /** All capture files together. */
  readonly captureDiskBytes: number;
  readonly socketsPerLab: number;
  /** Commands whose answers are waited for. */
  readonly execsPerLab: number;
  /** Kept of a command's output. */
  readonly outputBytes: number;
  /** Of recorded inputs; a lab that has more is re-created instead of replayed after a restart. */
  readonly journalBytes: number;
  /** Heap of a lab's thread, and as much again for buffers (files, packets). */
  readonly labMemoryMb: number;
  /** Time that the commands of a new lab's topology may take. */
  readonly deployMs: number;
  /** Time that a lab's replay may take after a restart. */
  readonly restoreMs: number;
  /** Silence after which a lab's thread is taken for hung. */
  readonly unresponsiveMs: number;
}

const MIB = 2 ** 20;
const GIB = 2 ** 30;

export const DEFAULT_LIMITS: Limits = {
  bodyBytes: 16 * MIB,
  labs: 64,
  nodesPerLab: 4096,
  linksPerLab: 16384,
  capturesPerLab: 64,
  captureBytes: GIB,
  captureDiskBytes: 10 * GIB,
  socketsPerLab: 256,
  execsPerLab: 256,
  outputBytes: MIB,
  journalBytes: 64 * MIB,
  labMemoryMb: 2048,
  deployMs: 120_000,
  restoreMs: 60_000,
  unresponsiveMs: 60_000,
};

export type LogLevel = 'info' | 'warn' | 'error';
export type Log = (level: LogLevel, message: string) => void;

export interface ServerOptions {
  /** 0: any free port. Default 3000. */
  readonly port?: number;
  /** Default 127.0.0.1; any address that is not loopback needs a token. */
  readonly host?: string;
  /** Folder of the database and the captures, made if it is missing. Default `./data`. */
  readonly dataDir?: string;
  readonly token?: string;
  /** `postgres://…`; default an SQLite file in the data folder. */
  readonly databaseUrl?: string;
  /** Names this server where several share a database. */
  readonly serverId?: string;
  /** Further origins whose pages may call this server, such as `http://localhost:5173`. */
  readonly origins?: readonly string[];
  readonly limits?: Partial<Limits>;
  /** Default: warnings and errors to standard error. */
  readonly log?: Log;
}

export interface ServerConfig {
  readonly port: number;
  readonly host: string;
  readonly dataDir: string;
  readonly token: string | undefined;
  readonly databaseUrl: string | undefined;
  readonly serverId: string;
  readonly origins: readonly string[];
  readonly limits: Limits;
  readonly log: Log;
}

/** A setting that the server cannot start with. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

type Environment = Readonly<Record<string, string | undefined>>;

export function resolveConfig(
  options: ServerOptions,
  env: Environment = process.env,
): ServerConfig {
  const config: ServerConfig = {
    port: options.port ?? integer('NETLOOM_PORT', env) ?? 3000,
    host: options.host ?? text('NETLOOM_HOST', env) ?? '127.0.0.1',
    dataDir: options.dataDir ?? text('NETLOOM_DATA', env) ?? 'data',
    token: options.token ?? text('NETLOOM_TOKEN', env),
    databaseUrl:
      options.databaseUrl ?? text('NETLOOM_DATABASE_URL', env) ?? text('DATABASE_URL', env),
    serverId: options.serverId ?? text('NETLOOM_SERVER_ID', env) ?? 'main',
    origins:
      options.origins ??
      text('NETLOOM_ORIGINS', env)
        ?.split(',')
        .map((origin) => origin.trim()) ??
      [],
    limits: { ...DEFAULT_LIMITS, ...limitsFrom(env), ...options.limits },
    log: options.log ?? logToStderr,
  };
  if (config.port < 0 || config.port > 65535) throw new ConfigError(`${config.port} is no port`);
  if (config.token !== undefined && config.token.length < 8) {
    throw new ConfigError('the token must have at least 8 characters');
  }
  if (config.token === undefined && !isLoopback(config.host)) {
    throw new ConfigError(
      `listening on ${config.host} would let others in: set a token (--token or NETLOOM_TOKEN), or listen on 127.0.0.1`,
    );
  }
  if (config.databaseUrl !== undefined && !/^postgres(ql)?:\/\//.test(config.databaseUrl)) {
    throw new ConfigError('the database URL must begin with postgres://');
  }
  return config;
}

/** `NETLOOM_LIMIT_BODY_BYTES` sets `bodyBytes`, and so on. */
function limitsFrom(env: Environment): Partial<Limits> {
  const found = Object.keys(DEFAULT_LIMITS).flatMap((key) => {
    const name = `NETLOOM_LIMIT_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
    const value = integer(name, env);
    return value === undefined ? [] : [[key, value] as const];
  });
  return Object.fromEntries(found);
}

function text(name: string, env: Environment): string | undefined {
  const value = env[name];
  return value === undefined || value === '' ? undefined : value;
}

function integer(name: string, env: Environment): number | undefined {
  const value = text(name, env);
  if (value === undefined) return undefined;
  if (!/^\d{1,15}$/.test(value))
    throw new ConfigError(`${name} must be a whole number, is "${value}"`);
  return Number(value);
}

export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}

function logToStderr(level: LogLevel, message: string): void {
  if (level !== 'info') process.stderr.write(`${level}: ${message}\n`);
}
