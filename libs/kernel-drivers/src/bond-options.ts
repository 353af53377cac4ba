/**
 * A bond's options: read by rtnetlink, /sys and /proc, changed by rtnetlink and /sys.
 * Sources: drivers/net/bonding/bond_options.c, bond_netlink.c, bond_sysfs.c, bond_procfs.c.
 */
import { formatIpv4, formatMac, KernelError, parseIpv4, parseMac } from '@netloom/base';
import type { NetDevice, SysfsAttribute, SysfsGroups } from '@netloom/kernel-core';
import type { LinkInfoData } from '@netloom/sys';
import { lacpStateText, type LacpPort } from './bond-lacp.js';
import { changeActiveSlave, restartMonitor, selectActiveSlave } from './bond-monitor.js';
import {
  BOND_MODES,
  BOND_NUMBERS,
  BOND_WORDS,
  bondOf,
  LINK_NAMES,
  LINK_UP,
  MODE_8023AD,
  MODE_ACTIVEBACKUP,
  MODE_ALB,
  MODE_BROADCAST,
  MODE_ROUNDROBIN,
  MODE_TLB,
  MODE_XOR,
  type Bond,
  type BondSlave,
  type NumberOption,
  type WordOption,
} from './bond-state.js';

/** Order in which rtnetlink tells the options, and in which they are taken. */
const ORDER = [
  'miimon',
  'updelay',
  'downdelay',
  'peer_notify_delay',
  'use_carrier',
  'arp_interval',
  'arp_missed_max',
  'arp_ip_target',
  'arp_validate',
  'arp_all_targets',
  'primary',
  'primary_reselect',
  'fail_over_mac',
  'xmit_hash_policy',
  'resend_igmp',
  'num_grat_arp',
  'all_slaves_active',
  'min_links',
  'lp_interval',
  'packets_per_slave',
  'lacp_active',
  'lacp_rate',
  'ad_select',
] as const;

const isNumber = (name: string): name is NumberOption => Object.hasOwn(BOND_NUMBERS, name);
const isWord = (name: string): name is WordOption => Object.hasOwn(BOND_WORDS, name);

function wordOf(bond: Bond, name: WordOption): string {
  return BOND_WORDS[name][bond.words[name]] ?? '';
}

/** Partner and keys of the aggregator in use. */
function aggregatorInfo(bond: Bond): { ports: number; port: LacpPort } | undefined {
  const { lacp } = bond;
  if (lacp === null) return undefined;
  const members = lacp.members(lacp.active);
  const [port] = members;
  return port === undefined ? undefined : { ports: members.length, port };
}

/** IFLA_INFO_DATA. @kernel bond_fill_info() */
export function bondInfo(bond: Bond): LinkInfoData {
  const data: Record<string, string | number | boolean> = { mode: BOND_MODES[bond.mode] ?? '' };
  if (bond.current !== null && bond.usesPrimary) data['active_slave'] = bond.current.dev.name;
  for (const name of ORDER) {
    if (name === 'arp_ip_target') {
      if (bond.arpTargets.length > 0)
        data[name] = bond.arpTargets.map((target) => formatIpv4(target)).join(',');
    } else if (name === 'primary') {
      if (bond.slaves.some(({ dev }) => dev.name === bond.primary)) data[name] = bond.primary;
    } else if (isNumber(name)) data[name] = bond.numbers[name];
    else data[name] = wordOf(bond, name);
  }
  if (bond.mode === MODE_8023AD) {
    const info = aggregatorInfo(bond);
    if (info !== undefined && bond.dev.carrier) {
      const { port } = info;
      data['ad_aggregator'] = port.aggregator;
      data['ad_num_ports'] = info.ports;
      data['ad_actor_key'] = port.actor.key;
      data['ad_partner_key'] = port.partner.key;
      data['ad_partner_mac'] = formatMac(port.partner.system);
    }
    data['ad_actor_sys_prio'] = bond.numbers.ad_actor_sys_prio;
    data['ad_user_port_key'] = bond.numbers.ad_user_port_key;
    data['ad_actor_system'] = formatMac(bond.adActorSystem);
  }
  data['tlb_dynamic_lb'] = bond.numbers.tlb_dynamic_lb;
  return data;
}

/** IFLA_INFO_SLAVE_DATA. @kernel bond_fill_slave_info() */
export function bondSlaveInfo(slave: BondSlave): LinkInfoData {
  const { port } = slave;
  return {
    state: slave.active ? 'ACTIVE' : 'BACKUP',
    mii_status: (LINK_NAMES[slave.link] ?? '').toUpperCase(),
    link_failure_count: slave.failures,
    perm_hwaddr: formatMac(slave.permAddress),
    queue_id: slave.queueId,
    prio: slave.prio,
    ...(port === null
      ? {}
      : {
          ad_aggregator_id: port.aggregator,
          ad_actor_oper_port_state: port.actor.state,
          ad_actor_oper_port_state_str: lacpStateText(port.actor.state),
          ad_partner_oper_port_state: port.partner.state,
          ad_partner_oper_port_state_str: lacpStateText(port.partner.state),
        }),
  };
}

/** Modes in which an option cannot be set. @kernel struct bond_option.unsuppmodes */
const ONLY_IN: Readonly<Record<string, readonly number[]>> = {
  lacp_rate: [MODE_8023AD],
  lacp_active: [MODE_8023AD],
  ad_actor_sys_prio: [MODE_8023AD],
  ad_user_port_key: [MODE_8023AD],
  ad_actor_system: [MODE_8023AD],
  primary: [MODE_ACTIVEBACKUP, MODE_TLB, MODE_ALB],
  active_slave: [MODE_ACTIVEBACKUP, MODE_TLB, MODE_ALB],
  packets_per_slave: [MODE_ROUNDROBIN],
  tlb_dynamic_lb: [MODE_TLB, MODE_ALB],
  arp_validate: [MODE_ACTIVEBACKUP, MODE_ROUNDROBIN, MODE_XOR, MODE_BROADCAST],
  arp_interval: [MODE_ACTIVEBACKUP, MODE_ROUNDROBIN, MODE_XOR, MODE_BROADCAST],
};
const NEEDS_DOWN = new Set([
  'mode',
  'lacp_rate',
  'lacp_active',
  'tlb_dynamic_lb',
  'ad_actor_sys_prio',
  'ad_user_port_key',
]);
const NEEDS_NO_SLAVES = new Set(['mode', 'fail_over_mac']);

function refuse(
  bond: Bond,
  errno: 'EACCES' | 'ENOTEMPTY' | 'EBUSY',
  log: string,
  extack: string,
): never {
  const name = bond.dev.registered ? bond.dev.name : `${bond.dev.name} (uninitialized)`;
  bond.dev.kernel.printk(3, `${name}: option ${log}`);
  throw new KernelError(errno, extack);
}

/** @errno EACCES, ENOTEMPTY, EBUSY. @kernel bond_opt_check_deps() */
function check(bond: Bond, name: string): void {
  const modes = ONLY_IN[name];
  if (modes !== undefined && !modes.includes(bond.mode))
    refuse(
      bond,
      'EACCES',
      `${name}: mode dependency failed, not supported in mode ${BOND_MODES[bond.mode] ?? ''}(${bond.mode})`,
      'option not supported in mode',
    );
  if (NEEDS_NO_SLAVES.has(name) && bond.slaves.length > 0)
    refuse(
      bond,
      'ENOTEMPTY',
      `${name}: unable to set because the bond device has slaves`,
      'unable to set option because the bond device has slaves',
    );
  if (NEEDS_DOWN.has(name) && bond.dev.up)
    refuse(
      bond,
      'EBUSY',
      `${name}: unable to set because the bond device is up`,
      'unable to set option because the bond device is up',
    );
}

function setDelay(bond: Bond, name: 'updelay' | 'downdelay', value: number): void {
  const { miimon } = bond.numbers;
  if (value !== 0 && miimon === 0) {
    bond.log(
      3,
      `Unable to set ${name === 'updelay' ? 'up' : 'down'} delay as MII monitoring is disabled`,
    );
    throw new KernelError('EPERM');
  }
  const rounded = miimon === 0 ? 0 : Math.floor(value / miimon) * miimon;
  if (rounded !== value) {
    const dev = bond.dev.registered ? bond.dev.name : `${bond.dev.name} (uninitialized)`;
    bond.dev.kernel.printk(
      4,
      `${dev}: ${name === 'updelay' ? 'up' : 'down'} delay (${value}) is not a multiple of miimon (${miimon}), value rounded to ${rounded} ms`,
    );
  }
  bond.numbers[name] = rounded;
}

function setNumber(bond: Bond, name: NumberOption, value: number): void {
  const [, least, most] = BOND_NUMBERS[name];
  if (!Number.isInteger(value) || value < least || value > most)
    throw new KernelError('EINVAL', 'invalid option value');
  if (name === 'updelay' || name === 'downdelay') {
    setDelay(bond, name, value);
    return;
  }
  bond.numbers[name] = value;
  if (name === 'miimon' && value !== 0) {
    if (bond.numbers.arp_interval !== 0) {
      bond.log(6, 'MII monitoring cannot be used with ARP monitoring - disabling ARP monitoring');
      bond.numbers.arp_interval = 0;
    }
  } else if (name === 'arp_interval' && value !== 0 && bond.numbers.miimon !== 0) {
    bond.log(6, 'ARP monitoring cannot be used with MII monitoring - disabling MII monitoring');
    bond.numbers.miimon = 0;
  }
  if (name === 'miimon' || name === 'arp_interval') restartMonitor(bond);
}

function setWord(bond: Bond, name: WordOption, text: string): void {
  const words: readonly string[] = BOND_WORDS[name];
  const index = /^\d+$/.test(text) ? Number(text) : words.indexOf(text);
  if (index < 0 || index >= words.length) {
    bond.log(3, `option ${name}: invalid value (${text})`);
    throw new KernelError('EINVAL', 'invalid option value');
  }
  bond.words[name] = index;
}

function setMode(bond: Bond, text: string): void {
  const mode = /^\d+$/.test(text) ? Number(text) : BOND_MODES.findIndex((name) => name === text);
  if (BOND_MODES[mode] === undefined) {
    bond.log(3, `option mode: invalid value (${text})`);
    throw new KernelError('EINVAL', 'invalid option value');
  }
  if (mode === bond.mode) return;
  check(bond, 'mode');
  if (
    (mode === MODE_8023AD || mode === MODE_TLB || mode === MODE_ALB) &&
    bond.numbers.arp_interval !== 0
  ) {
    bond.log(6, `${text} mode is incompatible with arp monitoring, start mii monitoring`);
    bond.numbers.arp_interval = 0;
    if (bond.numbers.miimon === 0) bond.numbers.miimon = 100;
  }
  bond.mode = mode;
}

function setTargets(bond: Bond, text: string): void {
  const targets = text
    .split(',')
    .filter((word) => word !== '')
    .map((word) => parseIpv4(word));
  if (targets.some((target) => target === undefined || target === 0 || target === 0xffffffff))
    throw new KernelError('EINVAL');
  bond.arpTargets = targets as number[];
}

function setActiveSlave(bond: Bond, name: string): void {
  if (name === '') {
    bond.log(6, 'Clearing current active slave');
    changeActiveSlave(bond, null);
    selectActiveSlave(bond);
    return;
  }
  const slave = bond.slaves.find(({ dev }) => dev.name === name);
  if (slave === undefined) throw new KernelError('EINVAL');
  if (slave === bond.current) return;
  if (bond.current === null || slave.link !== LINK_UP || !slave.dev.up) {
    bond.log(
      3,
      `Could not set ${name} as active slave; either ${name} is down or the link is down`,
    );
    throw new KernelError('EINVAL');
  }
  bond.log(6, 'Setting as active slave', slave);
  changeActiveSlave(bond, slave);
}

/** Sets one option. @errno EACCES, EBUSY, ENOTEMPTY, EINVAL, EPERM. @kernel __bond_opt_set() */
export function setBondOption(bond: Bond, name: string, value: string | number | boolean): void {
  const text = String(value);
  if (name === 'mode') {
    setMode(bond, text);
    return;
  }
  const known = name === 'num_unsol_na' ? 'num_grat_arp' : name;
  check(bond, known);
  if (known === 'active_slave') setActiveSlave(bond, text);
  else if (known === 'primary') {
    bond.primary = text;
    if (bond.slaves.some(({ dev }) => dev.name === text)) {
      bond.log(
        6,
        'Setting as primary slave',
        bond.slaves.find(({ dev }) => dev.name === text),
      );
      selectActiveSlave(bond);
    } else if (text !== '')
      bond.log(6, `Recording ${text} as primary, but it has not been enslaved yet`);
  } else if (known === 'arp_ip_target') setTargets(bond, text);
  else if (known === 'ad_actor_system') {
    const mac = parseMac(text);
    if (mac === undefined) throw new KernelError('EINVAL');
    bond.adActorSystem = mac;
  } else if (isNumber(known)) setNumber(bond, known, Number(value));
  else if (isWord(known)) setWord(bond, known, text);
  else throw new KernelError('EINVAL');
}

/** `ip link … type bond …`: the mode first, then as the kernel takes them. @kernel bond_changelink() */
export function bondChangelink(bond: Bond, data: LinkInfoData): void {
  const names = ['mode', 'active_slave', ...ORDER];
  const rest = Object.keys(data).filter((name) => !names.includes(name));
  for (const name of [...names, ...rest]) {
    const value = data[name];
    if (value !== undefined) setBondOption(bond, name, value);
  }
}

const MODE_TEXT = [
  'load balancing (round-robin)',
  'fault-tolerance (active-backup)',
  'load balancing (xor)',
  'fault-tolerance (broadcast)',
  'IEEE 802.3ad Dynamic link aggregation',
  'transmit load balancing',
  'adaptive load balancing',
];

/** The kernel whose texts these are. */
const DRIVER_VERSION = 'v6.1.0';

/** /proc/net/bonding/BOND. @kernel bond_info_seq_show() */
export function bondProc(bond: Bond): string {
  const n = bond.numbers;
  const hashes =
    [MODE_XOR, MODE_8023AD].includes(bond.mode) ||
    (bond.mode === MODE_TLB && n.tlb_dynamic_lb === 0);
  let text = `Ethernet Channel Bonding Driver: ${DRIVER_VERSION}\n\nBonding Mode: ${MODE_TEXT[bond.mode] ?? ''}`;
  if (bond.mode === MODE_ACTIVEBACKUP && bond.words.fail_over_mac !== 0)
    text += ` (fail_over_mac ${wordOf(bond, 'fail_over_mac')})`;
  text += '\n';
  if (hashes)
    text += `Transmit Hash Policy: ${wordOf(bond, 'xmit_hash_policy')} (${bond.words.xmit_hash_policy})\n`;
  if (bond.usesPrimary) {
    const primary = bond.slaves.find(({ dev }) => dev.name === bond.primary);
    text += `Primary Slave: ${primary === undefined ? 'None' : `${primary.dev.name} (primary_reselect ${wordOf(bond, 'primary_reselect')})`}\n`;
    text += `Currently Active Slave: ${bond.current?.dev.name ?? 'None'}\n`;
  }
  text += `MII Status: ${bond.dev.carrier ? 'up' : 'down'}\nMII Polling Interval (ms): ${n.miimon}\n`;
  text += `Up Delay (ms): ${n.updelay}\nDown Delay (ms): ${n.downdelay}\nPeer Notification Delay (ms): ${n.peer_notify_delay}\n`;
  if (n.arp_interval > 0) {
    text += `ARP Polling Interval (ms): ${n.arp_interval}\nARP Missed Max: ${n.arp_missed_max}\n`;
    text += `ARP IP target/s (n.n.n.n form): ${bond.arpTargets.map((target) => formatIpv4(target)).join(', ')}\n`;
    text += 'NS IPv6 target/s (xx::xx form):\n';
  }
  if (bond.mode === MODE_8023AD) text += lacpProc(bond);
  for (const slave of bond.slaves) text += slaveProc(bond, slave);
  return text;
}

function lacpProc(bond: Bond): string {
  let text = `\n802.3ad info\nLACP active: ${wordOf(bond, 'lacp_active')}\nLACP rate: ${wordOf(bond, 'lacp_rate')}\nMin links: ${bond.numbers.min_links}\n`;
  text += `Aggregator selection policy (ad_select): ${wordOf(bond, 'ad_select')}\n`;
  text += `System priority: ${bond.numbers.ad_actor_sys_prio}\nSystem MAC address: ${formatMac(bond.lacp?.systemAddress() ?? bond.dev.address)}\n`;
  const info = aggregatorInfo(bond);
  if (info === undefined) return `${text}bond ${bond.dev.name} has no active aggregator\n`;
  return (
    `${text}Active Aggregator Info:\n\tAggregator ID: ${info.port.aggregator}\n\tNumber of ports: ${info.ports}\n` +
    `\tActor Key: ${info.port.actor.key}\n\tPartner Key: ${info.port.partner.key}\n\tPartner Mac Address: ${formatMac(info.port.partner.system)}\n`
  );
}

function slaveProc(bond: Bond, slave: BondSlave): string {
  let text = `\nSlave Interface: ${slave.dev.name}\nMII Status: ${LINK_NAMES[slave.link] ?? ''}\nSpeed: 10000 Mbps\nDuplex: full\n`;
  text += `Link Failure Count: ${slave.failures}\nPermanent HW addr: ${formatMac(slave.permAddress)}\nSlave queue ID: ${slave.queueId}\n`;
  const { port } = slave;
  if (bond.mode !== MODE_8023AD || port === null) return text;
  const { actor, partner } = port;
  return (
    `${text}Aggregator ID: ${port.aggregator}\nActor Churn State: monitoring\nPartner Churn State: monitoring\nActor Churned Count: 0\nPartner Churned Count: 0\n` +
    `details actor lacp pdu:\n    system priority: ${actor.systemPriority}\n    system mac address: ${formatMac(actor.system)}\n    port key: ${actor.key}\n    port priority: ${actor.portPriority}\n    port number: ${actor.port}\n    port state: ${actor.state}\n` +
    `details partner lacp pdu:\n    system priority: ${partner.systemPriority}\n    system mac address: ${formatMac(partner.system)}\n    oper key: ${partner.key}\n    port priority: ${partner.portPriority}\n    port number: ${partner.port}\n    port state: ${partner.state}\n`
  );
}

const bondAt = (dev: NetDevice): Bond => {
  const bond = bondOf(dev);
  if (bond === undefined) throw new KernelError('ENODEV');
  return bond;
};

function option(name: string, show: (bond: Bond) => string): SysfsAttribute {
  return {
    show: (dev) => show(bondAt(dev)),
    store: (dev, text) => {
      setBondOption(bondAt(dev), name, /^\d+$/.test(text) && isNumber(name) ? Number(text) : text);
    },
  };
}

function lacpOnly(show: (port: LacpPort, ports: number) => string): SysfsAttribute {
  return {
    show: (dev) => {
      const info = aggregatorInfo(bondAt(dev));
      return info === undefined ? '' : show(info.port, info.ports);
    },
  };
}

const wordShown =
  (name: WordOption) =>
  (bond: Bond): string =>
    `${wordOf(bond, name)} ${bond.words[name]}`;
const only8023ad =
  (show: (bond: Bond) => string) =>
  (bond: Bond): string =>
    bond.mode === MODE_8023AD ? show(bond) : '';

/** /sys/class/net/BOND/bonding; `slaves` is added by the driver, which can enslave. */
export function bondSysfs(slaves: SysfsAttribute): SysfsGroups {
  const numbers = Object.fromEntries(
    (Object.keys(BOND_NUMBERS) as NumberOption[]).map((name) => [
      name === 'peer_notify_delay' ? 'peer_notif_delay' : name,
      option(
        name,
        name.startsWith('ad_')
          ? only8023ad((bond) => String(bond.numbers[name]))
          : (bond) => String(bond.numbers[name]),
      ),
    ]),
  );
  const words = Object.fromEntries(
    (Object.keys(BOND_WORDS) as WordOption[]).map((name) => [name, option(name, wordShown(name))]),
  );
  return {
    bonding: {
      ...numbers,
      ...words,
      num_unsol_na: option('num_grat_arp', (bond) => String(bond.numbers.num_grat_arp)),
      mode: option('mode', (bond) => `${BOND_MODES[bond.mode] ?? ''} ${bond.mode}`),
      slaves,
      mii_status: { show: (dev) => (dev.carrier ? 'up' : 'down') },
      active_slave: option('active_slave', (bond) =>
        bond.usesPrimary ? (bond.current?.dev.name ?? '') : '',
      ),
      primary: option('primary', (bond) =>
        bond.slaves.some(({ dev }) => dev.name === bond.primary) ? bond.primary : '',
      ),
      queue_id: {
        show: (dev) =>
          bondAt(dev)
            .slaves.map((slave) => `${slave.dev.name}:${slave.queueId}`)
            .join(' '),
      },
      arp_ip_target: {
        show: (dev) =>
          bondAt(dev)
            .arpTargets.map((target) => formatIpv4(target))
            .join(' '),
        store: (dev, text) => {
          const bond = bondAt(dev);
          const target = parseIpv4(text.slice(1));
          if (target === undefined || !/^[+-]/.test(text)) throw new KernelError('EINVAL');
          if (text.startsWith('+')) bond.arpTargets = [...bond.arpTargets, target];
          else bond.arpTargets = bond.arpTargets.filter((other) => other !== target);
        },
      },
      ad_actor_system: option(
        'ad_actor_system',
        only8023ad((bond) => formatMac(bond.adActorSystem)),
      ),
      ad_aggregator: lacpOnly((port) => String(port.aggregator)),
      ad_num_ports: lacpOnly((_port, ports) => String(ports)),
      ad_actor_key: lacpOnly((port) => String(port.actor.key)),
      ad_partner_key: lacpOnly((port) => String(port.partner.key)),
      ad_partner_mac: lacpOnly((port) => formatMac(port.partner.system)),
    },
  };
}

function slaveFile(show: (slave: BondSlave) => string): SysfsAttribute {
  return {
    show: (dev) => {
      const slave = dev.master === null ? undefined : bondOf(dev.master)?.slaveOf(dev);
      if (slave === undefined) throw new KernelError('ENODEV');
      return show(slave);
    },
  };
}

/** /sys/class/net/SLAVE/bonding_slave. */
export const BOND_SLAVE_SYSFS: SysfsGroups = {
  bonding_slave: {
    ad_actor_oper_port_state: slaveFile(({ port }) =>
      port === null ? 'N/A' : String(port.actor.state),
    ),
    ad_aggregator_id: slaveFile(({ port }) => (port === null ? 'N/A' : String(port.aggregator))),
    ad_partner_oper_port_state: slaveFile(({ port }) =>
      port === null ? 'N/A' : String(port.partner.state),
    ),
    link_failure_count: slaveFile(({ failures }) => String(failures)),
    mii_status: slaveFile(({ link }) => LINK_NAMES[link] ?? ''),
    perm_hwaddr: slaveFile(({ permAddress }) => formatMac(permAddress)),
    queue_id: slaveFile(({ queueId }) => String(queueId)),
    state: slaveFile(({ active }) => (active ? 'active' : 'backup')),
  },
};
