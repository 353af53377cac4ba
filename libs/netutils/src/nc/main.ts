/**
 * `nc`: OpenBSD netcat (Debian 1.219-1) over the system-call boundary: TCP, UDP and UNIX-domain sockets, client,
 * listener and port scan. Proxies, TLS and DCCP are not part of it.
 */
import { parseIpv4, parseIpv6, serviceName, strerror } from '@netloom/base';
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  Msg,
  Poll,
  printErr,
  Signal,
  SOCK_DGRAM,
  SOCK_STREAM,
  type IpAddr,
  type SockAddr,
  type Sys,
} from '@netloom/sys';
import { CommandExit, errnoOf, program } from '../command.js';
import { inetAton, ipText, resolveName, reverseName } from '../resolve.js';
import { socketAddress } from '../sockets.js';
import { parseNcOptions, portList, type NcOptions } from './options.js';
import { relay } from './relay.js';

/** Stands for the end of `-w`, which leaves errno as connect(2) set it. */
const OUT_OF_TIME = -1;
const EINPROGRESS = 115;

function fail(message: string): CommandExit {
  return new CommandExit(1, `nc: ${message}\n`);
}

function openSocket(sys: Sys, address: IpAddr, options: NcOptions): number {
  const fd = sys.socket(
    typeof address === 'number' ? AF_INET : AF_INET6,
    options.udp ? SOCK_DGRAM : SOCK_STREAM,
    0,
  );
  if (options.rcvbuf !== undefined) sys.setsockopt(fd, 'SO_RCVBUF', options.rcvbuf);
  if (options.sndbuf !== undefined) sys.setsockopt(fd, 'SO_SNDBUF', options.sndbuf);
  const v6 = typeof address !== 'number';
  if (options.tos !== undefined) sys.setsockopt(fd, v6 ? 'IPV6_TCLASS' : 'IP_TOS', options.tos);
  if (options.ttl !== undefined)
    sys.setsockopt(fd, v6 ? 'IPV6_UNICAST_HOPS' : 'IP_TTL', options.ttl);
  if (options.broadcast) sys.setsockopt(fd, 'SO_BROADCAST', 1);
  return fd;
}

/** `10.0.0.1 4444`, or the host's name for the address. */
async function peerText(sys: Sys, address: SockAddr, options: NcOptions): Promise<string> {
  if (address.family === 'unix') return address.path;
  if (address.family !== 'inet' && address.family !== 'inet6') return '';
  const name = options.numeric ? undefined : await reverseName(sys, address.addr);
  return `${name ?? ipText(address.addr)} ${address.port}`;
}

/** A listener takes over the name of one before. */
function unlinkQuietly(sys: Sys, path: string): void {
  try {
    sys.unlink(path);
  } catch (error) {
    errnoOf(error);
  }
}

async function unixMain(sys: Sys, options: NcOptions): Promise<number> {
  const path = options.host ?? '';
  const type = options.udp ? SOCK_DGRAM : SOCK_STREAM;
  let fd: number;
  try {
    fd = sys.socket(AF_UNIX, type, 0);
    if (!options.listen) {
      await sys.connect(fd, { family: 'unix', path });
    } else {
      unlinkQuietly(sys, path);
      sys.bind(fd, { family: 'unix', path });
      if (!options.udp) sys.listen(fd, 5);
    }
  } catch (error) {
    throw fail(`${options.listen ? '' : `${path}: `}${strerror(errnoOf(error))}`);
  }
  if (!options.listen) {
    if (!options.scan) await relay(sys, fd, options);
    return 0;
  }
  do {
    if (options.udp) {
      await relay(sys, fd, options);
      continue;
    }
    const { fd: connection } = await sys.accept(fd);
    await relay(sys, connection, options);
    sys.close(connection);
  } while (options.keep);
  return 0;
}

async function listenMain(sys: Sys, options: NcOptions): Promise<number> {
  const [port = 0] = portList(options.ports ?? '', options.udp);
  let address: IpAddr = options.family === 6 ? new Uint8Array(16) : 0;
  let scopeId = 0;
  if (options.host !== undefined) {
    const resolved = await resolveName(sys, options.host, options.family);
    if (resolved === undefined) throw fail(`getaddrinfo: Name or service not known`);
    address = resolved.address;
    scopeId = resolved.scopeId ?? 0;
  }
  const open = async (): Promise<number> => {
    try {
      const fd = openSocket(sys, address, options);
      sys.setsockopt(fd, 'SO_REUSEADDR', 1);
      sys.setsockopt(fd, 'SO_REUSEPORT', 1);
      sys.bind(fd, socketAddress(address, port, scopeId));
      if (!options.udp) sys.listen(fd, 1);
      if (options.verbose) {
        const name = options.numeric ? undefined : await reverseName(sys, address);
        await printErr(
          sys,
          `${options.udp ? 'Bound' : 'Listening'} on ${name ?? ipText(address)} ${port}\n`,
        );
      }
      return fd;
    } catch (error) {
      throw fail(strerror(errnoOf(error)));
    }
  };
  let fd = await open();
  for (;;) {
    if (options.udp && options.keep) {
      // datagrams of many callers, none of them answered
      await relay(sys, fd, options);
    } else if (options.udp) {
      const first = await sys.recvmsg(fd, 1, Msg.MSG_PEEK);
      try {
        await sys.connect(fd, first.from);
      } catch (error) {
        throw fail(`connect: ${strerror(errnoOf(error))}`);
      }
      if (options.verbose)
        await printErr(sys, `Connection received on ${await peerText(sys, first.from, options)}\n`);
      await relay(sys, fd, options);
    } else {
      let accepted: { readonly fd: number; readonly peer: SockAddr };
      try {
        accepted = await sys.accept(fd);
      } catch (error) {
        throw fail(`accept: ${strerror(errnoOf(error))}`);
      }
      if (options.verbose) {
        await printErr(
          sys,
          `Connection received on ${await peerText(sys, accepted.peer, options)}\n`,
        );
      }
      await relay(sys, accepted.fd, options);
      sys.close(accepted.fd);
    }
    if (!options.keep) break;
    if (options.udp) {
      sys.close(fd);
      fd = await open();
    }
  }
  sys.close(fd);
  return 0;
}

/** Connects within the time of `-w`; answers the errno, 0 for success. */
async function connectWithin(
  sys: Sys,
  fd: number,
  to: SockAddr,
  timeoutMs: number | undefined,
): Promise<number> {
  sys.setNonblock(fd, true);
  try {
    await sys.connect(fd, to);
    return 0;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== EINPROGRESS) return errno;
  }
  const [events = 0] = await sys.poll(
    [{ fd, events: Poll.POLLOUT }],
    timeoutMs === undefined ? undefined : timeoutMs * 1e6,
  );
  if (events === 0) return OUT_OF_TIME;
  const errno = sys.getsockopt(fd, 'SO_ERROR');
  return typeof errno === 'number' ? errno : 0;
}

/** Whether a UDP port seems open: two datagrams at once, then one a second for three seconds or the time given. */
async function udpTest(sys: Sys, fd: number, timeoutMs: number | undefined): Promise<boolean> {
  const probe = Uint8Array.of(0x58);
  try {
    await sys.write(fd, probe);
    await sys.write(fd, probe);
    const more = timeoutMs === undefined ? 3 : Math.floor(timeoutMs / 1000);
    for (let i = 0; i < more; i++) {
      await sys.sleep(1e9);
      await sys.write(fd, probe);
    }
    return true;
  } catch (error) {
    errnoOf(error);
    return false;
  }
}

async function bindSource(sys: Sys, fd: number, options: NcOptions, remote: IpAddr): Promise<void> {
  if (options.sourceAddress === undefined && options.sourcePort === undefined) return;
  sys.setsockopt(fd, 'SO_REUSEADDR', 1);
  sys.setsockopt(fd, 'SO_REUSEPORT', 1);
  let address: IpAddr = typeof remote === 'number' ? 0 : new Uint8Array(16);
  if (options.sourceAddress !== undefined) {
    const resolved = await resolveName(
      sys,
      options.sourceAddress,
      typeof remote === 'number' ? 4 : 6,
    );
    if (resolved === undefined) throw fail('getaddrinfo: Name or service not known');
    address = resolved.address;
  }
  const port = options.sourcePort === undefined ? 0 : Number(options.sourcePort) & 0xffff;
  try {
    sys.bind(fd, socketAddress(address, port));
  } catch (error) {
    throw fail(`bind failed: ${strerror(errnoOf(error))}`);
  }
}

async function clientMain(sys: Sys, options: NcOptions): Promise<number> {
  const host = options.host ?? '';
  const ports = portList(options.ports ?? '', options.udp);
  const protocol = options.udp ? 'udp' : 'tcp';
  if (options.randomPorts) {
    for (let i = ports.length - 1; i > 0; i--) {
      const j = sys.random() % (i + 1);
      const a = ports[i] ?? 0;
      ports[i] = ports[j] ?? 0;
      ports[j] = a;
    }
  }
  let result = 1;
  for (const port of ports) {
    const resolved = await resolveName(sys, host, options.family);
    if (resolved === undefined || (options.numeric && !resolved.numeric)) {
      const literal = inetAton(host) !== undefined || parseIpv6(host) !== undefined;
      const why =
        literal && options.family !== undefined
          ? 'Address family for hostname not supported'
          : 'Name or service not known';
      throw fail(`getaddrinfo for host "${host}" port ${port}: ${why}`);
    }
    const fd = openSocket(sys, resolved.address, options);
    await bindSource(sys, fd, options, resolved.address);
    const shown =
      resolved.numeric || parseIpv4(host) !== undefined
        ? host
        : `${host} (${ipText(resolved.address)})`;
    const errno = await connectWithin(
      sys,
      fd,
      socketAddress(resolved.address, port, resolved.scopeId),
      options.timeoutMs,
    );
    if (errno !== 0) {
      if (options.verbose) {
        const why =
          errno === OUT_OF_TIME
            ? `timed out: ${strerror(EINPROGRESS)}`
            : `failed: ${strerror(errno)}`;
        await printErr(sys, `nc: connect to ${shown} port ${port} (${protocol}) ${why}\n`);
      }
      sys.close(fd);
      continue;
    }
    result = 0;
    if (options.verbose) {
      if (options.udp && !(await udpTest(sys, fd, options.timeoutMs))) {
        result = 1;
        sys.close(fd);
        continue;
      }
      const service = options.numeric ? undefined : serviceName(port, protocol);
      await printErr(
        sys,
        `Connection to ${shown} ${port} port [${protocol}/${service ?? '*'}] succeeded!\n`,
      );
    }
    if (!options.scan) await relay(sys, fd, options);
    sys.close(fd);
  }
  return result;
}

/** nc(1). */
export const ncMain = program(async (sys) => {
  const options = parseNcOptions(sys.argv.slice(1));
  sys.signal(Signal.SIGPIPE, 'ignore');
  if (options.unix) return await unixMain(sys, options);
  return options.listen ? await listenMain(sys, options) : await clientMain(sys, options);
});
