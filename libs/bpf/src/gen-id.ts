/**
 * Code for what stands after qualifiers: names, numbers, networks, addresses.
 *
 * Caller: filter-gen.ts. Decides from the qualifiers what the text means, and refuses in the words
 * of libpcap 1.10.3.
 */

import { parseIpv4, parseIpv6, protocolNumber, servicePort } from '@netloom/base';
import type { IdValue, Proto, Qualifiers } from './filter-ast.js';
import { genOr } from './filter-block.js';
import type { Block } from './filter-block.js';
import { FilterError, syntaxError } from './filter-error.js';
import { LINK_PROTOCOLS, OSI_PROTOCOLS } from './filter-words.js';
import { genProtochain } from './gen-chain.js';
import { OFFSET_NOT_SET } from './gen-core.js';
import type { GenContext } from './gen-core.js';
import { genDecnetHost, genHost, genHost6, genPort, genProto } from './gen-inet.js';
import { genEtherHost } from './gen-link.js';

const TRANSPORTS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132 };

export function genId(g: GenContext, id: IdValue, q: Qualifiers): Block {
  switch (id.kind) {
    case 'name':
      return genName(g, id.name, q);
    case 'number':
      return genNumber(g, id.value, undefined, q);
    case 'dotted':
      if (id.maskLength !== undefined || id.mask !== undefined) return genMasked(g, id, q);
      return genNumber(g, 0, id.text, q);
    case 'ipv6':
      return genIpv6(g, id.text, id.prefix, q);
    case 'ether':
      if ((q.addr === 'default' || q.addr === 'host') && q.proto === 'link') {
        return genEtherHost(g, macBytes(id.text), q.dir);
      }
      throw new FilterError('ethernet address used in non-ether expression');
    case 'short':
      throw new FilterError('aid supported only on ARCnet');
  }
}

function genName(g: GenContext, name: string, q: Qualifiers): Block {
  switch (q.addr) {
    case 'net':
      throw new FilterError(`unknown network '${name}'`);
    case 'default':
    case 'host':
      return genHostName(g, name, q);
    case 'port':
      return genPortName(g, name, q);
    case 'portrange':
      return genPortRangeName(g, name, q);
    case 'gateway':
      throw new FilterError("'gateway' not supported in this configuration");
    case 'proto':
      return genProto(g, protocolByName(name, q.proto), q.proto);
    case 'protochain':
      return genProtochain(g, protocolByName(name, q.proto), q.proto);
  }
}

function genHostName(g: GenContext, name: string, q: Qualifiers): Block {
  if (q.proto === 'link') {
    const text = g.options.resolveEther?.(name);
    if (text === undefined) throw new FilterError(`unknown ether host '${name}'`);
    return genEtherHost(g, macBytes(text), q.dir);
  }
  if (q.proto === 'decnet') {
    throw new FilterError(`decnet name support not included, '${name}' cannot be translated`);
  }
  const bare = g.offLinktype.constant === OFFSET_NOT_SET && q.proto === 'default';
  const four: Proto = bare ? 'ip' : q.proto;
  const six: Proto = bare ? 'ip6' : q.proto;
  let block: Block | undefined;
  for (const text of g.options.resolveHost?.(name) ?? []) {
    const v4 = parseIpv4(text);
    const v6 = v4 === undefined ? parseIpv6(text) : undefined;
    let next: Block | undefined;
    if (v4 !== undefined && four !== 'ip6') {
      next = genHost(g, v4, 0xffffffff, four, q.dir, q.addr);
    } else if (v6 !== undefined && six !== 'ip') {
      next = genHost6(g, v6, prefixMask(128), six, q.dir);
    }
    if (next !== undefined) block = block === undefined ? next : genOr(block, next);
  }
  if (block === undefined) throw new FilterError(`unknown host '${name}'`);
  return block;
}

function transportOf(proto: Proto, what: 'port' | 'portrange'): number | undefined {
  if (proto === 'default') return undefined;
  const number = TRANSPORTS[proto];
  if (number === undefined) throw new FilterError(`illegal qualifier of '${what}'`);
  return number;
}

/** A port by name or number; with the transport that the name belongs to when it has only one. */
function lookupPort(name: string): { port: number; transport: number | undefined } | undefined {
  if (/^\d+$/.test(name)) return { port: Number(name), transport: undefined };
  const tcp = servicePort(name, 'tcp');
  const udp = servicePort(name, 'udp');
  if (tcp !== undefined && udp !== undefined) return { port: tcp, transport: undefined };
  if (tcp !== undefined) return { port: tcp, transport: 6 };
  if (udp !== undefined) return { port: udp, transport: 17 };
  return undefined;
}

function genPortName(g: GenContext, name: string, q: Qualifiers): Block {
  const wanted = transportOf(q.proto, 'port');
  const found = lookupPort(name);
  if (found === undefined) throw new FilterError(`unknown port '${name}'`);
  if (wanted === 17 && found.transport === 6) throw new FilterError(`port '${name}' is tcp`);
  if (wanted === 6 && found.transport === 17) throw new FilterError(`port '${name}' is udp`);
  if (wanted === 132 && found.transport !== undefined) {
    throw new FilterError(`port '${name}' is ${found.transport === 6 ? 'tcp' : 'udp'}`);
  }
  checkPort(found.port);
  return genPort(g, found.port, found.port, false, wanted ?? found.transport, q.dir);
}

function genPortRangeName(g: GenContext, name: string, q: Qualifiers): Block {
  const wanted = transportOf(q.proto, 'portrange');
  const dash = name.indexOf('-');
  const ends =
    dash < 0
      ? [lookupPort(name), lookupPort(name)]
      : [lookupPort(name.slice(0, dash)), lookupPort(name.slice(dash + 1))];
  const [first, last] = ends;
  if (first === undefined || last === undefined) {
    throw new FilterError(`unknown port in range '${name}'`);
  }
  const named = first.transport === last.transport ? first.transport : undefined;
  if (wanted !== undefined && named !== undefined && wanted !== named) {
    throw new FilterError(`port in range '${name}' is ${named === 6 ? 'tcp' : 'udp'}`);
  }
  checkPort(first.port);
  checkPort(last.port);
  return genPort(g, first.port, last.port, true, wanted ?? named, q.dir);
}

function checkPort(port: number): void {
  if (port > 65535) throw new FilterError(`illegal port number ${port} > 65535`);
}

function protocolByName(name: string, proto: Proto): number {
  switch (proto) {
    case 'default':
    case 'ip':
    case 'ip6': {
      const number = protocolNumber(name);
      if (number === undefined) throw new FilterError(`unknown ip proto '${name}'`);
      return number;
    }
    case 'iso': {
      const number = OSI_PROTOCOLS.get(name);
      if (number === undefined) throw new FilterError(`unknown osi proto '${name}'`);
      return number;
    }
    case 'link': {
      const number = LINK_PROTOCOLS.get(name);
      if (number === undefined) throw new FilterError(`unknown ether proto '${name}'`);
      return number;
    }
    default:
      throw new FilterError(`unknown protocol: ${name}`);
  }
}

/** A number, or dotted text such as `10.1`. */
function genNumber(g: GenContext, number: number, text: string | undefined, q: Qualifiers): Block {
  switch (q.addr) {
    case 'default':
    case 'host':
    case 'net':
      return genAddress(g, number, text, q);
    case 'port':
    case 'portrange': {
      const transport = transportOf(q.proto, q.addr);
      const port = text === undefined ? number : dotted(text)[0];
      checkPort(port);
      return genPort(g, port, port, q.addr === 'portrange', transport, q.dir);
    }
    case 'gateway':
      throw new FilterError("'gateway' requires a name");
    case 'proto':
      return genProto(g, text === undefined ? number : dotted(text)[0], q.proto);
    case 'protochain':
      return genProtochain(g, text === undefined ? number : dotted(text)[0], q.proto);
  }
}

function genAddress(g: GenContext, number: number, text: string | undefined, q: Qualifiers): Block {
  if (q.proto === 'decnet') {
    return genDecnetHost(g, text === undefined ? number : decnetAddress(text), q.dir);
  }
  if (q.proto === 'link') throw new FilterError('illegal link layer address');
  let value = number;
  let mask = 0xffffffff;
  if (text === undefined) {
    if (q.addr === 'net') {
      while (value !== 0 && value >>> 24 === 0) {
        value = (value << 8) >>> 0;
        mask = (mask << 8) >>> 0;
      }
    }
  } else {
    const [short, bits] = dotted(text);
    value = shiftLeft(short, 32 - bits);
    mask = shiftLeft(mask, 32 - bits);
  }
  return genHost(g, value, mask, q.proto, q.dir, q.addr);
}

function genMasked(
  g: GenContext,
  id: { readonly text: string; readonly maskLength?: number; readonly mask?: string },
  q: Qualifiers,
): Block {
  const [short, bits] = dotted(id.text);
  const address = shiftLeft(short, 32 - bits);
  let mask: number;
  if (id.mask !== undefined) {
    const [shortMask, maskBits] = dotted(id.mask);
    mask = shiftLeft(shortMask, 32 - maskBits);
    if ((address & ~mask) !== 0) {
      throw new FilterError(`non-network bits set in "${id.text} mask ${id.mask}"`);
    }
  } else {
    const length = id.maskLength ?? 32;
    if (length > 32) throw new FilterError('mask length must be <= 32');
    mask = length === 0 ? 0 : shiftLeft(0xffffffff, 32 - length);
    if ((address & ~mask) !== 0) {
      throw new FilterError(`non-network bits set in "${id.text}/${length}"`);
    }
  }
  if (q.addr !== 'net') {
    throw new FilterError('Mask syntax for networks only');
  }
  return genHost(g, address, mask, q.proto, q.dir, q.addr);
}

function genIpv6(g: GenContext, text: string, prefix: number, q: Qualifiers): Block {
  const address = parseIpv6(text);
  if (address === undefined) throw syntaxError();
  if (prefix > 128) throw new FilterError('mask length must be <= 128');
  const mask = prefixMask(prefix);
  if (address.some((byte, i) => (byte & ~(mask[i] ?? 0) & 255) !== 0)) {
    throw new FilterError(`non-network bits set in "${text}/${prefix}"`);
  }
  if (q.addr === 'default' || q.addr === 'host') {
    if (prefix !== 128) throw new FilterError('Mask syntax for networks only');
  } else if (q.addr !== 'net') {
    throw new FilterError('invalid qualifier against IPv6 address');
  }
  return genHost6(g, address, mask, q.proto, q.dir);
}

function prefixMask(prefix: number): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, i) => {
    const bits = Math.max(0, Math.min(8, prefix - 8 * i));
    return (0xff00 >> bits) & 255;
  });
}

function shiftLeft(value: number, bits: number): number {
  return bits >= 32 ? 0 : (value << bits) >>> 0;
}

/** `10.1` → 0x0a01 and 16 bits. Parts are decimal and at most 255. */
function dotted(text: string): [value: number, bits: number] {
  let value = 0;
  const parts = text.split('.');
  for (const part of parts) {
    const octet = /^\d+$/.test(part) ? Number(part) : 256;
    if (octet > 255) throw new FilterError(`invalid IPv4 address '${text}'`);
    value = value * 256 + octet;
  }
  return [value, 8 * parts.length];
}

function decnetAddress(text: string): number {
  const match = /^(\d+)\.(\d+)$/.exec(text);
  if (match === null) throw new FilterError(`malformed decnet address '${text}'`);
  return (Number(match[1]) << 10) | Number(match[2]);
}

function macBytes(text: string): Uint8Array {
  const parts = text.split(/[:.-]/);
  if (parts.length === 6) return Uint8Array.from(parts, (part) => Number.parseInt(part, 16));
  const digits = parts.map((part) => part.padStart(4, '0')).join('');
  return Uint8Array.from({ length: 6 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}
