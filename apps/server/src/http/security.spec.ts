import { request } from 'node:http';
import { resolveConfig } from '../config.js';
import { FakeFactory } from '../testing/fake-lab.js';
import { Harness, until } from '../testing/harness.js';

/** fetch does not let anybody choose Host. */
function statusOf(
  server: Harness,
  path: string,
  headers: Record<string, string>,
  method = 'GET',
): Promise<number> {
  return new Promise((resolve, reject) => {
    request(server.server.url + path, { headers, method }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

describe('a server on loopback without a token', () => {
  let server: Harness;
  beforeAll(async () => {
    server = await Harness.start(new FakeFactory(), { origins: ['http://localhost:5173'] });
    await server.deploy();
  });
  afterAll(() => server.stop());

  it.each([
    ['a program', {}, 'GET', 200],
    ['localhost by name', { host: 'localhost:3000' }, 'GET', 200],
    ['a name that only resolves to loopback', { host: 'evil.example' }, 'GET', 403],
    [
      'a page of another site that changes something',
      { origin: 'http://evil.example' },
      'DELETE',
      403,
    ],
    ['a page of a configured origin', { origin: 'http://localhost:5173' }, 'GET', 200],
  ])('answers %s', async (_who, headers, method, status) => {
    expect(await statusOf(server, '/api/labs', headers as Record<string, string>, method)).toBe(
      status,
    );
  });

  it('lets no page of another site open a WebSocket', async () => {
    const evil = server.socket('/api/labs/pair/events', { origin: 'http://evil.example' });
    await until(() => evil.refused?.status === 403);
    const own = server.socket('/api/labs/pair/events', { origin: server.server.url });
    await own.opened();
  });

  it('sends headers that keep browsers careful', async () => {
    const { headers } = await server.get('/api/labs');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('x-powered-by')).toBeNull();
  });
});

describe('a server with a token', () => {
  let server: Harness;
  beforeAll(async () => {
    server = await Harness.start(new FakeFactory(), { token: 'open sesame', host: '0.0.0.0' });
  });
  afterAll(() => server.stop());

  it('wants it for everything but probes and documentation', async () => {
    const bearer = { authorization: 'Bearer open sesame' };
    const refused = await server.get('/api/labs');
    expect(refused.body).toMatchObject({ status: 401 });
    expect(refused.headers.get('www-authenticate')).toBe('Bearer');
    expect(
      (await server.call('GET', '/api/labs', undefined, { authorization: 'Bearer wrong' })).status,
    ).toBe(401);
    expect((await server.call('GET', '/api/labs', undefined, bearer)).status).toBe(200);
    expect((await server.get('/metrics')).status).toBe(401);
    expect((await server.get('/api/labs?token=open%20sesame')).status).toBe(401);
    for (const path of [
      '/api/health/live',
      '/api/health/ready',
      '/api/openapi.json',
      '/api/docs',
    ]) {
      expect([path, (await server.get(path)).status]).toEqual([path, 200]);
    }
  });

  it('takes it in the query of a WebSocket', async () => {
    await server.call('POST', '/api/labs', '{"name":"x","topology":{"nodes":{}}}', {
      authorization: 'Bearer open sesame',
      'content-type': 'application/json',
    });
    const without = server.socket('/api/labs/x/events');
    await until(() => without.refused?.status === 401);
    await server.socket('/api/labs/x/events?token=open%20sesame').opened();
    await server.socket('/api/labs/x/events', { authorization: 'Bearer open sesame' }).opened();
  });
});

describe('the configuration', () => {
  it('refuses to listen for others without a token', () => {
    expect(() => resolveConfig({ host: '0.0.0.0' }, {})).toThrow(/set a token/);
    expect(() => resolveConfig({ host: '192.168.1.1' }, {})).toThrow(/set a token/);
    for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost'])
      expect(resolveConfig({ host }, {}).host).toBe(host);
    expect(() => resolveConfig({ token: 'short' }, {})).toThrow(/at least 8/);
  });

  it('reads limits from the environment', () => {
    const env = {
      NETLOOM_LIMIT_BODY_BYTES: '1024',
      NETLOOM_PORT: '0',
      NETLOOM_ORIGINS: 'http://a, http://b',
    };
    expect(resolveConfig({}, env)).toMatchObject({
      port: 0,
      origins: ['http://a', 'http://b'],
      limits: { bodyBytes: 1024 },
    });
    expect(() => resolveConfig({}, { NETLOOM_LIMIT_LABS: 'many' })).toThrow(/NETLOOM_LIMIT_LABS/);
    expect(() => resolveConfig({ databaseUrl: 'mysql://x' }, {})).toThrow(/postgres/);
  });
});
