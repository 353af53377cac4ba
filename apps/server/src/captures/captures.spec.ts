import { FAKE_HEAD, FakeFactory } from '../testing/fake-lab.js';
import { Harness, until, type Answer } from '../testing/harness.js';

describe('captures', () => {
  let factory: FakeFactory;
  let server: Harness;

  beforeEach(async () => {
    factory = new FakeFactory();
    server = await Harness.start(factory, { limits: { captureBytes: 100_000, capturesPerLab: 2 } });
    await server.deploy();
  });
  afterEach(() => server.stop());

  const begin = (body: object = {}): Promise<Answer> =>
    server.post('/api/labs/pair/captures', { node: 'h1', interface: 'eth1', ...body });
  const bytes = async (path: string): Promise<Uint8Array> =>
    new Uint8Array(await (await fetch(server.server.url + path)).arrayBuffer());

  it('has the file so far, with name and type', async () => {
    const made = await begin({ filter: 'icmp' });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      id: 'c1',
      state: 'running',
      format: 'pcapng',
      filter: 'icmp',
      sources: [{ node: 'h1', interface: 'eth1' }],
    });
    factory.last.captured('cap1', new Uint8Array([1, 2, 3]));
    const answer = await fetch(`${server.server.url}/api/labs/pair/captures/c1/file`);
    expect(answer.headers.get('content-type')).toBe('application/x-pcapng');
    expect(answer.headers.get('content-disposition')).toBe(
      'attachment; filename="pair-h1-eth1-c1.pcapng"',
    );
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(
      new Uint8Array([...FAKE_HEAD, 1, 2, 3]),
    );
    expect((await server.get('/api/labs/pair/captures/c1')).body).toMatchObject({
      packets: 1,
      bytes: 7,
    });
  });

  it('acknowledges what is on disk', async () => {
    await begin();
    factory.last.captured('cap1', new Uint8Array(1000));
    await until(() => factory.last.acks.reduce((sum, [, amount]) => sum + amount, 0) === 1004);
  });

  it('follows from the head on, to many readers, until it stops', async () => {
    await begin();
    const response = await fetch(`${server.server.url}/api/labs/pair/captures/c1/file?follow=true`);
    const reader = response.body!.getReader();
    expect((await reader.read()).value).toEqual(FAKE_HEAD);
    factory.last.captured('cap1', new Uint8Array([9]));
    expect((await reader.read()).value).toEqual(new Uint8Array([9]));
    const socket = server.socket('/api/labs/pair/captures/c1/stream');
    await until(() => Buffer.concat(socket.bytes).length === 5);
    factory.last.captured('cap1', new Uint8Array([8]));
    const stopped = await server.call('DELETE', '/api/labs/pair/captures/c1');
    expect(stopped.body).toMatchObject({ state: 'stopped', packets: 2, bytes: 6 });
    expect((await reader.read()).value).toEqual(new Uint8Array([8]));
    expect((await reader.read()).done).toBe(true);
    await until(() => socket.closed !== undefined);
    expect(socket.closed?.code).toBe(1000);
    expect(new Uint8Array(Buffer.concat(socket.bytes))).toEqual(
      new Uint8Array([...FAKE_HEAD, 9, 8]),
    );
  });

  it('keeps the file after stop and restart, until it is purged', async () => {
    await begin({ format: 'pcap' });
    factory.last.captured('cap1', new Uint8Array([1]));
    await server.call('DELETE', '/api/labs/pair/captures/c1');
    expect((await server.call('DELETE', '/api/labs/pair/captures/c1')).body.state).toBe('stopped');
    await begin();
    await server.restart();
    const list = (await server.get('/api/labs/pair/captures')).body;
    expect(list).toMatchObject([
      { id: 'c1', state: 'stopped' },
      { id: 'c2', state: 'stopped', stopReason: 'the server was shut down' },
    ]);
    expect(await bytes('/api/labs/pair/captures/c1/file?follow=true')).toEqual(
      new Uint8Array([...FAKE_HEAD, 1]),
    );
    expect((await begin()).body.id).toBe('c3');
    expect((await server.call('DELETE', '/api/labs/pair/captures/c1?purge=true')).status).toBe(204);
    expect((await server.get('/api/labs/pair/captures/c1/file')).status).toBe(404);
  });

  it('stops at its size limit and says why', async () => {
    await begin();
    factory.last.captured('cap1', new Uint8Array(200_000));
    await until(() => server.logged.some((line) => line.includes('has reached 100000 bytes')));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await server.get('/api/labs/pair/captures/c1')).body).toMatchObject({
      state: 'stopped',
      stopReason: expect.stringContaining('100000'),
    });
  });

  it('refuses what it cannot do', async () => {
    expect((await begin({ filter: 'nonsense' })).body).toMatchObject({
      status: 422,
      detail: "can't parse filter expression",
    });
    expect((await begin({ format: 'erf', snaplen: 0 })).body.errors).toHaveLength(2);
    const none = await server.post('/api/labs/pair/captures', {});
    expect(none.body.errors.map((error: { path: string }) => error.path)).toEqual([
      'node',
      'interface',
    ]);
    await begin();
    await begin();
    expect((await begin()).body.type).toBe('urn:netloom:problem:limit');
  });

  it('ends with its lab', async () => {
    await begin();
    const socket = server.socket('/api/labs/pair/captures/c1/stream');
    await until(() => socket.bytes.length > 0);
    await server.call('DELETE', '/api/labs/pair');
    await until(() => socket.closed !== undefined);
    expect(server.logged).toEqual([]);
  });

  it('takes several interfaces at once', async () => {
    const sources = [
      { node: 'h1', interface: 'eth1' },
      { node: 'h2', interface: 'eth1' },
    ];
    const made = await server.post('/api/labs/pair/captures', { sources });
    expect(made.body.sources).toEqual(sources);
    expect((await begin({ sources })).body.errors[0].path).toBe('sources');
  });
});
