import { MessageChannel } from 'node:worker_threads';
import { connectRunner, serveRunner } from '@netloom/lab';
import { FakeLab } from '../testing/fake-lab.js';
import { channelOf, packMessage } from './worker-channel.js';

describe('messages between server and lab', () => {
  it('copies bytes out of larger buffers before it transfers them', () => {
    const pool = new Uint8Array(1 << 16).fill(1);
    const view = pool.subarray(10, 20);
    const { message, transfer } = packMessage({
      t: 'call',
      id: 1,
      method: 'writeFile',
      args: ['h1', '/x', view],
    });
    const [, , data] = (message as { args: [string, string, Uint8Array] }).args;
    expect(data.buffer.byteLength).toBe(10);
    expect(transfer).toEqual([data.buffer]);
    expect(pool.byteLength).toBe(1 << 16);
  });

  it('gives away whole chunks of captures, and copies everything else', () => {
    const data = new Uint8Array(100);
    const capture = packMessage({
      t: 'say',
      message: { type: 'capture', capture: 'c1', data, droppedPackets: 0 },
    });
    expect(capture.transfer).toEqual([data.buffer]);
    const output = packMessage({
      t: 'say',
      message: { type: 'output', process: 'p1', stream: 'stdout', data, lostBytes: 0 },
    });
    expect(output.transfer).not.toContain(data.buffer);
    expect(output.transfer).toHaveLength(1);
    const file = packMessage({ t: 'done', id: 1, value: data });
    expect(file.transfer).not.toContain(data.buffer);
  });

  it('carries calls, answers, errors and bytes over a real channel', async () => {
    const { port1, port2 } = new MessageChannel();
    const lab = new FakeLab();
    serveRunner(channelOf(port2), lab);
    const runner = connectRunner(channelOf(port1));
    try {
      const topology = { name: 'x', nodes: [node('h1')], links: [], document: {} };
      await runner.create({ id: '1', topology });
      const sent = new Uint8Array(64 * 1024).fill(3);
      await runner.writeFile('h1', '/a', sent);
      expect(sent.byteLength).toBe(64 * 1024);
      expect(await runner.readFile('h1', '/a')).toEqual(sent);
      expect(await runner.readFile('h1', '/a')).toEqual(sent);
      await expect(runner.readFile('h1', '/b')).rejects.toMatchObject({ kind: 'not-found' });
    } finally {
      port1.close();
    }
  });
});

function node(name: string) {
  return {
    name,
    kind: 'linux' as const,
    cpus: 1,
    exec: [],
    sysctls: {},
    env: {},
    labels: {},
    binds: [],
  };
}
