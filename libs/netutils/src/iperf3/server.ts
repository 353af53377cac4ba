/**
 * iperf3's server: one test after the other on one port; clients that come meanwhile are told that it is busy.
 */
import { Errno } from '@netloom/base';
import { Msg, Poll, printErr, type Sys } from '@netloom/sys';
import { errnoOf } from '../command.js';
import { hostOf, portOf } from '../sockets.js';
import {
  readCookie,
  receiveParameters,
  receiveResults,
  receiveState,
  sendResults,
  sendState,
} from './control.js';
import { IperfError } from './errors.js';
import { DEFAULT_TCP_BLOCK, type IperfOptions } from './options.js';
import { type IperfOutput } from './output.js';
import { report } from './report.js';
import {
  announce,
  announceConnection,
  announceTest,
  finishJson,
  listenSocket,
  setBuffers,
} from './sides.js';
import { Entropy, IperfTest, State } from './test.js';

const RULE = '-----------------------------------------------------------\n';
const UDP_REPLY = Uint8Array.of(0x36, 0x37, 0x38, 0x39);

/** One test on the server's side. */
class ServerRun {
  private listener = -1;
  /** Where streams arrive: the listener itself for TCP. */
  private streamListener = -1;
  private accepted = 0;

  constructor(
    private readonly test: IperfTest,
    private readonly sys: Sys,
    /** How many tests the process has begun. */
    private readonly number: number,
  ) {}

  /** Runs until the test is over. Throws IperfError; `102` means that there is no listening. */
  async run(): Promise<void> {
    const { test } = this;
    test.reporter = () => report(test);
    await announce(test);
    this.listener = await listenSocket(test, false);
    if (!test.o.json) {
      await test.output.raw(RULE);
      await test.output.raw(`Server listening on ${test.o.port} (test #${this.number})\n`);
      await test.output.raw(RULE);
    }
    await test.startCpu();
    try {
      while (test.state !== State.IPERF_DONE) {
        const ready = await test.step(this.waitsFor());
        await this.act(ready);
      }
      if (test.o.json) await finishJson(test);
    } finally {
      test.closeStreams();
      const open = new Set([test.control, this.listener, this.streamListener]);
      for (const fd of open) if (fd >= 0) this.closeQuietly(fd);
      test.control = -1;
    }
  }

  private closeQuietly(fd: number): void {
    try {
      this.sys.close(fd);
    } catch (error) {
      errnoOf(error);
    }
  }

  private waitsFor(): { fd: number; events: number }[] {
    const out = [{ fd: this.listener, events: Poll.POLLIN }];
    out.push({
      fd: this.streamListener === this.listener ? -1 : this.streamListener,
      events: Poll.POLLIN,
    });
    return out;
  }

  private async act(ready: readonly number[]): Promise<void> {
    const { test } = this;
    const [control = 0, listener = 0, streamListener = 0] = ready;
    if (listener !== 0) {
      if (test.state === State.CREATE_STREAMS && !test.o.udp) await this.acceptTcpStream();
      else if (test.state !== State.CREATE_STREAMS) await this.acceptControl();
    }
    if (control !== 0 && test.control >= 0) await this.message();
    if (streamListener !== 0 && test.state === State.CREATE_STREAMS) await this.acceptUdpStream();
  }

  private async acceptControl(): Promise<void> {
    const { test, sys } = this;
    const { fd, peer } = await sys.accept(this.listener);
    if (test.control >= 0) {
      await sys.write(fd, Uint8Array.of(State.ACCESS_DENIED & 0xff));
      sys.close(fd);
      return;
    }
    test.control = fd;
    test.touch();
    sys.setsockopt(fd, 'TCP_NODELAY', 1);
    const cookie = await readCookie(sys, fd);
    if (cookie === undefined) throw new IperfError(106);
    test.cookie = cookie;
    await sendState(test, State.PARAM_EXCHANGE);
    await receiveParameters(test);
    const { o } = test;
    if (!o.udp && o.blockSize === 0) o.blockSize = DEFAULT_TCP_BLOCK;
    if (o.serverOutput) test.output.recording = '';
    if (o.json && (o.rate ?? 0) > 0) test.jsonStart.add('target_bitrate', o.rate ?? 0);
    await this.openStreamListener();
    await announceConnection(test, hostOf(peer), portOf(peer), 0);
    await sendState(test, State.CREATE_STREAMS);
  }

  private async openStreamListener(): Promise<void> {
    const { test, sys } = this;
    const { o } = test;
    if (o.udp) {
      this.streamListener = await listenSocket(test, true);
      return;
    }
    if (o.noDelay || o.window > 0 || o.mss > 0) {
      sys.close(this.listener);
      this.listener = await listenSocket(test, false);
    }
    setBuffers(test, this.listener);
    this.streamListener = this.listener;
    test.touch();
  }

  private async acceptTcpStream(): Promise<void> {
    const { test, sys } = this;
    const { fd } = await sys.accept(this.listener);
    const cookie = await readCookie(sys, fd);
    if (cookie !== test.cookie) {
      await sys.write(fd, Uint8Array.of(State.ACCESS_DENIED & 0xff));
      sys.close(fd);
      return;
    }
    const { congestion } = test.o;
    if (congestion !== undefined) {
      try {
        sys.setsockopt(fd, 'TCP_CONGESTION', congestion);
      } catch (error) {
        if (errnoOf(error) !== Errno.ENOENT) throw new IperfError(134, errnoOf(error));
        await printErr(sys, 'warning: TCP congestion control algorithm not supported\n');
      }
    }
    test.congestionUsed = String(sys.getsockopt(fd, 'TCP_CONGESTION'));
    await this.addStream(fd);
  }

  private async acceptUdpStream(): Promise<void> {
    const { test, sys } = this;
    const fd = this.streamListener;
    try {
      const { from } = await sys.recvmsg(fd, 4, Msg.MSG_DONTWAIT);
      await sys.connect(fd, from);
      setBuffers(test, fd);
      if (test.o.dontFragment) sys.setsockopt(fd, 'IP_MTU_DISCOVER', 2);
      const more = this.accepted + 1 < this.wanted;
      this.streamListener = more ? await listenSocket(test, true) : -1;
      test.touch();
      await sys.write(fd, UDP_REPLY);
    } catch (error) {
      if (error instanceof IperfError) throw error;
      throw new IperfError(204, errnoOf(error));
    }
    await this.addStream(fd);
  }

  private get wanted(): number {
    const { o } = this.test;
    return o.bidirectional ? 2 * o.parallel : o.parallel;
  }

  private async addStream(fd: number): Promise<void> {
    const { test } = this;
    const { o } = test;
    const sender = o.bidirectional ? this.accepted >= o.parallel : o.reverse;
    await test.addStream(fd, sender);
    if (++this.accepted < this.wanted) return;
    await sendState(test, State.TEST_START);
    await announceTest(test);
    test.start();
    await sendState(test, State.TEST_RUNNING);
  }

  private async message(): Promise<void> {
    const { test } = this;
    const running = test.state === State.TEST_RUNNING;
    let state: number | undefined;
    try {
      state = await receiveState(test);
    } catch (error) {
      if (!(error instanceof IperfError)) throw error;
      if (error.errno !== Errno.ECONNRESET) throw error;
      state = undefined;
    }
    switch (state) {
      case undefined:
        await this.complain('the client has unexpectedly closed the connection');
        test.state = State.IPERF_DONE;
        return;
      case State.TEST_START:
      case State.IPERF_DONE:
        return;
      case State.TEST_END:
        test.state = State.TEST_RUNNING;
        test.done = true;
        test.stopTimers();
        await test.measureCpu();
        await test.collect();
        test.state = State.TEST_END;
        test.closeStreams();
        await report(test);
        await sendState(test, State.EXCHANGE_RESULTS);
        await receiveResults(test);
        await sendResults(test);
        await sendState(test, State.DISPLAY_RESULTS);
        return;
      case State.CLIENT_TERMINATE:
        test.stopTimers();
        await test.measureCpu();
        if (running) {
          test.state = State.DISPLAY_RESULTS;
          await report(test);
        }
        await this.complain('the client has terminated');
        test.state = State.IPERF_DONE;
        return;
      default:
        throw new IperfError(110);
    }
  }

  private async complain(text: string): Promise<void> {
    if (this.test.o.json) this.test.json.add('error', text);
    else await this.test.output.complain(text);
  }
}

/** Serves for ever, or one client; `started` is told of every new test, so that a signal finds it. */
export async function serverMain(
  sys: Sys,
  options: IperfOptions,
  output: IperfOutput,
  started: (test: IperfTest) => void,
): Promise<number> {
  const entropy = new Entropy(sys);
  for (let number = 1; ; number++) {
    const test = new IperfTest(sys, { ...options }, output, entropy);
    output.recording = undefined;
    started(test);
    try {
      await new ServerRun(test, sys, number).run();
    } catch (error) {
      if (!(error instanceof IperfError)) throw error;
      if (error.code === 144)
        await output.raw(
          `Server restart (#${number}) during active test due to idle data for receiving data\n`,
        );
      else if (options.json) await finishJson(test, `error - ${error.message}`);
      else await output.complain(`error - ${error.message}`);
      if (error.code === 102) {
        await output.complain('exiting');
        return 1;
      }
    }
    if (options.oneOff) return 0;
  }
}
