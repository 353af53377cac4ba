/**
 * Checking of untrusted documents: walks plain JSON values, collects every fault by path, never throws.
 *
 * Used by the topology and scenario parsers. A {@link Checker} holds the faults and notices of one document; a
 * {@link Place} is a value together with its path. Every accessor returns undefined where the value is absent or
 * wrong, and has then noted the fault, so that parsers go on and find the next one.
 */
import { LineCounter, parseDocument } from 'yaml';
import type { Problem } from './port.js';

export type Parsed<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Faults and notices of one document. */
export class Checker {
  readonly problems: Problem[] = [];
  readonly warnings: string[] = [];
  private readonly ignoredKeys = new Map<string, { path: string; count: number }>();

  problem(path: string, message: string): void {
    // A hostile document may have faults without end; nobody reads past the first few hundred.
    if (this.problems.length < 500) this.problems.push({ path, message });
  }

  warn(message: string): void {
    this.warnings.push(message);
  }

  /** Notes a key that is accepted and has no effect; said once however often it stands. */
  ignored(key: string, path: string): void {
    const seen = this.ignoredKeys.get(key);
    if (seen === undefined) this.ignoredKeys.set(key, { path, count: 1 });
    else seen.count++;
  }

  result<T>(value: T): Parsed<T> {
    if (this.problems.length > 0) return { ok: false, problems: this.problems };
    const ignored = [...this.ignoredKeys].map(([key, { path, count }]) => {
      const more = count > 1 ? ` (and ${count - 1} more)` : '';
      return `${path}: "${key}" has no effect here and is ignored${more}`;
    });
    return { ok: true, value, warnings: [...ignored, ...this.warnings] };
  }
}

/** One line a fault: `path: message`. */
export function formatProblems(problems: readonly Problem[]): string {
  return problems
    .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
    .join('\n');
}

/** Text of YAML or JSON (a subset of it) to plain values, faults noted with line and column. */
export function parseText(checker: Checker, text: string): unknown {
  try {
    const lines = new LineCounter();
    const doc = parseDocument(text, {
      prettyErrors: false,
      lineCounter: lines,
      logLevel: 'silent',
      stringKeys: false,
    });
    for (const error of doc.errors) {
      const { line, col } = lines.linePos(error.pos[0]);
      checker.problem('', `line ${line}, column ${col}: ${error.message}`);
    }
    if (doc.errors.length > 0) return undefined;
    return doc.toJS({ maxAliasCount: 100 }) as unknown;
  } catch (error) {
    checker.problem('', error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

function typeName(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'object':
      return 'a map';
    case 'string':
      return `"${shorten(value)}"`;
    case 'number':
    case 'boolean':
      return String(value);
    default:
      return `a ${typeof value}`;
  }
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array)
  );
}

/** A value of a document and where it stands. */
export class Place {
  constructor(
    readonly checker: Checker,
    readonly value: unknown,
    readonly path: string,
  ) {}

  problem(message: string): undefined {
    this.checker.problem(this.path, message);
    return undefined;
  }

  /** Present, and not an explicit null. */
  get present(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  key(name: string): Place {
    const value =
      isMap(this.value) && Object.hasOwn(this.value, name) ? this.value[name] : undefined;
    return new Place(this.checker, value, joinKey(this.path, name));
  }

  /** Entries of a map; empty where absent. */
  entries(): [string, Place][] {
    if (!this.present) return [];
    if (!isMap(this.value)) {
      this.problem(`must be a map, is ${typeName(this.value)}`);
      return [];
    }
    return Object.entries(this.value).map(([name, value]) => [
      name,
      new Place(this.checker, value, joinKey(this.path, name)),
    ]);
  }

  /** Elements of a list; empty where absent. */
  items(): Place[] {
    if (!this.present) return [];
    if (!Array.isArray(this.value)) {
      this.problem(`must be a list, is ${typeName(this.value)}`);
      return [];
    }
    return this.value.map((value, i) => new Place(this.checker, value, `${this.path}[${i}]`));
  }

  /** True where the value is a map; notes a fault where it is anything else (null counts as absent). */
  isMap(): boolean {
    if (isMap(this.value)) return true;
    if (this.present) this.problem(`must be a map, is ${typeName(this.value)}`);
    return false;
  }

  string(): string | undefined {
    if (!this.present) return undefined;
    if (typeof this.value === 'string') return this.value;
    return this.problem(`must be a text, is ${typeName(this.value)}`);
  }

  /** Text, numbers and booleans, as text. */
  scalar(): string | undefined {
    if (!this.present) return undefined;
    if (typeof this.value === 'string') return this.value;
    if (typeof this.value === 'number' || typeof this.value === 'boolean')
      return String(this.value);
    return this.problem(`must be a text or a number, is ${typeName(this.value)}`);
  }

  boolean(): boolean | undefined {
    if (!this.present) return undefined;
    if (typeof this.value === 'boolean') return this.value;
    return this.problem(`must be true or false, is ${typeName(this.value)}`);
  }

  integer(min: number, max: number): number | undefined {
    if (!this.present) return undefined;
    const { value } = this;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max)
      return value;
    return this.problem(`must be a whole number from ${min} to ${max}, is ${typeName(value)}`);
  }

  /** A number or text that `parse` understands. */
  quantity<T>(parse: (text: string | number) => T | undefined, form: string): T | undefined {
    if (!this.present) return undefined;
    const { value } = this;
    const parsed =
      typeof value === 'string' || typeof value === 'number' ? parse(value) : undefined;
    return parsed === undefined ? this.problem(`must be ${form}, is ${typeName(value)}`) : parsed;
  }

  /** A list of texts; undefined where absent. */
  strings(): string[] | undefined {
    if (!this.present) return undefined;
    return this.items().flatMap((item) => {
      if (item.value === null) item.problem('must be a text, is nothing');
      const text = item.string();
      return text === undefined ? [] : [text];
    });
  }

  /** A map of texts, numbers and booleans, as texts. */
  scalars(): Record<string, string> | undefined {
    if (!this.present) return undefined;
    const out: [string, string][] = [];
    for (const [name, place] of this.entries()) {
      const text = place.value === null ? '' : place.scalar();
      if (text !== undefined) out.push([name, text]);
    }
    return Object.fromEntries(out);
  }

  oneOf<T extends string>(known: readonly T[], what: string): T | undefined {
    const text = this.string();
    if (text === undefined) return undefined;
    const found = known.find((name) => name === text);
    if (found !== undefined) return found;
    return this.problem(
      `unknown ${what} "${shorten(text)}"${suggestion(text, known)}; known: ${known.join(', ')}`,
    );
  }

  required(): boolean {
    if (this.present) return true;
    this.problem('is required');
    return false;
  }

  /** Faults for keys outside of `known`; `ignored` ones are noticed. */
  onlyKeys(known: readonly string[], ignored: readonly string[] = []): void {
    if (!isMap(this.value)) return;
    for (const name of Object.keys(this.value)) {
      if (known.includes(name)) continue;
      const path = joinKey(this.path, name);
      if (ignored.includes(name)) this.checker.ignored(name, path);
      else this.checker.problem(path, `unknown key${suggestion(name, [...known, ...ignored])}`);
    }
  }
}

function joinKey(path: string, name: string): string {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_-]*$/.test(name))
    return `${path}[${JSON.stringify(shorten(name))}]`;
  return path === '' ? name : `${path}.${name}`;
}

/** ` (did you mean "x"?)` where a known name is near, else nothing. */
export function suggestion(name: string, known: readonly string[]): string {
  let best: string | undefined;
  let bestDistance = Math.min(3, Math.ceil(name.length / 2) + 1);
  if (name.length > 64) return '';
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best === undefined ? '' : ` (did you mean "${best}"?)`;
}

/** Changes, insertions, deletions and swaps of neighbours between two short texts. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let d = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        d = Math.min(d, (before[j - 2] ?? 0) + 1);
      row.push(d);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
