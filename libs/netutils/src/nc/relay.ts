/**
 * netcat's middle: bytes between standard input and output and one socket, until both directions have ended as
 * OpenBSD's netcat ends them.
 *
 * ```
 *  stdin → out buffer (16 KiB) → network      network → in buffer (16 KiB) → stdout
 * ```
 */
import { KernelError } from '@netloom/base';
import { Poll, type PollFd, type Sys } from '@netloom/sys';
import type { NcOptions } from './options.js';

const BUFFER = 16384;

/** A byte queue with a ceiling. */
class Queue {
  private chunks: Uint8Array[] = [];
  length = 0;

  push(bytes: Uint8Array): void {
    this.chunks.push(bytes);
    this.length += bytes.length;
  }

  /** Everything queued, as one array. */
  peek(): Uint8Array {
    if (this.chunks.length > 1) {
      const all = new Uint8Array(this.length);
      let at = 0;
      for (const chunk of this.chunks) {
        all.set(chunk, at);
        at += chunk.length;
      }
      this.chunks = [all];
    }
    return this.chunks[0] ?? new Uint8Array(0);
  }

  drop(count: number): void {
    const rest = this.peek().subarray(count);
    this.chunks = rest.length > 0 ? [rest] : [];
    this.length = rest.length;
  }
}

function withCrlf(bytes: Uint8Array): Uint8Array {
  const out: number[] = [];
  for (const byte of bytes) {
    if (byte === 10) out.push(13);
    out.push(byte);
  }
  return Uint8Array.from(out);
}

/** Answers telnet's DO/WILL with WONT/DONT, and takes the commands out of the text. */
async function answerTelnet(sys: Sys, net: number, bytes: Uint8Array): Promise<Uint8Array> {
  if (bytes[0] !== 255) return bytes;
  let at = 0;
  while (bytes[at] === 255 && at + 2 < bytes.length) {
    const verb = bytes[at + 1] ?? 0;
    const reply = verb === 251 || verb === 252 ? 254 : verb === 253 || verb === 254 ? 252 : 0;
    if (reply !== 0) await sys.write(net, Uint8Array.of(255, reply, bytes[at + 2] ?? 0));
    at += 3;
  }
  return bytes.subarray(at);
}

/** Relays until done. `net` is a connected (or, for UDP servers with `-k`, unconnected) socket. */
export async function relay(sys: Sys, net: number, options: NcOptions): Promise<void> {
  sys.setNonblock(net, true);
  let input = !options.noStdin;
  let netOut = true;
  let netIn = true;
  let output = true;
  let received = 0;
  let quitAtNs = Number.POSITIVE_INFINITY;
  const toNet = new Queue();
  const toOut = new Queue();
  const shutdown = (how: 'rd' | 'wr'): void => {
    try {
      sys.shutdown(net, how);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
    }
  };

  for (;;) {
    if (!input && !netIn && toNet.length === 0 && toOut.length === 0) return;
    if (!netOut && !output) return;
    if (options.listen && !netIn && toNet.length === 0 && toOut.length === 0) return;
    if (sys.now() >= quitAtNs) return;
    if (options.intervalSeconds > 0) await sys.sleep(options.intervalSeconds * 1e9);

    // stdin, network for writing, network for reading, stdout: as four entries, so that each has its own end
    const entries: PollFd[] = [];
    const slot = (on: boolean, fd: number, events: number): number =>
      on ? entries.push({ fd, events }) - 1 : -1;
    const slots = [
      slot(input, 0, toNet.length < BUFFER ? Poll.POLLIN : 0),
      slot(netOut, net, toNet.length > 0 ? Poll.POLLOUT : 0),
      slot(netIn, net, toOut.length < BUFFER ? Poll.POLLIN : 0),
      slot(output, 1, toOut.length > 0 ? Poll.POLLOUT : 0),
    ];
    const timeoutNs =
      options.timeoutMs === undefined ? Number.POSITIVE_INFINITY : options.timeoutMs * 1e6;
    const untilQuit = quitAtNs - sys.now();
    const wait = Math.min(timeoutNs, untilQuit);
    const ready = await sys.poll(entries, Number.isFinite(wait) ? wait : undefined);
    const events = (index: number): number => {
      const at = slots[index] ?? -1;
      return at < 0 ? 0 : (ready[at] ?? 0);
    };
    if (ready.every((bits) => bits === 0)) return;
    const broken = Poll.POLLERR | Poll.POLLNVAL;
    const [onInput, onNetOut, onNetIn, onOutput] = [events(0), events(1), events(2), events(3)];
    if ((onInput & broken) !== 0) input = false;
    if ((onNetOut & broken) !== 0) netOut = false;
    if ((onNetIn & broken) !== 0) netIn = false;
    if ((onOutput & broken) !== 0) output = false;
    // what was sent before a hang-up can still be read
    if ((onInput & Poll.POLLHUP) !== 0 && (onInput & Poll.POLLIN) === 0 && toNet.length < BUFFER)
      input = false;
    if ((onNetIn & Poll.POLLHUP) !== 0 && (onNetIn & Poll.POLLIN) === 0 && toOut.length < BUFFER)
      netIn = false;
    if (netOut && (onNetOut & Poll.POLLHUP) !== 0) {
      shutdown('wr');
      netOut = false;
    }
    if ((onOutput & Poll.POLLHUP) !== 0) output = false;
    if (!netOut) input = false;
    if (!output && netIn) {
      shutdown('rd');
      netIn = false;
    }

    if (input && (onInput & Poll.POLLIN) !== 0) {
      const bytes = await readSome(sys, 0, BUFFER - toNet.length);
      if (bytes !== undefined && bytes.length > 0)
        toNet.push(options.crlf ? withCrlf(bytes) : bytes);
      else if (bytes !== undefined) input = false;
    }
    if (netOut && (onNetOut & Poll.POLLOUT) !== 0 && toNet.length > 0) {
      const count = await writeSome(sys, net, toNet.peek());
      if (count === undefined) netOut = false;
      else toNet.drop(count);
    }
    if (netIn && (onNetIn & Poll.POLLIN) !== 0) {
      const bytes = await readNet(sys, net, BUFFER - toOut.length);
      if (bytes === 'failed') netIn = false;
      else if (bytes !== undefined && bytes.length > 0) {
        toOut.push(options.telnet ? await answerTelnet(sys, net, bytes) : bytes);
        if (options.receiveLimit > 0 && ++received >= options.receiveLimit) netIn = false;
      } else if (bytes !== undefined && !options.udp) {
        shutdown('rd');
        netIn = false;
      }
    }
    if (output && toOut.length > 0) {
      const count = await writeSome(sys, 1, toOut.peek());
      if (count === undefined) output = false;
      else toOut.drop(count);
    }

    if (!input && toNet.length === 0) {
      if (netOut && options.shutdown) shutdown('wr');
      netOut = false;
      if (options.quit === 0) return;
      if (options.quit !== undefined && quitAtNs === Number.POSITIVE_INFINITY)
        quitAtNs = sys.now() + options.quit * 1e9;
    }
    if (!netIn && toOut.length === 0) output = false;
  }
}

/** Bytes, nothing at the end of file; undefined where nothing is there yet. */
async function readSome(sys: Sys, fd: number, count: number): Promise<Uint8Array | undefined> {
  try {
    return await sys.read(fd, count);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return error.code === 'EAGAIN' ? undefined : new Uint8Array(0);
  }
}

async function readNet(
  sys: Sys,
  fd: number,
  count: number,
): Promise<Uint8Array | 'failed' | undefined> {
  try {
    return await sys.read(fd, count);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return error.code === 'EAGAIN' ? undefined : 'failed';
  }
}

/** Count written, undefined where the other side is gone. */
async function writeSome(sys: Sys, fd: number, bytes: Uint8Array): Promise<number | undefined> {
  try {
    return await sys.write(fd, bytes);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return error.code === 'EAGAIN' ? 0 : undefined;
  }
}
