/** trap and kill. */
import { KernelError, strerror } from '@netloom/base';
import { quoteSingle } from '../quote.js';
import type { Shell } from '../shell.js';
import { parseSignal, SIGNAL_NAMES, signalName } from '../traps.js';
import { tick } from '../tick.js';
import type { Builtin } from './types.js';

const USAGE =
  'kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n';

/** The table of `kill -l` and `trap -l`: five columns, with real-time signals. */
function signalTable(): string {
  const cells: string[] = [];
  for (let number = 1; number <= 64; number++) {
    if (number === 32 || number === 33) continue;
    const name = signalName(number);
    if (name !== undefined) cells.push(`${String(number).padStart(2)}) SIG${name}`);
  }
  let out = '';
  cells.forEach((cell, at) => {
    out += cell + (at % 5 === 4 || at === cells.length - 1 ? '\n' : '\t');
  });
  return out;
}

const trap: Builtin = async (sh, _args, words) => {
  let at = 1;
  if (words[at] === '-l') return sh.out(signalTable(), 'trap');
  const print = words[at] === '-p';
  if (print || words[at] === '--') at++;
  const rest = words.slice(at);
  if (print || rest.length === 0) {
    const wanted = rest.map(parseSignal);
    const lines = sh.traps
      .list()
      .filter(([name]) => wanted.length === 0 || wanted.includes(name))
      .map(
        ([name, command]) =>
          `trap -- ${quoteSingle(command)} ${SIGNAL_NAMES.has(name) ? `SIG${name}` : name}\n`,
      );
    return sh.out(lines.join(''), 'trap');
  }
  const [first = ''] = rest;
  const resets =
    rest.length === 1 || first === '-' || (/^\d+$/.test(first) && parseSignal(first) !== undefined);
  const names = rest.length === 1 || (resets && first !== '-') ? rest : rest.slice(1);
  if (rest.length === 1 && first !== '-' && parseSignal(first) === undefined) {
    await sh.err('trap: usage: trap [-lp] [[arg] signal_spec ...]\n');
    return 2;
  }
  let status = 0;
  for (const spec of names) {
    if (spec === '-' && rest.length === 1) continue;
    const name = parseSignal(spec);
    if (name === undefined) status = await sh.fail('trap', `${spec}: invalid signal specification`);
    else sh.traps.set(name, resets ? undefined : first);
  }
  return status;
};

const kill: Builtin = async (sh, _args, words) => {
  let at = 1;
  let signal = 15;
  const option = words[at] ?? '';
  if (option === '-l' || option === '-L') return listSignals(sh, words.slice(2));
  if (option === '-s' || option === '-n') {
    const number = signalNumber(words[at + 1] ?? '');
    if (number === undefined)
      return sh.fail(
        'kill',
        `${words[at + 1] ?? option}: ${words[at + 1] === undefined ? 'option requires an argument' : 'invalid signal specification'}`,
      );
    signal = number;
    at += 2;
  } else if (option === '--') at++;
  else if (/^-./.test(option)) {
    const number = signalNumber(option.slice(1));
    if (number === undefined)
      return sh.fail('kill', `${option.slice(1)}: invalid signal specification`);
    signal = number;
    at++;
  }
  if (words[at] === '--') at++;
  if (at >= words.length) {
    await sh.err(USAGE);
    return 2;
  }
  let status = 1;
  for (const target of words.slice(at)) if (await signalTarget(sh, target, signal)) status = 0;
  await tick(sh); // a signal to the shell itself is delivered before the next command
  return status;
};

async function signalTarget(sh: Shell, target: string, signal: number): Promise<boolean> {
  let pids: number[];
  if (target.startsWith('%')) {
    const job = sh.jobs.find(target);
    if (job === undefined) {
      await sh.error(`kill: ${target}: no such job`);
      return false;
    }
    pids = job.pgid === undefined ? job.children.map((child) => child.pid) : [-job.pgid];
    if (
      sh.jobs.stateOf(job) === 'stopped' &&
      (signal === 15 || signal === 1) &&
      job.pgid !== undefined
    ) {
      sh.sys.kill(-job.pgid, signal);
      sh.sys.kill(-job.pgid, 18);
      return true;
    }
  } else if (/^-?\d+$/.test(target)) pids = [Number(target)];
  else {
    await sh.error(`kill: ${target}: arguments must be process or job IDs`);
    return false;
  }
  try {
    for (const pid of pids) sh.sys.kill(pid, signal);
    return true;
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    await sh.error(`kill: (${pids[0] ?? 0}) - ${strerror(error.errno)}`);
    return false;
  }
}

function signalNumber(text: string): number | undefined {
  if (text === '0') return 0;
  const name = parseSignal(text);
  if (name === undefined) return undefined;
  return name === 'EXIT'
    ? 0
    : (SIGNAL_NAMES.get(name) ?? (/^\d+$/.test(text) ? Number(text) : undefined));
}

async function listSignals(sh: Shell, specs: readonly string[]): Promise<number> {
  if (specs.length === 0) return sh.out(signalTable(), 'kill');
  let status = 0;
  for (const spec of specs) {
    if (/^\d+$/.test(spec)) {
      const number = Number(spec) > 128 ? Number(spec) - 128 : Number(spec);
      const name = number === 0 ? 'EXIT' : signalName(number);
      if (name === undefined)
        status = await sh.fail('kill', `${spec}: invalid signal specification`);
      else await sh.out(`${name}\n`, 'kill');
    } else {
      const number = signalNumber(spec);
      if (number === undefined)
        status = await sh.fail('kill', `${spec}: invalid signal specification`);
      else await sh.out(`${number}\n`, 'kill');
    }
  }
  return status;
}

export const signalBuiltins: Readonly<Record<string, Builtin>> = { trap, kill };
