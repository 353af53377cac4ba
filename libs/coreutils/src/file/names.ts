/** basename, dirname, readlink, realpath, pwd, mktemp: names. */
import { KernelError } from '@netloom/base';
import { OpenFlag, type ProgramSpec } from '@netloom/sys';
import { fromUnicode, toUnicode } from '../tool/bytes.js';
import { quoteAlways, quoteName } from '../tool/quote.js';
import { defineTool, errnoText } from '../tool/tool.js';
import { baseName, canonical, dirName, relativePath, statMaybe, type Existence } from './paths.js';

const basename = defineTool(
  {
    name: 'basename',
    usage: 'NAME [SUFFIX]\n  or:  basename OPTION... NAME...',
    about: 'Print NAME with any leading directory components removed.',
    short: 'as:z',
    long: { multiple: 'a', suffix: 's:', zero: 'z' },
    inOrder: true,
  },
  (t, { options, operands }) => {
    const many = options.some(({ key }) => key === 'a' || key === 's');
    let suffix = options.find(({ key }) => key === 's')?.value ?? '';
    const end = options.some(({ key }) => key === 'z') ? '\0' : '\n';
    if (operands.length === 0) t.usage('missing operand');
    if (!many && operands.length > 2) t.usage(`extra operand ${quoteAlways(operands[2] ?? '')}`);
    if (!many) suffix = operands[1] ?? '';
    for (const name of many ? operands : operands.slice(0, 1)) {
      const base = baseName(name);
      t.put(
        (suffix !== '' && base !== suffix && base.endsWith(suffix)
          ? base.slice(0, -suffix.length)
          : base) + end,
      );
    }
    return Promise.resolve(0);
  },
);

const dirname = defineTool(
  {
    name: 'dirname',
    usage: '[OPTION] NAME...',
    about: 'Output each NAME with its last non-slash component and trailing slashes removed.',
    short: 'z',
    long: { zero: 'z' },
  },
  (t, { options, operands }) => {
    if (operands.length === 0) t.usage('missing operand');
    for (const name of operands) t.put(dirName(name) + (options.length > 0 ? '\0' : '\n'));
    return Promise.resolve(0);
  },
);

const readlink = defineTool(
  {
    name: 'readlink',
    usage: '[OPTION]... FILE...',
    about: 'Print value of a symbolic link or canonical file name',
    short: 'femnqsvz',
    long: {
      canonicalize: 'f',
      'canonicalize-existing': 'e',
      'canonicalize-missing': 'm',
      'no-newline': 'n',
      quiet: 'q',
      silent: 's',
      verbose: 'v',
      zero: 'z',
    },
  },
  (t, { options, operands }) => {
    const has = (key: string): boolean => options.some((option) => option.key === key);
    const mode: Existence | undefined = has('e')
      ? 'all'
      : has('m')
        ? 'none'
        : has('f')
          ? 'dirs'
          : undefined;
    if (operands.length === 0) t.usage('missing operand');
    const end = has('z') ? '\0' : has('n') && operands.length === 1 ? '' : '\n';
    for (const path of operands) {
      try {
        t.put(
          (mode === undefined
            ? fromUnicode(t.sys.readlink(toUnicode(path)))
            : canonical(t.sys, path, mode)) + end,
        );
      } catch (error) {
        if (has('v')) t.warnErrno(quoteName(path, true), error);
        else errnoText(error);
        t.status = 1;
      }
    }
    return Promise.resolve(t.status);
  },
);

const realpath = defineTool(
  {
    name: 'realpath',
    usage: '[OPTION]... FILE...',
    about: 'Print the resolved absolute file name.',
    short: 'emLPqsz',
    long: {
      'canonicalize-existing': 'e',
      'canonicalize-missing': 'm',
      quiet: 'q',
      strip: 's',
      'no-symlinks': 's',
      zero: 'z',
      'relative-to': '--relative-to:',
      'relative-base': '--relative-base:',
    },
  },
  (t, { options, operands }) => {
    const has = (key: string): boolean => options.some((option) => option.key === key);
    const mode: Existence = has('e') ? 'all' : has('m') ? 'none' : 'dirs';
    const relative = options.find(({ key }) => key === '--relative-to')?.value;
    if (operands.length === 0) t.usage('missing operand');
    for (const path of operands) {
      try {
        const full = canonical(t.sys, path, mode, !has('s'));
        const shown =
          relative === undefined ? full : relativePath(canonical(t.sys, relative, mode), full);
        t.put(shown + (has('z') ? '\0' : '\n'));
      } catch (error) {
        if (!has('q')) t.warnErrno(quoteName(path, true), error);
        t.status = 1;
      }
    }
    return Promise.resolve(t.status);
  },
);

const pwd = defineTool(
  {
    name: 'pwd',
    usage: '[OPTION]...',
    about: 'Print the full filename of the current working directory.',
    short: 'LP',
    long: { logical: 'L', physical: 'P' },
  },
  (t) => {
    t.put(`${fromUnicode(t.sys.getcwd())}\n`);
    return Promise.resolve(0);
  },
);

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

const mktemp = defineTool(
  {
    name: 'mktemp',
    usage: '[OPTION]... [TEMPLATE]',
    about: 'Create a temporary file or directory, safely, and print its name.',
    short: 'dqup:tV',
    long: { directory: 'd', quiet: 'q', 'dry-run': 'u', suffix: '--suffix:', tmpdir: '--tmpdir::' },
  },
  (t, { options, operands }) => {
    const has = (key: string): boolean => options.some((option) => option.key === key);
    const value = (key: string): string | undefined =>
      options.filter((option) => option.key === key).pop()?.value;
    if (operands.length > 1) t.usage('too many templates');
    const given = operands[0];
    const suffix = value('--suffix') ?? '';
    const match = /^([^]*?)(X{3,})([^X/]*)$/.exec(given ?? 'tmp.XXXXXXXXXX');
    if (match === null) return t.fail(`too few X's in template ${quoteAlways(given ?? '')}`);
    const [, before = '', marks = '', after = ''] = match;
    const inDir = given === undefined || has('p') || has('--tmpdir') || has('t');
    const fromEnv = t.sys.env.get('TMPDIR') ?? '';
    const base =
      value('p') || value('--tmpdir') || (fromEnv === '' ? '/tmp' : fromUnicode(fromEnv));
    const dir = inDir ? `${base.replace(/\/$/, '')}/` : '';
    const kind = has('d') ? 'directory' : 'file';
    for (;;) {
      const random = [...marks].map(() => letters.charAt(t.sys.random() % letters.length)).join('');
      const path = `${dir}${before}${random}${after}${suffix}`;
      try {
        if (!has('u')) {
          if (has('d')) t.sys.mkdir(toUnicode(path), 0o700);
          else
            t.sys.close(
              t.sys.open(
                toUnicode(path),
                OpenFlag.O_RDWR | OpenFlag.O_CREAT | OpenFlag.O_EXCL,
                0o600,
              ),
            );
        } else if (statMaybe(t.sys, path, true) !== undefined) continue;
        t.put(`${path}\n`);
        return Promise.resolve(0);
      } catch (error) {
        if (error instanceof KernelError && error.code === 'EEXIST') continue;
        const text = errnoText(error);
        if (!has('q'))
          t.warn(
            `failed to create ${kind} via template ${quoteAlways(`${dir}${before}${marks}${after}${suffix}`)}: ${text}`,
          );
        return Promise.resolve(1);
      }
    }
  },
);

export const namePrograms: readonly ProgramSpec[] = [
  basename,
  dirname,
  readlink,
  realpath,
  pwd,
  mktemp,
];
