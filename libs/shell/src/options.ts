/** The options of `set`: letters, long names, `$-`, `$SHELLOPTS`. */

export interface Options {
  allexport: boolean;
  braceexpand: boolean;
  emacs: boolean;
  errexit: boolean;
  errtrace: boolean;
  functrace: boolean;
  hashall: boolean;
  histexpand: boolean;
  history: boolean;
  ignoreeof: boolean;
  'interactive-comments': boolean;
  keyword: boolean;
  monitor: boolean;
  noclobber: boolean;
  noexec: boolean;
  noglob: boolean;
  nolog: boolean;
  notify: boolean;
  nounset: boolean;
  onecmd: boolean;
  physical: boolean;
  pipefail: boolean;
  posix: boolean;
  privileged: boolean;
  verbose: boolean;
  vi: boolean;
  xtrace: boolean;
}

export type OptionName = keyof Options;

const LETTERS: readonly (readonly [string, OptionName])[] = [
  ['a', 'allexport'],
  ['b', 'notify'],
  ['e', 'errexit'],
  ['f', 'noglob'],
  ['h', 'hashall'],
  ['k', 'keyword'],
  ['m', 'monitor'],
  ['n', 'noexec'],
  ['p', 'privileged'],
  ['t', 'onecmd'],
  ['u', 'nounset'],
  ['v', 'verbose'],
  ['x', 'xtrace'],
  ['B', 'braceexpand'],
  ['C', 'noclobber'],
  ['E', 'errtrace'],
  ['H', 'histexpand'],
  ['P', 'physical'],
  ['T', 'functrace'],
];

export function defaultOptions(): Options {
  return {
    allexport: false,
    braceexpand: true,
    emacs: false,
    errexit: false,
    errtrace: false,
    functrace: false,
    hashall: true,
    histexpand: false,
    history: false,
    ignoreeof: false,
    'interactive-comments': true,
    keyword: false,
    monitor: false,
    noclobber: false,
    noexec: false,
    noglob: false,
    nolog: false,
    notify: false,
    nounset: false,
    onecmd: false,
    physical: false,
    pipefail: false,
    posix: false,
    privileged: false,
    verbose: false,
    vi: false,
    xtrace: false,
  };
}

/** The option a letter stands for. */
export function optionOfLetter(letter: string): OptionName | undefined {
  return LETTERS.find(([own]) => own === letter)?.[1];
}

export function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(defaultOptions(), name);
}

export function optionNames(): OptionName[] {
  return Object.keys(defaultOptions()) as OptionName[];
}

/** The set options as letters, for `$-`. */
export function optionFlags(options: Options): string {
  return LETTERS.filter(([, name]) => options[name])
    .map(([letter]) => letter)
    .join('');
}
