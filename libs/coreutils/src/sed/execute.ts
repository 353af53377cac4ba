/**
 * Runs a sed script over the pattern space: cycles, addresses and ranges, substitution, hold space, queued appends.
 */
import { KernelError } from '@netloom/base';
import type { Regex, RegexMatch } from '../regex/regex.js';
import { runShell } from '../tool/spawn.js';
import type { Tool } from '../tool/tool.js';
import {
  SedError,
  type Address,
  type ReplacePart,
  type SedCommand,
  type Substitution,
} from './script.js';
import type { SedInput } from './sed-input.js';
import type { SedOutputs } from './sed-output.js';

export interface SedSettings {
  readonly quiet: boolean;
  readonly delimiter: string;
  readonly lineLength: number;
  readonly posix: boolean;
}

type Appended = { readonly kind: 'text' | 'file'; readonly text: string };

/** How a pass over the script ended: autoprint, not, `D`, or the end of everything. */
type Outcome = 'end' | 'delete' | 'restart' | { readonly code: number; readonly print: boolean };

export class SedMachine {
  private pattern = '';
  private hold = '';
  private substituted = false;
  private lastRegex: Regex | undefined;
  private appends: Appended[] = [];

  constructor(
    private readonly t: Tool,
    private readonly script: readonly SedCommand[],
    private readonly settings: SedSettings,
    private readonly input: SedInput,
    private readonly outputs: SedOutputs,
  ) {}

  /** Runs until the input or the script ends; the exit code of q and Q, 0 else. */
  async run(): Promise<number> {
    for (let restart = false; restart || (await this.read());) {
      const outcome = await this.cycle();
      if (typeof outcome === 'object') {
        if (outcome.print) {
          if (!this.settings.quiet) this.print(this.pattern);
          await this.flushAppends();
        }
        return outcome.code;
      }
      if (outcome === 'end' && !this.settings.quiet) this.print(this.pattern);
      await this.flushAppends();
      restart = outcome === 'restart';
    }
    return 0;
  }

  private async read(): Promise<boolean> {
    const line = await this.input.next();
    if (line === undefined) return false;
    this.pattern = line;
    this.substituted = false;
    return true;
  }

  private print(text: string): void {
    this.outputs.line(undefined, text, this.input.terminated);
  }

  private async flushAppends(): Promise<void> {
    const appends = this.appends;
    this.appends = [];
    for (const { kind, text } of appends) {
      if (kind === 'text') this.outputs.text(undefined, text);
      else await this.copyFile(text);
    }
    if (this.t.full) await this.t.flush();
  }

  private async copyFile(name: string): Promise<void> {
    try {
      const fromStdin = name === '/dev/stdin';
      const source = this.t.input(fromStdin ? 0 : this.t.open(name));
      this.outputs.text(undefined, await source.rest());
      if (!fromStdin) this.t.sys.close(source.fd);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
    }
  }

  /** One pass over the script. */
  private async cycle(): Promise<Outcome> {
    const script = this.script;
    let jumps = 0;
    for (let pc = 0; pc < script.length; pc++) {
      const command = script[pc] as SedCommand;
      const selected = command.from === undefined || (await this.selects(command));
      if (selected === command.negated) {
        if (command.name === '{') pc = command.target - 1;
        continue;
      }
      switch (command.name) {
        case '{':
        case ':':
        case 'v':
          break;
        case '=':
          this.outputs.text(undefined, `${this.input.lineNumber}\n`);
          break;
        case 'a':
          this.appends.push({ kind: 'text', text: command.text });
          break;
        case 'i':
          this.outputs.text(undefined, command.text);
          break;
        case 'c':
          if (command.to === undefined || command.state !== 'active' || command.negated)
            this.outputs.text(undefined, command.text);
          return 'delete';
        case 'b':
        case 't':
        case 'T': {
          const jump = command.name === 'b' || this.substituted === (command.name === 't');
          if (command.name !== 'b') this.substituted = false;
          if (!jump) break;
          pc = command.target - 1;
          if (++jumps % 10000 === 0) await this.t.sys.cpu(1_000_000);
          break;
        }
        case 'd':
          return 'delete';
        case 'D': {
          const end = this.pattern.indexOf('\n');
          if (end < 0) return 'delete';
          this.pattern = this.pattern.slice(end + 1);
          return 'restart';
        }
        case 'e':
          await this.execute(command.text);
          break;
        case 'F':
          this.outputs.text(undefined, `${this.input.fileName}\n`);
          break;
        case 'g':
          this.pattern = this.hold;
          break;
        case 'G':
          this.pattern += `\n${this.hold}`;
          break;
        case 'h':
          this.hold = this.pattern;
          break;
        case 'H':
          this.hold += `\n${this.pattern}`;
          break;
        case 'x':
          [this.pattern, this.hold] = [this.hold, this.pattern];
          break;
        case 'l':
          this.outputs.text(
            undefined,
            visible(this.pattern, command.number ?? this.settings.lineLength),
          );
          break;
        case 'n':
          if (!(await this.input.hasNext())) return { code: 0, print: !this.settings.posix };
          if (!this.settings.quiet) this.print(this.pattern);
          await this.flushAppends();
          this.pattern = (await this.input.next()) ?? '';
          break;
        case 'N': {
          if (!(await this.input.hasNext())) return { code: 0, print: !this.settings.posix };
          await this.flushAppends();
          this.pattern += `${this.settings.delimiter}${(await this.input.next()) ?? ''}`;
          break;
        }
        case 'p':
          this.print(this.pattern);
          break;
        case 'P':
          this.outputs.line(undefined, this.pattern.split('\n', 1)[0] ?? '', true);
          break;
        case 'q':
          return { code: command.number ?? 0, print: true };
        case 'Q':
          return { code: command.number ?? 0, print: false };
        case 'r':
          this.appends.push({ kind: 'file', text: command.text });
          break;
        case 'R': {
          const line = await this.input.lineOf(command.text);
          if (line !== undefined) this.appends.push({ kind: 'text', text: `${line}\n` });
          break;
        }
        case 's':
          await this.substitute(command.substitution as Substitution);
          break;
        case 'w':
          this.outputs.line(command.text, this.pattern, this.input.terminated);
          break;
        case 'W':
          this.outputs.line(command.text, this.pattern.split('\n', 1)[0] ?? '', true);
          break;
        case 'y':
          this.pattern = translate(this.pattern, command.translate ?? []);
          break;
        case 'z':
          this.pattern = '';
          break;
      }
    }
    return 'end';
  }

  private usedRegex(regex: Regex | undefined): Regex {
    const used = regex ?? this.lastRegex;
    if (used === undefined)
      throw new SedError('-e expression #1, char 0: no previous regular expression');
    this.lastRegex = used;
    return used;
  }

  private async matches(address: Address): Promise<boolean> {
    const line = this.input.lineNumber;
    switch (address.kind) {
      case 'line':
        return line === address.line;
      case 'step':
        return address.step <= 0
          ? line === address.first
          : line >= address.first && (line - address.first) % address.step === 0;
      case 'last':
        return !(await this.input.hasNext());
      case 'regex':
        return this.usedRegex(address.regex).test(this.pattern);
      default:
        return false;
    }
  }

  private async selects(command: SedCommand): Promise<boolean> {
    const { from, to } = command;
    if (from === undefined) return true;
    if (to === undefined) return this.matches(from);
    const line = this.input.lineNumber;
    if (command.state === 'inactive' && from.kind === 'line' && from.line === 0) {
      command.state = 'active';
    } else if (command.state !== 'active') {
      if (!(await this.matches(from))) return false;
      switch (to.kind) {
        case 'plus':
          command.rangeEnd = line + to.count;
          break;
        case 'multiple':
          command.rangeEnd = to.of > 0 ? line + to.of - (line % to.of) : line;
          break;
        case 'line':
          command.rangeEnd = to.line;
          break;
        default:
          command.state = 'active';
          return true;
      }
      command.state = command.rangeEnd > line ? 'active' : 'closed';
      return true;
    }
    if (to.kind === 'regex' || to.kind === 'last') {
      if (await this.matches(to)) command.state = 'closed';
      return true;
    }
    if (line >= command.rangeEnd) command.state = 'closed';
    return line <= command.rangeEnd;
  }

  private async substitute(substitution: Substitution): Promise<void> {
    const regex = this.usedRegex(substitution.regex);
    const text = this.pattern;
    let out = '';
    let copied = 0;
    let count = 0;
    let previousEnd = -1;
    let replaced = false;
    for (let from = 0; from <= text.length;) {
      const match = regex.exec(text, from);
      if (match === undefined) break;
      const empty = match.end === match.start;
      if (!(empty && match.start === previousEnd)) {
        count++;
        if (count >= substitution.occurrence) {
          out += text.slice(copied, match.start) + replacementText(substitution.parts, match, text);
          copied = match.end;
          replaced = true;
          if (!substitution.global) break;
        }
      }
      previousEnd = match.end;
      from = empty ? match.end + 1 : match.end;
    }
    if (!replaced) return;
    this.pattern = out + text.slice(copied);
    this.substituted = true;
    if (substitution.evaluate) {
      const result = await this.commandOutput(this.pattern);
      this.pattern = result.endsWith('\n') ? result.slice(0, -1) : result;
    }
    if (substitution.print > 0) this.print(this.pattern);
    if (substitution.file !== undefined)
      this.outputs.line(substitution.file, this.pattern, this.input.terminated);
  }

  private async execute(command: string): Promise<void> {
    if (command !== '') {
      this.outputs.text(undefined, await this.commandOutput(command));
      return;
    }
    const result = await this.commandOutput(this.pattern);
    this.pattern = result.endsWith('\n') ? result.slice(0, -1) : result;
  }

  private async commandOutput(command: string): Promise<string> {
    await this.t.flush();
    return runShell(this.t, command);
  }
}

function translate(text: string, table: readonly string[]): string {
  let out = '';
  for (let at = 0; at < text.length; at++) out += table[text.charCodeAt(at)] ?? '';
  return out;
}

function replacementText(parts: readonly ReplacePart[], match: RegexMatch, text: string): string {
  let out = '';
  let mode: 'U' | 'L' | '' = '';
  let once: 'u' | 'l' | '' = '';
  for (const part of parts) {
    if (part.kind === 'case') {
      if (part.mode === 'u' || part.mode === 'l') once = part.mode;
      else mode = part.mode === 'E' ? '' : part.mode;
      continue;
    }
    const group = part.kind === 'group' && part.index > 0 ? match.groups[part.index] : undefined;
    let piece =
      part.kind === 'text'
        ? part.text
        : part.index === 0
          ? text.slice(match.start, match.end)
          : (group ?? '');
    if (piece === '') continue;
    if (mode !== '') piece = mode === 'U' ? upper(piece) : lower(piece);
    if (once !== '')
      piece = (once === 'u' ? upper(piece.charAt(0)) : lower(piece.charAt(0))) + piece.slice(1);
    once = '';
    out += piece;
  }
  return out;
}

const upper = (text: string): string => text.replace(/[a-z]+/g, (part) => part.toUpperCase());
const lower = (text: string): string => text.replace(/[A-Z]+/g, (part) => part.toLowerCase());

const visibleEscapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

/** A line as `l` shows it, folded to `width` columns (0 and 1 mean never). */
function visible(text: string, width: number): string {
  let out = '';
  let column = 0;
  const limit = width > 1 ? width - 1 : Infinity;
  for (const char of text) {
    const code = char.charCodeAt(0);
    const piece =
      visibleEscapes[char] ??
      (code < 32 || code > 126 ? `\\${code.toString(8).padStart(3, '0')}` : char);
    if (column + piece.length > limit) {
      out += '\\\n';
      column = 0;
    }
    out += piece;
    column += piece.length;
  }
  return `${out}$\n`;
}
