/**
 * Redirections: `<` `>` `>>` `>|` `<>` `n>&m` `n>&-` `&>` `&>>` here-strings, here-documents, `{var}>`, `/dev/tcp/…`.
 *
 * The same list is applied in two ways: to the shell itself with a way back ({@link redirectShell}: builtins, compound
 * commands, `exec`), or to the table of descriptors a child will get ({@link redirectChild}), which leaves the shell alone.
 */
import type { HereDoc, Redirection } from 'unbash';
import { Errno, KernelError, parseIpv4, strerror } from '@netloom/base';
import { AF_INET, OpenFlag, SOCK_DGRAM, SOCK_STREAM } from '@netloom/sys';
import { toBytes } from './bytes.js';
import { expandFields, expandPartsText, expandText } from './expand-word.js';
import { ShellError } from './errors.js';
import type { Shell } from './shell.js';
import { hereDocParts, type Part, wordIr } from './word-ir.js';

/** What a list of redirections acts on. */
interface Table {
  /** Makes `fd` refer to the shell's descriptor `own`, which the table then owns. */
  place(fd: number, own: number): void;
  duplicate(from: number, to: number): void;
  close(fd: number): void;
}

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND, O_EXCL } = OpenFlag;
const hereDocs = new WeakMap<HereDoc, readonly Part[]>();

/** Applies redirections to the shell; the result undoes them. A failing one undoes what came before it and throws. */
export async function redirectShell(
  sh: Shell,
  redirects: readonly Redirection[],
): Promise<() => void> {
  const saved: (readonly [fd: number, copy: number | undefined])[] = [];
  const save = (fd: number): void => {
    let copy: number | undefined;
    try {
      copy = sh.sys.dup(fd, 10);
      sh.sys.setCloexec(copy, true);
      sh.internalFds.add(copy);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
    }
    saved.push([fd, copy]);
  };
  const undo = (): void => {
    for (const [fd, copy] of saved.reverse()) {
      if (copy === undefined) closeQuietly(sh, fd);
      else {
        sh.sys.dup2(copy, fd);
        sh.sys.close(copy);
        sh.internalFds.delete(copy);
      }
    }
  };
  const table: Table = {
    place: (fd, own) => {
      if (own === fd) {
        saved.push([fd, undefined]);
        return;
      }
      save(fd);
      sh.sys.dup2(own, fd);
      sh.sys.close(own);
    },
    duplicate: (from, to) => {
      if (from === to) return;
      save(to);
      sh.sys.dup2(from, to);
    },
    close: (fd) => {
      save(fd);
      closeQuietly(sh, fd);
    },
  };
  try {
    for (const redirect of redirects) await applyOne(sh, redirect, table);
  } catch (error) {
    undo();
    throw error;
  }
  return undo;
}

/** Applies redirections for good (`exec >file`, a process about to be replaced). */
export async function redirectForGood(sh: Shell, redirects: readonly Redirection[]): Promise<void> {
  const table: Table = {
    place: (fd, own) => {
      if (own === fd) return;
      sh.sys.dup2(own, fd);
      sh.sys.close(own);
    },
    duplicate: (from, to) => {
      if (from !== to) sh.sys.dup2(from, to);
    },
    close: (fd) => closeQuietly(sh, fd),
  };
  for (const redirect of redirects) await applyOne(sh, redirect, table);
}

/** Applies redirections to the descriptors of a child; returns what to close in the shell once it is spawned. */
export async function redirectChild(
  sh: Shell,
  redirects: readonly Redirection[],
  fds: Map<number, number>,
): Promise<number[]> {
  const opened: number[] = [];
  const table: Table = {
    place: (fd, own) => {
      opened.push(own);
      fds.set(fd, own);
    },
    duplicate: (from, to) => {
      const own = fds.get(from);
      if (own === undefined) throw new KernelError('EBADF');
      fds.set(to, own);
    },
    close: (fd) => {
      fds.delete(fd);
    },
  };
  try {
    for (const redirect of redirects) await applyOne(sh, redirect, table);
  } catch (error) {
    for (const fd of opened) closeQuietly(sh, fd);
    throw error;
  }
  return opened;
}

async function applyOne(sh: Shell, redirect: Redirection, table: Table): Promise<void> {
  const fallback = redirect.operator.startsWith('<') ? 0 : 1;
  const { descriptor } = redirect;
  let fd = descriptor?.type === 'FileDescriptor' ? descriptor.value : fallback;
  const variable = descriptor?.type === 'FileDescriptorVariable' ? descriptor.name : undefined;
  if (redirect.type === 'HereDoc') {
    placeNamed(sh, variable, table, fd, await textFd(sh, await hereDocText(sh, redirect)));
    return;
  }
  const target = redirect.target;
  if (target === undefined) return;
  const ir = wordIr(target, sh.source);
  if (redirect.type === 'HereString') {
    placeNamed(sh, variable, table, fd, await textFd(sh, `${await expandText(sh, ir)}\n`));
    return;
  }
  const fields: string[] = [];
  await expandFields(sh, ir, fields);
  const path = fields[0];
  if (path === undefined || fields.length > 1)
    throw new ShellError(`${target.text}: ambiguous redirect`, 1, 'command');
  const { operator } = redirect;
  if (operator === '>&' || operator === '<&') {
    if (/^\d+-?$/.test(path) || path === '-') {
      if (variable !== undefined && path === '-') fd = Number(sh.vars.value(variable) ?? -1);
      duplicate(sh, path, fd, table);
      return;
    }
    if (operator === '<&' || descriptor !== undefined)
      throw new ShellError(`${target.text}: ambiguous redirect`, 1, 'command');
  }
  const both = operator === '&>' || operator === '&>>' || operator === '>&';
  const own = await openPath(sh, path, operator);
  placeNamed(sh, variable, table, fd, own);
  if (both) table.duplicate(1, 2);
}

function duplicate(sh: Shell, path: string, fd: number, table: Table): void {
  if (path === '-') {
    table.close(fd);
    return;
  }
  const from = Number(path.replace('-', ''));
  try {
    if (sh.internalFds.has(from)) throw new KernelError('EBADF');
    table.duplicate(from, fd);
    if (path.endsWith('-') && from !== fd) table.close(from);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    throw new ShellError(`${from}: ${strerror(error.errno)}`, 1, 'command');
  }
}

function placeNamed(
  sh: Shell,
  variable: string | undefined,
  table: Table,
  fd: number,
  own: number,
): void {
  if (variable === undefined) {
    table.place(fd, own);
    return;
  }
  const high = own >= 10 ? own : sh.sys.dup(own, 10);
  if (high !== own) sh.sys.close(own);
  sh.vars.set(variable, String(high));
}

async function openPath(sh: Shell, path: string, operator: string): Promise<number> {
  try {
    const special = await openSpecial(sh, path);
    if (special !== undefined) return special;
    if (operator === '<') return sh.sys.open(path, O_RDONLY);
    if (operator === '<>') return sh.sys.open(path, O_RDWR | O_CREAT, 0o666);
    if (operator === '>>' || operator === '&>>')
      return sh.sys.open(path, O_WRONLY | O_CREAT | O_APPEND, 0o666);
    if (sh.options.noclobber && operator !== '>|') return openNoClobber(sh, path);
    return sh.sys.open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o666);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    throw new ShellError(`${path}: ${strerror(error.errno)}`, 1, 'command');
  }
}

function openNoClobber(sh: Shell, path: string): number {
  let isFile: boolean;
  try {
    isFile = sh.sys.stat(path).type === 'file';
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return sh.sys.open(path, O_WRONLY | O_CREAT | O_EXCL, 0o666);
  }
  if (isFile) throw new ShellError(`${path}: cannot overwrite existing file`, 1, 'command');
  return sh.sys.open(path, O_WRONLY);
}

/** The paths bash itself knows: /dev/fd/N, /dev/stdin, /dev/tcp/HOST/PORT, … */
async function openSpecial(sh: Shell, path: string): Promise<number | undefined> {
  if (!path.startsWith('/dev/')) return undefined;
  const number =
    /^\/dev\/fd\/(\d+)$/.exec(path)?.[1] ??
    { '/dev/stdin': '0', '/dev/stdout': '1', '/dev/stderr': '2' }[path];
  if (number !== undefined) return sh.sys.dup(Number(number));
  const net = /^\/dev\/(tcp|udp)\/([^/]+)\/([^/]+)$/.exec(path);
  if (net === null) return undefined;
  const [, protocol = '', host = '', port = ''] = net;
  const address = parseIpv4(host === 'localhost' ? '127.0.0.1' : host);
  if (address === undefined)
    throw new ShellError(`${host}: Name or service not known`, 1, 'command');
  const fd = sh.sys.socket(AF_INET, protocol === 'tcp' ? SOCK_STREAM : SOCK_DGRAM, 0);
  try {
    await sh.sys.connect(fd, { family: 'inet', addr: address, port: Number(port) });
  } catch (error) {
    sh.sys.close(fd);
    if (!(error instanceof KernelError)) throw error;
    await sh.error(`connect: ${strerror(error.errno)}`);
    throw error;
  }
  return fd;
}

async function hereDocText(sh: Shell, redirect: HereDoc): Promise<string> {
  const strip = redirect.operator === '<<-';
  if (redirect.closing === undefined) {
    const source = sh.source;
    const first = source.lineAt(redirect.pos);
    const last = source.lineAt(source.text.length - (source.text.endsWith('\n') ? 1 : 0));
    await sh.err(
      `${sh.shellName()}: line ${last}: warning: here-document at line ${first} delimited by end-of-file (wanted \`${redirect.delimiter?.value ?? ''}')\n`,
    );
  }
  const { body } = redirect;
  const ending =
    redirect.closing === undefined && body.text !== '' && !body.text.endsWith('\n') ? '\n' : '';
  if (redirect.delimiter?.quoted === true)
    return strip ? body.text.replace(/^\t+/gm, '') + ending : body.text + ending;
  let parts = hereDocs.get(redirect);
  if (parts === undefined) {
    const own = body.parts;
    parts =
      own === undefined
        ? [{ kind: 'literal', text: plainBody(body.text, strip), form: 'quoted' }]
        : hereDocParts(own, sh.source, strip);
    hereDocs.set(redirect, parts);
  }
  return (await expandPartsText(sh, parts)) + ending;
}

/** A body without expansions: only the backslashes that quote. */
function plainBody(text: string, strip: boolean): string {
  const unquoted = text.replace(/\\([$`\\\n])/g, (_whole, char: string) =>
    char === '\n' ? '' : char,
  );
  return strip ? unquoted.replace(/^\t+/gm, '') : unquoted;
}

/** A descriptor from which a text can be read: a pipe, or an unlinked file where it would not fit into one. */
async function textFd(sh: Shell, text: string): Promise<number> {
  const bytes = toBytes(text);
  if (bytes.length <= 4096) {
    const [reader, writer] = sh.sys.pipe();
    if (bytes.length > 0) await sh.sys.write(writer, bytes);
    sh.sys.close(writer);
    return reader;
  }
  const path = `/tmp/sh-thd.${sh.sys.random().toString(36)}${sh.sys.pid}`;
  const writer = sh.sys.open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600);
  await sh.sys.write(writer, bytes);
  const reader = sh.sys.open(path, O_RDONLY);
  sh.sys.close(writer);
  sh.sys.unlink(path);
  return reader;
}

export function closeQuietly(sh: Shell, fd: number): void {
  try {
    sh.sys.close(fd);
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno !== Errno.EBADF) throw error;
  }
}
