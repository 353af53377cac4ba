/**
 * What a route is wanted for. Zero and :: mean "any" or "not known". Callers set the fields and reuse the object.
 * @kernel struct flowi6
 */
import { IN6ADDR_ANY, type In6Addr } from '@netloom/wire';

/** Bits of {@link Flow6.srcPrefs}. @kernel IPV6_PREFER_SRC_* */
export const IPV6_PREFER_SRC_TMP = 0x0001;
export const IPV6_PREFER_SRC_PUBLIC = 0x0002;
export const IPV6_PREFER_SRC_COA = 0x0004;

export class Flow6 {
  saddr: In6Addr = IN6ADDR_ANY;
  oif = 0;
  /** The device a received packet came in on; 0 for one of ours. */
  iif = 0;
  mark = 0;
  /** tclass << 20 | flow label */
  flowLabel = 0;
  protocol = 0;
  sport = 0;
  dport = 0;
  srcPrefs = 0;
  /** The socket is bound to a device, which routes must therefore use. */
  bound = false;

  constructor(public daddr: In6Addr) {}
}
