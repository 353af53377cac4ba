/**
 * Pseudo files: contents made at the moment of reading, settings changed by writing. /proc, /sys and /dev live here.
 *
 * One {@link PseudoFs} is a template shared by any number of hosts: subsystems register their files once, and every
 * callback receives the task that opened the file, through which it reaches the host (`task.host.owner`) and the
 * network namespace (`task.net`). A host pays nothing for them.
 * Source: proc(5), sysfs(5); errors as the kernel gives them to root: /proc/sys and /sys refuse opening against the
 * mode with EACCES, the rest of /proc refuses the transfer with EIO.
 */
import { hashText, invariant, KernelError } from '@netloom/base';
import {
  decodeText,
  encodeText,
  OpenFlag,
  type DirEntry,
  type FileType,
  type SeekWhence,
} from '@netloom/sys';
import type { Directory } from './directory.js';
import { FileDescription } from './file-description.js';
import { Inode, SymlinkNode } from './inode.js';
import { DirectoryDescription, seekTarget } from './open-file.js';
import type { Task } from './task.js';

export interface PseudoFileSpec {
  /** The whole contents; made anew whenever reading starts at offset 0. */
  readonly read?: (task: Task) => string | Uint8Array;
  /** One write(2), as text; throws KernelError to refuse it. */
  readonly write?: (task: Task, text: string) => void;
  /** A description of its own instead of read and write (devices, streams); may throw KernelError. */
  readonly open?: (task: Task, flags: number) => FileDescription;
  /** Permission bits; by default 0644, 0444 or 0200 as `read` and `write` are there, 0666 for devices. */
  readonly mode?: number;
  /** `file` unless given (`char` for devices). */
  readonly type?: FileType;
}

export interface PseudoDirSpec {
  /** Names that exist now. */
  readonly list: (task: Task) => readonly string[];
  /** What a name is; undefined where it does not exist. */
  readonly lookup: (task: Task, name: string) => PseudoEntry | undefined;
  readonly mode?: number;
}

export interface PseudoLinkSpec {
  readonly target: (task: Task) => string;
  /** The node it leads to, where the text alone does not (links of /proc/PID). */
  readonly follow?: (task: Task) => Inode | undefined;
}

export type PseudoEntry =
  | ({ readonly kind: 'file' } & PseudoFileSpec)
  | ({ readonly kind: 'dir' } & PseudoDirSpec)
  | ({ readonly kind: 'link' } & PseudoLinkSpec)
  | PseudoTree;

export const pseudoFile = (spec: PseudoFileSpec): PseudoEntry => ({ kind: 'file', ...spec });
export const pseudoDir = (spec: PseudoDirSpec): PseudoEntry => ({ kind: 'dir', ...spec });
export const pseudoLink = (spec: PseudoLinkSpec): PseudoEntry => ({ kind: 'link', ...spec });

/** A registered directory: fixed entries, and any number of dynamic ones behind them. */
export class PseudoTree {
  readonly kind = 'tree';
  private readonly fixed = new Map<string, PseudoEntry>();
  private readonly dynamics: PseudoDirSpec[] = [];

  child(name: string): PseudoEntry | undefined {
    return this.fixed.get(name);
  }

  /** A name that only a dynamic directory knows. */
  dynamic(task: Task, parent: Directory, name: string): Inode | undefined {
    for (const spec of this.dynamics) {
      const entry = spec.lookup(task, name);
      if (entry !== undefined) return openPseudo(task, parent, name, entry);
    }
    return undefined;
  }

  names(task: Task): string[] {
    const names = [...this.fixed.keys()];
    for (const spec of this.dynamics) names.push(...spec.list(task));
    return names;
  }

  /** @internal */
  set(name: string, entry: PseudoEntry): void {
    invariant(!this.fixed.has(name), `the pseudo file ${name} is registered twice`);
    this.fixed.set(name, entry);
  }

  /** @internal */
  addDynamic(spec: PseudoDirSpec): void {
    this.dynamics.push(spec);
  }

  /** @internal */
  below(name: string): PseudoTree {
    const found = this.fixed.get(name);
    if (found !== undefined) {
      invariant(found.kind === 'tree', `the pseudo file ${name} is not a directory`);
      return found;
    }
    const made = new PseudoTree();
    this.fixed.set(name, made);
    return made;
  }
}

/** The registry. Register before the first host of it runs; what hosts see in a directory can change through `list`. */
export class PseudoFs {
  readonly root = new PseudoTree();

  registerFile(path: string, spec: PseudoFileSpec): this {
    return this.register(path, pseudoFile(spec));
  }

  registerLink(path: string, spec: PseudoLinkSpec): this {
    return this.register(path, pseudoLink(spec));
  }

  /** Adds dynamic entries to a directory, which may also have registered ones. */
  registerDir(path: string, spec: PseudoDirSpec): this {
    this.treeAt(splitPath(path)).addDynamic(spec);
    return this;
  }

  /** Makes an (empty) directory exist. */
  ensureDir(path: string): this {
    this.treeAt(splitPath(path));
    return this;
  }

  private register(path: string, entry: PseudoEntry): this {
    const parts = splitPath(path);
    const name = parts.pop() ?? '';
    this.treeAt(parts).set(name, entry);
    return this;
  }

  private treeAt(parts: readonly string[]): PseudoTree {
    let tree = this.root;
    for (const part of parts) tree = tree.below(part);
    return tree;
  }
}

function splitPath(path: string): string[] {
  invariant(path.startsWith('/'), `the pseudo path ${path} is not absolute`);
  return path.split('/').filter((part) => part !== '');
}

/** Which of the pseudo file systems a node belongs to, by which their refusals differ. */
type Realm = 'proc' | 'sysctl' | 'sys' | 'dev';

function realmOf(path: string): Realm {
  if (path.startsWith('/proc/sys')) return 'sysctl';
  if (path.startsWith('/proc')) return 'proc';
  return path.startsWith('/sys') ? 'sys' : 'dev';
}

function pathBelow(parent: Directory, name: string): string {
  let path = `/${name}`;
  for (let at: Directory = parent; at.parent !== undefined; at = at.parent)
    path = `/${at.name}${path}`;
  return path;
}

/** The node of an entry found under `name` in `parent`. */
export function openPseudo(task: Task, parent: Directory, name: string, entry: PseudoEntry): Inode {
  const path = pathBelow(parent, name);
  const ino = 0x1000_0000 + (hashText(path) >>> 4);
  switch (entry.kind) {
    case 'file':
      return new PseudoFileNode(task, ino, realmOf(path), entry);
    case 'link':
      return new PseudoLinkNode(ino, task.host.engine.now, entry.target(task), entry);
    case 'dir':
    case 'tree':
      return new PseudoDirNode(task, ino, parent, name, realmOf(path), entry);
  }
}

export class PseudoDirNode extends Inode {
  readonly type = 'dir';

  constructor(
    task: Task,
    ino: number,
    readonly parent: Directory | undefined,
    readonly name: string,
    private readonly realm: Realm,
    private readonly entry: PseudoTree | ({ readonly kind: 'dir' } & PseudoDirSpec),
  ) {
    super(ino, realm === 'proc' || realm === 'sysctl' ? 0o555 : 0o755, task.host.engine.now);
    if (entry.kind === 'dir' && entry.mode !== undefined) this.mode = entry.mode;
  }

  lookup(task: Task, name: string): Inode | undefined {
    const { entry } = this;
    const found = entry.kind === 'dir' ? entry.lookup(task, name) : entry.child(name);
    if (found !== undefined) return openPseudo(task, this, name, found);
    return entry.kind === 'tree' ? entry.dynamic(task, this, name) : undefined;
  }

  list(task: Task): DirEntry[] {
    const names = this.entry.kind === 'dir' ? this.entry.list(task) : this.entry.names(task);
    const entries = [...names]
      .sort()
      .map((name) => ({ name, type: this.lookup(task, name)?.type }));
    return entries.filter((e): e is DirEntry => e.type !== undefined);
  }

  /** What making an entry here fails with. */
  refuseCreate(byOpen: boolean): KernelError {
    if (this.realm === 'proc' || this.realm === 'sysctl') return new KernelError('ENOENT');
    return new KernelError(byOpen ? 'EACCES' : 'EPERM');
  }

  /** What removing one fails with. */
  refuseRemove(): KernelError {
    return new KernelError(this.realm === 'sysctl' ? 'EACCES' : 'EPERM');
  }

  override stat(task: Task): ReturnType<Inode['stat']> {
    const below =
      this.realm === 'sysctl' ? -1 : this.list(task).filter((e) => e.type === 'dir').length;
    return { ...super.stat(task), nlink: 2 + below };
  }

  open(_task: Task, flags: number): FileDescription {
    if ((flags & OpenFlag.O_ACCMODE) !== OpenFlag.O_RDONLY) throw new KernelError('EISDIR');
    return new DirectoryDescription(this, flags);
  }
}

function defaultMode(spec: PseudoFileSpec): number {
  if (spec.open !== undefined) return 0o666;
  if (spec.read === undefined) return 0o200;
  return spec.write === undefined ? 0o444 : 0o644;
}

class PseudoFileNode extends Inode {
  readonly type: FileType;

  constructor(
    task: Task,
    ino: number,
    private readonly realm: Realm,
    private readonly spec: PseudoFileSpec,
  ) {
    super(ino, spec.mode ?? defaultMode(spec), task.host.engine.now);
    this.type = spec.type ?? 'file';
  }

  override size(): number {
    return this.realm === 'sys' ? 4096 : 0;
  }

  override get fixedMode(): boolean {
    return this.realm === 'sysctl';
  }

  open(task: Task, flags: number): FileDescription {
    const { spec } = this;
    const access = flags & OpenFlag.O_ACCMODE;
    if (this.realm === 'sys' || this.realm === 'sysctl') {
      if (access !== OpenFlag.O_RDONLY && (this.mode & 0o222) === 0)
        throw new KernelError('EACCES');
      if (access !== OpenFlag.O_WRONLY && (this.mode & 0o444) === 0)
        throw new KernelError('EACCES');
    }
    const desc = spec.open?.(task, flags) ?? new PseudoDescription(spec, flags, task);
    desc.origin ??= this;
    return desc;
  }
}

class PseudoLinkNode extends SymlinkNode {
  constructor(
    ino: number,
    mtimeNs: number,
    target: string,
    private readonly spec: PseudoLinkSpec,
  ) {
    super(ino, mtimeNs, target);
  }

  override size(): number {
    return 0;
  }

  override follow(task: Task): Inode | undefined {
    return this.spec.follow?.(task);
  }
}

class PseudoDescription extends FileDescription {
  private position = 0;
  private contents: Uint8Array | undefined;

  constructor(
    private readonly spec: PseudoFileSpec,
    flags: number,
    private readonly opener: Task,
  ) {
    super(flags);
  }

  override read(count: number): Uint8Array {
    if (this.spec.read === undefined) throw new KernelError('EIO');
    if (this.position === 0 || this.contents === undefined) {
      const made = this.spec.read(this.opener);
      this.contents = typeof made === 'string' ? encodeText(made) : made;
    }
    const data = this.contents.slice(this.position, this.position + count);
    this.position += data.length;
    return data;
  }

  override write(data: Uint8Array): number {
    if (this.spec.write === undefined) throw new KernelError('EIO');
    this.spec.write(this.opener, decodeText(data));
    this.position += data.length;
    return data.length;
  }

  override seek(offset: number, whence: SeekWhence): number {
    return (this.position = seekTarget(this.position, this.contents?.length ?? 0, offset, whence));
  }
}
