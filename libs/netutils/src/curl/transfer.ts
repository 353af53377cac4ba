/**
 * One URL of a curl command: the request, its answer, redirects, and what is told of them.
 */
import { strerror } from '@netloom/base';
import { encodeText, OpenFlag, Poll, printErr, readAll, type Sys } from '@netloom/sys';
import { errnoOf } from '../command.js';
import { base64 } from '../http/base64.js';
import {
  headerOf,
  keepsAlive,
  responseFraming,
  type Framing,
  type Head,
  type Header,
} from '../http/reader.js';
import { hostHeader, parseUrl, resolveUrl, urlText, type HttpUrl } from '../http/url.js';
import {
  Clock,
  CurlError,
  type Connection,
  type Connections,
  type Surroundings,
} from './connection.js';
import type { Figures } from './write-out.js';

/** Larger forms ask first whether they are welcome. */
const EXPECT_ABOVE = 1024 * 1024;
const EXPECT_WAIT_NS = 1e9;
const SEND_PIECE = 65536;

/** What is sent as a body. */
export interface Upload {
  readonly body: Uint8Array;
  readonly method: 'POST' | 'PUT';
}

/** Where the body and the shown headers go. */
export interface Sink {
  write(bytes: Uint8Array): Promise<void>;
  header(bytes: Uint8Array): Promise<void>;
  readonly isTerminal: boolean;
}

/** Bytes of standard output that the C library keeps back where nobody watches. */
const STDIO_BUFFER = 4096;

/** Standard output as the C library's stdio writes it: at once to a terminal, else when a buffer is full or at the end. */
export class StandardOutput {
  private kept: Uint8Array[] = [];
  private size = 0;

  constructor(
    private readonly sys: Sys,
    private readonly unbuffered: boolean,
  ) {}

  async write(bytes: Uint8Array): Promise<void> {
    if (!this.unbuffered && this.size + bytes.length < STDIO_BUFFER) {
      this.kept.push(bytes.slice());
      this.size += bytes.length;
      return;
    }
    await this.flush();
    await this.sys.write(1, bytes);
  }

  async flush(): Promise<void> {
    const { kept } = this;
    this.kept = [];
    this.size = 0;
    for (const bytes of kept) await this.sys.write(1, bytes);
  }
}

/** Writes to a file that is made with the first byte, or to standard output. */
export class FileSink implements Sink {
  private fd: number | undefined;
  readonly isTerminal: boolean;

  constructor(
    private readonly sys: Sys,
    /** Undefined: standard output. */
    private readonly path: string | undefined,
    private readonly headerFd: number | undefined,
    private readonly stdout: StandardOutput,
  ) {
    this.isTerminal = path === undefined && sys.isatty(1);
  }

  private open(): number {
    const flags = OpenFlag.O_WRONLY | OpenFlag.O_CREAT | OpenFlag.O_TRUNC;
    this.fd ??= this.sys.open(this.path ?? '', flags, 0o644);
    return this.fd;
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      if (this.path === undefined) await this.stdout.write(bytes);
      else await this.sys.write(this.open(), bytes);
    } catch (error) {
      errnoOf(error);
      throw new CurlError(23, 'Failure writing output to destination');
    }
  }

  async header(bytes: Uint8Array): Promise<void> {
    if (this.headerFd === 1) await this.stdout.write(bytes);
    else if (this.headerFd !== undefined) await this.sys.write(this.headerFd, bytes);
  }

  /** Closes; an empty answer still makes its file. */
  finish(succeeded: boolean): void {
    if (succeeded && this.path !== undefined) this.open();
    if (this.fd !== undefined) this.sys.close(this.fd);
    this.fd = undefined;
  }
}

export interface TransferResult {
  readonly figures: Figures;
  readonly error: CurlError | undefined;
}

const seconds = (ns: number): number => Math.max(0, ns) / 1e9;

export class Transfer {
  private readonly clock: Clock;
  private readonly figures: Figures;
  private traced = false;
  private startTransferNs = 0;
  private preTransferNs = 0;
  private redirectNs = 0;
  private readonly openedBefore: number;

  constructor(
    private readonly around: Surroundings,
    private readonly connections: Connections,
    url: string,
    urlNumber: number,
    private readonly upload: Upload | undefined,
    private readonly sink: Sink,
    fileName: string | undefined,
  ) {
    const { sys, o } = around;
    this.clock = new Clock(sys.now(), o.maxTimeNs);
    this.openedBefore = connections.count;
    this.figures = {
      contentType: undefined,
      errorText: undefined,
      exitCode: 0,
      fileName,
      status: 0,
      version: '0',
      localIp: '',
      localPort: 0,
      remoteIp: '',
      remotePort: 0,
      method: '',
      connects: 0,
      headers: [],
      redirects: 0,
      redirectUrl: undefined,
      referer: o.referer,
      scheme: '',
      downloaded: 0,
      headerSize: 0,
      requestSize: 0,
      uploaded: 0,
      connect: 0,
      nameLookup: 0,
      preTransfer: 0,
      redirect: 0,
      startTransfer: 0,
      total: 0,
      url,
      effectiveUrl: /^[a-z]+:\/\//i.test(url)
        ? url
        : `http://${url}/`.replace(/([^:/]\/.*)\/$/, '$1'),
      urlNumber,
    };
  }

  async run(): Promise<TransferResult> {
    const { sys } = this.around;
    let error: CurlError | undefined;
    try {
      await this.follow();
    } catch (caught) {
      if (!(caught instanceof CurlError)) throw caught;
      error = caught;
    }
    const f = this.figures;
    const since = (ns: number): number => (ns === 0 ? 0 : seconds(ns - this.clock.startNs));
    f.total = seconds(sys.now() - this.clock.startNs);
    f.nameLookup = since(this.clock.lookupNs);
    f.connect = since(this.clock.connectNs);
    f.preTransfer = since(this.preTransferNs);
    f.startTransfer = since(this.startTransferNs);
    f.redirect = since(this.redirectNs);
    f.connects = this.connections.count - this.openedBefore;
    f.exitCode = error?.code ?? 0;
    f.errorText = error?.message;
    return { figures: f, error };
  }

  private async follow(): Promise<void> {
    const { o, info, sys } = this.around;
    const first = parseUrl(this.figures.url);
    if (first === undefined) throw new CurlError(3, 'URL using bad/illegal format or missing URL');
    let url = first;
    let upload = this.upload;
    let method = o.method;
    for (;;) {
      if (url.scheme !== 'http') {
        throw new CurlError(1, `Protocol "${url.scheme}" not supported or disabled in libcurl`);
      }
      this.figures.scheme = 'HTTP';
      this.figures.effectiveUrl = urlText(url);
      const wanted = method ?? upload?.method ?? (o.head ? 'HEAD' : 'GET');
      const head = await this.exchange(url, wanted, upload);
      const { status } = this.figures;
      const location = headerOf(head, 'Location');
      const next =
        location !== undefined && status >= 300 && status < 400
          ? resolveUrl(url, location)
          : undefined;
      this.figures.redirectUrl = next === undefined ? undefined : urlText(next);
      if (!o.location || next === undefined) return;
      if (this.figures.redirects >= o.maxRedirects)
        throw new CurlError(47, `Maximum (${o.maxRedirects}) redirects followed`);
      this.figures.redirects++;
      this.figures.redirectUrl = undefined;
      this.redirectNs = sys.now();
      await info(`Issue another request to this URL: '${urlText(next)}'`);
      if (upload?.method === 'POST' && status <= 303) {
        if (o.method === undefined) await info('Switch from POST to GET');
        upload = undefined;
      } else if (status === 303) {
        upload = undefined;
        method = undefined;
      }
      url = { ...next, user: url.user, password: url.password };
    }
  }

  // ---- one request and its answer ----

  private request(url: HttpUrl, method: string, upload: Upload | undefined): string {
    const { o } = this.around;
    const custom = new Map<string, string>();
    for (const line of o.headers) {
      const at = line.search(/[:;]/);
      if (at > 0) custom.set(line.slice(0, at).toLowerCase(), line);
    }
    let text = `${method} ${url.path} HTTP/${o.http10 ? '1.0' : '1.1'}\r\n`;
    const own = (name: string, value: string | undefined): void => {
      if (value !== undefined && !custom.has(name.toLowerCase())) text += `${name}: ${value}\r\n`;
    };
    const host = custom.get('host');
    if (host === undefined) text += `Host: ${hostHeader(url)}\r\n`;
    else if (!/:\s*$/.test(host)) text += `${host}\r\n`;
    const user =
      o.user ?? (url.user === undefined ? undefined : `${url.user}:${url.password ?? ''}`);
    if (user !== undefined)
      own('Authorization', `Basic ${base64(encodeText(user.includes(':') ? user : `${user}:`))}`);
    if (o.range !== undefined) own('Range', `bytes=${o.range}`);
    if (o.agent !== '') own('User-Agent', o.agent);
    own('Accept', '*/*');
    own('Referer', o.referer);
    for (const line of o.headers) {
      if (/^host[:;]/i.test(line)) continue;
      if (/^[^:;]+;\s*$/.test(line)) text += `${line.replace(/;\s*$/, ':')}\r\n`;
      else if (!/^[^:]+:\s*$/.test(line) && line.includes(':')) text += `${line}\r\n`;
    }
    if (upload !== undefined) {
      own('Content-Length', String(upload.body.length));
      if (upload.method === 'POST') own('Content-Type', 'application/x-www-form-urlencoded');
      if (this.expects(upload)) own('Expect', '100-continue');
    }
    return `${text}\r\n`;
  }

  private expects(upload: Upload): boolean {
    const { o } = this.around;
    if (o.http10 || o.headers.some((line) => /^expect:/i.test(line))) return false;
    return upload.method === 'PUT' ? upload.body.length > 0 : upload.body.length > EXPECT_ABOVE;
  }

  private async exchange(url: HttpUrl, method: string, upload: Upload | undefined): Promise<Head> {
    const { sys, o, info, meter } = this.around;
    const f = this.figures;
    const user = o.user ?? url.user;
    const connection = await this.connections.take(url, this.clock);
    connection.timeoutText = () => this.timeoutText();
    f.localIp = connection.localIp;
    f.localPort = connection.localPort;
    f.remoteIp = connection.remoteIp;
    f.remotePort = connection.remotePort;
    f.method = method;
    try {
      if (user !== undefined)
        await info(`Server auth using Basic with user '${user.replace(/:.*/, '')}'`);
      const request = this.request(url, method, upload);
      if (this.preTransferNs === 0) this.preTransferNs = sys.now();
      this.traced = false;
      if (o.verbose)
        for (const line of request.replace(/\r\n$/, '').split('\r\n'))
          await this.trace(`> ${line}\r\n`);
      const bytes = encodeText(request);
      f.requestSize += bytes.length;
      await connection.send(bytes);
      if (upload !== undefined && upload.body.length > 0) {
        meter.toSend = upload.body.length;
        const early = await this.sendBody(connection, upload);
        if (early !== undefined) return await this.answer(connection, method, early);
      }
      return await this.answer(connection, method, undefined);
    } catch (error) {
      if (!(error instanceof CurlError)) throw error;
      await info(error.message);
      await info(`Closing connection ${connection.number}`);
      connection.close();
      throw error;
    }
  }

  private timeoutText(): string {
    const waited = Math.floor((this.around.sys.now() - this.clock.startNs) / 1e6);
    const { received, toReceive } = this.around.meter;
    const of = toReceive > 0 ? `${received} out of ${toReceive} bytes` : `${received} bytes`;
    return `Operation timed out after ${waited} milliseconds with ${of} received`;
  }

  /** Sends a body, asking first where it should; a final answer that came instead. */
  private async sendBody(connection: Connection, upload: Upload): Promise<Head | undefined> {
    const { meter, info } = this.around;
    if (this.expects(upload)) {
      const { sys } = this.around;
      const answered =
        connection.reader.buffered > 0 ||
        (await connection.ready(Poll.POLLIN, sys.now() + EXPECT_WAIT_NS));
      if (answered) {
        const head = await this.head(connection, upload.method);
        if (this.figures.status !== 100) return head;
      } else await info('Done waiting for 100-continue');
    }
    await this.traceData('}', Math.min(SEND_PIECE, upload.body.length));
    for (let at = 0; at < upload.body.length; at += SEND_PIECE) {
      const piece = upload.body.subarray(at, at + SEND_PIECE);
      await connection.send(piece);
      this.figures.uploaded += piece.length;
      meter.sent += piece.length;
    }
    if (this.expects(upload)) await info('We are completely uploaded and fine');
    return undefined;
  }

  private async head(connection: Connection, method: string): Promise<Head> {
    const { o, info } = this.around;
    const f = this.figures;
    let lines = 0;
    const head = await connection.reader.head(async (line) => {
      if (lines++ === 0) {
        if (!/^HTTP\/\d/.test(line)) throw new CurlError(1, 'Received HTTP/0.9 when not allowed');
        if (/^HTTP\/1\.0/.test(line)) await info('HTTP 1.0, assume close after body');
      }
      await this.trace(`< ${line}`);
      if (o.fail && !o.failWithBody && lines > 1 && /^\r?\n$/.test(line)) return;
      const bytes = encodeText(line);
      await this.sink.header(bytes);
      if (o.include || o.head) await this.sink.write(bytes);
    });
    if (head === undefined) {
      if (lines === 0) throw new CurlError(52, 'Empty reply from server');
      throw new CurlError(56, 'Recv failure: Connection reset by peer');
    }
    const found = /^HTTP\/(\d(?:\.\d)?) (\d{3})/.exec(head.start);
    f.version = (found?.[1] ?? '0').replace(/\.0$/, '').replace(/^1$/, '1');
    f.status = Number(found?.[2] ?? 0);
    f.headerSize += head.size;
    f.headers = head.headers as readonly Header[];
    f.contentType = headerOf(head, 'Content-Type');
    void method;
    return head;
  }

  private async answer(
    connection: Connection,
    method: string,
    early: Head | undefined,
  ): Promise<Head> {
    const { o, info, meter } = this.around;
    const f = this.figures;
    let head = early ?? (await this.head(connection, method));
    while (f.status >= 100 && f.status < 200) head = await this.head(connection, method);
    this.startTransferNs = connection.firstByteNs;
    const version = /^HTTP\/1\.0/.test(head.start) ? '1.0' : '1.1';
    if (o.fail && f.status >= 400)
      throw new CurlError(22, `The requested URL returned error: ${f.status}`);
    const framing = responseFraming(method, f.status, head);
    const skip =
      o.location && f.status >= 300 && f.status < 400 && headerOf(head, 'Location') !== undefined;
    await this.body(connection, framing, skip);
    const open = framing.kind !== 'close' && keepsAlive(head, version);
    if (open) {
      await info(
        `Connection #${connection.number} to host ${connection.key.replace(/:\d+$/, '')} left intact`,
      );
      this.connections.keep(connection);
    } else {
      await info(`Closing connection ${connection.number}`);
      connection.close();
    }
    void meter;
    if (o.failWithBody && f.status >= 400)
      throw new CurlError(22, `The requested URL returned error: ${f.status}`);
    return head;
  }

  private async body(connection: Connection, framing: Framing, skip: boolean): Promise<void> {
    const { sys, o, meter } = this.around;
    if (framing.kind === 'length') meter.toReceive = framing.length;
    const fromNs = sys.now();
    const missing = await connection.reader.body(framing, async (bytes) => {
      await this.traceData('{', bytes.length);
      meter.received += bytes.length;
      if (!skip) {
        this.figures.downloaded += bytes.length;
        await this.sink.write(bytes);
      }
      await meter.tick();
      if (o.limitRate !== undefined) {
        const dueNs = fromNs + (meter.received / o.limitRate) * 1e9;
        if (dueNs > sys.now()) await sys.sleep(dueNs - sys.now());
      }
    });
    if (missing < 0)
      throw new CurlError(18, 'transfer closed with outstanding read data remaining');
    if (missing > 0)
      throw new CurlError(18, `transfer closed with ${missing} bytes remaining to read`);
  }

  // ---- -v ----

  private async trace(line: string): Promise<void> {
    if (!this.around.o.verbose) return;
    this.traced = false;
    await printErr(this.around.sys, line);
  }

  /** One line for a run of data, unless the data itself is on the screen. */
  private async traceData(brace: string, count: number): Promise<void> {
    if (!this.around.o.verbose || this.traced || this.sink.isTerminal) return;
    this.traced = true;
    await printErr(this.around.sys, `${brace} [${count} bytes data]\n`);
  }
}

// ---- what is to be sent ----

function percentEncode(bytes: Uint8Array): string {
  let out = '';
  for (const byte of bytes) {
    const char = String.fromCharCode(byte);
    out += /[A-Za-z0-9._~-]/.test(char)
      ? char
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}

async function fileBytes(sys: Sys, path: string): Promise<Uint8Array> {
  if (path === '-') return await readAll(sys, 0);
  const fd = sys.open(path, OpenFlag.O_RDONLY);
  try {
    return await readAll(sys, fd);
  } finally {
    sys.close(fd);
  }
}

/** The parts of `-d` and its kin, joined by `&`. */
export async function formBody(around: Pick<Surroundings, 'sys' | 'o'>): Promise<Uint8Array> {
  const { sys, o } = around;
  const parts: Uint8Array[] = [];
  for (const { text, kind } of o.data) {
    let bytes = encodeText(text);
    const name = kind === 'urlencode' ? /^([^=@]*)@(.+)$/.exec(text) : /^()@(.+)$/.exec(text);
    if (kind !== 'raw' && name !== null) {
      try {
        bytes = (await fileBytes(sys, name[2] ?? '')) as Uint8Array<ArrayBuffer>;
      } catch (error) {
        await printErr(
          sys,
          `Warning: Couldn't read data from file "${name[2] ?? ''}", this makes an empty \nWarning: POST.\n`,
        );
        errnoOf(error);
        bytes = new Uint8Array(0);
      }
      if (kind === 'ascii')
        bytes = bytes.filter((byte) => byte !== 10 && byte !== 13 && byte !== 0);
    }
    if (kind === 'urlencode') {
      const equals = text.indexOf('=');
      if (name !== null)
        bytes = encodeText(`${name[1] === '' ? '' : `${name[1] ?? ''}=`}${percentEncode(bytes)}`);
      else if (equals >= 0)
        bytes = encodeText(
          (equals > 0 ? text.slice(0, equals + 1) : '') +
            percentEncode(encodeText(text.slice(equals + 1))),
        );
      else bytes = encodeText(percentEncode(bytes));
    }
    if (parts.length > 0) parts.push(Uint8Array.of(0x26));
    parts.push(bytes);
  }
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** `-T`'s file; CurlError 26 where it cannot be read. */
export async function uploadFile(sys: Sys, path: string): Promise<Uint8Array> {
  try {
    return await fileBytes(sys, path);
  } catch (error) {
    void strerror(errnoOf(error));
    throw new CurlError(26, `Can't open '${path}'!`);
  }
}
