#!/usr/bin/env node
// The `netloom` command: runs the built command line, or says how to build it.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

// Lets the compiler join the packet path's many small functions: docs/decisions/0008-packet-path.md.
setFlagsFromString('--max-inlined-bytecode-size-cumulative=3000');

const main = new URL('../dist/main.js', import.meta.url);
if (!existsSync(fileURLToPath(main))) {
  process.stderr.write('netloom: not built yet; run "npm run build" first\n');
  process.exit(1);
}
await import(main.href);
