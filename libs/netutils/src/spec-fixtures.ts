/**
 * For this package's specs: a host's interfaces, addresses, routes, rules and neighbours as rtnetlink tells them. The
 * expected texts beside them were printed by iproute2 6.1 of a kernel in the same state.
 */
import { parseIpv4, parseIpv6, parseMac } from '@netloom/base';
import {
  AF_INET,
  AF_INET6,
  Iff,
  Nud,
  type AddrMsg,
  type IpAddr,
  type LinkMsg,
  type LinkStats,
  type NeighMsg,
  type RouteMsg,
  type RuleMsg,
} from '@netloom/sys';

export const ip = (text: string): IpAddr => {
  const address = parseIpv4(text) ?? parseIpv6(text);
  if (address === undefined) throw new Error(text);
  return address;
};
export const mac = (text: string): Uint8Array => parseMac(text) ?? new Uint8Array(0);

const UP = Iff.IFF_UP | Iff.IFF_RUNNING | Iff.IFF_LOWER_UP;
const ETHER = Iff.IFF_BROADCAST | Iff.IFF_MULTICAST;

const NO_STATS: LinkStats = {
  rxPackets: 0,
  txPackets: 0,
  rxBytes: 0,
  txBytes: 0,
  rxErrors: 0,
  txErrors: 0,
  rxDropped: 0,
  txDropped: 0,
  multicast: 0,
  collisions: 0,
  rxLengthErrors: 0,
  rxOverErrors: 0,
  rxCrcErrors: 0,
  rxFrameErrors: 0,
  rxFifoErrors: 0,
  rxMissedErrors: 0,
  txAbortedErrors: 0,
  txCarrierErrors: 0,
  txFifoErrors: 0,
  txHeartbeatErrors: 0,
  txWindowErrors: 0,
  rxNohandler: 0,
};

export function link(part: Partial<LinkMsg> & Pick<LinkMsg, 'ifindex' | 'ifname'>): LinkMsg {
  return {
    type: 1,
    flags: ETHER | UP,
    mtu: 1500,
    minMtu: 68,
    maxMtu: 65535,
    txqlen: 1000,
    qdisc: 'noqueue',
    operstate: 6,
    linkmode: 0,
    group: 0,
    promiscuity: 0,
    allmulti: 0,
    numTxQueues: 1,
    numRxQueues: 1,
    gsoMaxSize: 65536,
    gsoMaxSegs: 65535,
    address: mac('02:00:00:00:00:01'),
    broadcast: mac('ff:ff:ff:ff:ff:ff'),
    altnames: [],
    carrierChanges: 2,
    stats: NO_STATS,
    ...part,
  };
}

export const LINKS: readonly LinkMsg[] = [
  link({
    ifindex: 1,
    ifname: 'lo',
    type: 772,
    flags: Iff.IFF_LOOPBACK | UP,
    mtu: 65536,
    minMtu: 0,
    maxMtu: 0,
    operstate: 0,
    address: mac('00:00:00:00:00:00'),
    broadcast: mac('00:00:00:00:00:00'),
    addrGenMode: 'eui64',
    tsoMaxSize: 524280,
    tsoMaxSegs: 65535,
    groMaxSize: 65536,
  }),
  link({
    ifindex: 2,
    ifname: 'v1',
    link: 3,
    master: 4,
    kind: 'veth',
    slaveKind: 'bridge',
    promiscuity: 1,
    allmulti: 1,
    numTxQueues: 2,
    numRxQueues: 2,
    address: mac('f2:f2:11:45:f1:9f'),
    slaveData: {
      state: 'forwarding',
      priority: 32,
      cost: 2,
      hairpin: false,
      guard: false,
      root_block: false,
      fastleave: false,
      learning: true,
      flood: true,
      id: '0x8001',
      no: '0x1',
      designated_port: 32769,
      designated_cost: 0,
      bridge_id: '8000.f2:f2:11:45:f1:9f',
      root_id: '8000.f2:f2:11:45:f1:9f',
      hold_timer: 0,
      message_age_timer: 0,
      forward_delay_timer: 13.98,
      topology_change_ack: 0,
      config_pending: 0,
      proxy_arp: false,
      proxy_arp_wifi: false,
      multicast_router: 1,
      mcast_flood: true,
      bcast_flood: true,
      mcast_to_unicast: false,
      neigh_suppress: false,
      group_fwd_mask: '0',
      group_fwd_mask_str: '0x0',
      vlan_tunnel: false,
      isolated: false,
      locked: false,
    },
  }),
  link({
    ifindex: 3,
    ifname: 'v0',
    link: 2,
    kind: 'veth',
    numTxQueues: 2,
    numRxQueues: 2,
    address: mac('da:9b:a5:65:a4:a8'),
    stats: { ...NO_STATS, rxBytes: 484, rxPackets: 6, txBytes: 266, txPackets: 3 },
  }),
  link({ ifindex: 4, ifname: 'br0', kind: 'bridge', address: mac('f2:f2:11:45:f1:9f') }),
  link({
    ifindex: 5,
    ifname: 'vx',
    flags: ETHER,
    mtu: 1450,
    qdisc: 'noop',
    operstate: 2,
    kind: 'vxlan',
    address: mac('36:ff:78:e1:99:25'),
    data: {
      id: 42,
      remote: '10.0.0.9',
      link: 'v0',
      port_range_low: 0,
      port_range_high: 0,
      port: 4789,
      learning: true,
      ttl: 0,
      df: 'unset',
      ageing: 300,
      udp_csum: true,
      udp_zero_csum6_tx: false,
      udp_zero_csum6_rx: false,
    },
  }),
  link({
    ifindex: 6,
    ifname: 'far',
    link: 5,
    linkNetnsid: 0,
    flags: ETHER | Iff.IFF_UP,
    operstate: 3,
    kind: 'veth',
  }),
];

function address(
  part: Partial<AddrMsg> & Pick<AddrMsg, 'ifindex' | 'local' | 'prefixlen'>,
): AddrMsg {
  return {
    family: typeof part.local === 'number' ? AF_INET : AF_INET6,
    flags: 0x80,
    scope: 0,
    address: part.local,
    validLft: 0xffffffff,
    preferredLft: 0xffffffff,
    ...part,
  };
}

export const ADDRESSES: readonly AddrMsg[] = [
  address({ ifindex: 1, local: ip('127.0.0.1'), prefixlen: 8, scope: 254, label: 'lo' }),
  address({ ifindex: 1, local: ip('::1'), prefixlen: 128, scope: 254 }),
  address({ ifindex: 3, local: ip('10.0.0.1'), prefixlen: 24, label: 'v0' }),
  address({
    ifindex: 3,
    local: ip('10.0.0.5'),
    prefixlen: 24,
    flags: 0x81,
    broadcast: 0x0a0000ff,
    label: 'v0:1',
  }),
  address({
    ifindex: 3,
    local: ip('fe80::d89b:a5ff:fe65:a4a8'),
    prefixlen: 64,
    scope: 253,
    flags: 0xc0,
  }),
  address({
    ifindex: 2,
    local: ip('10.6.0.1'),
    prefixlen: 24,
    scope: 253,
    flags: 0x280,
    metric: 5,
    label: 'v1',
  }),
  address({
    ifindex: 2,
    local: ip('10.5.0.1'),
    prefixlen: 24,
    flags: 0,
    validLft: 100,
    preferredLft: 50,
    label: 'v1',
  }),
  address({
    ifindex: 2,
    local: ip('10.3.0.1'),
    address: ip('10.3.0.2'),
    prefixlen: 32,
    label: 'v1',
  }),
];

export function route(part: Partial<RouteMsg> & Pick<RouteMsg, 'dstLen'>): RouteMsg {
  return {
    family: AF_INET,
    tos: 0,
    table: 254,
    protocol: 3,
    scope: 0,
    type: 1,
    flags: 0,
    nexthops: [],
    ...part,
  };
}

const via = (gateway: string, ifindex = 3, weight = 1, flags = 0) => ({
  via: ip(gateway),
  ifindex,
  weight,
  flags,
});
const on = (ifindex: number) => ({ ifindex, weight: 1, flags: 0 });

export const ROUTES: readonly RouteMsg[] = [
  route({ dstLen: 0, nexthops: [via('10.0.0.2')] }),
  route({ dstLen: 0, priority: 100, nexthops: [via('10.0.0.3')] }),
  route({
    dst: ip('10.0.0.0'),
    dstLen: 24,
    protocol: 2,
    scope: 253,
    prefsrc: ip('10.0.0.1'),
    nexthops: [on(3)],
  }),
  route({
    dst: ip('10.66.1.0'),
    dstLen: 24,
    nexthops: [via('10.0.0.2')],
    metrics: {
      mtu: 1400,
      advmss: 1300,
      initcwnd: 20,
      rto_min: 5,
      quickack: 1,
      lock: (1 << 2) | (1 << 13),
    },
  }),
  route({ dst: ip('10.66.2.0'), dstLen: 24, type: 6 }),
  route({ dst: ip('10.77.0.0'), dstLen: 16, nexthops: [via('10.0.0.2'), via('10.2.0.2', 2, 2)] }),
  route({ dst: ip('10.78.0.0'), dstLen: 16, nexthops: [via('10.99.0.1', 3, 1, 4)] }),
  route({
    dst: ip('10.79.0.0'),
    dstLen: 16,
    protocol: 4,
    scope: 253,
    prefsrc: ip('10.2.0.1'),
    priority: 50,
    nexthops: [on(2)],
  }),
  route({ dst: ip('10.80.0.0'), dstLen: 16, tos: 0x10, scope: 253, nexthops: [on(2)] }),
  route({
    dst: ip('10.81.0.0'),
    dstLen: 16,
    table: 77,
    protocol: 200,
    nexthops: [via('10.2.0.2', 2)],
  }),
  route({
    dst: ip('10.0.0.1'),
    dstLen: 32,
    table: 255,
    type: 2,
    protocol: 2,
    scope: 254,
    prefsrc: ip('10.0.0.1'),
    nexthops: [on(3)],
  }),
];

function rule(part: Partial<RuleMsg> & Pick<RuleMsg, 'priority'>): RuleMsg {
  return { family: AF_INET, srcLen: 0, dstLen: 0, tos: 0, table: 254, action: 1, ...part };
}

export const RULES: readonly RuleMsg[] = [
  rule({ priority: 0, table: 255, protocol: 2 }),
  rule({ priority: 600, action: 2, table: 32766 }),
  rule({ priority: 700, action: 8, table: 0, src: ip('10.9.0.1'), srcLen: 32 }),
  rule({ priority: 800, action: 6, table: 0, invert: true, src: ip('10.2.0.0'), srcLen: 24 }),
  rule({
    priority: 900,
    dst: ip('10.5.0.0'),
    dstLen: 24,
    tos: 0x10,
    fwmark: 1,
    fwmask: 0xff,
    iifname: 'v0',
    oifname: 'v1',
  }),
  rule({ priority: 1000, fwmark: 1, fwmask: 0xffffffff, table: 200 }),
  rule({ priority: 32766, protocol: 2 }),
];

function neigh(part: Partial<NeighMsg> & Pick<NeighMsg, 'dst'>): NeighMsg {
  return { family: AF_INET, ifindex: 3, state: Nud.NUD_REACHABLE, flags: 0, ...part } as NeighMsg;
}

export const NEIGHBOURS: readonly NeighMsg[] = [
  neigh({
    dst: ip('10.0.0.9'),
    lladdr: mac('02:00:00:00:00:09'),
    state: Nud.NUD_PERMANENT,
    cacheinfo: { used: 0, confirmed: 0, updated: 0, refcnt: 0 },
    probes: 0,
  }),
  neigh({
    dst: ip('10.0.0.7'),
    lladdr: mac('02:00:00:00:00:07'),
    cacheinfo: { used: 0, confirmed: 0, updated: 0, refcnt: 1 },
    probes: 0,
  }),
  neigh({
    dst: ip('10.0.0.6'),
    lladdr: mac('02:00:00:00:00:06'),
    state: Nud.NUD_STALE,
    flags: 0x80,
    cacheinfo: { used: 0, confirmed: 60, updated: 0, refcnt: 0 },
    probes: 0,
  }),
  neigh({
    dst: ip('10.0.0.4'),
    state: Nud.NUD_FAILED,
    cacheinfo: { used: 0, confirmed: 60, updated: 0, refcnt: 0 },
    probes: 3,
  }),
  neigh({
    dst: ip('224.0.0.22'),
    lladdr: mac('01:00:5e:00:00:16'),
    state: Nud.NUD_NOARP,
    ifindex: 4,
  }),
];
