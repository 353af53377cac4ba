/** which, file: where a program is, and what a file is. */
import { KernelError } from '@netloom/base';
import type { ProgramSpec } from '@netloom/sys';
import { fromUnicode, toUnicode } from '../tool/bytes.js';
import { defineTool, errnoText, type Tool } from '../tool/tool.js';

export const which = defineTool(
  {
    name: 'which',
    usage: '[-a] args',
    about: '',
    suite: '',
    short: 'as',
    usageHint: (name) => `Usage: ${name} [-as] args\n`,
    errorStatus: 2,
    inOrder: true,
  },
  (t, { options, operands }) => {
    const all = options.some(({ key }) => key === 'a');
    const silent = options.some(({ key }) => key === 's');
    const executable = (path: string): boolean => {
      try {
        const stat = t.sys.stat(toUnicode(path));
        return stat.type === 'file' && (stat.mode & 0o111) !== 0;
      } catch (error) {
        if (error instanceof KernelError) return false;
        throw error;
      }
    };
    let status = operands.length === 0 ? 1 : 0;
    for (const name of operands) {
      const candidates = name.includes('/')
        ? [name]
        : fromUnicode(t.sys.env.get('PATH') ?? '')
            .split(':')
            .map((dir) => `${dir === '' ? '.' : dir}/${name}`);
      const found = candidates.filter(executable);
      if (found.length === 0) status = 1;
      if (!silent) for (const path of all ? found : found.slice(0, 1)) t.put(`${path}\n`);
    }
    return Promise.resolve(status);
  },
);

export const file = defineTool(
  {
    name: 'file',
    usage: '[OPTION...] [FILE...]',
    about: 'Determine type of FILEs.',
    suite: '',
    short: 'bihLsz',
    long: { brief: 'b', mime: 'i', dereference: 'L' },
  },
  async (t, { options, operands }) => {
    const brief = options.some(({ key }) => key === 'b');
    const width = Math.max(0, ...operands.map((name) => name.length));
    for (const name of operands) {
      t.put(
        `${brief ? '' : `${name}: ${' '.repeat(width - name.length)}`}${await fileType(t, name)}\n`,
      );
    }
    return 0;
  },
);

export async function fileType(t: Tool, name: string): Promise<string> {
  let text: string;
  try {
    const stat = t.sys.lstat(toUnicode(name));
    if (stat.type === 'dir') return 'directory';
    if (stat.type === 'symlink')
      return `symbolic link to ${fromUnicode(t.sys.readlink(toUnicode(name)))}`;
    if (stat.type === 'fifo') return 'fifo (named pipe)';
    if (stat.type === 'socket') return 'socket';
    if (stat.type === 'char') return 'character special';
    text = await t.input(t.open(name)).take(65536);
  } catch (error) {
    return `cannot open \`${name}' (${errnoText(error)})`;
  }
  if (text === '') return 'empty';
  if (text.startsWith('\x7fELF'))
    return `ELF ${text.charCodeAt(4) === 2 ? '64' : '32'}-bit LSB ${text.charCodeAt(16) === 1 ? 'relocatable' : 'executable'}`;
  if (text.startsWith('\x1f\x8b')) return 'gzip compressed data';
  if (text.startsWith('\xd4\xc3\xb2\xa1'))
    return 'pcap capture file, microsecond ts (little-endian) - version 2.4';
  if (text.startsWith('\x0a\x0d\x0d\x0a')) return 'pcapng capture file - version 1.0';
  const interpreter = /^#!\s*(\S+)/.exec(text);
  if (interpreter !== null)
    return `${interpreter[1]?.includes('bash') === true ? 'Bourne-Again shell' : interpreter[1]?.endsWith('/sh') === true ? 'POSIX shell' : `a ${interpreter[1] ?? ''}`} script, ASCII text executable`;
  if (/[^\t\n\v\f\r\x1b\x20-\x7e\x80-\xff\b\x07]/.test(text)) return 'data';
  const kind = /[\x80-\xff]/.test(text) ? 'Unicode text, UTF-8 text' : 'ASCII text';
  return (
    kind +
    (text.includes('\r\n')
      ? ', with CRLF line terminators'
      : text.includes('\n')
        ? ''
        : ', with no line terminators')
  );
}

export const lookupPrograms: readonly ProgramSpec[] = [which, file];
