/** `route`: the routing table, and adding and deleting routes (net-tools 2.10, IPv4). */
import { ipv4Mask, strerror } from '@netloom/base';
import { AF_INET, print, type RouteNew, type Sys } from '@netloom/sys';
import { CommandExit, errnoOf, program } from '../command.js';
import { getopt } from '../getopt.js';
import { inetAton, resolveName } from '../resolve.js';
import { ROUTE_INET_USAGE, ROUTE_USAGE } from '../usage.js';
import { routeTable } from './routes.js';
import { routeTable6 } from './routes6.js';

async function addressOf(sys: Sys, text: string): Promise<number> {
  const resolved = await resolveName(sys, text, 4);
  if (resolved === undefined || typeof resolved.address !== 'number') {
    throw new CommandExit(4, `${text}: Unknown host\n`);
  }
  return resolved.address;
}

function classLength(address: number): number {
  if (address === 0) return 0;
  if ((address & 0xff) !== 0) return 32;
  if (address >>> 31 === 0) return (address & 0xffffff) === 0 ? 8 : 32;
  return address >>> 30 === 2 ? ((address & 0xffff) === 0 ? 16 : 32) : 24;
}

async function change(sys: Sys, verb: string, words: readonly string[]): Promise<number> {
  const rest = [...words];
  let kind: 'net' | 'host' | undefined;
  if (rest[0] === '-net' || rest[0] === '-host') kind = rest.shift() === '-net' ? 'net' : 'host';
  const target = rest.shift();
  if (target === undefined) throw new CommandExit(0, ROUTE_INET_USAGE);
  const [host = '', lengthText] = target.split('/');
  const dst = host === 'default' ? 0 : await addressOf(sys, host);
  let length = lengthText === undefined ? undefined : Number(lengthText);
  if (length === undefined && kind === 'host') length = 32;
  let gateway: number | undefined;
  let dev: string | undefined;
  let metric: number | undefined;
  let reject = false;
  const value = (): string => {
    const next = rest.shift();
    if (next === undefined) throw new CommandExit(3, ROUTE_INET_USAGE);
    return next;
  };
  while (rest.length > 0) {
    const word = rest.shift() ?? '';
    if (word === 'gw' || word === 'gateway') gateway = await addressOf(sys, value());
    else if (word === 'netmask') {
      const mask = inetAton(value()) ?? 0;
      for (let bits = 0; bits <= 32; bits++) if (ipv4Mask(bits) === mask) length = bits;
    } else if (word === 'metric') metric = Number(value());
    else if (word === 'dev' || word === 'device') dev = value();
    else if (word === 'mss' || word === 'window' || word === 'irtt') value();
    else if (word === 'reject') reject = true;
    else if (['mod', 'dyn', 'reinstate'].includes(word)) continue;
    else dev = word;
  }
  const dstLen = length ?? (host === 'default' ? 0 : classLength(dst));
  if ((dst & ~ipv4Mask(dstLen)) !== 0) {
    throw new CommandExit(3, `route: netmask doesn't match route address\n${ROUTE_INET_USAGE}`);
  }
  let ifindex: number | undefined;
  if (dev !== undefined) {
    ifindex = sys.rtnl('RTM_GETLINK', {}).find((link) => link.ifname === dev)?.ifindex;
    if (ifindex === undefined)
      throw new CommandExit(7, `${verb === 'add' ? 'SIOCADDRT' : 'SIOCDELRT'}: ${strerror(19)}\n`);
  }
  const nexthops =
    gateway === undefined && ifindex === undefined
      ? {}
      : {
          nexthops: [
            {
              ...(gateway === undefined ? {} : { via: gateway }),
              ...(ifindex === undefined ? {} : { ifindex }),
            },
          ],
        };
  const request: Omit<RouteNew, 'mode'> = {
    family: AF_INET,
    ...(dstLen === 0 ? {} : { dst }),
    dstLen,
    ...nexthops,
    ...(metric === undefined ? {} : { priority: metric }),
    ...(reject ? { type: 7 } : {}),
  };
  try {
    if (verb === 'add') {
      sys.rtnl('RTM_NEWROUTE', {
        ...request,
        protocol: 3,
        scope: gateway === undefined && !reject ? 253 : 0,
        type: reject ? 7 : 1,
        mode: 'add',
      });
    } else sys.rtnl('RTM_DELROUTE', { ...request, scope: 255 });
  } catch (error) {
    const errno = errnoOf(error);
    // the ioctl has no extended text: an unreachable gateway is ENETUNREACH there
    throw new CommandExit(7, `${verb === 'add' ? 'SIOCADDRT' : 'SIOCDELRT'}: ${strerror(errno)}\n`);
  }
  return 0;
}

/** route(8). */
export const routeMain = program(async (sys) => {
  const parsed = getopt('route', sys.argv.slice(1), {
    short: '+A:eCFhnN64Vv?',
    long: {
      extend: 'e',
      verbose: 'v',
      version: 'V',
      numeric: 'n',
      symbolic: 'N',
      cache: 'C',
      fib: 'F',
      help: 'h',
    },
  });
  if (parsed.error !== undefined) throw new CommandExit(3, `${parsed.error}\n${ROUTE_USAGE}`);
  const has = (name: string): boolean => parsed.options.some((option) => option.name === name);
  if (has('h') || has('?')) throw new CommandExit(3, ROUTE_USAGE);
  if (has('V')) {
    await print(sys, 'net-tools 2.10\n');
    return 0;
  }
  const [verb, ...rest] = parsed.operands;
  if (verb === undefined) {
    const six =
      has('6') || parsed.options.some(({ name, value }) => name === 'A' && value === 'inet6');
    const numeric = has('n');
    await print(
      sys,
      six ? await routeTable6(sys, numeric) : await routeTable(sys, numeric, has('e')),
    );
    return 0;
  }
  if (verb === 'add' || verb === 'del' || verb === 'delete')
    return await change(sys, verb === 'add' ? 'add' : 'del', rest);
  throw new CommandExit(3, ROUTE_USAGE);
});
