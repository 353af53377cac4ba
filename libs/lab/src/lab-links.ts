/**
 * The links of a lab: cards at both ends, the wire between them, outside machines on the wire.
 *
 * Lab → this → Hardware, rtnetlink of the hosts. A link's id (`l1`, `l2` …) is never given out twice.
 */
import { formatMac, KernelError, parseIpv4, parseIpv6, parseMac } from '@netloom/base';
import { AF_INET, AF_INET6, Iff } from '@netloom/sys';
import type { Hardware, LabNic, LabWire, WireAttachment } from './hardware.js';
import type { LabNode, NodeTable } from './lab-nodes.js';
import { rootSys } from './node-detail.js';
import {
  LabError,
  type CaptureSource,
  type Impairment,
  type LinkDocument,
  type LinkPatch,
  type TopologyEndpoint,
  type TopologyLink,
} from './port.js';
import { BRIDGE_DEVICE } from './topology-links.js';

export interface LabLink {
  readonly id: string;
  readonly spec: TopologyLink;
  readonly a: LabNic;
  readonly z: LabNic;
  readonly wire: LabWire;
  up: boolean;
  netem: { a: Impairment; z: Impairment };
}

export class LinkTable {
  private readonly links = new Map<string, LabLink>();
  private readonly attachments = new Map<
    string,
    { readonly link: LabLink; readonly wire: WireAttachment }
  >();
  private made = 0;

  constructor(
    private readonly hardware: Hardware,
    private readonly nodes: NodeTable,
    private readonly newMac: () => Uint8Array,
  ) {}

  all(): LabLink[] {
    return [...this.links.values()];
  }

  get(id: string): LabLink {
    const link = this.links.get(id);
    if (link === undefined) throw new LabError('not-found', `no such link "${id}"`);
    return link;
  }

  /** The id of the link that was made last. */
  get newest(): string {
    return `l${this.made}`;
  }

  /** Cards, wire, both ends up. Refused before anything is changed. */
  make(spec: TopologyLink): LabLink {
    const ends = [spec.a, spec.z].map((end) => ({ end, node: this.nodes.get(end.node) }));
    for (const { end, node } of ends) {
      if (node.machine.kernel.initNet.devByName(end.interface) === undefined) continue;
      throw new LabError(
        'conflict',
        `node "${end.node}" already has an interface "${end.interface}"`,
      );
    }
    const id = `l${++this.made}`;
    const [a, z] = ends.map(({ end, node }) => {
      const given = end.mac === undefined ? undefined : parseMac(end.mac);
      return node.machine.addNic(end.interface, { mac: given ?? this.newMac(), mtu: spec.mtu });
    });
    if (a === undefined || z === undefined) throw new LabError('failed', 'a link has two ends');
    const wire = this.hardware.wire(id, a, z);
    wire.setImpairment('a', spec.netem.a);
    wire.setImpairment('z', spec.netem.z);
    const link: LabLink = { id, spec, a, z, wire, up: true, netem: { ...spec.netem } };
    this.links.set(id, link);
    for (const { end, node } of ends) this.bringUp(node, end);
    return link;
  }

  private bringUp(node: LabNode, end: TopologyEndpoint): void {
    const sys = rootSys(node.machine.tasks);
    const ifname = end.interface;
    sys.rtnl('RTM_SETLINK', { ifname, flags: Iff.IFF_UP, flagsMask: Iff.IFF_UP });
    if (node.spec.kind === 'bridge') {
      const [bridge] = sys.rtnl('RTM_GETLINK', { ifname: BRIDGE_DEVICE });
      if (bridge !== undefined) sys.rtnl('RTM_SETLINK', { ifname, master: bridge.ifindex });
    }
    const [link] = sys.rtnl('RTM_GETLINK', { ifname });
    for (const text of [end.ipv4, end.ipv6]) {
      if (text === undefined || link === undefined) continue;
      const [host = '', length = '0'] = text.split('/');
      const local = parseIpv4(host) ?? parseIpv6(host);
      if (local === undefined) continue;
      const family = typeof local === 'number' ? AF_INET : AF_INET6;
      try {
        const { ifindex } = link;
        sys.rtnl('RTM_NEWADDR', { family, ifindex, prefixlen: Number(length), local });
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        this.nodes.warnings.push(`${end.node}: ${text} on ${ifname}: ${error.message}`);
      }
    }
  }

  /** Takes wire and cards away; answers the attachments that have ended with them. */
  remove(id: string): string[] {
    const link = this.get(id);
    const ended = [...this.attachments]
      .filter(([, attached]) => attached.link === link)
      .map(([name]) => name);
    for (const attachment of ended) this.detach(attachment);
    link.wire.remove();
    this.nodes.find(link.spec.a.node)?.machine.removeNic(link.a);
    this.nodes.find(link.spec.z.node)?.machine.removeNic(link.z);
    this.links.delete(id);
    return ended;
  }

  /** Answers whether carrier changed. */
  patch(id: string, patch: LinkPatch): boolean {
    const link = this.get(id);
    for (const side of ['a', 'z'] as const) {
      const value = patch.netem?.[side];
      if (value === undefined) continue;
      link.netem[side] = value;
      link.wire.setImpairment(side, value);
    }
    if (patch.up === undefined || patch.up === link.up) return false;
    link.up = patch.up;
    link.wire.setUp(patch.up);
    return true;
  }

  /** The link whose end is this interface, by the name that the interface has now. */
  find({
    node,
    interface: name,
  }: CaptureSource): { readonly link: LabLink; readonly side: 'a' | 'z' } | undefined {
    for (const link of this.links.values()) {
      for (const side of ['a', 'z'] as const) {
        if (link.spec[side].node === node && link[side].dev.name === name) return { link, side };
      }
    }
    return undefined;
  }

  attach(id: string, source: CaptureSource, onFrame: (frame: Uint8Array) => void): void {
    const found = this.find(source);
    if (found === undefined) {
      this.nodes.get(source.node);
      throw new LabError(
        'not-found',
        `node "${source.node}" has no link at an interface "${source.interface}"`,
      );
    }
    const { link, side } = found;
    this.attachments.set(id, { link, wire: link.wire.attach(side, onFrame) });
  }

  detach(id: string): void {
    this.attachments.get(id)?.wire.detach();
    this.attachments.delete(id);
  }

  sendFrame(id: string, frame: Uint8Array): void {
    this.attachments.get(id)?.wire.send(frame);
  }

  describe({ id, spec, a, z, up, netem }: LabLink): LinkDocument {
    const end = ({ node }: TopologyEndpoint, nic: LabNic): LinkDocument['endpoints'][number] => ({
      node,
      interface: nic.dev.name,
      mac: formatMac(nic.dev.address),
    });
    const endpoints = [end(spec.a, a), end(spec.z, z)] as const;
    return { id, endpoints, mtu: spec.mtu, up, netem: { a: netem.a, z: netem.z } };
  }

  /** The links as a topology file has them, with the impairments of now. */
  specs(): TopologyLink[] {
    return this.all().map(({ spec, netem }) => ({ ...spec, netem: { a: netem.a, z: netem.z } }));
  }
}
