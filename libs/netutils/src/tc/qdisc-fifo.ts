/** pfifo, bfifo and what the kernel gives devices by itself: pfifo_fast, noqueue. Source: tc-pfifo(8), tc-bfifo(8). */
import { CommandExit } from '../command.js';
import { numberOf, type TcQdisc } from './qdisc-kind.js';
import { parseSize } from './units.js';

const FIFO_HELP = 'Usage: ... <[p|b]fifo | pfifo_head_drop> [ limit NUMBER ]\n';

function fifo(name: 'pfifo' | 'bfifo', unit: string): TcQdisc {
  return {
    name,
    parse(args) {
      let limit: number | undefined;
      while (!args.done) {
        const word = args.take();
        if (word === 'help') throw new CommandExit(1, FIFO_HELP);
        if (word !== 'limit')
          throw new CommandExit(1, `${name}: unknown parameter "${word}"\n${FIFO_HELP}`);
        const text = args.value();
        limit = parseSize(text);
        if (limit === undefined)
          throw new CommandExit(1, `${name}: Illegal value for "limit": "${text}"\n`);
      }
      return limit === undefined ? {} : { limit };
    },
    print({ out }, options) {
      const limit = numberOf(options, 'limit');
      out.any('limit', `limit ${limit}${unit}`, limit);
    },
  };
}

export const pfifo = fifo('pfifo', 'p');
export const bfifo = fifo('bfifo', 'b');

function unchangeable(name: string, print: TcQdisc['print']): TcQdisc {
  return {
    name,
    parse(args) {
      if (args.done) return {};
      throw new CommandExit(
        1,
        `Unknown qdisc "${name}", hence option "${args.word}" is unparsable\n`,
      );
    },
    print,
  };
}

export const pfifoFast = unchangeable('pfifo_fast', ({ out }, options) => {
  const bands = numberOf(options, 'bands');
  out.any('bands', `bands ${bands} `, bands);
  out.openArray('priomap', 'priomap');
  for (const band of options['priomap'] as readonly number[]) out.any(undefined, ` ${band}`, band);
  out.closeArray();
});

export const noqueue = unchangeable('noqueue', () => undefined);
