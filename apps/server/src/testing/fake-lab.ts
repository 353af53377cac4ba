/**
 * A LabRunner without a simulation, for specs of the server itself: what a lab answers is decided by the spec.
 *
 * Keeps nodes, links, files and a journal, and knows a handful of commands: `echo TEXT`, `cat` (stdin to stdout),
 * `flood N` (N bytes), `remember TEXT` and `recall` (state that a replay must bring back), `hang`, `die`.
 */
import {
  LabError,
  type BindFile,
  type CaptureDocument,
  type CaptureRequest,
  type CaptureSource,
  type ClockDocument,
  type ClockPatch,
  type CreateRequest,
  type EventSubscription,
  type ExecRequest,
  type ExecResult,
  type JournalEntry,
  type LabDocument,
  type LabEvent,
  type LabInput,
  type LabMessage,
  type LabRunner,
  type LabStatistics,
  type LinkDocument,
  type LinkPatch,
  type NodeDetail,
  type NodeSummary,
  type StartRequest,
  type Topology,
  type TopologyLink,
  type TopologyNode,
} from '@netloom/lab';
import type { OwnedRunner, RunnerFactory } from '../runner/runner-factory.js';

export const FAKE_HEAD = new Uint8Array([0x0a, 0x0d, 0x0d, 0x0a]);

interface FakeProcess {
  readonly request: StartRequest;
  unacknowledged: number;
  stdin: Uint8Array[];
  signals: number[];
}

export class FakeLab implements LabRunner {
  readonly journal: JournalEntry[] = [];
  readonly acks: [string, number][] = [];
  readonly processes = new Map<string, FakeProcess>();
  readonly subscriptions = new Map<
    string,
    { request: EventSubscription; unacknowledged: number; lost: number }
  >();
  readonly sentFrames: Uint8Array[] = [];
  readonly files = new Map<string, Uint8Array>();
  memory = '';
  nowNs = 0;
  replayed: readonly JournalEntry[] = [];
  private request: CreateRequest | undefined;
  private nodes: TopologyNode[] = [];
  private readonly linkTable = new Map<string, LinkDocument>();
  private readonly captureTable = new Map<string, CaptureDocument>();
  private readonly listeners = new Set<(message: LabMessage) => void>();
  private clockState: { mode: ClockDocument['mode']; rate: number } = { mode: 'realtime', rate: 1 };
  private next = { link: 1, process: 1, capture: 1, subscription: 1, attachment: 1 };

  say(message: LabMessage): void {
    for (const listener of this.listeners) listener(message);
  }

  async create(request: CreateRequest): Promise<LabDocument> {
    this.request = request;
    this.clockState = { mode: request.clock?.mode ?? 'realtime', rate: request.clock?.rate ?? 1 };
    this.nodes = [...request.topology.nodes];
    for (const link of request.topology.links) this.makeLink(link);
    for (const file of request.files ?? []) this.files.set(`${file.node}:${file.path}`, file.data);
    this.replayed = request.replay ?? [];
    for (const { input, timeNs } of this.replayed) {
      this.nowNs = timeNs;
      await this.repeat(input);
    }
    this.nowNs = Math.max(this.nowNs, request.replayUntilNs ?? 0);
    return this.info();
  }

  async info(): Promise<LabDocument> {
    const { id = '', topology, seed = 1, warnings = [] } = this.request ?? {};
    return {
      id,
      name: topology?.name ?? '',
      state: 'running',
      seed,
      clock: await this.clock(),
      nodes: this.nodes.map((node) => this.summary(node)),
      links: [...this.linkTable.values()],
      fingerprint: '0123456789abcdef',
      warnings,
      deploy: [],
    };
  }

  async topology(): Promise<Topology> {
    const { name, document } = this.request?.topology ?? { name: '', document: {} };
    const links = [...this.linkTable.values()].map(({ endpoints: [a, z], mtu, netem }) => ({
      a: { node: a.node, interface: a.interface },
      z: { node: z.node, interface: z.interface },
      mtu,
      netem,
    }));
    return { name, document, nodes: this.nodes, links };
  }

  async statistics(): Promise<LabStatistics> {
    return {
      virtualTimeNs: this.nowNs,
      events: 7,
      frames: 5,
      drops: { NO_SOCKET: 2 },
      processes: this.processes.size,
      captures: this.captureTable.size,
      packetMemory: { usedSlots: 1, totalSlots: 64 },
    };
  }

  async destroy(): Promise<void> {
    this.nodes = [];
  }

  async addNode(node: TopologyNode, files: readonly BindFile[] = []): Promise<NodeSummary> {
    if (this.nodes.some(({ name }) => name === node.name))
      throw new LabError('conflict', `node "${node.name}" exists`);
    this.nodes.push(node);
    for (const file of files) this.files.set(`${file.node}:${file.path}`, file.data);
    this.record({ type: 'add-node', node, files });
    return this.summary(node);
  }

  async removeNode(node: string): Promise<void> {
    this.must(node);
    this.nodes = this.nodes.filter(({ name }) => name !== node);
    this.record({ type: 'remove-node', node });
  }

  async addLink(link: TopologyLink): Promise<LinkDocument> {
    const made = this.makeLink(link);
    this.record({ type: 'add-link', link });
    return made;
  }

  async removeLink(link: string): Promise<void> {
    if (!this.linkTable.delete(link)) throw new LabError('not-found', `no link "${link}"`);
    this.record({ type: 'remove-link', link });
  }

  async patchLink(link: string, patch: LinkPatch): Promise<LinkDocument> {
    const old = this.linkTable.get(link);
    if (old === undefined) throw new LabError('not-found', `no link "${link}"`);
    const changed = { ...old, up: patch.up ?? old.up, netem: { ...old.netem, ...patch.netem } };
    this.linkTable.set(link, changed);
    this.record({ type: 'patch-link', link, patch });
    return changed;
  }

  async node(node: string): Promise<NodeDetail> {
    return { ...this.summary(this.must(node)), processes: [], namespaces: [] };
  }

  async exec(request: ExecRequest): Promise<ExecResult> {
    throw new LabError('unsupported', `the server starts "${request.command}" itself`);
  }

  async start(request: StartRequest): Promise<{ readonly process: string }> {
    this.must(request.node);
    const process = `p${this.next.process++}`;
    this.processes.set(process, { request, unacknowledged: 0, stdin: [], signals: [] });
    this.record({ type: 'start', process, request });
    this.run(process, request.command ?? '');
    return { process };
  }

  async writeStdin(process: string, data: Uint8Array): Promise<void> {
    this.processes.get(process)?.stdin.push(data);
    this.record({ type: 'stdin', process, data });
    if (this.processes.get(process)?.request.tty !== undefined) this.output(process, data);
  }

  async closeStdin(process: string): Promise<void> {
    const found = this.processes.get(process);
    this.record({ type: 'stdin-end', process });
    if (found?.request.command !== 'cat') return;
    for (const data of found.stdin) this.output(process, data);
    this.exit(process, 0);
  }

  async signal(process: string, signal: number): Promise<void> {
    this.processes.get(process)?.signals.push(signal);
    this.record({ type: 'signal', process, signal });
    if (this.processes.has(process)) this.exit(process, 128 + signal);
  }

  async resize(process: string, rows: number, cols: number): Promise<void> {
    this.record({ type: 'resize', process, rows, cols });
    this.output(process, new TextEncoder().encode(`${rows}x${cols}`));
  }

  async readFile(node: string, path: string): Promise<Uint8Array> {
    this.must(node);
    const data = this.files.get(`${node}:${path}`);
    if (data === undefined) throw new LabError('not-found', `${path}: No such file or directory`);
    return data;
  }

  async writeFile(node: string, path: string, data: Uint8Array, mode?: number): Promise<void> {
    this.must(node);
    this.files.set(`${node}:${path}`, data);
    this.record({ type: 'write-file', node, path, data, ...(mode === undefined ? {} : { mode }) });
  }

  async startCapture(request: CaptureRequest): Promise<CaptureDocument> {
    for (const source of request.sources) this.must(source.node);
    if (request.filter === 'nonsense')
      throw new LabError('invalid', "can't parse filter expression");
    const { sources, snaplen = 262_144, format = 'pcapng', filter } = request;
    const id = `cap${this.next.capture++}`;
    const document: CaptureDocument = {
      id,
      sources,
      snaplen,
      format,
      state: 'running',
      startedNs: this.nowNs,
      packets: 0,
      bytes: 0,
      dropped: 0,
      ...(filter === undefined ? {} : { filter }),
    };
    this.captureTable.set(id, document);
    this.captured(id, FAKE_HEAD, 0);
    return document;
  }

  /** A piece of a capture with so many packets in it. */
  captured(id: string, bytes: Uint8Array, packets = 1): void {
    const document = this.captureTable.get(id);
    if (document === undefined) throw new Error(`no capture ${id}`);
    this.captureTable.set(id, {
      ...document,
      packets: document.packets + packets,
      bytes: document.bytes + bytes.length,
    });
    this.say({ type: 'capture', capture: id, data: bytes.slice(), droppedPackets: 0 });
  }

  async stopCapture(capture: string): Promise<CaptureDocument> {
    const document = this.captureTable.get(capture);
    if (document === undefined) throw new LabError('not-found', `no capture "${capture}"`);
    const stopped = { ...document, state: 'stopped', stoppedNs: this.nowNs } as const;
    this.captureTable.set(capture, stopped);
    this.say({ type: 'capture-end', capture: stopped });
    return stopped;
  }

  async captures(): Promise<readonly CaptureDocument[]> {
    return [...this.captureTable.values()];
  }

  async clock(): Promise<ClockDocument> {
    return { ...this.clockState, nowNs: this.nowNs, epochSec: 0, lagMs: 0 };
  }

  async setClock(patch: ClockPatch): Promise<ClockDocument> {
    this.clockState = { ...this.clockState, ...patch };
    return this.clock();
  }

  async step(byNs: number): Promise<ClockDocument> {
    if (this.clockState.mode !== 'paused')
      throw new LabError('conflict', 'the clock is not paused');
    this.nowNs += byNs;
    return this.clock();
  }

  async subscribe(request: EventSubscription): Promise<{ readonly subscription: string }> {
    if (request.filter === 'nonsense')
      throw new LabError('invalid', "can't parse filter expression");
    const subscription = `sub${this.next.subscription++}`;
    this.subscriptions.set(subscription, { request, unacknowledged: 0, lost: 0 });
    return { subscription };
  }

  async unsubscribe(subscription: string): Promise<void> {
    this.subscriptions.delete(subscription);
  }

  /** To every subscription that wants its kind and has room. */
  happen(event: LabEvent): void {
    for (const [subscription, state] of this.subscriptions) {
      if (!state.request.kinds.includes(event.kind)) continue;
      if (state.unacknowledged >= (state.request.windowEvents ?? 10_000)) {
        state.lost++;
        continue;
      }
      state.unacknowledged++;
      this.say({ type: 'events', subscription, events: [event], lost: state.lost });
      state.lost = 0;
    }
  }

  async attach(source: CaptureSource): Promise<{ readonly attachment: string }> {
    this.must(source.node);
    const attachment = `a${this.next.attachment++}`;
    this.record({ type: 'attach', attachment, source });
    return { attachment };
  }

  async detach(attachment: string): Promise<void> {
    this.record({ type: 'detach', attachment });
  }

  async sendFrame(attachment: string, frame: Uint8Array): Promise<void> {
    this.record({ type: 'frame', attachment, data: frame });
    this.sentFrames.push(frame);
    this.say({ type: 'frame', attachment, data: frame, lost: 0 });
  }

  ack(stream: string, amount: number): void {
    this.acks.push([stream, amount]);
    const subscription = this.subscriptions.get(stream);
    if (subscription !== undefined) subscription.unacknowledged -= amount;
  }

  onMessage(listener: (message: LabMessage) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  private run(process: string, command: string): void {
    const [name = '', rest = ''] = /^(\S*) ?(.*)$/.exec(command)?.slice(1) ?? [];
    if (command === '' || name === 'cat' || name === 'hang') return;
    if (name === 'die') {
      this.say({ type: 'failed', message: 'the lab died as it was asked to' });
      return;
    }
    if (name === 'echo') this.output(process, new TextEncoder().encode(`${rest}\n`));
    if (name === 'flood') this.output(process, new Uint8Array(Number(rest)).fill(120));
    if (name === 'remember') this.memory = rest;
    if (name === 'recall') this.output(process, new TextEncoder().encode(this.memory));
    this.exit(process, name === 'false' ? 1 : 0);
  }

  /** Drops what the process's window does not let through, as a lab does. */
  private output(process: string, data: Uint8Array): void {
    const found = this.processes.get(process);
    if (
      found === undefined ||
      found.unacknowledged + data.length > (found.request.windowBytes ?? 2 ** 20)
    )
      return;
    found.unacknowledged += data.length;
    this.say({ type: 'output', process, stream: 'stdout', data, lostBytes: 0 });
  }

  private exit(process: string, exitCode: number): void {
    this.processes.delete(process);
    this.nowNs += 1000;
    this.say({ type: 'exit', process, exitCode, virtualTimeNs: this.nowNs });
  }

  private record(input: LabInput): void {
    const entry = { sequence: this.journal.length + 1, timeNs: this.nowNs, input };
    this.journal.push(entry);
    this.say({ type: 'journal', entry });
  }

  private async repeat(input: LabInput): Promise<unknown> {
    switch (input.type) {
      case 'start':
        return this.start(input.request);
      case 'add-node':
        return this.addNode(input.node, input.files);
      case 'remove-node':
        return this.removeNode(input.node);
      case 'add-link':
        return this.addLink(input.link);
      case 'remove-link':
        return this.removeLink(input.link);
      case 'patch-link':
        return this.patchLink(input.link, input.patch);
      case 'write-file':
        return this.writeFile(input.node, input.path, input.data, input.mode);
      default:
        return undefined;
    }
  }

  private makeLink(link: TopologyLink): LinkDocument {
    const id = `l${this.next.link++}`;
    const end = (side: TopologyLink['a']) => ({
      node: side.node,
      interface: side.interface,
      mac: '02:00:00:00:00:01',
    });
    const made = {
      id,
      endpoints: [end(link.a), end(link.z)],
      mtu: link.mtu,
      up: true,
      netem: link.netem,
    } as const;
    this.linkTable.set(id, made);
    return made;
  }

  private must(node: string): TopologyNode {
    const found = this.nodes.find(({ name }) => name === node);
    if (found === undefined) throw new LabError('not-found', `there is no node "${node}"`);
    return found;
  }

  private summary(node: TopologyNode): NodeSummary {
    const interfaces = [...this.linkTable.values()]
      .flatMap(({ endpoints }) => endpoints)
      .filter((end) => end.node === node.name)
      .map((end) => end.interface);
    return {
      name: node.name,
      kind: node.kind,
      cpus: node.cpus,
      labels: node.labels,
      interfaces,
      addresses: [],
    };
  }
}

/** Gives out fakes in this thread, and remembers them for the spec. */
export class FakeFactory implements RunnerFactory {
  readonly labs: FakeLab[] = [];

  open(): OwnedRunner {
    const lab = new FakeLab();
    this.labs.push(lab);
    return { runner: lab, fail: () => undefined, terminate: () => Promise.resolve() };
  }

  get last(): FakeLab {
    const lab = this.labs.at(-1);
    if (lab === undefined) throw new Error('no lab has been made');
    return lab;
  }
}
