/** `bridge monitor`: what changes at bridges, as it changes, until a signal ends the program. */
import type { RtnlEvent, RtnlGroup } from '@netloom/sys';
import { AF_BRIDGE } from '@netloom/sys';
import { matches, type Args } from '../args.js';
import { CommandExit } from '../command.js';
import type { IpContext } from '../ip/context.js';
import { printFdb } from './fdb.js';
import { MONITOR_HELP } from './help.js';
import { printPort } from './link.js';
import { printMdbEntry } from './mdb.js';

function printEvent(context: IpContext, event: RtnlEvent, label: boolean): void {
  const { out } = context;
  const deleted = event.type.startsWith('RTM_DEL');
  if ('link' in event) {
    if (event.link.slaveKind !== 'bridge') return;
    if (label) out.plain('[LINK]');
    if (deleted) out.plain('Deleted ');
    else context.rememberLink(event.link);
    printPort(context, event.link);
  } else if ('neigh' in event) {
    if (event.neigh.family !== AF_BRIDGE || event.type === 'RTM_GETNEIGH') return;
    if (label) out.plain('[NEIGH]');
    printFdb(context, event.neigh, true, deleted);
  } else if ('mdb' in event) {
    if (label) out.plain('[MDB]');
    printMdbEntry(context, event.mdb, deleted);
  }
}

/** `bridge monitor [link|fdb|mdb|vlan|all]`. */
export async function doMonitor(args: Args, context: IpContext): Promise<number> {
  const groups = new Set<RtnlGroup>();
  let label = false;
  while (!args.done) {
    const word = args.take();
    if (matches(word, 'fdb')) groups.add('neigh');
    else if (matches(word, 'link')) groups.add('link');
    else if (matches(word, 'mdb')) groups.add('mdb');
    else if (matches(word, 'vlan')) groups.add('vlan');
    else if (word === 'all') label = true;
    else if (matches(word, 'help')) throw new CommandExit(255, MONITOR_HELP);
    else throw new CommandExit(255, `Argument "${word}" is unknown, try "bridge monitor help".\n`);
  }
  if (groups.size === 0) for (const group of ['link', 'neigh', 'mdb'] as const) groups.add(group);
  const { sys } = context;
  const fd = sys.rtnlSubscribe([...groups]);
  for (;;) {
    printEvent(context, await sys.rtnlRecv(fd), label);
    await context.flush();
  }
}
