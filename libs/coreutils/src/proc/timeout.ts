/** timeout: runs a command for so long and no longer. */
import { KernelError, strerror } from '@netloom/base';
import { Signal, type WaitStatus } from '@netloom/sys';
import { parseInterval } from '../tool/numbers.js';
import { quoteAlways } from '../tool/quote.js';
import { exitCode, spawnProgram } from '../tool/spawn.js';
import { defineTool, type Tool } from '../tool/tool.js';
import { signalNumber } from './signals.js';

/** Runs the command until it ends or the time is over. */
export async function limited(
  t: Tool,
  words: readonly string[],
  limitNs: number,
  signal: number,
  killAfterNs: number | undefined,
  o: { foreground: boolean; preserve: boolean; verbose: boolean },
): Promise<number> {
  const { sys } = t;
  if (!o.foreground && sys.getpgid(sys.pid) !== sys.pid) sys.setpgid(sys.pid, sys.pid);
  let pid: number;
  try {
    pid = spawnProgram(sys, words);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    t.warn(
      `failed to run command ${quoteAlways(words[0] ?? '')}: ${strerror(error.errno)}`,
      error.code === 'ENOENT' ? 127 : 126,
    );
    return t.status;
  }
  const send = (number: number): void => {
    try {
      sys.kill(pid, number);
      if (!o.foreground) {
        if (number !== Signal.SIGKILL) sys.signal(number, 'ignore');
        sys.kill(-sys.pid, number);
      }
      if (number !== Signal.SIGKILL && number !== Signal.SIGCONT) {
        sys.kill(pid, Signal.SIGCONT);
        if (!o.foreground) sys.kill(-sys.pid, Signal.SIGCONT);
      }
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
    }
  };
  // A signal to timeout itself goes on to the command.
  for (const number of [Signal.SIGINT, Signal.SIGQUIT, Signal.SIGHUP, Signal.SIGTERM, signal]) {
    if (number !== Signal.SIGKILL) sys.signal(number, () => send(number));
  }
  const ended = sys.waitpid(pid);
  const first =
    limitNs === 0
      ? await ended
      : await Promise.race([ended, sys.sleep(limitNs).then(() => 'late' as const)]);
  if (first !== 'late') return exitCode(first);
  const told = (number: number): void => {
    if (o.verbose)
      t.warn(
        `sending signal ${number === 9 ? 'KILL' : number === 15 ? 'TERM' : String(number)} to command ${quoteAlways(words[0] ?? '')}`,
        0,
      );
  };
  told(signal);
  await t.flush();
  // KILL for the group ends timeout too, as the real one.
  send(signal);
  let status: WaitStatus | undefined;
  const second =
    killAfterNs === undefined
      ? await ended
      : await Promise.race([ended, sys.sleep(killAfterNs).then(() => 'late' as const)]);
  if (second === 'late') {
    told(Signal.SIGKILL);
    send(Signal.SIGKILL);
    status = await ended;
  } else status = second;
  if (status?.kind === 'signal' && status.value === Signal.SIGKILL) return 137;
  return o.preserve ? exitCode(status) : 124;
}

export const timeout = defineTool(
  {
    name: 'timeout',
    usage: '[OPTION] DURATION COMMAND [ARG]...',
    about: 'Start COMMAND, and kill it if still running after DURATION.',
    errorStatus: 125,
    short: 'k:s:v',
    inOrder: true,
    long: {
      'kill-after': 'k:',
      signal: 's:',
      verbose: 'v',
      foreground: '--foreground',
      'preserve-status': '--preserve',
    },
  },
  (t, { options, operands }) => {
    const has = (key: string): boolean => options.some((option) => option.key === key);
    const interval = (text: string): number =>
      parseInterval(text) ?? t.usage(`invalid time interval ${quoteAlways(text)}`);
    let signal: number = Signal.SIGTERM;
    let killAfter: number | undefined;
    for (const { key, value = '' } of options) {
      if (key === 's')
        signal = signalNumber(value) ?? t.usage(`${quoteAlways(value)}: invalid signal`);
      if (key === 'k') killAfter = interval(value);
    }
    const [duration, ...words] = operands;
    if (duration === undefined || words.length === 0) return t.usage();
    return limited(t, words, interval(duration), signal, killAfter === 0 ? undefined : killAfter, {
      foreground: has('--foreground'),
      preserve: has('--preserve'),
      verbose: has('v'),
    });
  },
);
