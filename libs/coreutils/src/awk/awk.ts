/**
 * awk, mawk: the pattern scanning language as mawk 1.3.4 runs it on Debian 12, with its messages.
 *
 * Differences: output is written whenever the program waits for input, not when a buffer is full; `-W` options other
 * than version and help are taken and ignored.
 */
import type { ProgramSpec } from '@netloom/sys';
import { fromUnicode } from '../tool/bytes.js';
import { defineTool, errnoText, type Tool } from '../tool/tool.js';
import { AwkSyntaxError, unescape } from './lexer.js';
import { AwkParser } from './parser.js';
import { CompiledProgram } from './program.js';
import type { Runtime } from './runtime.js';
import { AwkFatal } from './streams.js';
import { AwkArray, StrNum } from './values.js';

interface CommandLine {
  readonly files: string[];
  readonly assignments: [string, string][];
  fieldSeparator: string | undefined;
  rest: readonly string[];
}

const usage = `Usage: mawk [Options] [Program] [file ...]

Program:
    The -f option value is the name of a file containing program text.
    If no -f option is given, a "--" ends option processing; the following
    parameters are the program text.

Options:
    -f program-file  Program  text is read from file instead of from the
                     command-line.  Multiple -f options are accepted.
    -F value         sets the field separator, FS, to value.
    -v var=value     assigns value to program variable var.
    --               unambiguous end of options.

    Implementation-specific options are prefixed with "-W".  They can be
    abbreviated:

    -W version       show version information and exit.
    -W dump          show assembler-like listing of program and exit.
    -W help          show this message and exit.
    -W interactive   set unbuffered output, line-buffered input.
    -W exec file     use file as program as well as last option.
    -W random=number set initial random seed.
    -W sprintf=number adjust size of sprintf buffer.
    -W posix_space   do not consider "\\n" a space.
    -W usage         show this message and exit.
`;

function readCommandLine(t: Tool): CommandLine | number {
  const line: CommandLine = { files: [], assignments: [], fieldSeparator: undefined, rest: [] };
  const args = [...t.args];
  for (let arg = args[0]; arg !== undefined && arg.startsWith('-') && arg !== '-'; arg = args[0]) {
    args.shift();
    if (arg === '--') break;
    const letter = arg.charAt(1);
    if (!'FvfW'.includes(letter)) return t.fail(`not an option: ${arg}`);
    const value = arg.length > 2 ? arg.slice(2) : args.shift();
    if (value === undefined) return t.fail(`option -${letter} lacks argument`);
    if (letter === 'F') line.fieldSeparator = unescape(value);
    else if (letter === 'f') line.files.push(value);
    else if (letter === 'v') {
      const match = /^([A-Za-z_]\w*)=([^]*)$/.exec(value);
      if (match === null) return t.fail(`improper assignment: -v ${value}`);
      line.assignments.push([match[1] ?? '', unescape(match[2] ?? '')]);
    } else if ('version'.startsWith(value)) {
      t.put('mawk 1.3.4 20200120\n');
      return 0;
    } else if ('help'.startsWith(value) || 'usage'.startsWith(value)) {
      t.put(usage);
      return 0;
    }
  }
  line.rest = args;
  return line;
}

async function source(t: Tool, line: CommandLine): Promise<string | undefined> {
  if (line.files.length === 0) {
    const [program, ...rest] = line.rest;
    line.rest = rest;
    return program;
  }
  const texts: string[] = [];
  for (const file of line.files) {
    try {
      texts.push(await t.input(file === '-' ? 0 : t.open(file)).rest());
    } catch (error) {
      t.fail(`cannot open ${file} (${errnoText(error)})`);
    }
  }
  return texts.join('\n');
}

function prepare(
  t: Tool,
  rt: Runtime,
  line: CommandLine,
  slots: ReadonlyMap<string, number>,
): void {
  const argv = new AwkArray();
  argv.set('0', t.name);
  line.rest.forEach((arg, index) => argv.set(String(index + 1), new StrNum(arg)));
  const environ = new AwkArray();
  for (const [name, value] of t.sys.env)
    environ.set(fromUnicode(name), new StrNum(fromUnicode(value)));
  rt.globals[slots.get('ARGV') ?? 0] = argv;
  rt.globals[slots.get('ENVIRON') ?? 0] = environ;
  rt.setNamed('ARGC', line.rest.length + 1);
  rt.setNamed('RSTART', 0);
  rt.setNamed('RLENGTH', -1);
  rt.setNamed('FILENAME', '');
  if (line.fieldSeparator !== undefined) rt.setSpecial('FS', line.fieldSeparator);
  for (const [name, value] of line.assignments) rt.setNamed(name, new StrNum(value));
}

async function main(t: Tool): Promise<number> {
  const line = readCommandLine(t);
  if (typeof line === 'number') return line;
  const text = await source(t, line);
  if (text === undefined) {
    t.put(usage, 2);
    return 0;
  }
  let rt: Runtime | undefined;
  try {
    const program = new CompiledProgram(new AwkParser(text).parse());
    rt = program.runtime(t);
    prepare(t, rt, line, program.slots);
    return await program.run(rt);
  } catch (error) {
    if (error instanceof AwkSyntaxError) return t.fail(error.message);
    if (!(error instanceof AwkFatal)) throw error;
    t.put(error.message, 2);
    return 2;
  }
}

export const awkProgram: ProgramSpec = defineTool(
  { name: 'awk', aliases: ['mawk'], usage: '', about: '', suite: '', errorStatus: 2, raw: true },
  main,
);
