import fc from 'fast-check';
import { PacketPrinter } from './packet-printer.js';
import { bytesOf } from './spec-rows.js';

const FRAME = bytesOf(
  '0200000000020200000000010800450000540001400040016666' +
    '0a0000010a000002080000000004000500000000000000000000000000000000',
);
const EPOCH = 1_700_000_000; // 2023-11-14 22:13:20

describe('time stamps', () => {
  const times = [0, 1_001_000, 1_001_999, 3_600_000_000_000, 3_599_000_000_000];
  const stamps = (timestamps: number, nano = false): string[] => {
    const printer = new PacketPrinter({ timestamps, nano, epochSec: EPOCH });
    return times.map((time) => {
      const text = printer.print(time, 1, FRAME, 0, FRAME.length, FRAME.length);
      return text.slice(0, text.indexOf('IP '));
    });
  };

  test.each([
    [
      0,
      [
        '22:13:20.000000 ',
        '22:13:20.001001 ',
        '22:13:20.001001 ',
        '23:13:20.000000 ',
        '23:13:19.000000 ',
      ],
    ],
    [1, ['', '', '', '', '']],
    [
      2,
      [
        '1700000000.000000 ',
        '1700000000.001001 ',
        '1700000000.001001 ',
        '1700003600.000000 ',
        '1700003599.000000 ',
      ],
    ],
    [
      3,
      [
        ' 00:00:00.000000 ',
        ' 00:00:00.001001 ',
        ' 00:00:00.000000 ',
        ' 00:59:59.998999 ',
        '-00:00:01.000000 ',
      ],
    ],
    [
      4,
      [
        '2023-11-14 22:13:20.000000 ',
        '2023-11-14 22:13:20.001001 ',
        '2023-11-14 22:13:20.001001 ',
        '2023-11-14 23:13:20.000000 ',
        '2023-11-14 23:13:19.000000 ',
      ],
    ],
    [
      5,
      [
        ' 00:00:00.000000 ',
        ' 00:00:00.001001 ',
        ' 00:00:00.001001 ',
        ' 01:00:00.000000 ',
        ' 00:59:59.000000 ',
      ],
    ],
  ])('-t given %d times', (count, expected) => {
    expect(stamps(count)).toEqual(expected);
  });

  test('with nanoseconds', () => {
    expect(stamps(0, true)[2]).toBe('22:13:20.001001999 ');
    expect(stamps(3, true)[2]).toBe(' 00:00:00.000000999 ');
  });

  test('leap days and the turn of the century', () => {
    const at = (epochSec: number): string => {
      const printer = new PacketPrinter({ timestamps: 4, epochSec });
      return printer.print(0, 1, FRAME, 0, FRAME.length, FRAME.length).slice(0, 10);
    };
    expect([0, 951_782_400, 951_868_800, 1_709_164_800, 4_107_542_400].map(at)).toEqual([
      '1970-01-01',
      '2000-02-29',
      '2000-03-01',
      '2024-02-29',
      '2100-03-01',
    ]);
  });

  test('the epoch of one packet goes before that of the printer', () => {
    const printer = new PacketPrinter({ timestamps: 2, epochSec: 5 });
    const text = printer.print(7, 1, FRAME, 0, FRAME.length, FRAME.length, { epochSec: 100 });
    expect(text.startsWith('100.000000 ')).toBe(true);
  });
});

describe('headers that cannot be', () => {
  const printer = new PacketPrinter({ packetNumbers: true });
  test.each([
    [0, 0, '    1  [Invalid header: caplen==0, len==0]'],
    [0, 60, '    2  [Invalid header: caplen==0]'],
    [40, 30, '    3  [Invalid header: len(30) < caplen(40)]'],
    [40, 300_000, '    4  [Invalid header: len(300000) > 262144]'],
  ])('%d of %d bytes', (capLen, length, expected) => {
    expect(printer.print(0, 1, FRAME, 0, capLen, length)).toBe(expected);
  });
});

const OPTIONS = fc.record({
  numeric: fc.boolean(),
  linkHeader: fc.boolean(),
  quiet: fc.nat(2),
  verbose: fc.nat(3),
  timestamps: fc.nat(5),
  absoluteSeq: fc.boolean(),
  hex: fc.nat(2),
  hexAscii: fc.nat(2),
  ascii: fc.nat(2),
});

describe('any bytes', () => {
  const prints = (linkType: number, bytes: Uint8Array, extra: number, options: object): void => {
    const printer = new PacketPrinter(options);
    const text = printer.print(0, linkType, bytes, 0, bytes.length, bytes.length + extra);
    expect(typeof text).toBe('string');
    expect(/^[\x00-\x7f]*$/.test(text)).toBe(true);
  };

  test('of any link type', () => {
    const linkTypes = fc.constantFrom(0, 1, 101, 108, 113, 228, 229, 276, 4711);
    fc.assert(
      fc.property(linkTypes, fc.uint8Array({ maxLength: 200 }), fc.nat(100), OPTIONS, prints),
      { numRuns: 2000 },
    );
  });

  /** Starts of packets that lead into every printer. */
  const ETHER = '020000000002020000000001';
  const IPV4 = `${ETHER}0800450000c8000100004011ffff0a0000010a000002`;
  const IPV6 = `${ETHER}86dd6000000000c8ff40fe800000000000000000000000000001ff020000000000000000000000000001`;
  const udp = (port: string): string => `${IPV4}9c40${port}00b40000`;
  const tcp = (port: string): string =>
    `${IPV4.replace('4011', '4006')}9c40${port}000000010000000250182000`;
  const withProtocol = (protocol: string): string => IPV4.replace('4011', `40${protocol}`);
  const withNext = (next: string): string => IPV6.replace('00c8ff40', `00c8${next}40`);
  const starts = [
    ...['0806', '8809', '88cc', '9000', '8100', '0026aaaa03', '0026424203', '00260606'].map(
      (type) => ETHER + type,
    ),
    ...['01', '02', '04', '29', '2f', '32', '33', '3b', '8f'].map(withProtocol),
    ...['00', '2b', '2c', '3c', '3a', '33', '8f', '04', '29'].map(withNext),
    ...['0035', '0043', '14e9', '12b5', '17c1', '1194', '13c4', '0d80'].map(udp),
    ...['0035', '0050', '0015', '0016', '0019', '022a'].map(tcp),
  ].map(bytesOf);

  test('after the start of a packet of every protocol', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...starts),
        fc.uint8Array({ maxLength: 250 }),
        fc.nat(100),
        OPTIONS,
        (start, rest, extra, options) => {
          const bytes = new Uint8Array(start.length + rest.length);
          bytes.set(start);
          bytes.set(rest, start.length);
          prints(1, bytes, extra, options);
        },
      ),
      { numRuns: 4000 },
    );
  });

  test.each([
    ['IP in IP', '4500ffff0001400040040000' + '0a0000010a000002'],
    ['authentication headers', '3300000000000000'],
    ['options', '0000000000000000'],
  ])('nested without end: %s', (_name, unit) => {
    const frame = bytesOf(`${ETHER}0800${unit.repeat(3200).slice(0, 60_000)}`);
    for (const options of [{}, { verbose: 2 }]) prints(1, frame, 0, options);
    const chain = bytesOf(withProtocol('33') + unit.repeat(3200).slice(0, 60_000));
    prints(1, chain, 0, { verbose: 1 });
  });
});
