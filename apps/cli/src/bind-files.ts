/** The files behind a topology's binds, read from the folder that the topology file stands in. */
import { readFileSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { BindFile, Topology } from '@netloom/lab';

const MAX_BYTES = 256 * 1024 * 1024;

/** Path of a bind's source on this machine. */
export function bindSource(source: string, baseDir: string): string {
  return resolve(baseDir, source.replace(/^~(?=\/|$)/, homedir()));
}

interface FoundFile {
  /** Relative, with `/` on every system; '' for the path itself. */
  readonly name: string;
  readonly path: string;
}

/** Regular files at and below a path, in order of their names. Links are followed, but for those that lead in circles. */
export function filesBelow(path: string): FoundFile[] {
  if (!statSync(path).isDirectory()) return [{ name: '', path }];
  return [...walk(path, '', [])].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function* walk(folder: string, prefix: string, above: readonly string[]): Generator<FoundFile> {
  const real = realpathSync(folder);
  if (above.includes(real)) return;
  for (const entry of readdirSync(folder)) {
    const path = join(folder, entry);
    const facts = statSync(path, { throwIfNoEntry: false }); // undefined where a link leads nowhere
    if (facts?.isDirectory() === true) yield* walk(path, `${prefix}${entry}/`, [...above, real]);
    else if (facts?.isFile() === true) yield { name: prefix + entry, path };
  }
}

/** Contents of every bind; an unreadable one is an error that says whose it is. */
export function loadBindFiles(topology: Pick<Topology, 'nodes'>, baseDir: string): BindFile[] {
  const files: BindFile[] = [];
  let total = 0;
  for (const node of topology.nodes) {
    for (const bind of node.binds) {
      const source = bindSource(bind.source, baseDir);
      try {
        for (const { name, path } of filesBelow(source)) {
          const data = readFileSync(path);
          total += data.length;
          if (total > MAX_BYTES) throw new Error(`more than ${MAX_BYTES} bytes in all binds`);
          const target = bind.target.replace(/\/+$/, '');
          files.push({
            node: node.name,
            path: name === '' ? target : `${target}/${name}`,
            data: new Uint8Array(data),
            mode: statSync(path).mode & 0o777,
          });
        }
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`node ${node.name}: cannot read bind ${bind.source}: ${reason}`, {
          cause: error,
        });
      }
    }
  }
  return files;
}
