/**
 * Assignments: `x=1`, `x+=1`, `a[i]=1`, `a=(1 [5]=2)`, and the same as arguments of `declare`, `export`, `local`, ….
 *
 * Two steps: {@link resolveAssignment} expands, {@link assign} stores, so that `a=("${a[@]}" x)` reads before it writes.
 */
import type { Assignment, Word } from 'unbash';
import { expandFields, expandPartsText, expandText } from './expand-word.js';
import { ShellError } from './errors.js';
import type { Shell } from './shell.js';
import type { Source } from './source.js';
import { parseWordText } from './syntax.js';
import type { Variable } from './variables.js';
import {
  assignmentIr,
  doubleQuotedParts,
  type Part,
  wordIr,
  type WordIr,
  wordParts,
} from './word-ir.js';
import { quoteIfNeeded } from './quote.js';

interface ElementIr {
  readonly key: readonly Part[] | undefined;
  readonly append: boolean;
  readonly value: WordIr;
}

export interface AssignmentIr {
  readonly name: string;
  readonly index: readonly Part[] | undefined;
  readonly append: boolean;
  readonly value: WordIr | undefined;
  readonly elements: readonly ElementIr[] | undefined;
  readonly text: string;
}

interface ResolvedElement {
  readonly key: string | undefined;
  readonly value: string;
  readonly append: boolean;
}

/** An assignment after expansion. */
export interface ResolvedAssignment {
  readonly name: string;
  readonly index: string | undefined;
  readonly append: boolean;
  readonly scalar: string | undefined;
  readonly elements: readonly ResolvedElement[] | undefined;
  /** As written, for traces. */
  readonly text: string;
}

export function compileAssignment(node: Assignment, source: Source): AssignmentIr {
  const { value } = node;
  const array = value.type === 'ArrayValue';
  return {
    name: node.name,
    index: node.index === undefined ? undefined : wordParts(node.index, source, 'pattern'),
    append: node.append === true,
    value: array ? undefined : assignmentIr(value, source),
    elements: array ? value.elements.map((element) => compileElement(element, source)) : undefined,
    text: node.text,
  };
}

function compileElement(word: Word, source: Source): ElementIr {
  const plain: ElementIr = { key: undefined, append: false, value: wordIr(word, source) };
  if (!word.text.startsWith('[')) return plain;
  const close = closingBracket(word.text);
  const match = close < 0 ? null : /^(\+?)=([\s\S]*)$/.exec(word.text.slice(close + 1));
  if (match === null) return plain;
  const keyText = word.text.slice(1, close);
  const line = source.lineAt(word.pos);
  const keyWord = /["'\\]/.test(keyText) ? parseWordText(keyText) : undefined;
  const key =
    keyWord === undefined
      ? doubleQuotedParts(keyText, line)
      : wordParts(keyWord, source, 'pattern');
  const valueText = match[2] ?? '';
  const valueWord = valueText === '' ? undefined : parseWordText(valueText);
  const value =
    valueWord === undefined
      ? { parts: [], constant: '', alternatives: undefined, text: '' }
      : assignmentIr(valueWord, source);
  return { key, append: match[1] === '+', value };
}

function closingBracket(text: string): number {
  let depth = 0;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (quote !== '') {
      if (char === quote) quote = '';
    } else if (char === '"' || char === "'") quote = char;
    else if (char === '\\') at++;
    else if (char === '[') depth++;
    else if (char === ']' && --depth === 0) return at;
  }
  return -1;
}

/** Expands everything in an assignment. */
export async function resolveAssignment(sh: Shell, ir: AssignmentIr): Promise<ResolvedAssignment> {
  const index = ir.index === undefined ? undefined : await expandPartsText(sh, ir.index);
  if (ir.value !== undefined) {
    return {
      name: ir.name,
      index,
      append: ir.append,
      scalar: await expandText(sh, ir.value),
      elements: undefined,
      text: ir.text,
    };
  }
  const elements: ResolvedElement[] = [];
  for (const element of ir.elements ?? []) {
    if (element.key !== undefined) {
      elements.push({
        key: await expandPartsText(sh, element.key),
        value: await expandText(sh, element.value),
        append: element.append,
      });
      continue;
    }
    const fields: string[] = [];
    await expandFields(sh, element.value, fields);
    for (const value of fields) elements.push({ key: undefined, value, append: false });
  }
  return { name: ir.name, index, append: ir.append, scalar: undefined, elements, text: ir.text };
}

/** `name=value` given as one text, as `declare "$x"` and `export a=b` through a variable have it. */
export function parseAssignmentText(text: string): ResolvedAssignment | undefined {
  const match = /^([A-Za-z_][A-Za-z0-9_]*)(?:\[([^\]]*)\])?(\+?)=([\s\S]*)$/.exec(text);
  if (match === null) return undefined;
  return {
    name: match[1] ?? '',
    index: match[2],
    append: match[3] === '+',
    scalar: match[4] ?? '',
    elements: undefined,
    text,
  };
}

/** Stores an assignment in the innermost variable of that name. */
export function assign(sh: Shell, resolved: ResolvedAssignment): void {
  const { name, index, append, scalar, elements } = resolved;
  if (elements === undefined) {
    if (index === undefined) sh.vars.set(name, scalar ?? '', append);
    else sh.vars.setElement(name, index, scalar ?? '', append);
  } else {
    if (index !== undefined)
      throw new ShellError(`${name}[${index}]: cannot assign list to array member`);
    assignElements(sh, sh.vars.ensure(name), name, elements, append);
  }
  if (sh.options.allexport) sh.vars.ensure(name).exported = true;
}

/** Stores into a given variable (`local`, `declare -g`). */
export function assignTo(sh: Shell, variable: Variable, resolved: ResolvedAssignment): void {
  const { name, append, scalar, elements } = resolved;
  if (elements !== undefined) assignElements(sh, variable, name, elements, append);
  else if (resolved.index !== undefined)
    sh.vars.setElement(name, resolved.index, scalar ?? '', append);
  else sh.vars.setIn(variable, name, scalar ?? '', append);
}

function assignElements(
  sh: Shell,
  variable: Variable,
  name: string,
  elements: readonly ResolvedElement[],
  append: boolean,
): void {
  if (variable.readonly) throw new ShellError(`${name}: readonly variable`);
  if (variable.map !== undefined) {
    const map = append ? variable.map : new Map<string, string>();
    let key: string | undefined;
    for (const element of elements) {
      if (element.key !== undefined) {
        map.set(
          element.key,
          sh.vars.shape(
            variable,
            element.value,
            element.append ? (map.get(element.key) ?? '') : undefined,
          ),
        );
      } else if (key === undefined) key = element.value;
      else {
        map.set(key, sh.vars.shape(variable, element.value, undefined));
        key = undefined;
      }
    }
    if (key !== undefined) map.set(key, '');
    variable.map = map;
    return;
  }
  const list = append
    ? (variable.list?.slice() ?? (variable.value === undefined ? [] : [variable.value]))
    : [];
  let next = list.length;
  for (const element of elements) {
    if (element.key !== undefined) {
      const at = Number(sh.vars.shape(indexShape(variable), element.key, undefined));
      next = at < 0 ? list.length + at : at;
      if (next < 0) throw new ShellError(`[${element.key}]=${element.value}: bad array subscript`);
    }
    list[next] = sh.vars.shape(
      variable,
      element.value,
      element.append ? (list[next] ?? '') : undefined,
    );
    next++;
  }
  variable.value = undefined;
  variable.list = list;
}

function indexShape(variable: Variable): Variable {
  const shape = variable.clone();
  shape.integer = true;
  return shape;
}

/** How `set -x` shows an assignment. */
export function traceAssignment(resolved: ResolvedAssignment): string {
  if (resolved.elements !== undefined) return resolved.text;
  const target =
    resolved.index === undefined ? resolved.name : `${resolved.name}[${resolved.index}]`;
  const value = resolved.scalar ?? '';
  return `${target}${resolved.append ? '+=' : '='}${value === '' ? '' : quoteIfNeeded(value)}`;
}
