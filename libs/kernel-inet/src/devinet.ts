/**
 * IPv4 addresses on devices, and what happens to them as devices come, go and change. Source: net/ipv4/devinet.c.
 */
import { ipv4Mask, KernelError, withInserted } from '@netloom/base';
import type { Net, NetDevice, NetdevEvent } from '@netloom/kernel-core';
import { AF_INET, Iff, type AddrMsg, type AddrNew } from '@netloom/sys';
import { arpAnnounce, arpDeviceDown, arpChangeAddress } from './arp.js';
import {
  fibAddIfaddr,
  fibDelIfaddr,
  fibDisableDevice,
  fibSyncCarrier,
  fibSyncUp,
  sameSubnet,
} from './fib-ifaddr.js';
import { RT_SCOPE_HOST, RT_SCOPE_UNIVERSE } from './fib-table.js';
import {
  Conf,
  CONF_DEVICE_DEFAULTS,
  CONF_LOOPBACK_DEFAULTS,
  IFA_F_PERMANENT,
  IFA_F_SECONDARY,
  InDevice,
  type InIfaddr,
} from './in-device.js';
import { ipv4Of } from './ipv4-net.js';

const LOOPBACK_ADDRESS = 0x7f000001;
export const INFINITY_LIFE_TIME = 0xffffffff;

/** The IPv4 half of a device, made on first use. */
export function inetdevInit(dev: NetDevice): InDevice {
  const existing = InDevice.of(dev);
  if (existing !== null) return existing;
  const { confDefault, neighDefault } = ipv4Of(dev.net);
  const fresh = (dev.flags & Iff.IFF_LOOPBACK) !== 0 && confDefault === CONF_DEVICE_DEFAULTS;
  const inDev = new InDevice(dev, fresh ? CONF_LOOPBACK_DEFAULTS : confDefault, neighDefault);
  dev.inDev = inDev;
  return inDev;
}

/**
 * Adds an address (or changes its attributes with `replace`).
 * @errno ENODEV, EINVAL, EEXIST. @kernel inet_rtm_newaddr(), __inet_insert_ifa()
 */
export function inetAddAddress(net: Net, request: AddrNew): void {
  const dev = net.devByIndex(request.ifindex);
  if (dev === undefined) throw new KernelError('ENODEV', 'ipv4: Device not found');
  if (request.prefixlen > 32) throw new KernelError('EINVAL', 'ipv4: Invalid prefix length');
  const inDev = inetdevInit(dev);
  const local = Number(request.local);
  const mask = ipv4Mask(request.prefixlen);
  const address = Number(request.address ?? request.local);
  const existing = inDev.addresses.find(
    (ifa) => ifa.local === local && ifa.mask === mask && ((ifa.address ^ address) & mask) === 0,
  );
  if (existing !== undefined) {
    if (request.replace !== true) throw new KernelError('EEXIST', 'ipv4: Address already assigned');
    existing.validLft = request.validLft ?? INFINITY_LIFE_TIME;
    existing.preferredLft = request.preferredLft ?? INFINITY_LIFE_TIME;
    notifyAddress(net, 'RTM_NEWADDR', existing);
    return;
  }
  const scope = request.scope ?? (local >>> 24 === 127 ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE);
  const primary = inDev.addresses.find(
    (ifa) => ifa.mask === mask && ((ifa.address ^ address) & mask) === 0,
  );
  if (primary !== undefined && primary.scope !== scope)
    throw new KernelError('EINVAL', 'ipv4: Invalid scope value');
  const secondary = primary !== undefined;
  const ifa: InIfaddr = {
    dev: inDev,
    local,
    address,
    prefixlen: request.prefixlen,
    mask,
    broadcast: request.broadcast,
    label: request.label ?? dev.name,
    scope,
    flags:
      (request.flags ?? 0) |
      (request.validLft === undefined || request.validLft === INFINITY_LIFE_TIME
        ? IFA_F_PERMANENT
        : 0) |
      (secondary ? IFA_F_SECONDARY : 0),
    metric: request.metric ?? 0,
    validLft: request.validLft ?? INFINITY_LIFE_TIME,
    preferredLft: request.preferredLft ?? INFINITY_LIFE_TIME,
  };
  insertAddress(inDev, ifa);
}

function insertAddress(inDev: InDevice, ifa: InIfaddr): void {
  const list = inDev.addresses;
  const secondary = (ifa.flags & IFA_F_SECONDARY) !== 0;
  // Primaries come before secondaries, narrower scopes first among the primaries.
  const at = secondary
    ? -1
    : list.findIndex((other) => (other.flags & IFA_F_SECONDARY) !== 0 || other.scope < ifa.scope);
  inDev.addresses = withInserted(list, at < 0 ? list.length : at, ifa);
  const net = inDev.dev.net;
  ipv4Of(net).genid++;
  notifyAddress(net, 'RTM_NEWADDR', ifa);
  fibAddIfaddr(ifa);
}

/** @errno ENODEV, EADDRNOTAVAIL. @kernel inet_rtm_deladdr() */
export function inetDelAddress(
  net: Net,
  request: {
    readonly ifindex: number;
    readonly local: unknown;
    readonly prefixlen?: number;
    readonly label?: string;
  },
): void {
  const dev = net.devByIndex(request.ifindex);
  if (dev === undefined) throw new KernelError('ENODEV', 'ipv4: Device not found');
  const inDev = InDevice.of(dev);
  const ifa = inDev?.addresses.find(
    (a) =>
      a.local === request.local &&
      (request.prefixlen === undefined || a.prefixlen === request.prefixlen) &&
      (request.label === undefined || a.label === request.label),
  );
  if (inDev === null || ifa === undefined)
    throw new KernelError('EADDRNOTAVAIL', 'ipv4: Address not found');
  removeAddress(inDev, ifa);
}

/** @kernel __inet_del_ifa() */
function removeAddress(inDev: InDevice, ifa: InIfaddr): void {
  const { net } = inDev.dev;
  const primary = (ifa.flags & IFA_F_SECONDARY) === 0;
  const secondaries = primary
    ? inDev.addresses.filter(
        (other) => (other.flags & IFA_F_SECONDARY) !== 0 && sameSubnet(other, ifa),
      )
    : [];
  const promotes =
    inDev.conf[Conf.promote_secondaries] !== 0 ||
    ipv4Of(net).confAll[Conf.promote_secondaries] !== 0;
  const [heir] = promotes ? secondaries : [];
  if (heir === undefined) {
    for (const gone of [...secondaries, ifa]) dropAddress(inDev, gone);
    return;
  }
  for (const other of secondaries) fibDelIfaddr(other, [...secondaries, ifa]); // they get a new source below
  dropAddress(inDev, ifa);
  inDev.addresses = inDev.addresses.filter((other) => other !== heir);
  heir.flags &= ~IFA_F_SECONDARY;
  insertAddress(inDev, heir);
  for (const other of secondaries) if (other !== heir) fibAddIfaddr(other);
}

function dropAddress(inDev: InDevice, gone: InIfaddr): void {
  const { net } = inDev.dev;
  inDev.addresses = inDev.addresses.filter((other) => other !== gone);
  ipv4Of(net).genid++;
  notifyAddress(net, 'RTM_DELADDR', gone);
  fibDelIfaddr(gone);
  if (inDev.addresses.length > 0) return;
  // Without an address the device takes no part in IPv4: @kernel fib_inetaddr_event(), fib_disable_ip()
  fibDisableDevice(inDev.dev, true);
  arpDeviceDown(inDev.dev, false);
}

/** An address as rtnetlink shows it. */
export function inetAddrMsg(ifa: InIfaddr): AddrMsg {
  return {
    family: AF_INET,
    ifindex: ifa.dev.dev.ifindex,
    prefixlen: ifa.prefixlen,
    flags: ifa.flags,
    scope: ifa.scope,
    local: ifa.local,
    address: ifa.address,
    label: ifa.label,
    validLft: ifa.validLft,
    preferredLft: ifa.preferredLft,
    ...(ifa.broadcast !== undefined ? { broadcast: ifa.broadcast } : {}),
    ...(ifa.metric !== 0 ? { metric: ifa.metric } : {}),
  };
}

function notifyAddress(net: Net, type: 'RTM_NEWADDR' | 'RTM_DELADDR', ifa: InIfaddr): void {
  if (net.rtnlListeners.size > 0) net.notify({ type, addr: inetAddrMsg(ifa) });
}

/** Follows the lives of devices. @kernel inetdev_event(), fib_netdev_event() */
export function inetdevEvent(event: NetdevEvent, dev: NetDevice): void {
  switch (event) {
    case 'REGISTER':
      inetdevInit(dev);
      break;
    case 'UP': {
      const inDev = inetdevInit(dev);
      if ((dev.flags & Iff.IFF_LOOPBACK) !== 0 && inDev.addresses.length === 0) {
        inetAddAddress(dev.net, {
          family: AF_INET,
          ifindex: dev.ifindex,
          local: LOOPBACK_ADDRESS,
          prefixlen: 8,
          label: dev.name,
        });
      }
      for (const ifa of inDev.addresses) fibAddIfaddr(ifa);
      fibSyncUp(dev);
      if (notifiesArp(inDev)) arpAnnounce(dev);
      break;
    }
    case 'DOWN':
      fibDisableDevice(dev, false);
      arpDeviceDown(dev, false);
      break;
    case 'UNREGISTER': {
      const inDev = InDevice.of(dev);
      if (inDev !== null)
        for (const ifa of [...inDev.addresses])
          if (inDev.addresses.includes(ifa)) removeAddress(inDev, ifa);
      fibDisableDevice(dev, true);
      arpDeviceDown(dev, true);
      dev.inDev = null;
      break;
    }
    case 'CHANGEADDR':
      arpChangeAddress(dev);
      if (notifiesArp(InDevice.of(dev))) arpAnnounce(dev);
      break;
    case 'CHANGE':
      fibSyncCarrier(dev);
      break;
    default:
      break;
  }
}

/** net.ipv4.conf.*.arp_notify: addresses are announced when the device comes up or gets another address. */
function notifiesArp(inDev: InDevice | null): boolean {
  return (
    inDev !== null &&
    (inDev.conf[Conf.arp_notify] !== 0 || ipv4Of(inDev.dev.net).confAll[Conf.arp_notify] !== 0)
  );
}
