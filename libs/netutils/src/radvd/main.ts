/**
 * `radvd`: sends router advertisements as radvd.conf says, and answers router solicitations (radvd 2.19's words).
 *
 * Three advertisements at most 16 seconds apart, then one at a random time between MinRtrAdvInterval and
 * MaxRtrAdvInterval; who asks is answered within half a second, by an advertisement for all (no sooner than
 * MinDelayBetweenRAs after the last) where the asker has no address yet. When it ends, a last advertisement takes the router back. Source: RFC 4861 §6.2.
 */
import { KernelError, strerror } from '@netloom/base';
import {
  AF_INET6,
  IPPROTO_ICMPV6,
  Msg,
  Poll,
  print,
  printErr,
  readTextFile,
  Signal,
  SOCK_RAW,
  type LinkMsg,
  type RecvResult,
  type Sys,
} from '@netloom/sys';
import { CommandExit, errnoOf, program } from '../command.js';
import { getopt } from '../getopt.js';
import { routerAdvert } from './advert.js';
import {
  checkInterface,
  minInterval,
  parseRadvdConfig,
  ConfigError,
  type InterfaceConfig,
} from './config.js';

const ND_ROUTER_SOLICIT = 133;
const ND_ROUTER_ADVERT = 134;
const HOP_LIMIT = 255;
const INITIAL_ADVERTS = 3;
const INITIAL_INTERVAL_NS = 16e9;
const MAX_RA_DELAY_NS = 0.5e9;
const SECOND = 1e9;
const ALL_NODES = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const ALL_ROUTERS = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
const RADVD_CONF = '/etc/radvd.conf';

const USAGE = `usage: radvd [-hsvcn] [-d level] [-C config_path] [-m log_method] [-l log_file]
	[-f facility] [-p pid_file] [-u username] [-t chrootdir]
`;

/** One interface that is advertised on. */
interface Advertised {
  readonly config: InterfaceConfig;
  sent: number;
  lastNs: number;
  nextNs: number;
  /** Who asked, and when each is answered. */
  readonly asked: { readonly by: Uint8Array; readonly atNs: number }[];
}

class Radvd {
  private readonly list: Advertised[];
  private ended = false;
  /** Devices whose group of routers the socket has joined. */
  private readonly joined = new Set<number>();

  constructor(
    private readonly sys: Sys,
    private readonly fd: number,
    configs: readonly InterfaceConfig[],
  ) {
    this.list = configs
      .filter((config) => config.sendAdvert)
      .map((config) => ({
        config,
        sent: 0,
        lastNs: Number.NEGATIVE_INFINITY,
        nextNs: config.unicastOnly ? Number.POSITIVE_INFINITY : sys.now(),
        asked: [],
      }));
  }

  private link(name: string): LinkMsg | undefined {
    return this.sys.rtnl('RTM_GETLINK', {}).find((one) => one.ifname === name);
  }

  private random(low: number, high: number): number {
    return low + (this.sys.random() / 0x1_0000_0000) * (high - low);
  }

  private join(ifindex: number): void {
    if (this.joined.has(ifindex)) return;
    const mreq = new Uint8Array(20);
    mreq.set(ALL_ROUTERS);
    new DataView(mreq.buffer).setUint32(16, ifindex, true);
    try {
      this.sys.setsockopt(this.fd, 'IPV6_JOIN_GROUP', mreq);
      this.joined.add(ifindex);
    } catch (error) {
      errnoOf(error);
    }
  }

  /** Sends an advertisement to all, or to who asked. */
  private async advertise(one: Advertised, to: Uint8Array, cease: boolean): Promise<void> {
    const { sys } = this;
    const link = this.link(one.config.name);
    if (link === undefined || (link.flags & 1) === 0) return;
    this.join(link.ifindex);
    sys.setsockopt(this.fd, 'IPV6_MULTICAST_IF', link.ifindex);
    const packet = routerAdvert(one.config, link.address, cease);
    try {
      await sys.sendto(this.fd, packet, 0, {
        family: 'inet6',
        addr: to,
        port: 0,
        scopeId: link.ifindex,
      });
      if (to === ALL_NODES) one.lastNs = sys.now();
    } catch (error) {
      // no link-local address yet, or the link went away: the next one may do better
      errnoOf(error);
    }
  }

  private plan(one: Advertised): void {
    const { config } = one;
    let waitNs = this.random(minInterval(config), config.maxInterval) * SECOND;
    if (one.sent < INITIAL_ADVERTS) waitNs = Math.min(waitNs, INITIAL_INTERVAL_NS);
    one.nextNs = config.unicastOnly ? Number.POSITIVE_INFINITY : this.sys.now() + waitNs;
  }

  private solicited(message: RecvResult): void {
    const { data, from, control } = message;
    if (from.family !== 'inet6' || data[0] !== ND_ROUTER_SOLICIT || data[1] !== 0) return;
    if (control.ttl !== HOP_LIMIT || data.length < 8) return;
    const ifindex = control.pktinfo6?.ifindex ?? from.scopeId;
    const one = this.list.find((other) => this.link(other.config.name)?.ifindex === ifindex);
    if (one === undefined) return;
    const now = this.sys.now();
    const delay = this.random(0, MAX_RA_DELAY_NS);
    // who has no address yet hears the next one that is for all
    if (from.addr.some((byte) => byte !== 0)) {
      one.asked.push({ by: from.addr, atNs: now + delay });
      return;
    }
    const soonest = Math.max(now, one.lastNs + one.config.minDelay * SECOND) + delay;
    one.nextNs = Math.min(one.nextNs, soonest);
  }

  /** Answers those whose time has come. */
  private async answer(one: Advertised): Promise<void> {
    const now = this.sys.now();
    for (let i = 0; i < one.asked.length;) {
      const due = one.asked[i];
      if (due === undefined || due.atNs > now) {
        i++;
        continue;
      }
      one.asked.splice(i, 1);
      await this.advertise(one, due.by, false);
    }
  }

  private async receive(): Promise<void> {
    for (;;) {
      try {
        this.solicited(await this.sys.recvmsg(this.fd, 1500, Msg.MSG_DONTWAIT));
      } catch (error) {
        errnoOf(error);
        return;
      }
    }
  }

  async run(): Promise<number> {
    const { sys } = this;
    const [wakeRead, wakeWrite] = sys.pipe();
    const stop = async (): Promise<void> => {
      this.ended = true;
      await sys.write(wakeWrite, Uint8Array.of(0));
    };
    sys.signal(Signal.SIGTERM, stop);
    sys.signal(Signal.SIGINT, stop);
    for (const one of this.list) {
      const link = this.link(one.config.name);
      if (link !== undefined) this.join(link.ifindex);
    }
    for (;;) {
      for (const one of this.list) {
        await this.answer(one);
        if (one.nextNs > sys.now()) continue;
        await this.advertise(one, ALL_NODES, false);
        one.sent++;
        this.plan(one);
      }
      const times = this.list.flatMap((one) => [one.nextNs, ...one.asked.map(({ atNs }) => atNs)]);
      const next = Math.min(...times);
      const timeout = Number.isFinite(next) ? Math.max(0, next - sys.now()) : undefined;
      await sys.poll(
        [
          { fd: this.fd, events: Poll.POLLIN },
          { fd: wakeRead, events: Poll.POLLIN },
        ],
        timeout,
      );
      if (this.ended) break;
      await this.receive();
    }
    for (const one of this.list) if (one.sent > 0) await this.advertise(one, ALL_NODES, true);
    return 0;
  }
}

function openSocket(sys: Sys): number {
  let fd: number;
  try {
    fd = sys.socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
  } catch (error) {
    throw new CommandExit(1, `radvd: can't create socket(AF_INET6): ${strerror(errnoOf(error))}\n`);
  }
  const filter = new Uint8Array(32).fill(0xff);
  for (const type of [ND_ROUTER_SOLICIT, ND_ROUTER_ADVERT])
    filter[type >> 3] = (filter[type >> 3] ?? 0) & ~(1 << (type & 7)) & 0xff;
  sys.setsockopt(fd, 'ICMP6_FILTER', filter);
  sys.setsockopt(fd, 'IPV6_RECVPKTINFO', 1);
  sys.setsockopt(fd, 'IPV6_RECVHOPLIMIT', 1);
  sys.setsockopt(fd, 'IPV6_UNICAST_HOPS', HOP_LIMIT);
  sys.setsockopt(fd, 'IPV6_MULTICAST_HOPS', HOP_LIMIT);
  sys.setsockopt(fd, 'IPV6_MULTICAST_LOOP', 0);
  sys.setNonblock(fd, true);
  return fd;
}

async function readConfig(sys: Sys, path: string): Promise<InterfaceConfig[]> {
  let text: string;
  try {
    text = await readTextFile(sys, path);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    throw new CommandExit(
      1,
      `radvd: can't open ${path}: ${strerror(error.errno)}\nradvd: Exiting, failed to read config file.\n`,
    );
  }
  try {
    const configs = parseRadvdConfig(text);
    for (const config of configs) {
      // an interface with bad values is not advertised on; the others are
      const wrong = checkInterface(config);
      if (wrong === undefined) continue;
      await printErr(sys, `radvd: ${wrong}\n`);
      config.sendAdvert = false;
    }
    return configs;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CommandExit(
      1,
      `radvd: error parsing or activating the config file: ${path}\nradvd: syntax error in ${path}, line ${error.line}: ${error.near}\nradvd: Exiting, failed to read config file.\n`,
    );
  }
}

/** radvd(8). */
export const radvdMain = program(async (sys) => {
  const parsed = getopt('radvd', sys.argv.slice(1), {
    short: 'd:C:l:m:p:t:u:vhcsn',
    long: {
      debug: 'd:',
      configtest: 'c',
      config: 'C:',
      pidfile: 'p:',
      logfile: 'l:',
      logmethod: 'm:',
      facility: 'f:',
      username: 'u:',
      chrootdir: 't:',
      version: 'v',
      help: 'h',
      singleprocess: 's',
      nodaemon: 'n',
    },
  });
  if (parsed.error !== undefined) throw new CommandExit(1, `${parsed.error}\n${USAGE}`);
  const has = (name: string): boolean => parsed.options.some((option) => option.name === name);
  if (has('h')) throw new CommandExit(0, USAGE);
  if (has('v')) {
    await print(sys, 'Version: 2.19\n');
    return 0;
  }
  const path = parsed.options.filter((option) => option.name === 'C').pop()?.value ?? RADVD_CONF;
  const configs = await readConfig(sys, path);
  if (has('c')) return 0;
  const missing = configs.find(
    (config) =>
      !config.ignoreIfMissing &&
      !sys.rtnl('RTM_GETLINK', {}).some((link) => link.ifname === config.name),
  );
  if (missing !== undefined)
    throw new CommandExit(
      1,
      `radvd: interface ${missing.name} does not exist or is not set up properly, and IgnoreIfMissing is off\n`,
    );
  const forwarding = await readTextFile(sys, '/proc/sys/net/ipv6/conf/all/forwarding').catch(
    () => '0',
  );
  if (forwarding.trim() === '0')
    await printErr(sys, 'radvd: IPv6 forwarding seems to be disabled, but continuing anyway\n');
  if (!has('n') && !has('s')) {
    // a daemon: the parent goes, the child is its own session
    sys.spawn({
      program: async (child) => {
        child.setsid();
        return await new Radvd(child, openSocket(child), configs).run();
      },
      argv: sys.argv,
      fds: new Map(),
      pgid: 0,
    });
    return 0;
  }
  return await new Radvd(sys, openSocket(sys), configs).run();
});
