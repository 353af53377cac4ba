/** `ifconfig`: show interfaces, set addresses, masks, MTU, flags and hardware addresses (net-tools 2.10). */
import { ipv4Mask, parseMac, strerror } from '@netloom/base';
import { AF_INET, Iff, print, type LinkMsg, type LinkSet, type Sys } from '@netloom/sys';
import { CommandExit, errnoOf, program } from '../command.js';
import { inetAton, resolveName } from '../resolve.js';
import { interfaceLine, interfaceRecord, interfaces } from './interfaces.js';

/** Runs one ioctl-like step; a refusal is printed under the ioctl's name. */
function step(name: string, call: () => void): void {
  try {
    call();
  } catch (error) {
    throw new CommandExit(255, `${name}: ${strerror(errnoOf(error))}\n`);
  }
}

/** The class a plain address has, for a mask that was not given. */
function classMask(address: number): number {
  if (address >>> 31 === 0) return 8;
  return address >>> 30 === 2 ? 16 : 24;
}

function maskLength(mask: number): number | undefined {
  for (let bits = 0; bits <= 32; bits++) if (ipv4Mask(bits) === mask) return bits;
  return undefined;
}

class Config {
  constructor(
    private readonly sys: Sys,
    private readonly label: string,
    private readonly link: LinkMsg,
  ) {}

  private change(name: string, request: Omit<LinkSet, 'ifindex'>): void {
    step(name, () => {
      this.sys.rtnl('RTM_SETLINK', { ifindex: this.link.ifindex, ...request });
    });
  }

  flag(bit: number, on: boolean): void {
    this.change('SIOCSIFFLAGS', { flags: on ? bit : 0, flagsMask: bit });
  }

  private current() {
    return this.sys
      .rtnl('RTM_GETADDR', { family: AF_INET })
      .find(
        (one) =>
          one.ifindex === this.link.ifindex && (one.label ?? this.link.ifname) === this.label,
      );
  }

  remove(): void {
    const old = this.current();
    if (old === undefined) return;
    step('SIOCDIFADDR', () => {
      this.sys.rtnl('RTM_DELADDR', {
        family: AF_INET,
        ifindex: this.link.ifindex,
        local: old.local,
        prefixlen: old.prefixlen,
      });
    });
  }

  /** SIOCSIFADDR replaces the label's address and brings the interface up. */
  address(address: number, length: number | undefined): void {
    this.remove();
    if (address === 0) return;
    const prefixlen = length ?? classMask(address);
    const broadcast = ((address & ipv4Mask(prefixlen)) | (~ipv4Mask(prefixlen) >>> 0)) >>> 0;
    step('SIOCSIFADDR', () => {
      this.sys.rtnl('RTM_NEWADDR', {
        family: AF_INET,
        ifindex: this.link.ifindex,
        local: address,
        address,
        prefixlen,
        scope: address >>> 24 === 127 ? 254 : 0,
        ...(prefixlen < 31 && (this.link.flags & Iff.IFF_BROADCAST) !== 0 ? { broadcast } : {}),
        ...(this.label === this.link.ifname ? {} : { label: this.label }),
      });
    });
    this.flag(Iff.IFF_UP, true);
  }

  netmask(mask: number): void {
    const old = this.current();
    const length = maskLength(mask);
    if (old === undefined || typeof old.local !== 'number')
      throw new CommandExit(255, `SIOCSIFNETMASK: ${strerror(99)}\n`);
    if (length === undefined) throw new CommandExit(255, `SIOCSIFNETMASK: ${strerror(22)}\n`);
    this.address(old.local, length);
  }

  mtu(text: string): void {
    if (!/^\d+$/.test(text)) throw new CommandExit(1, `SIOCSIFMTU: ${strerror(22)}\n`);
    this.change('SIOCSIFMTU', { mtu: Number(text) });
  }

  queue(text: string): void {
    this.change('SIOCSIFTXQLEN', { txqlen: Number(text) });
  }

  hardware(text: string): void {
    const address = parseMac(text);
    if (address === undefined) throw new CommandExit(255, `${text}: invalid ether address.\n`);
    this.change('SIOCSIFHWADDR', { address });
  }
}

async function configure(sys: Sys, label: string, words: readonly string[]): Promise<number> {
  const base = label.replace(/:.*$/, '');
  const link = sys.rtnl('RTM_GETLINK', {}).find((one) => one.ifname === base);
  if (link === undefined)
    throw new CommandExit(
      255,
      `SIOCSIFFLAGS: ${strerror(19)}\n${label}: ERROR while getting interface flags: ${strerror(19)}\n`,
    );
  const config = new Config(sys, label, link);
  for (let i = 0; i < words.length; i++) {
    const raw = words[i] ?? '';
    const off = raw.startsWith('-');
    const word = off ? raw.slice(1) : raw;
    const value = (): string => {
      const next = words[++i];
      if (next === undefined) throw new CommandExit(1, 'ifconfig: missing argument\n');
      return next;
    };
    if (word === 'up') config.flag(Iff.IFF_UP, true);
    else if (word === 'down') {
      if (label === base) config.flag(Iff.IFF_UP, false);
      else config.remove();
    } else if (word === 'promisc') config.flag(Iff.IFF_PROMISC, !off);
    else if (word === 'multicast') config.flag(Iff.IFF_MULTICAST, !off);
    else if (word === 'allmulti') config.flag(Iff.IFF_ALLMULTI, !off);
    else if (word === 'arp') config.flag(Iff.IFF_NOARP, off);
    else if (word === 'mtu') config.mtu(value());
    else if (word === 'txqueuelen') config.queue(value());
    else if (word === 'netmask') config.netmask(inetAton(value()) ?? 0);
    else if (word === 'broadcast') {
      if (!off) value();
    } else if (word === 'hw') {
      const kind = value();
      if (kind !== 'ether')
        throw new CommandExit(
          255,
          `hw address type \`${kind}' has no handler to set address. failed.\n`,
        );
      config.hardware(value());
    } else if (
      word === 'metric' ||
      word === 'pointopoint' ||
      word === 'add' ||
      word === 'del' ||
      word === 'mem_start' ||
      word === 'irq' ||
      word === 'io_addr' ||
      word === 'media' ||
      word === 'tunnel' ||
      word === 'dstaddr'
    ) {
      value();
      throw new CommandExit(255, `ifconfig: ${word}: ${strerror(95)}\n`);
    } else {
      const [host = '', length] = word.split('/');
      const resolved = await resolveName(sys, host, 4);
      if (resolved === undefined || typeof resolved.address !== 'number') {
        throw new CommandExit(
          1,
          `${host}: Unknown host\nifconfig: \`--help' gives usage information.\n`,
        );
      }
      // a mask that follows belongs to the address, as the pair is usually written
      let bits = length === undefined ? undefined : Number(length);
      if (words[i + 1] === 'netmask' && words[i + 2] !== undefined) {
        bits = maskLength(inetAton(words[i + 2] ?? '') ?? 0) ?? bits;
        i += 2;
      }
      config.address(resolved.address, bits);
    }
  }
  return 0;
}

/** ifconfig(8). */
export const ifconfigMain = program(async (sys) => {
  const words = sys.argv.slice(1);
  let all = false;
  let short = false;
  while (words[0]?.startsWith('-') === true) {
    const option = words.shift();
    if (option === '-a') all = true;
    else if (option === '-s') short = true;
    else if (option === '-v') continue;
    else if (option === '-V' || option === '--version') {
      await print(sys, 'net-tools 2.10\n');
      return 0;
    } else
      throw new CommandExit(
        1,
        `ifconfig: option \`${option ?? ''}' not recognised.\nifconfig: \`--help' gives usage information.\n`,
      );
  }
  const [name, ...rest] = words;
  if (name !== undefined && rest.length > 0) return await configure(sys, name, rest);
  const list = interfaces(sys);
  const chosen =
    name === undefined
      ? list.filter((one) => all || (one.link.flags & Iff.IFF_UP) !== 0)
      : list.filter((one) => one.name === name);
  if (name !== undefined && chosen.length === 0) {
    throw new CommandExit(1, `${name}: error fetching interface information: Device not found\n`);
  }
  if (short) {
    await print(
      sys,
      `Iface      MTU    RX-OK RX-ERR RX-DRP RX-OVR    TX-OK TX-ERR TX-DRP TX-OVR Flg\n`,
    );
    await print(sys, chosen.map((one) => interfaceLine(one, 15)).join(''));
  } else {
    await print(sys, chosen.map(interfaceRecord).join(''));
  }
  return 0;
});
