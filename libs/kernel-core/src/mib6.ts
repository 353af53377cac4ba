/**
 * The counters of IPv6, ICMPv6 and UDP over IPv6, in the order of /proc/net/snmp6. A namespace makes them on first use.
 * Sources: RFC 4293, RFC 4113, net/ipv6/proc.c.
 */
export const MIB6_GROUPS = {
  Ip6: [
    'InReceives',
    'InHdrErrors',
    'InTooBigErrors',
    'InNoRoutes',
    'InAddrErrors',
    'InUnknownProtos',
    'InTruncatedPkts',
    'InDiscards',
    'InDelivers',
    'OutForwDatagrams',
    'OutRequests',
    'OutDiscards',
    'OutNoRoutes',
    'ReasmTimeout',
    'ReasmReqds',
    'ReasmOKs',
    'ReasmFails',
    'FragOKs',
    'FragFails',
    'FragCreates',
    'InMcastPkts',
    'OutMcastPkts',
    'InOctets',
    'OutOctets',
    'InMcastOctets',
    'OutMcastOctets',
    'InBcastOctets',
    'OutBcastOctets',
    'InNoECTPkts',
    'InECT1Pkts',
    'InECT0Pkts',
    'InCEPkts',
    'OutTransmits',
  ],
  Icmp6: [
    'InMsgs',
    'InErrors',
    'OutMsgs',
    'OutErrors',
    'InCsumErrors',
    'OutRateLimitHost',
    'InDestUnreachs',
    'InPktTooBigs',
    'InTimeExcds',
    'InParmProblems',
    'InEchos',
    'InEchoReplies',
    'InGroupMembQueries',
    'InGroupMembResponses',
    'InGroupMembReductions',
    'InRouterSolicits',
    'InRouterAdvertisements',
    'InNeighborSolicits',
    'InNeighborAdvertisements',
    'InRedirects',
    'InMLDv2Reports',
    'OutDestUnreachs',
    'OutPktTooBigs',
    'OutTimeExcds',
    'OutParmProblems',
    'OutEchos',
    'OutEchoReplies',
    'OutGroupMembQueries',
    'OutGroupMembResponses',
    'OutGroupMembReductions',
    'OutRouterSolicits',
    'OutRouterAdvertisements',
    'OutNeighborSolicits',
    'OutNeighborAdvertisements',
    'OutRedirects',
    'OutMLDv2Reports',
  ],
  Udp6: [
    'InDatagrams',
    'NoPorts',
    'InErrors',
    'OutDatagrams',
    'RcvbufErrors',
    'SndbufErrors',
    'InCsumErrors',
    'IgnoredMulti',
    'MemErrors',
  ],
  UdpLite6: [
    'InDatagrams',
    'NoPorts',
    'InErrors',
    'OutDatagrams',
    'RcvbufErrors',
    'SndbufErrors',
    'InCsumErrors',
    'MemErrors',
  ],
} as const;

type Groups = typeof MIB6_GROUPS;
export type Mib6Name = {
  [G in keyof Groups]: `${G}${Groups[G][number]}`;
}[keyof Groups];

/** Counter names in the order of the file. */
export const MIB6_NAMES: readonly Mib6Name[] = (
  Object.keys(MIB6_GROUPS) as (keyof Groups)[]
).flatMap((group) => MIB6_GROUPS[group].map((name) => `${group}${name}` as Mib6Name));

/** Counter name to index. */
export const Mib6 = Object.freeze(
  Object.fromEntries(MIB6_NAMES.map((name, index) => [name, index])),
) as Readonly<Record<Mib6Name, number>>;

/** The counters of one namespace. */
export class Mib6Counters {
  private values: Float64Array | null = null;
  /** Messages by type: type, or 256 + type for those sent. */
  private messages: Map<number, number> | null = null;

  add(index: number, by: number): void {
    const values = (this.values ??= new Float64Array(MIB6_NAMES.length));
    values[index] = (values[index] as number) + by;
  }

  get(index: number): number {
    return this.values?.[index] ?? 0;
  }

  addMessage(out: boolean, type: number): void {
    const messages = (this.messages ??= new Map<number, number>());
    const key = (out ? 256 : 0) + type;
    messages.set(key, (messages.get(key) ?? 0) + 1);
  }

  /** `Icmp6InType134` and the like with their counts, types in order. */
  messageCounts(): (readonly [string, number])[] {
    return [...(this.messages ?? [])]
      .sort(([a], [b]) => a - b)
      .map(
        ([key, count]) =>
          [key < 256 ? `Icmp6InType${key}` : `Icmp6OutType${key - 256}`, count] as const,
      );
  }
}
