/** Function calls: a scope, positional parameters, the call stack, `return`. */
import { ShellError } from './errors.js';
import { runNode } from './exec.js';
import type { Shell, ShellFunction } from './shell.js';

/** Deeper than any sane script, and well before the memory of nested calls hurts. */
const MAX_DEPTH = 20000;

export async function callFunction(
  sh: Shell,
  fn: ShellFunction,
  args: readonly string[],
): Promise<number> {
  const limit = Number(sh.vars.value('FUNCNEST') ?? 0);
  const depth = sh.frames.length;
  if ((limit > 0 && depth >= limit) || depth >= MAX_DEPTH) {
    throw new ShellError(
      `${fn.name}: maximum function nesting level exceeded (${limit > 0 ? limit : MAX_DEPTH})`,
    );
  }
  const { positional, source, pos, loopDepth } = sh;
  sh.vars.pushScope('function');
  sh.frames.push({ name: fn.name, callLine: sh.line(), file: fn.file, isFunction: true });
  sh.positional = [...args];
  sh.source = fn.source;
  sh.loopDepth = 0;
  try {
    const status = await runNode(sh, fn.body, false);
    if (sh.unwind?.kind === 'return') {
      sh.unwind = null;
      return sh.status;
    }
    return status;
  } finally {
    sh.loopDepth = loopDepth;
    sh.source = source;
    sh.pos = pos;
    sh.positional = positional;
    sh.frames.pop();
    sh.vars.popScope();
  }
}
