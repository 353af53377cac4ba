import { startServer } from '../start-server.js';
import { FakeFactory } from '../testing/fake-lab.js';
import { Harness } from '../testing/harness.js';

describe('operation', () => {
  let server: Harness;
  beforeAll(async () => {
    server = await Harness.start(new FakeFactory());
    await server.deploy();
  });
  afterAll(() => server.stop());

  it('has probes', async () => {
    expect((await server.get('/api/health/live')).body).toEqual({ status: 'ok' });
    expect((await server.get('/api/health/ready')).body).toEqual({ status: 'ok', labs: 1 });
  });

  it('lets no second server into its data', async () => {
    await expect(
      startServer({ port: 0, dataDir: server.dataDir }, new FakeFactory()),
    ).rejects.toThrow(/cannot open the database .*another server is using it/);
  });

  it('has metrics of labs, requests and Node', async () => {
    await server.get('/api/labs/pair');
    const { text, headers } = await server.get('/metrics');
    expect(headers.get('content-type')).toContain('text/plain');
    expect(text).toContain('netloom_labs{state="running"} 1');
    expect(text).toContain('netloom_lab_nodes{lab="pair"} 2');
    expect(text).toContain('netloom_lab_drops_total{lab="pair",reason="NO_SOCKET"} 2');
    expect(text).toMatch(
      /netloom_http_request_duration_seconds_count\{method="GET",route="\/api\/labs\/:lab",status="200"\} \d/,
    );
    expect(text).toContain('nodejs_eventloop_lag_seconds');
  });

  it('describes itself as OpenAPI 3', async () => {
    const { body } = await server.get('/api/openapi.json');
    expect(body.openapi).toMatch(/^3\./);
    expect(Object.keys(body.paths).sort()).toEqual([
      '/api/health/live',
      '/api/health/ready',
      '/api/labs',
      '/api/labs/{lab}',
      '/api/labs/{lab}/captures',
      '/api/labs/{lab}/captures/{id}',
      '/api/labs/{lab}/captures/{id}/file',
      '/api/labs/{lab}/clock',
      '/api/labs/{lab}/clock/step',
      '/api/labs/{lab}/links',
      '/api/labs/{lab}/links/{link}',
      '/api/labs/{lab}/nodes',
      '/api/labs/{lab}/nodes/{node}',
      '/api/labs/{lab}/nodes/{node}/exec',
      '/api/labs/{lab}/nodes/{node}/files/{path}',
      '/api/labs/{lab}/topology',
    ]);
    expect(body.components.schemas).toHaveProperty('Lab');
    expect(
      body.paths['/api/labs/{lab}/nodes/{node}/exec'].post.requestBody.content['application/json']
        .schema,
    ).toEqual({
      $ref: '#/components/schemas/ExecRequest',
    });
    const page = await server.get('/api/docs');
    expect(page.text).toContain('Netloom API');
  });
});
