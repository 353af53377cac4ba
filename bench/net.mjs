// What the cases share: hosts and wires made directly, CPU seconds, the chain of scenario S2.
import { Engine } from '@netloom/engine';
import { devOpen, SkbPool, Tracepoints } from '@netloom/kernel-core';
import { Wire } from '@netloom/kernel-drivers';
import { createEnvironment, Host } from '@netloom/kernel';
import { fibNewRoute, inetAddAddress, ipv4SetConf, UdpSock } from '@netloom/kernel-inet';
import { PacketMemory } from '@netloom/wire';

/** User and system CPU seconds of this process, all threads, since it started. */
export function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Starts the clock of a case, once its modules are loaded; the result tells the CPU seconds since. */
export function startClock() {
  const start = cpuSeconds();
  return () => cpuSeconds() - start;
}

export const report = (results) => console.log(JSON.stringify(results));

export const ip = (a, b, c, d) => ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;

/** Engine, memory and what hosts share. */
export class Net {
  constructor(programs = [], memoryBytes = 64 << 20, seed = 1) {
    this.engine = new Engine({
      seed,
      drain: () => new Promise((resolve) => setImmediate(resolve)),
    });
    this.pool = new SkbPool(new PacketMemory(memoryBytes));
    // The cases are about IPv4; a thousand hosts on one bridge would tell each other of their link-local addresses.
    this.environment = createEnvironment(programs, {
      ipv6: process.env.NETLOOM_BENCH_IPV6 === '1',
    });
    this.trace = new Tracepoints();
    this.hosts = 0;
    this.macs = 0;
  }

  host(name) {
    return new Host({
      environment: this.environment,
      engine: this.engine,
      pool: this.pool,
      trace: this.trace,
      name,
      index: ++this.hosts,
      bootTimeSec: 1_700_000_000,
    });
  }

  card(host, name) {
    const mac = Uint8Array.of(2, 0, 0, 0, 0, 0);
    new DataView(mac.buffer).setUint32(2, ++this.macs);
    return host.addNic(name, { mac, mtu: 1500 });
  }

  /** Joins two cards and brings them up. */
  wire(name, a, z, settings) {
    const wire = new Wire(this.engine, a, z, name);
    wire.a.set(settings);
    wire.z.set(settings);
    devOpen(a.dev);
    devOpen(z.dev);
    return wire;
  }
}

export function address(nic, local, prefixlen) {
  inetAddAddress(nic.dev.net, { family: 2, ifindex: nic.dev.ifindex, local, prefixlen });
}

/**
 * S2: source, four routers, sink; five links of 10 Gbit/s and 10 µs with queues of 1000; static default routes.
 * `watch` is called with every device, before any traffic.
 */
export async function chain(datagrams, watch) {
  const net = new Net();
  const hosts = ['source', 'r1', 'r2', 'r3', 'r4', 'sink'].map((name) => net.host(name));
  for (let i = 0; i < 5; i++) {
    const a = net.card(hosts[i], i === 0 ? 'eth0' : 'eth1');
    const z = net.card(hosts[i + 1], 'eth0');
    net.wire(`link${i}`, a, z, { rateBits: 10e9, delayNs: 10_000, limit: 1000 });
    address(a, ip(10, 0, i, 1), 24);
    address(z, ip(10, 0, i, 2), 24);
  }
  for (let i = 0; i < 6; i++) {
    const via = i < 5 ? ip(10, 0, i, 2) : ip(10, 0, 4, 1);
    fibNewRoute(hosts[i].kernel.initNet, {
      family: 2,
      dstLen: 0,
      nexthops: [{ via }],
      mode: 'add',
    });
    if (i > 0 && i < 5) ipv4SetConf(hosts[i].kernel.initNet, 'all', 'forwarding', 1);
  }
  const finish = await watch?.(net, hosts);
  const sink = new UdpSock(hosts[5].kernel.initNet, 2, 17);
  sink.setsockopt('SO_RCVBUFFORCE', 4 << 20);
  sink.bind({ family: 'inet', addr: 0, port: 9 });
  let received = 0;
  sink.dataReady = () => {
    for (let skb = sink.receiveQueue.shift(); skb !== null; skb = sink.receiveQueue.shift()) {
      received++;
      skb.pool.release(skb);
    }
  };
  const source = new UdpSock(hosts[0].kernel.initNet, 2, 17);
  source.connect({ family: 'inet', addr: ip(10, 0, 4, 2), port: 9 });
  const payload = new Uint8Array(64).fill(0x5a);
  const options = { flags: 0 };
  let sent = 0;
  const { engine } = net;
  const send = () => {
    if (source.sendmsg(payload, options) !== payload.length) throw new Error('send failed');
    if (++sent < datagrams) engine.after(1000, send, undefined);
  };
  engine.at(0, send, undefined);
  engine.advance(datagrams * 1000 + 1e9);
  finish?.();
  if (received !== datagrams)
    throw new Error(`${datagrams - received} of ${datagrams} datagrams were lost`);
  return { hops: datagrams * 5, fingerprint: engine.fingerprint.text };
}
