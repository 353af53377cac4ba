/**
 * `curl -w`: what a transfer was, by name.
 */
import { compact, JsonObject, type JsonValue } from '../iperf3/cjson.js';

/** What is known of a finished transfer. Times in seconds from its start. */
export interface Figures {
  contentType: string | undefined;
  errorText: string | undefined;
  exitCode: number;
  fileName: string | undefined;
  status: number;
  version: string;
  localIp: string;
  localPort: number;
  remoteIp: string;
  remotePort: number;
  method: string;
  connects: number;
  headers: readonly { readonly name: string; readonly value: string }[];
  redirects: number;
  redirectUrl: string | undefined;
  referer: string | undefined;
  scheme: string;
  downloaded: number;
  headerSize: number;
  requestSize: number;
  uploaded: number;
  connect: number;
  nameLookup: number;
  preTransfer: number;
  redirect: number;
  startTransfer: number;
  total: number;
  url: string;
  effectiveUrl: string;
  urlNumber: number;
}

const LIBRARY =
  'libcurl/7.88.1 OpenSSL/3.0.19 zlib/1.2.13 brotli/1.0.9 zstd/1.5.4 libidn2/2.3.3 libpsl/0.21.2 (+libidn2/2.3.3) libssh2/1.10.0 nghttp2/1.52.0 librtmp/2.3 OpenLDAP/2.5.13';

/** A time, printed with six decimals. */
class Seconds {
  constructor(readonly value: number) {}
}

type Value = string | number | null | Seconds;

function table(f: Figures): ReadonlyMap<string, Value> {
  const speed = (bytes: number): number => (f.total > 0 ? Math.floor(bytes / f.total) : 0);
  return new Map<string, Value>([
    ['certs', ''],
    ['content_type', f.contentType ?? null],
    ['errormsg', f.errorText ?? null],
    ['exitcode', f.exitCode],
    ['filename_effective', f.fileName ?? null],
    ['ftp_entry_path', null],
    ['http_code', f.status],
    ['http_connect', 0],
    ['http_version', f.version],
    ['local_ip', f.localIp],
    ['local_port', f.localPort],
    ['method', f.method],
    ['num_certs', 0],
    ['num_connects', f.connects],
    ['num_headers', f.headers.length],
    ['num_redirects', f.redirects],
    ['proxy_ssl_verify_result', 0],
    ['redirect_url', f.redirectUrl ?? null],
    ['referer', f.referer ?? null],
    ['remote_ip', f.remoteIp],
    ['remote_port', f.remotePort],
    ['response_code', f.status],
    ['scheme', f.scheme],
    ['size_download', f.downloaded],
    ['size_header', f.headerSize],
    ['size_request', f.requestSize],
    ['size_upload', f.uploaded],
    ['speed_download', speed(f.downloaded)],
    ['speed_upload', speed(f.uploaded)],
    ['ssl_verify_result', 0],
    ['time_appconnect', new Seconds(0)],
    ['time_connect', new Seconds(f.connect)],
    ['time_namelookup', new Seconds(f.nameLookup)],
    ['time_pretransfer', new Seconds(f.preTransfer)],
    ['time_redirect', new Seconds(f.redirect)],
    ['time_starttransfer', new Seconds(f.startTransfer)],
    ['time_total', new Seconds(f.total)],
    ['url', f.url],
    ['url_effective', f.effectiveUrl],
    ['urlnum', f.urlNumber],
  ]);
}

const THREE_DIGITS = new Set(['http_code', 'response_code', 'http_connect']);

function shown(name: string, value: Value): string {
  if (value === null) return '';
  if (value instanceof Seconds) return value.value.toFixed(6);
  return THREE_DIGITS.has(name) ? String(value).padStart(3, '0') : String(value);
}

function json(f: Figures): string {
  const members = [...table(f)].map(([name, value]) => {
    const text = value instanceof Seconds ? value.value.toFixed(6) : compact(value as JsonValue);
    return `${JSON.stringify(name)}:${text}`;
  });
  return `{${members.join(',')},"curl_version":${JSON.stringify(LIBRARY)}}`;
}

function headerJson(f: Figures): string {
  const out = new JsonObject();
  const names = new Set(f.headers.map(({ name }) => name.toLowerCase()));
  for (const name of names)
    out.add(
      name,
      f.headers.filter((header) => header.name.toLowerCase() === name).map(({ value }) => value),
    );
  return compact(out);
}

/** The text for standard output and for standard error. */
export function writeOut(format: string, f: Figures): { out: string; err: string } {
  const result = { out: '', err: '' };
  let to: 'out' | 'err' = 'out';
  const values = table(f);
  const pieces = format.matchAll(/%%|%header\{([^}]*)\}|%\{([^}]*)\}|\\(.)|[^%\\]+|[%\\]/g);
  for (const piece of pieces) {
    const [whole, header, name, escape] = piece;
    if (header !== undefined)
      result[to] +=
        f.headers.find((h) => h.name.toLowerCase() === header.toLowerCase())?.value ?? '';
    else if (name !== undefined) {
      const value = values.get(name);
      if (name === 'stdout') to = 'out';
      else if (name === 'stderr') to = 'err';
      else if (name === 'onerror') {
        if (f.exitCode === 0) break;
      } else if (name === 'json') result[to] += json(f);
      else if (name === 'header_json') result[to] += headerJson(f);
      else if (value === undefined) result.err += `curl: unknown --write-out variable: '${name}'\n`;
      else result[to] += shown(name, value);
    } else if (escape !== undefined)
      result[to] += { n: '\n', r: '\r', t: '\t' }[escape] ?? `\\${escape}`;
    else result[to] += whole === '%%' ? '%' : whole;
  }
  return result;
}
