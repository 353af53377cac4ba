/** Pathname expansion: `*`, `?`, `[…]`, extended patterns, `**` under `shopt -s globstar`; sorted by code point. */
import { hasPattern, patternRegExp, unquotePattern } from './pattern.js';
import type { Shell } from './shell.js';

/** The existing paths a pattern matches, sorted; empty where there are none. */
export function globPaths(sh: Shell, pattern: string): string[] {
  const components = splitPath(pattern);
  let bases = [''];
  for (let at = 0; at < components.length && bases.length > 0; at++) {
    const component = components[at] ?? '';
    const last = at === components.length - 1;
    bases = bases.flatMap((base) => step(sh, base, component, last));
  }
  return bases.sort(compareText);
}

/** Splits at slashes, keeping each run of slashes with the component before it. */
function splitPath(pattern: string): string[] {
  return pattern.match(/[^/]*\/+|[^/]+$/g) ?? [];
}

function step(sh: Shell, base: string, component: string, last: boolean): string[] {
  const slashes = /\/*$/.exec(component)?.[0] ?? '';
  const name = component.slice(0, component.length - slashes.length);
  if (!hasPattern(name)) {
    const path = base + unquotePattern(name);
    if (name !== '' && !exists(sh, path, slashes !== '')) return [];
    return [path + slashes];
  }
  if (name === '**' && sh.shopt.has('globstar')) return descend(sh, base, last);
  const expression = patternRegExp(name, {
    start: true,
    end: true,
    hideDot: !sh.shopt.has('dotglob'),
    nocase: sh.shopt.has('nocaseglob'),
  });
  const out: string[] = [];
  for (const entry of entries(sh, base)) {
    if (!expression.test(entry)) continue;
    const path = base + entry;
    if (slashes !== '' && !isDirectory(sh, path)) continue;
    out.push(path + slashes);
  }
  return out;
}

function descend(sh: Shell, base: string, last: boolean): string[] {
  const out = [base];
  for (const entry of entries(sh, base)) {
    if (entry.startsWith('.') && !sh.shopt.has('dotglob')) continue;
    const path = base + entry;
    if (isDirectory(sh, path)) out.push(...descend(sh, `${path}/`, last));
    else if (last) out.push(path);
  }
  return last
    ? out
        .filter((path) => path !== '')
        .map((path) => (path.endsWith('/') && path !== base ? path.slice(0, -1) : path))
    : out;
}

function entries(sh: Shell, base: string): string[] {
  try {
    return sh.sys.readdir(base === '' ? '.' : base).map((entry) => entry.name);
  } catch {
    return [];
  }
}

function exists(sh: Shell, path: string, directory: boolean): boolean {
  try {
    if (directory) return sh.sys.stat(path).type === 'dir';
    sh.sys.lstat(path);
    return true;
  } catch {
    return false;
  }
}

function isDirectory(sh: Shell, path: string): boolean {
  try {
    return sh.sys.stat(path).type === 'dir';
  } catch {
    return false;
  }
}

/** Order by code unit, as the C locale sorts. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
