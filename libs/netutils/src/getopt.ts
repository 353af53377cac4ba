/**
 * getopt(3) and getopt_long(3): short options with and without values, long options with abbreviations, permuted
 * operands, and the C library's complaints.
 */
export interface OptionSpec {
  /** As getopt's third argument: `n`, `c:`, `o::`. A leading `+` stops at the first operand. */
  readonly short: string;
  /** Long name → short letter (or another name), with `:` or `::` after it where it takes a value. */
  readonly long?: Readonly<Record<string, string>>;
}

export interface ParsedOption {
  readonly name: string;
  readonly value: string | undefined;
}

export interface ParsedArgs {
  readonly options: readonly ParsedOption[];
  readonly operands: readonly string[];
  /** The first complaint, ready for standard error without the newline. */
  readonly error?: string;
}

function shortTable(short: string): Map<string, number> {
  const table = new Map<string, number>();
  for (let i = 0; i < short.length; i++) {
    const letter = short[i] ?? '';
    if (letter === '+' || letter === ':') continue;
    let colons = 0;
    while (short[i + 1 + colons] === ':') colons++;
    table.set(letter, colons);
  }
  return table;
}

/** Parses `args` (without argv[0]); `name` is the program's name as its complaints show it. */
export function getopt(name: string, args: readonly string[], spec: OptionSpec): ParsedArgs {
  const table = shortTable(spec.short);
  const longs = Object.entries(spec.long ?? {});
  const options: ParsedOption[] = [];
  const operands: string[] = [];
  const stopAtOperand = spec.short.startsWith('+');
  let i = 0;
  for (; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (arg === '--') {
      i++;
      break;
    }
    if (arg.startsWith('--') && spec.long !== undefined) {
      const equals = arg.indexOf('=');
      const typed = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
      const exact = longs.filter(([key]) => key === typed);
      const found = exact.length > 0 ? exact : longs.filter(([key]) => key.startsWith(typed));
      const targets = new Set(found.map(([, target]) => target));
      const [key, target] = found[0] ?? [];
      if (key === undefined || target === undefined) {
        return {
          options,
          operands,
          error: `${name}: unrecognized option '${arg.slice(0, equals < 0 ? undefined : equals)}'`,
        };
      }
      if (targets.size > 1) {
        const list = found.map(([other]) => `'--${other}'`).join(' ');
        return {
          options,
          operands,
          error: `${name}: option '${arg}' is ambiguous; possibilities: ${list}`,
        };
      }
      const colons = target.length - target.replace(/:+$/, '').length;
      const result = target.replace(/:+$/, '');
      let value = equals < 0 ? undefined : arg.slice(equals + 1);
      if (colons === 0 && value !== undefined) {
        return { options, operands, error: `${name}: option '--${key}' doesn't allow an argument` };
      }
      if (colons === 1 && value === undefined) {
        value = args[++i];
        if (value === undefined)
          return { options, operands, error: `${name}: option '--${key}' requires an argument` };
      }
      options.push({ name: result, value });
      continue;
    }
    if (!arg.startsWith('-') || arg === '-') {
      if (stopAtOperand) break;
      operands.push(arg);
      continue;
    }
    for (let j = 1; j < arg.length; j++) {
      const letter = arg[j] ?? '';
      const colons = letter === ':' ? undefined : table.get(letter);
      if (colons === undefined)
        return { options, operands, error: `${name}: invalid option -- '${letter}'` };
      if (colons === 0) {
        options.push({ name: letter, value: undefined });
        continue;
      }
      let value: string | undefined = arg.slice(j + 1);
      if (value === '') value = colons === 2 ? undefined : args[++i];
      if (value === undefined && colons === 1) {
        return { options, operands, error: `${name}: option requires an argument -- '${letter}'` };
      }
      options.push({ name: letter, value });
      break;
    }
  }
  operands.push(...args.slice(i));
  return { options, operands };
}
