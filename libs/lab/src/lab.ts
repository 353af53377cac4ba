/**
 * A lab: hosts joined by wires as a topology says, and everything that can be done to them from outside.
 *
 * local-runner.ts, emulator-backend.ts → this → Hardware, TaskHost. Every change from outside is a {@link LabInput}
 * applied at one instant of virtual time by {@link Lab.apply}, live and in a replay alike; nothing here awaits, reads a
 * clock or knows who asked. The same topology, seed and inputs give the same bytes everywhere.
 */
import {
  formatMac,
  KernelError,
  parseIpv4,
  parseIpv6,
  parseMac,
  type RandomStream,
} from '@netloom/base';
import type { Engine } from '@netloom/engine';
import {
  dropReasonName,
  type Kernel,
  type NetDevice,
  type SkBuff,
  type Sock,
  type Tracepoints,
} from '@netloom/kernel-core';
import { AF_INET, AF_INET6, Iff } from '@netloom/sys';
import { Capture, type CaptureSettings, type CaptureWorld } from './capture.js';
import { EPOCH_SEC } from './epoch.js';
import { EventHub, type EventPacket } from './event-hub.js';
import type { Hardware, LabNic, LabWire, Machine, WireAttachment } from './hardware.js';
import {
  addressTexts,
  interfaceNames,
  namespaceDetails,
  processList,
  rootSys,
} from './node-detail.js';
import { readNodeFile, writeNodeFile, writeSysctl } from './node-files.js';
import {
  compilePacketFilter,
  describePacket,
  packetPredicate,
  socketEnds,
  tcpStateName,
} from './packets.js';
import { NodeProcess } from './processes.js';
import {
  LabError,
  type BindFile,
  type CaptureSource,
  type DeployResult,
  type EventSubscription,
  type Impairment,
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
  type TopologyEndpoint,
  type TopologyLink,
  type TopologyNode,
} from './port.js';
import { BRIDGE_DEVICE, topologyDocument } from './topology.js';
import { VERSION } from './version.js';

/** Virtual time after which a line of a topology's `exec` is given up. */
const DEPLOY_TIMEOUT_NS = 60e9;
/** Bytes kept of what such a line prints. */
const DEPLOY_OUTPUT_BYTES = 64 * 1024;

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

interface LabNode {
  readonly spec: TopologyNode;
  readonly machine: Machine;
  /** Lines of `exec` that failed before the node had the link that they speak of. */
  retry: string[];
}

interface LabLink {
  readonly id: string;
  readonly spec: TopologyLink;
  readonly a: LabNic;
  readonly z: LabNic;
  readonly wire: LabWire;
  up: boolean;
  netem: { a: Impairment; z: Impairment };
}

interface Attached {
  readonly source: CaptureSource;
  readonly link: LabLink;
  readonly wire: WireAttachment;
}

export class Lab {
  readonly engine: Engine;
  readonly name: string;
  readonly warnings: string[];
  readonly deployResults: DeployResult[] = [];
  readonly events: EventHub;
  state: LabState = 'starting';
  private readonly hardware: Hardware;
  private readonly trace: Tracepoints;
  private readonly say: (message: LabMessage) => void;
  private readonly nodes = new Map<string, LabNode>();
  private readonly links = new Map<string, LabLink>();
  private readonly processes = new Map<string, NodeProcess>();
  private readonly captures = new Map<string, Capture>();
  private readonly attachments = new Map<string, Attached>();
  private readonly macs: RandomStream;
  private readonly usedMacs = new Set<string>();
  private linkCount = 0;
  private nodeCount = 0;
  private readonly byKernel = new Map<Kernel, LabNode>();
  private deployed = false;

  /** Builds every host and wire at once; commands run in {@link deploy}. */
  constructor(private readonly options: LabOptions) {
    this.engine = options.engine;
    this.hardware = options.hardware;
    this.trace = options.trace;
    this.say = options.say;
    this.name = options.topology.name;
    this.warnings = [...(options.warnings ?? [])];
    this.macs = this.engine.stream('macs');
    this.events = new EventHub(this.say, () => this.listen());
    const late: [LabNode, string, string][] = [];
    for (const spec of options.topology.nodes) {
      const node = this.makeNode(
        spec,
        (options.files ?? []).filter((file) => file.node === spec.name),
      );
      for (const [key, value] of Object.entries(spec.sysctls)) {
        if (!writeSysctl(node.machine.tasks, key, value)) late.push([node, key, value]);
      }
    }
    for (const spec of options.topology.links) this.makeLink(spec);
    for (const [node, key, value] of late) this.setSysctl(node, key, value);
  }

  // --- deployment ----------------------------------------------------------------------------------------------------

  /** Starts the topology's commands: each node's lines in order, node after node; `done` when the last has ended. */
  deploy(done: () => void): void {
    const nodes = [...this.nodes.values()];
    const next = (i: number): void => {
      const node = nodes[i];
      if (node !== undefined) {
        this.runLines(node, node.spec.exec, () => next(i + 1));
        return;
      }
      this.deployed = true;
      this.setState('running');
      done();
      this.engine.wake();
    };
    next(0);
  }

  private runLines(node: LabNode, lines: readonly string[], done: () => void): void {
    const [command, ...rest] = lines;
    if (command === undefined || this.nodes.get(node.spec.name) !== node) {
      done();
      return;
    }
    const output = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
    let kept = 0;
    const process = new NodeProcess(
      node.machine.tasks,
      { node: node.spec.name, command, timeoutNs: DEPLOY_TIMEOUT_NS },
      {
        env: node.spec.env,
        onOutput: (stream, data) => {
          if (kept < DEPLOY_OUTPUT_BYTES) output[stream].push(data.slice());
          kept += data.length;
        },
        onExit: (exitCode) => {
          const text = (chunks: readonly Uint8Array[]): string =>
            chunks.map((c) => new TextDecoder().decode(c)).join('');
          const result = {
            node: node.spec.name,
            command,
            exitCode,
            stdout: text(output.stdout),
            stderr: text(output.stderr),
          };
          this.deployResults.push(result);
          if (exitCode !== 0) {
            const said = (result.stderr + result.stdout).trim();
            this.warnings.push(
              `${result.node}: ${command}: exit code ${exitCode}${said === '' ? '' : `: ${said}`}`,
            );
            if (this.deployed) node.retry.push(command);
          }
          this.commandEvent('ended', node.spec.name, 'deploy', command, exitCode);
          this.runLines(node, rest, done);
        },
      },
    );
    this.commandEvent('started', node.spec.name, 'deploy', process.request.command ?? '');
  }

  private setSysctl(node: LabNode, key: string, value: string): void {
    if (!writeSysctl(node.machine.tasks, key, value))
      this.warnings.push(`${node.spec.name}: no sysctl ${key}, or not ${value}`);
  }

  private makeNode(spec: TopologyNode, files: readonly BindFile[]): LabNode {
    const machine = this.hardware.machine({
      name: spec.name,
      index: this.nodeCount++,
      kind: spec.kind,
      cpus: spec.cpus,
    });
    const node: LabNode = { spec, machine, retry: [] };
    this.nodes.set(spec.name, node);
    this.byKernel.set(machine.kernel, node);
    for (const file of files) writeNodeFile(machine.tasks, file.path, file.data, file.mode);
    const sys = rootSys(machine.tasks);
    sys.rtnl('RTM_SETLINK', { ifname: 'lo', flags: Iff.IFF_UP, flagsMask: Iff.IFF_UP });
    if (spec.kind === 'bridge')
      sys.rtnl('RTM_NEWLINK', {
        ifname: BRIDGE_DEVICE,
        kind: 'bridge',
        up: true,
        address: this.newMac(),
      });
    return node;
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

  private makeLink(spec: TopologyLink): LabLink {
    const id = `l${++this.linkCount}`;
    const ends = [spec.a, spec.z].map((end) => {
      const node = this.node(end.node);
      if (node.machine.kernel.initNet.devByName(end.interface) !== undefined) {
        throw new LabError(
          'conflict',
          `node "${end.node}" already has an interface "${end.interface}"`,
        );
      }
      const mac = end.mac === undefined ? this.newMac() : parseMac(end.mac);
      return { end, node, mac: mac ?? this.newMac() };
    });
    const [a, z] = ends.map(({ end, node, mac }) =>
      node.machine.addNic(end.interface, { mac, mtu: spec.mtu }),
    );
    if (a === undefined || z === undefined) throw new LabError('failed', 'a link has two ends');
    const wire = this.hardware.wire(id, a, z);
    const link: LabLink = { id, spec, a, z, wire, up: true, netem: { ...spec.netem } };
    wire.setImpairment('a', spec.netem.a);
    wire.setImpairment('z', spec.netem.z);
    this.links.set(id, link);
    for (const { end, node } of ends) this.bringUp(node, end);
    this.listen();
    return link;
  }

  private bringUp(node: LabNode, end: TopologyEndpoint): void {
    const sys = rootSys(node.machine.tasks);
    const ifname = end.interface;
    sys.rtnl('RTM_SETLINK', { ifname, flags: Iff.IFF_UP, flagsMask: Iff.IFF_UP });
    if (node.spec.kind === 'bridge') {
      const [bridge] = sys.rtnl('RTM_GETLINK', { ifname: BRIDGE_DEVICE });
      if (bridge !== undefined) sys.rtnl('RTM_SETLINK', { ifname, master: bridge.ifindex });
    }
    const [link] = sys.rtnl('RTM_GETLINK', { ifname });
    for (const text of [end.ipv4, end.ipv6]) {
      if (text === undefined || link === undefined) continue;
      const [host = '', length = '0'] = text.split('/');
      const local = parseIpv4(host) ?? parseIpv6(host);
      if (local === undefined) continue;
      const family = typeof local === 'number' ? AF_INET : AF_INET6;
      try {
        sys.rtnl('RTM_NEWADDR', {
          family,
          ifindex: link.ifindex,
          prefixlen: Number(length),
          local,
        });
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        this.warnings.push(`${end.node}: ${text} on ${ifname}: ${error.message}`);
      }
    }
  }

  // --- inputs --------------------------------------------------------------------------------------------------------

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
        return writeNodeFile(
          this.node(input.node).machine.tasks,
          input.path,
          input.data,
          input.mode,
        );
      case 'attach':
        return this.attach(input.attachment, input.source);
      case 'detach':
        return this.detach(input.attachment);
      case 'frame':
        this.attachments.get(input.attachment)?.wire.send(input.data);
    }
  }

  private startProcess(id: string, request: StartRequest & { readonly input?: Uint8Array }): void {
    const node = this.node(request.node);
    const process = new NodeProcess(node.machine.tasks, request, {
      env: node.spec.env,
      onOutput: (stream, data) =>
        this.say({ type: 'output', process: id, stream, data, lostBytes: 0 }),
      onExit: (exitCode) => {
        this.processes.delete(id);
        this.say({ type: 'exit', process: id, exitCode, virtualTimeNs: this.engine.now });
        this.commandEvent('ended', request.node, id, request.command ?? '', exitCode);
      },
    });
    this.processes.set(id, process);
    this.commandEvent('started', request.node, id, request.command ?? '');
  }

  private addNode(spec: TopologyNode, files: readonly BindFile[]): void {
    if (this.nodes.has(spec.name))
      throw new LabError('conflict', `there is already a node "${spec.name}"`);
    const node = this.makeNode(spec, files);
    for (const [key, value] of Object.entries(spec.sysctls)) this.setSysctl(node, key, value);
    this.events.publish({
      kind: 'node',
      timeNs: this.engine.now,
      action: 'added',
      node: spec.name,
    });
    this.runLines(node, spec.exec, () => undefined);
  }

  private removeNode(name: string): void {
    const node = this.node(name);
    for (const link of [...this.links.values()]) {
      if (link.spec.a.node === name || link.spec.z.node === name) this.removeLink(link.id);
    }
    for (const capture of this.captures.values()) {
      if (capture.running && capture.document().sources.some((source) => source.node === name))
        capture.stop();
    }
    node.machine.shutdown();
    this.nodes.delete(name);
    this.byKernel.delete(node.machine.kernel);
    this.events.publish({ kind: 'node', timeNs: this.engine.now, action: 'removed', node: name });
  }

  private addLink(spec: TopologyLink): void {
    for (const end of [spec.a, spec.z]) this.node(end.node);
    const link = this.makeLink(spec);
    this.linkEvent('added', link.id);
    for (const name of new Set([spec.a.node, spec.z.node])) {
      const node = this.node(name);
      const lines = node.retry;
      node.retry = [];
      this.runLines(node, lines, () => undefined);
    }
  }

  private removeLink(id: string): void {
    const link = this.link(id);
    for (const [attachment, { link: attachedTo }] of [...this.attachments]) {
      if (attachedTo !== link) continue;
      this.detach(attachment);
      this.say({ type: 'attachment-end', attachment });
    }
    link.wire.remove();
    this.nodes.get(link.spec.a.node)?.machine.removeNic(link.a);
    this.nodes.get(link.spec.z.node)?.machine.removeNic(link.z);
    this.links.delete(id);
    this.linkEvent('removed', id);
  }

  private patchLink(id: string, patch: LinkPatch): void {
    const link = this.link(id);
    if (patch.up !== undefined && patch.up !== link.up) {
      link.up = patch.up;
      link.wire.setUp(patch.up);
      this.linkEvent(patch.up ? 'up' : 'down', id);
    }
    for (const side of ['a', 'z'] as const) {
      const value = patch.netem?.[side];
      if (value === undefined) continue;
      link.netem[side] = value;
      link.wire.setImpairment(side, value);
    }
    if (patch.netem !== undefined) this.linkEvent('changed', id);
  }

  private attach(id: string, source: CaptureSource): void {
    const found = this.linkOf(source);
    if (found === undefined) {
      this.node(source.node);
      throw new LabError(
        'not-found',
        `node "${source.node}" has no link at an interface "${source.interface}"`,
      );
    }
    const { link, side } = found;
    const wire = link.wire.attach(side, (data) =>
      this.say({ type: 'frame', attachment: id, data, lost: 0 }),
    );
    this.attachments.set(id, { source, link, wire });
  }

  private detach(id: string): void {
    this.attachments.get(id)?.wire.detach();
    this.attachments.delete(id);
  }

  /** The link whose end is this interface, by the name that the interface has now. */
  private linkOf(
    source: CaptureSource,
  ): { readonly link: LabLink; readonly side: 'a' | 'z' } | undefined {
    for (const link of this.links.values()) {
      for (const side of ['a', 'z'] as const) {
        if (link.spec[side].node === source.node && link[side].dev.name === source.interface)
          return { link, side };
      }
    }
    return undefined;
  }

  // --- questions -----------------------------------------------------------------------------------------------------

  hasNode(name: string): boolean {
    return this.nodes.has(name);
  }

  readFile(node: string, path: string): Uint8Array {
    return readNodeFile(this.node(node).machine.tasks, path);
  }

  nodeSummaries(): NodeSummary[] {
    return [...this.nodes.values()].map((node) => this.summary(node));
  }

  nodeSummary(name: string): NodeSummary {
    return this.summary(this.node(name));
  }

  nodeDetail(name: string): NodeDetail {
    const node = this.node(name);
    const { tasks } = node.machine;
    const namespaces = namespaceDetails(tasks).map((namespace, i) => ({
      ...namespace,
      interfaces: namespace.interfaces.map((entry) => {
        const link =
          i === 0 ? this.linkOf({ node: name, interface: entry.name })?.link.id : undefined;
        return link === undefined ? entry : { ...entry, link };
      }),
    }));
    return { ...this.summary(node), processes: processList(tasks), namespaces };
  }

  private summary({ spec, machine }: LabNode): NodeSummary {
    const { name, kind, cpus, labels, group } = spec;
    return {
      name,
      kind,
      cpus,
      labels,
      interfaces: interfaceNames(machine.tasks),
      addresses: addressTexts(machine.tasks),
      ...(group === undefined ? {} : { group }),
    };
  }

  linkDocuments(): LinkDocument[] {
    return [...this.links.values()].map((link) => this.describeLink(link));
  }

  linkDocument(id: string): LinkDocument {
    return this.describeLink(this.link(id));
  }

  /** The link that was made last. */
  get newestLink(): string {
    return `l${this.linkCount}`;
  }

  private describeLink({ id, spec, a, z, up, netem }: LabLink): LinkDocument {
    const end = (side: TopologyEndpoint, nic: LabNic): LinkDocument['endpoints'][number] => ({
      node: side.node,
      interface: nic.dev.name,
      mac: formatMac(nic.dev.address),
    });
    return {
      id,
      endpoints: [end(spec.a, a), end(spec.z, z)],
      mtu: spec.mtu,
      up,
      netem: { a: netem.a, z: netem.z },
    };
  }

  /** The topology as it is now. */
  topology(): Topology {
    const nodes = [...this.nodes.values()].map((node) => node.spec);
    const links = [...this.links.values()].map((link) => ({
      ...link.spec,
      netem: { a: link.netem.a, z: link.netem.z },
    }));
    return {
      name: this.name,
      nodes,
      links,
      document: topologyDocument({ name: this.name, nodes, links }),
    };
  }

  statistics(): LabStatistics {
    const drops: Record<string, number> = {};
    let processes = 0;
    for (const { machine } of this.nodes.values()) {
      for (const [reason, count] of Object.entries(machine.kernel.dropCounts()))
        drops[reason] = (drops[reason] ?? 0) + count;
      processes += machine.tasks.allTasks().length - 1; // the first one is not anybody's command
    }
    return {
      virtualTimeNs: this.engine.now,
      events: this.engine.events,
      frames: this.hardware.frames,
      drops,
      processes,
      captures: [...this.captures.values()].filter((capture) => capture.running).length,
      packetMemory: this.hardware.packetMemory,
    };
  }

  get fingerprint(): string {
    return this.engine.fingerprint.text;
  }

  // --- captures and events ---------------------------------------------------------------------------------------------

  /** Observers change nothing, so captures are no inputs. */
  startCapture(settings: CaptureSettings, sink: (chunk: Uint8Array) => void): Capture {
    for (const source of settings.sources) this.node(source.node);
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
    return {
      labName: this.name,
      seed: this.engine.seed,
      epochSec: EPOCH_SEC,
      version: VERSION,
      now: () => this.engine.now,
      device: ({ node, interface: name }) =>
        this.nodes.get(node)?.machine.kernel.initNet.devByName(name),
      tapAll: (node, tap) => this.nodes.get(node)?.machine.kernel.initNet.addTap(tap),
      facts: (source) => {
        const { machine } = this.node(source.node);
        const dev = machine.kernel.initNet.devByName(source.interface);
        const found = this.linkOf(source);
        const speedBits = found?.link.netem[found.side].rateBits;
        return {
          addresses: addressTexts(machine.tasks, source.interface),
          ...(dev === undefined ? {} : { mac: dev.address.slice(0, 6) }),
          ...(speedBits === undefined ? {} : { speedBits }),
        };
      },
      names: () =>
        [...this.nodes.values()].map(({ spec, machine }) => ({
          host: spec.name,
          addresses: addressTexts(machine.tasks).map((text) => text.slice(0, text.indexOf('/'))),
        })),
      compile: compilePacketFilter,
    };
  }

  subscribe(id: string, wanted: EventSubscription): void {
    this.events.subscribe(
      id,
      wanted,
      wanted.filter === undefined ? undefined : packetPredicate(wanted.filter),
    );
  }

  /** Hangs listeners on tracepoints and wires where somebody wants to know, and takes them off where nobody does. */
  private listen(): void {
    const { trace, events } = this;
    trace.kfreeSkb = events.wants('drop')
      ? (kernel, skb, reason) => this.dropped(kernel, skb, reason)
      : null;
    trace.inetSockSetState = events.wants('tcp-state')
      ? (sk, from, to) => this.tcpState(sk, from, to)
      : null;
    const crossing = events.wants('crossing');
    for (const link of this.links.values()) {
      link.wire.watch(
        crossing ? (action, from, skb) => this.crossed(link, action, from, skb) : undefined,
      );
    }
  }

  private dropped(kernel: Kernel, skb: SkBuff, reason: number): void {
    const node = this.byKernel.get(kernel);
    if (node === undefined) return;
    const packet = describePacket(skb);
    const interfaceName = (skb.dev as NetDevice | null)?.name;
    const event: LabEvent = {
      kind: 'drop',
      timeNs: this.engine.now,
      node: node.spec.name,
      reason: dropReasonName(reason),
      packetId: skb.packetId,
      lengthBytes: skb.len,
      summary: packet.summary(),
      ...(interfaceName === undefined ? {} : { interface: interfaceName }),
    };
    this.events.publish(event, () => packet.bytes());
  }

  private crossed(
    link: LabLink,
    what: (LabEvent & { kind: 'crossing' })['what'],
    from: 'a' | 'z',
    skb: SkBuff,
  ): void {
    const end = (side: 'a' | 'z'): CaptureSource => ({
      node: link.spec[side].node,
      interface: link[side].dev.name,
    });
    const packet = describePacket(skb, true);
    this.events.publish(
      {
        kind: 'crossing',
        timeNs: this.engine.now,
        link: link.id,
        from: end(from),
        to: end(from === 'a' ? 'z' : 'a'),
        what,
        packetId: skb.packetId,
        lengthBytes: skb.len,
        summary: packet.summary(),
      },
      (): EventPacket => packet.bytes(),
    );
  }

  private tcpState(sk: Sock, from: number, to: number): void {
    const node = this.byKernel.get(sk.net.kernel);
    if (node === undefined) return;
    const { local, remote } = socketEnds(sk);
    this.events.publish({
      kind: 'tcp-state',
      timeNs: this.engine.now,
      node: node.spec.name,
      local,
      remote,
      from: tcpStateName(from),
      to: tcpStateName(to),
    });
  }

  private commandEvent(
    action: 'started' | 'ended',
    node: string,
    process: string,
    command: string,
    exitCode?: number,
  ): void {
    this.events.publish({
      kind: 'command',
      timeNs: this.engine.now,
      action,
      node,
      process,
      command,
      ...(exitCode === undefined ? {} : { exitCode }),
    });
  }

  private linkEvent(action: (LabEvent & { kind: 'link' })['action'], link: string): void {
    this.events.publish({ kind: 'link', timeNs: this.engine.now, action, link });
  }

  setState(state: LabState, failure?: string): void {
    this.state = state;
    this.events.publish({
      kind: 'lab',
      timeNs: this.engine.now,
      state,
      ...(failure === undefined ? {} : { failure }),
    });
  }

  /** Ends captures, processes and hosts. */
  destroy(): void {
    for (const capture of this.captures.values()) capture.stop();
    for (const { machine } of this.nodes.values()) machine.shutdown();
    this.setState('destroyed');
  }

  private node(name: string): LabNode {
    const node = this.nodes.get(name);
    if (node === undefined) throw new LabError('not-found', `no such node "${name}"`);
    return node;
  }

  private link(id: string): LabLink {
    const link = this.links.get(id);
    if (link === undefined) throw new LabError('not-found', `no such link "${id}"`);
    return link;
  }
}
