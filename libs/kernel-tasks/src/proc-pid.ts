/**
 * /proc/PID and /proc/self: what the kernel tells of each process.
 *
 * Layouts: proc(5). Memory, page faults and context switches are not modelled and read as 0; times are in ticks of
 * 10 ms as on Linux.
 */
import { KernelError } from '@netloom/base';
import { directoryText } from './directory.js';
import type { FileDescription } from './file-description.js';
import { NsfsNode } from './inode.js';
import { pseudoDir, pseudoFile, pseudoLink, type PseudoEntry, type PseudoFs } from './pseudo-fs.js';
import type { Task } from './task.js';

/** Nanoseconds of a clock tick (USER_HZ 100). */
const TICK_NS = 1e7;
/** tty_nr's major number of /dev/pts. */
const PTS_MAJOR = 136;

const STATE_NAME: Readonly<Record<string, string>> = {
  R: 'running',
  S: 'sleeping',
  T: 'stopped',
  Z: 'zombie',
};

function signalMask(signals: readonly number[]): bigint {
  let mask = 0n;
  for (const signal of signals) mask |= 1n << BigInt(signal - 1);
  return mask;
}

function stat(task: Task): string {
  const ticks = Math.floor(task.cpuNs / TICK_NS);
  const tty = task.tty === undefined ? 0 : (PTS_MAJOR << 8) | task.tty.index;
  const head = [
    task.pid,
    `(${task.comm})`,
    task.stateLetter,
    task.ppid,
    task.pgid,
    task.sid,
    tty,
    task.tty?.foreground ?? -1,
  ];
  const times = [ticks, 0, 0, 0, 20, 0, 1, 0, Math.floor(task.startNs / TICK_NS)];
  const masks = [
    signalMask(task.pending),
    0,
    signalMask(task.signalsWith('ignore')),
    signalMask(task.signalsWith('caught')),
  ];
  const memory = [0, 0, '18446744073709551615', 0, 0, 0, 0, 0];
  return `${[...head, 0, 0, 0, 0, 0, ...times, ...memory, ...masks, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].join(' ')}\n`;
}

function status(task: Task): string {
  const hex = (signals: readonly number[]): string =>
    signalMask(signals).toString(16).padStart(16, '0');
  const { stateLetter } = task;
  return `Name:\t${task.comm}
Umask:\t${task.umask.toString(8).padStart(4, '0')}
State:\t${stateLetter} (${STATE_NAME[stateLetter] ?? ''})
Tgid:\t${task.pid}
Ngid:\t0
Pid:\t${task.pid}
PPid:\t${task.ppid}
TracerPid:\t0
Uid:\t0\t0\t0\t0
Gid:\t0\t0\t0\t0
FDSize:\t64
Groups:\t0 
NStgid:\t${task.pid}
NSpid:\t${task.pid}
NSpgid:\t${task.pgid}
NSsid:\t${task.sid}
Threads:\t1
SigQ:\t0/7823
SigPnd:\t${hex([])}
ShdPnd:\t${hex(task.pending)}
SigBlk:\t${hex([])}
SigIgn:\t${hex(task.signalsWith('ignore'))}
SigCgt:\t${hex(task.signalsWith('caught'))}
`;
}

/** What is mounted, as /proc/PID/mounts shows it. */
function mountsText(task: Task): string {
  const fixed = `tmpfs / tmpfs rw,relatime 0 0
proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0
sysfs /sys sysfs rw,nosuid,nodev,noexec,relatime 0 0
devtmpfs /dev devtmpfs rw,relatime,mode=755 0 0
devpts /dev/pts devpts rw,relatime,gid=5,mode=620 0 0
`;
  return fixed + task.host.vfs.namespaceMounts.map((path) => `nsfs ${path} nsfs rw 0 0\n`).join('');
}

function nulTerminated(items: readonly string[]): string {
  return items.map((item) => `${item}\0`).join('');
}

function netNamespace(of: Task): PseudoEntry {
  const { netOps } = of.host;
  const ino = (): number => {
    if (of.ended) throw new KernelError('ENOENT');
    return netOps.ino(of.net);
  };
  return pseudoLink({ target: () => `net:[${ino()}]`, follow: () => new NsfsNode(ino(), of.net) });
}

function descriptorLink(desc: FileDescription): PseudoEntry {
  return pseudoLink({
    target: () => desc.linkText(),
    follow: () => {
      if (desc.origin === undefined) throw new KernelError('ENXIO');
      return desc.origin;
    },
  });
}

function descriptorDir(of: Task): PseudoEntry {
  return pseudoDir({
    mode: 0o500,
    list: () => of.fds.numbers().map(String),
    lookup: (_task, name) => {
      const desc = /^\d+$/.test(name) ? of.fds.find(Number(name)) : undefined;
      return desc === undefined ? undefined : descriptorLink(desc);
    },
  });
}

const ENTRIES: ReadonlyMap<string, (of: Task) => PseudoEntry> = new Map<
  string,
  (of: Task) => PseudoEntry
>([
  ['cmdline', (of) => pseudoFile({ read: () => (of.ended ? '' : nulTerminated(of.argv)) })],
  [
    'comm',
    (of) =>
      pseudoFile({
        read: () => `${of.comm}\n`,
        write: (_task, text) => {
          of.comm = (text.split('\n')[0] ?? '').slice(0, 15);
        },
      }),
  ],
  ['cwd', (of) => pseudoLink({ target: () => directoryText(of.cwd), follow: () => of.cwd })],
  [
    'environ',
    (of) =>
      pseudoFile({
        mode: 0o400,
        read: () => nulTerminated([...of.env].map(([k, v]) => `${k}=${v}`)),
      }),
  ],
  ['exe', (of) => pseudoLink({ target: () => of.exePath })],
  ['fd', descriptorDir],
  ['mounts', () => pseudoFile({ read: mountsText })],
  [
    'ns',
    (of) =>
      pseudoDir({
        mode: 0o511,
        list: () => (of.ended ? [] : ['net']),
        lookup: (_task, name) => (name === 'net' ? netNamespace(of) : undefined),
      }),
  ],
  ['root', (of) => pseudoLink({ target: () => '/', follow: () => of.host.vfs.root })],
  ['stat', (of) => pseudoFile({ read: () => stat(of) })],
  ['status', (of) => pseudoFile({ read: () => status(of) })],
]);

function taskDir(of: Task): PseudoEntry {
  return pseudoDir({
    list: () => [...ENTRIES.keys()],
    lookup: (_task, name) => ENTRIES.get(name)?.(of),
  });
}

export function registerProcPid(pseudo: PseudoFs): void {
  pseudo.registerLink('/proc/self', { target: (task) => String(task.pid) });
  pseudo.registerDir('/proc', {
    list: ({ host }) => host.allTasks().map((task) => String(task.pid)),
    lookup: ({ host }, name) => {
      const task = /^[1-9]\d*$/.test(name) ? host.task(Number(name)) : undefined;
      return task === undefined ? undefined : taskDir(task);
    },
  });
}
