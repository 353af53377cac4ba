/**
 * One node of a scenario on a real kernel: network, mount, UTS and PID namespaces held by one process.
 *
 * Caller: linux-backend.ts → this → unshare, nsenter. The holder is the first process of the PID namespace, so that its
 * death ends everything in the node; it dies with this process (setpriv --pdeathsig). A node has its own host name,
 * /proc, /sys, /tmp, /run/netns (`ip netns add` lasts from step to step) and working directory.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

/** The PATH of a login as root, wherever we were started from. */
export const ROOT_PATH = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
];

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
};

export interface RunOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function environment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const path = [...new Set([...ROOT_PATH, ...(process.env['PATH'] ?? '').split(':')])].join(':');
  return { ...process.env, PATH: path, ...extra };
}

/** Runs a program of this machine to its end. */
export function run(argv: readonly string[]): Promise<RunOutcome> {
  const command = new RunningCommand(spawnChild(argv, {}));
  return command.ended.then((code) => ({
    code,
    stdout: command.stdout(),
    stderr: command.stderr(),
  }));
}

/** As run; rejects with what it said where it fails. */
export async function runOk(argv: readonly string[]): Promise<void> {
  const { code, stderr } = await run(argv);
  if (code !== 0) throw new Error(`${argv.join(' ')}: ${stderr.trim() || `exit code ${code}`}`);
}

interface SpawnOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Both output streams go here. */
  readonly outFile?: string;
}

function spawnChild(argv: readonly string[], options: SpawnOptions): ChildProcess {
  const [program = '', ...args] = argv;
  const out = options.outFile === undefined ? undefined : openSync(options.outFile, 'w');
  const child = spawn(program, args, {
    stdio: ['ignore', out ?? 'pipe', out ?? 'pipe'],
    env: environment(options.env),
    detached: true,
  });
  if (out !== undefined) closeSync(out);
  return child;
}

/** The only child of a process, as this machine numbers it. */
function childOf(pid: number): number | undefined {
  try {
    const [first] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return first === undefined || first === '' ? undefined : Number(first);
  } catch {
    return undefined;
  }
}

/** A program that runs, or has run, in a node. */
export class RunningCommand {
  /** Exit code, or 128 + signal as a shell reports it. Output that comes within a moment after the end still counts. */
  readonly ended: Promise<number>;
  private readonly out: Buffer[] = [];
  private readonly err: Buffer[] = [];
  private readonly waiters: { readonly pattern: RegExp; readonly done: () => void }[] = [];
  private over = false;

  /** @param inner whether the child is nsenter, whose own child leads the process group that is meant */
  constructor(
    private readonly child: ChildProcess,
    private readonly inner = false,
  ) {
    child.stdout?.on('data', (data: Buffer) => void this.out.push(data));
    child.stderr?.on('data', (data: Buffer) => {
      this.err.push(data);
      for (const { pattern, done } of this.waiters) if (pattern.test(this.stderr())) done();
    });
    this.ended = new Promise((resolve) => {
      let code = 127;
      const finish = (): void => {
        this.over = true;
        child.stdout?.destroy();
        child.stderr?.destroy();
        resolve(code);
      };
      child.on('error', (error) => {
        this.err.push(Buffer.from(`${error.message}\n`));
        finish();
      });
      child.on('exit', (status, signal) => {
        this.over = true;
        code = status ?? 128 + (SIGNAL_NUMBERS[signal ?? ''] ?? 0);
        // Something left in the background may hold the streams open for ever.
        setTimeout(finish, 500).unref();
      });
      child.on('close', finish);
    });
  }

  stdout(): string {
    return Buffer.concat(this.out).toString();
  }

  stderr(): string {
    return Buffer.concat(this.err).toString();
  }

  /** Settles when standard error has had a match. */
  said(pattern: RegExp): Promise<void> {
    return new Promise((done) => {
      if (pattern.test(this.stderr())) done();
      else this.waiters.push({ pattern, done });
    });
  }

  /** To the whole process group; nothing happens when it has ended. */
  signal(signal: string): void {
    const { pid } = this.child;
    if (this.over || pid === undefined) return;
    const leader = this.inner ? childOf(pid) : pid;
    if (leader === undefined) return;
    try {
      process.kill(-leader, signal as NodeJS.Signals);
    } catch {
      // It has just ended.
    }
  }

  /** Waits for the end; kills the group after the timeout, and the code is then 124. */
  async end(timeoutMs: number): Promise<number> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<'late'>((late) => {
      timer = setTimeout(() => late('late'), Math.min(timeoutMs, 2 ** 31 - 1));
    });
    const code = await Promise.race([this.ended, timeout]);
    clearTimeout(timer);
    if (code !== 'late') return code;
    this.signal('SIGKILL');
    await this.ended;
    return 124;
  }
}

export class LinuxNode {
  /** Settles when nothing of the node is left. */
  gone: Promise<unknown> = Promise.resolve();
  private holder: ChildProcess | undefined;
  private init = 0;
  private readonly overlaid = new Set<string>();

  constructor(
    readonly name: string,
    private readonly home: string,
    private readonly env: Readonly<Record<string, string>>,
  ) {}

  /** The first process of the node, as this machine numbers it. */
  get pid(): number {
    return this.init;
  }

  /** Makes the namespaces. */
  async boot(): Promise<void> {
    const variant = process.env['IPTABLES'];
    const legacy =
      variant === undefined
        ? ''
        : `mount --bind /usr/sbin/xtables-${variant}-multi /usr/sbin/xtables-nft-multi; `;
    const script =
      `set -e; hostname "$1"; mount --make-rprivate /; mount -t proc proc /proc; mount -t sysfs sysfs /sys; ` +
      `mkdir -p /run/netns; mount -t tmpfs tmpfs /run/netns; mount --bind "$2/.tmp" /tmp; ${legacy}ip link set lo up; ` +
      `echo ready; set +e; while :; do sleep 86400 & wait; done`;
    const argv = [
      '--pdeathsig',
      'KILL',
      'unshare',
      '-m',
      '-u',
      '-n',
      '-p',
      '--fork',
      '--kill-child',
      '--propagation',
      'private',
      'bash',
      '-c',
      script,
      'netloom-node',
      this.name,
      this.home,
    ];
    const holder = spawn('setpriv', argv, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment(),
      detached: true,
    });
    this.holder = holder;
    this.gone = new Promise((done) => holder.on('exit', done));
    let said = '';
    holder.stderr.on('data', (data: Buffer) => void (said += data.toString()));
    await new Promise<void>((done, fail) => {
      holder.stdout.once('data', () => done());
      holder.on('error', fail);
      holder.on('exit', () => fail(new Error(`cannot make node ${this.name}: ${said.trim()}`)));
    });
    const init = holder.pid === undefined ? undefined : childOf(holder.pid);
    if (init === undefined)
      throw new Error(`cannot make node ${this.name}: its first process is gone`);
    this.init = init;
  }

  /** Starts a line for the node's shell. */
  start(line: string, options: { readonly outFile?: string } = {}): RunningCommand {
    return this.startArgv(['bash', '-c', line], options);
  }

  startArgv(argv: readonly string[], options: { readonly outFile?: string } = {}): RunningCommand {
    const enter = [
      'nsenter',
      '-t',
      String(this.init),
      '-m',
      '-u',
      '-n',
      '-p',
      `--wd=${this.home}`,
      'setsid',
      ...argv,
    ];
    return new RunningCommand(spawnChild(enter, { ...options, env: this.env }), true);
  }

  /** Runs a program in the node; rejects with what it said where it fails. */
  async ok(argv: readonly string[]): Promise<void> {
    const command = this.startArgv(argv);
    const code = await command.ended;
    if (code !== 0) throw new Error(`${this.name}: ${argv.join(' ')}: ${command.stderr().trim()}`);
  }

  /** False where this kernel has no such knob in a namespace. */
  async sysctl(key: string, value: string): Promise<boolean> {
    return (await this.startArgv(['sysctl', '-qw', `${key}=${value}`]).ended) === 0;
  }

  /** Makes a folder of the machine the node's own to change. */
  async overlay(folder: string): Promise<void> {
    if (this.overlaid.has(folder)) return;
    const n = this.overlaid.size;
    this.overlaid.add(folder);
    const script = `mkdir -p "$2/.up$3" "$2/.work$3"; mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/.up$3,workdir=$2/.work$3" "$1"`;
    await this.ok(['bash', '-c', script, 'netloom-overlay', folder, this.home, String(n)]);
  }

  /** Ends every process of the node. */
  kill(): void {
    if (this.init !== 0) tryKill(this.init);
    if (this.holder?.pid !== undefined && this.holder.exitCode === null) tryKill(this.holder.pid);
  }
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}
