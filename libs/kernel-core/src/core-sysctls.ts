/**
 * net.core and net.unix: the sysctls of sockets and of the receive path that belong to no protocol.
 * Source: net/core/sysctl_net_core.c. Values live with the kernel and are shared by its namespaces, which do not see
 * most of them and may write none; those few that a namespace has for itself live with it.
 */
import { KernelError } from '@netloom/base';
import type { Kernel } from './kernel.js';
import type { Net } from './net.js';
import { parseSysctlInt, type SysctlEntry } from './sysctl.js';

const INT_MIN = -2147483648;
const INT_MAX = 2147483647;

/** Pages that the kernel of the machine of /proc/meminfo (2,048,000 kB) has for buffers: what memory limits start from. */
export const FREE_BUFFER_PAGES = 492_408;

/** Integers of the host: name, default, least, most. */
export const CORE_HOST_SYSCTLS = [
  ['bpf_jit_enable', 1, 1, 1],
  ['bpf_jit_harden', 0, 0, 2],
  ['bpf_jit_kallsyms', 1, 0, 1],
  ['bpf_jit_limit', 528482304, 1, Number.MAX_SAFE_INTEGER],
  ['busy_poll', 0, 0, INT_MAX],
  ['busy_read', 0, 0, INT_MAX],
  ['dev_weight', 64, 1, INT_MAX],
  ['dev_weight_rx_bias', 1, 1, INT_MAX],
  ['dev_weight_tx_bias', 1, 1, INT_MAX],
  ['devconf_inherit_init_net', 0, 0, 3],
  ['fb_tunnels_only_for_init_net', 0, 0, 2],
  ['flow_limit_table_len', 4096, 0, INT_MAX],
  ['gro_normal_batch', 8, 1, INT_MAX],
  ['high_order_alloc_disable', 0, 0, 1],
  ['max_skb_frags', 17, 1, 17],
  ['mem_pcpu_rsv', 256, 256, INT_MAX],
  ['message_burst', 10, INT_MIN, INT_MAX],
  ['message_cost', 5, INT_MIN, INT_MAX],
  ['netdev_budget', 300, INT_MIN, INT_MAX],
  ['netdev_budget_usecs', 8000, 8000, INT_MAX],
  ['netdev_max_backlog', 1000, INT_MIN, INT_MAX],
  ['netdev_tstamp_prequeue', 1, INT_MIN, INT_MAX],
  ['netdev_unregister_timeout_secs', 10, 1, 3600],
  ['skb_defer_max', 64, 0, INT_MAX],
  ['warnings', 0, INT_MIN, INT_MAX],
] as const;

/** Integers of the host that namespaces see: name, default, least, most. */
export const CORE_SHARED_SYSCTLS = [
  ['rmem_default', 212992, 2304, INT_MAX],
  ['rmem_max', 212992, 2304, INT_MAX],
  ['wmem_default', 212992, 4608, INT_MAX],
  ['wmem_max', 212992, 4608, INT_MAX],
] as const;

/** Integers that each namespace has for itself. */
export const CORE_NET_SYSCTLS = [
  ['optmem_max', 131072, 0, INT_MAX],
  ['tstamp_allow_data', 1, 0, 1],
  ['txrehash', 1, 0, 1],
  ['xfrm_acq_expires', 30, INT_MIN, INT_MAX],
  ['xfrm_aevent_etime', 10, INT_MIN, INT_MAX],
  ['xfrm_aevent_rseqth', 2, INT_MIN, INT_MAX],
  ['xfrm_larval_drop', 1, INT_MIN, INT_MAX],
] as const;

const HOST_ROWS = [...CORE_HOST_SYSCTLS, ...CORE_SHARED_SYSCTLS];

export type CoreHostSysctlName = (typeof HOST_ROWS)[number][0];
export type CoreNetSysctlName = (typeof CORE_NET_SYSCTLS)[number][0];

/** Entry name to its place among the values of the host, or of a namespace. */
export const CoreHostSysctl = Object.freeze(
  Object.fromEntries(HOST_ROWS.map(([name], i) => [name, i])),
) as Readonly<Record<CoreHostSysctlName, number>>;
export const CoreNetSysctl = Object.freeze(
  Object.fromEntries(CORE_NET_SYSCTLS.map(([name], i) => [name, i])),
) as Readonly<Record<CoreNetSysctlName, number>>;

/** The defaults; never written, a kernel or namespace that changes one has its own copy. */
export const CORE_HOST_DEFAULTS = Float64Array.from(HOST_ROWS, ([, value]) => value);
export const CORE_NET_DEFAULTS = Float64Array.from(CORE_NET_SYSCTLS, ([, value]) => value);

function setHost(kernel: Kernel, index: number, value: number): void {
  if (kernel.coreValues === CORE_HOST_DEFAULTS) kernel.coreValues = CORE_HOST_DEFAULTS.slice();
  kernel.coreValues[index] = value;
  kernel.netdevBudget = kernel.coreValues[CoreHostSysctl.netdev_budget] as number;
  kernel.netdevBudgetUsecs = kernel.coreValues[CoreHostSysctl.netdev_budget_usecs] as number;
  kernel.netdevMaxBacklog = kernel.coreValues[CoreHostSysctl.netdev_max_backlog] as number;
}

function hostEntry(
  [name, , min, max]: (typeof HOST_ROWS)[number],
  scope: 'host' | 'shared',
): SysctlEntry {
  const index = CoreHostSysctl[name];
  return {
    path: `net/core/${name}`,
    scope,
    read: ({ kernel }) => String(kernel.coreValues[index]),
    write: ({ kernel }, text) => {
      const value = parseSysctlInt(text, min, max);
      // a table of flows has a power of two of entries
      if (name === 'flow_limit_table_len' && (value & (value - 1)) !== 0)
        throw new KernelError('EINVAL');
      setHost(kernel, index, value);
    },
  };
}

function netEntry(
  [name, , min, max]: (typeof CORE_NET_SYSCTLS)[number],
  index: number,
): SysctlEntry {
  return {
    path: `net/core/${name}`,
    read: (net) => String(net.coreValues[index]),
    write: (net, text) => {
      if (net.coreValues === CORE_NET_DEFAULTS) net.coreValues = CORE_NET_DEFAULTS.slice();
      net.coreValues[index] = parseSysctlInt(text, min, max);
    },
  };
}

/** A set of CPUs in hexadecimal, 32 to a group. @errno EINVAL, EOVERFLOW */
function parseCpuMask(text: string, cpus: number): bigint {
  const groups = text.trim().split(',');
  if (groups.some((group) => !/^[0-9a-fA-F]{1,8}$/.test(group))) throw new KernelError('EINVAL');
  const mask = BigInt(`0x${groups.map((group) => group.padStart(8, '0')).join('')}`);
  if (mask >> BigInt(cpus) !== 0n) throw new KernelError('EOVERFLOW');
  return mask;
}

function cpuMaskText(mask: bigint, cpus: number): string {
  return mask.toString(16).padStart(Math.ceil(cpus / 4), '0');
}

/** Entries below net/core that belong to no protocol. */
export const coreSysctls: readonly SysctlEntry[] = [
  ...CORE_HOST_SYSCTLS.map((row) => hostEntry(row, 'host')),
  ...CORE_SHARED_SYSCTLS.map((row) => hostEntry(row, 'shared')),
  ...CORE_NET_SYSCTLS.map(netEntry),
  {
    path: 'net/core/default_qdisc',
    scope: 'host',
    read: ({ kernel }) => kernel.defaultQdisc,
    write: ({ kernel }, text) => {
      const name = text.trim();
      if (name !== 'pfifo_fast' && kernel.modules.qdiscKind(name) === undefined)
        throw new KernelError('ENOENT');
      kernel.defaultQdisc = name;
    },
  },
  {
    path: 'net/core/flow_limit_cpu_bitmap',
    scope: 'host',
    read: ({ kernel }) => cpuMaskText(kernel.flowLimitCpus, kernel.cpus),
    write: ({ kernel }, text) => {
      kernel.flowLimitCpus = parseCpuMask(text, kernel.cpus);
    },
  },
  {
    path: 'net/core/rps_default_mask',
    read: (net) => cpuMaskText(net.rpsDefaultMask, net.kernel.cpus),
    write: (net, text) => {
      net.rpsDefaultMask = parseCpuMask(text, net.kernel.cpus);
    },
  },
  {
    path: 'net/core/rps_sock_flow_entries',
    scope: 'host',
    read: ({ kernel }) => String(kernel.rpsSockFlowEntries),
    write: ({ kernel }, text) => {
      const wanted = parseSysctlInt(text, 0, 1 << 29);
      kernel.rpsSockFlowEntries = wanted === 0 ? 0 : 2 ** Math.ceil(Math.log2(wanted));
    },
  },
  {
    path: 'net/core/netdev_rss_key',
    scope: 'host',
    read: () => Array<string>(52).fill('00').join(':'), // drawn when a driver first asks for it
    mode: 0o444,
  },
];

/** A sysctl of net.core that the host has once. */
export function coreSysctl(net: Net, index: number): number {
  return net.kernel.coreValues[index] as number;
}
