/**
 * jq: filters JSON (jq 1.6's language, options, texts and exit codes; no modules, no colours, no --stream).
 * Each value is filtered and printed as soon as it has arrived whole.
 */
import { fromUnicode, toUnicode } from '../tool/bytes.js';
import { realTime } from '../tool/calendar.js';
import { defineTool, errnoText, type Tool } from '../tool/tool.js';
import type { Definition, Filter } from './ast.js';
import { JqBuiltins, JqHalt } from './builtins.js';
import { checkNames } from './check.js';
import { Env, evaluate } from './evaluate.js';
import { JqError, truthy } from './paths.js';
import { formatJson, JsonObject, JsonSyntaxError, type Json, type Style } from './json.js';
import { JqParser, JqSyntaxError } from './parser.js';
import { prelude } from './prelude.js';
import { Inputs } from './inputs.js';
import { readOptions, type Options } from './options.js';

let preludeDefinitions: readonly Definition[] | undefined;

class Jq {
  private status = 0;
  private lastOutput: Json | undefined;
  private readonly style: Style;

  constructor(
    private readonly t: Tool,
    private readonly o: Options,
    private readonly filter: Filter,
    private readonly env: Env,
    private readonly inputs: Inputs,
  ) {
    this.style = { indent: o.indent, sortKeys: o.sortKeys, ascii: o.ascii };
  }

  private async process(value: Json): Promise<void> {
    const { o, t } = this;
    try {
      let count = 0;
      for (const { value: out } of evaluate(this.filter, this.env, { value, path: undefined })) {
        this.lastOutput = out;
        const text = o.raw && typeof out === 'string' ? out : formatJson(out, this.style);
        t.put(`${o.sequence ? '\x1e' : ''}${fromUnicode(text)}${o.join ? '' : '\n'}`);
        if (t.full) await t.flush();
        if (++count % 10000 === 0) await t.sys.cpu(1_000_000);
      }
    } catch (error) {
      if (error instanceof RangeError) throw error;
      if (!(error instanceof JqError)) throw error;
      const where = !this.inputs.asked
        ? '<unknown>'
        : `${this.inputs.fileName ?? '<stdin>'}:${this.inputs.lineNumber}`;
      if (error.value === null) t.put(`jq: error (at ${where}) (not a string): null\n`, 2);
      else if (typeof error.value === 'string')
        t.put(`jq: error (at ${where}): ${fromUnicode(error.value)}\n`, 2);
      else
        t.put(
          `jq: error (at ${where}) (not a string): ${fromUnicode(formatJson(error.value))}\n`,
          2,
        );
      this.status = 5;
    }
  }

  async run(): Promise<number> {
    const { o, inputs } = this;
    if (o.nullInput) {
      await inputs.whole();
      await this.process(null);
    } else if (o.slurp) {
      await inputs.whole();
      const all: Json[] = [];
      if (o.rawInput) await this.process(toUnicode(inputs.rawText()));
      else {
        for (let value = inputs.ready(); value !== undefined; value = inputs.ready())
          all.push(value);
        await this.process(all);
      }
    } else
      for (let value = await inputs.next(); value !== undefined; value = await inputs.next())
        await this.process(value);
    if (this.status !== 0) return this.status;
    if (inputs.failed) return 2;
    if (!o.exitStatus) return 0;
    return this.lastOutput === undefined ? 4 : truthy(this.lastOutput) ? 0 : 1;
  }
}

function makeEnv(
  o: Options,
  builtins: JqBuiltins,
  env: ReadonlyMap<string, string>,
): { env: Env; variables: Set<string> } {
  let scope = new Env(undefined, '', undefined, undefined, undefined, builtins);
  const named = new JsonObject([...o.variables]);
  const all = new Map<string, Json>([
    ...o.variables,
    ['ENV', new JsonObject([...env])],
    [
      'ARGS',
      new JsonObject([
        ['positional', o.positional],
        ['named', named],
      ]),
    ],
  ]);
  for (const [name, value] of all) scope = scope.withVariable(name, value);
  return { env: scope, variables: new Set(all.keys()) };
}

export const jq = defineTool(
  {
    name: 'jq',
    usage: '[options] <jq filter> [file...]',
    about: '',
    suite: '',
    raw: true,
    shortName: true,
  },
  async (t) => {
    const o = await readOptions(t);
    let source = o.operands.shift();
    if (source === undefined && !(t.sys.isatty(0) && t.sys.isatty(1))) source = '.';
    if (source === undefined) {
      t.put(
        `Usage:\tjq [options] <jq filter> [file...]\n\tjq [options] --args <jq filter> [strings...]\n\tjq [options] --jsonargs <jq filter> [JSON_TEXTS...]\n\n`,
        2,
      );
      return 2;
    }
    if (o.filterFile) {
      try {
        source = await t.input(t.open(source)).rest();
      } catch (error) {
        t.put(`jq: error: Could not open ${source}: ${errnoText(error)}\n`, 2);
        return 2;
      }
    }
    const inputs = new Inputs(t, o, o.operands.length === 0 ? ['-'] : o.operands);
    const { seconds, nanoseconds } = realTime(t.sys);
    preludeDefinitions ??= new JqParser(prelude).definitions();
    const builtins = new JqBuiltins(
      {
        input: () => inputs.ready(),
        lineNumber: () => inputs.lineNumber,
        fileName: () => inputs.fileName,
        nowSeconds: () => seconds + nanoseconds / 1e9,
        debug: (value) => t.put(`["DEBUG:",${fromUnicode(formatJson(value))}]\n`, 2),
        stderr: (value) => t.put(fromUnicode(formatJson(value)), 2),
      },
      preludeDefinitions,
    );
    try {
      const filter = new JqParser(toUnicode(source)).parse();
      const { env, variables } = makeEnv(o, builtins, t.sys.env);
      checkNames(filter, toUnicode(source), { functions: new Set(builtins.names), variables });
      return await new Jq(t, o, filter, env, inputs).run();
    } catch (error) {
      if (error instanceof JqSyntaxError) {
        t.put(`jq: error: ${fromUnicode(error.message)}\n`, 2);
        return 3;
      }
      if (error instanceof JsonSyntaxError) {
        t.put(`parse error: ${error.message}\n`, 2);
        return 4;
      }
      if (error instanceof JqHalt) {
        t.put(fromUnicode(error.text), 2);
        return error.code;
      }
      throw error;
    }
  },
);
