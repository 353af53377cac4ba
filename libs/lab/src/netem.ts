/**
 * A link's impairments as people write them (`vars.netem`), and back.
 *
 * Spellings are tc's; a bare number is what containerlab takes it for: percent for losses, kbit/s for a rate. A time
 * needs its unit, since the tools disagree on what a bare one means. Sources: tc-netem(8), containerlab "tools netem".
 */
import { parseDurationNs, parsePercent, parseRateBits } from '@netloom/base';
import type { Place } from './check.js';
import type { Impairment, LinkPatch } from './port.js';

/** Packets that wait for the wire where the file says nothing; tc netem's own default. */
export const DEFAULT_QUEUE_PACKETS = 1000;

const NETEM_KEYS = [
  'rate',
  'delay',
  'jitter',
  'loss',
  'duplicate',
  'corrupt',
  'corruption',
  'reorder',
  'limit',
] as const;
const MAX_DELAY_NS = 3600e9;

function duration(text: string | number): number | undefined {
  if (/^\s*[\d.]+\s*$/.test(String(text)) && Number(text) !== 0) return undefined;
  const ns = parseDurationNs(text);
  return ns !== undefined && ns <= MAX_DELAY_NS ? ns : undefined;
}

function rate(text: string | number): number | undefined {
  const bits = parseRateBits(text, 'kbit');
  return bits !== undefined && bits <= 1e15 ? bits : undefined;
}

const TIME_FORM = 'a time with its unit such as 20ms (at most 1h)';
const PERCENT_FORM = 'a percentage such as 0.1%';

/** One map of netem keys (directions left out); faults are noted in the place. */
function impairment(place: Place, base: Impairment): Impairment {
  const percent = (key: string): number | undefined =>
    place.key(key).quantity(parsePercent, PERCENT_FORM);
  const found = {
    rateBits: place.key('rate').quantity(rate, 'a rate such as 10mbit (a bare number is kbit/s)'),
    limit: place.key('limit').integer(1, 1_000_000),
    delayNs: place.key('delay').quantity(duration, TIME_FORM),
    jitterNs: place.key('jitter').quantity(duration, TIME_FORM),
    loss: percent('loss'),
    duplicate: percent('duplicate'),
    corrupt: percent('corrupt') ?? percent('corruption'),
    reorder: percent('reorder'),
  };
  const said = Object.entries(found).filter(([, value]) => value !== undefined);
  const merged = Object.entries({ ...base, ...Object.fromEntries(said) });
  return Object.fromEntries(merged.filter(([, value]) => value !== 0)); // 0 turns off what is said for both directions
}

function checkTogether(place: Place, value: Impairment): void {
  if (value.delayNs !== undefined) return;
  if (value.jitterNs !== undefined) place.checker.problem(place.path, 'jitter needs a delay');
  if (value.reorder !== undefined) place.checker.problem(place.path, 'reorder needs a delay');
}

/** `{delay: 20ms}` is for both directions; `a` and `z` add to it for what the first or second endpoint sends. */
export function parseNetem(place: Place): { a: Impairment; z: Impairment } {
  if (!place.isMap()) return { a: {}, z: {} };
  place.onlyKeys([...NETEM_KEYS, 'a', 'z']);
  const both = impairment(place, {});
  const direction = (key: 'a' | 'z'): Impairment => {
    const sub = place.key(key);
    if (!sub.isMap()) {
      return both;
    }
    sub.onlyKeys(NETEM_KEYS);
    const value = impairment(sub, both);
    checkTogether(sub, value);
    return value;
  };
  const a = direction('a');
  const z = direction('z');
  if (!place.key('a').present || !place.key('z').present) checkTogether(place, both);
  return { a, z };
}

/** The body of a link's PATCH; a netem map replaces the directions it speaks of, both where it has common keys. */
export function parseLinkPatchAt(place: Place): LinkPatch {
  if (!place.required() || !place.isMap()) return {};
  place.onlyKeys(['up', 'netem']);
  const up = place.key('up').boolean();
  const netem = place.key('netem');
  const raw = netem.value;
  const patch: { up?: boolean; netem?: { a?: Impairment; z?: Impairment } } =
    up === undefined ? {} : { up };
  if (raw === null) return { ...patch, netem: { a: {}, z: {} } };
  if (!netem.present || !netem.isMap()) return patch;
  const { a, z } = parseNetem(netem);
  const names = Object.keys(raw as object);
  const only = names.length > 0 && names.every((name) => name === 'a' || name === 'z');
  patch.netem = only
    ? { ...(names.includes('a') ? { a } : {}), ...(names.includes('z') ? { z } : {}) }
    : { a, z };
  return patch;
}

function percentText(fraction: number): string {
  return `${Number((fraction * 100).toPrecision(12))}%`;
}

/** Nanoseconds with the largest unit that keeps them whole or short. */
export function durationText(ns: number): string {
  if (ns >= 1e9) return `${ns / 1e9}s`;
  if (ns >= 1e6) return `${ns / 1e6}ms`;
  if (ns >= 1e3) return `${ns / 1e3}us`;
  return `${ns}ns`;
}

function rateText(bits: number): string {
  for (const [unit, size] of [
    ['gbit', 1e9],
    ['mbit', 1e6],
    ['kbit', 1e3],
  ] as const) {
    if (bits >= size && Number.isInteger((bits / size) * 1000)) return `${bits / size}${unit}`;
  }
  return `${bits}bit`;
}

/** An impairment in the file's spelling. */
export function impairmentDocument(value: Impairment): Record<string, string | number> {
  return {
    ...(value.rateBits === undefined ? {} : { rate: rateText(value.rateBits) }),
    ...(value.limit === undefined ? {} : { limit: value.limit }),
    ...(value.delayNs === undefined ? {} : { delay: durationText(value.delayNs) }),
    ...(value.jitterNs === undefined ? {} : { jitter: durationText(value.jitterNs) }),
    ...(value.loss === undefined ? {} : { loss: percentText(value.loss) }),
    ...(value.duplicate === undefined ? {} : { duplicate: percentText(value.duplicate) }),
    ...(value.corrupt === undefined ? {} : { corrupt: percentText(value.corrupt) }),
    ...(value.reorder === undefined ? {} : { reorder: percentText(value.reorder) }),
  };
}

/** Both directions in the file's spelling: one map where they are the same, `{a, z}` otherwise. */
export function netemDocument(netem: {
  readonly a: Impairment;
  readonly z: Impairment;
}): Record<string, unknown> {
  const a = impairmentDocument(netem.a);
  const z = impairmentDocument(netem.z);
  return JSON.stringify(a) === JSON.stringify(z) ? a : { a, z };
}
