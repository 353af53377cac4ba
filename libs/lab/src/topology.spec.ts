import fc from 'fast-check';
import { formatProblems, type Parsed } from './check.js';
import type { Topology } from './port.js';
import {
  parseLink,
  parseLinkPatch,
  parseNode,
  parseTopology,
  topologyDocument,
} from './topology.js';

const FULL = `
name: two-subnets
prefix: ""
mgmt: {network: x}
topology:
  defaults: {kind: linux, env: {A: "1", B: "2"}}
  kinds: {linux: {image: alpine, sysctls: {net.ipv4.ip_forward: 0, net.ipv4.tcp_sack: 1}, exec: [from-kind]}}
  groups: {core: {cpus: 4, binds: ["a:/x", "b:/y"]}}
  nodes:
    client:
    router:
      group: core
      image: frr
      sysctls: {net.ipv4.ip_forward: 1}
      env: {B: "3"}
      exec: ["ip addr add 10.1.0.1/24 dev eth1", "echo __clabNodeName__"]
      binds: ["./drop.o:/y:ro"]
    sw1: {kind: bridge}
  links:
    - endpoints: ["client:eth1", "router:eth1"]
      mtu: 1400
      vars: {netem: {rate: 1gbit, delay: 5ms, jitter: 1ms, loss: 0.1%, limit: 500}}
    - endpoints: ["router:eth2", "sw1:eth1"]
      vars: {netem: {delay: 10ms, a: {delay: 20ms, loss: 1}, z: {rate: 100}}}
    - type: veth
      endpoints: [{node: sw1, interface: eth2, mac: "02:00:00:00:00:01"}, {node: client, interface: eth2, ipv4: 10.0.0.1/24}]
`;

function good(source: string | object): Topology {
  const parsed = parseTopology(source);
  if (!parsed.ok) throw new Error(formatProblems(parsed.problems));
  return parsed.value;
}

function faults(
  source: string | object,
  parse: (s: string | object) => Parsed<unknown> = parseTopology,
): string[] {
  const parsed = parse(source);
  return parsed.ok ? [] : formatProblems(parsed.problems).split('\n');
}

describe('parseTopology', () => {
  test('applies inheritance: node, group, kind, defaults', () => {
    const { nodes } = good(FULL);
    expect(nodes.map((node) => [node.name, node.kind, node.cpus])).toEqual([
      ['client', 'linux', 1],
      ['router', 'linux', 4],
      ['sw1', 'bridge', 1],
    ]);
    const router = nodes[1];
    expect(router?.env).toEqual({ A: '1', B: '3' });
    expect(router?.sysctls).toEqual({ 'net.ipv4.ip_forward': '1', 'net.ipv4.tcp_sack': '1' });
    expect(router?.exec).toEqual(['ip addr add 10.1.0.1/24 dev eth1', 'echo router']);
    expect(router?.binds).toEqual([
      { source: 'a', target: '/x', readOnly: false },
      { source: './drop.o', target: '/y', readOnly: true },
    ]);
    expect(nodes[0]?.exec).toEqual(['from-kind']);
    expect(nodes[2]?.exec).toEqual([]);
  });

  test('reads impairments: common ones, per direction, bare numbers as containerlab', () => {
    const { links } = good(FULL);
    const common = { rateBits: 1e9, delayNs: 5e6, jitterNs: 1e6, loss: 0.001, limit: 500 };
    expect(links[0]).toMatchObject({ mtu: 1400, netem: { a: common, z: common } });
    expect(links[1]?.netem).toEqual({
      a: { delayNs: 20e6, loss: 0.01 },
      z: { delayNs: 10e6, rateBits: 100e3, limit: 1000 },
    });
    expect(links[2]).toMatchObject({
      a: { mac: '02:00:00:00:00:01' },
      z: { ipv4: '10.0.0.1/24' },
      mtu: 1500,
    });
  });

  test('reports ignored keys once', () => {
    const parsed = parseTopology(FULL);
    expect(parsed.ok && parsed.warnings).toEqual([
      'prefix: "prefix" has no effect here and is ignored',
      'mgmt: "mgmt" has no effect here and is ignored',
      'topology.kinds.linux.image: "image" has no effect here and is ignored (and 1 more)',
    ]);
  });

  test('takes JSON text and plain values', () => {
    const plain = { name: 'x', topology: { nodes: { a: null } } };
    expect(good(plain)).toEqual(good(JSON.stringify(plain)));
  });

  test('writes a file that means the same', () => {
    const { name, nodes, links } = good(FULL);
    const again = good(topologyDocument({ name, nodes, links }));
    expect({ nodes: again.nodes, links: again.links }).toEqual({ nodes, links });
  });

  const within = (inner: string): string =>
    `name: x\ntopology:\n  nodes: {router: {}, client: {}, sw: {kind: bridge}}\n${inner}`;
  test.each([
    ['', ['is required']],
    ['[]', ['must be a map, is a list']],
    ['a: [', expect.arrayContaining([expect.stringMatching(/^line 1, column/)])],
    ['topology: {nodes: {}}', ['name: is required']],
    ['name: x', ['topology: is required']],
    ['name: x\ntopology: {nodes: 3}', ['topology.nodes: must be a map, is 3']],
    [
      'name: "a b"\ntopolgy: {nodes: {}}',
      [
        'topolgy: unknown key (did you mean "topology"?)',
        'name: "a b" is no lab name: letters, digits, ".", "_" and "-", at most 64',
        'topology: is required',
      ],
    ],
    [
      within(
        '  links: [{endpoints: ["client:eth1", "router:eth1"]}, {endpoints: ["rotuer:eth1", "client:eth2"]}]',
      ),
      ['topology.links[1].endpoints[0]: no such node "rotuer" (did you mean "router"?)'],
    ],
    [
      within('  links: [{endpoints: ["client:eth1", "client:eth1"]}]'),
      [
        'topology.links[0].endpoints[1]: "client:eth1" is already an endpoint of topology.links[0].endpoints[0]',
      ],
    ],
    [
      within('  links: [{endpoints: ["client", "router:much-too-long-name"]}]'),
      [
        'topology.links[0].endpoints[0]: must be "node:interface", is "client"',
        'topology.links[0].endpoints[1]: interface name "much-too-long-name" is longer than 15 bytes',
      ],
    ],
    [
      within(
        '  links: [{endpoints: ["client:a/b", "sw:br0"]}, {endpoints: ["client:x"], mtu: 9}, {endpoints: ["host:x", "client:lo"]}]',
      ),
      [
        'topology.links[0].endpoints[0]: interface name "a/b" must not contain "/", ":" or white space',
        'topology.links[0].endpoints[1]: "br0" is the bridge itself',
        'topology.links[1].mtu: must be a whole number from 68 to 65535, is 9',
        'topology.links[1].endpoints: must have exactly two elements, has 1',
        'topology.links[2].endpoints[0]: links to "host" lead out of the lab and are not supported',
        'topology.links[2].endpoints[1]: interface name "lo" is taken',
      ],
    ],
    [
      within(
        '  links: [{endpoints: ["client:eth1", "router:eth1"], vars: {netem: {delay: 20, loss: 120%, dealy: 1ms, rate: fast, jitter: 1ms}}}]',
      ),
      [
        'topology.links[0].vars.netem.dealy: unknown key (did you mean "delay"?)',
        'topology.links[0].vars.netem.rate: must be a rate such as 10mbit (a bare number is kbit/s), is "fast"',
        'topology.links[0].vars.netem.delay: must be a time with its unit such as 20ms (at most 1h), is 20',
        'topology.links[0].vars.netem.loss: must be a percentage such as 0.1%, is "120%"',
        'topology.links[0].vars.netem: jitter needs a delay',
      ],
    ],
    [
      'name: x\ntopology: {nodes: {a: {kind: nokia_srlinux}, "b c": {exec: ip, cpus: many, sysctls: {"x y": 1}, binds: [x]}}}',
      [
        'topology.nodes["b c"].sysctls["x y"]: is no name of a sysctl',
        'topology.nodes["b c"].cpus: must be a whole number from 1 to 256, is "many"',
        'topology.nodes["b c"].exec: must be a list, is "ip"',
        'topology.nodes["b c"].binds[0]: must be "source:/target" or "source:/target:ro", is "x"',
        'topology.nodes["b c"]: is no node name: letters, digits, ".", "_", "|" and "-", at most 64',
        'topology.nodes.a.kind: unknown kind "nokia_srlinux"; known: linux, bridge',
      ],
    ],
  ])('refuses %j', (text, expected) => {
    const got = faults(text);
    if (Array.isArray(expected)) expect([...got].sort()).toEqual([...expected].sort());
    else expect(got).toEqual(expected);
  });

  test('no input makes it throw', () => {
    const keys = fc.constantFrom(
      'name',
      'topology',
      'nodes',
      'links',
      'kinds',
      'groups',
      'defaults',
      'endpoints',
      'vars',
      'netem',
      'a',
      'z',
      'kind',
      'exec',
      'binds',
      'sysctls',
      'delay',
      'loss',
      'mtu',
      'type',
      '__proto__',
      'constructor',
      'env',
      'labels',
      'ipv4',
    );
    const leaf = fc.oneof(
      fc.constantFrom(
        'a:eth1',
        'z:eth1',
        'linux',
        'bridge',
        'veth',
        '10ms',
        '5%',
        '',
        'a',
        'x:/y',
        '10.0.0.1/24',
      ),
      fc.integer(),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.string(),
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 6 },
        leaf,
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(keys, tie('tree'), { maxKeys: 6 }),
      ),
    }));
    const names = fc.dictionary(fc.constantFrom('a', 'z', 'b'), tree);
    const near = fc.record({
      name: fc.constant('x'),
      topology: fc.record({
        nodes: names,
        links: fc.array(fc.dictionary(keys, tree)),
        kinds: tree,
        groups: tree,
        defaults: tree,
      }),
    });
    fc.assert(
      fc.property(fc.oneof(tree, near), (value) => void parseTopology(value as object)),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(
        tree,
        (value) => void [parseNode(value as object), parseLinkPatch(value as object)],
      ),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.string(), (text) => void parseTopology(text)),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'&*a-:{}[]!|>\n  "\'#') }),
        (text) => void parseTopology(text),
      ),
      { numRuns: 1000 },
    );
  });

  test('survives alias bombs, cycles and depth', () => {
    const bomb = Array.from(
      { length: 12 },
      (_, i) =>
        `a${i}: &a${i} [${
          i === 0
            ? 'x'
            : Array(9)
                .fill(`*a${i - 1}`)
                .join(', ')
        }]`,
    ).join('\n');
    expect(parseTopology(bomb).ok).toBe(false);
    expect(parseTopology('name: x\ntopology: &t {nodes: {a: *t}}').ok).toBe(false);
    expect(parseTopology('['.repeat(20000)).ok).toBe(false);
    expect(parseTopology(`name: x\n__proto__: {polluted: 1}\ntopology: {nodes: {}}`).ok).toBe(
      false,
    );
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

describe('parts for a running lab', () => {
  test('a node', () => {
    expect(parseNode({ name: 'n', exec: ['true'], cpus: 2 })).toMatchObject({
      ok: true,
      value: { name: 'n', kind: 'linux', cpus: 2, exec: ['true'] },
    });
    expect(faults({ kind: 'x', foo: 1 }, parseNode)).toEqual(
      expect.arrayContaining([
        'name: is required',
        'kind: unknown kind "x"; known: linux, bridge',
        'foo: unknown key',
      ]),
    );
  });

  test('a link, against what the lab has', () => {
    const lab = {
      nodes: [
        { name: 'a', kind: 'linux' as const },
        { name: 'b', kind: 'linux' as const },
      ],
      used: ['a:eth1'],
    };
    expect(parseLink({ endpoints: ['a:eth2', 'b:eth1'], mtu: 9000 }, lab)).toMatchObject({
      ok: true,
      value: { mtu: 9000 },
    });
    expect(faults({ endpoints: ['a:eth1', 'c:eth1'] }, (s) => parseLink(s, lab))).toEqual([
      'endpoints[0]: "a:eth1" is already an endpoint of a link of the lab',
      'endpoints[1]: no such node "c" (did you mean "a"?)',
    ]);
  });

  test('a patch replaces the directions it names', () => {
    expect(parseLinkPatch({ up: false })).toMatchObject({ ok: true, value: { up: false } });
    expect(parseLinkPatch({ netem: { delay: '20ms', a: { loss: '1%' } } })).toMatchObject({
      value: { netem: { a: { delayNs: 20e6, loss: 0.01 }, z: { delayNs: 20e6 } } },
    });
    const one = parseLinkPatch({ netem: { z: { rate: '1mbit' } } });
    expect(one.ok && one.value.netem).toEqual({ z: { rateBits: 1e6, limit: 1000 } });
    const reset = parseLinkPatch({ netem: {} });
    expect(reset.ok && reset.value.netem).toEqual({ a: {}, z: {} });
    expect(faults({ down: true }, parseLinkPatch)).toEqual(['down: unknown key']);
  });
});
