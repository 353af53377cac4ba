/**
 * ss's table: columns as wide as their longest cell, addresses right-aligned against their ports.
 *
 * As ss does, the last row's closing column is not measured (a long one sticks out), and cells of the first columns
 * have a least width even without the header.
 */
interface Column {
  readonly header: string;
  readonly right: boolean;
  readonly delimiter: string;
}

const COLUMNS: readonly Column[] = [
  { header: 'Netid', right: false, delimiter: '' },
  { header: 'State', right: false, delimiter: ' ' },
  { header: 'Recv-Q', right: false, delimiter: ' ' },
  { header: 'Send-Q', right: false, delimiter: ' ' },
  { header: 'Local Address:', right: true, delimiter: ' ' },
  { header: 'Port', right: false, delimiter: '' },
  { header: 'Peer Address:', right: true, delimiter: ' ' },
  { header: 'Port', right: false, delimiter: '' },
  { header: 'Process', right: false, delimiter: '' },
];

/** One socket's cells, in the order of the header. */
export interface SocketRow {
  readonly netid: string;
  readonly state: string;
  readonly recvQ: number;
  readonly sendQ: number;
  readonly local: readonly [string, string];
  readonly peer: readonly [string, string];
  /** Everything after the peer's port, with its leading space. */
  readonly extra: string;
}

/** The finished text. */
export function renderTable(
  rows: readonly SocketRow[],
  options: { readonly netid: boolean; readonly state: boolean; readonly header: boolean },
): string {
  const shown = COLUMNS.map((_, i) => (i === 0 ? options.netid : i === 1 ? options.state : true));
  const lines = rows.map((row) => [
    row.netid.padEnd(5),
    row.state,
    String(row.recvQ).padEnd(6),
    String(row.sendQ).padEnd(6),
    ...row.local,
    ...row.peer,
    row.extra,
  ]);
  const last = COLUMNS.length - 1;
  const widths = COLUMNS.map((column, i) => {
    let width = options.header ? column.header.length : 0;
    lines.forEach((line, n) => {
      if (i === last && n === lines.length - 1) return;
      width = Math.max(width, (line[i] ?? '').length);
    });
    return width;
  });
  const first = shown.indexOf(true);
  const draw = (cells: readonly string[]): string => {
    let text = '';
    cells.forEach((cell, i) => {
      const column = COLUMNS[i];
      if (column === undefined || shown[i] !== true) return;
      const width = widths[i] ?? 0;
      if (i !== first && width > 0) text += column.delimiter;
      text += column.right ? cell.padStart(width) : cell.padEnd(width);
    });
    return `${text}\n`;
  };
  return (
    (options.header ? draw(COLUMNS.map((column) => column.header)) : '') + lines.map(draw).join('')
  );
}
