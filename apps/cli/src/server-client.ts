/**
 * A Netloom server as the command line sees it: REST by fetch, streams by WebSocket.
 *
 * A refusal is an Error whose message says everything the server's problem document says. The server is that of
 * `--server`, else of NETLOOM_URL, else on this machine; a token comes from NETLOOM_TOKEN.
 */
import { WebSocket } from 'ws';

export const DEFAULT_SERVER = 'http://127.0.0.1:3000';

interface ProblemDocument {
  readonly title?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

export interface RequestOptions {
  readonly method?: string;
  readonly body?: string;
  readonly type?: string;
  readonly accept?: string;
}

export class ServerClient {
  private readonly base: string;
  private readonly headers: Readonly<Record<string, string>>;

  constructor(url: string | undefined, env: Readonly<Record<string, string | undefined>>) {
    const text = url ?? env['NETLOOM_URL'] ?? DEFAULT_SERVER;
    const whole = /^[a-z]+:\/\//i.test(text) ? text : `http://${text}`;
    if (!URL.canParse(whole)) throw new Error(`"${text}" is no URL of a server`);
    this.base = whole.replace(/\/+$/, '').replace(/\/api$/, '');
    const token = env['NETLOOM_TOKEN'];
    this.headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  async request(path: string, options: RequestOptions = {}): Promise<Response> {
    const {
      method = 'GET',
      body,
      type = 'application/json',
      accept = 'application/json',
    } = options;
    let response: Response;
    try {
      response = await fetch(`${this.base}/api${path}`, {
        method,
        headers: {
          ...this.headers,
          accept,
          ...(body === undefined ? {} : { 'content-type': type }),
        },
        ...(body === undefined ? {} : { body }),
      });
    } catch (error) {
      throw new Error(`cannot reach the server at ${this.base}: ${causeOf(error)}`, {
        cause: error,
      });
    }
    if (response.ok) return response;
    throw new Error(await refusal(response));
  }

  /** The answer's JSON, trusted to be what the server's API says. */
  async json<T>(path: string, options: RequestOptions = {}): Promise<T> {
    return (await (await this.request(path, options)).json()) as T;
  }

  /** An open socket that is paused until `resume()`, so that no message is missed; or an error that says why not. */
  socket(path: string): Promise<WebSocket> {
    const socket = new WebSocket(`${this.base.replace(/^http/, 'ws')}/api${path}`, {
      headers: { ...this.headers },
    });
    socket.binaryType = 'nodebuffer';
    return new Promise((resolve, reject) => {
      socket.once('open', () => {
        socket.pause();
        resolve(socket);
      });
      socket.once('error', (error) =>
        reject(new Error(`cannot reach the server at ${this.base}: ${causeOf(error)}`)),
      );
      socket.once('unexpected-response', (_request, response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => void chunks.push(chunk));
        response.on('end', () =>
          reject(
            new Error(problemText(Buffer.concat(chunks).toString(), response.statusCode ?? 0)),
          ),
        );
      });
    });
  }
}

/** A path segment. */
export function segment(text: string): string {
  return encodeURIComponent(text);
}

async function refusal(response: Response): Promise<string> {
  return problemText(await response.text(), response.status);
}

function problemText(body: string, status: number): string {
  try {
    const { title, detail, errors } = JSON.parse(body) as ProblemDocument;
    const head = detail ?? title ?? `status ${status}`;
    const lines = (errors ?? []).map(
      ({ path, message }) => `  ${path === '' ? '' : `${path}: `}${message}`,
    );
    return [head, ...lines].join('\n');
  } catch {
    return `the server answered with status ${status}${body === '' ? '' : `: ${body.slice(0, 200)}`}`;
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error)
    return cause.errors[0].message;
  return cause instanceof Error
    ? cause.message
    : error.message || String((error as NodeJS.ErrnoException).code);
}
