/**
 * rtnetlink: one typed request of a program, answered from the namespace's tables. @kernel net/core/rtnetlink.c
 */
import { KernelError } from '@netloom/base';
import type { Net, NetDevice } from '@netloom/kernel-core';
import {
  arpCreate,
  arpLookup,
  arpRemove,
  fibDelRoute,
  fibDelRule,
  fibExceptionMsgs,
  fibNewRoute,
  fibNewRule,
  fibRouteMsg,
  fibRuleMsg,
  InDevice,
  inetAddAddress,
  inetAddrMsg,
  inetDelAddress,
  ipv4Of,
  neighMsg,
} from '@netloom/kernel-inet';
import { tcpMetricsDelete, tcpMetricsDump } from '@netloom/kernel-tcp';
import { NsfsDescription, type Task } from '@netloom/kernel-tasks';
import {
  AF_BRIDGE,
  AF_INET,
  AF_INET6,
  Nud,
  type NeighMsg,
  type NeighNew,
  type NetnsRef,
  type QdiscMsg,
  type RouteMsg,
  type Rtnl,
  type RtnlType,
  type RuleMsg,
} from '@netloom/sys';
import { NEIGH_UPDATE_F_ADMIN, NEIGH_UPDATE_F_OVERRIDE } from '@netloom/kernel-core';
import type { Host } from './host.js';
import {
  fdbAdd,
  fdbDelete,
  fdbDump,
  mdbChange,
  mdbDump,
  vlanChange,
  vlanDump,
} from './rtnl-bridge.js';
import { linkAdd, linkDelete, linkGet, linkSet } from './rtnl-link.js';
import { routeGet } from './rtnl-route-get.js';

type Handler<T extends RtnlType> = (
  context: RtnlContext,
  request: Rtnl[T]['req'],
) => Rtnl[T]['res'];

/** Who asks: the host, the task's namespace, and what its descriptors and pids refer to. */
export interface RtnlContext {
  readonly host: Host;
  readonly net: Net;
  netnsOf(ref: NetnsRef): Net;
}

/** @errno what the request's kind can give; EAFNOSUPPORT and EOPNOTSUPP for what this kernel lacks. */
export function rtnlRequest<T extends RtnlType>(
  host: Host,
  task: Task,
  type: T,
  request: Rtnl[T]['req'],
): Rtnl[T]['res'] {
  const context: RtnlContext = {
    host,
    net: task.net as Net,
    netnsOf: (ref) => resolveNetns(host, task, ref),
  };
  return (HANDLERS[type] as Handler<T>)(context, request);
}

function resolveNetns(host: Host, task: Task, ref: NetnsRef): Net {
  if ('fd' in ref) {
    const desc = task.fds.get(ref.fd);
    if (!(desc instanceof NsfsDescription)) throw new KernelError('EINVAL');
    return desc.namespace as Net;
  }
  const other = host.tasks.task(ref.pid);
  if (other === undefined) throw new KernelError('ESRCH');
  return other.net as Net;
}

function devices(net: Net, ifindex: number | undefined): NetDevice[] {
  if (ifindex === undefined) return net.devices;
  const dev = net.devByIndex(ifindex);
  return dev === undefined ? [] : [dev];
}

function onlyIpv4(family: number | undefined): void {
  if (family !== undefined && family !== AF_INET) throw new KernelError('EOPNOTSUPP');
}

const HANDLERS: { readonly [T in RtnlType]: Handler<T> } = {
  RTM_GETLINK: linkGet,
  RTM_NEWLINK: linkAdd,
  RTM_SETLINK: linkSet,
  RTM_DELLINK: linkDelete,
  RTM_GETADDR: ({ net }, { family, ifindex }) =>
    family === AF_INET6
      ? []
      : devices(net, ifindex).flatMap((dev) =>
          (InDevice.of(dev)?.addresses ?? []).map(inetAddrMsg),
        ),
  RTM_NEWADDR: ({ net }, request) => {
    onlyIpv4(request.family);
    inetAddAddress(net, request);
  },
  RTM_DELADDR: ({ net }, request) => {
    onlyIpv4(request.family);
    inetDelAddress(net, request);
  },
  RTM_GETROUTE: ({ net }, { family, table, cache }) =>
    family === AF_INET6 ? [] : cache === true ? fibExceptionMsgs(net) : routeDump(net, table),
  RTM_NEWROUTE: ({ net }, request) => {
    onlyIpv4(request.family);
    fibNewRoute(net, request);
  },
  TCP_METRICS_CMD_GET: ({ net }) => tcpMetricsDump(net),
  TCP_METRICS_CMD_DEL: ({ net }, { daddr, saddr }) =>
    tcpMetricsDelete(
      net,
      (entry) =>
        (daddr === undefined || entry.daddr === daddr) &&
        (saddr === undefined || entry.saddr === saddr),
    ),
  RTM_DELROUTE: ({ net }, request) => {
    onlyIpv4(request.family);
    fibDelRoute(net, request);
  },
  RTM_GETROUTE_ONE: ({ net }, request) => {
    onlyIpv4(request.family);
    return routeGet(net, request);
  },
  RTM_GETRULE: ({ net }, { family }) => (family === AF_INET6 ? [] : ruleDump(net)),
  RTM_NEWRULE: ({ net }, request) => {
    onlyIpv4(request.family);
    net.notify({ type: 'RTM_NEWRULE', rule: fibRuleMsg(fibNewRule(net, request)) });
  },
  RTM_DELRULE: ({ net }, request) => {
    onlyIpv4(request.family);
    net.notify({ type: 'RTM_DELRULE', rule: fibRuleMsg(fibDelRule(net, request)) });
  },
  RTM_GETNEIGH: ({ net }, request) =>
    request.family === AF_BRIDGE ? fdbDump(net, request) : neighDump(net, request),
  RTM_NEWNEIGH: ({ net }, request) => {
    neighNew(net, request);
  },
  RTM_DELNEIGH: ({ net }, request) => {
    neighDelete(net, request);
  },
  RTM_GETVLAN: ({ net }, request) => vlanDump(net, request),
  RTM_NEWVLAN: ({ net }, request) => {
    vlanChange(net, request, true);
  },
  RTM_DELVLAN: ({ net }, request) => {
    vlanChange(net, request, false);
  },
  RTM_GETMDB: ({ net }, request) => mdbDump(net, request),
  RTM_NEWMDB: ({ net }, request) => {
    mdbChange(net, request, true);
  },
  RTM_DELMDB: ({ net }, request) => {
    mdbChange(net, request, false);
  },
  RTM_GETQDISC: ({ net }, { ifindex }) => devices(net, ifindex).flatMap(qdiscMsg),
  RTM_GETNSID: ({ net, netnsOf }, ref) => net.nsids.get(netnsOf(ref)) ?? -1,
  RTM_NEWNSID: ({ net, netnsOf }, { fd, nsid }) => {
    const other = netnsOf({ fd });
    if (net.nsids.has(other))
      throw new KernelError('EEXIST', 'Peer netns already has a nsid assigned');
    if ([...net.nsids.values()].includes(nsid))
      throw new KernelError('ENOSPC', 'The specified nsid is already used');
    net.nsids.set(other, nsid < 0 ? freeNsid(net) : nsid);
  },
};

/** The lowest number by which a namespace knows no other yet. */
export function freeNsid(net: Net): number {
  const used = new Set(net.nsids.values());
  let id = 0;
  while (used.has(id)) id++;
  return id;
}

function routeDump(net: Net, wanted: number | undefined): RouteMsg[] {
  const tables = [...ipv4Of(net).tables.values()].sort((a, b) => a.id - b.id);
  return tables
    .filter((table) => wanted === undefined || table.id === wanted)
    .flatMap((table) =>
      table
        .routes()
        .sort((a, b) => a.dst - b.dst || b.dstLen - a.dstLen)
        .map(fibRouteMsg),
    );
}

function ruleDump(net: Net): RuleMsg[] {
  return ipv4Of(net).rules.map(fibRuleMsg);
}

function neighDump(net: Net, request: Rtnl['RTM_GETNEIGH']['req']): NeighMsg[] {
  if (request.family === AF_INET6 || request.proxy === true) return [];
  return devices(net, request.ifindex)
    .filter((dev) => request.master === undefined || dev.master?.ifindex === request.master)
    .flatMap((dev) => [...(dev.neigh4?.values() ?? [])].map(neighMsg));
}

function neighNew(net: Net, request: NeighNew): void {
  if (request.family === AF_BRIDGE) {
    fdbAdd(net, request);
    return;
  }
  onlyIpv4(request.family);
  const dev = net.devByIndex(request.ifindex);
  if (dev === undefined) throw new KernelError('ENODEV');
  if (typeof request.dst !== 'number')
    throw new KernelError('EINVAL', 'Network address not specified');
  const existing = arpLookup(dev, request.dst);
  const state = request.state ?? Nud.NUD_PERMANENT;
  if (existing === undefined && request.mode === 'change') throw new KernelError('ENOENT');
  if (existing !== undefined && request.mode === 'add') throw new KernelError('EEXIST');
  const valid =
    (state &
      (Nud.NUD_PERMANENT | Nud.NUD_REACHABLE | Nud.NUD_STALE | Nud.NUD_DELAY | Nud.NUD_PROBE)) !==
    0;
  if (existing === undefined && valid && request.lladdr === undefined)
    throw new KernelError('EINVAL', 'No link layer address given');
  const neigh = existing ?? arpCreate(dev, request.dst);
  if (neigh === null) throw new KernelError('ENOBUFS');
  const view =
    request.lladdr === undefined
      ? undefined
      : new DataView(request.lladdr.buffer, request.lladdr.byteOffset);
  neigh.update(
    view === undefined ? null : { hi: view.getUint16(0), lo: view.getUint32(2) },
    state,
    NEIGH_UPDATE_F_ADMIN | (request.mode === 'append' ? 0 : NEIGH_UPDATE_F_OVERRIDE),
  );
}

function neighDelete(net: Net, request: Omit<NeighNew, 'mode'>): void {
  if (request.family === AF_BRIDGE) {
    fdbDelete(net, request);
    return;
  }
  onlyIpv4(request.family);
  const dev = net.devByIndex(request.ifindex);
  if (dev === undefined) throw new KernelError('ENODEV');
  const neigh = typeof request.dst === 'number' ? arpLookup(dev, request.dst) : undefined;
  if (neigh === undefined) throw new KernelError('ENOENT');
  neigh.update(null, Nud.NUD_FAILED, NEIGH_UPDATE_F_ADMIN | NEIGH_UPDATE_F_OVERRIDE);
  arpRemove(neigh);
}

function qdiscMsg(dev: NetDevice): QdiscMsg[] {
  const q = dev.qdisc;
  if (!dev.activated) return [];
  const root = 0xffffffff;
  if (q === null) {
    return [
      {
        ifindex: dev.ifindex,
        handle: 0,
        parent: root,
        kind: 'noqueue',
        options: {},
        stats: { bytes: 0, packets: 0, drops: 0, overlimits: 0, requeues: 0, backlog: 0, qlen: 0 },
      },
    ];
  }
  const { bytes, packets, drops, overlimits, requeues, backlog, qlen } = q;
  return [
    {
      ifindex: dev.ifindex,
      handle: q.handle,
      parent: q.parent,
      kind: q.kind,
      options: q.options(),
      stats: { bytes, packets, drops, overlimits, requeues, backlog, qlen },
    },
  ];
}
