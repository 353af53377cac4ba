/** A started server on a free port with a folder of its own, and the calls that specs make. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import type { ServerOptions } from '../config.js';
import type { RunnerFactory } from '../runner/runner-factory.js';
import { startServer, type RunningServer } from '../start-server.js';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- specs look into documents of many shapes
  readonly body: any;
}

export const PAIR = {
  name: 'pair',
  topology: { nodes: { h1: {}, h2: {} }, links: [{ endpoints: ['h1:eth1', 'h2:eth1'] }] },
};

export const temporaryFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'netloom-server-'));

export class Harness {
  private constructor(
    public server: RunningServer,
    readonly logged: readonly string[],
    readonly dataDir: string,
    private readonly options: ServerOptions,
    private readonly factory: RunnerFactory | undefined,
  ) {}

  static async start(factory?: RunnerFactory, options: ServerOptions = {}): Promise<Harness> {
    const dataDir = options.dataDir ?? (await temporaryFolder());
    const logged: string[] = [];
    const all: ServerOptions = {
      port: 0,
      dataDir,
      log: (level, text) => logged.push(`${level}: ${text}`),
      ...options,
    };
    return new Harness(await startServer(all, factory), logged, dataDir, all, factory);
  }

  /** The same data in a new server. */
  async restart(): Promise<void> {
    await this.server.close();
    this.server = await startServer(this.options, this.factory);
  }

  async stop(): Promise<void> {
    await this.server.close();
    await rm(this.dataDir, { recursive: true, force: true });
  }

  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const isRaw = typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(this.server.url + path, {
      method,
      headers: {
        ...(body !== undefined && !isRaw ? { 'content-type': 'application/json' } : {}),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isRaw ? (body as string) : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson ? JSON.parse(text) : undefined,
    };
  }

  get(path: string): Promise<Answer> {
    return this.call('GET', path);
  }

  post(path: string, body: unknown): Promise<Answer> {
    return this.call('POST', path, body);
  }

  async deploy(topology: unknown = PAIR, query = ''): Promise<Answer['body']> {
    const answer = await this.post(`/api/labs${query}`, topology);
    if (answer.status !== 201) throw new Error(`deploy: ${answer.status} ${answer.text}`);
    return answer.body;
  }

  socket(path: string, headers: Record<string, string> = {}): Client {
    return new Client(new WebSocket(this.server.url.replace('http', 'ws') + path, { headers }));
  }
}

/** A WebSocket client that keeps what it gets. */
export class Client {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- specs look into frames of many shapes
  readonly json: any[] = [];
  readonly bytes: Buffer[] = [];
  closed: { code: number; reason: string } | undefined;
  refused: { status: number; body: string } | undefined;

  constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.bytes.push(data);
      else this.json.push(JSON.parse(data.toString()));
    });
    socket.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }));
    socket.on('error', () => undefined);
    socket.on('unexpected-response', (_request, response) => {
      response.setEncoding('utf8');
      let body = '';
      response.on('data', (text: string) => (body += text));
      response.on('end', () => (this.refused = { status: response.statusCode ?? 0, body }));
    });
  }

  get text(): string {
    return Buffer.concat(this.bytes).toString();
  }

  opened(): Promise<void> {
    return until(() => this.socket.readyState === WebSocket.OPEN);
  }

  sendJson(value: unknown): void {
    this.socket.send(JSON.stringify(value));
  }
}

/** Waits for what must become true soon. */
export async function until(holds: () => boolean, limitMs = 5000): Promise<void> {
  const end = Date.now() + limitMs;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`still not so after ${limitMs} ms: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
