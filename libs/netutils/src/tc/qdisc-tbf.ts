/** The token bucket filter. Source: tc-tbf(8). */
import { CommandExit } from '../command.js';
import type { Args } from '../args.js';
import { numberOf, type TcQdisc } from './qdisc-kind.js';
import {
  parseRate,
  parseSize,
  parseTime,
  rateText,
  sendingTicks,
  sizeText,
  ticksToSize,
  ticksToUs,
  timeText,
} from './units.js';

const TBF_HELP = `Usage: ... tbf limit BYTES burst BYTES[/BYTES] rate KBPS [ mtu BYTES[/BYTES] ]
	[ peakrate KBPS ] [ latency TIME ] [ overhead BYTES ] [ linklayer TYPE ]
`;

function read(args: Args, name: string, parse: (text: string) => number | undefined): number {
  const text = args.value();
  const value = parse(text);
  if (value === undefined)
    throw new CommandExit(1, `tbf: illegal value for "${name}": "${text}"\n`);
  return value;
}

/** A size, and how many bytes a cell of the rate table holds, which makes no difference any more. */
function sizeAndCell(text: string): number | undefined {
  const [size = '', cell] = text.split('/');
  return cell === undefined || parseSize(cell) !== undefined ? parseSize(size) : undefined;
}

export const tbf: TcQdisc = {
  name: 'tbf',
  parse(args) {
    const given = new Map<string, number>();
    while (!args.done) {
      const word = args.take();
      switch (word) {
        case 'limit':
          given.set('limit', read(args, word, parseSize));
          break;
        case 'latency':
          given.set('latency', read(args, word, parseTime));
          break;
        case 'burst':
        case 'buffer':
        case 'maxburst':
          given.set('burst', read(args, word, sizeAndCell));
          break;
        case 'mtu':
        case 'minburst':
          given.set('mtu', read(args, word, sizeAndCell));
          break;
        case 'mpu':
        case 'overhead':
          given.set(word, read(args, word, parseSize));
          break;
        case 'rate':
        case 'peakrate':
          given.set(word, read(args, word, parseRate));
          break;
        case 'linklayer':
          args.value();
          break;
        case 'help':
          throw new CommandExit(1, TBF_HELP);
        default:
          throw new CommandExit(1, `tbf: unknown parameter "${word}"\n${TBF_HELP}`);
      }
    }
    const rate = given.get('rate') ?? 0;
    const peakrate = given.get('peakrate') ?? 0;
    const burst = given.get('burst') ?? 0;
    const mtu = given.get('mtu') ?? 0;
    const latency = given.get('latency');
    let wrong = '';
    if (rate === 0) wrong += 'tbf: the "rate" parameter is mandatory.\n';
    if (burst === 0) wrong += 'tbf: the "burst" parameter is mandatory.\n';
    if (peakrate > 0 && mtu === 0)
      wrong += 'tbf: when "peakrate" is specified, "mtu" must also be specified.\n';
    if (given.get('limit') === undefined && latency === undefined)
      wrong += 'tbf: either "limit" or "latency" is required.\n';
    if (wrong !== '') throw new CommandExit(1, wrong + TBF_HELP);
    let limit = given.get('limit') ?? 0;
    if (limit === 0 && latency !== undefined) {
      limit = (rate * latency) / 1e6 + burst;
      if (peakrate > 0) limit = Math.min(limit, (peakrate * latency) / 1e6 + mtu);
    }
    return {
      rate,
      burst,
      limit: Math.floor(limit),
      ...(peakrate > 0 ? { peakrate, mtu } : {}),
      overhead: given.get('overhead') ?? 0,
      mpu: given.get('mpu') ?? 0,
    };
  },
  print({ out, options: { details } }, options) {
    const rate = numberOf(options, 'rate');
    const ticks = sendingTicks(rate, numberOf(options, 'burst'));
    const burst = ticksToSize(rate, ticks);
    const peakrate = numberOf(options, 'peakrate');
    const peakTicks = peakrate > 0 ? sendingTicks(peakrate, numberOf(options, 'mtu')) : 0;
    const mtu = peakrate > 0 ? ticksToSize(peakrate, peakTicks) : 0;
    const mpu = numberOf(options, 'mpu');
    const cell = details > 0 ? '/1' : '';
    out.any('rate', `rate ${rateText(rate)} `, rate);
    out.any('burst', `burst ${sizeText(burst)}${cell} `, burst);
    if (details > 0) out.any('mpu', `mpu ${sizeText(mpu)} `, mpu);
    if (peakrate > 0) {
      out.plain(`peakrate ${rateText(peakrate)} `);
      out.any('minburst', `minburst ${sizeText(mtu)}${cell} `, mtu);
    }
    const limit = numberOf(options, 'limit');
    let latency = 1e6 * (limit / rate) - ticksToUs(ticks);
    if (peakrate > 0) latency = Math.max(latency, 1e6 * (limit / peakrate) - ticksToUs(peakTicks));
    if (latency >= 0) out.any('lat', `lat ${timeText(latency)} `, Math.floor(latency));
    const overhead = numberOf(options, 'overhead');
    if (overhead !== 0) out.any('overhead', `overhead ${overhead} `, overhead);
    if (details > 0) out.any('linklayer', 'linklayer ethernet ', 'ethernet');
  },
};
