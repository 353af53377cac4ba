/**
 * One simulated kernel: what all of its namespaces share. A process holds any number of them; nothing is global.
 *
 * Protocols register in a {@link KernelModules}, made once by whoever composes a kernel and shared by all hosts of a lab.
 */
import type { QdiscKind } from './qdisc-api.js';
import { CORE_HOST_DEFAULTS, CoreHostSysctl, coreSysctls } from './core-sysctls.js';
import { KernelError, type RandomStream, withInserted } from '@netloom/base';
import type { Engine } from '@netloom/engine';
import type { LinkAdd, SockDiagEntry } from '@netloom/sys';
import type { PacketMemory } from '@netloom/wire';
import { dropReasonName } from './drop-reasons.js';
import type { PacketHandler } from './dev-receive.js';
import { Net } from './net.js';
import type { NetDevice } from './net-device.js';
import type { RtnlFamily } from './rtnl-family.js';
import type { SkbPool, SkBuff } from './skbuff.js';
import type { Sock } from './sock.js';
import { SoftnetData } from './softnet.js';
import type { SysctlEntry } from './sysctl.js';
import type { Tracepoints } from './trace.js';

const ETH_P_IP = 0x0800;

/** A layer-4 protocol of IPv4 or IPv6. */
export interface InetProtocol {
  /** Takes a packet whose data starts at the transport header. Consumes it. */
  handler(skb: SkBuff): void;
  /** An ICMP error quotes a packet of ours: data starts at the quoted IP header. The packet stays the caller's. */
  errHandler?(skb: SkBuff, type: number, code: number, info: number): void;
  /** True where a packet without a socket is answered by the protocol itself. */
  readonly noPolicy?: boolean;
}

/** Device events, as the kernel's netdevice notifier chain names them. */
export type NetdevEvent =
  | 'REGISTER'
  | 'UNREGISTER'
  | 'UP'
  | 'GOING_DOWN'
  | 'DOWN'
  | 'CHANGE'
  | 'CHANGEADDR'
  | 'CHANGEMTU'
  | 'CHANGENAME'
  | 'CHANGEUPPER'
  | 'POST_INIT';

/** A kind of virtual link, as `ip link add … type KIND` names it. @kernel struct rtnl_link_ops */
export interface LinkKind {
  readonly kind: string;
  /** Name pattern when none is given, such as `veth%d`. */
  readonly namePattern?: string;
  /** Least and largest MTU that a new device may be given; 68 and 65535 where absent. */
  readonly minMtu?: number;
  readonly maxMtu?: number;
  /**
   * Makes and registers the device (and a peer), down. Throws KernelError.
   * @param peerNet where `request.peer` is to be made and `request.link` is found
   */
  newlink(net: Net, name: string, request: LinkAdd, peerNet: Net): NetDevice;
  /** Loads the kind's module into a host, with whatever devices that brings. */
  load?(kernel: Kernel): void;
}

/** A file of /sys/class/net itself: its text without the newline, and what writing does. */
export interface ClassNetFile {
  show(net: Net): string;
  store(net: Net, text: string): void;
}

/** A directory below /proc/net: file names, and the text of one (undefined where there is none). */
export interface ProcNetDir {
  list(net: Net): string[];
  read(net: Net, file: string): string | undefined;
}

/** What sock_diag lists: a socket, or a remnant of one (TIME-WAIT, a request). */
export interface DiagSource {
  /** File inode, 0 without a file. */
  readonly ino: number;
  diag(): Omit<SockDiagEntry, 'users' | 'ino'>;
}

/** The tables in which layers meet; filled once, then shared by every host. */
export class KernelModules {
  private ip: PacketHandler | undefined;
  private readonly packetHandlers = new Map<number, PacketHandler>();
  readonly inetProtocols: (InetProtocol | undefined)[] = new Array<InetProtocol | undefined>(
    256,
  ).fill(undefined);
  /** Layer-4 protocols of IPv6, by next header. */
  readonly inet6Protocols: (InetProtocol | undefined)[] = new Array<InetProtocol | undefined>(
    256,
  ).fill(undefined);
  /** Address families that answer rtnetlink, in the order in which a dump of all shows them. */
  readonly rtnlFamilies: RtnlFamily[] = [];
  private readonly socketFactories = new Map<
    string,
    (net: Net, type: number, protocol: number) => Sock
  >();
  readonly sysctls: SysctlEntry[] = [...coreSysctls];
  private readonly diags = new Map<SockDiagEntry['type'], ((net: Net) => Iterable<DiagSource>)[]>();
  private readonly linkKinds = new Map<string, LinkKind>();
  private readonly qdiscKinds = new Map<string, QdiscKind>();
  /** Directories below /proc/net by name: the files of a namespace with their texts. */
  readonly procNetDirs = new Map<string, ProcNetDir>();
  /** Files of /sys/class/net itself, such as bonding_masters. */
  readonly classNetFiles = new Map<string, ClassNetFile>();
  private readonly netInits: ((net: Net) => void)[] = [];
  private readonly netExits: ((net: Net) => void)[] = [];
  private readonly notifiers: ((event: NetdevEvent, dev: NetDevice) => void)[] = [];

  /** @kernel dev_add_pack() */
  addPacketHandler(ethertype: number, handler: PacketHandler): void {
    if (ethertype === ETH_P_IP) this.ip = handler;
    this.packetHandlers.set(ethertype, handler);
  }

  packetHandler(ethertype: number): PacketHandler | undefined {
    return ethertype === ETH_P_IP ? this.ip : this.packetHandlers.get(ethertype);
  }

  /** @kernel inet_add_protocol() */
  addInetProtocol(number: number, protocol: InetProtocol): void {
    this.inetProtocols[number] = protocol;
  }

  /** @kernel inet6_add_protocol() */
  addInet6Protocol(nexthdr: number, protocol: InetProtocol): void {
    this.inet6Protocols[nexthdr] = protocol;
  }

  /** @kernel rtnl_register() */
  addRtnlFamily(family: RtnlFamily): void {
    this.rtnlFamilies.push(family);
  }

  /** Makes `socket(family, type, protocol)`; protocol 0 is the default of the type, -1 any. @kernel inet_register_protosw() */
  addSocketFactory(
    family: number,
    type: number,
    protocol: number,
    make: (net: Net, type: number, protocol: number) => Sock,
  ): void {
    this.socketFactories.set(`${family}/${type}/${protocol}`, make);
  }

  /** @errno EAFNOSUPPORT, ESOCKTNOSUPPORT, EPROTONOSUPPORT */
  createSock(net: Net, family: number, type: number, protocol: number): Sock {
    const make =
      this.socketFactories.get(`${family}/${type}/${protocol}`) ??
      this.socketFactories.get(`${family}/${type}/-1`);
    if (make !== undefined) return make(net, type, protocol);
    const keys = [...this.socketFactories.keys()];
    if (!keys.some((key) => key.startsWith(`${family}/`))) throw new KernelError('EAFNOSUPPORT');
    throw new KernelError(
      keys.some((key) => key.startsWith(`${family}/${type}/`))
        ? 'EPROTONOSUPPORT'
        : 'ESOCKTNOSUPPORT',
    );
  }

  /** @kernel register_qdisc() */
  addQdiscKind(kind: QdiscKind): void {
    this.qdiscKinds.set(kind.name, kind);
  }

  qdiscKind(name: string): QdiscKind | undefined {
    return this.qdiscKinds.get(name);
  }

  /** Where sock_diag finds sockets of a type, of one family or another. @kernel sock_diag_register() */
  addSockDiag(type: SockDiagEntry['type'], list: (net: Net) => Iterable<DiagSource>): void {
    const lists = this.diags.get(type);
    if (lists === undefined) this.diags.set(type, [list]);
    else lists.push(list);
  }

  sockDiag(type: SockDiagEntry['type'], net: Net): Iterable<DiagSource> {
    const lists = this.diags.get(type);
    if (lists === undefined) return [];
    return lists.length === 1 ? (lists[0]?.(net) ?? []) : lists.flatMap((list) => [...list(net)]);
  }

  /** Adds entries below /proc/sys. @kernel register_net_sysctl() */
  addSysctls(entries: readonly SysctlEntry[]): void {
    this.sysctls.push(...entries);
  }

  /** @kernel rtnl_link_register() */
  addLinkKind(kind: LinkKind): void {
    this.linkKinds.set(kind.kind, kind);
  }

  linkKind(kind: string): LinkKind | undefined {
    return this.linkKinds.get(kind);
  }

  /** Makes a directory below /proc/net, or more files in it. @kernel proc_mkdir() */
  addProcNetDir(name: string, files: ProcNetDir): void {
    this.procNetDirs.set(name, files);
  }

  /** @kernel register_pernet_subsys() */
  addPernet(init: (net: Net) => void, exit?: (net: Net) => void): void {
    this.netInits.push(init);
    if (exit !== undefined) this.netExits.push(exit);
  }

  initNet(net: Net): void {
    for (const init of this.netInits) init(net);
  }

  exitNet(net: Net): void {
    for (let i = this.netExits.length - 1; i >= 0; i--) this.netExits[i]?.(net);
  }

  /** @kernel register_netdevice_notifier() */
  addNetdevNotifier(notifier: (event: NetdevEvent, dev: NetDevice) => void): void {
    this.notifiers.push(notifier);
  }

  callNetdevNotifiers(event: NetdevEvent, dev: NetDevice): void {
    for (const notifier of this.notifiers) notifier(event, dev);
  }
}

/** Bytes of text that the kernel log keeps. @kernel CONFIG_LOG_BUF_SHIFT 17 */
const LOG_BUFFER = 1 << 17;
/** How far it may run over before it is trimmed. */
const LOG_SLACK = 1 << 14;

export interface KernelOptions {
  readonly engine: Engine;
  readonly pool: SkbPool;
  readonly modules: KernelModules;
  readonly trace: Tracepoints;
  readonly hostname: string;
  /** A small integer that names the host in fingerprints. */
  readonly hostId: number;
  readonly cpus?: number;
}

export class Kernel {
  /** The last handle that a queueing discipline was given, 0 before the first. */
  lastQdiscHandle = 0;

  readonly engine: Engine;
  readonly pool: SkbPool;
  readonly mem: PacketMemory;
  readonly modules: KernelModules;
  readonly trace: Tracepoints;
  readonly hostname: string;
  readonly hostId: number;
  readonly cpus: number;
  nets: readonly Net[] = [];
  readonly initNet: Net;

  /** net.core.netdev_budget and its companions: of the host, not of a namespace. */
  netdevBudget = 300;
  netdevBudgetUsecs = 8000;
  netdevMaxBacklog = 1000;
  /** The other integers of net.core, by `CoreHostSysctl`. */
  coreValues = CORE_HOST_DEFAULTS;
  defaultQdisc = 'pfifo_fast';
  /** net.core.flow_limit_cpu_bitmap: CPUs whose backlog is fair to small flows. */
  flowLimitCpus = 0n;
  /** Size of the table by which receive flow steering knows where flows are read; 0 for none. */
  rpsSockFlowEntries = 0;
  /** Drops by reason number. */
  private dropTable: Map<number, number> | null = null;
  /** Kernel log lines: virtual time in nanoseconds, level, text. */
  private logBytes = 0;
  readonly log: { readonly time: number; readonly level: number; readonly text: string }[] = [];

  /** Modules that this host has loaded on demand, such as `ip_gre`; null before the first. */
  loadedModules: Set<string> | null = null;
  /** How deep devices without a queue transmit into each other at this moment. */
  xmitRecursion = 0;

  private readonly softnets: SoftnetData[];
  private readonly first: SoftnetData;
  private netInums = 0xf0000000;
  private readonly streams = new Map<string, RandomStream>();
  private hashKey = 0;

  constructor(options: KernelOptions) {
    this.engine = options.engine;
    this.pool = options.pool;
    this.mem = options.pool.mem;
    this.modules = options.modules;
    this.trace = options.trace;
    this.hostname = options.hostname;
    this.hostId = options.hostId;
    this.cpus = options.cpus ?? 1;
    this.first = new SoftnetData(this, 0);
    this.softnets = [this.first];
    this.initNet = this.createNet();
  }

  get drops(): Map<number, number> {
    return (this.dropTable ??= new Map());
  }

  /** The receive state of a CPU. */
  softnet(cpu: number): SoftnetData {
    if (cpu === 0) return this.first;
    for (let i = this.softnets.length; i <= cpu; i++) this.softnets.push(new SoftnetData(this, i));
    return this.softnets[cpu] as SoftnetData;
  }

  /** What makes this host's flow hashes differ from another's; never 0. */
  get flowHashKey(): number {
    if (this.hashKey === 0) this.hashKey = this.random('flow-hash').u32() | 1;
    return this.hashKey;
  }

  /** A random stream of this host for one purpose. */
  random(purpose: string): RandomStream {
    let stream = this.streams.get(purpose);
    if (stream === undefined) {
      stream = this.engine.stream(`${purpose}/${this.hostname}`);
      this.streams.set(purpose, stream);
    }
    return stream;
  }

  /** A new namespace with its `lo`, down. @kernel copy_net_ns() */
  createNet(): Net {
    const net = new Net(this);
    this.nets = withInserted(this.nets, this.nets.length, net);
    this.modules.initNet(net);
    return net;
  }

  /** @kernel cleanup_net() */
  destroyNet(net: Net): void {
    net.alive = false;
    this.modules.exitNet(net);
    this.nets = this.nets.filter((other) => other !== net);
  }

  /** @internal */
  nextNetInum(): number {
    return this.netInums++;
  }

  /** The one door for drops: tells the tracepoint why, counts, frees. @kernel kfree_skb_reason() */
  kfreeSkbReason(skb: SkBuff, reason: number): void {
    this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1);
    if (this.trace.kfreeSkb !== null) this.trace.kfreeSkb(this, skb, reason);
    skb.pool.release(skb);
  }

  private ratelimitStart = -Infinity;
  private ratelimitPrinted = 0;
  private ratelimitMissed = 0;

  /** Whether one more line about packets may be logged: net.core.message_burst in message_cost seconds. @kernel net_ratelimit() */
  netRatelimit(): boolean {
    const { now } = this.engine;
    const interval = (this.coreValues[CoreHostSysctl.message_cost] as number) * 1e9;
    if (now > this.ratelimitStart + interval) {
      if (this.ratelimitMissed > 0)
        this.printk(4, `net_ratelimit: ${this.ratelimitMissed} callbacks suppressed`);
      this.ratelimitStart = now;
      this.ratelimitPrinted = 0;
      this.ratelimitMissed = 0;
    }
    if (this.ratelimitPrinted < (this.coreValues[CoreHostSysctl.message_burst] as number)) {
      this.ratelimitPrinted++;
      return true;
    }
    this.ratelimitMissed++;
    return false;
  }

  /** Writes to the kernel log (dmesg). Levels as in syslog: 4 warning, 6 info. */
  printk(level: number, text: string): void {
    this.log.push({ time: this.engine.now, level, text });
    this.logBytes += text.length;
    if (this.logBytes > LOG_BUFFER + LOG_SLACK) this.trimLog();
  }

  /** Drops the oldest lines beyond the buffer, many at once. */
  private trimLog(): void {
    let lines = 0;
    while (this.logBytes > LOG_BUFFER) this.logBytes -= this.log[lines++]?.text.length ?? 0;
    this.log.splice(0, lines);
  }

  /** Drops so far by the kernel's reason names. */
  dropCounts(): Record<string, number> {
    return Object.fromEntries(
      [...this.drops].map(([reason, count]) => [dropReasonName(reason), count]),
    );
  }
}
