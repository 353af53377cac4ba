/**
 * What happens in a lab, as JSON text frames.
 *
 * A client subscribes by message `{type: 'subscribe', id?, kinds?, nodes?, links?, reasons?, filter?}` or by query
 * (`?kinds=drop,tcp-state&nodes=router`), any number of times, and gets `{type: 'events', id, events}`. The lab holds a
 * bounded window of events that a client has not taken yet; what is over is lost: `{type: 'lost', id, count}`.
 */
import { Injectable } from '@nestjs/common';
import type { EventSubscription, LabEvent } from '@netloom/lab';
import { z } from 'zod';
import { invalid, pathText } from '../http/problem.js';
import type { LabSession } from '../labs/lab-session.js';
import type { PeerSocket } from './peer-socket.js';
import type { SocketHandler, SocketRequest } from './socket-router.js';

const KINDS = [
  'drop',
  'crossing',
  'tcp-state',
  'lab',
  'clock',
  'node',
  'link',
  'command',
] as const satisfies readonly LabEvent['kind'][];
const WINDOW_EVENTS = 4096;
const MOST_SUBSCRIPTIONS = 32;

const names = z.array(z.string()).max(1000).optional();
const Subscribe = z.strictObject({
  type: z.literal('subscribe'),
  id: z.string().max(64).optional(),
  kinds: z.array(z.enum(KINDS)).min(1).optional(),
  nodes: names,
  links: names,
  reasons: names,
  filter: z.string().max(4096).optional(),
});
type Subscribe = z.output<typeof Subscribe>;

@Injectable()
export class EventsSocket implements SocketHandler {
  async prepare({ session, query }: SocketRequest): Promise<(socket: PeerSocket) => Promise<void>> {
    const first = fromQuery(query);
    await session.running();
    return (socket) => serveEvents(session, socket, first);
  }
}

function parse(message: unknown): Subscribe {
  const result = Subscribe.safeParse(message);
  if (result.success) return result.data;
  throw invalid(
    result.error.issues.map(({ path, message: text }) => ({ path: pathText(path), message: text })),
  );
}

function fromQuery(query: URLSearchParams): Subscribe | undefined {
  const list = (key: string): Record<string, string[]> => {
    const values = query
      .getAll(key)
      .flatMap((text) => text.split(','))
      .filter((text) => text !== '');
    return values.length === 0 ? {} : { [key]: values };
  };
  const filter = query.get('filter');
  const asked = {
    ...list('kinds'),
    ...list('nodes'),
    ...list('links'),
    ...list('reasons'),
    ...(filter === null ? {} : { filter }),
  };
  return Object.keys(asked).length === 0 ? undefined : parse({ type: 'subscribe', ...asked });
}

async function serveEvents(
  session: LabSession,
  socket: PeerSocket,
  first: Subscribe | undefined,
): Promise<void> {
  const active = new Map<string, string>();
  let next = 1;

  const subscribe = async (wanted: Subscribe): Promise<void> => {
    const id = wanted.id ?? `s${next++}`;
    if (active.has(id)) throw new Error(`there is a subscription "${id}" already`);
    if (active.size >= MOST_SUBSCRIPTIONS)
      throw new Error(`a socket has at most ${MOST_SUBSCRIPTIONS} subscriptions`);
    active.set(id, '');
    try {
      const { subscription } = await session.open(
        (runner) => runner.subscribe(subscriptionOf(wanted)),
        (answer) => answer.subscription,
        (message) => {
          if (message.type !== 'events') return;
          if (message.lost > 0) void socket.sendJson({ type: 'lost', id, count: message.lost });
          if (message.events.length === 0) return;
          void socket
            .sendJson({ type: 'events', id, events: message.events })
            .then(() => session.runner.ack(message.subscription, message.events.length));
        },
      );
      active.set(id, subscription);
      if (!socket.isOpen) await drop(id);
      await socket.sendJson({ type: 'subscribed', id });
    } catch (error) {
      active.delete(id);
      throw error;
    }
  };

  const drop = async (id: string): Promise<void> => {
    const subscription = active.get(id);
    if (subscription === undefined) throw new Error(`there is no subscription "${id}"`);
    active.delete(id);
    session.release(subscription);
    if (session.state === 'running') await session.runner.unsubscribe(subscription);
    await socket.sendJson({ type: 'unsubscribed', id });
  };

  socket.onJson(async (message) => {
    if (message['type'] === 'unsubscribe') await drop(String(message['id']));
    else await subscribe(parse(message));
  });
  socket.onClose(() => {
    for (const id of active.keys()) drop(id).catch(() => undefined); // the lab may have gone first
  });
  if (first !== undefined) await subscribe(first);
}

function subscriptionOf({ kinds, nodes, links, reasons, filter }: Subscribe): EventSubscription {
  return {
    kinds: kinds ?? KINDS,
    windowEvents: WINDOW_EVENTS,
    ...(nodes === undefined ? {} : { nodes }),
    ...(links === undefined ? {} : { links }),
    ...(reasons === undefined ? {} : { reasons }),
    ...(filter === undefined ? {} : { filter }),
  };
}
