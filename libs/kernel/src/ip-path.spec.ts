/**
 * A packet's way through the hooks: which of the five it passes, in which order, with which devices, and what a verdict
 * at each does. Order as in include/uapi/linux/netfilter.h's picture.
 */
import {
  NF_ACCEPT,
  NF_DROP,
  NF_INET_FORWARD,
  NF_INET_LOCAL_IN,
  NF_INET_LOCAL_OUT,
  NF_INET_POST_ROUTING,
  NF_INET_PRE_ROUTING,
  NF_STOLEN,
  NFPROTO_IPV4,
  type Net,
} from '@netloom/kernel-core';
import type { Nic } from '@netloom/kernel-drivers';
import { ipv4SetConf } from '@netloom/kernel-inet';
import { AF_INET, SOCK_DGRAM } from '@netloom/sys';
import type { Host } from './host.js';
import { eth, fill, icmp, ip4, ipv4, udp } from './spec-frames.js';
import { SpecLab } from './spec-lab.js';

const HOOKS: readonly (readonly [number, string])[] = [
  [NF_INET_PRE_ROUTING, 'PRE_ROUTING'],
  [NF_INET_LOCAL_IN, 'LOCAL_IN'],
  [NF_INET_FORWARD, 'FORWARD'],
  [NF_INET_LOCAL_OUT, 'LOCAL_OUT'],
  [NF_INET_POST_ROUTING, 'POST_ROUTING'],
];
const A = '10.1.0.1';
const B = '10.1.0.2';
const C = '10.2.0.2';

function log(
  net: Net,
  seen: string[],
  verdictAt: (hook: string) => number = () => NF_ACCEPT,
): void {
  for (const [hook, name] of HOOKS) {
    net.nf.register({
      family: NFPROTO_IPV4,
      hook,
      priority: 0,
      fn: (skb, state) => {
        const verdict = verdictAt(name);
        seen.push(`${name} ${state.in?.name ?? '-'}>${state.out?.name ?? '-'}`);
        if (verdict === NF_STOLEN) skb.pool.release(skb);
        return verdict;
      },
    });
  }
}

interface Bench {
  readonly lab: SpecLab;
  readonly router: Host;
  readonly card: Nic;
}

function makeBench(): Bench {
  const lab = new SpecLab();
  const a = lab.host('a');
  const router = lab.host('b');
  const c = lab.host('c');
  const nicA = lab.nic(a, 'e0', '02:00:00:00:01:01', ['10.1.0.1/24']);
  const card = lab.nic(router, 'e0', '02:00:00:00:01:02', ['10.1.0.2/24']);
  const other = lab.nic(router, 'e1', '02:00:00:00:02:01', ['10.2.0.1/24']);
  const nicC = lab.nic(c, 'e0', '02:00:00:00:02:02', ['10.2.0.2/24']);
  lab.wire(nicA, card, {}, 'a');
  lab.wire(other, nicC, {}, 'c');
  ipv4SetConf(router.kernel.initNet, 'all', 'forwarding', 1);
  return { lab, router, card };
}

const frame = (packet: Uint8Array): Uint8Array =>
  eth('02:00:00:00:01:02', '02:00:00:00:01:01', 0x800, packet);
const PATHS: Readonly<
  Record<
    string,
    { readonly frame?: Uint8Array; readonly to?: string; readonly path: readonly string[] }
  >
> = {
  forwarded: {
    frame: frame(ipv4(A, C, 17, udp(A, C, 5, 9, fill(8)))),
    path: ['PRE_ROUTING e0>-', 'FORWARD e0>e1', 'POST_ROUTING e0>e1'],
  },
  'delivered here': {
    frame: frame(ipv4(A, B, 17, udp(A, B, 5, 5000, fill(8)))),
    path: ['PRE_ROUTING e0>-', 'LOCAL_IN e0>-'],
  },
  'answered here': {
    frame: frame(ipv4(A, B, 1, icmp(8, 0, 1, fill(8)))),
    path: ['PRE_ROUTING e0>-', 'LOCAL_IN e0>-', 'LOCAL_OUT ->e0', 'POST_ROUTING ->e0'],
  },
  'sent from here': { to: C, path: ['LOCAL_OUT ->e1', 'POST_ROUTING ->e1'] },
  'sent to itself': {
    to: B,
    path: ['LOCAL_OUT ->lo', 'POST_ROUTING ->lo', 'PRE_ROUTING lo>-', 'LOCAL_IN lo>-'],
  },
};

describe.each(Object.entries(PATHS))('a packet %s', (_name, { frame: bytes, to, path }) => {
  const run = async (verdictAt?: (hook: string) => number) => {
    const { lab, router, card } = makeBench();
    const net = router.kernel.initNet;
    const seen: string[] = [];
    const receiver = router.kernel.modules.createSock(net, AF_INET, SOCK_DGRAM, 0);
    receiver.bind({ family: 'inet', addr: 0, port: 5000 });
    log(net, seen, verdictAt);
    if (bytes !== undefined) lab.receive(card, bytes);
    const sender = router.kernel.modules.createSock(net, AF_INET, SOCK_DGRAM, 0);
    const sent =
      to === undefined
        ? 0
        : sender.sendmsg(fill(8), { flags: 0, to: { family: 'inet', addr: ip4(to), port: 5000 } });
    lab.engine.advance(1e6); // before any ICMP about a closed port at the other host
    sender.release();
    receiver.release();
    await lab.advance(60e9);
    expect(lab.pool.live).toBe(0);
    return { seen, sent, drops: router.kernel.dropCounts()['NETFILTER_DROP'] ?? 0 };
  };

  it('passes its hooks in order', async () => {
    const { seen, sent } = await run();
    expect(seen.slice(0, path.length)).toEqual(path);
    if (to !== undefined) expect(sent).toBe(8);
  });

  it.each(path.map((entry, at) => [entry.split(' ')[0] as string, at] as const))(
    'dropped at %s, goes no further',
    async (hook, at) => {
      const { seen, sent, drops } = await run((name) => (name === hook ? NF_DROP : NF_ACCEPT));
      expect(seen).toEqual(path.slice(0, at + 1));
      expect(drops).toBe(1);
      if (to !== undefined) expect(sent).toBe(at < 2 ? -1 : 8); // EPERM reaches the sender from the hooks on its way out
    },
  );

  it("stolen at its first hook, is the hook's", async () => {
    const { seen, drops } = await run(() => NF_STOLEN);
    expect(seen).toEqual(path.slice(0, 1));
    expect(drops).toBe(0);
  });
});
