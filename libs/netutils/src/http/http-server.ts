/**
 * `http-server` 14.1.1, npm's static server: files, folders, ranges, conditional requests, connections kept open.
 * Source: what the real one prints and answers. Compression, TLS and proxying are not part of it, and a folder's page
 * has no icons.
 */
import { strerror } from '@netloom/base';
import {
  encodeText,
  print,
  printErr,
  Signal,
  type DirEntry,
  type Stat,
  type Sys,
} from '@netloom/sys';
import { civilTime, dateText, httpDateText } from '../calendar.js';
import { CommandExit, errnoOf, program } from '../command.js';
import { ipText, resolveName } from '../resolve.js';
import { hostOf } from '../sockets.js';
import { base64 } from './base64.js';
import { HTTP_SERVER_HELP } from './http-server-usage.js';
import { mimeType } from './mime.js';
import { headerOf } from './reader.js';
import {
  below,
  decodedPath,
  escapeHtml,
  listenOn,
  sendFile,
  serveHttp,
  statOf,
  type Request,
} from './static-files.js';

const DEFAULT_PORT = 8080;
const BACKLOG = 511;
/** A kept connection waits so long for its next request. */
const KEEP_ALIVE_NS = 5e9;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  206: 'Partial Content',
  302: 'Found',
  304: 'Not Modified',
  401: 'Unauthorized',
  404: 'Not Found',
  405: 'Method Not Allowed',
  416: 'Range Not Satisfiable',
};

interface Options {
  root: string | undefined;
  port: number | undefined;
  address: string;
  listings: boolean;
  autoIndex: boolean;
  extension: string | undefined;
  silent: boolean;
  cors: boolean;
  cacheSeconds: number;
  timeoutSeconds: number;
  utc: boolean;
  logIp: boolean;
  robots: boolean;
  dotfiles: boolean;
  username: string | undefined;
  password: string | undefined;
}

function options(args: readonly string[]): Options {
  const o: Options = {
    root: undefined,
    port: undefined,
    address: '0.0.0.0',
    listings: true,
    autoIndex: true,
    extension: undefined,
    silent: false,
    cors: false,
    cacheSeconds: 3600,
    timeoutSeconds: 120,
    utc: false,
    logIp: false,
    robots: false,
    dotfiles: true,
    username: undefined,
    password: undefined,
  };
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const found = /^(--no-dotfiles|--?[A-Za-z-]+?)(?:=(.*)|(-?\d+))?$/.exec(word);
    if (found === null || !word.startsWith('-')) {
      o.root ??= word;
      continue;
    }
    const next = (): string => {
      const attached = found[2] ?? found[3];
      if (attached !== undefined) return attached;
      return rest[0] !== undefined && !/^-[^\d]/.test(rest[0]) ? (rest.shift() ?? '') : 'true';
    };
    const on = (): boolean => {
      if (found[2] !== undefined) return found[2] !== 'false';
      return rest[0] === 'false' || rest[0] === 'true' ? rest.shift() === 'true' : true;
    };
    switch (found[1]) {
      case '-p':
      case '--port':
        o.port = Number(next());
        break;
      case '-a':
        o.address = next();
        break;
      case '-d':
        o.listings = on();
        break;
      case '-i':
        o.autoIndex = on();
        break;
      case '-e':
      case '--ext':
        o.extension = next();
        if (o.extension === 'true') o.extension = 'html';
        break;
      case '-s':
      case '--silent':
        o.silent = on();
        break;
      case '--cors':
        o.cors = true;
        break;
      case '-c':
        o.cacheSeconds = Number(next());
        break;
      case '-t':
        o.timeoutSeconds = Number(next());
        break;
      case '-U':
      case '--utc':
        o.utc = on();
        break;
      case '--log-ip':
        o.logIp = on();
        break;
      case '-r':
      case '--robots':
        o.robots = on();
        break;
      case '--no-dotfiles':
        o.dotfiles = false;
        break;
      case '--username':
        o.username = next();
        break;
      case '--password':
        o.password = next();
        break;
      case '-h':
      case '--help':
        throw new CommandExit(0, HTTP_SERVER_HELP);
      case '-v':
      case '--version':
        throw new CommandExit(0, 'v14.1.1\n');
      case '-g':
      case '-b':
      case '--gzip':
      case '--brotli':
      case '-S':
      case '--tls':
      case '--ssl':
      case '-P':
      case '--proxy':
      case '-o':
        throw new CommandExit(1, `http-server: option ${word} is not supported\n`);
      default:
        break;
    }
  }
  return o;
}

function permissions(stat: Stat): string {
  const bits = [...'rwxrwxrwx'].map((letter, i) => ((stat.mode >> (8 - i)) & 1 ? letter : '-'));
  return `(${stat.type === 'dir' ? 'd' : '-'}${bits.join('')})`;
}

function fileSize(bytes: number): string {
  if (bytes < 1024) return `${bytes}B`;
  const power = Math.min(4, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(1)}${' kMGT'[power] ?? ''}`;
}

interface Answer {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body?:
    Uint8Array | { readonly path: string; readonly from: number; readonly count: number };
}

class HttpServer {
  constructor(
    private readonly sys: Sys,
    private readonly o: Options,
    private readonly root: string,
    private readonly port: number,
  ) {}

  private get seconds(): number {
    return this.sys.bootTime() + Math.floor(this.sys.now() / 1e9);
  }

  private async log(request: Request, text: string): Promise<void> {
    if (this.o.silent) return;
    const ms = String(Math.floor(this.sys.now() / 1e6) % 1000).padStart(3, '0');
    const stamp = this.o.utc ? httpDateText(this.seconds) : `${dateText(this.seconds, 'T')}.${ms}Z`;
    const ip = this.o.logIp ? hostOf(request.peer) : '';
    await print(this.sys, `[${stamp}] ${ip} "${request.method} ${request.target}" ${text}\n`);
  }

  async respond(fd: number, request: Request): Promise<boolean> {
    const { sys, o } = this;
    await this.log(request, `"${headerOf(request.head, 'User-Agent') ?? 'undefined'}"`);
    let answer = this.authorised(request) ? this.answer(request) : this.challenge();
    if (answer.status === 404 || answer.status === 405) {
      await this.log(request, 'Error (404): "Not found"');
      const page = `${this.root.replace(/\/$/, '')}/404.html`;
      const stat = statOf(sys, page);
      if (answer.status === 404 && stat?.type === 'file')
        answer = {
          status: 404,
          headers: [
            ['content-length', String(stat.size)],
            ['content-type', 'text/html; charset=UTF-8'],
          ],
          body: { path: page, from: 0, count: stat.size },
        };
    }
    const stays =
      request.version === 'HTTP/1.1' &&
      !/\bclose\b/i.test(headerOf(request.head, 'Connection') ?? '');
    const headers = [...answer.headers];
    if (o.cors)
      headers.unshift(
        ['Access-Control-Allow-Origin', '*'],
        ['Access-Control-Allow-Headers', 'Origin, X-Requested-With, Content-Type, Accept, Range'],
      );
    headers.push(['Date', httpDateText(this.seconds)]);
    headers.push(['Connection', stays ? 'keep-alive' : 'close']);
    if (stays) headers.push(['Keep-Alive', 'timeout=5']);
    const hasLength = headers.some(([name]) => name.toLowerCase() === 'content-length');
    if (!hasLength && answer.status !== 304)
      headers.push([
        'Content-Length',
        String(answer.body instanceof Uint8Array ? answer.body.length : 0),
      ]);
    const text = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    await sys.write(
      fd,
      encodeText(`HTTP/1.1 ${answer.status} ${REASONS[answer.status] ?? ''}\r\n${text}\r\n`),
    );
    const { body } = answer;
    if (request.method !== 'HEAD' && body !== undefined) {
      if (body instanceof Uint8Array) await sys.write(fd, body);
      else await sendFile(sys, fd, body.path, body.from, body.count);
    }
    return stays;
  }

  private authorised(request: Request): boolean {
    const { username, password } = this.o;
    if (username === undefined && password === undefined) return true;
    const wanted = `Basic ${base64(encodeText(`${username ?? ''}:${password ?? ''}`))}`;
    return headerOf(request.head, 'Authorization') === wanted;
  }

  private challenge(): Answer {
    return {
      status: 401,
      headers: [['WWW-Authenticate', 'Basic realm=""']],
      body: encodeText('Access denied'),
    };
  }

  private answer(request: Request): Answer {
    const { sys, o } = this;
    const ranges = ['accept-ranges', 'bytes'] as const;
    if (o.robots && request.target === '/robots.txt')
      return {
        status: 200,
        headers: [['Content-Type', 'text/plain']],
        body: encodeText('User-agent: *\nDisallow: /'),
      };
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return { status: 405, headers: [ranges] };
    const path = decodedPath(request.target);
    if (path === undefined || (!o.dotfiles && /\/\./.test(path)))
      return { status: 404, headers: [ranges] };
    const place = below(this.root, path);
    const stat = statOf(sys, place);
    if (stat === undefined) {
      const named = `${place}.${o.extension ?? 'html'}`;
      const other = path.endsWith('/') ? undefined : statOf(sys, named);
      if (other?.type === 'file') return this.file(request, named, other);
      return { status: 404, headers: [ranges] };
    }
    if (stat.type !== 'dir') return this.file(request, place, stat);
    if (!path.endsWith('/')) {
      const [way = '', ...query] = request.target.split('?');
      return { status: 302, headers: [ranges, ['location', [`${way}/`, ...query].join('?')]] };
    }
    const index = `${place.replace(/\/$/, '')}/index.html`;
    const found = o.autoIndex ? statOf(sys, index) : undefined;
    if (found?.type === 'file') return this.file(request, index, found);
    return o.listings
      ? this.listing(request, place, path, stat)
      : { status: 404, headers: [ranges] };
  }

  private tag(stat: Stat): string {
    const ms = String(Math.floor(stat.mtimeNs / 1e6) % 1000).padStart(3, '0');
    const seconds = this.sys.bootTime() + Math.floor(stat.mtimeNs / 1e9);
    return `W/"${stat.ino}-${stat.size}-${dateText(seconds, 'T')}.${ms}Z"`;
  }

  private get cacheControl(): string {
    const { cacheSeconds } = this.o;
    return cacheSeconds < 0 ? 'no-cache, no-store, must-revalidate' : `max-age=${cacheSeconds}`;
  }

  private file(request: Request, path: string, stat: Stat): Answer {
    const modified = httpDateText(this.sys.bootTime() + Math.floor(stat.mtimeNs / 1e9));
    const mime = mimeType(path);
    const type =
      /^text\//.test(mime) || /json|javascript/.test(mime) ? `${mime}; charset=UTF-8` : mime;
    const tag = this.tag(stat);
    const about = [
      ['cache-control', this.cacheControl],
      ['last-modified', modified],
      ['etag', tag],
    ] as const;
    if (
      headerOf(request.head, 'If-None-Match') === tag ||
      (headerOf(request.head, 'If-None-Match') === undefined &&
        headerOf(request.head, 'If-Modified-Since') === modified)
    )
      return { status: 304, headers: [['accept-ranges', 'bytes'], ...about] };
    const range = /^bytes=(\d*)-(\d*)$/.exec(headerOf(request.head, 'Range') ?? '');
    if (range !== null && (range[1] !== '' || range[2] !== '')) {
      const suffix = range[1] === '';
      const from = suffix ? Math.max(0, stat.size - Number(range[2])) : Number(range[1]);
      const to =
        suffix || range[2] === '' ? stat.size - 1 : Math.min(Number(range[2]), stat.size - 1);
      if (from > to)
        return {
          status: 416,
          headers: [
            ['accept-ranges', 'bytes'],
            ['Content-Range', `bytes */${stat.size}`],
          ],
        };
      return {
        status: 206,
        headers: [
          ['Accept-Ranges', 'bytes'],
          ['Content-Range', `bytes ${from}-${to}/${stat.size}`],
          ['Content-Length', String(to - from + 1)],
          ['Content-Type', type],
          ...about,
        ],
        body: { path, from, count: to - from + 1 },
      };
    }
    return {
      status: 200,
      headers: [
        ['accept-ranges', 'bytes'],
        ...about,
        ['content-length', String(stat.size)],
        ['content-type', type],
      ],
      body: { path, from: 0, count: stat.size },
    };
  }

  private row(name: string, stat: Stat, href: string): string {
    const t = civilTime(this.sys.bootTime() + Math.floor(stat.mtimeNs / 1e9));
    const two = (value: number): string => String(value).padStart(2, '0');
    const when = `${two(t.day)}-${MONTHS[t.month - 1] ?? ''}-${t.year} ${two(t.hour)}:${two(t.minute)}`;
    const size = stat.type === 'dir' ? '' : fileSize(stat.size);
    const icon = stat.type === 'dir' ? '_blank' : '_page';
    return `<tr><td><i class="icon icon-${icon}"></i></td><td class="perms"><code>${permissions(stat)}</code></td><td class="last-modified">${when}</td><td class="file-size"><code>${size}</code></td><td class="display-name"><a href="${href}">${escapeHtml(name)}</a></td></tr>\n`;
  }

  private listing(request: Request, place: string, path: string, stat: Stat): Answer {
    const title = `Index of ${escapeHtml(path)}`;
    const entries: DirEntry[] = this.sys
      .readdir(place)
      .filter(({ name }) => this.o.dotfiles || !name.startsWith('.'));
    const folders = entries.filter(({ type }) => type === 'dir');
    const files = entries.filter(({ type }) => type !== 'dir');
    let rows = path === '/' ? '' : this.row('../', stat, './../');
    for (const { name, type } of [...folders, ...files]) {
      const found = statOf(this.sys, `${place.replace(/\/$/, '')}/${name}`);
      const end = type === 'dir' ? '/' : '';
      if (found !== undefined)
        rows += this.row(name + end, found, `./${encodeURIComponent(name)}${end}`);
    }
    const host = headerOf(request.head, 'Host') ?? `localhost:${this.port}`;
    const page = `<!doctype html>
<html>
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>${title}</title>
    <style type="text/css">i.icon { display: block; height: 16px; width: 16px; }
table tr { white-space: nowrap; }
td.perms {}
td.file-size { text-align: right; padding-left: 1em; }
td.display-name { padding-left: 1em; }
</style>
  </head>
  <body>
<h1>${title}</h1>
<table>
${rows}</table>
<br><address>Node.js v18.19.0/ <a href="https://github.com/http-party/http-server">http-server</a> server running @ ${escapeHtml(host)}</address>
</body></html>
`;
    return {
      status: 200,
      headers: [
        ['accept-ranges', 'bytes'],
        ['Content-Type', 'text/html'],
        ['etag', this.tag(stat)],
        ['last-modified', httpDateText(this.sys.bootTime() + Math.floor(stat.mtimeNs / 1e9))],
        ['cache-control', this.cacheControl],
      ],
      body: encodeText(page),
    };
  }
}

/** Every address that the server can be reached at. */
function reachable(sys: Sys, address: string): string[] {
  if (address !== '0.0.0.0') return [address];
  return sys
    .rtnl('RTM_GETADDR', {})
    .flatMap(({ local }) => (typeof local === 'number' ? [ipText(local)] : []));
}

/** http-server(1). */
export const httpServerMain = program(async (sys) => {
  let o: Options;
  try {
    o = options(sys.argv.slice(1));
  } catch (error) {
    if (!(error instanceof CommandExit) || error.code !== 0) throw error;
    await print(sys, error.stderr);
    return 0;
  }
  const folder = o.root ?? (statOf(sys, './public')?.type === 'dir' ? './public' : './');
  const root = folder.startsWith('/') ? folder : `${sys.getcwd()}/${folder}`;
  const address = await resolveName(sys, o.address);
  let listener = -1;
  let port = o.port ?? DEFAULT_PORT;
  for (; listener < 0; port++) {
    try {
      listener = listenOn(sys, address?.address ?? 0, port, BACKLOG);
      break;
    } catch (error) {
      const errno = errnoOf(error);
      if (o.port === undefined && strerror(errno) === 'Address already in use') continue;
      await printErr(
        sys,
        `Error: listen EADDRINUSE: ${strerror(errno).toLowerCase()} ${o.address}:${port}\n`,
      );
      return 1;
    }
  }
  sys.signal(Signal.SIGPIPE, 'ignore');
  for (const signal of [Signal.SIGINT, Signal.SIGTERM])
    sys.signal(signal, async () => {
      if (!o.silent) await print(sys, 'http-server stopped.\n');
      await sys.exit(0);
    });
  if (!o.silent) {
    const list = reachable(sys, o.address).map((ip) => `  http://${ip}:${port}\n`);
    await print(
      sys,
      `Starting up http-server, serving ${folder}

http-server version: 14.1.1

http-server settings: 
CORS: ${o.cors ? 'true' : 'disabled'}
Cache: ${o.cacheSeconds} seconds
Connection Timeout: ${o.timeoutSeconds === 0 ? 'disabled' : `${o.timeoutSeconds} seconds`}
Directory Listings: ${o.listings ? 'visible' : 'not visible'}
AutoIndex: ${o.autoIndex ? 'visible' : 'not visible'}
Serve GZIP Files: false
Serve Brotli Files: false
Default File Extension: ${o.extension ?? 'none'}

Available on:
${list.join('')}Hit CTRL-C to stop the server

`,
    );
  }
  const server = new HttpServer(sys, o, root, port);
  return await serveHttp(sys, listener, KEEP_ALIVE_NS, (fd, request) =>
    server.respond(fd, request),
  );
});
