/**
 * Messages between the server and a lab's thread.
 *
 * Cloning a typed array clones the whole buffer behind it, which may be a node's packet memory or Node's buffer pool:
 * bytes are therefore copied out first, and the copy is transferred. A capture's chunks are whole buffers that the lab
 * gives away, and are transferred as they are.
 */
import type { MessagePort, TransferListItem, Worker } from 'node:worker_threads';
import type { RunnerChannel } from '@netloom/lab';

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);

/** The message with its bytes made its own, and what to transfer. Looks where the protocol has bytes at the top. */
export function packMessage(message: unknown): { message: unknown; transfer: TransferListItem[] } {
  const transfer: TransferListItem[] = [];
  const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => {
    const copy = new Uint8Array(bytes);
    transfer.push(copy.buffer);
    return copy;
  };
  if (!isFields(message)) return { message, transfer };
  if (message['t'] === 'call' && Array.isArray(message['args'])) {
    const args = message['args'].map((arg: unknown) =>
      arg instanceof Uint8Array ? own(arg) : arg,
    );
    return { message: { ...message, args }, transfer };
  }
  if (message['t'] === 'done' && message['value'] instanceof Uint8Array) {
    return { message: { ...message, value: own(message['value']) }, transfer };
  }
  const said = message['message'];
  if (message['t'] !== 'say' || !isFields(said)) return { message, transfer };
  const data = said['data'];
  if (!(data instanceof Uint8Array)) return { message, transfer };
  const isWhole = data.buffer instanceof ArrayBuffer && data.buffer.byteLength === data.byteLength;
  if (said['type'] === 'capture' && isWhole) return { message, transfer: [data.buffer] };
  return { message: { ...message, message: { ...said, data: own(data) } }, transfer };
}

export function channelOf(port: MessagePort | Worker): RunnerChannel {
  return {
    post: (raw) => {
      const { message, transfer } = packMessage(raw);
      port.postMessage(message, transfer);
    },
    listen: (listener) => {
      port.on('message', listener);
    },
  };
}
