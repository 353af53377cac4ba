/** unshare, nsenter: network namespaces of a command. */
import { fromUnicode, toUnicode } from '../tool/bytes.js';
import { quoteAlways } from '../tool/quote.js';
import { exitCode, spawnProgram } from '../tool/spawn.js';
import { defineTool } from '../tool/tool.js';
import { become } from './run.js';

export const unshare = defineTool(
  {
    name: 'unshare',
    usage: '[options] [<program> [<argument>...]]',
    about: 'Run a program with some namespaces unshared from the parent.',
    suite: 'util-linux',
    shortName: true,
    short: 'm::u::i::n::p::U::C::T::frc',
    inOrder: true,
    long: {
      net: 'n::',
      mount: 'm::',
      uts: 'u::',
      ipc: 'i::',
      pid: 'p::',
      user: 'U::',
      cgroup: 'C::',
      time: 'T::',
      fork: 'f',
      'map-root-user': 'r',
      'map-current-user': 'c',
      'mount-proc': '--mount-proc::',
    },
  },
  async (t, { options, operands }) => {
    const has = (key: string): boolean => options.some((option) => option.key === key);
    for (const { key } of options)
      if ('muipUCT'.includes(key)) t.fail('unshare failed: Invalid argument');
    const net = options.find(({ key }) => key === 'n');
    if (net !== undefined) {
      t.sys.unshareNet();
      if (net.value !== undefined) t.sys.netnsBind(toUnicode(net.value));
    }
    const words =
      operands.length > 0 ? operands : [fromUnicode(t.sys.env.get('SHELL') ?? '/bin/sh')];
    if (!has('f')) return become(t, words, (name) => `failed to execute ${name}`);
    try {
      return exitCode(await t.sys.waitpid(spawnProgram(t.sys, words)));
    } catch (error) {
      t.warnErrno(`failed to execute ${words[0] ?? ''}`, error, 127);
      return t.status;
    }
  },
);

export const nsenter = defineTool(
  {
    name: 'nsenter',
    usage: '[options] [<program> [<argument>...]]',
    about: 'Run a program with namespaces of other processes.',
    suite: 'util-linux',
    shortName: true,
    short: 'at:m::u::i::n::p::C::U::T::S:G:r::w::FeZ',
    inOrder: true,
    long: {
      all: 'a',
      target: 't:',
      net: 'n::',
      mount: 'm::',
      uts: 'u::',
      ipc: 'i::',
      pid: 'p::',
      cgroup: 'C::',
      user: 'U::',
      time: 'T::',
      setuid: 'S:',
      setgid: 'G:',
      'preserve-credentials': '--pc',
      root: 'r::',
      wd: 'w::',
      'no-fork': 'F',
    },
  },
  async (t, { options, operands }) => {
    const target = options.filter(({ key }) => key === 't').pop()?.value;
    const net = options.filter(({ key }) => key === 'n' || key === 'a').pop();
    if (target !== undefined && !/^\d+$/.test(target))
      t.fail(`failed to parse pid: ${quoteAlways(target)}`);
    if (net !== undefined) {
      if (target === undefined && (net.value === undefined || net.value === ''))
        t.fail('neither filename nor target pid supplied for ns/net');
      const path =
        net.value !== undefined && net.value !== ''
          ? net.value.replace(/^=/, '')
          : `/proc/${target ?? ''}/ns/net`;
      let fd: number;
      try {
        fd = t.open(path);
      } catch (error) {
        t.warnErrno(`cannot open ${path}`, error);
        return 1;
      }
      try {
        t.sys.setns(fd);
      } catch (error) {
        t.warnErrno(`reassociate to namespace 'ns/net' failed`, error);
        return 1;
      }
      t.sys.close(fd);
    }
    const words =
      operands.length > 0 ? operands : [fromUnicode(t.sys.env.get('SHELL') ?? '/bin/sh')];
    return become(t, words, (name) => `failed to execute ${name}`);
  },
);
