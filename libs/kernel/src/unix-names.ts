/**
 * Names of AF_UNIX sockets: nodes of the file system, and abstract names (a first byte of 0) of a network namespace.
 * netCalls → unixBind, unixFind → UnixSock. Source: net/unix/af_unix.c unix_bind(), unix_find_other().
 */
import { KernelError } from '@netloom/base';
import type { Net } from '@netloom/kernel-core';
import { Inode, type FileDescription, type Task } from '@netloom/kernel-tasks';
import type { Host } from './host.js';
import type { UnixSock } from './unix-sock.js';

/** sun_path. */
const PATH_MAX_BYTES = 108;
const AUTOBIND_NAMES = 1 << 20;

/** A name in use. Connections that came to a listener keep its name without holding it. */
export interface UnixName {
  readonly path: string;
  drop(sk: UnixSock): void;
}

/** The node that a socket was bound to. */
export class SocketNode extends Inode {
  readonly type = 'socket';

  constructor(
    ino: number,
    mode: number,
    mtimeNs: number,
    public sock: UnixSock | null,
  ) {
    super(ino, mode, mtimeNs);
  }

  open(): FileDescription {
    throw new KernelError('ENXIO');
  }
}

/** The AF_UNIX sockets of a namespace. */
export class UnixTable {
  readonly sockets = new Set<UnixSock>();
  readonly abstract = new Map<string, UnixSock>();
  maxDgramQlen = 10;
  /** Sockets whose writers wait for room elsewhere. */
  private readonly waiters = new Map<UnixSock, Set<UnixSock>>();

  /** Remembers that `sk` waits for room at `other`. */
  waitFor(sk: UnixSock, other: UnixSock): void {
    const set = this.waiters.get(other) ?? new Set<UnixSock>();
    this.waiters.set(other, set.add(sk));
  }

  /** Wakes who waited for room at a socket. */
  roomAt(other: UnixSock): void {
    const set = this.waiters.get(other);
    if (set === undefined) return;
    this.waiters.delete(other);
    for (const sk of set) if (sk.writeSpace !== null) sk.writeSpace(sk);
  }

  gone(sk: UnixSock): void {
    this.roomAt(sk);
    for (const set of this.waiters.values()) set.delete(sk);
  }
}

/** The table of a namespace, made on first use. */
export function unixTable(net: Net): UnixTable {
  return (net.unix ??= new UnixTable()) as UnixTable;
}

/** Gives a socket a name. @errno EINVAL, EADDRINUSE and those of making a file */
export function unixBind(host: Host, task: Task, sk: UnixSock, path: string): void {
  if (sk.name !== null) throw new KernelError('EINVAL');
  if (path.length > PATH_MAX_BYTES) throw new KernelError('EINVAL');
  const table = unixTable(sk.net);
  if (path === '') {
    bindAbstract(table, sk, freeName(host, table));
    return;
  }
  if (path.startsWith('\0')) {
    if (table.abstract.has(path)) throw new KernelError('EADDRINUSE');
    bindAbstract(table, sk, path);
    return;
  }
  let node: SocketNode;
  try {
    node = host.tasks.vfs.mknod(
      task,
      path,
      (ino, mode, now) => new SocketNode(ino, mode, now, sk),
    ) as SocketNode;
  } catch (error) {
    if (error instanceof KernelError && error.code === 'EEXIST')
      throw new KernelError('EADDRINUSE');
    throw error;
  }
  sk.name = {
    path,
    drop: (from) => {
      if (node.sock === from) node.sock = null;
    },
  };
}

function bindAbstract(table: UnixTable, sk: UnixSock, path: string): void {
  table.abstract.set(path, sk);
  sk.name = {
    path,
    drop: (from) => {
      if (table.abstract.get(path) === from) table.abstract.delete(path);
    },
  };
}

/** A name of five hexadecimal digits that nobody has. @kernel unix_autobind() */
function freeName(host: Host, table: UnixTable): string {
  const start = host.kernel.random('unix-autobind').below(AUTOBIND_NAMES);
  for (let i = 0; i < AUTOBIND_NAMES; i++) {
    const name = `\0${((start + i) % AUTOBIND_NAMES).toString(16).padStart(5, '0')}`;
    if (!table.abstract.has(name)) return name;
  }
  throw new KernelError('ENOSPC');
}

/** The socket of a name. @errno ENOENT, ECONNREFUSED */
export function unixFind(host: Host, task: Task, net: Net, path: string): UnixSock {
  if (path === '') throw new KernelError('EINVAL');
  if (path.startsWith('\0')) {
    const sk = unixTable(net).abstract.get(path);
    if (sk === undefined) throw new KernelError('ECONNREFUSED');
    return sk;
  }
  const node = host.tasks.vfs.node(task, path);
  if (!(node instanceof SocketNode) || node.sock === null) throw new KernelError('ECONNREFUSED');
  return node.sock;
}
