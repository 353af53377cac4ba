/** Labs as a whole: make, list, show, delete; their topology as a file. */
import { Inject, Injectable } from '@nestjs/common';
import { topologyDocument, type LabDocument } from '@netloom/lab';
import { CapturesService } from '../captures/captures.service.js';
import type { ServerConfig } from '../config.js';
import { invalid } from '../http/problem.js';
import type { CreateQuery } from '../http/schemas.js';
import { LabStore } from '../store/lab-store.js';
import { decode } from '../store/journal-codec.js';
import { CONFIG } from '../tokens.js';
import { LabRegistry } from './lab-registry.js';
import { readTopology } from './topology-input.js';

@Injectable()
export class LabsService {
  constructor(
    @Inject(LabRegistry) private readonly registry: LabRegistry,
    @Inject(CapturesService) private readonly captures: CapturesService,
    @Inject(LabStore) private readonly store: LabStore,
    @Inject(CONFIG) private readonly config: ServerConfig,
  ) {}

  async create(body: unknown, query: CreateQuery): Promise<LabDocument> {
    const input = readTopology(body);
    const { nodesPerLab, linksPerLab } = this.config.limits;
    const faults = [
      ...tooMany('topology.nodes', input.topology.nodes.length, nodesPerLab),
      ...tooMany('topology.links', input.topology.links.length, linksPerLab),
    ];
    if (faults.length > 0) throw invalid(faults);
    const session = await this.registry.create({
      ...input,
      seed: query.seed ?? 1,
      clock: { mode: query.clock ?? 'realtime', rate: query.rate ?? 1 },
      restore: query.restore ?? 'replay',
    });
    return session.document();
  }

  list(): Promise<LabDocument[]> {
    return Promise.all(this.registry.all().map((session) => session.document()));
  }

  show(lab: string): Promise<LabDocument> {
    return this.registry.get(lab).document();
  }

  async remove(lab: string): Promise<void> {
    const session = this.registry.get(lab);
    await this.registry.remove(session);
    await this.captures.forgetLab(session.facts.id);
  }

  /** As it is now, edits included; as it was sent where the lab cannot be asked. */
  async topology(lab: string): Promise<object> {
    const session = this.registry.get(lab);
    if (session.state === 'running') {
      const topology = await session.runner.topology();
      return topologyDocument(topology);
    }
    const stored = await this.store.lab(session.facts.id);
    return stored === null
      ? {}
      : topologyDocument(decode<Parameters<typeof topologyDocument>[0]>(stored.topology));
  }
}

function tooMany(path: string, count: number, limit: number): { path: string; message: string }[] {
  return count > limit
    ? [{ path, message: `this server takes at most ${limit}, these are ${count}` }]
    : [];
}
