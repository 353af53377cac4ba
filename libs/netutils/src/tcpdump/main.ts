/**
 * `tcpdump` (4.99.3): captures from interfaces or reads capture files, filters, prints and writes.
 *
 * Filters are compiled by @netloom/bpf, packets printed by @netloom/dissect, files written and read by
 * @netloom/pcap-writer. Packets are shown as they arrive (libpcap delivers them in blocks, up to a second late).
 */
import { KernelError, strerror } from '@netloom/base';
import {
  bpfDump,
  bpfDumpC,
  bpfDumpDecimal,
  bpfRun,
  compileFilter,
  FilterError,
  type BpfProgram,
} from '@netloom/bpf';
import {
  CaptureFormatError,
  CaptureReader,
  PcapWriter,
  type CapturedPacket,
} from '@netloom/pcap-writer';
import { OpenFlag, Poll, print, printErr, readTextFile, Signal, type Sys } from '@netloom/sys';
import { CommandExit, errnoOf, program } from '../command.js';
import { ipText, resolveName } from '../resolve.js';
import {
  captureDevices,
  deviceList,
  DLT_EN10MB,
  linkTypeNumber,
  linkTypeText,
  LiveCapture,
} from './devices.js';
import { parseTcpdumpOptions, type TcpdumpOptions } from './options.js';
import { PacketLines, type ShownPacket } from './packet-lines.js';

function fail(message: string): CommandExit {
  return new CommandExit(1, `tcpdump: ${message}\n`);
}

/** `1 packet`, `2 packets`. */
function packets(count: number): string {
  return `${count} packet${count === 1 ? '' : 's'}`;
}

/** Host names in a filter, looked up before the filter is compiled (compiling cannot wait). */
async function hostTable(sys: Sys, text: string): Promise<Map<string, string[]>> {
  const table = new Map<string, string[]>();
  for (const word of new Set(text.split(/[\s()!]+/))) {
    if (!/^[A-Za-z][\w.-]*$/.test(word)) continue;
    const found = await resolveName(sys, word);
    if (found !== undefined && !found.numeric) table.set(word, [ipText(found.address)]);
  }
  return table;
}

async function compile(
  sys: Sys,
  text: string,
  linkType: number,
  options: TcpdumpOptions,
): Promise<BpfProgram> {
  const hosts = await hostTable(sys, text);
  try {
    return compileFilter(text, linkType, {
      snapLen: options.snapLen,
      optimize: options.optimize,
      resolveHost: (name) => hosts.get(name) ?? [],
    });
  } catch (error) {
    if (error instanceof FilterError) throw fail(error.message);
    throw error;
  }
}

function codeText(filter: BpfProgram, how: number): string {
  return `${how === 1 ? bpfDump(filter) : how === 2 ? bpfDumpC(filter) : bpfDumpDecimal(filter)}\n`;
}

/** Where packets go: the screen, a file, or both. */
class Output {
  private readonly lines: PacketLines;
  private writer: PcapWriter | undefined;
  private readonly chunks: Uint8Array[] = [];
  private fd = -1;
  private text = '';
  count = 0;

  constructor(
    private readonly sys: Sys,
    private readonly options: TcpdumpOptions,
    names: ReadonlyMap<number, string>,
  ) {
    this.lines = new PacketLines(options, names);
  }

  /** Creates the file of `-w`. */
  open(linkType: number): void {
    const { writeFile, nano, snapLen } = this.options;
    if (writeFile === undefined) return;
    try {
      this.fd =
        writeFile === '-'
          ? 1
          : this.sys.open(
              writeFile,
              OpenFlag.O_WRONLY | OpenFlag.O_CREAT | OpenFlag.O_TRUNC,
              0o644,
            );
    } catch (error) {
      throw fail(`${writeFile}: ${strerror(errnoOf(error))}`);
    }
    this.writer = new PcapWriter((chunk) => this.chunks.push(chunk.slice()), {
      linkType,
      snapLen,
      precision: nano ? 'ns' : 'us',
    });
  }

  take(packet: ShownPacket): void {
    this.count++;
    this.writer?.writePacketAt(
      packet.sec,
      packet.nsec,
      packet.data,
      0,
      packet.data.length,
      packet.length,
    );
    if (this.options.countOnly) return;
    if (this.writer === undefined || this.options.alsoPrint) this.text += this.lines.text(packet);
  }

  /** Hands over what was collected. */
  async flush(): Promise<void> {
    if (this.writer !== undefined) {
      this.writer.flush();
      for (const chunk of this.chunks.splice(0)) await this.sys.write(this.fd, chunk);
    }
    const { text } = this;
    this.text = '';
    await print(this.sys, text);
  }

  get printing(): boolean {
    return this.writer === undefined || this.options.alsoPrint;
  }
}

async function readCapture(
  sys: Sys,
  options: TcpdumpOptions,
  file: string,
  expression: string,
): Promise<number> {
  let fd = 0;
  if (file !== '-') {
    try {
      fd = sys.open(file, OpenFlag.O_RDONLY);
    } catch (error) {
      throw fail(`${file}: ${strerror(errnoOf(error))}`);
    }
  }
  const reader = new CaptureReader();
  let ended = false;
  const more = async (): Promise<void> => {
    const chunk = await sys.read(fd, 65536);
    if (chunk.length === 0) {
      ended = true;
      reader.end();
    } else reader.push(chunk);
  };
  let failure = '';
  const next = async (): Promise<CapturedPacket | undefined> => {
    for (;;) {
      try {
        const packet = reader.next();
        if (packet !== undefined) return packet;
      } catch (error) {
        if (!(error instanceof CaptureFormatError)) throw error;
        failure = error.message;
        return undefined;
      }
      if (ended) return undefined;
      await more();
    }
  };
  let packet = await next();
  const [first] = reader.interfaces;
  if (first === undefined) throw fail(failure === '' ? 'unknown file format' : failure);
  await printErr(
    sys,
    `reading from file ${file}, link-type ${linkTypeText(first.linkType)}, snapshot length ${first.snapLen}\n`,
  );
  const filter =
    expression === '' ? undefined : await compile(sys, expression, first.linkType, options);
  if (options.dumpCode > 0) {
    await print(
      sys,
      codeText(filter ?? (await compile(sys, '', first.linkType, options)), options.dumpCode),
    );
    return 0;
  }
  const output = new Output(sys, options, new Map());
  output.open(first.linkType);
  while (packet !== undefined) {
    if (
      filter === undefined ||
      bpfRun(filter, packet.data, 0, packet.capLen, packet.origLen) !== 0
    ) {
      output.take({
        sec: packet.sec,
        nsec: packet.nsec,
        linkType: packet.linkType,
        data: packet.data,
        length: packet.origLen,
      });
      await output.flush();
      if (output.count === options.count) break;
    }
    packet = await next();
  }
  await output.flush();
  if (failure !== '') throw fail(failure);
  if (options.countOnly) await print(sys, `${packets(output.count)}\n`);
  return 0;
}

async function liveCapture(sys: Sys, options: TcpdumpOptions, expression: string): Promise<number> {
  const devices = captureDevices(sys);
  let name = options.device ?? devices[0]?.name ?? 'any';
  // a number is a line of `-D`
  if (/^\d+$/.test(name) && !devices.some((device) => device.name === name)) {
    const index = Number(name);
    const chosen = devices[index - 1];
    if (chosen === undefined) throw fail('Invalid adapter index');
    name = chosen.name;
  }
  const linkType = options.linkType === undefined ? undefined : linkTypeNumber(options.linkType);
  if (options.linkType !== undefined && linkType === undefined)
    throw fail(`invalid data link type ${options.linkType}`);
  const capture = LiveCapture.open(sys, name, {
    snapLen: options.snapLen,
    promiscuous: options.promiscuous,
    direction: options.direction,
    linkType,
  });
  if (options.listLinkTypes) {
    const list = capture.linkTypes.map((type) => `  ${linkTypeText(type)}\n`).join('');
    await print(sys, `Data link types for ${name} (use option -y to set):\n${list}`);
    return 0;
  }
  if (name === 'any' || options.linkType !== undefined) {
    await printErr(
      sys,
      `tcpdump: data link type ${linkTypeText(capture.linkType).replace(/ .*/, '')}\n`,
    );
  }
  const filter =
    expression === '' ? undefined : await compile(sys, expression, capture.linkType, options);
  if (options.dumpCode > 0) {
    await print(
      sys,
      codeText(filter ?? (await compile(sys, '', capture.linkType, options)), options.dumpCode),
    );
    return 0;
  }
  capture.filter = filter;
  const names = new Map(sys.rtnl('RTM_GETLINK', {}).map((link) => [link.ifindex, link.ifname]));
  const output = new Output(sys, options, names);
  output.open(capture.linkType);
  const quiet = options.verbose === 0 && options.writeFile === undefined;
  await printErr(
    sys,
    (quiet
      ? 'tcpdump: verbose output suppressed, use -v[v]... for full protocol decode\n'
      : 'tcpdump: ') +
      `listening on ${name}, link-type ${linkTypeText(capture.linkType)}, snapshot length ${options.snapLen} bytes\n`,
  );
  const [wakeRead, wakeWrite] = sys.pipe();
  let stopped = false;
  const stop = async (): Promise<void> => {
    stopped = true;
    await sys.write(wakeWrite, Uint8Array.of(0));
  };
  for (const signal of [Signal.SIGINT, Signal.SIGTERM, Signal.SIGHUP]) sys.signal(signal, stop);
  await output.flush();
  while (!stopped && (options.count < 0 || output.count < options.count)) {
    const [ready = 0] = await sys.poll([
      { fd: capture.fd, events: Poll.POLLIN },
      { fd: wakeRead, events: Poll.POLLIN },
    ]);
    if ((ready & (Poll.POLLIN | Poll.POLLERR)) === 0) continue;
    let packet;
    try {
      packet = await capture.tryNext();
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      if (error.code === 'ENETDOWN' && capture.deviceExists()) continue; // only down: it may come up again
      capture.readStatistics();
      await output.flush();
      if (error.code === 'ENETDOWN') throw fail('pcap_loop: The interface disappeared');
      throw fail(`pcap_loop: recvfrom failed: ${strerror(error.errno)}`);
    }
    if (packet === undefined) continue;
    output.take({
      sec: sys.bootTime() + Math.floor(packet.tsNs / 1e9),
      nsec: packet.tsNs % 1e9,
      linkType: capture.linkType,
      data: packet.data,
      length: packet.length,
    });
    await output.flush();
  }
  if (stopped && output.printing) await print(sys, '\n');
  if (options.countOnly && output.printing && !stopped)
    await print(sys, `${packets(output.count)}\n`);
  capture.readStatistics();
  await printErr(
    sys,
    `${packets(output.count)} captured\n${packets(capture.received)} received by filter\n${packets(capture.dropped)} dropped by kernel\n`,
  );
  return 0;
}

/** tcpdump(8). */
export const tcpdumpMain = program(async (sys) => {
  let options: TcpdumpOptions;
  try {
    options = parseTcpdumpOptions(sys.argv.slice(1));
  } catch (error) {
    if (!(error instanceof CommandExit) || error.code !== 0) throw error;
    await print(sys, error.stderr);
    return 0;
  }
  if (options.listDevices) {
    await print(sys, deviceList(sys));
    return 0;
  }
  let { expression } = options;
  if (options.filterFile !== undefined) {
    try {
      expression = (await readTextFile(sys, options.filterFile)).trim();
    } catch (error) {
      throw fail(`can't open ${options.filterFile}: ${strerror(errnoOf(error))}`);
    }
  }
  if (options.readFile !== undefined)
    return await readCapture(sys, options, options.readFile, expression);
  if (options.dumpCode > 0 && options.device === undefined) {
    await printErr(sys, 'Warning: assuming Ethernet\n');
    const linkType =
      options.linkType === undefined
        ? DLT_EN10MB
        : (linkTypeNumber(options.linkType) ?? DLT_EN10MB);
    await print(sys, codeText(await compile(sys, expression, linkType, options), options.dumpCode));
    return 0;
  }
  return await liveCapture(sys, options, expression);
});
