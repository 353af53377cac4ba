/**
 * /proc/net/fib_trie and fib_triestat: the routes as the kernel's level-compressed trie holds them.
 *
 * The trie is made for the reader from the tables' prefixes by the kernel's rules of growth, which lead to one shape
 * whatever the order of insertion. Sources: net/ipv4/fib_trie.c (should_inflate(), fib_trie_seq_show()).
 */
import { formatIpv4 } from '@netloom/base';
import type { Net } from '@netloom/kernel-core';
import { ipv4Of, type FibRoute } from '@netloom/kernel-inet';

const RT_TABLE_MAIN = 254;
const RT_TABLE_LOCAL = 255;
const KEY_BITS = 32;
/** Per cent of used children from which a node doubles; the root does so earlier. */
const INFLATE_THRESHOLD = 50;
const INFLATE_THRESHOLD_ROOT = 30;
const LEAF_BYTES = 48;
const TNODE_BYTES = 40;
const ALIAS_BYTES = 56;
const POINTER_BYTES = 8;

interface Leaf {
  readonly key: number;
  readonly routes: readonly FibRoute[];
}

interface Tnode {
  readonly key: number;
  /** Lowest bit that it looks at, and how many. */
  readonly pos: number;
  readonly bits: number;
  readonly children: readonly (TrieNode | null)[];
}

type TrieNode = Leaf | Tnode;

const isTnode = (node: TrieNode): node is Tnode => 'children' in node;

function isFull(parentPos: number, child: TrieNode | null): boolean {
  return child !== null && isTnode(child) && child.pos + child.bits === parentPos;
}

function used(node: Tnode): { readonly full: number; readonly empty: number } {
  return {
    full: node.children.filter((child) => isFull(node.pos, child)).length,
    empty: node.children.filter((child) => child === null).length,
  };
}

/** A node over leaves that are sorted by key, as the kernel would have grown it. */
function build(leaves: readonly Leaf[], root: boolean): TrieNode | null {
  const first = leaves[0];
  const last = leaves[leaves.length - 1];
  if (first === undefined || last === undefined) return null;
  if (leaves.length === 1) return first;
  const top = KEY_BITS - Math.clz32(first.key ^ last.key); // the first bit in which they differ
  let node = grow(leaves, first.key, top - 1, 1);
  for (;;) {
    if (node.pos === 0) return node;
    const { full, empty } = used(node);
    const size = node.children.length;
    const filled = size - empty + full;
    const threshold = root ? INFLATE_THRESHOLD_ROOT : INFLATE_THRESHOLD;
    if (filled <= 1 || 50 * filled < threshold * size) return node;
    node = grow(leaves, first.key, node.pos - 1, node.bits + 1);
  }
}

function grow(leaves: readonly Leaf[], key: number, pos: number, bits: number): Tnode {
  const children: (TrieNode | null)[] = [];
  for (let i = 0; i < 2 ** bits; i++) {
    const part = leaves.filter((leaf) => ((leaf.key >>> pos) & (2 ** bits - 1)) === i);
    children.push(build(part, false));
  }
  const mask = pos + bits >= KEY_BITS ? 0 : (0xffffffff << (pos + bits)) >>> 0;
  return { key: (key & mask) >>> 0, pos, bits, children };
}

const SCOPES: Readonly<Record<number, string>> = {
  0: 'universe',
  200: 'site',
  253: 'link',
  254: 'host',
  255: 'nowhere',
};
const TYPES = [
  'UNSPEC',
  'UNICAST',
  'LOCAL',
  'BROADCAST',
  'ANYCAST',
  'MULTICAST',
  'BLACKHOLE',
  'UNREACHABLE',
  'PROHIBIT',
  'THROW',
] as const;

interface Shown {
  readonly name: string;
  readonly root: TrieNode | null;
}

/** The tables in the kernel's order; while no rule separates them, local and main are one trie. */
function tables(net: Net): Shown[] {
  const ipv4 = ipv4Of(net);
  const list = [...ipv4.tables.values()].sort((a, b) => (a.id & 255) - (b.id & 255));
  return list.map((table) => {
    const shared = !ipv4.customRules && (table.id === RT_TABLE_MAIN || table.id === RT_TABLE_LOCAL);
    const routes = shared ? [...ipv4.local.routes(), ...ipv4.main.routes()] : table.routes();
    const byKey = new Map<number, FibRoute[]>();
    for (const route of routes) byKey.set(route.dst, [...(byKey.get(route.dst) ?? []), route]);
    const leaves = [...byKey]
      .sort(([a], [b]) => a - b)
      .map(([key, of]) => ({ key, routes: [...of].sort((a, b) => b.dstLen - a.dstLen) }));
    const name =
      table.id === RT_TABLE_LOCAL
        ? 'Local:'
        : table.id === RT_TABLE_MAIN
          ? 'Main:'
          : `Id ${table.id}:`;
    return { name, root: build(leaves, true) };
  });
}

function nodeText(node: TrieNode, depth: number): string {
  const indent = '   '.repeat(depth);
  if (isTnode(node)) {
    const { full, empty } = used(node);
    const length = KEY_BITS - node.pos - node.bits;
    const head = `${indent}  +-- ${formatIpv4(node.key)}/${length} ${node.bits} ${full} ${empty}\n`;
    return (
      head +
      node.children.map((child) => (child === null ? '' : nodeText(child, depth + 1))).join('')
    );
  }
  let text = `${indent}  |-- ${formatIpv4(node.key)}\n`;
  for (const { dstLen, info } of node.routes) {
    const scope = SCOPES[info.scope] ?? `scope=${info.scope}`;
    const type = TYPES[info.type] ?? `type ${info.type}`;
    const tos = info.tos === 0 ? '' : ` tos=${info.tos}`;
    text += `${indent}     /${dstLen} ${scope} ${type}${tos}\n`;
  }
  return text;
}

export function procFibTrie(net: Net): string {
  return tables(net)
    .map(({ name, root }) => (root === null ? '' : `${name}\n${nodeText(root, 0)}`))
    .join('');
}

class Counted {
  leaves = 0;
  prefixes = 0;
  tnodes = 0;
  depths = 0;
  deepest = 0;
  nulls = 0;
  readonly sizes: number[] = [];

  walk(node: TrieNode, depth: number): void {
    if (!isTnode(node)) {
      this.leaves++;
      this.prefixes += node.routes.length;
      this.depths += depth;
      this.deepest = Math.max(this.deepest, depth);
      return;
    }
    this.tnodes++;
    this.sizes[node.bits] = (this.sizes[node.bits] ?? 0) + 1;
    for (const child of node.children) {
      if (child === null) this.nulls++;
      else this.walk(child, depth + 1);
    }
  }
}

export function procFibTriestat(net: Net): string {
  let text = `Basic info: size of leaf: ${LEAF_BYTES} bytes, size of tnode: ${TNODE_BYTES} bytes.\n`;
  for (const { name, root } of tables(net)) {
    if (root === null) continue;
    const n = new Counted();
    n.walk(root, 0);
    const average = Math.floor((n.depths * 100) / n.leaves);
    let pointers = 0;
    let sizes = '';
    n.sizes.forEach((count, bits) => {
      sizes += `  ${bits}: ${count}`;
      pointers += 2 ** bits * count;
    });
    const bytes =
      LEAF_BYTES * n.leaves +
      ALIAS_BYTES * n.prefixes +
      TNODE_BYTES * n.tnodes +
      POINTER_BYTES * pointers;
    text +=
      `${name}\n\tAver depth:     ${Math.floor(average / 100)}.${String(average % 100).padStart(2, '0')}\n` +
      `\tMax depth:      ${n.deepest}\n\tLeaves:         ${n.leaves}\n\tPrefixes:       ${n.prefixes}\n` +
      `\tInternal nodes: ${n.tnodes}\n\t${sizes}\n\tPointers: ${pointers}\nNull ptrs: ${n.nulls}\n` +
      `Total size: ${Math.floor((bytes + 1023) / 1024)}  kB\n`;
  }
  return text;
}
