/** cd, pwd, pushd, popd, dirs. */
import { KernelError, strerror } from '@netloom/base';
import type { Shell } from '../shell.js';
import type { Builtin } from './types.js';

/** Joins and shortens a path by its text: `.` and `..` removed. */
function logicalPath(base: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${base}/${path}`).split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `${/^\/\/(?!\/)/.test(path) ? '/' : ''}/${parts.join('/')}`;
}

function currentPath(sh: Shell): string {
  return sh.vars.value('PWD') ?? sh.sys.getcwd();
}

/** Changes directory and sets PWD and OLDPWD; throws KernelError. */
function changeDirectory(sh: Shell, path: string, physical: boolean): void {
  const before = currentPath(sh);
  const target = physical ? path : logicalPath(before, path);
  sh.sys.chdir(target);
  sh.vars.set('OLDPWD', before);
  sh.vars.ensure('OLDPWD').exported = true;
  sh.vars.set('PWD', physical ? sh.sys.getcwd() : target);
  sh.vars.ensure('PWD').exported = true;
}

const cd: Builtin = async (sh, _args, words) => {
  let at = 1;
  let physical = sh.options.physical;
  for (; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') {
      at++;
      break;
    }
    if (!/^-[LPe@]+$/.test(word)) {
      if (word.startsWith('-') && word.length > 1) {
        await sh.error(`cd: ${word.slice(0, 2)}: invalid option`);
        await sh.err('cd: usage: cd [-L|[-P [-e]] [-@]] [dir]\n');
        return 2;
      }
      break;
    }
    physical = word.includes('P');
  }
  if (words.length - at > 1) return sh.fail('cd', 'too many arguments');
  let target = words[at];
  let show = false;
  if (target === undefined) {
    target = sh.vars.value('HOME');
    if (target === undefined) return sh.fail('cd', 'HOME not set');
  } else if (target === '-') {
    target = sh.vars.value('OLDPWD');
    if (target === undefined) return sh.fail('cd', 'OLDPWD not set');
    show = true;
  } else if (target === '') return 0;
  const found = searchCdPath(sh, target);
  if (found !== undefined) {
    target = found;
    show = true;
  }
  try {
    changeDirectory(sh, target, physical);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return sh.fail('cd', `${target}: ${strerror(error.errno)}`);
  }
  return show ? sh.out(`${currentPath(sh)}\n`, 'cd') : 0;
};

function searchCdPath(sh: Shell, target: string): string | undefined {
  const path = sh.vars.value('CDPATH');
  if (
    path === undefined ||
    path === '' ||
    /^\.{0,2}\//.test(target) ||
    target === '.' ||
    target === '..'
  )
    return undefined;
  for (const directory of path.split(':')) {
    if (directory === '' || directory === '.') continue;
    try {
      if (sh.sys.stat(`${directory}/${target}`).type === 'dir') return `${directory}/${target}`;
    } catch {
      continue;
    }
  }
  return undefined;
}

const pwd: Builtin = (sh, _args, words) =>
  sh.out(`${words.includes('-P') ? sh.sys.getcwd() : currentPath(sh)}\n`, 'pwd');

function stackText(sh: Shell): string {
  const home = sh.vars.value('HOME') ?? '';
  return [currentPath(sh), ...sh.directoryStack]
    .map((path) =>
      home !== '' && (path === home || path.startsWith(`${home}/`))
        ? `~${path.slice(home.length)}`
        : path,
    )
    .join(' ');
}

async function goTo(sh: Shell, name: string, path: string): Promise<number> {
  try {
    changeDirectory(sh, path, false);
    return 0;
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return sh.fail(name, `${path}: ${strerror(error.errno)}`);
  }
}

const pushd: Builtin = async (sh, _args, words) => {
  const target = words[1];
  if (target === undefined) {
    const top = sh.directoryStack[0];
    if (top === undefined) return sh.fail('pushd', 'no other directory');
    const here = currentPath(sh);
    if ((await goTo(sh, 'pushd', top)) !== 0) return 1;
    sh.directoryStack[0] = here;
  } else if (/^[-+]\d+$/.test(target)) {
    const all = [currentPath(sh), ...sh.directoryStack];
    const at = target.startsWith('+') ? Number(target) : all.length - 1 + Number(target);
    if (at < 0 || at >= all.length)
      return sh.fail('pushd', `${target}: directory stack index out of range`);
    const rotated = [...all.slice(at), ...all.slice(0, at)];
    if ((await goTo(sh, 'pushd', rotated[0] ?? '')) !== 0) return 1;
    sh.directoryStack = rotated.slice(1);
  } else {
    const here = currentPath(sh);
    if ((await goTo(sh, 'pushd', target)) !== 0) return 1;
    sh.directoryStack.unshift(here);
  }
  return sh.out(`${stackText(sh)}\n`, 'pushd');
};

const popd: Builtin = async (sh, _args, words) => {
  if (sh.directoryStack.length === 0) return sh.fail('popd', 'directory stack empty');
  const target = words[1];
  if (target !== undefined && /^[-+]\d+$/.test(target)) {
    const length = sh.directoryStack.length + 1;
    const at = target.startsWith('+') ? Number(target) : length - 1 + Number(target);
    if (at < 0 || at >= length)
      return sh.fail('popd', `${target}: directory stack index out of range`);
    if (at > 0) {
      sh.directoryStack.splice(at - 1, 1);
      return sh.out(`${stackText(sh)}\n`, 'popd');
    }
  }
  if ((await goTo(sh, 'popd', sh.directoryStack[0] ?? '')) !== 0) return 1;
  sh.directoryStack.shift();
  return sh.out(`${stackText(sh)}\n`, 'popd');
};

const dirs: Builtin = (sh, _args, words) => {
  if (words[1] === '-c') {
    sh.directoryStack = [];
    return 0;
  }
  const all = [currentPath(sh), ...sh.directoryStack];
  if (words[1] === '-v')
    return sh.out(all.map((path, at) => `${String(at).padStart(2)}  ${path}\n`).join(''), 'dirs');
  if (words[1] === '-p') return sh.out(all.map((path) => `${path}\n`).join(''), 'dirs');
  if (words[1] === '-l') return sh.out(`${all.join(' ')}\n`, 'dirs');
  return sh.out(`${stackText(sh)}\n`, 'dirs');
};

export const directoryBuiltins: Readonly<Record<string, Builtin>> = { cd, pwd, pushd, popd, dirs };
