/**
 * `python3 -m http.server [-b ADDRESS] [-d FOLDER] [PORT]` as Python 3.11 prints and answers. There is no interpreter.
 */
import { strerror } from '@netloom/base';
import { encodeText, print, printErr, Signal, type Sys } from '@netloom/sys';
import { clockText, civilTime, httpDateText } from '../calendar.js';
import { CommandExit, errnoOf, program } from '../command.js';
import { getopt } from '../getopt.js';
import { ipText, resolveName } from '../resolve.js';
import { hostOf } from '../sockets.js';
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

const USAGE = `usage: server.py [-h] [--cgi] [-b ADDRESS] [-d DIRECTORY] [-p VERSION] [port]\n`;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const BACKLOG = 5;

const REASONS: Readonly<Record<number, readonly [string, string]>> = {
  200: ['OK', ''],
  301: ['Moved Permanently', ''],
  304: ['Not Modified', ''],
  400: ['Bad request', 'Bad request syntax or unsupported method'],
  404: ['File not found', 'Nothing matches the given URI'],
  501: ['Unsupported method', 'Server does not support this operation'],
};

/** RFC 3986's unreserved characters and slashes stay. */
function quote(text: string): string {
  return [...encodeText(text)]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return /[A-Za-z0-9_.~/-]/.test(char) && byte < 128
        ? char
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}

class PythonServer {
  constructor(
    private readonly sys: Sys,
    private readonly root: string,
  ) {}

  private get seconds(): number {
    return this.sys.bootTime() + Math.floor(this.sys.now() / 1e9);
  }

  private async log(request: Request, text: string): Promise<void> {
    const t = civilTime(this.seconds);
    const day = `${String(t.day).padStart(2, '0')}/${MONTHS[t.month - 1] ?? ''}/${t.year}`;
    await printErr(
      this.sys,
      `${hostOf(request.peer)} - - [${day} ${clockText(this.seconds)}] ${text}\n`,
    );
  }

  private async head(
    fd: number,
    request: Request,
    status: number,
    reason: string,
    headers: readonly string[],
  ): Promise<void> {
    await this.log(request, `"${request.line}" ${status} -`);
    const lines = [
      `HTTP/1.0 ${status} ${reason}`,
      'Server: SimpleHTTP/0.6 Python/3.11.2',
      `Date: ${httpDateText(this.seconds)}`,
      ...headers,
    ];
    await this.sys.write(fd, encodeText(`${lines.join('\r\n')}\r\n\r\n`));
  }

  private async error(
    fd: number,
    request: Request,
    status: number,
    detail?: string,
  ): Promise<false> {
    const [reason = '', explanation = ''] = REASONS[status] ?? [];
    const message = detail === undefined ? reason : `${reason} (${detail})`;
    await this.log(request, `code ${status}, message ${message}`);
    const page = encodeText(`<!DOCTYPE HTML>
<html lang="en">
    <head>
        <meta charset="utf-8">
        <title>Error response</title>
    </head>
    <body>
        <h1>Error response</h1>
        <p>Error code: ${status}</p>
        <p>Message: ${escapeHtml(message).replace(/&#x27;/g, "'")}.</p>
        <p>Error code explanation: ${status} - ${explanation}.</p>
    </body>
</html>
`);
    await this.head(fd, request, status, message, [
      'Connection: close',
      'Content-Type: text/html;charset=utf-8',
      `Content-Length: ${page.length}`,
    ]);
    if (request.method !== 'HEAD') await this.sys.write(fd, page);
    return false;
  }

  async respond(fd: number, request: Request): Promise<boolean> {
    const { sys } = this;
    if (!/^HTTP\/\d+\.\d+$/.test(request.version))
      return await this.error(fd, request, 400, `'${request.line}'`);
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return await this.error(fd, request, 501, `'${request.method}'`);
    const path = decodedPath(request.target);
    if (path === undefined) return await this.error(fd, request, 404);
    const place = below(this.root, path);
    let stat = statOf(sys, place);
    let file = place;
    if (stat?.type === 'dir') {
      if (!path.endsWith('/')) {
        const [way = '', ...query] = request.target.split('?');
        const target = [`${way}/`, ...query].join('?');
        await this.head(fd, request, 301, 'Moved Permanently', [
          `Location: ${target}`,
          'Content-Length: 0',
        ]);
        return false;
      }
      const index = ['index.html', 'index.htm']
        .map((name) => `${place.replace(/\/$/, '')}/${name}`)
        .find((name) => statOf(sys, name)?.type === 'file');
      if (index === undefined) return await this.listing(fd, request, place, path);
      file = index;
      stat = statOf(sys, index);
    } else if (path.endsWith('/')) return await this.error(fd, request, 404);
    if (stat === undefined) return await this.error(fd, request, 404);
    const modified = httpDateText(sys.bootTime() + Math.floor(stat.mtimeNs / 1e9));
    if (headerOf(request.head, 'If-Modified-Since') === modified) {
      await this.head(fd, request, 304, 'Not Modified', []);
      return false;
    }
    await this.head(fd, request, 200, 'OK', [
      `Content-type: ${mimeType(file)}`,
      `Content-Length: ${stat.size}`,
      `Last-Modified: ${modified}`,
    ]);
    if (request.method === 'GET') await sendFile(sys, fd, file, 0, stat.size);
    return false;
  }

  private async listing(
    fd: number,
    request: Request,
    place: string,
    path: string,
  ): Promise<boolean> {
    const title = `Directory listing for ${escapeHtml(path)}`;
    const entries = [...this.sys.readdir(place)].sort((a, b) =>
      a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1,
    );
    const rows = entries.map(({ name, type }) => {
      const end = type === 'dir' ? '/' : '';
      const shown = type === 'dir' ? '/' : type === 'symlink' ? '@' : '';
      return `<li><a href="${quote(name + end)}">${escapeHtml(name + shown)}</a></li>\n`;
    });
    const page = encodeText(`<!DOCTYPE HTML>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title}</title>
</head>
<body>
<h1>${title}</h1>
<hr>
<ul>
${rows.join('')}</ul>
<hr>
</body>
</html>
`);
    await this.head(fd, request, 200, 'OK', [
      'Content-type: text/html; charset=utf-8',
      `Content-Length: ${page.length}`,
    ]);
    if (request.method === 'GET') await this.sys.write(fd, page);
    return false;
  }
}

/** python3(1), of which only the web server is there. */
export const pythonMain = program(async (sys) => {
  const args = sys.argv.slice(1);
  if (args[0] === '-V' || args[0] === '--version') {
    await print(sys, 'Python 3.11.2\n');
    return 0;
  }
  while (/^-[uBIEs]$/.test(args[0] ?? '')) args.shift();
  if (args[0] !== '-m' || args[1] !== 'http.server')
    throw new CommandExit(
      1,
      'python3: there is no interpreter on this host, only `python3 -m http.server`\n',
    );
  const parsed = getopt('server.py', args.slice(2), {
    short: 'hb:d:p:',
    long: { help: 'h', cgi: 'cgi', bind: 'b:', directory: 'd:', protocol: 'p:' },
  });
  const [portText = '8000', extra] = parsed.operands;
  const wrong = parsed.error?.replace(/^server\.py: /, '');
  if (wrong !== undefined || extra !== undefined || !/^\d+$/.test(portText)) {
    const why =
      wrong ??
      (extra === undefined
        ? `argument port: invalid int value: '${portText}'`
        : `unrecognized arguments: ${extra}`);
    throw new CommandExit(2, `${USAGE}server.py: error: ${why}\n`);
  }
  const option = (name: string): string | undefined =>
    parsed.options.find((found) => found.name === name)?.value;
  if (parsed.options.some(({ name }) => name === 'h')) {
    await print(sys, USAGE);
    return 0;
  }
  const bindTo = option('b');
  const resolved = bindTo === undefined ? undefined : await resolveName(sys, bindTo);
  if (bindTo !== undefined && resolved === undefined)
    throw new CommandExit(1, 'socket.gaierror: [Errno -2] Name or service not known\n');
  const address = resolved?.address ?? 0;
  let listener: number;
  try {
    listener = listenOn(sys, address, Number(portText), BACKLOG);
  } catch (error) {
    const errno = errnoOf(error);
    throw new CommandExit(1, `OSError: [Errno ${errno}] ${strerror(errno)}\n`);
  }
  const folder = option('d') ?? sys.getcwd();
  const root = folder.startsWith('/') ? folder : `${sys.getcwd()}/${folder}`;
  sys.signal(Signal.SIGPIPE, 'ignore');
  sys.signal(Signal.SIGINT, async () => {
    await print(sys, '\nKeyboard interrupt received, exiting.\n');
    await sys.exit(0);
  });
  const shown = ipText(address);
  const inUrl = shown.includes(':') ? `[${shown}]` : shown;
  await print(
    sys,
    `Serving HTTP on ${shown} port ${portText} (http://${inUrl}:${portText}/) ...\n`,
  );
  const server = new PythonServer(sys, root);
  return await serveHttp(sys, listener, Infinity, (fd, request) => server.respond(fd, request));
});
