// `npm run conformance -- SUITE FOLDER [NAME…] [--json]`: test data of other projects, which lies outside of this one,
// against the emulator. Prints a line a case, `ok NAME` or `FAIL NAME: reason`, and last `N passed, N failed`.
//
// A suite is a module in tools/conformance with `names(folder)`, its cases in order, and `run(folder, name)`, which
// resolves to `{ ok, reason }`. Needs a build (`npm run build`).
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const SUITES = {
  packetdrill: () => import('./conformance/packetdrill.mjs'),
};

/** Runs cases of a suite, all where no names are given; tells each as it ends. */
export async function runSuite(suiteName, folder, wanted = [], tell = () => undefined) {
  const suite = await SUITES[suiteName]();
  const names = wanted.length > 0 ? wanted : suite.names(folder);
  const cases = [];
  for (const name of names) {
    let result;
    try {
      result = await suite.run(folder, name);
    } catch (error) {
      result = { ok: false, reason: error instanceof Error ? error.message : String(error) };
    }
    cases.push({ name, ...result });
    tell(result.ok ? `ok ${name}` : `FAIL ${name}: ${result.reason}`);
  }
  const passed = cases.filter(({ ok }) => ok).length;
  return { suite: suiteName, passed, failed: cases.length - passed, cases };
}

async function main(args) {
  const json = args.includes('--json');
  const [suite, folder, ...names] = args.filter((arg) => !arg.startsWith('--'));
  if (SUITES[suite] === undefined || folder === undefined || !existsSync(folder)) {
    process.stderr.write(
      `usage: conformance SUITE FOLDER [NAME…] [--json]\nsuites: ${Object.keys(SUITES).join(', ')}\n`,
    );
    return 2;
  }
  const print = (text) => process.stdout.write(`${text}\n`);
  const result = await runSuite(suite, resolve(folder), names, json ? undefined : print);
  print(
    json
      ? JSON.stringify(result, undefined, 2)
      : `${result.passed} passed, ${result.failed} failed`,
  );
  return result.failed === 0 ? 0 : 1;
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === import.meta.filename)
  process.exitCode = await main(process.argv.slice(2));
