// A whole lab behind the server: the simulation in its thread, REST and WebSockets in front, real bytes through all.
import { readFileSync } from 'node:fs';
import { CaptureReader } from '@netloom/pcap-writer';
import { Harness, until, type Answer } from './testing/harness.js';
import { threads } from './testing/lab-thread.js';

const EXAMPLE = readFileSync(
  new URL('../../../examples/01-two-subnets/topology.clab.yml', import.meta.url),
  'utf8',
);
const LAB = '/api/labs/two-subnets';

describe('a served lab', () => {
  let server: Harness;

  const exec = async (node: string, command: string): Promise<Answer['body']> => {
    const { body } = await server.post(`${LAB}/nodes/${node}/exec`, { command });
    return body;
  };
  const bytes = async (path: string): Promise<Uint8Array> =>
    new Uint8Array(await (await fetch(server.server.url + path)).arrayBuffer());

  beforeAll(async () => {
    server = await Harness.start(threads());
    const made = await server.call('POST', '/api/labs', EXAMPLE, {
      'content-type': 'application/yaml',
    });
    expect([made.status, made.text]).toEqual([201, expect.stringContaining('"running"')]);
    expect(made.body.deploy.filter((line: { exitCode: number }) => line.exitCode !== 0)).toEqual(
      [],
    );
  }, 30_000);
  afterAll(() => server.stop());

  it('pings across its router', async () => {
    const ping = await exec('client', 'ping -c 2 -i 0.2 10.2.0.2');
    expect(ping.stdout).toContain('2 packets transmitted, 2 received, 0% packet loss');
    expect(ping).toMatchObject({ exitCode: 0, stderr: '' });
    expect(ping.virtualTime).toBeGreaterThan(200e6);
  });

  it('shows nodes with addresses, counters and routes', async () => {
    const { body } = await server.get(`${LAB}/nodes/client`);
    const [own] = body.namespaces;
    const eth1 = own.interfaces.find(({ name }: { name: string }) => name === 'eth1');
    expect(eth1.addresses[0]).toMatchObject({ address: '10.1.0.2', prefixLength: 24 });
    expect(Object.values(eth1.counters).some((count) => (count as number) > 0)).toBe(true);
    expect(own.routes).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          destination: 'default',
          nextHops: [expect.objectContaining({ via: '10.1.0.1', interface: 'eth1' })],
        }),
      ]),
    );
    expect((await server.get(`${LAB}/nodes/nobody`)).status).toBe(404);
  });

  it('captures what crosses an interface, readable while it runs and after', async () => {
    const { body: capture } = await server.post(`${LAB}/captures`, {
      node: 'router',
      interface: 'eth2',
      filter: 'icmp',
    });
    await exec('client', 'ping -c 3 -i 0.1 10.2.0.2');
    const early = [...CaptureReader.fromBytes(await bytes(`${LAB}/captures/${capture.id}/file`))];
    expect(early).toHaveLength(6);
    await exec('client', 'ping -c 1 10.2.0.2');
    const stopped = await server.call('DELETE', `${LAB}/captures/${capture.id}`);
    expect(stopped.body).toMatchObject({ state: 'stopped', packets: 8, dropped: 0 });
    const file = await bytes(`${LAB}/captures/${capture.id}/file`);
    expect(file.length).toBe(stopped.body.bytes);
    const reader = CaptureReader.fromBytes(file);
    const packets = [...reader];
    expect(packets).toHaveLength(8);
    expect(packets.every(({ data }) => data[23] === 1)).toBe(true);
    expect(reader.interfaces[0]?.name).toContain('eth2');
  });

  it('streams a capture with its head at once, for Wireshark to open', async () => {
    const { body: capture } = await server.post(`${LAB}/captures`, {
      node: 'client',
      interface: 'eth1',
    });
    const response = await fetch(
      `${server.server.url}${LAB}/captures/${capture.id}/file?follow=true`,
    );
    const pieces = response.body!.getReader();
    const head = Buffer.from((await pieces.read()).value!);
    expect(head.readUInt32LE(0)).toBe(0x0a0d0d0a); // section header
    expect(head.readUInt32LE(head.readUInt32LE(4))).toBe(1); // interface description
    const socket = server.socket(`${LAB}/captures/${capture.id}/stream`);
    await exec('client', 'ping -c 1 10.1.0.1');
    const more = Buffer.from((await pieces.read()).value!);
    expect(more.length).toBeGreaterThan(100);
    await server.call('DELETE', `${LAB}/captures/${capture.id}`);
    while (!(await pieces.read()).done);
    await until(() => socket.closed !== undefined);
    expect([...CaptureReader.fromBytes(Buffer.concat(socket.bytes))].length).toBeGreaterThanOrEqual(
      2,
    );
  });

  it('captures several nodes into one file, and pcap for those who want it', async () => {
    const sources = ['client', 'server'].map((node) => ({ node, interface: 'eth1' }));
    const { body: both } = await server.post(`${LAB}/captures`, { sources, filter: 'icmp' });
    const { body: old } = await server.post(`${LAB}/captures`, {
      node: 'client',
      interface: 'eth1',
      format: 'pcap',
    });
    await exec('client', 'ping -c 1 10.2.0.2');
    for (const { id } of [both, old]) await server.call('DELETE', `${LAB}/captures/${id}`);
    const reader = CaptureReader.fromBytes(await bytes(`${LAB}/captures/${both.id}/file`));
    expect([...reader].map(({ ifIndex }) => ifIndex)).toEqual([0, 1, 1, 0]);
    const pcap = Buffer.from(await bytes(`${LAB}/captures/${old.id}/file`));
    expect([0xa1b2c3d4, 0xa1b23c4d]).toContain(pcap.readUInt32LE(0));
  });

  it('refuses captures of what is not there and filters that are none', async () => {
    const begin = (body: object): Promise<Answer> => server.post(`${LAB}/captures`, body);
    expect((await begin({ node: 'client', interface: 'eth9' })).status).toBe(404);
    expect((await begin({ node: 'nobody', interface: 'eth1' })).status).toBe(404);
    expect(
      (await begin({ node: 'client', interface: 'eth1', filter: 'no such word' })).status,
    ).toBe(422);
  });

  it('sends a file across the router unharmed', async () => {
    const data = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7919) & 255);
    expect((await server.call('PUT', `${LAB}/nodes/client/files/root/sent.bin`, data)).status).toBe(
      204,
    );
    await exec('server', 'nc -l 8080 > /root/got.bin &');
    expect(await exec('client', 'nc -N 10.2.0.2 8080 < /root/sent.bin')).toMatchObject({
      exitCode: 0,
    });
    expect(await bytes(`${LAB}/nodes/server/files/root/got.bin`)).toEqual(data);
    expect((await server.get(`${LAB}/nodes/server/files/no/such/file`)).status).toBe(404);
    expect((await server.get(`${LAB}/nodes/server/files/etc`)).status).toBe(422);
  });

  it('changes links while it runs', async () => {
    const { body: lab } = await server.get(LAB);
    const [first] = lab.links;
    const down = await server.call('PATCH', `${LAB}/links/${first.id}`, { up: false });
    expect(down.body).toMatchObject({ id: first.id, up: false });
    expect((await exec('client', 'ip link show eth1')).stdout).toContain('NO-CARRIER');
    expect((await exec('client', 'ping -c 1 -W 1 10.1.0.1')).exitCode).not.toBe(0);
    await server.call('PATCH', `${LAB}/links/${first.id}`, {
      up: true,
      netem: { a: { delay: '30ms' } },
    });
    const ping = await exec('client', 'ping -c 1 10.1.0.1');
    expect(ping.exitCode).toBe(0);
    expect(Number(/time=([\d.]+) ms/.exec(ping.stdout)?.[1])).toBeGreaterThanOrEqual(30);
    await server.call('PATCH', `${LAB}/links/${first.id}`, { netem: {} });
  });

  it('takes new nodes and links, and lets them go', async () => {
    const node = { name: 'guest', exec: ['ip addr add 10.3.0.2/24 dev eth1'] };
    expect((await server.post(`${LAB}/nodes`, { name: 'guest' })).status).toBe(201);
    expect((await server.post(`${LAB}/nodes`, node)).status).toBe(409);
    const link = await server.post(`${LAB}/links`, { endpoints: ['guest:eth1', 'router:eth3'] });
    expect(link.status).toBe(201);
    await exec('guest', 'ip addr add 10.3.0.2/24 dev eth1');
    await exec('router', 'ip addr add 10.3.0.1/24 dev eth3');
    expect((await exec('guest', 'ping -c 1 10.3.0.1')).exitCode).toBe(0);
    const taken = await server.post(`${LAB}/links`, { endpoints: ['guest:eth1', 'client:eth7'] });
    expect(taken.body.errors[0].path).toBe('endpoints[0]');
    const yaml = await server.call('GET', `${LAB}/topology`, undefined, {
      accept: 'application/yaml',
    });
    expect(yaml.text).toContain('guest:eth1');
    expect((await server.call('DELETE', `${LAB}/links/${link.body.id}`)).status).toBe(204);
    expect((await server.call('DELETE', `${LAB}/nodes/guest`)).status).toBe(204);
    expect((await server.get(`${LAB}/nodes/guest`)).status).toBe(404);
  });

  it('is a shell in a terminal', async () => {
    const client = server.socket(`${LAB}/nodes/client/terminal?rows=30&cols=100`);
    await client.opened();
    client.socket.send(Buffer.from('stty size; echo $((40 + 2)); hostname\r'));
    await until(() => /30 100[^]*42[^]*client/.test(client.text));
    client.sendJson({ type: 'resize', rows: 40, cols: 120 });
    client.socket.send(Buffer.from('stty size\r'));
    await until(() => client.text.includes('40 120'));
    client.socket.send(Buffer.from('exit 3\r'));
    await until(() => client.closed !== undefined);
    expect(client.json.at(-1)).toMatchObject({ type: 'exit', exitCode: 3 });
  });

  it('tells of drops with their reasons, of crossings and of TCP states', async () => {
    const client = server.socket(`${LAB}/events`);
    await client.opened();
    client.sendJson({ type: 'subscribe', id: 'drops', kinds: ['drop'] });
    client.sendJson({ type: 'subscribe', id: 'tcp', kinds: ['tcp-state'], nodes: ['client'] });
    client.sendJson({ type: 'subscribe', id: 'wire', kinds: ['crossing'], filter: 'udp' });
    await until(() => client.json.filter(({ type }) => type === 'subscribed').length === 3);
    await exec('client', 'echo x | nc -u -w 1 10.2.0.2 9999');
    await exec('client', 'nc -w 1 10.2.0.2 9998 < /dev/null');
    const of = (id: string): { kind: string; reason: string; to: unknown; node: string }[] =>
      client.json.filter((frame) => frame.id === id).flatMap((frame) => frame.events ?? []);
    await until(() =>
      of('drops').some(({ reason, node }) => reason === 'NO_SOCKET' && node === 'server'),
    );
    await until(() =>
      of('tcp').some(({ to }) => to === 'TCP_SYN_SENT' || to === 'SYN-SENT' || to === 'SYN_SENT'),
    );
    await until(() => of('wire').length > 0);
  });

  it('lets an outside machine in by Ethernet frames', async () => {
    const client = server.socket(`${LAB}/nodes/client/interfaces/eth1/ethernet`);
    await until(() => client.json.length === 1);
    const mac = [0x02, 0, 0, 0, 0, 0x99];
    const request = Buffer.from([
      ...[255, 255, 255, 255, 255, 255],
      ...mac,
      8,
      6, // ARP: who has 10.1.0.2, tell 10.1.0.9
      ...[0, 1, 8, 0, 6, 4, 0, 1],
      ...mac,
      10,
      1,
      0,
      9,
      0,
      0,
      0,
      0,
      0,
      0,
      10,
      1,
      0,
      2,
    ]);
    client.socket.send(request);
    await until(() =>
      client.bytes.some((frame) => frame.readUInt16BE(12) === 0x0806 && frame[21] === 2),
    );
    const reply = client.bytes.find((frame) => frame[21] === 2)!;
    expect([...reply.subarray(0, 6)]).toEqual(mac);
    expect([...reply.subarray(28, 32)]).toEqual([10, 1, 0, 2]);
    client.socket.close();
  });

  it('stops and steps its clock', async () => {
    expect((await server.call('PATCH', `${LAB}/clock`, { mode: 'paused' })).body.mode).toBe(
      'paused',
    );
    const before = (await server.get(`${LAB}/clock`)).body.nowNs;
    let isDone = false;
    const ping = exec('client', 'ping -c 1 10.2.0.2').finally(() => (isDone = true));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([isDone, (await server.get(`${LAB}/clock`)).body.nowNs]).toEqual([false, before]);
    const stepped = await server.post(`${LAB}/clock/step`, { by: '1s' });
    expect(stepped.body.nowNs).toBe(before + 1e9);
    expect((await ping).exitCode).toBe(0);
    expect((await server.call('PATCH', `${LAB}/clock`, { mode: 'realtime' })).body.mode).toBe(
      'realtime',
    );
  });

  it('cuts a command off after its virtual time, and one that says too much', async () => {
    const late = await server.post(`${LAB}/nodes/client/exec`, {
      command: 'sleep 100',
      timeout: '200ms',
    });
    expect(late.body.exitCode).toBe(124);
    const { body: flood } = await server.post(`${LAB}/nodes/client/exec`, {
      command: 'seq 1 400000',
    });
    expect(flood).toMatchObject({ truncated: true, exitCode: 0 });
    expect(flood.stdout).toHaveLength(2 ** 20);
  });

  it('counts in its metrics', async () => {
    const { text } = await server.get('/metrics');
    expect(text).toContain('netloom_lab_nodes{lab="two-subnets"} 3');
    expect(text).toMatch(/netloom_lab_frames_total\{lab="two-subnets"\} [1-9]/);
    expect(text).toMatch(/netloom_lab_drops_total\{lab="two-subnets",reason="NO_SOCKET"\} [1-9]/);
  });
});

describe('a lab that runs away', () => {
  it('is stopped with a clear error and harms no other', async () => {
    const server = await Harness.start(threads(160));
    const pair = (name: string) => ({ name, topology: { nodes: { h1: {} }, links: [] } });
    await server.deploy(pair('hungry'));
    await server.deploy(pair('frugal'));
    const run = await server.post('/api/labs/hungry/nodes/h1/exec', {
      command: 'i=0; while :; do i=$((i + 1)); head -c 10000000 /dev/zero > /root/f$i; done',
    });
    expect(run.body).toMatchObject({
      status: 503,
      detail: 'the lab needed more than its memory limit of 160 MiB and was stopped',
    });
    expect((await server.get('/api/labs/hungry')).body).toMatchObject({ state: 'failed' });
    const other = await server.post('/api/labs/frugal/nodes/h1/exec', { command: 'echo fine' });
    expect(other.body.stdout).toBe('fine\n');
    await server.stop();
  }, 30_000);
});
