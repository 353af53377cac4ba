/**
 * `mtr` in its report modes (0.95): every hop of a path probed again and again, with loss and round-trip times.
 */
import { strerror } from '@netloom/base';
import { print, type Sys } from '@netloom/sys';
import { civilTime } from '../calendar.js';
import { CommandExit, errnoOf, program } from '../command.js';
import { getopt } from '../getopt.js';
import { resolveName, reverseName } from '../resolve.js';
import { hostText, sameHost, type TraceTarget } from './family.js';
import { Prober, type ProbeMethod } from './probe.js';

/** What is known of one hop; times in microseconds. */
class Hop {
  address: TraceTarget | undefined;
  sent = 0;
  received = 0;
  last = 0;
  best = 0;
  worst = 0;
  mean = 0;
  private squares = 0;

  add(micros: number): void {
    this.received++;
    this.last = micros;
    this.best = this.received === 1 ? micros : Math.min(this.best, micros);
    this.worst = Math.max(this.worst, micros);
    const before = this.mean;
    this.mean += (micros - this.mean) / this.received;
    this.squares += (micros - before) * (micros - this.mean);
  }

  get deviation(): number {
    return this.received > 1 ? Math.sqrt(this.squares / (this.received - 1)) : 0;
  }

  get loss(): number {
    return this.sent === 0 ? 0 : (100 * (this.sent - this.received)) / this.sent;
  }
}

interface Settings {
  readonly cycles: number;
  readonly intervalNs: number;
  readonly graceNs: number;
  readonly firstHop: number;
  readonly maxHops: number;
  /** Hops without an answer in a row before it is given up. */
  readonly maxUnknown: number;
}

async function measure(
  sys: Sys,
  prober: Prober,
  target: TraceTarget,
  settings: Settings,
): Promise<Hop[]> {
  const hops: Hop[] = [];
  const sent = new Map<
    number,
    { readonly hop: Hop; readonly ttl: number; readonly atNs: number }
  >();
  let last = settings.maxHops;
  let index = 0;
  const collect = async (untilNs: number): Promise<void> => {
    for (;;) {
      for (const answer of await prober.wait(untilNs - sys.now())) {
        const probe = sent.get(answer.index);
        if (probe === undefined) continue;
        sent.delete(answer.index);
        probe.hop.address = answer.from;
        probe.hop.add((answer.atNs - probe.atNs) / 1000);
        if (sameHost(answer.from, target) || answer.final) last = Math.min(last, probe.ttl);
      }
      if (sys.now() >= untilNs || (sent.size === 0 && untilNs === Number.POSITIVE_INFINITY)) return;
    }
  };
  for (let cycle = 0; cycle < settings.cycles; cycle++) {
    let unknown = 0;
    const started = sys.now();
    for (let ttl = settings.firstHop; ttl <= last; ttl++) {
      const hop = (hops[ttl] ??= new Hop());
      hop.sent++;
      sent.set(index, { hop, ttl, atNs: sys.now() });
      await prober.send(index, ttl);
      index++;
      // the hops of a cycle share its interval
      const share = cycle === 0 ? 10 : last - settings.firstHop + 1;
      await collect(sys.now() + settings.intervalNs / share);
      unknown = hop.address === undefined ? unknown + 1 : 0;
      if (unknown > settings.maxUnknown) last = ttl;
    }
    await collect(Math.max(sys.now(), started + settings.intervalNs));
  }
  const deadline = sys.now() + settings.graceNs;
  while (sent.size > 0 && sys.now() < deadline) await collect(Math.min(deadline, sys.now() + 1e8));
  return hops.slice(settings.firstHop, last + 1);
}

function millis(micros: number): string {
  const value = micros / 1000;
  return value >= 1000 ? `${Math.floor(value)}.` : value.toFixed(1);
}

function startText(sys: Sys): string {
  const t = civilTime(sys.bootTime() + Math.floor(sys.now() / 1e9));
  const two = (value: number): string => String(value).padStart(2, '0');
  return `Start: ${t.year}-${two(t.month)}-${two(t.day)}T${two(t.hour)}:${two(t.minute)}:${two(t.second)}+0000\n`;
}

/** mtr(8). */
export const mtrMain = program(async (sys) => {
  const parsed = getopt('mtr', sys.argv.slice(1), {
    short: '46F:rwxtglCjpsS:bQ:ei:c:no:y:zm:U:f:I:a:T:uP:L:Z:G:M:vhB:',
    long: {
      report: 'r',
      'report-wide': 'w',
      json: 'j',
      csv: 'C',
      raw: 'l',
      'show-ips': 'b',
      interval: 'i:',
      'report-cycles': 'c:',
      'no-dns': 'n',
      'max-ttl': 'm:',
      'max-unknown': 'U:',
      'first-ttl': 'f:',
      interface: 'I:',
      address: 'a:',
      udp: 'u',
      tcp: 'tcp',
      port: 'P:',
      gracetime: 'G:',
      timeout: 'Z:',
      version: 'v',
      help: 'h',
      psize: 's:',
      tos: 'Q:',
    },
  });
  if (parsed.error !== undefined) throw new CommandExit(1, `${parsed.error}\n`);
  const has = (name: string): boolean => parsed.options.some((option) => option.name === name);
  const value = (name: string): string | undefined =>
    parsed.options.filter((option) => option.name === name).pop()?.value;
  const number = (name: string, fallback: number): number => {
    const text = value(name);
    if (text === undefined) return fallback;
    if (!/^\d+(\.\d*)?$|^\.\d+$/.test(text))
      throw new CommandExit(1, `mtr: invalid argument: '${text}'\n`);
    return Number(text);
  };
  if (has('v')) {
    await print(sys, 'mtr 0.95\n');
    return 0;
  }
  const [host] = parsed.operands;
  if (host === undefined) throw new CommandExit(1, 'mtr: no host given\n');
  if (!has('r') && !has('w') && !has('j') && !has('C')) {
    throw new CommandExit(1, 'mtr: unable to get terminal; use --report\n');
  }
  const resolved = await resolveName(sys, host, has('6') ? 6 : has('4') ? 4 : undefined);
  if (resolved === undefined) {
    throw new CommandExit(1, `mtr: Failed to resolve host: ${host}: Name or service not known\n`);
  }
  const target: TraceTarget = { address: resolved.address, scopeId: resolved.scopeId ?? 0 };
  const tcp = has('tcp') || parsed.options.some((option) => option.name === 'T');
  const method: ProbeMethod = tcp ? 'tcp' : has('u') ? 'default' : 'icmp';
  const device = value('I');
  const prober = new Prober(sys, {
    target,
    method,
    packetBytes: 64,
    port: number('P', { tcp: 80, default: 33434, icmp: 33000, udp: 53 }[method]),
    ...(device === undefined ? {} : { device }),
  });
  try {
    await prober.open();
  } catch (error) {
    throw new CommandExit(1, `mtr: ${strerror(errnoOf(error))}\n`);
  }
  const began = startText(sys);
  const startSeconds = sys.bootTime() + Math.floor(sys.now() / 1e9);
  const settings: Settings = {
    cycles: number('c', 10),
    intervalNs: number('i', 1) * 1e9,
    graceNs: number('G', 5) * 1e9,
    firstHop: number('f', 1),
    maxHops: number('m', 30),
    maxUnknown: number('U', 12),
  };
  const hops = await measure(sys, prober, target, settings);
  const nameOf = async (hop: Hop): Promise<string> => {
    if (hop.address === undefined) return '???';
    const address = hostText(sys, hop.address);
    if (has('n')) return address;
    const name = (await reverseName(sys, hop.address.address)) ?? address;
    return has('b') && name !== address ? `${name} (${address})` : name;
  };
  const names: string[] = [];
  for (const hop of hops) names.push(await nameOf(hop));
  if (has('j')) {
    const round = (micros: number): number => Number((micros / 1000).toFixed(3));
    const report = {
      report: {
        mtr: {
          src: sys.hostname(),
          dst: host,
          tos: 0,
          tests: settings.cycles,
          psize: '64',
          bitpattern: '0x00',
        },
        hubs: hops.map((hop, i) => ({
          count: i + settings.firstHop,
          host: names[i] ?? '',
          'Loss%': hop.loss,
          Snt: hop.sent,
          Last: round(hop.last),
          Avg: round(hop.mean),
          Best: round(hop.best),
          Wrst: round(hop.worst),
          StDev: round(hop.deviation),
        })),
      },
    };
    await print(
      sys,
      `${JSON.stringify(report, undefined, 4).replace(/"Loss%": (\d+),/g, '"Loss%": $1.0,')}\n`,
    );
    return 0;
  }
  if (has('C')) {
    let text = 'Mtr_Version,Start_Time,Status,Host,Hop,Ip,Loss%,Snt, ,Last,Avg,Best,Wrst,StDev,\n';
    hops.forEach((hop, i) => {
      const times = [hop.last, hop.mean, hop.best, hop.worst, hop.deviation]
        .map((micros) => (micros / 1000).toFixed(2))
        .join(',');
      text += `MTR.0.95,${startSeconds},OK,${host},${i + settings.firstHop},${names[i] ?? ''},${hop.loss.toFixed(2)},${hop.sent},0,${times}\n`;
    });
    await print(sys, text);
    return 0;
  }
  const width = has('w') ? Math.max(33, ...names.map((name) => name.length + 8)) : 33;
  let text =
    began +
    `HOST: ${sys.hostname()}`.slice(0, width).padEnd(width) +
    ' Loss%   Snt   Last   Avg  Best  Wrst StDev\n';
  hops.forEach((hop, i) => {
    const label = `${String(i + settings.firstHop).padStart(3)}.|-- ${names[i] ?? ''}`;
    text +=
      label.slice(0, width).padEnd(width) +
      ` ${hop.loss.toFixed(1).padStart(4)}%` +
      String(hop.sent).padStart(6) +
      millis(hop.last).padStart(7) +
      [hop.mean, hop.best, hop.worst, hop.deviation]
        .map((micros) => millis(micros).padStart(6))
        .join('') +
      '\n';
  });
  await print(sys, text);
  return 0;
});
