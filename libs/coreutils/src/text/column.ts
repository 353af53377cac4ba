/** column (util-linux): tables (-t) and columns of words. */
import { defineTool } from '../tool/tool.js';
import { quoteAlways } from '../tool/quote.js';

/** Rows of cells, each column as wide as its widest cell. */
function table(
  rows: readonly (readonly string[])[],
  between: string,
  right: ReadonlySet<number>,
): string {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, cell.length)));
  return rows
    .map((row) => {
      const cells = widths.map((width, index) => {
        const cell = row[index] ?? '';
        if (right.has(index)) return cell.padStart(width);
        return index === widths.length - 1 ? cell : cell.padEnd(width);
      });
      return `${cells.join(between)}\n`;
    })
    .join('');
}

/** Words in columns down, then across, at tab stops. */
function columns(words: readonly string[], width: number, across: boolean): string {
  const longest = Math.max(0, ...words.map((word) => word.length));
  const cell = (Math.floor(longest / 8) + 1) * 8;
  const perRow = Math.max(1, Math.floor(width / cell));
  const rows = Math.ceil(words.length / perRow);
  if (perRow === 1) return words.map((word) => `${word}\n`).join('');
  let out = '';
  for (let row = 0; row < rows; row++) {
    let line = '';
    for (let column = 0; column < perRow; column++) {
      const index = across ? row * perRow + column : column * rows + row;
      if (index >= words.length) break;
      const last = across
        ? column === perRow - 1 || index === words.length - 1
        : index + rows >= words.length;
      const word = words[index] ?? '';
      line += last ? word : word + '\t'.repeat(Math.ceil((cell - word.length) / 8));
    }
    out += `${line}\n`;
  }
  return out;
}

export const column = defineTool(
  {
    name: 'column',
    usage: '[options] [<file>...]',
    about: 'Columnate lists.',
    suite: 'util-linux',
    short: 'tc:s:o:N:R:xenHlJd',
    long: {
      table: 't',
      'output-width': 'c:',
      separator: 's:',
      'output-separator': 'o:',
      'table-columns': 'N:',
      'table-right': 'R:',
      fillrows: 'x',
      'keep-empty-lines': 'L',
      'table-noheadings': 'd',
    },
    shortName: true,
  },
  async (t, { options, operands }) => {
    const value = (key: string): string | undefined =>
      options.filter((option) => option.key === key).pop()?.value;
    const has = (key: string): boolean => options.some((option) => option.key === key);
    const width = Number(value('c') ?? t.sys.env.get('COLUMNS') ?? 80);
    const lines: string[] = [];
    for (const file of operands.length === 0 ? ['-'] : operands) {
      const text = await t.readWhole(file);
      if (text !== undefined) lines.push(...text.split('\n').filter((line) => line.trim() !== ''));
    }
    if (!has('t')) {
      t.put(columns(lines, width, has('x')));
      return t.status;
    }
    const separators = value('s');
    const rows = lines.map((line) => {
      if (separators === undefined) return line.trim().split(/[ \t]+/);
      const cells: string[] = [];
      let cell = '';
      for (const char of line) {
        if (separators.includes(char)) {
          cells.push(cell);
          cell = '';
        } else cell += char;
      }
      return [...cells, cell];
    });
    const names = value('N')?.split(',');
    if (names !== undefined && !has('d')) rows.unshift(names);
    const right = new Set<number>();
    for (const name of value('R')?.split(',') ?? []) {
      const index = /^\d+$/.test(name) ? Number(name) - 1 : (names?.indexOf(name) ?? -1);
      if (index < 0) t.fail(`undefined column name ${quoteAlways(name)}`);
      right.add(index);
    }
    t.put(table(rows, value('o') ?? '  ', right));
    return t.status;
  },
);
