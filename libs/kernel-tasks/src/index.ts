export {
  CopyCounts,
  createPseudoFs,
  DEFAULT_COSTS,
  TaskHost,
  type NetOps,
  type TaskCosts,
  type TaskHostOptions,
} from './task-host.js';
export { Task, type TaskState } from './task.js';
export { CallContext, TaskEnded } from './call-context.js';
export { createSys, createTaskSys, joinSys, type ExtendSys, type TaskSys } from './create-sys.js';
export { settle } from './sys-files.js';
export { FdTable, FileDescription } from './file-description.js';
export { EpollDescription } from './epoll.js';
export { EventDescription, TimerDescription } from './event-fd.js';
export { WaitQueue, type Waiter } from './wait-queue.js';
export { Pipe, PipeEnd, PIPE_BUF, PIPE_CAPACITY } from './pipe.js';
export { Inode, FileNode, FifoNode, NsfsNode, SymlinkNode } from './inode.js';
export { NsfsDescription } from './open-file.js';
export { DirNode, pathOfDirectory, type Directory } from './directory.js';
export { Vfs } from './vfs.js';
export { ProgramTable } from './template.js';
export {
  PseudoFs,
  pseudoDir,
  pseudoFile,
  pseudoLink,
  type PseudoDirSpec,
  type PseudoEntry,
  type PseudoFileSpec,
  type PseudoLinkSpec,
} from './pseudo-fs.js';
export { Pty, type PtyOptions } from './pty.js';
export { Tty, TtyDescription } from './tty.js';
export { defaultEnv, InputStream, type RunHandle, type RunOptions } from './run.js';
export { isOrphanedGroup, raiseSigpipe, sendSignal, signalGroup } from './signals.js';
export { endTask } from './lifecycle.js';
export { loadProgram } from './program-file.js';
