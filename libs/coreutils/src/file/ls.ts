/** ls, dir, vdir: lists directories, one name a line into a pipe and in columns on a terminal. */
import { KernelError } from '@netloom/base';
import type { ProgramSpec, Stat } from '@netloom/sys';
import { fromUnicode, toUnicode } from '../tool/bytes.js';
import { civilTime, epochSeconds, realTimeOf } from '../tool/calendar.js';
import { globRegExp } from '../tool/glob.js';
import { humanSize } from '../tool/numbers.js';
import { quoteAlways, quoteName } from '../tool/quote.js';
import { formatTime } from '../tool/strftime.js';
import { defineTool, type Tool } from '../tool/tool.js';
import { compareVersions } from '../text/sort-keys.js';
import { deviceNumbers } from './devices.js';
import { modeText } from './modes.js';
import { joinPath } from './paths.js';
import { accounts, type Accounts } from './users.js';
import { settings, type Settings } from './ls-options.js';

interface Entry {
  readonly name: string;
  readonly stat: Stat;
  readonly target: string | undefined;
  readonly targetStat: Stat | undefined;
  readonly path: string;
}

const blocksOf = (stat: Stat): number =>
  stat.type === 'file' ? Math.ceil(stat.size / 4096) * 4 : stat.type === 'dir' ? 4 : 0;

const indicators: Readonly<Record<Stat['type'], string>> = {
  file: '',
  dir: '/',
  symlink: '@',
  fifo: '|',
  socket: '=',
  char: '',
  nsfs: '',
};

function colourOf(entry: Entry): string {
  const { type, mode } = entry.stat;
  if (type === 'dir') return (mode & 0o1002) === 0o1002 ? '30;42' : '01;34';
  if (type === 'symlink') return entry.targetStat === undefined ? '40;31;01' : '01;36';
  if (type === 'fifo') return '40;33';
  if (type === 'socket') return '01;35';
  if (type === 'char') return '40;33;01';
  return (mode & 0o111) !== 0 ? '01;32' : '';
}

class Ls {
  private printed = false;

  constructor(
    private readonly t: Tool,
    private readonly s: Settings,
    private readonly known: Accounts,
  ) {}

  private entry(path: string, name: string, operand: boolean): Entry {
    const { sys } = this.t;
    const follow =
      this.s.dereference === 'always' || (operand && this.s.dereference === 'operands');
    const link = sys.lstat(toUnicode(path));
    let stat = link;
    let target: string | undefined;
    let targetStat: Stat | undefined;
    if (link.type === 'symlink') {
      try {
        targetStat = sys.stat(toUnicode(path));
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
      }
      if (follow && targetStat !== undefined) stat = targetStat;
      else target = fromUnicode(sys.readlink(toUnicode(path)));
    }
    return { name, stat, target, targetStat, path };
  }

  private quoted(name: string): string {
    if (this.s.quoting === 'shell') return quoteName(name);
    if (this.s.quoting === 'c') return `"${name.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n')}"`;
    if (this.s.quoting === 'escape') return name.replace(/[\\ ]/g, '\\$&').replace(/\n/g, '\\n');
    return this.s.hideControl ? name.replace(/[^\x20-\x7e]/g, '?') : name;
  }

  private indicator(stat: Stat): string {
    const { indicator } = this.s;
    if (indicator === '') return '';
    if (indicator === 'slash') return stat.type === 'dir' ? '/' : '';
    if (stat.type === 'file' && (stat.mode & 0o111) !== 0 && indicator === 'classify') return '*';
    return indicators[stat.type];
  }

  /** The name as it is shown, and its width on the screen. */
  private label(entry: Entry): { text: string; width: number } {
    const name = this.quoted(entry.name);
    const mark =
      this.s.layout === 'long' && entry.target !== undefined ? '' : this.indicator(entry.stat);
    const colour = this.s.colour ? colourOf(entry) : '';
    return {
      text: (colour === '' ? name : `\x1b[0m\x1b[${colour}m${name}\x1b[0m`) + mark,
      width: name.length + mark.length,
    };
  }

  private sorted(entries: Entry[]): Entry[] {
    const { s } = this;
    const byName = (a: Entry, b: Entry): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
    const extension = (name: string): string =>
      name.lastIndexOf('.') < 0 ? '' : name.slice(name.lastIndexOf('.'));
    const compare = (a: Entry, b: Entry): number => {
      switch (s.sort) {
        case 'time':
          return b.stat.mtimeNs - a.stat.mtimeNs || byName(a, b);
        case 'size':
          return b.stat.size - a.stat.size || byName(a, b);
        case 'extension': {
          const [x, y] = [extension(a.name), extension(b.name)];
          return x < y ? -1 : x > y ? 1 : byName(a, b);
        }
        case 'version':
          return compareVersions(a.name, b.name) || byName(a, b);
        default:
          return byName(a, b);
      }
    };
    if (s.sort !== 'none') entries.sort((a, b) => (s.reverse ? -compare(a, b) : compare(a, b)));
    else if (s.reverse) entries.reverse();
    if (s.groupDirs) {
      const isDir = (entry: Entry): boolean => (entry.targetStat ?? entry.stat).type === 'dir';
      return [...entries.filter(isDir), ...entries.filter((entry) => !isDir(entry))];
    }
    return entries;
  }

  private time(stat: Stat): string {
    const { seconds, nanoseconds } = realTimeOf(this.t.sys, stat.mtimeNs);
    const now = epochSeconds(this.t.sys);
    const recent = seconds > now - 31556952 / 2 && seconds <= now;
    const style = this.s.timeStyle;
    const format =
      style === 'full-iso'
        ? '%Y-%m-%d %H:%M:%S.%N %z'
        : style === 'long-iso'
          ? '%Y-%m-%d %H:%M'
          : style === 'iso'
            ? recent
              ? '%m-%d %H:%M'
              : '%Y-%m-%d '
            : style.startsWith('+')
              ? style.slice(1)
              : recent
                ? '%b %e %H:%M'
                : '%b %e  %Y';
    return formatTime(format, civilTime(seconds), nanoseconds);
  }

  private size(bytes: number): string {
    return this.s.human === 0 ? String(bytes) : humanSize(bytes, this.s.human);
  }

  private blocks(stat: Stat): string {
    return this.s.human === 0
      ? String(blocksOf(stat))
      : humanSize(blocksOf(stat) * 1024, this.s.human);
  }

  private long(entries: readonly Entry[]): void {
    const { s, t, known } = this;
    const rows = entries.map((entry) => {
      const { stat } = entry;
      const device = stat.type === 'char' ? deviceNumbers(entry.path) : undefined;
      return {
        entry,
        inode: s.inode ? String(stat.ino) : '',
        blocks: s.blocks ? this.blocks(stat) : '',
        links: String(stat.nlink),
        user: s.owner ? (s.numeric ? String(stat.uid) : known.user(stat.uid)) : '',
        group: s.group ? (s.numeric ? String(stat.gid) : known.group(stat.gid)) : '',
        size:
          device === undefined
            ? this.size(stat.size)
            : `${device[0]}, ${String(device[1]).padStart(3)}`,
      };
    });
    const width = (key: 'inode' | 'blocks' | 'links' | 'user' | 'group' | 'size'): number =>
      Math.max(0, ...rows.map((row) => row[key].length));
    const widths = {
      inode: width('inode'),
      blocks: width('blocks'),
      links: width('links'),
      user: width('user'),
      group: width('group'),
      size: width('size'),
    };
    for (const row of rows) {
      const { stat, target, targetStat } = row.entry;
      const text = (value: string, size: number): string =>
        s.numeric ? value.padStart(size) : value.padEnd(size);
      const columns = [
        ...(s.inode ? [row.inode.padStart(widths.inode)] : []),
        ...(s.blocks ? [row.blocks.padStart(widths.blocks)] : []),
        modeText(stat.type, stat.mode),
        row.links.padStart(widths.links),
        ...(s.owner ? [text(row.user, widths.user)] : []),
        ...(s.group ? [text(row.group, widths.group)] : []),
        row.size.padStart(widths.size),
        this.time(stat),
        this.label(row.entry).text,
      ];
      const arrow =
        target === undefined
          ? ''
          : ` -> ${this.quoted(target)}${targetStat === undefined || s.indicator === '' ? '' : this.indicator(targetStat)}`;
      t.put(`${columns.join(' ')}${arrow}\n`);
    }
  }

  private show(entries: readonly Entry[]): void {
    const { s, t } = this;
    if (s.layout === 'long') {
      this.long(entries);
      return;
    }
    const inodes = Math.max(0, ...entries.map((entry) => String(entry.stat.ino).length));
    const blocks = Math.max(0, ...entries.map((entry) => this.blocks(entry.stat).length));
    const cells = entries.map((entry) => {
      const label = this.label(entry);
      const before =
        (s.inode ? `${String(entry.stat.ino).padStart(inodes)} ` : '') +
        (s.blocks ? `${this.blocks(entry.stat).padStart(blocks)} ` : '');
      return { text: before + label.text, width: before.length + label.width };
    });
    if (cells.length === 0) return;
    if (s.layout === 'commas') {
      let line = '';
      cells.forEach((cell, index) => {
        const piece = cell.text + (index < cells.length - 1 ? ',' : '');
        if (line !== '' && line.length + 1 + piece.length >= s.width) {
          t.put(`${line}\n`);
          line = piece;
        } else line += (line === '' ? '' : ' ') + piece;
      });
      t.put(`${line}\n`);
    } else if (s.layout === 'single') for (const cell of cells) t.put(`${cell.text}\n`);
    else this.columns(cells, s.layout === 'across');
  }

  /** Blanks up to a column, with tabs where they reach (not between coloured names). */
  private gap(from: number, to: number): string {
    let out = '';
    for (let at = from; at < to;) {
      if (!this.s.colour && Math.floor(to / 8) > Math.floor((at + 1) / 8)) {
        out += '\t';
        at += 8 - (at % 8);
      } else {
        out += ' ';
        at++;
      }
    }
    return out;
  }

  private columns(cells: readonly { text: string; width: number }[], across: boolean): void {
    const count = cells.length;
    for (let columns = Math.min(count, Math.floor(this.s.width / 3)); ; columns--) {
      const rows = Math.ceil(count / Math.max(1, columns));
      const used = across ? columns : Math.ceil(count / rows);
      const widths = Array.from(
        { length: used },
        (_, column) =>
          Math.max(
            0,
            ...cells
              .filter(
                (_cell, index) => (across ? index % used : Math.floor(index / rows)) === column,
              )
              .map((cell) => cell.width),
          ) + 2,
      );
      const total = widths.reduce((sum, width) => sum + width, 0) - 2;
      if (total >= this.s.width && columns > 1) continue;
      for (let row = 0; row < rows; row++) {
        let line = '';
        let at = 0;
        for (let column = 0; column < used; column++) {
          const index = across ? row * used + column : column * rows + row;
          const cell = cells[index];
          if (cell === undefined) break;
          const next = across ? index + 1 : index + rows;
          const last = column === used - 1 || next >= count;
          line += cell.text + (last ? '' : this.gap(at + cell.width, at + (widths[column] ?? 0)));
          at += widths[column] ?? 0;
        }
        this.t.put(`${line}\n`);
      }
      return;
    }
  }

  private hidden(name: string): boolean {
    const { s } = this;
    if (s.all === 'none' && name.startsWith('.')) return true;
    return s.ignore.some((glob) => globRegExp(glob).test(name));
  }

  private async folder(path: string, header: boolean): Promise<void> {
    const { s, t } = this;
    let entries: Entry[];
    try {
      const names = t.sys
        .readdir(toUnicode(path))
        .map((entry) => fromUnicode(entry.name))
        .filter((name) => !this.hidden(name));
      if (s.all === 'all') names.unshift('.', '..');
      entries = names.flatMap((name) => {
        try {
          return [this.entry(joinPath(path, name), name, false)];
        } catch (error) {
          t.warnErrno(`cannot access ${quoteAlways(joinPath(path, name))}`, error, 1);
          return [];
        }
      });
    } catch (error) {
      t.warnErrno(`cannot open directory ${quoteAlways(path)}`, error, 2);
      return;
    }
    if (header) t.put(`${this.printed ? '\n' : ''}${this.quoted(path)}:\n`);
    this.printed = true;
    const sorted = this.sorted(entries);
    if (s.layout === 'long' || s.blocks) {
      const total = entries.reduce((sum, entry) => sum + blocksOf(entry.stat), 0);
      t.put(`total ${s.human === 0 ? total : humanSize(total * 1024, s.human)}\n`);
    }
    this.show(sorted);
    if (t.full) await t.flush();
    if (!s.recursive) return;
    for (const entry of sorted) {
      if (entry.stat.type === 'dir' && entry.name !== '.' && entry.name !== '..')
        await this.folder(joinPath(path, entry.name), true);
    }
  }

  async run(operands: readonly string[]): Promise<void> {
    const { s, t } = this;
    const files: Entry[] = [];
    const folders: Entry[] = [];
    for (const path of operands.length === 0 ? ['.'] : operands) {
      try {
        const entry = this.entry(path, path, true);
        const followed =
          s.layout !== 'long' && s.indicator !== 'classify'
            ? (entry.targetStat ?? entry.stat)
            : entry.stat;
        (followed.type === 'dir' && !s.directory ? folders : files).push(entry);
      } catch (error) {
        t.warnErrno(`cannot access ${quoteAlways(path)}`, error, 2);
      }
    }
    this.show(this.sorted(files));
    this.printed = files.length > 0;
    const header = operands.length > 1 || s.recursive;
    for (const entry of this.sorted(folders)) await this.folder(entry.name, header);
  }
}

function lsTool(name: string): ProgramSpec {
  return defineTool(
    {
      name,
      usage: '[OPTION]... [FILE]...',
      about: 'List information about the FILEs (the current directory by default).',
      errorStatus: 2,
      short: '1AaBbCcdfFgGhHiI:klLmnNopqQrRsStT:uUvw:xXZ',
      long: {
        all: 'a',
        'almost-all': 'A',
        'ignore-backups': 'B',
        escape: 'b',
        directory: 'd',
        classify: 'F::',
        'file-type': '--file-type',
        'full-time': '--full-time',
        'group-directories-first': '--group',
        'no-group': 'G',
        'human-readable': 'h',
        si: '--si',
        'dereference-command-line': 'H',
        inode: 'i',
        ignore: 'I:',
        dereference: 'L',
        'numeric-uid-gid': 'n',
        literal: 'N',
        'hide-control-chars': 'q',
        'quote-name': 'Q',
        reverse: 'r',
        recursive: 'R',
        size: 's',
        sort: '--sort:',
        time: '--time:',
        'time-style': '--time-style:',
        width: 'w:',
        color: '--color::',
        context: 'Z',
        kibibytes: 'k',
      },
    },
    async (t, parsed) => {
      await new Ls(t, settings(t, parsed, name), await accounts(t.sys)).run(parsed.operands);
      return t.status;
    },
  );
}

export const lsPrograms: readonly ProgramSpec[] = [lsTool('ls'), lsTool('dir'), lsTool('vdir')];
