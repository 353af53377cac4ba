// The packetdrill suite: every *.pkt below a folder against an emulated host of its own.
// `defaults.sysctl` beside a script or one folder up says what the scripts' ./defaults.sh sets.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { runScript } from '../../libs/packetdrill/dist/index.js';

const EXTENSION = '.pkt';

export function names(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(EXTENSION))
    .map((name) => name.slice(0, -EXTENSION.length).replaceAll('\\', '/'))
    .sort();
}

/** Runs one script; resolves to `{ ok }` or `{ ok: false, reason }`. */
export function run(folder, name) {
  const file = join(folder, name + EXTENSION);
  const defaults = [dirname(file), dirname(dirname(file))]
    .map((place) => join(place, 'defaults.sysctl'))
    .find(existsSync);
  return runScript(readFileSync(file, 'utf8'), {
    drain: () => setImmediate(),
    ...(defaults === undefined ? {} : { defaults: readFileSync(defaults, 'utf8') }),
  });
}
