import type { LabEvent } from '@netloom/lab';
import { FakeFactory } from '../testing/fake-lab.js';
import { Harness, until } from '../testing/harness.js';

const drop = (i: number): LabEvent => ({
  kind: 'drop',
  timeNs: i,
  node: 'h1',
  reason: 'NO_SOCKET',
  packetId: i,
  lengthBytes: 60,
  summary: 'IP 10.0.0.1 > 10.0.0.2',
});

describe('WebSockets', () => {
  let factory: FakeFactory;
  let server: Harness;

  beforeEach(async () => {
    factory = new FakeFactory();
    server = await Harness.start(factory, { limits: { socketsPerLab: 3 } });
    await server.deploy();
  });
  afterEach(() => server.stop());

  it('sends the events that a client subscribes to', async () => {
    const client = server.socket('/api/labs/pair/events');
    await client.opened();
    client.sendJson({ type: 'subscribe', id: 'mine', kinds: ['drop'], nodes: ['h1'] });
    await until(() => client.json.length === 1);
    expect(client.json[0]).toEqual({ type: 'subscribed', id: 'mine' });
    factory.last.happen({ kind: 'lab', timeNs: 0, state: 'running' });
    factory.last.happen(drop(1));
    await until(() => client.json.length === 2);
    expect(client.json[1]).toEqual({ type: 'events', id: 'mine', events: [drop(1)] });
    client.sendJson({ type: 'unsubscribe', id: 'mine' });
    await until(() => factory.last.subscriptions.size === 0);
    client.sendJson({ type: 'subscribe', kinds: ['weather'] });
    client.socket.send('no json');
    await until(() => client.json.length === 5);
    expect(client.json.slice(3)).toEqual(
      expect.arrayContaining([
        { type: 'error', message: expect.stringContaining('kinds[0]') },
        { type: 'error', message: 'a text frame must be a JSON object' },
      ]),
    );
  });

  it('subscribes by query and unsubscribes when the client goes', async () => {
    const client = server.socket('/api/labs/pair/events?kinds=drop,lab&reasons=NO_SOCKET');
    await until(() => factory.last.subscriptions.size === 1);
    expect([...factory.last.subscriptions.values()][0]?.request).toMatchObject({
      kinds: ['drop', 'lab'],
      reasons: ['NO_SOCKET'],
    });
    client.socket.close();
    await until(() => factory.last.subscriptions.size === 0);
  });

  it('tells a slow reader how many events it has lost, and holds no more than a window of them', async () => {
    const client = server.socket('/api/labs/pair/events?kinds=drop');
    await until(() => client.json.length === 1);
    client.socket.pause();
    const large = { ...drop(0), summary: 'x'.repeat(5000) };
    const sent = 20_000;
    for (let i = 0; i < sent; i++) {
      factory.last.happen(large);
      if (i % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const [state] = factory.last.subscriptions.values();
    expect(state!.unacknowledged).toBeLessThanOrEqual(4096);
    expect(state!.lost).toBeGreaterThan(0);
    client.socket.resume();
    await until(() => state!.unacknowledged === 0);
    factory.last.happen(drop(1));
    await until(() => client.json.at(-1).events?.[0].packetId === 1);
    const got = client.json.reduce((sum, frame) => sum + (frame.events?.length ?? 0), 0);
    const lost = client.json.reduce(
      (sum, frame) => sum + (frame.type === 'lost' ? frame.count : 0),
      0,
    );
    expect(got + lost).toBe(sent + 1);
  }, 30_000);

  it('is a terminal: bytes both ways, resize, exit', async () => {
    const client = server.socket('/api/labs/pair/nodes/h1/terminal?rows=10&cols=20');
    await client.opened();
    client.socket.send(Buffer.from('ls\r'));
    client.sendJson({ type: 'resize', rows: 50, cols: 132 });
    await until(() => client.text === 'ls\r50x132');
    const [process] = [...factory.last.processes.values()];
    expect(process?.request).toMatchObject({ node: 'h1', tty: { rows: 10, cols: 20 } });
    client.sendJson({ type: 'signal', signal: 'TERM' });
    await until(() => client.closed !== undefined);
    expect(client.json.at(-1)).toMatchObject({ type: 'exit', exitCode: 143 });
    expect(client.closed).toEqual({ code: 1000, reason: 'exit code 143' });
  });

  it('hangs up a terminal whose client goes away', async () => {
    const client = server.socket('/api/labs/pair/nodes/h1/terminal');
    await until(() => factory.last.processes.size === 1);
    client.socket.terminate();
    await until(() => factory.last.processes.size === 0);
    expect(factory.last.journal.at(-1)?.input).toMatchObject({ type: 'signal', signal: 1 });
  });

  it('runs a command without a terminal, its streams told apart', async () => {
    const client = server.socket('/api/labs/pair/nodes/h1/terminal?tty=false&command=cat');
    await client.opened();
    client.socket.send(Buffer.from('in'));
    client.sendJson({ type: 'eof' });
    await until(() => client.closed !== undefined);
    expect([...Buffer.concat(client.bytes)]).toEqual([1, ...Buffer.from('in')]);
    expect(client.json).toEqual([{ type: 'exit', exitCode: 0, virtualTime: 1000 }]);
  });

  it('attaches an outside machine', async () => {
    const client = server.socket('/api/labs/pair/nodes/h1/interfaces/eth1/ethernet');
    await until(() => client.json.length === 1);
    client.socket.send(Buffer.alloc(5));
    await until(() => client.json.length === 2);
    expect(client.json[1].message).toContain('has 5');
    client.socket.send(Buffer.alloc(60, 7));
    await until(() => client.bytes.length === 1);
    expect(factory.last.sentFrames).toEqual([new Uint8Array(60).fill(7)]);
    client.socket.close();
    await until(() => factory.last.journal.at(-1)?.input.type === 'detach');
  });

  it.each([
    ['/api/labs/no/events', 404],
    ['/api/labs/pair/nodes/no/terminal', 404],
    ['/api/labs/pair/nodes/h1/interfaces/eth9/ethernet', 404],
    ['/api/labs/pair/captures/c1/stream', 404],
    ['/api/labs/pair/nothing', 404],
    ['/api/labs/pair/nodes/h1/terminal?rows=0', 422],
    ['/api/labs/pair/events?kinds=weather', 422],
    ['/api/labs/%zz/events', 400],
  ])('refuses %s before the upgrade with a problem document', async (path, status) => {
    const client = server.socket(path);
    await until(() => client.refused !== undefined);
    expect(client.refused?.status).toBe(status);
    expect(JSON.parse(client.refused!.body)).toMatchObject({ status });
  });

  it('refuses more sockets than a lab may have', async () => {
    const clients = Array.from({ length: 3 }, () => server.socket('/api/labs/pair/events'));
    for (const client of clients) await client.opened();
    const fourth = server.socket('/api/labs/pair/events');
    await until(() => fourth.refused?.status === 409);
  });

  it('closes the sockets of a lab that dies or goes', async () => {
    const client = server.socket('/api/labs/pair/events');
    await client.opened();
    factory.last.say({ type: 'failed', message: 'out of memory' });
    await until(() => client.closed !== undefined);
    expect(client.closed).toEqual({ code: 1001, reason: 'out of memory' });
  });
});
