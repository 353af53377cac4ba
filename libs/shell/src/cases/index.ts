/** All lines by theme. */
import { arithmetic } from './arithmetic.js';
import { arraysAndAttributes } from './arrays-and-attributes.js';
import { builtins } from './builtins.js';
import { commands } from './commands.js';
import { expansion } from './expansion.js';
import { jobsAndSignals } from './jobs-and-signals.js';
import { optionsAndShells } from './options-and-shells.js';
import { redirections } from './redirections.js';
import { syntax } from './syntax.js';
import { tests } from './tests.js';
import type { BashCase } from './bash-case.js';

export const CASES: Readonly<Record<string, readonly BashCase[]>> = {
  arithmetic: arithmetic,
  'arrays-and-attributes': arraysAndAttributes,
  builtins: builtins,
  commands: commands,
  expansion: expansion,
  'jobs-and-signals': jobsAndSignals,
  'options-and-shells': optionsAndShells,
  redirections: redirections,
  syntax: syntax,
  tests: tests,
};
