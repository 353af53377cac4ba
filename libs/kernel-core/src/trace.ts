/**
 * Tracepoints, by the kernel's names. A lab has one set for all of its hosts; an empty one costs a null test.
 *
 * Listeners must not keep the sk_buff nor change anything. Times are the engine's `now`.
 */
import type { Kernel } from './kernel.js';
import type { NetDevice } from './net-device.js';
import type { SkBuff } from './skbuff.js';
import type { Sock } from './sock.js';

export class Tracepoints {
  /** skb:kfree_skb: a packet was dropped, and why (a number of `DropReason`). */
  kfreeSkb: ((kernel: Kernel, skb: SkBuff, reason: number) => void) | null = null;
  /** net:netif_receive_skb */
  netifReceiveSkb: ((skb: SkBuff) => void) | null = null;
  /** net:net_dev_xmit */
  netDevXmit: ((skb: SkBuff, dev: NetDevice) => void) | null = null;
  /** napi:napi_poll */
  napiPoll: ((dev: NetDevice, work: number, budget: number) => void) | null = null;
  /** sock:inet_sock_set_state */
  inetSockSetState: ((sk: Sock, oldState: number, newState: number) => void) | null = null;
  /** tcp:tcp_retransmit_skb */
  tcpRetransmitSkb: ((sk: Sock, skb: SkBuff) => void) | null = null;
}
