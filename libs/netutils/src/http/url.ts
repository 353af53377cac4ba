/**
 * URLs as curl, wget and ab take them: `http://` may be missing; and what a redirect means beside where it came from.
 */
export interface HttpUrl {
  readonly scheme: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** Whether the port was written. */
  readonly hasPort: boolean;
  /** With the query, without the fragment; starts with `/`. */
  readonly path: string;
}

const FORM =
  /^(?:([A-Za-z][A-Za-z0-9+.-]*):\/\/)?(?:([^/?#@]*)@)?(\[[^\]]*\]|[^/?#:]*)(?::(\d*))?([/?][^#]*)?(?:#.*)?$/;

/** Undefined where it is none. */
export function parseUrl(text: string): HttpUrl | undefined {
  const found = FORM.exec(text.trim());
  const host = (found?.[3] ?? '').replace(/^\[|\]$/g, '');
  if (found === null || host === '' || /\s/.test(text)) return undefined;
  const [user, password] = (found[2] ?? '').split(':');
  const port = found[4] === undefined || found[4] === '' ? 80 : Number(found[4]);
  if (port > 65535) return undefined;
  const path = found[5] ?? '/';
  return {
    scheme: (found[1] ?? 'http').toLowerCase(),
    user: found[2] === undefined ? undefined : user,
    password,
    host,
    port,
    hasPort: found[4] !== undefined && found[4] !== '',
    path: path.startsWith('/') ? path : `/${path}`,
  };
}

/** `host` or `host:port` where the port is not the usual one; IPv6 in brackets. */
export function hostHeader(url: HttpUrl): string {
  const host = url.host.includes(':') ? `[${url.host}]` : url.host;
  return url.port === 80 ? host : `${host}:${url.port}`;
}

/** The whole of it, without user and password. */
export function urlText(url: HttpUrl): string {
  const host = url.host.includes(':') ? `[${url.host}]` : url.host;
  return `${url.scheme}://${host}${url.hasPort ? `:${url.port}` : ''}${url.path}`;
}

/** Without `.` and `..` steps. */
function plainPath(path: string): string {
  const [way = '', ...query] = path.split('?');
  const out: string[] = [];
  const steps = way.split('/').slice(1);
  for (const [i, step] of steps.entries()) {
    if (step === '..') out.pop();
    else if (step !== '.') out.push(step);
    if ((step === '..' || step === '.') && i === steps.length - 1) out.push('');
  }
  return [`/${out.join('/')}`, ...query].join('?');
}

/** Where `location` leads from `base`. */
export function resolveUrl(base: HttpUrl, location: string): HttpUrl | undefined {
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(location)) return parseUrl(location);
  if (location.startsWith('//')) return parseUrl(`${base.scheme}:${location}`);
  const text = location.replace(/#.*/, '');
  if (text.startsWith('/')) return { ...base, path: plainPath(text) };
  const way = base.path.replace(/\?.*/, '');
  if (text.startsWith('?')) return { ...base, path: way + text };
  return { ...base, path: plainPath(way.replace(/[^/]*$/, '') + text) };
}
