/**
 * Streaming JSON text as iproute2 writes it: compact, or with `-p` in its own pretty layout (`[ {` on one line, four
 * columns a level). Every program with a `-j` option writes through {@link Out}, which sits on this.
 */

/** Writes nested arrays and objects into one growing text. */
export class JsonWriter {
  text = '';
  private depth = 0;
  private separator = '';

  constructor(private readonly pretty: boolean) {}

  private endLine(): void {
    if (this.pretty) this.text += '\n' + '    '.repeat(this.depth);
  }

  private element(): void {
    this.text += this.separator;
    this.separator = ',';
  }

  private begin(bracket: string): void {
    this.element();
    this.text += bracket;
    this.depth++;
    this.separator = '';
  }

  private end(bracket: string): void {
    this.depth--;
    if (this.separator !== '') this.endLine();
    this.text += bracket;
    this.separator = ',';
  }

  name(key: string): void {
    this.element();
    this.endLine();
    this.separator = '';
    this.text += JSON.stringify(key) + (this.pretty ? ': ' : ':');
  }

  startObject(): void {
    this.begin('{');
  }

  endObject(): void {
    this.end('}');
  }

  startArray(): void {
    this.begin('[');
    if (this.pretty) this.text += ' ';
  }

  endArray(): void {
    if (this.pretty && this.separator !== '') this.text += ' ';
    this.separator = '';
    this.end(']');
  }

  /** A value already in JSON form. */
  raw(text: string): void {
    this.element();
    this.text += text;
  }
}
