/**
 * ss's filters: state names, and expressions such as `( dport = :80 or sport = :80 ) and dst 10.0.0.0/8`.
 */
import { parseIpv6, servicePort } from '@netloom/base';
import type { IpAddr, SockAddr, SockDiagEntry } from '@netloom/sys';
import { samePrefix, tryPrefix } from '../args.js';
import { CommandExit } from '../command.js';
import { SS_USAGE } from './usage.js';

export const SS_ALL = 0xfff & ~1;
const LISTEN = 1 << 10;
const CLOSE = 1 << 7;
const TIME_WAIT = 1 << 6;
const SYN_RECV = 1 << 3;
export const SS_ESTABLISHED = 1 << 1;
export const SS_CLOSE = CLOSE;
export const SS_LISTENING = LISTEN | CLOSE;
/** What is shown of TCP where nothing is said. */
export const SS_CONNECTED = SS_ALL & ~(LISTEN | CLOSE | TIME_WAIT | SYN_RECV);

const STATES: Readonly<Record<string, number>> = {
  established: 1 << 1,
  estab: 1 << 1,
  'syn-sent': 1 << 2,
  'syn-recv': SYN_RECV,
  'fin-wait-1': 1 << 4,
  'fin-wait-2': 1 << 5,
  'time-wait': TIME_WAIT,
  unconnected: CLOSE,
  closed: CLOSE,
  close: CLOSE,
  'close-wait': 1 << 8,
  'last-ack': 1 << 9,
  listening: LISTEN,
  listen: LISTEN,
  closing: 1 << 11,
  all: SS_ALL,
  connected: SS_ALL & ~(CLOSE | LISTEN),
  synchronized: SS_ALL & ~(CLOSE | LISTEN | (1 << 2)),
  bucket: SYN_RECV | TIME_WAIT,
  big: SS_ALL & ~(SYN_RECV | TIME_WAIT),
};

/** Bits of a state name. */
export function stateBits(name: string): number {
  const key = name.toLowerCase();
  const bits = Object.hasOwn(STATES, key) ? STATES[key] : undefined;
  if (bits === undefined) throw new CommandExit(255, `ss: wrong state name: ${name}\n`);
  return bits;
}

export type Predicate = (entry: SockDiagEntry) => boolean;

function syntaxError(): CommandExit {
  return new CommandExit(
    255,
    `ss: bison bellows (while parsing filter): "syntax error!" Sorry.\n${SS_USAGE}`,
  );
}

function addressOf(address: SockAddr): IpAddr | undefined {
  return address.family === 'inet' || address.family === 'inet6' ? address.addr : undefined;
}

function portOf(address: SockAddr): number {
  return address.family === 'inet' || address.family === 'inet6' ? address.port : 0;
}

function parsePort(text: string): number {
  if (/^\d+$/.test(text) && Number(text) <= 65535) return Number(text);
  const port = servicePort(text, 'tcp') ?? servicePort(text, 'udp');
  if (port === undefined) {
    throw new CommandExit(
      1,
      `Error: "${text}" does not look like a port.\nCannot parse dst/src address.\n`,
    );
  }
  return port;
}

/** `10.0.0.0/8:80`, `:80`, `[::1]:80`, `inet:10.0.0.1`. */
function hostPredicate(text: string, side: 'local' | 'peer'): Predicate {
  let rest = text.replace(/^(inet|inet6|unix|link|netlink|packet):(?=.)/, '');
  let port: number | undefined;
  const bracket = /^\[(.*)\](?::(.*))?$/.exec(rest);
  if (bracket !== null) {
    rest = bracket[1] ?? '';
    if (bracket[2] !== undefined && bracket[2] !== '*') port = parsePort(bracket[2]);
  } else if (parseIpv6(rest.replace(/\/\d+$/, '')) === undefined) {
    const colon = rest.lastIndexOf(':');
    if (colon >= 0) {
      const portText = rest.slice(colon + 1);
      if (portText !== '' && portText !== '*') port = parsePort(portText);
      rest = rest.slice(0, colon);
    }
  }
  const prefix = rest === '' || rest === '*' ? undefined : tryPrefix(rest, 0);
  if (rest !== '' && rest !== '*' && prefix === undefined) {
    throw new CommandExit(
      1,
      `Error: an inet prefix is expected rather than "${rest}".\nCannot parse dst/src address.\n`,
    );
  }
  return (entry) => {
    const address = entry[side];
    if (port !== undefined && portOf(address) !== port) return false;
    if (prefix === undefined || prefix.length === 0) return true;
    const own = addressOf(address);
    return own !== undefined && samePrefix(own, prefix.address, prefix.length);
  };
}

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '=': (a, b) => a === b,
  '==': (a, b) => a === b,
  eq: (a, b) => a === b,
  '!=': (a, b) => a !== b,
  ne: (a, b) => a !== b,
  neq: (a, b) => a !== b,
  '<': (a, b) => a < b,
  lt: (a, b) => a < b,
  '>': (a, b) => a > b,
  gt: (a, b) => a > b,
  '<=': (a, b) => a <= b,
  le: (a, b) => a <= b,
  leq: (a, b) => a <= b,
  '>=': (a, b) => a >= b,
  ge: (a, b) => a >= b,
  geq: (a, b) => a >= b,
};

class Parser {
  private at = 0;

  constructor(
    private readonly tokens: readonly string[],
    private readonly ifindexOf: (name: string) => number,
  ) {}

  parse(): Predicate {
    const result = this.or();
    if (this.at < this.tokens.length) throw syntaxError();
    return result;
  }

  private peek(): string {
    return this.tokens[this.at] ?? '';
  }

  private take(): string {
    const token = this.tokens[this.at++];
    if (token === undefined) throw syntaxError();
    return token;
  }

  private or(): Predicate {
    let left = this.and();
    while (['or', '|', '||'].includes(this.peek())) {
      this.at++;
      const a = left;
      const b = this.and();
      left = (entry) => a(entry) || b(entry);
    }
    return left;
  }

  private and(): Predicate {
    let left = this.not();
    for (;;) {
      const next = this.peek();
      if (next === '' || next === ')' || ['or', '|', '||'].includes(next)) return left;
      if (['and', '&', '&&'].includes(next)) this.at++;
      const a = left;
      const b = this.not();
      left = (entry) => a(entry) && b(entry);
    }
  }

  private not(): Predicate {
    if (this.peek() === 'not' || this.peek() === '!') {
      this.at++;
      const inner = this.not();
      return (entry) => !inner(entry);
    }
    if (this.peek() === '(') {
      this.at++;
      const inner = this.or();
      if (this.take() !== ')') throw syntaxError();
      return inner;
    }
    return this.condition();
  }

  private condition(): Predicate {
    const word = this.take();
    if (word === 'sport' || word === 'dport') {
      const side = word === 'sport' ? 'local' : 'peer';
      const operator = this.take();
      const compare = Object.hasOwn(COMPARISONS, operator) ? COMPARISONS[operator] : undefined;
      if (compare === undefined) throw syntaxError();
      const port = parsePort(this.take().replace(/^.*:/, ''));
      return (entry) => compare(portOf(entry[side]), port);
    }
    if (word === 'src' || word === 'dst') {
      const side = word === 'src' ? 'local' : 'peer';
      let negate = false;
      if (['=', '==', 'eq'].includes(this.peek())) this.at++;
      else if (['!=', 'ne', 'neq'].includes(this.peek())) {
        this.at++;
        negate = true;
      }
      const matches = hostPredicate(this.take(), side);
      return negate ? (entry) => !matches(entry) : matches;
    }
    if (word === 'dev') {
      if (['=', '==', 'eq'].includes(this.peek())) this.at++;
      const ifindex = this.ifindexOf(this.take());
      return (entry) => entry.ifindex === ifindex;
    }
    if (word === 'autobound') return () => false;
    return hostPredicate(word, 'peer');
  }
}

/** The words after the options as a predicate; no words match everything. */
export function parseFilter(
  words: readonly string[],
  ifindexOf: (name: string) => number,
): Predicate {
  const tokens = words.join(' ').match(/\(|\)|&&?|\|\|?|!=|!|<=|>=|==|=|<|>|[^\s()&|!<>=]+/g) ?? [];
  return tokens.length === 0 ? () => true : new Parser(tokens, ifindexOf).parse();
}
