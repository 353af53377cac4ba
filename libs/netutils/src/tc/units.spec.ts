import {
  parseRate,
  parseSize,
  parseTime,
  rateText,
  sendingTicks,
  sizeText,
  ticksToSize,
  timeText,
} from './units.js';

test.each([
  ['1540', 1540],
  ['32kb', 32768],
  ['10k', 10240],
  ['1mb', 1048576],
  ['1mbit', 131072],
  ['1.5k', 1536],
  ['x', undefined],
  ['5gb', undefined],
])('size %s', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each([
  ['20mbit', 2_500_000],
  ['1mbit', 125_000],
  ['100kbps', 100_000],
  ['8000', 1000],
  ['abc', undefined],
])('rate %s', (text, bytes) => {
  expect(parseRate(text)).toBe(bytes);
});

test('times are microseconds', () => {
  expect(['50ms', '1s', '70', '3us'].map(parseTime)).toEqual([50_000, 1_000_000, 70, 3]);
});

// As tc 6.1 shows bursts on a real kernel: they go through ticks of 64 ns and whole microseconds.
test.each([
  [2_500_000, 32768, 32767],
  [1_250_000, 32768, 32767],
  [125_000, 10240, 10240],
  [1_000_000, 10000, 10000],
  [2_000_000, 5000, 4998],
  [12_500_000, 1048576, 1048575],
  [375_000, 7777, 7776],
])('at %i bytes a second a burst of %i shows as %i', (rate, burst, shown) => {
  expect(ticksToSize(rate, sendingTicks(rate, burst))).toBe(shown);
});

test('texts', () => {
  expect([32767, 32768, 1540, 1048575, 1048576, 0].map(sizeText)).toEqual([
    '32Kb',
    '32Kb',
    '1540b',
    '1024Kb',
    '1Mb',
    '0b',
  ]);
  expect([2_500_000, 125_000, 187_500, 12, 1_250_000_000].map(rateText)).toEqual([
    '20Mbit',
    '1Mbit',
    '1500Kbit',
    '96bit',
    '10Gbit',
  ]);
  expect([50_000, 78_080, 2_500_000, 70].map(timeText)).toEqual(['50ms', '78.1ms', '2.5s', '70us']);
});
