/**
 * The parts of /proc that describe the machine and the kernel: uptime, loadavg, version, cpuinfo, meminfo, mounts,
 * sys/kernel. Per-process files are in proc-pid.ts.
 *
 * Layouts: proc(5). Load is always zero, memory is a plausible constant (nothing is modelled behind it), the CPU is an
 * invented model; uptime's idle time subtracts the CPU time that processes were charged.
 */
import { KernelError } from '@netloom/base';
import { registerProcPid } from './proc-pid.js';
import type { PseudoFs } from './pseudo-fs.js';
import type { Task } from './task.js';
import { PID_MAX, type TaskHost } from './task-host.js';

/** kB of the machine that /proc/meminfo describes. */
const MEM_TOTAL_KB = 2_048_000;
const MEM_FREE_KB = 1_742_336;
const CACHED_KB = 153_600;

function seconds(ns: number): string {
  return (Math.floor(ns / 1e7) / 100).toFixed(2);
}

function uptime({ host }: Task): string {
  const { now } = host.engine;
  let busyNs = 0;
  for (const task of host.tasksWhere(() => true)) busyNs += task.cpuNs;
  return `${seconds(now)} ${seconds(Math.max(0, now * host.nprocs - busyNs))}\n`;
}

function loadavg({ host }: Task): string {
  const tasks = host.allTasks();
  const running = tasks.filter((task) => task.stateLetter === 'R').length;
  return `0.00 0.00 0.00 ${Math.max(1, running)}/${tasks.length} ${host.newestPid}\n`;
}

function cpuinfo({ host }: Task): string {
  const one = (cpu: number): string => `processor\t: ${cpu}
vendor_id\t: Netloom
cpu family\t: 6
model\t\t: 1
model name\t: Netloom virtual CPU
stepping\t: 0
cpu MHz\t\t: 3000.000
physical id\t: 0
siblings\t: ${host.nprocs}
core id\t\t: ${cpu}
cpu cores\t: ${host.nprocs}
flags\t\t: fpu tsc cx8 cmov mmx fxsr sse sse2 syscall nx lm constant_tsc
bogomips\t: 6000.00
clflush size\t: 64
cache_alignment\t: 64

`;
  return Array.from({ length: host.nprocs }, (_, cpu) => one(cpu)).join('');
}

function meminfo(): string {
  const rows: readonly (readonly [string, number])[] = [
    ['MemTotal', MEM_TOTAL_KB],
    ['MemFree', MEM_FREE_KB],
    ['MemAvailable', MEM_FREE_KB + CACHED_KB],
    ['Buffers', 8192],
    ['Cached', CACHED_KB],
    ['SwapCached', 0],
    ['Active', 90_112],
    ['Inactive', 71_680],
    ['SwapTotal', 0],
    ['SwapFree', 0],
    ['Dirty', 0],
    ['Writeback', 0],
    ['AnonPages', 40_960],
    ['Mapped', 20_480],
    ['Shmem', 1024],
    ['Slab', 61_440],
    ['SReclaimable', 40_960],
    ['SUnreclaim', 20_480],
    ['KernelStack', 2048],
    ['PageTables', 2048],
    ['CommitLimit', MEM_TOTAL_KB / 2],
    ['Committed_AS', 131_072],
  ];
  return rows
    .map(([name, kb]) => `${`${name}:`.padEnd(16)}${String(kb).padStart(8)} kB\n`)
    .join('');
}

function filesystems(): string {
  const virtual = ['sysfs', 'tmpfs', 'proc', 'devtmpfs', 'sockfs', 'pipefs', 'devpts', 'nsfs'];
  return virtual.map((name) => `nodev\t${name}\n`).join('');
}

/** An RFC 9562 version 4 UUID from the host's stream. */
function randomUuid({ host }: Task): string {
  let hex = '';
  for (let i = 0; i < 4; i++) hex += host.random.u32().toString(16).padStart(8, '0');
  const variant = ((parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20),
  ];
  return `${parts.join('-')}\n`;
}

/** One v4 UUID per boot, made at its first reading. */
const bootIds = new WeakMap<TaskHost, string>();

function bootId(task: Task): string {
  let id = bootIds.get(task.host);
  if (id === undefined) bootIds.set(task.host, (id = randomUuid(task)));
  return id;
}

function setHostname({ host }: Task, text: string): void {
  const name = text.split('\n')[0] ?? '';
  if (name.length > 64) throw new KernelError('EINVAL');
  host.hostname = name;
}

export function registerProc(pseudo: PseudoFs): void {
  registerProcPid(pseudo);
  pseudo.registerFile('/sys/kernel/debug/netloom/copied_bytes', {
    read: ({ host: { copies } }) =>
      `read ${copies.read}\nwritten ${copies.written}\nmoved ${copies.moved}\n`,
  });
  pseudo.registerFile('/proc/uptime', { read: uptime });
  pseudo.registerFile('/proc/loadavg', { read: loadavg });
  pseudo.registerFile('/proc/version', {
    read: ({ host }) =>
      `Linux version ${host.release} (netloom@netloom) (TypeScript) ${host.version}\n`,
  });
  pseudo.registerFile('/proc/cpuinfo', { read: cpuinfo });
  pseudo.registerFile('/proc/meminfo', { read: meminfo });
  pseudo.registerFile('/proc/filesystems', { read: filesystems });
  pseudo.registerFile('/proc/cmdline', {
    read: () => 'BOOT_IMAGE=/boot/vmlinuz root=/dev/root ro quiet\n',
  });
  pseudo.registerLink('/proc/mounts', { target: () => 'self/mounts' });
  pseudo.registerFile('/proc/sys/kernel/hostname', {
    read: ({ host }) => `${host.hostname}\n`,
    write: setHostname,
  });
  pseudo.registerFile('/proc/sys/kernel/domainname', { read: () => '(none)\n' });
  pseudo.registerFile('/proc/sys/kernel/ostype', { read: () => 'Linux\n' });
  pseudo.registerFile('/proc/sys/kernel/osrelease', { read: ({ host }) => `${host.release}\n` });
  pseudo.registerFile('/proc/sys/kernel/version', { read: ({ host }) => `${host.version}\n` });
  pseudo.registerFile('/proc/sys/kernel/pid_max', { read: () => `${PID_MAX}\n` });
  pseudo.registerFile('/proc/sys/kernel/random/uuid', { read: randomUuid });
  pseudo.registerFile('/proc/sys/kernel/random/boot_id', { read: bootId });
}
