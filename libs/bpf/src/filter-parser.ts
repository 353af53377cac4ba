/**
 * Recursive-descent parser of the filter language.
 *
 * Caller: compile.ts → parseFilter → filter-ast. Source: the grammar of pcap-filter(7). Two rules
 * shape it: `and` and `or` have the same precedence and group to the left, and an id without
 * qualifiers takes those of the primitive before it (`port 80 or 443`). Whether a parenthesis
 * holds arithmetic, ids or an expression is decided by looking at what surrounds it, so parsing is
 * linear but for that look.
 */

import type {
  Arith,
  ArithOp,
  Dir,
  Expr,
  IdValue,
  Proto,
  Qualifiers,
  Relation,
} from './filter-ast.js';
import { syntaxError } from './filter-error.js';
import { lexFilter } from './filter-lexer.js';
import type { Token } from './filter-lexer.js';
import { PROTOCOL_WORDS } from './filter-words.js';
import type { ProtocolWord } from './filter-words.js';

const PROTOCOLS: ReadonlySet<string> = new Set(PROTOCOL_WORDS);
const ARITHMETIC: ReadonlySet<string> = new Set([
  '+',
  '-',
  '*',
  '/',
  '%',
  '&',
  '|',
  '^',
  '<<',
  '>>',
]);
const RELATIONS: Readonly<Record<string, readonly [relation: Relation, reversed: boolean]>> = {
  '>': ['gt', false],
  '>=': ['ge', false],
  '=': ['eq', false],
  '<=': ['gt', true],
  '<': ['ge', true],
  '!=': ['eq', true],
};
/** Binding strength. `^` and `%` have none of their own: what follows them is taken first. */
const STRENGTH: Readonly<Record<string, number>> = {
  '|': 1,
  '&': 2,
  '<<': 3,
  '>>': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
};
const ADDRESS_WORDS: ReadonlySet<string> = new Set(['host', 'net', 'port', 'portrange']);
const TUNNEL_WORDS: ReadonlySet<string> = new Set(['vlan', 'mpls', 'pppoes', 'geneve', 'vxlan']);
const FOREIGN_WORDS: ReadonlySet<string> = new Set([
  'type',
  'subtype',
  'dir',
  'action',
  'reason',
  'ifname',
  'rset',
  'ruleset',
  'rnum',
  'srnum',
]);
/** Deepest nesting; far beyond any filter that a person writes. */
const MAX_DEPTH = 500;

interface Parsed {
  readonly expr: Expr;
  /** What an id after `and` or `or` inherits. */
  readonly q: Qualifiers | undefined;
}

/** The expression of a filter, or undefined for an empty one (which matches everything). */
export function parseFilter(text: string): Expr | undefined {
  const tokens = lexFilter(text);
  if (tokens.length === 1) return undefined;
  const parser = new Parser(tokens);
  const { expr } = parser.expression(undefined);
  parser.expectEnd();
  return expr;
}

class Parser {
  private at = 0;
  private depth = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  expectEnd(): void {
    if (this.peek().kind !== 'end') throw syntaxError();
  }

  expression(outer: Qualifiers | undefined): Parsed {
    let left = this.term(outer);
    for (;;) {
      const word = this.peek();
      if (word.kind !== 'keyword' || (word.text !== 'and' && word.text !== 'or')) return left;
      this.at++;
      const right = this.startsId(this.at) ? this.idOperand(left.q) : this.term(left.q);
      left = { expr: { type: word.text, left: left.expr, right: right.expr }, q: right.q };
    }
  }

  private idOperand(q: Qualifiers | undefined): Parsed {
    if (q === undefined) throw syntaxError();
    return { expr: this.id(q), q };
  }

  private term(outer: Qualifiers | undefined): Parsed {
    if (this.isWord('not')) {
      this.at++;
      return this.nested(() => {
        const inner = this.term(outer);
        return { expr: { type: 'not', operand: inner.expr }, q: inner.q };
      });
    }
    if (this.isOp('(') && !this.closesIntoArithmetic(this.at)) {
      this.at++;
      return this.nested(() => {
        const inner = this.expression(outer);
        this.expectOp(')');
        return { expr: inner.expr, q: outer };
      });
    }
    return this.primitive();
  }

  private primitive(): Parsed {
    const token = this.peek();
    if (token.kind !== 'keyword') return { expr: this.relation(), q: undefined };
    if (PROTOCOLS.has(token.text)) {
      const next = this.peek(1);
      if (next.kind === 'op' && next.text === '[') return { expr: this.relation(), q: undefined };
      this.at++;
      return this.qualified(token.text as ProtocolWord);
    }
    if (token.text === 'len') return { expr: this.relation(), q: undefined };
    return this.other() ?? this.qualified('default');
  }

  /** A primitive that is a keyword of its own. */
  private other(): Parsed | undefined {
    const { text } = this.peek();
    const done = (expr: Expr): Parsed => ({ expr, q: undefined });
    if (TUNNEL_WORDS.has(text)) {
      this.at++;
      const type = text as 'vlan' | 'mpls' | 'pppoes' | 'geneve' | 'vxlan';
      return done({ type, value: this.optionalNumber() });
    }
    if (FOREIGN_WORDS.has(text)) return this.foreign();
    switch (text) {
      case 'less':
      case 'greater':
        this.at++;
        return done({ type: text, value: this.number() });
      case 'ifindex':
        this.at++;
        return done({ type: text, value: this.number() });
      case 'inbound':
      case 'outbound':
      case 'pppoed':
        this.at++;
        return done({ type: text });
      case 'byte':
        this.at++;
        return done(this.byteTest());
      case 'llc':
        this.at++;
        return done({ type: 'llc', subtype: this.llcSubtype() });
      default:
        return undefined;
    }
  }

  /** Primitives of link types that this compiler does not know: parsed, to be refused by name. */
  private foreign(): Parsed {
    const word = this.next().text;
    if (this.peek().kind === 'end') throw syntaxError();
    this.at++;
    return { expr: { type: 'foreign', word }, q: undefined };
  }

  private byteTest(): Expr {
    const index = this.number();
    const op = this.next();
    if (op.kind !== 'op' || !['&', '|', '<', '>', '='].includes(op.text)) throw syntaxError();
    return { type: 'byte', index, op: op.text, value: this.number() };
  }

  private llcSubtype(): string | undefined {
    if (this.peek().kind !== 'id') return undefined;
    return this.next().text;
  }

  /** After an optional protocol: directions, kind, id; or broadcast; or the protocol alone. */
  private qualified(proto: Proto): Parsed {
    const start = this.at;
    if (this.isWord('broadcast') || this.isWord('multicast')) {
      const type = this.next().text as 'broadcast' | 'multicast';
      return { expr: { type, proto }, q: undefined };
    }
    if (this.isWord('proto') || this.isWord('protochain')) {
      const addr = this.next().text as 'proto' | 'protochain';
      return this.headId({ proto, dir: 'default', addr });
    }
    if (this.isWord('gateway')) {
      this.at++;
      return this.headId({ proto, dir: 'default', addr: 'gateway' });
    }
    if (FOREIGN_WORDS.has(this.peek().text) && this.peek().kind === 'keyword') {
      return this.foreign();
    }
    const dir = this.direction();
    const word = this.peek();
    if (word.kind === 'keyword' && ADDRESS_WORDS.has(word.text)) {
      this.at++;
      const addr = word.text as 'host' | 'net' | 'port' | 'portrange';
      return this.headId({ proto, dir, addr });
    }
    if (this.at > start) return this.headId({ proto, dir, addr: 'default' });
    if (proto === 'default') throw syntaxError();
    return { expr: { type: 'abbreviation', proto }, q: undefined };
  }

  private direction(): Dir {
    const first = this.peek();
    if (first.kind !== 'keyword') return 'default';
    if (/^(addr[1-4]|ra|ta)$/.test(first.text)) {
      this.at++;
      return 'addr';
    }
    if (first.text !== 'src' && first.text !== 'dst') return 'default';
    this.at++;
    const joint = this.peek();
    const second = this.peek(1);
    const opposite = first.text === 'src' ? 'dst' : 'src';
    if (
      joint.kind === 'keyword' &&
      (joint.text === 'or' || joint.text === 'and') &&
      second.kind === 'keyword' &&
      second.text === opposite
    ) {
      this.at += 2;
      return joint.text;
    }
    return first.text;
  }

  private headId(q: Qualifiers): Parsed {
    return { expr: this.id(q), q };
  }

  private id(q: Qualifiers): Expr {
    const token = this.next();
    if (token.kind === 'keyword' && token.text === 'not') {
      return this.nested(() => ({ type: 'not', operand: this.id(q) }));
    }
    if (token.kind === 'op' && token.text === '(') {
      return this.nested(() => {
        const inner = this.idList(q);
        this.expectOp(')');
        return inner;
      });
    }
    return { type: 'id', value: this.idValue(token), q };
  }

  private idList(q: Qualifiers): Expr {
    let left = this.id(q);
    while (this.isWord('and') || this.isWord('or')) {
      const type = this.next().text as 'and' | 'or';
      left = { type, left, right: this.id(q) };
    }
    return left;
  }

  private idValue(token: Token): IdValue {
    switch (token.kind) {
      case 'id':
        return { kind: 'name', name: token.text };
      case 'num':
        return { kind: 'number', value: token.value };
      case 'eid':
        return { kind: 'ether', text: token.text };
      case 'aid':
        return { kind: 'short', text: token.text };
      case 'hid':
        if (this.isOp('/')) {
          this.at++;
          return { kind: 'dotted', text: token.text, maskLength: this.number() };
        }
        if (this.isWord('mask')) {
          this.at++;
          const mask = this.next();
          if (mask.kind !== 'hid') throw syntaxError();
          return { kind: 'dotted', text: token.text, mask: mask.text };
        }
        return { kind: 'dotted', text: token.text };
      case 'hid6':
        if (this.isOp('/')) {
          this.at++;
          return { kind: 'ipv6', text: token.text, prefix: this.number() };
        }
        return { kind: 'ipv6', text: token.text, prefix: 128 };
      default:
        throw syntaxError();
    }
  }

  private relation(): Expr {
    const left = this.arith(0);
    const token = this.next();
    const found = token.kind === 'op' ? RELATIONS[token.text] : undefined;
    if (found === undefined) throw syntaxError();
    const right = this.arith(0);
    return { type: 'relation', relation: found[0], reversed: found[1], left, right };
  }

  private arith(strength: number): Arith {
    let left = this.operand();
    for (;;) {
      const token = this.peek();
      if (token.kind !== 'op' || !ARITHMETIC.has(token.text)) return left;
      const own = STRENGTH[token.text];
      if (own !== undefined && own <= strength) return left;
      this.at++;
      const right = this.nested(() => this.arith(own ?? 0));
      left = { type: 'binary', op: token.text as ArithOp, left, right };
    }
  }

  private operand(): Arith {
    const token = this.next();
    if (token.kind === 'num') return { type: 'number', value: token.value };
    if (token.kind === 'op' && token.text === '-') {
      return { type: 'negate', operand: this.nested(() => this.operand()) };
    }
    if (token.kind === 'op' && token.text === '(') {
      const inner = this.nested(() => this.arith(0));
      this.expectOp(')');
      return inner;
    }
    if (token.kind === 'keyword' && token.text === 'len') return { type: 'length' };
    if (token.kind === 'keyword' && PROTOCOLS.has(token.text)) {
      this.expectOp('[');
      const index = this.nested(() => this.arith(0));
      let size = 1;
      if (this.isOp(':')) {
        this.at++;
        size = this.number();
      }
      this.expectOp(']');
      return { type: 'load', proto: token.text as ProtocolWord, index, size };
    }
    throw syntaxError();
  }

  /** Whether an id, rather than a term, begins at `at` (after `and` or `or`). */
  private startsId(at: number): boolean {
    let i = at;
    while (this.wordAt(i, 'not') || (this.opAt(i, '(') && !this.closesIntoArithmetic(i))) i++;
    const token = this.tokens[i];
    if (token === undefined) return false;
    if (token.kind === 'num') {
      const next = this.tokens[i + 1];
      return !(
        next?.kind === 'op' &&
        (ARITHMETIC.has(next.text) || RELATIONS[next.text] !== undefined)
      );
    }
    return ['id', 'hid', 'hid6', 'eid', 'aid'].includes(token.kind);
  }

  /** Whether the parenthesis at `at` closes before an arithmetic or relational operator. */
  private closesIntoArithmetic(at: number): boolean {
    let depth = 0;
    for (let i = at; i < this.tokens.length; i++) {
      if (this.opAt(i, '(')) depth++;
      else if (this.opAt(i, ')') && --depth === 0) {
        const next = this.tokens[i + 1];
        return (
          next?.kind === 'op' && (ARITHMETIC.has(next.text) || RELATIONS[next.text] !== undefined)
        );
      }
    }
    return false;
  }

  private optionalNumber(): number | undefined {
    let i = this.at;
    while (this.opAt(i, '(')) i++;
    return this.tokens[i]?.kind === 'num' ? this.parenthesisedNumber() : undefined;
  }

  private parenthesisedNumber(): number {
    if (!this.isOp('(')) return this.number();
    this.at++;
    const value = this.nested(() => this.parenthesisedNumber());
    this.expectOp(')');
    return value;
  }

  private number(): number {
    const token = this.next();
    if (token.kind !== 'num') throw syntaxError();
    return token.value;
  }

  private nested<T>(parse: () => T): T {
    if (++this.depth > MAX_DEPTH) throw syntaxError();
    const result = parse();
    this.depth--;
    return result;
  }

  private peek(ahead = 0): Token {
    return this.tokens[this.at + ahead] ?? { kind: 'end', text: '', value: 0 };
  }

  private next(): Token {
    const token = this.peek();
    this.at++;
    return token;
  }

  private wordAt(i: number, text: string): boolean {
    const token = this.tokens[i];
    return token?.kind === 'keyword' && token.text === text;
  }

  private opAt(i: number, text: string): boolean {
    const token = this.tokens[i];
    return token?.kind === 'op' && token.text === text;
  }

  private isWord(text: string): boolean {
    return this.wordAt(this.at, text);
  }

  private isOp(text: string): boolean {
    return this.opAt(this.at, text);
  }

  private expectOp(text: string): void {
    if (!this.isOp(text)) throw syntaxError();
    this.at++;
  }
}
