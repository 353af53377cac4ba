/**
 * curl's command line: options in curl's own way (a long option needs its whole name, `--no-` turns one off), and what
 * each URL is to be given.
 */
import { CommandExit } from '../command.js';

export interface CurlOptions {
  urls: string[];
  /** `-o`, `-O` in their order: a name, `true` for the remote name. */
  outputs: (string | true)[];
  silent: boolean;
  showError: boolean;
  verbose: boolean;
  include: boolean;
  head: boolean;
  fail: boolean;
  failWithBody: boolean;
  location: boolean;
  maxRedirects: number;
  writeOut: string | undefined;
  method: string | undefined;
  data: { readonly text: string; readonly kind: 'ascii' | 'binary' | 'raw' | 'urlencode' }[];
  getData: boolean;
  headers: string[];
  agent: string;
  referer: string | undefined;
  user: string | undefined;
  upload: string | undefined;
  range: string | undefined;
  http10: boolean;
  maxTimeNs: number | undefined;
  connectTimeoutNs: number | undefined;
  retry: number;
  retryDelay: number;
  retryRefused: boolean;
  retryAll: boolean;
  interface: string | undefined;
  localPort: readonly [number, number] | undefined;
  family: 4 | 6 | undefined;
  noProgress: boolean;
  noBuffer: boolean;
  progressBar: boolean;
  dumpHeader: string | undefined;
  limitRate: number | undefined;
  resolve: string[];
  globOff: boolean;
  keepAlive: boolean;
  remoteTime: boolean;
  createDirs: boolean;
  outputDir: string | undefined;
  remoteNameAll: boolean;
}

/** Short letter, whether it takes a value. What is listed and not handled below changes nothing here. */
const LONG: Readonly<Record<string, readonly [string, boolean]>> = {
  append: ['', false],
  basic: ['', false],
  compressed: ['', false],
  'connect-timeout': ['', true],
  'create-dirs': ['', false],
  data: ['d', true],
  'data-ascii': ['d', true],
  'data-binary': ['', true],
  'data-raw': ['', true],
  'data-urlencode': ['', true],
  'dump-header': ['D', true],
  fail: ['f', false],
  'fail-early': ['', false],
  'fail-with-body': ['', false],
  get: ['G', false],
  globoff: ['g', false],
  head: ['I', false],
  header: ['H', true],
  help: ['h', false],
  'http1.0': ['0', false],
  'http1.1': ['', false],
  include: ['i', false],
  insecure: ['k', false],
  interface: ['', true],
  ipv4: ['4', false],
  ipv6: ['6', false],
  keepalive: ['', false],
  'keepalive-time': ['', true],
  'limit-rate': ['', true],
  'local-port': ['', true],
  location: ['L', false],
  'location-trusted': ['L', false],
  'max-redirs': ['', true],
  'max-time': ['m', true],
  buffer: ['N', false],
  output: ['o', true],
  'output-dir': ['', true],
  parallel: ['Z', false],
  'progress-bar': ['#', false],
  'progress-meter': ['', false],
  proxy: ['x', true],
  disable: ['q', false],
  range: ['r', true],
  referer: ['e', true],
  'remote-name': ['O', false],
  'remote-name-all': ['', false],
  'remote-time': ['R', false],
  request: ['X', true],
  resolve: ['', true],
  retry: ['', true],
  'retry-all-errors': ['', false],
  'retry-connrefused': ['', false],
  'retry-delay': ['', true],
  'retry-max-time': ['', true],
  sessionid: ['', false],
  'show-error': ['S', false],
  silent: ['s', false],
  styled: ['', false],
  'styled-output': ['', false],
  'tcp-nodelay': ['', false],
  'upload-file': ['T', true],
  url: ['', true],
  user: ['u', true],
  'user-agent': ['A', true],
  verbose: ['v', false],
  version: ['V', false],
  'write-out': ['w', true],
};
const SHORT = new Map(
  Object.entries(LONG)
    .filter(([, [letter]]) => letter !== '')
    .map(([name, [letter]]) => [letter, name] as const),
);

const TRY = "curl: try 'curl --help' or 'curl --manual' for more information\n";

function refuse(text: string): CommandExit {
  return new CommandExit(2, `curl: ${text}\n${TRY}`);
}

function seconds(shown: string, text: string): number {
  if (!/^\d*\.?\d+$/.test(text))
    throw refuse(`option ${shown}: expected a proper numerical parameter`);
  return Math.round(Number(text) * 1e9);
}

function count(shown: string, text: string): number {
  if (!/^-?\d+$/.test(text)) throw refuse(`option ${shown}: expected a proper numerical parameter`);
  if (text.startsWith('-'))
    throw refuse(`option ${shown}: expected a positive numerical parameter`);
  return Number(text);
}

function rate(shown: string, text: string): number {
  const found = /^(\d+)([bBkKmMgG]?)$/.exec(text);
  if (found === null) throw refuse(`option ${shown}: unsupported rate unit. Use G, M, K or B`);
  return Number(found[1]) * 1024 ** 'bkmg'.indexOf((found[2] ?? 'b').toLowerCase() || 'b');
}

export function defaultCurlOptions(): CurlOptions {
  return {
    urls: [],
    outputs: [],
    silent: false,
    showError: false,
    verbose: false,
    include: false,
    head: false,
    fail: false,
    failWithBody: false,
    location: false,
    maxRedirects: 50,
    writeOut: undefined,
    method: undefined,
    data: [],
    getData: false,
    headers: [],
    agent: 'curl/7.88.1',
    referer: undefined,
    user: undefined,
    upload: undefined,
    range: undefined,
    http10: false,
    maxTimeNs: undefined,
    connectTimeoutNs: undefined,
    retry: 0,
    retryDelay: 0,
    retryRefused: false,
    retryAll: false,
    interface: undefined,
    localPort: undefined,
    family: undefined,
    noProgress: false,
    noBuffer: false,
    progressBar: false,
    dumpHeader: undefined,
    limitRate: undefined,
    resolve: [],
    globOff: false,
    keepAlive: true,
    remoteTime: false,
    createDirs: false,
    outputDir: undefined,
    remoteNameAll: false,
  };
}

function apply(o: CurlOptions, name: string, value: string, on: boolean, shown: string): void {
  switch (name) {
    case 'silent':
      o.silent = on;
      break;
    case 'show-error':
      o.showError = on;
      break;
    case 'verbose':
      o.verbose = on;
      break;
    case 'include':
      o.include = on;
      break;
    case 'head':
      o.head = on;
      break;
    case 'fail':
      o.fail = on;
      break;
    case 'fail-with-body':
      o.failWithBody = on;
      break;
    case 'location':
    case 'location-trusted':
      o.location = on;
      break;
    case 'max-redirs':
      o.maxRedirects = value === '-1' ? Infinity : count(shown, value);
      break;
    case 'write-out':
      o.writeOut = value;
      break;
    case 'request':
      o.method = value;
      break;
    case 'data':
    case 'data-ascii':
      o.data.push({ text: value, kind: 'ascii' });
      break;
    case 'data-binary':
      o.data.push({ text: value, kind: 'binary' });
      break;
    case 'data-raw':
      o.data.push({ text: value, kind: 'raw' });
      break;
    case 'data-urlencode':
      o.data.push({ text: value, kind: 'urlencode' });
      break;
    case 'get':
      o.getData = on;
      break;
    case 'header':
      o.headers.push(value);
      break;
    case 'user-agent':
      o.agent = value;
      break;
    case 'referer':
      o.referer = value;
      break;
    case 'user':
      o.user = value;
      break;
    case 'upload-file':
      o.upload = value;
      break;
    case 'range':
      o.range = value;
      break;
    case 'http1.0':
      o.http10 = on;
      break;
    case 'max-time':
      o.maxTimeNs = seconds(shown, value);
      break;
    case 'connect-timeout':
      o.connectTimeoutNs = seconds(shown, value);
      break;
    case 'retry':
      o.retry = count(shown, value);
      break;
    case 'retry-delay':
      o.retryDelay = count(shown, value);
      break;
    case 'retry-connrefused':
      o.retryRefused = on;
      break;
    case 'retry-all-errors':
      o.retryAll = on;
      break;
    case 'interface':
      o.interface = value;
      break;
    case 'local-port': {
      const found = /^(\d+)(?:\s*-\s*(\d+))?$/.exec(value);
      if (found === null) throw refuse(`option ${shown}: is badly used here`);
      o.localPort = [Number(found[1]), Number(found[2] ?? found[1])];
      break;
    }
    case 'ipv4':
      o.family = 4;
      break;
    case 'ipv6':
      o.family = 6;
      break;
    case 'progress-meter':
      o.noProgress = !on;
      break;
    case 'buffer':
      o.noBuffer = !on;
      break;
    case 'progress-bar':
      o.progressBar = on;
      break;
    case 'dump-header':
      o.dumpHeader = value;
      break;
    case 'limit-rate':
      o.limitRate = rate(shown, value);
      break;
    case 'resolve':
      o.resolve.push(value);
      break;
    case 'globoff':
      o.globOff = on;
      break;
    case 'keepalive':
      o.keepAlive = on;
      break;
    case 'remote-time':
      o.remoteTime = on;
      break;
    case 'create-dirs':
      o.createDirs = on;
      break;
    case 'output-dir':
      o.outputDir = value;
      break;
    case 'output':
      o.outputs.push(value);
      break;
    case 'remote-name':
      o.outputs.push(true);
      break;
    case 'remote-name-all':
      o.remoteNameAll = on;
      break;
    case 'url':
      o.urls.push(value);
      break;
    case 'proxy':
      throw refuse(`option ${shown}: the installed libcurl version doesn't support this`);
    case 'version':
    case 'help':
      throw new CommandExit(0, name);
    default:
      break;
  }
}

export function parseCurlOptions(args: readonly string[]): CurlOptions {
  const o = defaultCurlOptions();
  let operands = false;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (operands || !arg.startsWith('-') || arg === '-') {
      o.urls.push(arg);
      continue;
    }
    if (arg === '--') {
      operands = true;
      continue;
    }
    if (arg.startsWith('--')) {
      const typed = arg.slice(2);
      const positive = LONG[typed] === undefined ? typed.replace(/^no-/, '') : typed;
      const known = LONG[positive];
      if (known === undefined) throw refuse(`option ${arg}: is unknown`);
      const on = positive === typed;
      if (known[1] && args[i + 1] === undefined) throw refuse(`option ${arg}: requires parameter`);
      apply(o, positive, known[1] ? (args[++i] ?? '') : '', on, arg);
      continue;
    }
    for (let j = 1; j < arg.length; j++) {
      const letter = arg[j] ?? '';
      const name = SHORT.get(letter);
      if (name === undefined) throw refuse(`option ${arg}: is unknown`);
      if (LONG[name]?.[1] !== true) {
        apply(o, name, '', name !== 'buffer', arg);
        continue;
      }
      let value: string | undefined = arg.slice(j + 1);
      if (value === '') value = args[++i];
      if (value === undefined) throw refuse(`option ${arg}: requires parameter`);
      apply(o, name, value, true, arg);
      break;
    }
  }
  if (o.urls.length === 0) throw refuse('no URL specified!');
  if (o.head && (o.data.length > 0 || o.upload !== undefined) && !o.getData)
    throw new CommandExit(
      2,
      'Warning: You can only select one HTTP request method! The first were: HEAD\n',
    );
  return o;
}

/** `http://h/[1-3]` and `http://h/{a,b}` as the URLs that they stand for, in curl's order. */
export function expandGlobs(url: string): string[] {
  const found = /\{([^{}]*)\}|\[(?:(\d+)-(\d+)|([a-zA-Z])-([a-zA-Z]))(?::(\d+))?\]/.exec(url);
  if (found === null) return [url];
  const items: string[] = [];
  if (found[1] !== undefined) items.push(...found[1].split(','));
  else {
    const letters = found[4] !== undefined;
    const from = letters ? (found[4] ?? '').charCodeAt(0) : Number(found[2]);
    const to = letters ? (found[5] ?? '').charCodeAt(0) : Number(found[3]);
    const width = (found[2] ?? '').startsWith('0') ? (found[2] ?? '').length : 0;
    for (let n = from; n <= to; n += Number(found[6] ?? 1))
      items.push(letters ? String.fromCharCode(n) : String(n).padStart(width, '0'));
  }
  const before = url.slice(0, found.index);
  const after = url.slice(found.index + found[0].length);
  return items.flatMap((item) => expandGlobs(after).map((rest) => before + item + rest));
}
