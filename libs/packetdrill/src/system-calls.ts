/**
 * System calls of a script, made by the process under test.
 *
 * runner.ts → {@link SystemCalls.start} → Sys. A script's descriptors are its own: they are translated here. Buffers
 * written `...` are zeros on the way out and not looked at on the way in. Where a script passes NULL with a length, this
 * is where the C library's caller would get EFAULT: the boundary below has no pointers.
 */
import { Errno, errnoName, KernelError } from '@netloom/base';
import { SocketDescription } from '@netloom/kernel';
import type { Task } from '@netloom/kernel-tasks';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  SOCK_STREAM,
  type SockAddr,
  type SockOpt,
  type SockOptValue,
  type Sys,
} from '@netloom/sys';
import { ipv4Number, mappedAddress, type Address } from './address.js';
import { ScriptError, type Expr, type SystemCall } from './ast.js';
import type { Flows } from './flows.js';
import { checkMessage } from './messages.js';
import { fieldsOf, type Values } from './symbols.js';

/** Which sockets and packets a run is about. */
export type IpVersion = 'ipv4' | 'ipv4-mapped-ipv6' | 'ipv6';

/** Options whose value is a name; other strings are bytes. */
const TEXT_OPTIONS: ReadonlySet<string> = new Set(['TCP_CONGESTION', 'TCP_ULP', 'SO_BINDTODEVICE']);
const SOCK_FLAGS = 0o2004000;
const SOCK_NONBLOCK = 0o4000;
const MSG_FASTOPEN = 0x20000000;
const F_GETFL = 3;
const F_SETFL = 4;
const SPLICE_F_NONBLOCK = 2;
const SIOCINQ = 0x541b;
const SIOCOUTQ = 0x5411;
const SIOCOUTQNSD = 0x894b;

export interface CallEnvironment {
  readonly sys: Sys;
  readonly task: Task;
  readonly values: Values;
  readonly flows: Flows;
  readonly version: IpVersion;
  readonly local: Address;
  readonly remote: Address;
  /** What sockets are bound and connected to where a script leaves it open. */
  readonly port: number;
  /** Virtual time of the script's start. */
  readonly startNs: number;
  readonly toleranceNs: number;
}

/** A call's number, or the error it failed with. */
type Outcome = { readonly value: number } | { readonly errno: number };

type Call = (args: readonly Expr[], call: SystemCall) => number | Promise<number>;

export class SystemCalls {
  /** Script's descriptor → live one. */
  private readonly fds = new Map<number, number>();
  private readonly types = new Map<number, number>();
  private lastSocket: number | undefined;

  constructor(private readonly env: CallEnvironment) {}

  /** Makes a call; settles when it has returned, and rejects with ScriptError where it did not return as expected. */
  async start(call: SystemCall): Promise<void> {
    const run = this.table[call.name];
    if (run === undefined) throw new ScriptError(`system call ${call.name} is not supported`);
    let outcome: Outcome;
    try {
      outcome = { value: await run(call.args, call) };
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      outcome = { errno: error.errno };
    }
    this.verify(call, outcome);
  }

  private verify(call: SystemCall, outcome: Outcome): void {
    if (call.result.kind === 'any') return;
    const wanted = this.env.values.number(call.result);
    const got =
      'errno' in outcome
        ? `-1 ${errnoName(outcome.errno) ?? String(outcome.errno)}`
        : String(outcome.value);
    const expected = call.errno === undefined ? String(wanted) : `${wanted} ${call.errno}`;
    const same =
      'errno' in outcome
        ? wanted === -1 &&
          (call.errno === undefined || Errno[call.errno as keyof typeof Errno] === outcome.errno)
        : outcome.value === wanted;
    if (!same) throw new ScriptError(`${call.name} returned ${got}, expected ${expected}`);
  }

  /** Live descriptor of the socket that code looks at. */
  get socketUnderTest(): number | undefined {
    return this.env.flows.current?.fd ?? this.lastSocket;
  }

  private arg(args: readonly Expr[], index: number): Expr {
    const expr = args[index];
    if (expr === undefined) throw new ScriptError(`argument ${index + 1} is missing`);
    return expr;
  }

  private num(args: readonly Expr[], index: number): number {
    return this.env.values.number(this.arg(args, index));
  }

  private fd(args: readonly Expr[], index = 0): number {
    const script = this.num(args, index);
    return this.fds.get(script) ?? (script < 0 ? script : 1000 + script);
  }

  /** Binds a new live descriptor to the number that the script expects. */
  private opened(live: number, call: SystemCall): number {
    const script = call.result.kind === 'any' ? live : this.env.values.number(call.result);
    if (script < 0) return live;
    this.fds.set(script, live);
    return script;
  }

  /** The elements of `[…]`, or what stands alone. */
  private pointee(expr: Expr): Expr {
    if (expr.kind !== 'list') return expr;
    const [first] = expr.items;
    if (first === undefined) throw new ScriptError('an empty list');
    return first;
  }

  // ---- buffers and addresses ----

  private isNull(expr: Expr): boolean {
    return (
      (expr.kind === 'name' && expr.name === 'NULL') || (expr.kind === 'number' && expr.value === 0)
    );
  }

  /** Bytes to send. @errno EFAULT */
  private buffer(expr: Expr, length: number): Uint8Array {
    if (this.isNull(expr) && length > 0) throw new KernelError('EFAULT');
    const out = new Uint8Array(Math.max(0, length));
    if (expr.kind === 'string') out.set(new TextEncoder().encode(expr.value).subarray(0, length));
    return out;
  }

  private vectors(expr: Expr | undefined): { readonly base: Expr; readonly length: number }[] {
    if (expr?.kind !== 'list') return [];
    return expr.items.map((item) => {
      const fields = [...fieldsOf(item).values()];
      return { base: this.arg(fields, 0), length: this.num(fields, 1) };
    });
  }

  private gathered(expr: Expr | undefined): Uint8Array {
    const parts = this.vectors(expr).map(({ base, length }) => this.buffer(base, length));
    const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }

  private socketAddress(address: Address, port: number): SockAddr {
    if (this.env.version === 'ipv4') return { family: 'inet', addr: ipv4Number(address), port };
    const addr = address.length === 4 ? mappedAddress(address) : address;
    return { family: 'inet6', addr, port, scopeId: 0 };
  }

  private address(expr: Expr | undefined, fallback: Address): SockAddr {
    const { values, port } = this.env;
    if (expr === undefined || expr.kind === 'any') return this.socketAddress(fallback, port);
    if (expr.kind !== 'struct')
      return values.number(expr) === AF_UNSPEC
        ? { family: 'unspec' }
        : this.socketAddress(fallback, port);
    const fields = fieldsOf(expr);
    const family = fields.get('sa_family') ?? fields.get('sin_family');
    if (family !== undefined && values.number(family) === AF_UNSPEC) return { family: 'unspec' };
    const portExpr = fields.get('sin_port') ?? fields.get('sin6_port');
    const addrExpr = fields.get('sin_addr');
    const wantedPort =
      portExpr === undefined || portExpr.kind === 'any' ? port : values.number(portExpr);
    return addrExpr === undefined || addrExpr.kind === 'any'
      ? this.socketAddress(fallback, wantedPort)
      : { family: 'inet', addr: values.number(addrExpr) >>> 0, port: wantedPort };
  }

  // ---- calls ----

  private readonly table: Readonly<Record<string, Call>> = {
    socket: (args, call) => {
      const domain = this.arg(args, 0);
      const family =
        domain.kind === 'any'
          ? this.env.version === 'ipv4'
            ? AF_INET
            : AF_INET6
          : this.env.values.number(domain);
      const type = this.num(args, 1);
      const { sys } = this.env;
      const live = sys.socket(family, type & ~SOCK_FLAGS, this.num(args, 2));
      if ((type & SOCK_NONBLOCK) !== 0) sys.setNonblock(live, true);
      this.types.set(live, type & ~SOCK_FLAGS);
      this.lastSocket = live;
      return this.opened(live, call);
    },
    bind: (args) => {
      this.env.sys.bind(this.fd(args), this.address(args[1], this.env.local));
      return 0;
    },
    listen: (args) => {
      const fd = this.fd(args);
      this.env.sys.listen(fd, this.num(args, 1));
      const name = this.env.sys.getsockname(fd);
      if ('port' in name) this.env.flows.listening(name.port);
      return 0;
    },
    accept: (args, call) => this.accept(args, call),
    accept4: (args, call) => this.accept(args, call),
    connect: (args) => this.connect(args),
    close: (args) => {
      const fd = this.fd(args);
      const { flows } = this.env;
      this.env.sys.close(fd);
      for (let flow = flows.byFd(fd); flow !== undefined; flow = flows.byFd(fd))
        flow.fd = undefined;
      this.fds.delete(this.num(args, 0));
      if (this.lastSocket === fd) this.lastSocket = undefined;
      return 0;
    },
    shutdown: (args) => {
      const how = (['rd', 'wr', 'rdwr'] as const)[this.num(args, 1)];
      if (how === undefined) throw new KernelError('EINVAL');
      this.env.sys.shutdown(this.fd(args), how);
      return 0;
    },
    read: (args) => this.receive(args, (fd, count) => this.env.sys.read(fd, count)),
    recv: (args) => this.receiveMessage(args),
    recvfrom: (args) => this.receiveMessage(args),
    readv: async (args) => {
      const total = this.vectors(args[1]).reduce((sum, { length }) => sum + length, 0);
      return (await this.env.sys.read(this.fd(args), total)).length;
    },
    recvmsg: (args) => this.recvmsg(args),
    write: (args) =>
      this.env.sys.write(this.fd(args), this.buffer(this.arg(args, 1), this.num(args, 2))),
    writev: (args) => this.env.sys.write(this.fd(args), this.gathered(args[1])),
    send: (args) =>
      this.send(args, this.buffer(this.arg(args, 1), this.num(args, 2)), this.num(args, 3)),
    sendto: (args) =>
      this.send(
        args,
        this.buffer(this.arg(args, 1), this.num(args, 2)),
        this.num(args, 3),
        this.arg(args, 4),
      ),
    sendmsg: (args) => this.sendmsg(args),
    setsockopt: (args) => {
      const { values, sys } = this.env;
      const name = values.symbol(this.arg(args, 2)) ?? String(this.num(args, 2));
      sys.setsockopt(this.fd(args), name as SockOpt, this.optionValue(name, this.arg(args, 3)));
      return 0;
    },
    getsockopt: (args) => this.getsockopt(args),
    fcntl: (args) => this.fcntl(args),
    ioctl: (args) => this.ioctl(args),
    poll: (args) => this.poll(args),
    pipe: (args) => {
      const live = this.env.sys.pipe();
      const list = this.arg(args, 0);
      if (list.kind !== 'list') throw new ScriptError('pipe needs [a, b]');
      list.items.forEach((item, i) =>
        this.fds.set(this.env.values.number(item), live[i] as number),
      );
      return 0;
    },
    epoll_create: (_args, call) => this.opened(this.env.sys.io().epollCreate(), call),
    epoll_create1: (_args, call) => this.opened(this.env.sys.io().epollCreate(), call),
    epoll_ctl: (args) => this.epollCtl(args),
    epoll_wait: (args) => this.epollWait(args),
    splice: (args) =>
      this.env.sys
        .io()
        .splice(
          this.fd(args, 0),
          this.fd(args, 2),
          this.num(args, 4),
          (this.num(args, 5) & SPLICE_F_NONBLOCK) !== 0,
        ),
    sendfile: (args) => {
      const offset = this.arg(args, 2);
      return this.env.sys
        .io()
        .sendfile(
          this.fd(args, 0),
          this.fd(args, 1),
          offset.kind === 'list' ? this.env.values.number(this.pointee(offset)) : undefined,
          this.num(args, 3),
        );
    },
    open: (args, call) => {
      const path = this.arg(args, 0);
      if (path.kind !== 'string') throw new ScriptError('open needs a path');
      return this.opened(this.env.sys.open(path.value, this.num(args, 1)), call);
    },
  };

  private async accept(args: readonly Expr[], call: SystemCall): Promise<number> {
    const { sys, flows } = this.env;
    const { fd, peer } = await sys.accept(this.fd(args));
    const flags = args.length > 3 ? this.num(args, 3) : 0;
    if ((flags & SOCK_NONBLOCK) !== 0) sys.setNonblock(fd, true);
    this.types.set(fd, SOCK_STREAM);
    // One that was reset while it waited has no peer any more.
    const flow = 'port' in peer ? flows.byRemotePort(peer.port) : flows.current;
    if (flow !== undefined) flow.fd ??= fd;
    return this.opened(fd, call);
  }

  private async connect(args: readonly Expr[]): Promise<number> {
    const { sys, flows, remote } = this.env;
    const fd = this.fd(args);
    const to = this.address(args[1], remote);
    this.noteConnecting(fd, to);
    if (to.family === 'unspec') {
      const flow = flows.byFd(fd);
      if (flow !== undefined) flow.disconnected = true;
    }
    await sys.connect(fd, to);
    return 0;
  }

  private noteConnecting(fd: number, to: SockAddr): void {
    if (to.family !== 'inet' && to.family !== 'inet6') return;
    if (this.types.get(fd) !== SOCK_STREAM) return;
    const known = this.env.flows.byFd(fd);
    if (known === undefined || known.disconnected) this.env.flows.connecting(fd, to.port);
  }

  private async send(
    args: readonly Expr[],
    data: Uint8Array,
    flags: number,
    to?: Expr,
  ): Promise<number> {
    const fd = this.fd(args);
    const datagram = this.types.get(fd) !== SOCK_STREAM;
    const fastOpen = (flags & MSG_FASTOPEN) !== 0;
    // A stream has a peer; only Fast Open takes one here.
    if (to === undefined || !(datagram || fastOpen)) return this.env.sys.sendto(fd, data, flags);
    const address = this.address(to, this.env.remote);
    if (fastOpen) this.noteConnecting(fd, address);
    return this.env.sys.sendto(fd, data, flags, address);
  }

  private sendmsg(args: readonly Expr[]): Promise<number> {
    const fields = fieldsOf(this.arg(args, 1));
    const control = fields.get('msg_control');
    if (control?.kind === 'list' && control.items.length > 0)
      throw new ScriptError('sendmsg with control messages is not supported');
    return this.send(
      args,
      this.gathered(fields.get('msg_iov')),
      this.num(args, 2),
      fields.get('msg_name'),
    );
  }

  private async receive(
    args: readonly Expr[],
    read: (fd: number, count: number) => Promise<Uint8Array>,
  ): Promise<number> {
    const count = this.num(args, 2);
    const fd = this.fd(args);
    if (this.isNull(this.arg(args, 1)) && count > 0) throw new KernelError('EFAULT');
    return (await read(fd, count)).length;
  }

  private receiveMessage(args: readonly Expr[]): Promise<number> {
    return this.receive(args, async (fd, count) => {
      const { data } = await this.env.sys.recvmsg(fd, count, this.num(args, 3));
      return data;
    });
  }

  private async recvmsg(args: readonly Expr[]): Promise<number> {
    const { env } = this;
    const fields = fieldsOf(this.arg(args, 1));
    const total = this.vectors(fields.get('msg_iov')).reduce((sum, { length }) => sum + length, 0);
    const result = await env.sys.recvmsg(this.fd(args), total, this.num(args, 2));
    checkMessage(fields, result, env);
    return result.data.length;
  }

  // ---- options ----

  private optionValue(name: string, expr: Expr): SockOptValue {
    const inner = this.pointee(expr);
    if (inner.kind === 'string')
      return TEXT_OPTIONS.has(name)
        ? inner.value
        : Uint8Array.from(inner.value, (c) => c.charCodeAt(0));
    if (inner.kind !== 'struct') return this.env.values.number(inner);
    return [...fieldsOf(inner).values()].map((value) => this.env.values.number(value));
  }

  private getsockopt(args: readonly Expr[]): number {
    const { values, sys } = this.env;
    const name = values.symbol(this.arg(args, 2)) ?? String(this.num(args, 2));
    const got = sys.getsockopt(this.fd(args), name as SockOpt);
    const expr = this.arg(args, 3);
    if (expr.kind === 'any' || this.pointee(expr).kind === 'any') return 0;
    const wanted = this.optionValue(name, expr);
    const same =
      typeof wanted === 'object'
        ? typeof got === 'object' && wanted.every((value, i) => value === got[i])
        : got === wanted;
    if (!same) throw new ScriptError(`${name} is ${String(got)}, expected ${String(wanted)}`);
    return 0;
  }

  private fcntl(args: readonly Expr[]): number {
    const fd = this.fd(args);
    const description = this.env.task.fds.get(fd);
    switch (this.num(args, 1)) {
      case F_GETFL:
        return description.flags;
      case F_SETFL:
        this.env.sys.setNonblock(fd, (this.num(args, 2) & SOCK_NONBLOCK) !== 0);
        return 0;
      default:
        throw new ScriptError('fcntl command is not supported');
    }
  }

  private ioctl(args: readonly Expr[]): number {
    const description = this.env.task.fds.get(this.fd(args));
    if (!(description instanceof SocketDescription)) throw new KernelError('ENOTTY');
    const diag = description.sk.diag();
    const request = this.num(args, 1);
    let got: number;
    if (request === SIOCINQ) got = diag.recvQ;
    else if (request === SIOCOUTQ) got = diag.sendQ;
    else if (request === SIOCOUTQNSD) got = diag.tcpInfo?.['notsent_bytes'] ?? 0;
    else throw new KernelError('ENOTTY');
    const wanted = this.pointee(this.arg(args, 2));
    if (wanted.kind !== 'any' && this.env.values.number(wanted) !== got)
      throw new ScriptError(`ioctl gives ${got}, expected ${this.env.values.number(wanted)}`);
    return 0;
  }

  private epollCtl(args: readonly Expr[]): number {
    const op = ([undefined, 'add', 'del', 'mod'] as const)[this.num(args, 1)];
    if (op === undefined) throw new KernelError('EINVAL');
    const event = this.arg(args, 3);
    const fields = event.kind === 'struct' ? fieldsOf(event) : undefined;
    const { values, sys } = this.env;
    const events = fields?.get('events');
    const data =
      fields?.get('fd') ?? fields?.get('u32') ?? fields?.get('u64') ?? fields?.get('ptr');
    sys.io().epollCtl(this.fd(args), op, this.fd(args, 2), {
      events: events === undefined ? 0 : values.number(events),
      data: data === undefined ? 0 : values.number(data),
    });
    return 0;
  }

  /** Only the first event is described by a script. */
  private async epollWait(args: readonly Expr[]): Promise<number> {
    const { values, sys } = this.env;
    const timeout = this.num(args, 3);
    const ready = await sys
      .io()
      .epollWait(this.fd(args), this.num(args, 2), timeout < 0 ? undefined : timeout * 1e6);
    const expected = this.pointee(this.arg(args, 1));
    const [first] = ready;
    if (first === undefined || expected.kind !== 'struct') return ready.length;
    for (const [name, expr] of fieldsOf(expected)) {
      if (expr.kind === 'any') continue;
      const got = name === 'events' ? first.events : first.data;
      if (got !== values.number(expr))
        throw new ScriptError(`epoll ${name} is ${got}, expected ${values.number(expr)}`);
    }
    return ready.length;
  }

  private async poll(args: readonly Expr[]): Promise<number> {
    const list = this.arg(args, 0);
    if (list.kind !== 'list') throw new ScriptError('poll needs a list');
    const { values, sys } = this.env;
    const entries = list.items.map(fieldsOf);
    const field = (entry: ReadonlyMap<string, Expr>, name: string): number => {
      const expr = entry.get(name);
      return expr === undefined ? 0 : values.number(expr);
    };
    const fds = entries.map((entry) => ({
      fd: this.fds.get(field(entry, 'fd')) ?? -1,
      events: field(entry, 'events'),
    }));
    const timeout = this.num(args, 2);
    const ready = await sys.poll(fds, timeout < 0 ? undefined : timeout * 1e6);
    ready.forEach((events, i) => {
      const wanted = entries[i]?.get('revents');
      if (wanted !== undefined && wanted.kind !== 'any' && values.number(wanted) !== events)
        throw new ScriptError(
          `revents is 0x${events.toString(16)}, expected 0x${values.number(wanted).toString(16)}`,
        );
    });
    return ready.filter((events) => events !== 0).length;
  }
}
