/** `node dist/main.js [--port N] [--host ADDRESS] [--data FOLDER] [--token TEXT]`: the server until it is told to end. */
import { parseArgs } from 'node:util';
import { ConfigError, type ServerOptions } from './config.js';
import { startServer } from './start-server.js';

const HELP = `Usage: node apps/server/dist/main.js [OPTIONS]

  --port N        port to listen on (3000; 0: any free one)
  --host ADDRESS  address to listen on (127.0.0.1); any other needs a token
  --data FOLDER   folder of database and captures (./data)
  --token TEXT    what callers must send as "Authorization: Bearer TEXT"

Environment: NETLOOM_PORT, NETLOOM_HOST, NETLOOM_DATA, NETLOOM_TOKEN, NETLOOM_DATABASE_URL (postgres://…),
NETLOOM_ORIGINS, and limits such as NETLOOM_LIMIT_BODY_BYTES (see apps/server/README.md).
`;

function readOptions(): ServerOptions | undefined {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      host: { type: 'string' },
      data: { type: 'string' },
      token: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) return undefined;
  if (values.port !== undefined && !/^\d{1,5}$/.test(values.port))
    throw new ConfigError(`"${values.port}" is no port`);
  return {
    ...(values.port === undefined ? {} : { port: Number(values.port) }),
    ...(values.host === undefined ? {} : { host: values.host }),
    ...(values.data === undefined ? {} : { dataDir: values.data }),
    ...(values.token === undefined ? {} : { token: values.token }),
  };
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options === undefined) {
    process.stdout.write(HELP);
    return;
  }
  const server = await startServer(options);
  process.stdout.write(
    `netloom: listening on ${server.url}\nnetloom: API documentation at ${server.url}/api/docs\n`,
  );
  const end = (): void => {
    process.stdout.write('netloom: shutting down\n');
    server.close().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
}

function fail(error: unknown): void {
  const message =
    error instanceof ConfigError
      ? error.message
      : error instanceof Error
        ? error.stack
        : String(error);
  process.stderr.write(`netloom: ${message}\n`);
  process.exit(1);
}

main().catch(fail);
