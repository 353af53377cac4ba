// Makes a clone ready: installs what package-lock.json says when node_modules is missing or differs,
// then builds what changed. `node tools/setup.mjs`; also the first phase of `npm test`.
import { existsSync, readFileSync } from 'node:fs';
import { at, bin, node, run, say } from './run.mjs';

const OLDEST_NODE = [20, 19];

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

function nodeIsTooOld() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
}

/** Why `npm ci` is needed, or nothing. Compares contents: a checkout changes times, not versions. */
function installReason() {
  const installedPath = at('node_modules/.package-lock.json');
  if (!existsSync(installedPath)) return 'node_modules is missing';
  const installed = readJson(installedPath).packages;
  for (const [path, wanted] of Object.entries(readJson(at('package-lock.json')).packages)) {
    if (!path.startsWith('node_modules/')) continue;
    if (wanted.link) {
      if (!existsSync(at(path))) return `${path} is not linked`;
    } else if (!wanted.optional && installed[path]?.version !== wanted.version) {
      return `${path} should be ${wanted.version}`;
    }
  }
  return undefined;
}

/** Installs when needed. Returns whether the dependencies are there. */
export async function install() {
  if (nodeIsTooOld()) {
    process.stderr.write(
      `netloom needs Node ${OLDEST_NODE.join('.')} or newer; this is ${process.versions.node}\n`,
    );
    return false;
  }
  const reason = installReason();
  if (reason === undefined) {
    say('install: up to date');
    return true;
  }
  say(`install: npm ci (${reason})`);
  return (await run('npm', ['ci', '--no-audit', '--no-fund', '--no-progress'])).code === 0;
}

/** Builds what changed since the last build. Returns whether everything compiled. */
export async function build() {
  say('build: tsc -b');
  return (await node([bin.tsc, '-b'])).code === 0;
}

if (process.argv[1] === import.meta.filename) {
  process.exitCode = (await install()) && (await build()) ? 0 : 1;
}
