/** A whole awk program, compiled and run: BEGIN, records through the patterns, END. */
import type { AwkProgram, Expr, FunctionDef, Statement } from './ast.js';
import { Flow, type Code, type StatementCode } from './closures.js';
import { compileExpr, globalSlot, type CompiledFunction, type Scope } from './compile.js';
import { AwkExit, compileStatement } from './compile-statements.js';
import { analyse } from './analyse.js';
import { Runtime } from './runtime.js';
import type { Tool } from '../tool/tool.js';
import { isTrue } from './values.js';

interface CompiledRule {
  readonly pattern: Code | undefined;
  readonly to: Code | undefined;
  readonly body: StatementCode;
  /** A range that has begun. */
  active: boolean;
}

const printRecord: Statement = {
  kind: 'print',
  formatted: false,
  args: [],
  redirection: undefined,
};

export class CompiledProgram {
  private readonly begin: StatementCode[] = [];
  private readonly end: StatementCode[] = [];
  private readonly rules: CompiledRule[] = [];
  readonly slots = new Map<string, number>();

  constructor(program: AwkProgram) {
    const { globalArrays, arrayParams, blocking } = analyse(program);
    const functions = new Map<string, CompiledFunction>();
    for (const definition of program.functions.values()) {
      const arrays = definition.params.map(
        (param) => arrayParams.get(definition.name)?.has(param) === true,
      );
      functions.set(definition.name, {
        definition,
        arrays,
        sync: !blocking.has(definition.name),
        body: undefined,
      });
    }
    const scope: Scope = { slots: this.slots, globalArrays, functions, current: undefined };
    for (const name of ['ARGC', 'ARGV', 'ENVIRON', 'FILENAME', 'RSTART', 'RLENGTH'])
      globalSlot(scope, name);
    for (const compiled of functions.values()) this.compileFunction(scope, compiled);
    for (const rule of program.rules) {
      const body = compileStatement(scope, rule.body ?? printRecord);
      if (rule.kind === 'BEGIN') this.begin.push(body);
      else if (rule.kind === 'END') this.end.push(body);
      else
        this.rules.push({
          pattern: this.optional(scope, rule.pattern),
          to: this.optional(scope, rule.to),
          body,
          active: false,
        });
    }
  }

  private optional(scope: Scope, node: Expr | undefined): Code | undefined {
    return node === undefined ? undefined : compileExpr(scope, node);
  }

  private compileFunction(
    scope: Scope,
    compiled: { definition: FunctionDef; body: StatementCode | undefined },
  ): void {
    compiled.body = compileStatement(
      { ...scope, current: compiled as CompiledFunction },
      compiled.definition.body,
    );
  }

  /** A state for one run. */
  runtime(t: Tool): Runtime {
    return new Runtime(t, this.slots);
  }

  /** Runs everything; the exit code. */
  async run(rt: Runtime): Promise<number> {
    let code = 0;
    const guarded = async (body: () => Promise<void>): Promise<void> => {
      try {
        await body();
      } catch (error) {
        if (!(error instanceof AwkExit)) throw error;
        code = error.code ?? code;
      }
    };
    await guarded(async () => {
      for (const body of this.begin) await body.run(rt);
      if (this.rules.length > 0 || this.end.length > 0) await this.records(rt);
    });
    // END runs after an exit too, except one that END itself makes.
    await guarded(async () => {
      for (const body of this.end) await body.run(rt);
    });
    await rt.streams.closeAll();
    return code;
  }

  private async records(rt: Runtime): Promise<void> {
    for (let record = await rt.nextRecord(); record !== undefined; record = await rt.nextRecord()) {
      rt.setRecord(record);
      await this.applyRules(rt);
      if (rt.streams.full) await rt.streams.flush();
    }
  }

  private async applyRules(rt: Runtime): Promise<void> {
    for (const rule of this.rules) {
      if (rule.pattern !== undefined) {
        if (rule.to === undefined) {
          if (!isTrue(rule.pattern.sync ? rule.pattern.run(rt) : await rule.pattern.run(rt)))
            continue;
        } else {
          if (!rule.active && !isTrue(await rule.pattern.run(rt))) continue;
          rule.active = !isTrue(await rule.to.run(rt));
        }
      }
      const flow = rule.body.sync ? rule.body.run(rt) : await rule.body.run(rt);
      if (flow === Flow.next) return;
      if (flow === Flow.nextfile) {
        rt.closeMain();
        return;
      }
    }
  }
}
