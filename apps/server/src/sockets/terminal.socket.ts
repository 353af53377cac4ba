/**
 * A process of a node on a WebSocket; by default an interactive shell on a terminal.
 *
 * Query: `rows`, `cols`; `command` runs a line instead of the shell; `tty=false` leaves the terminal out. Binary frames
 * are stdin and stdout; without a terminal each outgoing one begins with a byte that tells stdout (1) from stderr (2).
 * Text frames in: `{type: 'resize', rows, cols}`, `{type: 'signal', signal: 'INT'}`, `{type: 'eof'}`; out:
 * `{type: 'exit', exitCode, virtualTime}` before the close, `{type: 'lost', bytes}`. A client that goes away hangs up.
 */
import { Injectable } from '@nestjs/common';
import { SIGNALS, type LabMessage, type StartRequest } from '@netloom/lab';
import { invalid, notFound } from '../http/problem.js';
import type { LabSession } from '../labs/lab-session.js';
import { SIGHUP } from '../labs/restore.js';
import { CLOSE, type PeerSocket } from './peer-socket.js';
import type { SocketHandler, SocketRequest } from './socket-router.js';

const WINDOW_BYTES = 1024 * 1024;

@Injectable()
export class TerminalSocket implements SocketHandler {
  async prepare({
    session,
    params: [node = ''],
    query,
  }: SocketRequest): Promise<(socket: PeerSocket) => Promise<void>> {
    const { nodes } = await (await session.running()).info();
    if (!nodes.some(({ name }) => name === node))
      throw notFound(`There is no node "${node}" in the lab.`);
    const command = query.get('command');
    const hasTty = query.get('tty') !== 'false';
    const request: StartRequest = {
      node,
      stdin: true,
      windowBytes: WINDOW_BYTES,
      ...(command === null ? {} : { command }),
      ...(hasTty ? { tty: { rows: size(query, 'rows', 24), cols: size(query, 'cols', 80) } } : {}),
    };
    return (socket) => serveTerminal(session, socket, request);
  }
}

function size(query: URLSearchParams, key: string, otherwise: number): number {
  const text = query.get(key);
  if (text === null) return otherwise;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 1000) return value;
  throw invalid([{ path: key, message: 'must be a whole number from 1 to 1000' }]);
}

async function serveTerminal(
  session: LabSession,
  socket: PeerSocket,
  request: StartRequest,
): Promise<void> {
  const hasTty = request.tty !== undefined;
  const onMessage = (message: LabMessage): void => {
    if (message.type === 'output') {
      if (message.lostBytes > 0) void socket.sendJson({ type: 'lost', bytes: message.lostBytes });
      const frame = hasTty
        ? message.data
        : tagged(message.stream === 'stdout' ? 1 : 2, message.data);
      void socket
        .sendBytes(frame)
        .then(() => session.runner.ack(message.process, message.data.byteLength));
    } else if (message.type === 'exit') {
      session.release(message.process);
      const { exitCode, virtualTimeNs } = message;
      void socket.sendJson({ type: 'exit', exitCode, virtualTime: virtualTimeNs });
      socket.close(CLOSE.normal, `exit code ${exitCode}`);
    }
  };
  // Handlers stand before the process does, so that nothing a quick client sends is lost.
  const started = session.open(
    (runner) => runner.start(request),
    (answer) => answer.process,
    onMessage,
  );
  started.catch(() => undefined); // awaited below; this only keeps Node from thinking that nobody does
  socket.onBytes(async (data) => {
    await session.runner.writeStdin((await started).process, data);
    await session.journal?.room();
  });
  socket.onJson(async (message) => control(session, (await started).process, message));
  const { process } = await started;
  socket.onClose(() => {
    session.release(process);
    if (session.state === 'running') session.runner.signal(process, SIGHUP).catch(() => undefined); // it may have ended
  });
}

async function control(
  session: LabSession,
  process: string,
  message: Readonly<Record<string, unknown>>,
): Promise<void> {
  switch (message['type']) {
    case 'resize': {
      const { rows, cols } = message;
      if (!isSize(rows) || !isSize(cols))
        throw new Error('rows and cols must be whole numbers from 1 to 1000');
      return session.runner.resize(process, rows, cols);
    }
    case 'signal': {
      const number = SIGNAL_NUMBERS.get(String(message['signal']).replace(/^SIG/, ''));
      if (number === undefined)
        throw new Error(`unknown signal "${String(message['signal']).slice(0, 20)}"`);
      return session.runner.signal(process, number);
    }
    case 'eof':
      return session.runner.closeStdin(process);
    default:
      throw new Error('the type of a text frame is resize, signal or eof');
  }
}

const SIGNAL_NUMBERS: ReadonlyMap<string, number> = new Map(Object.entries(SIGNALS));

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 1000;
}

function tagged(tag: number, data: Uint8Array): Uint8Array {
  const frame = new Uint8Array(data.byteLength + 1);
  frame[0] = tag;
  frame.set(data, 1);
  return frame;
}
