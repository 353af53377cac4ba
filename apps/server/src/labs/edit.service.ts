/** Edits of a running lab: nodes and links come, change and go. Answers when the edit is on disk. */
import { Inject, Injectable } from '@nestjs/common';
import {
  parseLink,
  parseLinkPatch,
  type LinkDocument,
  type NodeDetail,
  type NodeSummary,
} from '@netloom/lab';
import type { ServerConfig } from '../config.js';
import { invalid, limitReached, notFound } from '../http/problem.js';
import { CONFIG } from '../tokens.js';
import { LabRegistry } from './lab-registry.js';
import { plain, readNode } from './topology-input.js';

@Injectable()
export class EditService {
  constructor(
    @Inject(LabRegistry) private readonly registry: LabRegistry,
    @Inject(CONFIG) private readonly config: ServerConfig,
  ) {}

  async addNode(lab: string, body: unknown): Promise<NodeSummary> {
    const session = this.registry.get(lab);
    const { node, files } = readNode(body);
    const { nodes } = await (await session.running()).info();
    if (nodes.length >= this.config.limits.nodesPerLab) {
      throw limitReached(`A lab holds at most ${this.config.limits.nodesPerLab} nodes.`);
    }
    return session.change((runner) => runner.addNode(node, files));
  }

  async removeNode(lab: string, node: string): Promise<void> {
    await this.registry.get(lab).change((runner) => runner.removeNode(node));
  }

  async nodes(lab: string): Promise<readonly NodeSummary[]> {
    return (await (await this.registry.get(lab).running()).info()).nodes;
  }

  async links(lab: string): Promise<readonly LinkDocument[]> {
    return (await (await this.registry.get(lab).running()).info()).links;
  }

  async node(lab: string, node: string): Promise<NodeDetail> {
    return (await this.registry.get(lab).running()).node(node);
  }

  async addLink(lab: string, body: unknown): Promise<LinkDocument> {
    const session = this.registry.get(lab);
    const { nodes, links } = await (await session.running()).info();
    const used = links.flatMap((link) =>
      link.endpoints.map((end) => `${end.node}:${end.interface}`),
    );
    const parsed = parseLink(plain(body), { nodes, used });
    if (!parsed.ok) throw invalid(parsed.problems);
    if (links.length >= this.config.limits.linksPerLab) {
      throw limitReached(`A lab holds at most ${this.config.limits.linksPerLab} links.`);
    }
    return session.change((runner) => runner.addLink(parsed.value));
  }

  async removeLink(lab: string, link: string): Promise<void> {
    await this.registry.get(lab).change((runner) => runner.removeLink(link));
  }

  async patchLink(lab: string, link: string, body: unknown): Promise<LinkDocument> {
    const session = this.registry.get(lab);
    await this.link(lab, link);
    const parsed = parseLinkPatch(plain(body));
    if (!parsed.ok) throw invalid(parsed.problems);
    return session.change((runner) => runner.patchLink(link, parsed.value));
  }

  async link(lab: string, link: string): Promise<LinkDocument> {
    const found = (await this.links(lab)).find(({ id }) => id === link);
    if (found === undefined) throw notFound(`There is no link "${link}" in the lab.`);
    return found;
  }
}
