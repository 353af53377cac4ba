/**
 * Brings a lab back after a restart, from what the database knows.
 *
 * Normally all its inputs are replayed at their virtual times, as fast as the machine goes: the simulation is
 * deterministic, so every address, process and connection is as it was (docs/decisions/0010). A lab that says so, whose
 * journal has grown too long, or whose replay takes too long is re-created instead: topology, edits and files.
 */
import type { BindFile, CreateRequest, LabRunner, Topology } from '@netloom/lab';
import type { LabEntity } from '../store/entities.js';
import { decode } from '../store/journal-codec.js';
import { isStructural, type StoredEntry, type StructuralInput } from '../store/lab-store.js';
import { withTimeout } from './timeout.js';

export const SIGHUP = 1;

export function createRequest(lab: LabEntity): CreateRequest {
  return {
    id: lab.id,
    topology: decode<Topology>(lab.topology),
    seed: lab.seed,
    clock: { mode: lab.clockMode, rate: lab.clockRate },
    files: decode<BindFile[]>(lab.files),
    warnings: decode<string[]>(lab.warnings),
  };
}

/** Throws `TimeoutError` when the replay has not ended in time; the runner is of no use then. */
export async function replay(
  runner: LabRunner,
  lab: LabEntity,
  journal: readonly StoredEntry[],
  limitMs: number,
): Promise<void> {
  const entries = journal.map(({ entry }) => entry);
  const replayUntilNs = Math.max(entries.at(-1)?.timeNs ?? 0, lab.reachedNs);
  await withTimeout(
    runner.create({ ...createRequest(lab), replay: entries, replayUntilNs }),
    limitMs,
  );
}

/**
 * What had its other end outside went with the old process: as after a lost login, commands get SIGHUP.
 * Returns the positions of the commands that this has ended.
 */
export async function hangUp(
  runner: LabRunner,
  journal: readonly StoredEntry[],
): Promise<number[]> {
  const attached = new Set<string>();
  const positions: number[] = [];
  for (const { entry, ended } of journal) {
    const { input } = entry;
    if (input.type === 'start' && !ended) {
      await runner.signal(input.process, SIGHUP);
      positions.push(entry.sequence);
    }
    if (input.type === 'attach') attached.add(input.attachment);
    if (input.type === 'detach') attached.delete(input.attachment);
  }
  for (const attachment of attached) await runner.detach(attachment);
  return positions;
}

/** Builds the lab anew and applies its edits in their order. */
export async function recreate(
  runner: LabRunner,
  lab: LabEntity,
  journal: readonly StoredEntry[],
): Promise<void> {
  await runner.create(createRequest(lab));
  for (const { entry } of journal) if (isStructural(entry.input)) await apply(runner, entry.input);
}

async function apply(runner: LabRunner, input: StructuralInput): Promise<unknown> {
  switch (input.type) {
    case 'add-node':
      return runner.addNode(input.node, input.files);
    case 'remove-node':
      return runner.removeNode(input.node);
    case 'add-link':
      return runner.addLink(input.link);
    case 'remove-link':
      return runner.removeLink(input.link);
    case 'patch-link':
      return runner.patchLink(input.link, input.patch);
    case 'write-file':
      return runner.writeFile(input.node, input.path, input.data, input.mode);
  }
}
