/**
 * The ends of lifetimes: addresses become deprecated and go. One timer a namespace, set for whatever ends next.
 * Source: net/ipv6/addrconf.c addrconf_verify_rtnl().
 */
import { Timer } from '@netloom/engine';
import type { Net } from '@netloom/kernel-core';
import { addrconfDelete, addrconfNotify } from './addrconf.js';
import { IFA_F_DEPRECATED, INFINITY6_LIFE_TIME } from './inet6-conf.js';
import { Inet6Dev } from './inet6-dev.js';
import { ipv6Of } from './ipv6-net.js';

/** Deprecates and deletes what is due, and wakes for what comes next. */
export function addrconfVerify(net: Net): void {
  const { engine } = net.kernel;
  const { now } = engine;
  let next = Infinity;
  for (const dev of net.devices) {
    const idev = Inet6Dev.of(dev);
    if (idev === null) continue;
    for (const ifa of [...idev.addresses]) {
      const end = (seconds: number): number =>
        seconds === INFINITY6_LIFE_TIME ? Infinity : ifa.tstamp + seconds * 1e9;
      if (end(ifa.validLft) <= now) {
        addrconfDelete(ifa);
        continue;
      }
      next = Math.min(next, end(ifa.validLft));
      if (end(ifa.preferredLft) > now) {
        next = Math.min(next, end(ifa.preferredLft));
      } else if ((ifa.flags & IFA_F_DEPRECATED) === 0) {
        ifa.flags |= IFA_F_DEPRECATED;
        addrconfNotify(net, 'RTM_NEWADDR', ifa);
      }
    }
  }
  const ipv6 = ipv6Of(net);
  if (next === Infinity) {
    ipv6.lifetimes?.cancel();
    return;
  }
  ipv6.lifetimes ??= new Timer(engine, () => {
    if (net.alive) addrconfVerify(net);
  });
  ipv6.lifetimes.set(next);
}
