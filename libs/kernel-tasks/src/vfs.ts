/**
 * Path names: finding nodes, and the calls that change directories.
 *
 * Sys calls → {@link Vfs} → directories and nodes. Everybody is root, so permission bits are kept and shown but refuse
 * only execution; the pseudo file systems refuse what the kernel refuses root. Source: path_resolution(7), and the
 * errno lists of open(2), rename(2), unlink(2), rmdir(2), link(2), mkdir(2).
 */
import { KernelError } from '@netloom/base';
import { OpenFlag, type DirEntry } from '@netloom/sys';
import { DirNode, pathOfDirectory, type Directory } from './directory.js';
import type { FileDescription } from './file-description.js';
import { FifoNode, FileNode, NsfsNode, SymlinkNode, type Inode } from './inode.js';
import { PseudoDirNode } from './pseudo-fs.js';
import type { Task } from './task.js';
import type { TaskHost } from './task-host.js';

const NAME_MAX = 255;
const PATH_MAX = 4096;
const LINK_MAX = 40;

/** Where a path leads. */
export interface Found {
  /** The directory that holds (or would hold) the last component. */
  readonly parent: Directory;
  /** The last component; '.' or '..' or '' (the root) where it is no name. */
  readonly name: string;
  readonly node: Inode | undefined;
  readonly trailingSlash: boolean;
  /** The text of the link of /proc/PID that led to the node, if the last component was one. */
  readonly jumpedBy?: string;
}

export function isDirectory(node: Inode): node is Directory {
  return node instanceof DirNode || node instanceof PseudoDirNode;
}

export class Vfs {
  readonly root: DirNode;
  /** Where namespaces are mounted, oldest first. */
  readonly namespaceMounts: string[] = [];

  constructor(private readonly host: TaskHost) {
    this.root = new DirNode(host, undefined, '', 0o755, host.programs.tree(), host.pseudo.root);
  }

  /** Resolves a path; only the last component may be missing. ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG. */
  walk(task: Task, path: string, follow: boolean): Found {
    if (path === '') throw new KernelError('ENOENT');
    if (path.length >= PATH_MAX) throw new KernelError('ENAMETOOLONG');
    const trailingSlash = path.endsWith('/');
    const rest = path.split('/').reverse();
    let dir: Directory = path.startsWith('/') ? this.root : task.cwd;
    let found: Found = { parent: dir, name: '', node: dir, trailingSlash };
    let links = 0;
    for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
      if (name === '' || name === '.') {
        if (name === '.') found = { parent: dir, name, node: dir, trailingSlash };
        continue;
      }
      if (name === '..') {
        dir = dir.parent ?? dir;
        found = { parent: dir, name, node: dir, trailingSlash };
        continue;
      }
      if (name.length > NAME_MAX) throw new KernelError('ENAMETOOLONG');
      const node = dir.lookup(task, name);
      const last = rest.every((part) => part === '');
      if (node instanceof SymlinkNode && (!last || follow || trailingSlash)) {
        if (++links > LINK_MAX) throw new KernelError('ELOOP');
        const jumped = node.follow(task);
        if (jumped === undefined) {
          if (node.target.startsWith('/')) dir = this.root;
          found = { parent: dir, name: '', node: dir, trailingSlash };
          rest.push(...node.target.split('/').reverse());
          continue;
        }
        found = { parent: dir, name, node: jumped, trailingSlash, jumpedBy: node.target };
        if (isDirectory(jumped)) dir = jumped;
        else if (!last) throw new KernelError('ENOTDIR');
        continue;
      }
      found = { parent: dir, name, node, trailingSlash };
      if (last) {
        if (trailingSlash && node !== undefined && !isDirectory(node))
          throw new KernelError('ENOTDIR');
        return found;
      }
      if (node === undefined) throw new KernelError('ENOENT');
      if (!isDirectory(node)) throw new KernelError('ENOTDIR');
      dir = node;
    }
    return found;
  }

  /** The node at a path. ENOENT and the errors of {@link walk}. */
  node(task: Task, path: string, follow = true): Inode {
    const { node } = this.walk(task, path, follow);
    if (node === undefined) throw new KernelError('ENOENT');
    return node;
  }

  /** The node at a path; undefined where it cannot be reached. */
  findNode(task: Task, path: string): Inode | undefined {
    try {
      return this.walk(task, path, true).node;
    } catch (error) {
      if (error instanceof KernelError) return undefined;
      throw error;
    }
  }

  directory(task: Task, path: string): Directory {
    const node = this.node(task, path);
    if (!isDirectory(node)) throw new KernelError('ENOTDIR');
    return node;
  }

  open(task: Task, path: string, flags: number, mode: number): FileDescription {
    const create = (flags & OpenFlag.O_CREAT) !== 0;
    const exclusive = create && (flags & OpenFlag.O_EXCL) !== 0;
    const found = this.walk(task, path, (flags & OpenFlag.O_NOFOLLOW) === 0 && !exclusive);
    let { node } = found;
    if (node === undefined) {
      if (!create) throw new KernelError('ENOENT');
      if (found.trailingSlash) throw new KernelError('EISDIR');
      node = new FileNode(this.host.nextIno(), mode & 0o7777 & ~task.umask, this.host.engine.now);
      this.mutable(found.parent, true).insert(found.name, node);
    } else {
      if (exclusive) throw new KernelError('EEXIST');
      if (isDirectory(node)) {
        if (create) throw new KernelError('EISDIR');
      } else if ((flags & OpenFlag.O_DIRECTORY) !== 0) {
        throw new KernelError('ENOTDIR');
      }
    }
    const desc = node.open(task, flags);
    if (found.jumpedBy !== undefined) desc.path = found.jumpedBy;
    else if (found.name === '' || found.name === '.' || found.name === '..')
      desc.path = pathOfDirectory(found.parent);
    else desc.path = joinPath(pathOfDirectory(found.parent), found.name);
    return desc;
  }

  list(task: Task, path: string): DirEntry[] {
    return this.directory(task, path).list(task);
  }

  mkdir(task: Task, path: string, mode: number): void {
    const { parent, name } = this.vacant(task, path, true);
    parent.insert(name, new DirNode(this.host, parent, name, mode & 0o1777 & ~task.umask));
  }

  symlink(task: Task, target: string, path: string): void {
    if (target === '') throw new KernelError('ENOENT');
    const { parent, name } = this.vacant(task, path, false);
    parent.insert(name, new SymlinkNode(this.host.nextIno(), this.host.engine.now, target));
  }

  mkfifo(task: Task, path: string, mode: number): void {
    const { parent, name } = this.vacant(task, path, false);
    parent.insert(
      name,
      new FifoNode(this.host.nextIno(), mode & 0o777 & ~task.umask, this.host.engine.now),
    );
  }

  /** Puts a node of the caller's making at a path. @errno EEXIST, ENOENT, ENOTDIR */
  mknod(
    task: Task,
    path: string,
    make: (ino: number, mode: number, nowNs: number) => Inode,
  ): Inode {
    const { parent, name } = this.vacant(task, path, false);
    const node = make(this.host.nextIno(), 0o777 & ~task.umask, this.host.engine.now);
    parent.insert(name, node);
    return node;
  }

  link(task: Task, from: string, to: string): void {
    const source = this.walk(task, from, false);
    if (source.node === undefined) throw new KernelError('ENOENT');
    const { parent, name } = this.vacant(task, to, false);
    if (isDirectory(source.node)) throw new KernelError('EPERM');
    if (source.parent instanceof PseudoDirNode || source.node instanceof NsfsNode)
      throw new KernelError('EXDEV');
    source.node.nlink++;
    parent.insert(name, source.node);
  }

  unlink(task: Task, path: string): void {
    const { parent, name, node } = this.walk(task, path, false);
    if (node === undefined) throw new KernelError('ENOENT');
    if (isDirectory(node)) throw new KernelError('EISDIR');
    const dir = this.removable(parent);
    if (node instanceof NsfsNode) throw new KernelError('EBUSY');
    node.nlink--;
    dir.remove(name);
  }

  rmdir(task: Task, path: string): void {
    const { parent, name, node } = this.walk(task, withoutSlashes(path), false);
    if (name === '') throw new KernelError('EBUSY');
    if (name === '.') throw new KernelError('EINVAL');
    if (name === '..') throw new KernelError('ENOTEMPTY');
    if (node === undefined) throw new KernelError('ENOENT');
    if (!isDirectory(node)) throw new KernelError('ENOTDIR');
    const dir = this.removable(parent);
    if (!(node instanceof DirNode)) throw new KernelError('EBUSY');
    if (!node.isEmpty(task)) throw new KernelError('ENOTEMPTY');
    node.removed = true;
    dir.remove(name);
  }

  rename(task: Task, from: string, to: string): void {
    const source = this.walk(task, from, false);
    const target = this.walk(task, to, false);
    if (!isName(source.name) || !isName(target.name)) throw new KernelError('EBUSY');
    const { node } = source;
    if (node === undefined) throw new KernelError('ENOENT');
    if (target.trailingSlash && !isDirectory(node)) throw new KernelError('ENOTDIR');
    if (!(source.parent instanceof DirNode) || !(target.parent instanceof DirNode))
      throw new KernelError('EXDEV');
    if (node instanceof NsfsNode || node instanceof PseudoDirNode) throw new KernelError('EBUSY');
    if (node === target.node) return;
    if (node instanceof DirNode) this.refuseCycle(node, target.parent);
    if (target.node !== undefined) this.replaceable(task, node, target.node);
    source.parent.remove(source.name);
    if (target.node instanceof DirNode) target.node.removed = true;
    else if (target.node !== undefined) target.node.nlink--;
    target.parent.insert(target.name, node);
  }

  private refuseCycle(moved: DirNode, into: Directory): void {
    for (let at: Directory | undefined = into; at !== undefined; at = at.parent) {
      if (at === moved) throw new KernelError('EINVAL');
    }
  }

  private replaceable(task: Task, moved: Inode, old: Inode): void {
    if (old instanceof NsfsNode || old instanceof PseudoDirNode) throw new KernelError('EBUSY');
    if (old instanceof DirNode) {
      if (!(moved instanceof DirNode)) throw new KernelError('EISDIR');
      if (!old.isEmpty(task)) throw new KernelError('ENOTEMPTY');
    } else if (moved instanceof DirNode) {
      throw new KernelError('ENOTDIR');
    }
  }

  readlink(task: Task, path: string): string {
    const node = this.node(task, path, false);
    if (!(node instanceof SymlinkNode)) throw new KernelError('EINVAL');
    return node.target;
  }

  /** Mounts a namespace over an existing file; the mount keeps it alive. */
  bindNamespace(task: Task, path: string, namespace: unknown): void {
    const { parent, name, node } = this.walk(task, path, true);
    if (node === undefined) throw new KernelError('ENOENT');
    if (isDirectory(node)) throw new KernelError('ENOTDIR');
    this.host.netOps.hold(namespace);
    this.removable(parent).insert(
      name,
      new NsfsNode(this.host.netOps.ino(namespace), namespace, node),
    );
    this.namespaceMounts.push(joinPath(pathOfDirectory(parent), name));
  }

  /** Unmounts it and gives the covered file back. EINVAL where nothing is mounted. */
  unbindNamespace(task: Task, path: string): void {
    const { parent, name, node } = this.walk(task, path, true);
    if (node === undefined) throw new KernelError('ENOENT');
    if (!(node instanceof NsfsNode) || node.covered === undefined) throw new KernelError('EINVAL');
    this.removable(parent).insert(name, node.covered);
    this.namespaceMounts.splice(
      this.namespaceMounts.lastIndexOf(joinPath(pathOfDirectory(parent), name)),
      1,
    );
    this.host.netOps.release(node.namespace);
  }

  private vacant(
    task: Task,
    path: string,
    slashAllowed: boolean,
  ): { readonly parent: DirNode; readonly name: string } {
    const { parent, name, node, trailingSlash } = this.walk(
      task,
      slashAllowed ? withoutSlashes(path) : path,
      false,
    );
    if (node !== undefined) throw new KernelError('EEXIST');
    if (trailingSlash) throw new KernelError('ENOENT');
    return { parent: this.mutable(parent, false), name };
  }

  private mutable(dir: Directory, byOpen: boolean): DirNode {
    if (dir instanceof PseudoDirNode) throw dir.refuseCreate(byOpen);
    return dir;
  }

  private removable(dir: Directory): DirNode {
    if (dir instanceof PseudoDirNode) throw dir.refuseRemove();
    return dir;
  }
}

/** A directory may be named with slashes behind it, which must not make its last link be followed. */
function withoutSlashes(path: string): string {
  return path.replace(/(.)\/+$/, '$1');
}

function isName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..';
}

export function joinPath(dir: string, name: string): string {
  return dir === '/' ? `/${name}` : `${dir}/${name}`;
}
