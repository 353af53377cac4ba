/**
 * The nodes of a host's file system: regular files, symbolic links, fifos, bound namespaces.
 *
 * {@link Vfs} finds a node and calls {@link Inode.open}; directories are in directory.ts, pseudo files in pseudo-fs.ts.
 * Times are virtual nanoseconds since boot, sizes bytes.
 */
import { KernelError } from '@netloom/base';
import { OpenFlag, type FileType, type Program, type Stat } from '@netloom/sys';
import type { FileDescription } from './file-description.js';
import { NsfsDescription, RegularDescription } from './open-file.js';
import { Pipe, PipeEnd } from './pipe.js';
import type { Task } from './task.js';

export abstract class Inode {
  abstract readonly type: FileType;
  uid = 0;
  gid = 0;
  nlink = 1;

  constructor(
    readonly ino: number,
    /** Permission bits. */
    public mode: number,
    public mtimeNs: number,
  ) {}

  /** A description of its own for each open(2); EACCES, ENXIO, EPERM by kind. */
  abstract open(task: Task, flags: number): FileDescription;

  size(): number {
    return 0;
  }

  /** True where chmod is refused (sysctls). */
  get fixedMode(): boolean {
    return false;
  }

  stat(_task: Task): Stat {
    return {
      ino: this.ino,
      type: this.type,
      mode: this.mode,
      nlink: this.nlink,
      uid: this.uid,
      gid: this.gid,
      size: this.size(),
      mtimeNs: this.mtimeNs,
    };
  }
}

const NOTHING = new Uint8Array(0);

/** A regular file; its bytes may be shared with other hosts until the first change. */
export class FileNode extends Inode {
  readonly type = 'file';
  private bytes: Uint8Array = NOTHING;
  private length = 0;
  private shared = false;
  /** The program that executing it runs; a change of the contents forgets it. */
  exec: Program | undefined;

  /** Takes bytes that others may hold too: they are copied before the first change. */
  share(bytes: Uint8Array): this {
    this.bytes = bytes;
    this.length = bytes.length;
    this.shared = true;
    return this;
  }

  override size(): number {
    return this.length;
  }

  /** The contents as a view, valid until the next change. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  readAt(offset: number, count: number): Uint8Array {
    if (offset >= this.length) return NOTHING;
    return this.bytes.slice(offset, Math.min(this.length, offset + count));
  }

  writeAt(offset: number, data: Uint8Array, nowNs: number): void {
    const end = offset + data.length;
    this.own(Math.max(end, this.length));
    this.bytes.set(data, offset);
    if (end > this.length) this.length = end;
    this.mtimeNs = nowNs;
  }

  truncate(length: number, nowNs: number): void {
    if (length === 0) {
      this.bytes = NOTHING;
      this.shared = true;
      this.exec = undefined;
    } else {
      this.own(length);
      if (length < this.length) this.bytes.fill(0, length, this.length);
    }
    this.length = length;
    this.mtimeNs = nowNs;
  }

  private own(capacity: number): void {
    this.exec = undefined;
    if (!this.shared && capacity <= this.bytes.length) return;
    const grown = new Uint8Array(
      capacity <= this.length ? capacity : Math.max(capacity, this.length * 2, 256),
    );
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.shared = false;
  }

  open(task: Task, flags: number): FileDescription {
    if ((flags & OpenFlag.O_TRUNC) !== 0) this.truncate(0, task.host.engine.now);
    return new RegularDescription(this, flags);
  }
}

export class SymlinkNode extends Inode {
  readonly type = 'symlink';

  constructor(
    ino: number,
    mtimeNs: number,
    readonly target: string,
  ) {
    super(ino, 0o777, mtimeNs);
  }

  override size(): number {
    return this.target.length;
  }

  /** Where the text does not say where it leads (links of /proc/PID), the node itself. */
  follow(_task: Task): Inode | undefined {
    return undefined;
  }

  open(): FileDescription {
    throw new KernelError('ELOOP');
  }
}

/** A fifo, and the nameless node of a pipe. */
export class FifoNode extends Inode {
  readonly type = 'fifo';
  readonly pipe = new Pipe();

  open(_task: Task, flags: number): FileDescription {
    const writeOnly = (flags & OpenFlag.O_ACCMODE) === OpenFlag.O_WRONLY;
    if (writeOnly && (flags & OpenFlag.O_NONBLOCK) !== 0 && this.pipe.readers === 0)
      throw new KernelError('ENXIO');
    const end = new PipeEnd(this.pipe, flags, this.ino);
    end.origin = this;
    return end;
  }
}

/** A network namespace as a file: /proc/PID/ns/net, or what `ip netns add` binds over a file of /run/netns. */
export class NsfsNode extends Inode {
  readonly type = 'nsfs';

  constructor(
    ino: number,
    readonly namespace: unknown,
    /** The file it is mounted over, given back at unmount. */
    readonly covered?: Inode,
  ) {
    super(ino, 0o444, 0);
  }

  open(task: Task, flags: number): FileDescription {
    if ((flags & OpenFlag.O_ACCMODE) !== OpenFlag.O_RDONLY) throw new KernelError('EACCES');
    return new NsfsDescription(this, flags, task.host);
  }
}
