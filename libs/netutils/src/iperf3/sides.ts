/**
 * What client and server do alike: set sockets up, print how a test starts, and finish its document.
 */
import { Errno, KernelError } from '@netloom/base';
import {
  AF_INET,
  AF_INET6,
  SOCK_DGRAM,
  SOCK_STREAM,
  type IpAddr,
  type SockOpt,
  type Sys,
} from '@netloom/sys';
import { httpDateText } from '../calendar.js';
import { errnoOf } from '../command.js';
import { resolveName } from '../resolve.js';
import { socketAddress } from '../sockets.js';
import { JsonObject, pretty } from './cjson.js';
import { IperfError } from './errors.js';
import { report } from './report.js';
import { State, type IperfTest } from './test.js';
import { IPERF_VERSION } from './usage.js';

export function systemInfo(sys: Sys): string {
  const u = sys.uname();
  return `${u.sysname} ${u.nodename} ${u.release} ${u.version} ${u.machine}`;
}

/** What a run prints before anything else. */
export async function announce(test: IperfTest): Promise<void> {
  if (test.o.json) {
    test.jsonStart.add('version', `iperf ${IPERF_VERSION}`);
    test.jsonStart.add('system_info', systemInfo(test.sys));
  } else if (test.o.verbose) {
    await test.output.print(`iperf ${IPERF_VERSION}\n`);
    await test.output.print(`${systemInfo(test.sys)}\n`);
  }
}

/** Tells who is connected, as soon as both know the test. */
export async function announceConnection(
  test: IperfTest,
  host: string,
  port: number,
  mss: number,
): Promise<void> {
  const { sys, o, output } = test;
  const now = sys.bootTime() + Math.floor(sys.now() / 1e9);
  const time = httpDateText(now);
  const client = o.role === 'c';
  const rate = o.rate ?? 0;
  if (o.json) {
    const out = test.jsonStart;
    out.add('timestamp', new JsonObject({ time, timesecs: now }));
    out.add(client ? 'connecting_to' : 'accepted_connection', new JsonObject({ host, port }));
    out.add('cookie', test.cookie);
    if (!o.udp) out.add(o.mss > 0 ? 'tcp_mss' : 'tcp_mss_default', o.mss > 0 ? o.mss : mss);
    out.add('target_bitrate', rate);
    return;
  }
  if (o.verbose) await output.print(`Time: ${time}\n`);
  if (client) {
    await output.print(`Connecting to host ${host}, port ${port}\n`);
    if (o.reverse) await output.print(`Reverse mode, remote host ${host} is sending\n`);
  } else await output.print(`Accepted connection from ${host}, port ${port}\n`);
  if (!o.verbose) return;
  await output.print(`      Cookie: ${test.cookie}\n`);
  if (!o.udp)
    await output.print(
      o.mss > 0 ? `      TCP MSS: ${o.mss}\n` : `      TCP MSS: ${mss} (default)\n`,
    );
  if (rate > 0) await output.print(`      Target Bitrate: ${rate}\n`);
}

/** Tells what is about to run. */
export async function announceTest(test: IperfTest): Promise<void> {
  const { o } = test;
  const protocol = o.udp ? 'UDP' : 'TCP';
  if (o.json) {
    test.jsonStart.add(
      'test_start',
      new JsonObject({
        protocol,
        num_streams: o.parallel,
        blksize: o.blockSize,
        omit: o.omit,
        duration: o.seconds,
        bytes: o.bytes,
        blocks: o.blocks,
        reverse: o.reverse ? 1 : 0,
        tos: o.tos,
        target_bitrate: o.rate ?? 0,
      }),
    );
  } else if (o.verbose) {
    const end =
      o.bytes > 0
        ? `${o.bytes} bytes to send`
        : o.blocks > 0
          ? `${o.blocks} blocks to send`
          : `${o.seconds} second test`;
    await test.output.print(
      `Starting Test: protocol: ${protocol}, ${o.parallel} streams, ${o.blockSize} byte blocks, omitting ${o.omit} seconds, ${end}, tos ${o.tos}\n`,
    );
  }
}

/** Writes the JSON document, where one was asked for. */
export async function finishJson(test: IperfTest, error?: string): Promise<void> {
  const { o, json } = test;
  if (o.title !== undefined && o.role === 'c') json.add('title', o.title);
  if (o.extraData !== undefined) json.add('extra_data', o.extraData);
  if (test.serverOutputJson !== undefined)
    json.add('server_output_json', fromPlain(test.serverOutputJson));
  if (test.serverOutputText !== undefined) json.add('server_output_text', test.serverOutputText);
  if (error !== undefined) json.add('error', error);
  await test.output.raw(`${pretty(json)}\n`);
}

/** Parsed JSON as this library's values. */
function fromPlain(value: unknown): JsonObject | string | number | boolean | null | JsonObject[] {
  if (Array.isArray(value)) return value.map((item) => fromPlain(item)) as JsonObject[];
  if (typeof value === 'object' && value !== null) {
    const out = new JsonObject();
    for (const [key, item] of Object.entries(value)) out.add(key, fromPlain(item));
    return out;
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? value
    : null;
}

// ---- sockets ----

/** A socket of a family; where IPv6 is not there, undefined. */
export function trySocket(sys: Sys, family: 4 | 6, udp: boolean): number | undefined {
  try {
    return sys.socket(family === 6 ? AF_INET6 : AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0);
  } catch (error) {
    if (error instanceof KernelError && error.errno === Errno.EAFNOSUPPORT) return undefined;
    throw error;
  }
}

/** A name's address, or the failure with `code`. */
export async function addressOf(test: IperfTest, name: string, code: number): Promise<IpAddr> {
  const resolved = await resolveName(test.sys, name, test.o.family);
  if (resolved === undefined) throw new IperfError(code, Errno.EAGAIN);
  return resolved.address;
}

function set(sys: Sys, fd: number, option: SockOpt, value: number | string, code: number): void {
  try {
    sys.setsockopt(fd, option, value);
  } catch (error) {
    throw new IperfError(code, errnoOf(error));
  }
}

export function setOption(
  test: IperfTest,
  fd: number,
  option: SockOpt,
  value: number | string,
  code: number,
): void {
  set(test.sys, fd, option, value, code);
}

/** Buffers, MSS, and Nagle's algorithm, as the test asks; and what became of the buffers in the document. */
export function setBuffers(test: IperfTest, fd: number): void {
  const { sys, o } = test;
  if (!o.udp) {
    if (o.noDelay) set(sys, fd, 'TCP_NODELAY', 1, 122);
    if (o.mss > 0) set(sys, fd, 'TCP_MAXSEG', o.mss, 123);
  }
  if (o.window > 0) {
    set(sys, fd, 'SO_RCVBUF', o.window, 124);
    set(sys, fd, 'SO_SNDBUF', o.window, 124);
  }
  const sndbuf = Number(sys.getsockopt(fd, 'SO_SNDBUF'));
  const rcvbuf = Number(sys.getsockopt(fd, 'SO_RCVBUF'));
  if (o.window > 0 && (sndbuf < o.window || rcvbuf < o.window)) throw new IperfError(141);
  if (!o.json) return;
  test.jsonStart.add('sock_bufsize', o.window);
  test.jsonStart.add('sndbuf_actual', sndbuf);
  test.jsonStart.add('rcvbuf_actual', rcvbuf);
}

/** A bound socket that listens (TCP) or just waits (UDP) on the test's port. */
export async function listenSocket(test: IperfTest, udp: boolean): Promise<number> {
  const { sys, o } = test;
  let fd: number | undefined;
  let address: IpAddr = 0;
  try {
    if (o.bindAddress !== undefined) {
      address = await addressOf(test, o.bindAddress, 102);
      fd = trySocket(sys, typeof address === 'number' ? 4 : 6, udp);
    } else if (o.family !== 4) {
      fd = trySocket(sys, 6, udp);
      if (fd !== undefined) {
        address = new Uint8Array(16);
        sys.setsockopt(fd, 'IPV6_V6ONLY', o.family === 6 ? 1 : 0);
      }
    }
    if (fd === undefined) {
      if (o.family === 6) throw new IperfError(102, Errno.EAFNOSUPPORT);
      fd = sys.socket(AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0);
    }
    if (o.bindDevice !== undefined) sys.setsockopt(fd, 'SO_BINDTODEVICE', o.bindDevice);
    sys.setsockopt(fd, 'SO_REUSEADDR', 1);
    sys.bind(fd, socketAddress(address, o.port));
    if (!udp) sys.listen(fd, 0x7fffffff);
    return fd;
  } catch (error) {
    if (error instanceof IperfError) throw error;
    throw new IperfError(102, errnoOf(error));
  }
}

/** What a signal leaves: the figures so far, a word to the other side, and the complaint. */
export async function interrupted(test: IperfTest): Promise<void> {
  const client = test.o.role === 'c';
  if (client || test.state === State.TEST_RUNNING) {
    test.done = true;
    test.stopTimers();
    await test.collect();
    test.state = State.DISPLAY_RESULTS;
    await report(test);
  }
  const code = client ? 119 : 120;
  if (test.control >= 0) {
    try {
      const state = client ? State.CLIENT_TERMINATE : State.SERVER_TERMINATE;
      await test.sys.write(test.control, Uint8Array.of(state));
    } catch (error) {
      errnoOf(error);
    }
  }
  const text = `interrupt - ${new IperfError(code).message}`;
  if (test.o.json) await finishJson(test, text);
  else await test.output.complain(text);
}
