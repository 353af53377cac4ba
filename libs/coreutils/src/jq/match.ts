/** jq's regular expressions: Oniguruma patterns on the platform's matcher. */
import { describe, JqError } from './paths.js';
import { JsonObject, type Json } from './json.js';
import { text } from './functions.js';

/** Oniguruma patterns on the platform's matcher; flags g i x s n l p. */
export function matches(subject: string, pattern: Json, flagsValue: Json): JsonObject[] {
  const flags =
    flagsValue === null ? '' : text(flagsValue, `${describe(flagsValue)} is not a string`);
  for (const flag of flags)
    if (!'gixsnlp'.includes(flag)) throw new JqError(`${flags} is not a valid modifier string`);
  let source = text(pattern, `${describe(pattern)} cannot be matched, as it is not a string`);
  if (flags.includes('x'))
    source = source.replace(/\\[^]|\s+|#.*/g, (part) => (part.startsWith('\\') ? part : ''));
  let regex: RegExp;
  try {
    regex = new RegExp(
      source.replaceAll('\\h', '[0-9a-fA-F]'),
      `gud${flags.includes('i') ? 'i' : ''}${/[sp]/.test(flags) ? 's' : ''}`,
    );
  } catch {
    try {
      regex = new RegExp(
        source,
        `gd${flags.includes('i') ? 'i' : ''}${/[sp]/.test(flags) ? 's' : ''}`,
      );
    } catch {
      throw new JqError(`${source} (at offset 0) is not a valid regex`);
    }
  }
  const out: JsonObject[] = [];
  const points = (end: number): number => [...subject.slice(0, end)].length;
  for (const match of subject.matchAll(regex)) {
    if (flags.includes('n') && match[0] === '') continue;
    const { indices } = match as RegExpMatchArray & {
      indices: (readonly [number, number] | undefined)[];
    };
    const named = Object.entries(match.groups ?? {});
    const captures = match.slice(1).map((group, index): Json => {
      const place = indices[index + 1];
      const name = groupName(source, index + 1, named.length > 0);
      return new JsonObject([
        ['offset', place === undefined ? -1 : points(place[0])],
        ['length', group === undefined ? 0 : [...group].length],
        ['string', group ?? null],
        ['name', name],
      ]);
    });
    out.push(
      new JsonObject([
        ['offset', points(match.index)],
        ['length', [...match[0]].length],
        ['string', match[0]],
        ['captures', captures],
      ]),
    );
    if (!flags.includes('g')) break;
  }
  return out;
}

export function groupName(source: string, index: number, any: boolean): Json {
  if (!any) return null;
  let count = 0;
  for (const match of source.matchAll(
    /\\[^]|\[(?:\\[^]|[^\]])*\]|\((\?(?:<([A-Za-z_]\w*)>|[^<]|<[=!]))?/g,
  )) {
    if (!match[0].startsWith('(') || (match[1] !== undefined && match[2] === undefined)) continue;
    if (++count === index) return match[2] ?? null;
  }
  return null;
}
