/**
 * Which protocol a received segment came by.
 */
import type { SkBuff } from '@netloom/kernel-core';
import { iphVersion } from '@netloom/wire';
import type { TcpAfOps } from './tcp-af.js';
import { tcpAf4 } from './tcp-af-ipv4.js';
import { tcpAf6 } from './tcp-af-ipv6.js';

export function tcpAfOf(skb: SkBuff): TcpAfOps {
  return iphVersion(skb.mem, skb.networkHeader) === 6 ? tcpAf6 : tcpAf4;
}
