/**
 * `ab`, ApacheBench 2.3, over the system-call boundary: so many requests, so many at a time, and how long they took.
 * Workers run side by side; each asks, reads and counts. Source: the output of Debian 12's ab; times are microseconds.
 * TLS, proxies and HTML tables (-w, -x, -y, -z) are not part of it.
 */
import { Errno, strerror } from '@netloom/base';
import {
  AF_INET,
  AF_INET6,
  decodeText,
  encodeText,
  OpenFlag,
  Poll,
  print,
  printErr,
  readAll,
  Signal,
  SOCK_STREAM,
  type IpAddr,
  type Sys,
} from '@netloom/sys';
import { calendarText } from '../calendar.js';
import { CommandExit, errnoOf, program } from '../command.js';
import { getopt } from '../getopt.js';
import { base64 } from '../http/base64.js';
import { headerOf, HttpReader } from '../http/reader.js';
import { parseUrl, type HttpUrl } from '../http/url.js';
import { resolveName } from '../resolve.js';
import { connectWithin, socketAddress } from '../sockets.js';
import { reportText, type Sample } from './report.js';
import { AB_BANNER, AB_USAGE } from './usage.js';

const MAX_REQUESTS = 50000;
const READ_SIZE = 65536;
/** APR's number for a time that ran out; the exit code is its low byte. */
const APR_TIMEUP = 70007;

export interface AbOptions {
  requests: number;
  concurrency: number;
  timeLimitNs: number;
  timeoutNs: number;
  window: number;
  bindAddress: string | undefined;
  body: Uint8Array | undefined;
  contentType: string;
  verbosity: number;
  method: string;
  headers: string;
  cookies: string;
  authorization: string;
  keepAlive: boolean;
  percentiles: boolean;
  confidence: boolean;
  quiet: boolean;
  variableLength: boolean;
  goOn: boolean;
  gnuplot: string | undefined;
  csv: string | undefined;
}

/** What all requests together were. */
export interface Counts {
  done: number;
  kept: number;
  failed: number;
  failedConnect: number;
  failedReceive: number;
  failedLength: number;
  failedException: number;
  writeErrors: number;
  notOk: number;
  received: number;
  sent: number;
  bodies: number;
  server: string;
  documentLength: number | undefined;
  readonly samples: Sample[];
}

function usage(complaint: string): CommandExit {
  return new CommandExit(22, `ab: ${complaint}\n${AB_USAGE}`);
}

function number(text: string, what: string): number {
  if (!/^\s*-?\d+/.test(text) || parseInt(text, 10) <= 0) throw usage(what);
  return parseInt(text, 10);
}

async function fileOf(sys: Sys, path: string): Promise<Uint8Array> {
  try {
    const fd = sys.open(path, OpenFlag.O_RDONLY);
    const bytes = await readAll(sys, fd);
    sys.close(fd);
    return bytes;
  } catch (error) {
    const errno = errnoOf(error);
    throw new CommandExit(
      errno,
      `ab: Could not open POST data file (${path}): ${strerror(errno)}\n`,
    );
  }
}

async function options(sys: Sys): Promise<{ o: AbOptions; url: HttpUrl }> {
  const parsed = getopt('ab', sys.argv.slice(1), {
    short: '+n:c:t:s:b:T:p:u:v:lrkVhwiIx:y:z:C:H:P:A:g:X:de:SqB:m:Z:f:E:',
  });
  const o: AbOptions = {
    requests: 1,
    concurrency: 1,
    timeLimitNs: Infinity,
    timeoutNs: 30e9,
    window: 0,
    bindAddress: undefined,
    body: undefined,
    contentType: 'text/plain',
    verbosity: 0,
    method: 'GET',
    headers: '',
    cookies: '',
    authorization: '',
    keepAlive: false,
    percentiles: true,
    confidence: true,
    quiet: false,
    variableLength: false,
    goOn: false,
    gnuplot: undefined,
    csv: undefined,
  };
  if (parsed.error !== undefined) throw new CommandExit(22, `${parsed.error}\n${AB_USAGE}`);
  for (const { name, value = '' } of parsed.options) {
    switch (name) {
      case 'n':
        o.requests = number(value, 'Invalid number of requests');
        break;
      case 'c':
        o.concurrency = number(value, 'Invalid concurrency [Range 1..20000]');
        break;
      case 't':
        o.timeLimitNs = number(value, 'Invalid time limit') * 1e9;
        o.requests = MAX_REQUESTS;
        break;
      case 's':
        o.timeoutNs = number(value, 'Invalid timeout') * 1e9;
        break;
      case 'b':
        o.window = parseInt(value, 10);
        break;
      case 'B':
        o.bindAddress = value;
        break;
      case 'p':
      case 'u':
        o.body = await fileOf(sys, value);
        o.method = name === 'p' ? 'POST' : 'PUT';
        break;
      case 'T':
        o.contentType = value;
        break;
      case 'v':
        o.verbosity = parseInt(value, 10);
        break;
      case 'i':
        o.method = 'HEAD';
        break;
      case 'm':
        o.method = value;
        break;
      case 'H':
        o.headers += `${value}\r\n`;
        break;
      case 'C':
        o.cookies += `Cookie: ${value}\r\n`;
        break;
      case 'A':
        o.authorization = `Authorization: Basic ${base64(encodeText(value))}\r\n`;
        break;
      case 'k':
        o.keepAlive = true;
        break;
      case 'd':
        o.percentiles = false;
        break;
      case 'S':
        o.confidence = false;
        break;
      case 'q':
        o.quiet = true;
        break;
      case 'l':
        o.variableLength = true;
        break;
      case 'r':
        o.goOn = true;
        break;
      case 'g':
        o.gnuplot = value;
        break;
      case 'e':
        o.csv = value;
        break;
      case 'V':
        throw new CommandExit(0, AB_BANNER);
      case 'h':
        throw new CommandExit(0, AB_USAGE);
      case 'w':
      case 'x':
      case 'y':
      case 'z':
      case 'X':
      case 'P':
      case 'Z':
      case 'f':
      case 'E':
        throw usage(`option -${name} is not supported`);
      default:
        break;
    }
  }
  const [text, ...more] = parsed.operands;
  if (text === undefined || more.length > 0) throw usage('wrong number of arguments');
  const url = parseUrl(text);
  if (url === undefined || !/^([a-z]+:\/\/)?[^/]+\//i.test(text)) throw usage('invalid URL');
  if (url.scheme !== 'http') throw usage('SSL not compiled in; no https support');
  if (o.concurrency > 20000) throw usage('Invalid concurrency [Range 1..20000]');
  if (o.concurrency > o.requests)
    throw usage('Cannot use concurrency level greater than total number of requests');
  return { o, url };
}

/** Ends the whole run: APR's function, reason and number. */
class Fatal extends Error {
  constructor(
    readonly call: string,
    readonly errno: number,
  ) {
    super(call);
  }

  get text(): string {
    const reason =
      this.errno === APR_TIMEUP ? 'The timeout specified has expired' : strerror(this.errno);
    return `${this.call}: ${reason} (${this.errno})`;
  }
}

class Bench {
  private started = 0;
  private beginNs = 0;
  private fatal: Fatal | undefined;
  private readonly heartbeat: number;
  readonly counts: Counts = {
    done: 0,
    kept: 0,
    failed: 0,
    failedConnect: 0,
    failedReceive: 0,
    failedLength: 0,
    failedException: 0,
    writeErrors: 0,
    notOk: 0,
    received: 0,
    sent: 0,
    bodies: 0,
    server: '',
    documentLength: undefined,
    samples: [],
  };

  constructor(
    private readonly sys: Sys,
    private readonly o: AbOptions,
    private readonly url: HttpUrl,
    private readonly address: IpAddr,
  ) {
    const loud = !o.quiet && o.requests > 150;
    this.heartbeat = loud ? Math.max(100, Math.floor(o.requests / 10)) : 0;
  }

  private request(): Uint8Array {
    const { o, url } = this;
    const port = url.port === 80 ? '' : `:${url.port}`;
    const has = (name: string): boolean => new RegExp(`(^|\n)${name}:`, 'i').test(o.headers);
    let headers = o.headers;
    if (!has('Host')) headers += `Host: ${url.host}${port}\r\n`;
    if (!has('User-Agent')) headers += 'User-Agent: ApacheBench/2.3\r\n';
    if (!has('Accept')) headers += 'Accept: */*\r\n';
    const kept = o.keepAlive ? 'Connection: Keep-Alive\r\n' : '';
    const body =
      o.body === undefined
        ? ''
        : `Content-length: ${o.body.length}\r\nContent-type: ${o.contentType}\r\n`;
    const head = `${o.method} ${url.path} HTTP/1.0\r\n${kept}${o.cookies}${o.authorization}${body}${headers}\r\n`;
    const bytes = encodeText(head);
    if (o.body === undefined) return bytes;
    const both = new Uint8Array(bytes.length + o.body.length);
    both.set(bytes);
    both.set(o.body, bytes.length);
    return both;
  }

  async run(): Promise<number> {
    const { sys, o, url } = this;
    await print(sys, `Benchmarking ${url.host} (be patient)${this.heartbeat > 0 ? '\n' : '...'}`);
    const request = this.request();
    if (o.verbosity >= 2)
      await print(
        sys,
        `INFO: ${o.method} header == \n---\n${decodeText(request).replace(/\r/g, '')}\n---\n`,
      );
    this.beginNs = sys.now();
    await Promise.all(Array.from({ length: o.concurrency }, () => this.worker(request)));
    const seconds = (sys.now() - this.beginNs) / 1e9;
    if (this.fatal !== undefined) {
      await printErr(sys, `${this.fatal.text}\n`);
      if (this.counts.done > 0)
        await print(sys, `Total of ${this.counts.done} requests completed\n`);
      return this.fatal.errno & 0xff;
    }
    if (this.heartbeat > 0) await printErr(sys, `Finished ${this.counts.done} requests\n`);
    else await print(sys, '..done\n');
    await print(sys, reportText(o, url, this.counts, seconds));
    await this.files();
    return 0;
  }

  private get over(): boolean {
    return (
      this.fatal !== undefined ||
      this.started >= this.o.requests ||
      this.sys.now() - this.beginNs >= this.o.timeLimitNs
    );
  }

  /** One of those that ask at the same time. */
  private async worker(request: Uint8Array): Promise<void> {
    let kept: { fd: number; reader: HttpReader } | undefined;
    while (!this.over) {
      this.started++;
      try {
        kept = await this.one(request, kept);
      } catch (error) {
        if (!(error instanceof Fatal)) throw error;
        kept = undefined;
        if (this.o.goOn && error.errno !== APR_TIMEUP) this.refuse('failedReceive');
        else this.fatal ??= error;
      }
    }
    if (kept !== undefined) this.sys.close(kept.fd);
  }

  private refuse(
    what: 'failedConnect' | 'failedReceive' | 'failedException' | 'failedLength',
  ): void {
    this.counts[what]++;
    this.counts.failed++;
  }

  private get nowUs(): number {
    return Math.floor(this.sys.now() / 1000);
  }

  private async open(): Promise<number> {
    const { sys, o, address } = this;
    const fd = sys.socket(typeof address === 'number' ? AF_INET : AF_INET6, SOCK_STREAM, 0);
    if (o.window > 0) {
      sys.setsockopt(fd, 'SO_SNDBUF', o.window);
      sys.setsockopt(fd, 'SO_RCVBUF', o.window);
    }
    if (o.bindAddress !== undefined) {
      const from = await resolveName(sys, o.bindAddress);
      try {
        sys.bind(fd, socketAddress(from?.address ?? 0, 0));
      } catch (error) {
        throw new Fatal('apr_socket_bind()', errnoOf(error));
      }
    }
    const errno = await connectWithin(sys, fd, socketAddress(address, this.url.port), o.timeoutNs);
    if (errno === 0) return fd;
    sys.close(fd);
    if (errno === Errno.EINPROGRESS) throw new Fatal('apr_pollset_poll', APR_TIMEUP);
    throw new Fatal('apr_socket_recv', errno);
  }

  private reader(fd: number, beginRead: () => void): HttpReader {
    const { sys, o } = this;
    return new HttpReader(async () => {
      const [bits = 0] = await sys.poll([{ fd, events: Poll.POLLIN }], o.timeoutNs);
      if (bits === 0) throw new Fatal('apr_pollset_poll', APR_TIMEUP);
      try {
        const bytes = await sys.read(fd, READ_SIZE);
        beginRead();
        this.counts.received += bytes.length;
        return bytes;
      } catch (error) {
        throw new Fatal('apr_socket_recv', errnoOf(error));
      }
    });
  }

  /** One request; the connection where it stays open. */
  private async one(
    request: Uint8Array,
    kept: { fd: number; reader: HttpReader } | undefined,
  ): Promise<{ fd: number; reader: HttpReader } | undefined> {
    const { sys, o, counts } = this;
    const startUs = this.nowUs;
    let readUs = 0;
    const beginRead = (): void => {
      if (readUs === 0) readUs = this.nowUs;
    };
    const fd = kept?.fd ?? (await this.open());
    const connectUs = kept === undefined ? this.nowUs : startUs;
    const reader = this.reader(fd, beginRead);
    try {
      await sys.write(fd, request);
    } catch (error) {
      errnoOf(error);
      sys.close(fd);
      counts.writeErrors++;
      this.refuse('failedException');
      return undefined;
    }
    counts.sent += request.length;
    const writtenUs = this.nowUs;
    const head = await reader.head();
    if (head === undefined) {
      sys.close(fd);
      if (counts.documentLength === undefined && kept === undefined) {
        counts.documentLength = 0;
        counts.done++;
      } else this.refuse('failedException');
      return undefined;
    }
    if (counts.server === '') counts.server = headerOf(head, 'Server') ?? '';
    const status = Number(/^HTTP\/\S+ (\d+)/.exec(head.start)?.[1] ?? 500);
    if (status < 200 || status >= 300) counts.notOk++;
    if (o.verbosity >= 2) await this.showHead(head.start, head.headers);
    const length = headerOf(head, 'Content-Length');
    const stays =
      o.keepAlive && /keep-alive/i.test(headerOf(head, 'Connection') ?? '') && length !== undefined;
    let bodyBytes = 0;
    const sink = (bytes: Uint8Array): Promise<void> => {
      bodyBytes += bytes.length;
      return Promise.resolve();
    };
    const wanted = o.method === 'HEAD' ? 0 : Number(length ?? 0);
    await reader.body(stays ? { kind: 'length', length: wanted } : { kind: 'close' }, sink);
    counts.bodies += bodyBytes;
    if (counts.documentLength === undefined) counts.documentLength = bodyBytes;
    else if (counts.documentLength !== bodyBytes && !o.variableLength) this.refuse('failedLength');
    counts.done++;
    if (stays) counts.kept++;
    const doneUs = this.nowUs;
    counts.samples.push({
      startUs,
      connectUs: Math.max(0, connectUs - startUs),
      totalUs: Math.max(0, doneUs - startUs),
      waitUs: Math.max(0, readUs - writtenUs),
    });
    if (this.heartbeat > 0 && counts.done % this.heartbeat === 0)
      await printErr(sys, `Completed ${counts.done} requests\n`);
    if (stays) return { fd, reader };
    sys.close(fd);
    return undefined;
  }

  private async showHead(
    start: string,
    headers: readonly { readonly name: string; readonly value: string }[],
  ): Promise<void> {
    const lines = headers.map(({ name, value }) => `${name}: ${value}\n`).join('');
    await print(this.sys, `LOG: header received:\n${start}\n${lines}\n\n`);
  }

  /** `-e` and `-g`. */
  private async files(): Promise<void> {
    const { sys, o, counts } = this;
    const write = async (path: string, text: string): Promise<void> => {
      const fd = sys.open(path, OpenFlag.O_WRONLY | OpenFlag.O_CREAT | OpenFlag.O_TRUNC, 0o644);
      await sys.write(fd, encodeText(text));
      sys.close(fd);
    };
    const sorted = [...counts.samples].sort((a, b) => a.totalUs - b.totalUs);
    if (o.csv !== undefined && sorted.length > 1) {
      let text = 'Percentage served,Time in ms\n';
      for (let i = 0; i <= 100; i++) {
        const at = Math.min(sorted.length - 1, Math.floor((sorted.length * i) / 100));
        text += `${i},${((sorted[at]?.totalUs ?? 0) / 1000).toFixed(3)}\n`;
      }
      await write(o.csv, text);
    }
    if (o.gnuplot !== undefined) await write(o.gnuplot, gnuplotLines(sys, sorted));
  }
}

const ms = (us: number): number => Math.floor((us + 500) / 1000);

function gnuplotLines(sys: Sys, sorted: readonly Sample[]): string {
  let text = 'starttime\tseconds\tctime\tdtime\tttime\twait\n';
  for (const sample of sorted) {
    const seconds = sys.bootTime() + Math.floor(sample.startUs / 1e6);
    text += `${calendarText(seconds)}\t${seconds}\t${ms(sample.connectUs)}\t${ms(sample.totalUs - sample.connectUs)}\t${ms(sample.totalUs)}\t${ms(sample.waitUs)}\n`;
  }
  return text;
}

/** ab(1). */
export const abMain = program(async (sys) => {
  sys.signal(Signal.SIGPIPE, 'ignore');
  let chosen: { o: AbOptions; url: HttpUrl };
  try {
    chosen = await options(sys);
  } catch (error) {
    if (!(error instanceof CommandExit) || error.code !== 0) throw error;
    await print(sys, error.stderr);
    return 0;
  }
  const { o, url } = chosen;
  await print(sys, AB_BANNER);
  const resolved = await resolveName(sys, url.host);
  if (resolved === undefined) {
    await print(sys, `Benchmarking ${url.host} (be patient)...`);
    await printErr(
      sys,
      `apr_sockaddr_info_get() for ${url.host}: Temporary failure in name resolution (670003)\n`,
    );
    return 1;
  }
  return await new Bench(sys, o, url, resolved.address).run();
});
