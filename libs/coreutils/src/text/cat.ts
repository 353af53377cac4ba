/** cat, tac: files as they are, with marks, or backwards. */
import { KernelError } from '@netloom/base';
import type { ProgramSpec } from '@netloom/sys';
import { defineTool, type Tool } from '../tool/tool.js';
import { quoteName } from '../tool/quote.js';

interface Marks {
  numbers: '' | 'all' | 'nonblank';
  squeeze: boolean;
  ends: boolean;
  tabs: boolean;
  visible: boolean;
}

function caret(char: string, marks: Marks): string {
  const code = char.charCodeAt(0);
  if (code === 9) return marks.tabs ? '^I' : '\t';
  if (code === 10 || !marks.visible) return char;
  if (code >= 128)
    return `M-${code === 128 + 9 ? '^I' : code === 128 + 10 ? '^J' : caret(String.fromCharCode(code - 128), marks)}`;
  if (code === 127) return '^?';
  return code < 32 ? `^${String.fromCharCode(code + 64)}` : char;
}

/** Copies a descriptor to standard output as it comes. */
async function copy(t: Tool, fd: number): Promise<void> {
  await t.flush();
  let moved = 0;
  for (;;) {
    const bytes = await t.sys.read(fd, 65536);
    if (bytes.length === 0) return;
    for (let rest = bytes; rest.length > 0;) {
      try {
        rest = rest.subarray(await t.sys.write(1, rest));
      } catch (error) {
        if (error instanceof KernelError) t.fail(`write error: ${error.message}`);
        throw error;
      }
    }
    moved += bytes.length;
    if (moved >= 1 << 20) {
      moved = 0;
      await t.sys.cpu(2_000_000);
    }
  }
}

function isOutput(t: Tool, fd: number): boolean {
  const [source, sink] = [t.sys.fstat(fd), t.sys.fstat(1)];
  return (
    source.type === 'file' && sink.type === 'file' && source.ino === sink.ino && source.size > 0
  );
}

const cat = defineTool(
  {
    name: 'cat',
    usage: '[OPTION]... [FILE]...',
    about: 'Concatenate FILE(s) to standard output.',
    short: 'AbeEnstTuv',
    long: {
      'show-all': 'A',
      'number-nonblank': 'b',
      'show-ends': 'E',
      number: 'n',
      'squeeze-blank': 's',
      'show-tabs': 'T',
      'show-nonprinting': 'v',
    },
  },
  async (t, { options, operands }) => {
    const marks: Marks = { numbers: '', squeeze: false, ends: false, tabs: false, visible: false };
    for (const { key } of options) {
      if (key === 'b') marks.numbers = 'nonblank';
      if (key === 'n' && marks.numbers === '') marks.numbers = 'all';
      if (key === 's') marks.squeeze = true;
      if ('AeE'.includes(key)) marks.ends = true;
      if ('AtT'.includes(key)) marks.tabs = true;
      if ('Aetv'.includes(key)) marks.visible = true;
    }
    const plain =
      marks.numbers === '' && !marks.squeeze && !marks.ends && !marks.tabs && !marks.visible;
    let lineNumber = 0;
    let blank = 0;
    let atStart = true;
    await t.eachInput(operands, async (input, file) => {
      if (isOutput(t, input.fd)) {
        t.warn(`${quoteName(file, true)}: input file is output file`);
        return;
      }
      if (plain) {
        await copy(t, input.fd);
        return;
      }
      for (let block = await input.lines(); block !== undefined; block = await input.lines()) {
        for (const [index, line] of block.entries()) {
          const terminated = input.terminated || index < block.length - 1;
          blank = atStart && line === '' && terminated ? blank + 1 : 0;
          if (marks.squeeze && blank > 1) continue;
          if (
            atStart &&
            (marks.numbers === 'all' || (marks.numbers === 'nonblank' && line !== ''))
          ) {
            t.put(`${String(++lineNumber).padStart(6)}\t`);
          }
          let text =
            marks.visible || marks.tabs
              ? [...line].map((char) => caret(char, marks)).join('')
              : line;
          if (marks.ends && terminated && text.endsWith('\r')) text = `${text.slice(0, -1)}^M`;
          t.put(text + (terminated ? (marks.ends ? '$\n' : '\n') : ''));
          atStart = terminated;
        }
      }
    });
    return t.status;
  },
);

const tac = defineTool(
  {
    name: 'tac',
    usage: '[OPTION]... [FILE]...',
    about: 'Write each FILE to standard output, last line first.',
    short: 'bs:r',
    long: { before: 'b', separator: 's:', regex: 'r' },
  },
  async (t, { options, operands }) => {
    const separator = options.find(({ key }) => key === 's')?.value ?? '\n';
    const before = options.some(({ key }) => key === 'b');
    for (const file of operands.length === 0 ? ['-'] : operands) {
      let text: string | undefined;
      try {
        text = await t.input(file === '-' ? 0 : t.open(file)).rest();
      } catch (error) {
        const isDir = error instanceof KernelError && error.code === 'EISDIR';
        t.warnErrno(
          isDir ? `${quoteName(file, true)}: read error` : `failed to open '${file}' for reading`,
          error,
        );
        continue;
      }
      const pieces = text.split(separator);
      const tail = pieces.pop() ?? '';
      if (before)
        t.put(
          [...pieces.slice(1), tail]
            .reverse()
            .map((piece) => separator + piece)
            .join('') + (pieces[0] ?? ''),
        );
      else
        t.put(
          tail +
            pieces
              .reverse()
              .map((piece) => piece + separator)
              .join(''),
        );
    }
    return t.status;
  },
);

export const catPrograms: readonly ProgramSpec[] = [cat, tac];
