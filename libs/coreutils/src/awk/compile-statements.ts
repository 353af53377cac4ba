/** Turns awk's statements into closures. */
import type { Statement } from './ast.js';
import { sprintf } from './builtins.js';
import { Flow, lift, type Code, type StatementCode } from './closures.js';
import { arrayCode, compileExpr, place, subscriptCode, type Scope } from './compile.js';
import type { Runtime } from './runtime.js';
import { isTrue, numberToText, toNumber, toText, type Value } from './values.js';

/** `exit` unwinds everything. */
export class AwkExit extends Error {
  constructor(readonly code: number | undefined) {
    super('exit');
  }
}

/** A loop that never reads lets time pass every so often. */
const turnsPerCharge = 20000;
const chargeNs = 1_000_000;

function fromCode(value: Code, after: (rt: Runtime, value: Value) => Flow): StatementCode {
  if (value.sync) return { sync: true, run: (rt) => after(rt, value.run(rt)) };
  return { sync: false, run: async (rt) => after(rt, await value.run(rt)) };
}

export function compileStatement(scope: Scope, node: Statement): StatementCode {
  switch (node.kind) {
    case 'block':
      return compileBlock(node.body.map((item) => compileStatement(scope, item)));
    case 'expression':
      return fromCode(compileExpr(scope, node.value), () => Flow.normal);
    case 'print':
      return compilePrint(scope, node);
    case 'if': {
      const test = compileExpr(scope, node.test);
      const then = compileStatement(scope, node.then);
      const otherwise: StatementCode =
        node.otherwise === undefined
          ? { sync: true, run: () => Flow.normal }
          : compileStatement(scope, node.otherwise);
      if (test.sync && then.sync && otherwise.sync) {
        return {
          sync: true,
          run: (rt) => (isTrue(test.run(rt)) ? then.run(rt) : otherwise.run(rt)),
        };
      }
      return {
        sync: false,
        run: async (rt) => (isTrue(await test.run(rt)) ? then.run(rt) : otherwise.run(rt)),
      };
    }
    case 'for':
      return compileFor(scope, node);
    case 'for-in':
      return compileForIn(scope, node);
    case 'delete': {
      const array = arrayCode(scope, node.array);
      if (node.subscripts === undefined) {
        return {
          sync: true,
          run: (rt) => {
            array(rt).items.clear();
            return Flow.normal;
          },
        };
      }
      return fromCode(subscriptCode(scope, node.subscripts), (rt, key) => {
        array(rt).items.delete(key as string);
        return Flow.normal;
      });
    }
    case 'exit': {
      if (node.code === undefined) {
        return {
          sync: true,
          run: () => {
            throw new AwkExit(undefined);
          },
        };
      }
      return fromCode(compileExpr(scope, node.code), (_rt, value) => {
        throw new AwkExit(Math.trunc(toNumber(value)));
      });
    }
    case 'return':
      if (node.value === undefined) return { sync: true, run: () => Flow.return };
      return fromCode(compileExpr(scope, node.value), (rt, value) => {
        rt.returned = value;
        return Flow.return;
      });
    default: {
      const flow = Flow[node.kind];
      return { sync: true, run: () => flow };
    }
  }
}

function compileBlock(items: readonly StatementCode[]): StatementCode {
  if (items.length === 1) return items[0] as StatementCode;
  if (items.every((item) => item.sync)) {
    const runs = items.map((item) => item.run as (rt: Runtime) => Flow);
    return {
      sync: true,
      run: (rt) => {
        for (const run of runs) {
          const flow = run(rt);
          if (flow !== Flow.normal) return flow;
        }
        return Flow.normal;
      },
    };
  }
  return {
    sync: false,
    run: async (rt) => {
      for (const item of items) {
        const flow = item.sync ? item.run(rt) : await item.run(rt);
        if (flow !== Flow.normal) return flow;
      }
      return Flow.normal;
    },
  };
}

/** Every loop may block: it writes what it has printed, and lets time pass, now and then. */
async function pace(rt: Runtime, turns: number): Promise<void> {
  if (rt.streams.full) await rt.streams.flush();
  if (turns % turnsPerCharge === 0) await rt.t.sys.cpu(chargeNs);
}

function compileFor(scope: Scope, node: Extract<Statement, { kind: 'for' }>): StatementCode {
  const start = node.start === undefined ? undefined : compileStatement(scope, node.start);
  const test = node.test === undefined ? undefined : compileExpr(scope, node.test);
  const step = node.step === undefined ? undefined : compileStatement(scope, node.step);
  const body = compileStatement(scope, node.body);
  const { testFirst } = node;
  return {
    sync: false,
    run: async (rt) => {
      if (start !== undefined) await start.run(rt);
      for (let turns = 1; ; turns++) {
        if (
          test !== undefined &&
          (testFirst || turns > 1) &&
          !isTrue(test.sync ? test.run(rt) : await test.run(rt))
        )
          return Flow.normal;
        const flow = body.sync ? body.run(rt) : await body.run(rt);
        if (flow === Flow.break) return Flow.normal;
        if (flow !== Flow.normal && flow !== Flow.continue) return flow;
        if (step !== undefined) {
          if (step.sync) step.run(rt);
          else await step.run(rt);
        }
        if ((turns & 255) === 0) await pace(rt, turns & ~255);
      }
    },
  };
}

function compileForIn(scope: Scope, node: Extract<Statement, { kind: 'for-in' }>): StatementCode {
  const array = arrayCode(scope, node.array);
  const { set } = place(scope, { kind: 'variable', name: node.variable });
  const body = compileStatement(scope, node.body);
  if (body.sync) {
    const run = body.run;
    return {
      sync: true,
      run: (rt) => {
        for (const key of array(rt).keys()) {
          set(rt, undefined, key);
          const flow = run(rt);
          if (flow === Flow.break) return Flow.normal;
          if (flow !== Flow.normal && flow !== Flow.continue) return flow;
        }
        return Flow.normal;
      },
    };
  }
  return {
    sync: false,
    run: async (rt) => {
      for (const key of array(rt).keys()) {
        set(rt, undefined, key);
        const flow = await body.run(rt);
        if (flow === Flow.break) return Flow.normal;
        if (flow !== Flow.normal && flow !== Flow.continue) return flow;
      }
      return Flow.normal;
    },
  };
}

/** As print shows a value: numbers by OFMT. */
function shown(rt: Runtime, value: Value): string {
  return typeof value === 'number' ? numberToText(value, rt.ofmt) : toText(value, rt.convfmt);
}

function compilePrint(scope: Scope, node: Extract<Statement, { kind: 'print' }>): StatementCode {
  const args = node.args.map((arg) => compileExpr(scope, arg));
  const { formatted, redirection } = node;
  const target = redirection === undefined ? [] : [compileExpr(scope, redirection.target)];
  const text = (rt: Runtime, values: readonly Value[]): string => {
    if (formatted) return sprintf(rt, 'printf', toText(values[0], rt.convfmt), values.slice(1));
    if (values.length === 0) return rt.getRecord() + rt.ors;
    if (values.length === 1) return shown(rt, values[0]) + rt.ors;
    return values.map((value) => shown(rt, value)).join(rt.ofs) + rt.ors;
  };
  const print = lift([...args, ...target], (rt, ...values) => {
    if (redirection === undefined) rt.t.put(text(rt, values));
    else
      rt.streams.write(
        redirection.mode,
        toText(values[values.length - 1], rt.convfmt),
        text(rt, values.slice(0, -1)),
      );
    return undefined;
  });
  return fromCode(print, () => Flow.normal);
}
