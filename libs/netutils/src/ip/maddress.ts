/** `ip maddress`: multicast memberships as /proc/net tells them. */
import { formatIpv4, KernelError } from '@netloom/base';
import { AF_INET, AF_INET6, AF_PACKET, AF_UNSPEC, readTextFile } from '@netloom/sys';
import { matches, type Args } from '../args.js';
import { CommandExit } from '../command.js';
import type { IpContext } from './context.js';
import { MADDRESS_HELP } from './help.js';

interface Membership {
  readonly ifindex: number;
  readonly ifname: string;
  readonly family: 'link' | 'inet' | 'inet6';
  readonly address: string;
  readonly users: number;
}

async function lines(context: IpContext, path: string): Promise<string[]> {
  try {
    return (await readTextFile(context.sys, path)).split('\n').filter((line) => line !== '');
  } catch (error) {
    if (error instanceof KernelError) return [];
    throw error;
  }
}

function colonHex(hex: string, step: number): string {
  const out: string[] = [];
  for (let i = 0; i < hex.length; i += step) out.push(hex.slice(i, i + step));
  return out.join(':');
}

async function memberships(context: IpContext): Promise<Membership[]> {
  const family = context.options.family;
  const out: Membership[] = [];
  if (family === AF_UNSPEC || family === AF_PACKET) {
    for (const line of await lines(context, '/proc/net/dev_mcast')) {
      const [index = '', name = '', users = '', , hex = ''] = line.trim().split(/\s+/);
      out.push({
        ifindex: Number(index),
        ifname: name,
        family: 'link',
        address: colonHex(hex, 2),
        users: Number(users),
      });
    }
  }
  if (family === AF_UNSPEC || family === AF_INET) {
    let ifindex = 0;
    let name = '';
    for (const line of (await lines(context, '/proc/net/igmp')).slice(1)) {
      const head = /^(\d+)\s+(\S+)/.exec(line);
      if (head !== null) {
        ifindex = Number(head[1]);
        name = (head[2] ?? '').replace(/:$/, '');
        continue;
      }
      const [hex = '', users = ''] = line.trim().split(/\s+/);
      // written as the machine stores it: the first octet last
      const bytes = parseInt(hex, 16);
      const swapped =
        (((bytes & 255) << 24) |
          ((bytes & 0xff00) << 8) |
          ((bytes >>> 8) & 0xff00) |
          (bytes >>> 24)) >>>
        0;
      out.push({
        ifindex,
        ifname: name,
        family: 'inet',
        address: formatIpv4(swapped),
        users: Number(users),
      });
    }
  }
  if (family === AF_UNSPEC || family === AF_INET6) {
    for (const line of await lines(context, '/proc/net/igmp6')) {
      const [index = '', name = '', hex = '', users = ''] = line.trim().split(/\s+/);
      out.push({
        ifindex: Number(index),
        ifname: name,
        family: 'inet6',
        address: colonHex(hex, 4)
          .replace(/(^|:)0+(?=[0-9a-f])/g, '$1')
          .replace(/(^|:)(0(:|$)){2,}/, '::'),
        users: Number(users),
      });
    }
  }
  return out;
}

/** `ip maddress [show [dev DEV]]`. */
export async function doMaddress(args: Args, context: IpContext): Promise<void> {
  const { out } = context;
  const verb = args.done ? 'show' : args.take();
  if (matches(verb, 'help')) throw new CommandExit(255, MADDRESS_HELP);
  if (matches(verb, 'add') || matches(verb, 'delete')) {
    throw new CommandExit(1, 'ioctl: Operation not supported\n');
  }
  if (!['show', 'list', 'lst'].some((name) => matches(verb, name))) {
    throw new CommandExit(255, `Command "${verb}" is unknown, try "ip maddr help".\n`);
  }
  let dev: string | undefined;
  while (!args.done) {
    const word = args.take();
    dev = word === 'dev' ? args.value() : word;
  }
  const all = (await memberships(context)).filter((one) => dev === undefined || one.ifname === dev);
  const byDevice = new Map<number, Membership[]>();
  for (const one of all) byDevice.set(one.ifindex, [...(byDevice.get(one.ifindex) ?? []), one]);
  out.start();
  for (const [ifindex, list] of [...byDevice].sort(([a], [b]) => a - b)) {
    const name = list[0]?.ifname ?? '';
    out.openObject();
    out.any('ifindex', `${ifindex}:`, ifindex);
    out.any('ifname', `\t${name}\n`, name);
    out.openArray('maddr');
    for (const one of list) {
      out.openObject();
      out.any('family', `\t${one.family === 'link' ? 'link ' : one.family.padEnd(5)} `, one.family);
      out.any(one.family === 'link' ? 'link' : 'address', one.address, one.address);
      if (one.users !== 1) out.any('users', ` users ${one.users}`, one.users);
      out.plain('\n');
      out.closeObject();
    }
    out.closeArray();
    out.closeObject();
  }
  out.finish();
}
