/** kill as a separate program (the shell has its own). */
import { Signal } from '@netloom/sys';
import { defineTool } from '../tool/tool.js';
import { signalName, signalNumber } from './signals.js';

export const killUsage = `
Usage:
 kill [options] <pid> [...]

Options:
 <pid> [...]            send signal to every <pid> listed
 -<signal>, -s, --signal <signal>
                        specify the <signal> to be sent
 -q, --queue <value>    integer value to be sent with the signal
 -l, --list=[<signal>]  list all signal names, or convert one to a name
 -L, --table            list all signal names in a nice table

 -h, --help     display this help and exit
 -V, --version  output version information and exit

For more details see kill(1).
`;

export const kill = defineTool(
  { name: 'kill', usage: '[options] <pid> [...]', about: '', suite: 'procps-ng', raw: true },
  (t) => {
    const args = [...t.args];
    let signal: number = Signal.SIGTERM;
    const first = args[0] ?? '';
    if (first === '-l' || first === '--list' || first === '-L') {
      const which = args[1];
      if (which !== undefined)
        t.put(
          `${/^\d+$/.test(which) ? (signalName(Number(which) & 127) ?? which) : (signalNumber(which) ?? t.fail(`unknown signal name ${which}`))}\n`,
        );
      else
        t.put(
          `${Array.from({ length: 31 }, (_, index) => signalName(index + 1) ?? '').join(' ')}\n`,
        );
      return Promise.resolve(0);
    }
    if (first === '-s' || first === '--signal') {
      signal = signalNumber(args[1] ?? '') ?? t.fail(`unknown signal name ${args[1] ?? ''}`);
      args.splice(0, 2);
    } else if (/^-[A-Za-z0-9]/.test(first) && first !== '--') {
      signal = signalNumber(first.slice(1)) ?? t.fail(`invalid argument ${first.charAt(1)}`);
      args.shift();
    }
    if (args[0] === '--') args.shift();
    if (args.length === 0) {
      t.put(killUsage, 2);
      return Promise.resolve(1);
    }
    for (const arg of args) {
      if (!/^-?\d+$/.test(arg)) {
        t.warn(`failed to parse argument: '${arg}'`);
        continue;
      }
      try {
        t.sys.kill(Number(arg), signal);
      } catch (error) {
        t.warnErrno(`(${arg})`, error);
      }
    }
    return Promise.resolve(t.status);
  },
);
