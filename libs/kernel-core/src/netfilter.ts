/**
 * Netfilter's hook points: five of them an IP family, each a list of functions in order of priority.
 *
 * An empty list costs one test. A hook function returns a verdict; NF_STOLEN and NF_QUEUE mean that the packet is the
 * hook's now. Sources: include/linux/netfilter.h, net/netfilter/core.c.
 */
import { DropReason } from './drop-reasons.js';
import type { Net } from './net.js';
import type { NetDevice } from './net-device.js';
import type { SkBuff } from './skbuff.js';

export const NF_INET_PRE_ROUTING = 0;
export const NF_INET_LOCAL_IN = 1;
export const NF_INET_FORWARD = 2;
export const NF_INET_LOCAL_OUT = 3;
export const NF_INET_POST_ROUTING = 4;

export const NF_DROP = 0;
export const NF_ACCEPT = 1;
export const NF_STOLEN = 2;
export const NF_QUEUE = 3;
export const NF_REPEAT = 4;

/** Families that have hooks, as indices of the per-namespace table. */
export const NFPROTO_IPV4 = 0;
export const NFPROTO_IPV6 = 1;
export const NFPROTO_ARP = 2;
export const NFPROTO_BRIDGE = 3;
export const NFPROTO_COUNT = 4;

export interface NfHookState {
  readonly hook: number;
  readonly family: number;
  readonly in: NetDevice | null;
  readonly out: NetDevice | null;
  readonly net: Net;
}

export interface NfHookOps {
  readonly family: number;
  readonly hook: number;
  readonly priority: number;
  /** Returns NF_…; with NF_STOLEN the function owns the packet. */
  readonly fn: (skb: SkBuff, state: NfHookState) => number;
}

const NO_HOOKS: readonly (NfHookOps[] | null)[] = new Array<NfHookOps[] | null>(
  NFPROTO_COUNT * 5,
).fill(null);

/** The hooks of a namespace. */
export class NfHooks {
  /** `entries[family * 5 + hook]`, null where none is registered; shared while there are none at all. */
  entries: readonly (NfHookOps[] | null)[] = NO_HOOKS;

  register(ops: NfHookOps): void {
    const index = ops.family * 5 + ops.hook;
    const list = [...(this.entries[index] ?? []), ops];
    list.sort((a, b) => a.priority - b.priority);
    this.entries = this.entries.with(index, list);
  }

  unregister(ops: NfHookOps): void {
    const index = ops.family * 5 + ops.hook;
    const list = (this.entries[index] ?? []).filter((other) => other !== ops);
    this.entries = this.entries.with(index, list.length > 0 ? list : null);
  }
}

/**
 * Asks the hooks of one point. Inline the emptiness test on hot paths: `net.nf4(hook) === null`.
 * @returns true when the packet may go on; else it has been dropped or taken. @kernel nf_hook_slow()
 */
export function nfHookSlow(
  hooks: NfHookOps[],
  net: Net,
  family: number,
  hook: number,
  skb: SkBuff,
  input: NetDevice | null,
  out: NetDevice | null,
): boolean {
  const state: NfHookState = { hook, family, in: input, out, net };
  for (let i = 0; i < hooks.length; i++) {
    const verdict = (hooks[i] as NfHookOps).fn(skb, state);
    if (verdict === NF_ACCEPT) continue;
    if (verdict === NF_REPEAT) {
      i--;
      continue;
    }
    if (verdict === NF_DROP) net.kernel.kfreeSkbReason(skb, DropReason.NETFILTER_DROP);
    return false;
  }
  return true;
}
