/** Signal names and numbers as kill, timeout, pkill and trap spell them. */
import { Signal } from '@netloom/sys';

const numbers: Readonly<Record<string, number>> = {
  ...Signal,
  SIGPOLL: 29,
  SIGCLD: 17,
  SIGIOT: 6,
  SIGEXIT: 0,
  SIGRTMIN: 34,
  SIGRTMAX: 64,
};

/** Number of `9`, `KILL`, `SIGKILL`, `kill`, `RTMIN+1`; undefined where it is none. */
export function signalNumber(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) <= 64 ? Number(text) : undefined;
  const upper = text.toUpperCase().replace(/^SIG/, '');
  const realtime = /^RT(MIN|MAX)(?:([-+])(\d+))?$/.exec(upper);
  if (realtime !== null)
    return (
      (realtime[1] === 'MIN' ? 34 : 64) + (realtime[2] === '-' ? -1 : 1) * Number(realtime[3] ?? 0)
    );
  return numbers[`SIG${upper}`];
}

/** Name without SIG; undefined for numbers that have none. */
export function signalName(number: number): string | undefined {
  if (number > 31)
    return number >= 34 && number <= 64
      ? number === 34
        ? 'RTMIN'
        : number < 50
          ? `RTMIN+${number - 34}`
          : number === 64
            ? 'RTMAX'
            : `RTMAX-${64 - number}`
      : undefined;
  return Object.entries(Signal)
    .find(([, value]) => value === number)?.[0]
    .slice(3);
}
