/**
 * `ip route save`, `restore` and `showdump`: routes as a stream that another `ip route` reads. The stream starts as
 * iproute2's does; what follows are this kernel's messages.
 */
import { KernelError, strerror } from '@netloom/base';
import { decodeText, encodeText, printErr, readAll, type RouteMsg } from '@netloom/sys';
import { Args } from '../args.js';
import { CommandExit } from '../command.js';
import type { IpContext } from './context.js';
import { columnsOf, parseRouteFilter, selectRoutes } from './route-filter.js';
import { printRoute } from './route-print.js';

/** 0x45311224, as a little-endian machine writes it. */
const MAGIC = [0x24, 0x12, 0x31, 0x45] as const;

/** Addresses of IPv6 are bytes; JSON has no such thing. */
function plain(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? { bytes: [...value] } : value;
}

function unplain(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('bytes' in value)) return value;
  return Uint8Array.from((value as { readonly bytes: readonly number[] }).bytes);
}

export async function routeSave(args: Args, context: IpContext): Promise<void> {
  const { sys } = context;
  if (sys.isatty(1)) throw new CommandExit(1, 'Not sending a binary stream to stdout\n');
  const routes = selectRoutes(context, parseRouteFilter(args, context));
  const body = encodeText(routes.map((route) => `${JSON.stringify(route, plain)}\n`).join(''));
  const stream = new Uint8Array(MAGIC.length + body.length);
  stream.set(MAGIC);
  stream.set(body, MAGIC.length);
  await sys.write(1, stream);
}

async function readStream(context: IpContext): Promise<RouteMsg[]> {
  const { sys } = context;
  if (sys.isatty(0)) throw new CommandExit(1, "Can't restore route dump from a terminal\n");
  const stream = await readAll(sys, 0);
  if (!MAGIC.every((byte, i) => stream[i] === byte)) {
    const [a = 0, b = 0, c = 0, d = 0] = stream;
    const found = ((d << 24) | (c << 16) | (b << 8) | a) >>> 0;
    throw new CommandExit(
      1,
      `Magic mismatch (${stream.length < 4 ? 0 : 1} elems, ${found.toString(16)} magic)\n`,
    );
  }
  return decodeText(stream.subarray(MAGIC.length))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line, unplain) as RouteMsg);
}

export async function routeRestore(context: IpContext): Promise<void> {
  for (const route of await readStream(context)) {
    try {
      context.sys.rtnl('RTM_NEWROUTE', { ...route, mode: 'add' });
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      await printErr(context.sys, `RTNETLINK answers: ${strerror(error.errno)}\n`);
    }
  }
}

export async function routeShowdump(context: IpContext): Promise<void> {
  const columns = columnsOf(parseRouteFilter(new Args([]), context));
  for (const route of await readStream(context)) printRoute(context, route, columns);
}
