/** The command line's shape: which sub-commands and options there are, and which function each runs. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { BACKENDS, testCommand, type Output, type TestOptions } from './command-test.js';

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(Number(text))) throw new InvalidArgumentError('not a whole number');
  return Number(text);
}

/** Runs an action; its answer is the exit code, and an error is one line on standard error. */
function action<A extends unknown[]>(output: Output, run: (...args: A) => Promise<number>): (...args: A) => Promise<void> {
  return async (...args) => {
    try {
      process.exitCode = await run(...args);
    } catch (error) {
      output.err(`netloom: ${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 1;
    }
  };
}

export function buildProgram(output: Output): Command {
  const program = new Command('netloom')
    .description('Emulates networks of Linux hosts, switches and links, and tests what happens on them.')
    .version('0.1.0')
    .configureOutput({ writeOut: (text) => output.out(text), writeErr: (text) => output.err(text) })
    .showHelpAfterError('(--help says more)');

  program
    .command('test')
    .description('run scenario files; prints a line a step and last "N passed, N failed"')
    .argument('<file...>', 'scenario files (YAML)')
    .addOption(new Option('--backend <name>', 'where to run them').choices(BACKENDS).default('emulator'))
    .option('--junit <file>', 'also write the results as JUnit XML')
    .option('--json', 'print the results as JSON instead of lines')
    .option('--seed <number>', 'the seed of every random draw, instead of the files\' own', wholeNumber)
    .option('-v, --verbose', 'print the output of every step')
    .addHelpText('after', '\nThe linux backend needs root, iproute2, util-linux and tcpdump; it skips files that say "linux: false".')
    .action(
      action(output, async (files: string[], options: TestOptions) => {
        return testCommand(files, options, output, async () => {
          throw new Error('no emulator');
        });
      }),
    );
  return program;
}
