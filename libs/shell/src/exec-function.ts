/** Function calls: a scope, positional parameters, the call stack, `return`. */
import { ShellError } from './errors.js';
import { runNode } from './exec.js';
import type { Shell, ShellFunction } from './shell.js';

/** Deeper than any sane script, and well before the memory of nested calls hurts. */
const MAX_DEPTH = 5000;

export async function callFunction(
  sh: Shell,
  fn: ShellFunction,
  args: readonly string[],
): Promise<number> {
  const limit = Number(sh.vars.value('FUNCNEST') ?? 0);
  const depth = sh.frames.length;
  if ((limit > 0 && depth >= limit) || depth >= MAX_DEPTH) {
    await sh.error(
      `${fn.name}: maximum function nesting level exceeded (${limit > 0 ? limit : MAX_DEPTH})`,
    );
    throw new ShellError('');
  }
  const { positional, source, pos, loopDepth } = sh;
  const before = sh.traps.get('RETURN');
  sh.vars.pushScope('function');
  sh.frames.push({ name: fn.name, callLine: sh.line(), file: fn.file, isFunction: true });
  sh.positional = [...args];
  sh.source = fn.source;
  sh.loopDepth = 0;
  try {
    let status = await runNode(sh, fn.body, false);
    if (sh.unwind?.kind === 'return') {
      sh.unwind = null;
      status = sh.status;
    }
    const after = sh.traps.get('RETURN');
    if (sh.unwind === null && after !== undefined && (sh.options.functrace || after !== before)) {
      sh.status = status;
      await sh.traps.run('RETURN');
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
