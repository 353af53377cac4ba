import { parseDurationNs, parsePercent, parseRateBits } from './quantity.js';

describe('parseDurationNs', () => {
  it.each<[string | number, number | undefined]>([
    ['10ms', 10e6],
    ['1.5s', 1.5e9],
    ['200us', 200e3],
    ['200µs', 200e3],
    ['5', 5e9],
    [0.25, 250e6],
    ['.5s', 500e6],
    ['1m', 60e9],
    ['2h', 7200e9],
    [' 3 ms ', 3e6],
    ['7ns', 7],
    ['0.4ns', 0],
    ['100usecs', 100e3],
    ['', undefined],
    ['-1s', undefined],
    ['1 day', undefined],
    ['ms', undefined],
    ['1e3', undefined],
  ])('%p', (text, ns) => {
    expect(parseDurationNs(text)).toBe(ns);
  });

  it('takes a bare number in the unit of the caller', () => {
    expect(parseDurationNs('7', 'ms')).toBe(7e6);
    expect(parseDurationNs('7us', 'ms')).toBe(7e3);
  });
});

describe('parseRateBits', () => {
  it.each<[string | number, number | undefined]>([
    ['10mbit', 10e6],
    ['10Mbit', 10e6],
    ['1gbit', 1e9],
    ['1.5kbit', 1500],
    ['8kibit', 8192],
    ['10mbps', 80e6],
    ['1kibps', 8192],
    ['1000', 1000],
    [64, 64],
    ['', undefined],
    ['fast', undefined],
    ['-1mbit', undefined],
    ['1mb', undefined],
  ])('%p', (text, bits) => {
    expect(parseRateBits(text)).toBe(bits);
  });

  it('takes a bare number in the unit of the caller', () => {
    expect(parseRateBits(10, 'kbit')).toBe(10_000);
  });
});

describe('parsePercent', () => {
  it.each<[string | number, number | undefined]>([
    ['1%', 0.01],
    ['0.1%', 0.001],
    [50, 0.5],
    ['100%', 1],
    ['0', 0],
    ['100.1%', undefined],
    ['-1%', undefined],
    ['x', undefined],
    ['', undefined],
  ])('%p', (text, fraction) => {
    const got = parsePercent(text);
    if (fraction === undefined) expect(got).toBeUndefined();
    else expect(got).toBeCloseTo(fraction, 12);
  });
});
