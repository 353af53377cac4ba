import { Errno } from '@netloom/base';
import { Msg, Poll, type RecvResult } from '@netloom/sys';
import { Drill } from './drill.js';
import { drain, MS } from './testing.js';
import type { TcpStreamSock } from './tcp.js';

const data = (n: number): Uint8Array => new Uint8Array(n).fill(0x62);
const TX_ALL = 0x2 | 0x10 | 0x80 | 0x100 | 0x200; // software, report, OPT_ID, sched, ack

function errors(sk: TcpStreamSock): RecvResult[] {
  const out: RecvResult[] = [];
  for (;;) {
    const result = sk.recvmsg(0, Msg.MSG_ERRQUEUE);
    if (typeof result === 'number') return out;
    out.push(result);
  }
}

describe('MSG_ZEROCOPY', () => {
  it('tells which sends are complete once they are acknowledged, as one range', () => {
    const { drill, sk } = Drill.established();
    sk.setsockopt('SO_ZEROCOPY', 1);
    for (let i = 0; i < 2; i++) sk.sendmsg(data(1000), { flags: Msg.MSG_ZEROCOPY });
    drill.in('. 1:1(0) ack 1001 win 65535');
    expect(sk.poll() & Poll.POLLERR).not.toBe(0);
    drill.in('. 1:1(0) ack 2001 win 65535');
    expect(errors(sk).map((e) => e.control.err)).toMatchObject([
      { errno: 0, origin: 5, code: 1, info: 0, data: 1 },
    ]);
    expect(sk.poll() & Poll.POLLERR).toBe(0);
  });

  it('needs SO_ZEROCOPY, and a connection', () => {
    const { drill, sk } = Drill.established();
    sk.sendmsg(data(1000), { flags: Msg.MSG_ZEROCOPY });
    drill.in('. 1:1(0) ack 1001 win 65535');
    expect(errors(sk)).toEqual([]);
  });
});

describe('SO_TIMESTAMPING', () => {
  it('tells when the last byte of a write was queued, sent and acknowledged', () => {
    const { drill, sk } = Drill.established();
    const from = drill.bench.engine.now;
    expect(sk.setsockopt('SO_TIMESTAMPING', TX_ALL)).toBe(0);
    sk.sendmsg(data(3000), { flags: 0 });
    drill.run(30).in('. 1:1(0) ack 3001 win 65535');
    const told = errors(sk);
    expect(told.map((e) => [e.control.err?.info, e.control.err?.data])).toEqual([
      [1, 2999],
      [0, 2999],
      [2, 2999],
    ]);
    expect(told.map((e) => (e.control.timestamping?.[0] ?? 0) - from)).toEqual([0, 0, 30 * MS]);
    expect(told[0]?.control.err).toMatchObject({ errno: Errno.ENOMSG, origin: 4 });
    expect(told[0]?.flags).toBe(Msg.MSG_ERRQUEUE | Msg.MSG_TRUNC);
  });

  it('refuses identifiers before there is a stream', () => {
    const d = new Drill('listen');
    expect(d.sk.setsockopt('SO_TIMESTAMPING', TX_ALL)).toBe(-Errno.EINVAL);
  });

  it('stamps what is received', () => {
    const { drill, sk } = Drill.established();
    sk.setsockopt('SO_TIMESTAMPNS', 1);
    drill.in('P. 1:11(10) ack 1 win 65535');
    const at = drill.bench.engine.now;
    drill.run(50);
    expect(sk.recvmsg(10, 0)).toMatchObject({ control: { timestampNs: at } });
  });
});

it('TCP_INQ tells what is left', () => {
  const { drill, sk } = Drill.established();
  sk.setsockopt('TCP_INQ', 1);
  drill.in('P. 1:101(100) ack 1 win 65535');
  expect(sk.recvmsg(30, 0)).toMatchObject({ control: { inq: 70 } });
  drill.in('F. 101:101(0) ack 1 win 65535');
  expect(sk.recvmsg(70, 0)).toMatchObject({ control: { inq: 1 } });
});

it('TCP_NOTSENT_LOWAT stops writers while much waits unsent', () => {
  const { sk } = Drill.established(4000);
  sk.setsockopt('TCP_NOTSENT_LOWAT', 1000);
  const taken = sk.sendmsg(data(20000), { flags: 0 });
  expect(taken).toBeLessThan(8000);
  expect(sk.poll() & Poll.POLLOUT).toBe(0);
});

describe('urgent data', () => {
  it('is sent with a pointer behind its last byte until it is acknowledged', () => {
    const { drill, sk } = Drill.established();
    sk.sendmsg(data(3), { flags: Msg.MSG_OOB });
    expect(drill.out()).toEqual(['P.U 1:4(3) ack 1']);
    drill.in('. 1:1(0) ack 4 win 65535');
    sk.sendmsg(data(3), { flags: 0 });
    expect(drill.out()).toEqual(['P. 4:7(3) ack 1']);
  });

  it('is read apart, and divides the stream', () => {
    const { drill, sk } = Drill.established();
    drill.in('P.U 1:6(5) ack 1 win 65535 urg 5');
    expect(sk.poll() & Poll.POLLPRI).not.toBe(0);
    expect(sk.recvmsg(1, Msg.MSG_OOB)).toMatchObject({ length: 1, flags: Msg.MSG_OOB });
    expect(sk.recvmsg(1, Msg.MSG_OOB)).toBe(-Errno.EINVAL);
    drill.in('P. 6:9(3) ack 1 win 65535');
    expect(sk.recvmsg(100, 0)).toMatchObject({ length: 4 });
    expect(sk.recvmsg(100, 0)).toMatchObject({ length: 3 });
  });

  it('stays in the stream with SO_OOBINLINE', () => {
    const { drill, sk } = Drill.established();
    sk.setsockopt('SO_OOBINLINE', 1);
    drill.in('P.U 1:6(5) ack 1 win 65535 urg 5', 'P. 6:9(3) ack 1 win 65535');
    expect(drain(sk)?.map((part) => part.length)).toEqual([4, 4]);
  });
});
