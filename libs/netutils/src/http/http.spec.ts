import { decodeText, encodeText } from '@netloom/sys';
import { reportText } from '../ab/report.js';
import { expandGlobs, parseCurlOptions } from '../curl/options.js';
import { curlMain } from '../curl/main.js';
import { writeOut, type Figures } from '../curl/write-out.js';
import { run } from '../spec-sys.js';
import { base64 } from './base64.js';
import { headerOf, HttpReader, keepsAlive, responseFraming } from './reader.js';
import { hostHeader, parseUrl, resolveUrl, urlText, type HttpUrl } from './url.js';

/** A reader over text that arrives in pieces. */
function reader(text: string, piece = 5): HttpReader {
  const bytes = encodeText(text);
  let at = 0;
  return new HttpReader(() => Promise.resolve(bytes.subarray(at, (at += piece))));
}

async function bodyOf(text: string, method = 'GET'): Promise<[string, number]> {
  const from = reader(text);
  const head = await from.head();
  if (head === undefined) throw new Error('no head');
  const status = Number(head.start.split(' ')[1]);
  let body = '';
  const missing = await from.body(responseFraming(method, status, head), (bytes) => {
    body += decodeText(bytes);
    return Promise.resolve();
  });
  return [body, missing];
}

describe('HTTP messages', () => {
  it('have a first line and headers', async () => {
    const head = await reader('HTTP/1.1 200 OK\r\nA: b\r\nconnection:  close \r\n\r\nrest').head();
    expect(head).toEqual({
      start: 'HTTP/1.1 200 OK',
      headers: [
        { name: 'A', value: 'b' },
        { name: 'connection', value: 'close' },
      ],
      size: 46,
    });
    expect(head && headerOf(head, 'CONNECTION')).toBe('close');
    expect(head && keepsAlive(head, '1.1')).toBe(false);
  });

  it.each([
    ['HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef', 'GET', 'abc', 0],
    ['HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcdef', 'GET', 'abcdef', 3],
    ['HTTP/1.0 200 OK\r\n\r\nabcdef', 'GET', 'abcdef', 0],
    ['HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n', 'HEAD', '', 0],
    ['HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n', 'GET', '', 0],
    [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: r\r\n\r\n',
      'GET',
      'abc0123456789',
      0,
    ],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc', 'GET', 'abc', -1],
  ])('%j to %s: %j', async (text, method, body, missing) => {
    expect(await bodyOf(text, method)).toEqual([body, missing]);
  });
});

describe('URLs', () => {
  it.each([
    ['10.0.0.2', 'http://10.0.0.2/', '10.0.0.2'],
    ['http://h:8080/a?b#c', 'http://h:8080/a?b', 'h:8080'],
    ['http://me:pw@h?x', 'http://h/?x', 'h'],
    ['http://[fd00::1]:81/', 'http://[fd00::1]:81/', '[fd00::1]:81'],
  ])('%s is %s', (text, whole, host) => {
    const url = parseUrl(text) as HttpUrl;
    expect([urlText(url), hostHeader(url)]).toEqual([whole, host]);
  });

  it.each([
    ['/x', 'http://h/x'],
    ['../c?d', 'http://h/c?d'],
    ['?q', 'http://h/a/b?q'],
    ['//other/y', 'http://other/y'],
    ['http://z:81/', 'http://z:81/'],
  ])('%s leads to %s', (location, whole) => {
    const url = resolveUrl(parseUrl('http://h/a/b?c') as HttpUrl, location) as HttpUrl;
    expect(urlText(url)).toBe(whole);
  });

  it('are refused where they are none', () => {
    expect([parseUrl(''), parseUrl('http://'), parseUrl('http://h:99999/')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

it('base64', () => {
  expect(['', 'a', 'ab', 'abc', 'me:pw'].map((text) => base64(encodeText(text)))).toEqual([
    '',
    'YQ==',
    'YWI=',
    'YWJj',
    'bWU6cHc=',
  ]);
});

describe('curl', () => {
  const TRY = "curl: try 'curl --help' or 'curl --manual' for more information\n";

  it.each([
    ['curl', `curl: no URL specified!\n${TRY}`],
    ['curl --nosuch h', `curl: option --nosuch: is unknown\n${TRY}`],
    ['curl -o', `curl: option -o: requires parameter\n${TRY}`],
    ['curl -x p h', `curl: option -x: the installed libcurl version doesn't support this\n${TRY}`],
    ['curl -m x h', `curl: option -m: expected a proper numerical parameter\n${TRY}`],
  ])('%s', async (line, err) => {
    expect(await run(curlMain, line)).toMatchObject({ code: 2, out: '', err });
  });

  it('takes letters together, values attached, and --no-', () => {
    const o = parseCurlOptions(['-sSofile', '-m1.5', '--no-keepalive', 'h', '-H', 'A: b']);
    expect(o).toMatchObject({
      silent: true,
      showError: true,
      outputs: ['file'],
      maxTimeNs: 1.5e9,
      keepAlive: false,
      urls: ['h'],
      headers: ['A: b'],
    });
  });

  it('expands ranges and sets', () => {
    expect(expandGlobs('http://h/[08-10]{a,b}')).toEqual(
      ['08a', '08b', '09a', '09b', '10a', '10b'].map((end) => `http://h/${end}`),
    );
  });

  it('writes figures out', () => {
    const figures = {
      status: 0,
      total: 0.5,
      downloaded: 1000,
      exitCode: 7,
      headers: [{ name: 'Server', value: 'x' }],
      effectiveUrl: 'http://h/',
    } as unknown as Figures;
    expect(
      writeOut(
        '%{http_code} %{time_total}\\t%{speed_download} %{nosuch}%header{server}%% %{stderr}e\\n',
        figures,
      ),
    ).toEqual({
      out: '000 0.500000\t2000 x% ',
      err: "curl: unknown --write-out variable: 'nosuch'\ne\n",
    });
  });
});

it('ab reports times as spreads and percentiles', () => {
  const samples = [1000, 2000, 3000, 10000].map((us) => ({
    startUs: 0,
    connectUs: 400,
    totalUs: us,
    waitUs: us - 600,
  }));
  const counts = {
    done: 4,
    kept: 0,
    failed: 1,
    failedConnect: 0,
    failedReceive: 0,
    failedLength: 1,
    failedException: 0,
    writeErrors: 0,
    notOk: 0,
    received: 2048,
    sent: 0,
    bodies: 72,
    server: 'x',
    documentLength: 18,
    samples,
  };
  const options = { concurrency: 2, keepAlive: false, confidence: true, percentiles: true };
  const text = reportText(
    { ...options, body: undefined, variableLength: false } as unknown as Parameters<
      typeof reportText
    >[0],
    parseUrl('http://h/i') as HttpUrl,
    counts,
    0.016,
  );
  expect(text).toBe(`

Server Software:        x
Server Hostname:        h
Server Port:            80

Document Path:          /i
Document Length:        18 bytes

Concurrency Level:      2
Time taken for tests:   0.016 seconds
Complete requests:      4
Failed requests:        1
   (Connect: 0, Receive: 0, Length: 1, Exceptions: 0)
Total transferred:      2048 bytes
HTML transferred:       72 bytes
Requests per second:    250.00 [#/sec] (mean)
Time per request:       8.000 [ms] (mean)
Time per request:       4.000 [ms] (mean, across all concurrent requests)
Transfer rate:          125.00 [Kbytes/sec] received

Connection Times (ms)
              min  mean[+/-sd] median   max
Connect:        0    0   0.0      0       0
Processing:     1    4   4.1      3      10
Waiting:        0    3   4.1      2       9
Total:          1    4   4.1      3      10

Percentage of the requests served within a certain time (ms)
  50%      3
  66%      3
  75%     10
  80%     10
  90%     10
  95%     10
  98%     10
  99%     10
 100%     10 (longest request)
`);
});
