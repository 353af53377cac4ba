/** tty, stty, tput, clear, less, more: the terminal. */
import type { ProgramSpec } from '@netloom/sys';
import { quoteAlways } from '../tool/quote.js';
import { defineTool } from '../tool/tool.js';

export const tty = defineTool(
  {
    name: 'tty',
    usage: '[OPTION]...',
    about: 'Print the file name of the terminal connected to standard input.',
    short: 's',
    long: { silent: 's', quiet: 's' },
    errorStatus: 2,
  },
  (t, { options }) => {
    const is = t.sys.isatty(0);
    if (options.length === 0) t.put(is ? `${t.sys.readlink('/proc/self/fd/0')}\n` : 'not a tty\n');
    return Promise.resolve(is ? 0 : 1);
  },
);

export const stty = defineTool(
  {
    name: 'stty',
    usage: '[-F DEVICE | --file=DEVICE] [SETTING]...',
    about: 'Print or change terminal characteristics.',
    raw: true,
  },
  (t) => {
    const args = t.args.filter((arg) => arg !== '-a' && arg !== '--all');
    if (!t.sys.isatty(0)) return t.fail("'standard input': Inappropriate ioctl for device");
    const { rows, cols } = t.sys.ttySize(0);
    if (args.length === 0)
      t.put(
        t.args.length > 0
          ? `speed 38400 baud; rows ${rows}; columns ${cols}; line = 0;\nintr = ^C; quit = ^\\; erase = ^?; kill = ^U; eof = ^D; susp = ^Z;\n`
          : 'speed 38400 baud; line = 0;\n',
      );
    for (const arg of args) {
      if (arg === 'size') t.put(`${rows} ${cols}\n`);
      else if (arg === 'raw' || arg === 'cbreak' || arg === '-icanon' || arg === '-echo')
        t.sys.ttyRaw(0, true);
      else if (
        arg === 'sane' ||
        arg === 'cooked' ||
        arg === '-raw' ||
        arg === 'icanon' ||
        arg === 'echo'
      )
        t.sys.ttyRaw(0, false);
      else if (arg === 'speed') t.put('38400\n');
      else if (
        !/^-?(ixon|ixoff|onlcr|opost|isig|iexten|echoe|echok|echoctl|echoke|icrnl)$/.test(arg)
      )
        return t.usage(`invalid argument ${quoteAlways(arg)}`);
    }
    return Promise.resolve(0);
  },
);

export const clearText = '\x1b[H\x1b[2J\x1b[3J';
export const capabilities: Readonly<Record<string, string>> = {
  clear: clearText,
  bold: '\x1b[1m',
  dim: '\x1b[2m',
  rev: '\x1b[7m',
  smul: '\x1b[4m',
  rmul: '\x1b[24m',
  sgr0: '\x1b(B\x1b[m',
  civis: '\x1b[?25l',
  cnorm: '\x1b[?12l\x1b[?25h',
  el: '\x1b[K',
  ed: '\x1b[J',
  home: '\x1b[H',
  cuu1: '\x1b[A',
  smcup: '\x1b[?1049h',
  rmcup: '\x1b[?1049l',
  bel: '\x07',
  reset: '\x1bc\x1b[!p\x1b[?3;4l\x1b[4l\x1b>',
};

export const tput = defineTool(
  {
    name: 'tput',
    usage: '[options] [command]',
    about: '',
    suite: '',
    short: 'ST:Vx',
    inOrder: true,
  },
  (t, { options, operands }) => {
    const term = options.find(({ key }) => key === 'T')?.value ?? t.sys.env.get('TERM');
    if (term === undefined) return t.fail('No value for $TERM and no -T specified', 2);
    const [name = '', ...args] = operands;
    const size = t.sys.isatty(1)
      ? t.sys.ttySize(1)
      : t.sys.isatty(2)
        ? t.sys.ttySize(2)
        : { rows: 24, cols: 80 };
    if (name === 'cols') t.put(`${size.cols}\n`);
    else if (name === 'lines') t.put(`${size.rows}\n`);
    else if (name === 'colors') t.put('256\n');
    else if (name === 'setaf' || name === 'setab') {
      const colour = Number(args[0] ?? 0);
      const base = name === 'setaf' ? 30 : 40;
      t.put(
        colour < 8
          ? `\x1b[${base + colour}m`
          : colour < 16
            ? `\x1b[${base + 60 + colour - 8}m`
            : `\x1b[${base + 8};5;${colour}m`,
      );
    } else if (name === 'cup')
      t.put(`\x1b[${Number(args[0] ?? 0) + 1};${Number(args[1] ?? 0) + 1}H`);
    else {
      const text = capabilities[name];
      if (text === undefined) return t.fail(`unknown terminfo capability '${name}'`, 4);
      t.put(text);
    }
    return Promise.resolve(0);
  },
);

export const clear = defineTool(
  { name: 'clear', usage: '[options]', about: '', suite: '', short: 'T:Vx' },
  (t) => {
    if (t.sys.env.get('TERM') === undefined) return t.fail('TERM environment variable not set.');
    t.put(clearText);
    return Promise.resolve(0);
  },
);

/** A pager: on a terminal a screen at a time (space, return, q), else the text as it is. */
export function pager(name: string): ProgramSpec {
  return defineTool(
    {
      name,
      usage: '[options] <file>...',
      about: '',
      suite: '',
      shortName: true,
      short: '0123456789aAbBcdeEfFgGiIlmMnNpqQrRsSuUwWxXz',
      raw: true,
    },
    async (t) => {
      const files = t.args.filter((arg) => !/^[-+]./.test(arg));
      const paged = t.sys.isatty(1);
      let lines = 0;
      const { rows } = paged ? t.sys.ttySize(1) : { rows: 24 };
      const keys = paged ? t.sys.open('/dev/tty', 0) : -1;
      if (paged) t.sys.ttyRaw(keys, true);
      let quit = false;
      await t.eachInput(files, async (input, shown) => {
        if (name === 'more' && files.length > 1)
          t.put(`::::::::::::::\n${shown}\n::::::::::::::\n`);
        for (
          let line = await input.line();
          line !== undefined && !quit;
          line = await input.line()
        ) {
          t.put(line + (paged ? '\r\n' : input.terminated ? '\n' : ''));
          if (!paged || ++lines < rows - 1) continue;
          t.put(name === 'more' ? '--More--' : ':');
          await t.flush();
          const [key = 113] = await t.sys.read(keys, 1);
          t.put('\r\x1b[K');
          quit = key === 113 || key === 81 || key === 3;
          lines = key === 13 || key === 10 || key === 106 ? rows - 2 : 0;
        }
      });
      if (paged) t.sys.ttyRaw(keys, false);
      return t.status;
    },
  );
}

export const terminalPrograms: readonly ProgramSpec[] = [
  tty,
  stty,
  tput,
  clear,
  pager('less'),
  pager('more'),
];
