/**
 * The hosts of a lab: made as the topology says, their commands run, what they look like from outside.
 *
 * Lab → this → Hardware, TaskHost.
 */
import type { Engine } from '@netloom/engine';
import type { Kernel } from '@netloom/kernel-core';
import { Iff } from '@netloom/sys';
import type { Hardware, Machine } from './hardware.js';
import { addressTexts, interfaceNames, rootSys } from './node-detail.js';
import { writeNodeFile, writeSysctl } from './node-files.js';
import {
  LabError,
  type BindFile,
  type DeployResult,
  type NodeSummary,
  type TopologyNode,
} from './port.js';
import { NodeProcess } from './processes.js';
import { BRIDGE_DEVICE } from './topology-links.js';

/** Virtual time after which a line of a topology's `exec` is given up. */
const LINE_TIMEOUT_NS = 60e9;
/** Bytes kept of what such a line prints. */
const LINE_OUTPUT_BYTES = 64 * 1024;

export interface LabNode {
  readonly spec: TopologyNode;
  readonly machine: Machine;
  /** Lines of `exec` that failed before the node had the link that they speak of. */
  retry: string[];
}

/** What happens to the lines of `exec`, for whoever tells it on. */
export interface LineListener {
  started(node: string, command: string): void;
  ended(result: DeployResult): void;
}

export class NodeTable {
  readonly warnings: string[] = [];
  private readonly nodes = new Map<string, LabNode>();
  private readonly byKernel = new Map<Kernel, LabNode>();
  private made = 0;

  constructor(
    readonly engine: Engine,
    private readonly hardware: Hardware,
    private readonly newMac: () => Uint8Array,
    private readonly listener: LineListener,
  ) {}

  all(): LabNode[] {
    return [...this.nodes.values()];
  }

  find(name: string): LabNode | undefined {
    return this.nodes.get(name);
  }

  get(name: string): LabNode {
    const node = this.nodes.get(name);
    if (node === undefined) throw new LabError('not-found', `no such node "${name}"`);
    return node;
  }

  ofKernel(kernel: Kernel): LabNode | undefined {
    return this.byKernel.get(kernel);
  }

  /** A host with its files, without links; nothing is left of it where a file cannot be written. */
  make(spec: TopologyNode, files: readonly BindFile[]): LabNode {
    const { name, kind, cpus } = spec;
    const machine = this.hardware.machine({ name, index: this.made, kind, cpus });
    for (const file of files) writeNodeFile(machine.tasks, file.path, file.data, file.mode);
    this.made++;
    const node: LabNode = { spec, machine, retry: [] };
    this.nodes.set(name, node);
    this.byKernel.set(machine.kernel, node);
    const sys = rootSys(machine.tasks);
    sys.rtnl('RTM_SETLINK', { ifname: 'lo', flags: Iff.IFF_UP, flagsMask: Iff.IFF_UP });
    if (kind === 'bridge') {
      sys.rtnl('RTM_NEWLINK', { ifname: BRIDGE_DEVICE, kind, up: true, address: this.newMac() });
    }
    return node;
  }

  remove(name: string): void {
    const node = this.get(name);
    node.machine.shutdown();
    this.nodes.delete(name);
    this.byKernel.delete(node.machine.kernel);
  }

  /** Sets what can be set now; answers the rest, which may speak of interfaces to come. */
  setSysctls(node: LabNode): [key: string, value: string][] {
    return Object.entries(node.spec.sysctls).filter(
      ([key, value]) => !writeSysctl(node.machine.tasks, key, value),
    );
  }

  /** Sets what was left; what is refused again is a warning. */
  setLateSysctls(node: LabNode, left: readonly (readonly [key: string, value: string])[]): void {
    for (const [key, value] of left) {
      if (writeSysctl(node.machine.tasks, key, value)) continue;
      this.warnings.push(`${node.spec.name}: no sysctl ${key}, or not ${value}`);
    }
  }

  /** Runs lines one after the other; `keep` remembers those that fail, for {@link retry}. */
  runLines(node: LabNode, lines: readonly string[], keep: boolean, done: () => void): void {
    const [command, ...rest] = lines;
    const { name, env } = node.spec;
    if (command === undefined || this.nodes.get(name) !== node) {
      done();
      return;
    }
    const output = { stdout: new TextSink(), stderr: new TextSink() };
    new NodeProcess(
      node.machine.tasks,
      { node: name, command, timeoutNs: LINE_TIMEOUT_NS },
      {
        env,
        onOutput: (stream, data) => output[stream].add(data),
        onExit: (exitCode) => {
          const result = {
            node: name,
            command,
            exitCode,
            stdout: output.stdout.text,
            stderr: output.stderr.text,
          };
          if (exitCode !== 0) this.lineFailed(node, result, keep);
          this.listener.ended(result);
          this.runLines(node, rest, keep, done);
        },
      },
    );
    this.listener.started(name, command);
  }

  /** Runs again what failed when the node had fewer links. */
  retry(node: LabNode): void {
    const lines = node.retry;
    node.retry = [];
    this.runLines(node, lines, true, () => undefined);
  }

  private lineFailed(node: LabNode, result: DeployResult, keep: boolean): void {
    const said = (result.stderr + result.stdout).trim();
    const why = said === '' ? '' : `: ${said}`;
    this.warnings.push(`${result.node}: ${result.command}: exit code ${result.exitCode}${why}`);
    if (keep) node.retry.push(result.command);
  }

  summary({ spec, machine }: LabNode): NodeSummary {
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
}

/** The head of a stream, as text. */
class TextSink {
  text = '';
  private readonly decoder = new TextDecoder();
  private kept = 0;

  add(data: Uint8Array): void {
    const room = LINE_OUTPUT_BYTES - this.kept;
    if (room <= 0) return;
    this.kept += Math.min(room, data.length);
    this.text += this.decoder.decode(data.subarray(0, room), { stream: true });
  }
}
