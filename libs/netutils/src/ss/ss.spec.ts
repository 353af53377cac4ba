import type { SockDiagEntry } from '@netloom/sys';
import { ip, LINKS } from '../spec-fixtures.js';
import { run } from '../spec-sys.js';
import { ssMain } from './main.js';
import { gText, timerText } from './tcp-info.js';

const inet = (address: string, port: number) => ({
  family: 'inet' as const,
  addr: ip(address) as number,
  port,
});

function socket(part: Partial<SockDiagEntry>): SockDiagEntry {
  return {
    family: 'inet',
    type: 'tcp',
    state: 1,
    local: inet('10.0.0.1', 40000),
    peer: inet('10.0.0.2', 5000),
    recvQ: 0,
    sendQ: 0,
    ino: 20000,
    uid: 0,
    ifindex: 0,
    users: [],
    ...part,
  };
}

const LISTENER = socket({
  state: 10,
  sendQ: 1,
  local: inet('0.0.0.0', 6000),
  peer: inet('0.0.0.0', 0),
  users: [{ comm: 'nc', pid: 20092, fd: 3 }],
});
const WAITING = socket({
  state: 6,
  local: inet('127.0.0.1', 40009),
  peer: inet('127.0.0.1', 6000),
  timer: { name: 'timewait', expiresNs: 59.4e9, retrans: 0 },
});
const CLIENT = socket({
  local: inet('127.0.0.1', 40000),
  peer: inet('127.0.0.1', 5001),
  mem: {
    rmem: 0,
    rcvbuf: 131072,
    wmem: 0,
    sndbuf: 87040,
    fwd: 0,
    wmemQueued: 0,
    opt: 0,
    backlog: 0,
    drops: 0,
  },
  congestion: 'cubic',
  tcpInfo: {
    options: 7,
    snd_wscale: 7,
    rcv_wscale: 10,
    rto: 204000,
    rtt: 37,
    rttvar: 20,
    snd_mss: 1448,
    pmtu: 1500,
    rcv_mss: 536,
    advmss: 1448,
    snd_cwnd: 10,
    snd_ssthresh: 0x7fffffff,
    bytes_sent: 3893,
    bytes_acked: 3894,
    segs_out: 3,
    segs_in: 2,
    data_segs_out: 1,
    last_data_sent: 996,
    last_data_recv: 996,
    last_ack_recv: 996,
    delivered: 2,
    reordering: 3,
    rcv_space: 14480,
    rcv_ssthresh: 64088,
    min_rtt: 16,
    snd_wnd: 65160,
  },
});

const call = (line: string, sockets: readonly SockDiagEntry[]) =>
  run(ssMain, line, { rtnl: { RTM_GETLINK: () => [...LINKS] }, sockets });

describe('ss', () => {
  it('lines its columns up as iproute2 does', async () => {
    expect((await call('ss -tan', [LISTENER, WAITING, CLIENT])).out).toBe(
      'State     Recv-Q Send-Q Local Address:Port  Peer Address:PortProcess\n' +
        'LISTEN    0      1            0.0.0.0:6000       0.0.0.0:*          \n' +
        'TIME-WAIT 0      0          127.0.0.1:40009    127.0.0.1:6000       \n' +
        'ESTAB     0      0          127.0.0.1:40000    127.0.0.1:5001       \n',
    );
    expect((await call('ss -H -tan', [LISTENER, WAITING, CLIENT])).out).toBe(
      'LISTEN    0      1        0.0.0.0:6000    0.0.0.0:*   \n' +
        'TIME-WAIT 0      0      127.0.0.1:40009 127.0.0.1:6000\n' +
        'ESTAB     0      0      127.0.0.1:40000 127.0.0.1:5001\n',
    );
  });

  it('shows processes, names ports, and drops the state column where all are in one', async () => {
    expect((await call('ss -tlp', [LISTENER, LISTENER])).out).toBe(
      'State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess                       \n' +
        'LISTEN 0      1            0.0.0.0:x11       0.0.0.0:*    users:(("nc",pid=20092,fd=3))\n' +
        'LISTEN 0      1            0.0.0.0:x11       0.0.0.0:*    users:(("nc",pid=20092,fd=3))\n',
    );
    expect((await call('ss -tan state time-wait', [WAITING, CLIENT])).out).toBe(
      'Recv-Q Send-Q Local Address:Port  Peer Address:PortProcess\n0      0          127.0.0.1:40009    127.0.0.1:6000       \n',
    );
  });

  it('shows timers, memory and TCP details', async () => {
    expect((await call('ss -tano state time-wait', [WAITING])).out).toContain(
      '127.0.0.1:6000 timer:(timewait,59sec,0)\n',
    );
    expect((await call('ss -tmin', [CLIENT])).out).toContain(
      '\n\t skmem:(r0,rb131072,t0,tb87040,f0,w0,o0,bl0,d0) cubic wscale:7,10 rto:204 rtt:0.037/0.02 mss:1448 pmtu:1500 rcvmss:536 advmss:1448 cwnd:10 bytes_sent:3893 bytes_acked:3894 segs_out:3 segs_in:2 data_segs_out:1 send 3130810811bps lastsnd:996 lastrcv:996 lastack:996 delivered:2 rcv_space:14480 rcv_ssthresh:64088 minrtt:0.016 snd_wnd:65160\n',
    );
    expect((await call('ss -ti', [CLIENT])).out).toContain(' send 3.13Gbps ');
    expect((await call('ss -tie', [CLIENT])).out).toContain('\n\t ts sack cubic ');
  });

  it.each([
    ['sport = :40000', 1],
    ["'sport > :40000'", 1],
    ["'( dport = :6000 or dport = :5001 )'", 2],
    ['not sport = :40000', 1],
    ['dst 127.0.0.0/8', 2],
    ['dst 127.0.0.1:5001', 1],
    ['src 10.9.9.9', 0],
    ['dport = :http', 0],
    ['dst :6000', 1],
    ['sport neq 40000 and dport eq 6000', 1],
  ])('filters by %s', async (filter, count) => {
    const { out } = await call(`ss -H -tan exclude listening ${filter}`, [
      LISTENER,
      WAITING,
      CLIENT,
    ]);
    expect(out.split('\n').length - 1).toBe(count);
  });

  it.each([
    ['ss -tan state foo', 255, 'ss: wrong state name: foo\n'],
    [
      'ss -t dport = :nosuch',
      1,
      'Error: "nosuch" does not look like a port.\nCannot parse dst/src address.\n',
    ],
    [
      'ss -tn foo',
      1,
      'Error: an inet prefix is expected rather than "foo".\nCannot parse dst/src address.\n',
    ],
  ])('%s is refused', async (line, code, err) => {
    expect(await call(line, [])).toMatchObject({ code, err });
  });

  it('sums up from /proc', async () => {
    const files = new Map([
      [
        '/proc/net/sockstat',
        'sockets: used 13\nTCP: inuse 4 orphan 0 tw 1 alloc 6 mem 0\nUDP: inuse 2 mem 0\nUDPLITE: inuse 0\nRAW: inuse 1\nFRAG: inuse 0 memory 0\n',
      ],
      [
        '/proc/net/sockstat6',
        'TCP6: inuse 1\nUDP6: inuse 0\nUDPLITE6: inuse 0\nRAW6: inuse 1\nFRAG6: inuse 0 memory 0\n',
      ],
      ['/proc/net/snmp', 'Tcp: RtoAlgorithm CurrEstab\nTcp: 1 2\n'],
    ]);
    expect(
      (await run(ssMain, 'ss -s', { files, rtnl: { RTM_GETLINK: () => [...LINKS] } })).out,
    ).toBe(
      'Total: 13\nTCP:   7 (estab 2, closed 2, orphaned 0, timewait 1)\n\nTransport Total     IP        IPv6\n' +
        'RAW\t  2         1         1        \nUDP\t  2         2         0        \nTCP\t  5         4         1        \n' +
        'INET\t  9         7         2        \nFRAG\t  0         0         0        \n\n',
    );
  });
});

describe('numbers in ss', () => {
  it.each([
    [0.037, '0.037'],
    [204, '204'],
    [1e6, '1e+06'],
    [2.88672, '2.88672'],
    [0.00001234, '1.234e-05'],
  ])('%p is %s', (value, text) => {
    expect(gText(value)).toBe(text);
  });

  it.each([
    [59.4e9, '59sec'],
    [119 * 60e9, '119min'],
    [4.98e9, '4.980ms'],
    [0.2e9, '200ms'],
    [65e9, '1min5sec'],
    [-1, ''],
  ])('a timer of %p ns is %s', (ns, text) => {
    expect(timerText(ns)).toBe(text);
  });
});
