// `npm run lint`: ESLint (rules and module boundaries), then Prettier's check of the layout.
// Arguments are the files to look at; none means all.
import { bin, node, say } from './run.mjs';

const LAID_OUT = ['**/*.{ts,js,mjs,json}'];

/** Returns how many of the checks passed and failed. */
export async function lint(files = []) {
  say('lint: eslint');
  const rules = await node([bin.eslint, '--max-warnings=0', ...(files.length ? files : ['.'])]);
  say('lint: prettier');
  const layout = await node([
    bin.prettier,
    '--check',
    '--log-level=warn',
    ...(files.length ? files : LAID_OUT),
  ]);
  const passed = [rules, layout].filter(({ code }) => code === 0).length;
  return { passed, failed: 2 - passed };
}

if (process.argv[1] === import.meta.filename) {
  process.exitCode = (await lint(process.argv.slice(2))).failed === 0 ? 0 : 1;
}
