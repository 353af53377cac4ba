// Assembles libs/wire/src/ops.wat into libs/wire/src/ops-wasm.ts; with --check only compares.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import wabtInit from 'wabt';

const dir = fileURLToPath(new URL('../libs/wire/src/', import.meta.url));
const wabt = await wabtInit();
const module = wabt.parseWat('ops.wat', readFileSync(`${dir}ops.wat`, 'utf8'), {
  simd: true,
  bulk_memory: true,
});
const bytes = module.toBinary({}).buffer;
const lines =
  Buffer.from(bytes)
    .toString('hex')
    .match(/.{1,96}/g) ?? [];
const text = `/**
 * The bytes of ops.wat, assembled by tools/assemble-wat.mjs. Do not edit.
 */
export const OPS_WASM_HEX =
${lines.map((line) => `  '${line}'`).join(' +\n')};
`;
const out = `${dir}ops-wasm.ts`;
if (process.argv.includes('--check')) {
  if (readFileSync(out, 'utf8') !== text) {
    console.error(
      'libs/wire/src/ops-wasm.ts is not what ops.wat assembles to: run node tools/assemble-wat.mjs',
    );
    process.exit(1);
  }
} else {
  writeFileSync(out, text);
}
