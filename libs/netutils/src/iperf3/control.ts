/**
 * The control connection: state bytes, and JSON documents behind a length of four bytes in network order.
 */
import { decodeText, encodeText, type Sys } from '@netloom/sys';
import { errnoOf } from '../command.js';
import { readExactly } from '../sockets.js';
import { compact, JsonObject, parseObject, type JsonValue } from './cjson.js';
import { IperfError } from './errors.js';
import type { IperfOptions } from './options.js';
import { IPERF_VERSION } from './usage.js';
import type { IperfTest } from './test.js';

/** Bytes of the cookie that each connection starts with: 36 characters and a zero. */
export const COOKIE_SIZE = 37;

export function cookieBytes(cookie: string): Uint8Array {
  const bytes = new Uint8Array(COOKIE_SIZE);
  bytes.set(encodeText(cookie).subarray(0, COOKIE_SIZE - 1));
  return bytes;
}

/** Reads a cookie; undefined where the connection ended before. */
export async function readCookie(sys: Sys, fd: number): Promise<string | undefined> {
  const bytes = await readExactly(sys, fd, COOKIE_SIZE);
  return bytes.length < COOKIE_SIZE ? undefined : decodeText(bytes.subarray(0, COOKIE_SIZE - 1));
}

async function attempt<T>(code: number, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw new IperfError(code, errnoOf(error));
  }
}

/** Changes the state and tells the other side. */
export async function sendState(test: IperfTest, state: number): Promise<void> {
  test.state = state;
  test.touch();
  await attempt(111, () => test.sys.write(test.control, Uint8Array.of(state & 0xff)));
}

/** The state the other side sends; undefined where it closed the connection. */
export async function receiveState(test: IperfTest): Promise<number | undefined> {
  const [byte] = await attempt(112, () => test.sys.read(test.control, 1));
  if (byte === undefined) return undefined;
  test.state = (byte << 24) >> 24;
  test.touch();
  return test.state;
}

async function sendJson(test: IperfTest, code: number, document: JsonObject): Promise<void> {
  const text = encodeText(compact(document));
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, text.length);
  await attempt(code, async () => {
    await test.sys.write(test.control, size);
    await test.sys.write(test.control, text);
  });
}

async function receiveJson(
  test: IperfTest,
  code: number,
): Promise<Readonly<Record<string, unknown>>> {
  const document = await attempt(code, async () => {
    const size = await readExactly(test.sys, test.control, 4);
    if (size.length < 4) return undefined;
    const length = new DataView(size.buffer, size.byteOffset, 4).getUint32(0);
    return parseObject(decodeText(await readExactly(test.sys, test.control, length)));
  });
  if (document === undefined) throw new IperfError(code);
  return document;
}

// ---- parameters ----

export async function sendParameters(test: IperfTest): Promise<void> {
  const { o } = test;
  const out = new JsonObject();
  const flag = (key: string, on: boolean, value: JsonValue): void => {
    if (on) out.add(key, value);
  };
  out.add(o.udp ? 'udp' : 'tcp', true);
  out.add('omit', o.omit);
  out.add('time', o.seconds);
  out.add('num', o.bytes);
  out.add('blockcount', o.blocks);
  flag('MSS', o.mss > 0, o.mss);
  flag('nodelay', o.noDelay, true);
  out.add('parallel', o.parallel);
  flag('reverse', o.reverse, true);
  flag('bidirectional', o.bidirectional, true);
  flag('window', o.window > 0, o.window);
  flag('len', o.blockSize > 0, o.blockSize);
  flag('bandwidth', (o.rate ?? 0) > 0, o.rate ?? 0);
  flag('pacing_timer', o.pacingTimerUs > 0, o.pacingTimerUs);
  flag('burst', o.burst > 0, o.burst);
  flag('TOS', o.tos > 0, o.tos);
  flag('title', o.title !== undefined, o.title ?? '');
  flag('extra_data', o.extraData !== undefined, o.extraData ?? '');
  flag('congestion', o.congestion !== undefined, o.congestion ?? '');
  flag('get_server_output', o.serverOutput, 1);
  flag('udp_counters_64bit', o.counters64, 1);
  flag('repeating_payload', o.repeatingPayload, 1);
  flag('dont_fragment', o.dontFragment, 1);
  out.add('client_version', IPERF_VERSION);
  await sendJson(test, 113, out);
}

/** Takes the client's parameters into the server's settings. */
export async function receiveParameters(test: IperfTest): Promise<void> {
  const document = await receiveJson(test, 114);
  const number = (key: string, otherwise: number): number => {
    const value = document[key];
    return typeof value === 'number' ? value : value === true ? 1 : otherwise;
  };
  const text = (key: string): string | undefined => {
    const value = document[key];
    return typeof value === 'string' ? value : undefined;
  };
  const o: IperfOptions = test.o;
  o.udp = 'udp' in document;
  o.omit = number('omit', 0);
  o.seconds = number('time', 0);
  o.bytes = number('num', 0);
  o.blocks = number('blockcount', 0);
  o.mss = number('MSS', 0);
  o.noDelay = number('nodelay', 0) !== 0;
  o.parallel = Math.max(1, number('parallel', 1));
  o.reverse = number('reverse', 0) !== 0;
  o.bidirectional = number('bidirectional', 0) !== 0;
  o.window = number('window', 0);
  o.blockSize = number('len', 0);
  o.rate = number('bandwidth', 0);
  o.pacingTimerUs = number('pacing_timer', 1000);
  o.burst = number('burst', 0);
  o.tos = number('TOS', 0);
  o.title = text('title');
  o.extraData = text('extra_data');
  o.congestion = text('congestion');
  o.serverOutput = number('get_server_output', 0) !== 0;
  o.counters64 = number('udp_counters_64bit', 0) !== 0;
  o.repeatingPayload = number('repeating_payload', 0) !== 0;
  o.dontFragment = number('dont_fragment', 0) !== 0;
  test.mode = o.bidirectional ? -1 : o.reverse ? 1 : 0;
}

// ---- results ----

export async function sendResults(test: IperfTest): Promise<void> {
  const { o } = test;
  const [total = 0, user = 0, system = 0] = test.cpu;
  const streams: JsonValue[] = [];
  const out = new JsonObject({
    cpu_util_total: total,
    cpu_util_user: user,
    cpu_util_system: system,
    sender_has_retransmits: test.mode === 0 ? -1 : test.senderHasRetransmits,
  });
  if (test.congestionUsed !== undefined) out.add('congestion_used', test.congestionUsed);
  if (o.role === 's' && o.serverOutput) {
    if (o.json) out.add('server_output_json', test.json);
    else out.add('server_output_text', test.output.recording ?? '');
  }
  out.add('streams', streams);
  for (const stream of test.streams)
    streams.push(
      new JsonObject({
        id: stream.id,
        bytes: stream.sender ? stream.bytesSent - stream.bytesSentOmitted : stream.bytesReceived,
        retransmits: stream.sender && test.senderHasRetransmits > 0 ? stream.retransmits : -1,
        jitter: stream.jitter,
        errors: stream.lost,
        packets: stream.packetCount,
        start_time: 0,
        end_time: Math.abs(stream.endUs - stream.startUs) / 1e6,
      }),
    );
  await sendJson(test, 116, out);
}

export async function receiveResults(test: IperfTest): Promise<void> {
  const document = await receiveJson(test, 117);
  const figure = (from: Readonly<Record<string, unknown>>, key: string): number => {
    const value = from[key];
    return typeof value === 'number' ? value : 0;
  };
  test.remoteCpu = [
    figure(document, 'cpu_util_total'),
    figure(document, 'cpu_util_user'),
    figure(document, 'cpu_util_system'),
  ];
  const remote = figure(document, 'sender_has_retransmits');
  const has = remote > 2 ** 32 ? -1 : remote;
  if (test.mode === 0) test.senderHasRetransmits = has;
  else if (test.mode === -1) test.otherSideHasRetransmits = has;
  const used = document['congestion_used'];
  if (typeof used === 'string') test.remoteCongestionUsed = used;
  const text = document['server_output_text'];
  if (typeof text === 'string') test.serverOutputText = text;
  test.serverOutputJson = document['server_output_json'];
  const list = document['streams'];
  for (const entry of Array.isArray(list) ? (list as Readonly<Record<string, unknown>>[]) : []) {
    const stream = test.streams.find(({ id }) => id === figure(entry, 'id'));
    if (stream === undefined) continue;
    const time = figure(entry, 'end_time') - figure(entry, 'start_time');
    stream.peerPacketCount = figure(entry, 'packets');
    if (stream.sender) {
      stream.jitter = figure(entry, 'jitter');
      stream.lost = figure(entry, 'errors');
      stream.bytesReceived = figure(entry, 'bytes');
      stream.receiverSeconds = time;
    } else {
      stream.bytesSent = figure(entry, 'bytes');
      stream.senderSeconds = time;
      const retransmits = figure(entry, 'retransmits');
      stream.retransmits = retransmits > 2 ** 32 ? -1 : retransmits;
    }
  }
}
