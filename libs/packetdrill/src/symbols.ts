/**
 * The C names that scripts use, with x86-64 Linux's numbers. Sources: the headers under include/uapi.
 */
import { Errno, parseIpv4 } from '@netloom/base';
import type { Expr } from './ast.js';
import { ScriptError } from './ast.js';

const OPEN_FLAGS = {
  O_RDONLY: 0,
  O_WRONLY: 1,
  O_RDWR: 2,
  O_CREAT: 0o100,
  O_TRUNC: 0o1000,
  O_APPEND: 0o2000,
  O_NONBLOCK: 0o4000,
};

const SOCKET = {
  AF_UNSPEC: 0,
  AF_INET: 2,
  AF_INET6: 10,
  PF_INET: 2,
  PF_INET6: 10,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_RAW: 3,
  SOCK_NONBLOCK: 0o4000,
  SOCK_CLOEXEC: 0o2000000,
  IPPROTO_IP: 0,
  IPPROTO_ICMP: 1,
  IPPROTO_TCP: 6,
  IPPROTO_UDP: 17,
  IPPROTO_IPV6: 41,
  IPPROTO_ICMPV6: 58,
  IPPROTO_MPTCP: 262,
  INADDR_ANY: 0,
  SHUT_RD: 0,
  SHUT_WR: 1,
  SHUT_RDWR: 2,
  SOL_SOCKET: 1,
  SOL_IP: 0,
  SOL_IPV6: 41,
  SOL_TCP: 6,
  SOL_UDP: 17,
};

const FCNTL = {
  F_GETFD: 1,
  F_SETFD: 2,
  F_GETFL: 3,
  F_SETFL: 4,
  FD_CLOEXEC: 1,
};

const IOCTL = { SIOCINQ: 0x541b, FIONREAD: 0x541b, SIOCOUTQ: 0x5411, SIOCOUTQNSD: 0x894b };

const MSG = {
  MSG_OOB: 1,
  MSG_PEEK: 2,
  MSG_DONTROUTE: 4,
  MSG_CTRUNC: 8,
  MSG_TRUNC: 0x20,
  MSG_DONTWAIT: 0x40,
  MSG_EOR: 0x80,
  MSG_WAITALL: 0x100,
  MSG_CONFIRM: 0x800,
  MSG_ERRQUEUE: 0x2000,
  MSG_NOSIGNAL: 0x4000,
  MSG_MORE: 0x8000,
  MSG_ZEROCOPY: 0x4000000,
  MSG_FASTOPEN: 0x20000000,
};

const EVENTS = {
  POLLIN: 1,
  POLLPRI: 2,
  POLLOUT: 4,
  POLLERR: 8,
  POLLHUP: 16,
  POLLNVAL: 32,
  POLLRDHUP: 0x2000,
  EPOLLIN: 1,
  EPOLLPRI: 2,
  EPOLLOUT: 4,
  EPOLLERR: 8,
  EPOLLHUP: 16,
  EPOLLRDNORM: 0x40,
  EPOLLRDBAND: 0x80,
  EPOLLWRNORM: 0x100,
  EPOLLWRBAND: 0x200,
  EPOLLMSG: 0x400,
  EPOLLRDHUP: 0x2000,
  EPOLLEXCLUSIVE: 1 << 28,
  EPOLLONESHOT: 1 << 30,
  EPOLLET: 2 ** 31,
  EPOLL_CTL_ADD: 1,
  EPOLL_CTL_DEL: 2,
  EPOLL_CTL_MOD: 3,
};

const ERROR_QUEUE = {
  IP_RECVERR: 11,
  IPV6_RECVERR: 25,
  SCM_TIMESTAMPING: 37,
  SCM_TIMESTAMPNS: 35,
  TCP_CM_INQ: 36,
  SO_EE_ORIGIN_NONE: 0,
  SO_EE_ORIGIN_LOCAL: 1,
  SO_EE_ORIGIN_ICMP: 2,
  SO_EE_ORIGIN_ICMP6: 3,
  SO_EE_ORIGIN_TIMESTAMPING: 4,
  SO_EE_ORIGIN_ZEROCOPY: 5,
  SO_EE_CODE_ZEROCOPY_COPIED: 1,
  SCM_TSTAMP_SND: 0,
  SCM_TSTAMP_SCHED: 1,
  SCM_TSTAMP_ACK: 2,
  SOF_TIMESTAMPING_TX_HARDWARE: 1,
  SOF_TIMESTAMPING_TX_SOFTWARE: 2,
  SOF_TIMESTAMPING_RX_HARDWARE: 4,
  SOF_TIMESTAMPING_RX_SOFTWARE: 8,
  SOF_TIMESTAMPING_SOFTWARE: 16,
  SOF_TIMESTAMPING_SYS_HARDWARE: 32,
  SOF_TIMESTAMPING_RAW_HARDWARE: 64,
  SOF_TIMESTAMPING_OPT_ID: 128,
  SOF_TIMESTAMPING_TX_SCHED: 256,
  SOF_TIMESTAMPING_TX_ACK: 512,
  SOF_TIMESTAMPING_OPT_CMSG: 1024,
  SOF_TIMESTAMPING_OPT_TSONLY: 2048,
  SOF_TIMESTAMPING_OPT_STATS: 4096,
};

const OPTION_VALUES = {
  IP_PMTUDISC_DONT: 0,
  IP_PMTUDISC_WANT: 1,
  IP_PMTUDISC_DO: 2,
  IP_PMTUDISC_PROBE: 3,
  IP_PMTUDISC_INTERFACE: 4,
  IP_PMTUDISC_OMIT: 5,
  SPLICE_F_MOVE: 1,
  SPLICE_F_NONBLOCK: 2,
  SPLICE_F_MORE: 4,
  TCP_FASTOPEN_KEY: 33,
  NULL: 0,
};

const C_NAMES: ReadonlyMap<string, number> = new Map(
  [OPEN_FLAGS, SOCKET, FCNTL, IOCTL, MSG, EVENTS, ERROR_QUEUE, OPTION_VALUES, Errno].flatMap(
    (table) => Object.entries(table),
  ),
);

/** Evaluates expressions of system calls; `words` are what `-D` defined. */
export class Values {
  constructor(private readonly words: ReadonlyMap<string, string>) {}

  number(expr: Expr): number {
    switch (expr.kind) {
      case 'number':
        return expr.value;
      case 'name':
        return this.name(expr.name);
      case 'unary': {
        const value = this.number(expr.operand);
        return expr.op === '-' ? -value : expr.op === '~' ? ~value : Number(value === 0);
      }
      case 'binary':
        return binary(expr.op, this.number(expr.left), this.number(expr.right));
      case 'call':
        return this.call(expr.name, expr.args);
      default:
        throw new ScriptError(`a ${expr.kind} is no number`);
    }
  }

  private name(name: string): number {
    const word = this.words.get(name);
    if (word !== undefined)
      return /^(?:0x[0-9a-fA-F]+|\d+)$/.test(word) ? Number(word) : this.name(word);
    const value = C_NAMES.get(name);
    if (value === undefined) throw new ScriptError(`unknown name ${name}`);
    return value;
  }

  private call(name: string, args: readonly Expr[]): number {
    const [first] = args;
    if (first !== undefined && (name === 'htons' || name === 'htonl')) return this.number(first);
    if (first?.kind === 'string' && name === 'inet_addr') {
      const address = parseIpv4(first.value);
      if (address !== undefined) return address;
    }
    throw new ScriptError(`unknown function ${name}`);
  }

  /** The C name behind an expression, with words replaced: socket options are asked for by name. */
  symbol(expr: Expr): string | undefined {
    return expr.kind === 'name' ? (this.words.get(expr.name) ?? expr.name) : undefined;
  }
}

function binary(op: string, a: number, b: number): number {
  // Flags reach to bit 31: keep them unsigned.
  switch (op) {
    case '|':
      return (a | b) >>> 0;
    case '&':
      return (a & b) >>> 0;
    case '^':
      return (a ^ b) >>> 0;
    case '<<':
      return a * 2 ** b;
    case '>>':
      return Math.floor(a / 2 ** b);
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    default:
      return Math.trunc(a / b);
  }
}

/** A structure's fields by name; those without a name by their place. */
export function fieldsOf(expr: Expr): ReadonlyMap<string, Expr> {
  if (expr.kind !== 'struct') throw new ScriptError('expected a structure');
  return new Map(expr.fields.map(({ name, value }, i) => [name ?? String(i), value]));
}
