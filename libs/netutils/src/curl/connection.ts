/**
 * curl's connections: opened with limits in time, kept for the next URL of the same host and port.
 */
import { Errno, KernelError, parseIpv4, strerror } from '@netloom/base';
import { AF_INET, AF_INET6, Poll, SOCK_STREAM, type IpAddr, type Sys } from '@netloom/sys';
import { errnoOf } from '../command.js';
import { HttpReader } from '../http/reader.js';
import type { HttpUrl } from '../http/url.js';
import { ipText, resolveName } from '../resolve.js';
import { connectWithin, hostOf, portOf, socketAddress } from '../sockets.js';
import type { Meter } from './meter.js';
import type { CurlOptions } from './options.js';

/** A transfer's failure: curl's exit code and text. */
export class CurlError extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
    this.name = 'CurlError';
  }
}

/** What a transfer may ask of the world around it. */
export interface Surroundings {
  readonly sys: Sys;
  readonly o: CurlOptions;
  readonly meter: Meter;
  /** A line behind `* `. */
  readonly info: (text: string) => Promise<void>;
}

const READ_SIZE = 65536;

const ms = (ns: number): number => Math.floor(ns / 1e6);

/** The times of a transfer; nanoseconds of the host's clock. */
export class Clock {
  startNs: number;
  lookupNs = 0;
  connectNs = 0;
  /** When `-m` ends it. */
  readonly deadlineNs: number;

  constructor(nowNs: number, maxTimeNs: number | undefined) {
    this.startNs = nowNs;
    this.deadlineNs = maxTimeNs === undefined ? Infinity : nowNs + maxTimeNs;
  }
}

export class Connection {
  readonly reader: HttpReader;
  localIp = '';
  localPort = 0;
  remoteIp = '';
  remotePort = 0;
  /** Limits of the transfer that uses it now. */
  clock: Clock;
  /** What `-m` is to complain of. */
  timeoutText: () => string = () => '';
  firstByteNs = 0;

  constructor(
    private readonly around: Surroundings,
    readonly fd: number,
    readonly number: number,
    readonly key: string,
    clock: Clock,
  ) {
    this.clock = clock;
    this.reader = new HttpReader(() => this.receive());
    const { sys } = around;
    const local = sys.getsockname(fd);
    const remote = sys.getpeername(fd);
    this.localIp = hostOf(local);
    this.localPort = portOf(local);
    this.remoteIp = hostOf(remote);
    this.remotePort = portOf(remote);
  }

  /** Waits until the socket is ready, showing progress meanwhile. False where `untilNs` came first. */
  async ready(events: number, untilNs = Infinity): Promise<boolean> {
    const { sys, meter } = this.around;
    for (;;) {
      const now = sys.now();
      if (now >= this.clock.deadlineNs) throw new CurlError(28, this.timeoutText());
      if (now >= untilNs) return false;
      const next = Math.min(this.clock.deadlineNs, untilNs, meter.dueNs ?? Infinity);
      const [bits = 0] = await sys.poll(
        [{ fd: this.fd, events }],
        next === Infinity ? undefined : Math.max(0, next - now),
      );
      await meter.tick();
      if (bits !== 0) return true;
    }
  }

  private async receive(): Promise<Uint8Array> {
    await this.ready(Poll.POLLIN);
    try {
      const bytes = await this.around.sys.read(this.fd, READ_SIZE);
      if (this.firstByteNs === 0) this.firstByteNs = this.around.sys.now();
      return bytes;
    } catch (error) {
      throw new CurlError(56, `Recv failure: ${strerror(errnoOf(error))}`);
    }
  }

  async send(data: Uint8Array): Promise<void> {
    const { sys } = this.around;
    let done = 0;
    while (done < data.length) {
      await this.ready(Poll.POLLOUT);
      sys.setNonblock(this.fd, true);
      try {
        done += await sys.write(this.fd, done === 0 ? data : data.subarray(done));
      } catch (error) {
        const errno = errnoOf(error);
        if (errno !== Errno.EAGAIN) throw new CurlError(55, `Send failure: ${strerror(errno)}`);
      } finally {
        sys.setNonblock(this.fd, false);
      }
    }
  }

  /** Whether the server has not closed it meanwhile. */
  async alive(): Promise<boolean> {
    const [bits = 0] = await this.around.sys.poll([{ fd: this.fd, events: Poll.POLLIN }], 0);
    return bits === 0;
  }

  close(): void {
    this.around.sys.close(this.fd);
  }
}

/** Opens and keeps connections. */
export class Connections {
  private readonly idle = new Map<string, Connection>();
  private readonly resolved = new Set<string>();
  private opened = 0;
  /** Connections opened so far. */
  get count(): number {
    return this.opened;
  }

  constructor(private readonly around: Surroundings) {}

  /** A connection for a URL: a kept one, or a new one. */
  async take(url: HttpUrl, clock: Clock): Promise<Connection> {
    const { info, sys } = this.around;
    const key = `${url.host}:${url.port}`;
    const kept = this.idle.get(key);
    this.idle.delete(key);
    if (kept !== undefined) {
      if (await kept.alive()) {
        kept.clock = clock;
        kept.firstByteNs = 0;
        const address = (0x5500_0000 + (sys.random() >>> 8)).toString(16);
        await info(`Found bundle for host: 0x${address} [serially]`);
        await info('Can not multiplex, even if we wanted to');
        await info(`Re-using existing connection #${kept.number} with host ${url.host}`);
        return kept;
      }
      await info(`Connection ${kept.number} seems to be dead`);
      await info(`Closing connection ${kept.number}`);
      kept.close();
    }
    return await this.open(url, key, clock);
  }

  keep(connection: Connection): void {
    this.idle.set(connection.key, connection);
  }

  private async lookUp(url: HttpUrl): Promise<IpAddr> {
    const { sys, o } = this.around;
    const mine = o.resolve.find((entry) => entry.startsWith(`${url.host}:${url.port}:`));
    const name = mine === undefined ? url.host : mine.slice(`${url.host}:${url.port}:`.length);
    const found = await resolveName(sys, name.replace(/^\[|\]$/g, ''), o.family);
    if (found === undefined) throw new CurlError(6, `Could not resolve host: ${url.host}`);
    return found.address;
  }

  private async open(url: HttpUrl, key: string, clock: Clock): Promise<Connection> {
    const { sys, o, info, meter } = this.around;
    const address = await this.lookUp(url);
    clock.lookupNs = sys.now();
    if (this.resolved.has(url.host)) await info(`Hostname ${url.host} was found in DNS cache`);
    this.resolved.add(url.host);
    const number = this.opened++;
    const ip = ipText(address);
    const shownIp = typeof address === 'number' ? ip : `[${ip}]`;
    await info(`  Trying ${shownIp}:${url.port}...`);
    await meter.tick();
    const startNs = sys.now();
    const failed = async (code: number, reason: string): Promise<CurlError> => {
      const text = `Failed to connect to ${url.host} port ${url.port} after ${ms(sys.now() - startNs)} ms: ${reason}`;
      await info(text);
      await info(`Closing connection ${number}`);
      return new CurlError(code, text);
    };
    const fd = sys.socket(typeof address === 'number' ? AF_INET : AF_INET6, SOCK_STREAM, 0);
    try {
      sys.setsockopt(fd, 'TCP_NODELAY', 1);
      if (o.keepAlive) {
        sys.setsockopt(fd, 'SO_KEEPALIVE', 1);
        sys.setsockopt(fd, 'TCP_KEEPIDLE', 60);
        sys.setsockopt(fd, 'TCP_KEEPINTVL', 60);
      }
      await this.bind(fd, address, number);
      const limit = Math.min(
        o.connectTimeoutNs === undefined ? Infinity : startNs + o.connectTimeoutNs,
        clock.deadlineNs,
      );
      const errno = await this.connect(fd, address, url.port, limit);
      if (errno === Errno.EINPROGRESS) {
        const waited = ms(sys.now() - clock.startNs);
        if (limit === clock.deadlineNs) {
          await info(`Connection timed out after ${waited} milliseconds`);
          await info(`Closing connection ${number}`);
          throw new CurlError(28, `Connection timed out after ${waited} milliseconds`);
        }
        await info(`ipv4 connect timeout after ${ms(o.connectTimeoutNs ?? 0)}ms, move on!`);
        throw await failed(28, 'Timeout was reached');
      }
      if (errno !== 0) {
        await info(
          errno === Errno.ENETUNREACH
            ? `Immediate connect fail for ${ip}: ${strerror(errno)}`
            : `connect to ${ip} port ${url.port} failed: ${strerror(errno)}`,
        );
        throw await failed(7, "Couldn't connect to server");
      }
    } catch (error) {
      sys.close(fd);
      throw error;
    }
    clock.connectNs = sys.now();
    await info(`Connected to ${url.host} (${ip}) port ${url.port} (#${number})`);
    return new Connection(this.around, fd, number, key, clock);
  }

  private async connect(
    fd: number,
    address: IpAddr,
    port: number,
    limitNs: number,
  ): Promise<number> {
    const { sys, meter } = this.around;
    let first = true;
    for (;;) {
      const now = sys.now();
      const until = Math.min(limitNs, meter.dueNs ?? Infinity);
      const wait = until === Infinity ? undefined : Math.max(0, until - now);
      let errno: number;
      if (first) errno = await connectWithin(sys, fd, socketAddress(address, port), wait);
      else {
        const [bits = 0] = await sys.poll([{ fd, events: Poll.POLLOUT }], wait);
        errno = bits === 0 ? Errno.EINPROGRESS : Number(sys.getsockopt(fd, 'SO_ERROR'));
      }
      first = false;
      await meter.tick();
      if (errno !== Errno.EINPROGRESS || sys.now() >= limitNs) return errno;
    }
  }

  /** `--interface` and `--local-port`. */
  private async bind(fd: number, remote: IpAddr, number: number): Promise<void> {
    const { sys, o, info } = this.around;
    const refuse = async (why: string): Promise<never> => {
      await info(why);
      await info(`Closing connection ${number}`);
      throw new CurlError(45, why);
    };
    let from: IpAddr = typeof remote === 'number' ? 0 : new Uint8Array(16);
    if (o.interface !== undefined) {
      const name = o.interface.replace(/^(if|host)!/, '');
      const isAddress = parseIpv4(name) !== undefined || name.includes(':');
      if (isAddress || o.interface.startsWith('host!')) {
        const found = await resolveName(sys, name, typeof remote === 'number' ? 4 : 6);
        if (found === undefined) return await refuse(`Couldn't bind to '${name}'`);
        await info(`Name '${name}' family 2 resolved to '${ipText(found.address)}' family 2`);
        from = found.address;
      } else {
        try {
          sys.setsockopt(fd, 'SO_BINDTODEVICE', name);
        } catch (error) {
          errnoOf(error);
          return await refuse(`Couldn't bind to '${name}'`);
        }
      }
    } else if (o.localPort === undefined) return;
    const [low, high] = o.localPort ?? [0, 0];
    let errno = 0;
    for (let port = low; port <= high; port++) {
      try {
        sys.bind(fd, socketAddress(from, port));
        await info(`Local port: ${port}`);
        return;
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        errno = error.errno;
        if (port < high) await info(`Bind to local port ${port} failed, trying next`);
      }
    }
    await refuse(`bind failed with errno ${errno}: ${strerror(errno)}`);
  }
}
