/**
 * Starts a server in this process and says where it is.
 *
 * Used by main.ts, the command line's `serve`, and tests. Order at the end: no new requests, sockets told, captures
 * closed, journals and times on disk, threads ended, database closed.
 */
import 'reflect-metadata';
import { mkdir } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import type { LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from './http/express.js';
import type { DataSource } from 'typeorm';
import { AppModule } from './app.module.js';
import { CapturesService } from './captures/captures.service.js';
import {
  ConfigError,
  resolveConfig,
  type Log,
  type ServerConfig,
  type ServerOptions,
} from './config.js';
import { useBodies } from './http/body.js';
import { serveOpenApi } from './http/openapi.js';
import { authorise, setSecurityHeaders } from './http/security.js';
import { validationPipe } from './http/validation.pipe.js';
import { LabRegistry } from './labs/lab-registry.js';
import { MetricsService } from './ops/metrics.service.js';
import type { RunnerFactory } from './runner/runner-factory.js';
import { WorkerRunnerFactory } from './runner/worker-runner.js';
import { SocketRouter } from './sockets/socket-router.js';
import { openDatabase } from './store/data-source.js';
import { lockFolder } from './store/folder-lock.js';
import { messageOf } from './thrown.js';

export interface RunningServer {
  /** Such as `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

const CLOSE_MS = 2000;

/** Refuses with {@link ConfigError} what cannot work: a bad setting, a port in use, a folder that cannot be written. */
export async function startServer(
  options: ServerOptions = {},
  runners?: RunnerFactory,
): Promise<RunningServer> {
  // Lets the compiler join the packet path's many small functions: docs/decisions/0008-packet-path.md.
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=3000');
  // What a lab is built of lives long: it is not to be copied from one small semi-space to the next larger one.
  setFlagsFromString('--min-semi-space-size=32');
  const config = resolveConfig(options);
  let isUp = false;
  const { database, release } = await prepare(config);
  const app = await NestFactory.create<NestExpressApplication>(
    AppModule.of(config, database, runners ?? new WorkerRunnerFactory(config.limits.labMemoryMb)),
    { bodyParser: false, logger: nestLogger(config.log, () => isUp), abortOnError: false },
  );
  configure(app, config);
  try {
    await app.listen(config.port, config.host);
  } catch (error) {
    await app.get(LabRegistry).close();
    await release();
    throw isSystemError(error)
      ? new ConfigError(`cannot listen on ${config.host}:${config.port}: ${error.message}`)
      : error;
  }
  isUp = true;
  const server = app.getHttpServer() as Server;
  app.get(SocketRouter).attach(server);
  const { port } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  return {
    url: `http://${urlHost(config.host)}:${port}`,
    port,
    close: () => (closing ??= close(app, server, release)),
  };
}

/** The database, and what closes it and lets the next server in. */
interface Prepared {
  readonly database: DataSource;
  readonly release: () => Promise<void>;
}

async function prepare(config: ServerConfig): Promise<Prepared> {
  let unlock = (): void => undefined;
  try {
    await mkdir(config.dataDir, { recursive: true });
    if (config.databaseUrl === undefined) unlock = lockFolder(config.dataDir);
    const database = await openDatabase(config);
    const release = async (): Promise<void> => {
      await database.destroy();
      unlock();
    };
    return { database, release };
  } catch (error) {
    unlock();
    const where = config.databaseUrl === undefined ? `in ${config.dataDir}` : 'at the given URL';
    throw new ConfigError(`cannot open the database ${where}: ${messageOf(error)}`);
  }
}

function configure(app: NestExpressApplication, config: ServerConfig): void {
  app.disable('x-powered-by');
  app.use(app.get(MetricsService).observe);
  app.use((request: Request, response: Response, next: NextFunction) => {
    setSecurityHeaders(response, request.path);
    next();
  });
  if (config.origins.length > 0)
    app.enableCors({ origin: [...config.origins], exposedHeaders: ['Location'] });
  app.use((request: Request, _response: Response, next: NextFunction) => {
    authorise(config, request, request.path);
    next();
  });
  useBodies(app, config.limits.bodyBytes);
  app.useGlobalPipes(validationPipe());
  serveOpenApi(app);
}

async function close(
  app: NestExpressApplication,
  server: Server,
  release: () => Promise<void>,
): Promise<void> {
  const sockets = app.get(SocketRouter);
  sockets.close();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  await app.get(CapturesService).close(); // ends the streams that follow captures, too
  await app.get(LabRegistry).close(); // refuses the calls that requests still wait for
  const impatience = setTimeout(() => {
    sockets.terminate();
    server.closeAllConnections();
  }, CLOSE_MS);
  await closed;
  clearTimeout(impatience);
  await app.close();
  await release();
}

/** A wildcard address is no address to go to. */
function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host.replace(/^\[|\]$/g, '')}]` : host;
}

function isSystemError(error: unknown): error is Error {
  return typeof error === 'object' && error !== null && 'syscall' in error;
}

/** Nest's own chatter is of no use to who runs a server; its errors are, but those of starting are thrown, too. */
function nestLogger(log: Log, isUp: () => boolean): LoggerService {
  return {
    log: () => undefined,
    warn: (message: unknown) => log('warn', String(message)),
    error: (message: unknown) => {
      if (isUp()) log('error', String(message));
    },
  };
}
