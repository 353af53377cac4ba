import { DropReason } from './drop-reasons.js';
import {
  NF_ACCEPT,
  NF_DROP,
  NF_INET_FORWARD,
  NF_QUEUE,
  NF_REPEAT,
  NF_STOLEN,
  nfHookSlow,
  NFPROTO_IPV4,
  type NfHookOps,
} from './netfilter.js';
import { SpecKernel } from './spec-kernel.js';

describe('nfHookSlow', () => {
  const run = (
    verdicts: readonly (readonly [name: string, priority: number, ...verdicts: number[]])[],
  ) => {
    const spec = new SpecKernel();
    const { net } = spec;
    const calls: string[] = [];
    const kept = new Set<object>();
    const all = verdicts.map(([name, priority, ...rest]): NfHookOps => {
      const left = [...rest];
      return {
        family: NFPROTO_IPV4,
        hook: NF_INET_FORWARD,
        priority,
        fn: (skb, state) => {
          expect([state.hook, state.net === net]).toEqual([NF_INET_FORWARD, true]);
          calls.push(name);
          const verdict = left.shift() ?? NF_ACCEPT;
          if (verdict === NF_STOLEN || verdict === NF_QUEUE) kept.add(skb);
          return verdict;
        },
      };
    });
    for (const ops of all) net.nf.register(ops);
    const skb = spec.packet(20);
    const goesOn = nfHookSlow(
      net.nf4(NF_INET_FORWARD) as NfHookOps[],
      net,
      NFPROTO_IPV4,
      NF_INET_FORWARD,
      skb,
      null,
      null,
    );
    if (goesOn || kept.has(skb)) skb.pool.release(skb);
    for (const ops of all) net.nf.unregister(ops);
    expect(net.nf4(NF_INET_FORWARD)).toBeNull();
    return {
      calls: calls.join(' '),
      goesOn,
      drops: spec.drops.map(({ reason }) => reason),
      live: spec.pool.live,
    };
  };

  it('asks in order of priority, equals in order of registration', () => {
    expect(
      run([
        ['filter', 0],
        ['raw', -300],
        ['nat', 100],
        ['filter2', 0],
      ]),
    ).toEqual({ calls: 'raw filter filter2 nat', goesOn: true, drops: [], live: 0 });
  });

  it('NF_DROP ends it and frees the packet with its reason', () => {
    expect(
      run([
        ['a', 1, NF_DROP],
        ['b', 2],
      ]),
    ).toEqual({ calls: 'a', goesOn: false, drops: [DropReason.NETFILTER_DROP], live: 0 });
  });

  it.each([
    ['NF_STOLEN', NF_STOLEN],
    ['NF_QUEUE', NF_QUEUE],
  ])('%s leaves the packet to the hook', (_name, verdict) => {
    expect(
      run([
        ['a', 1, verdict],
        ['b', 2],
      ]),
    ).toEqual({ calls: 'a', goesOn: false, drops: [], live: 0 });
  });

  it('NF_REPEAT asks the same hook again', () => {
    expect(
      run([
        ['a', 1, NF_REPEAT, NF_REPEAT, NF_ACCEPT],
        ['b', 2],
      ]),
    ).toEqual({ calls: 'a a a b', goesOn: true, drops: [], live: 0 });
  });
});
