/** Turns awk's expressions into closures. */
import type { Expr, FunctionDef, LValue } from './ast.js';
import { plainBuiltins, substitute } from './builtins.js';
import { code, lift, liftAsync, type Code, type StatementCode } from './closures.js';
import { specialNames, type Cell, type Runtime } from './runtime.js';
import { AwkSyntaxError } from './lexer.js';
import { compilePattern, namedBuiltin } from './compile-builtins.js';
import { AwkArray, compare, isTrue, StrNum, toNumber, toText, type Value } from './values.js';

export interface CompiledFunction {
  readonly definition: FunctionDef;
  /** Which parameters are arrays. */
  readonly arrays: readonly boolean[];
  /** Assumed to block until its body shows otherwise. */
  sync: boolean;
  body: StatementCode | undefined;
}

/** What the compiler knows: where variables are, and what they are. */
export interface Scope {
  readonly slots: Map<string, number>;
  readonly globalArrays: ReadonlySet<string>;
  readonly functions: ReadonlyMap<string, CompiledFunction>;
  /** The function that is being compiled. */
  readonly current: CompiledFunction | undefined;
}

type ArrayCode = (rt: Runtime) => AwkArray;

function localIndex(scope: Scope, name: string): number {
  return scope.current?.definition.params.indexOf(name) ?? -1;
}

export function globalSlot(scope: Scope, name: string): number {
  let slot = scope.slots.get(name);
  if (slot === undefined) {
    slot = scope.slots.size;
    scope.slots.set(name, slot);
  }
  return slot;
}

/** The array that a name stands for; made where there is none yet. */
export function arrayCode(scope: Scope, name: string): ArrayCode {
  const local = localIndex(scope, name);
  const fetch = (cells: Cell[], at: number): AwkArray => {
    const cell = cells[at];
    if (cell instanceof AwkArray) return cell;
    const made = new AwkArray();
    cells[at] = made;
    return made;
  };
  if (local >= 0) return (rt) => fetch(rt.frame, local);
  if (specialNames.has(name))
    throw new AwkSyntaxError(`line 1: illegal reference to variable ${name}`);
  const slot = globalSlot(scope, name);
  return (rt) => fetch(rt.globals, slot);
}

/** A subscript list as one key. */
export function subscriptCode(scope: Scope, subscripts: readonly Expr[]): Code {
  const parts = subscripts.map((item) => compileExpr(scope, item));
  if (parts.length === 1)
    return lift(parts, (rt, value) =>
      typeof value === 'string' ? value : toText(value, rt.convfmt),
    );
  return lift(parts, (rt, ...values) =>
    values.map((value) => toText(value, rt.convfmt)).join(rt.subsep),
  );
}

/** How an lvalue is read and written once its index or key is known. */
interface Place {
  readonly index: readonly Code[];
  readonly get: (rt: Runtime, index: Value) => Value;
  readonly set: (rt: Runtime, index: Value, value: Value) => void;
}

export function place(scope: Scope, target: LValue): Place {
  switch (target.kind) {
    case 'field':
      return {
        index: [compileExpr(scope, target.index)],
        get: (rt, index) => rt.getField(toNumber(index)),
        set: (rt, index, value) => rt.setField(toNumber(index), value),
      };
    case 'element': {
      const array = arrayCode(scope, target.array);
      return {
        index: [subscriptCode(scope, target.subscripts)],
        get: (rt, key) => array(rt).get(key as string),
        set: (rt, key, value) => array(rt).set(key as string, value),
      };
    }
    case 'variable':
      return variablePlace(scope, target.name);
  }
}

function variablePlace(scope: Scope, name: string): Place {
  const local = localIndex(scope, name);
  if (local >= 0) {
    return {
      index: [],
      get: (rt) => rt.frame[local] as Value,
      set: (rt, _index, value) => {
        rt.frame[local] = value;
      },
    };
  }
  if (name === 'NR')
    return {
      index: [],
      get: (rt) => rt.nr,
      set: (rt, _index, value) => void (rt.nr = toNumber(value)),
    };
  if (name === 'FNR')
    return {
      index: [],
      get: (rt) => rt.fnr,
      set: (rt, _index, value) => void (rt.fnr = toNumber(value)),
    };
  if (specialNames.has(name)) {
    return {
      index: [],
      get: (rt) => rt.getSpecial(name),
      set: (rt, _index, value) => rt.setSpecial(name, value),
    };
  }
  if (scope.globalArrays.has(name))
    throw new AwkSyntaxError(`line 1: illegal reference to array ${name}`);
  const slot = globalSlot(scope, name);
  return {
    index: [],
    get: (rt) => rt.globals[slot] as Value,
    set: (rt, _index, value) => {
      rt.globals[slot] = value;
    },
  };
}

const arithmetic: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '^': (a, b) => a ** b,
};

const relations: Readonly<Record<string, (order: number) => boolean>> = {
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '==': (order) => order === 0,
  '!=': (order) => order !== 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

export function compileExpr(scope: Scope, node: Expr): Code {
  switch (node.kind) {
    case 'number': {
      const { value } = node;
      return code(() => value);
    }
    case 'string': {
      const { value } = node;
      return code(() => value);
    }
    case 'regex': {
      const { source } = node;
      return code((rt) => (rt.regex(source).test(rt.getRecord()) ? 1 : 0));
    }
    case 'group':
      return compileExpr(scope, node.item);
    case 'list':
      throw new AwkSyntaxError('line 1: syntax error at or near ,');
    case 'variable':
    case 'field':
    case 'element': {
      const { index, get } = place(scope, node);
      return lift(index, get);
    }
    case 'assign':
      return compileAssign(scope, node.operator, node.target, node.value);
    case 'increment': {
      const { index, get, set } = place(scope, node.target);
      const { delta, prefix } = node;
      return lift(index, (rt, key) => {
        const before = toNumber(get(rt, key));
        set(rt, key, before + delta);
        return prefix ? before + delta : before;
      });
    }
    case 'unary':
      return compileUnary(scope, node.operator, node.operand);
    case 'binary':
      return compileBinary(scope, node.operator, node.left, node.right);
    case 'conditional': {
      const [test, then, otherwise] = [
        compileExpr(scope, node.test),
        compileExpr(scope, node.then),
        compileExpr(scope, node.otherwise),
      ];
      if (test.sync && then.sync && otherwise.sync)
        return code((rt) => (isTrue(test.run(rt)) ? then.run(rt) : otherwise.run(rt)));
      return {
        sync: false,
        run: async (rt) => (isTrue(await test.run(rt)) ? then.run(rt) : otherwise.run(rt)),
      };
    }
    case 'match': {
      const { negated } = node;
      const pattern = compilePattern(scope, node.right);
      return lift([compileExpr(scope, node.left), pattern.code], (rt, left, source) =>
        pattern.regex(rt, source).test(toText(left, rt.convfmt)) === negated ? 0 : 1,
      );
    }
    case 'in': {
      const array = arrayCode(scope, node.array);
      return lift([subscriptCode(scope, node.subscripts)], (rt, key) =>
        array(rt).items.has(key as string) ? 1 : 0,
      );
    }
    case 'call':
      return compileCall(scope, node.name, node.args);
    case 'builtin':
      return compileBuiltin(scope, node.name, node.args);
    case 'getline':
      return compileGetline(scope, node);
  }
}

function compileAssign(scope: Scope, operator: string, target: LValue, value: Expr): Code {
  const { index, get, set } = place(scope, target);
  const right = compileExpr(scope, value);
  const compute = arithmetic[operator.slice(0, -1)];
  if (index.length === 0) {
    return lift([right], (rt, given) => {
      const result =
        compute === undefined ? given : compute(toNumber(get(rt, undefined)), toNumber(given));
      set(rt, undefined, result);
      return result;
    });
  }
  return lift([...index, right], (rt, key, given) => {
    const result = compute === undefined ? given : compute(toNumber(get(rt, key)), toNumber(given));
    set(rt, key, result);
    return result;
  });
}

function compileUnary(scope: Scope, operator: '!' | '-' | '+', operand: Expr): Code {
  const inner = compileExpr(scope, operand);
  if (operator === '!') return lift([inner], (_rt, value) => (isTrue(value) ? 0 : 1));
  return operator === '-'
    ? lift([inner], (_rt, value) => -toNumber(value))
    : lift([inner], (_rt, value) => toNumber(value));
}

function compileBinary(scope: Scope, operator: string, leftNode: Expr, rightNode: Expr): Code {
  const left = compileExpr(scope, leftNode);
  const right = compileExpr(scope, rightNode);
  if (operator === '&&' || operator === '||') {
    const settles = operator === '||';
    if (left.sync && right.sync)
      return code((rt) =>
        (isTrue(left.run(rt)) === settles ? settles : isTrue(right.run(rt))) ? 1 : 0,
      );
    return {
      sync: false,
      run: async (rt) =>
        (isTrue(await left.run(rt)) === settles ? settles : isTrue(await right.run(rt))) ? 1 : 0,
    };
  }
  if (operator === ' ')
    return lift([left, right], (rt, a, b) => toText(a, rt.convfmt) + toText(b, rt.convfmt));
  const relation = relations[operator];
  if (relation !== undefined)
    return lift([left, right], (rt, a, b) => (relation(compare(a, b, rt.convfmt)) ? 1 : 0));
  const compute = arithmetic[operator] as (a: number, b: number) => number;
  return lift([left, right], (_rt, a, b) => compute(toNumber(a), toNumber(b)));
}

function compileCall(scope: Scope, name: string, args: readonly Expr[]): Code {
  const target = scope.functions.get(name) as CompiledFunction;
  const { params } = target.definition;
  if (args.length > params.length)
    throw new AwkSyntaxError(`line 1: too many arguments in call to ${name}`);
  const parts = args.map((arg, index): { array: ArrayCode } | { value: Code } =>
    target.arrays[index] === true && arg.kind === 'variable'
      ? { array: arrayCode(scope, arg.name) }
      : { value: compileExpr(scope, arg) },
  );
  const values = parts.map((part) => ('value' in part ? part.value : code(() => undefined)));
  const enter = (rt: Runtime, given: readonly Value[]): Cell[] => {
    const frame: Cell[] = new Array<Cell>(params.length).fill(undefined);
    parts.forEach((part, index) => {
      frame[index] = 'array' in part ? part.array(rt) : given[index];
    });
    const saved = rt.frame;
    rt.frame = frame;
    rt.returned = undefined;
    return saved;
  };
  const leave = (rt: Runtime, saved: Cell[]): Value => {
    rt.frame = saved;
    const result = rt.returned;
    rt.returned = undefined;
    return result;
  };
  if (target.sync && values.every((value) => value.sync)) {
    return lift(values, (rt, ...given) => {
      const saved = enter(rt, given);
      (target.body as StatementCode).run(rt);
      return leave(rt, saved);
    });
  }
  return liftAsync(values, async (rt, ...given) => {
    const saved = enter(rt, given);
    await (target.body as StatementCode).run(rt);
    return leave(rt, saved);
  });
}

function compileBuiltin(scope: Scope, name: string, args: readonly Expr[]): Code {
  const special = namedBuiltin(scope, name, args);
  if (special !== undefined) return special;
  if (name === 'sub' || name === 'gsub') return compileSubstitution(scope, name === 'gsub', args);
  const plain = plainBuiltins[name];
  if (plain === undefined) throw new AwkSyntaxError(`line 1: function ${name} never defined`);
  return lift(
    args.map((arg) => compileExpr(scope, arg)),
    plain,
  );
}

function compileSubstitution(scope: Scope, global: boolean, args: readonly Expr[]): Code {
  const [patternNode, templateNode, targetNode] = args as [Expr, Expr, Expr | undefined];
  const pattern = compilePattern(scope, patternNode);
  const template = compileExpr(scope, templateNode);
  const bare = targetNode?.kind === 'group' ? targetNode.item : targetNode;
  const isPlace =
    bare === undefined ||
    bare.kind === 'variable' ||
    bare.kind === 'field' ||
    bare.kind === 'element';
  const target: LValue =
    isPlace && bare !== undefined ? bare : { kind: 'field', index: { kind: 'number', value: 0 } };
  if (!isPlace) {
    return lift(
      [pattern.code, template, compileExpr(scope, bare)],
      (rt, source, with_, text) =>
        substitute(
          toText(text, rt.convfmt),
          pattern.regex(rt, source),
          toText(with_, rt.convfmt),
          global,
        ).count,
    );
  }
  const { index, get, set } = place(scope, target);
  return lift([pattern.code, template, ...index], (rt, source, with_, key) => {
    const result = substitute(
      toText(get(rt, key), rt.convfmt),
      pattern.regex(rt, source),
      toText(with_, rt.convfmt),
      global,
    );
    if (result.count > 0) set(rt, key, result.text);
    return result.count;
  });
}

function compileGetline(scope: Scope, node: Extract<Expr, { kind: 'getline' }>): Code {
  const target = node.target === undefined ? undefined : place(scope, node.target);
  const source = node.source === undefined ? [] : [compileExpr(scope, node.source)];
  const { from } = node;
  return liftAsync([...source, ...(target?.index ?? [])], async (rt, ...values) => {
    const key = source.length === 0 ? values[0] : values[1];
    let record: string | undefined;
    if (from === 'main') record = await rt.nextRecord();
    else {
      const reader = await rt.streams.reader(from, toText(values[0], rt.convfmt));
      if (reader === undefined) return -1;
      record = await rt.readRecord(reader);
    }
    if (record === undefined) return 0;
    if (target !== undefined) target.set(rt, key, new StrNum(record));
    else {
      rt.setRecord(record);
      if (from === 'command') rt.nr++;
    }
    return 1;
  });
}
