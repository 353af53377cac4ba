// `npm test`: everything a change has to pass, from a bare clone on: install, build, lint, all Jest
// projects, then the scenario files. Prints a line as each phase starts and ends; the last line of
// all is `N passed, N failed`, and the exit code is 1 when anything failed.
//
//   --long                     also the specs named *.long.spec.ts and the scenarios in e2e/long
//   NETLOOM_ACCEPTANCE=FOLDER   also the scenario files of that folder that e2e/acceptance.list names
//   NETLOOM_CONFORMANCE=FOLDER  also the cases of its suites (FOLDER/packetdrill …) that e2e/SUITE.list names
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { at, bin, node, say } from './run.mjs';
import { build, install } from './setup.mjs';
import { lint } from './lint.mjs';

const long = process.argv.includes('--long');
const asResult = (passed) => ({ passed: passed ? 1 : 0, failed: passed ? 0 : 1 });

async function jest() {
  const folder = mkdtempSync(join(tmpdir(), 'netloom-test-'));
  const outputFile = join(folder, 'jest.json');
  try {
    const { code } = await node(
      [
        '--experimental-vm-modules',
        '--disable-warning=ExperimentalWarning',
        bin.jest,
        '--json',
        `--outputFile=${outputFile}`,
      ],
      { env: long ? { NETLOOM_LONG: '1' } : {} },
    );
    if (!existsSync(outputFile)) return { passed: 0, failed: 1 };
    const result = JSON.parse(readFileSync(outputFile, 'utf8'));
    // A file that cannot be loaded has no failed test; it still is a failure.
    const failed = result.numFailedTests + result.numRuntimeErrorTestSuites;
    return { passed: result.numPassedTests, failed: code !== 0 && failed === 0 ? 1 : failed };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs scenario files on the emulator and reads the counts from the last line. */
async function scenarios(files) {
  const { code, stdout } = await node([bin.netloom, 'test', ...files], { keep: true });
  return lastCounts(code, stdout);
}

/** The counts in the last line of a run; a run that fails otherwise is one failure. */
function lastCounts(code, stdout) {
  const counts = /^(\d+) passed, (\d+) failed$/.exec(stdout.trimEnd().split('\n').at(-1) ?? '');
  if (counts === null) return { passed: 0, failed: 1 };
  const [passed, failed] = [Number(counts[1]), Number(counts[2])];
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed };
}

function scenarioFiles(folder) {
  if (!existsSync(at(folder))) return [];
  return readdirSync(at(folder))
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .map((name) => at(folder, name));
}

/** The files of an outside folder that are expected to pass; a name that is not there is an error. */
function acceptanceFiles(folder) {
  return folder ? listed('acceptance').map((name) => join(folder, name)) : [];
}

/** The names in e2e/NAME.list; `#` starts a comment. */
function listed(name) {
  const list = at('e2e', `${name}.list`);
  if (!existsSync(list)) return [];
  return readFileSync(list, 'utf8')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '');
}

/** The listed cases of an outside suite, in a process of its own: it needs what the build has made. */
async function conformance(suite, folder, names) {
  const { code, stdout } = await node([at('tools/conformance.mjs'), suite, folder, ...names], {
    keep: true,
  });
  return lastCounts(code, stdout);
}

const total = { passed: 0, failed: 0 };

async function phase(name, work) {
  const start = performance.now();
  const { passed, failed } = await work();
  total.passed += passed;
  total.failed += failed;
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  say(`${name}: ${passed} passed, ${failed} failed (${seconds} s)`);
}

async function scenarioPhase(name, files) {
  if (files.length === 0) {
    say(`${name}: no files`);
    return;
  }
  say(`${name}: ${files.length} files`);
  await phase(name, () => scenarios(files));
}

if (await install()) {
  await phase('build', async () => asResult(await build()));
  await phase('lint', () => lint());
  say('jest: all projects');
  await phase('jest', jest);
  await scenarioPhase('scenarios', scenarioFiles('e2e/scenarios'));
  if (long) await scenarioPhase('long scenarios', scenarioFiles('e2e/long'));
  await scenarioPhase('acceptance', acceptanceFiles(process.env.NETLOOM_ACCEPTANCE));
  for (const suite of ['packetdrill']) {
    const folder = process.env.NETLOOM_CONFORMANCE && join(process.env.NETLOOM_CONFORMANCE, suite);
    const names = folder && existsSync(folder) ? listed(suite) : [];
    if (names.length === 0) say(`${suite}: no scripts`);
    else await phase(suite, () => conformance(suite, folder, names));
  }
} else {
  total.failed += 1;
}

process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed === 0 ? 0 : 1;
