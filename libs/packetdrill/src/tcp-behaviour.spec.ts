// What the host's TCP does beyond the library's own specs, as timelines: Accurate ECN, MSG_EOR, accounts of waiting,
// data beyond the window.
import { runScript } from './runner.js';

declare function setImmediate(fn: () => void): unknown;

const DEFAULTS = 'net.ipv4.tcp_rmem = 4096 540000 15728640\nnet.ipv4.tcp_ecn = 0\n';

async function expectPass(script: string): Promise<void> {
  const result = await runScript(script, {
    drain: () => new Promise((done) => void setImmediate(done)),
    defaults: DEFAULTS,
  });
  expect(result).toEqual({ ok: true });
}

function listening(settings: string, before = ''): string {
  return `
\`./defaults.sh
${settings}\`
 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
${before}
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
`;
}

const ACCURATE = listening('sysctl -q net.ipv4.tcp_ecn=3');
const AGREED = `${ACCURATE}
+0 < SEWA 0:0(0) win 30000 <mss 1000,sackOK,nop,nop,nop,wscale 6>
+0 > SW. 0:0(0) ack 1 <mss 1460,ECN e1b 1 ceb 0 e0b 1,nop,nop,nop,sackOK,nop,wscale 8>
+.02 < [ect0] W. 1:1(0) ack 1 win 500 <ECN e0b 1 ceb 0 e1b 1,nop>
+0 accept(3, ..., ...) = 4
`;

describe('Accurate ECN', () => {
  it('is what a client asks for where tcp_ecn is 3', () =>
    expectPass(`
\`./defaults.sh
sysctl -q net.ipv4.tcp_ecn=3 net.ipv4.tcp_timestamps=0\`
 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0...0.02 connect(3, ..., ...) = 0
+0 > [noecn] SEWA 0:0(0) <mss 1460,nop,nop,sackOK,nop,wscale 8>
+.02 < [ect1] SW. 0:0(0) ack 1 win 500 <mss 1000,ECN e0b 1 ceb 0 e1b 1,nop>
+0 > [ect0] WE. 1:1(0) ack 1 <ECN e1b 1 ceb 0 e0b 1,nop>
`));

  it.each([
    ['not marked', '', 'W'],
    ['ECT(1)', '[ect1]', 'WE'],
    ['ECT(0)', '[ect0]', 'A'],
    ['CE', '[ce]', 'WA'],
  ])('reflects how a SYN came: %s', (_title, mark, flags) =>
    expectPass(`${ACCURATE}
+0 < ${mark} SEWA 0:0(0) win 30000 <mss 1000>
+0 > ${flags}S. 0:0(0) ack 1 <mss 1460,ECN e1b 1 ceb 0 e0b 1,nop>
`),
  );

  it('counts CE in the header, bytes in the option', () =>
    expectPass(`${AGREED}
+0 < [ce] EAP. 1:101(100) ack 1 win 500
+0 > [ect0] WA. 1:1(0) ack 101 <ECN e1b 1 ceb 100 e0b 1,nop>
+0 < [ect1] EAP. 101:151(50) ack 1 win 500
+0 > [ect0] WA. 1:1(0) ack 151 <ECN e1b 51 ceb 100 e0b 1,nop>
+0 %{ assert tcpi_received_ce == 1 and tcpi_received_ce_bytes == 100, tcpi_received_ce }%
`));

  it('reduces once for marks that the peer tells of', () =>
    expectPass(`${AGREED}
+0 write(4, ..., 900) = 900
+0 > [ect0] P.5 1:901(900) ack 1 <ECN e1b 1 ceb 0 e0b 1,nop>
+.02 < [ect0] .6 1:1(0) ack 901 win 500 <ECN e0b 1 ceb 900 e1b 1,nop>
+0 %{
assert tcpi_delivered_ce == 1 and tcpi_delivered_ce_bytes == 900, tcpi_delivered_ce
assert tcpi_ca_state == TCP_CA_CWR, tcpi_ca_state
}%
`));

  it('stops marking where the flags do not get through', () =>
    expectPass(`${ACCURATE}
+0 < SEWA 0:0(0) win 30000 <mss 1000>
+0 > SW. 0:0(0) ack 1 <mss 1460,ECN e1b 1 ceb 0 e0b 1,nop>
+.02 < [ect0] . 1:1(0) ack 1 win 30000
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 100) = 100
+0 > [noecn] P.5 1:101(100) ack 1
`));

  it('is left out of a SYN-ACK that goes a third time', () =>
    expectPass(`${ACCURATE}
+0 < SEWA 0:0(0) win 30000 <mss 1000>
+0 > SW. 0:0(0) ack 1 <mss 1460,ECN e1b 1 ceb 0 e0b 1,nop>
+1 > SW. 0:0(0) ack 1 <mss 1460>
+2 > S. 0:0(0) ack 1 <mss 1460>
`));

  it('gives way to classic ECN', () =>
    expectPass(`${listening('sysctl -q net.ipv4.tcp_ecn=1')}
+0 < SEWA 0:0(0) win 30000 <mss 1000>
+0 > SE. 0:0(0) ack 1 <mss 1460>
`));
});

const PLAIN = `
+0 < S 0:0(0) win 30000 <mss 1000,sackOK,nop,nop>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>
+.02 < . 1:1(0) ack 1 win 30000
+0 accept(3, ..., ...) = 4
`;

it('MSG_EOR keeps later data out of a segment', () =>
  expectPass(`${listening('')}${PLAIN}
+0 setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0
+0 setsockopt(4, SOL_TCP, TCP_CORK, [1], 4) = 0
+0 send(4, ..., 100, MSG_EOR) = 100
+0 send(4, ..., 100, 0) = 100
+0 setsockopt(4, SOL_TCP, TCP_CORK, [0], 4) = 0
+0 > P. 1:101(100) ack 1
+0 > P. 101:201(100) ack 1
`));

it('tcp_info tells what a sender waits for', () =>
  expectPass(`${listening('')}${PLAIN}
+0 < . 1:1(0) ack 1 win 0
+0 write(4, ..., 500) = 500
+.05 %{ assert 49000 <= tcpi_rwnd_limited <= 51000, tcpi_rwnd_limited }%
+0 < . 1:1(0) ack 1 win 30000
+0 > P. 1:501(500) ack 1
+.05 < . 1:1(0) ack 501 win 30000
+.1 %{
assert 49000 <= tcpi_rwnd_limited <= 51000, tcpi_rwnd_limited
assert 99000 <= tcpi_busy_time <= 101000, tcpi_busy_time
}%
`));

it('a segment may end beyond the window only while nothing waits to be read', () =>
  expectPass(`${listening('', '+0 setsockopt(3, SOL_SOCKET, SO_RCVBUF, [5000], 4) = 0')}${PLAIN}
+0 \`nstat -n\`
+0 < P. 1:1001(1000) ack 1 win 30000
* > . 1:1(0) ack 1001
+.1 < P. 1001:21001(20000) ack 1 win 30000
+0 > . 1:1(0) ack 1001
+0 \`nstat -s | grep -q "TcpExtBeyondWindow *1 "\`
+0 read(4, ..., 5000) = 1000
+.1 < P. 1001:21001(20000) ack 1 win 30000
* > . 1:1(0) ack 21001 win 0
`));

it('an acknowledgement of what was never sent is answered', () =>
  expectPass(`${listening('')}${PLAIN}
+.6 < . 1:1(0) ack 5000 win 30000
+0 > . 1:1(0) ack 1
`));

it('splice stops before urgent data', () =>
  expectPass(`${listening('')}${PLAIN}
+0 pipe([5, 6]) = 0
+0 < PU. 1:11(10) ack 1 win 30000 urg 10
* > . 1:1(0) ack 11
+0 splice(4, NULL, 6, NULL, 9, 0) = 9
+0 splice(4, NULL, 6, NULL, 1, 0) = 0
`));
