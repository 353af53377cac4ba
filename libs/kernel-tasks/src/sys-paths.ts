/**
 * System calls on path names.
 */
import { KernelError } from '@netloom/base';
import type { SysFiles } from '@netloom/sys';
import type { CallContext } from './call-context.js';
import { pathOfDirectory } from './directory.js';

type PathCalls = Pick<
  SysFiles,
  | 'stat'
  | 'lstat'
  | 'readdir'
  | 'mkdir'
  | 'rmdir'
  | 'unlink'
  | 'rename'
  | 'symlink'
  | 'link'
  | 'readlink'
  | 'mkfifo'
  | 'chmod'
  | 'chown'
  | 'utimes'
  | 'chdir'
  | 'getcwd'
  | 'umask'
>;

export function pathCalls(context: CallContext): PathCalls {
  const { task } = context;
  const { host } = task;
  /** Charges the call and gives the file system. */
  const vfs = (): typeof host.vfs => {
    context.enter();
    return host.vfs;
  };
  return {
    stat: (path) => vfs().node(task, path).stat(task),
    lstat: (path) => vfs().node(task, path, false).stat(task),
    readdir: (path) => vfs().list(task, path),
    mkdir: (path, mode = 0o777) => vfs().mkdir(task, path, mode),
    rmdir: (path) => vfs().rmdir(task, path),
    unlink: (path) => vfs().unlink(task, path),
    rename: (from, to) => vfs().rename(task, from, to),
    symlink: (target, path) => vfs().symlink(task, target, path),
    link: (from, to) => vfs().link(task, from, to),
    readlink: (path) => vfs().readlink(task, path),
    mkfifo: (path, mode = 0o666) => vfs().mkfifo(task, path, mode),
    chmod: (path, mode) => {
      const node = vfs().node(task, path);
      if (node.fixedMode) throw new KernelError('EPERM');
      node.mode = mode & 0o7777;
    },
    chown: (path, uid, gid) => {
      const node = vfs().node(task, path);
      if (uid >= 0) node.uid = uid;
      if (gid >= 0) node.gid = gid;
    },
    utimes: (path, mtimeNs) => {
      vfs().node(task, path).mtimeNs = mtimeNs;
    },
    chdir: (path) => {
      task.cwd = vfs().directory(task, path);
    },
    getcwd: () => {
      context.enter();
      return pathOfDirectory(task.cwd);
    },
    umask: (mask) => {
      context.enter();
      const old = task.umask;
      task.umask = mask & 0o777;
      return old;
    },
  };
}
