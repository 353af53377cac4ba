// What 10,000 idle TCP connections between two hosts take: both ends' sockets, tables and all, a second after the last
// handshake.
import { TcpStreamSock } from '@netloom/kernel-tcp';
import { address, ip, Net, report } from '../net.mjs';

const CONNECTIONS = 10_000;
const AT_ONCE = 1000;

export const variants = [
  { name: 'idle-tcp', about: `memory of ${CONNECTIONS} idle TCP connections, both ends` },
];

function memory() {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

if (process.env.NETLOOM_BENCH_CASE === 'idle-tcp') {
  const net = new Net([], 32 << 20);
  const [client, server] = ['client', 'server'].map((name, i) => {
    const host = net.host(name);
    const card = net.card(host, 'eth0');
    address(card, ip(10, 0, 0, i + 1), 24);
    return { host, card };
  });
  net.wire('link', client.card, server.card, { rateBits: 1e9, delayNs: 100_000 });
  const listener = new TcpStreamSock(server.host.kernel.initNet);
  listener.bind({ family: 'inet', addr: 0, port: 80 });
  listener.listen(4096);
  const held = [listener];
  const open = async (count) => {
    for (let i = 1; i <= count; i++) {
      const sock = new TcpStreamSock(client.host.kernel.initNet);
      sock.connect({ family: 'inet', addr: ip(10, 0, 0, 2), port: 80 });
      held.push(sock);
      if (i % AT_ONCE !== 0) continue;
      await net.engine.run(net.engine.now + 2e9);
      for (let child = listener.accept(); child !== null; child = listener.accept())
        held.push(child);
    }
  };
  await open(AT_ONCE); // what V8 and the tables take once
  const before = memory();
  await open(CONNECTIONS);
  const bytes = (memory() - before) / CONNECTIONS;
  if (held.length !== 1 + 2 * (AT_ONCE + CONNECTIONS)) throw new Error('not all are connected');
  report({ 'idle-tcp': { value: bytes, unit: 'bytes a connection (less is better)' } });
}
