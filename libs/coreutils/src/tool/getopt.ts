/**
 * Command-line options as getopt_long(3) of the C library parses them: bundled short options, abbreviated long ones,
 * permuted operands, and its error texts (without the program's name).
 */

export interface OptionTable {
  /** As getopt: a letter, `:` for a required argument, `::` for an optional one. */
  readonly short?: string;
  /** Long name → key that it is reported as, with `:` or `::` behind for an argument. */
  readonly long?: Readonly<Record<string, string>>;
  /** Stop at the first operand (as with a leading `+`); operands are moved behind the options otherwise. */
  readonly inOrder?: boolean;
}

export interface ParsedOption {
  /** The letter, or the key of the long option. */
  readonly key: string;
  readonly value: string | undefined;
}

export interface ParsedArgs {
  readonly options: readonly ParsedOption[];
  readonly operands: readonly string[];
}

/** A command line that getopt refuses; the text is what it prints behind `program: `. */
export class OptionError extends Error {}

function longOption(
  table: OptionTable,
  arg: string,
  rest: string[],
  options: ParsedOption[],
): void {
  const names = Object.keys(table.long ?? {});
  const equals = arg.indexOf('=');
  const given = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
  let candidates = names.filter((name) => name === given);
  if (candidates.length === 0) candidates = names.filter((name) => name.startsWith(given));
  if (candidates.length === 0)
    throw new OptionError(`unrecognized option '${equals < 0 ? arg : `--${given}`}'`);
  const keys = new Set(candidates.map((name) => table.long?.[name]));
  if (keys.size > 1) {
    const list = candidates.map((name) => ` '--${name}'`).join('');
    throw new OptionError(
      `option '${equals < 0 ? arg : `--${given}`}' is ambiguous; possibilities:${list}`,
    );
  }
  const name = candidates[0] ?? '';
  const spec = table.long?.[name] ?? name;
  const key = spec.replace(/:+$/, '');
  const colons = spec.length - key.length;
  let value = equals < 0 ? undefined : arg.slice(equals + 1);
  if (value !== undefined && colons === 0)
    throw new OptionError(`option '--${name}' doesn't allow an argument`);
  if (value === undefined && colons === 1) {
    value = rest.shift();
    if (value === undefined) throw new OptionError(`option '--${name}' requires an argument`);
  }
  options.push({ key, value });
}

function shortOptions(
  table: OptionTable,
  arg: string,
  rest: string[],
  options: ParsedOption[],
): void {
  const short = table.short ?? '';
  for (let at = 1; at < arg.length; at++) {
    const letter = arg.charAt(at);
    const where = letter === ':' ? -1 : short.indexOf(letter);
    if (where < 0) throw new OptionError(`invalid option -- '${letter}'`);
    if (short[where + 1] !== ':') {
      options.push({ key: letter, value: undefined });
      continue;
    }
    let value: string | undefined = at + 1 < arg.length ? arg.slice(at + 1) : undefined;
    if (value === undefined && short[where + 2] !== ':') {
      value = rest.shift();
      if (value === undefined) throw new OptionError(`option requires an argument -- '${letter}'`);
    }
    options.push({ key: letter, value });
    return;
  }
}

/** Parses arguments (without the program's name); throws {@link OptionError}. */
export function parseArgs(table: OptionTable, args: readonly string[]): ParsedArgs {
  const rest = [...args];
  const options: ParsedOption[] = [];
  const operands: string[] = [];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--') break;
    if (arg.startsWith('--')) longOption(table, arg, rest, options);
    else if (arg.startsWith('-') && arg !== '-') shortOptions(table, arg, rest, options);
    else {
      operands.push(arg);
      if (table.inOrder === true) break;
    }
  }
  return { options, operands: [...operands, ...rest] };
}
