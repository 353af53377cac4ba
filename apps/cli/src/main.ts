/** The `netloom` command: sub-commands, options, exit codes. */
import { buildProgram } from './program.js';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0); // `netloom … | head`
});
await buildProgram({
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
}).parseAsync();
