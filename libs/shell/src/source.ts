/** A piece of shell text and its line numbers: what `$LINENO` and error messages count. */

export class Source {
  private starts: number[] | undefined;

  constructor(
    readonly text: string,
    /** The line number of the first line. */
    readonly firstLine = 1,
  ) {}

  /** The line that holds the character at `pos`. */
  lineAt(pos: number): number {
    const starts = this.lineStarts();
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= pos) low = middle;
      else high = middle - 1;
    }
    return this.firstLine + low;
  }

  /** The text of the line that holds `pos`, without its newline. */
  lineText(pos: number): string {
    const start = this.text.lastIndexOf('\n', pos - 1) + 1;
    const end = this.text.indexOf('\n', start);
    return this.text.slice(start, end < 0 ? undefined : end);
  }

  private lineStarts(): number[] {
    if (this.starts === undefined) {
      this.starts = [0];
      for (let at = this.text.indexOf('\n'); at >= 0; at = this.text.indexOf('\n', at + 1))
        this.starts.push(at + 1);
    }
    return this.starts;
  }
}
