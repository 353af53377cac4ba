// The packetdrill suite: every *.pkt of a folder against an emulated host of its own.
// `defaults.sysctl` in the folder or the one above says what the scripts' ./defaults.sh sets.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { runScript } from '../../libs/packetdrill/dist/index.js';

const EXTENSION = '.pkt';

export function names(folder) {
  return readdirSync(folder)
    .filter((name) => name.endsWith(EXTENSION))
    .map((name) => name.slice(0, -EXTENSION.length))
    .sort();
}

/** Runs one script; resolves to `{ ok }` or `{ ok: false, reason }`. */
export function run(folder, name) {
  const defaults = [folder, dirname(folder)]
    .map((place) => join(place, 'defaults.sysctl'))
    .find(existsSync);
  return runScript(readFileSync(join(folder, name + EXTENSION), 'utf8'), {
    drain: () => setImmediate(),
    ...(defaults === undefined ? {} : { defaults: readFileSync(defaults, 'utf8') }),
  });
}
