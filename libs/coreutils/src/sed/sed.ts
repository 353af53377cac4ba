/** sed: GNU sed 4.9's options, texts and exit codes over {@link SedParser} and {@link SedMachine}. */
import { OpenFlag, type ProgramSpec } from '@netloom/sys';
import { textToBytes, toUnicode } from '../tool/bytes.js';
import { defineTool, errnoText, ExitError, type Tool } from '../tool/tool.js';
import type { ParsedArgs } from '../tool/getopt.js';
import { SedMachine } from './execute.js';
import { SedParser, type ScriptPart } from './parse.js';
import { SedInput, type SedFileHooks } from './sed-input.js';
import { SedOutputs } from './sed-output.js';
import { SedError, type SedCommand } from './script.js';

const usageText = (
  name: string,
): string => `Usage: ${name} [OPTION]... {script-only-if-no-other-script} [input-file]...

  -n, --quiet, --silent
                 suppress automatic printing of pattern space
      --debug
                 annotate program execution
  -e script, --expression=script
                 add the script to the commands to be executed
  -f script-file, --file=script-file
                 add the contents of script-file to the commands to be executed
  --follow-symlinks
                 follow symlinks when processing in place
  -i[SUFFIX], --in-place[=SUFFIX]
                 edit files in place (makes backup if SUFFIX supplied)
  -l N, --line-length=N
                 specify the desired line-wrap length for the \`l' command
  --posix
                 disable all GNU extensions.
  -E, -r, --regexp-extended
                 use extended regular expressions in the script
                 (for portability use POSIX -E).
  -s, --separate
                 consider files as separate rather than as a single,
                 continuous long stream.
      --sandbox
                 operate in sandbox mode (disable e/r/w commands).
  -u, --unbuffered
                 load minimal amounts of data from the input files and flush
                 the output buffers more often
  -z, --null-data
                 separate lines by NUL characters
      --help     display this help and exit
      --version  output version information and exit

If no -e, --expression, -f, or --file option is given, then the first
non-option argument is taken as the sed script to interpret.  All
remaining arguments are names of input files; if no input files are
specified, then the standard input is read.

GNU sed home page: <https://www.gnu.org/software/sed/>.
General help using GNU software: <https://www.gnu.org/gethelp/>.
`;

async function scriptFile(t: Tool, name: string): Promise<ScriptPart> {
  try {
    const text = await t.input(name === '-' ? 0 : t.open(name)).rest();
    return { text: text.endsWith('\n') ? text.slice(0, -1) : text, where: { file: name } };
  } catch (error) {
    return t.fail(`couldn't open file ${name}: ${errnoText(error)}`, 4);
  }
}

function editInPlace(t: Tool, suffix: string, outputs: SedOutputs): SedFileHooks {
  return {
    begin: () => outputs.collect(),
    end: async (file) => {
      const path = toUnicode(file);
      const mode = t.sys.stat(path).mode;
      const slash = path.lastIndexOf('/') + 1;
      const temporary = `${path.slice(0, slash)}sed${t.sys.random().toString(36).padStart(6, '0').slice(0, 6)}`;
      const fd = t.sys.open(
        temporary,
        OpenFlag.O_WRONLY | OpenFlag.O_CREAT | OpenFlag.O_TRUNC | OpenFlag.O_CLOEXEC,
        0o600,
      );
      await t.sys.write(fd, textToBytes(outputs.finish()));
      t.sys.close(fd);
      t.sys.chmod(temporary, mode);
      if (suffix !== '') {
        const base = path.slice(slash);
        const backup = suffix.includes('*') ? suffix.replaceAll('*', base) : base + suffix;
        t.sys.rename(path, backup.includes('/') ? backup : path.slice(0, slash) + backup);
      }
      t.sys.rename(temporary, path);
    },
  };
}

interface SedOptions {
  quiet: boolean;
  extended: boolean;
  separate: boolean;
  posix: boolean;
  inPlace: string | undefined;
  delimiter: string;
  lineLength: number;
}

async function readOptions(
  t: Tool,
  parsed: ParsedArgs,
): Promise<{ options: SedOptions; parts: ScriptPart[] }> {
  const options: SedOptions = {
    quiet: false,
    extended: false,
    separate: false,
    posix: false,
    inPlace: undefined,
    delimiter: '\n',
    lineLength: 70,
  };
  const parts: ScriptPart[] = [];
  for (const { key, value = '' } of parsed.options) {
    if (key === 'n') options.quiet = true;
    else if (key === 'e') parts.push({ text: value, where: { expression: parts.length + 1 } });
    else if (key === 'f') parts.push(await scriptFile(t, value));
    else if (key === 'E' || key === 'r') options.extended = true;
    else if (key === 's') options.separate = true;
    else if (key === 'i') {
      options.inPlace = value;
      options.separate = true;
    } else if (key === 'z') options.delimiter = '\0';
    else if (key === '--posix') options.posix = true;
    else if (key === 'l') {
      if (!/^\d+$/.test(value)) t.fail(`invalid line length: ${value}`);
      options.lineLength = Number(value);
    } else if (key === '--sed-help') {
      t.put(usageText(t.name));
      throw new ExitError(0);
    }
  }
  return { options, parts };
}

async function main(t: Tool, parsed: ParsedArgs): Promise<number> {
  const { options, parts } = await readOptions(t, parsed);
  const files = [...parsed.operands];
  if (parts.length === 0) {
    const script = files.shift();
    if (script === undefined) {
      t.put(usageText(t.name), 2);
      return 1;
    }
    parts.push({ text: script, where: { expression: 1 } });
  }
  const outputs = new SedOutputs(t, options.delimiter);
  try {
    const commands = new SedParser({ extended: options.extended }).parse(parts);
    if (options.inPlace !== undefined && files.length === 0) t.fail('no input files', 4);
    if (/^#n(\n|$)/.test(parts[0]?.text ?? '')) options.quiet = true;
    openFiles(commands, outputs);
    const hooks =
      options.inPlace === undefined ? undefined : editInPlace(t, options.inPlace, outputs);
    const flush = async (): Promise<void> => {
      await t.flush();
      await outputs.flush();
    };
    const input = new SedInput(
      t,
      files.length === 0 ? ['-'] : files,
      options.delimiter,
      options.separate,
      hooks,
      flush,
    );
    const code = await new SedMachine(t, commands, options, input, outputs).run();
    await input.finish((text) => outputs.text(undefined, text));
    await flush();
    return code === 0 ? t.status : code;
  } catch (error) {
    if (error instanceof SedError) return t.fail(error.message, error.status);
    throw error;
  }
}

function openFiles(commands: readonly SedCommand[], outputs: SedOutputs): void {
  for (const command of commands) {
    if (command.name === 'w' || command.name === 'W') outputs.openFile(command.text);
    const file = command.substitution?.file;
    if (file !== undefined) outputs.openFile(file);
  }
}

export const sedProgram: ProgramSpec = defineTool(
  {
    name: 'sed',
    usage: '[OPTION]... {script-only-if-no-other-script} [input-file]...',
    about: 'Stream editor.',
    suite: 'GNU sed',
    usageHint: usageText,
    short: 'bsnrzuEe:f:l:i::V:',
    long: {
      quiet: 'n',
      silent: 'n',
      expression: 'e:',
      file: 'f:',
      'in-place': 'i::',
      'line-length': 'l:',
      'null-data': 'z',
      'zero-terminated': 'z',
      'regexp-extended': 'r',
      separate: 's',
      unbuffered: 'u',
      posix: '--posix',
      debug: '--debug',
      sandbox: '--sandbox',
      'follow-symlinks': '--follow-symlinks',
      binary: 'b',
      help: '--sed-help',
    },
  },
  main,
);
