/**
 * One WebSocket as its handlers see it: typed sends that settle when the bytes are with the operating system, and
 * input that is read no faster than it is handled.
 */
import { WebSocket, type RawData } from 'ws';
import { messageOf } from '../thrown.js';

/** Input under way to a lab at which no more is read from the network. */
const INPUT_WINDOW_BYTES = 256 * 1024;
/** Close codes of RFC 6455 §7.4.1. */
export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  unsupported: 1003,
  policy: 1008,
  failed: 1011,
} as const;

export class PeerSocket {
  private inputBytes = 0;

  constructor(private readonly socket: WebSocket) {
    socket.on('error', () => socket.terminate());
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  /** Settles when it has been handed on; a closed socket swallows it. */
  sendBytes(data: Uint8Array): Promise<void> {
    return this.send(data);
  }

  sendJson(value: unknown): Promise<void> {
    return this.send(JSON.stringify(value));
  }

  close(code: number, reason = ''): void {
    this.socket.close(code, reason.slice(0, 120));
  }

  onClose(listener: () => void): void {
    if (this.isOpen) this.socket.once('close', listener);
    else listener();
  }

  onBytes(handle: (data: Uint8Array) => Promise<void>): void {
    this.socket.on('message', (data, isBinary) => {
      if (isBinary) this.throttled(bytesOf(data), handle);
    });
  }

  /** JSON text frames; text that is none is answered with an error and ignored. */
  onJson(handle: (message: Readonly<Record<string, unknown>>) => Promise<void>): void {
    this.socket.on('message', (data, isBinary) => {
      if (isBinary) return;
      const message = parseObject(bytesOf(data));
      if (message === undefined)
        void this.sendJson({ type: 'error', message: 'a text frame must be a JSON object' });
      else handle(message).catch((error: unknown) => void this.sendJson(errorFrame(error)));
    });
  }

  private throttled(data: Uint8Array, handle: (data: Uint8Array) => Promise<void>): void {
    this.inputBytes += data.byteLength + 64;
    if (this.inputBytes > INPUT_WINDOW_BYTES) this.socket.pause();
    handle(data)
      .catch((error: unknown) => void this.sendJson(errorFrame(error)))
      .finally(() => {
        this.inputBytes -= data.byteLength + 64;
        if (this.inputBytes <= INPUT_WINDOW_BYTES && this.socket.isPaused) this.socket.resume();
      });
  }

  private send(data: Uint8Array | string): Promise<void> {
    if (!this.isOpen) return Promise.resolve();
    return new Promise((resolve) => this.socket.send(data, () => resolve()));
  }
}

function errorFrame(error: unknown): { type: 'error'; message: string } {
  return { type: 'error', message: messageOf(error) };
}

/** An own copy: what ws gives may be a view of Node's pool. */
function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return new Uint8Array(Buffer.concat(data));
  return Buffer.isBuffer(data) ? new Uint8Array(data) : new Uint8Array(data.slice(0));
}

function parseObject(data: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(data));
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
