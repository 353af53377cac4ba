/**
 * radvd.conf(5): the words of the common subset, with the program's defaults. Times are in seconds as in the file.
 */
import { parseIpv6 } from '@netloom/base';

export const INFINITY = 0xffffffff;

export interface PrefixConfig {
  readonly prefix: Uint8Array;
  readonly length: number;
  onLink: boolean;
  autonomous: boolean;
  routerAddr: boolean;
  validLifetime: number;
  preferredLifetime: number;
}

export interface RouteConfig {
  readonly prefix: Uint8Array;
  readonly length: number;
  lifetime: number | undefined;
  preference: Preference;
}

export interface RdnssConfig {
  readonly servers: readonly Uint8Array[];
  lifetime: number | undefined;
}

export interface DnsslConfig {
  readonly suffixes: readonly string[];
  lifetime: number | undefined;
}

export type Preference = 'low' | 'medium' | 'high';

export interface InterfaceConfig {
  readonly name: string;
  sendAdvert: boolean;
  ignoreIfMissing: boolean;
  unicastOnly: boolean;
  minInterval: number | undefined;
  maxInterval: number;
  minDelay: number;
  managed: boolean;
  otherConfig: boolean;
  mtu: number;
  reachableTime: number;
  retransTimer: number;
  hopLimit: number;
  defaultLifetime: number | undefined;
  defaultPreference: Preference;
  sourceLladdr: boolean;
  readonly prefixes: PrefixConfig[];
  readonly routes: RouteConfig[];
  readonly rdnss: RdnssConfig[];
  readonly dnssl: DnsslConfig[];
}

/** A file that cannot be read as radvd.conf; `line` is where. */
export class ConfigError extends Error {
  constructor(
    readonly line: number,
    readonly near: string,
  ) {
    super(`syntax error on line ${line}: ${near}`);
  }
}

interface Token {
  readonly text: string;
  readonly line: number;
}

function tokens(text: string): Token[] {
  const out: Token[] = [];
  text.split('\n').forEach((content, i) => {
    for (const match of content.replace(/#.*/, '').matchAll(/[{};]|[^\s{};]+/g))
      out.push({ text: match[0], line: i + 1 });
  });
  return out;
}

class Reader {
  private at = 0;

  constructor(private readonly list: readonly Token[]) {}

  get done(): boolean {
    return this.at >= this.list.length;
  }

  peek(): string {
    return this.list[this.at]?.text ?? '';
  }

  take(): string {
    const token = this.list[this.at++];
    if (token === undefined) throw new ConfigError(this.list.at(-1)?.line ?? 1, '');
    return token.text;
  }

  /** Takes exactly this word. */
  expect(text: string): void {
    const token = this.list[this.at++];
    if (token?.text !== text)
      throw new ConfigError(token?.line ?? this.list.at(-1)?.line ?? 1, token?.text ?? '');
  }

  fail(): never {
    const token = this.list[Math.max(0, this.at - 1)];
    throw new ConfigError(token?.line ?? 1, token?.text ?? '');
  }

  number(): number {
    const word = this.take();
    if (word === 'infinity') return INFINITY;
    if (!/^\d+(\.\d+)?$/.test(word)) this.fail();
    return Number(word);
  }

  onOff(): boolean {
    const word = this.take();
    if (word !== 'on' && word !== 'off') this.fail();
    return word === 'on';
  }

  preference(): Preference {
    const word = this.take();
    if (word !== 'low' && word !== 'medium' && word !== 'high') this.fail();
    return word;
  }

  prefix(): { readonly prefix: Uint8Array; readonly length: number } {
    const [address = '', length = ''] = this.take().split('/');
    const prefix = parseIpv6(address);
    if (prefix === undefined || !/^\d+$/.test(length) || Number(length) > 128) this.fail();
    return { prefix, length: Number(length) };
  }

  /** A block `{ word value; … };` whose words `take` reads; no block at all (`;`) is allowed. */
  block(take: (word: string) => void): void {
    if (this.peek() === ';') {
      this.take();
      return;
    }
    this.expect('{');
    while (this.peek() !== '}') {
      const word = this.take();
      take(word);
      if (this.peek() === ';') this.take();
    }
    this.expect('}');
    if (this.peek() === ';') this.take();
  }
}

function readPrefix(reader: Reader): PrefixConfig {
  const config: PrefixConfig = {
    ...reader.prefix(),
    onLink: true,
    autonomous: true,
    routerAddr: false,
    validLifetime: 86400,
    preferredLifetime: 14400,
  };
  reader.block((word) => {
    if (word === 'AdvOnLink') config.onLink = reader.onOff();
    else if (word === 'AdvAutonomous') config.autonomous = reader.onOff();
    else if (word === 'AdvRouterAddr') config.routerAddr = reader.onOff();
    else if (word === 'AdvValidLifetime') config.validLifetime = reader.number();
    else if (word === 'AdvPreferredLifetime') config.preferredLifetime = reader.number();
    else if (word === 'DeprecatePrefix' || word === 'DecrementLifetimes') reader.onOff();
    else reader.fail();
  });
  return config;
}

function readRoute(reader: Reader): RouteConfig {
  const config: RouteConfig = { ...reader.prefix(), lifetime: undefined, preference: 'medium' };
  reader.block((word) => {
    if (word === 'AdvRouteLifetime') config.lifetime = reader.number();
    else if (word === 'AdvRoutePreference') config.preference = reader.preference();
    else if (word === 'RemoveRoute') reader.onOff();
    else reader.fail();
  });
  return config;
}

function words(reader: Reader): string[] {
  const list: string[] = [];
  while (reader.peek() !== '{' && reader.peek() !== ';') list.push(reader.take());
  return list;
}

function readRdnss(reader: Reader): RdnssConfig {
  const servers = words(reader).map((text) => parseIpv6(text) ?? reader.fail());
  const config: RdnssConfig = { servers, lifetime: undefined };
  reader.block((word) => {
    if (word === 'AdvRDNSSLifetime') config.lifetime = reader.number();
    else if (word === 'FlushRDNSS') reader.onOff();
    else reader.fail();
  });
  return config;
}

function readDnssl(reader: Reader): DnsslConfig {
  const config: DnsslConfig = { suffixes: words(reader), lifetime: undefined };
  reader.block((word) => {
    if (word === 'AdvDNSSLLifetime') config.lifetime = reader.number();
    else if (word === 'FlushDNSSL') reader.onOff();
    else reader.fail();
  });
  return config;
}

function readInterface(reader: Reader): InterfaceConfig {
  const config: InterfaceConfig = {
    name: reader.take(),
    sendAdvert: false,
    ignoreIfMissing: true,
    unicastOnly: false,
    minInterval: undefined,
    maxInterval: 600,
    minDelay: 3,
    managed: false,
    otherConfig: false,
    mtu: 0,
    reachableTime: 0,
    retransTimer: 0,
    hopLimit: 64,
    defaultLifetime: undefined,
    defaultPreference: 'medium',
    sourceLladdr: true,
    prefixes: [],
    routes: [],
    rdnss: [],
    dnssl: [],
  };
  const settings: Readonly<Record<string, () => void>> = {
    AdvSendAdvert: () => (config.sendAdvert = reader.onOff()),
    IgnoreIfMissing: () => (config.ignoreIfMissing = reader.onOff()),
    UnicastOnly: () => (config.unicastOnly = reader.onOff()),
    MinRtrAdvInterval: () => (config.minInterval = reader.number()),
    MaxRtrAdvInterval: () => (config.maxInterval = reader.number()),
    MinDelayBetweenRAs: () => (config.minDelay = reader.number()),
    AdvManagedFlag: () => (config.managed = reader.onOff()),
    AdvOtherConfigFlag: () => (config.otherConfig = reader.onOff()),
    AdvLinkMTU: () => (config.mtu = reader.number()),
    AdvReachableTime: () => (config.reachableTime = reader.number()),
    AdvRetransTimer: () => (config.retransTimer = reader.number()),
    AdvCurHopLimit: () => (config.hopLimit = reader.number()),
    AdvDefaultLifetime: () => (config.defaultLifetime = reader.number()),
    AdvDefaultPreference: () => (config.defaultPreference = reader.preference()),
    AdvSourceLLAddress: () => (config.sourceLladdr = reader.onOff()),
    prefix: () => config.prefixes.push(readPrefix(reader)),
    route: () => config.routes.push(readRoute(reader)),
    RDNSS: () => config.rdnss.push(readRdnss(reader)),
    DNSSL: () => config.dnssl.push(readDnssl(reader)),
  };
  reader.block((word) => {
    const set = settings[word];
    if (set === undefined) reader.fail();
    set();
  });
  return config;
}

/** Reads a whole file. Throws {@link ConfigError}. */
export function parseRadvdConfig(text: string): InterfaceConfig[] {
  const reader = new Reader(tokens(text));
  const list: InterfaceConfig[] = [];
  while (!reader.done) {
    reader.expect('interface');
    list.push(readInterface(reader));
  }
  return list;
}

/** What is wrong with an interface's values (RFC 4861 §6.2.1), undefined where nothing is. */
export function checkInterface(config: InterfaceConfig): string | undefined {
  const { name, maxInterval, prefixes } = config;
  const min = minInterval(config);
  if (min < 3 || min > 0.75 * maxInterval)
    return `MinRtrAdvInterval for ${name} (${min.toFixed(2)}) must be at least 3.00 but no more than 3/4 of MaxRtrAdvInterval (${(0.75 * maxInterval).toFixed(2)})`;
  if (maxInterval < 4 || maxInterval > 1800)
    return `MaxRtrAdvInterval for ${name} (${maxInterval.toFixed(2)}) must be between 4.00 and 1800.00`;
  const lifetime = config.defaultLifetime ?? 0;
  if (lifetime !== 0 && (lifetime < maxInterval || lifetime > 9000))
    return `AdvDefaultLifetime for ${name} (${lifetime}) must be zero or between ${Math.ceil(maxInterval)} and 9000`;
  const bad = prefixes.find((prefix) => prefix.preferredLifetime > prefix.validLifetime);
  if (bad !== undefined)
    return `AdvValidLifetime must be greater than or equal to AdvPreferredLifetime for ${name}`;
  return undefined;
}

/** The shortest time between two advertisements that nobody asked for. */
export function minInterval(config: InterfaceConfig): number {
  const { maxInterval } = config;
  if (config.minInterval !== undefined) return config.minInterval;
  return maxInterval >= 9 ? 0.33 * maxInterval : 0.75 * maxInterval;
}
