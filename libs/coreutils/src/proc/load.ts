/** uptime, who, w, users, free, top: what goes on on the host. */
import { type ProgramSpec, type Sys } from '@netloom/sys';
import { fromUnicode } from '../tool/bytes.js';
import { civilTime, epochSeconds } from '../tool/calendar.js';
import { humanSize, parseInterval } from '../tool/numbers.js';
import { formatTime } from '../tool/strftime.js';
import { defineTool, type Tool } from '../tool/tool.js';
import { accounts } from '../file/users.js';
import { textOf } from './host.js';

export function upText(seconds: number): string {
  const [days, hours, minutes] = [
    Math.floor(seconds / 86400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  const day = days > 0 ? `${days} day${days === 1 ? '' : 's'}, ` : '';
  return hours > 0
    ? `${day}${String(hours).padStart(2)}:${String(minutes).padStart(2, '0')}`
    : `${day}${minutes} min`;
}

export async function uptimeLine(t: Tool): Promise<string> {
  const users = new Set(
    t.sys
      .processes()
      .map((process) => process.tty)
      .filter((tty) => tty !== undefined),
  ).size;
  const load =
    (await textOf(t.sys, '/proc/loadavg')).split(' ').slice(0, 3).join(', ') || '0.00, 0.00, 0.00';
  const clock = formatTime('%H:%M:%S', civilTime(epochSeconds(t.sys)), 0);
  return ` ${clock} up ${upText(Math.floor(t.sys.now() / 1e9))},  ${users} user${users === 1 ? '' : 's'},  load average: ${load}\n`;
}

export const uptime = defineTool(
  {
    name: 'uptime',
    usage: '[options]',
    about: '',
    suite: 'procps-ng',
    shortName: true,
    short: 'psV',
    long: { pretty: 'p', since: 's' },
  },
  async (t, { options }) => {
    const seconds = Math.floor(t.sys.now() / 1e9);
    if (options.some(({ key }) => key === 'p')) {
      const parts = (
        [
          ['week', 604800],
          ['day', 86400],
          ['hour', 3600],
          ['minute', 60],
        ] as const
      ).map(([name, size], index, all) => {
        const count = Math.floor(
          (index === 0 ? seconds : seconds % (all[index - 1]?.[1] ?? 1)) / size,
        );
        return count > 0 ? `${count} ${name}${count === 1 ? '' : 's'}` : '';
      });
      t.put(`up ${parts.filter((part) => part !== '').join(', ') || '0 minutes'}\n`);
    } else if (options.some(({ key }) => key === 's'))
      t.put(`${formatTime('%Y-%m-%d %H:%M:%S', civilTime(epochSeconds(t.sys) - seconds), 0)}\n`);
    else t.put(await uptimeLine(t));
    return 0;
  },
);

/** Terminals with a session: who is logged in. */
export function sessions(sys: Sys): { tty: string; startNs: number; command: string }[] {
  return sys
    .processes()
    .filter((process) => process.tty !== undefined && process.sid === process.pid)
    .map((process) => ({
      tty: (process.tty ?? '').replace('/dev/', ''),
      startNs: process.startNs,
      command: process.argv.join(' '),
    }));
}

export const who = defineTool(
  {
    name: 'who',
    usage: '[OPTION]... [ FILE | ARG1 ARG2 ]',
    about: 'Print information about users who are currently logged in.',
    short: 'abdHlmpqrstTuw',
    long: { all: 'a', boot: 'b', heading: 'H', count: 'q' },
  },
  async (t, { options }) => {
    const user = (await accounts(t.sys)).user(t.sys.getuid());
    const time = (ns: number): string =>
      formatTime('%Y-%m-%d %H:%M', civilTime(Math.floor(t.sys.bootTime() + ns / 1e9)), 0);
    if (options.some(({ key }) => key === 'b')) t.put(`         system boot  ${time(0)}\n`);
    else
      for (const { tty, startNs } of sessions(t.sys))
        t.put(`${user.padEnd(8)} ${tty.padEnd(12)} ${time(startNs)}\n`);
    return 0;
  },
);

export const w = defineTool(
  {
    name: 'w',
    usage: '[options] [user]',
    about: '',
    suite: 'procps-ng',
    shortName: true,
    short: 'hsuofi',
  },
  async (t, { options }) => {
    if (!options.some(({ key }) => key === 'h'))
      t.put(
        `${await uptimeLine(t)}USER     TTY      FROM             LOGIN@   IDLE   JCPU   PCPU WHAT\n`,
      );
    const user = (await accounts(t.sys)).user(t.sys.getuid());
    for (const { tty, startNs, command } of sessions(t.sys)) {
      t.put(
        `${user.padEnd(8)} ${tty.padEnd(8)} ${'-'.padEnd(16)} ${formatTime('%H:%M', civilTime(Math.floor(t.sys.bootTime() + startNs / 1e9)), 0)}    0.00s  0.00s  0.00s ${command}\n`,
      );
    }
    return 0;
  },
);

export const users = defineTool(
  { name: 'users', usage: '[OPTION]... [FILE]', about: 'Output who is currently logged in.' },
  async (t) => {
    const user = (await accounts(t.sys)).user(t.sys.getuid());
    const count = sessions(t.sys).length;
    if (count > 0) t.put(`${new Array<string>(count).fill(user).join(' ')}\n`);
    return 0;
  },
);

export function memory(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
}

export const free = defineTool(
  {
    name: 'free',
    usage: '[options]',
    about: '',
    suite: 'procps-ng',
    shortName: true,
    short: 'bkmghtls:c:wvV',
    long: {
      bytes: 'b',
      kibi: 'k',
      mebi: 'm',
      gibi: 'g',
      human: 'h',
      total: 't',
      wide: 'w',
      seconds: 's:',
      count: 'c:',
      mega: '--mega',
      giga: '--giga',
      si: '--si',
    },
  },
  async (t, { options }) => {
    const keys = options.map(({ key }) => key);
    const interval = parseInterval(options.find(({ key }) => key === 's')?.value ?? '1') ?? 1e9;
    const repeats = keys.includes('c')
      ? Number(options.find(({ key }) => key === 'c')?.value)
      : keys.includes('s')
        ? Infinity
        : 1;
    const show = (kib: number): string => {
      if (keys.includes('b')) return String(kib * 1024);
      if (keys.includes('m')) return String(Math.floor(kib / 1024));
      if (keys.includes('g')) return String(Math.floor(kib / 1048576));
      if (keys.includes('h')) return kib === 0 ? '0B' : `${humanSize(kib * 1024)}i`;
      return String(kib);
    };
    for (let turn = 0; turn < repeats; turn++) {
      if (turn > 0) {
        t.put('\n');
        await t.flush();
        await t.sys.sleep(interval);
      }
      const info = await textOf(t.sys, '/proc/meminfo');
      const [total, unused, buffers, cached, shared] = [
        'MemTotal',
        'MemFree',
        'Buffers',
        'Cached',
        'Shmem',
      ].map((name) => memory(info, name)) as [number, number, number, number, number];
      const cache = buffers + cached + memory(info, 'SReclaimable');
      const available = memory(info, 'MemAvailable') || unused + cache;
      const [swap, swapFree] = [memory(info, 'SwapTotal'), memory(info, 'SwapFree')];
      const row = (title: string, values: readonly number[]): string =>
        `${title.padEnd(8)}${values.map((value) => show(value).padStart(12)).join('')}\n`;
      t.put(
        `        ${['total', 'used', 'free', 'shared', 'buff/cache', 'available'].map((title) => title.padStart(12)).join('')}\n`,
      );
      t.put(row('Mem:', [total, Math.max(0, total - available), unused, shared, cache, available]));
      t.put(row('Swap:', [swap, swap - swapFree, swapFree]));
      if (keys.includes('t'))
        t.put(
          row('Total:', [
            total + swap,
            Math.max(0, total - available) + swap - swapFree,
            unused + swapFree,
          ]),
        );
    }
    return 0;
  },
);

export const top = defineTool(
  { name: 'top', usage: '[options]', about: '', suite: 'procps-ng', shortName: true, raw: true },
  async (t) => {
    const { options } = t.parse({ short: 'bcd:EeHin:o:Op:sSu:U:w::1', long: {} });
    const value = (key: string): string | undefined =>
      options.find((option) => option.key === key)?.value;
    const pids = value('p')?.split(',');
    const delay = (parseInterval(value('d') ?? '3') ?? 3e9) || 3e9;
    const limit = Number(value('n') ?? Infinity);
    const full = options.some(({ key }) => key === 'c');
    const known = await accounts(t.sys);
    for (let turn = 0; turn < limit; turn++) {
      if (turn > 0) await t.sys.sleep(delay);
      const list = t.sys
        .processes()
        .filter((process) => pids === undefined || pids.includes(String(process.pid)));
      const count = (state: string): number =>
        list.filter((process) => process.state === state).length;
      const info = await textOf(t.sys, '/proc/meminfo');
      const mib = (name: string): string => (memory(info, name) / 1024).toFixed(1).padStart(8);
      const used = ((memory(info, 'MemTotal') - memory(info, 'MemAvailable')) / 1024)
        .toFixed(1)
        .padStart(8);
      t.put(`top -${(await uptimeLine(t)).trimEnd()}\n`);
      t.put(
        `Tasks: ${String(list.length).padStart(3)} total, ${String(count('R')).padStart(3)} running, ${String(count('S')).padStart(3)} sleeping, ${String(count('T')).padStart(3)} stopped, ${String(count('Z')).padStart(3)} zombie\n`,
      );
      t.put('%Cpu(s):  0.0 us,  0.0 sy,  0.0 ni,100.0 id,  0.0 wa,  0.0 hi,  0.0 si,  0.0 st \n');
      t.put(
        `MiB Mem :${mib('MemTotal')} total, ${mib('MemFree')} free, ${used} used, ${mib('Cached')} buff/cache     \n`,
      );
      t.put(
        `MiB Swap:${mib('SwapTotal')} total, ${mib('SwapFree')} free, ${'0.0'.padStart(8)} used. ${mib('MemAvailable')} avail Mem \n\n`,
      );
      t.put('    PID USER      PR  NI    VIRT    RES    SHR S  %CPU  %MEM     TIME+ COMMAND\n');
      for (const process of list) {
        t.put(
          `${String(process.pid).padStart(7)} ${known.user(0).padEnd(8)}  20   0       0      0      0 ${process.state}   0.0   0.0   0:00.00 ${full ? fromUnicode(process.argv.join(' ')) : process.comm}\n`,
        );
      }
      if (turn + 1 < limit) t.put('\n');
      await t.flush();
    }
    return 0;
  },
);

export const loadPrograms: readonly ProgramSpec[] = [uptime, who, w, users, free, top];
