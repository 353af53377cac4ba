/** `[[ … ]]`: no splitting, patterns with `==` and `!=`, regular expressions with `=~`, arithmetic with `-eq` and kin. */
import type { TestCommand, TestExpression } from 'unbash';
import { expandPattern, expandRegex, expandText } from './expand-word.js';
import { trace } from './exec-simple.js';
import { ShellError } from './errors.js';
import { matchPattern, posixRegExp } from './pattern.js';
import { quoteIfNeeded } from './quote.js';
import type { Shell } from './shell.js';
import { testBinary, testUnary } from './test-expr.js';
import { textIr } from './word-ir.js';

class BadRegex extends Error {}

export async function runTestCommand(sh: Shell, node: TestCommand): Promise<number> {
  try {
    return (await evaluateTest(sh, node.expression)) ? 0 : 1;
  } catch (error) {
    if (error instanceof BadRegex) return 2;
    if (!(error instanceof ShellError) || error.scope === 'exit') throw error;
    await sh.error(`[[: ${error.message}`);
    return error.status === 2 ? 2 : 1;
  }
}

async function evaluateTest(sh: Shell, node: TestExpression): Promise<boolean> {
  switch (node.type) {
    case 'TestLogical':
      for (const operand of node.operands) {
        const value = await evaluateTest(sh, operand);
        if (value !== (node.operator === '&&')) return value;
      }
      return node.operator === '&&';
    case 'TestNot':
      return (await evaluateTest(sh, node.operand)) === (node.negations.length % 2 === 0);
    case 'TestGroup':
      return evaluateTest(sh, node.expression);
    case 'TestUnary': {
      const operand = await expandText(sh, textIr(node.operand, sh.source));
      if (sh.options.xtrace) await trace(sh, `[[ ${node.operator} ${quoteIfNeeded(operand)} ]]`);
      return testUnary(sh, node.operator, operand);
    }
    case 'TestBinary': {
      const { operator } = node;
      const left = await expandText(sh, textIr(node.left, sh.source));
      const { parts } = textIr(node.right, sh.source);
      if (operator === '=~') {
        const expression = await expandRegex(sh, parts);
        if (sh.options.xtrace) await trace(sh, `[[ ${quoteIfNeeded(left)} =~ ${expression} ]]`);
        const matched = matchRegex(sh, left, expression);
        if (matched === undefined) throw new BadRegex();
        return matched;
      }
      if (operator === '==' || operator === '=' || operator === '!=') {
        const pattern = await expandPattern(sh, parts);
        if (sh.options.xtrace)
          await trace(sh, `[[ ${quoteIfNeeded(left)} ${operator} ${pattern} ]]`);
        return matchPattern(left, pattern, sh.shopt.has('nocasematch')) === (operator !== '!=');
      }
      const right = await expandText(sh, textIr(node.right, sh.source));
      if (sh.options.xtrace)
        await trace(sh, `[[ ${quoteIfNeeded(left)} ${operator} ${quoteIfNeeded(right)} ]]`);
      return testBinary(sh, left, operator, right, true);
    }
  }
}

/** undefined for an expression that is none: `[[` then quietly has status 2. */
function matchRegex(sh: Shell, text: string, expression: string): boolean | undefined {
  let compiled: RegExp;
  try {
    compiled = posixRegExp(expression, sh.shopt.has('nocasematch'));
  } catch {
    return undefined;
  }
  const match = compiled.exec(text);
  sh.vars.setList('BASH_REMATCH', match === null ? [] : match.map((group) => group ?? ''));
  return match !== null;
}
