/** Where a sed script writes: standard output, the file that is edited in place, and `w` files. */
import { OpenFlag } from '@netloom/sys';
import { errnoText, type Tool } from '../tool/tool.js';
import { textToBytes, toUnicode } from '../tool/bytes.js';

interface Target {
  /** The last line had no newline; one is owed before anything else is written. */
  owesNewline: boolean;
  fd: number;
}

export class SedOutputs {
  private readonly targets = new Map<string | undefined, Target>([
    [undefined, { owesNewline: false, fd: 1 }],
  ]);
  private readonly written = new Map<number, string>();
  /** Collects standard output while a file is edited in place. */
  private collected: string | undefined;

  constructor(
    private readonly t: Tool,
    private readonly delimiter: string,
  ) {}

  /** Creates a `w` file. */
  openFile(name: string): void {
    if (this.targets.has(name)) return;
    if (name === '/dev/stdout') this.targets.set(name, this.targets.get(undefined) as Target);
    else if (name === '/dev/stderr') this.targets.set(name, { owesNewline: false, fd: 2 });
    else {
      try {
        const flags = OpenFlag.O_WRONLY | OpenFlag.O_CREAT | OpenFlag.O_TRUNC | OpenFlag.O_CLOEXEC;
        this.targets.set(name, {
          owesNewline: false,
          fd: this.t.sys.open(toUnicode(name), flags, 0o666),
        });
      } catch (error) {
        this.t.fail(`couldn't open file ${name}: ${errnoText(error)}`, 4);
      }
    }
  }

  /** From here on standard output is kept for {@link finish}. */
  collect(): void {
    this.collected = '';
    (this.targets.get(undefined) as Target).owesNewline = false;
  }

  finish(): string {
    const text = this.collected ?? '';
    this.collected = undefined;
    (this.targets.get(undefined) as Target).owesNewline = false;
    return text;
  }

  /** A line with its delimiter, or without where the input's last line had none. */
  line(name: string | undefined, text: string, terminated: boolean): void {
    this.text(name, terminated ? text + this.delimiter : text);
    if (!terminated) (this.targets.get(name) as Target).owesNewline = true;
  }

  /** Text as it is. */
  text(name: string | undefined, text: string): void {
    const target = this.targets.get(name) as Target;
    const whole = target.owesNewline && text !== '' ? this.delimiter + text : text;
    if (text !== '') target.owesNewline = false;
    if (name === undefined && this.collected !== undefined) this.collected += whole;
    else if (target.fd <= 2) this.t.put(whole, target.fd);
    else this.written.set(target.fd, (this.written.get(target.fd) ?? '') + whole);
  }

  /** Writes what is due in `w` files. */
  async flush(): Promise<void> {
    for (const [fd, text] of this.written)
      if (text !== '') await this.t.sys.write(fd, textToBytes(text));
    this.written.clear();
  }
}
