/**
 * Topologies, nodes and links as requests carry them, to what a lab takes; every fault is listed, nothing half done.
 *
 * Beside the parser's own format a request may carry `files`: a map of the paths that `binds` name (relative to the
 * topology file) to base64 contents, since over REST there is no folder to read from. A folder is all paths below it.
 */
import { parse as parseYaml, stringify } from 'yaml';
import {
  parseNode,
  parseTopology,
  type BindFile,
  type Problem,
  type Topology,
  type TopologyNode,
} from '@netloom/lab';
import { invalid, malformed, PROBLEM_TYPES, ProblemError } from '../http/problem.js';
import { messageOf } from '../thrown.js';

type Fields = Readonly<Record<string, unknown>>;
type Contents = ReadonlyMap<string, Uint8Array>;

export interface TopologyInput {
  readonly topology: Topology;
  readonly files: readonly BindFile[];
  readonly warnings: readonly string[];
  /** As it was sent, without its files. */
  readonly source: string;
}

/** A body that is an object (JSON) or text (YAML); throws 400 for malformed text, 422 with all faults. */
export function readTopology(body: unknown): TopologyInput {
  const { document, contents, problems } = splitFiles(plain(body));
  const parsed = parseTopology(document);
  if (!parsed.ok) throw invalid([...parsed.problems, ...problems]);
  if (problems.length > 0) throw invalid(problems);
  const bound = bindFiles(parsed.value.nodes, contents);
  return {
    topology: parsed.value,
    files: bound.files,
    warnings: [...parsed.warnings, ...bound.warnings],
    source: typeof body === 'string' && contents.size === 0 ? body : stringify(document),
  };
}

export function readNode(body: unknown): {
  readonly node: TopologyNode;
  readonly files: readonly BindFile[];
} {
  const { document, contents, problems } = splitFiles(plain(body));
  const parsed = parseNode(document);
  if (!parsed.ok) throw invalid([...parsed.problems, ...problems]);
  if (problems.length > 0) throw invalid(problems);
  return { node: parsed.value, files: bindFiles([parsed.value], contents).files };
}

/** A JSON body as it is, a YAML one parsed; anything but a map is refused. */
export function plain(body: unknown): object {
  const value = typeof body === 'string' ? yamlValue(body) : body;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  if (body === undefined)
    throw malformed('The request has no body; send JSON or YAML with its Content-Type.');
  throw invalid([{ path: '', message: 'must be a map' }]);
}

function yamlValue(text: string): unknown {
  try {
    return parseYaml(text, { maxAliasCount: 100, logLevel: 'error' }) as unknown;
  } catch (error) {
    const message = messageOf(error);
    throw new ProblemError(400, `The YAML is malformed: ${message}`, PROBLEM_TYPES.validation, [
      { path: '', message },
    ]);
  }
}

function splitFiles(body: object): { document: object; contents: Contents; problems: Problem[] } {
  const { files, ...document } = body as Fields;
  const problems: Problem[] = [];
  const contents = new Map<string, Uint8Array>();
  if (files === undefined || files === null) return { document, contents, problems };
  if (typeof files !== 'object' || Array.isArray(files)) {
    return {
      document,
      contents,
      problems: [{ path: 'files', message: 'must be a map of paths to base64 text' }],
    };
  }
  for (const [path, text] of Object.entries(files as Fields)) {
    if (typeof text === 'string' && /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text)) {
      contents.set(normalised(path), new Uint8Array(Buffer.from(text, 'base64')));
    } else {
      problems.push({ path: `files[${JSON.stringify(path)}]`, message: 'must be base64 text' });
    }
  }
  return { document, contents, problems };
}

/** `./a//b/` is `a/b`. */
function normalised(path: string): string {
  const start = path.startsWith('/') ? '/' : '';
  return (
    start +
    path
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .join('/')
  );
}

function bindFiles(
  nodes: readonly TopologyNode[],
  contents: Contents,
): { files: BindFile[]; warnings: string[] } {
  const files: BindFile[] = [];
  const warnings: string[] = [];
  for (const node of nodes) {
    for (const bind of node.binds) {
      const source = normalised(bind.source);
      const target = bind.target.replace(/\/+$/, '');
      const found: BindFile[] = [];
      for (const [path, data] of contents) {
        if (path === source) {
          const name = bind.target.endsWith('/') ? `/${source.split('/').at(-1) ?? ''}` : '';
          found.push({ node: node.name, path: target + name, data });
        } else if (source === '' || path.startsWith(`${source}/`)) {
          const below = source === '' ? path : path.slice(source.length + 1);
          found.push({ node: node.name, path: `${target}/${below}`, data });
        }
      }
      if (found.length === 0) {
        warnings.push(
          `topology.nodes.${node.name}.binds: "${bind.source}" is not in the request and was not copied`,
        );
      }
      files.push(...found);
    }
  }
  return { files, warnings };
}
