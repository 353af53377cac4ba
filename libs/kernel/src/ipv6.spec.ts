import { inet6AddrMsg, Inet6Dev } from '@netloom/kernel-inet6';
import { in6Text, in6FromBytes } from '@netloom/wire';
import { SpecLab, watch } from './spec-lab.js';

describe('IPv6 on a link', () => {
  it('gives a card its link-local address after duplicate address detection', async () => {
    const lab = new SpecLab();
    const a = lab.host('a', { ipv6: true });
    const b = lab.host('b', { ipv6: true });
    const an = lab.nic(a, 'eth1', '02:00:00:00:00:01');
    const bn = lab.nic(b, 'eth1', '02:00:00:00:00:02');
    const wire = lab.wire(an, bn);
    const seen = watch(wire, 'a');
    await lab.advance(5e9);
    const idev = Inet6Dev.of(an.dev) as Inet6Dev;
    expect(idev.addresses).toHaveLength(1);
  });
});
