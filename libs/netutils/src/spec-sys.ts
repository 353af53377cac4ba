/**
 * For this package's specs: a `Sys` of canned answers, and a program run over it to its end.
 */
import { KernelError } from '@netloom/base';
import {
  decodeText,
  encodeText,
  type Program,
  type Rtnl,
  type RtnlType,
  type SockDiagEntry,
  type Sys,
} from '@netloom/sys';

/** Answers by message type; a type without one is refused with EOPNOTSUPP. */
export type FakeRtnl = { readonly [T in RtnlType]?: (request: Rtnl[T]['req']) => Rtnl[T]['res'] };

export interface FakeHost {
  readonly rtnl?: FakeRtnl;
  /** Contents by path. Directories are the paths' parents. */
  readonly files?: Map<string, string>;
  readonly sockets?: readonly SockDiagEntry[];
  readonly stdin?: string;
}

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** Requests that change something, in order. */
  readonly changes: readonly (readonly [RtnlType, unknown])[];
}

interface OpenFile {
  readonly path: string;
  at: number;
}

/** Runs `line` (split at spaces; single quotes group) as the program's command line. */
export async function run(main: Program, line: string, host: FakeHost = {}): Promise<Outcome> {
  const argv = [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
  const files = host.files ?? new Map<string, string>();
  const changes: [RtnlType, unknown][] = [];
  const open = new Map<number, OpenFile>();
  let out = '';
  let err = '';
  let nextFd = 3;
  const isDirectory = (path: string): boolean =>
    [...files.keys()].some((name) => name.startsWith(`${path.replace(/\/$/, '')}/`));
  const stat = (path: string) => {
    const directory = isDirectory(path);
    if (!directory && !files.has(path)) throw new KernelError('ENOENT');
    return {
      ino: 1,
      type: directory ? ('dir' as const) : ('file' as const),
      mode: 0o644,
      nlink: 1,
      uid: 0,
      gid: 0,
      size: 0,
      mtimeNs: 0,
    };
  };
  const fake = {
    pid: 42,
    ppid: 1,
    argv,
    env: new Map<string, string>(),
    getuid: () => 0,
    now: () => 0,
    bootTime: () => 1_700_000_000,
    isatty: () => false,
    rtnl: (type: RtnlType, request: unknown) => {
      if (!type.startsWith('RTM_GET')) changes.push([type, request]);
      const answer = host.rtnl?.[type] as ((request: unknown) => unknown) | undefined;
      if (answer === undefined) {
        if (!type.startsWith('RTM_GET')) return undefined;
        throw new KernelError('EOPNOTSUPP');
      }
      return answer(request);
    },
    sockDiag: (types: readonly string[]) =>
      (host.sockets ?? []).filter((entry) => types.includes(entry.type)),
    open: (path: string, flags: number) => {
      if (!files.has(path)) {
        if ((flags & 0o100) === 0) throw new KernelError(isDirectory(path) ? 'EISDIR' : 'ENOENT');
        files.set(path, '');
      }
      if ((flags & 0o1000) !== 0) files.set(path, '');
      open.set(nextFd, { path, at: 0 });
      return nextFd++;
    },
    close: (fd: number) => void open.delete(fd),
    read: async (fd: number, count: number) => {
      await Promise.resolve();
      const file = open.get(fd) ?? { path: '', at: 0 };
      const bytes = encodeText(fd === 0 ? (host.stdin ?? '') : (files.get(file.path) ?? ''));
      const chunk = bytes.subarray(file.at, file.at + count);
      if (fd === 0) open.set(0, { path: '', at: file.at + chunk.length });
      else file.at += chunk.length;
      return chunk;
    },
    write: async (fd: number, data: Uint8Array) => {
      await Promise.resolve();
      if (fd === 1) out += decodeText(data);
      else if (fd === 2) err += decodeText(data);
      else {
        const path = open.get(fd)?.path ?? '';
        files.set(path, (files.get(path) ?? '') + decodeText(data));
      }
      return data.length;
    },
    stat,
    lstat: stat,
    readdir: (path: string) => {
      const prefix = `${path.replace(/\/$/, '')}/`;
      const names = new Set<string>();
      for (const name of files.keys())
        if (name.startsWith(prefix)) names.add(name.slice(prefix.length).split('/')[0] ?? '');
      return [...names].sort().map((name) => ({
        name,
        type: isDirectory(prefix + name) ? ('dir' as const) : ('file' as const),
      }));
    },
  };
  const code = await main(fake as unknown as Sys);
  return { code, out, err, changes };
}
