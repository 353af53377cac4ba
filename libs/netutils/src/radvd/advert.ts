/**
 * A router advertisement's bytes (RFC 4861 §4.2, RFC 4191, RFC 8106); the kernel fills in the checksum.
 */
import { INFINITY, type InterfaceConfig, type Preference } from './config.js';

const ND_ROUTER_ADVERT = 134;
const PREFERENCE_BITS: Readonly<Record<Preference, number>> = { low: 0x18, medium: 0, high: 0x08 };

function seconds(value: number): number {
  return value >= INFINITY ? INFINITY : Math.floor(value);
}

/** An option: type, length in units of eight bytes, then what follows. */
function option(type: number, ...parts: readonly (readonly number[] | Uint8Array)[]): number[] {
  const body = parts.flatMap((part) => [...part]);
  while ((body.length + 2) % 8 !== 0) body.push(0);
  return [type, (body.length + 2) / 8, ...body];
}

function word32(value: number): number[] {
  return [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function domainName(name: string): number[] {
  const bytes: number[] = [];
  for (const label of name.split('.').filter((part) => part !== ''))
    bytes.push(label.length, ...[...label].map((c) => c.charCodeAt(0)));
  return [...bytes, 0];
}

/** An advertisement from an interface. `cease`: the last one, which says that the router goes. */
export function routerAdvert(
  config: InterfaceConfig,
  lladdr: Uint8Array,
  cease: boolean,
): Uint8Array {
  const lifetime = cease ? 0 : (config.defaultLifetime ?? Math.ceil(3 * config.maxInterval));
  const flags =
    (config.managed ? 0x80 : 0) |
    (config.otherConfig ? 0x40 : 0) |
    (lifetime === 0 ? 0 : PREFERENCE_BITS[config.defaultPreference]);
  const bytes = [ND_ROUTER_ADVERT, 0, 0, 0, config.hopLimit, flags, lifetime >> 8, lifetime & 255];
  bytes.push(...word32(config.reachableTime), ...word32(config.retransTimer));
  for (const prefix of config.prefixes) {
    const bits =
      (prefix.onLink ? 0x80 : 0) | (prefix.autonomous ? 0x40 : 0) | (prefix.routerAddr ? 0x20 : 0);
    const life = [
      ...word32(seconds(prefix.validLifetime)),
      ...word32(seconds(prefix.preferredLifetime)),
    ];
    bytes.push(...option(3, [prefix.length, bits], life, [0, 0, 0, 0], prefix.prefix));
  }
  for (const route of config.routes) {
    const life = cease ? 0 : (route.lifetime ?? 3 * config.maxInterval);
    const head = [route.length, PREFERENCE_BITS[route.preference], ...word32(seconds(life))];
    bytes.push(...option(24, head, route.prefix));
  }
  for (const rdnss of config.rdnss) {
    const life = cease ? 0 : (rdnss.lifetime ?? config.maxInterval);
    bytes.push(...option(25, [0, 0], word32(seconds(life)), ...rdnss.servers));
  }
  for (const dnssl of config.dnssl) {
    const life = cease ? 0 : (dnssl.lifetime ?? config.maxInterval);
    bytes.push(...option(31, [0, 0], word32(seconds(life)), ...dnssl.suffixes.map(domainName)));
  }
  if (config.mtu !== 0) bytes.push(...option(5, [0, 0], word32(config.mtu)));
  if (config.sourceLladdr && lladdr.length > 0) bytes.push(...option(1, lladdr));
  return Uint8Array.from(bytes);
}
