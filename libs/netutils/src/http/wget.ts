/**
 * `wget` 1.21.3 for single files over HTTP: -q -nv -O -P -S -T -t -U --header --post-data --spider, with its dotted
 * progress. Recursion, resuming, TLS and proxies are not part of it.
 */
import { Errno, strerror } from '@netloom/base';
import {
  AF_INET,
  AF_INET6,
  encodeText,
  OpenFlag,
  Poll,
  printErr,
  Signal,
  SOCK_STREAM,
  type Sys,
} from '@netloom/sys';
import { formatG } from '../c-number.js';
import { dateText } from '../calendar.js';
import { CommandExit, errnoOf, program } from '../command.js';
import { getopt } from '../getopt.js';
import { ipText, resolveName } from '../resolve.js';
import { connectWithin, socketAddress } from '../sockets.js';
import { headerOf, HttpReader, responseFraming, type Head } from './reader.js';
import { hostHeader, parseUrl, resolveUrl, urlText, type HttpUrl } from './url.js';

const READ_SIZE = 65536;
const MAX_REDIRECTS = 20;
const DOTS_A_ROW = 50;
/** The longest wait between two tries, seconds. */
const MAX_WAIT = 10;

interface Options {
  quiet: boolean;
  brief: boolean;
  output: string | undefined;
  folder: string | undefined;
  serverResponse: boolean;
  spider: boolean;
  timeoutNs: number;
  tries: number;
  agent: string;
  headers: string[];
  post: string | undefined;
  family: 4 | 6 | undefined;
}

/** Ends one URL: exit code 4 network, 8 the server's refusal. */
class WgetError extends Error {
  constructor(
    readonly code: number,
    readonly retry: boolean,
  ) {
    super('wget');
  }
}

const threeDigits = (value: number): string =>
  value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2);

function rate(bytes: number, ns: number): readonly [string, string] {
  let value = (bytes * 1e9) / Math.max(1000, ns);
  let unit = 0;
  while (value >= 1024 && unit < 3) {
    value /= 1024;
    unit++;
  }
  return [threeDigits(value), ['', 'K', 'M', 'G'][unit] ?? ''];
}

function sizeText(bytes: number): string {
  if (bytes < 1024) return '';
  const power = Math.min(4, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return ` (${value.toFixed(value < 10 ? 1 : 0)}${' KMGT'[power] ?? ''})`;
}

class Wget {
  constructor(
    private readonly sys: Sys,
    private readonly o: Options,
  ) {}

  private async say(text: string): Promise<void> {
    if (!this.o.quiet && !this.o.brief) await printErr(this.sys, text);
  }

  private get now(): string {
    return dateText(this.sys.bootTime() + Math.floor(this.sys.now() / 1e9));
  }

  async get(text: string): Promise<number> {
    const { o, sys } = this;
    let url = parseUrl(text);
    if (url === undefined || url.scheme !== 'http') {
      const why = url === undefined ? 'Invalid host name' : `Unsupported scheme ‘${url.scheme}’`;
      if (!o.quiet) await printErr(sys, `${text}: ${why}.\n`);
      return 1;
    }
    if (o.spider) await this.say('Spider mode enabled. Check if remote file exists.\n');
    let redirects = 0;
    for (let attempt = 1; ;) {
      const tries = attempt > 1 ? `  (try:${String(attempt).padStart(2)})` : '';
      await this.say(`--${this.now}--${tries}  ${urlText(url)}\n`);
      try {
        const next = await this.fetch(url);
        if (next === undefined) return 0;
        if (++redirects > MAX_REDIRECTS) {
          await this.say(`${MAX_REDIRECTS} redirections exceeded.\n`);
          return 8;
        }
        url = next;
        continue;
      } catch (error) {
        if (!(error instanceof WgetError)) throw error;
        if (!error.retry) return error.code;
        if (o.tries > 0 && attempt >= o.tries) {
          await this.say('Giving up.\n\n');
          return error.code;
        }
        await this.say('Retrying.\n\n');
      }
      await sys.sleep(Math.min(attempt, MAX_WAIT) * 1e9);
      attempt++;
    }
  }

  private async connect(url: HttpUrl): Promise<number> {
    const { sys, o } = this;
    const found = await resolveName(sys, url.host, o.family);
    let shown = url.host;
    if (found?.numeric !== true) {
      await this.say(`Resolving ${url.host} (${url.host})... `);
      if (found === undefined) {
        await this.say('failed: Name or service not known.\n');
        if (!o.quiet) await printErr(sys, `wget: unable to resolve host address ‘${url.host}’\n`);
        throw new WgetError(4, false);
      }
      await this.say(`${ipText(found.address)}\n`);
      shown = `${url.host} (${url.host})|${ipText(found.address)}|`;
    }
    await this.say(`Connecting to ${shown}:${url.port}... `);
    const four = typeof found.address === 'number';
    const fd = sys.socket(four ? AF_INET : AF_INET6, SOCK_STREAM, 0);
    const to = socketAddress(found.address, url.port, found.scopeId ?? 0);
    const errno = await connectWithin(sys, fd, to, o.timeoutNs);
    if (errno === 0) {
      await this.say('connected.\n');
      return fd;
    }
    sys.close(fd);
    const late = errno === Errno.EINPROGRESS || errno === Errno.ETIMEDOUT;
    await this.say(`failed: ${strerror(late ? Errno.ETIMEDOUT : errno)}.\n`);
    throw new WgetError(4, late);
  }

  private request(url: HttpUrl): Uint8Array {
    const { o } = this;
    const method = o.post !== undefined ? 'POST' : o.spider ? 'HEAD' : 'GET';
    let text = `${method} ${url.path} HTTP/1.1\r\nHost: ${hostHeader(url)}\r\nUser-Agent: ${o.agent}\r\nAccept: */*\r\nAccept-Encoding: identity\r\nConnection: Keep-Alive\r\n`;
    if (o.post !== undefined)
      text += `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${encodeText(o.post).length}\r\n`;
    for (const header of o.headers) text += `${header}\r\n`;
    return encodeText(`${text}\r\n${o.post ?? ''}`);
  }

  /** One request; where it leads on. */
  private async fetch(url: HttpUrl): Promise<HttpUrl | undefined> {
    const { sys, o } = this;
    const fd = await this.connect(url);
    const reader = new HttpReader(async () => {
      const [bits = 0] = await sys.poll([{ fd, events: Poll.POLLIN }], o.timeoutNs);
      if (bits === 0) {
        await this.say('Read error (Connection timed out) in headers.\n');
        throw new WgetError(4, true);
      }
      try {
        return await sys.read(fd, READ_SIZE);
      } catch (error) {
        await this.say(`Read error (${strerror(errnoOf(error))}) in headers.\n`);
        throw new WgetError(4, true);
      }
    });
    try {
      await this.say('HTTP request sent, awaiting response... ');
      await sys.write(fd, this.request(url));
      const head = await reader.head();
      if (head === undefined) {
        await this.say('No data received.\n');
        throw new WgetError(4, true);
      }
      return await this.answer(url, reader, head);
    } finally {
      sys.close(fd);
    }
  }

  private async answer(url: HttpUrl, reader: HttpReader, head: Head): Promise<HttpUrl | undefined> {
    const { sys, o } = this;
    const [, status = '0', reason = ''] = /^HTTP\/\S+ (\d+) ?(.*)$/.exec(head.start) ?? [];
    if (o.serverResponse && !o.quiet) {
      const lines = head.headers.map(({ name, value }) => `  ${name}: ${value}\n`).join('');
      await printErr(sys, `\n  ${head.start}\n${lines}`);
    } else await this.say(`${status} ${reason}\n`);
    const code = Number(status);
    const location = headerOf(head, 'Location');
    if (code >= 300 && code < 400 && location !== undefined) {
      await this.say(`Location: ${location} [following]\n`);
      const next = resolveUrl(url, location);
      if (next === undefined) throw new WgetError(8, false);
      return next;
    }
    if (code >= 400) {
      if (o.spider) await this.say('Remote file does not exist -- broken link!!!\n\n');
      else if (!o.quiet)
        await printErr(
          sys,
          `${o.brief ? `${urlText(url)}:\n` : ''}${this.now} ERROR ${status}: ${reason}.\n${o.brief ? '' : '\n'}`,
        );
      throw new WgetError(8, false);
    }
    const method = o.spider ? 'HEAD' : 'GET';
    const framing = responseFraming(method, code, head);
    const total = Number(headerOf(head, 'Content-Length') ?? -1);
    const type = headerOf(head, 'Content-Type')?.replace(/;.*/, '');
    const length = total < 0 ? 'unspecified' : `${total}${sizeText(total)}`;
    await this.say(`Length: ${length}${type === undefined ? '' : ` [${type}]`}\n`);
    if (o.spider) {
      await this.say(
        type === 'text/html'
          ? 'Remote file exists and could contain further links,\nbut recursion is disabled -- not retrieving.\n\n'
          : 'Remote file exists.\n\n',
      );
      return undefined;
    }
    await this.save(url, reader, framing, total);
    return undefined;
  }

  private target(url: HttpUrl): string {
    const { o, sys } = this;
    if (o.output !== undefined) return o.output;
    const name = url.path.replace(/^.*\/(?=[^/]*$)/, '') || 'index.html';
    const base = o.folder === undefined ? name : `${o.folder.replace(/\/$/, '')}/${name}`;
    for (let i = 0; ; i++) {
      const path = i === 0 ? base : `${base}.${i}`;
      try {
        sys.stat(path);
      } catch (error) {
        errnoOf(error);
        return path;
      }
    }
  }

  private async save(
    url: HttpUrl,
    reader: HttpReader,
    framing: ReturnType<typeof responseFraming>,
    total: number,
  ): Promise<void> {
    const { sys, o } = this;
    const path = this.target(url);
    const stdout = path === '-';
    let out = 1;
    if (!stdout) {
      try {
        out = sys.open(path, OpenFlag.O_WRONLY | OpenFlag.O_CREAT | OpenFlag.O_TRUNC, 0o666);
      } catch (error) {
        if (!o.quiet) await printErr(sys, `${path}: ${strerror(errnoOf(error))}\n`);
        throw new WgetError(3, false);
      }
    }
    await this.say(stdout ? 'Saving to: ‘STDOUT’\n' : `Saving to: ‘${path}’\n`);
    const startNs = sys.now();
    const dots = new Dots(total, startNs, (text) => this.say(text));
    let got = 0;
    const missing = await reader.body(framing, async (bytes) => {
      got += bytes.length;
      await sys.write(out, bytes);
      await dots.add(bytes.length, sys.now());
    });
    const spentNs = sys.now() - startNs;
    await dots.end(sys.now());
    if (!stdout) sys.close(out);
    const [value, unit] = rate(got, spentNs);
    if (missing !== 0) {
      await this.say(`\n${this.now} (${value} ${unit}B/s) - Connection closed at byte ${got}. `);
      throw new WgetError(4, true);
    }
    const of = total < 0 ? `${got}` : `${got}/${total}`;
    if (o.brief && !o.quiet)
      await printErr(sys, `${this.now} URL:${urlText(url)} [${of}] -> "${path}" [1]\n`);
    const done = stdout ? 'written to stdout' : `‘${path}’ saved`;
    await this.say(`\n${this.now} (${value} ${unit}B/s) - ${done} [${of}]\n\n`);
  }
}

/** A dot a kilobyte, fifty a row, and the row's share and speed. */
class Dots {
  private bytes = 0;
  private dots = 0;
  private rowStartNs: number;
  private rowBytes = 0;

  constructor(
    private readonly total: number,
    private readonly startNs: number,
    private readonly say: (text: string) => Promise<void>,
  ) {
    this.rowStartNs = startNs;
  }

  private begin(): string {
    const row = Math.floor(this.dots / DOTS_A_ROW) * DOTS_A_ROW;
    return `\n${String(row).padStart(6)}K`;
  }

  private share(): string {
    if (this.total <= 0) return '';
    return `${String(Math.floor((100 * this.bytes) / this.total)).padStart(3)}%`;
  }

  private speed(nowNs: number): string {
    const [value, unit] = rate(this.rowBytes, nowNs - this.rowStartNs);
    return ` ${value.padStart(4)}${unit}`;
  }

  async add(count: number, nowNs: number): Promise<void> {
    let text = '';
    for (let left = count; left > 0;) {
      const room = 1024 - (this.bytes % 1024);
      const step = Math.min(left, room);
      left -= step;
      this.bytes += step;
      this.rowBytes += step;
      if (step < room) break;
      const column = this.dots % DOTS_A_ROW;
      if (column === 0) text += this.begin();
      text += `${column % 10 === 0 ? ' ' : ''}.`;
      this.dots++;
      if (column === DOTS_A_ROW - 1) {
        text += this.share() + this.speed(nowNs);
        const spent = (nowNs - this.startNs) / 1e9;
        const eta =
          this.total > 0 ? Math.round((spent * (this.total - this.bytes)) / this.bytes) : 0;
        if (this.total > this.bytes) text += ` ${eta}s`;
        this.rowStartNs = nowNs;
        this.rowBytes = 0;
      }
    }
    if (text !== '') await this.say(text);
  }

  async end(nowNs: number): Promise<void> {
    const column = this.dots % DOTS_A_ROW;
    const spent = (nowNs - this.startNs) / 1e9;
    const took = `=${spent < 0.001 ? '0' : spent < 100 ? formatG(spent, 2) : spent.toFixed(0)}s\n`;
    if (column === 0 && this.dots > 0 && this.rowBytes === 0) {
      await this.say(took);
      return;
    }
    let text = column === 0 ? this.begin() : '';
    for (let i = column; i < DOTS_A_ROW; i++) text += i % 10 === 0 ? '  ' : ' ';
    await this.say(text + this.share() + this.speed(nowNs) + took);
  }
}

const LONG = {
  quiet: 'q',
  'no-verbose': 'nv',
  'output-document': 'O:',
  'directory-prefix': 'P:',
  'server-response': 'S',
  spider: 'spider',
  timeout: 'T:',
  'connect-timeout': 'T:',
  tries: 't:',
  'user-agent': 'U:',
  header: 'header:',
  'post-data': 'post:',
  'inet4-only': '4',
  'inet6-only': '6',
  version: 'V',
};

/** wget(1). */
export const wgetMain = program(async (sys) => {
  const args = sys.argv.slice(1).map((arg) => (arg === '-nv' ? '--no-verbose' : arg));
  const parsed = getopt('wget', args, { short: 'qO:P:ST:t:U:46V', long: LONG });
  const usage = "Usage: wget [OPTION]... [URL]...\n\nTry `wget --help' for more options.\n";
  if (parsed.error !== undefined) throw new CommandExit(2, `${parsed.error}\n${usage}`);
  const o: Options = {
    quiet: false,
    brief: false,
    output: undefined,
    folder: undefined,
    serverResponse: false,
    spider: false,
    timeoutNs: 900e9,
    tries: 20,
    agent: 'Wget/1.21.3',
    headers: [],
    post: undefined,
    family: undefined,
  };
  for (const { name, value = '' } of parsed.options) {
    if (name === 'q') o.quiet = true;
    else if (name === 'nv') o.brief = true;
    else if (name === 'O') o.output = value;
    else if (name === 'P') o.folder = value;
    else if (name === 'S') o.serverResponse = true;
    else if (name === 'spider') o.spider = true;
    else if (name === 'T') o.timeoutNs = Number(value) * 1e9;
    else if (name === 't') o.tries = value === 'inf' ? 0 : Number(value);
    else if (name === 'U') o.agent = value;
    else if (name === 'header') o.headers.push(value);
    else if (name === 'post') o.post = value;
    else if (name === '4') o.family = 4;
    else if (name === '6') o.family = 6;
  }
  if (parsed.operands.length === 0) throw new CommandExit(1, `wget: missing URL\n${usage}`);
  sys.signal(Signal.SIGPIPE, 'ignore');
  let result = 0;
  for (const url of parsed.operands) {
    const code = await new Wget(sys, o).get(url);
    if (code !== 0 && (result === 0 || code < result)) result = code;
  }
  return result;
});
