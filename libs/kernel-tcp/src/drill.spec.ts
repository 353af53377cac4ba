import { Errno } from '@netloom/base';
import { Drill } from './drill.js';
import { injectIcmp, type Segment } from './testing.js';
import {
  TCP_CLOSE,
  TCP_CLOSE_WAIT,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT2,
  TCP_SYN_SENT,
} from './tcp-const.js';

const data = (n: number): Uint8Array => new Uint8Array(n).fill(0x62);

describe('SYN-SENT', () => {
  it('takes a SYN-ACK and answers at once', () => {
    const d = new Drill('connect');
    expect(d.out()).toEqual(['S 0:0(0) <mss 1460,sackOK,TS,nop,wscale 7>']);
    d.in('S. 0:0(0) ack 1 win 1000 <mss 1000,sackOK>');
    expect(d.out()).toEqual(['. 1:1(0) ack 1']);
    expect(d.sk.state).toBe(TCP_ESTABLISHED);
    expect(d.sk.mssCache).toBe(500); // half of the largest window
  });

  it('answers an ACK for something else with RST and stays', () => {
    const d = new Drill('connect');
    d.out();
    d.in('S. 0:0(0) ack 17 win 1000');
    expect(d.out()).toEqual(['R 17:17(0)']);
    expect(d.sk.state).toBe(TCP_SYN_SENT);
    d.in('R. 0:0(0) ack 17 win 0'); // a RST for what we did not send is no RST
    expect(d.sk.state).toBe(TCP_SYN_SENT);
    d.in('R. 0:0(0) ack 1 win 0');
    expect(d.sk.state).toBe(TCP_CLOSE);
    expect(d.sk.getsockopt('SO_ERROR')).toBe(Errno.ECONNREFUSED);
  });
});

describe('acceptability (RFC 9293 §3.10.7.4, RFC 5961)', () => {
  it('believes only an exact RST', () => {
    const { drill, sk } = Drill.established();
    drill.in('R 100:100(0) win 0');
    expect(drill.out()).toEqual(['. 1:1(0) ack 1']); // challenge
    expect(sk.state).toBe(TCP_ESTABLISHED);
    drill.in('R 90000:90000(0) win 0');
    expect(drill.out()).toEqual([]);
    drill.in('R 1:1(0) win 0');
    expect(sk.state).toBe(TCP_CLOSE);
    expect(sk.recvmsg(1, 0)).toBe(-Errno.ECONNRESET);
  });

  it('challenges a SYN in the window', () => {
    const { drill, sk } = Drill.established();
    drill.in('S 50:50(0) win 100');
    expect(drill.out()).toEqual(['. 1:1(0) ack 1']);
    expect(sk.state).toBe(TCP_ESTABLISHED);
    expect(drill.bench.mib('a', 'TcpExtTCPSYNChallenge')).toBe(1);
    expect(drill.bench.mib('a', 'TcpExtTCPChallengeACK')).toBe(1);
  });

  it('challenges an ACK of what was never sent, or far in the past', () => {
    const { drill } = Drill.established();
    drill.in('. 1:1(0) ack 500 win 100');
    drill.in('. 1:1(0) ack 0 win 100');
    expect(drill.bench.kernel('a').dropCounts()).toMatchObject({
      TCP_ACK_UNSENT_DATA: 1,
      TCP_TOO_OLD_ACK: 1,
    });
    expect(drill.out().length).toBe(1); // the old one is challenged
  });

  it('acknowledges data outside the window and drops it', () => {
    const { drill } = Drill.established();
    drill.in('. 70000:70100(100) ack 1 win 65535');
    expect(drill.out()).toEqual(['. 1:1(0) ack 1']);
    expect(drill.bench.kernel('a').dropCounts()).toMatchObject({ TCP_INVALID_SEQUENCE: 1 });
  });

  it('drops a segment with a signature that nobody has a key for', () => {
    const { drill, sk } = Drill.established();
    drill.in('P. 1:5(4) ack 1 win 65535 <md5,nop,nop>');
    expect(sk.recvmsg(10, 0)).toBe(-Errno.EAGAIN);
    expect(drill.bench.mib('a', 'TcpExtTCPMD5Unexpected')).toBe(1);
  });

  it('drops a segment without ACK', () => {
    const { drill } = Drill.established();
    drill.in('P 1:5(4) win 65535');
    expect(drill.bench.kernel('a').dropCounts()).toEqual({ TCP_FLAGS: 1 });
  });

  it('protects against wrapped sequence numbers by timestamps', () => {
    const d = new Drill('listen');
    d.in(
      'S 0:0(0) win 65535 <mss 1000,sackOK,TS 1000 0>',
      '. 1:1(0) ack 1 win 65535 <nop,nop,TS 1001 0>',
    );
    const sk = d.accept();
    d.in('P. 1:11(10) ack 1 win 65535 <nop,nop,TS 1010 0>').out();
    d.in('P. 11:21(10) ack 1 win 65535 <nop,nop,TS 900 0>');
    expect(d.out()).toEqual(['. 1:1(0) ack 11 <nop,nop,TS>']);
    expect(d.bench.mib('a', 'TcpExtPAWSEstab')).toBe(1);
    expect(sk.diag().recvQ).toBe(10);
  });
});

describe('receiving', () => {
  it('acknowledges at once at first, every second segment, and small ones late', () => {
    const { drill, sk } = Drill.established();
    drill.in('. 1:1001(1000) ack 1 win 65535');
    expect(drill.out()).toEqual(['. 1:1(0) ack 1001']);
    sk.setsockopt('TCP_QUICKACK', 0);
    drill.in('. 1001:2001(1000) ack 1 win 65535');
    expect(drill.out()).toEqual([]);
    sk.recvmsg(4000, 0);
    drill.in('. 2001:3001(1000) ack 1 win 65535');
    expect(drill.out()).toEqual(['. 1:1(0) ack 3001']);
    sk.recvmsg(4000, 0);
    drill.in('. 3001:3011(10) ack 1 win 65535');
    expect(drill.out()).toEqual([]);
    drill.run(39);
    expect(drill.out()).toEqual([]);
    drill.run(2);
    expect(drill.out()).toEqual(['. 1:1(0) ack 3011']);
    expect(drill.bench.mib('a', 'TcpExtDelayedACKs')).toBe(1);
  });

  it('reports holes by SACK, the newest block first, and duplicates by DSACK', () => {
    const { drill, sk } = Drill.established();
    drill.in('. 1001:2001(1000) ack 1 win 65535');
    drill.in('. 3001:4001(1000) ack 1 win 65535');
    drill.in('. 2001:3001(1000) ack 1 win 65535');
    expect(drill.out()).toEqual([
      '. 1:1(0) ack 1 <nop,nop,sack 1001:2001>',
      '. 1:1(0) ack 1 <nop,nop,sack 3001:4001,sack 1001:2001>',
      '. 1:1(0) ack 1 <nop,nop,sack 1001:4001>',
    ]);
    drill.in('. 1001:2001(1000) ack 1 win 65535');
    drill.run(2); // further duplicate ACKs are compressed
    expect(drill.out()).toEqual(['. 1:1(0) ack 1 <nop,nop,sack 1001:2001,sack 1001:4001>']);
    drill.in('. 1:1001(1000) ack 1 win 65535');
    expect(drill.out()).toEqual(['. 1:1(0) ack 4001']);
    drill.in('. 1:1001(1000) ack 1 win 65535');
    expect(drill.out()).toEqual(['. 1:1(0) ack 4001 <nop,nop,sack 1:1001>']);
    const got = sk.recvmsg(9000, 0);
    expect(typeof got === 'number' ? got : got.length).toBe(4000);
    expect(drill.bench.mib('a', 'TcpExtTCPDSACKOfoSent')).toBe(1);
    expect(drill.bench.mib('a', 'TcpExtTCPDSACKOldSent')).toBe(1);
  });

  it('takes overlapping segments apart', () => {
    const { drill, sk } = Drill.established();
    drill.in(
      '. 501:1501(1000) ack 1 win 65535',
      '. 1001:2001(1000) ack 1 win 65535',
      '. 1:801(800) ack 1 win 65535',
    );
    expect(drill.out().at(-1)).toMatch(/^\. 1:1\(0\) ack 2001/);
    const got = sk.recvmsg(9000, 0);
    expect(typeof got === 'number' ? got : got.length).toBe(2000);
    expect(sk.bytesReceived).toBe(2000);
  });

  it('takes a FIN behind a hole when the hole is filled', () => {
    const { drill, sk } = Drill.established();
    drill.in('F. 11:11(0) ack 1 win 65535');
    expect(sk.state).toBe(TCP_ESTABLISHED);
    drill.in('. 1:11(10) ack 1 win 65535');
    expect(sk.state).toBe(TCP_CLOSE_WAIT);
    expect(drill.out().at(-1)).toBe('. 1:1(0) ack 12');
  });
});

describe('sending', () => {
  it('starts with ten segments and grows by what is acknowledged', () => {
    const { drill, sk } = Drill.established();
    sk.sendmsg(data(40_000), { flags: 0 });
    drill.run(0);
    expect(drill.out().length).toBe(10);
    drill.run(50).in('. 1:1(0) ack 2001 win 65535');
    expect(drill.out().length).toBe(4);
    expect(sk.sndCwnd).toBe(12);
  });

  it('stays within the peer window and probes a closed one', () => {
    const { drill, sk } = Drill.established(1500);
    sk.sendmsg(data(5000), { flags: 0 });
    expect(drill.out()).toEqual(['. 1:751(750) ack 1', 'P. 751:1501(750) ack 1']); // segments of half the window
    drill.run(20).in('. 1:1(0) ack 1501 win 0');
    expect(drill.out()).toEqual([]);
    drill.run(225);
    expect(drill.out()).toEqual(['. 1500:1500(0) ack 1']); // one number back: the peer must answer
    drill.in('. 1:1(0) ack 1501 win 0').run(445);
    expect(drill.out()).toEqual(['. 1500:1500(0) ack 1']);
    drill.in('. 1:1(0) ack 1501 win 65535');
    const sent = drill.out();
    // These are small against the new MSS, so that Nagle holds the last one back.
    expect([sent.length, sent[0], sent.at(-1)]).toEqual([
      4,
      '. 1501:2251(750) ack 1',
      'P. 3751:4501(750) ack 1',
    ]);
    drill.in('. 1:1(0) ack 4501 win 65535');
    expect(drill.out()).toEqual(['P. 4501:5001(500) ack 1']);
  });

  it('retransmits what SACK proves lost, once, and leaves recovery when it is acknowledged', () => {
    const { drill, sk } = Drill.established();
    sk.sendmsg(data(8000), { flags: 0 });
    drill.run(20).out();
    drill.in('. 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:2001>');
    drill.in('. 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:3001>');
    expect(drill.out()).toEqual([]);
    drill.in('. 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:4001>');
    expect(drill.out()).toEqual(['. 1:1001(1000) ack 1']);
    expect([sk.caState, sk.sackedOut, sk.lostOut, sk.retransOut]).toEqual([3, 3, 1, 1]);
    drill.in('. 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:8001>');
    expect(drill.out()).toEqual([]);
    drill.run(20).in('. 1:1(0) ack 8001 win 65535');
    expect([sk.caState, sk.sndCwnd, sk.sndSsthresh, sk.packetsOut]).toEqual([0, 7, 7, 0]);
  });

  it('undoes a reduction that a DSACK proves needless', () => {
    const { drill, sk } = Drill.established();
    sk.sendmsg(data(8000), { flags: 0 });
    drill.run(20).out();
    drill.in('. 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:4001>');
    expect(drill.out()).toEqual(['. 1:1001(1000) ack 1']);
    drill.run(5).in('. 1:1(0) ack 4001 win 65535'); // the original, late
    drill.run(5).in('. 1:1(0) ack 4001 win 65535 <nop,nop,sack 1:1001>');
    expect(sk.caState).toBe(0);
    expect(
      drill.bench.mib('a', 'TcpExtTCPDSACKUndo') + drill.bench.mib('a', 'TcpExtTCPFullUndo'),
    ).toBe(1);
    expect(sk.sndCwnd).toBeGreaterThanOrEqual(10);
  });

  it('probes a lost tail, then times out', () => {
    const { drill, sk } = Drill.established();
    sk.srttUs = 20_000 * 8;
    sk.rttvarUs = 200_000;
    sk.rtoUs = 220_000;
    sk.sendmsg(data(2000), { flags: 0 });
    drill.out();
    drill.run(43); // two round trips and a bit
    expect(drill.out()).toEqual(['P. 1001:2001(1000) ack 1']);
    drill.run(225);
    expect(drill.out()).toEqual(['. 1:1001(1000) ack 1']);
    expect(sk.caState).toBe(4);
    drill.in('. 1:1(0) ack 2001 win 65535');
    expect(sk.caState).toBe(0);
  });

  it('sends keepalives and gives up on a dead peer', () => {
    const { drill, sk } = Drill.established();
    sk.setsockopt('TCP_KEEPIDLE', 10);
    sk.setsockopt('TCP_KEEPINTVL', 5);
    sk.setsockopt('TCP_KEEPCNT', 2);
    sk.setsockopt('SO_KEEPALIVE', 1);
    drill.run(10_100);
    expect(drill.out()).toEqual(['. 0:0(0) ack 1']);
    drill.in('. 1:1(0) ack 1 win 65535').run(9_000);
    expect(drill.out()).toEqual([]);
    drill.run(20_000);
    expect(drill.out().map((l) => l.split(' ')[0])).toEqual(['.', '.', 'R.']);
    expect(sk.getsockopt('SO_ERROR')).toBe(Errno.ETIMEDOUT);
  });
});

describe('closing', () => {
  it('takes FIN, data and ACK in one segment, and answers late ones from TIME-WAIT', () => {
    const { drill, sk } = Drill.established();
    sk.shutdown(2);
    expect(drill.out()).toEqual(['F. 1:1(0) ack 1']);
    drill.in('. 1:1(0) ack 2 win 65535');
    expect(sk.state).toBe(TCP_FIN_WAIT2);
    drill.in('FP. 1:11(10) ack 2 win 65535');
    expect(drill.out()).toEqual(['. 2:2(0) ack 12']);
    const got = sk.recvmsg(100, 0);
    expect(typeof got === 'number' ? got : got.length).toBe(10);
    drill.in('FP. 1:11(10) ack 2 win 65535'); // our ACK was lost
    expect(drill.out()).toEqual(['. 2:2(0) ack 12']);
    expect(drill.bench.mib('a', 'TcpExtTW')).toBe(1);
  });

  it('resets data that comes for a closed socket in FIN-WAIT-2', () => {
    const { drill, sk } = Drill.established();
    sk.release();
    drill.in('. 1:1(0) ack 2 win 65535');
    drill.out();
    drill.in('P. 1:11(10) ack 2 win 65535');
    expect(drill.out()).toEqual(['R 2:2(0)']);
  });

  it('waits in LAST-ACK for the ACK of its FIN', () => {
    const { drill, sk } = Drill.established();
    drill.in('F. 1:1(0) ack 1 win 65535');
    expect(drill.out()).toEqual([]); // waits for an answer to carry it
    sk.sendmsg(data(5), { flags: 0 });
    sk.release();
    expect(drill.out()).toEqual(['P. 1:6(5) ack 2', 'F. 6:6(0) ack 2']);
    drill.in('. 2:2(0) ack 6 win 65535');
    expect(sk.destroyed).toBe(false);
    drill.in('. 2:2(0) ack 7 win 65535');
    expect(sk.destroyed).toBe(true);
  });
});

describe('ICMP errors', () => {
  const last = (d: Drill): Segment => d.bench.log.at(-1) as Segment;

  it('end a connection that is being opened, and only shadow an open one', () => {
    const d = new Drill('connect');
    injectIcmp(d.bench, 'a', last(d), 3, 1, 0);
    expect(d.sk.state).toBe(TCP_CLOSE);
    expect(d.sk.getsockopt('SO_ERROR')).toBe(Errno.EHOSTUNREACH);
    const { drill, sk } = Drill.established();
    sk.sendmsg(data(100), { flags: 0 });
    injectIcmp(drill.bench, 'a', last(drill), 3, 3, 0);
    expect(sk.state).toBe(TCP_ESTABLISHED);
    expect(sk.getsockopt('SO_ERROR')).toBe(Errno.ECONNREFUSED);
    injectIcmp(
      drill.bench,
      'a',
      { ...last(drill), rawSeq: (last(drill).rawSeq + 5000) >>> 0 },
      3,
      3,
      0,
    );
    expect(drill.bench.mib('a', 'TcpExtOutOfWindowIcmps')).toBe(1);
  });

  it('lower the path MTU: what is too large goes again in smaller segments', () => {
    const { drill, sk } = Drill.established();
    sk.sendmsg(data(3000), { flags: 0 });
    const [first] = drill.bench.log.slice(-3) as [Segment, ...Segment[]];
    drill.out();
    injectIcmp(drill.bench, 'a', first, 3, 4, 640);
    expect(sk.mssCache).toBe(600);
    expect(drill.out().slice(0, 2)).toEqual(['. 1:601(600) ack 1', '. 601:1001(400) ack 1']);
    drill.run(20).in('. 1:1(0) ack 3001 win 65535');
    expect([sk.packetsOut, sk.lostOut, sk.retransOut, sk.caState]).toEqual([0, 0, 0, 0]);
  });
});

describe('net.ipv4.tcp_retrans_collapse', () => {
  const sent = (sysctls: Readonly<Record<string, string>>): string[] => {
    const { drill, sk } = Drill.established(65535, sysctls);
    sk.setsockopt('TCP_NODELAY', 1);
    for (let i = 0; i < 3; i++) sk.sendmsg(data(100), { flags: 0 });
    drill.out();
    drill.run(700);
    return drill.out().slice(1, 2); // behind the tail loss probe
  };

  it('joins small segments that go again', () => {
    expect(sent({})).toEqual(['P. 1:301(300) ack 1']);
    expect(sent({ tcp_retrans_collapse: '0' })).toEqual(['P. 1:101(100) ack 1']);
  });
});

it('net.ipv4.tcp_pingpong_thresh: ACKs wait for answers once so many have gone out', () => {
  const acksAlone = (thresh: string): number => {
    const { drill, sk } = Drill.established(65535, { tcp_pingpong_thresh: thresh });
    let alone = 0;
    for (let i = 0; i < 4; i++) {
      drill.in(`P. ${1 + 10 * i}:${11 + 10 * i}(10) ack ${1 + 5 * i} win 65535`);
      alone += drill.out().length;
      sk.recvmsg(10, 0);
      sk.sendmsg(data(5), { flags: 0 });
      drill.out();
    }
    return alone;
  };
  expect(acksAlone('1')).toBe(1);
  expect(acksAlone('3')).toBe(3);
});
