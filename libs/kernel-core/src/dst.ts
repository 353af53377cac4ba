/**
 * A destination: where a routed packet goes next. The routing code of a protocol family makes them and attaches them to
 * packets; the layers above only call `input` or `output`. @kernel include/net/dst.h
 */
import type { Neighbour } from './neighbour.js';
import type { NetDevice } from './net-device.js';
import type { SkBuff } from './skbuff.js';

export abstract class Dst {
  /** Errno (positive) that using this route gives, 0 for a usable one. */
  error = 0;
  /** A route that must not be used any more: look it up again. */
  obsolete = false;
  /** The MSS that the route says to offer; 0 for what its MTU allows. */
  advmss = 0;
  /** The route's metrics by the words of `ip route`; absent where it has none. */
  metrics: Readonly<Record<string, number | string>> | undefined = undefined;
  /** The next hop's neighbour entry once looked up. */
  neigh: Neighbour | null = null;

  constructor(readonly dev: NetDevice) {}

  /** Takes a received packet: local delivery, forwarding, or an error. Consumes it. */
  abstract input(skb: SkBuff): void;
  /** Sends a packet whose network header is complete. Consumes it; 0 or a negative errno. */
  abstract output(skb: SkBuff): number;
  /** Path MTU in bytes. */
  abstract mtu(): number;
}
