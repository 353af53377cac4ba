/**
 * ICMP messages by the names that scripts give them. Sources: RFC 792, 1812, 4443.
 */
import { ScriptError, type IcmpSpec } from './ast.js';

const CODES4: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  unreachable: {
    net_unreachable: 0,
    host_unreachable: 1,
    protocol_unreachable: 2,
    port_unreachable: 3,
    frag_needed: 4,
    source_route_failed: 5,
    net_unknown: 6,
    host_unknown: 7,
    source_host_isolated: 8,
    net_prohibited: 9,
    host_prohibited: 10,
    net_unreachable_for_tos: 11,
    host_unreachable_for_tos: 12,
    packet_filtered: 13,
    communication_prohibited: 13,
    precedence_violation: 14,
    precedence_cutoff: 15,
  },
  time_exceeded: { ttl_exceeded: 0, transit: 0, reassembly: 1 },
};
const TYPES4: Readonly<Record<string, number>> = {
  echo_reply: 0,
  unreachable: 3,
  source_quench: 4,
  redirect: 5,
  echo_request: 8,
  time_exceeded: 11,
  parameter_problem: 12,
};
const CODES6: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  unreachable: {
    no_route: 0,
    net_unreachable: 0,
    admin_prohibited: 1,
    not_neighbour: 2,
    address_unreachable: 3,
    host_unreachable: 3,
    port_unreachable: 4,
  },
  time_exceeded: { exceed_hop_limit: 0, exceed_fragment_reassembly: 1 },
};
const TYPES6: Readonly<Record<string, number>> = {
  unreachable: 1,
  packet_too_big: 2,
  time_exceeded: 3,
  parameter_problem: 4,
  echo_request: 128,
  echo_reply: 129,
};

/** Type and code as numbers. */
export function icmpNumbers(
  spec: IcmpSpec,
  v6: boolean,
): { readonly type: number; readonly code: number } {
  const type = (v6 ? TYPES6 : TYPES4)[spec.type];
  if (type === undefined) throw new ScriptError(`unknown ICMP type ${spec.type}`);
  if (spec.code === undefined) return { type, code: 0 };
  const code = (v6 ? CODES6 : CODES4)[spec.type]?.[spec.code];
  if (code === undefined) throw new ScriptError(`unknown ICMP code ${spec.code}`);
  return { type, code };
}
