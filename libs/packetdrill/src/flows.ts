/**
 * The connections of a script, and the arithmetic between its numbers and those on the wire.
 *
 * A script counts from the initial sequence number of each side; the host chooses its own anew in every run, and which
 * port it connects from. The peer's are what the script says.
 */
import type { TcpSpec } from './ast.js';
import { FLAG_ACK, FLAG_SYN, type LivePacket } from './packet.js';

export class Flow {
  /** The host's and the peer's port; 0 while the host has not shown its own. */
  localPort = 0;
  remotePort = 0;
  /** The ports by which the script calls it, where it does. */
  scriptPorts: readonly [number, number] | undefined;
  /** Initial sequence number of the host; undefined until its SYN. */
  localIsn: number | undefined;
  remoteIsn = 0;
  /** The host opened it; the peer's SYN has come. */
  active = false;
  answered = false;
  /** connect(AF_UNSPEC) ended it. */
  disconnected = false;
  /** Live descriptor of its socket. */
  fd: number | undefined;
  /** The host's timestamps: script's value → the one on the wire. */
  readonly timestamps = new Map<number, number>();

  /** Script's number of the host's sequence space → the wire's, and back. */
  localToLive(seq: number): number {
    return ((this.localIsn ?? 0) + seq) >>> 0;
  }

  localToScript(seq: number): number {
    return (seq - (this.localIsn ?? 0)) >>> 0;
  }

  /** Of the peer's; a SYN says its number itself. */
  remoteToLive(seq: number): number {
    return (this.remoteIsn + seq) >>> 0;
  }

  remoteToScript(seq: number): number {
    return (seq - this.remoteIsn) >>> 0;
  }
}

/** Where ephemeral ports of the peer begin. */
const FIRST_REMOTE_PORT = 40000;

export class Flows {
  private readonly all: Flow[] = [];
  private nextRemotePort = FIRST_REMOTE_PORT;
  /** The connection that packets without ports mean. */
  current: Flow | undefined;
  private listenPort = 0;
  private awaitsSyn = false;

  /** A connection that the host opens. */
  connecting(fd: number, remotePort: number): Flow {
    const flow = new Flow();
    flow.fd = fd;
    flow.active = true;
    flow.remotePort = remotePort;
    return this.add(flow);
  }

  /** A connection that the peer opens. */
  private incoming(spec: TcpSpec): Flow {
    const flow = new Flow();
    flow.localPort = spec.dport ?? this.listenPort;
    flow.remotePort = this.nextRemotePort++;
    if (spec.sport !== undefined && spec.dport !== undefined)
      flow.scriptPorts = [spec.dport, spec.sport];
    return this.add(flow);
  }

  private add(flow: Flow): Flow {
    this.all.push(flow);
    return (this.current = flow);
  }

  /** A socket listens: the next SYN opens a connection. */
  listening(port: number): void {
    this.listenPort = port;
    this.awaitsSyn = true;
  }

  /** The connection that an inbound packet belongs to; the first SYN for a listener opens one. */
  forInbound(spec: TcpSpec): Flow | undefined {
    const syn = spec.flags & (FLAG_SYN | FLAG_ACK);
    const known =
      spec.sport === undefined
        ? this.current
        : this.all.findLast(
            ({ scriptPorts }) => scriptPorts?.[0] === spec.dport && scriptPorts?.[1] === spec.sport,
          );
    const opens =
      syn === FLAG_SYN && (spec.sport === undefined ? this.awaitsSyn : known === undefined);
    if (opens) {
      this.awaitsSyn = false;
      const flow = this.incoming(spec);
      flow.remoteIsn = spec.seq;
      return flow;
    }
    if (known === undefined) return undefined;
    this.current = known;
    if (known.active && syn !== 0 && syn !== FLAG_ACK && !known.answered) {
      known.remoteIsn = spec.seq;
      known.answered = true;
    }
    return known;
  }

  /** The connection that a packet of the host belongs to. */
  forOutbound(live: LivePacket): Flow | undefined {
    const { tcp } = live;
    if (tcp === undefined) return undefined;
    const known = this.all.findLast(
      (flow) => flow.localPort === tcp.sport && flow.remotePort === tcp.dport,
    );
    if (known !== undefined) return known;
    const fresh = this.all.findLast(
      (flow) => flow.localPort === 0 && flow.remotePort === tcp.dport,
    );
    if (fresh !== undefined) fresh.localPort = tcp.sport;
    return fresh;
  }

  byRemotePort(port: number): Flow | undefined {
    return this.all.findLast((flow) => flow.remotePort === port);
  }

  byFd(fd: number): Flow | undefined {
    return this.all.findLast((flow) => flow.fd === fd);
  }
}
