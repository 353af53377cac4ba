/**
 * One address as `ip addr` and `ip monitor` print it.
 */
import { AF_INET6, type AddrMsg } from '@netloom/sys';
import { addressText } from '../args.js';
import type { IpContext } from './context.js';

/** A lifetime without end. */
export const FOREVER = 0xffffffff;

/** IFA_F_* with the word `ip` has for it, in print order. */
export const ADDRESS_FLAGS: readonly (readonly [string, number])[] = [
  ['secondary', 0x01],
  ['nodad', 0x02],
  ['optimistic', 0x04],
  ['dadfailed', 0x08],
  ['home', 0x10],
  ['deprecated', 0x20],
  ['tentative', 0x40],
  ['permanent', 0x80],
  ['mngtmpaddr', 0x100],
  ['noprefixroute', 0x200],
  ['autojoin', 0x400],
  ['stable-privacy', 0x800],
];

/** A lifetime as the second line shows it. */
function lifetimeText(seconds: number): string {
  return seconds === FOREVER ? 'forever' : `${seconds}sec`;
}

/** One address, without the interface; `withName` is the `-o` and monitor form. */
export function printAddress(context: IpContext, address: AddrMsg, withName: boolean): void {
  const { out, options } = context;
  const v6 = address.family === AF_INET6;
  const color = v6 ? 'inet6' : 'inet';
  const local = addressText(address.local);
  const peer = addressText(address.address);
  const brief = options.brief;
  out.openObject();
  if (!brief) {
    const name = context.ifname(address.ifindex);
    if (withName) {
      out.any('index', `${address.ifindex}: `, address.ifindex);
      out.any('dev', name, name);
    }
    const family = v6 ? 'inet6' : 'inet';
    out.any('family', `    ${family} `, family);
  }
  out.colored(color, 'local', '', local, '', local);
  if (peer !== local) out.colored(color, 'address', ' peer ', peer, '', peer);
  out.any('prefixlen', `/${address.prefixlen} `, address.prefixlen);
  if (address.metric !== undefined && address.metric !== 0)
    out.any('metric', `metric ${address.metric} `, address.metric);
  if (brief) {
    out.closeObject();
    return;
  }
  if (address.broadcast !== undefined) {
    const text = addressText(address.broadcast);
    out.colored('inet', 'broadcast', 'brd ', `${text} `, '', text);
  }
  const scope = context.names.scopes.name(address.scope, options.numeric);
  out.any('scope', `scope ${scope} `, scope);
  for (const [name, bit] of ADDRESS_FLAGS) {
    const set = (address.flags & bit) !== 0;
    if (bit === 0x80) {
      if (!set) out.any('dynamic', 'dynamic ', true);
    } else if (set) {
      const shown = bit === 0x01 && v6 ? 'temporary' : name;
      out.any(shown, `${shown} `, true);
    }
  }
  if (address.label !== undefined) out.any('label', address.label, address.label);
  out.newline();
  out.any(
    'valid_life_time',
    `       valid_lft ${lifetimeText(address.validLft)}`,
    address.validLft,
  );
  const deprecated = (address.flags & 0x20) !== 0;
  const preferred = deprecated ? 0 : address.preferredLft;
  out.any('preferred_life_time', ` preferred_lft ${lifetimeText(preferred)}`, preferred);
  out.plain('\n');
  out.closeObject();
}
