/**
 * Programs of the form `bridge OBJECT …` and `tc OBJECT …`: one command line, or a file of them (-batch).
 */
import { KernelError, strerror } from '@netloom/base';
import { printErr, readLines, type Sys } from '@netloom/sys';
import { CommandExit } from './command.js';
import { IpContext, type IpOptions } from './ip/context.js';
import { batchWords } from './ip/main.js';

export interface ObjectProgram {
  run(words: readonly string[], context: IpContext): Promise<void>;
  /** Exit code of a request that the kernel refuses. */
  readonly refusedExit: number;
}

/** One command; returns its exit code. */
export async function runObject(
  program: ObjectProgram,
  words: readonly string[],
  context: IpContext,
): Promise<number> {
  try {
    await program.run(words, context);
    await context.flush();
    return 0;
  } catch (error) {
    if (!(error instanceof CommandExit)) throw error;
    await context.flush();
    await printErr(context.sys, error.stderr);
    return error.code;
  }
}

/** The lines of a file, `-` for standard input; stops at the first that fails unless forced. */
export async function runObjectBatch(
  program: ObjectProgram,
  sys: Sys,
  file: string,
  options: IpOptions,
): Promise<number> {
  let fd = 0;
  if (file !== '-') {
    try {
      fd = sys.open(file, 0);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      await printErr(sys, `Cannot open file "${file}" for reading: ${strerror(error.errno)}\n`);
      return 1;
    }
  }
  let number = 0;
  let code = 0;
  for await (const line of readLines(sys, fd)) {
    number++;
    const words = batchWords(line);
    const context = new IpContext(sys, options, program.refusedExit);
    if (words.length === 0 || (await runObject(program, words, context)) === 0) continue;
    await printErr(sys, `Command failed ${file}:${number}\n`);
    code = 1;
    if (!options.force) break;
  }
  return code;
}
