/**
 * One nexthop object as `ip nexthop`, `ip monitor` and `ip -d route` print it.
 */
import type { NexthopMsg } from '@netloom/sys';
import { addressText } from '../args.js';
import type { IpContext } from './context.js';

const FLAGS: readonly (readonly [number, string])[] = [
  [0x1, 'dead'],
  [0x4, 'onlink'],
  [0x2, 'pervasive'],
  [0x8, 'offload'],
  [0x10, 'linkdown'],
];

/** The fields, in the object that is open. */
export function printNexthopFields(context: IpContext, object: NexthopMsg): void {
  const { out, options } = context;
  const details = options.details > 0;
  out.any('id', `id ${object.id} `, object.id);
  if (object.group !== undefined) {
    out.openArray('group', 'group ');
    object.group.forEach(({ id, weight }, i) => {
      out.openObject();
      out.any('id', `${i > 0 ? '/' : ''}${id}`, id);
      if (weight !== 1) out.any('weight', `,${weight}`, weight);
      out.closeObject();
    });
    out.closeArray();
    out.plain(' ');
  }
  if (object.via !== undefined) {
    const text = addressText(object.via);
    out.colored('inet', 'gateway', 'via ', `${text} `, '', text);
  }
  if (object.ifindex !== undefined) {
    const name = context.ifname(object.ifindex);
    out.colored('ifname', 'dev', 'dev ', `${name} `, '', name);
  }
  if (object.scope !== 0 || details) {
    const scope = context.names.scopes.name(object.scope, options.numeric);
    out.any('scope', `scope ${scope} `, scope);
  }
  if (object.blackhole) out.any('blackhole', 'blackhole ', null);
  if (object.protocol !== 0 || details) {
    const protocol = context.names.protocols.name(object.protocol, options.numeric);
    out.any('protocol', `proto ${protocol} `, protocol);
  }
  out.openArray('flags');
  for (const [bit, name] of FLAGS)
    if ((object.flags & bit) !== 0) out.any(undefined, `${name} `, name);
  out.closeArray();
  if (object.fdb) out.any('fdb', 'fdb', null);
}
