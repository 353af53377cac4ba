// `npm start`: from a bare clone to a file sent across a simulated router, in one command.
//
// Installs and builds what is missing, starts the server on an SQLite file in ./data, deploys
// examples/01-two-subnets over REST, starts captures, pings, sends a file across the router, compares
// checksums, saves the captures, and stays up until it is interrupted.
//
//   --once          ends after the job; the exit code says whether it went well
//   NETLOOM_PORT    another port than 3000;  NETLOOM_DATA  another folder than ./data
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { at, root, say } from './run.mjs';
import { build, install } from './setup.mjs';

const once = process.argv.includes('--once');
const dataDir = resolve(root, process.env.NETLOOM_DATA || 'data');
const example = 'examples/01-two-subnets/topology.clab.yml';
const lab = 'two-subnets';
const shown = (path) => relative(process.cwd(), path) || path;

const begun = performance.now();
const step = (text) => say(`[${((performance.now() - begun) / 1000).toFixed(1)} s] ${text}`);
const indented = (text) => text.trimEnd().replace(/^/gm, '      ');

async function startServer() {
  const { startServer, ConfigError } = await import(
    pathToFileURL(at('apps/server/dist/index.js')).href
  );
  const port = Number(process.env.NETLOOM_PORT || 3000);
  try {
    return await startServer({ port, dataDir });
  } catch (error) {
    if (!(error instanceof ConfigError) || !/EADDRINUSE/.test(error.message)) throw error;
    step(`port ${port} is taken, another one will do`);
    return startServer({ port: 0, dataDir });
  }
}

/** Calls that throw what the server's problem document says. */
function client(url) {
  const token = process.env.NETLOOM_TOKEN;
  return async (method, path, body, type = 'application/json') => {
    const response = await fetch(`${url}/api${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': type }),
        ...(token ? { authorization: `Bearer ${token}` } : {}),
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    if (response.ok) return response;
    const problem = await response.json();
    throw new Error(`${method} ${path}: ${problem.detail ?? response.status}`);
  };
}

/** The lab of this example: the one of an earlier run where it came back well, else a new one. */
async function deploy(call) {
  const labs = await (await call('GET', '/labs')).json();
  const old = labs.find(({ name }) => name === lab);
  if (old !== undefined) {
    if (await answers(call)) {
      step(`the lab "${lab}" came back from ${shown(join(dataDir, 'netloom.sqlite'))}`);
      return;
    }
    step(`an older lab "${lab}" is replaced`);
    await call('DELETE', `/labs/${lab}`);
  }
  step(`deploy ${example}`);
  const topology = await readFile(at(example), 'utf8');
  const made = await (await call('POST', '/labs', topology, 'application/yaml')).json();
  const failed = made.deploy.filter(({ exitCode }) => exitCode !== 0);
  for (const { node, command, stderr } of failed) step(`${node}: ${command}: ${stderr.trim()}`);
  if (failed.length > 0) throw new Error('commands of the topology failed');
  const nodes = made.nodes.map(({ name, addresses }) => `${name} ${addresses.join(' ')}`);
  step(`nodes: ${nodes.join(' · ')}`);
}

async function answers(call) {
  try {
    const body = { command: 'ping -c 1 -W 2 10.2.0.2' };
    const ping = await (await call('POST', `/labs/${lab}/nodes/client/exec`, body)).json();
    return ping.exitCode === 0;
  } catch {
    return false;
  }
}

async function job(call) {
  await deploy(call);
  const exec = async (node, command) => {
    step(`${node}$ ${command}`);
    const result = await (
      await call('POST', `/labs/${lab}/nodes/${node}/exec`, { command })
    ).json();
    const text = result.stdout + result.stderr;
    if (text.trim() !== '') process.stdout.write(`${indented(text)}\n`);
    if (result.exitCode !== 0)
      throw new Error(`"${command}" on ${node} ended with ${result.exitCode}`);
    return result.stdout;
  };
  const captures = [];
  for (const port of ['eth1', 'eth2']) {
    const body = { node: 'router', interface: port };
    const { id } = await (await call('POST', `/labs/${lab}/captures`, body)).json();
    captures.push({ id, port });
    step(`capture ${id} of router ${port} runs`);
  }
  await exec('client', 'ping -c 3 -i 0.2 10.2.0.2');
  await exec('client', 'seq 1 50000 > sent.txt; ls -l sent.txt');
  await exec('server', 'nc -l 8080 > received.txt &');
  await exec('client', 'nc -N 10.2.0.2 8080 < sent.txt');
  const [sent] = (await exec('client', 'sha256sum sent.txt')).split(' ');
  const [received] = (await exec('server', 'sha256sum received.txt')).split(' ');
  if (sent !== received) throw new Error(`the checksums differ: ${sent} and ${received}`);
  step('the checksums are the same');
  const saved = [];
  for (const { id, port } of captures) {
    const capture = await (await call('DELETE', `/labs/${lab}/captures/${id}`)).json();
    const file = await call('GET', `/labs/${lab}/captures/${id}/file`);
    const path = join(dataDir, `${lab}-router-${port}.pcapng`);
    await mkdir(dataDir, { recursive: true });
    await writeFile(path, Buffer.from(await file.arrayBuffer()));
    await call('DELETE', `/labs/${lab}/captures/${id}?purge=true`);
    saved.push(path);
    step(`${capture.packets} packets of router ${port} in ${shown(path)}`);
    if (capture.packets === 0) throw new Error(`nothing was captured on router ${port}`);
  }
  return saved;
}

function farewell(url, saved) {
  process.stdout.write(`
A file went from client to server across a simulated router, and arrived as it was.

  its packets        wireshark ${shown(saved.at(-1))}
  the API            ${url}/api/docs
  another command    npx netloom exec --server ${url} ${lab} client -- ip route
  live in Wireshark  npx netloom capture --server ${url} ${lab} router eth2 | wireshark -k -i -

`);
}

async function main() {
  if (!(await install()) || !(await build())) return 1;
  const server = await startServer();
  step(`the server listens on ${server.url}, its data are in ${shown(dataDir)}`);
  let end;
  const interrupted = new Promise((settle) => {
    end = settle;
  });
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  let code = 0;
  try {
    const done = job(client(server.url));
    const saved = await Promise.race([done, interrupted.then(() => undefined)]);
    done.catch(() => undefined); // an interrupt has overtaken it
    if (saved !== undefined) {
      farewell(server.url, saved);
      if (!once) {
        say('running until Ctrl-C');
        await interrupted;
      }
    }
  } catch (error) {
    process.stderr.write(`netloom: ${error.message}\n`);
    code = 1;
  }
  step('shutting down');
  await server.close();
  return code;
}

main().then(
  (code) => process.exit(code),
  (error) => {
    process.stderr.write(`netloom: ${error.stack ?? error}\n`);
    process.exit(1);
  },
);
