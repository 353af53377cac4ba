import { FakeFactory, FakeLab } from '../testing/fake-lab.js';
import { Harness, PAIR } from '../testing/harness.js';

describe('labs over REST', () => {
  let factory: FakeFactory;
  let server: Harness;

  beforeEach(async () => {
    factory = new FakeFactory();
    server = await Harness.start(factory, { limits: { bodyBytes: 4096, labs: 2, nodesPerLab: 3 } });
  });
  afterEach(() => server.stop());

  it('makes a lab from JSON and says where it is', async () => {
    const made = await server.post('/api/labs?seed=7&clock=paused', PAIR);
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({
      name: 'pair',
      state: 'running',
      seed: 7,
      clock: { mode: 'paused' },
    });
    expect(made.headers.get('location')).toBe(`/api/labs/${made.body.id}`);
    expect((await server.get(`/api/labs/${made.body.id}`)).body.name).toBe('pair');
    expect((await server.get('/api/labs/pair')).body.id).toBe(made.body.id);
    expect((await server.get('/api/labs')).body).toHaveLength(1);
  });

  it('takes YAML, and gives the topology back as YAML or JSON', async () => {
    const yaml =
      'name: two\ntopology:\n  nodes: {a: {}, b: {image: alpine}}\n  links:\n    - endpoints: ["a:eth1", "b:eth1"]\n';
    const made = await server.call('POST', '/api/labs', yaml, {
      'content-type': 'application/yaml',
    });
    expect(made.status).toBe(201);
    expect(made.body.warnings).toEqual([expect.stringContaining('"image"')]);
    const asJson = await server.call('GET', '/api/labs/two/topology', undefined, {
      accept: 'application/json',
    });
    expect(asJson.body.topology.links[0].endpoints).toEqual(['a:eth1', 'b:eth1']);
    const asYaml = await server.call('GET', '/api/labs/two/topology', undefined, {
      accept: 'application/yaml',
    });
    expect(asYaml.headers.get('content-type')).toContain('application/yaml');
    expect(asYaml.text).toContain('- a:eth1');
  });

  it('refuses an invalid topology with every fault by path, and makes nothing', async () => {
    const topology = {
      name: 'bad',
      topology: {
        nodes: { router: { cpus: 0 } },
        links: [{ endpoints: ['rotuer:eth1', 'router:eth1'] }],
        extra: 1,
      },
    };
    const answer = await server.post('/api/labs', topology);
    expect(answer.status).toBe(422);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.body).toMatchObject({ type: 'urn:netloom:problem:validation', status: 422 });
    expect(answer.body.errors.map((error: { path: string }) => error.path).sort()).toEqual([
      'topology.extra',
      'topology.links[0].endpoints[0]',
      'topology.nodes.router.cpus',
    ]);
    expect((await server.get('/api/labs')).body).toEqual([]);
    expect(factory.labs).toHaveLength(0);
  });

  it.each([
    ['malformed JSON', '{"name":', { 'content-type': 'application/json' }, 400],
    ['malformed YAML', 'name: [', { 'content-type': 'application/yaml' }, 400],
    ['another media type', '<lab/>', { 'content-type': 'text/xml' }, 415],
    ['no media type', new TextEncoder().encode('name: x'), {}, 415],
    [
      'a large body',
      JSON.stringify({ name: 'x'.repeat(5000) }),
      { 'content-type': 'application/json' },
      413,
    ],
    ['a list', '[]', { 'content-type': 'application/json' }, 422],
  ])('answers %s with a problem document', async (_what, body, headers, status) => {
    const answer = await server.call('POST', '/api/labs', body, headers as Record<string, string>);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.body).toMatchObject({
      status,
      title: expect.any(String),
      detail: expect.any(String),
    });
  });

  it('knows a name once, even when two come at the same time', async () => {
    const answers = await Promise.all([
      server.post('/api/labs', PAIR),
      server.post('/api/labs', PAIR),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect((await server.post('/api/labs', PAIR)).body.detail).toContain('"pair" exists');
  });

  it('keeps to its limits', async () => {
    const four = { name: 'four', topology: { nodes: { a: {}, b: {}, c: {}, d: {} } } };
    expect((await server.post('/api/labs', four)).body.errors[0].path).toBe('topology.nodes');
    await server.deploy(PAIR);
    await server.deploy({ ...PAIR, name: 'second' });
    const third = await server.post('/api/labs', { ...PAIR, name: 'third' });
    expect(third.body).toMatchObject({ status: 409, type: 'urn:netloom:problem:limit' });
    expect((await server.post('/api/labs/pair/nodes', { name: 'h3' })).status).toBe(201);
    expect((await server.post('/api/labs/pair/nodes', { name: 'h4' })).body.type).toBe(
      'urn:netloom:problem:limit',
    );
  });

  it('says 404 of what is not there', async () => {
    await server.deploy();
    const paths = [
      '/api/labs/no',
      '/api/labs/no/topology',
      '/api/labs/pair/nodes/no',
      '/api/labs/pair/links/l9',
      '/api/nothing',
    ];
    for (const path of [
      ...paths,
      '/api/labs/pair/captures/c9/file',
      '/api/labs/pair/nodes/h1/files/etc/no',
    ]) {
      const answer = await server.get(path);
      expect([path, answer.status]).toEqual([path, 404]);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
    }
    expect((await server.post('/api/labs/pair/nodes/no/exec', { command: 'echo' })).status).toBe(
      404,
    );
    expect((await server.call('DELETE', '/api/labs/no')).status).toBe(404);
    expect(
      (await server.post('/api/labs/pair/captures', { node: 'no', interface: 'eth1' })).status,
    ).toBe(404);
  });

  it('edits nodes and links', async () => {
    await server.deploy();
    expect((await server.post('/api/labs/pair/nodes', { name: 'h3' })).status).toBe(201);
    const link = await server.post('/api/labs/pair/links', { endpoints: ['h3:eth1', 'h1:eth2'] });
    expect(link.status).toBe(201);
    expect(link.headers.get('location')).toBe(`/api/labs/pair/links/${link.body.id}`);
    const patched = await server.call('PATCH', `/api/labs/pair/links/${link.body.id}`, {
      up: false,
      netem: { delay: '20ms' },
    });
    expect(patched.body).toMatchObject({
      up: false,
      netem: { a: { delayNs: 20e6 }, z: { delayNs: 20e6 } },
    });
    const taken = await server.post('/api/labs/pair/links', { endpoints: ['h3:eth1', 'h9:eth0'] });
    expect(taken.body.errors.map((error: { path: string }) => error.path)).toEqual([
      'endpoints[0]',
      'endpoints[1]',
    ]);
    const wrong = await server.call('PATCH', `/api/labs/pair/links/${link.body.id}`, {
      netem: { loss: '200%' },
      upp: true,
    });
    expect(wrong.body.errors).toHaveLength(2);
    expect((await server.call('DELETE', `/api/labs/pair/links/${link.body.id}`)).status).toBe(204);
    expect((await server.call('DELETE', '/api/labs/pair/nodes/h3')).status).toBe(204);
    expect((await server.get('/api/labs/pair')).body.nodes).toHaveLength(2);
  });

  it('gives up on a topology whose commands do not end, and makes nothing', async () => {
    const limited = await Harness.start(
      {
        open: () => ({
          ...factory.open(),
          runner: Object.assign(new FakeLab(), { create: never }),
        }),
      },
      { limits: { deployMs: 50 } },
    );
    const answer = await limited.post('/api/labs', PAIR);
    expect(answer.body).toMatchObject({ status: 422, errors: [{ path: 'topology' }] });
    expect((await limited.get('/api/labs')).body).toEqual([]);
    await limited.stop();
  });

  it('carries the contents of binds', async () => {
    const topology = {
      name: 'bound',
      topology: {
        nodes: { h1: { binds: ['./a.txt:/root/b.txt', 'conf:/etc/conf:ro', './gone:/gone'] } },
      },
      files: {
        'a.txt': Buffer.from('one').toString('base64'),
        './conf/x/y': Buffer.from('two').toString('base64'),
      },
    };
    const lab = await server.deploy(topology);
    expect(lab.warnings).toEqual([expect.stringContaining('"./gone" is not in the request')]);
    expect((await server.get('/api/labs/bound/nodes/h1/files/root/b.txt')).text).toBe('one');
    expect((await server.get('/api/labs/bound/nodes/h1/files/etc/conf/x/y')).text).toBe('two');
    const wrong = await server.post('/api/labs', { ...topology, name: 'other', files: { a: 5 } });
    expect(wrong.body.errors).toEqual([{ path: 'files["a"]', message: 'must be base64 text' }]);
  });

  it('reads and writes binary files within the body limit', async () => {
    await server.deploy();
    const data = Uint8Array.from({ length: 300 }, (_, i) => i & 255);
    const path = '/api/labs/pair/nodes/h1/files/root/a%20b.o';
    expect(
      (await server.call('PUT', path, data, { 'content-type': 'application/json' })).status,
    ).toBe(204);
    expect(factory.last.files.get('h1:/root/a b.o')).toEqual(data);
    const response = await fetch(server.server.url + path);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(data);
    expect(response.headers.get('content-type')).toContain('application/octet-stream');
    const large = await server.call('PUT', path, new Uint8Array(5000));
    expect(large.body).toMatchObject({ status: 413 });
  });

  it('runs commands', async () => {
    await server.deploy();
    const exec = (body: unknown) => server.post('/api/labs/pair/nodes/h1/exec', body);
    expect((await exec({ command: 'echo hello' })).body).toEqual({
      exitCode: 0,
      stdout: 'hello\n',
      stderr: '',
      virtualTime: 1000,
      truncated: false,
    });
    expect((await exec({ command: 'cat', stdin: 'in' })).body.stdout).toBe('in');
    expect((await exec({ command: 'false' })).body.exitCode).toBe(1);
    expect((await exec({})).body.errors).toEqual([
      { path: 'command', message: expect.any(String) },
    ]);
    expect((await exec({ command: 'echo', timeout: 'soon' })).body.errors[0].path).toBe('timeout');
    expect((await exec({ command: 'echo', tty: true, cwd: '/' })).body.errors).toEqual([
      { path: 'tty', message: 'unknown key' },
      { path: 'cwd', message: 'unknown key' },
    ]);
    const flood = (await exec({ command: 'flood 3000000' })).body;
    expect(flood).toMatchObject({ truncated: true });
    expect(flood.stdout).toHaveLength(2 ** 20);
  });

  it('hangs up a command whose caller goes away', async () => {
    await server.deploy();
    const gone = new AbortController();
    const call = fetch(`${server.server.url}/api/labs/pair/nodes/h1/exec`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"command":"hang"}',
      signal: gone.signal,
    });
    while (factory.last.processes.size === 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
    gone.abort();
    await expect(call).rejects.toThrow();
    while (factory.last.processes.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(factory.last.journal.at(-1)?.input).toMatchObject({ type: 'signal', signal: 1 });
  });

  it('sets and steps the clock', async () => {
    await server.deploy();
    expect((await server.post('/api/labs/pair/clock/step', { by: '10ms' })).status).toBe(409);
    expect((await server.call('PATCH', '/api/labs/pair/clock', { mode: 'paused' })).body.mode).toBe(
      'paused',
    );
    expect((await server.post('/api/labs/pair/clock/step', { by: '10ms' })).body.nowNs).toBe(10e6);
    expect((await server.get('/api/labs/pair/clock')).body).toMatchObject({
      mode: 'paused',
      nowNs: 10e6,
    });
    expect(
      (await server.call('PATCH', '/api/labs/pair/clock', { mode: 'warp' })).body.errors[0].path,
    ).toBe('mode');
  });

  it('shows a lab that has died, refuses its calls, and serves the others', async () => {
    await server.deploy();
    const dying = await server.post('/api/labs/pair/nodes/h1/exec', { command: 'die' });
    expect(dying.body).toMatchObject({ status: 503, type: 'urn:netloom:problem:lab-failed' });
    expect((await server.get('/api/labs/pair')).body).toMatchObject({
      state: 'failed',
      failure: 'the lab died as it was asked to',
    });
    expect((await server.post('/api/labs/pair/nodes/h1/exec', { command: 'echo' })).status).toBe(
      503,
    );
    await server.deploy({ ...PAIR, name: 'other' });
    expect(
      (await server.post('/api/labs/other/nodes/h1/exec', { command: 'echo ok' })).body.stdout,
    ).toBe('ok\n');
    expect((await server.call('DELETE', '/api/labs/pair')).status).toBe(204);
  });
});

const never = (): Promise<never> => new Promise(() => undefined);
