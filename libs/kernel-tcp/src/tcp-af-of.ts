/**
 * Which protocol a received segment came by.
 */
import type { SkBuff } from '@netloom/kernel-core';
import type { TcpAfOps } from './tcp-af.js';
import { tcpAf4 } from './tcp-af-ipv4.js';

export function tcpAfOf(_skb: SkBuff): TcpAfOps {
  return tcpAf4;
}
