// npm run bench -- [CASE…] [--json] [--samples N]: measures the built packages.
//
// Each sample is a process of its own. Its figure is taken over the CPU time (user + system, all threads: compilation and
// garbage collection too) from when its modules are loaded to its end; loading takes about 0.25 s (S5-N-all shows whole
// processes). A figure is the median of five samples. Rates are larger = better; times and costs, whose unit says so,
// smaller = better.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('./cases/', import.meta.url));
const USAGE = `usage: npm run bench -- [CASE…] [--json] [--samples N]

Cases (a name selects every case that starts with it):
`;

const names = readdirSync(folder)
  .filter((name) => name.endsWith('.mjs'))
  .map((name) => name.slice(0, -4))
  .sort();

async function cases() {
  const all = [];
  for (const name of names) {
    const { variants } = await import(`./cases/${name}.mjs`);
    for (const variant of variants) all.push({ file: name, ...variant });
  }
  return all;
}

function sample({ file, name }) {
  const child = spawnSync(
    process.execPath,
    [
      '--max-semi-space-size=64',
      '--min-semi-space-size=32',
      '--max-inlined-bytecode-size-cumulative=3000',
      '--expose-gc',
      `${folder}${file}.mjs`,
    ],
    {
      env: { ...process.env, NETLOOM_BENCH_CASE: name },
      encoding: 'utf8',
      maxBuffer: 1 << 26,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  if (child.status !== 0) throw new Error(`${name}: exit ${child.status ?? child.signal}`);
  return JSON.parse(child.stdout.trim().split('\n').at(-1));
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const short = (value) =>
  value >= 1e6
    ? `${(value / 1e6).toFixed(2)} M`
    : value >= 100
      ? value.toFixed(0)
      : value.toPrecision(3);

const args = process.argv.slice(2);
const json = args.includes('--json');
const samplesAt = args.indexOf('--samples');
const samples = samplesAt >= 0 ? Number(args[samplesAt + 1]) : 5;
const wanted = args.filter(
  (arg, i) => !arg.startsWith('--') && i !== samplesAt + 1 - (samplesAt < 0 ? 1e9 : 0),
);
const all = await cases();

if (args.includes('--help')) {
  console.log(USAGE + all.map(({ name, about }) => `  ${name.padEnd(14)} ${about}`).join('\n'));
  process.exit(0);
}
if (!(samples >= 1)) {
  console.error('bench: --samples takes a number of at least 1');
  process.exit(2);
}
if (!existsSync(fileURLToPath(new URL('../libs/lab/dist/index.js', import.meta.url)))) {
  console.error('bench: the packages are not built; run npm run build first');
  process.exit(2);
}
const chosen =
  wanted.length === 0
    ? all
    : all.filter(({ name }) =>
        wanted.some((want) => name.toLowerCase().startsWith(want.toLowerCase())),
      );
if (chosen.length === 0) {
  console.error(
    `bench: no case is called ${wanted.join(' or ')}; there are ${all.map(({ name }) => name).join(', ')}`,
  );
  process.exit(2);
}

const results = [];
if (!json)
  console.log(`${'case'.padEnd(14)} ${'median'.padStart(10)}  ${'unit'.padEnd(24)} samples`);
for (const one of chosen) {
  const measured = [];
  for (let i = 0; i < samples; i++) {
    if (!json) process.stderr.write(`\r${one.name}: sample ${i + 1} of ${samples} `);
    measured.push(sample(one));
  }
  if (!json) process.stderr.write('\r\x1b[K');
  for (const key of Object.keys(measured[0])) {
    const values = measured.map((result) => result[key].value);
    const unit = measured[0][key].unit;
    const result = { name: key, value: median(values), unit, samples: values };
    results.push(result);
    if (!json)
      console.log(
        `${key.padEnd(14)} ${short(result.value).padStart(10)}  ${unit.padEnd(24)} ${values.map(short).join(' ')}`,
      );
  }
}
const value = (name) => results.find((result) => result.name === name)?.value;
if (!json && value('S2') !== undefined && value('S7') !== undefined) {
  const percent = (value('S2') / value('S7') - 1) * 100;
  console.log(`whole processes of S7 cost ${percent.toFixed(0)} % more than those of S2`);
}
if (json) console.log(JSON.stringify({ cases: results }));
