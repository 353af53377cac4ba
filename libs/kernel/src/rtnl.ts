/**
 * rtnetlink: one typed request of a program, answered from the namespace's tables. @kernel net/core/rtnetlink.c
 */
import { KernelError } from '@netloom/base';
import {
  qdiscDelete,
  qdiscNew,
  type Net,
  type NetDevice,
  type RtnlFamily,
} from '@netloom/kernel-core';
import {
  fibResolveNexthop,
  nexthopDel,
  nexthopMsg,
  nexthopNew,
  nexthops,
} from '@netloom/kernel-inet';
import { tcpMetricsDelete, tcpMetricsDump } from '@netloom/kernel-tcp';
import { NsfsDescription, type Task } from '@netloom/kernel-tasks';
import {
  AF_BRIDGE,
  AF_INET,
  AF_UNSPEC,
  type NeighNew,
  type NetnsRef,
  type QdiscMsg,
  type Rtnl,
  type RtnlType,
} from '@netloom/sys';
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

function devices(net: Net, ifindex: number | undefined): readonly NetDevice[] {
  if (ifindex === undefined) return net.devices;
  const dev = net.devByIndex(ifindex);
  return dev === undefined ? [] : [dev];
}

/** The family that a request names; AF_INET where it names none. @errno EOPNOTSUPP */
function familyOf(net: Net, family: number | undefined): RtnlFamily {
  const wanted = family === undefined || family === AF_UNSPEC ? AF_INET : family;
  const found = net.kernel.modules.rtnlFamilies.find((other) => other.family === wanted);
  if (found === undefined) throw new KernelError('EOPNOTSUPP');
  return found;
}

/** The families that a dump is of: one, or all. */
function familiesOf(net: Net, family: number | undefined): readonly RtnlFamily[] {
  const all = net.kernel.modules.rtnlFamilies;
  return family === undefined || family === AF_UNSPEC
    ? all
    : all.filter((other) => other.family === family);
}

const HANDLERS: { readonly [T in RtnlType]: Handler<T> } = {
  RTM_GETLINK: linkGet,
  RTM_NEWLINK: linkAdd,
  RTM_SETLINK: linkSet,
  RTM_DELLINK: linkDelete,
  RTM_GETADDR: ({ net }, request) =>
    familiesOf(net, request.family).flatMap((family) => family.getAddr(net, request)),
  RTM_NEWADDR: ({ net }, request) => {
    familyOf(net, request.family).newAddr(net, request);
  },
  RTM_DELADDR: ({ net }, request) => {
    familyOf(net, request.family).delAddr(net, request);
  },
  RTM_GETROUTE: ({ net }, request) =>
    familiesOf(net, request.family).flatMap((family) => family.getRoute(net, request)),
  RTM_NEWROUTE: ({ net }, request) => {
    familyOf(net, request.family).newRoute(net, request);
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
    familyOf(net, request.family).delRoute(net, request);
  },
  RTM_GETROUTE_ONE: ({ net }, request) => familyOf(net, request.family).routeGet(net, request),
  RTM_GETNEXTHOP: ({ net }, { id }) => {
    const found = nexthops(net).filter((object) => id === undefined || object.id === id);
    if (id !== undefined && found.length === 0) throw new KernelError('ENOENT');
    return found.map(nexthopMsg);
  },
  RTM_NEWNEXTHOP: ({ net }, request) => {
    nexthopNew(net, request, fibResolveNexthop);
  },
  RTM_DELNEXTHOP: ({ net }, { id }) => {
    nexthopDel(net, id);
  },
  RTM_GETRULE: ({ net }, request) =>
    familiesOf(net, request.family).flatMap((family) => family.getRule(net, request)),
  RTM_NEWRULE: ({ net }, request) => {
    familyOf(net, request.family).newRule(net, request);
  },
  RTM_DELRULE: ({ net }, request) => {
    familyOf(net, request.family).delRule(net, request);
  },
  RTM_GETNEIGH: ({ net }, request) =>
    request.family === AF_BRIDGE
      ? fdbDump(net, request)
      : familiesOf(net, request.family).flatMap((family) => family.getNeigh(net, request)),
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
  RTM_NEWQDISC: ({ net }, request) => {
    qdiscNew(deviceOf(net, request.ifindex), request);
  },
  RTM_DELQDISC: ({ net }, request) => {
    qdiscDelete(deviceOf(net, request.ifindex), request);
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

/** Bridges keep forwarding entries, which the tools speak of as neighbours of a family of their own. */
function neighNew(net: Net, request: NeighNew): void {
  if (request.family === AF_BRIDGE) fdbAdd(net, request);
  else familyOf(net, request.family).newNeigh(net, request);
}

function neighDelete(net: Net, request: Omit<NeighNew, 'mode'>): void {
  if (request.family === AF_BRIDGE) fdbDelete(net, request);
  else familyOf(net, request.family).delNeigh(net, request);
}

function deviceOf(net: Net, ifindex: number): NetDevice {
  const dev = net.devByIndex(ifindex);
  if (dev === undefined) throw new KernelError('ENODEV');
  return dev;
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
        refcnt: 2,
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
      refcnt: dev.numTxQueues + 1,
      options: q.options(),
      stats: { bytes, packets, drops, overlimits, requeues, backlog, qlen },
    },
  ];
}
