// What the TCP cases share: sinks that read whatever comes, sources that write 14480 bytes whenever there is room.
import { Feature } from '@netloom/kernel-core';
import { TcpStreamSock } from '@netloom/kernel-tcp';
import { Net, address, ip, startClock } from './net.mjs';

const WRITE = new Uint8Array(14480).fill(0x5a);
const OPTIONS = { flags: 0 };
const READ = new Uint8Array(262144);

/** Bytes of each socket buffer, as SO_RCVBUF and SO_SNDBUF set them. */
const BUFFER = 4 << 20;

/** Reads everything that arrives at a port; `bytes` counts, `onBytes` is told. */
export class Sink {
  bytes = 0;

  constructor(net, port) {
    const listener = new TcpStreamSock(net);
    listener.setsockopt('SO_RCVBUFFORCE', BUFFER / 2); // the kernel doubles it
    listener.bind({ family: 'inet', addr: 0, port });
    listener.listen(16);
    listener.dataReady = () => {
      const sock = listener.acceptSock();
      if (typeof sock === 'number' || sock === null) return;
      const read = () => {
        for (;;) {
          const n = sock.readInto(READ);
          if (n <= 0) return;
          this.bytes += n;
        }
      };
      sock.dataReady = read;
      read();
    };
  }
}

/** Writes for ever, from when it is made. */
export function source(net, addr, port, congestion) {
  const sock = new TcpStreamSock(net);
  sock.setsockopt('SO_SNDBUFFORCE', BUFFER / 2);
  if (congestion !== undefined) sock.setsockopt('TCP_CONGESTION', congestion);
  sock.initTimers();
  const write = () => {
    while (sock.sendmsg(WRITE, OPTIONS) === WRITE.length);
  };
  sock.stateChange = write;
  sock.writeSpace = write;
  const error = sock.connect({ family: 'inet', addr, port });
  if (error !== 0 && error !== -115) throw new Error(`connect: ${error}`); // EINPROGRESS
  return sock;
}

/** What cards do: every offload, or only the checksums, so that each segment is a packet everywhere. */
export function setOffloads(card, on) {
  const { HW_CSUM, TSO, GSO, GRO } = Feature;
  card.dev.features = on ? HW_CSUM | TSO | GSO | GRO : HW_CSUM;
}

/** One flow between two hosts on a wire of 1 Gbit/s, with `loss` of what arrives at the receiver. */
export function bulk({ congestion, offloads = false, seconds, delayNs, loss = 0, seed = 1 }) {
  const net = new Net([], 64 << 20, seed);
  const a = net.host('a');
  const b = net.host('b');
  const left = net.card(a, 'eth0');
  const right = net.card(b, 'eth0');
  setOffloads(left, offloads);
  setOffloads(right, offloads);
  const link = { rateBits: 1e9, delayNs, limit: 1000 };
  const wire = net.wire('link', left, right, link);
  if (loss > 0) wire.a.set({ ...link, loss });
  address(left, ip(10, 0, 0, 1), 24);
  address(right, ip(10, 0, 0, 2), 24);
  const sink = new Sink(b.kernel.initNet, 5001);
  const elapsed = startClock();
  source(a.kernel.initNet, ip(10, 0, 0, 2), 5001, congestion);
  net.engine.advance((seconds / 2) * 1e9);
  const half = elapsed();
  net.engine.advance(seconds * 1e9);
  const cpu = elapsed();
  return {
    cpu,
    warm: seconds / 2 / (cpu - half),
    goodput: (sink.bytes * 8) / seconds / 1e6,
  };
}
