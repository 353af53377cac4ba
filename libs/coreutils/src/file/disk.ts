/** df, du, mount, umount, findmnt: file systems and the room that files take. */
import { KernelError } from '@netloom/base';
import { readTextFile, type ProgramSpec } from '@netloom/sys';
import { fromUnicode, toUnicode } from '../tool/bytes.js';
import { humanSize } from '../tool/numbers.js';
import { quoteAlways } from '../tool/quote.js';
import { defineTool, type Tool } from '../tool/tool.js';
import { canonical, joinPath } from './paths.js';

interface Mount {
  readonly source: string;
  readonly target: string;
  readonly type: string;
  readonly options: string;
}

async function mounts(t: Tool): Promise<Mount[]> {
  const text = await readTextFile(t.sys, '/proc/mounts').catch((error: unknown) => {
    if (error instanceof KernelError) return '';
    throw error;
  });
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [source = '', target = '', type = '', options = ''] = line.split(' ');
      return { source, target, type, options };
    });
}

const blockBytes = (size: number): number => Math.ceil(size / 4096) * 4096;

/** Bytes below a path, not following links, not entering other mounts. */
function usage(t: Tool, path: string, otherMounts: ReadonlySet<string>): number {
  let sum = 0;
  try {
    const stat = t.sys.lstat(toUnicode(path));
    if (stat.type === 'file') return blockBytes(stat.size);
    if (stat.type !== 'dir') return 0;
    sum += 4096;
    for (const entry of t.sys.readdir(toUnicode(path))) {
      const child = joinPath(path, fromUnicode(entry.name));
      if (!otherMounts.has(child)) sum += usage(t, child, otherMounts);
    }
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
  }
  return sum;
}

const virtual = new Set([
  'proc',
  'sysfs',
  'devpts',
  'cgroup',
  'cgroup2',
  'nsfs',
  'debugfs',
  'tracefs',
  'bpf',
  'mqueue',
  'securityfs',
  'configfs',
]);

const df = defineTool(
  {
    name: 'df',
    usage: '[OPTION]... [FILE]...',
    about:
      'Show information about the file system on which each FILE resides,\nor all file systems by default.',
    short: 'aB:hHiklPTt:x:',
    long: {
      all: 'a',
      'block-size': 'B:',
      'human-readable': 'h',
      si: 'H',
      inodes: 'i',
      local: 'l',
      portability: 'P',
      'print-type': 'T',
      type: 't:',
      'exclude-type': 'x:',
      total: '--total',
      output: '--output::',
    },
  },
  async (t, { options, operands }) => {
    const has = (key: string): boolean => options.some((option) => option.key === key);
    const base = has('h') ? 1024 : has('H') ? 1000 : 0;
    const all = await mounts(t);
    const targets = new Set(all.map((mount) => mount.target));
    const memory = await readTextFile(t.sys, '/proc/meminfo').catch(() => '');
    const size = Math.floor((Number(/MemTotal:\s+(\d+)/.exec(memory)?.[1] ?? 2097152) * 1024) / 2);
    let rows = all.filter((mount) => has('a') || !virtual.has(mount.type));
    if (operands.length > 0) {
      rows = operands.flatMap((path) => {
        try {
          const full = canonical(t.sys, path, 'all');
          const inside = (target: string): boolean =>
            full === target || full.startsWith(target === '/' ? '/' : `${target}/`);
          return all
            .filter(({ target }) => inside(target))
            .sort((a, b) => b.target.length - a.target.length)
            .slice(0, 1);
        } catch (error) {
          t.warnErrno(path, error);
          return [];
        }
      });
      if (rows.length === 0) return t.status;
    }
    const shown = (bytes: number): string =>
      base === 0 ? String(Math.ceil(bytes / 1024)) : humanSize(bytes, base as 1000 | 1024);
    const table = rows.map((mount) => {
      const used = virtual.has(mount.type) ? 0 : usage(t, mount.target, targets);
      const total = virtual.has(mount.type) ? 0 : size;
      const percent = total === 0 ? '-' : `${Math.ceil((used * 100) / total)}%`;
      return [
        mount.source,
        ...(has('T') ? [mount.type] : []),
        shown(total),
        shown(used),
        shown(total - used),
        percent,
        mount.target,
      ];
    });
    const sizeTitle = base === 0 ? (has('P') ? '1024-blocks' : '1K-blocks') : 'Size';
    table.unshift([
      'Filesystem',
      ...(has('T') ? ['Type'] : []),
      sizeTitle,
      'Used',
      base === 0 ? 'Available' : 'Avail',
      has('P') ? 'Capacity' : 'Use%',
      'Mounted on',
    ]);
    const left = new Set([0, ...(has('T') ? [1] : [])]);
    const least = [14, ...(has('T') ? [0] : []), 5, 5, 5, 4, 0];
    const widths = (table[0] ?? []).map((_, column) =>
      Math.max(least[column] ?? 0, ...table.map((row) => (row[column] ?? '').length)),
    );
    for (const row of table) {
      t.put(
        `${row.map((cell, column) => (column === row.length - 1 ? cell : left.has(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' ')}\n`,
      );
    }
    return t.status;
  },
);

const du = defineTool(
  {
    name: 'du',
    usage: '[OPTION]... [FILE]...',
    about: 'Summarize device usage of the set of FILEs, recursively for directories.',
    short: '0abB:cd:DHhklLmPsSxX:',
    long: {
      all: 'a',
      'apparent-size': '--apparent',
      bytes: 'b',
      total: 'c',
      'max-depth': 'd:',
      'human-readable': 'h',
      summarize: 's',
      'block-size': 'B:',
      si: '--si',
    },
  },
  (t, { options, operands }) => {
    const has = (key: string): boolean => options.some((option) => option.key === key);
    const depthArg = options.filter(({ key }) => key === 'd').pop()?.value;
    const limit = has('s')
      ? 0
      : depthArg === undefined
        ? Infinity
        : /^\d+$/.test(depthArg)
          ? Number(depthArg)
          : t.fail(`invalid maximum depth ${quoteAlways(depthArg)}`);
    const apparent = has('b') || has('--apparent');
    const unit = has('b') ? 1 : has('m') ? 1048576 : 1024;
    const shown = (bytes: number): string =>
      has('h')
        ? humanSize(bytes)
        : has('--si')
          ? humanSize(bytes, 1000)
          : String(Math.ceil(bytes / unit));
    const visit = (path: string, depth: number): number => {
      const stat = t.sys.lstat(toUnicode(path));
      let sum =
        stat.type === 'file'
          ? apparent
            ? stat.size
            : blockBytes(stat.size)
          : stat.type === 'dir'
            ? 4096
            : apparent
              ? stat.size
              : 0;
      if (stat.type === 'dir') {
        for (const entry of t.sys.readdir(toUnicode(path))) {
          const child = joinPath(path, fromUnicode(entry.name));
          try {
            sum += visit(child, depth + 1);
          } catch (error) {
            t.warnErrno(`cannot access ${quoteAlways(child)}`, error);
          }
        }
      }
      if (depth <= limit && (stat.type === 'dir' || has('a') || depth === 0))
        t.put(`${shown(sum)}\t${path}\n`);
      return sum;
    };
    let total = 0;
    for (const path of operands.length === 0 ? ['.'] : operands) {
      try {
        total += visit(path, 0);
      } catch (error) {
        t.warnErrno(`cannot access ${quoteAlways(path)}`, error);
      }
    }
    if (has('c')) t.put(`${shown(total)}\ttotal\n`);
    return Promise.resolve(t.status);
  },
);

const mount = defineTool(
  {
    name: 'mount',
    usage:
      '[-lhV]\n mount -a [options]\n mount [options] [--source] <source> | [--target] <directory>',
    about: 'Mount a filesystem.',
    suite: 'util-linux',
    shortName: true,
    short: 'aBfhilno:rt:vVw',
    long: {
      types: 't:',
      options: 'o:',
      bind: 'B',
      all: 'a',
      verbose: 'v',
      'read-only': 'r',
      'make-shared': '--ms',
      'make-private': '--mp',
      rbind: '--rbind',
    },
  },
  async (t, { options, operands }) => {
    if (operands.length > 0)
      return t.fail(`${operands[operands.length - 1] ?? ''}: permission denied.`, 32);
    const type = options.find(({ key }) => key === 't')?.value?.split(',');
    for (const { source, target, type: kind, options: text } of await mounts(t)) {
      if (type === undefined || type.includes(kind))
        t.put(`${source} on ${target} type ${kind} (${text})\n`);
    }
    return 0;
  },
);

export const diskPrograms: readonly ProgramSpec[] = [df, du, mount];
