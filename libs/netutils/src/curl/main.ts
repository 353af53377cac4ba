/**
 * `curl` 7.88.1 over the system-call boundary, for HTTP/1.0 and 1.1 without encryption.
 *
 * ```
 *  options → each URL: Transfer ── Connections (kept between URLs) ── HttpReader
 *                         └ progress meter, -v trace, -w figures
 * ```
 * Source: the behaviour and texts of Debian 12's curl. Other protocols, TLS, proxies, cookies, multipart forms and
 * content encodings are not part of it.
 */
import { decodeText, encodeText, OpenFlag, print, printErr, Signal, type Sys } from '@netloom/sys';
import { CommandExit, errnoOf, program } from '../command.js';
import { Connections, CurlError, type Surroundings } from './connection.js';
import { Meter } from './meter.js';
import { expandGlobs, parseCurlOptions, type CurlOptions } from './options.js';
import {
  FileSink,
  formBody,
  StandardOutput,
  Transfer,
  uploadFile,
  type Upload,
} from './transfer.js';
import { writeOut } from './write-out.js';

const VERSION = `curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/7.88.1
Release-Date: 2023-02-20
Protocols: http
Features: IPv6 Largefile
`;
const HELP = `Usage: curl [options...] <url>
 -d, --data <data>          HTTP POST data
 -f, --fail                 Fail fast with no output on HTTP errors
 -h, --help <category>      Get help for commands
 -i, --include              Include protocol response headers in the output
 -o, --output <file>        Write to file instead of stdout
 -O, --remote-name          Write output to a file named as the remote file
 -s, --silent               Silent mode
 -T, --upload-file <file>   Transfer local FILE to destination
 -u, --user <user:password> Server user and password
 -A, --user-agent <name>    Send User-Agent <name> to server
 -v, --verbose              Make the operation more talkative
 -V, --version              Show version number and quit

This is not the full help, this menu is stripped into categories.
Use "--help category" to get an overview of all categories.
For all options use the manual or "--help all".
`;

/** Answers that are worth another try. */
const RETRY_STATUS = new Set([408, 429, 500, 502, 503, 504]);
const MAX_RETRY_DELAY = 600;

interface Job {
  readonly url: string;
  readonly path: string | undefined;
  readonly error: CurlError | undefined;
}

function jobs(o: CurlOptions): Job[] {
  const out: Job[] = [];
  for (const [i, given] of o.urls.entries()) {
    const output = o.outputs[i] ?? (o.remoteNameAll ? true : undefined);
    for (const url of o.globOff ? [given] : expandGlobs(given)) {
      let path = typeof output === 'string' ? output : undefined;
      let error: CurlError | undefined;
      if (output === true) {
        const name =
          /^(?:[a-z]+:\/\/)?[^/?#]+\/([^?#]*)/i.exec(url)?.[1]?.replace(/^.*\//, '') ?? '';
        if (name === '')
          error = new CurlError(23, 'Failed writing received data to disk/application');
        path = name;
      }
      if (path === '-') path = undefined;
      else if (path !== undefined && o.outputDir !== undefined) path = `${o.outputDir}/${path}`;
      out.push({ url, path, error });
    }
  }
  return out;
}

function makeFolders(sys: Sys, path: string): void {
  for (let at = path.indexOf('/', 1); at > 0; at = path.indexOf('/', at + 1)) {
    try {
      sys.mkdir(path.slice(0, at));
    } catch (error) {
      errnoOf(error);
    }
  }
}

/** Whether, and why, it may be tried again. */
function transient(
  o: CurlOptions,
  error: CurlError | undefined,
  status: number,
): string | undefined {
  if (error?.code === 28) return 'timeout';
  if (error?.code === 7 && o.retryRefused) return 'connection refused';
  if (RETRY_STATUS.has(status) && (error === undefined || error.code === 22)) return 'HTTP error';
  return error !== undefined && o.retryAll ? '(retrying all errors)' : undefined;
}

class Curl {
  private readonly around: Surroundings;
  private readonly connections: Connections;
  private readonly stdout: StandardOutput;
  private headerFd: number | undefined;

  constructor(
    private readonly sys: Sys,
    private readonly o: CurlOptions,
  ) {
    this.stdout = new StandardOutput(sys, o.noBuffer || sys.isatty(1));
    const toTerminal = sys.isatty(1) && o.outputs.length === 0;
    const quiet = o.silent || o.noProgress || toTerminal;
    const meter = new Meter(sys, quiet ? 'none' : o.progressBar ? 'bar' : 'meter', sys.now());
    this.around = {
      sys,
      o,
      meter,
      info: async (text) => {
        if (o.verbose) await printErr(sys, `* ${text}\n`);
      },
    };
    this.connections = new Connections(this.around);
  }

  async run(): Promise<number> {
    const { sys, o } = this;
    let result = 0;
    if (o.dumpHeader !== undefined)
      this.headerFd =
        o.dumpHeader === '-'
          ? 1
          : sys.open(o.dumpHeader, OpenFlag.O_WRONLY | OpenFlag.O_CREAT | OpenFlag.O_TRUNC, 0o644);
    const form = o.data.length > 0 ? await formBody(this.around) : undefined;
    for (const [number, job] of jobs(o).entries()) {
      const code = await this.withRetries(job, number, form);
      if (code !== 0 || number === 0) result = code;
      else result = 0;
    }
    await this.stdout.flush();
    return result;
  }

  private complain(): boolean {
    return !this.o.silent || this.o.showError;
  }

  private async withRetries(
    job: Job,
    number: number,
    form: Uint8Array | undefined,
  ): Promise<number> {
    const { sys, o } = this;
    let delay = o.retryDelay === 0 ? 1 : o.retryDelay;
    for (let left = o.retry; ; left--) {
      const { code, why } = await this.once(job, number, form);
      if (why === undefined || left <= 0) return code;
      if (!o.silent)
        await printErr(
          sys,
          `Warning: Problem: ${why}. Will retry in ${delay} seconds. ${left} ${left === 1 ? 'retry' : 'retries'} left.\n`,
        );
      await sys.sleep(delay * 1e9);
      if (o.retryDelay === 0) delay = Math.min(MAX_RETRY_DELAY, delay * 2);
    }
  }

  private async once(
    job: Job,
    number: number,
    form: Uint8Array | undefined,
  ): Promise<{ code: number; why: string | undefined }> {
    const { sys, o } = this;
    if (job.error !== undefined) {
      if (this.complain()) {
        await printErr(sys, 'curl: Remote file name has no length!\n');
        await printErr(sys, `curl: (${job.error.code}) ${job.error.message}\n`);
      }
      return { code: job.error.code, why: undefined };
    }
    let { url } = job;
    let upload: Upload | undefined;
    if (form !== undefined && o.getData)
      url += `${url.includes('?') ? '&' : /^([a-z]+:\/\/)?[^/]+$/i.test(url) ? '/?' : '?'}${decodeText(form)}`;
    else if (form !== undefined) upload = { body: form, method: 'POST' };
    if (o.upload !== undefined) {
      try {
        upload = { body: await uploadFile(sys, o.upload), method: 'PUT' };
      } catch (error) {
        if (!(error instanceof CurlError)) throw error;
        await printErr(sys, `curl: ${error.message}\n`);
        await printErr(sys, "curl: try 'curl --help' or 'curl --manual' for more information\n");
        return { code: error.code, why: undefined };
      }
      const name = o.upload.replace(/^.*\//, '');
      if (url.endsWith('/') && o.upload !== '-') url += name;
    }
    if (job.path !== undefined && o.createDirs) makeFolders(sys, job.path);
    const { meter } = this.around;
    meter.restart(sys.now());
    await meter.tick();
    const sink = new FileSink(sys, job.path, this.headerFd, this.stdout);
    const transfer = new Transfer(
      this.around,
      this.connections,
      url,
      number,
      upload,
      sink,
      job.path,
    );
    const { figures, error } = await transfer.run();
    sink.finish(error === undefined);
    if (error?.code !== 6 && error?.code !== 1 && error?.code !== 3) await meter.end();
    if (error !== undefined && this.complain())
      await printErr(sys, `curl: (${error.code}) ${error.message}\n`);
    if (o.writeOut !== undefined) await this.tell(figures);
    return { code: error?.code ?? 0, why: transient(o, error, figures.status) };
  }

  private async tell(figures: Parameters<typeof writeOut>[1]): Promise<void> {
    const { sys, o } = this;
    let format = o.writeOut ?? '';
    if (format.startsWith('@')) {
      const fd = format === '@-' ? 0 : sys.open(format.slice(1), OpenFlag.O_RDONLY);
      format = decodeText(await sys.read(fd, 65536)).replace(/[\r\n]+$/g, '');
    }
    const { out, err } = writeOut(format, figures);
    if (err !== '') await printErr(sys, err);
    if (out !== '') await this.stdout.write(encodeText(out));
  }
}

/** curl(1). */
export const curlMain = program(async (sys) => {
  let o: CurlOptions;
  try {
    o = parseCurlOptions(sys.argv.slice(1));
  } catch (error) {
    if (!(error instanceof CommandExit) || error.code !== 0) throw error;
    await print(sys, error.stderr === 'version' ? VERSION : HELP);
    return 0;
  }
  sys.signal(Signal.SIGPIPE, 'ignore');
  return await new Curl(sys, o).run();
});
