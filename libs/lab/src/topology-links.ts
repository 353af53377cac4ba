/**
 * Links of a topology file: containerlab's brief form, its extended form of type veth, and their checks.
 *
 * topology.ts → this → netem.ts. Endpoints are checked against the nodes and against each other.
 */
import { parseIpv4, parseIpv6, parseMac } from '@netloom/base';
import { suggestion, type Place } from './check.js';
import { DEFAULT_QUEUE_PACKETS, parseNetem } from './netem.js';
import type { Impairment, NodeKind, TopologyEndpoint, TopologyLink } from './port.js';

/** The switch inside a node of kind bridge. */
export const BRIDGE_DEVICE = 'br0';
export const DEFAULT_MTU = 1500;

const LINK_TYPES = ['veth', 'veth-stitch'] as const;
/** What containerlab takes for its host's side, unless a node is called so. */
const OUTSIDE = ['host', 'mgmt-net', 'macvlan'];

/** Why a text is no interface name of Linux, or undefined. @kernel net/core/dev.c dev_valid_name() */
export function interfaceNameFault(name: string): string | undefined {
  const quoted = `"${name.slice(0, 60)}"`;
  if (name === '') return 'the interface name is missing';
  if (new TextEncoder().encode(name).length > 15)
    return `interface name ${quoted} is longer than 15 bytes`;
  if (name === '.' || name === '..') return `${quoted} is no interface name`;
  if (/[/:\s\0]/.test(name))
    return `interface name ${quoted} must not contain "/", ":" or white space`;
  if (name === 'lo' || name === 'all' || name === 'default')
    return `interface name ${quoted} is taken`;
  return undefined;
}

function readEndpoint(place: Place, type: string | undefined): TopologyEndpoint | undefined {
  if (!place.present) return place.problem('is required');
  if (typeof place.value === 'string' && type === undefined) {
    const colon = place.value.indexOf(':');
    if (colon < 0)
      return place.problem(`must be "node:interface", is "${place.value.slice(0, 80)}"`);
    return { node: place.value.slice(0, colon), interface: place.value.slice(colon + 1) };
  }
  if (typeof place.value === 'string')
    return place.problem('must be a map of node and interface in a link with a type');
  if (!place.isMap()) return undefined;
  place.onlyKeys(['node', 'interface', 'mac', 'ipv4', 'ipv6', 'vars']);
  if (!place.key('node').required() || !place.key('interface').required()) return undefined;
  const node = place.key('node').string();
  const name = place.key('interface').string();
  const macAt = place.key('mac');
  const mac = macAt.string();
  if (mac !== undefined) {
    const bytes = parseMac(mac);
    if (bytes === undefined || ((bytes[0] ?? 0) & 1) !== 0)
      macAt.problem(`"${mac}" is no unicast MAC address`);
  }
  const ipv4 = address(place.key('ipv4'), 4);
  const ipv6 = address(place.key('ipv6'), 6);
  if (node === undefined || name === undefined) return undefined;
  return {
    node,
    interface: name,
    ...(mac === undefined ? {} : { mac }),
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
  };
}

/** An address with prefix length; empty text means none. */
function address(place: Place, family: 4 | 6): string | undefined {
  const text = place.string();
  if (text === undefined || text === '') return undefined;
  const [host = '', length, rest] = text.split('/');
  const valid = family === 4 ? parseIpv4(host) !== undefined : parseIpv6(host) !== undefined;
  const bits = length !== undefined && /^\d{1,3}$/.test(length) ? Number(length) : -1;
  if (valid && rest === undefined && bits >= 0 && bits <= (family === 4 ? 32 : 128)) return text;
  return place.problem(
    `must be an IPv${family} address with prefix length, is "${text.slice(0, 60)}"`,
  );
}

function checkEndpoint(
  place: Place,
  end: TopologyEndpoint,
  kindOf: (node: string) => NodeKind | undefined,
  nodes: readonly string[],
  used: Map<string, string>,
): void {
  const kind = kindOf(end.node);
  if (kind === undefined && OUTSIDE.includes(end.node)) {
    place.problem(`links to "${end.node}" lead out of the lab and are not supported`);
  } else if (kind === undefined) {
    place.problem(`no such node "${end.node.slice(0, 60)}"${suggestion(end.node, nodes)}`);
  }
  const fault = interfaceNameFault(end.interface);
  if (fault !== undefined) place.problem(fault);
  else if (kind === 'bridge' && end.interface === BRIDGE_DEVICE)
    place.problem(`"${BRIDGE_DEVICE}" is the bridge itself`);
  const key = `${end.node}:${end.interface}`;
  const before = used.get(key);
  if (before !== undefined)
    place.problem(`"${key.slice(0, 80)}" is already an endpoint of ${before}`);
  else used.set(key, place.path);
}

/** One link; `used` gathers endpoints with the place where they stand. */
export function readLink(
  place: Place,
  kindOf: (node: string) => NodeKind | undefined,
  nodes: readonly string[],
  used: Map<string, string>,
): TopologyLink | undefined {
  if (!place.present) return place.problem('is required');
  if (!place.isMap()) return undefined;
  const type = place.key('type').present
    ? place.key('type').oneOf(LINK_TYPES, 'link type')
    : undefined;
  if (place.key('type').present && type === undefined) return undefined;
  place.onlyKeys([
    'type',
    'endpoints',
    'mtu',
    'vars',
    'labels',
    ...(type === undefined ? ['ipv4', 'ipv6'] : []),
  ]);
  const mtu = place.key('mtu').integer(68, 65535) ?? DEFAULT_MTU;
  const vars = place.key('vars');
  const netem = vars.isMap() ? withLimits(parseNetem(vars.key('netem'))) : { a: {}, z: {} };
  const at = place.key('endpoints');
  if (!at.required()) return undefined;
  const items = at.items();
  if (items.length !== 2) {
    if (Array.isArray(at.value)) at.problem(`must have exactly two elements, has ${items.length}`);
    return undefined;
  }
  const ends = items.map((item) => {
    const end = readEndpoint(item, type);
    if (end !== undefined) checkEndpoint(item, end, kindOf, nodes, used);
    return end;
  });
  const ipv4 = pairOfAddresses(place.key('ipv4'), 4);
  const ipv6 = pairOfAddresses(place.key('ipv6'), 6);
  const [a, z] = ends.map((end, i) => end && { ...end, ...ipv4[i], ...ipv6[i] });
  return a === undefined || z === undefined ? undefined : { a, z, mtu, netem };
}

function pairOfAddresses(
  place: Place,
  family: 4 | 6,
): ({ ipv4: string } | { ipv6: string } | undefined)[] {
  const items = place.items();
  if (items.length > 2) place.problem(`must have at most two elements, has ${items.length}`);
  return items.map((item) => {
    const text = address(item, family);
    if (text === undefined) return undefined;
    return family === 4 ? { ipv4: text } : { ipv6: text };
  });
}

/** A rate has a bounded queue even where the file does not say how long. */
export function withLimits(netem: { a: Impairment; z: Impairment }): {
  a: Impairment;
  z: Impairment;
} {
  const limited = (value: Impairment): Impairment =>
    value.rateBits === undefined || value.limit !== undefined
      ? value
      : { ...value, limit: DEFAULT_QUEUE_PACKETS };
  return { a: limited(netem.a), z: limited(netem.z) };
}
