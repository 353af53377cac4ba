/**
 * What every `ip` and `bridge` command works with: the options before the object, the output, names, the interface
 * table, and requests whose refusals become iproute2's texts and exit codes.
 */
import { KernelError, strerror } from '@netloom/base';
import {
  AF_UNSPEC,
  print,
  printErr,
  type LinkMsg,
  type Rtnl,
  type RtnlType,
  type Sys,
} from '@netloom/sys';
import { CommandExit } from '../command.js';
import { noDevice } from '../args.js';
import { Out } from '../out.js';
import { Names } from './names.js';

export interface IpOptions {
  family: number;
  stats: number;
  details: number;
  json: boolean;
  pretty: boolean;
  oneline: boolean;
  brief: boolean;
  color: boolean;
  numeric: boolean;
  human: boolean;
  iec: boolean;
  force: boolean;
  all: boolean;
  /** 0 none, 1 long, 2 short. */
  timestamp: number;
}

export function defaultOptions(): IpOptions {
  return {
    family: AF_UNSPEC,
    stats: 0,
    details: 0,
    json: false,
    pretty: false,
    oneline: false,
    brief: false,
    color: false,
    numeric: false,
    human: false,
    iec: false,
    force: false,
    all: false,
    timestamp: 0,
  };
}

/** The text for a refused rtnetlink request. */
export function refusalText(error: KernelError): string {
  if (error.extack !== undefined && error.extack !== '') {
    return `Error: ${error.extack}${error.extack.endsWith('.') ? '' : '.'}\n`;
  }
  return `RTNETLINK answers: ${strerror(error.errno)}\n`;
}

/** One run of `ip` or `bridge`. */
export class IpContext {
  readonly out: Out;
  readonly names = new Names();
  private warnings = '';
  private links: Map<number, LinkMsg> | undefined;
  private nsNames: Map<number, string> | undefined;

  constructor(
    readonly sys: Sys,
    readonly options: IpOptions,
    /** Exit code of a refused request: 2 for `ip`, 255 for `bridge`. */
    private readonly refusedExit = 2,
  ) {
    this.out = new Out(options);
  }

  /** One request; a refusal ends the program. */
  ask<T extends RtnlType>(type: T, request: Rtnl[T]['req']): Rtnl[T]['res'] {
    try {
      return this.sys.rtnl(type, request);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      throw new CommandExit(this.refusedExit, refusalText(error));
    }
  }

  /** A dump; a refusal says so as libnetlink does. */
  dump<T extends RtnlType>(type: T, request: Rtnl[T]['req']): Rtnl[T]['res'] {
    try {
      return this.sys.rtnl(type, request);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      throw new CommandExit(
        this.refusedExit === 2 ? 2 : 1,
        `${refusalText(error)}Dump terminated\n`,
      );
    }
  }

  private table(): Map<number, LinkMsg> {
    if (this.links === undefined) {
      this.links = new Map();
      for (const link of this.dump('RTM_GETLINK', {})) this.links.set(link.ifindex, link);
    }
    return this.links;
  }

  /** Text for standard error that does not end the program. */
  warn(text: string): void {
    this.warnings += text;
  }

  /** Writes out what has been printed and warned of so far. */
  async flush(): Promise<void> {
    await print(this.sys, this.out.take());
    const warnings = this.warnings;
    this.warnings = '';
    await printErr(this.sys, warnings);
  }

  /** Forgets what is known of interfaces (after a change, or a move to another namespace). */
  forgetLinks(): void {
    this.links = undefined;
  }

  /** Remembers a link seen in an event. */
  rememberLink(link: LinkMsg): void {
    this.table().set(link.ifindex, link);
  }

  linkByIndex(ifindex: number): LinkMsg | undefined {
    return this.table().get(ifindex);
  }

  linkByName(name: string): LinkMsg | undefined {
    for (const link of this.table().values()) {
      if (link.ifname === name || link.altnames.includes(name)) return link;
    }
    return undefined;
  }

  /** An interface's name; `if7` where it is unknown, `*` for 0. */
  ifname(ifindex: number): string {
    if (ifindex === 0) return '*';
    return this.table().get(ifindex)?.ifname ?? `if${ifindex}`;
  }

  /** The index of a name, 0 where there is none (`if7` stands for its number). */
  ifindex(name: string): number {
    const link = this.linkByName(name);
    if (link !== undefined) return link.ifindex;
    const match = /^if(\d+)$/.exec(name);
    return match === null ? 0 : Number(match[1]);
  }

  /** The index of a name, or `Cannot find device`. */
  requireIfindex(name: string): number {
    const ifindex = this.ifindex(name);
    if (ifindex === 0) throw noDevice(name);
    return ifindex;
  }

  /** The name under /run/netns of the namespace this one knows as `nsid`. */
  netnsName(nsid: number): string | undefined {
    if (this.nsNames === undefined) {
      this.nsNames = new Map();
      for (const name of netnsNames(this.sys)) {
        const id = netnsId(this.sys, name);
        if (id >= 0 && !this.nsNames.has(id)) this.nsNames.set(id, name);
      }
    }
    return this.nsNames.get(nsid);
  }
}

export const NETNS_DIR = '/run/netns';

/** The names under /run/netns. */
export function netnsNames(sys: Sys): string[] {
  try {
    // as the real directory lists them: the newest first
    return sys
      .readdir(NETNS_DIR)
      .map(({ name }) => ({ name, ino: sys.stat(`${NETNS_DIR}/${name}`).ino }))
      .sort((a, b) => b.ino - a.ino)
      .map(({ name }) => name);
  } catch (error) {
    if (error instanceof KernelError) return [];
    throw error;
  }
}

/** The caller's nsid for a named namespace, -1 where it has none. */
export function netnsId(sys: Sys, name: string): number {
  let fd: number;
  try {
    fd = sys.open(`${NETNS_DIR}/${name}`, 0);
  } catch (error) {
    if (error instanceof KernelError) return -1;
    throw error;
  }
  try {
    return sys.rtnl('RTM_GETNSID', { fd });
  } catch (error) {
    if (error instanceof KernelError) return -1;
    throw error;
  } finally {
    sys.close(fd);
  }
}

/** Moves the process into a named namespace as `ip -n` and `ip netns exec` do. */
export function netnsSwitch(sys: Sys, name: string): void {
  let fd: number;
  try {
    fd = sys.open(`${NETNS_DIR}/${name}`, 0);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    throw new CommandExit(
      255,
      `Cannot open network namespace "${name}": ${strerror(error.errno)}\n`,
    );
  }
  try {
    sys.setns(fd);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    throw new CommandExit(
      255,
      `setting the network namespace "${name}" failed: ${strerror(error.errno)}\n`,
    );
  } finally {
    sys.close(fd);
  }
}
