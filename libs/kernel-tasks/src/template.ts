/**
 * The immutable file tree that hosts start from: directories, the files of /etc, the installed programs.
 *
 * A {@link ProgramTable} builds it once and any number of hosts share it; a host makes nodes of its own only for what it
 * looks at (directory.ts). Contents that differ by host (its name) are made at that moment.
 */
import { invariant } from '@netloom/base';
import { encodeText, type Program, type ProgramSpec } from '@netloom/sys';
import { ETC_FILES } from './etc-files.js';
import type { TaskHost } from './task-host.js';

export interface TemplateDir {
  readonly kind: 'dir';
  readonly mode: number;
  readonly entries: Map<string, TemplateNode>;
}

export interface TemplateFile {
  readonly kind: 'file';
  readonly mode: number;
  /** Bytes shared by every host, or made for each. */
  readonly contents: Uint8Array | ((host: TaskHost) => string);
  readonly exec?: Program;
}

export type TemplateNode =
  TemplateDir | TemplateFile | { readonly kind: 'link'; readonly target: string };

export function templateText(file: TemplateFile, host: TaskHost): Uint8Array {
  return typeof file.contents === 'function' ? encodeText(file.contents(host)) : file.contents;
}

const DIRECTORIES: readonly (readonly [string, number?])[] = [
  ['/dev/shm', 0o1777],
  ['/etc/network'],
  ['/etc/sysctl.d'],
  ['/etc/iproute2'],
  ['/home'],
  ['/media'],
  ['/mnt'],
  ['/opt'],
  ['/root', 0o700],
  ['/run/lock', 0o1777],
  ['/srv'],
  ['/tmp', 0o1777],
  ['/usr/bin'],
  ['/usr/lib'],
  ['/usr/local/bin'],
  ['/usr/local/sbin'],
  ['/usr/sbin'],
  ['/usr/share'],
  ['/var/cache'],
  ['/var/lib'],
  ['/var/log'],
  ['/var/spool'],
  ['/var/tmp', 0o1777],
];

const LINKS: readonly (readonly [string, string])[] = [
  ['/bin', 'usr/bin'],
  ['/sbin', 'usr/sbin'],
  ['/lib', 'usr/lib'],
  ['/var/run', '/run'],
  ['/var/lock', '/run/lock'],
  ['/etc/mtab', '/proc/self/mounts'],
  ['/dev/fd', '/proc/self/fd'],
  ['/dev/stdin', '/proc/self/fd/0'],
  ['/dev/stdout', '/proc/self/fd/1'],
  ['/dev/stderr', '/proc/self/fd/2'],
];

const MAGIC = '\x7fELF\x02\x01\x01\0';

/** The bytes of a program file: opaque as a real binary's, but they say which program they are, so a copy runs too. */
export function programImage(path: string): Uint8Array {
  return encodeText(`${MAGIC}${path}\n`);
}

/** The path a program image names; undefined for other contents. */
export function programImagePath(bytes: Uint8Array): string | undefined {
  if (bytes[0] !== 0x7f || bytes.length > 512) return undefined;
  const text = String.fromCharCode(...bytes);
  return text.startsWith(MAGIC) ? text.slice(MAGIC.length).trimEnd() : undefined;
}

function emptyDir(mode = 0o755): TemplateDir {
  return { kind: 'dir', mode, entries: new Map() };
}

/** The programs that every host of a lab has, and the tree around them. */
export class ProgramTable {
  private readonly byPath = new Map<string, Program>();
  private built: TemplateDir | undefined;

  constructor(private readonly specs: readonly ProgramSpec[]) {
    for (const { paths, main } of specs) {
      for (const path of paths) {
        invariant(!this.byPath.has(path), `two programs are installed as ${path}`);
        this.byPath.set(path, main);
      }
    }
  }

  /** The program installed at a path, whatever the hosts did to their own files. */
  at(path: string): Program | undefined {
    return this.byPath.get(path);
  }

  /** The shared tree; built on first use. */
  tree(): TemplateDir {
    return (this.built ??= this.build());
  }

  private build(): TemplateDir {
    const root = emptyDir();
    for (const [path, target] of LINKS) put(root, path, { kind: 'link', target });
    for (const [path, mode] of DIRECTORIES) put(root, path, emptyDir(mode));
    for (const [path, contents] of ETC_FILES) {
      put(root, path, {
        kind: 'file',
        mode: 0o644,
        contents: typeof contents === 'string' ? encodeText(contents) : contents,
      });
    }
    for (const spec of this.specs) {
      const [real, ...links] = spec.paths;
      if (real === undefined) continue;
      put(root, real, { kind: 'file', mode: 0o755, contents: programImage(real), exec: spec.main });
      for (const path of links) put(root, path, { kind: 'link', target: real });
    }
    return root;
  }
}

/** Puts a node at a path, making directories and following the tree's own links (/bin) on the way. */
function put(root: TemplateDir, path: string, node: TemplateNode): void {
  const parts = path.split('/').filter((part) => part !== '');
  const name = parts.pop() ?? '';
  let dir = root;
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const next = dir.entries.get(part);
    if (next?.kind === 'dir') {
      dir = next;
    } else if (next?.kind === 'link') {
      parts.unshift(...next.target.split('/').filter((p) => p !== ''));
      dir = root;
    } else {
      const made = emptyDir();
      dir.entries.set(part, made);
      dir = made;
    }
  }
  if (!dir.entries.has(name)) dir.entries.set(name, node);
}
