/**
 * The system-call object of one program image: identity, time, files, processes, and what an upper layer adds.
 *
 * All methods are own properties without `this`, so that a Sys can be spread into another with some of them replaced.
 * The object is written out name by name because spreading several dozen properties costs more than everything else
 * that starting a process does.
 */
import { KernelError } from '@netloom/base';
import type { Sys, SysFiles, SysIdentity, SysNet, SysProcess, SysTime } from '@netloom/sys';
import { fileCalls } from './sys-files.js';
import { identityCalls } from './sys-identity.js';
import { pathCalls } from './sys-paths.js';
import { processCalls } from './sys-process.js';
import { terminalCalls } from './sys-terminal.js';
import { timeCalls } from './sys-time.js';
import type { Task } from './task.js';

/** The part of Sys that needs no network. */
export type TaskSys = SysIdentity & SysTime & SysFiles & SysProcess;

/**
 * Completes a {@link TaskSys}, as a rule `joinSys(base, …)`. Called while `task.context` is the new image's, which its
 * calls capture.
 */
export type ExtendSys = (task: Task, base: TaskSys) => Sys;

/** What a program of this task receives. */
export function createSys(task: Task): Sys {
  const base = createTaskSys(task);
  return task.host.extendSys?.(task, base) ?? joinSys(base, NO_NETWORK);
}

export function createTaskSys(task: Task): TaskSys {
  const { context } = task;
  const identity = identityCalls(context);
  const time = timeCalls(context);
  const files = fileCalls(context);
  const paths = pathCalls(context);
  const terminal = terminalCalls(context);
  const process = processCalls(context);
  return {
    pid: identity.pid,
    ppid: identity.ppid,
    argv: identity.argv,
    env: identity.env,
    hostname: identity.hostname,
    sethostname: identity.sethostname,
    uname: identity.uname,
    getuid: identity.getuid,
    processes: identity.processes,
    nprocs: identity.nprocs,
    now: time.now,
    bootTime: time.bootTime,
    sleep: time.sleep,
    cpu: time.cpu,
    random: time.random,
    open: files.open,
    close: files.close,
    read: files.read,
    write: files.write,
    seek: files.seek,
    ftruncate: files.ftruncate,
    dup: files.dup,
    dup2: files.dup2,
    setCloexec: files.setCloexec,
    setNonblock: files.setNonblock,
    pipe: files.pipe,
    poll: files.poll,
    openFds: files.openFds,
    io: files.io,
    fstat: files.fstat,
    stat: paths.stat,
    lstat: paths.lstat,
    readdir: paths.readdir,
    mkdir: paths.mkdir,
    rmdir: paths.rmdir,
    unlink: paths.unlink,
    rename: paths.rename,
    symlink: paths.symlink,
    link: paths.link,
    readlink: paths.readlink,
    mkfifo: paths.mkfifo,
    chmod: paths.chmod,
    chown: paths.chown,
    utimes: paths.utimes,
    chdir: paths.chdir,
    getcwd: paths.getcwd,
    umask: paths.umask,
    isatty: terminal.isatty,
    ttySize: terminal.ttySize,
    ttyRaw: terminal.ttyRaw,
    tcgetpgrp: terminal.tcgetpgrp,
    tcsetpgrp: terminal.tcsetpgrp,
    spawn: process.spawn,
    exec: process.exec,
    exit: process.exit,
    waitpid: process.waitpid,
    kill: process.kill,
    signal: process.signal,
    getpgid: process.getpgid,
    setpgid: process.setpgid,
    setsid: process.setsid,
  };
}

/** A whole Sys from its two halves. */
export function joinSys(base: TaskSys, net: SysNet): Sys {
  return {
    pid: base.pid,
    ppid: base.ppid,
    argv: base.argv,
    env: base.env,
    hostname: base.hostname,
    sethostname: base.sethostname,
    uname: base.uname,
    getuid: base.getuid,
    processes: base.processes,
    nprocs: base.nprocs,
    now: base.now,
    bootTime: base.bootTime,
    sleep: base.sleep,
    cpu: base.cpu,
    random: base.random,
    open: base.open,
    close: base.close,
    read: base.read,
    write: base.write,
    seek: base.seek,
    ftruncate: base.ftruncate,
    dup: base.dup,
    dup2: base.dup2,
    setCloexec: base.setCloexec,
    setNonblock: base.setNonblock,
    pipe: base.pipe,
    poll: base.poll,
    openFds: base.openFds,
    io: base.io,
    fstat: base.fstat,
    stat: base.stat,
    lstat: base.lstat,
    readdir: base.readdir,
    mkdir: base.mkdir,
    rmdir: base.rmdir,
    unlink: base.unlink,
    rename: base.rename,
    symlink: base.symlink,
    link: base.link,
    readlink: base.readlink,
    mkfifo: base.mkfifo,
    chmod: base.chmod,
    chown: base.chown,
    utimes: base.utimes,
    chdir: base.chdir,
    getcwd: base.getcwd,
    umask: base.umask,
    isatty: base.isatty,
    ttySize: base.ttySize,
    ttyRaw: base.ttyRaw,
    tcgetpgrp: base.tcgetpgrp,
    tcsetpgrp: base.tcsetpgrp,
    spawn: base.spawn,
    exec: base.exec,
    exit: base.exit,
    waitpid: base.waitpid,
    kill: base.kill,
    signal: base.signal,
    getpgid: base.getpgid,
    setpgid: base.setpgid,
    setsid: base.setsid,
    socket: net.socket,
    bind: net.bind,
    connect: net.connect,
    listen: net.listen,
    accept: net.accept,
    sendto: net.sendto,
    recvmsg: net.recvmsg,
    sendmsg: net.sendmsg,
    sendmmsg: net.sendmmsg,
    recvmmsg: net.recvmmsg,
    socketpair: net.socketpair,
    shutdown: net.shutdown,
    setsockopt: net.setsockopt,
    getsockopt: net.getsockopt,
    getsockname: net.getsockname,
    getpeername: net.getpeername,
    sockIoctl: net.sockIoctl,
    tunSetIff: net.tunSetIff,
    tunSet: net.tunSet,
    rtnl: net.rtnl,
    rtnlSubscribe: net.rtnlSubscribe,
    rtnlRecv: net.rtnlRecv,
    sockDiag: net.sockDiag,
    unshareNet: net.unshareNet,
    setns: net.setns,
    netnsBind: net.netnsBind,
    socketsBind: net.socketsBind,
    socketsBound: net.socketsBound,
    netnsUnbind: net.netnsUnbind,
  };
}

function noSuchCall(): never {
  throw new KernelError('ENOSYS');
}

function noSuchBlockingCall(): Promise<never> {
  return Promise.reject(new KernelError('ENOSYS'));
}

/** A kernel without networking. */
const NO_NETWORK: SysNet = {
  socket: noSuchCall,
  bind: noSuchCall,
  connect: noSuchBlockingCall,
  listen: noSuchCall,
  accept: noSuchBlockingCall,
  sendto: noSuchBlockingCall,
  recvmsg: noSuchBlockingCall,
  sendmsg: noSuchBlockingCall,
  sendmmsg: noSuchBlockingCall,
  recvmmsg: noSuchBlockingCall,
  socketpair: noSuchCall,
  shutdown: noSuchCall,
  setsockopt: noSuchCall,
  getsockopt: noSuchCall,
  getsockname: noSuchCall,
  getpeername: noSuchCall,
  sockIoctl: noSuchCall,
  tunSetIff: noSuchCall,
  tunSet: noSuchCall,
  rtnl: noSuchCall,
  rtnlSubscribe: noSuchCall,
  rtnlRecv: noSuchBlockingCall,
  sockDiag: noSuchCall,
  unshareNet: noSuchCall,
  setns: noSuchCall,
  netnsBind: noSuchCall,
  socketsBind: noSuchCall,
  socketsBound: noSuchCall,
  netnsUnbind: noSuchCall,
};
