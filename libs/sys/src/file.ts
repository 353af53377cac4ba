/**
 * The file half of the system-call boundary: open flags, stat, directory entries. Values are x86-64 Linux's.
 */

export const OpenFlag = {
  O_RDONLY: 0,
  O_WRONLY: 1,
  O_RDWR: 2,
  O_ACCMODE: 3,
  O_CREAT: 0o100,
  O_EXCL: 0o200,
  O_NOCTTY: 0o400,
  O_TRUNC: 0o1000,
  O_APPEND: 0o2000,
  O_NONBLOCK: 0o4000,
  O_DIRECTORY: 0o200000,
  O_NOFOLLOW: 0o400000,
  O_CLOEXEC: 0o2000000,
} as const;

export type FileType = 'file' | 'dir' | 'symlink' | 'fifo' | 'socket' | 'char' | 'nsfs';

export interface Stat {
  readonly ino: number;
  readonly type: FileType;
  /** Permission bits only. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Nanoseconds of virtual time since the host's boot; add `bootTime()` for the calendar. */
  readonly mtimeNs: number;
}

export interface DirEntry {
  readonly name: string;
  readonly type: FileType;
}

export type SeekWhence = 'set' | 'cur' | 'end';

/** poll(2) event bits. */
export const Poll = {
  POLLIN: 1,
  POLLPRI: 2,
  POLLOUT: 4,
  POLLERR: 8,
  POLLHUP: 16,
  POLLNVAL: 32,
  POLLRDHUP: 0x2000,
} as const;

export interface PollFd {
  readonly fd: number;
  readonly events: number;
}

export interface WindowSize {
  readonly rows: number;
  readonly cols: number;
}

/** Flags of TUNSETIFF (linux/if_tun.h). */
export const TunFlag = {
  IFF_TUN: 1,
  IFF_TAP: 2,
  IFF_MULTI_QUEUE: 0x100,
  IFF_NO_PI: 0x1000,
  IFF_ONE_QUEUE: 0x2000,
  IFF_VNET_HDR: 0x4000,
  IFF_TUN_EXCL: 0x8000,
} as const;
