/** Compound commands: if, for, C-style for, while, until, case, select. */
import type { ArithmeticFor, Case, For, If, Select, While, CompoundList } from 'unbash';
import { evaluate } from './arith.js';
import { ShellError } from './errors.js';
import { runList } from './exec.js';
import { trace } from './exec-simple.js';
import { expandArithmetic, expandPattern, expandText, expandWords } from './expand-word.js';
import { matchPattern } from './pattern.js';
import { readInputLine } from './read-line.js';
import type { Shell } from './shell.js';
import { tick } from './tick.js';
import { isName } from './variables.js';
import { arithmeticPart, textIr, wordIr } from './word-ir.js';

/** A list whose failure is no error: conditions. */
async function runCondition(sh: Shell, list: CompoundList): Promise<number> {
  sh.errexitOff++;
  try {
    return await runList(sh, list, false);
  } finally {
    sh.errexitOff--;
  }
}

export async function runIf(sh: Shell, node: If): Promise<number> {
  for (const branch of [node, ...node.elif]) {
    const status = await runCondition(sh, branch.clause);
    if (sh.unwind !== null) return sh.status;
    if (status === 0) return runList(sh, branch.then, false);
  }
  return node.else === undefined ? 0 : runList(sh, node.else, false);
}

/** After a loop's body: whether to leave the loop, taking one level off `break` and `continue`. */
function leaves(sh: Shell): boolean {
  const { unwind } = sh;
  if (unwind === null) return false;
  if (unwind.kind !== 'break' && unwind.kind !== 'continue') return true;
  if (unwind.levels > 1) {
    unwind.levels--;
    return true;
  }
  sh.unwind = null;
  return unwind.kind === 'break';
}

async function inLoop(sh: Shell, loop: () => Promise<number>): Promise<number> {
  sh.loopDepth++;
  try {
    return await loop();
  } finally {
    sh.loopDepth--;
  }
}

export async function runWhile(sh: Shell, node: While): Promise<number> {
  const wanted = node.kind === 'while';
  return inLoop(sh, async () => {
    let status = 0;
    for (;;) {
      const condition = await runCondition(sh, node.clause);
      if (sh.unwind !== null) {
        if (leaves(sh)) return status;
        continue;
      }
      if ((condition === 0) !== wanted) return status;
      status = await runList(sh, node.body, false);
      if (leaves(sh)) return sh.unwind === null ? 0 : sh.status;
    }
  });
}

export async function runFor(sh: Shell, node: For): Promise<number> {
  const name = node.name.value;
  sh.pos = node.pos;
  if (!isName(name)) throw new ShellError(`\`${name}': not a valid identifier`, 1, 'command');
  const { source } = sh;
  const values =
    node.wordlist === undefined
      ? [...sh.positional]
      : await expandWords(
          sh,
          node.wordlist.map((word) => wordIr(word, source)),
        );
  const header =
    node.wordlist === undefined ? '"$@"' : node.wordlist.map((word) => word.text).join(' ');
  return inLoop(sh, async () => {
    let status = 0;
    for (const value of values) {
      if (sh.options.xtrace) await trace(sh, `for ${name} in ${header}`);
      sh.vars.set(name, value);
      if (node.body.commands.length === 0) await tick(sh);
      status = await runList(sh, node.body, false);
      if (leaves(sh)) return sh.unwind === null ? 0 : sh.status;
    }
    return status;
  });
}

export async function runArithmeticFor(sh: Shell, node: ArithmeticFor): Promise<number> {
  sh.pos = node.pos;
  const { text } = sh.source;
  const line = sh.line();
  const compile = (expression: { readonly pos: number; readonly end: number } | undefined) =>
    expression === undefined
      ? undefined
      : arithmeticPart(text.slice(expression.pos, expression.end), line);
  const initialize = compile(node.initialize);
  const test = compile(node.test);
  const update = compile(node.update);
  const run = async (part: ReturnType<typeof compile>): Promise<bigint> => {
    if (part === undefined) return 1n;
    await tick(sh);
    if (sh.options.xtrace) await trace(sh, `(( ${part.source} ))`);
    return part.text === undefined ? expandArithmetic(sh, part) : evaluate(part.text, sh.arith);
  };
  return inLoop(sh, async () => {
    let status = 0;
    try {
      for (await run(initialize); (await run(test)) !== 0n; await run(update)) {
        if (test === undefined) await tick(sh);
        status = await runList(sh, node.body, false);
        if (leaves(sh)) return sh.unwind === null ? 0 : sh.status;
      }
    } catch (error) {
      if (!(error instanceof ShellError) || error.scope === 'exit') throw error;
      await sh.error(`((: ${error.message}`);
      return 1;
    }
    return status;
  });
}

export async function runCase(sh: Shell, node: Case): Promise<number> {
  const { source } = sh;
  sh.pos = node.pos;
  await tick(sh);
  const subject = await expandText(sh, textIr(node.word, source));
  if (sh.options.xtrace) await trace(sh, `case ${node.word.text} in`);
  const nocase = sh.shopt.has('nocasematch');
  let falling = false;
  let status = 0;
  for (const item of node.items) {
    let matched = falling;
    for (const word of item.pattern) {
      if (matched) break;
      const pattern = await expandPattern(sh, textIr(word, source).parts);
      matched = matchPattern(subject, pattern, nocase);
    }
    if (!matched) continue;
    status = await runList(sh, item.body, false);
    if (sh.unwind !== null) return sh.status;
    if (item.terminator === ';&') falling = true;
    else if (item.terminator === ';;&') falling = false;
    else return status;
  }
  return status;
}

export async function runSelect(sh: Shell, node: Select): Promise<number> {
  const { source } = sh;
  const name = node.name.value;
  const values =
    node.wordlist === undefined
      ? [...sh.positional]
      : await expandWords(
          sh,
          node.wordlist.map((word) => wordIr(word, source)),
        );
  if (values.length === 0) return 0;
  return inLoop(sh, async () => {
    let menu = true;
    for (;;) {
      if (menu) await sh.err(menuText(values));
      await sh.err(sh.vars.value('PS3') ?? '#? ');
      const line = await readInputLine(sh, 0);
      if (line === undefined) {
        await sh.err('\n');
        return 1;
      }
      sh.vars.set('REPLY', line);
      menu = line === '';
      if (menu) continue;
      const choice = /^\s*\d+\s*$/.test(line) ? values[Number(line) - 1] : undefined;
      sh.vars.set(name, choice ?? '');
      await runList(sh, node.body, false);
      if (leaves(sh)) return sh.unwind === null ? 0 : sh.status;
    }
  });
}

/** The numbered list, in as many columns as fit eighty. */
function menuText(values: readonly string[]): string {
  const digits = String(values.length).length;
  const cells = values.map((value, at) => `${String(at + 1).padStart(digits)}) ${value}`);
  const width = Math.max(...cells.map((cell) => cell.length)) + 2;
  const fitting = Math.max(1, Math.floor(80 / width));
  const rows = values.length <= fitting ? values.length : Math.ceil(values.length / fitting);
  let out = '';
  for (let row = 0; row < rows; row++) {
    const line = cells.filter((_cell, at) => at % rows === row);
    out += `${line.map((cell, at) => (at === line.length - 1 ? cell : cell.padEnd(width))).join('')}\n`;
  }
  return out;
}
