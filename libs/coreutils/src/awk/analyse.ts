/** What a program's names are before it runs: arrays among variables and parameters, functions that may block. */
import type { AwkProgram, Expr, LValue, Statement } from './ast.js';

const blockingBuiltins = new Set(['system', 'close', 'fflush']);

export interface Analysis {
  readonly globalArrays: ReadonlySet<string>;
  readonly arrayParams: ReadonlyMap<string, ReadonlySet<string>>;
  readonly blocking: ReadonlySet<string>;
}

interface Visitor {
  array(name: string): void;
  call(name: string, args: readonly Expr[]): void;
  blocks(): void;
}

export function analyse(program: AwkProgram): Analysis {
  const globalArrays = new Set(['ARGV', 'ENVIRON']);
  const arrayParams = new Map(
    [...program.functions.keys()].map((name) => [name, new Set<string>()]),
  );
  const blocking = new Set<string>();
  // Names become arrays by being passed to array parameters: repeat until nothing changes.
  for (let size = -1; ;) {
    const before =
      globalArrays.size +
      blocking.size +
      [...arrayParams.values()].reduce((sum, names) => sum + names.size, 0);
    if (before === size) return { globalArrays, arrayParams, blocking };
    size = before;
    const visitorFor = (owner: string | undefined): Visitor => {
      const params = owner === undefined ? [] : (program.functions.get(owner)?.params ?? []);
      const array = (name: string): void => {
        if (owner !== undefined && params.includes(name)) arrayParams.get(owner)?.add(name);
        else globalArrays.add(name);
      };
      return {
        array,
        call: (name, args) => {
          const target = program.functions.get(name);
          args.forEach((arg, index) => {
            const param = target?.params[index];
            if (
              arg.kind === 'variable' &&
              param !== undefined &&
              arrayParams.get(name)?.has(param) === true
            )
              array(arg.name);
          });
          if (blocking.has(name) && owner !== undefined) blocking.add(owner);
        },
        blocks: () => {
          if (owner !== undefined) blocking.add(owner);
        },
      };
    };
    for (const definition of program.functions.values())
      visitStatement(definition.body, visitorFor(definition.name));
    const top = visitorFor(undefined);
    for (const rule of program.rules) {
      for (const node of [rule.pattern, rule.to]) if (node !== undefined) visitExpr(node, top);
      if (rule.body !== undefined) visitStatement(rule.body, top);
    }
  }
}

function visitStatement(node: Statement, visitor: Visitor): void {
  const expr = (item: Expr | undefined): void => {
    if (item !== undefined) visitExpr(item, visitor);
  };
  const statement = (item: Statement | undefined): void => {
    if (item !== undefined) visitStatement(item, visitor);
  };
  switch (node.kind) {
    case 'block':
      node.body.forEach(statement);
      break;
    case 'expression':
      expr(node.value);
      break;
    case 'print':
      node.args.forEach(expr);
      expr(node.redirection?.target);
      break;
    case 'if':
      expr(node.test);
      statement(node.then);
      statement(node.otherwise);
      break;
    case 'for':
      statement(node.start);
      expr(node.test);
      statement(node.step);
      statement(node.body);
      visitor.blocks();
      break;
    case 'for-in':
      visitor.array(node.array);
      statement(node.body);
      break;
    case 'delete':
      visitor.array(node.array);
      node.subscripts?.forEach(expr);
      break;
    case 'exit':
      expr(node.code);
      break;
    case 'return':
      expr(node.value);
      break;
    default:
  }
}

function visitExpr(node: Expr, visitor: Visitor): void {
  const visit = (item: Expr | LValue | undefined): void => {
    if (item !== undefined) visitExpr(item, visitor);
  };
  switch (node.kind) {
    case 'group':
      visit(node.item);
      break;
    case 'list':
      node.items.forEach(visit);
      break;
    case 'field':
      visit(node.index);
      break;
    case 'element':
      visitor.array(node.array);
      node.subscripts.forEach(visit);
      break;
    case 'assign':
      visit(node.target);
      visit(node.value);
      break;
    case 'increment':
      visit(node.target);
      break;
    case 'unary':
      visit(node.operand);
      break;
    case 'binary':
    case 'match':
      visit(node.left);
      visit(node.right);
      break;
    case 'conditional':
      visit(node.test);
      visit(node.then);
      visit(node.otherwise);
      break;
    case 'in':
      visitor.array(node.array);
      node.subscripts.forEach(visit);
      break;
    case 'call':
      visitor.call(node.name, node.args);
      node.args.forEach(visit);
      break;
    case 'builtin':
      if (blockingBuiltins.has(node.name)) visitor.blocks();
      if (node.name === 'split') {
        const into = node.args[1];
        const bare = into?.kind === 'group' ? into.item : into;
        if (bare?.kind === 'variable') visitor.array(bare.name);
      }
      node.args.forEach(visit);
      break;
    case 'getline':
      visitor.blocks();
      visit(node.source);
      visit(node.target);
      break;
    default:
  }
}
