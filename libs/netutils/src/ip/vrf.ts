/** `ip vrf`: VRF devices and their tables. */
import { matches, type Args } from '../args.js';
import { CommandExit } from '../command.js';
import type { IpContext } from './context.js';

const VRF_HELP = `Usage:	ip vrf show [NAME] ...
	ip vrf exec [NAME] cmd ...
	ip vrf identify [PID]
	ip vrf pids [NAME]
`;

function vrfShow(args: Args, context: IpContext): void {
  const { out, options } = context;
  const wanted = args.done ? undefined : args.take();
  const vrfs = context.dump('RTM_GETLINK', { kind: 'vrf' });
  if (wanted !== undefined) {
    const vrf = vrfs.find((link) => link.ifname === wanted);
    if (vrf === undefined) throw new CommandExit(255, 'Invalid VRF\n');
    const table = Number(vrf.data?.['table'] ?? 0);
    out.start();
    out.openObject();
    out.any('name', `${vrf.ifname} `, vrf.ifname);
    out.any('table', `${table}\n`, table);
    out.closeObject();
    out.finish();
    return;
  }
  out.start();
  if (!options.json) {
    if (vrfs.length === 0) {
      out.plain('No VRF has been configured\n');
      return;
    }
    out.plain(`${'Name'.padEnd(16)}${'  '}Table\n${'-'.repeat(23)}\n`);
  }
  for (const link of vrfs) {
    const table = Number(link.data?.['table'] ?? 0);
    out.openObject();
    out.any('name', link.ifname.padEnd(16), link.ifname);
    out.any('table', ` ${String(table).padStart(5)}\n`, table);
    out.closeObject();
  }
  out.finish();
}

/** `ip vrf …`. Processes are not bound to VRFs. */
export function doVrf(args: Args, context: IpContext): void {
  const verb = args.done ? 'show' : args.take();
  if (matches(verb, 'show') || matches(verb, 'list') || matches(verb, 'lst'))
    vrfShow(args, context);
  else if (matches(verb, 'identify') || matches(verb, 'pids')) args.rest();
  else if (matches(verb, 'exec'))
    throw new CommandExit(255, 'ip vrf exec: Operation not supported\n');
  else if (matches(verb, 'help')) throw new CommandExit(0, VRF_HELP);
  else throw new CommandExit(255, `Command "${verb}" is unknown, try "ip vrf help".\n`);
}
