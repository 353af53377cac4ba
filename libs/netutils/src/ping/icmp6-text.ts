/**
 * ICMPv6 errors in `ping`'s words.
 */
const UNREACHABLE: readonly string[] = [
  'No route',
  'Administratively prohibited',
  'Beyond scope of source address',
  'Address unreachable',
  'Port unreachable',
];

const OTHERS: Readonly<Record<number, string>> = {
  128: 'Echo request',
  129: 'Echo reply',
  130: 'MLD Query',
  131: 'MLD Report',
  132: 'MLD Reduction',
};

/** The words after `From … icmp_seq=…`; `info` is the MTU or the pointer. */
export function icmp6Text(type: number, code: number, info: number): string {
  switch (type) {
    case 1:
      return `Destination unreachable: ${UNREACHABLE[code] ?? `Unknown code ${code}`}`;
    case 2:
      return `Packet too big: mtu=${info}${code === 0 ? '' : `, code=${code}`}`;
    case 3:
      return `Time exceeded: ${['Hop limit', 'Defragmentation failure'][code] ?? `code ${code}`}`;
    case 4: {
      const what = ['Wrong header field ', 'Unknown header ', 'Unknown option '][code];
      return `Parameter problem: ${what ?? `code ${code} `}at ${info}`;
    }
    default:
      return OTHERS[type] ?? `unknown icmp type: ${type}`;
  }
}
