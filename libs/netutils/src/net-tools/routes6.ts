/** The IPv6 routes in the columns of `route -6` and `netstat -6r`, from /proc/net/ipv6_route (net-tools 2.10). */
import { formatIpv6 } from '@netloom/base';
import { readTextFile, type Sys } from '@netloom/sys';
import { reverseName } from '../resolve.js';

/** Bits of a route's flags and their letters, in the order of net-tools. */
const FLAGS: readonly (readonly [number, string])[] = [
  [0x0002, 'G'],
  [0x0004, 'H'],
  [0x00010000, 'D'],
  [0x00040000, 'A'],
  [0x01000000, 'C'],
  [0x00020000, 'a'],
  [0x00400000, 'e'],
  [0x0020, 'm'],
  [0x00200000, 'n'],
];
const RTF_REJECT = 0x0200;

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, i) => parseInt(hex.slice(i * 2, i * 2 + 2), 16));
}

/** All routes as text. */
export async function routeTable6(sys: Sys, numeric: boolean): Promise<string> {
  let text =
    'Kernel IPv6 routing table\n' +
    'Destination                    Next Hop                   Flag Met Ref  Use If\n';
  const host = async (address: Uint8Array): Promise<string> => {
    const any = address.every((byte) => byte === 0);
    if (any && !numeric) return '[::]';
    return (numeric ? undefined : await reverseName(sys, address)) ?? formatIpv6(address);
  };
  for (const line of (await readTextFile(sys, '/proc/net/ipv6_route')).split('\n')) {
    const [dst = '', length = '', , , hop = '', metric = '', refs = '', use = '', bits = '', dev] =
      line.trim().split(/\s+/);
    if (dev === undefined) continue;
    const value = parseInt(bits, 16);
    let flags = (value & RTF_REJECT) !== 0 ? '!' : 'U';
    for (const [bit, letter] of FLAGS) if ((value & bit) !== 0) flags += letter;
    const to = `${await host(bytesOf(dst))}/${parseInt(length, 16)}`;
    const met = String(parseInt(metric, 16) | 0).padEnd(3);
    const ref = parseInt(refs, 16);
    text += `${to.padEnd(30)} ${(await host(bytesOf(hop))).padEnd(26)} ${flags.padEnd(4)} ${met} ${ref}${String(parseInt(use, 16)).padStart(7)} ${dev}\n`;
  }
  return text;
}
