/** The table of builtins. `exec` is run by exec-simple, which owns redirections; its entry here makes the name known. */
import { aliasBuiltins } from './alias.js';
import { controlBuiltins } from './control.js';
import { declareBuiltins } from './declare.js';
import { directoryBuiltins } from './directories.js';
import { jobBuiltins } from './job-control.js';
import { lookupBuiltins } from './lookup.js';
import { miscBuiltins } from './misc.js';
import { optionBuiltins } from './options.js';
import { outputBuiltins } from './output.js';
import { readBuiltins } from './read.js';
import { signalBuiltins } from './signals.js';
import type { Builtin } from './types.js';

export type { Argument, Builtin } from './types.js';

export const builtins: ReadonlyMap<string, Builtin> = new Map(
  [
    controlBuiltins,
    outputBuiltins,
    declareBuiltins,
    directoryBuiltins,
    jobBuiltins,
    lookupBuiltins,
    miscBuiltins,
    optionBuiltins,
    readBuiltins,
    signalBuiltins,
    aliasBuiltins,
  ].flatMap((group) => Object.entries(group)),
);
