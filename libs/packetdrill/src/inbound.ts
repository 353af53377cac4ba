/**
 * Packets of the peer, as bytes for the host: the script's numbers become the wire's.
 */
import type { Address } from './address.js';
import { ScriptError, type EcnMark, type IcmpSpec, type PacketSpec, type TcpSpec } from './ast.js';
import type { Flow } from './flows.js';
import { icmpNumbers } from './icmp.js';
import { buildIcmp, buildTcp, buildUdp, FLAG_ACK, FLAG_SYN, type IpFields } from './packet.js';
import { encodeTcpOptions } from './tcp-options.js';

const TTL = 255;
const ECN_BITS: Readonly<Record<EcnMark, number>> = { noecn: 0, ect1: 1, ect0: 2, ect01: 2, ce: 3 };
/** What an ICMP error quotes of the transport header. */
const QUOTED_TRANSPORT = 8;

export interface Peers {
  readonly local: Address;
  readonly remote: Address;
}

function ipFields(spec: PacketSpec, { local, remote }: Peers): IpFields {
  const { tos = 0, ecn, ttl = TTL, flowLabel = 0 } = spec.ip;
  return {
    src: remote,
    dst: local,
    tos: ecn === undefined ? tos : (tos & ~3) | ECN_BITS[ecn],
    ttl,
    flowLabel,
  };
}

export function inboundBytes(spec: PacketSpec, peers: Peers, flow: Flow): Uint8Array {
  const ip = ipFields(spec, peers);
  switch (spec.transport.kind) {
    case 'tcp':
      return tcpBytes(ip, spec.transport, flow);
    case 'udp':
      return buildUdp(
        ip,
        spec.transport.sport ?? flow.remotePort,
        spec.transport.dport ?? flow.localPort,
        spec.transport.length,
      );
    case 'icmp':
      return icmpBytes(ip, spec.transport, peers, flow);
  }
}

function tcpBytes(ip: IpFields, spec: TcpSpec, flow: Flow): Uint8Array {
  const options = encodeTcpOptions(spec.options ?? [], {
    sack: (seq) => flow.localToLive(seq),
    ecr: (value) => flow.timestamps.get(value) ?? value,
  });
  if (options.length % 4 !== 0) throw new ScriptError('TCP options do not fill whole words');
  return buildTcp(
    ip,
    {
      sport: flow.remotePort,
      dport: flow.localPort,
      seq: (spec.flags & FLAG_SYN) !== 0 ? spec.seq : flow.remoteToLive(spec.seq),
      ack: (spec.flags & FLAG_ACK) !== 0 ? flow.localToLive(spec.ack ?? 0) : 0,
      flags: spec.flags,
      window: spec.window ?? 0,
      urgent: spec.urgent ?? 0,
      options,
    },
    spec.length,
  );
}

function icmpBytes(ip: IpFields, spec: IcmpSpec, { local, remote }: Peers, flow: Flow): Uint8Array {
  const v6 = local.length === 16;
  const { type, code } = icmpNumbers(spec, v6);
  const rest = spec.mtu ?? (spec.id === undefined ? 0 : spec.id << 16);
  const { quoted } = spec;
  if (quoted === undefined) return buildIcmp(ip, type, code, rest, new Uint8Array(0));
  const sent: IpFields = { src: local, dst: remote, tos: 0, ttl: 64, flowLabel: 0 };
  const whole =
    quoted.kind === 'tcp'
      ? buildTcp(
          sent,
          {
            sport: flow.localPort,
            dport: flow.remotePort,
            seq: flow.localToLive(quoted.seq),
            ack: 0,
            flags: FLAG_ACK,
            window: 0,
            urgent: 0,
            options: new Uint8Array(0),
          },
          quoted.length,
        )
      : buildUdp(sent, flow.localPort, flow.remotePort, quoted.length);
  return buildIcmp(ip, type, code, rest, whole.slice(0, (v6 ? 40 : 20) + QUOTED_TRANSPORT));
}
