/** The files behind a topology's binds, read from the folder that the topology file stands in. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { BindFile, Topology } from '@netloom/lab';

const MAX_BYTES = 256 * 1024 * 1024;

/** Path of a bind's source on this machine. */
export function bindSource(source: string, baseDir: string): string {
  return resolve(baseDir, source.replace(/^~(?=\/|$)/, homedir()));
}

/** Regular files at and below a path: relative names ('' for the path itself) with their whole paths. */
export function filesBelow(path: string): { readonly name: string; readonly path: string }[] {
  if (!statSync(path).isDirectory()) return [{ name: '', path }];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((whole) => ({ name: whole.slice(path.replace(/\/+$/, '').length + 1), path: whole }));
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
