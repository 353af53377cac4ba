import { Errno } from '@netloom/base';
import { Msg, Poll } from '@netloom/sys';
import { TCP_CLOSE, TCP_CLOSE_WAIT, TCP_ESTABLISHED, TCP_FIN_WAIT2 } from './tcp-const.js';
import { addr, Bench, connectPair, drain, MS, SEC } from './testing.js';

const bytes = (n: number): Uint8Array =>
  Uint8Array.from({ length: n }, (_, i) => (i * 7 + (i >> 8)) & 255);
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
/** The first offset at which two byte strings differ, -1 where they are equal. */
function firstDifference(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) if (a[i] !== b[i]) return i;
  return -1;
}
const text = (t: string): Uint8Array => new TextEncoder().encode(t);

describe('opening a connection', () => {
  it('shakes hands as Linux does', () => {
    const bench = new Bench(['a', 'b'], { delayNs: MS });
    const { client, server } = connectPair(bench);
    expect(bench.texts()).toEqual([
      'a S 0:0(0) win 64240 <mss 1460,sackOK,TS,nop,wscale 7>',
      'b S. 0:0(0) ack 1 win 65160 <mss 1460,sackOK,TS,nop,wscale 7>',
      'a . 1:1(0) ack 1 win 502 <nop,nop,TS>',
    ]);
    expect(client.state).toBe(TCP_ESTABLISHED);
    expect(server.state).toBe(TCP_ESTABLISHED);
    expect(client.poll()).toBe(Poll.POLLOUT);
    expect(client.connect(addr('10.0.0.2', 80))).toBe(0);
    expect(client.connect(addr('10.0.0.2', 80))).toBe(-Errno.EISCONN);
    expect(client.getname(true)).toEqual(addr('10.0.0.2', 80));
    expect(bench.mib('a', 'TcpActiveOpens')).toBe(1);
    expect(bench.mib('b', 'TcpPassiveOpens')).toBe(1);
    expect(bench.mib('a', 'TcpCurrEstab')).toBe(1);
    expect(bench.states).toEqual([
      'b CLOSE>LISTEN',
      'a CLOSE>SYN_SENT',
      'a SYN_SENT>ESTABLISHED',
      'b CLOSE>SYN_RECV',
      'b SYN_RECV>ESTABLISHED',
    ]);
  });

  it('leaves out what sysctls switch off', () => {
    const bench = new Bench(['a', 'b'], { delayNs: MS });
    bench.sysctl('a', 'ipv4/tcp_sack', '0');
    bench.sysctl('a', 'ipv4/tcp_timestamps', '0');
    connectPair(bench);
    expect(bench.texts().slice(0, 2)).toEqual([
      'a S 0:0(0) win 64240 <mss 1460,nop,wscale 7>',
      'b S. 0:0(0) ack 1 win 64240 <mss 1460,nop,wscale 7>',
    ]);
  });

  it('is refused by a closed port', () => {
    const bench = new Bench(['a', 'b'], { delayNs: MS });
    const client = bench.socket('a');
    expect(client.connect(addr('10.0.0.2', 81))).toBe(-Errno.EINPROGRESS);
    expect(client.connect(addr('10.0.0.2', 81))).toBe(-Errno.EALREADY);
    bench.run(SEC);
    expect(bench.texts()[1]).toBe('b R. 0:0(0) ack 1 win 0');
    expect(client.poll() & (Poll.POLLERR | Poll.POLLHUP)).toBe(Poll.POLLERR | Poll.POLLHUP);
    expect(client.connect(addr('10.0.0.2', 81))).toBe(-Errno.ECONNREFUSED);
    expect(bench.mib('b', 'TcpOutRsts')).toBe(1);
    expect(bench.mib('a', 'TcpAttemptFails')).toBe(1);
  });

  it('repeats a lost SYN each second, then doubles, and gives up', () => {
    const bench = new Bench(['a', 'b']);
    bench.rule = () => true;
    const client = bench.socket('a');
    client.connect(addr('10.0.0.2', 80));
    bench.run(200 * SEC);
    expect(bench.log.map((s) => s.time / SEC)).toEqual([0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67]);
    expect(client.state).toBe(TCP_CLOSE);
    expect(client.getsockopt('SO_ERROR')).toBe(Errno.ETIMEDOUT);
    expect(bench.mib('a', 'TcpExtTCPSynRetrans')).toBe(10);
  });

  it('repeats a lost SYN-ACK and survives a lost third packet', () => {
    const bench = new Bench(['a', 'b'], { delayNs: MS });
    let lost = 0;
    bench.rule = (s) =>
      (s.flags === 'S.' && lost++ === 0) || (s.flags === '.' && s.seq === 1 && lost++ === 1);
    const { client, server } = connectPair(bench);
    bench.run(10 * SEC);
    expect(client.state).toBe(TCP_ESTABLISHED);
    expect(server?.state ?? 0).toBe(TCP_ESTABLISHED);
  });

  it('opens when both call at once', () => {
    const bench = new Bench(['a', 'b'], { delayNs: 10 * MS });
    const a = bench.socket('a');
    const b = bench.socket('b');
    a.bind(addr('10.0.0.1', 1000));
    b.bind(addr('10.0.0.2', 2000));
    a.connect(addr('10.0.0.2', 2000));
    b.connect(addr('10.0.0.1', 1000));
    bench.run(SEC);
    expect([a.state, b.state]).toEqual([TCP_ESTABLISHED, TCP_ESTABLISHED]);
    expect(bench.states).toContain('a SYN_SENT>SYN_RECV');
    expect(a.sendmsg(text('hi'), { flags: 0 })).toBe(2);
    bench.run(SEC);
    expect(drain(b)).toEqual([text('hi')]);
  });

  it('works over loopback with its large segments', () => {
    const bench = new Bench(['a']);
    const listener = bench.socket('a');
    listener.bind(addr('127.0.0.1', 9));
    listener.listen(1);
    const client = bench.socket('a');
    client.connect(addr('127.0.0.1', 9));
    bench.run(MS);
    const server = listener.accept() as unknown as typeof client;
    const data = bytes(300_000);
    let sent = 0;
    const got: Uint8Array[] = [];
    for (let i = 0; i < 100; i++) {
      if (sent < data.length)
        sent += Math.max(0, client.sendmsg(data.subarray(sent), { flags: 0 }));
      bench.run(10 * MS);
      got.push(...(drain(server) ?? []));
    }
    expect(firstDifference(joined(got), data)).toBe(-1);
    expect(client.mssCache).toBe(65483);
  });
});

describe('listening', () => {
  it('keeps backlog + 1 connections, counts what it turns away, and lets them in later', () => {
    const bench = new Bench(['a', 'b'], { delayNs: MS });
    const listener = bench.socket('b');
    listener.bind(addr('0.0.0.0', 80));
    listener.listen(1);
    const clients = [0, 1, 2].map(() => bench.socket('a'));
    for (const client of clients) {
      client.connect(addr('10.0.0.2', 80));
      bench.run(50 * MS);
    }
    expect(clients.map((c) => c.poll() & Poll.POLLOUT)).toEqual([4, 4, 0]);
    expect(listener.diag().recvQ).toBe(2);
    expect(bench.mib('b', 'TcpExtListenOverflows')).toBe(1);
    expect(bench.mib('b', 'TcpExtListenDrops')).toBe(1);
    expect(listener.accept()).not.toBeNull();
    bench.run(2 * SEC);
    expect(clients.map((c) => c.poll() & Poll.POLLOUT)).toEqual([4, 4, 4]);
  });

  it('answers a SYN flood with cookies', () => {
    const bench = new Bench(['a', 'b'], { delayNs: MS });
    const listener = bench.socket('b');
    listener.bind(addr('0.0.0.0', 80));
    listener.listen(4);
    let hold = true;
    bench.rule = (s) => hold && s.from === 'a' && s.flags === '.';
    const clients = Array.from({ length: 5 }, () => bench.socket('a'));
    for (const client of clients) client.connect(addr('10.0.0.2', 80));
    bench.run(10 * MS);
    expect(bench.mib('b', 'TcpExtSyncookiesSent')).toBe(1);
    hold = false;
    clients[4]?.sendmsg(text('cookie'), { flags: 0 });
    bench.run(10 * MS);
    expect(bench.mib('b', 'TcpExtSyncookiesRecv')).toBe(1);
    const child = listener.accept() as unknown as (typeof clients)[0];
    bench.run(SEC);
    expect(drain(child)).toEqual([text('cookie')]);
    expect(child.rxOpt.wscaleOk && child.rxOpt.sackOk).toBe(true);
  });

  it('shares ports as SO_REUSEADDR allows', () => {
    const bench = new Bench(['a', 'b']);
    const one = bench.socket('b');
    const two = bench.socket('b');
    expect(one.bind(addr('0.0.0.0', 80))).toBe(0);
    expect(two.bind(addr('10.0.0.2', 80))).toBe(-Errno.EADDRINUSE);
    one.release();
    const three = bench.socket('b');
    const four = bench.socket('b');
    for (const sk of [three, four]) sk.setsockopt('SO_REUSEADDR', 1);
    expect([three.bind(addr('0.0.0.0', 80)), four.bind(addr('0.0.0.0', 80))]).toEqual([0, 0]);
    expect([three.listen(1), four.listen(1)]).toEqual([0, -Errno.EADDRINUSE]);
  });
});

describe('data', () => {
  it('delays an ACK, answers with data, pushes the end of a write', () => {
    const bench = new Bench(['a', 'b'], { delayNs: MS });
    const { client, server } = connectPair(bench);
    const from = bench.log.length;
    client.sendmsg(text('hello\n'), { flags: 0 });
    bench.run(SEC);
    expect(bench.texts(from)).toEqual([
      'a P. 1:7(6) ack 1 win 502 <nop,nop,TS>',
      'b . 1:1(0) ack 7 win 510 <nop,nop,TS>',
    ]);
    const peeked = server.recvmsg(100, Msg.MSG_PEEK);
    expect(typeof peeked === 'number' ? peeked : peeked.data).toEqual(text('hello\n'));
    expect(drain(server)).toEqual([text('hello\n')]);
    expect(server.recvmsg(10, 0)).toBe(-Errno.EAGAIN);
  });

  it('holds small segments back by Nagle, not with TCP_NODELAY or when corked too long', () => {
    const bench = new Bench(['a', 'b'], { delayNs: 10 * MS });
    const { client } = connectPair(bench);
    const from = bench.log.length;
    client.sendmsg(text('a'), { flags: 0 });
    client.sendmsg(text('b'), { flags: 0 });
    client.sendmsg(text('c'), { flags: 0 });
    expect(bench.log.slice(from).map((s) => s.len)).toEqual([1]);
    bench.run(SEC);
    expect(
      bench.log
        .slice(from)
        .filter((s) => s.from === 'a')
        .map((s) => s.len),
    ).toEqual([1, 2]);
    client.setsockopt('TCP_NODELAY', 1);
    client.sendmsg(text('d'), { flags: 0 });
    client.sendmsg(text('e'), { flags: 0 });
    expect(
      bench.log
        .filter((s) => s.from === 'a')
        .slice(-2)
        .map((s) => s.len),
    ).toEqual([1, 1]);
    bench.run(SEC);
    client.setsockopt('TCP_CORK', 1);
    const corked = bench.log.length;
    client.sendmsg(text('f'), { flags: 0 });
    bench.run(100 * MS);
    expect(bench.log.length).toBe(corked);
    client.setsockopt('TCP_CORK', 0);
    expect(bench.log.length).toBe(corked + 1);
  });

  it('repairs a lost segment by SACK within a round trip', () => {
    const bench = new Bench(['a', 'b'], { delayNs: 10 * MS });
    const { client, server } = connectPair(bench);
    let dropped = false;
    bench.rule = (s) => s.from === 'a' && s.seq === 1449 && !dropped && (dropped = true);
    const data = bytes(8 * 1448);
    const from = bench.log.length;
    client.sendmsg(data, { flags: 0 });
    bench.run(500 * MS);
    const sent = bench.log.slice(from).filter((s) => s.from === 'a' && s.len > 0);
    expect(sent.filter((s) => s.seq === 1449).map((s) => s.time - (sent[0]?.time ?? 0))).toEqual([
      0,
      20 * MS,
    ]);
    expect(bench.log.some((s) => s.from === 'b' && s.options.includes('sack 2897:'))).toBe(true);
    expect(bench.mib('a', 'TcpExtTCPSackRecovery')).toBe(1);
    expect(bench.mib('a', 'TcpRetransSegs')).toBe(1);
    expect(bench.mib('b', 'TcpExtTCPOFOQueue')).toBe(6);
    expect(firstDifference(joined(drain(server) ?? []), data)).toBe(-1);
    expect(client.caState).toBe(0);
    expect([client.packetsOut, client.sackedOut, client.lostOut, client.retransOut]).toEqual([
      0, 0, 0, 0,
    ]);
  });

  it('repairs a lost segment without SACK after three duplicate ACKs', () => {
    const bench = new Bench(['a', 'b'], { delayNs: 10 * MS });
    bench.sysctl('a', 'ipv4/tcp_sack', '0');
    const { client, server } = connectPair(bench);
    let dropped = false;
    bench.rule = (s) => s.from === 'a' && s.seq === 1449 && !dropped && (dropped = true);
    const data = bytes(8 * 1448);
    client.sendmsg(data, { flags: 0 });
    bench.run(500 * MS);
    expect(bench.mib('a', 'TcpExtTCPRenoRecovery')).toBe(1);
    expect(bench.mib('a', 'TcpExtTCPTimeouts')).toBe(0);
    expect(firstDifference(joined(drain(server) ?? []), data)).toBe(-1);
    expect([client.packetsOut, client.sackedOut, client.lostOut, client.retransOut]).toEqual([
      0, 0, 0, 0,
    ]);
  });

  it('retransmits by timeout with back-off when nothing comes back, and gives up in the end', () => {
    const bench = new Bench(['a', 'b'], { delayNs: MS });
    const { client } = connectPair(bench);
    bench.sysctl('a', 'ipv4/tcp_retries2', '3');
    bench.rule = () => true;
    const from = bench.log.length;
    const start = bench.engine.now;
    client.sendmsg(text('x'), { flags: 0 });
    bench.run(60 * SEC);
    const times = bench.log.slice(from).map((s) => Math.round((s.time - start) / MS));
    // a tail loss probe after the timeout of 202 ms that it may not exceed, then timeouts that double
    expect(times.slice(0, 4)).toEqual([0, 202, 404, 808]);
    expect(client.getsockopt('SO_ERROR')).toBe(Errno.ETIMEDOUT);
    expect(bench.mib('a', 'TcpExtTCPAbortOnTimeout')).toBe(1);
    expect(bench.mib('a', 'TcpExtTCPLossProbes')).toBe(1);
  });

  it('puts segments in order that overtake each other', () => {
    const bench = new Bench(['a', 'b'], { delayNs: 10 * MS });
    const { client, server } = connectPair(bench);
    bench.rule = (s) => (s.from === 'a' && s.len > 0 ? ((s.seq * 7) % 5) * 300_000 : false);
    const data = bytes(20 * 1448);
    client.sendmsg(data, { flags: 0 });
    bench.run(2 * SEC);
    expect(firstDifference(joined(drain(server) ?? []), data)).toBe(-1);
  });

  it('closes the window of a reader that does not read, probes it, and goes on', () => {
    const bench = new Bench(['a', 'b'], { delayNs: MS });
    const { client, server } = connectPair(bench);
    const data = bytes(2_000_000);
    let sent = 0;
    for (let i = 0; i < 50; i++) {
      sent += Math.max(0, client.sendmsg(data.subarray(sent), { flags: 0 }));
      bench.run(100 * MS);
    }
    expect(bench.log.at(-1)?.win).toBe(0);
    expect(client.diag().timer?.name).toBe('persist');
    expect(bench.mib('a', 'TcpExtTCPWinProbe')).toBeGreaterThan(1);
    expect(bench.mib('b', 'TcpExtTCPToZeroWindowAdv')).toBe(1);
    const got: Uint8Array[] = [];
    for (let i = 0; i < 400 && sent < data.length; i++) {
      got.push(...(drain(server) ?? []));
      bench.run(10 * MS);
      sent += Math.max(0, client.sendmsg(data.subarray(sent), { flags: 0 }));
    }
    bench.run(SEC);
    got.push(...(drain(server) ?? []));
    expect(firstDifference(joined(got), data)).toBe(-1);
    expect(bench.mib('b', 'TcpExtTCPFromZeroWindowAdv')).toBe(1);
  });
});

describe('closing', () => {
  it('ends with TIME-WAIT at the side that closed first', () => {
    const bench = new Bench(['a', 'b'], { delayNs: MS });
    const { client, server } = connectPair(bench);
    const from = bench.log.length;
    client.release();
    bench.run(100 * MS);
    expect(server.state).toBe(TCP_CLOSE_WAIT);
    expect(server.poll() & (Poll.POLLIN | Poll.POLLRDHUP)).toBe(Poll.POLLIN | Poll.POLLRDHUP);
    expect(drain(server)).toBeUndefined();
    server.release();
    bench.run(100 * MS);
    expect(bench.log.slice(from).map((s) => `${s.from} ${s.flags}`)).toEqual([
      'a F.',
      'b .',
      'b F.',
      'a .',
    ]);
    expect(server.destroyed && client.destroyed).toBe(true);
    const diag = [...bench.modules.sockDiag('tcp', bench.net('a'))].map((s) => s.diag());
    expect(diag.map((d) => [d.state, d.timer?.name])).toEqual([[6, 'timewait']]);
    expect([...bench.modules.sockDiag('tcp', bench.net('b'))].length).toBe(1); // the listener
    bench.run(61 * SEC);
    expect([...bench.modules.sockDiag('tcp', bench.net('a'))]).toEqual([]);
    expect(bench.mib('a', 'TcpExtTW')).toBe(1);
    expect(bench.mib('a', 'TcpCurrEstab') + bench.mib('b', 'TcpCurrEstab')).toBe(0);
  });

  it('lets a half-closed connection carry data the other way', () => {
    const bench = new Bench(['a', 'b'], { delayNs: MS });
    const { client, server } = connectPair(bench);
    client.sendmsg(text('question'), { flags: 0 });
    client.shutdown(2);
    expect(client.sendmsg(text('x'), { flags: 0 })).toBe(-Errno.EPIPE);
    bench.run(SEC);
    expect(client.state).toBe(TCP_FIN_WAIT2);
    expect(drain(server)).toEqual([text('question')]);
    expect(drain(server)).toBeUndefined();
    server.sendmsg(text('late answer'), { flags: 0 });
    bench.run(SEC);
    expect(drain(client)).toEqual([text('late answer')]);
    server.release();
    bench.run(SEC);
    expect(drain(client)).toBeUndefined();
    client.release();
    expect(bench.texts().filter((t) => t.includes(' R'))).toEqual([]);
  });

  it('closes from both sides at once', () => {
    const bench = new Bench(['a', 'b'], { delayNs: 10 * MS });
    const { client, server } = connectPair(bench);
    client.release();
    server.release();
    bench.run(SEC);
    expect(bench.states).toContain('a FIN_WAIT1>CLOSING');
    expect(bench.states).toContain('b FIN_WAIT1>CLOSING');
    expect(bench.net('a').mib).toBeDefined();
    const states = ['a', 'b'].map((h) =>
      [...bench.modules.sockDiag('tcp', bench.net(h))]
        .map((s) => s.diag().state)
        .filter((s) => s !== 10),
    );
    expect(states).toEqual([[6], [6]]);
  });

  it('repeats a lost FIN', () => {
    const bench = new Bench(['a', 'b'], { delayNs: MS });
    const { client, server } = connectPair(bench);
    let lost = 0;
    bench.rule = (s) => s.flags.includes('F') && lost++ < 2;
    client.release();
    bench.run(5 * SEC);
    expect(server.state).toBe(TCP_CLOSE_WAIT);
  });

  it('resets a peer whose data nobody read, and says so', () => {
    const bench = new Bench(['a', 'b'], { delayNs: MS });
    const { client, server } = connectPair(bench);
    client.sendmsg(text('unread'), { flags: 0 });
    bench.run(100 * MS);
    server.release();
    bench.run(100 * MS);
    expect(bench.log.at(-1)?.flags).toBe('R.');
    expect(client.state).toBe(TCP_CLOSE);
    expect(client.recvmsg(1, 0)).toBe(-Errno.ECONNRESET);
    expect(client.recvmsg(1, 0)).toMatchObject({ length: 0 });
    expect(client.sendmsg(text('x'), { flags: 0 })).toBe(-Errno.EPIPE);
    expect(bench.mib('b', 'TcpExtTCPAbortOnClose')).toBe(1);
    expect(bench.mib('a', 'TcpEstabResets')).toBe(1);
  });

  it('resets at once with SO_LINGER of zero', () => {
    const bench = new Bench(['a', 'b'], { delayNs: MS });
    const { client, server } = connectPair(bench);
    client.setsockopt('SO_LINGER', [1, 0]);
    client.release();
    bench.run(100 * MS);
    expect(server.recvmsg(1, 0)).toBe(-Errno.ECONNRESET);
    expect(client.destroyed).toBe(true);
  });

  it('answers data for a closed process with RST', () => {
    const bench = new Bench(['a', 'b'], { delayNs: MS });
    const { client, server } = connectPair(bench);
    server.release();
    bench.run(100 * MS);
    expect(client.state).toBe(TCP_CLOSE_WAIT);
    client.sendmsg(text('too late'), { flags: 0 });
    bench.run(100 * MS);
    expect(bench.log.at(-1)?.flags).toBe('R');
    expect(client.sendmsg(text('again'), { flags: 0 })).toBe(-Errno.EPIPE);
  });

  it('gives an orphan in FIN-WAIT-2 its time, then forgets it', () => {
    const bench = new Bench(['a', 'b'], { delayNs: MS });
    bench.sysctl('a', 'ipv4/tcp_fin_timeout', '15');
    const { client } = connectPair(bench);
    client.release();
    bench.run(SEC);
    const states = (): number[] =>
      [...bench.modules.sockDiag('tcp', bench.net('a'))].map((s) => s.diag().state);
    expect(states()).toEqual([TCP_FIN_WAIT2]);
    bench.run(15 * SEC);
    expect(states()).toEqual([]);
  });

  it('takes a new connection over one in TIME-WAIT', () => {
    const bench = new Bench(['a', 'b'], { delayNs: MS });
    const { client, server } = connectPair(bench);
    const local = client.getname(false);
    server.release(); // TIME-WAIT at b, which listens
    bench.run(10 * MS);
    client.release();
    bench.run(2 * SEC);
    const again = bench.socket('a');
    expect(typeof local === 'number' ? local : again.bind(local)).toBe(0);
    again.connect(addr('10.0.0.2', 80));
    bench.run(SEC);
    expect(again.state).toBe(TCP_ESTABLISHED);
  });

  it('goes with its namespace', () => {
    const bench = new Bench(['a', 'b'], { delayNs: MS });
    const { client, server } = connectPair(bench);
    client.sendmsg(bytes(5000), { flags: 0 });
    bench.rule = () => true;
    client.release();
    server.release();
    bench.run(100 * MS);
    for (const name of ['a', 'b']) bench.kernel(name).destroyNet(bench.net(name));
    expect(client.destroyed && server.destroyed).toBe(true);
    bench.run(100 * SEC);
    expect(bench.pool.live).toBe(0);
  });

  it('frees every buffer', () => {
    const bench = new Bench(['a', 'b'], { delayNs: MS });
    const { client, server, listener } = connectPair(bench);
    client.sendmsg(bytes(100_000), { flags: 0 });
    bench.run(SEC);
    drain(server);
    bench.run(SEC);
    client.release();
    server.release();
    listener.release();
    bench.run(200 * SEC);
    expect(bench.pool.live).toBe(0);
    expect(bench.pool.mem.inUse).toEqual({ small: 0, large: 0 });
    expect(bench.engine.pending).toBe(0);
  });
});
