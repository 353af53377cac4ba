// The boundary and purity rules do refuse: each row is a file that must break one rule, or none.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BOUNDARIES = '@nx/enforce-module-boundaries';
const using = (from) => `import { name } from '${from}';\n\nexport const used = name;\n`;

const rows = [
  ['a lower layer', 'libs/engine/src/x.ts', using('@netloom/base'), []],
  ['an allowed package', 'libs/lab/src/x.ts', using('yaml'), []],
  ['a name a program may see', 'libs/netutils/src/x.ts', using('@netloom/bpf'), []],
  ['a library in an app', 'apps/cli/src/x.ts', using('@netloom/lab'), []],
  ['node: in an app', 'apps/cli/src/x.ts', using('node:fs'), []],
  ['a higher layer', 'libs/base/src/x.ts', using('@netloom/kernel'), [BOUNDARIES]],
  ['the same layer', 'libs/engine/src/x.ts', using('@netloom/wire'), [BOUNDARIES]],
  ['another library by path', 'libs/bpf/src/x.ts', using('../../base/src/index.js'), [BOUNDARIES]],
  [
    'the kernel in a program',
    'libs/netutils/src/x.ts',
    using('@netloom/kernel-core'),
    [BOUNDARIES],
  ],
  ['an app in a library', 'libs/lab/src/x.ts', using('@netloom/server'), [BOUNDARIES]],
  ['a package not allowed', 'libs/lab/src/x.ts', using('commander'), [BOUNDARIES]],
  ['node: in a library', 'libs/base/src/x.ts', using('node:fs'), ['no-restricted-imports']],
  ['a bare Node name', 'libs/base/src/x.ts', using('fs'), ['no-restricted-imports']],
  ['a clock', 'libs/lab/src/x.ts', 'export const t = Date.now();\n', ['no-restricted-globals']],
  ['a timer', 'libs/lab/src/x.ts', 'setTimeout(() => 1, 1);\n', ['no-restricted-globals']],
  [
    'chance',
    'libs/lab/src/x.ts',
    'export const r = Math.random();\n',
    ['no-restricted-properties'],
  ],
  ['a default export', 'libs/lab/src/x.ts', 'export default 1;\n', ['no-restricted-syntax']],
  ['an enum', 'apps/cli/src/x.ts', 'export enum E {\n  A,\n}\n', ['no-restricted-syntax']],
  ['export *', 'libs/lab/src/x.ts', "export * from './y.js';\n", ['no-restricted-syntax']],
];

describe('module boundaries', () => {
  let broken;

  beforeAll(() => {
    const script = fileURLToPath(new URL('./lint-text.mjs', import.meta.url));
    const input = JSON.stringify(rows.map(([, path, text]) => ({ path, text })));
    const output = execFileSync(process.execPath, [script], { input, encoding: 'utf8' });
    broken = JSON.parse(output).map((rules) => [...new Set(rules)]);
  }, 120_000);

  test.each(rows.map(([title, path, , rules], index) => [title, path, rules, index]))(
    '%s (%s)',
    (_title, _path, rules, index) => {
      expect(broken[index]).toEqual(rules);
    },
  );
});
