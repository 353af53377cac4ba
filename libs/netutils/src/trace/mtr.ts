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
  jitter = 0;
  jitterWorst = 0;
  /** Interarrival jitter as RFC 1889 smooths it, times 16. */
  jitterSmooth = 0;
  private squares = 0;
  private logarithms = 0;
  private jitters = 0;

  add(micros: number): void {
    this.received++;
    this.jitter = this.received === 1 ? 0 : Math.abs(micros - this.last);
    this.jitterWorst = Math.max(this.jitterWorst, this.jitter);
    this.jitters += this.jitter;
    this.jitterSmooth += this.jitter - Math.floor((this.jitterSmooth + 8) / 16);
    this.logarithms += Math.log(Math.max(1, micros));
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

  get geometricMean(): number {
    return this.received === 0 ? 0 : Math.exp(this.logarithms / this.received);
  }

  get jitterMean(): number {
    return this.received === 0 ? 0 : this.jitters / this.received;
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

/** A column of the report: its letter for `-o`, title, width, and what it shows. */
interface Field {
  readonly letter: string;
  readonly title: string;
  readonly width: number;
  readonly show: (hop: Hop) => string;
}

const FIELDS: readonly Field[] = [
  { letter: ' ', title: '', width: 1, show: () => '' },
  { letter: 'L', title: 'Loss%', width: 6, show: (hop) => `${hop.loss.toFixed(1)}%` },
  { letter: 'D', title: 'Drop', width: 5, show: (hop) => String(hop.sent - hop.received) },
  { letter: 'R', title: 'Rcv', width: 6, show: (hop) => String(hop.received) },
  { letter: 'S', title: 'Snt', width: 6, show: (hop) => String(hop.sent) },
  { letter: 'N', title: 'Last', width: 6, show: (hop) => millis(hop.last) },
  { letter: 'B', title: 'Best', width: 6, show: (hop) => millis(hop.best) },
  { letter: 'A', title: 'Avg', width: 6, show: (hop) => millis(hop.mean) },
  { letter: 'W', title: 'Wrst', width: 6, show: (hop) => millis(hop.worst) },
  { letter: 'V', title: 'StDev', width: 6, show: (hop) => millis(hop.deviation) },
  { letter: 'G', title: 'Gmean', width: 6, show: (hop) => millis(hop.geometricMean) },
  { letter: 'J', title: 'Jttr', width: 5, show: (hop) => millis(hop.jitter) },
  { letter: 'M', title: 'Javg', width: 5, show: (hop) => millis(hop.jitterMean) },
  { letter: 'X', title: 'Jmax', width: 5, show: (hop) => millis(hop.jitterWorst) },
  { letter: 'I', title: 'Jint', width: 5, show: (hop) => millis(hop.jitterSmooth / 16) },
];
const DEFAULT_ORDER = 'LS NABWV';

/** The columns of `-o`. */
function fieldsOf(order: string): Field[] {
  return [...order].map((letter) => {
    const field = FIELDS.find((one) => one.letter === letter);
    if (field === undefined) throw new CommandExit(1, `mtr: Unknown field identifier: ${letter}\n`);
    return field;
  });
}

function xmlText(
  sys: Sys,
  host: string,
  cycles: number,
  first: number,
  hops: readonly Hop[],
  names: readonly string[],
  fields: readonly Field[],
): string {
  let text = `<?xml version="1.0"?>\n<MTR SRC="${sys.hostname()}" DST="${host}" TOS="0x0" PSIZE="64" BITPATTERN="0x00" TESTS="${cycles}">\n`;
  hops.forEach((hop, i) => {
    text += `    <HUB COUNT="${i + first}" HOST="${names[i] ?? ''}">\n`;
    for (const { title, width, show } of fields) {
      const name = title.replace('%', '');
      if (name !== '') text += `        <${name}>${show(hop).padStart(width)}</${name}>\n`;
    }
    text += '    </HUB>\n';
  });
  return `${text}</MTR>\n`;
}

function startText(sys: Sys): string {
  const t = civilTime(sys.bootTime() + Math.floor(sys.now() / 1e9));
  const two = (value: number): string => String(value).padStart(2, '0');
  return `Start: ${t.year}-${two(t.month)}-${two(t.day)}T${two(t.hour)}:${two(t.minute)}:${two(t.second)}+0000\n`;
}

/** mtr(8). */
export const mtrMain = program(async (sys) => {
  const parsed = getopt('mtr', sys.argv.slice(1), {
    short: '46F:rwxtglCjps:SbQ:ei:c:no:y:zm:U:f:I:a:TuP:L:Z:G:M:vhB:',
    long: {
      report: 'r',
      'report-wide': 'w',
      json: 'j',
      csv: 'C',
      raw: 'l',
      'show-ips': 'b',
      xml: 'x',
      order: 'o:',
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
  if (!has('r') && !has('w') && !has('j') && !has('C') && !has('x')) {
    throw new CommandExit(1, 'mtr: unable to get terminal; use --report\n');
  }
  const fields = fieldsOf(value('o') ?? DEFAULT_ORDER);
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
  if (has('x')) {
    const { cycles, firstHop } = settings;
    await print(sys, xmlText(sys, host, cycles, firstHop, hops, names, fields));
    return 0;
  }
  const wide = Math.max(sys.hostname().length, ...names.map((name) => name.length));
  // only the wide form gives the two kinds of line their own lengths
  const [headWidth, lineWidth] = has('w') ? [wide + 6, wide + 8] : [33, 33];
  const titles = fields.map(({ title, width }) => title.padStart(width)).join('');
  let text = `${began}${`HOST: ${sys.hostname()}`.slice(0, headWidth).padEnd(headWidth)}${titles}\n`;
  hops.forEach((hop, i) => {
    const label = `${String(i + settings.firstHop).padStart(3)}.|-- ${names[i] ?? ''}`;
    const values = fields.map(({ width, show }) => show(hop).padStart(width)).join('');
    text += `${label.slice(0, lineWidth).padEnd(lineWidth)}${values}\n`;
  });
  await print(sys, text);
  return 0;
});
