/**
 * Topology files: containerlab's format with Netloom's additions, to a {@link Topology} with all inheritance applied.
 *
 * Caller: server, command line, scenarios → parseTopology → Lab. An invalid document is refused whole with every fault
 * by path; no input makes a parser throw. Sources: containerlab's manual, "Topology definition" and "Links".
 * Differences: `kind` is linux or bridge, an `exec` line is run by the node's shell, the default MTU is 1500, and
 * `${VARIABLES}` are left to the shell.
 */
import { Checker, Place, parseText, suggestion, type Parsed } from './check.js';
import { netemDocument, parseLinkPatchAt } from './netem.js';
import type {
  LinkPatch,
  NodeKind,
  Topology,
  TopologyBind,
  TopologyLink,
  TopologyNode,
} from './port.js';
import { DEFAULT_MTU, readLink, withLimits } from './topology-links.js';

export const NODE_KINDS = ['linux', 'bridge'] as const satisfies readonly NodeKind[];

const LAB_NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/;
const NODE_NAME = /^[a-zA-Z0-9][a-zA-Z0-9._|-]*$/;
const TOP_KEYS = ['name', 'topology'];
const TOP_IGNORED = ['prefix', 'mgmt', 'settings', 'debug'];
const TOPOLOGY_KEYS = ['defaults', 'kinds', 'groups', 'nodes', 'links'];
const NODE_KEYS = ['kind', 'group', 'cpus', 'exec', 'sysctls', 'binds', 'env', 'labels'];
const NODE_IGNORED = [
  'image',
  'image-pull-policy',
  'restart-policy',
  'license',
  'type',
  'startup-config',
  'startup-delay',
  'enforce-startup-config',
  'suppress-startup-config',
  'auto-remove',
  'volumes',
  'ports',
  'env-files',
  'credentials',
  'user',
  'hostname',
  'entrypoint',
  'cmd',
  'runtime',
  'mgmt-ipv4',
  'mgmt-ipv6',
  'mgmt_ipv4',
  'mgmt_ipv6',
  'network-mode',
  'link-apply-mode',
  'cpu',
  'memory',
  'cpu-set',
  'extras',
  'config',
  'stages',
  'dns',
  'certificate',
  'healthcheck',
  'components',
  'aliases',
  'shm-size',
  'cap-add',
  'privileged',
  'cgroupns-mode',
  'cgroup-parent',
  'pid-mode',
  'tmpfs',
  'security-opts',
  'devices',
  'position',
];

/** YAML or JSON text, or plain values, of a topology file. */
export function parseTopology(source: string | object): Parsed<Topology> {
  const checker = new Checker();
  const value = typeof source === 'string' ? parseText(checker, source) : source;
  if (checker.problems.length > 0) return checker.result(EMPTY);
  return checker.result(parseTopologyAt(new Place(checker, value, '')));
}

const EMPTY: Topology = { name: '', nodes: [], links: [], document: {} };

/** A whole topology file at a place of a larger document. */
export function parseTopologyAt(file: Place): Topology {
  if (!file.required() || !file.isMap()) return EMPTY;
  file.onlyKeys(TOP_KEYS, TOP_IGNORED);
  const name = file.key('name');
  name.required();
  const text = name.string();
  if (text !== undefined && (!LAB_NAME.test(text) || text.length > 64)) {
    name.problem(
      `"${text.slice(0, 80)}" is no lab name: letters, digits, ".", "_" and "-", at most 64`,
    );
  }
  return parseInnerTopology(file.key('topology'), text ?? '', file.value);
}

/** The map under `topology`, as a scenario carries it. */
export function parseInnerTopology(place: Place, name: string, document: unknown): Topology {
  if (!place.required() || !place.isMap()) return EMPTY;
  place.onlyKeys(TOPOLOGY_KEYS);
  const levels = inheritance(place);
  place.key('nodes').required();
  const nodes = place
    .key('nodes')
    .entries()
    .map(([node, at]) => finishNode(at, node, levels(readNode(at))));
  const known = new Map(nodes.map((node) => [node.name, node]));
  const links: TopologyLink[] = [];
  const used = new Map<string, string>();
  for (const at of place.key('links').items()) {
    const link = readLink(at, (node) => known.get(node)?.kind, [...known.keys()], used);
    if (link !== undefined) links.push(link);
  }
  return { name, nodes, links, document: plainCopy(document) };
}

/** A copy without anything a structured clone could not take; undefined members vanish. */
function plainCopy(value: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(value) ?? 'null') as unknown;
  } catch {
    return null; // values that JSON cannot express (cycles) come only from programs, not from files
  }
}

// --- nodes -----------------------------------------------------------------------------------------------------------

interface NodeLevel {
  readonly kind: string | undefined;
  readonly group: string | undefined;
  readonly cpus: number | undefined;
  readonly exec: string[] | undefined;
  readonly sysctls: Record<string, string> | undefined;
  readonly env: Record<string, string> | undefined;
  readonly labels: Record<string, string> | undefined;
  readonly binds: TopologyBind[] | undefined;
}

const SYSCTL = /^[a-zA-Z0-9_]+([./][a-zA-Z0-9_.@:-]+)+$/;

function readNode(place: Place): NodeLevel {
  place.isMap();
  place.onlyKeys(NODE_KEYS, NODE_IGNORED);
  const sysctls = place.key('sysctls');
  for (const [name, at] of sysctls.entries())
    if (!SYSCTL.test(name)) at.problem('is no name of a sysctl');
  return {
    kind: place.key('kind').string(),
    group: place.key('group').string(),
    cpus: place.key('cpus').integer(1, 256),
    exec: place.key('exec').strings(),
    sysctls: sysctls.present ? silent(sysctls).scalars() : undefined,
    env: place.key('env').scalars(),
    labels: place.key('labels').scalars(),
    binds: readBinds(place.key('binds')),
  };
}

/** The same place without a second report of what `entries` has already said. */
function silent(place: Place): Place {
  return typeof place.value === 'object' && !Array.isArray(place.value)
    ? place
    : new Place(place.checker, undefined, place.path);
}

function readBinds(place: Place): TopologyBind[] | undefined {
  if (!place.present) return undefined;
  const out: TopologyBind[] = [];
  for (const item of place.items()) {
    const text = item.string();
    if (text === undefined) continue;
    const [source = '', target = '', options = ''] = text.split(':');
    if (source === '' || !target.startsWith('/')) {
      item.problem(`must be "source:/target" or "source:/target:ro", is "${text.slice(0, 80)}"`);
      continue;
    }
    out.push({ source, target, readOnly: options.split(',').includes('ro') });
  }
  return out;
}

/** Reads defaults, kinds and groups once; returns what merges a node's own level over them. */
function inheritance(place: Place): (own: NodeLevel) => NodeLevel[] {
  const defaults = readNode(place.key('defaults'));
  const table = (key: string): Map<string, NodeLevel> =>
    new Map(
      place
        .key(key)
        .entries()
        .map(([name, at]) => [name, readNode(at)]),
    );
  const kinds = table('kinds');
  for (const name of kinds.keys()) {
    if (NODE_KINDS.some((kind) => kind === name)) continue;
    place.checker.warn(
      `${place.path}.kinds: kind "${name}" is not known here${suggestion(name, NODE_KINDS)}`,
    );
  }
  const groups = table('groups');
  return (own) => {
    const group = groups.get(own.group ?? defaults.group ?? '');
    const byKind = kinds.get(own.kind ?? group?.kind ?? defaults.kind ?? 'linux');
    return [own, group, byKind, defaults].filter((level) => level !== undefined);
  };
}

function finishNode(place: Place, name: string, levels: readonly NodeLevel[]): TopologyNode {
  if (!NODE_NAME.test(name) || name.length > 64) {
    place.problem('is no node name: letters, digits, ".", "_", "|" and "-", at most 64');
  }
  const first = <T>(pick: (level: NodeLevel) => T | undefined): T | undefined => {
    for (const level of levels) {
      const value = pick(level);
      if (value !== undefined) return value;
    }
    return undefined;
  };
  const merged = (
    pick: (level: NodeLevel) => Record<string, string> | undefined,
  ): Record<string, string> =>
    Object.fromEntries([...levels].reverse().flatMap((level) => Object.entries(pick(level) ?? {})));
  const kindText = first((level) => level.kind) ?? 'linux';
  const kind = NODE_KINDS.find((known) => known === kindText);
  if (kind === undefined) {
    const at = place.key('kind').present ? place.key('kind') : place;
    at.problem(
      `unknown kind "${kindText.slice(0, 60)}"${suggestion(kindText, NODE_KINDS)}; known: ${NODE_KINDS.join(', ')}`,
    );
  }
  const binds = new Map<string, TopologyBind>();
  for (const level of [...levels].reverse())
    for (const bind of level.binds ?? []) binds.set(bind.target, bind);
  const group = first((level) => level.group);
  return {
    name,
    kind: kind ?? 'linux',
    cpus: first((level) => level.cpus) ?? 1,
    exec: (first((level) => level.exec) ?? []).map((line) =>
      line.replaceAll('__clabNodeName__', name),
    ),
    sysctls: merged((level) => level.sysctls),
    env: merged((level) => level.env),
    labels: merged((level) => level.labels),
    binds: [...binds.values()],
    ...(group === undefined ? {} : { group }),
  };
}

// --- parts, for editing a running lab --------------------------------------------------------------------------------

/** A node of a running lab: `{name, kind?, exec?, …}`. */
export function parseNode(source: string | object): Parsed<TopologyNode> {
  return part(source, (place) => {
    const name = place.key('name');
    name.required();
    const rest = Object.fromEntries(
      place
        .entries()
        .filter(([key]) => key !== 'name')
        .map(([key, at]) => [key, at.value]),
    );
    const own = new Place(place.checker, rest, '');
    const level = readNode(own);
    const named = name.string() ?? '';
    const node = finishNode(own, named === '' ? 'x' : named, [level]);
    return { ...node, name: named };
  });
}

/** A link of a running lab, checked against its nodes and the endpoints in use. */
export function parseLink(
  source: string | object,
  lab: {
    readonly nodes: readonly { readonly name: string; readonly kind: NodeKind }[];
    readonly used: readonly string[];
  },
): Parsed<TopologyLink> {
  return part(source, (place) => {
    const kinds = new Map(lab.nodes.map((node) => [node.name, node.kind]));
    const used = new Map(lab.used.map((key) => [key, 'a link of the lab']));
    const link = readLink(place, (node) => kinds.get(node), [...kinds.keys()], used);
    return (
      link ?? {
        a: { node: '', interface: '' },
        z: { node: '', interface: '' },
        mtu: 0,
        netem: { a: {}, z: {} },
      }
    );
  });
}

/** `{up?, netem?}`. */
export function parseLinkPatch(source: string | object): Parsed<LinkPatch> {
  return part(source, (place) => {
    const patch = parseLinkPatchAt(place);
    if (patch.netem === undefined) return patch;
    const { a, z } = withLimits({ a: patch.netem.a ?? {}, z: patch.netem.z ?? {} });
    return { ...patch, netem: { ...(patch.netem.a && { a }), ...(patch.netem.z && { z }) } };
  });
}

function part<T>(source: string | object, read: (place: Place) => T): Parsed<T> {
  const checker = new Checker();
  const value = typeof source === 'string' ? parseText(checker, source) : source;
  const place = new Place(checker, value, '');
  if (checker.problems.length === 0 && place.required()) place.isMap();
  if (checker.problems.length > 0) return { ok: false, problems: checker.problems };
  return checker.result(read(place));
}

// --- back to a file --------------------------------------------------------------------------------------------------

/** A topology file that means this topology, with nothing left to inherit. */
export function topologyDocument(
  topology: Pick<Topology, 'name' | 'nodes' | 'links'>,
): Record<string, unknown> {
  const some = <T>(key: string, value: T, keep: boolean): Record<string, T> =>
    keep ? { [key]: value } : {};
  const nodes = topology.nodes.map((node): [string, unknown] => [
    node.name,
    {
      kind: node.kind,
      ...some('group', node.group, node.group !== undefined),
      ...some('cpus', node.cpus, node.cpus !== 1),
      ...some('sysctls', node.sysctls, Object.keys(node.sysctls).length > 0),
      ...some('env', node.env, Object.keys(node.env).length > 0),
      ...some('labels', node.labels, Object.keys(node.labels).length > 0),
      ...some(
        'binds',
        node.binds.map((bind) => `${bind.source}:${bind.target}${bind.readOnly ? ':ro' : ''}`),
        node.binds.length > 0,
      ),
      ...some('exec', node.exec, node.exec.length > 0),
    },
  ]);
  const links = topology.links.map((link) => {
    const long = [link.a, link.z].some((end) => end.mac !== undefined);
    const text = (family: 'ipv4' | 'ipv6'): string[] => [
      link.a[family] ?? '',
      link.z[family] ?? '',
    ];
    const netem = netemDocument(link.netem);
    return {
      ...(long
        ? { type: 'veth', endpoints: [link.a, link.z] }
        : {
            endpoints: [`${link.a.node}:${link.a.interface}`, `${link.z.node}:${link.z.interface}`],
            ...some(
              'ipv4',
              text('ipv4'),
              text('ipv4').some((t) => t !== ''),
            ),
            ...some(
              'ipv6',
              text('ipv6'),
              text('ipv6').some((t) => t !== ''),
            ),
          }),
      ...some('mtu', link.mtu, link.mtu !== DEFAULT_MTU),
      ...some('vars', { netem }, Object.keys(netem).length > 0),
    };
  });
  return { name: topology.name, topology: { nodes: Object.fromEntries(nodes), links } };
}
