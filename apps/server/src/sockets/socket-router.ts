/**
 * WebSockets of the API: from an HTTP upgrade to the handler of its path.
 *
 * Caller: HTTP server's `upgrade` → this → events, captures, terminal, ethernet. Everything that can be refused (token,
 * origin, unknown lab, too many) is refused as an HTTP problem document before the upgrade.
 */
import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import { WebSocketServer, type WebSocket } from 'ws';
import type { ServerConfig } from '../config.js';
import { limitReached, malformed, notFound, toProblem } from '../http/problem.js';
import { authorise } from '../http/security.js';
import { LabRegistry } from '../labs/lab-registry.js';
import type { LabSession } from '../labs/lab-session.js';
import { CONFIG } from '../tokens.js';
import { CaptureSocket } from './capture.socket.js';
import { EthernetSocket } from './ethernet.socket.js';
import { EventsSocket } from './events.socket.js';
import { CLOSE, PeerSocket } from './peer-socket.js';
import { TerminalSocket } from './terminal.socket.js';
import { messageOf } from '../thrown.js';

export interface SocketRequest {
  readonly session: LabSession;
  /** What the path names behind the lab. */
  readonly params: readonly string[];
  readonly query: URLSearchParams;
}

/** Refuses by throwing; what it returns runs when the socket is open. */
export interface SocketHandler {
  prepare(request: SocketRequest): Promise<(socket: PeerSocket) => Promise<void>>;
}

const LARGEST_MESSAGE_BYTES = 2 ** 20;
const PING_MS = 30_000;

@Injectable()
export class SocketRouter {
  private readonly sockets = new WebSocketServer({
    noServer: true,
    maxPayload: LARGEST_MESSAGE_BYTES,
    perMessageDeflate: false,
  });
  private readonly routes: readonly { readonly path: RegExp; readonly handler: SocketHandler }[];
  private readonly alive = new WeakSet<WebSocket>();
  private readonly pings: NodeJS.Timeout;

  constructor(
    @Inject(LabRegistry) private readonly registry: LabRegistry,
    @Inject(CONFIG) private readonly config: ServerConfig,
    @Inject(EventsSocket) events: EventsSocket,
    @Inject(CaptureSocket) capture: CaptureSocket,
    @Inject(TerminalSocket) terminal: TerminalSocket,
    @Inject(EthernetSocket) ethernet: EthernetSocket,
  ) {
    this.routes = [
      { path: /^\/api\/labs\/([^/]+)\/events$/, handler: events },
      { path: /^\/api\/labs\/([^/]+)\/captures\/([^/]+)\/stream$/, handler: capture },
      { path: /^\/api\/labs\/([^/]+)\/nodes\/([^/]+)\/terminal$/, handler: terminal },
      {
        path: /^\/api\/labs\/([^/]+)\/nodes\/([^/]+)\/interfaces\/([^/]+)\/ethernet$/,
        handler: ethernet,
      },
    ];
    this.pings = setInterval(() => this.ping(), PING_MS);
    this.pings.unref();
  }

  attach(server: Server): void {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      this.upgrade(request, socket, head).catch((error: unknown) => this.refuse(socket, error));
    });
  }

  close(): void {
    clearInterval(this.pings);
    for (const socket of this.sockets.clients)
      socket.close(CLOSE.goingAway, 'the server is shutting down');
    this.sockets.close();
  }

  /** Those that do not answer the close in time. */
  terminate(): void {
    for (const socket of this.sockets.clients) socket.terminate();
  }

  private async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://server');
    authorise(this.config, request, url.pathname, url.searchParams.get('token'));
    const { handler, lab, params } = this.route(url.pathname);
    const session = this.registry.get(lab);
    const { socketsPerLab } = this.config.limits;
    if (session.sockets >= socketsPerLab)
      throw limitReached(`A lab serves at most ${socketsPerLab} WebSockets at a time.`);
    const run = await handler.prepare({ session, params, query: url.searchParams });
    this.sockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.alive.add(webSocket);
      webSocket.on('pong', () => this.alive.add(webSocket));
      session.sockets++;
      webSocket.once('close', () => session.sockets--);
      const peer = new PeerSocket(webSocket);
      peer.onClose(session.onEnd((reason) => peer.close(CLOSE.goingAway, reason)));
      run(peer).catch((error: unknown) => {
        void peer.sendJson({
          type: 'error',
          message: messageOf(error),
        });
        peer.close(CLOSE.failed, messageOf(error));
      });
    });
  }

  private route(path: string): { handler: SocketHandler; lab: string; params: string[] } {
    for (const { path: pattern, handler } of this.routes) {
      const [, lab, ...params] = (pattern.exec(path) ?? []).map(decoded);
      if (lab !== undefined) return { handler, lab, params };
    }
    throw notFound(`There is no WebSocket at ${path}.`);
  }

  private refuse(socket: Duplex, error: unknown): void {
    if (socket.destroyed) return;
    const problem = toProblem(error);
    if (problem.status === 500) this.config.log('error', `WebSocket: ${String(error)}`);
    const body = JSON.stringify(problem);
    socket.end(
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\n` +
        'Content-Type: application/problem+json\r\nConnection: close\r\n' +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  }

  private ping(): void {
    for (const socket of this.sockets.clients) {
      if (!this.alive.has(socket)) {
        socket.terminate();
        continue;
      }
      this.alive.delete(socket);
      socket.ping();
    }
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw malformed(`"${part}" is not well-formed in a path.`);
  }
}
