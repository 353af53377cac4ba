/**
 * What a filter says, before any code exists. Built by filter-parser.ts, walked by filter-gen.ts in
 * source order.
 */

import type { ProtocolWord } from './filter-words.js';

export type Proto = ProtocolWord | 'default';
export type Dir = 'default' | 'src' | 'dst' | 'or' | 'and' | 'addr';
export type AddressKind =
  'default' | 'host' | 'net' | 'port' | 'portrange' | 'gateway' | 'proto' | 'protochain';

/** `undefined` where nothing has qualified yet: an id there is a syntax error. */
export interface Qualifiers {
  readonly proto: Proto;
  readonly dir: Dir;
  readonly addr: AddressKind;
}

export type Relation = 'eq' | 'gt' | 'ge';
export type ArithOp = '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '<<' | '>>';

export type Arith =
  | { readonly type: 'number'; readonly value: number }
  | { readonly type: 'length' }
  | { readonly type: 'negate'; readonly operand: Arith }
  | {
      readonly type: 'load';
      readonly proto: ProtocolWord;
      readonly index: Arith;
      readonly size: number;
    }
  | { readonly type: 'binary'; readonly op: ArithOp; readonly left: Arith; readonly right: Arith };

export type IdValue =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'number'; readonly value: number }
  | {
      readonly kind: 'dotted';
      readonly text: string;
      readonly maskLength?: number;
      readonly mask?: string;
    }
  | { readonly kind: 'ipv6'; readonly text: string; readonly prefix: number }
  | { readonly kind: 'ether'; readonly text: string }
  | { readonly kind: 'short'; readonly text: string };

export type Expr =
  | { readonly type: 'and' | 'or'; readonly left: Expr; readonly right: Expr }
  | { readonly type: 'not'; readonly operand: Expr }
  | { readonly type: 'id'; readonly value: IdValue; readonly q: Qualifiers }
  | { readonly type: 'abbreviation'; readonly proto: ProtocolWord }
  | {
      readonly type: 'relation';
      readonly relation: Relation;
      readonly reversed: boolean;
      readonly left: Arith;
      readonly right: Arith;
    }
  | { readonly type: 'broadcast' | 'multicast'; readonly proto: Proto }
  | { readonly type: 'less' | 'greater' | 'ifindex'; readonly value: number }
  | {
      readonly type: 'byte';
      readonly index: number;
      readonly op: string;
      readonly value: number;
    }
  | { readonly type: 'inbound' | 'outbound' | 'pppoed' }
  | {
      readonly type: 'vlan' | 'mpls' | 'pppoes' | 'geneve' | 'vxlan';
      readonly value: number | undefined;
    }
  | { readonly type: 'llc'; readonly subtype: string | undefined }
  | { readonly type: 'foreign'; readonly word: string };
