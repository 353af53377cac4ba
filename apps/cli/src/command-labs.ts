/** `netloom deploy`, `destroy`, `inspect`: labs on a server. */
import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { formatProblems, parseTopology, type LabDocument } from '@netloom/lab';
import { parse as parseYaml } from 'yaml';
import { bindSource, filesBelow } from './bind-files.js';
import type { Output } from './command-test.js';
import { segment, type ServerClient } from './server-client.js';
import { table } from './table.js';

export interface DeployOptions {
  readonly topo: string;
  readonly seed?: number;
  readonly clock?: string;
  readonly json?: boolean;
  readonly reconfigure?: boolean;
}

/** Checks the file here, sends it with the files that it binds, and shows the lab. */
export async function deployCommand(
  client: ServerClient,
  options: DeployOptions,
  output: Output,
): Promise<number> {
  const text = readFileSync(options.topo, 'utf8');
  const parsed = parseTopology(text);
  if (!parsed.ok) {
    output.err(
      `netloom: ${options.topo} is no valid topology, nothing was deployed\n${formatProblems(parsed.problems).replace(/^/gm, '  ')}\n`,
    );
    return 1;
  }
  const { value: topology } = parsed;
  const baseDir = dirname(resolve(options.topo));
  const files: Record<string, string> = {};
  for (const { binds } of topology.nodes) {
    for (const { source } of binds) {
      for (const { name, path } of filesBelow(bindSource(source, baseDir))) {
        files[name === '' ? source : `${source.replace(/\/+$/, '')}/${name}`] =
          readFileSync(path).toString('base64');
      }
    }
  }
  const document = parseYaml(text, { maxAliasCount: 100 }) as object;
  const query = new URLSearchParams();
  if (options.seed !== undefined) query.set('seed', String(options.seed));
  if (options.clock !== undefined) query.set('clock', options.clock);
  if (options.reconfigure === true) await removeIfThere(client, topology.name);
  const lab = await client.json<LabDocument>(
    `/labs${query.size > 0 ? `?${query.toString()}` : ''}`,
    {
      method: 'POST',
      body: JSON.stringify(Object.keys(files).length > 0 ? { ...document, files } : document),
    },
  );
  for (const warning of lab.warnings) output.err(`netloom: ${warning}\n`);
  output.out(options.json === true ? `${JSON.stringify(lab, null, 2)}\n` : labTable([lab]));
  return 0;
}

async function removeIfThere(client: ServerClient, name: string): Promise<void> {
  const labs = await client.json<LabDocument[]>('/labs');
  if (labs.some((lab) => lab.name === name))
    await client.request(`/labs/${segment(name)}`, { method: 'DELETE' });
}

export interface DestroyOptions {
  readonly topo?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** Labs by name or id, by the name in a topology file, or all. */
export async function destroyCommand(
  client: ServerClient,
  labs: readonly string[],
  options: DestroyOptions,
  output: Output,
): Promise<number> {
  const names = [...labs];
  if (options.topo !== undefined) {
    const document = parseYaml(readFileSync(options.topo, 'utf8'), { maxAliasCount: 100 }) as {
      name?: unknown;
    } | null;
    if (typeof document?.name !== 'string') throw new Error(`${options.topo} has no name`);
    names.push(document.name);
  }
  if (options.all === true)
    names.push(...(await client.json<LabDocument[]>('/labs')).map((lab) => lab.id));
  if (names.length === 0 && options.all !== true)
    throw new Error('which lab? Give its name, -t FILE or --all');
  for (const name of names) {
    await client.request(`/labs/${segment(name)}`, { method: 'DELETE' });
    if (options.json !== true) output.out(`destroyed ${name}\n`);
  }
  if (options.json === true) output.out(`${JSON.stringify({ destroyed: names })}\n`);
  return 0;
}

export interface InspectOptions {
  readonly format?: 'table' | 'json';
  readonly json?: boolean;
  readonly details?: boolean;
}

/** All labs or one: containerlab's table, its JSON with `-f json`, or the server's own documents with `--json`. */
export async function inspectCommand(
  client: ServerClient,
  lab: string | undefined,
  options: InspectOptions,
  output: Output,
): Promise<number> {
  const labs =
    lab === undefined
      ? await client.json<LabDocument[]>('/labs')
      : [await client.json<LabDocument>(`/labs/${segment(lab)}`)];
  if (options.json === true || options.details === true)
    output.out(`${JSON.stringify(lab === undefined ? labs : labs[0], null, 2)}\n`);
  else if (options.format === 'json')
    output.out(`${JSON.stringify(containerlabJson(labs), null, 2)}\n`);
  else if (labs.length === 0) output.out('no labs\n');
  else output.out(labTable(labs));
  return 0;
}

const isIpv6 = (address: string): boolean => address.includes(':');

function labTable(labs: readonly LabDocument[]): string {
  const rows = labs.flatMap((lab) =>
    lab.nodes.map((node, i) => [
      i === 0 ? lab.name : '',
      node.name,
      node.kind,
      lab.state === 'running' ? 'running' : lab.state,
      node.addresses.length > 0 ? node.addresses.join('\n') : 'N/A',
    ]),
  );
  const empty = labs
    .filter((lab) => lab.nodes.length === 0)
    .map((lab) => [lab.name, '', '', lab.state, '']);
  return table(['Lab', 'Name', 'Kind', 'State', 'IPv4/6 Address'], [...rows, ...empty]);
}

/** What `containerlab inspect -f json` prints, with what a simulated lab has of it. */
export function containerlabJson(labs: readonly LabDocument[]): Record<string, unknown[]> {
  return Object.fromEntries(
    labs.map((lab) => [
      lab.name,
      lab.nodes.map((node) => ({
        lab_name: lab.name,
        labPath: '',
        absLabPath: '',
        name: node.name,
        container_id: lab.id,
        image: basename(node.kind),
        kind: node.kind,
        state: lab.state,
        status: lab.state === 'running' ? 'Up' : lab.state,
        ipv4_address: node.addresses.find((address) => !isIpv6(address)) ?? 'N/A',
        ipv6_address: node.addresses.find(isIpv6) ?? 'N/A',
        owner: '',
      })),
    ]),
  );
}
