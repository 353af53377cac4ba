/** Compile-time checks of a filter: every function and variable that it names exists. */
import type { Filter, Pattern } from './ast.js';
import { JqBuiltins } from './builtins.js';
import { JqSyntaxError, placed } from './parser.js';

interface Scope {
  readonly functions: ReadonlySet<string>;
  readonly variables: ReadonlySet<string>;
}

function patternNames(pattern: Pattern): string[] {
  if (pattern.kind === 'variable') return [pattern.name];
  if (pattern.kind === 'array') return pattern.items.flatMap(patternNames);
  return pattern.entries.flatMap(({ variable, pattern: inner }) => [
    ...(variable === undefined ? [] : [variable]),
    ...(inner === undefined ? [] : patternNames(inner)),
  ]);
}

/** Throws JqSyntaxError at the first name that is not defined. */
export function checkNames(filter: Filter, source: string, scope: Scope): void {
  const fail = (name: string, start: number): never => {
    throw new JqSyntaxError(placed(`${name} is not defined`, source, 1, start));
  };
  const visit = (node: Filter | undefined, inner: Scope = scope): void => {
    if (node !== undefined) checkNames(node, source, inner);
  };
  const bound = (names: readonly string[]): Scope => ({
    ...scope,
    variables: new Set([...scope.variables, ...names]),
  });
  switch (filter.kind) {
    case 'string':
      for (const part of filter.parts) if (typeof part !== 'string') visit(part);
      return;
    case 'index':
      visit(filter.target);
      visit(filter.key);
      return;
    case 'slice':
      visit(filter.target);
      visit(filter.from);
      visit(filter.to);
      return;
    case 'iterate':
      visit(filter.target);
      return;
    case 'array':
      visit(filter.body);
      return;
    case 'object':
      for (const { key, value } of filter.entries) {
        visit(key);
        visit(value);
      }
      return;
    case 'negate':
      visit(filter.operand);
      return;
    case 'pipe':
    case 'comma':
    case 'alternative':
    case 'and':
    case 'or':
    case 'binary':
    case 'update':
      visit(filter.left);
      visit(filter.right);
      return;
    case 'if':
      visit(filter.test);
      visit(filter.then);
      visit(filter.otherwise);
      return;
    case 'try':
      visit(filter.body);
      visit(filter.handler);
      return;
    case 'reduce':
    case 'foreach': {
      visit(filter.source);
      visit(filter.start);
      const inner = bound(patternNames(filter.pattern));
      visit(filter.update, inner);
      if (filter.kind === 'foreach') visit(filter.extract, inner);
      return;
    }
    case 'define': {
      const { name, params, body } = filter.definition;
      const functions = new Set([...scope.functions, `${name}/${params.length}`]);
      const own = params.map((param) => param.replace('$', ''));
      const variables = params
        .filter((param) => param.startsWith('$'))
        .map((param) => param.slice(1));
      visit(body, {
        functions: new Set([...functions, ...own.map((param) => `${param}/0`)]),
        variables: new Set([...scope.variables, ...variables]),
      });
      visit(filter.body, { ...scope, functions });
      return;
    }
    case 'call':
      if (
        !scope.functions.has(`${filter.name}/${filter.args.length}`) &&
        !JqBuiltins.has(filter.name, filter.args.length)
      )
        fail(`${filter.name}/${filter.args.length}`, filter.start);
      filter.args.forEach((arg) => visit(arg));
      return;
    case 'variable':
      if (filter.name !== '__loc__' && !scope.variables.has(filter.name))
        fail(`$${filter.name}`, filter.start);
      return;
    case 'bind':
      visit(filter.source);
      visit(filter.body, bound(filter.patterns.flatMap(patternNames)));
      return;
    case 'label':
      visit(filter.body);
      return;
    default:
  }
}
