import { LabError, type LabMessage, type LabRunner } from './port.js';
import { connectRunner, serveRunner, type RunnerChannel } from './runner-rpc.js';

/** Two ends that clone what passes, as a message port does. */
function channelPair(): [RunnerChannel, RunnerChannel] {
  const listeners: ((message: unknown) => void)[][] = [[], []];
  const end = (mine: number): RunnerChannel => ({
    post: (message) => {
      const copy = structuredClone(message);
      void Promise.resolve().then(() => listeners[1 - mine]?.forEach((listener) => listener(copy)));
    },
    listen: (listener) => void listeners[mine]?.push(listener),
  });
  return [end(0), end(1)];
}

declare function structuredClone<T>(value: T): T;

function connected(runner: Partial<LabRunner>): ReturnType<typeof connectRunner> {
  const [near, far] = channelPair();
  serveRunner(far, { onMessage: () => () => undefined, ...runner } as LabRunner);
  return connectRunner(near);
}

describe('a runner across a channel', () => {
  test('answers, refuses and speaks in the order in which the lab did', async () => {
    let say: (message: LabMessage) => void = () => undefined;
    const acks: [string, number][] = [];
    const runner = connected({
      onMessage: (listener) => ((say = listener), () => undefined),
      readFile: async (node, path) => {
        if (path === '/none')
          throw new LabError('not-found', 'no such file', [{ path: 'path', message: path }]);
        say({ type: 'failed', message: `reading on ${node}` });
        return Uint8Array.of(1, 2, 3);
      },
      ack: (stream, amount) => void acks.push([stream, amount]),
    });
    const order: string[] = [];
    runner.onMessage((message) => void order.push(message.type));
    const data = await runner.readFile('a', '/x').then((value) => (order.push('answer'), value));
    expect([...data]).toEqual([1, 2, 3]);
    expect(order).toEqual(['failed', 'answer']);
    await expect(runner.readFile('a', '/none')).rejects.toMatchObject({
      name: 'LabError',
      kind: 'not-found',
      problems: [{ path: 'path', message: '/none' }],
    });
    runner.ack('c1', 7);
    await Promise.resolve();
    expect(acks).toEqual([['c1', 7]]);
  });

  test('refuses everything once the other end is gone', async () => {
    const runner = connected({ info: () => new Promise(() => undefined) });
    const messages: LabMessage[] = [];
    runner.onMessage((message) => void messages.push(message));
    const pending = runner.info();
    runner.fail('out of memory');
    await expect(pending).rejects.toMatchObject({ kind: 'failed', message: 'out of memory' });
    await expect(runner.destroy()).rejects.toBeInstanceOf(LabError);
    expect(messages).toEqual([{ type: 'failed', message: 'out of memory' }]);
  });
});
