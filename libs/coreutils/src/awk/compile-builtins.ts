/** Built-in functions that treat an argument as a pattern, an array or a place, or that may block. */
import type { Regex } from '../regex/regex.js';
import { spawnShell } from '../tool/spawn.js';
import type { Expr } from './ast.js';
import { code, lift, liftAsync, type Code } from './closures.js';
import { arrayCode, compileExpr, globalSlot, type Scope } from './compile.js';
import { splitByRegex, splitFields } from './records.js';
import type { Runtime } from './runtime.js';
import { shellStatus } from './streams.js';
import { StrNum, toText, type Value } from './values.js';

export interface PatternCode {
  readonly code: Code;
  readonly regex: (rt: Runtime, source: Value) => Regex;
}

/** An expression in the place of a pattern: a literal, or a text that is one. */
export function compilePattern(scope: Scope, node: Expr): PatternCode {
  if (node.kind === 'regex') {
    const { source } = node;
    return { code: code(() => undefined), regex: (rt) => rt.regex(source) };
  }
  return {
    code: compileExpr(scope, node),
    regex: (rt, source) => rt.regex(toText(source, rt.convfmt)),
  };
}

/** Whether a name is an array where it stands. */
function isArrayName(scope: Scope, name: string): boolean {
  const local = scope.current?.definition.params.indexOf(name) ?? -1;
  return local >= 0 ? scope.current?.arrays[local] === true : scope.globalArrays.has(name);
}

export function namedBuiltin(scope: Scope, name: string, args: readonly Expr[]): Code | undefined {
  const [first, second, third] = args;
  switch (name) {
    case 'length': {
      if (first === undefined) return code((rt) => rt.getRecord().length);
      const bare = first.kind === 'group' ? first.item : first;
      if (bare.kind === 'variable' && isArrayName(scope, bare.name)) {
        const array = arrayCode(scope, bare.name);
        return code((rt) => array(rt).items.size);
      }
      return lift([compileExpr(scope, first)], (rt, value) => toText(value, rt.convfmt).length);
    }
    case 'match':
      return compileMatch(scope, first as Expr, second as Expr);
    case 'split':
      return compileSplit(scope, first as Expr, second as Expr, third);
    case 'system':
      return liftAsync([compileExpr(scope, first as Expr)], async (rt, command) => {
        await rt.streams.flush();
        const pid = spawnShell(rt.t.sys, toText(command, rt.convfmt));
        return shellStatus(await rt.t.sys.waitpid(pid));
      });
    case 'close':
      return liftAsync([compileExpr(scope, first as Expr)], (rt, stream) =>
        rt.streams.close(toText(stream, rt.convfmt)),
      );
    case 'fflush':
      return liftAsync(first === undefined ? [] : [compileExpr(scope, first)], (rt, stream) =>
        rt.streams.flushNamed(first === undefined ? undefined : toText(stream, rt.convfmt)),
      );
    default:
      return undefined;
  }
}

function compileMatch(scope: Scope, subject: Expr, patternNode: Expr): Code {
  const pattern = compilePattern(scope, patternNode);
  const [start, length] = [globalSlot(scope, 'RSTART'), globalSlot(scope, 'RLENGTH')];
  return lift([compileExpr(scope, subject), pattern.code], (rt, text, source) => {
    const match = pattern.regex(rt, source).exec(toText(text, rt.convfmt));
    rt.globals[start] = match === undefined ? 0 : match.start + 1;
    rt.globals[length] = match === undefined ? -1 : match.end - match.start;
    return rt.globals[start] as Value;
  });
}

function compileSplit(scope: Scope, subject: Expr, into: Expr, separator: Expr | undefined): Code {
  const bare = into.kind === 'group' ? into.item : into;
  const array = arrayCode(scope, bare.kind === 'variable' ? bare.name : '');
  const given = separator === undefined ? undefined : compilePattern(scope, separator);
  const literal = separator?.kind === 'regex';
  return lift(
    [compileExpr(scope, subject), ...(given === undefined ? [] : [given.code])],
    (rt, value, source) => {
      const text = toText(value, rt.convfmt);
      const regexOf = (pattern: string): Regex => rt.regex(pattern);
      const pieces =
        given === undefined
          ? splitFields(text, rt.fs, regexOf)
          : literal
            ? splitByRegex(text, given.regex(rt, source))
            : splitFields(text, toText(source, rt.convfmt), regexOf);
      const items = array(rt).items;
      items.clear();
      pieces.forEach((piece, index) => items.set(String(index + 1), new StrNum(piece)));
      return pieces.length;
    },
  );
}
