/**
 * What a test prints: intervals and the summary, as text or as members of the JSON document. Layouts are iperf3 3.12's.
 */
import { fixed, formatG } from '../c-number.js';
import { JsonObject, type JsonValue } from './cjson.js';
import type { Interval, Stream } from './stream.js';
import { State, type IperfTest } from './test.js';
import { unitText } from './units.js';

const SEPARATOR = '- - - - - - - - - - - - - - - - - - - - - - - - -\n';
/** Stands where a bidirectional UDP sender has no jitter. */
const NO_JITTER = ' '.repeat(10);
/** Part of the usual interval below which an empty one is not shown. */
const SHORT_INTERVAL = 0.1;

const OMITTED = '(omitted)';

type Columns = 'retr-cwnd' | 'retr' | 'plain' | 'udp' | 'udp-sender';

const HEADINGS: Readonly<Record<Columns, string>> = {
  'retr-cwnd': '         Retr  Cwnd',
  retr: '         Retr',
  plain: '',
  udp: '         Jitter    Lost/Total Datagrams',
  'udp-sender': '         Total Datagrams',
};

function heading(test: IperfTest, columns: Columns): string {
  const role = test.o.bidirectional ? '[Role]' : '';
  return `[ ID]${role} Interval           Transfer     Bitrate${HEADINGS[columns]}\n`;
}

const seconds = (us: number): number => Math.abs(us) / 1e6;

/** The directions a test reports, in order: 1 sends, 0 receives. */
function directions(test: IperfTest): readonly (0 | 1)[] {
  if (test.mode !== -1) return [test.mode];
  return test.o.role === 'c' ? [1, 0] : [0, 1];
}

function roleText(test: IperfTest, direction: 0 | 1): string {
  if (test.mode !== -1) return '';
  return `[${direction === 1 ? 'TX' : 'RX'}-${test.o.role === 'c' ? 'C' : 'S'}]`;
}

/** `[  5]   0.00-1.00   sec  12.7 KBytes   104 Kbits/sec` */
function front(
  test: IperfTest,
  id: number | undefined,
  direction: 0 | 1,
  from: number,
  to: number,
  bytes: number,
  bandwidth: number,
): string {
  const name = id === undefined ? 'SUM' : String(id).padStart(3);
  const span = `${fixed(from, 6, 2)}-${fixed(to, -6, 2)}`;
  const amount = `${unitText(bytes, 'A')}s  ${unitText(bandwidth, test.o.format)}s/sec`;
  return `[${name}]${roleText(test, direction)} ${span} sec  ${amount}`;
}

const plainTail = (what: string): string => `                  ${what}\n`;
const retransTail = (count: number, what: string): string =>
  `  ${String(count).padStart(3)}             ${what}\n`;

function udpTail(
  jitterMs: number,
  lost: number,
  total: number,
  percent: number,
  what: string,
): string {
  return `  ${fixed(jitterMs, 5, 3)} ms  ${lost}/${total} (${formatG(percent, 2)}%)  ${what}\n`;
}

const share = (lost: number, total: number): number => (total > 0 ? (100 * lost) / total : 0);
const perSecond = (bytes: number, time: number): number => (time > 0 ? bytes / time : 0);

/** What the state asks for: the last interval, and at the end the summary. */
export async function report(test: IperfTest): Promise<void> {
  const { state } = test;
  if (state === State.TEST_RUNNING) await printIntervals(test);
  else if (state === State.TEST_END || state === State.DISPLAY_RESULTS) {
    await printIntervals(test);
    await printSummary(test);
  }
}

// ---- intervals ----

async function printIntervals(test: IperfTest): Promise<void> {
  const worth = test.streams.some(({ last }) => {
    if (last === undefined) return false;
    const length = seconds(last.endUs - last.startUs);
    return length >= test.o.interval * SHORT_INTERVAL || last.bytes > 0;
  });
  if (!worth) return;
  const inJson: JsonValue[] = [];
  const document = new JsonObject({ streams: inJson });
  if (test.o.json) test.jsonIntervals.push(document);
  for (const [index, direction] of directions(test).entries()) {
    for (const stream of test.streams) {
      if (stream.sender !== (direction === 1) || stream.last === undefined) continue;
      if (test.o.json) inJson.push(intervalJson(test, stream, stream.last));
      else await printInterval(test, stream, stream.last, direction);
    }
    if (test.o.parallel > 1 || test.o.json)
      await printIntervalSum(test, direction, index, document);
  }
}

function columnsOf(test: IperfTest): Columns {
  if (test.o.udp) return test.mode === 1 ? 'udp-sender' : 'udp';
  return test.senderHasRetransmits === 1 ? 'retr-cwnd' : 'plain';
}

async function printInterval(
  test: IperfTest,
  stream: Stream,
  last: Interval,
  direction: 0 | 1,
): Promise<void> {
  if (stream === test.streams[0]) {
    if (stream.startUs === last.startUs) await test.output.print(heading(test, columnsOf(test)));
    else if (test.o.parallel > 1) await test.output.print(SEPARATOR);
  }
  const from = seconds(last.startUs - stream.startUs);
  const to = seconds(last.endUs - stream.startUs);
  const omitted = last.omitted ? OMITTED : '';
  const bandwidth = perSecond(last.bytes, last.seconds);
  const text = front(test, stream.fd, direction, from, to, last.bytes, bandwidth);
  let tail: string;
  if (test.o.udp)
    tail = stream.sender
      ? ` ${test.mode === -1 ? NO_JITTER : ''} ${last.packets}  ${omitted}\n`
      : udpTail(
          last.jitter * 1000,
          last.lost,
          last.packets,
          share(last.lost, last.packets),
          omitted,
        );
  else if (test.senderHasRetransmits === 1 && stream.sender)
    tail = `  ${String(last.retransmits).padStart(3)}   ${unitText(last.cwnd, 'A')}s       ${omitted}\n`;
  else tail = plainTail(omitted);
  await test.output.print(text + tail);
}

function intervalJson(test: IperfTest, stream: Stream, last: Interval): JsonObject {
  const head = {
    socket: stream.fd,
    start: seconds(last.startUs - stream.startUs),
    end: seconds(last.endUs - stream.startUs),
    seconds: last.seconds,
    bytes: last.bytes,
    bits_per_second: perSecond(last.bytes, last.seconds) * 8,
  };
  const foot = { omitted: last.omitted, sender: stream.sender };
  if (test.o.udp) {
    if (stream.sender) return new JsonObject({ ...head, packets: last.packets, ...foot });
    return new JsonObject({
      ...head,
      jitter_ms: last.jitter * 1000,
      lost_packets: last.lost,
      packets: last.packets,
      lost_percent: share(last.lost, last.packets),
      ...foot,
    });
  }
  if (test.senderHasRetransmits !== 1 || !stream.sender)
    return new JsonObject({ ...head, ...foot });
  return new JsonObject({
    ...head,
    retransmits: last.retransmits,
    snd_cwnd: last.cwnd,
    snd_wnd: last.sndWnd,
    rtt: last.rtt,
    rttvar: last.rttvar,
    pmtu: last.pmtu,
    ...foot,
  });
}

async function printIntervalSum(
  test: IperfTest,
  direction: 0 | 1,
  index: number,
  document: JsonObject,
): Promise<void> {
  let [bytes, retransmits, packets, lost, jitter] = [0, 0, 0, 0, 0];
  for (const { sender, last } of test.streams) {
    if (sender !== (direction === 1) || last === undefined) continue;
    bytes += last.bytes;
    retransmits += last.retransmits;
    packets += last.packets;
    lost += last.lost;
    jitter += last.jitter;
  }
  const stream = test.streams[0];
  const last = stream?.last;
  if (stream === undefined || last === undefined) return;
  jitter = (jitter / test.o.parallel) * 1000;
  const from = seconds(last.startUs - stream.startUs);
  const to = seconds(last.endUs - stream.startUs);
  const bandwidth = perSecond(bytes, last.seconds);
  const withRetransmits = !test.o.udp && direction === 1 && test.senderHasRetransmits === 1;
  if (test.o.json) {
    const sum = new JsonObject({
      start: from,
      end: to,
      seconds: last.seconds,
      bytes,
      bits_per_second: bandwidth * 8,
    });
    if (withRetransmits) sum.add('retransmits', retransmits);
    if (test.o.udp) {
      if (direction === 0) {
        sum.add('jitter_ms', jitter);
        sum.add('lost_packets', lost);
      }
      sum.add('packets', packets);
      if (direction === 0) sum.add('lost_percent', share(lost, packets));
    }
    sum.add('omitted', last.omitted);
    sum.add('sender', direction === 1);
    document.add(index === 0 ? 'sum' : 'sum_bidir_reverse', sum);
    return;
  }
  const omitted = last.omitted ? OMITTED : '';
  let tail: string;
  if (withRetransmits) tail = retransTail(retransmits, omitted);
  else if (!test.o.udp) tail = plainTail(omitted);
  else if (direction === 1) tail = ` ${test.mode === -1 ? NO_JITTER : ''} ${packets}  ${omitted}\n`;
  else tail = udpTail(jitter, lost, packets, share(lost, packets), omitted);
  await test.output.print(front(test, undefined, direction, from, to, bytes, bandwidth) + tail);
}

// ---- the summary ----

interface Totals {
  sent: number;
  received: number;
  retransmits: number;
  packets: number;
  sentPackets: number;
  receivedPackets: number;
  lost: number;
  jitter: number;
}

interface Times {
  readonly end: number;
  readonly sender: number;
  readonly receiver: number;
}

async function printSummary(test: IperfTest): Promise<void> {
  const { o, output } = test;
  const inJson: JsonValue[] = [];
  if (o.json) test.jsonEnd.add('streams', inJson);
  else {
    await output.print(SEPARATOR);
    if (o.verbose) await output.print('Test Complete. Summary Results:\n');
    const retr = test.senderHasRetransmits > 0 || test.otherSideHasRetransmits > 0;
    await output.print(heading(test, o.udp ? 'udp' : retr ? 'retr' : 'plain'));
  }
  const own = test.senderHasRetransmits;
  const order = directions(test);
  for (const [index, direction] of order.entries()) {
    if (test.mode === -1)
      test.senderHasRetransmits = direction === 1 ? own : test.otherSideHasRetransmits;
    await printDirection(test, direction, index, index === order.length - 1, inJson);
  }
  test.senderHasRetransmits = own;
}

function timesOf(test: IperfTest): Times {
  const first = test.streams[0];
  if (first === undefined) return { end: 0, sender: 0, receiver: 0 };
  const end = seconds(first.endUs - first.startUs);
  if (first.sender) {
    first.senderSeconds = end;
    if (first.receiverSeconds === 0) first.receiverSeconds = end;
  } else {
    first.receiverSeconds = end;
    if (first.senderSeconds === 0) first.senderSeconds = end;
  }
  return { end, sender: first.senderSeconds, receiver: first.receiverSeconds };
}

async function printDirection(
  test: IperfTest,
  direction: 0 | 1,
  index: number,
  isLast: boolean,
  inJson: JsonValue[],
): Promise<void> {
  const totals: Totals = {
    sent: 0,
    received: 0,
    retransmits: 0,
    packets: 0,
    sentPackets: 0,
    receivedPackets: 0,
    lost: 0,
    jitter: 0,
  };
  const times = timesOf(test);
  for (const stream of test.streams) {
    if (stream.sender !== (direction === 1)) continue;
    await printStream(test, stream, direction, times, totals, inJson);
  }
  totals.jitter = (totals.jitter / test.o.parallel) * 1000;
  if (test.o.json) {
    sumJson(test, direction, times, totals, index === 0 ? '' : '_bidir_reverse');
    if (isLast) endJson(test, direction);
    return;
  }
  if (test.o.parallel > 1) await printSum(test, direction, times, totals);
  if (test.o.verbose) await printVerbose(test, direction);
}

function packetCounts(stream: Stream): { sender: number; receiver: number } {
  return stream.sender
    ? { sender: stream.packetCount, receiver: stream.peerPacketCount }
    : { sender: stream.peerPacketCount, receiver: stream.packetCount };
}

async function printStream(
  test: IperfTest,
  stream: Stream,
  direction: 0 | 1,
  times: Times,
  totals: Totals,
  inJson: JsonValue[],
): Promise<void> {
  const { o, output } = test;
  const sent = stream.bytesSent - stream.bytesSentOmitted;
  const received = stream.bytesReceived;
  totals.sent += sent;
  totals.received += received;
  totals.retransmits += stream.retransmits;
  const counts = packetCounts(stream);
  const lost = stream.lost - stream.omittedLost;
  const sentPackets = counts.sender - stream.omittedPackets;
  const receivedPackets = counts.receiver - stream.omittedPackets;
  const packets = (counts.sender === 0 ? counts.receiver : counts.sender) - stream.omittedPackets;
  totals.packets += packets;
  totals.sentPackets += sentPackets;
  totals.receivedPackets += receivedPackets;
  totals.lost += lost;
  totals.jitter += stream.jitter;
  if (o.json) {
    inJson.push(
      streamJson(test, stream, direction, times, { sent, received, lost, packets, sentPackets }),
    );
    return;
  }
  const id = stream.fd;
  const line = (to: number, bytes: number): string =>
    front(test, id, direction, 0, to, bytes, perSecond(bytes, to));
  const missing = (what: string): string =>
    `[${String(id).padStart(3)}] (${what} statistics not available)\n`;
  if (o.role === 's' && !stream.sender) {
    if (o.verbose) await output.print(missing('sender'));
  } else {
    let tail = plainTail('sender');
    if (o.udp) tail = udpTail(0, 0, sentPackets, 0, 'sender');
    else if (test.senderHasRetransmits > 0) tail = retransTail(stream.retransmits, 'sender');
    await output.print(line(times.sender, sent) + tail);
  }
  const disordered = stream.outOfOrder - stream.omittedOutOfOrder;
  if (o.udp && disordered > 0)
    await output.print(
      `[SUM]${roleText(test, direction)} ${fixed(0, 4, 1)}-${fixed(times.sender, 4, 1)} sec  ${disordered} datagrams received out-of-order\n`,
    );
  if (o.role === 's' && stream.sender) {
    if (o.verbose) await output.print(missing('receiver'));
  } else {
    const tail = o.udp
      ? udpTail(
          stream.jitter * 1000,
          lost,
          receivedPackets,
          share(lost, receivedPackets),
          'receiver',
        )
      : plainTail('receiver');
    await output.print(line(times.receiver, received) + tail);
  }
}

interface StreamFigures {
  readonly sent: number;
  readonly received: number;
  readonly lost: number;
  readonly packets: number;
  readonly sentPackets: number;
}

function streamJson(
  test: IperfTest,
  stream: Stream,
  direction: 0 | 1,
  times: Times,
  figures: StreamFigures,
): JsonObject {
  const head = (end: number, length: number, bytes: number): Record<string, JsonValue> => ({
    socket: stream.fd,
    start: 0,
    end,
    seconds: length,
    bytes,
    bits_per_second: perSecond(bytes, end) * 8,
  });
  const sender = direction === 1;
  if (test.o.udp)
    return new JsonObject({
      udp: new JsonObject({
        ...head(times.sender, times.sender, figures.sent),
        jitter_ms: stream.jitter * 1000,
        lost_packets: figures.lost,
        packets: figures.packets,
        lost_percent: share(figures.lost, figures.sentPackets),
        out_of_order: stream.outOfOrder - stream.omittedOutOfOrder,
        sender,
      }),
    });
  const sent = new JsonObject(head(times.sender, times.sender, figures.sent));
  if (test.senderHasRetransmits > 0) {
    const mean = stream.countRtt === 0 ? 0 : Math.floor(stream.sumRtt / stream.countRtt);
    sent.add('retransmits', stream.retransmits);
    sent.add('max_snd_cwnd', stream.maxCwnd);
    sent.add('max_snd_wnd', stream.maxSndWnd);
    sent.add('max_rtt', stream.maxRtt);
    sent.add('min_rtt', stream.minRtt);
    sent.add('mean_rtt', mean);
  }
  sent.add('sender', sender);
  const received = new JsonObject(head(times.receiver, times.end, figures.received));
  received.add('sender', sender);
  return new JsonObject({ sender: sent, receiver: received });
}

function sumJson(
  test: IperfTest,
  direction: 0 | 1,
  times: Times,
  totals: Totals,
  suffix: string,
): void {
  const sender = direction === 1;
  const head = (end: number, bytes: number): Record<string, JsonValue> => ({
    start: 0,
    end,
    seconds: end,
    bytes,
    bits_per_second: perSecond(bytes, end) * 8,
  });
  const loss = (
    jitter: number,
    lost: number,
    packets: number,
    percent: number,
  ): Record<string, JsonValue> => ({
    jitter_ms: jitter,
    lost_packets: lost,
    packets,
    lost_percent: percent,
  });
  const percent = share(totals.lost, totals.packets);
  if (test.o.udp) {
    test.jsonEnd.add(
      `sum${suffix}`,
      new JsonObject({
        ...head(times.receiver, totals.sent),
        bits_per_second: perSecond(totals.sent, times.sender) * 8,
        ...loss(totals.jitter, totals.lost, totals.packets, percent),
        sender,
      }),
    );
    test.jsonEnd.add(
      `sum_sent${suffix}`,
      new JsonObject({
        ...head(times.sender, totals.sent),
        ...loss(0, 0, totals.sentPackets, 0),
        sender: true,
      }),
    );
    test.jsonEnd.add(
      `sum_received${suffix}`,
      new JsonObject({
        ...head(times.receiver, totals.received),
        ...loss(totals.jitter, totals.lost, totals.receivedPackets, percent),
        sender: false,
      }),
    );
    return;
  }
  const sent = new JsonObject(head(times.sender, totals.sent));
  if (test.senderHasRetransmits > 0) sent.add('retransmits', totals.retransmits);
  sent.add('sender', sender);
  test.jsonEnd.add(`sum_sent${suffix}`, sent);
  const received = new JsonObject(head(times.receiver, totals.received));
  received.add('sender', sender);
  test.jsonEnd.add(`sum_received${suffix}`, received);
}

/** Which algorithm either end used: [sender's, receiver's]. */
function congestion(test: IperfTest, direction: 0 | 1): [string | undefined, string | undefined] {
  return direction === 1
    ? [test.congestionUsed, test.remoteCongestionUsed]
    : [test.remoteCongestionUsed, test.congestionUsed];
}

function endJson(test: IperfTest, direction: 0 | 1): void {
  const [hostTotal = 0, hostUser = 0, hostSystem = 0] = test.cpu;
  const [remoteTotal = 0, remoteUser = 0, remoteSystem = 0] = test.remoteCpu;
  test.jsonEnd.add(
    'cpu_utilization_percent',
    new JsonObject({
      host_total: hostTotal,
      host_user: hostUser,
      host_system: hostSystem,
      remote_total: remoteTotal,
      remote_user: remoteUser,
      remote_system: remoteSystem,
    }),
  );
  if (test.o.udp) return;
  const [sender, receiver] = congestion(test, direction);
  if (sender !== undefined) test.jsonEnd.add('sender_tcp_congestion', sender);
  if (receiver !== undefined) test.jsonEnd.add('receiver_tcp_congestion', receiver);
}

async function printSum(
  test: IperfTest,
  direction: 0 | 1,
  times: Times,
  totals: Totals,
): Promise<void> {
  const { o, output } = test;
  const missing = (what: string): string => `[SUM] (${what} statistics not available)\n`;
  const line = (to: number, bytes: number): string =>
    front(test, undefined, direction, 0, to, bytes, perSecond(bytes, to));
  const noSender = o.role === 's' && direction === 0;
  const noReceiver = o.role === 's' && direction === 1;
  if (noSender) {
    if (o.verbose && !o.udp) await output.print(missing('sender'));
  } else {
    let tail = plainTail('sender');
    if (o.udp) tail = udpTail(0, 0, totals.sentPackets, 0, 'sender');
    else if (test.senderHasRetransmits > 0) tail = retransTail(totals.retransmits, 'sender');
    await output.print(line(times.sender, totals.sent) + tail);
  }
  if (noReceiver) {
    if (o.verbose && !o.udp) await output.print(missing('receiver'));
  } else {
    const tail = o.udp
      ? udpTail(
          totals.jitter,
          totals.lost,
          totals.receivedPackets,
          share(totals.lost, totals.packets),
          'receiver',
        )
      : plainTail('receiver');
    await output.print(line(times.receiver, totals.received) + tail);
  }
}

async function printVerbose(test: IperfTest, direction: 0 | 1): Promise<void> {
  const one = (value: number): string => value.toFixed(1);
  const part = ([total = 0, user = 0, system = 0]: readonly number[]): string =>
    `${one(total)}% (${one(user)}%u/${one(system)}%s)`;
  const load = (local: string, remote: string): string =>
    `CPU Utilization: local/${local} ${part(test.cpu)}, remote/${remote} ${part(test.remoteCpu)}\n`;
  if (direction === 1) {
    await test.output.print(load('sender', 'receiver'));
    if (test.o.bidirectional) await test.output.print(load('receiver', 'sender'));
  }
  if (test.o.udp) return;
  const [sender, receiver] = congestion(test, direction);
  if (sender !== undefined) await test.output.print(`snd_tcp_congestion ${sender}\n`);
  if (receiver !== undefined) await test.output.print(`rcv_tcp_congestion ${receiver}\n`);
}
