/**
 * `arp`: the IPv4 neighbour table in net-tools' words (2.10). Reads /proc/net/arp; sets and deletes through rtnetlink.
 */
import { formatIpv4, parseIpv4, parseMac, strerror } from '@netloom/base';
import { AF_INET, Nud, print, readTextFile, type Sys } from '@netloom/sys';
import { CommandExit, errnoOf, program } from './command.js';
import { getopt } from './getopt.js';
import { resolveName, reverseName } from './resolve.js';
import { ARP_USAGE } from './usage.js';

interface ArpEntry {
  readonly address: string;
  readonly hwType: number;
  readonly flags: number;
  readonly hwAddress: string;
  readonly mask: string;
  readonly device: string;
}

const ATF_COM = 2;
const ATF_PERM = 4;
const ATF_PUBL = 8;

async function readEntries(sys: Sys): Promise<ArpEntry[]> {
  const text = await readTextFile(sys, '/proc/net/arp');
  const out: ArpEntry[] = [];
  for (const row of text.split('\n').slice(1)) {
    const [address, type, flags, hwAddress, mask, device] = row.trim().split(/\s+/);
    if (
      address === undefined ||
      type === undefined ||
      flags === undefined ||
      hwAddress === undefined ||
      mask === undefined ||
      device === undefined
    )
      continue;
    out.push({ address, hwType: Number(type), flags: Number(flags), hwAddress, mask, device });
  }
  return out;
}

class Arp {
  constructor(
    private readonly sys: Sys,
    private readonly numeric: boolean,
    private readonly device: string | undefined,
  ) {}

  private async name(address: string, unknown: string): Promise<string> {
    if (this.numeric) return unknown;
    return (await reverseName(this.sys, parseIpv4(address) ?? 0)) ?? unknown;
  }

  /** Default style. */
  private async lines(entries: readonly ArpEntry[]): Promise<string> {
    let text = 'Address                  HWtype  HWaddress           Flags Mask            Iface\n';
    for (const entry of entries) {
      text += (await this.name(entry.address, entry.address)).slice(0, 23).padEnd(25);
      const known = (entry.flags & ATF_COM) !== 0;
      const published = (entry.flags & ATF_PUBL) !== 0;
      if (!known) {
        text += published
          ? `${'*'.padEnd(8)}${'<from_interface>'.padEnd(20)}`
          : `${''.padEnd(8)}${'(incomplete)'.padEnd(20)}`;
      } else {
        text += `${'ether'.padEnd(8)}${entry.hwAddress.padEnd(20)}`;
      }
      let flags = '';
      if (known) flags += 'C';
      if ((entry.flags & ATF_PERM) !== 0) flags += 'M';
      if (published) flags += 'P';
      text += `${flags.padEnd(6)}${(entry.mask === '*' ? '' : entry.mask).padEnd(16)}${entry.device}\n`;
    }
    return text;
  }

  /** BSD style. */
  private async sentences(entries: readonly ArpEntry[]): Promise<string> {
    let text = '';
    for (const entry of entries) {
      const published = (entry.flags & ATF_PUBL) !== 0;
      text += `${await this.name(entry.address, '?')} (${entry.address}) at `;
      if ((entry.flags & ATF_COM) === 0) text += published ? '<from_interface> ' : '<incomplete> ';
      else text += `${entry.hwAddress} [ether] `;
      if ((entry.flags & ATF_PERM) !== 0) text += 'PERM ';
      if (published) text += 'PUB ';
      text += `on ${entry.device}\n`;
    }
    return text;
  }

  async show(host: string | undefined, bsd: boolean): Promise<number> {
    const all = await readEntries(this.sys);
    let address: string | undefined;
    if (host !== undefined) {
      const resolved = await resolveName(this.sys, host, 4);
      if (resolved === undefined) throw new CommandExit(255, `${host}: Unknown host\n`);
      address = typeof resolved.address === 'number' ? formatIpv4(resolved.address) : undefined;
    }
    const chosen = all.filter(
      (entry) =>
        (address === undefined || entry.address === address) &&
        (this.device === undefined || entry.device === this.device),
    );
    if (chosen.length === 0) {
      if (host !== undefined && !bsd)
        await print(this.sys, `${host} (${address ?? ''}) -- no entry\n`);
      else if (host !== undefined || this.device !== undefined) {
        await print(this.sys, `arp: in ${all.length} entries no match found.\n`);
      }
      return 0;
    }
    await print(this.sys, bsd ? await this.sentences(chosen) : await this.lines(chosen));
    return 0;
  }

  private async target(host: string): Promise<number> {
    const resolved = await resolveName(this.sys, host, 4);
    if (resolved === undefined || typeof resolved.address !== 'number')
      throw new CommandExit(255, `${host}: Unknown host\n`);
    return resolved.address;
  }

  private deviceIndex(address: number): number {
    if (this.device !== undefined) {
      const link = this.sys.rtnl('RTM_GETLINK', {}).find((one) => one.ifname === this.device);
      if (link === undefined) throw new CommandExit(255, `SIOCSARP: ${strerror(19)}\n`);
      return link.ifindex;
    }
    try {
      const route = this.sys.rtnl('RTM_GETROUTE_ONE', { family: AF_INET, dst: address });
      return route.nexthops[0]?.ifindex ?? 0;
    } catch (error) {
      throw new CommandExit(255, `SIOCSARP: ${strerror(errnoOf(error))}\n`);
    }
  }

  async remove(host: string): Promise<number> {
    const address = await this.target(host);
    const found = this.sys
      .rtnl('RTM_GETNEIGH', { family: AF_INET })
      .filter((one) => one.dst === address && (one.state & (Nud.NUD_NOARP | Nud.NUD_FAILED)) === 0)
      .filter((one) => this.device === undefined || one.ifindex === this.deviceIndex(address));
    const [first] = found;
    if (first === undefined) throw new CommandExit(255, `No ARP entry for ${host}\n`);
    try {
      this.sys.rtnl('RTM_DELNEIGH', { family: AF_INET, ifindex: first.ifindex, dst: address });
    } catch (error) {
      throw new CommandExit(255, `SIOCDARP(dontpub): ${strerror(errnoOf(error))}\n`);
    }
    return 0;
  }

  async set(host: string, hardware: string, rest: readonly string[]): Promise<number> {
    const address = await this.target(host);
    const lladdr = parseMac(hardware);
    if (lladdr === undefined) throw new CommandExit(255, 'arp: invalid hardware address\n');
    const temporary = rest.includes('temp');
    const published = rest.includes('pub');
    try {
      this.sys.rtnl('RTM_NEWNEIGH', {
        family: AF_INET,
        ifindex: this.deviceIndex(address),
        dst: address,
        lladdr,
        state: temporary ? Nud.NUD_REACHABLE : Nud.NUD_PERMANENT,
        ...(published ? { flags: 8 } : {}),
        mode: 'replace',
      });
    } catch (error) {
      throw new CommandExit(255, `SIOCSARP: ${strerror(errnoOf(error))}\n`);
    }
    return 0;
  }
}

/** arp(8). */
export const arpMain = program(async (sys) => {
  const parsed = getopt('arp', sys.argv.slice(1), {
    short: 'A:H:adfp:nsei:t:vh?DNV',
    long: {
      verbose: 'v',
      version: 'V',
      all: 'a',
      delete: 'd',
      file: 'f',
      numeric: 'n',
      set: 's',
      protocol: 'A:',
      'hw-type': 'H:',
      device: 'i:',
      help: 'h',
      'use-device': 'D',
      symbolic: 'N',
    },
  });
  if (parsed.error !== undefined) throw new CommandExit(3, `${parsed.error}\n${ARP_USAGE}`);
  const has = (name: string): boolean => parsed.options.some((option) => option.name === name);
  const device = parsed.options.find((option) => option.name === 'i')?.value;
  if (has('h') || has('?')) throw new CommandExit(3, ARP_USAGE);
  if (has('V')) {
    await print(sys, 'net-tools 2.10\n');
    return 0;
  }
  const arp = new Arp(sys, has('n'), device);
  const [host, hardware, ...rest] = parsed.operands;
  if (has('d')) {
    if (host === undefined) throw new CommandExit(255, 'arp: need host name\n');
    return await arp.remove(host);
  }
  if (has('s')) {
    if (host === undefined) throw new CommandExit(255, 'arp: need host name\n');
    if (hardware === undefined) throw new CommandExit(255, 'arp: need hardware address\n');
    return await arp.set(host, hardware, rest);
  }
  return await arp.show(host, has('a'));
});
