/**
 * A lab: hosts joined by wires as a topology says, and everything that can be done to them from outside.
 *
 * local-runner.ts, emulator-backend.ts → this → NodeTable, LinkTable, Capture, EventHub. Every change from outside is a
 * {@link LabInput} applied at one instant of virtual time by {@link Lab.apply}, live and in a replay alike; nothing here
 * awaits, reads a clock or knows who asked. The same topology, seed and inputs give the same bytes everywhere.
 */
import { formatMac, type RandomStream } from '@netloom/base';
import type { Engine } from '@netloom/engine';
import type { Tracepoints } from '@netloom/kernel-core';
import { Capture, type CaptureSettings, type CaptureWorld } from './capture.js';
import { EPOCH_SEC } from './epoch.js';
import { EventHub } from './event-hub.js';
import type { Hardware } from './hardware.js';
import { LinkTable } from './lab-links.js';
import { NodeTable, type LabNode } from './lab-nodes.js';
import { LabObserver } from './lab-observer.js';
import { addressTexts, namespaceDetails, processList } from './node-detail.js';
import { readNodeFile, writeNodeFile } from './node-files.js';
import { compilePacketFilter, packetPredicate } from './packets.js';
import {
  LabError,
  type BindFile,
  type DeployResult,
  type EventSubscription,
  type LabEvent,
  type LabInput,
  type LabMessage,
  type LabState,
  type LabStatistics,
  type LinkDocument,
  type LinkPatch,
  type NodeDetail,
  type NodeSummary,
  type StartRequest,
  type Topology,
  type TopologyLink,
  type TopologyNode,
} from './port.js';
import { NodeProcess } from './processes.js';
import { topologyDocument } from './topology.js';
import { VERSION } from './version.js';

/** The process name of a topology's own commands in events. */
const DEPLOY_PROCESS = 'deploy';

export interface LabOptions {
  readonly engine: Engine;
  readonly hardware: Hardware;
  readonly trace: Tracepoints;
  readonly topology: Topology;
  readonly files?: readonly BindFile[];
  readonly warnings?: readonly string[];
  /** What the lab says of its own accord (output, ends, events, frames; not the journal). */
  readonly say: (message: LabMessage) => void;
}

export class Lab {
  readonly engine: Engine;
  readonly name: string;
  readonly deployResults: DeployResult[] = [];
  readonly events: EventHub;
  state: LabState = 'starting';
  private readonly hardware: Hardware;
  private readonly say: (message: LabMessage) => void;
  private readonly nodes: NodeTable;
  private readonly links: LinkTable;
  private readonly observer: LabObserver;
  private readonly processes = new Map<string, NodeProcess>();
  private readonly captures = new Map<string, Capture>();
  private readonly macs: RandomStream;
  private readonly usedMacs = new Set<string>();

  /** Builds every host and wire at once; commands run in {@link deploy}. */
  constructor(options: LabOptions) {
    const { engine, hardware, topology, files = [] } = options;
    this.engine = engine;
    this.hardware = hardware;
    this.say = options.say;
    this.name = topology.name;
    this.macs = engine.stream('macs');
    const newMac = (): Uint8Array => this.newMac();
    this.events = new EventHub(this.say, () => this.observer.listen());
    this.nodes = new NodeTable(engine, hardware, newMac, {
      started: (node, command) => this.commandEvent('started', node, DEPLOY_PROCESS, command),
      ended: (result) => {
        this.deployResults.push(result);
        this.commandEvent('ended', result.node, DEPLOY_PROCESS, result.command, result.exitCode);
      },
    });
    this.nodes.warnings.push(...(options.warnings ?? []));
    this.links = new LinkTable(hardware, this.nodes, newMac);
    this.observer = new LabObserver(options.trace, this.nodes, this.links, this.events);
    const late = topology.nodes.map((spec) => {
      const node = this.nodes.make(
        spec,
        files.filter((file) => file.node === spec.name),
      );
      return { node, left: this.nodes.setSysctls(node) };
    });
    for (const spec of topology.links) this.links.make(spec);
    for (const { node, left } of late) this.nodes.setLateSysctls(node, left);
  }

  /** A locally administered address of containerlab's prefix, from the seed. */
  private newMac(): Uint8Array {
    for (;;) {
      const n = this.macs.u32();
      const mac = Uint8Array.of(0xaa, 0xc1, 0xab, (n >>> 16) & 255, (n >>> 8) & 255, n & 255);
      const text = formatMac(mac);
      if (this.usedMacs.has(text)) continue;
      this.usedMacs.add(text);
      return mac;
    }
  }

  /** Starts the topology's commands: each node's lines in order, node after node; `done` when the last has ended. */
  deploy(done: () => void): void {
    const nodes = this.nodes.all();
    const next = (i: number): void => {
      const node = nodes[i];
      if (node !== undefined) {
        this.nodes.runLines(node, node.spec.exec, false, () => next(i + 1));
        return;
      }
      this.setState('running');
      done();
      this.engine.wake();
    };
    next(0);
  }

  // --- inputs ------------------------------------------------------------------------------

  /** Applies one input now. Refuses with LabError, and has then changed nothing. */
  apply(input: LabInput): void {
    switch (input.type) {
      case 'start':
        return this.startProcess(input.process, input.request);
      case 'stdin':
        return this.processes.get(input.process)?.write(input.data);
      case 'stdin-end':
        return this.processes.get(input.process)?.end();
      case 'signal':
        return this.processes.get(input.process)?.signal(input.signal);
      case 'resize':
        return this.processes.get(input.process)?.resize(input.rows, input.cols);
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
        return writeNodeFile(this.tasks(input.node), input.path, input.data, input.mode);
      case 'attach':
        return this.links.attach(input.attachment, input.source, (data) =>
          this.say({ type: 'frame', attachment: input.attachment, data, lost: 0 }),
        );
      case 'detach':
        return this.links.detach(input.attachment);
      case 'frame':
        return this.links.sendFrame(input.attachment, input.data);
    }
  }

  private startProcess(id: string, request: StartRequest & { readonly input?: Uint8Array }): void {
    const node = this.nodes.get(request.node);
    const command = request.command ?? '';
    const process = new NodeProcess(node.machine.tasks, request, {
      env: node.spec.env,
      onOutput: (stream, data) =>
        this.say({ type: 'output', process: id, stream, data, lostBytes: 0 }),
      onExit: (exitCode) => {
        this.processes.delete(id);
        this.say({ type: 'exit', process: id, exitCode, virtualTimeNs: this.engine.now });
        this.commandEvent('ended', request.node, id, command, exitCode);
      },
    });
    this.processes.set(id, process);
    this.commandEvent('started', request.node, id, command);
  }

  private addNode(spec: TopologyNode, files: readonly BindFile[]): void {
    if (this.nodes.find(spec.name) !== undefined) {
      throw new LabError('conflict', `there is already a node "${spec.name}"`);
    }
    const node = this.nodes.make(spec, files);
    this.nodes.setLateSysctls(node, this.nodes.setSysctls(node));
    this.publish({ kind: 'node', timeNs: this.engine.now, action: 'added', node: spec.name });
    this.nodes.runLines(node, spec.exec, true, () => undefined);
  }

  private removeNode(name: string): void {
    this.nodes.get(name);
    for (const { id, spec } of this.links.all()) {
      if (spec.a.node === name || spec.z.node === name) this.removeLink(id);
    }
    for (const capture of this.captures.values()) {
      if (capture.document().sources.some((source) => source.node === name)) capture.stop();
    }
    this.nodes.remove(name);
    this.publish({ kind: 'node', timeNs: this.engine.now, action: 'removed', node: name });
  }

  private addLink(spec: TopologyLink): void {
    const { id } = this.links.make(spec);
    this.observer.listen();
    this.linkEvent('added', id);
    for (const name of new Set([spec.a.node, spec.z.node])) this.nodes.retry(this.nodes.get(name));
  }

  private removeLink(id: string): void {
    for (const attachment of this.links.remove(id))
      this.say({ type: 'attachment-end', attachment });
    this.linkEvent('removed', id);
  }

  private patchLink(id: string, patch: LinkPatch): void {
    if (this.links.patch(id, patch)) this.linkEvent(patch.up === true ? 'up' : 'down', id);
    if (patch.netem !== undefined) this.linkEvent('changed', id);
  }

  // --- questions ---------------------------------------------------------------------------

  get warnings(): readonly string[] {
    return this.nodes.warnings;
  }

  get fingerprint(): string {
    return this.engine.fingerprint.text;
  }

  readFile(node: string, path: string): Uint8Array {
    return readNodeFile(this.tasks(node), path);
  }

  nodeSummaries(): NodeSummary[] {
    return this.nodes.all().map((node) => this.nodes.summary(node));
  }

  nodeSummary(name: string): NodeSummary {
    return this.nodes.summary(this.nodes.get(name));
  }

  nodeDetail(name: string): NodeDetail {
    const node = this.nodes.get(name);
    const { tasks } = node.machine;
    const [own, ...named] = namespaceDetails(tasks);
    const interfaces = own?.interfaces.map((entry) => {
      const link = this.links.find({ node: name, interface: entry.name })?.link.id;
      return link === undefined ? entry : { ...entry, link };
    });
    return {
      ...this.nodes.summary(node),
      processes: processList(tasks),
      namespaces: own === undefined ? named : [{ ...own, interfaces: interfaces ?? [] }, ...named],
    };
  }

  linkDocuments(): LinkDocument[] {
    return this.links.all().map((link) => this.links.describe(link));
  }

  /** One link; the one that was made last where no id is given. */
  linkDocument(id = this.links.newest): LinkDocument {
    return this.links.describe(this.links.get(id));
  }

  /** The topology as it is now. */
  topology(): Topology {
    const { name } = this;
    const nodes = this.nodes.all().map((node) => node.spec);
    const links = this.links.specs();
    return { name, nodes, links, document: topologyDocument({ name, nodes, links }) };
  }

  statistics(): LabStatistics {
    const drops: Record<string, number> = {};
    let processes = 0;
    for (const { machine } of this.nodes.all()) {
      for (const [reason, count] of Object.entries(machine.kernel.dropCounts())) {
        drops[reason] = (drops[reason] ?? 0) + count;
      }
      processes += machine.tasks.allTasks().length - 1; // the first one is not anybody's command
    }
    return {
      virtualTimeNs: this.engine.now,
      events: this.engine.events,
      frames: this.hardware.frames,
      drops,
      processes,
      captures: this.allCaptures().filter((capture) => capture.running).length,
      packetMemory: this.hardware.packetMemory,
    };
  }

  private tasks(node: string): LabNode['machine']['tasks'] {
    return this.nodes.get(node).machine.tasks;
  }

  // --- captures and events -----------------------------------------------------------------

  /** Observers change nothing, so captures are no inputs. */
  startCapture(settings: CaptureSettings, sink: (chunk: Uint8Array) => void): Capture {
    for (const source of settings.sources) this.nodes.get(source.node);
    const capture = new Capture(this.captureWorld(), settings, sink);
    this.captures.set(settings.id, capture);
    return capture;
  }

  capture(id: string): Capture {
    const capture = this.captures.get(id);
    if (capture === undefined) throw new LabError('not-found', `no capture "${id}"`);
    return capture;
  }

  allCaptures(): Capture[] {
    return [...this.captures.values()];
  }

  private captureWorld(): CaptureWorld {
    const net = (node: string): LabNode['machine']['kernel']['initNet'] | undefined =>
      this.nodes.find(node)?.machine.kernel.initNet;
    return {
      labName: this.name,
      seed: this.engine.seed,
      epochSec: EPOCH_SEC,
      version: VERSION,
      now: () => this.engine.now,
      device: ({ node, interface: name }) => net(node)?.devByName(name),
      net,
      facts: (source) => {
        const dev = net(source.node)?.devByName(source.interface);
        const found = this.links.find(source);
        const speedBits = found?.link.netem[found.side].rateBits;
        return {
          addresses: addressTexts(this.tasks(source.node), source.interface),
          ...(dev?.address.length !== 6 ? {} : { mac: dev.address.slice(0, 6) }),
          ...(speedBits === undefined ? {} : { speedBits }),
        };
      },
      names: () =>
        this.nodes.all().map(({ spec, machine }) => ({
          host: spec.name,
          addresses: addressTexts(machine.tasks).map((text) => text.slice(0, text.indexOf('/'))),
        })),
      compile: compilePacketFilter,
    };
  }

  subscribe(id: string, wanted: EventSubscription): void {
    const matches = wanted.filter === undefined ? undefined : packetPredicate(wanted.filter);
    this.events.subscribe(id, wanted, matches);
  }

  private publish(event: LabEvent): void {
    this.events.publish(event);
  }

  private commandEvent(
    action: 'started' | 'ended',
    node: string,
    process: string,
    command: string,
    exitCode?: number,
  ): void {
    const ended = exitCode === undefined ? {} : { exitCode };
    this.publish({
      kind: 'command',
      timeNs: this.engine.now,
      action,
      node,
      process,
      command,
      ...ended,
    });
  }

  private linkEvent(action: (LabEvent & { kind: 'link' })['action'], link: string): void {
    this.publish({ kind: 'link', timeNs: this.engine.now, action, link });
  }

  setState(state: LabState, failure?: string): void {
    this.state = state;
    const why = failure === undefined ? {} : { failure };
    this.publish({ kind: 'lab', timeNs: this.engine.now, state, ...why });
  }

  /** Ends captures, processes and hosts. */
  destroy(): void {
    for (const capture of this.captures.values()) capture.stop();
    for (const { machine } of this.nodes.all()) machine.shutdown();
    this.setState('destroyed');
  }
}
