/** `ip tuntap`: makes persistent devices through /dev/net/tun, and lists them. Source: ip/iptuntap.c. */
import { KernelError, strerror } from '@netloom/base';
import { OpenFlag, TunFlag, type LinkMsg, type Sys } from '@netloom/sys';
import { matches, parseUnsigned, type Args } from '../args.js';
import { CommandExit } from '../command.js';
import type { IpContext } from './context.js';

const TUNTAP_HELP = `Usage: ip tuntap { add | del | show | list | lst | help } [ dev PHYS_DEV ]
       [ mode { tun | tap } ] [ user USER ] [ group GROUP ]
       [ one_queue ] [ pi ] [ vnet_hdr ] [ multi_queue ] [ name NAME ]

Where: USER  := { STRING | NUMBER }
       GROUP := { STRING | NUMBER }
`;

interface Parms {
  name: string;
  flags: number;
  owner?: number;
  group?: number;
}

function id(word: string, what: string): number {
  if (word === 'root') return 0;
  const value = parseUnsigned(word, 0xffffffff);
  if (value === undefined) throw new CommandExit(255, `invalid ${what} "${word}"\n`);
  return value;
}

function parse(args: Args): Parms {
  const parms: Parms = { name: '', flags: TunFlag.IFF_NO_PI };
  while (!args.done) {
    const word = args.take();
    if (matches(word, 'mode')) {
      const mode = args.value();
      if (matches(mode, 'tun')) parms.flags |= TunFlag.IFF_TUN;
      else if (matches(mode, 'tap')) parms.flags |= TunFlag.IFF_TAP;
      else throw new CommandExit(255, `Unknown tunnel mode "${mode}"\n`);
    } else if (word === 'user') parms.owner = id(args.value(), 'user');
    else if (word === 'group') parms.group = id(args.value(), 'group');
    else if (matches(word, 'pi')) parms.flags &= ~TunFlag.IFF_NO_PI;
    else if (matches(word, 'one_queue')) parms.flags |= TunFlag.IFF_ONE_QUEUE;
    else if (matches(word, 'vnet_hdr')) parms.flags |= TunFlag.IFF_VNET_HDR;
    else if (matches(word, 'multi_queue')) parms.flags |= TunFlag.IFF_MULTI_QUEUE;
    else if (matches(word, 'dev') || matches(word, 'name')) parms.name = args.value();
    else {
      if (matches(word, 'help')) throw new CommandExit(255, TUNTAP_HELP);
      if (parms.name !== '')
        throw new CommandExit(
          255,
          `Error: either "name" is duplicate, or "${word}" is a garbage.\n`,
        );
      parms.name = word;
    }
  }
  return parms;
}

/** Opens the device, and says which call failed. */
function withTun(sys: Sys, body: (fd: number) => void): void {
  let fd: number;
  try {
    fd = sys.open('/dev/net/tun', OpenFlag.O_RDWR);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    throw new CommandExit(1, `open: ${strerror(error.errno)}\n`);
  }
  try {
    body(fd);
  } finally {
    sys.close(fd);
  }
}

function ioctl(name: string, call: () => unknown): void {
  try {
    call();
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    throw new CommandExit(1, `ioctl(${name}): ${strerror(error.errno)}\n`);
  }
}

function needMode({ flags }: Parms): void {
  if ((flags & (TunFlag.IFF_TUN | TunFlag.IFF_TAP)) === 0)
    throw new CommandExit(1, 'You failed to specify a tunnel mode\n');
}

function add(args: Args, { sys }: IpContext): void {
  const parms = parse(args);
  needMode(parms);
  withTun(sys, (fd) => {
    ioctl('TUNSETIFF', () => sys.tunSetIff(fd, parms.name, parms.flags | TunFlag.IFF_TUN_EXCL));
    const { owner, group } = parms;
    if (owner !== undefined)
      ioctl('TUNSETOWNER', () => {
        sys.tunSet(fd, 'owner', owner);
      });
    if (group !== undefined)
      ioctl('TUNSETGROUP', () => {
        sys.tunSet(fd, 'group', group);
      });
    ioctl('TUNSETPERSIST', () => {
      sys.tunSet(fd, 'persist', 1);
    });
  });
}

function remove(args: Args, { sys }: IpContext): void {
  const parms = parse(args);
  needMode(parms);
  withTun(sys, (fd) => {
    ioctl('TUNSETIFF', () => sys.tunSetIff(fd, parms.name, parms.flags));
    ioctl('TUNSETPERSIST', () => {
      sys.tunSet(fd, 'persist', 0);
    });
  });
}

function show({ out }: IpContext, link: LinkMsg): void {
  const data = link.data ?? {};
  out.openObject();
  out.any('ifname', `${link.ifname}:`, link.ifname);
  out.openArray('flags');
  const flag = (name: string, on: boolean): void => {
    if (on) out.any(undefined, ` ${name}`, name);
  };
  flag(String(data['type']), true);
  flag('pi', data['pi'] === true);
  flag('one_queue', data['one_queue'] === true);
  flag('multi_queue', data['multi_queue'] === true);
  flag('vnet_hdr', data['vnet_hdr'] === true);
  flag('persist', data['persist'] === true);
  flag('filter', data['pi'] === true); // the bit that would deny it is the one that denies pi
  out.closeArray();
  for (const key of ['user', 'group'] as const) {
    const value = data[key];
    if (value !== undefined) out.any(key, ` ${key} ${String(value)}`, value);
  }
  out.plain('\n');
  out.closeObject();
}

/** `ip tuntap …`. */
export function doTuntap(args: Args, context: IpContext): void {
  const verb = args.done ? 'show' : args.take();
  if (matches(verb, 'add')) add(args, context);
  else if (matches(verb, 'delete')) remove(args, context);
  else if (['show', 'lst', 'list'].some((word) => matches(verb, word))) {
    context.out.start();
    for (const link of context.dump('RTM_GETLINK', {}))
      if (link.kind === 'tun') show(context, link);
    context.out.finish();
  } else if (matches(verb, 'help')) throw new CommandExit(255, TUNTAP_HELP);
  else throw new CommandExit(255, `Command "${verb}" is unknown, try "ip tuntap help".\n`);
}
