import { EventHub } from './event-hub.js';
import type { LabEvent, LabMessage } from './port.js';

const drop = (node: string, reason: string): LabEvent => ({
  kind: 'drop',
  timeNs: 1,
  node,
  reason,
  packetId: 1,
  lengthBytes: 60,
  summary: 'x',
});
const crossing = (link: string): LabEvent => ({
  kind: 'crossing',
  timeNs: 1,
  link,
  from: { node: 'a', interface: 'eth1' },
  to: { node: 'b', interface: 'eth1' },
  what: 'sent',
  packetId: 1,
  lengthBytes: 60,
  summary: 'x',
});

function hub(): { hub: EventHub; take: () => (LabMessage & { type: 'events' })[] } {
  const said: LabMessage[] = [];
  const made = new EventHub(
    (message) => void said.push(message),
    () => undefined,
  );
  return {
    hub: made,
    take: () => (made.flush(), said.splice(0) as (LabMessage & { type: 'events' })[]),
  };
}

describe('EventHub', () => {
  test('tells each subscriber what it asked for', () => {
    const { hub: events, take } = hub();
    events.subscribe('s1', { kinds: ['drop'], nodes: ['a'], reasons: ['NO_SOCKET'] }, undefined);
    events.subscribe('s2', { kinds: ['drop', 'crossing'], links: ['l2'] }, undefined);
    expect([events.wants('drop'), events.wants('tcp-state')]).toEqual([true, false]);
    events.publish(drop('a', 'NO_SOCKET'));
    events.publish(drop('a', 'IP_CSUM'));
    events.publish(drop('b', 'NO_SOCKET'));
    events.publish(crossing('l1'));
    events.publish(crossing('l2'));
    expect(take().map(({ subscription, events: got }) => [subscription, got.length])).toEqual([
      ['s1', 1],
      ['s2', 4],
    ]);
    expect(take()).toEqual([]);
    expect([events.unsubscribe('s2'), events.unsubscribe('s2'), events.wants('crossing')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test('a listener that does not acknowledge loses events and is told how many', () => {
    const { hub: events, take } = hub();
    events.subscribe('s1', { kinds: ['drop'], windowEvents: 2 }, undefined);
    for (let i = 0; i < 5; i++) events.publish(drop('a', 'X'));
    expect(take()).toMatchObject([{ events: { length: 2 }, lost: 3 }]);
    events.publish(drop('a', 'X'));
    expect(take()).toEqual([]);
    events.acknowledge('s1', 2);
    expect(take()).toMatchObject([{ events: [], lost: 1 }]);
    events.publish(drop('a', 'X'));
    expect(take()).toMatchObject([{ events: { length: 1 }, lost: 0 }]);
  });

  test('looks at a packet only where somebody filters by it', () => {
    const { hub: events, take } = hub();
    let looks = 0;
    const packet = (): { bytes: Uint8Array; ethernet: boolean } => (
      looks++,
      { bytes: Uint8Array.of(1), ethernet: true }
    );
    events.subscribe('s1', { kinds: ['drop'] }, undefined);
    events.publish(drop('a', 'X'), packet);
    expect(looks).toBe(0);
    events.subscribe('s2', { kinds: ['drop'] }, ({ bytes }) => bytes[0] === 2);
    events.subscribe('s3', { kinds: ['drop'] }, ({ bytes }) => bytes[0] === 1);
    events.publish(drop('a', 'X'), packet);
    expect(looks).toBe(1);
    expect(take().map(({ subscription, events: got }) => [subscription, got.length])).toEqual([
      ['s1', 2],
      ['s3', 1],
    ]);
  });
});
