import { run } from '../spec-sys.js';
import { compact, JsonObject, parseObject, pretty } from './cjson.js';
import { iperf3Main } from './main.js';
import { parseIperfOptions } from './options.js';
import { parseBytes, parseRate, unitText } from './units.js';

describe('quantities', () => {
  it.each([
    [131768, 'A', ' 129 KByte'],
    [1291845632, 'A', '1.20 GByte'],
    [1000, 'A', '1000 Byte'],
    [0, 'A', '0.00 Byte'],
    [1250000 / 8, 'a', '1.25 Mbit'],
    [1518625000, 'm', '12149 Mbit'],
    [160000, 'K', ' 156 KByte'],
    [9.996 * 1024, 'A', '10.0 KByte'],
  ])('%d as %s: %s', (bytes, format, text) => {
    expect(unitText(bytes, format)).toBe(text);
  });

  it('reads bytes by 1024 and bits by 1000', () => {
    expect([parseBytes('128K'), parseBytes('1.5m'), parseBytes('7')]).toEqual([131072, 1572864, 7]);
    expect([parseRate('10M'), parseRate('0')]).toEqual([10000000, 0]);
  });
});

describe('the documents of the control connection', () => {
  const document = new JsonObject({ a: 1.5, list: [], none: new JsonObject() });
  document.add('a', -1);
  document.add('b', [new JsonObject({ c: 9980886053.03487 }), 7.21624755859375e-6]);

  it('keep order and doubles, and print numbers as C does', () => {
    expect(compact(document)).toBe(
      '{"a":1.5,"list":[],"none":{},"a":18446744073709551615,"b":[{"c":9980886053.03487},7.21624755859375e-06]}',
    );
    expect(pretty(document)).toBe(
      '{\n\t"a":\t1.5,\n\t"list":\t[],\n\t"none":\t{\n\t},\n\t"a":\t18446744073709551615,\n\t"b":\t[{\n\t\t\t"c":\t9980886053.03487\n\t\t}, 7.21624755859375e-06]\n}',
    );
  });

  it('are refused where they are no object', () => {
    expect(parseObject('{"time":2}')).toEqual({ time: 2 });
    expect([parseObject('[1]'), parseObject('{'), parseObject('')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('the command line', () => {
  it.each([
    ['-c x -s', 'cannot be both server and client'],
    ['', 'must either be a client (-c) or server (-s)'],
    ['-c x -t 90000', 'test duration too long (maximum = 86400 seconds)'],
    ['-c x -P 200', 'number of parallel streams too large (maximum = 128)'],
    ['-c x -l 2000000', 'block size too large (maximum = 1048576 bytes)'],
    ['-c x -w 2000000000', 'socket buffer size too large (maximum = 536870912 bytes)'],
    ['-c x -i 0.01', 'invalid report interval (min = 0.1, max = 60 seconds)'],
    ['-c x -M 20000', 'TCP MSS too large (maximum = 9216 bytes)'],
    ['-s -t 1', 'some option you are trying to set is client only'],
    ['-c x -1', 'some option you are trying to set is server only'],
    ['-c x -t 1 -n 1', 'only one test end condition (-t, -n, -k) may be specified'],
    ['-c x -R --bidir', 'cannot be both reverse and bidirectional'],
    ['-c x -u -l 70000', 'block size invalid (minimum = 16 bytes, maximum = 65507 bytes)'],
    ['-c x -S 300', 'bad TOS value (must be between 0 and 255 inclusive)'],
    ['-c x -p 99999', 'port number must be between 1 and 65535 inclusive'],
    ['-c x -f x', 'bad format specifier (valid formats are in the set [kmgtKMGT])'],
    ['-c x -b 1M/2000', 'invalid burst count (maximum = 1000)'],
    ['-c x --rcv-timeout 10', 'receive timeout value is incorrect or not in range: '],
    ['-c x -O 700', 'bogus value for --omit'],
  ])('%s: %s', async (line, complaint) => {
    const { code, err } = await run(iperf3Main, `iperf3 ${line}`);
    expect(code).toBe(1);
    expect(err.split('\n').slice(0, 3)).toEqual([
      `iperf3: parameter error - ${complaint}`,
      '',
      'Usage: iperf3 [-s|-c host] [options]',
    ]);
  });

  it('complains of what it does not know as getopt does', async () => {
    const { code, err } = await run(iperf3Main, 'iperf3 -q');
    expect(code).toBe(1);
    expect(err).toMatch(/^iperf3: invalid option -- 'q'\nUsage: iperf3 \[-s\|-c host\]/);
  });

  it('takes the defaults of the protocol', () => {
    expect(parseIperfOptions(['-c', 'x'])).toMatchObject({
      rate: 0,
      blockSize: 131072,
      seconds: 10,
    });
    expect(parseIperfOptions(['-c', 'x', '-u', '--dscp', 'ef', '-k', '5'])).toMatchObject({
      rate: 1048576,
      blockSize: 0,
      seconds: 0,
      tos: 184,
    });
  });
});
