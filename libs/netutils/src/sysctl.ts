/**
 * `sysctl`: kernel variables as the files under /proc/sys show them (procps-ng 4.0.2).
 */
import { KernelError, strerror } from '@netloom/base';
import {
  encodeText,
  OpenFlag,
  print,
  printErr,
  readTextFile,
  type Stat,
  type Sys,
} from '@netloom/sys';
import { fnmatch } from './args.js';
import { CommandExit, program } from './command.js';
import { getopt } from './getopt.js';
import { SYSCTL_USAGE } from './sysctl-usage.js';

const ROOT = '/proc/sys/';
/** What a listing leaves out unless it is asked for. */
const DEPRECATED: ReadonlySet<string> = new Set(['base_reachable_time', 'retrans_time']);

interface Settings {
  all: boolean;
  ignore: boolean;
  namesOnly: boolean;
  valuesOnly: boolean;
  binary: boolean;
  quiet: boolean;
  write: boolean;
  dryRun: boolean;
  deprecated: boolean;
  pattern: RegExp | undefined;
}

/** `net.ipv4.conf.eth0/1.x` to a path: the first separator seen is the one that separates. */
function keyPath(key: string): string {
  const first = /[./]/.exec(key)?.[0];
  if (first !== '.') return key;
  return key.replace(/[./]/g, (c) => (c === '.' ? '/' : '.'));
}

/** A path below /proc/sys as a key. */
function pathKey(path: string): string {
  return path.replace(/[./]/g, (c) => (c === '/' ? '.' : '/'));
}

class Sysctl {
  /** Exit code: failures to read add up, failures to write do not. */
  code = 0;

  constructor(
    private readonly sys: Sys,
    private readonly settings: Settings,
  ) {}

  async complain(text: string, reading = false): Promise<void> {
    if (reading) this.code++;
    else this.code |= 1;
    await printErr(this.sys, `sysctl: ${text}\n`);
  }

  private stat(path: string): Stat | undefined {
    try {
      return this.sys.stat(ROOT + path);
    } catch (error) {
      if (error instanceof KernelError) return undefined;
      throw error;
    }
  }

  private wanted(key: string): boolean {
    return this.settings.pattern?.test(key) ?? true;
  }

  private async show(key: string, value: string): Promise<void> {
    const { namesOnly, valuesOnly, binary } = this.settings;
    if (binary) await print(this.sys, value);
    else if (namesOnly) await print(this.sys, `${key}\n`);
    else if (valuesOnly) await print(this.sys, `${value}\n`);
    else await print(this.sys, `${key} = ${value}\n`);
  }

  /** Shows a variable, or all of a directory. */
  async read(key: string): Promise<void> {
    const path = keyPath(key);
    const stat = this.stat(path);
    if (stat === undefined) {
      if (!this.settings.ignore)
        await this.complain(`cannot stat ${ROOT}${path}: No such file or directory`, true);
      return;
    }
    if (stat.type === 'dir') await this.readAll(path.replace(/\/$/, ''));
    else await this.readOne(path, stat);
  }

  /** Everything below a directory, by name. */
  async readAll(path: string): Promise<void> {
    const entries = this.sys.readdir(ROOT + path);
    for (const entry of entries) {
      if (!this.settings.deprecated && DEPRECATED.has(entry.name)) continue;
      const below = path === '' ? entry.name : `${path}/${entry.name}`;
      if (entry.type === 'dir') await this.readAll(below);
      else {
        const stat = this.stat(below);
        if (stat !== undefined) await this.readOne(below, stat);
      }
    }
  }

  private async readOne(path: string, stat: Stat): Promise<void> {
    const key = pathKey(path);
    if ((stat.mode & 0o444) === 0 || !this.wanted(key)) return;
    if (this.settings.namesOnly) {
      await print(this.sys, `${key}\n`);
      return;
    }
    let text: string;
    try {
      text = await readTextFile(this.sys, ROOT + path);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      const denied = error.code === 'EACCES' || error.code === 'EPERM';
      await this.complain(
        denied
          ? `permission denied on key "${key}"`
          : `reading key "${key}": ${strerror(error.errno)}`,
      );
      return;
    }
    if (this.settings.binary) {
      await print(this.sys, text.replace(/\n$/, ''));
      return;
    }
    for (const line of text.replace(/\n$/, '').split('\n')) await this.show(key, line);
  }

  /** Writes `value`; `source` names where the assignment came from. */
  async write(key: string, value: string, quietFailure: boolean): Promise<void> {
    const path = keyPath(key);
    const stat = this.stat(path);
    const shown = pathKey(path);
    if (stat === undefined) {
      if (!this.settings.ignore) {
        await this.complain(`cannot stat ${ROOT}${path}: No such file or directory`);
        if (quietFailure) return;
      }
      return;
    }
    if (!this.wanted(shown)) return;
    if (!this.settings.dryRun) {
      try {
        const fd = this.sys.open(ROOT + path, OpenFlag.O_WRONLY | OpenFlag.O_TRUNC);
        try {
          await this.sys.write(fd, encodeText(`${value}\n`));
        } finally {
          this.sys.close(fd);
        }
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        const denied = error.code === 'EACCES' || error.code === 'EPERM';
        await this.complain(
          denied
            ? `permission denied on key "${shown}"`
            : `setting key "${shown}": ${strerror(error.errno)}`,
        );
        return;
      }
    }
    if (!this.settings.quiet) await this.show(shown, value);
  }

  /** Writes every key that a pattern such as `net.ipv4.conf.*.rp_filter` matches. */
  async writeMatching(pattern: string, value: string, quietFailure: boolean): Promise<void> {
    if (!/[*?[]/.test(pattern)) {
      await this.write(pattern, value, quietFailure);
      return;
    }
    let paths = [''];
    for (const part of keyPath(pattern).split('/')) {
      const next: string[] = [];
      for (const path of paths) {
        const names =
          this.stat(path)?.type === 'dir' || path === '' ? this.sys.readdir(ROOT + path) : [];
        for (const { name } of names)
          if (fnmatch(part, name)) next.push(path === '' ? name : `${path}/${name}`);
      }
      paths = next;
    }
    for (const path of paths) await this.write(pathKey(path), value, quietFailure);
  }

  /** A file of settings, as sysctl.conf(5). */
  async load(file: string): Promise<void> {
    let text: string;
    try {
      text = await readTextFile(this.sys, file);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      if (!this.settings.ignore)
        await this.complain(`cannot open "${file}": ${strerror(error.errno)}`);
      return;
    }
    const lines = text.split('\n');
    for (let i = 0; i < lines.length; i++) {
      const line = (lines[i] ?? '').trim();
      if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
      const equals = line.indexOf('=');
      if (equals < 0) {
        await printErr(this.sys, `sysctl: ${file}(${i + 1}): invalid syntax, continuing...\n`);
        continue;
      }
      const key = line.slice(0, equals).trim();
      const optional = key.startsWith('-');
      await this.writeMatching(
        optional ? key.slice(1) : key,
        line.slice(equals + 1).trim(),
        optional,
      );
    }
  }
}

/** The files of `--system` in the order in which a name hides later ones of the same name. */
function systemFiles(sys: Sys): string[] {
  const byName = new Map<string, string>();
  for (const folder of [
    '/etc/sysctl.d',
    '/run/sysctl.d',
    '/usr/local/lib/sysctl.d',
    '/usr/lib/sysctl.d',
    '/lib/sysctl.d',
  ]) {
    try {
      for (const { name } of sys.readdir(folder)) {
        if (name.endsWith('.conf') && !byName.has(name)) byName.set(name, `${folder}/${name}`);
      }
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
    }
  }
  const files = [...byName]
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, path]) => path);
  try {
    sys.stat('/etc/sysctl.conf');
    files.push('/etc/sysctl.conf');
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
  }
  return files;
}

/** sysctl(8). */
export const sysctlMain = program(async (sys) => {
  const parsed = getopt('sysctl', sys.argv.slice(1), {
    short: 'bneNwfp::qoxaAXVdhr:',
    long: {
      all: 'a',
      deprecated: 'deprecated',
      'dry-run': 'dryrun',
      binary: 'b',
      ignore: 'e',
      names: 'N',
      values: 'n',
      load: 'p::',
      system: 'system',
      pattern: 'r:',
      quiet: 'q',
      write: 'w',
      help: 'h',
      version: 'V',
    },
  });
  const settings: Settings = {
    all: false,
    ignore: false,
    namesOnly: false,
    valuesOnly: false,
    binary: false,
    quiet: false,
    write: false,
    dryRun: false,
    deprecated: false,
    pattern: undefined,
  };
  let load: string[] | undefined;
  let system = false;
  for (const { name, value } of parsed.options) {
    if (name === 'a' || name === 'A' || name === 'X') settings.all = true;
    else if (name === 'e') settings.ignore = true;
    else if (name === 'N') settings.namesOnly = true;
    else if (name === 'n') settings.valuesOnly = true;
    else if (name === 'b') settings.binary = true;
    else if (name === 'q') settings.quiet = true;
    else if (name === 'w') settings.write = true;
    else if (name === 'dryrun') settings.dryRun = true;
    else if (name === 'deprecated') settings.deprecated = true;
    else if (name === 'r') settings.pattern = new RegExp(value ?? '');
    else if (name === 'p' || name === 'f') load = value === undefined ? [] : [value];
    else if (name === 'system') system = true;
    else if (name === 'h' || name === 'd') {
      await print(sys, SYSCTL_USAGE);
      return 0;
    } else if (name === 'V') {
      await print(sys, 'sysctl from procps-ng 4.0.2\n');
      return 0;
    }
  }
  if (parsed.error !== undefined) {
    // procps exits with 0 here
    await printErr(sys, `${parsed.error}\n`);
    await print(sys, SYSCTL_USAGE);
    return 0;
  }
  const run = new Sysctl(sys, settings);
  if (system) {
    for (const file of systemFiles(sys)) {
      if (!settings.quiet) await print(sys, `* Applying ${file} ...\n`);
      await run.load(file);
    }
    return run.code;
  }
  if (load !== undefined) {
    const files = [...load, ...parsed.operands];
    for (const file of files.length === 0 ? ['/etc/sysctl.conf'] : files) {
      await run.load(file === '-' ? '/dev/stdin' : file);
    }
    return run.code;
  }
  if (settings.all) {
    await run.readAll('');
    return run.code;
  }
  if (parsed.operands.length === 0) throw new CommandExit(1, SYSCTL_USAGE);
  for (const operand of parsed.operands) {
    const equals = operand.indexOf('=');
    if (equals > 0) {
      await run.writeMatching(
        operand.slice(0, equals).trim(),
        operand.slice(equals + 1).trim(),
        false,
      );
    } else if (settings.write || equals === 0) {
      await run.complain('command line(0): invalid syntax, continuing...');
    } else {
      await run.read(operand.trim());
    }
  }
  return run.code;
});
