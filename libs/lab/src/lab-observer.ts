/**
 * Kernel tracepoints and wires as events: listens only to what somebody has subscribed to.
 *
 * Tracepoints, LabWire → this → EventHub. Nothing here changes what it sees.
 */
import {
  dropReasonName,
  type Kernel,
  type SkBuff,
  type Sock,
  type Tracepoints,
} from '@netloom/kernel-core';
import type { EventHub } from './event-hub.js';
import type { WireAction } from './hardware.js';
import type { LabLink, LinkTable } from './lab-links.js';
import type { NodeTable } from './lab-nodes.js';
import { describePacket, socketEnds, tcpStateName } from './packets.js';
import type { CaptureSource } from './port.js';

export class LabObserver {
  constructor(
    private readonly trace: Tracepoints,
    private readonly nodes: NodeTable,
    private readonly links: LinkTable,
    private readonly events: EventHub,
  ) {}

  /** Hangs listeners up where somebody wants to know, and takes them off where nobody does any more. */
  listen(): void {
    const { trace, events } = this;
    trace.kfreeSkb = events.wants('drop')
      ? (kernel, skb, reason) => this.dropped(kernel, skb, reason)
      : null;
    trace.inetSockSetState = events.wants('tcp-state')
      ? (sk, from, to) => this.tcpState(sk, from, to)
      : null;
    const crossing = events.wants('crossing');
    for (const link of this.links.all()) {
      link.wire.watch(
        crossing ? (action, from, skb) => this.crossed(link, action, from, skb) : undefined,
      );
    }
  }

  private dropped(kernel: Kernel, skb: SkBuff, reason: number): void {
    const node = this.nodes.ofKernel(kernel);
    if (node === undefined) return;
    const packet = describePacket(skb);
    const { dev, packetId, len } = skb;
    this.events.publish(
      {
        kind: 'drop',
        timeNs: kernel.engine.now,
        node: node.spec.name,
        reason: dropReasonName(reason),
        packetId,
        lengthBytes: len,
        summary: packet.summary(),
        ...(dev === null ? {} : { interface: dev.name }),
      },
      () => packet.bytes(),
    );
  }

  private crossed(link: LabLink, what: WireAction, from: 'a' | 'z', skb: SkBuff): void {
    const end = (side: 'a' | 'z'): CaptureSource => ({
      node: link.spec[side].node,
      interface: link[side].dev.name,
    });
    const packet = describePacket(skb, true);
    this.events.publish(
      {
        kind: 'crossing',
        timeNs: this.nodes.engine.now,
        link: link.id,
        from: end(from),
        to: end(from === 'a' ? 'z' : 'a'),
        what,
        packetId: skb.packetId,
        lengthBytes: skb.len,
        summary: packet.summary(),
      },
      () => packet.bytes(),
    );
  }

  private tcpState(sk: Sock, from: number, to: number): void {
    const node = this.nodes.ofKernel(sk.net.kernel);
    if (node === undefined) return;
    this.events.publish({
      kind: 'tcp-state',
      timeNs: this.nodes.engine.now,
      node: node.spec.name,
      ...socketEnds(sk),
      from: tcpStateName(from),
      to: tcpStateName(to),
    });
  }
}
