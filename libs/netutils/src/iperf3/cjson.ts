/**
 * JSON as iperf3's library writes it: members in the order they were added (a key may come twice), tabs, and numbers in
 * 15 digits where these are exact and 17 otherwise.
 */
import { formatG } from '../c-number.js';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** An object that keeps its members' order and doubles. */
export class JsonObject {
  readonly members: [string, JsonValue][] = [];

  constructor(members: Readonly<Record<string, JsonValue>> = {}) {
    for (const [key, value] of Object.entries(members)) this.members.push([key, value]);
  }

  add(key: string, value: JsonValue): void {
    this.members.push([key, value]);
  }
}

/** Integers print whole (negative ones as 64 unsigned bits), others in as many digits as they need. */
function numberText(value: number): string {
  if (!Number.isFinite(value)) return 'null';
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 53)
    return value < 0 ? String(2n ** 64n + BigInt(value)) : String(value);
  const short = formatG(value, 15);
  const back = Number(short);
  const close =
    Math.abs(back - value) <= Math.max(Math.abs(back), Math.abs(value)) * Number.EPSILON;
  return close ? short : formatG(value, 17);
}

/** Text without white space, as it goes over the control connection. */
export function compact(value: JsonValue): string {
  if (value instanceof JsonObject)
    return `{${value.members.map(([key, item]) => `${JSON.stringify(key)}:${compact(item)}`).join(',')}}`;
  if (Array.isArray(value)) return `[${(value as JsonValue[]).map(compact).join(',')}]`;
  return typeof value === 'number' ? numberText(value) : JSON.stringify(value);
}

/** Text for people. */
export function pretty(value: JsonValue, depth = 0): string {
  if (value instanceof JsonObject) {
    const tabs = '\t'.repeat(depth + 1);
    const lines = value.members.map(
      ([key, item]) => `${tabs}${JSON.stringify(key)}:\t${pretty(item, depth + 1)}`,
    );
    return `{\n${lines.join(',\n')}${lines.length > 0 ? '\n' : ''}${'\t'.repeat(depth)}}`;
  }
  if (Array.isArray(value))
    return `[${(value as JsonValue[]).map((item) => pretty(item, depth + 1)).join(', ')}]`;
  return typeof value === 'number' ? numberText(value) : JSON.stringify(value);
}

/** What arrived: a text's members by name; undefined where it is no object. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
