/**
 * What the two static servers share: listening, requests one after the other on each connection, paths inside a folder.
 */
import { Errno } from '@netloom/base';
import { decodeText, OpenFlag, Poll, type SockAddr, type Stat, type Sys } from '@netloom/sys';
import { AF_INET, AF_INET6, SOCK_STREAM, encodeText, type IpAddr } from '@netloom/sys';
import { errnoOf } from '../command.js';
import { socketAddress } from '../sockets.js';
import { headerOf, HttpReader, type Head } from './reader.js';

const FILE_PIECE = 65536;

export interface Request {
  readonly line: string;
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly head: Head;
  readonly peer: SockAddr;
}

/** Answers a request; true where the connection stays open. */
export type Responder = (fd: number, request: Request) => Promise<boolean>;

/** A listening socket; throws KernelError. */
export function listenOn(sys: Sys, address: IpAddr, port: number, backlog: number): number {
  const fd = sys.socket(typeof address === 'number' ? AF_INET : AF_INET6, SOCK_STREAM, 0);
  sys.setsockopt(fd, 'SO_REUSEADDR', 1);
  sys.bind(fd, socketAddress(address, port));
  sys.listen(fd, backlog);
  return fd;
}

/** Serves for ever; each connection on its own. `idleNs`: how long a connection may stay without a request. */
export async function serveHttp(
  sys: Sys,
  listener: number,
  idleNs: number,
  respond: Responder,
): Promise<never> {
  for (;;) {
    const { fd, peer } = await sys.accept(listener);
    void converse(sys, fd, peer, idleNs, respond);
  }
}

async function converse(
  sys: Sys,
  fd: number,
  peer: SockAddr,
  idleNs: number,
  respond: Responder,
): Promise<void> {
  const reader = new HttpReader(async () => {
    const [bits = 0] = await sys.poll([{ fd, events: Poll.POLLIN }], idleNs);
    return bits === 0 ? new Uint8Array(0) : await sys.read(fd, FILE_PIECE);
  });
  try {
    for (;;) {
      const head = await reader.head();
      if (head === undefined) break;
      const [method = '', target = '', version = ''] = head.start.split(' ');
      const length = Number(headerOf(head, 'Content-Length') ?? 0);
      const request = { line: head.start, method, target, version, head, peer };
      const stays = await respond(fd, request);
      if (!stays) break;
      await reader.body({ kind: 'length', length }, () => Promise.resolve());
    }
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== Errno.ECONNRESET && errno !== Errno.EPIPE && errno !== Errno.ETIMEDOUT)
      throw error;
  }
  sys.close(fd);
}

/** The target's path, decoded; undefined where it is malformed. */
export function decodedPath(target: string): string | undefined {
  const way = target.replace(/[?#].*$/, '');
  const bytes: number[] = [];
  for (let i = 0; i < way.length; i++) {
    const hex = way[i] === '%' ? /^[0-9a-fA-F]{2}/.exec(way.slice(i + 1))?.[0] : undefined;
    if (hex === undefined) bytes.push(...encodeText(way[i] ?? ''));
    else {
      bytes.push(parseInt(hex, 16));
      i += 2;
    }
  }
  if (bytes.includes(0)) return undefined;
  return decodeText(Uint8Array.from(bytes));
}

/** A path below `root` without leaving it. */
export function below(root: string, path: string): string {
  const steps: string[] = [];
  for (const step of path.split('/')) {
    if (step === '' || step === '.') continue;
    if (step === '..') steps.pop();
    else steps.push(step);
  }
  const end = path.endsWith('/') && steps.length > 0 ? '/' : '';
  return `${root.replace(/\/$/, '')}/${steps.join('/')}${end}`;
}

export function statOf(sys: Sys, path: string): Stat | undefined {
  try {
    return sys.stat(path.length > 1 ? path.replace(/\/$/, '') : path);
  } catch (error) {
    errnoOf(error);
    return undefined;
  }
}

/** Sends a piece of a file. */
export async function sendFile(
  sys: Sys,
  fd: number,
  path: string,
  from: number,
  count: number,
): Promise<void> {
  const file = sys.open(path, OpenFlag.O_RDONLY);
  try {
    if (from > 0) sys.seek(file, from, 'set');
    for (let left = count; left > 0;) {
      const bytes = await sys.read(file, Math.min(left, FILE_PIECE));
      if (bytes.length === 0) return;
      await sys.write(fd, bytes);
      left -= bytes.length;
    }
  } finally {
    sys.close(file);
  }
}

export function escapeHtml(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&#x27;');
}
