/** Variables that are computed when read: `$RANDOM`, `$SECONDS`, `$LINENO`, `$PIPESTATUS`, `$FUNCNAME`, … */
import { optionNames } from './options.js';
import type { Shell } from './shell.js';
import { Variable } from './variables.js';

export interface DynamicState {
  /** State of `$RANDOM`; 0: to be drawn from the host's stream. */
  seed: number;
  startNs: number;
  secondsOffset: number;
}

const SCALARS: Readonly<Record<string, (sh: Shell) => string>> = {
  RANDOM: (sh) => String(nextRandom(sh)),
  SRANDOM: (sh) => String(sh.sys.random()),
  SECONDS: (sh) =>
    String(Math.floor((sh.sys.now() - sh.dynamic.startNs) / 1e9) + sh.dynamic.secondsOffset),
  EPOCHSECONDS: (sh) => String(Math.floor(sh.sys.bootTime() + sh.sys.now() / 1e9)),
  EPOCHREALTIME: (sh) => {
    const micros = Math.floor(sh.sys.now() / 1000);
    const seconds = Math.floor(sh.sys.bootTime()) + Math.floor(micros / 1e6);
    return `${seconds}.${String(micros % 1e6).padStart(6, '0')}`;
  },
  LINENO: (sh) => String(sh.line()),
  BASHPID: (sh) => String(sh.sys.pid),
  PPID: (sh) => String(sh.sys.ppid),
  UID: (sh) => String(sh.sys.getuid()),
  EUID: (sh) => String(sh.sys.getuid()),
  HOSTNAME: (sh) => sh.sys.hostname(),
  HOSTTYPE: () => 'x86_64',
  MACHTYPE: () => 'x86_64-pc-linux-gnu',
  OSTYPE: () => 'linux-gnu',
  BASH: () => '/usr/bin/bash',
  BASH_VERSION: () => '5.2.15(1)-release',
  BASH_COMMAND: (sh) => sh.commandText,
  BASH_SUBSHELL: (sh) => String(sh.subshellDepth),
  SHELLOPTS: (sh) =>
    optionNames()
      .filter((name) => sh.options[name])
      .join(':'),
  BASHOPTS: (sh) => [...sh.shopt].sort().join(':'),
  HISTCMD: (sh) => String(sh.history.length + 1),
};

const LISTS: Readonly<Record<string, (sh: Shell) => string[] | undefined>> = {
  PIPESTATUS: (sh) => sh.pipeStatus.map(String),
  FUNCNAME: (sh) => {
    const names = sh.frames.map((frame) => frame.name).reverse();
    if (!sh.frames.some((frame) => frame.isFunction)) return undefined;
    return sh.scriptFile === '' ? names : [...names, 'main'];
  },
  BASH_LINENO: (sh) => [...sh.frames.map((frame) => String(frame.callLine)).reverse(), '0'],
  BASH_SOURCE: (sh) => {
    const files = sh.frames.map((frame) => frame.file).reverse();
    return sh.scriptFile === '' ? files : [...files, sh.scriptFile];
  },
  GROUPS: () => ['0'],
  DIRSTACK: (sh) => [sh.vars.value('PWD') ?? '', ...sh.directoryStack],
  BASH_VERSINFO: () => ['5', '2', '15', '1', 'release', 'x86_64-pc-linux-gnu'],
};

/** A computed variable; undefined for any other name. */
export function dynamicVariable(sh: Shell, name: string): Variable | undefined {
  const scalar = SCALARS[name];
  if (scalar !== undefined && Object.hasOwn(SCALARS, name)) {
    const variable = new Variable();
    variable.value = scalar(sh);
    return variable;
  }
  const list = Object.hasOwn(LISTS, name) ? LISTS[name]?.(sh) : undefined;
  if (list === undefined) return undefined;
  const variable = new Variable();
  variable.list = list;
  return variable;
}

/** Assignment to a computed variable; false where the name is an ordinary one. */
export function assignDynamicVariable(sh: Shell, name: string, value: string): boolean {
  switch (name) {
    case 'RANDOM':
      sh.dynamic.seed = Number(
        BigInt.asUintN(
          32,
          sh.vars.shape(integerShape, value, undefined) === ''
            ? 0n
            : BigInt(sh.vars.shape(integerShape, value, undefined)),
        ),
      );
      return true;
    case 'SECONDS':
      sh.dynamic.startNs = sh.sys.now();
      sh.dynamic.secondsOffset = Number(sh.vars.shape(integerShape, value, undefined));
      return true;
    case 'LINENO':
    case 'BASHPID':
    case 'EPOCHSECONDS':
    case 'EPOCHREALTIME':
    case 'PIPESTATUS':
    case 'FUNCNAME':
      return true;
    default:
      return false;
  }
}

const integerShape = new Variable();
integerShape.integer = true;

/** Park and Miller's minimal standard generator, folded to 15 bits as bash 5.1 and later do. */
function nextRandom(sh: Shell): number {
  let seed = sh.dynamic.seed === 0 ? sh.sys.random() % 0x7fffffff || 123459876 : sh.dynamic.seed;
  const high = Math.trunc(seed / 127773);
  const low = seed % 127773;
  seed = 16807 * low - 2836 * high;
  if (seed < 0) seed += 0x7fffffff;
  sh.dynamic.seed = seed;
  return ((seed >>> 16) ^ (seed & 0xffff)) & 0x7fff;
}
