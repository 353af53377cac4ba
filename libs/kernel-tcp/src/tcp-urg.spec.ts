/**
 * Urgent data as Linux 6.18 gives it to a reader: what is sent, then each call with its result.
 */
import { errnoName } from '@netloom/base';
import { Msg } from '@netloom/sys';
import { Bench, connectPair, MS } from './testing.js';
import type { TcpStreamSock } from './tcp.js';

const FLAGS: Readonly<Record<string, number>> = {
  recv: 0,
  'recv oob': Msg.MSG_OOB,
  peek: Msg.MSG_PEEK,
  'peek oob': Msg.MSG_OOB | Msg.MSG_PEEK,
};

function ask(sk: TcpStreamSock, call: string): string {
  if (call === 'mark') return String(sk.ioctl('SIOCATMARK'));
  if (call === 'inq') return String(sk.ioctl('SIOCINQ'));
  if (call === 'pri') return String(sk.poll() & 3);
  const [, how = '', count = ''] = /^(.*) (\d+)$/.exec(call) ?? [];
  const result = sk.recvmsg(Number(count), FLAGS[how] as number);
  if (typeof result === 'number') return `-${errnoName(-result) ?? ''}`;
  return new TextDecoder().decode(result.data);
}

describe('urgent data', () => {
  it.each<[string, boolean, string[]]>([
    [
      'plain',
      false,
      [
        'send oob abc',
        'pri → 3',
        'inq → 2',
        'mark → 0',
        'recv 10 → ab',
        'mark → 1',
        'inq → 0',
        'recv oob 1 → c',
        'recv oob 1 → -EINVAL',
        'recv 10 → -EAGAIN',
      ],
    ],
    [
      'oob first',
      false,
      [
        'send oob abc',
        'recv oob 1 → c',
        'mark → 0',
        'recv 10 → ab',
        'mark → 1',
        'pri → 0',
        'send data de',
        'inq → 0',
        'mark → 1',
        'recv 10 → de',
        'mark → 0',
      ],
    ],
    [
      'past mark unread',
      false,
      [
        'send oob abc',
        'send data de',
        'recv 10 → ab',
        'mark → 1',
        'pri → 3',
        'recv 10 → de',
        'recv oob 1 → -EINVAL',
        'pri → 0',
      ],
    ],
    [
      'two marks',
      false,
      [
        'send oob abc',
        'send oob def',
        'pri → 3',
        'recv oob 1 → f',
        'recv 10 → abcde',
        'mark → 1',
        'recv 10 → -EAGAIN',
        'recv 10 → -EAGAIN',
      ],
    ],
    [
      'two marks, read between',
      false,
      [
        'send oob abc',
        'recv 10 → ab',
        'send oob def',
        'inq → 2',
        'recv 10 → de',
        'recv oob 1 → f',
        'recv 10 → -EAGAIN',
      ],
    ],
    [
      'peek',
      false,
      [
        'send oob abc',
        'send data de',
        'peek 10 → ab',
        'recv 10 → ab',
        'peek 10 → de',
        'recv 10 → de',
      ],
    ],
    [
      'peek oob',
      false,
      [
        'send oob c',
        'peek oob 1 → c',
        'recv oob 1 → c',
        'peek oob 1 → -EINVAL',
        'inq → 0',
        'recv 5 → -EAGAIN',
      ],
    ],
    [
      'inline',
      true,
      [
        'send oob abc',
        'pri → 3',
        'mark → 0',
        'recv oob 1 → -EINVAL',
        'recv 10 → ab',
        'mark → 1',
        'pri → 3',
        'recv 10 → c',
        'mark → 0',
        'inq → 0',
      ],
    ],
    [
      'inline more',
      true,
      ['send oob abc', 'send data de', 'recv 10 → ab', 'recv 10 → cde', 'mark → 0'],
    ],
    ['none', false, ['send data abc', 'recv oob 1 → -EINVAL', 'mark → 0', 'recv 5 → abc']],
  ])('%s', (_name, inline, steps) => {
    const bench = new Bench(['a', 'b']);
    const { client, server } = connectPair(bench);
    if (inline) server.setsockopt('SO_OOBINLINE', 1);
    const seen = steps.map((step) => {
      const sent = /^send (oob|data) (.*)$/.exec(step);
      if (sent === null) {
        const call = step.split(' → ')[0] as string;
        return `${call} → ${ask(server, call)}`;
      }
      const flags = sent[1] === 'oob' ? Msg.MSG_OOB : 0;
      client.sendmsg(new TextEncoder().encode(sent[2] as string), { flags });
      bench.run(30 * MS);
      return step;
    });
    expect(seen).toEqual(steps);
  });
});
