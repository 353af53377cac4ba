/**
 * The one port between an application (server, command line) and a lab, wherever the lab runs.
 *
 * Caller: server or command line → LabRunner → a Lab in this thread, in a worker thread or on another machine.
 * Every argument, result and message is plain data that structured cloning keeps, so a proxy over a message channel
 * (see runner-rpc.ts) needs no knowledge of single methods. A runner holds exactly one lab. What a lab says of its own
 * accord arrives as {@link LabMessage} at the listeners; within one runner the order of messages and answers is the
 * order in which they were produced, so that a `journal` message always precedes the answer of the call behind it.
 *
 * Calls are refused with {@link LabError}. Times are virtual nanoseconds since the lab's start unless a name says
 * otherwise; durations end in `Ns`, sizes in `Bytes`, rates in `Bits` (a second).
 */

/** One fault of a document, by its path, such as `topology.links[1].endpoints[0]` (empty: the whole document). */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

/** Why a call was refused; `kind` is what a server maps to a status. */
export type LabErrorKind =
  | 'invalid' // a document or argument is wrong: see `problems`
  | 'not-found'
  | 'conflict' // exists already, or the lab's state does not allow it
  | 'unsupported'
  | 'failed'; // the lab has died

/** A refused call. Crosses a channel as {@link LabErrorData}. */
export class LabError extends Error {
  constructor(
    readonly kind: LabErrorKind,
    message: string,
    readonly problems: readonly Problem[] = [],
  ) {
    super(message);
    this.name = 'LabError';
  }
}

export interface LabErrorData {
  readonly kind: LabErrorKind;
  readonly message: string;
  readonly problems: readonly Problem[];
}

// --- topology, as the parser normalises it ---------------------------------------------------------------------------

export type NodeKind = 'linux' | 'bridge';

/** What one direction of a link does to a packet, in this order; absent means off. */
export interface Impairment {
  /** Fractions of 1. */
  readonly loss?: number;
  readonly duplicate?: number;
  readonly corrupt?: number;
  readonly reorder?: number;
  /** Serialisation; without it a packet takes no time to be sent. */
  readonly rateBits?: number;
  /** Packets waiting for the wire; only with a rate. */
  readonly limit?: number;
  readonly delayNs?: number;
  readonly jitterNs?: number;
}

/** A file or folder (ends in `/`) of the topology's side to be copied into a node before its commands run. */
export interface TopologyBind {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface TopologyNode {
  readonly name: string;
  readonly kind: NodeKind;
  readonly cpus: number;
  readonly exec: readonly string[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly binds: readonly TopologyBind[];
  readonly group?: string;
}

export interface TopologyEndpoint {
  readonly node: string;
  readonly interface: string;
  /** Text form. */
  readonly mac?: string;
  /** `10.0.0.1/24` and `2001:db8::1/64`, set as the link comes up. */
  readonly ipv4?: string;
  readonly ipv6?: string;
}

export interface TopologyLink {
  readonly a: TopologyEndpoint;
  readonly z: TopologyEndpoint;
  readonly mtu: number;
  /** Packets that `a` sends, and packets that `z` sends. */
  readonly netem: { readonly a: Impairment; readonly z: Impairment };
}

/** A topology with all inheritance applied; `document` is what the author wrote. */
export interface Topology {
  readonly name: string;
  readonly nodes: readonly TopologyNode[];
  readonly links: readonly TopologyLink[];
  /** Plain JSON. */
  readonly document: unknown;
}

// --- documents -------------------------------------------------------------------------------------------------------

/** `starting` while the topology's commands run, `failed` after an error of the lab itself. */
export type LabState = 'starting' | 'running' | 'failed' | 'destroyed';

export type ClockMode = 'realtime' | 'fast' | 'paused';

export interface ClockDocument {
  readonly mode: ClockMode;
  /** Virtual seconds a wall second, in realtime mode. */
  readonly rate: number;
  readonly nowNs: number;
  /** Seconds since 1970 at virtual time 0: part of the lab's seed, never the real date. */
  readonly epochSec: number;
  /** How far realtime is behind because the machine is too slow, wall milliseconds. */
  readonly lagMs: number;
}

export interface NodeSummary {
  readonly name: string;
  readonly kind: NodeKind;
  readonly cpus: number;
  readonly group?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly interfaces: readonly string[];
  /** IPv4 and IPv6 addresses with prefix length, loopback and link-local left out. */
  readonly addresses: readonly string[];
}

export interface LinkEndpointDocument {
  readonly node: string;
  readonly interface: string;
  readonly mac: string;
}

export interface LinkDocument {
  /** `l1`, `l2` …: never used again within a lab. */
  readonly id: string;
  readonly endpoints: readonly [LinkEndpointDocument, LinkEndpointDocument];
  readonly mtu: number;
  readonly up: boolean;
  readonly netem: { readonly a: Impairment; readonly z: Impairment };
}

/** How a line of the topology's `exec` ended. */
export interface DeployResult {
  readonly node: string;
  readonly command: string;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface LabDocument {
  readonly id: string;
  readonly name: string;
  readonly state: LabState;
  readonly seed: number;
  readonly clock: ClockDocument;
  readonly nodes: readonly NodeSummary[];
  readonly links: readonly LinkDocument[];
  /** 16 hex digits over everything that has happened up to `clock.nowNs`. */
  readonly fingerprint: string;
  /** Ignored keys, commands of the topology that failed, sysctls that do not exist. */
  readonly warnings: readonly string[];
  readonly deploy: readonly DeployResult[];
  /** Only in state `failed`. */
  readonly failure?: string;
}

export interface InterfaceAddress {
  readonly family: 'inet' | 'inet6';
  readonly address: string;
  readonly prefixLength: number;
  readonly broadcast?: string;
  readonly scope: string;
  readonly label?: string;
}

export interface InterfaceDetail {
  readonly ifindex: number;
  readonly name: string;
  readonly kind?: string;
  readonly mac: string;
  readonly mtu: number;
  readonly flags: readonly string[];
  readonly operstate: string;
  readonly master?: string;
  /** The link of the topology behind it. */
  readonly link?: string;
  readonly addresses: readonly InterfaceAddress[];
  readonly counters: Readonly<Record<string, number>>;
}

export interface RouteDetail {
  readonly family: 'inet' | 'inet6';
  readonly type: string;
  /** `default` or a prefix. */
  readonly destination: string;
  readonly table: string;
  readonly protocol: string;
  readonly scope: string;
  readonly metric?: number;
  readonly source?: string;
  readonly nextHops: readonly {
    readonly via?: string;
    readonly interface: string;
    readonly weight: number;
  }[];
}

export interface NamespaceDetail {
  /** Empty for the node's own network namespace. */
  readonly name: string;
  readonly interfaces: readonly InterfaceDetail[];
  readonly routes: readonly RouteDetail[];
}

export interface NodeDetail extends NodeSummary {
  readonly processes: readonly {
    readonly pid: number;
    readonly ppid: number;
    readonly argv: readonly string[];
    readonly state: string;
  }[];
  readonly namespaces: readonly NamespaceDetail[];
}

// --- requests --------------------------------------------------------------------------------------------------------

export interface BindFile {
  readonly node: string;
  readonly path: string;
  readonly data: Uint8Array;
  /** Permission bits; default 0o644. */
  readonly mode?: number;
}

export interface CreateRequest {
  readonly id: string;
  readonly topology: Topology;
  /** Default 1. */
  readonly seed?: number;
  readonly clock?: { readonly mode: ClockMode; readonly rate?: number };
  /** Contents of the topology's binds, already resolved to single files. */
  readonly files?: readonly BindFile[];
  /** Warnings of the parser, kept in the lab's document. */
  readonly warnings?: readonly string[];
  /** Inputs of an earlier run, to be repeated as fast as possible before the clock is let go. */
  readonly replay?: readonly JournalEntry[];
  /** Where the replay ends; default the last entry's time. */
  readonly replayUntilNs?: number;
}

export interface ExecRequest {
  readonly node: string;
  /** A line for the node's shell. */
  readonly command: string;
  /** Virtual; the process group is killed when it is over, and the exit code is 124. Default: none. */
  readonly timeoutNs?: number;
  readonly stdin?: Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** Bytes kept of each stream; what is over is cut and `truncated` set. Default 1 MiB. */
  readonly outputLimitBytes?: number;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly truncated: boolean;
  /** When it ended. */
  readonly virtualTimeNs: number;
}

export interface StartRequest {
  readonly node: string;
  /** A line for the shell; absent: an interactive shell. */
  readonly command?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A terminal; stdout and stderr are then one stream. */
  readonly tty?: { readonly rows: number; readonly cols: number };
  /** Whether stdin stays open for `writeStdin`; always with a terminal. Default false: end of file. */
  readonly stdin?: boolean;
  readonly timeoutNs?: number;
  /** Unacknowledged bytes at which output is dropped and counted; default 1 MiB. */
  readonly windowBytes?: number;
}

export interface CaptureSource {
  readonly node: string;
  /** A name, or `any` for all interfaces of the node. */
  readonly interface: string;
}

export type CaptureFormat = 'pcapng' | 'pcap';

export interface CaptureRequest {
  /** One or several; `pcap` takes exactly one. */
  readonly sources: readonly CaptureSource[];
  /** pcap-filter(7) text. */
  readonly filter?: string;
  /** Default 262144. */
  readonly snaplen?: number;
  readonly format?: CaptureFormat;
  /** Wall milliseconds after which waiting bytes are sent although a chunk is not full; default 100. */
  readonly flushMs?: number;
  /** Unacknowledged bytes at which packets are dropped (`drop`) or the lab's clock waits (`wait`). Default 8 MiB. */
  readonly windowBytes?: number;
  readonly whenFull?: 'drop' | 'wait';
}

export interface CaptureDocument {
  readonly id: string;
  readonly sources: readonly CaptureSource[];
  readonly filter?: string;
  readonly snaplen: number;
  readonly format: CaptureFormat;
  readonly state: 'running' | 'stopped';
  readonly startedNs: number;
  readonly stoppedNs?: number;
  readonly packets: number;
  readonly bytes: number;
  /** Packets that the window did not let through. */
  readonly dropped: number;
}

export interface LinkPatch {
  readonly up?: boolean;
  /** Replaces the whole impairment of the directions that it names. */
  readonly netem?: { readonly a?: Impairment; readonly z?: Impairment };
}

export interface ClockPatch {
  readonly mode?: ClockMode;
  readonly rate?: number;
}

/** What a subscription wants; absent lists mean everything of that sort. */
export interface EventSubscription {
  readonly kinds: readonly LabEvent['kind'][];
  readonly nodes?: readonly string[];
  /** Drop reasons by kernel name, for `drop`. */
  readonly reasons?: readonly string[];
  /** Link ids, for `crossing`. */
  readonly links?: readonly string[];
  /** pcap-filter(7) text for `drop` and `crossing`. */
  readonly filter?: string;
  /** Unacknowledged events at which further ones are dropped and counted; default 10,000. */
  readonly windowEvents?: number;
}

/** A kernel's drop, a packet's way across a link, a TCP state change, the life of lab, links and commands. */
export type LabEvent =
  | {
      readonly kind: 'drop';
      readonly timeNs: number;
      readonly node: string;
      readonly interface?: string;
      /** SKB_DROP_REASON_ without the prefix. */
      readonly reason: string;
      /** Where, such as `ip_rcv`. */
      readonly location?: string;
      readonly packetId: number;
      readonly lengthBytes: number;
      /** One line as tcpdump prints it. */
      readonly summary: string;
    }
  | {
      readonly kind: 'crossing';
      readonly timeNs: number;
      readonly link: string;
      readonly from: CaptureSource;
      readonly to: CaptureSource;
      /** `sent` onto the wire, `delivered` at the other end, or what the wire did to it. */
      readonly what:
        'sent' | 'delivered' | 'lost' | 'duplicated' | 'corrupted' | 'queue-full' | 'no-carrier';
      readonly packetId: number;
      readonly lengthBytes: number;
      readonly summary: string;
    }
  | {
      readonly kind: 'tcp-state';
      readonly timeNs: number;
      readonly node: string;
      readonly local: string;
      readonly remote: string;
      readonly from: string;
      readonly to: string;
    }
  | {
      readonly kind: 'lab';
      readonly timeNs: number;
      readonly state: LabState;
      readonly failure?: string;
    }
  | {
      readonly kind: 'clock';
      readonly timeNs: number;
      readonly mode: ClockMode;
      readonly rate: number;
    }
  | {
      readonly kind: 'node';
      readonly timeNs: number;
      readonly action: 'added' | 'removed';
      readonly node: string;
    }
  | {
      readonly kind: 'link';
      readonly timeNs: number;
      readonly action: 'added' | 'removed' | 'up' | 'down' | 'changed';
      readonly link: string;
    }
  | {
      readonly kind: 'command';
      readonly timeNs: number;
      readonly action: 'started' | 'ended';
      readonly node: string;
      readonly process: string;
      readonly command: string;
      readonly exitCode?: number;
    };

// --- what the lab says of its own accord -----------------------------------------------------------------------------

export type LabMessage =
  /** Output of a process of `start`. `lostBytes` were dropped before this chunk. */
  | {
      readonly type: 'output';
      readonly process: string;
      readonly stream: 'stdout' | 'stderr';
      readonly data: Uint8Array;
      readonly lostBytes: number;
    }
  | {
      readonly type: 'exit';
      readonly process: string;
      readonly exitCode: number;
      readonly virtualTimeNs: number;
    }
  /** Bytes of a capture file, in order; the concatenation is a valid file. */
  | {
      readonly type: 'capture';
      readonly capture: string;
      readonly data: Uint8Array;
      readonly droppedPackets: number;
    }
  /** After the last bytes. */
  | { readonly type: 'capture-end'; readonly capture: CaptureDocument }
  | {
      readonly type: 'events';
      readonly subscription: string;
      readonly events: readonly LabEvent[];
      readonly lost: number;
    }
  /** A frame that leaves the lab through an attachment. `lost` frames were dropped before it. */
  | {
      readonly type: 'frame';
      readonly attachment: string;
      readonly data: Uint8Array;
      readonly lost: number;
    }
  /** The interface is gone. */
  | { readonly type: 'attachment-end'; readonly attachment: string }
  | { readonly type: 'journal'; readonly entry: JournalEntry }
  /** The lab has died of an error of its own; every pending call is refused. */
  | { readonly type: 'failed'; readonly message: string };

/** An input from outside, stamped with the virtual time at which it took effect. */
export interface JournalEntry {
  readonly sequence: number;
  readonly timeNs: number;
  readonly input: LabInput;
}

/** Everything that can change what a lab does, as plain data. Process names are the runner's (`p1`, `p2` …). */
export type LabInput =
  | {
      readonly type: 'start';
      readonly process: string;
      readonly request: StartRequest & { readonly input?: Uint8Array };
    }
  | { readonly type: 'stdin'; readonly process: string; readonly data: Uint8Array }
  | { readonly type: 'stdin-end'; readonly process: string }
  | { readonly type: 'signal'; readonly process: string; readonly signal: number }
  | {
      readonly type: 'resize';
      readonly process: string;
      readonly rows: number;
      readonly cols: number;
    }
  | { readonly type: 'add-node'; readonly node: TopologyNode; readonly files: readonly BindFile[] }
  | { readonly type: 'remove-node'; readonly node: string }
  | { readonly type: 'add-link'; readonly link: TopologyLink }
  | { readonly type: 'remove-link'; readonly link: string }
  | { readonly type: 'patch-link'; readonly link: string; readonly patch: LinkPatch }
  | {
      readonly type: 'write-file';
      readonly node: string;
      readonly path: string;
      readonly data: Uint8Array;
      readonly mode?: number;
    }
  | { readonly type: 'attach'; readonly attachment: string; readonly source: CaptureSource }
  | { readonly type: 'detach'; readonly attachment: string }
  | { readonly type: 'frame'; readonly attachment: string; readonly data: Uint8Array };

/** Numbers for metrics. */
export interface LabStatistics {
  readonly virtualTimeNs: number;
  /** Events that the engine has run. */
  readonly events: number;
  /** Frames that any wire has delivered. */
  readonly frames: number;
  /** Packets that kernels have dropped, by reason. */
  readonly drops: Readonly<Record<string, number>>;
  readonly processes: number;
  readonly captures: number;
  readonly packetMemory: { readonly usedSlots: number; readonly totalSlots: number };
}

/** The port. An input takes effect at the paced virtual time at which the runner receives it. */
export interface LabRunner {
  /** Builds the lab and answers once the topology's commands have run. Refuses a second call with `conflict`. */
  create(request: CreateRequest): Promise<LabDocument>;
  info(): Promise<LabDocument>;
  /** The topology as it is now, edits included; `document` follows contract's file format. */
  topology(): Promise<Topology>;
  statistics(): Promise<LabStatistics>;
  destroy(): Promise<void>;

  addNode(node: TopologyNode, files?: readonly BindFile[]): Promise<NodeSummary>;
  /** Also removes its links, stops its processes and captures. */
  removeNode(node: string): Promise<void>;
  addLink(link: TopologyLink): Promise<LinkDocument>;
  removeLink(link: string): Promise<void>;
  patchLink(link: string, patch: LinkPatch): Promise<LinkDocument>;
  node(node: string): Promise<NodeDetail>;

  /** Runs a line and answers when it has ended. */
  exec(request: ExecRequest): Promise<ExecResult>;
  /** Starts a process whose output arrives as `output` messages and whose end as `exit`. */
  start(request: StartRequest): Promise<{ readonly process: string }>;
  /** Calls about a process that has ended do nothing. */
  writeStdin(process: string, data: Uint8Array): Promise<void>;
  closeStdin(process: string): Promise<void>;
  /** To the whole process group. */
  signal(process: string, signal: number): Promise<void>;
  resize(process: string, rows: number, cols: number): Promise<void>;

  /** `not-found`, or `invalid` for what is no regular file. */
  readFile(node: string, path: string): Promise<Uint8Array>;
  /** Makes missing folders. */
  writeFile(node: string, path: string, data: Uint8Array, mode?: number): Promise<void>;

  /** `invalid` with the filter compiler's message. The file's head has been sent when this answers. */
  startCapture(request: CaptureRequest): Promise<CaptureDocument>;
  /** Answers after the last bytes and `capture-end` have been sent. */
  stopCapture(capture: string): Promise<CaptureDocument>;
  captures(): Promise<readonly CaptureDocument[]>;

  clock(): Promise<ClockDocument>;
  setClock(patch: ClockPatch): Promise<ClockDocument>;
  /** Only while paused (`conflict`); answers when the time has passed. */
  step(byNs: number): Promise<ClockDocument>;

  subscribe(subscription: EventSubscription): Promise<{ readonly subscription: string }>;
  unsubscribe(subscription: string): Promise<void>;

  /** An outside machine on the wire of an interface: it sees what the interface sends, and what it sends arrives there. */
  attach(source: CaptureSource): Promise<{ readonly attachment: string }>;
  detach(attachment: string): Promise<void>;
  /** One Ethernet frame without FCS, into the lab. */
  sendFrame(attachment: string, frame: Uint8Array): Promise<void>;

  /** Consumed: bytes of a process or capture, events of a subscription, frames of an attachment. Opens the window. */
  ack(stream: string, amount: number): void;
  /** Returns the removal. */
  onMessage(listener: (message: LabMessage) => void): () => void;
}

/** The names of the methods that answer, for proxies. */
export const LAB_RUNNER_METHODS = [
  'create',
  'info',
  'topology',
  'statistics',
  'destroy',
  'addNode',
  'removeNode',
  'addLink',
  'removeLink',
  'patchLink',
  'node',
  'exec',
  'start',
  'writeStdin',
  'closeStdin',
  'signal',
  'resize',
  'readFile',
  'writeFile',
  'startCapture',
  'stopCapture',
  'captures',
  'clock',
  'setClock',
  'step',
  'subscribe',
  'unsubscribe',
  'attach',
  'detach',
  'sendFrame',
] as const satisfies readonly (keyof LabRunner)[];

export type LabRunnerMethod = (typeof LAB_RUNNER_METHODS)[number];
