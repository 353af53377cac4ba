/** `netloom serve`: the server in this process, until it is told to end. */
import type { Output } from './command-test.js';

export interface ServeOptions {
  readonly port?: number;
  readonly host?: string;
  readonly data?: string;
  readonly token?: string;
  readonly json?: boolean;
}

/** What this command needs of the server package, which is loaded only when it is asked for. */
interface ServerModule {
  startServer(options: {
    readonly port?: number;
    readonly host?: string;
    readonly dataDir?: string;
    readonly token?: string;
  }): Promise<{ readonly url: string; close(): Promise<void> }>;
}

export async function serveCommand(options: ServeOptions, output: Output): Promise<number> {
  const name = '@netloom/server';
  const { startServer } = (await import(name)) as ServerModule;
  const { port, host, data, token } = options;
  const server = await startServer({
    ...(port === undefined ? {} : { port }),
    ...(host === undefined ? {} : { host }),
    ...(data === undefined ? {} : { dataDir: data }),
    ...(token === undefined ? {} : { token }),
  });
  output.out(
    options.json === true
      ? `${JSON.stringify({ url: server.url })}\n`
      : `netloom: listening on ${server.url}\nnetloom: API documentation at ${server.url}/api/docs\n`,
  );
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
  if (options.json !== true) output.out('netloom: shutting down\n');
  await server.close();
  return 0;
}
