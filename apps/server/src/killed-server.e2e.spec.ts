// The built server as a process of its own: killed without warning, it brings its labs back; asked to end, it ends well.
import { spawn, type ChildProcess } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { CaptureReader } from '@netloom/pcap-writer';
import { temporaryFolder, until, type Answer } from './testing/harness.js';
import { MAIN } from './testing/lab-thread.js';

class ServerProcess {
  output = '';
  url = '';
  readonly startedMs = Date.now();
  private constructor(readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
  }

  static async start(dataDir: string, ...args: string[]): Promise<ServerProcess> {
    const env = { PATH: process.env['PATH'] ?? '' };
    const child = spawn(
      process.execPath,
      [fileURLToPath(MAIN), '--port', '0', '--data', dataDir, ...args],
      { env },
    );
    const server = new ServerProcess(child);
    await until(
      () => /listening on (http\S+)/.test(server.output) || child.exitCode !== null,
      15_000,
    );
    server.url = /listening on (http\S+)/.exec(server.output)?.[1] ?? '';
    return server;
  }

  async kill(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal);
    await until(() => this.child.exitCode !== null || this.child.signalCode !== null, 10_000);
    return this.child.exitCode;
  }

  async call(method: string, path: string, body?: unknown): Promise<Answer['body']> {
    const response = await fetch(this.url + path, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  exec(node: string, command: string): Promise<Answer['body']> {
    return this.call('POST', `/api/labs/pair/nodes/${node}/exec`, { command });
  }
}

const PAIR = {
  name: 'pair',
  topology: {
    nodes: {
      h1: { exec: ['ip addr add 10.0.0.1/24 dev eth1'] },
      h2: { exec: ['ip addr add 10.0.0.2/24 dev eth1'] },
    },
    links: [{ endpoints: ['h1:eth1', 'h2:eth1'] }],
  },
};

describe('the server as a process', () => {
  let dataDir: string;
  let server: ServerProcess;
  beforeEach(async () => {
    dataDir = await temporaryFolder();
    server = await ServerProcess.start(dataDir);
  }, 20_000);
  afterEach(async () => {
    if (server.child.exitCode === null) await server.kill('SIGKILL');
    await rm(dataDir, { recursive: true, force: true });
  });

  it('brings everything back that it has acknowledged before kill -9', async () => {
    const lab = await server.call('POST', '/api/labs?seed=9', PAIR);
    await server.exec('h1', 'ip addr add 192.168.7.1/24 dev eth1');
    await server.exec('h1', 'ip route add 172.16.0.0/12 via 10.0.0.2');
    await server.exec('h2', 'echo kept > /root/note; nc -l 7000 > /root/late &');
    await server.call('PATCH', `/api/labs/pair/links/${lab.links[0].id}`, {
      netem: { delay: '40ms' },
    });
    await server.call('POST', '/api/labs/pair/nodes', { name: 'h3' });
    await server.call('POST', '/api/labs/pair/links', { endpoints: ['h3:eth1', 'h2:eth2'] });
    const { id } = await server.call('POST', '/api/labs/pair/captures', {
      node: 'h1',
      interface: 'eth1',
    });
    await server.exec('h1', 'ping -c 2 -i 0.2 10.0.0.2');
    await fetch(`${server.url}/api/labs/pair/captures/${id}/file`).then((answer) =>
      answer.arrayBuffer(),
    );
    const before = await server.call('GET', '/api/labs/pair');
    await server.kill('SIGKILL');

    server = await ServerProcess.start(dataDir);
    await until(() => server.url !== '');
    const ready = async (): Promise<boolean> => (await fetch(`${server.url}/api/health/ready`)).ok;
    while (!(await ready())) await new Promise((resolve) => setTimeout(resolve, 50));
    const after = await server.call('GET', '/api/labs/pair');
    expect(after).toMatchObject({
      id: lab.id,
      name: 'pair',
      state: 'running',
      seed: 9,
      createdAt: lab.createdAt,
    });
    expect(after.links).toEqual(before.links);
    expect(after.nodes).toEqual(before.nodes);
    expect((await server.exec('h1', 'ip -o addr show dev eth1')).stdout).toContain(
      '192.168.7.1/24',
    );
    expect((await server.exec('h1', 'ip route')).stdout).toContain('172.16.0.0/12 via 10.0.0.2');
    expect((await server.exec('h2', 'cat /root/note')).stdout).toBe('kept\n');
    const ping = await server.exec('h1', 'ping -c 1 10.0.0.2');
    expect(Number(/time=([\d.]+) ms/.exec(ping.stdout)?.[1])).toBeGreaterThanOrEqual(80);
    // The daemon that was started in the background still listens.
    expect((await server.exec('h1', 'echo hello | nc -N 10.0.0.2 7000')).exitCode).toBe(0);
    expect((await server.exec('h2', 'cat /root/late')).stdout).toBe('hello\n');
    const [capture] = await server.call('GET', '/api/labs/pair/captures');
    expect(capture).toMatchObject({ id, state: 'stopped', stopReason: 'the server was restarted' });
    const file = await fetch(`${server.url}/api/labs/pair/captures/${id}/file`);
    const packets = [...CaptureReader.fromBytes(new Uint8Array(await file.arrayBuffer()))];
    expect(packets.length).toBeGreaterThanOrEqual(4);
  }, 60_000);

  it('is up within three seconds, and ends with 0 when it is asked to', async () => {
    expect(server.output).toMatch(
      /^netloom: listening on http:\/\/127\.0\.0\.1:\d+\nnetloom: API documentation at /,
    );
    await server.call('POST', '/api/labs', PAIR);
    const follower = await fetch(
      `${server.url}/api/labs/pair/captures/${
        (await server.call('POST', '/api/labs/pair/captures', { node: 'h1', interface: 'eth1' })).id
      }/file?follow=true`,
    );
    const whole = follower.arrayBuffer();
    expect(await server.kill('SIGTERM')).toBe(0);
    expect(server.output).toContain('shutting down');
    expect([...CaptureReader.fromBytes(new Uint8Array(await whole))]).toBeDefined();
  }, 30_000);

  it('refuses what would be unsafe or impossible in one line', async () => {
    const open = await ServerProcess.start(await temporaryFolder(), '--host', '0.0.0.0');
    expect(open.child.exitCode).toBe(1);
    expect(open.output).toMatch(
      /^netloom: listening on 0\.0\.0\.0 would let others in: set a token[^\n]*\n$/,
    );
    const port = new URL(server.url).port;
    const second = await ServerProcess.start(await temporaryFolder(), '--port', port);
    expect(second.output).toMatch(
      /^netloom: cannot listen on 127\.0\.0\.1:\d+: [^\n]*EADDRINUSE[^\n]*\n$/,
    );
  }, 30_000);
});
