/**
 * Scenarios on this machine's kernel: one set of namespaces a node, one veth pair a link.
 *
 * Caller: `netloom test --backend linux` → runScenario → this → linux-node.ts, ip, tcpdump. Needs root, iproute2,
 * util-linux and tcpdump. Link rate, delay, loss and queue are not applied: a scenario that needs them says
 * `linux: false`. Whatever happens (a failure, a signal, kill -9 of this process), nothing is left behind: a node's
 * processes are bound to this one's life, and namespaces and interfaces live only as long as they have processes.
 */
import {
  accessSync,
  constants,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import type {
  CommandOutcome,
  ReadOutcome,
  ScenarioBackend,
  SignalName,
  Topology,
  TopologyLink,
  TopologyNode,
} from '@netloom/lab';
import { bindSource } from './bind-files.js';
import { LinuxNode, ROOT_PATH, run, runOk, type RunningCommand } from './linux-node.js';

const DEFAULT_EXEC_NS = 60e9;
const BRIDGE = 'br0';
const TOOLS = [
  'bash',
  'ip',
  'mount',
  'nsenter',
  'setpriv',
  'setsid',
  'sysctl',
  'tcpdump',
  'unshare',
];

/** A stock kernel's defaults, which a namespace would otherwise take from this machine. */
const STOCK: Readonly<Record<string, string>> = {
  'net.ipv6.conf.all.accept_dad': '0',
  'net.ipv6.conf.default.accept_dad': '0',
  'net.ipv4.ip_forward': '0',
  'net.ipv4.conf.all.rp_filter': '0',
  'net.ipv4.conf.default.rp_filter': '0',
  'net.ipv4.tcp_congestion_control': 'cubic',
};

/** What must hold on the whole machine while scenarios run; put back afterwards. */
const MACHINE: Readonly<Record<string, string>> = {
  'net/netfilter/nf_log_all_netns': '1',
  'net/ipv4/tcp_allowed_congestion_control': 'reno cubic bbr',
};

/** Why scenarios cannot run on this machine's kernel, or undefined. */
export async function linuxBackendObstacle(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root';
  const folders = [...ROOT_PATH, ...(process.env['PATH'] ?? '').split(delimiter)];
  const missing = TOOLS.filter(
    (tool) => !folders.some((folder) => isExecutable(join(folder, tool))),
  );
  if (missing.length > 0) return `needs root and the tools ${missing.join(', ')}`;
  const trial = await run([
    'unshare',
    '-m',
    '-u',
    '-n',
    '-p',
    '--fork',
    'ip',
    'link',
    'add',
    'nl0',
    'type',
    'veth',
    'peer',
    'name',
    'nl1',
  ]);
  if (trial.code !== 0)
    return `needs root that may make namespaces and veth pairs: ${trial.stderr.trim()}`;
  return undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

const live = new Set<LinuxBackend>();
let exitHooked = false;

/** Takes down what is up, at once and without waiting; for signal and exit handlers. */
export function removeLinuxLabs(): void {
  for (const backend of live) backend.removeNow();
}

export interface LinuxBackendOptions {
  /** Where relative binds are found; default the working directory. */
  readonly baseDir?: string;
}

export class LinuxBackend implements ScenarioBackend {
  readonly name = 'linux';
  private dir: string | undefined;
  private readonly nodes = new Map<string, LinuxNode>();
  private readonly jobs = new Map<
    string,
    { readonly command: RunningCommand; readonly outFile: string }
  >();
  private readonly captures = new Map<
    string,
    { readonly command: RunningCommand; readonly file: string }
  >();
  private readonly machineBefore = new Map<string, string>();

  constructor(private readonly options: LinuxBackendOptions = {}) {}

  async up(topology: Topology): Promise<readonly string[]> {
    removeStaleFolders();
    this.dir = mkdtempSync(`/var/tmp/netloom-${process.pid}-`);
    live.add(this);
    if (!exitHooked) {
      exitHooked = true;
      process.on('exit', removeLinuxLabs);
    }
    await this.prepareMachine();
    const warnings: string[] = [];
    const later: [LinuxNode, string, string][] = [];
    for (const spec of topology.nodes) {
      const node = await this.makeNode(spec);
      for (const [key, value] of Object.entries({ ...STOCK, ...spec.sysctls })) {
        if (!(await node.sysctl(key, value))) later.push([node, key, value]);
      }
    }
    for (const link of topology.links) await this.makeLink(link, topology);
    for (const [node, key, value] of later) {
      if (!(await node.sysctl(key, value)))
        warnings.push(`${node.name}: sysctl ${key}=${value} is not to be had here`);
    }
    await sleepMs(200);
    for (const { name, exec } of topology.nodes) {
      for (const line of exec) {
        const { exitCode, output } = await this.exec(name, line, undefined);
        if (exitCode !== 0)
          warnings.push(`${name}: ${line}: exit code ${exitCode}: ${output.trim()}`);
      }
    }
    return warnings;
  }

  async exec(node: string, line: string, timeoutNs: number | undefined): Promise<CommandOutcome> {
    const command = this.node(node).start(line);
    const code = await command.end((timeoutNs ?? DEFAULT_EXEC_NS) / 1e6);
    return { exitCode: code, output: command.stdout() + command.stderr() };
  }

  async startBackground(name: string, node: string, line: string): Promise<void> {
    const outFile = join(this.home(), `${name}.out`);
    this.jobs.set(name, { command: this.node(node).start(line, { outFile }), outFile });
    await sleepMs(300);
  }

  async wait(name: string, timeoutNs: number): Promise<CommandOutcome> {
    const { command, outFile } = this.job(name);
    const exitCode = await command.end(timeoutNs / 1e6);
    return { exitCode, output: readFileSync(outFile, 'utf8') };
  }

  async kill(name: string, signal: SignalName): Promise<void> {
    this.job(name).command.signal(`SIG${signal}`);
  }

  async sleep(ns: number): Promise<void> {
    await sleepMs(ns / 1e6);
  }

  now(): number {
    return Math.round(performance.now() * 1e6);
  }

  async startCapture(
    name: string,
    node: string,
    interfaceName: string,
    filter: string | undefined,
  ): Promise<void> {
    const file = join(this.home(), `${name}.pcap`);
    const argv = [
      'tcpdump',
      '--immediate-mode',
      '-U',
      '-w',
      file,
      '-i',
      interfaceName,
      ...(filter === undefined ? [] : [filter]),
    ];
    const command = this.node(node).startArgv(argv);
    await Promise.race([command.ended, command.said(/listening on/)]);
    if (!/listening on/.test(command.stderr()))
      throw new Error(`tcpdump did not start: ${command.stderr().trim()}`);
    this.captures.set(name, { command, file });
    await sleepMs(100);
  }

  async stopCapture(name: string): Promise<void> {
    const { command } = this.capture(name);
    await sleepMs(300);
    command.signal('SIGINT');
    await command.end(10_000);
  }

  async readCapture(name: string, filter: string | undefined): Promise<ReadOutcome> {
    const { file } = this.capture(name);
    const { code, stdout, stderr } = await run([
      'tcpdump',
      '-nn',
      '-r',
      file,
      ...(filter === undefined ? [] : [filter]),
    ]);
    if (code !== 0) throw new Error(`tcpdump -r: ${stderr.trim()}`);
    return {
      packets: stdout.split('\n').filter((line) => /^\d\d:\d\d:/.test(line)).length,
      text: stdout,
    };
  }

  async down(): Promise<void> {
    this.removeNow();
    await Promise.all([...this.nodes.values()].map((node) => node.gone));
    this.nodes.clear();
    if (this.dir !== undefined) rmSync(this.dir, { recursive: true, force: true });
  }

  /** Kills every process of every node; the kernel takes namespaces and interfaces away with them. */
  removeNow(): void {
    for (const node of this.nodes.values()) node.kill();
    this.restoreMachine();
    if (this.dir !== undefined) rmSync(this.dir, { recursive: true, force: true });
    live.delete(this);
  }

  private async makeNode(spec: TopologyNode): Promise<LinuxNode> {
    const home = join(this.home(), 'nodes', spec.name);
    mkdirSync(join(home, '.tmp'), { recursive: true });
    const node = new LinuxNode(spec.name, home, spec.env);
    this.nodes.set(spec.name, node);
    await node.boot();
    for (const bind of spec.binds)
      await this.bind(node, bindSource(bind.source, this.options.baseDir ?? '.'), bind.target);
    if (spec.kind === 'bridge') {
      await node.ok(['ip', 'link', 'add', BRIDGE, 'type', 'bridge']);
      await node.ok(['ip', 'link', 'set', BRIDGE, 'up']);
    }
    return node;
  }

  private async makeLink(link: TopologyLink, topology: Topology): Promise<void> {
    const { a, z, mtu } = link;
    const side = (end: typeof a): string[] => [
      ...(end.mac === undefined ? [] : ['address', end.mac]),
      'mtu',
      String(mtu),
      'netns',
      String(this.node(end.node).pid),
    ];
    await runOk([
      'ip',
      'link',
      'add',
      'name',
      a.interface,
      ...side(a),
      'type',
      'veth',
      'peer',
      'name',
      z.interface,
      ...side(z),
    ]);
    for (const end of [a, z]) {
      const node = this.node(end.node);
      await node.ok(['ip', 'link', 'set', end.interface, 'up']);
      const kind = topology.nodes.find((spec) => spec.name === end.node)?.kind;
      if (kind === 'bridge') await node.ok(['ip', 'link', 'set', end.interface, 'master', BRIDGE]);
      for (const address of [end.ipv4, end.ipv6]) {
        if (address !== undefined)
          await node.ok(['ip', 'addr', 'add', address, 'dev', end.interface]);
      }
    }
  }

  /** Copies a file or folder into a node without touching this machine's own: an overlay over the nearest folder. */
  private async bind(node: LinuxNode, source: string, target: string): Promise<void> {
    let folder = dirname(target);
    while (!existsSync(folder)) folder = dirname(folder);
    if (folder === '/')
      throw new Error(`${node.name}: cannot bind ${target}: no such folder on this machine`);
    await node.overlay(folder);
    const inside = join('/proc', String(node.pid), 'root', target);
    mkdirSync(dirname(inside), { recursive: true });
    if (statSync(source).isDirectory()) cpSync(source, inside, { recursive: true });
    else copyFileSync(source, inside);
  }

  private async prepareMachine(): Promise<void> {
    for (const [key, value] of Object.entries(MACHINE)) {
      const path = join('/proc/sys', key);
      try {
        const before = readFileSync(path, 'utf8').trim();
        if (before === value) continue;
        await runOk(['sysctl', '-qw', `${key.replaceAll('/', '.')}=${value}`]);
        this.machineBefore.set(path, before);
      } catch {
        // A kernel without the knob, or one that does not offer bbr: the scenarios that need it will say so.
      }
    }
  }

  private restoreMachine(): void {
    for (const [path, value] of this.machineBefore) {
      try {
        writeFileSync(path, value);
      } catch {
        // Nothing more can be done about it on the way out.
      }
    }
    this.machineBefore.clear();
  }

  private home(): string {
    if (this.dir === undefined) throw new Error('the lab is not up');
    return this.dir;
  }

  private node(name: string): LinuxNode {
    const node = this.nodes.get(name);
    if (node === undefined) throw new Error(`no such node "${name}"`);
    return node;
  }

  private job(name: string): { readonly command: RunningCommand; readonly outFile: string } {
    const job = this.jobs.get(name);
    if (job === undefined) throw new Error(`no background command "${name}" is running`);
    return job;
  }

  private capture(name: string): { readonly command: RunningCommand; readonly file: string } {
    const capture = this.captures.get(name);
    if (capture === undefined) throw new Error(`capture "${name}" has not been started`);
    return capture;
  }
}

/** What a run that was killed outright could not remove: its files (its processes are gone with it). */
function removeStaleFolders(): void {
  for (const name of readdirSync('/var/tmp')) {
    const pid = /^netloom-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`))
      rmSync(join('/var/tmp', name), { recursive: true, force: true });
  }
}

function sleepMs(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
