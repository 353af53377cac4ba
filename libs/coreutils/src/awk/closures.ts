/**
 * Compiled pieces of a program. What cannot block is a plain function; what may (getline, system, loops, functions with
 * such things in them) is an async one. {@link lift} makes the right kind out of its parts.
 */
import type { Runtime } from './runtime.js';
import type { Value } from './values.js';

export type Code =
  | { readonly sync: true; readonly run: (rt: Runtime) => Value }
  | { readonly sync: false; readonly run: (rt: Runtime) => Promise<Value> };

/** How a statement ended. */
export const Flow = { normal: 0, break: 1, continue: 2, next: 3, nextfile: 4, return: 5 } as const;
export type Flow = (typeof Flow)[keyof typeof Flow];

export type StatementCode =
  | { readonly sync: true; readonly run: (rt: Runtime) => Flow }
  | { readonly sync: false; readonly run: (rt: Runtime) => Promise<Flow> };

export function code(run: (rt: Runtime) => Value): Code {
  return { sync: true, run };
}

/** Evaluates the parts in order, then combines their values. */
export function lift(
  parts: readonly Code[],
  combine: (rt: Runtime, ...values: Value[]) => Value,
): Code {
  const [a, b, c] = parts;
  if (a === undefined) return { sync: true, run: (rt) => combine(rt) };
  if (parts.length === 1 && a.sync) {
    const first = a.run;
    return { sync: true, run: (rt) => combine(rt, first(rt)) };
  }
  if (parts.length === 2 && a.sync && b?.sync === true) {
    const first = a.run;
    const second = b.run;
    return { sync: true, run: (rt) => combine(rt, first(rt), second(rt)) };
  }
  if (parts.length === 3 && a.sync && b?.sync === true && c?.sync === true) {
    const [first, second, third] = [a.run, b.run, c.run];
    return { sync: true, run: (rt) => combine(rt, first(rt), second(rt), third(rt)) };
  }
  if (parts.every((part) => part.sync)) {
    const runs = parts.map((part) => part.run as (rt: Runtime) => Value);
    return { sync: true, run: (rt) => combine(rt, ...runs.map((run) => run(rt))) };
  }
  return liftAsync(parts, (rt, ...values) => combine(rt, ...values));
}

/** As {@link lift}, for a combination that itself may block. */
export function liftAsync(
  parts: readonly Code[],
  combine: (rt: Runtime, ...values: Value[]) => Value | Promise<Value>,
): Code {
  return {
    sync: false,
    run: async (rt) => {
      const values: Value[] = [];
      for (const part of parts) values.push(part.sync ? part.run(rt) : await part.run(rt));
      return combine(rt, ...values);
    },
  };
}
