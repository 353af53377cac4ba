/** declare, typeset, local, export, readonly, unset, let: variables and their attributes. */
import { assignTo, parseAssignmentText, type ResolvedAssignment } from '../assign.js';
import { evaluate } from '../arith.js';
import { ShellError } from '../errors.js';
import { printFunction } from '../print-command.js';
import { quoteDouble } from '../quote.js';
import type { Shell } from '../shell.js';
import { arrayEntries, isName, splitSubscript, type Variable, type Scope } from '../variables.js';
import type { Argument, Builtin } from './types.js';

interface Flags {
  readonly on: Set<string>;
  readonly off: Set<string>;
}

/** Takes leading `-x` and `+x` words; returns the bad option, if any. */
function takeFlags(
  args: readonly Argument[],
  allowed: string,
): { flags: Flags; rest: readonly Argument[]; bad: string | undefined } {
  const flags: Flags = { on: new Set(), off: new Set() };
  let at = 1;
  for (; at < args.length; at++) {
    const word = args[at];
    if (typeof word !== 'string' || !/^[-+]./.test(word)) break;
    if (word === '--') {
      at++;
      break;
    }
    for (const letter of word.slice(1)) {
      if (!allowed.includes(letter)) return { flags, rest: [], bad: `${word.charAt(0)}${letter}` };
      (word.startsWith('-') ? flags.on : flags.off).add(letter);
    }
  }
  return { flags, rest: args.slice(at), bad: undefined };
}

/** `declare -p` of one variable. */
export function describeVariable(sh: Shell, name: string, variable: Variable): string {
  const flags = sh.attributeFlags(variable);
  const head = `declare -${flags === '' ? '-' : flags} ${name}`;
  if (!variable.isSet) return `${head}\n`;
  if (!variable.isArray) return `${head}=${quoteDouble(variable.value ?? '')}\n`;
  return `${head}=${arrayText(variable)}\n`;
}

function arrayText(variable: Variable): string {
  const body = arrayEntries(variable).map(
    ([key, value]) =>
      `[${variable.map !== undefined && !/^[\w.-]+$/.test(key) ? quoteDouble(key) : key}]=${quoteDouble(value)}`,
  );
  return `(${body.join(' ')}${variable.map !== undefined && body.length > 0 ? ' ' : ''})`;
}

function applyFlags(sh: Shell, name: string, variable: Variable, flags: Flags): void {
  const { on, off } = flags;
  if (on.has('a') && variable.list === undefined) {
    if (variable.map !== undefined)
      throw new ShellError(`${name}: cannot convert associative to indexed array`, 1, 'command');
    variable.list = variable.value === undefined ? [] : [variable.value];
    variable.value = undefined;
  }
  if (on.has('A') && variable.map === undefined) {
    if (variable.list !== undefined)
      throw new ShellError(`${name}: cannot convert indexed to associative array`, 1, 'command');
    variable.map = new Map(variable.value === undefined ? [] : [['0', variable.value]]);
    variable.value = undefined;
  }
  if (on.has('i')) variable.integer = true;
  if (off.has('i')) variable.integer = false;
  if (on.has('l')) {
    variable.lower = true;
    variable.upper = false;
  }
  if (on.has('u')) {
    variable.upper = true;
    variable.lower = false;
  }
  if (off.has('l')) variable.lower = false;
  if (off.has('u')) variable.upper = false;
  if (on.has('x')) variable.exported = true;
  if (off.has('x')) variable.exported = false;
  if (on.has('n')) variable.nameref = true;
  if (off.has('n')) variable.nameref = false;
}

/** Declares names; the shared half of all these builtins. */
async function declareNames(
  sh: Shell,
  command: string,
  rest: readonly Argument[],
  flags: Flags,
  scope: Scope | undefined,
): Promise<number> {
  let status = 0;
  for (const argument of rest) {
    const assignment = typeof argument === 'string' ? parseAssignmentText(argument) : argument;
    const name =
      assignment?.name ?? splitSubscript(argument as string)?.name ?? (argument as string);
    if (
      !isName(name) ||
      (assignment?.index !== undefined &&
        command !== 'declare' &&
        command !== 'typeset' &&
        command !== 'local')
    ) {
      if (assignment?.index !== undefined) {
        status = await sh.fail(command, `\`${name}[${assignment.index}]': not a valid identifier`);
        continue;
      }
      status = await sh.fail(
        command,
        `\`${typeof argument === 'string' ? argument : name}': not a valid identifier`,
      );
      continue;
    }
    try {
      declareOne(sh, name, assignment, flags, scope);
    } catch (error) {
      if (!(error instanceof ShellError)) throw error;
      await sh.error(
        command === 'export' || command === 'readonly'
          ? error.message
          : `${command}: ${error.message}`,
      );
      status = 1;
    }
  }
  return status;
}

function declareOne(
  sh: Shell,
  name: string,
  assignment: ResolvedAssignment | undefined,
  flags: Flags,
  scope: Scope | undefined,
): void {
  let variable: Variable;
  if (scope === undefined)
    variable = flags.on.has('n')
      ? (sh.vars.raw(name) ?? sh.vars.ensure(name))
      : sh.vars.ensure(name);
  else {
    const outer = sh.vars.raw(name);
    const fresh = !scope.vars.has(name);
    variable = sh.vars.declareIn(scope, name);
    if (fresh && outer !== undefined && scope.kind === 'function') {
      if (outer.exported) variable.exported = true;
      if (outer.readonly && sh.vars.globalScope().vars.get(name) === outer)
        throw new ShellError(`${name}: readonly variable`);
      if (flags.on.has('I')) Object.assign(variable, outer.clone());
    }
  }
  if (flags.off.has('r') && variable.readonly) throw new ShellError(`${name}: readonly variable`);
  applyFlags(sh, name, variable, flags);
  if (assignment !== undefined) {
    if (
      assignment.elements !== undefined &&
      variable.map === undefined &&
      variable.list === undefined
    ) {
      variable.list = variable.value === undefined ? [] : [variable.value];
      variable.value = undefined;
    }
    if (flags.on.has('n')) variable.value = assignment.scalar ?? '';
    else assignTo(sh, variable, assignment);
  }
  if (flags.on.has('r')) variable.readonly = true;
  if (sh.options.allexport) variable.exported = true;
}

const DECLARE_LETTERS = 'aAfFgiIlnprtux';

function declareBuiltin(command: string): Builtin {
  return async (sh, args) => {
    const { flags, rest, bad } = takeFlags(args, DECLARE_LETTERS);
    if (bad !== undefined) {
      await sh.error(`${command}: ${bad}: invalid option`);
      await sh.err(
        command === 'local'
          ? 'local: usage: local [option] name[=value] ...\n'
          : `${command}: usage: ${command} [-aAfFgiIlnrtux] [name[=value] ...] or ${command} -p [-aAfFilnrtux] [name ...]\n`,
      );
      return 2;
    }
    const functionScope = sh.vars.functionScope();
    if (command === 'local' && functionScope === undefined)
      return sh.fail('local', 'can only be used in a function');
    if (flags.on.has('f') || flags.on.has('F'))
      return showFunctions(sh, rest as readonly string[], flags.on.has('F'));
    if (flags.on.has('p')) return showVariables(sh, command, rest, flags);
    if (rest.length === 0) return showVariables(sh, command, [], flags);
    const scope = flags.on.has('g') ? sh.vars.globalScope() : functionScope;
    return declareNames(sh, command, rest, flags, scope);
  };
}

async function showFunctions(
  sh: Shell,
  names: readonly string[],
  namesOnly: boolean,
): Promise<number> {
  let status = 0;
  let out = '';
  for (const name of names.length > 0 ? names : [...sh.functions.keys()].sort()) {
    const fn = sh.functions.get(name);
    if (fn === undefined) status = 1;
    else if (!namesOnly) out += `${printFunction(fn)}\n`;
    else out += names.length > 0 ? `${name}\n` : `declare -f ${name}\n`;
  }
  return (await sh.out(out, 'declare')) || status;
}

async function showVariables(
  sh: Shell,
  command: string,
  rest: readonly Argument[],
  flags: Flags,
): Promise<number> {
  let status = 0;
  let out = '';
  if (rest.length > 0) {
    for (const argument of rest) {
      const name = typeof argument === 'string' ? argument : argument.name;
      const variable = sh.vars.raw(name) ?? sh.vars.get(name);
      if (variable === undefined) status = await sh.fail(command, `${name}: not found`);
      else out += describeVariable(sh, name, variable);
    }
    return (await sh.out(out, command)) || status;
  }
  const letters = [...flags.on].filter((letter) => 'aAilnrux'.includes(letter));
  const plain = letters.length === 0 && !flags.on.has('p');
  const local = command === 'local' ? sh.vars.functionScope() : undefined;
  for (const name of local === undefined ? sh.vars.names() : [...local.vars.keys()].sort()) {
    const variable = sh.vars.raw(name);
    if (variable === undefined || (!variable.isSet && plain)) continue;
    const own = sh.attributeFlags(variable);
    if (!letters.every((letter) => own.includes(letter))) continue;
    out += plain ? plainLine(name, variable) : describeVariable(sh, name, variable);
  }
  return sh.out(out, command);
}

/** `set` and bare `declare` show `name=value`. */
export function plainLine(name: string, variable: Variable): string {
  if (variable.isArray) return `${name}=${arrayText(variable)}\n`;
  const value = variable.value ?? '';
  if (/[\x00-\x1f\x7f]/.test(value)) return `${name}=${quoteDouble(value)}\n`;
  return `${name}=${/[\s'"\\|&;()<>!{}*[\]?^$`#~]/.test(value) ? `'${value.replaceAll("'", "'\\''")}'` : value}\n`;
}

function attributeBuiltin(command: 'export' | 'readonly', letter: 'x' | 'r'): Builtin {
  return async (sh, args) => {
    const { flags, rest, bad } = takeFlags(args, 'aAfnp');
    if (bad !== undefined) {
      await sh.error(`${command}: ${bad}: invalid option`);
      await sh.err(
        command === 'export'
          ? 'export: usage: export [-fn] [name[=value] ...] or export -p\n'
          : 'readonly: usage: readonly [-aAf] [name[=value] ...] or readonly -p\n',
      );
      return 2;
    }
    if (flags.on.has('f')) return 0;
    if (rest.length === 0) {
      let out = '';
      for (const name of sh.vars.names()) {
        const variable = sh.vars.raw(name);
        if (variable !== undefined && (letter === 'x' ? variable.exported : variable.readonly))
          out += describeVariable(sh, name, variable);
      }
      return sh.out(out, command);
    }
    const remove = flags.on.delete('n');
    flags.on.delete('p');
    (remove ? flags.off : flags.on).add(letter);
    return declareNames(sh, command, rest, flags, undefined);
  };
}

const unset: Builtin = async (sh, _args, words) => {
  let at = 1;
  let mode = '';
  while (/^-[fvn]+$/.test(words[at] ?? '')) mode = words[at++]?.slice(1) ?? '';
  if (words[at] === '--') at++;
  let status = 0;
  for (const name of words.slice(at)) {
    if (mode === 'f') {
      sh.functions.delete(name);
      continue;
    }
    const subscript = splitSubscript(name);
    if (subscript !== undefined) {
      if (subscript.index === '@' || subscript.index === '*') sh.vars.unset(subscript.name);
      else sh.vars.unsetElement(subscript.name, subscript.index);
      continue;
    }
    if (!isName(name)) {
      if (mode === 'v') status = await sh.fail('unset', `\`${name}': not a valid identifier`);
      continue;
    }
    const known = sh.vars.raw(name) !== undefined;
    if (!known && mode !== 'v' && sh.functions.delete(name)) continue;
    if (mode === 'n') {
      const variable = sh.vars.raw(name);
      if (variable?.nameref === true) {
        variable.nameref = false;
        variable.value = undefined;
        continue;
      }
    }
    if (!sh.vars.unset(name))
      status = await sh.fail('unset', `${name}: cannot unset: readonly variable`);
    if (name === 'OPTIND') sh.getoptsColumn = 0;
  }
  return status;
};

const letBuiltin: Builtin = async (sh, _args, words) => {
  if (words.length < 2) return sh.fail('let', 'expression expected');
  let value = 0n;
  for (const word of words.slice(1)) {
    try {
      value = evaluate(word, sh.arith);
    } catch (error) {
      if (!(error instanceof ShellError) || error.scope === 'exit') throw error;
      return sh.fail('let', error.message);
    }
  }
  return value === 0n ? 1 : 0;
};

export const declareBuiltins: Readonly<Record<string, Builtin>> = {
  declare: declareBuiltin('declare'),
  typeset: declareBuiltin('typeset'),
  local: declareBuiltin('local'),
  export: attributeBuiltin('export', 'x'),
  readonly: attributeBuiltin('readonly', 'r'),
  unset,
  let: letBuiltin,
};
