/**
 * `iperf3` 3.12 over the system-call boundary: client and server, TCP and UDP, with the control protocol of the real one.
 *
 * ```
 *  options → client: connect, cookie ─┐                       ┌─ report (text, JSON)
 *            server: listen, accept ──┴─ states (control) ── test (streams, clock, counts)
 * ```
 * Source: the output, options and exchanged bytes of Debian 12's iperf3. SCTP, authentication, files (-F), flow labels,
 * CPU affinity and server rate limits are not part of it; CPU time comes in ticks of 10 ms.
 */
import { encodeText, OpenFlag, print, printErr, Signal, type Sys } from '@netloom/sys';
import { CommandExit, errnoOf, program } from '../command.js';
import { clientMain } from './client.js';
import { IperfError } from './errors.js';
import { parseIperfOptions, type IperfOptions } from './options.js';
import { IperfOutput } from './output.js';
import { serverMain } from './server.js';
import { interrupted, systemInfo } from './sides.js';
import { IperfTest } from './test.js';
import { IPERF_FEATURES, IPERF_HELP, IPERF_VERSION } from './usage.js';

async function options(sys: Sys): Promise<IperfOptions | number> {
  try {
    return parseIperfOptions(sys.argv.slice(1));
  } catch (error) {
    if (error instanceof IperfError) {
      await printErr(sys, `iperf3: parameter error - ${error.message}\n\n${IPERF_HELP}`);
      return 1;
    }
    if (!(error instanceof CommandExit) || error.code !== 0) throw error;
    await print(
      sys,
      error.stderr === 'help'
        ? IPERF_HELP
        : `iperf ${IPERF_VERSION} (cJSON 1.7.15)\n${systemInfo(sys)}\n${IPERF_FEATURES}`,
    );
    return 0;
  }
}

/** Goes into the background: a child of its own session, without a terminal. */
function daemonise(sys: Sys, o: IperfOptions): void {
  const none = sys.open('/dev/null', OpenFlag.O_RDWR);
  sys.spawn({
    program: async (child) => {
      child.setsid();
      child.chdir('/');
      return await serve(child, o);
    },
    argv: sys.argv,
    fds: new Map([
      [0, none],
      [1, none],
      [2, none],
    ]),
  });
}

async function serve(sys: Sys, o: IperfOptions): Promise<number> {
  const output = new IperfOutput(sys, o);
  let test = new IperfTest(sys, o, output);
  onSignals(sys, () => test);
  try {
    output.open();
    await writePid(sys, o);
  } catch (error) {
    if (!(error instanceof IperfError)) throw error;
    await output.complain(`error - ${error.message}`);
    return 1;
  }
  return await serverMain(sys, o, output, (next) => {
    test = next;
  });
}

async function writePid(sys: Sys, o: IperfOptions): Promise<void> {
  if (o.pidfile === undefined) return;
  try {
    const flags = OpenFlag.O_WRONLY | OpenFlag.O_CREAT | OpenFlag.O_TRUNC;
    const fd = sys.open(o.pidfile, flags, 0o644);
    await sys.write(fd, encodeText(`${sys.pid}\0`));
    sys.close(fd);
  } catch (error) {
    throw new IperfError(135, errnoOf(error));
  }
}

function onSignals(sys: Sys, current: () => IperfTest): void {
  sys.signal(Signal.SIGPIPE, 'ignore');
  for (const signal of [Signal.SIGINT, Signal.SIGTERM, Signal.SIGHUP])
    sys.signal(signal, async () => {
      await interrupted(current());
      await sys.exit(1);
    });
}

/** iperf3(1). */
export const iperf3Main = program(async (sys) => {
  const o = await options(sys);
  if (typeof o === 'number') return o;
  if (o.role === 's') {
    if (!o.daemon) return await serve(sys, o);
    daemonise(sys, o);
    return 0;
  }
  const test = new IperfTest(sys, o);
  onSignals(sys, () => test);
  try {
    test.output.open();
    await writePid(sys, o);
  } catch (error) {
    if (!(error instanceof IperfError)) throw error;
    await test.output.complain(`error - ${error.message}`);
    return 1;
  }
  return await clientMain(test);
});
