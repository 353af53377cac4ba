// Own timelines: what packetdrill would say of Linux's answers.
import { runScript, type RunScriptOptions, type ScriptResult } from './runner.js';

declare function setImmediate(fn: () => void): unknown;

function run(text: string, options: Partial<RunScriptOptions> = {}): Promise<ScriptResult> {
  return runScript(text, {
    drain: () => new Promise((done) => void setImmediate(done)),
    ...options,
  });
}

const OK: ScriptResult = { ok: true };

const SERVER = `
\`./defaults.sh\`
 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 30000 <mss 1000,sackOK,nop,nop,nop,wscale 6>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK,nop,wscale 8>
+.02 < . 1:1(0) ack 1 win 500
+0 accept(3, ..., ...) = 4
`;

describe('a server', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['sends a burst as one packet', '+0 write(4, ..., 5000) = 5000\n+0 > P. 1:5001(5000) ack 1'],
    [
      'waits in a call while packets go on',
      `+0...0.100 read(4, ..., 100) = 10
       +.1 < P. 1:11(10) ack 1 win 500
       +0 > . 1:1(0) ack 11`,
    ],
    [
      'tells of its state',
      '+0 %{\nassert tcpi_state == TCP_ESTABLISHED\nassert tcpi_snd_cwnd == 10, tcpi_snd_cwnd\n}%',
    ],
    [
      'closes after the peer',
      `+0 < F. 1:1(0) ack 1 win 500
       +0~+.1 > . 1:1(0) ack 2
       +0 read(4, ..., 10) = 0
       +0 close(4) = 0
       +0 > F. 1:1(0) ack 2`,
    ],
    [
      'repeats what is not acknowledged',
      '+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n+.02~+.3 > P. 1:11(10) ack 1',
    ],
    ['gives errors by name', '+0 read(9, ..., 10) = -1 EBADF (Bad file descriptor)'],
    ['refuses bytes from nowhere', '+0 write(4, NULL, 10) = -1 EFAULT'],
    ['runs commands', '+0 `test -e /proc/net/tcp`'],
    [
      'sets and restores',
      '+0 `./set_sysctls.py /proc/sys/net/ipv4/tcp_sack=0 && test $(cat /proc/sys/net/ipv4/tcp_sack) = 0`\n+0 `/tmp/sysctl_restore_${PPID}.sh && test $(cat /proc/sys/net/ipv4/tcp_sack) = 1`',
    ],
  ];

  it.each(rows)('%s', async (_title, events) => {
    expect(await run(SERVER + events)).toEqual(OK);
  });
});

describe('what is wrong is said with its line', () => {
  const rows: readonly (readonly [string, string, RegExp])[] = [
    ['a packet too few', '+0 > . 1:1(0) ack 1', /^line 10: the host sends no packet$/],
    [
      'another payload',
      '+0 write(4, ..., 10) = 10\n+0 > P. 1:12(11) ack 1',
      /^line 11: payload of 10, expected 11: P\. 1:11\(10\) ack 1 win/,
    ],
    [
      'another time',
      '+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n+.001 > P. 1:11(10) ack 1',
      /^line 12: the host sends no packet$/,
    ],
    ['another result', '+0 write(4, ..., 10) = 11', /^line 10: write returned 10, expected 11$/],
    ['a call that waits', '+0 read(4, ..., 10) = 10', /^line 10: the call has not returned/],
    [
      'a call that does not wait',
      '+0...0.5 write(4, ..., 10) = 10\n+1 close(4) = 0',
      /^line 10: the call returned at 0\.0200.. s, expected at 0\.520000 s$/,
    ],
    ['an assertion', '+0 %{ assert tcpi_snd_cwnd == 1, 7 }%', /^line 10: AssertionError: 7$/],
    ['a command', '+0 `echo no >&2; exit 3`', /^line 10: command ended with exit 3: .*: no$/],
    ['a name', '+0 shutdown(4, SHUT_XX) = 0', /^line 10: unknown name SHUT_XX$/],
    ['a call', '+0 frobnicate(4) = 0', /^line 10: system call frobnicate is not supported$/],
  ];

  it.each(rows)('%s', async (_title, events, reason) => {
    expect(await run(SERVER + events)).toEqual({
      ok: false,
      reason: expect.stringMatching(reason) as string,
    });
  });
});

describe('a client', () => {
  const CLIENT = `
\`./defaults.sh\`
 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 8>
`;

  it.each(['ipv4', 'ipv4-mapped-ipv6', 'ipv6'] as const)('over %s', async (ipVersion) => {
    const events = `
+.01 < S. 0:0(0) ack 1 win 500 <mss 1000,nop,nop,TS val 7 ecr 100>
+0 > . 1:1(0) ack 1 <nop,nop,TS val 110 ecr 7>
+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0
+0 write(3, ..., 100) = 100
+0 > P. 1:101(100) ack 1 <nop,nop,TS val 110 ecr 7>
+.01 < . 1:1(0) ack 101 win 500 <nop,nop,TS val 17 ecr 110>`;
    expect(await run(CLIENT + events, { ipVersion })).toEqual(OK);
  });

  it('hears of a host that cannot be reached', async () => {
    const events = `
+.01 < icmp unreachable host_unreachable [0:0(0)]
+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [EHOSTUNREACH], [4]) = 0`;
    expect(await run(CLIENT + events)).toEqual(OK);
  });

  it('is refused', async () => {
    const events = `
+.01 < R. 0:0(0) ack 1 win 0
+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0`;
    expect(await run(CLIENT + events)).toEqual(OK);
  });
});

it('takes the settings of ./defaults.sh from its caller', async () => {
  const script = '`./defaults.sh && test $(cat /proc/sys/net/ipv4/tcp_sack) = 0`';
  expect(await run(script, { defaults: 'net.ipv4.tcp_sack = 0\n' })).toEqual(OK);
});
