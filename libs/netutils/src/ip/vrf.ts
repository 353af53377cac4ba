/** `ip vrf`: VRF devices and their tables. */
import { KernelError } from '@netloom/base';
import { invalidArgument, matches, parseUnsigned, type Args } from '../args.js';
import { CommandExit } from '../command.js';
import type { IpContext } from './context.js';
import { execCommand } from './netns.js';

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

/** The VRF that a process's sockets are bound to. */
function vrfName(context: IpContext, pid?: number): string | undefined {
  try {
    const ifindex = context.sys.socketsBound(pid);
    return ifindex === 0 ? undefined : context.ifname(ifindex);
  } catch (error) {
    if (error instanceof KernelError) return undefined;
    throw error;
  }
}

function vrfIdentify(args: Args, context: IpContext): void {
  const word = args.done ? undefined : args.take();
  const pid = word === undefined ? undefined : parseUnsigned(word, 0x7fffffff);
  if (word !== undefined && pid === undefined) throw invalidArgument('Invalid pid\n', word);
  const name = vrfName(context, pid);
  if (name !== undefined) context.out.literal(`${name}\n`);
}

function vrfPids(args: Args, context: IpContext): void {
  if (args.done) throw new CommandExit(255, 'No VRF name specified\n');
  const wanted = args.take();
  for (const { pid, comm } of context.sys.processes())
    if (vrfName(context, pid) === wanted)
      context.out.literal(`${String(pid).padStart(5)}  ${comm}\n`);
}

async function vrfExec(args: Args, context: IpContext): Promise<number> {
  if (args.done) throw new CommandExit(255, 'No VRF name specified\n');
  const name = args.take();
  if (args.done) throw new CommandExit(255, 'No command specified\n');
  const link = context.linkByName(name);
  if (name !== 'default' && link?.kind !== 'vrf') throw new CommandExit(255, 'Invalid VRF name\n');
  context.sys.socketsBind(name === 'default' ? 0 : (link?.ifindex ?? 0));
  return await execCommand(context.sys, args.rest());
}

/** `ip vrf …`. */
export async function doVrf(args: Args, context: IpContext): Promise<number> {
  const verb = args.done ? 'show' : args.take();
  if (matches(verb, 'identify')) vrfIdentify(args, context);
  else if (matches(verb, 'pids')) vrfPids(args, context);
  else if (matches(verb, 'exec')) return await vrfExec(args, context);
  else if (matches(verb, 'show') || matches(verb, 'list') || matches(verb, 'lst'))
    vrfShow(args, context);
  else if (matches(verb, 'help')) throw new CommandExit(0, VRF_HELP);
  else throw new CommandExit(255, `Command "${verb}" is unknown, try "ip vrf help".\n`);
  return 0;
}
