/** A lab's virtual time: its pace is a setting of the lab, and outlives the server. */
import { Inject, Injectable } from '@nestjs/common';
import type { ClockDocument, ClockPatch } from '@netloom/lab';
import type { ClockBody } from '../http/schemas.js';
import { LabStore } from '../store/lab-store.js';
import { LabRegistry } from './lab-registry.js';

@Injectable()
export class ClockService {
  constructor(
    @Inject(LabRegistry) private readonly registry: LabRegistry,
    @Inject(LabStore) private readonly store: LabStore,
  ) {}

  async show(lab: string): Promise<ClockDocument> {
    return (await this.registry.get(lab).running()).clock();
  }

  async patch(lab: string, body: ClockBody): Promise<ClockDocument> {
    const session = this.registry.get(lab);
    const patch: ClockPatch = {
      ...(body.mode === undefined ? {} : { mode: body.mode }),
      ...(body.rate === undefined ? {} : { rate: body.rate }),
    };
    const clock = await (await session.running()).setClock(patch);
    await this.store.setClock(session.facts.id, clock.mode, clock.rate, clock.nowNs);
    return clock;
  }

  async step(lab: string, byNs: number): Promise<ClockDocument> {
    const session = this.registry.get(lab);
    const clock = await (await session.running()).step(byNs);
    await session.journal?.commit(clock.nowNs);
    return clock;
  }
}
