/** A node's file system from outside: whole files, read and written at one instant of virtual time. */
import { KernelError } from '@netloom/base';
import type { TaskHost } from '@netloom/kernel-tasks';
import { OpenFlag } from '@netloom/sys';
import { joinBytes } from './bytes.js';
import { LabError } from './port.js';

function refused(error: unknown, path: string): Error {
  if (!(error instanceof KernelError))
    return error instanceof Error ? error : new Error(String(error));
  const kind = error.code === 'ENOENT' || error.code === 'ENOTDIR' ? 'not-found' : 'invalid';
  return new LabError(kind, `${path}: ${error.message}`);
}

function checkPath(path: string): void {
  if (!path.startsWith('/') || path.includes('\0'))
    throw new LabError('invalid', `"${path}" is no absolute path`);
}

/** The contents of a regular or pseudo file. */
export function readNodeFile(host: TaskHost, path: string): Uint8Array {
  checkPath(path);
  try {
    const { init, vfs } = host;
    const type = vfs.node(init, path).type;
    if (type === 'dir') throw new KernelError('EISDIR');
    if (type !== 'file') throw new KernelError('EINVAL');
    const desc = vfs.open(init, path, OpenFlag.O_RDONLY | OpenFlag.O_NONBLOCK, 0).hold();
    try {
      const chunks: Uint8Array[] = [];
      for (;;) {
        const chunk = desc.read(1 << 20, init);
        if (chunk === undefined) throw new KernelError('EAGAIN');
        if (chunk.length === 0) return joinBytes(chunks);
        chunks.push(chunk);
      }
    } finally {
      desc.drop();
    }
  } catch (error) {
    throw refused(error, path);
  }
}

/** Replaces or creates a file, with the folders above it. */
export function writeNodeFile(host: TaskHost, path: string, data: Uint8Array, mode = 0o644): void {
  checkPath(path);
  try {
    const { init, vfs } = host;
    const parts = path.split('/').filter((part) => part !== '');
    if (path.endsWith('/') || parts.length === 0) throw new KernelError('EISDIR');
    for (let n = 1; n < parts.length; n++) {
      const folder = `/${parts.slice(0, n).join('/')}`;
      if (vfs.walk(init, folder, true).node === undefined) vfs.mkdir(init, folder, 0o755);
    }
    const desc = vfs
      .open(init, path, OpenFlag.O_WRONLY | OpenFlag.O_CREAT | OpenFlag.O_TRUNC, mode)
      .hold();
    try {
      const bytes = data.slice();
      for (let at = 0; at < bytes.length;) {
        const n = desc.write(bytes.subarray(at), init);
        if (n === undefined) throw new KernelError('EAGAIN');
        at += n;
      }
    } finally {
      desc.drop();
    }
  } catch (error) {
    throw refused(error, path);
  }
}

/** Writes a sysctl as sysctl(8) does; false where the host has no such knob (yet) or refuses the value. */
export function writeSysctl(host: TaskHost, key: string, value: string): boolean {
  // The first separator says which one separates: net.ipv4.conf.eth0/1.forwarding and net/ipv4/conf/eth0.1/forwarding.
  const first = /[./]/.exec(key)?.[0];
  const path = first === '/' ? key : key.replace(/[./]/g, (c) => (c === '.' ? '/' : '.'));
  const file = `/proc/sys/${path}`;
  try {
    if (host.vfs.node(host.init, file).type !== 'file') return false;
    writeNodeFile(host, file, new TextEncoder().encode(`${value}\n`));
    return true;
  } catch (error) {
    if (error instanceof KernelError || error instanceof LabError) return false;
    throw error;
  }
}
