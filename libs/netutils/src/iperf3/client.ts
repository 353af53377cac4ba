/**
 * iperf3's client: connects, follows the server's states, and prints.
 */
import { Errno } from '@netloom/base';
import { Poll, printErr, type IpAddr } from '@netloom/sys';
import { errnoOf } from '../command.js';
import { connectWithin, readExactly, socketAddress } from '../sockets.js';
import {
  cookieBytes,
  receiveResults,
  receiveState,
  sendParameters,
  sendResults,
  sendState,
} from './control.js';
import { IperfError } from './errors.js';
import { report } from './report.js';
import {
  addressOf,
  announce,
  announceConnection,
  announceTest,
  finishJson,
  setBuffers,
  setOption,
  trySocket,
} from './sides.js';
import { State, type IperfTest } from './test.js';

const DEFAULT_UDP_BLOCK = 1460;
/** A UDP stream begins with four bytes each way. */
const UDP_CONNECT = Uint8Array.of(0x39, 0x38, 0x37, 0x36);
const UDP_REPLY_WAIT_NS = 30e9;

/** Opens a socket to the server. `code` is what its failure is called. */
async function dial(
  test: IperfTest,
  address: IpAddr,
  code: number,
  options: {
    readonly udp: boolean;
    readonly port: number;
    readonly timeoutNs: number | undefined;
    readonly prepare?: (fd: number) => void;
  },
): Promise<number> {
  const { sys, o } = test;
  const family = typeof address === 'number' ? 4 : 6;
  const fd = trySocket(sys, family, options.udp);
  if (fd === undefined) throw new IperfError(code, Errno.EAFNOSUPPORT);
  try {
    if (o.bindDevice !== undefined) sys.setsockopt(fd, 'SO_BINDTODEVICE', o.bindDevice);
    if (o.bindAddress !== undefined || options.port > 0) {
      const any: IpAddr = family === 4 ? 0 : new Uint8Array(16);
      const from = o.bindAddress === undefined ? any : await addressOf(test, o.bindAddress, code);
      sys.bind(fd, socketAddress(from, options.port));
    }
    options.prepare?.(fd);
    const errno = await connectWithin(sys, fd, socketAddress(address, o.port), options.timeoutNs);
    if (errno === Errno.EINPROGRESS) throw new IperfError(code, Errno.ETIMEDOUT);
    if (errno !== 0) throw new IperfError(code, errno);
    return fd;
  } catch (error) {
    sys.close(fd);
    if (error instanceof IperfError) throw error;
    throw new IperfError(code, errnoOf(error));
  }
}

async function createStreams(test: IperfTest, address: IpAddr): Promise<void> {
  const { sys, o } = test;
  const count = o.bidirectional ? 2 * o.parallel : o.parallel;
  for (let i = 0; i < count; i++) {
    const port = o.clientPort === 0 ? 0 : o.clientPort + i;
    const fd = await dial(test, address, 203, {
      udp: o.udp,
      port,
      timeoutNs: undefined,
      prepare: (socket) => {
        setBuffers(test, socket);
        if (o.congestion !== undefined && !o.udp)
          setOption(test, socket, 'TCP_CONGESTION', o.congestion, 134);
        if (o.sendTimeoutMs > 0 && !o.udp)
          setOption(test, socket, 'TCP_USER_TIMEOUT', o.sendTimeoutMs, 124);
        if (o.dontFragment) setOption(test, socket, 'IP_MTU_DISCOVER', 2, 124);
      },
    });
    if (o.udp) await greetUdp(test, fd);
    else {
      await sys.write(fd, cookieBytes(test.cookie));
      test.congestionUsed = String(sys.getsockopt(fd, 'TCP_CONGESTION'));
    }
    await test.addStream(fd, o.bidirectional ? i < o.parallel : !o.reverse);
  }
}

async function greetUdp(test: IperfTest, fd: number): Promise<void> {
  try {
    await test.sys.write(fd, UDP_CONNECT);
    const [events = 0] = await test.sys.poll([{ fd, events: Poll.POLLIN }], UDP_REPLY_WAIT_NS);
    if (events === 0) throw new IperfError(206, Errno.EAGAIN);
    await test.sys.read(fd, UDP_CONNECT.length);
  } catch (error) {
    if (error instanceof IperfError) throw error;
    throw new IperfError(206, errnoOf(error));
  }
}

/** The server has said how it goes on. */
async function follow(test: IperfTest, address: IpAddr, mss: number): Promise<void> {
  const { o } = test;
  const state = await receiveState(test);
  switch (state) {
    case undefined:
      throw new IperfError(109);
    case State.PARAM_EXCHANGE:
      await sendParameters(test);
      await announceConnection(test, o.host, o.port, mss);
      break;
    case State.CREATE_STREAMS:
      await createStreams(test, address);
      break;
    case State.TEST_START:
      await announceTest(test);
      test.start();
      await test.startCpu();
      break;
    case State.TEST_RUNNING:
      break;
    case State.EXCHANGE_RESULTS:
      await sendResults(test);
      await receiveResults(test);
      break;
    case State.DISPLAY_RESULTS:
      await report(test);
      test.closeStreams();
      await sendState(test, State.IPERF_DONE);
      break;
    case State.IPERF_DONE:
      break;
    case State.SERVER_TERMINATE:
      test.stopTimers();
      test.state = State.DISPLAY_RESULTS;
      await report(test);
      throw new IperfError(120);
    case State.ACCESS_DENIED:
      throw new IperfError(121);
    case State.SERVER_ERROR: {
      const numbers = await readExactly(test.sys, test.control, 8);
      if (numbers.length < 8) throw new IperfError(109);
      const view = new DataView(numbers.buffer, numbers.byteOffset, 8);
      throw new IperfError(view.getInt32(0), view.getInt32(4));
    }
    default:
      throw new IperfError(110);
  }
}

async function run(test: IperfTest): Promise<void> {
  const { sys, o } = test;
  await announce(test);
  test.cookie = await test.makeCookie();
  const address = await addressOf(test, o.host, 103);
  test.control = await dial(test, address, 103, {
    udp: false,
    port: 0,
    timeoutNs: o.connectTimeoutMs === undefined ? undefined : o.connectTimeoutMs * 1e6,
  });
  sys.setsockopt(test.control, 'TCP_NODELAY', 1);
  await sys.write(test.control, cookieBytes(test.cookie));
  const mss = Number(sys.getsockopt(test.control, 'TCP_MAXSEG'));
  if (o.verbose && !o.json) await test.output.print(`Control connection MSS ${mss}\n`);
  if (o.udp) {
    if (o.blockSize === 0) {
      o.blockSize = mss > 0 ? mss : DEFAULT_UDP_BLOCK;
      if (o.verbose && !o.json)
        await test.output.print(`Setting UDP block size to ${o.blockSize}\n`);
    }
    if (mss > 0 && o.blockSize > mss)
      await printErr(
        sys,
        `warning: UDP block size ${o.blockSize} exceeds TCP MSS ${mss}, may result in fragmentation / drops\n`,
      );
  }
  while (test.state !== State.IPERF_DONE) {
    const [control = 0] = await test.step();
    if (control !== 0) await follow(test, address, mss);
    if (test.state !== State.TEST_RUNNING) continue;
    if (!test.done && !test.omitting && test.transferred) test.done = true;
    if (test.done) {
      test.stopTimers();
      await test.measureCpu();
      await test.collect();
      await sendState(test, State.TEST_END);
    }
  }
}

/** Runs a client; the exit code. */
export async function clientMain(test: IperfTest): Promise<number> {
  test.reporter = () => report(test);
  try {
    await run(test);
  } catch (error) {
    if (!(error instanceof IperfError)) throw error;
    test.closeStreams();
    if (test.control >= 0) test.sys.close(test.control);
    // The document says what went wrong; the exit code does not.
    if (test.o.json) {
      await finishJson(test, error.message);
      return 0;
    }
    await test.output.complain(`error - ${error.message}`);
    return 1;
  }
  test.sys.close(test.control);
  if (test.o.json) {
    await finishJson(test);
    return 0;
  }
  if (test.serverOutputText !== undefined)
    await test.output.print(`\nServer output:\n${test.serverOutputText}\n`);
  await test.output.print('\n');
  await test.output.print('iperf Done.\n');
  return 0;
}
