import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { FakeFactory } from '../testing/fake-lab.js';
import { Harness, PAIR, until } from '../testing/harness.js';

/** Also against PostgreSQL where NETLOOM_TEST_POSTGRES names a database, which is emptied. */
const POSTGRES = process.env['NETLOOM_TEST_POSTGRES'];
const DATABASES: { readonly database: string; readonly options: { databaseUrl?: string } }[] = [
  { database: 'SQLite', options: {} },
  ...(POSTGRES === undefined
    ? []
    : [{ database: 'PostgreSQL', options: { databaseUrl: POSTGRES } }]),
];

/** The folder as a killed server would leave it: a copy, since the running server keeps others out of its own. */
function asIfKilled(dataDir: string): string {
  const copy = `${dataDir}-copy`;
  cpSync(dataDir, copy, { recursive: true });
  return copy;
}

async function emptyPostgres(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  await client.end();
}

describe.each(DATABASES)('labs across a restart of the server, in $database', ({ options }) => {
  let factory: FakeFactory;
  let server: Harness;

  beforeEach(() =>
    options.databaseUrl === undefined ? undefined : emptyPostgres(options.databaseUrl),
  );

  const start = async (limits = {}): Promise<void> => {
    factory = new FakeFactory();
    server = await Harness.start(factory, { limits, ...options });
  };
  const exec = (command: string) => server.post('/api/labs/pair/nodes/h1/exec', { command });
  afterEach(() => server.stop());

  it('brings back id, name, seed, clock, edits, files and what commands did', async () => {
    await start();
    const lab = await server.deploy(PAIR, '?seed=5');
    await server.post('/api/labs/pair/nodes', { name: 'h3', exec: ['true'] });
    const link = (await server.post('/api/labs/pair/links', { endpoints: ['h3:eth1', 'h1:eth2'] }))
      .body;
    await server.call('PATCH', `/api/labs/pair/links/${link.id}`, { up: false });
    await server.call('DELETE', '/api/labs/pair/links/l1');
    await server.call('PUT', '/api/labs/pair/nodes/h3/files/etc/x', new Uint8Array([0, 255, 1]));
    await exec('remember the route');
    await server.call('PATCH', '/api/labs/pair/clock', { mode: 'paused', rate: 2 });
    await server.restart();
    const again = (await server.get('/api/labs/pair')).body;
    await until(() => factory.last.replayed.length === 6);
    expect(again).toMatchObject({
      id: lab.id,
      seed: 5,
      clock: { mode: 'paused', rate: 2 },
      createdAt: lab.createdAt,
    });
    const now = (await server.get('/api/labs/pair')).body;
    expect(now.nodes.map((node: { name: string }) => node.name)).toEqual(['h1', 'h2', 'h3']);
    expect(now.links).toEqual([expect.objectContaining({ id: 'l2', up: false })]);
    expect(factory.last.files.get('h3:/etc/x')).toEqual(new Uint8Array([0, 255, 1]));
    expect((await exec('recall')).body.stdout).toBe('the route');
    expect((await server.get('/api/health/ready')).status).toBe(200);
  });

  it('goes on with the same journal after a second restart', async () => {
    await start();
    await server.deploy();
    await exec('remember one');
    await server.restart();
    await exec('remember two');
    await server.restart();
    await until(() => factory.last.replayed.length === 2);
    expect(factory.last.replayed.map(({ sequence }) => sequence)).toEqual([1, 2]);
    expect((await exec('recall')).body.stdout).toBe('two');
  });

  it('has on disk what it has answered, at the time of the answer', async () => {
    await start();
    await server.deploy();
    await exec('remember this');
    // A second server on the same files sees what a process that was killed now would have left.
    const other = new FakeFactory();
    const copy = await Harness.start(other, { dataDir: asIfKilled(server.dataDir), ...options });
    await until(() => other.labs.length === 1 && other.last.replayed.length === 1);
    expect(other.last.memory).toBe('this');
    await copy.stop();
  });

  it('forgets a deleted lab', async () => {
    await start();
    await server.deploy();
    await server.call('DELETE', '/api/labs/pair');
    await server.restart();
    expect((await server.get('/api/labs')).body).toEqual([]);
    await server.deploy();
  });

  it('re-creates a lab that asks for it: edits come back, commands do not', async () => {
    await start();
    await server.deploy(PAIR, '?restore=recreate');
    await server.post('/api/labs/pair/nodes', { name: 'h3' });
    await exec('remember this');
    await server.restart();
    await until(() => factory.labs.length === 2);
    expect((await exec('recall')).body.stdout).toBe('');
    expect(factory.last.replayed).toEqual([]);
    expect((await server.get('/api/labs/pair')).body.nodes).toHaveLength(3);
    await server.restart();
    await server.post('/api/labs/pair/nodes', { name: 'h4' });
    expect((await server.get('/api/labs/pair')).body.nodes).toHaveLength(4);
  });

  it('says when a journal has become too long, and keeps what the lab is', async () => {
    await start({ journalBytes: 2000 });
    await server.deploy();
    await server.post('/api/labs/pair/nodes', { name: 'h3' });
    for (let i = 0; i < 30; i++) await exec(`remember ${'x'.repeat(50)}`);
    expect((await server.get('/api/labs/pair')).body.warnings).toEqual([
      expect.stringContaining('longer than 2000 bytes'),
    ]);
    await server.restart();
    expect((await exec('recall')).body.stdout).toBe('');
    expect((await server.get('/api/labs/pair')).body.nodes).toHaveLength(3);
  });

  it('hangs up what lost its other end with the old process', async () => {
    await start();
    await server.deploy();
    const terminal = server.socket('/api/labs/pair/nodes/h1/terminal');
    await terminal.opened();
    await until(() => factory.last.processes.size === 1);
    const killed = factory.last;
    await until(() => killed.journal.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 100)); // beyond the time in which inputs are grouped
    const other = new FakeFactory();
    const copy = await Harness.start(other, { dataDir: asIfKilled(server.dataDir), ...options });
    await until(
      () =>
        other.labs.length === 1 && other.last.journal.some(({ input }) => input.type === 'signal'),
    );
    expect(other.last.processes.size).toBe(0);
    await copy.stop();
  });

  it('refuses to start where it cannot keep anything, and says so', async () => {
    await start();
    const file = join(server.dataDir, 'plain');
    mkdirSync(server.dataDir, { recursive: true });
    writeFileSync(file, '');
    await expect(Harness.start(factory, { dataDir: join(file, 'below') })).rejects.toThrow(
      /cannot open the database/,
    );
    await expect(Harness.start(factory, { port: server.server.port })).rejects.toThrow(
      /cannot listen on 127.0.0.1/,
    );
  });
});
