/**
 * Who is told what happens: filters events by subscription, bounds what a slow listener can hold back.
 *
 * Kernel tracepoints, wires, Lab → this → `events` messages. Nothing is computed for events that nobody wants: sources
 * ask {@link EventHub.wants} first. A listener that does not acknowledge loses events and is told how many.
 */
import type { EventSubscription, LabEvent, LabMessage } from './port.js';

const DEFAULT_WINDOW = 10_000;

/** A packet behind an event, for subscriptions that filter by content; absent bytes match no filter. */
export interface EventPacket {
  readonly bytes: Uint8Array;
  /** Whether the bytes start with an Ethernet header. */
  readonly ethernet: boolean;
}

export type PacketPredicate = (packet: EventPacket) => boolean;

interface Subscriber {
  readonly id: string;
  readonly wanted: EventSubscription;
  readonly kinds: ReadonlySet<string>;
  readonly matches: PacketPredicate | undefined;
  readonly window: number;
  pending: LabEvent[];
  outstanding: number;
  lost: number;
}

export class EventHub {
  private readonly subscribers = new Map<string, Subscriber>();

  /** @param changed called when the set of wanted kinds may have changed */
  constructor(
    private readonly say: (message: LabMessage) => void,
    private readonly changed: () => void,
  ) {}

  subscribe(id: string, wanted: EventSubscription, matches: PacketPredicate | undefined): void {
    const window = wanted.windowEvents ?? DEFAULT_WINDOW;
    this.subscribers.set(id, {
      id,
      wanted,
      kinds: new Set(wanted.kinds),
      matches,
      window,
      pending: [],
      outstanding: 0,
      lost: 0,
    });
    this.changed();
  }

  unsubscribe(id: string): boolean {
    const found = this.subscribers.delete(id);
    if (found) this.changed();
    return found;
  }

  wants(kind: LabEvent['kind']): boolean {
    for (const { kinds } of this.subscribers.values()) if (kinds.has(kind)) return true;
    return false;
  }

  publish(event: LabEvent, packet?: () => EventPacket | undefined): void {
    let seen: EventPacket | undefined;
    let looked = false;
    for (const subscriber of this.subscribers.values()) {
      if (!subscriber.kinds.has(event.kind) || !selects(subscriber.wanted, event)) continue;
      if (subscriber.matches !== undefined && packet !== undefined) {
        if (!looked) seen = packet();
        looked = true;
        if (seen === undefined || !subscriber.matches(seen)) continue;
      }
      if (subscriber.outstanding >= subscriber.window) {
        subscriber.lost++;
        continue;
      }
      subscriber.outstanding++;
      subscriber.pending.push(event);
    }
  }

  /** Sends what has gathered. */
  flush(): void {
    for (const subscriber of this.subscribers.values()) this.flushOne(subscriber);
  }

  acknowledge(id: string, events: number): boolean {
    const subscriber = this.subscribers.get(id);
    if (subscriber === undefined) return false;
    subscriber.outstanding = Math.max(0, subscriber.outstanding - events);
    return true;
  }

  private flushOne(subscriber: Subscriber): void {
    const room = subscriber.outstanding < subscriber.window;
    if (subscriber.pending.length === 0 && !(subscriber.lost > 0 && room)) return;
    this.say({
      type: 'events',
      subscription: subscriber.id,
      events: subscriber.pending,
      lost: subscriber.lost,
    });
    subscriber.pending = [];
    subscriber.lost = 0;
  }
}

function selects(wanted: EventSubscription, event: LabEvent): boolean {
  const nodes = nodesOf(event);
  if (
    wanted.nodes !== undefined &&
    nodes !== undefined &&
    !nodes.some((node) => wanted.nodes?.includes(node))
  )
    return false;
  if (
    event.kind === 'drop' &&
    wanted.reasons !== undefined &&
    !wanted.reasons.includes(event.reason)
  )
    return false;
  const link = event.kind === 'crossing' || event.kind === 'link' ? event.link : undefined;
  return link === undefined || wanted.links === undefined || wanted.links.includes(link);
}

function nodesOf(event: LabEvent): readonly string[] | undefined {
  switch (event.kind) {
    case 'drop':
    case 'tcp-state':
    case 'node':
    case 'command':
      return [event.node];
    case 'crossing':
      return [event.from.node, event.to.node];
    default:
      return undefined;
  }
}
