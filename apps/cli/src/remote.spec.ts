import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Console } from './command-exec.js';
import { buildProgram } from './program.js';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly body: string;
}

/** A server that answers from a table and remembers what it was asked. */
class TestServer {
  readonly seen: Seen[] = [];
  readonly answers = new Map<string, { status: number; body: unknown }>();
  onSocket: (socket: WebSocket, request: IncomingMessage) => void = (socket) => socket.close();
  private readonly http: Server;
  private readonly sockets = new WebSocketServer({ noServer: true });

  constructor() {
    this.http = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => void chunks.push(chunk));
      request.on('end', () => {
        const seen = {
          method: request.method ?? '',
          url: request.url ?? '',
          body: Buffer.concat(chunks).toString(),
        };
        this.seen.push(seen);
        const answer = this.answers.get(`${seen.method} ${seen.url}`) ?? {
          status: 404,
          body: { detail: `There is no ${seen.url}.` },
        };
        response.writeHead(answer.status, { 'content-type': 'application/json' });
        response.end(answer.status === 204 ? undefined : JSON.stringify(answer.body));
      });
    });
    this.http.on('upgrade', (request, socket, head) => {
      this.sockets.handleUpgrade(request, socket, head, (peer) => this.onSocket(peer, request));
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((done) => void this.http.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const client of this.sockets.clients) client.terminate();
    this.http.closeAllConnections();
    await new Promise((done) => this.http.close(done));
  }
}

const LAB = {
  id: 'abc',
  name: 'two',
  state: 'running',
  warnings: ['topology.nodes.a.image: ignored'],
  nodes: [
    { name: 'a', kind: 'linux', addresses: ['10.0.0.1/24', '2001:db8::1/64'] },
    { name: 'sw', kind: 'bridge', addresses: [] },
  ],
};

let server: TestServer;
let url: string;
let dir: string;

beforeEach(async () => {
  server = new TestServer();
  url = await server.start();
  dir = mkdtempSync(join(tmpdir(), 'netloom-cli-'));
});
afterEach(async () => {
  await server.stop();
  rmSync(dir, { recursive: true });
  process.exitCode = 0;
});

/** Runs a command line; answers what it printed and its exit code. */
async function netloom(...args: string[]): Promise<{ out: string; err: string; code: number }> {
  let out = '';
  let err = '';
  const stream = (take: (text: string) => void): PassThrough => {
    const made = new PassThrough();
    made.on('data', (data: Buffer) => take(data.toString()));
    return made;
  };
  const console = {
    stdin: new PassThrough(),
    stdout: stream((text) => (out += text)),
    stderr: stream((text) => (err += text)),
  } as unknown as Console;
  process.exitCode = 0;
  const program = buildProgram(
    { out: (text) => (out += text), err: (text) => (err += text) },
    console,
  );
  program.commands.forEach((command) => command.exitOverride());
  await program
    .exitOverride()
    .parseAsync(['node', 'netloom', ...args])
    .catch((error: { exitCode?: number }) => {
      process.exitCode = error.exitCode ?? 1;
    });
  return { out, err, code: Number(process.exitCode) };
}

describe('deploy', () => {
  test('sends the file with what it binds, and shows the lab', async () => {
    const file = join(dir, 'x.clab.yml');
    mkdirSync(join(dir, 'conf/sub'), { recursive: true });
    writeFileSync(join(dir, 'conf/sub/f.txt'), 'hello');
    symlinkSync('sub/f.txt', join(dir, 'conf/link.txt'));
    symlinkSync('nowhere', join(dir, 'conf/dangling'));
    symlinkSync('..', join(dir, 'conf/sub/up'));
    writeFileSync(file, 'name: two\ntopology: {nodes: {a: {binds: ["./conf:/etc/conf"]}}}');
    server.answers.set('POST /api/labs?seed=7', { status: 201, body: LAB });
    const { out, err, code } = await netloom('deploy', '-t', file, '--seed', '7', '--server', url);
    expect([err, code]).toEqual(['netloom: topology.nodes.a.image: ignored\n', 0]);
    expect(out).toContain('│ two │ a    │ linux  │ running │ 10.0.0.1/24    │');
    expect(JSON.parse(server.seen[0]?.body ?? '')).toEqual({
      name: 'two',
      topology: { nodes: { a: { binds: ['./conf:/etc/conf'] } } },
      files: { './conf/link.txt': 'aGVsbG8=', './conf/sub/f.txt': 'aGVsbG8=' },
    });
  });

  test('an invalid file is refused here, with every fault', async () => {
    const file = join(dir, 'bad.yml');
    writeFileSync(
      file,
      'name: x\ntopology: {nodes: {a: {kind: vyos}}, links: [{endpoints: ["a:e", "b:e"]}]}',
    );
    const { err, code } = await netloom('deploy', '-t', file, '--server', url);
    expect(err).toContain('topology.nodes.a.kind: unknown kind "vyos"; known: linux, bridge');
    expect(err).toContain('topology.links[0].endpoints[1]: no such node "b"');
    expect([code, server.seen]).toEqual([1, []]);
  });

  test('says what the server says', async () => {
    const file = join(dir, 'x.yml');
    writeFileSync(file, 'name: two\ntopology: {nodes: {}}');
    server.answers.set('POST /api/labs', {
      status: 409,
      body: {
        title: 'Conflict',
        detail: 'A lab named "two" exists already.',
        errors: [{ path: 'name', message: 'taken' }],
      },
    });
    expect(await netloom('deploy', '-t', file, '--server', url)).toEqual({
      out: '',
      err: 'netloom: A lab named "two" exists already.\n  name: taken\n',
      code: 1,
    });
    const gone = await netloom('inspect', '--server', 'http://127.0.0.1:9');
    expect(gone.err).toMatch(/^netloom: cannot reach the server at http:\/\/127\.0\.0\.1:9: /);
    expect(gone.code).toBe(1);
  });
});

describe('inspect and destroy', () => {
  test("containerlab's JSON and our own", async () => {
    server.answers.set('GET /api/labs', { status: 200, body: [LAB] });
    const clab = JSON.parse(
      (await netloom('inspect', '-f', 'json', '--server', url)).out,
    ) as Record<string, unknown[]>;
    expect(clab['two']?.[0]).toMatchObject({
      lab_name: 'two',
      name: 'a',
      kind: 'linux',
      state: 'running',
      ipv4_address: '10.0.0.1/24',
      ipv6_address: '2001:db8::1/64',
    });
    expect(JSON.parse((await netloom('inspect', '--json', '--server', url)).out)).toEqual([LAB]);
  });

  test('by name and by file', async () => {
    const file = join(dir, 'x.yml');
    writeFileSync(file, 'name: two\ntopology: {nodes: {}}');
    server.answers.set('DELETE /api/labs/two', { status: 204, body: null });
    expect((await netloom('destroy', 'two', '--server', url)).out).toBe('destroyed two\n');
    expect((await netloom('destroy', '-t', file, '--server', url)).code).toBe(0);
    expect((await netloom('destroy', '--server', url)).err).toBe(
      'netloom: which lab? Give its name, -t FILE or --all\n',
    );
  });
});

describe('exec', () => {
  test('streams, and exits with the exit code', async () => {
    const said: unknown[] = [];
    server.onSocket = (socket, request) => {
      said.push(decodeURIComponent(request.url ?? ''));
      socket.on('message', (data: Buffer) => void said.push(data.toString()));
      socket.send(Buffer.from('\x01one\n'));
      socket.send(Buffer.from('\x02two\n'));
      socket.send(JSON.stringify({ type: 'exit', exitCode: 3 }));
      setTimeout(() => socket.close(1000), 20);
    };
    const { out, err, code } = await netloom(
      'exec',
      'two',
      'a',
      '--server',
      url,
      '--',
      'sh',
      '-c',
      'echo $x; exit 3',
    );
    expect([out, err, code]).toEqual(['one\n', 'two\n', 3]);
    expect(said).toEqual([
      `/api/labs/two/nodes/a/terminal?tty=false&command=sh+-c+'echo+$x;+exit+3'`,
      '{"type":"eof"}',
    ]);
  });

  test("options after -- are the command's", async () => {
    server.answers.set('POST /api/labs/two/nodes/a/exec', {
      status: 200,
      body: { exitCode: 1, stdout: 'x' },
    });
    const { out, code } = await netloom(
      'exec',
      '--server',
      url,
      '--json',
      'two',
      'a',
      '--',
      'ping',
      '-c',
      '3',
      '--help',
    );
    expect([JSON.parse(out), code]).toEqual([{ exitCode: 1, stdout: 'x' }, 1]);
    expect(server.seen[0]?.body).toBe('{"command":"ping -c 3 --help"}');
  });

  test('without a command it is a terminal with a shell, or an error', async () => {
    const said: string[] = [];
    server.onSocket = (socket, request) => {
      said.push(request.url ?? '');
      socket.send(Buffer.from('# '));
      socket.send(JSON.stringify({ type: 'exit', exitCode: 0 }));
      setTimeout(() => socket.close(1000), 20);
    };
    expect(await netloom('exec', '-it', 'two', 'a', '--server', url)).toEqual({
      out: '# ',
      err: '',
      code: 0,
    });
    expect(said).toEqual(['/api/labs/two/nodes/a/terminal?tty=true&rows=24&cols=80']);
    expect((await netloom('exec', 'two', 'a', '--server', url)).err).toMatch(/which command/);
  });

  test('a connection that breaks is an error', async () => {
    server.onSocket = (socket) => socket.close(1011, 'the lab has died');
    expect(await netloom('exec', 'two', 'a', '--server', url, '--', 'x')).toMatchObject({
      err: 'netloom: the connection has ended: the lab has died\n',
      code: 1,
    });
  });
});

test('capture writes the stream to a file and says how much it was', async () => {
  server.answers.set('POST /api/labs/two/captures', { status: 201, body: { id: 'c1' } });
  server.answers.set('DELETE /api/labs/two/captures/c1', {
    status: 200,
    body: { id: 'c1', packets: 2, dropped: 1, bytes: 7 },
  });
  server.onSocket = (socket) => {
    socket.send(Buffer.from('abc'));
    socket.send(Buffer.from('defg'));
    setTimeout(() => socket.close(1000), 20);
  };
  const file = join(dir, 'out.pcapng');
  const { err, code } = await netloom(
    'capture',
    'two',
    'a',
    'eth1',
    'icmp',
    'or',
    'arp',
    '-w',
    file,
    '--server',
    url,
  );
  expect(readFileSync(file, 'utf8')).toBe('abcdefg');
  expect([err, code]).toEqual([
    'netloom: capturing on a eth1, interrupt to end\nnetloom: 2 packets captured, 1 dropped\n',
    0,
  ]);
  expect(JSON.parse(server.seen[0]?.body ?? '')).toEqual({
    node: 'a',
    interface: 'eth1',
    filter: 'icmp or arp',
  });
  expect(server.seen.at(-1)).toMatchObject({
    method: 'DELETE',
    url: '/api/labs/two/captures/c1?purge=true',
  });
});

test('capture refuses a file that cannot be written, before anything is captured', async () => {
  const file = join(dir, 'missing', 'out.pcapng');
  const { err, code } = await netloom('capture', 'two', 'a', 'eth1', '-w', file, '--server', url);
  expect(err).toContain(`ENOENT: no such file or directory, open '${file}'`);
  expect([code, server.seen]).toEqual([1, []]);
});

test('every command has help; what is wrong is said on standard error', async () => {
  const commands = ['serve', 'test', 'run', 'deploy', 'destroy', 'inspect', 'exec', 'capture'];
  const all = await netloom('--help');
  for (const name of commands) {
    expect(all.out).toContain(`  ${name} `);
    const { out, code } = await netloom(name, '--help');
    expect(out).toContain(`Usage: netloom ${name}`);
    expect(code).toBe(0);
  }
  const unknown = await netloom('inspect', '--nonsense');
  expect(unknown.err).toContain("error: unknown option '--nonsense'");
  expect(unknown.code).toBe(1);
});
