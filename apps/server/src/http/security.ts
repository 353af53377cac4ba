/**
 * Who may call: the token, the Host and Origin of the caller, and headers that keep a browser from helping an attacker.
 *
 * Used by the HTTP middleware and, before an upgrade, by the WebSocket router. On loopback without a token, a page of
 * another site could reach the server through the user's browser: its Origin is refused, and a name that merely
 * resolves to 127.0.0.1 (DNS rebinding) is refused by its Host. Sources: RFC 6750, RFC 6455 §10.2.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isLoopback, type ServerConfig } from '../config.js';
import { ProblemError } from './problem.js';

const PUBLIC_PATHS = [/^\/$/, /^\/api\/health\//, /^\/api\/docs(\/|$)/, /^\/api\/openapi\.json$/];
const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS'];

/** Throws 401 or 403. `queryToken` is where a WebSocket client without headers puts its token. */
export function authorise(
  config: ServerConfig,
  request: IncomingMessage,
  path: string,
  queryToken?: string | null,
): void {
  checkOrigin(config, request, queryToken !== undefined);
  if (config.token === undefined) {
    checkHost(config, request);
    return;
  }
  if (PUBLIC_PATHS.some((open) => open.test(path))) return;
  const given =
    /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? queryToken ?? undefined;
  if (given === undefined)
    throw new ProblemError(401, 'This server wants a token: "Authorization: Bearer …".');
  if (!sameText(given, config.token))
    throw new ProblemError(401, 'The token is not the right one.');
}

function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** Programs send no Origin; a page may only be this server's own or a configured one. */
function checkOrigin(config: ServerConfig, request: IncomingMessage, socket: boolean): void {
  const { origin, host } = request.headers;
  if (origin === undefined) return;
  if (!socket && SAFE_METHODS.includes(request.method ?? 'GET')) return;
  if (config.origins.includes(origin)) return;
  if (host !== undefined && (origin === `http://${host}` || origin === `https://${host}`)) return;
  throw new ProblemError(403, `Pages of ${origin.slice(0, 200)} may not call this server.`);
}

function checkHost(config: ServerConfig, request: IncomingMessage): void {
  const name = (request.headers.host ?? '').replace(/:\d+$/, '');
  if (name === config.host || isLoopback(name)) return;
  throw new ProblemError(
    403,
    `This server is not ${name.slice(0, 200) || 'without a name'}; call it by its loopback address.`,
  );
}

const API_POLICY = "default-src 'none'; frame-ancestors 'none'";
const DOCS_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

export function setSecurityHeaders(response: ServerResponse, path: string): void {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('X-Frame-Options', 'DENY');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
  response.setHeader(
    'Content-Security-Policy',
    path.startsWith('/api/docs') ? DOCS_POLICY : API_POLICY,
  );
}
