import { PyError, runPython, type PyValue } from './python.js';

const NAMES = new Map<string, PyValue>([
  ['cwnd', 10],
  ['state', 1],
  ['name', 'cubic'],
]);

function run(code: string): string[] {
  const printed: string[] = [];
  runPython(code, NAMES, (text) => void printed.push(text));
  return printed;
}

describe('what holds', () => {
  it.each([
    'assert cwnd == 10, cwnd',
    'assert 9 < cwnd <= 10 < 11',
    "assert name == 'cubic' and not state != 1",
    'assert (cwnd & 6) == 2 and cwnd | 1 == 11 and 1 << 3 == 8',
    'assert cwnd in (1, 10), "one of them"',
    'assert -7 // 2 == -4 and -7 % 3 == 2 and 2 ** 3 == 8',
    'assert abs(-3) == 3 and max(1, 5, 2) == 5 and int(2.7) == 2',
    "assert '%d of %s' % (cwnd, name) == '10 of cubic'",
    'x = cwnd * 2; assert x == 20; \\\n  assert x - 1 == 19',
    'assert (cwnd ==\n 10)  # a comment',
    'assert (1 if state else 2) == 1',
    '',
  ])('%s', (code) => {
    expect(run(code)).toEqual([]);
  });
});

describe('what does not', () => {
  it.each([
    ["assert cwnd == 11, 'cwnd=%d' % cwnd", 'AssertionError: cwnd=10'],
    ['assert cwnd == 10, cwnd\nassert state == 2, (cwnd, name)', "AssertionError: (10, 'cubic')"],
    ['assert nobody', "NameError: name 'nobody' is not defined"],
    ['assert cwnd ==', 'SyntaxError: invalid syntax at "end of line"'],
    ['assert 1 / 0', 'ZeroDivisionError: division by zero'],
  ])('%s', (code, message) => {
    expect(() => run(code)).toThrow(new PyError(message));
  });
});

it('prints', () => {
  expect(run("print cwnd, name\nprint('a', 1)")).toEqual(['10 cubic', 'a 1']);
});
