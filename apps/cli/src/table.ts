/** Tables with borders, as containerlab prints them. */

/** Cells may have several lines; columns are as wide as their widest line. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.split('\n')));
  const widths = head.map((_, column) =>
    Math.max(...cells.flatMap((row) => (row[column] ?? ['']).map((line) => line.length))),
  );
  const rule = (left: string, middle: string, right: string): string =>
    left + widths.map((width) => '─'.repeat(width + 2)).join(middle) + right;
  const lines = (row: readonly (readonly string[])[]): string[] => {
    const height = Math.max(...row.map((cell) => cell.length));
    return Array.from(
      { length: height },
      (_, i) =>
        `│${widths.map((width, column) => ` ${(row[column]?.[i] ?? '').padEnd(width)} `).join('│')}│`,
    );
  };
  const [first = [], ...rest] = cells;
  return [
    rule('╭', '┬', '╮'),
    ...lines(first),
    rule('├', '┼', '┤'),
    ...rest.flatMap((row, i) => [...(i > 0 ? [rule('├', '┼', '┤')] : []), ...lines(row)]),
    rule('╰', '┴', '╯'),
    '',
  ].join('\n');
}
