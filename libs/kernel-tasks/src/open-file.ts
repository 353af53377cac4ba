/**
 * Descriptions of regular files, directories and namespaces. None of them ever blocks.
 */
import { KernelError } from '@netloom/base';
import { OpenFlag, type SeekWhence } from '@netloom/sys';
import { FileDescription } from './file-description.js';
import type { FileNode, Inode, NsfsNode } from './inode.js';
import type { Task } from './task.js';
import type { TaskHost } from './task-host.js';

/** Contents are kept in memory: beyond this the file system is full. */
const MAX_FILE_BYTES = 2 ** 29;

/** Where lseek(2) lands. EINVAL before the start. */
export function seekTarget(
  position: number,
  size: number,
  offset: number,
  whence: SeekWhence,
): number {
  const target = offset + (whence === 'set' ? 0 : whence === 'cur' ? position : size);
  if (target < 0) throw new KernelError('EINVAL');
  return target;
}

export class RegularDescription extends FileDescription {
  private position = 0;

  constructor(
    readonly node: FileNode,
    flags: number,
  ) {
    super(flags);
    this.origin = node;
  }

  override read(count: number): Uint8Array {
    const data = this.node.readAt(this.position, count);
    this.position += data.length;
    return data;
  }

  override write(data: Uint8Array, task: Task): number {
    if ((this.flags & OpenFlag.O_APPEND) !== 0) this.position = this.node.size();
    if (this.position + data.length > MAX_FILE_BYTES) throw new KernelError('ENOSPC');
    this.node.writeAt(this.position, data, task.host.engine.now);
    this.position += data.length;
    return data.length;
  }

  override seek(offset: number, whence: SeekWhence): number {
    return (this.position = seekTarget(this.position, this.node.size(), offset, whence));
  }

  override linkText(): string {
    return this.node.nlink > 0 ? this.path : `${this.path} (deleted)`;
  }

  override truncate(length: number, task: Task): void {
    if (!this.writable || length < 0) throw new KernelError('EINVAL');
    if (length > MAX_FILE_BYTES) throw new KernelError('EFBIG');
    this.node.truncate(length, task.host.engine.now);
  }
}

export class DirectoryDescription extends FileDescription {
  constructor(node: Inode, flags: number) {
    super(flags);
    this.origin = node;
  }

  override read(): Uint8Array {
    throw new KernelError('EISDIR');
  }

  override seek(): number {
    return 0;
  }
}

/** A descriptor on a namespace, which it keeps alive; what setns(2) takes. */
export class NsfsDescription extends FileDescription {
  readonly namespace: unknown;

  constructor(
    node: NsfsNode,
    flags: number,
    private readonly host: TaskHost,
  ) {
    super(flags);
    this.origin = node;
    this.namespace = node.namespace;
    host.netOps.hold(this.namespace);
  }

  override linkText(): string {
    return this.path === '' ? `net:[${this.host.netOps.ino(this.namespace)}]` : this.path;
  }

  protected override release(): void {
    this.host.netOps.release(this.namespace);
  }
}
