import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { at, root } from './run.mjs';

/** `npm start`'s script with `--once`, in a data folder of its own. */
function start(data) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [at('tools/start.mjs'), '--once'], {
      cwd: root,
      env: { ...process.env, NETLOOM_DATA: data, NETLOOM_PORT: '0' },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    }
    child.on('close', (code) => resolve({ code, output }));
  });
}

test('npm start does its job, and does it again with the lab of the first time', async () => {
  const data = mkdtempSync(join(tmpdir(), 'netloom-start-'));
  try {
    const first = await start(data);
    expect(first).toMatchObject({
      code: 0,
      output: expect.stringContaining('the checksums are the same'),
    });
    expect(first.output).toContain('deploy examples/01-two-subnets/topology.clab.yml');
    for (const port of ['eth1', 'eth2']) {
      const file = readFileSync(join(data, `two-subnets-router-${port}.pcapng`));
      expect(file.readUInt32LE(0)).toBe(0x0a0d0d0a);
      expect(file.length).toBeGreaterThan(288_894);
    }
    const second = await start(data);
    expect(second).toMatchObject({
      code: 0,
      output: expect.stringContaining('the lab "two-subnets" came back from'),
    });
  } finally {
    rmSync(data, { recursive: true });
  }
}, 120_000);
