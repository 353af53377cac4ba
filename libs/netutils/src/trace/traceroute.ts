/**
 * `traceroute`: the path to a host by packets with growing hop limits (traceroute 2.1.2: sixteen probes under way, and
 * its rule of how long to wait for a probe given what other probes took).
 */
import { strerror } from '@netloom/base';
import { print, type Sys } from '@netloom/sys';
import { CommandExit, errnoOf, program } from '../command.js';
import { getopt } from '../getopt.js';
import { resolveName, reverseName } from '../resolve.js';
import { familyOf, hostText, sameHost, type TraceTarget } from './family.js';
import { Prober, type ProbeAnswer, type ProbeMethod } from './probe.js';
import { TRACEROUTE_USAGE } from './usage.js';

const MIN_WAIT_SECONDS = 0.01;

interface Probe {
  sentNs: number;
  done: boolean;
  answer: ProbeAnswer | undefined;
}

interface Settings {
  readonly host: string;
  readonly target: TraceTarget;
  readonly maxHops: number;
  readonly firstHop: number;
  readonly queries: number;
  readonly simultaneous: number;
  readonly waitSeconds: number;
  readonly here: number;
  readonly near: number;
  readonly sendWaitNs: number;
  readonly numeric: boolean;
  readonly packetBytes: number;
}

class Traceroute {
  private readonly probes: Probe[];

  constructor(
    private readonly sys: Sys,
    private readonly prober: Prober,
    private readonly settings: Settings,
  ) {
    this.probes = Array.from({ length: settings.maxHops * settings.queries }, () => ({
      sentNs: -1,
      done: false,
      answer: undefined,
    }));
  }

  /** How long to wait for a probe, in nanoseconds, by what its hop or a farther one took. */
  private timeout(index: number): number {
    const { queries, waitSeconds, here, near } = this.settings;
    const took = (probe: Probe): number | undefined =>
      probe.answer === undefined
        ? undefined
        : (probe.answer.atNs - probe.sentNs) / 1e9 + MIN_WAIT_SECONDS;
    const first = index - (index % queries);
    for (let i = first; i < first + queries && here > 0; i++) {
      const value = took(this.probes[i] as Probe);
      if (value !== undefined) return Math.min(value * here, waitSeconds) * 1e9;
    }
    for (let i = index + 1; i < this.probes.length && near > 0; i++) {
      const probe = this.probes[i] as Probe;
      if (probe.sentNs < 0) break;
      const value = took(probe);
      if (value !== undefined) return Math.min(value * near, waitSeconds) * 1e9;
    }
    return waitSeconds * 1e9;
  }

  private async printProbe(index: number): Promise<void> {
    const { queries, numeric } = this.settings;
    const at = index % queries;
    let text = at === 0 ? `\n${String(Math.floor(index / queries) + 1).padStart(2)} ` : '';
    const { answer, sentNs } = this.probes[index] as Probe;
    if (answer === undefined) {
      await print(this.sys, `${text} *`);
      return;
    }
    let previous: ProbeAnswer | undefined;
    for (let i = index - 1; i >= index - at && previous === undefined; i--)
      previous = this.probes[i]?.answer;
    if (at === 0 || !sameHost(previous?.from, answer.from)) {
      const address = hostText(this.sys, answer.from);
      const name = numeric
        ? undefined
        : ((await reverseName(this.sys, answer.from.address)) ?? address);
      text += name === undefined ? ` ${address}` : ` ${name} (${address})`;
    }
    text += `  ${((answer.atNs - sentNs) / 1e6).toFixed(3)} ms`;
    if (answer.mark !== '') text += ` ${answer.mark}`;
    await print(this.sys, text);
  }

  async run(): Promise<void> {
    const { sys, prober } = this;
    const { queries, firstHop, simultaneous, sendWaitNs } = this.settings;
    let start = (firstHop - 1) * queries;
    let end = this.probes.length;
    let lastSendNs = Number.NEGATIVE_INFINITY;
    while (start < end) {
      let underWay = 0;
      let nextNs = Number.POSITIVE_INFINITY;
      for (let n = start; n < end; n++) {
        const probe = this.probes[n] as Probe;
        if (!probe.done && probe.sentNs >= 0 && sys.now() >= probe.sentNs + this.timeout(n)) {
          probe.done = true;
          prober.drop(n);
        }
        if (probe.done) {
          if (n === start) {
            await this.printProbe(n);
            start++;
          }
          if (probe.answer?.final === true) end = (Math.floor(n / queries) + 1) * queries;
          continue;
        }
        if (probe.sentNs < 0) {
          if (lastSendNs + sendWaitNs > sys.now()) {
            nextNs = Math.min(nextNs, lastSendNs + sendWaitNs);
            break;
          }
          probe.sentNs = sys.now();
          lastSendNs = probe.sentNs;
          try {
            await prober.send(n, Math.floor(n / queries) + 1);
          } catch (error) {
            throw new CommandExit(1, `\nsend: ${strerror(errnoOf(error))}\n`);
          }
        }
        nextNs = Math.min(nextNs, probe.sentNs + this.timeout(n));
        if (++underWay >= simultaneous) break;
      }
      if (start >= end) break;
      const wait = Number.isFinite(nextNs) ? nextNs - sys.now() : 0;
      for (const answer of await prober.wait(wait)) {
        const probe = this.probes[answer.index];
        if (probe === undefined || probe.done || probe.sentNs < 0) continue;
        probe.done = true;
        probe.answer = answer;
      }
    }
    await print(sys, '\n');
  }
}

/** traceroute(1). */
export const tracerouteMain = program(async (sys) => {
  const argv = sys.argv.slice(1);
  if (argv.length === 0 || argv.includes('--help')) {
    throw new CommandExit(0, TRACEROUTE_USAGE);
  }
  const parsed = getopt('traceroute', argv, {
    short: '46dFf:g:ITi:m:N:np:t:l:w:q:rs:z:eAM:O:UDP:V',
    long: {
      debug: 'd',
      'dont-fragment': 'F',
      first: 'f:',
      gateway: 'g:',
      icmp: 'I',
      tcp: 'T',
      interface: 'i:',
      'max-hops': 'm:',
      'sim-queries': 'N:',
      port: 'p:',
      tos: 't:',
      flowlabel: 'l:',
      wait: 'w:',
      queries: 'q:',
      source: 's:',
      sendwait: 'z:',
      extensions: 'e',
      'as-path-lookups': 'A',
      module: 'M:',
      options: 'O:',
      fwmark: 'fwmark:',
      udp: 'U',
      dccp: 'D',
      protocol: 'P:',
      version: 'V',
      sport: 'sport:',
      back: 'back',
      mtu: 'mtu',
    },
  });
  const has = (name: string): boolean => parsed.options.some((option) => option.name === name);
  const value = (name: string): string | undefined =>
    parsed.options.filter((option) => option.name === name).pop()?.value;
  if (parsed.error !== undefined) {
    const missing = /requires an argument -- '(.)'/.exec(parsed.error)?.[1];
    if (missing !== undefined)
      throw new CommandExit(
        2,
        `Option \`-${missing}' (argc ${argv.length}) requires an argument\n`,
      );
    const bad = /'(.*)'/.exec(parsed.error)?.[1] ?? '';
    throw new CommandExit(2, `Bad option \`-${bad}' (argc 1)\n`);
  }
  if (has('V')) {
    throw new CommandExit(0, 'Modern traceroute for Linux, version 2.1.2\n');
  }
  if (has('D') || has('P') || has('mtu') || has('back') || has('g')) {
    throw new CommandExit(2, 'traceroute: this method or option is not supported\n');
  }
  const number = (name: string, fallback: number): number => {
    const text = value(name);
    return text === undefined || !/^\d+(\.\d*)?$/.test(text) ? fallback : Number(text);
  };
  const queries = number('q', 3);
  const maxHops = number('m', 30);
  const firstHop = number('f', 1);
  if (firstHop < 1 || firstHop > maxHops) throw new CommandExit(2, 'first hop out of range\n');
  if (maxHops > 255) throw new CommandExit(2, 'max hops cannot be more than 255\n');
  if (queries < 1 || queries > 10) throw new CommandExit(2, 'no more than 10 probes per hop\n');
  const [host, lengthText] = parsed.operands;
  if (host === undefined) throw new CommandExit(2, 'Specify "host" missing argument.\n');
  const named6 = (sys.argv[0] ?? '').endsWith('6');
  const wanted = has('6') || named6 ? 6 : has('4') ? 4 : undefined;
  const resolved = await resolveName(sys, host, wanted);
  if (resolved === undefined) {
    const other = wanted === undefined ? undefined : await resolveName(sys, host);
    const why =
      other === undefined
        ? 'Name or service not known'
        : 'Address family for hostname not supported';
    throw new CommandExit(
      2,
      `${host}: ${why}\nCannot handle "host" cmdline arg \`${host}' on position 1 (argc ${argv.indexOf(host) + 1})\n`,
    );
  }
  const [maxWait = '5', here = '3', near = '10'] = (value('w') ?? '')
    .split(',')
    .map((part, i) => (part === '' ? (['5', '3', '10'][i] ?? '') : part));
  const method: ProbeMethod = has('I') ? 'icmp' : has('T') ? 'tcp' : has('U') ? 'udp' : 'default';
  const target: TraceTarget = { address: resolved.address, scopeId: resolved.scopeId ?? 0 };
  const of = familyOf(target.address);
  const packetBytes = Math.max(
    lengthText === undefined ? of.packetBytes : Number(lengthText),
    of.headerBytes + 8,
  );
  const sourceText = value('s');
  const source =
    sourceText === undefined ? undefined : (await resolveName(sys, sourceText, wanted))?.address;
  const sendWait = number('z', 0);
  const device = value('i');
  const prober = new Prober(sys, {
    target,
    method,
    packetBytes,
    dontFragment: has('F'),
    port: number('p', { default: 33434, udp: 53, tcp: 80, icmp: 1 }[method]),
    ...(value('t') === undefined ? {} : { tos: number('t', 0) }),
    ...(value('fwmark') === undefined ? {} : { mark: number('fwmark', 0) }),
    ...(device === undefined ? {} : { device }),
    ...(source === undefined ? {} : { source }),
  });
  await print(
    sys,
    `traceroute to ${host} (${hostText(sys, target)}), ${maxHops} hops max, ${packetBytes} byte packets`,
  );
  try {
    await prober.open();
  } catch (error) {
    throw new CommandExit(1, `\nconnect: ${strerror(errnoOf(error))}\n`);
  }
  await new Traceroute(sys, prober, {
    host,
    target,
    maxHops,
    firstHop,
    queries,
    simultaneous: Math.min(number('N', 16), maxHops * queries),
    waitSeconds: Number(maxWait),
    here: Number(here),
    near: Number(near),
    sendWaitNs: sendWait > 10 ? sendWait * 1e6 : sendWait * 1e9,
    numeric: has('n'),
    packetBytes,
  }).run();
  return 0;
});
