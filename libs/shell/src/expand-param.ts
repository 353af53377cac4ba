/**
 * Parameter expansion: `$x`, `${x…}` with every operator, arrays, `$@` and `$*`, indirection.
 *
 * Source: bash(1), Parameter Expansion. A parameter reads as a scalar or a list; an operator works on each value; the
 * result goes to the sink by the rules for `@`, `*` and quoting.
 */
import { evaluate } from './arith.js';
import { expandParts, expandPartsText, expandPattern } from './expand-word.js';
import { ShellError } from './errors.js';
import { matchPattern, patternRegExp } from './pattern.js';
import { quoteDouble, quoteSingle } from './quote.js';
import { transformText } from './transform.js';
import type { Shell } from './shell.js';
import type { Sink } from './sinks.js';
import { arrayEntries, isName, splitSubscript } from './variables.js';
import type { Operation, ParameterSpec, Part } from './word-ir.js';

/** What a parameter reads as. */
interface Reading {
  /** undefined: unset. */
  readonly scalar: string | undefined;
  readonly list: readonly string[] | undefined;
  readonly star: boolean;
  /** Name to assign to for `:=`, and to report. */
  readonly name: string;
  readonly index: string | undefined;
}

/** Expands one parameter into a sink. */
export async function expandParameter(
  sh: Shell,
  spec: ParameterSpec,
  sink: Sink,
  quoted: boolean,
): Promise<void> {
  const { operation } = spec;
  if (
    operation === undefined &&
    spec.index === undefined &&
    !spec.indirect &&
    !spec.length &&
    spec.name !== '@' &&
    spec.name !== '*'
  ) {
    const value = sh.parameter(spec.name);
    if (value === undefined) unbound(sh, spec.name);
    emit(sink, value ?? '', quoted);
    return;
  }
  if (operation?.kind === 'bad' || spec.name === '')
    throw new ShellError(`${spec.text}: bad substitution`, 1, 'discard');
  if (spec.indirect && operation?.kind === 'names') {
    const names = sh.vars
      .names()
      .filter((name) => name.startsWith(spec.name) && sh.vars.get(name)?.isSet === true);
    emitList(sh, sink, names, operation.star, quoted);
    return;
  }
  const reading = spec.indirect
    ? await readIndirect(sh, spec)
    : await read(sh, spec.name, spec.index);
  if (spec.length) {
    emit(sink, lengthOf(sh, reading), quoted);
    return;
  }
  if (operation?.kind === 'default') {
    await expandDefault(sh, spec, reading, operation, sink, quoted);
    return;
  }
  if (reading.list === undefined && reading.scalar === undefined)
    unbound(
      sh,
      spec.text.startsWith('${') && spec.index !== undefined
        ? spec.text.slice(2, -1)
        : reading.name,
    );
  if (operation === undefined) {
    emitReading(sh, sink, reading, quoted);
    return;
  }
  emitReading(sh, sink, await operate(sh, reading, operation, spec), quoted);
}

function unbound(sh: Shell, name: string): void {
  if (sh.options.nounset && name !== '@' && name !== '*')
    throw new ShellError(`${name}: unbound variable`, sh.fatalStatus(), 'exit');
}

async function read(sh: Shell, name: string, index: ParameterSpec['index']): Promise<Reading> {
  if (name === '@' || name === '*')
    return { scalar: undefined, list: sh.positional, star: name === '*', name, index: undefined };
  if (index === undefined)
    return { scalar: sh.parameter(name), list: undefined, star: false, name, index: undefined };
  if (index === '@' || index === '*') {
    const variable = sh.vars.get(name);
    const list = variable === undefined ? [] : arrayEntries(variable).map(([, value]) => value);
    return { scalar: undefined, list, star: index === '*', name, index: undefined };
  }
  const key = await expandPartsText(sh, index);
  return { scalar: sh.vars.element(name, key), list: undefined, star: false, name, index: key };
}

async function readIndirect(sh: Shell, spec: ParameterSpec): Promise<Reading> {
  if (spec.index === '@' || spec.index === '*') {
    const variable = sh.vars.get(spec.name);
    const keys = variable === undefined ? [] : arrayEntries(variable).map(([key]) => key);
    return {
      scalar: undefined,
      list: keys,
      star: spec.index === '*',
      name: spec.name,
      index: undefined,
    };
  }
  const own = sh.vars.raw(spec.name);
  if (own?.nameref === true)
    return { scalar: own.value, list: undefined, star: false, name: spec.name, index: undefined };
  const pointer = await read(sh, spec.name, spec.index);
  const target = pointer.scalar ?? '';
  if (target === '') {
    if (pointer.scalar === undefined && spec.operation?.kind === 'default')
      return { scalar: undefined, list: undefined, star: false, name: spec.name, index: undefined };
    throw new ShellError(
      pointer.scalar === undefined
        ? `${spec.name}: invalid indirect expansion`
        : `${target}: invalid variable name`,
    );
  }
  if (target === '@' || target === '*') return read(sh, target, undefined);
  const subscript = splitSubscript(target);
  if (subscript === undefined) {
    if (!isName(target) && !/^(?:\d+|[?#$!-])$/.test(target))
      throw new ShellError(`${target}: invalid variable name`);
    return read(sh, target, undefined);
  }
  const { name, index } = subscript;
  if (index === '@' || index === '*') return read(sh, name, index);
  return { scalar: sh.vars.element(name, index), list: undefined, star: false, name, index };
}

function lengthOf(sh: Shell, reading: Reading): string {
  if (reading.list !== undefined) {
    if (reading.list.length === 0 && sh.vars.get(reading.name)?.isSet !== true)
      unbound(sh, reading.name);
    return String(reading.list.length);
  }
  if (reading.scalar === undefined) unbound(sh, reading.name);
  return String(characters(reading.scalar ?? '').length);
}

async function expandDefault(
  sh: Shell,
  spec: ParameterSpec,
  reading: Reading,
  operation: Operation & { kind: 'default' },
  sink: Sink,
  quoted: boolean,
): Promise<void> {
  const colon = operation.operator.startsWith(':');
  const { list } = reading;
  const isSet = list === undefined ? reading.scalar !== undefined : list.length > 0;
  const isEmpty =
    list === undefined ? (reading.scalar ?? '') === '' : list.join('') === '' && list.length < 2;
  const use = isSet && !(colon && isEmpty);
  switch (operation.operator.at(-1)) {
    case '+':
      if (quoted) sink.quoted('');
      if (use) await expandParts(sh, operation.operand, sink, quoted, !quoted);
      return;
    case '=': {
      if (use) break;
      const value = await expandPartsText(sh, operation.operand);
      if (!isName(reading.name))
        throw new ShellError(`$${reading.name}: cannot assign in this way`);
      if (reading.index === undefined) sh.vars.set(reading.name, value);
      else sh.vars.setElement(reading.name, reading.index, value);
      emit(
        sink,
        (reading.index === undefined
          ? sh.vars.value(reading.name)
          : sh.vars.element(reading.name, reading.index)) ?? '',
        quoted,
      );
      return;
    }
    case '?': {
      if (use) break;
      const text = await expandPartsText(sh, operation.operand);
      const name =
        spec.index === undefined
          ? spec.name
          : (/^\$\{([^\]]*\])/.exec(spec.text)?.[1] ?? spec.name);
      throw new ShellError(
        `${name}: ${text === '' ? (colon ? 'parameter null or not set' : 'parameter not set') : text}`,
        sh.fatalStatus(),
        'exit',
      );
    }
    default:
      if (use) break;
      if (quoted && operation.operand.length === 0) sink.quoted('');
      else await expandParts(sh, operation.operand, sink, quoted, !quoted);
      return;
  }
  emitReading(sh, sink, reading, quoted);
}

async function operate(
  sh: Shell,
  reading: Reading,
  operation: Operation,
  spec: ParameterSpec,
): Promise<Reading> {
  if (operation.kind === 'slice') return slice(sh, reading, operation, spec);
  if (operation.kind === 'transform') return transform(sh, reading, operation.operator, spec);
  const apply = await operator(sh, operation);
  const list = reading.list?.map(apply);
  return {
    ...reading,
    list,
    scalar: reading.scalar === undefined ? undefined : apply(reading.scalar),
  };
}

/** The function an operator maps over values. */
async function operator(sh: Shell, operation: Operation): Promise<(text: string) => string> {
  switch (operation.kind) {
    case 'remove': {
      const pattern = await expandPattern(sh, operation.operand);
      return (text) => removePattern(text, pattern, operation.operator);
    }
    case 'replace': {
      const pattern = await expandPattern(sh, operation.pattern);
      const replacement = await replacementText(sh, operation.replacement);
      return (text) =>
        replacePattern(text, pattern, replacement, operation.operator, sh.shopt.has('nocasematch'));
    }
    case 'case': {
      const pattern =
        operation.operand === undefined ? '' : await expandPattern(sh, operation.operand);
      return (text) => changeCase(text, operation.operator, pattern);
    }
    default:
      return (text) => text;
  }
}

/** The replacement as literal text, with unquoted `&` (bash 5.2's patsub_replacement) as U+E000. */
async function replacementText(sh: Shell, parts: readonly Part[]): Promise<string> {
  let out = '';
  for (const part of parts) {
    if (part.kind === 'literal')
      out += part.form === 'bare' ? part.text.replaceAll('&', '\ue000') : part.text;
    else {
      const text = await expandPartsText(sh, [part]);
      out +=
        part.kind === 'double'
          ? text
          : text.replace(/\\(&)|&/g, (_whole, escaped: string | undefined) => escaped ?? '\ue000');
    }
  }
  return out;
}

function removePattern(text: string, pattern: string, operator: '#' | '##' | '%' | '%%'): string {
  if (pattern === '') return text;
  const extended = /[?*+@!]\(/.test(pattern);
  if (operator === '#' || operator === '##') {
    if (!extended) {
      const match = patternRegExp(pattern, { start: true, lazy: operator === '#' }).exec(text);
      return match === null ? text : text.slice(match[0].length);
    }
    const lengths = [...Array(text.length + 1).keys()];
    if (operator === '##') lengths.reverse();
    const found = lengths.find((length) => matchPattern(text.slice(0, length), pattern));
    return found === undefined ? text : text.slice(found);
  }
  if (operator === '%%' && !extended) {
    const match = patternRegExp(pattern, { end: true }).exec(text);
    return match === null ? text : text.slice(0, match.index);
  }
  const starts = [...Array(text.length + 1).keys()];
  if (operator === '%') starts.reverse();
  const found = starts.find((start) => matchPattern(text.slice(start), pattern));
  return found === undefined ? text : text.slice(0, found);
}

function replacePattern(
  text: string,
  pattern: string,
  replacement: string,
  operator: string,
  nocase: boolean,
): string {
  if (pattern === '') {
    const added = replacement.replaceAll('\ue000', '');
    return operator === '/#' ? added + text : operator === '/%' ? text + added : text;
  }
  const expression = patternRegExp(pattern, {
    start: operator === '/#',
    end: operator === '/%',
    global: operator === '//',
    nocase,
  });
  return text.replace(expression, (match) =>
    operator === '//' && match === '' ? '' : replacement.replaceAll('\ue000', match),
  );
}

function changeCase(text: string, operator: string, pattern: string): string {
  const all = operator.length === 2;
  const change = (char: string): string =>
    operator.startsWith('^') ? char.toUpperCase() : char.toLowerCase();
  return characters(text)
    .map((char, at) =>
      (all || at === 0) && (pattern === '' || matchPattern(char, pattern)) ? change(char) : char,
    )
    .join('');
}

async function slice(
  sh: Shell,
  reading: Reading,
  operation: Operation & { kind: 'slice' },
  spec: ParameterSpec,
): Promise<Reading> {
  const number = async (parts: readonly Part[]): Promise<number> =>
    Number(evaluate(await expandPartsText(sh, parts), sh.arith));
  const offset = await number(operation.offset);
  const length = operation.length === undefined ? undefined : await number(operation.length);
  if (reading.list === undefined) {
    const all = characters(reading.scalar ?? '');
    const from = offset < 0 ? all.length + offset : offset;
    if (from < 0) return { ...reading, scalar: '' };
    let to = length === undefined ? all.length : length < 0 ? all.length + length : from + length;
    if (to < from && length !== undefined && length < 0)
      throw new ShellError(`${length}: substring expression < 0`);
    to = Math.max(from, to);
    return { ...reading, scalar: all.slice(from, to).join('') };
  }
  if (length !== undefined && length < 0)
    throw new ShellError(`${length}: substring expression < 0`);
  if (spec.name === '@' || spec.name === '*') {
    const all = [sh.arg0, ...sh.positional];
    const from = offset < 0 ? all.length + offset : offset;
    if (from < 0) return { ...reading, list: [] };
    const list = offset === 0 ? all : all.slice(from);
    return { ...reading, list: length === undefined ? list : list.slice(0, length) };
  }
  const variable = sh.vars.get(spec.name);
  let entries = variable === undefined ? [] : arrayEntries(variable);
  if (variable?.list !== undefined) {
    const from = offset < 0 ? variable.list.length + offset : offset;
    entries = from < 0 ? [] : entries.filter(([key]) => Number(key) >= from);
  } else entries = entries.slice(offset);
  const values = entries.map(([, value]) => value);
  return { ...reading, list: length === undefined ? values : values.slice(0, length) };
}

async function transform(
  sh: Shell,
  reading: Reading,
  operator: string,
  spec: ParameterSpec,
): Promise<Reading> {
  const variable = sh.vars.get(spec.name);
  if (operator === 'a') {
    const flags = variable === undefined ? '' : sh.attributeFlags(variable);
    return reading.list === undefined
      ? { ...reading, scalar: flags }
      : { ...reading, list: reading.list.map(() => flags) };
  }
  if (operator === 'A') {
    if (variable?.isArray === true && reading.list !== undefined) {
      const flags = sh.attributeFlags(variable);
      const body = arrayEntries(variable)
        .map(([key, value]) => `[${key}]=${quoteDouble(value)}`)
        .join(' ');
      return {
        ...reading,
        list: undefined,
        scalar: `declare -${flags} ${spec.name}=(${body}${variable.map === undefined ? '' : ' '})`,
      };
    }
    const flags = variable === undefined ? '' : sh.attributeFlags(variable);
    const assignment = `${spec.name}=${quoteSingle(reading.scalar ?? '')}`;
    return { ...reading, scalar: flags === '' ? assignment : `declare -${flags} ${assignment}` };
  }
  if (
    (operator === 'K' || operator === 'k') &&
    variable !== undefined &&
    reading.list !== undefined
  ) {
    const entries = arrayEntries(variable);
    if (operator === 'k') return { ...reading, list: entries.flat() };
    return {
      ...reading,
      list: undefined,
      scalar: entries.map(([key, value]) => `${key} ${quoteDouble(value)}`).join(' '),
    };
  }
  const apply = transformText(sh, operator);
  if (apply === undefined) throw new ShellError(`${spec.text}: bad substitution`);
  return {
    ...reading,
    scalar: reading.scalar === undefined ? undefined : apply(reading.scalar),
    list: reading.list?.map(apply),
  };
}

function emitReading(sh: Shell, sink: Sink, reading: Reading, quoted: boolean): void {
  if (reading.list !== undefined) emitList(sh, sink, reading.list, reading.star, quoted);
  else emit(sink, reading.scalar ?? '', quoted);
}

function emitList(
  sh: Shell,
  sink: Sink,
  values: readonly string[],
  star: boolean,
  quoted: boolean,
): void {
  if (star && (quoted || !sink.splits)) {
    const ifs = sh.vars.value('IFS');
    emit(sink, values.join(ifs === undefined ? ' ' : ifs.charAt(0)), quoted);
    return;
  }
  values.forEach((value, at) => {
    if (at > 0) sink.boundary();
    emit(sink, value, quoted);
  });
}

function emit(sink: Sink, text: string, quoted: boolean): void {
  if (quoted) sink.quoted(text);
  else sink.value(text);
}

/** Characters, not UTF-16 units. */
function characters(text: string): string[] {
  return Array.from(text);
}
