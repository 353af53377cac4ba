/** ln: hard and symbolic links. */
import { KernelError } from '@netloom/base';
import { toUnicode } from '../tool/bytes.js';
import { quoteAlways } from '../tool/quote.js';
import { defineTool } from '../tool/tool.js';
import {
  baseName,
  canonical,
  dirName,
  isDirectory,
  joinPath,
  relativePath,
  statMaybe,
} from './paths.js';

export const ln = defineTool(
  {
    name: 'ln',
    usage:
      '[OPTION]... [-T] TARGET LINK_NAME\n  or:  ln [OPTION]... TARGET\n  or:  ln [OPTION]... TARGET... DIRECTORY',
    about: 'Create links.',
    short: 'bdfFiLnPrsS:t:Tv',
    long: {
      symbolic: 's',
      force: 'f',
      interactive: 'i',
      'no-dereference': 'n',
      relative: 'r',
      'target-directory': 't:',
      'no-target-directory': 'T',
      verbose: 'v',
      logical: 'L',
      physical: 'P',
    },
  },
  (t, { options, operands }) => {
    const has = (key: string): boolean => options.some((option) => option.key === key);
    const files = [...operands];
    if (files.length === 0) t.usage('missing file operand');
    let dir = options.find(({ key }) => key === 't')?.value;
    let name: string | undefined;
    if (dir === undefined) {
      if (files.length === 1) dir = '.';
      else {
        const last = files.pop() ?? '';
        const linkIsDir = has('n') && statMaybe(t.sys, last, true)?.type === 'symlink';
        if (!has('T') && !linkIsDir && isDirectory(t.sys, last)) dir = last;
        else if (files.length > 1) {
          const reason =
            statMaybe(t.sys, last) === undefined ? 'No such file or directory' : 'Not a directory';
          return t.fail(`target ${quoteAlways(last)}: ${reason}`);
        } else name = last;
      }
    }
    for (const target of files) {
      const link =
        name ?? joinPath(dir ?? '.', baseName(target)).replace(/^\.\//, dir === '.' ? './' : './');
      const shown = dir === '.' && name === undefined ? `./${baseName(target)}` : link;
      try {
        if (has('f') && statMaybe(t.sys, link, true) !== undefined) t.sys.unlink(toUnicode(link));
        if (has('s')) {
          const value = has('r')
            ? relativePath(
                canonical(t.sys, dirName(link), 'none'),
                canonical(t.sys, target, 'none'),
              )
            : target;
          t.sys.symlink(toUnicode(value), toUnicode(link));
        } else {
          const stat = statMaybe(t.sys, target, true);
          if (stat === undefined) {
            t.warn(`failed to access ${quoteAlways(target)}: No such file or directory`);
            continue;
          }
          if (stat.type === 'dir') {
            t.warn(`${target}: hard link not allowed for directory`);
            continue;
          }
          t.sys.link(toUnicode(target), toUnicode(link));
        }
        if (has('v'))
          t.put(`${quoteAlways(shown)} ${has('s') ? '->' : '=>'} ${quoteAlways(target)}\n`);
      } catch (error) {
        const what = has('s')
          ? `symbolic link ${quoteAlways(shown)}`
          : `hard link ${quoteAlways(shown)}${error instanceof KernelError && error.code === 'EEXIST' ? '' : ` => ${quoteAlways(target)}`}`;
        t.warnErrno(`failed to create ${what}`, error);
      }
    }
    return Promise.resolve(t.status);
  },
);
