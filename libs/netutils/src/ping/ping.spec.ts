import { run } from '../spec-sys.js';
import { icmpText } from './icmp-text.js';
import { pingMain } from './main.js';
import { PingStatistics, percentText, replyTimeText } from './statistics.js';

describe('reply times', () => {
  it.each([
    [17, '0.017'],
    [999, '0.999'],
    [1000, '1.00'],
    [1234, '1.23'],
    [9994, '9.99'],
    [9995, '10.0'],
    [12345, '12.3'],
    [99949, '99.9'],
    [99950, '100'],
    [123456, '123'],
  ])('%p µs is %s ms', (micros, text) => {
    expect(replyTimeText(micros)).toBe(text);
  });
});

describe('statistics', () => {
  const reply = (stats: PingStatistics, seq: number, micros: number): void => {
    stats.received++;
    stats.acknowledge(seq);
    stats.addTime(micros);
    stats.markSeen(seq);
  };

  it('sums a clean run up', () => {
    const stats = new PingStatistics();
    [340, 64].forEach((micros, i) => {
      stats.transmitted++;
      reply(stats, i + 1, micros);
    });
    expect(stats.summary('10.2.0.2', 204e6, true, false)).toBe(
      '\n--- 10.2.0.2 ping statistics ---\n2 packets transmitted, 2 received, 0% packet loss, time 204ms\n' +
        'rtt min/avg/max/mdev = 0.064/0.202/0.340/0.138 ms\n',
    );
  });

  it('counts errors, duplicates and requests under way', () => {
    const stats = new PingStatistics();
    stats.transmitted = 3;
    stats.errors = 3;
    stats.acknowledge(1);
    expect(stats.inFlight).toBe(2);
    stats.repeats = 1;
    expect(stats.summary('h', 2018e6, true, false)).toBe(
      '\n--- h ping statistics ---\n3 packets transmitted, 0 received, +1 duplicates, +3 errors, 100% packet loss, time 2018ms\npipe 3\n',
    );
  });

  it('shows interval and moving average of a flood', () => {
    const stats = new PingStatistics();
    for (let seq = 1; seq <= 2; seq++) {
      stats.transmitted++;
      reply(stats, seq, 10);
    }
    expect(stats.summary('h', 46000, true, true)).toContain(' ms, ipg/ewma 0.046/0.010 ms\n');
    expect(stats.snapshot(true)).toBe(
      '\r2/2 packets, 0% loss, min/avg/ewma/max = 0.010/0.010/0.010/0.010 ms\n',
    );
  });

  it.each([
    [100 / 3, '33.3333'],
    [200 / 3, '66.6667'],
    [50, '50'],
    [0, '0'],
    [0.1, '0.1'],
  ])('%p per cent is %s', (value, text) => {
    expect(percentText(value)).toBe(text);
  });
});

describe('ICMP errors', () => {
  it.each([
    [3, 0, 0, 'Destination Net Unreachable'],
    [3, 1, 0, 'Destination Host Unreachable'],
    [3, 4, 1000, 'Frag needed and DF set (mtu = 1000)'],
    [3, 13, 0, 'Packet filtered'],
    [3, 99, 0, 'Dest Unreachable, Bad Code: 99'],
    [11, 0, 0, 'Time to live exceeded'],
    [11, 1, 0, 'Frag reassembly time exceeded'],
    [12, 0, 5, 'Parameter problem: pointer = 5'],
  ])('type %p code %p', (type, code, info, text) => {
    expect(icmpText(type, code, info)).toBe(text);
  });
});

describe('command line', () => {
  it.each([
    ['ping', 1, 'ping: usage error: Destination address required\n'],
    [
      'ping -c 0 h',
      1,
      "ping: invalid argument: '0': out of range: 1 <= value <= 9223372036854775807\n",
    ],
    ['ping -c x h', 1, "ping: invalid argument: 'x'\n"],
    ['ping -t 300 h', 1, "ping: invalid argument: '300': out of range: 0 <= value <= 255\n"],
    ['ping -M foo h', 2, 'ping: invalid -M argument: foo\n'],
    ['ping -p zz h', 2, 'ping: patterns must be specified as hex digits: zz\n'],
    ['ping -Q 0x100 h', 2, 'ping: the decimal value of TOS bits must be in range 0-255: 256\n'],
    ['ping nosuch', 2, 'ping: nosuch: Name or service not known\n'],
    ['ping -4 ::1', 2, 'ping: ::1: Address family for hostname not supported\n'],
  ])('%s is refused', async (line, code, err) => {
    expect(await run(pingMain, line)).toMatchObject({ code, err, out: '' });
  });
});
