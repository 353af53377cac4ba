/**
 * Shell variables: scalars, indexed and associative arrays, attributes, dynamic scopes, computed variables.
 *
 * A scope is a map; functions push one, `local` writes into it, look-up goes from the innermost outwards (dynamic
 * scoping, as in bash). A subshell gets a deep copy.
 */
import { toBytes } from './bytes.js';
import { ShellError } from './errors.js';

export class Variable {
  value: string | undefined = undefined;
  /** Indexed array; holes are unset elements. */
  list: string[] | undefined = undefined;
  map: Map<string, string> | undefined = undefined;
  exported = false;
  readonly = false;
  integer = false;
  lower = false;
  upper = false;
  nameref = false;

  clone(): Variable {
    const copy = new Variable();
    copy.value = this.value;
    copy.list = this.list?.slice();
    copy.map = this.map && new Map(this.map);
    copy.exported = this.exported;
    copy.readonly = this.readonly;
    copy.integer = this.integer;
    copy.lower = this.lower;
    copy.upper = this.upper;
    copy.nameref = this.nameref;
    return copy;
  }

  get isArray(): boolean {
    return this.list !== undefined || this.map !== undefined;
  }

  get isSet(): boolean {
    return this.value !== undefined || this.list !== undefined || this.map !== undefined;
  }

  /** What `$name` gives: an array's element 0. */
  scalar(): string | undefined {
    if (this.list !== undefined) return this.list[0];
    if (this.map !== undefined) return this.map.get('0');
    return this.value;
  }
}

export interface Scope {
  readonly vars: Map<string, Variable>;
  /** Made by a function call (`local` writes here), or for the assignments before one command. */
  readonly kind: 'global' | 'function' | 'command';
}

/** Computed variables and evaluators the store needs of its shell. */
export interface VariableHooks {
  dynamic(name: string): Variable | undefined;
  /** True when the assignment was consumed (`RANDOM=1`, `SECONDS=0`). */
  assignDynamic(name: string, value: string): boolean;
  arithmetic(text: string): bigint;
}

export class VariableStore {
  private scopes: Scope[] = [{ vars: new Map(), kind: 'global' }];
  readonly unsetDynamic = new Set<string>();

  constructor(private readonly hooks: VariableHooks) {}

  cloneFor(hooks: VariableHooks): VariableStore {
    const copy = new VariableStore(hooks);
    copy.scopes = this.scopes.map((scope) => {
      const vars = new Map<string, Variable>();
      for (const [name, variable] of scope.vars) vars.set(name, variable.clone());
      return { vars, kind: scope.kind };
    });
    for (const name of this.unsetDynamic) copy.unsetDynamic.add(name);
    return copy;
  }

  pushScope(kind: 'function' | 'command'): Scope {
    const scope: Scope = { vars: new Map(), kind };
    this.scopes.push(scope);
    return scope;
  }

  popScope(): void {
    this.scopes.pop();
  }

  /** The scope `local` writes to; undefined outside functions. */
  functionScope(): Scope | undefined {
    for (let at = this.scopes.length - 1; at > 0; at--) {
      const scope = this.scopes[at];
      if (scope?.kind === 'function') return scope;
    }
    return undefined;
  }

  globalScope(): Scope {
    return this.scopes[0] as Scope;
  }

  /** The variable itself, without following a name reference. */
  raw(name: string): Variable | undefined {
    for (let at = this.scopes.length - 1; at >= 0; at--) {
      const found = this.scopes[at]?.vars.get(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The name a reference ends at (`declare -n`), with its subscript if any. */
  resolve(name: string): string {
    let current = name;
    for (let depth = 0; depth < 8; depth++) {
      const variable = this.raw(current);
      if (
        variable === undefined ||
        !variable.nameref ||
        variable.value === undefined ||
        variable.value === ''
      )
        return current;
      current = variable.value;
    }
    return current;
  }

  get(name: string): Variable | undefined {
    const found = this.raw(name);
    if (found === undefined)
      return this.unsetDynamic.has(name) ? undefined : this.hooks.dynamic(name);
    return found.nameref ? this.get(this.resolve(name)) : found;
  }

  /** `$name`, undefined where unset. */
  value(name: string): string | undefined {
    const variable = this.get(name);
    if (variable !== undefined) return variable.scalar();
    const target = this.raw(name)?.nameref === true ? this.resolve(name) : name;
    const subscript = splitSubscript(target);
    return subscript === undefined ? undefined : this.element(subscript.name, subscript.index);
  }

  element(name: string, index: string): string | undefined {
    const variable = this.get(name);
    if (variable === undefined) return undefined;
    if (variable.map !== undefined) return variable.map.get(index);
    const at = Number(this.hooks.arithmetic(index));
    if (variable.list !== undefined) return variable.list[at < 0 ? variable.list.length + at : at];
    return at === 0 || at === -1 ? variable.value : undefined;
  }

  /** Finds a variable to assign to, making a global one where there is none. */
  ensure(name: string): Variable {
    const target = this.resolve(name);
    let found = this.raw(target);
    if (found === undefined) {
      found = new Variable();
      this.globalScope().vars.set(target, found);
    }
    return found;
  }

  /** The variable of a scope, made where absent. */
  declareIn(scope: Scope, name: string): Variable {
    let found = scope.vars.get(name);
    if (found === undefined) {
      found = new Variable();
      scope.vars.set(name, found);
    }
    return found;
  }

  set(name: string, value: string, append = false): void {
    if (
      this.raw(name) === undefined &&
      !this.unsetDynamic.has(name) &&
      this.hooks.assignDynamic(name, value)
    )
      return;
    const target = this.resolve(name);
    const subscript = target === name ? undefined : splitSubscript(target);
    if (subscript !== undefined) this.setElement(subscript.name, subscript.index, value, append);
    else this.setIn(this.ensure(target), target, value, append);
  }

  /** Assigns through the attributes of a variable; an array's element 0. */
  setIn(variable: Variable, name: string, value: string, append = false): void {
    if (variable.readonly) throw new ShellError(`${name}: readonly variable`);
    const old = append ? (variable.scalar() ?? '') : '';
    const next = this.shape(variable, value, append ? old : undefined);
    if (variable.list !== undefined) variable.list[0] = next;
    else if (variable.map !== undefined) variable.map.set('0', next);
    else variable.value = next;
  }

  setElement(name: string, index: string, value: string, append = false): void {
    const variable = this.ensure(name);
    if (variable.readonly) throw new ShellError(`${name}: readonly variable`);
    if (variable.map !== undefined) {
      if (index === '') throw new ShellError(`${name}[${index}]: bad array subscript`);
      variable.map.set(
        index,
        this.shape(variable, value, append ? (variable.map.get(index) ?? '') : undefined),
      );
      return;
    }
    if (index === '') throw new ShellError(`${name}[]: bad array subscript`);
    let at = Number(this.hooks.arithmetic(index));
    if (variable.list === undefined) {
      variable.list = variable.value === undefined ? [] : [variable.value];
      variable.value = undefined;
    }
    if (at < 0) at += variable.list.length;
    if (at < 0) throw new ShellError(`${name}[${index}]: bad array subscript`);
    variable.list[at] = this.shape(variable, value, append ? (variable.list[at] ?? '') : undefined);
  }

  setList(name: string, values: readonly string[]): void {
    const variable = this.ensure(name);
    if (variable.readonly) throw new ShellError(`${name}: readonly variable`);
    variable.value = undefined;
    variable.map = undefined;
    variable.list = [...values];
  }

  /** Removes a variable; a function's own local stays declared but unset. Returns false where it is read-only. */
  unset(name: string): boolean {
    const target = this.resolve(name);
    for (let at = this.scopes.length - 1; at >= 0; at--) {
      const scope = this.scopes[at];
      const variable = scope?.vars.get(target);
      if (scope === undefined || variable === undefined) continue;
      if (variable.readonly) return false;
      if (scope.kind === 'function' && scope === this.functionScope())
        scope.vars.set(target, new Variable());
      else scope.vars.delete(target);
      return true;
    }
    this.unsetDynamic.add(target);
    return true;
  }

  unsetElement(name: string, index: string): void {
    const variable = this.get(name);
    if (variable?.map !== undefined) variable.map.delete(index);
    else if (variable?.list !== undefined) {
      const at = Number(this.hooks.arithmetic(index));
      const real = at < 0 ? variable.list.length + at : at;
      Reflect.deleteProperty(variable.list, real);
      while (variable.list.length > 0 && !(variable.list.length - 1 in variable.list))
        variable.list.length--;
    } else if (variable !== undefined && Number(this.hooks.arithmetic(index)) === 0)
      this.unset(name);
  }

  /** Every visible name. */
  names(): string[] {
    const all = new Set<string>();
    for (const scope of this.scopes) for (const name of scope.vars.keys()) all.add(name);
    return [...all].sort();
  }

  /** What a child is given. */
  environment(): Map<string, string> {
    const env = new Map<string, string>();
    for (const scope of this.scopes) {
      for (const [name, variable] of scope.vars) {
        const value = variable.exported ? variable.value : undefined;
        if (value === undefined) env.delete(name);
        else env.set(name, value);
      }
    }
    return env;
  }

  /** A value after `-i`, `-l`, `-u`; `before` is what it is appended to. */
  shape(variable: Variable, value: string, before: string | undefined): string {
    if (variable.integer) {
      const sum =
        this.hooks.arithmetic(value) +
        (before === undefined || before === '' ? 0n : this.hooks.arithmetic(before));
      return BigInt.asIntN(64, sum).toString();
    }
    const joined = before === undefined ? value : before + value;
    if (variable.lower) return joined.toLowerCase();
    return variable.upper ? joined.toUpperCase() : joined;
  }
}

/** `name[index]` taken apart. */
export function splitSubscript(text: string): { name: string; index: string } | undefined {
  const match = /^([A-Za-z_][A-Za-z0-9_]*)\[([\s\S]*)\]$/.exec(text);
  return match === null ? undefined : { name: match[1] ?? '', index: match[2] ?? '' };
}

export function isName(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text);
}

/** The set elements of an array in order, as [index, value]. */
export function arrayEntries(variable: Variable): [string, string][] {
  if (variable.map !== undefined) return inHashOrder(variable.map);
  if (variable.list !== undefined) {
    const out: [string, string][] = [];
    variable.list.forEach((value, index) => out.push([String(index), value]));
    return out;
  }
  return variable.value === undefined ? [] : [['0', variable.value]];
}

/** Buckets of bash's associative arrays; it grows fourfold when twice as many elements are in. */
const BUCKETS = 1024;

/** The order in which bash walks an associative array: by bucket of its hash, the newest of a bucket first. */
function inHashOrder(map: ReadonlyMap<string, string>): [string, string][] {
  let buckets = BUCKETS;
  while (map.size > buckets * 2) buckets *= 4;
  return [...map]
    .map((entry, age) => ({ entry, age, bucket: hashText(entry[0]) & (buckets - 1) }))
    .sort((a, b) => a.bucket - b.bucket || b.age - a.age)
    .map(({ entry }) => entry);
}

/** FNV-1 over the UTF-8 bytes, 32 bits. */
function hashText(text: string): number {
  let hash = 2166136261;
  for (const byte of toBytes(text)) hash = Math.imul(hash, 16777619) ^ byte;
  return hash >>> 0;
}
