/** The binary operators of shell arithmetic, over closures; 64-bit two's complement. */
import type { ArithContext } from './arith.js';
import { ArithError } from './errors.js';

export type ArithNode = (context: ArithContext) => bigint;

/** To 64 bits. */
export const wrap = (value: bigint): bigint => BigInt.asIntN(64, value);

/** A binary operator on two operands; `rest` is the text after it, for messages. */
export function combine(
  operator: string,
  left: ArithNode,
  right: ArithNode,
  expression: string,
  rest: () => string,
): ArithNode {
  const truth = (value: boolean): bigint => (value ? 1n : 0n);
  const divisor = (context: ArithContext): bigint => {
    const value = right(context);
    if (value === 0n) throw new ArithError(expression.trimStart(), 'division by 0', rest());
    return value;
  };
  switch (operator) {
    case '+':
      return (c) => wrap(left(c) + right(c));
    case '-':
      return (c) => wrap(left(c) - right(c));
    case '*':
      return (c) => wrap(left(c) * right(c));
    case '/':
      return (c) => {
        const a = left(c);
        return wrap(a / divisor(c));
      };
    case '%':
      return (c) => {
        const a = left(c);
        return a % divisor(c);
      };
    case '**':
      return (c) => {
        const base = left(c);
        const power = right(c);
        if (power < 0n)
          throw new ArithError(expression.trimStart(), 'exponent less than 0', rest());
        return raise(base, power);
      };
    case '<<':
      return (c) => {
        const a = left(c);
        return wrap(a << (right(c) & 63n));
      };
    case '>>':
      return (c) => {
        const a = left(c);
        return a >> (right(c) & 63n);
      };
    case '<':
      return (c) => truth(left(c) < right(c));
    case '>':
      return (c) => truth(left(c) > right(c));
    case '<=':
      return (c) => truth(left(c) <= right(c));
    case '>=':
      return (c) => truth(left(c) >= right(c));
    case '==':
      return (c) => truth(left(c) === right(c));
    case '!=':
      return (c) => truth(left(c) !== right(c));
    case '&':
      return (c) => left(c) & right(c);
    case '^':
      return (c) => left(c) ^ right(c);
    case '|':
      return (c) => left(c) | right(c);
    case '&&':
      return (c) => truth(left(c) !== 0n && right(c) !== 0n);
    case '||':
      return (c) => truth(left(c) !== 0n || right(c) !== 0n);
    default:
      throw new ArithError(
        expression.trimStart(),
        'syntax error: invalid arithmetic operator',
        operator,
      );
  }
}

function raise(base: bigint, power: bigint): bigint {
  let result = 1n;
  let factor = base;
  for (let left = power; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = wrap(result * factor);
    factor = wrap(factor * factor);
  }
  return result;
}
