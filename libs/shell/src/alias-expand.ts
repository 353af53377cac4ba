/** Alias expansion, on the text of a line before it runs: the first word of every simple command. */
import { parse, type Command, forEachChild, type SyntaxNode } from 'unbash';
import type { Shell } from './shell.js';

/** The text with aliases replaced; a name is not expanded within its own value. */
export function expandAliases(sh: Shell, text: string): string {
  return sh.aliases.size === 0 ? text : expandOnce(sh.aliases, text, new Set());
}

function expandOnce(
  aliases: ReadonlyMap<string, string>,
  text: string,
  used: ReadonlySet<string>,
): string {
  const edits: { pos: number; end: number; value: string }[] = [];
  const visit = (node: SyntaxNode): void => {
    if (node.type === 'Command') collect(node);
    if (node.type !== 'Word' && node.type !== 'Assignment') forEachChild(node, visit);
  };
  const collect = (node: Command): void => {
    let word = node.name;
    let args = node.args;
    for (let follow = true; follow && word !== undefined;) {
      const value = used.has(word.text) ? undefined : aliases.get(word.text);
      if (value === undefined) break;
      edits.push({
        pos: word.pos,
        end: word.end,
        value: expandOnce(aliases, value, new Set([...used, word.text])),
      });
      follow = /\s$/.test(value);
      const [next, ...rest] = args;
      word = next?.type === 'Word' ? next : undefined;
      args = rest;
    }
  };
  forEachChild(parse(text), visit);
  let out = text;
  for (const edit of edits.sort((a, b) => b.pos - a.pos))
    out = out.slice(0, edit.pos) + edit.value + out.slice(edit.end);
  return out;
}
