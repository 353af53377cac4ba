/** env, printenv, nohup, setsid, nice, stdbuf, taskset: programs that start another. */
import { KernelError, strerror } from '@netloom/base';
import { OpenFlag, Signal, type ProgramSpec } from '@netloom/sys';
import { fromUnicode, toUnicode } from '../tool/bytes.js';
import { quoteAlways } from '../tool/quote.js';
import { execProgram, exitCode } from '../tool/spawn.js';
import { defineTool, ExitError, type Tool } from '../tool/tool.js';

/** Becomes the command; tells why not and ends with 127 (not found) or 126. */
export async function become(
  t: Tool,
  words: readonly string[],
  message: (name: string) => string,
): Promise<never> {
  await t.flush();
  try {
    return await execProgram(t.sys, words);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    t.warn(
      `${message(words[0] ?? '')}: ${strerror(error.errno)}`,
      error.code === 'ENOENT' ? 127 : 126,
    );
    throw new ExitError(error.code === 'ENOENT' ? 127 : 126);
  }
}

/** Splits `env -S` text into words. */
function splitWords(text: string): string[] {
  const words: string[] = [];
  for (const match of text.matchAll(/(?:'[^']*'|"(?:[^"\\]|\\[^])*"|\\[^]|[^\s'"\\])+/g)) {
    words.push(
      match[0].replace(
        /'([^']*)'|"((?:[^"\\]|\\[^])*)"|\\([^])/g,
        (_all, single?: string, double?: string, escaped?: string) =>
          single ?? double?.replace(/\\([^])/g, '$1') ?? escaped ?? '',
      ),
    );
  }
  return words;
}

const env = defineTool(
  {
    name: 'env',
    usage: '[OPTION]... [-] [NAME=VALUE]... [COMMAND [ARG]...]',
    about: 'Set each NAME to VALUE in the environment and run COMMAND.',
    errorStatus: 125,
    raw: true,
  },
  async (t) => {
    const table = {
      short: '+iu:0C:S:v',
      inOrder: true,
      long: {
        'ignore-environment': 'i',
        unset: 'u:',
        null: '0',
        chdir: 'C:',
        'split-string': 'S:',
        debug: 'v',
      },
    };
    let parsed = t.parse(table);
    const split = parsed.options.find(({ key }) => key === 'S')?.value;
    if (split !== undefined)
      parsed = t.parse(table, [
        ...parsed.options.filter(({ key }) => key === 'i').map(() => '-i'),
        ...splitWords(split),
        ...parsed.operands,
      ]);
    const { env: variables } = t.sys;
    const words = [...parsed.operands];
    if (words[0] === '-') {
      variables.clear();
      words.shift();
    }
    let end = '\n';
    for (const { key, value = '' } of parsed.options) {
      if (key === 'i') variables.clear();
      else if (key === 'u') variables.delete(toUnicode(value));
      else if (key === '0') end = '\0';
      else if (key === 'C') {
        try {
          t.sys.chdir(toUnicode(value));
        } catch (error) {
          t.warnErrno(`cannot change directory to ${quoteAlways(value)}`, error, 125);
          return 125;
        }
      }
    }
    for (let word = words[0]; word?.includes('=') === true; word = words[0]) {
      const equals = word.indexOf('=');
      variables.set(toUnicode(word.slice(0, equals)), toUnicode(word.slice(equals + 1)));
      words.shift();
    }
    if (words.length === 0) {
      for (const [name, value] of variables) t.put(`${fromUnicode(`${name}=${value}`)}${end}`);
      return 0;
    }
    return become(t, words, quoteAlways);
  },
);

const printenv = defineTool(
  {
    name: 'printenv',
    usage: '[OPTION]... [VARIABLE]...',
    about: 'Print the values of the specified environment VARIABLE(s).',
    short: '0',
    long: { null: '0' },
    inOrder: true,
    errorStatus: 2,
  },
  (t, { options, operands }) => {
    const end = options.length > 0 ? '\0' : '\n';
    if (operands.length === 0)
      for (const [name, value] of t.sys.env) t.put(`${fromUnicode(`${name}=${value}`)}${end}`);
    let status = 0;
    for (const name of operands) {
      const value = t.sys.env.get(toUnicode(name));
      if (value === undefined) status = 1;
      else t.put(fromUnicode(value) + end);
    }
    return Promise.resolve(status);
  },
);

const nohup = defineTool(
  {
    name: 'nohup',
    usage: 'COMMAND [ARG]...',
    about: 'Run COMMAND, ignoring hangup signals.',
    errorStatus: 125,
    inOrder: true,
  },
  async (t, { operands }) => {
    const { sys } = t;
    if (operands.length === 0) t.usage('missing operand');
    const [input, output, error] = [sys.isatty(0), sys.isatty(1), sys.isatty(2)];
    if (input) {
      const fd = sys.open('/dev/null', OpenFlag.O_WRONLY);
      sys.dup2(fd, 0);
      sys.close(fd);
    }
    if (output) {
      const fd = sys.open(
        'nohup.out',
        OpenFlag.O_WRONLY | OpenFlag.O_CREAT | OpenFlag.O_APPEND,
        0o600,
      );
      sys.dup2(fd, 1);
      sys.close(fd);
      t.put(`${t.name}: ${input ? 'ignoring input and ' : ''}appending output to 'nohup.out'\n`, 2);
    } else if (input)
      t.put(`${t.name}: ignoring input${error ? ' and redirecting stderr to stdout' : ''}\n`, 2);
    await t.flush();
    if (error) sys.dup2(1, 2);
    sys.signal(Signal.SIGHUP, 'ignore');
    return become(t, operands, (name) => `failed to run command ${quoteAlways(name)}`);
  },
);

const setsid = defineTool(
  {
    name: 'setsid',
    usage: '[options] <program> [arguments ...]',
    about: 'Run a program in a new session.',
    suite: 'util-linux',
    shortName: true,
    short: 'cfwV',
    long: { ctty: 'c', fork: 'f', wait: 'w' },
    inOrder: true,
  },
  async (t, { options, operands }) => {
    const { sys } = t;
    const has = (key: string): boolean => options.some((option) => option.key === key);
    if (operands.length === 0) t.usage('no command specified');
    const message = (name: string): string => `failed to execute ${name}`;
    if (!has('f') && sys.getpgid(sys.pid) !== sys.pid) {
      sys.setsid();
      return become(t, operands, message);
    }
    const pid = sys.spawn({
      program: async (child) => {
        child.setsid();
        try {
          return await execProgram(child, operands);
        } catch (error) {
          if (!(error instanceof KernelError)) throw error;
          t.warn(`${message(operands[0] ?? '')}: ${strerror(error.errno)}`);
          return error.code === 'ENOENT' ? 127 : 126;
        }
      },
      argv: sys.argv,
    });
    return has('w') ? exitCode(await sys.waitpid(pid)) : 0;
  },
);

const nice = defineTool(
  {
    name: 'nice',
    usage: '[OPTION] [COMMAND [ARG]...]',
    about: 'Run COMMAND with an adjusted niceness, which affects process scheduling.',
    errorStatus: 125,
    raw: true,
  },
  (t) => {
    const args = /^-\d+$/.test(t.args[0] ?? '') ? t.args.slice(1) : t.args;
    const { options, operands } = t.parse(
      { short: 'n:', long: { adjustment: 'n:' }, inOrder: true },
      args,
    );
    const value = options.find(({ key }) => key === 'n')?.value;
    if (value !== undefined && !/^[-+]?\d+$/.test(value))
      t.fail(`invalid adjustment ${quoteAlways(value)}`);
    if (operands.length > 0) return become(t, operands, quoteAlways);
    if (value !== undefined) t.usage('a command must be given with an adjustment');
    t.put('0\n');
    return Promise.resolve(0);
  },
);

const stdbuf = defineTool(
  {
    name: 'stdbuf',
    usage: 'OPTION... COMMAND',
    about: 'Run COMMAND, with modified buffering operations for its standard streams.',
    errorStatus: 125,
    short: 'i:o:e:',
    long: { input: 'i:', output: 'o:', error: 'e:' },
    inOrder: true,
  },
  (t, { options, operands }) => {
    if (operands.length === 0) t.usage('missing operand');
    for (const { key, value = '' } of options) {
      if (key === 'i' && value === 'L') t.usage('line buffering stdin is meaningless');
      if (value !== 'L' && !/^\d+[A-Za-z]*$/.test(value))
        t.fail(`invalid mode ${quoteAlways(value)}`);
    }
    if (options.length === 0) t.usage('you must specify a buffering mode option');
    return become(t, operands, (name) => `failed to run command ${quoteAlways(name)}`);
  },
);

/** Wrappers whose effect a simulated host has no counterpart for: they check their arguments and run the command. */
const taskset = defineTool(
  {
    name: 'taskset',
    usage: '[options] [mask | cpu-list] [pid|cmd [args...]]',
    about: "Show or change a process's CPU affinity.",
    suite: 'util-linux',
    shortName: true,
    short: 'acpV',
    long: { 'cpu-list': 'c', pid: 'p', 'all-tasks': 'a' },
    inOrder: true,
  },
  (t, { options, operands }) => {
    const has = (key: string): boolean => options.some((option) => option.key === key);
    const cpus = t.sys.nprocs();
    if (has('p')) {
      const pid = operands[operands.length - 1] ?? '';
      if (!t.sys.processes().some((process) => String(process.pid) === pid))
        return t.fail(`failed to get pid ${pid}'s affinity: No such process`);
      const all = has('c') ? (cpus > 1 ? `0-${cpus - 1}` : '0') : (2 ** cpus - 1).toString(16);
      t.put(`pid ${pid}'s current affinity ${has('c') ? 'list' : 'mask'}: ${all}\n`);
      return Promise.resolve(0);
    }
    const [mask, ...words] = operands;
    if (mask === undefined || words.length === 0) return t.usage('bad usage');
    if (!(has('c') ? /^\d+([-,:]\d+)*$/ : /^(0x)?[0-9a-fA-F,]+$/).test(mask))
      t.fail(`failed to parse CPU ${has('c') ? 'list' : 'mask'}: ${mask}`);
    return become(t, words, (name) => `failed to execute ${name}`);
  },
);

export const runPrograms: readonly ProgramSpec[] = [
  env,
  printenv,
  nohup,
  setsid,
  nice,
  stdbuf,
  taskset,
];
