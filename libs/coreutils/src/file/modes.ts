/** Permission bits: `rwxr-xr-x`, and chmod's octal and symbolic modes. */
import type { FileType } from '@netloom/sys';

const typeLetters: Readonly<Record<FileType, string>> = {
  file: '-',
  dir: 'd',
  symlink: 'l',
  fifo: 'p',
  socket: 's',
  char: 'c',
  nsfs: '-',
};

export function modeText(type: FileType, mode: number): string {
  const triple = (shift: number, special: number, letter: string): string => {
    const bits = (mode >> shift) & 7;
    const execute = (bits & 1) !== 0;
    const last =
      (mode & special) === 0 ? (execute ? 'x' : '-') : execute ? letter : letter.toUpperCase();
    return `${(bits & 4) === 0 ? '-' : 'r'}${(bits & 2) === 0 ? '-' : 'w'}${last}`;
  };
  return (
    typeLetters[type] + triple(6, 0o4000, 's') + triple(3, 0o2000, 's') + triple(0, 0o1000, 't')
  );
}

/** S_IFMT bits of a type, as `stat -c %f` shows them. */
export function typeBits(type: FileType): number {
  return {
    file: 0o100000,
    dir: 0o040000,
    symlink: 0o120000,
    fifo: 0o010000,
    socket: 0o140000,
    char: 0o020000,
    nsfs: 0o100000,
  }[type];
}

const who: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 };
const letterBits: Readonly<Record<string, number>> = {
  r: 0o444,
  w: 0o222,
  x: 0o111,
  s: 0o6000,
  t: 0o1000,
};

/** A mode to apply to files; undefined where the text is none. */
export function parseMode(
  text: string,
  umask: number,
): ((old: number, isDir: boolean) => number) | undefined {
  if (/^[0-7]{1,5}$/.test(text)) {
    const value = parseInt(text, 8);
    if (value > 0o7777) return undefined;
    return (old, isDir) => (isDir && text.length < 5 ? value | (old & 0o6000) : value);
  }
  const clauses = text.split(',');
  if (!clauses.every((clause) => /^[ugoa]*([-+=]([rwxXst]*|[ugo]))+$/.test(clause)))
    return undefined;
  return (old, isDir) => {
    let mode = old;
    for (const clause of clauses) {
      const whom = /^[ugoa]*/.exec(clause)?.[0] ?? '';
      const mask =
        whom === ''
          ? 0o7777 & ~umask
          : [...whom].reduce((sum, letter) => sum | (who[letter] ?? 0), 0);
      for (const [, operator = '', letters = ''] of clause
        .slice(whom.length)
        .matchAll(/([-+=])([ugo]|[rwxXst]*)/g)) {
        let bits = 0;
        for (const letter of letters) {
          if (letter === 'X') bits |= isDir || (mode & 0o111) !== 0 ? 0o111 : 0;
          else if (letter === 'u' || letter === 'g' || letter === 'o')
            bits |= ((mode >> { u: 6, g: 3, o: 0 }[letter]) & 7) * 0o111;
          else bits |= letterBits[letter] ?? 0;
        }
        bits &= mask;
        if (operator === '+') mode |= bits;
        else if (operator === '-') mode &= ~bits;
        else mode = (mode & ~(mask & (isDir ? 0o1777 : 0o7777))) | bits;
      }
    }
    return mode;
  };
}
