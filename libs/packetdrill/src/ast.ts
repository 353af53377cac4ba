/**
 * What a script says: options, events, packets, system calls. parser.ts makes it, runner.ts and its kin walk it.
 *
 * Times are nanoseconds. Sequence numbers are as written: relative to the initial one of their side, except in a SYN.
 */

/** When an event happens: at a time, anywhere in a range, or at any time. */
export interface EventTime {
  readonly kind: 'absolute' | 'relative' | 'any';
  readonly ns: number;
  /** End of a range, counted as `ns` is. */
  readonly rangeEndNs: number | undefined;
  /** When a blocking call must have returned, counted as `ns` is. */
  readonly blockingEndNs: number | undefined;
}

export interface ScriptEvent {
  readonly line: number;
  readonly time: EventTime;
  readonly action: Action;
}

export type Action =
  | { readonly kind: 'packet'; readonly packet: PacketSpec }
  | { readonly kind: 'call'; readonly call: SystemCall }
  | { readonly kind: 'command'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string };

export interface Script {
  readonly options: ReadonlyMap<string, string>;
  /** Runs before the clock starts. */
  readonly init: string | undefined;
  readonly events: readonly ScriptEvent[];
  /** Runs at the end, however the script ends. */
  readonly cleanup: string | undefined;
}

// ---- packets ----

export type EcnMark = 'noecn' | 'ect0' | 'ect1' | 'ect01' | 'ce';

/** What is said in front of a packet about its IP header. */
export interface IpInfo {
  readonly ecn?: EcnMark;
  readonly tos?: number;
  readonly ttl?: number;
  readonly flowLabel?: number;
}

export type TcpOption =
  | { readonly kind: 'nop' | 'eol' | 'sackOK' }
  | { readonly kind: 'mss' | 'wscale'; readonly value: number }
  | { readonly kind: 'sack'; readonly blocks: readonly (readonly [number, number])[] }
  | { readonly kind: 'TS'; readonly val: number; readonly ecr: number }
  | { readonly kind: 'FO' | 'FOEXP' | 'md5'; readonly bytes: Uint8Array }
  /** AccECN counters in the order written, which says the kind: e0b first or e1b first. */
  | { readonly kind: 'ECN'; readonly order: 0 | 1; readonly counters: readonly number[] };

export interface TcpSpec {
  readonly kind: 'tcp';
  readonly sport: number | undefined;
  readonly dport: number | undefined;
  /** TCPHDR bits, AE (0x100) included. */
  readonly flags: number;
  readonly seq: number;
  readonly length: number;
  readonly ack: number | undefined;
  readonly window: number | undefined;
  readonly urgent: number | undefined;
  /** undefined: not looked at (`<...>`). */
  readonly options: readonly TcpOption[] | undefined;
}

export interface UdpSpec {
  readonly kind: 'udp';
  readonly sport: number | undefined;
  readonly dport: number | undefined;
  readonly length: number;
}

export interface IcmpSpec {
  readonly kind: 'icmp';
  readonly type: string;
  readonly code: string | undefined;
  readonly mtu: number | undefined;
  readonly id: number | undefined;
  /** The packet it is about: a TCP range, a UDP payload, or bytes of no protocol. */
  readonly quoted:
    | { readonly kind: 'tcp'; readonly seq: number; readonly length: number }
    | { readonly kind: 'udp' | 'raw'; readonly length: number }
    | undefined;
}

export interface PacketSpec {
  readonly direction: 'in' | 'out';
  readonly ip: IpInfo;
  readonly transport: TcpSpec | UdpSpec | IcmpSpec;
}

// ---- system calls ----

export type Expr =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'name'; readonly name: string }
  /** `...`: whatever is there, or what the interpreter fills in. */
  | { readonly kind: 'any' }
  | { readonly kind: 'binary'; readonly op: string; readonly left: Expr; readonly right: Expr }
  | { readonly kind: 'unary'; readonly op: string; readonly operand: Expr }
  | { readonly kind: 'list'; readonly items: readonly Expr[] }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expr[] }
  | { readonly kind: 'struct'; readonly fields: readonly StructField[] };

export interface StructField {
  /** undefined where only the place says which it is. */
  readonly name: string | undefined;
  readonly value: Expr;
}

export interface SystemCall {
  readonly name: string;
  readonly args: readonly Expr[];
  readonly result: Expr;
  /** Name of the expected error. */
  readonly errno: string | undefined;
}

/** What is wrong with a script, or how the host did not do what it says. */
export class ScriptError extends Error {
  constructor(
    message: string,
    readonly line?: number,
  ) {
    super(line === undefined ? message : `line ${line}: ${message}`);
    this.name = 'ScriptError';
  }
}
