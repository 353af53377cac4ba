/** What a builtin is. */
import type { ResolvedAssignment } from '../assign.js';
import type { Shell } from '../shell.js';

/** An argument: text, or the assignment a declaration builtin was given in the syntax. */
export type Argument = string | ResolvedAssignment;

/** `words[0]` is the name; `args` is the same list with assignments still structured. */
export type Builtin = (
  sh: Shell,
  args: readonly Argument[],
  words: readonly string[],
) => Promise<number> | number;
