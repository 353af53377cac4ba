// What the TCP cases share: sinks that read whatever comes, sources that write 14480 bytes whenever there is room.
import { TcpStreamSock } from '@netloom/kernel-tcp';

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
