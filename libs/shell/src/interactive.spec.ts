import { session } from './spec-host.js';

const INT = '\x03';
const EOF = '\x04';
const SUSP = '\x1a';
const UP = '\x1b[A';
const PROMPT = 'root@h:~# ';

/** Title, keys, and what the screen shows, prompts and echo included. */
const sessions: readonly (readonly [string, readonly (string | number)[], string])[] = [
  [
    'shows host and directory in the prompt',
    ['cd /tmp\r', 'exit\r'],
    `${PROMPT}cd /tmp\nroot@h:/tmp# exit\nexit\n`,
  ],
  ['leaves at ^D', ['echo hi\r', EOF], `${PROMPT}echo hi\nhi\n${PROMPT}exit\n`],
  [
    '^C ends the foreground job',
    ['sleep 100\r', INT, 'echo $?\r', EOF],
    `${PROMPT}sleep 100\n^C\n${PROMPT}echo $?\n130\n${PROMPT}exit\n`,
  ],
  [
    '^C ends a loop',
    ['while :; do sleep 0.01; done\r', INT, EOF],
    `${PROMPT}while :; do sleep 0.01; done\n^C\n${PROMPT}exit\n`,
  ],
  [
    '^C ends the whole list',
    ['sleep 9; echo no\r', INT, EOF],
    `${PROMPT}sleep 9; echo no\n^C\n${PROMPT}exit\n`,
  ],
  [
    '^C interrupts read, which loses nothing typed later',
    ['read x\r', INT, 'echo ok\r', EOF],
    `${PROMPT}read x\n^C\n${PROMPT}echo ok\nok\n${PROMPT}exit\n`,
  ],
  ['^C drops the line being typed', ['echo a', INT, EOF], `${PROMPT}echo a^C\n${PROMPT}exit\n`],
  [
    '^Z stops a job; bg and fg continue it',
    ['sleep 100\r', SUSP, 'bg\r', 'jobs\r', 'fg\r', INT, EOF],
    `${PROMPT}sleep 100\n^Z\n[1]+  Stopped                 sleep 100\n${PROMPT}bg\n[1]+ sleep 100 &\n` +
      `${PROMPT}jobs\n[1]+  Running                 sleep 100 &\n${PROMPT}fg\nsleep 100\n^C\n${PROMPT}exit\n`,
  ],
  [
    'warns once of stopped jobs',
    ['sleep 100 | cat\r', SUSP, 'exit\r', 'exit\r'],
    `${PROMPT}sleep 100 | cat\n^Z\n[1]+  Stopped                 sleep 100 | cat\n${PROMPT}exit\nexit\nThere are stopped jobs.\n${PROMPT}exit\nexit\n`,
  ],
  [
    'reports the end of a background job before the next prompt',
    ['sleep 1 &\r', 3, '\r', EOF],
    `${PROMPT}sleep 1 &\n[1] 101\n${PROMPT}\n[1]+  Done                    sleep 1\n${PROMPT}exit\n`,
  ],
  [
    'kill %1 ends a stopped job',
    ['sleep 100\r', SUSP, 'kill %1\r', '\r', EOF],
    `${PROMPT}sleep 100\n^Z\n[1]+  Stopped                 sleep 100\n${PROMPT}kill %1\n[1]+  Terminated              sleep 100\n${PROMPT}\n${PROMPT}exit\n`,
  ],
  [
    'a background job that reads the terminal stops',
    ['cat &\r', 1, 'fg\r', 'x\r', EOF, EOF],
    `${PROMPT}cat &\n[1] 101\n${PROMPT}fg\ncat\nx\nx\n${PROMPT}exit\n`,
  ],
  [
    'asks for the rest of a command',
    ['for i in 1 2\r', 'do echo $i\r', 'done\r', EOF],
    `${PROMPT}for i in 1 2\n> do echo $i\n> done\n1\n2\n${PROMPT}exit\n`,
  ],
  [
    'asks for the rest of a function',
    ['f() {\r', 'echo f\r', '}\r', 'f\r', EOF],
    `${PROMPT}f() {\n> echo f\n> }\n${PROMPT}f\nf\n${PROMPT}exit\n`,
  ],
  [
    'asks for the rest of quotes and here-documents',
    ['cat <<E\r', '"a\r', 'E\r', EOF],
    `${PROMPT}cat <<E\n> "a\n> E\n"a\n${PROMPT}exit\n`,
  ],
  [
    'joins lines at a backslash',
    ['echo a\\\r', 'b\r', EOF],
    `${PROMPT}echo a\\\n> b\nab\n${PROMPT}exit\n`,
  ],
  [
    'reports errors without a line number',
    ['nosuch\r', 'if then\r', EOF],
    `${PROMPT}nosuch\nbash: nosuch: command not found\n${PROMPT}if then\nbash: syntax error near unexpected token \`then'\n${PROMPT}exit\n`,
  ],
  [
    'expands aliases',
    ['alias l="echo x"\r', 'l y\r', EOF],
    `${PROMPT}alias l="echo x"\n${PROMPT}l y\nx y\n${PROMPT}exit\n`,
  ],
  [
    'expands history',
    ['echo a\r', '!!\r', EOF],
    `${PROMPT}echo a\na\n${PROMPT}!!\necho a\na\n${PROMPT}exit\n`,
  ],
  [
    'programs get their lines from the same terminal',
    ['read x\r', 'typed\r', 'echo $x\r', EOF],
    `${PROMPT}read x\ntyped\n${PROMPT}echo $x\ntyped\n${PROMPT}exit\n`,
  ],
];

describe('a terminal session', () => {
  it.each(sessions)('%s', async (_title, keys, shown) => {
    expect((await session(keys)).shown).toBe(shown);
  });
});

/** The last line of output of a line edited with these keys. */
async function edited(...keys: readonly string[]): Promise<string> {
  const { shown } = await session([...keys, '\r', EOF]);
  return shown.split('\n').at(-3) ?? '';
}

describe('line editing', () => {
  it.each<readonly [string, readonly string[], string]>([
    ['inserts where the cursor is', ['echo ac', '\x1b[D', 'b'], 'abc'],
    ['moves to both ends', ['cho x', '\x01', 'e', '\x05', 'y'], 'xy'],
    ['Home and End', ['cho x', '\x1b[H', 'e', '\x1b[F', 'y'], 'xy'],
    ['erases with backspace, also non-ASCII', ['echo aé\x7fb'], 'ab'],
    ['deletes under the cursor', ['echo abc', '\x1b[D\x1b[D', '\x1b[3~'], 'ac'],
    ['^K cuts to the end, ^Y pastes', ['echo abc', '\x1b[D\x1b[D', '\x0b', '\x19\x19'], 'abcbc'],
    ['^U cuts to the start', ['junk', '\x15', 'echo x'], 'x'],
    ['^W cuts a word', ['echo a b c', '\x17', 'd'], 'a b d'],
    ['moves by words', ['echo one two', '\x1bb\x1bb', 'X', '\x1bf', 'Y'], 'XoneY two'],
    ['transposes', ['echo ba', '\x14'], 'ab'],
    ['recalls with the arrow', ['echo first\r', 'echo second\r', UP, UP], 'first'],
    ['searches with ^R', ['echo alpha\r', 'echo beta\r', '\x12alp'], 'alpha'],
    ['takes the last argument with Alt-.', ['echo long\r', 'echo ', '\x1b.'], 'long'],
  ])('%s', async (_title, keys, out) => {
    expect(await edited(...keys)).toBe(out);
  });

  it.each<readonly [string, readonly string[], string]>([
    ['a command', ['ech', '\t', 'x'], 'x'],
    ['a path', ['echo /etc/hostn', '\t'], '/etc/hostname'],
    ['a directory with a slash', ['echo /us', '\t'], '/usr/'],
    ['a variable', ['echo $HOSTN', '\t'], 'h'],
    ['the common part of several', ['echo /etc/ho', '\t', 's'], '/etc/hosts'],
  ])('completes %s', async (_title, keys, out) => {
    expect(await edited(...keys)).toBe(out);
  });

  it('lists candidates at the second Tab', async () => {
    const { shown } = await session(['cat /etc/host', '\t\t', INT, EOF]);
    expect(shown).toContain('\nhostname  hosts\nroot@h:~# ');
  });
});
