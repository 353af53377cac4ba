/**
 * PACKET_FANOUT: several packet sockets share what comes, each packet going to one of them.
 * PacketSock.receive → FanoutGroup.pick. Source: net/packet/af_packet.c fanout_demux_*().
 *
 * Modes: by hash of the flow (both ways alike), in turn, by CPU, first with room, at random, by queue (as by CPU here).
 */
import type { SkBuff } from '@netloom/kernel-core';
import { ETH_P_IP, iphDaddr, iphIhl, iphProtocol, iphSaddr } from '@netloom/wire';
import type { PacketSock } from './packet.js';

export const PACKET_FANOUT_HASH = 0;
export const PACKET_FANOUT_LB = 1;
export const PACKET_FANOUT_CPU = 2;
export const PACKET_FANOUT_ROLLOVER = 3;
export const PACKET_FANOUT_RND = 4;
export const PACKET_FANOUT_QM = 5;

export class FanoutGroup {
  readonly members: PacketSock[] = [];
  private turn = 0;
  private lastPacket = -1;
  private lastOutgoing = false;
  private chosen: PacketSock | undefined;

  constructor(
    readonly id: number,
    readonly mode: number,
  ) {}

  /** The member that a packet is for: every member asks, and all hear the same. */
  pick(skb: SkBuff, outgoing: boolean): PacketSock | undefined {
    if (skb.packetId !== this.lastPacket || outgoing !== this.lastOutgoing) {
      this.lastPacket = skb.packetId;
      this.lastOutgoing = outgoing;
      this.chosen = this.choose(skb, outgoing);
    }
    return this.chosen;
  }

  private choose(skb: SkBuff, outgoing: boolean): PacketSock | undefined {
    const { members } = this;
    switch (this.mode) {
      case PACKET_FANOUT_HASH:
        return members[symmetricHash(skb, outgoing) % members.length];
      case PACKET_FANOUT_LB:
        return members[this.turn++ % members.length];
      case PACKET_FANOUT_ROLLOVER:
        return members.find((sk) => sk.rmemAlloc * 2 < sk.rcvbuf) ?? members[0];
      case PACKET_FANOUT_RND:
        return members[members[0]?.net.kernel.random('packet-fanout').below(members.length) ?? 0];
      default:
        return members[0]; // cards interrupt CPU 0, and have one queue
    }
  }
}

/** Alike for both directions of a flow. @kernel __skb_get_hash_symmetric_net() */
function symmetricHash(skb: SkBuff, outgoing: boolean): number {
  const m = skb.mem;
  const link = outgoing ? skb.data : skb.macHeader;
  const ip = link + 14;
  if (m.dv.getUint16(link + 12) !== ETH_P_IP) return 0;
  const protocol = iphProtocol(m, ip);
  const l4 = ip + iphIhl(m, ip) * 4;
  const ports = protocol === 6 || protocol === 17 ? m.dv.getUint16(l4) ^ m.dv.getUint16(l4 + 2) : 0;
  let h = iphSaddr(m, ip) ^ iphDaddr(m, ip) ^ Math.imul(ports + protocol, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  return (h ^ (h >>> 13)) >>> 0;
}
