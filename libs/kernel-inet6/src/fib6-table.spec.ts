import { RandomStream } from '@netloom/base';
import type { NetDevice } from '@netloom/kernel-core';
import { In6Addr, in6Equal, in6Parse, in6Prefix, in6PrefixEqual, in6Text } from '@netloom/wire';
import { fib6Nh, Fib6Table, type Fib6Info } from './fib6-table.js';

const DEV = {} as NetDevice;

function route(dst: In6Addr, dstLen: number, metric = 1024): Fib6Info {
  return {
    dst: in6Prefix(dst, dstLen),
    dstLen,
    table: 254,
    type: 1,
    protocol: 3,
    metric,
    prefsrc: null,
    metrics: undefined,
    flags: 0,
    pref: 0,
    expires: 0,
    nexthops: [fib6Nh(DEV, null)],
  };
}

const address = (text: string): In6Addr => {
  const found = in6Parse(text);
  if (found === undefined) throw new Error(text);
  return found;
};
const first = (routes: Fib6Info[]): Fib6Info | null => routes[0] ?? null;

describe('an IPv6 routing table', () => {
  it('answers as a list of all prefixes would, while routes come and go', () => {
    const random = new RandomStream(6, 'fib6');
    const table = new Fib6Table(254);
    let all: Fib6Info[] = [];
    const word = (): number =>
      [0, 0x20010db8, 0x20010000, -1, random.u32() | 0][random.below(5)] ?? 0;
    const some = (): In6Addr => new In6Addr(word(), word(), word(), word());
    for (let i = 0; i < 3000; i++) {
      if (random.below(3) > 0 || all.length === 0) {
        const made = route(some(), random.below(129));
        if (table.find(made.dst, made.dstLen).length > 0) continue;
        table.insert(made);
        all.push(made);
      } else {
        const gone = all[random.below(all.length)] as Fib6Info;
        expect(table.remove(gone)).toBe(true);
        expect(table.remove(gone)).toBe(false);
        all = all.filter((other) => other !== gone);
      }
      const wanted =
        random.below(2) === 0 ? some() : (all[random.below(all.length)]?.dst ?? some());
      const best = all
        .filter((r) => in6PrefixEqual(wanted, r.dst, r.dstLen))
        .sort((a, b) => b.dstLen - a.dstLen)[0];
      expect(table.lookup(wanted, first, null)).toBe(best ?? null);
    }
    expect(table.size).toBe(all.length);
    expect(new Set(table.routes())).toEqual(new Set(all));
    for (const gone of all) table.remove(gone);
    expect(table.routes()).toEqual([]);
  });

  it('goes on to a shorter prefix where nobody wants the longer one', () => {
    const table = new Fib6Table(254);
    const wide = route(address('2001:db8::'), 32);
    const narrow = route(address('2001:db8:1::'), 48);
    table.insert(wide);
    table.insert(narrow);
    const not = (routes: Fib6Info[], unwanted: Fib6Info): Fib6Info | null =>
      routes.find((r) => r !== unwanted) ?? null;
    expect(table.lookup(address('2001:db8:1::1'), not, narrow)).toBe(wide);
    expect(table.lookup(address('2001:db8:2::1'), not, wide)).toBeNull();
  });

  it('keeps routes of a prefix by metric, and shows longer prefixes before shorter ones', () => {
    const table = new Fib6Table(254);
    const prefix = address('2001:db8::');
    const [a, b, c] = [route(prefix, 32, 1024), route(prefix, 32, 256), route(prefix, 32, 1024)];
    for (const each of [a, b, c]) table.insert(each);
    table.insert(route(address('::'), 0));
    table.insert(route(address('fe80::'), 64));
    table.insert(route(address('2001:db8:1::'), 48));
    expect(table.find(prefix, 32)).toEqual([b, a, c]);
    expect(table.routes().map((r) => `${in6Text(r.dst)}/${r.dstLen}`)).toEqual([
      '2001:db8:1::/48',
      '2001:db8::/32',
      '2001:db8::/32',
      '2001:db8::/32',
      'fe80::/64',
      '::/0',
    ]);
    expect(
      in6Equal((table.find(address('fe80::'), 64)[0] as Fib6Info).dst, address('fe80::')),
    ).toBe(true);
  });
});
