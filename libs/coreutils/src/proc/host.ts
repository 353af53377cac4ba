/** id, whoami, groups, logname, hostname, uname, arch, nproc, getent: who and what the host is. */
import { KernelError } from '@netloom/base';
import { readTextFile, type ProgramSpec, type Sys } from '@netloom/sys';
import { fromUnicode, toUnicode } from '../tool/bytes.js';
import { quoteAlways } from '../tool/quote.js';
import { defineTool } from '../tool/tool.js';
import { accounts } from '../file/users.js';

export async function textOf(sys: Sys, path: string): Promise<string> {
  try {
    return await readTextFile(sys, path);
  } catch (error) {
    if (error instanceof KernelError) return '';
    throw error;
  }
}

const id = defineTool(
  {
    name: 'id',
    usage: '[OPTION]... [USER]...',
    about: 'Print user and group information for each specified USER, or for the current process.',
    short: 'agGnruzZ',
    long: { group: 'g', groups: 'G', name: 'n', real: 'r', user: 'u', zero: 'z' },
  },
  async (t, { options, operands }) => {
    const has = (key: string): boolean => options.some((option) => option.key === key);
    const known = await accounts(t.sys);
    if (['g', 'G', 'u'].filter(has).length > 1)
      t.fail('cannot print "only" of more than one choice');
    if (has('n') && !has('g') && !has('G') && !has('u'))
      t.fail('cannot print only names or real IDs in default format');
    for (const name of operands.length === 0 ? [undefined] : operands) {
      const uid = name === undefined ? t.sys.getuid() : known.uid(name);
      if (uid === undefined) {
        t.warn(`${quoteAlways(name ?? '')}: no such user`);
        continue;
      }
      const gid = known.entry(uid)?.gid ?? 0;
      const groups = [...new Set([gid, ...known.groupsOf(known.user(uid))])];
      if (has('u')) t.put(`${has('n') ? known.user(uid) : uid}\n`);
      else if (has('g')) t.put(`${has('n') ? known.group(gid) : gid}\n`);
      else if (has('G'))
        t.put(`${groups.map((group) => (has('n') ? known.group(group) : group)).join(' ')}\n`);
      else
        t.put(
          `uid=${uid}(${known.user(uid)}) gid=${gid}(${known.group(gid)}) groups=${groups.map((group) => `${group}(${known.group(group)})`).join(',')}\n`,
        );
    }
    return t.status;
  },
);

const whoami = defineTool(
  {
    name: 'whoami',
    usage: '[OPTION]...',
    about: 'Print the user name associated with the current effective user ID.',
  },
  async (t, { operands }) => {
    if (operands.length > 0) t.usage(`extra operand ${quoteAlways(operands[0] ?? '')}`);
    t.put(`${(await accounts(t.sys)).user(t.sys.getuid())}\n`);
    return 0;
  },
);

const groups = defineTool(
  {
    name: 'groups',
    usage: '[OPTION]... [USERNAME]...',
    about: 'Print group memberships for each USERNAME.',
  },
  async (t, { operands }) => {
    const known = await accounts(t.sys);
    const of = (uid: number): string =>
      [...new Set([known.entry(uid)?.gid ?? 0, ...known.groupsOf(known.user(uid))])]
        .map((gid) => known.group(gid))
        .join(' ');
    if (operands.length === 0) t.put(`${of(t.sys.getuid())}\n`);
    for (const name of operands) {
      const uid = known.uid(name);
      if (uid === undefined) t.warn(`${quoteAlways(name)}: no such user`);
      else t.put(`${name} : ${of(uid)}\n`);
    }
    return t.status;
  },
);

const logname = defineTool(
  { name: 'logname', usage: '[OPTION]', about: "Print the user's login name." },
  (t) => {
    const name = t.sys.isatty(0) ? t.sys.env.get('LOGNAME') : undefined;
    if (name === undefined) return t.fail('no login name');
    t.put(`${fromUnicode(name)}\n`);
    return Promise.resolve(0);
  },
);

const hostname = defineTool(
  {
    name: 'hostname',
    usage: '[-b] {hostname|-F file}\n       hostname [-a|-A|-d|-f|-i|-I|-s|-y]',
    about: '',
    suite: '',
    shortName: true,
    short: 'aAbdfF:iIsy',
    long: {
      short: 's',
      fqdn: 'f',
      long: 'f',
      domain: 'd',
      'ip-address': 'i',
      'all-ip-addresses': 'I',
      alias: 'a',
      file: 'F:',
      boot: 'b',
    },
  },
  async (t, { options, operands }) => {
    const has = (key: string): boolean => options.some((option) => option.key === key);
    const file = options.find(({ key }) => key === 'F')?.value;
    const name =
      file === undefined
        ? operands[0]
        : (await textOf(t.sys, toUnicode(file)))
            .split('\n')
            .find((line) => line !== '' && !line.startsWith('#'))
            ?.trim();
    if (name !== undefined) {
      if (!/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(name))
        t.fail('the specified hostname is invalid');
      t.sys.sethostname(toUnicode(name));
      return 0;
    }
    const current = fromUnicode(t.sys.hostname());
    if (has('I')) {
      const text = (addr: number): string =>
        [24, 16, 8, 0].map((shift) => (addr >>> shift) & 255).join('.');
      const addresses = t.sys
        .rtnl('RTM_GETADDR', {})
        .filter((addr) => addr.scope < 254 && typeof addr.local === 'number')
        .map((addr) => text(addr.local as number));
      t.put(`${addresses.map((address) => `${address} `).join('')}\n`);
    } else if (has('s')) t.put(`${current.split('.')[0] ?? ''}\n`);
    else if (has('d')) t.put(`${current.split('.').slice(1).join('.')}\n`);
    else if (has('i')) {
      const row = (await textOf(t.sys, '/etc/hosts'))
        .split('\n')
        .map((line) => line.replace(/#.*/, '').trim().split(/\s+/))
        .find((words) => words.slice(1).includes(current));
      if (row === undefined) return t.fail('Name or service not known');
      t.put(`${row[0] ?? ''}\n`);
    } else t.put(`${current}\n`);
    return 0;
  },
);

const uname = defineTool(
  {
    name: 'uname',
    usage: '[OPTION]...',
    about: 'Print certain system information.  With no OPTION, same as -s.',
    short: 'asnrvmpio',
    long: {
      all: 'a',
      'kernel-name': 's',
      nodename: 'n',
      'kernel-release': 'r',
      'kernel-version': 'v',
      machine: 'm',
      processor: 'p',
      'hardware-platform': 'i',
      'operating-system': 'o',
    },
  },
  (t, { options, operands }) => {
    if (operands.length > 0) t.usage(`extra operand ${quoteAlways(operands[0] ?? '')}`);
    const name = t.sys.uname();
    const keys = new Set(options.map(({ key }) => key));
    const all = keys.has('a');
    if (keys.size === 0) keys.add('s');
    const parts: [string, string][] = [
      ['s', name.sysname],
      ['n', name.nodename],
      ['r', name.release],
      ['v', name.version],
      ['m', name.machine],
      ...(all
        ? []
        : ([
            ['p', 'unknown'],
            ['i', 'unknown'],
          ] as [string, string][])),
      ['o', 'GNU/Linux'],
    ];
    t.put(
      `${parts
        .filter(([key]) => all || keys.has(key))
        .map(([, text]) => fromUnicode(text))
        .join(' ')}\n`,
    );
    return Promise.resolve(0);
  },
);

const arch = defineTool(
  { name: 'arch', usage: '[OPTION]...', about: 'Print machine architecture.' },
  (t) => {
    t.put(`${t.sys.uname().machine}\n`);
    return Promise.resolve(0);
  },
);

const nproc = defineTool(
  {
    name: 'nproc',
    usage: '[OPTION]...',
    about: 'Print the number of processing units available to the current process.',
    long: { all: '--all', ignore: '--ignore:' },
  },
  (t, { options }) => {
    const ignore = options.find(({ key }) => key === '--ignore')?.value ?? '0';
    if (!/^\d+$/.test(ignore)) t.fail(`invalid number: ${quoteAlways(ignore)}`);
    t.put(`${Math.max(1, t.sys.nprocs() - Number(ignore))}\n`);
    return Promise.resolve(0);
  },
);

const getent = defineTool(
  {
    name: 'getent',
    usage: '[OPTION...] database [key ...]',
    about: 'Get entries from administrative database.',
    suite: '',
    short: 'is:',
    inOrder: true,
  },
  async (t, { operands }) => {
    const [database, ...keys] = operands;
    const files: Readonly<Record<string, string>> = {
      passwd: '/etc/passwd',
      group: '/etc/group',
      hosts: '/etc/hosts',
      services: '/etc/services',
      protocols: '/etc/protocols',
      networks: '/etc/networks',
      ahosts: '/etc/hosts',
      ahostsv4: '/etc/hosts',
    };
    const path = files[database ?? ''];
    if (database === undefined) return t.usage('wrong number of arguments');
    if (path === undefined) return t.usage(`Unknown database: ${database}`);
    const lines = (await textOf(t.sys, path))
      .split('\n')
      .map((line) => fromUnicode(line.replace(/#.*/, '').trim()))
      .filter((line) => line !== '');
    const separator = database === 'passwd' || database === 'group' ? ':' : /\s+/;
    const show = (line: string): string => {
      if (separator === ':') return line;
      const [first = '', ...rest] = line.split(/\s+/);
      return `${first.padEnd(database.includes('hosts') ? 15 : 21)} ${rest.join(' ')}`;
    };
    if (keys.length === 0) for (const line of lines) t.put(`${show(line)}\n`);
    let missing = false;
    for (const key of keys) {
      const found = lines.filter((line) => {
        const words = line.split(separator);
        if (separator === ':') return words[0] === key || words[2] === key;
        return (
          words.includes(key) ||
          words.some(
            (word) => word === key || (database === 'services' && word.split('/')[0] === key),
          )
        );
      });
      if (found.length === 0) missing = true;
      const [first] = found;
      if (first !== undefined) t.put(`${show(first)}\n`);
    }
    return missing ? 2 : 0;
  },
);

export const hostPrograms: readonly ProgramSpec[] = [
  id,
  whoami,
  groups,
  logname,
  hostname,
  uname,
  arch,
  nproc,
  getent,
];
