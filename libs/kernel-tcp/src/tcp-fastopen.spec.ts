import { Errno } from '@netloom/base';
import { Msg } from '@netloom/sys';
import { Drill } from './drill.js';
import { TCP_ESTABLISHED, TCP_SYN_RECV } from './tcp-const.js';
import { tcpMetricsDump } from './tcp-metrics.js';
import { addr, Bench, injectIcmp, MS, SEC, type Segment } from './testing.js';

const KEY = 'a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4';
/** SipHash of 10.0.0.2 → 10.0.0.1 with that key. */
const SERVER = { tcp_fastopen: '3', tcp_fastopen_key: KEY };
const text = (s: string): Uint8Array => new TextEncoder().encode(s);
const untext = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function listening(): Drill {
  const d = new Drill('listen', SERVER);
  d.sk.setsockopt('TCP_FASTOPEN', 5);
  return d;
}

function cookieOf(d: Drill): string {
  d.in('S 0:0(0) win 65535 <mss 1460,FO>');
  const cookie = /FO ([0-9a-f]{16})/.exec(d.out()[0] ?? '')?.[1] ?? '';
  d.in('R 1:1(0) win 0');
  return cookie;
}

describe('Fast Open, the server', () => {
  it('gives a cookie to who asks, and an application at once the data of who has one', () => {
    const d = listening();
    const cookie = cookieOf(d);
    expect(cookie).toMatch(/^[0-9a-f]{16}$/);
    expect(d.bench.mib('a', 'TcpExtTCPFastOpenCookieReqd')).toBe(1);
    d.in(`S 0:10(10) win 65535 <mss 1460,nop,nop,FO ${cookie}>`);
    expect(d.out()[0]).toMatch(/^S\. 0:0\(0\) ack 11 <mss 1460>$/);
    const child = d.accept();
    expect(child.state).toBe(TCP_SYN_RECV);
    expect(child.recvmsg(100, 0)).toMatchObject({ length: 10 });
    expect(child.sendmsg(text('answer'), { flags: 0 })).toBe(6);
    expect(d.out()).toEqual(['P. 1:7(6) ack 11']);
    d.in('. 11:11(0) ack 7 win 65535');
    expect(child.state).toBe(TCP_ESTABLISHED);
    expect(d.bench.mib('a', 'TcpExtTCPFastOpenPassive')).toBe(1);
    expect(Number(child.diag().tcpInfo?.['options']) & 32).toBe(32);
  });

  it('answers a wrong cookie with the right one and takes no data', () => {
    const d = listening();
    const cookie = cookieOf(d);
    d.in('S 0:10(10) win 65535 <mss 1460,nop,nop,FO 0102030405060708>');
    expect(d.out()).toEqual([`S. 0:0(0) ack 1 <mss 1460,FO ${cookie},nop,nop>`]);
    expect(d.bench.mib('a', 'TcpExtTCPFastOpenPassiveFail')).toBe(1);
    expect(d.accept()).toBe(null);
  });

  it('knows the backup key, and hands out the new one', () => {
    const d = listening();
    const old = cookieOf(d);
    d.bench.sysctl('a', 'ipv4/tcp_fastopen_key', `00000001-00000002-00000003-00000004,${KEY}`);
    d.in(`S 0:10(10) win 65535 <mss 1460,nop,nop,FO ${old}>`);
    expect(d.out()[0]).toMatch(/^S\. 0:0\(0\) ack 11 <mss 1460,FO [0-9a-f]{16},nop,nop>$/);
    expect(d.bench.mib('a', 'TcpExtTCPFastOpenPassiveAltKey')).toBe(1);
  });

  it('needs no cookie where the sysctl says so', () => {
    const d = new Drill('listen', { tcp_fastopen: '515' });
    d.sk.setsockopt('TCP_FASTOPEN', 5);
    d.in('S 0:10(10) win 65535 <mss 1460>');
    expect(d.out()[0]).toMatch(/ack 11/);
    expect(d.accept().recvmsg(100, 0)).toMatchObject({ length: 10 });
  });

  it('does not serve it unasked', () => {
    const d = new Drill('listen', SERVER);
    d.in('S 0:0(0) win 65535 <mss 1460,FO>');
    expect(d.out()).toEqual(['S. 0:0(0) ack 1 <mss 1460>']);
  });

  it('repeats its SYN-ACK, and keeps the place of a connection that was reset after accept()', () => {
    const d = new Drill('listen', { tcp_fastopen: '515' });
    d.sk.setsockopt('TCP_FASTOPEN', 1);
    d.in('S 0:10(10) win 65535 <mss 1460>').run(1000);
    expect(d.out().length).toBe(2);
    const child = d.accept();
    d.in('R 11:11(0) win 0');
    expect(child.recvmsg(1, 0)).toMatchObject({ length: 1 });
    d.in('S 50:60(10) win 65535 <mss 1460>');
    expect(d.bench.mib('a', 'TcpExtTCPFastOpenListenOverflow')).toBe(1);
  });
});

describe('a connection opened with data, before its third packet', () => {
  function early(): { d: Drill; child: ReturnType<Drill['accept']> } {
    const d = new Drill('listen', { tcp_fastopen: '515' });
    d.sk.setsockopt('TCP_FASTOPEN', 1);
    d.in('S 0:10(10) win 65535 <mss 1460>');
    d.out();
    return { d, child: d.accept() };
  }

  it('may be closed: the FIN goes with the answer', () => {
    const { d, child } = early();
    child.recvmsg(100, 0);
    child.sendmsg(text('bye'), { flags: 0 });
    child.release();
    expect(d.out()).toEqual(['P. 1:4(3) ack 11', 'F. 4:4(0) ack 11']);
    d.in('. 11:11(0) ack 5 win 65535', 'F. 11:11(0) ack 5 win 65535');
    expect(d.out()).toEqual(['. 5:5(0) ack 12']);
    expect(d.sk.tfo?.qlen).toBe(0);
  });

  it('is reset where its data was not read, and leaves room', () => {
    const { d, child } = early();
    child.release();
    expect(d.out()).toEqual(['R. 1:1(0) ack 11']);
    expect(d.sk.tfo?.qlen).toBe(0);
  });

  it('survives an ICMP error once it is accepted', () => {
    const d = new Drill('listen', { tcp_fastopen: '515' });
    d.sk.setsockopt('TCP_FASTOPEN', 2);
    d.in('S 0:10(10) win 65535 <mss 1460>');
    const synack = d.bench.log[d.bench.log.length - 1] as Segment;
    const child = d.accept();
    injectIcmp(d.bench, 'a', synack, 3, 1, 0);
    expect(child.state).toBe(TCP_SYN_RECV);
    d.in('. 11:11(0) ack 1 win 65535');
    expect(child.state).toBe(TCP_ESTABLISHED);
  });

  it('is refused by an ICMP error as long as nobody has accepted it', () => {
    const d = new Drill('listen', { tcp_fastopen: '515' });
    d.sk.setsockopt('TCP_FASTOPEN', 2);
    d.in('S 0:10(10) win 65535 <mss 1460>');
    injectIcmp(d.bench, 'a', d.bench.log[d.bench.log.length - 1] as Segment, 3, 1, 0);
    const child = d.accept();
    expect(child.recvmsg(100, 0)).toMatchObject({ length: 10 });
    expect(child.recvmsg(100, 0)).toBe(-Errno.EHOSTUNREACH);
  });

  it('serves listeners that did not ask where tcp_fastopen has 0x400', () => {
    const d = new Drill('listen', { tcp_fastopen: '0x602' });
    d.in('S 0:10(10) win 65535 <mss 1460>');
    expect(d.out()[0]).toMatch(/ack 11/);
  });
});

describe('Fast Open, the client', () => {
  function pair(): Bench {
    const bench = new Bench(['a', 'b'], { delayNs: 5 * MS });
    bench.sysctl('b', 'ipv4/tcp_fastopen', '3');
    bench.sysctl('b', 'ipv4/tcp_fastopen_key', KEY);
    const listener = bench.socket('b');
    listener.setsockopt('TCP_FASTOPEN', 5);
    listener.bind(addr('0.0.0.0', 80));
    listener.listen(5);
    return bench;
  }

  it('asks for a cookie first and uses it then, across sockets', () => {
    const bench = pair();
    const first = bench.socket('a');
    const to = addr('10.0.0.2', 80);
    const fast = { flags: Msg.MSG_FASTOPEN, to };
    expect(first.sendmsg(text('one'), fast)).toBe(-Errno.EINPROGRESS);
    bench.run(SEC);
    expect(bench.log[0]?.options).toMatch(/,FO,nop,nop$/);
    expect(first.sendmsg(text('one'), { flags: 0 })).toBe(3);
    const from = bench.log.length + 1;
    const second = bench.socket('a');
    expect(second.sendmsg(text('two'), fast)).toBe(3);
    bench.run(SEC);
    const syn = bench.log.slice(from - 1).find((s) => s.flags === 'S');
    expect(syn?.len).toBe(3);
    expect(second.state).toBe(TCP_ESTABLISHED);
    expect(bench.mib('a', 'TcpExtTCPFastOpenActive')).toBe(1);
    expect(bench.mib('b', 'TcpExtTCPFastOpenPassive')).toBe(1);
    expect(tcpMetricsDump(bench.net('a'))).toMatchObject([
      { daddr: '10.0.0.2', saddr: '10.0.0.1', foMss: 1460 },
    ]);
  });

  it('TCP_FASTOPEN_CONNECT puts the SYN off until the first write', () => {
    const bench = pair();
    const to = addr('10.0.0.2', 80);
    const connect = (): ReturnType<Bench['socket']> => {
      const sk = bench.socket('a');
      expect(sk.setsockopt('TCP_FASTOPEN_CONNECT', 1)).toBe(0);
      return sk;
    };
    const first = connect();
    expect(first.connect(to)).toBe(-Errno.EINPROGRESS); // no cookie yet
    bench.run(SEC);
    const sent = bench.log.length;
    const second = connect();
    expect(second.connect(to)).toBe(0);
    expect(bench.log.length).toBe(sent);
    expect(second.sendmsg(text('late'), { flags: 0 })).toBe(4);
    bench.run(SEC);
    expect(bench.log[sent]).toMatchObject({ flags: 'S', len: 4 });
    expect(second.state).toBe(TCP_ESTABLISHED);
  });

  it('repeats data that the server did not take', () => {
    const d = new Drill('connect');
    d.in('R. 0:0(0) ack 1 win 0');
    const bench = pair();
    const to = addr('10.0.0.2', 80);
    bench.socket('a').sendmsg(text('x'), { flags: Msg.MSG_FASTOPEN, to });
    bench.run(SEC);
    bench.sysctl('b', 'ipv4/tcp_fastopen_key', '00000001-00000002-00000003-00000004');
    const sk = bench.socket('a');
    expect(sk.sendmsg(text('again'), { flags: Msg.MSG_FASTOPEN, to })).toBe(5);
    bench.run(SEC);
    expect(bench.mib('a', 'TcpExtTCPFastOpenActiveFail')).toBe(1);
    expect(bench.mib('b', 'TcpExtTCPFastOpenPassiveFail')).toBe(1);
    expect(sk.sndUna).toBe(sk.sndNxt); // arrived after all
    expect(untext(text('again'))).toBe('again');
  });

  it('is refused where the sysctl has it off', () => {
    const bench = pair();
    bench.sysctl('a', 'ipv4/tcp_fastopen', '0');
    const sk = bench.socket('a');
    expect(sk.setsockopt('TCP_FASTOPEN_CONNECT', 1)).toBe(-Errno.EOPNOTSUPP);
    expect(sk.sendmsg(text('x'), { flags: Msg.MSG_FASTOPEN, to: addr('10.0.0.2', 80) })).toBe(
      -Errno.EOPNOTSUPP,
    );
  });
});
