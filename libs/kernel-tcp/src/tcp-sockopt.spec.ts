/**
 * Socket options as Linux 6.18 takes them: option, value set on a new socket, result, value read back.
 */
import { Errno, type ErrnoName } from '@netloom/base';
import type { SockOpt } from '@netloom/sys';
import { Bench } from './testing.js';

const result = (value: number | string): number =>
  typeof value === 'number' ? value : -Errno[value.slice(1) as ErrnoName];

describe('options of a TCP socket', () => {
  const bench = new Bench(['a']);

  it.each<[SockOpt, number, number | string, number]>([
    ['TCP_MAXSEG', 0, 0, 536],
    ['TCP_MAXSEG', 50, '-EINVAL', 536],
    ['TCP_MAXSEG', 87, '-EINVAL', 536],
    ['TCP_MAXSEG', 88, 0, 88],
    ['TCP_MAXSEG', 100, 0, 100],
    ['TCP_MAXSEG', 1460, 0, 1460],
    ['TCP_MAXSEG', 32767, 0, 32767],
    ['TCP_MAXSEG', 32768, '-EINVAL', 536],
    ['TCP_MAXSEG', -1, '-EINVAL', 536],
    ['TCP_SYNCNT', 0, '-EINVAL', 6],
    ['TCP_SYNCNT', 1, 0, 1],
    ['TCP_SYNCNT', 3, 0, 3],
    ['TCP_SYNCNT', 127, 0, 127],
    ['TCP_SYNCNT', 128, '-EINVAL', 6],
    ['TCP_KEEPIDLE', 0, '-EINVAL', 7200],
    ['TCP_KEEPIDLE', 1, 0, 1],
    ['TCP_KEEPIDLE', 32767, 0, 32767],
    ['TCP_KEEPIDLE', 32768, '-EINVAL', 7200],
    ['TCP_KEEPINTVL', 0, '-EINVAL', 75],
    ['TCP_KEEPINTVL', 7, 0, 7],
    ['TCP_KEEPINTVL', 32768, '-EINVAL', 75],
    ['TCP_KEEPCNT', 0, '-EINVAL', 9],
    ['TCP_KEEPCNT', 5, 0, 5],
    ['TCP_KEEPCNT', 127, 0, 127],
    ['TCP_KEEPCNT', 128, '-EINVAL', 9],
    ['TCP_LINGER2', -5, 0, -1],
    ['TCP_LINGER2', 0, 0, 60],
    ['TCP_LINGER2', 30, 0, 30],
    ['TCP_LINGER2', 60, 0, 60],
    ['TCP_LINGER2', 100, 0, 100],
    ['TCP_LINGER2', 121, 0, 120],
    ['TCP_LINGER2', 500, 0, 120],
    ['TCP_DEFER_ACCEPT', -1, 0, 0],
    ['TCP_DEFER_ACCEPT', 0, 0, 0],
    ['TCP_DEFER_ACCEPT', 1, 0, 1],
    ['TCP_DEFER_ACCEPT', 2, 0, 3],
    ['TCP_DEFER_ACCEPT', 3, 0, 3],
    ['TCP_DEFER_ACCEPT', 5, 0, 7],
    ['TCP_DEFER_ACCEPT', 10, 0, 15],
    ['TCP_DEFER_ACCEPT', 100, 0, 127],
    ['TCP_DEFER_ACCEPT', 1000, 0, 1087],
    ['TCP_WINDOW_CLAMP', -1, 0, 1152],
    ['TCP_WINDOW_CLAMP', 0, 0, 0],
    ['TCP_WINDOW_CLAMP', 1, 0, 1152],
    ['TCP_WINDOW_CLAMP', 100, 0, 1152],
    ['TCP_WINDOW_CLAMP', 2000, 0, 2000],
    ['TCP_WINDOW_CLAMP', 70000, 0, 70000],
    ['TCP_USER_TIMEOUT', -1, '-EINVAL', 0],
    ['TCP_USER_TIMEOUT', 0, 0, 0],
    ['TCP_USER_TIMEOUT', 5000, 0, 5000],
    ['TCP_QUICKACK', 0, 0, 0],
    ['TCP_QUICKACK', 1, 0, 1],
    ['TCP_QUICKACK', 2, 0, 1],
    ['TCP_THIN_LINEAR_TIMEOUTS', -1, '-EINVAL', 0],
    ['TCP_THIN_LINEAR_TIMEOUTS', 0, 0, 0],
    ['TCP_THIN_LINEAR_TIMEOUTS', 1, 0, 1],
    ['TCP_THIN_LINEAR_TIMEOUTS', 2, '-EINVAL', 0],
    ['TCP_FASTOPEN', -1, '-EINVAL', 0],
    ['TCP_FASTOPEN', 0, 0, 0],
    ['TCP_FASTOPEN', 5, 0, 5],
    ['TCP_NOTSENT_LOWAT', 0, 0, 0],
    ['TCP_NOTSENT_LOWAT', 1000, 0, 1000],
    ['TCP_NOTSENT_LOWAT', -1, 0, -1],
    ['TCP_FASTOPEN_CONNECT', 0, 0, 0],
    ['TCP_FASTOPEN_CONNECT', 1, 0, 1],
    ['TCP_FASTOPEN_CONNECT', 2, '-EINVAL', 0],
    ['TCP_FASTOPEN_NO_COOKIE', 0, 0, 0],
    ['TCP_FASTOPEN_NO_COOKIE', 1, 0, 1],
    ['TCP_FASTOPEN_NO_COOKIE', 2, '-EINVAL', 0],
    ['TCP_INQ', -1, '-EINVAL', 0],
    ['TCP_INQ', 0, 0, 0],
    ['TCP_INQ', 1, 0, 1],
    ['TCP_INQ', 2, '-EINVAL', 0],
    ['TCP_RTO_MAX_MS', 999, '-EINVAL', 120000],
    ['TCP_RTO_MAX_MS', 1000, 0, 1000],
    ['TCP_RTO_MAX_MS', 5000, 0, 5000],
    ['TCP_RTO_MAX_MS', 120000, 0, 120000],
    ['TCP_RTO_MAX_MS', 120001, '-EINVAL', 120000],
    ['SO_OOBINLINE', 0, 0, 0],
    ['SO_OOBINLINE', 1, 0, 1],
    ['SO_OOBINLINE', 2, 0, 1],
    ['SO_ZEROCOPY', 0, 0, 0],
    ['SO_ZEROCOPY', 1, 0, 1],
    ['SO_ZEROCOPY', 2, '-EINVAL', 0],
    ['TCP_CORK', 0, 0, 0],
    ['TCP_CORK', 1, 0, 1],
    ['TCP_CORK', 2, 0, 1],
    ['TCP_NODELAY', 0, 0, 0],
    ['TCP_NODELAY', 5, 0, 1],
    ['IP_TOS', 16, 0, 16],
    ['IP_TOS', 19, 0, 16],
    ['IP_TOS', 3, 0, 0],
  ])('%s = %d', (option, value, expected, read) => {
    const sk = bench.socket('a');
    expect(sk.setsockopt(option, value)).toBe(result(expected));
    expect(Number(sk.getsockopt(option)) >>> 0).toBe(read >>> 0);
  });

  it('SO_RCVLOWAT is bounded by half of the largest buffer', () => {
    const sk = bench.socket('a');
    sk.setsockopt('SO_RCVLOWAT', -1);
    expect(sk.getsockopt('SO_RCVLOWAT')).toBe(6291456 / 2);
    sk.setsockopt('SO_RCVLOWAT', 0);
    expect(sk.getsockopt('SO_RCVLOWAT')).toBe(1);
  });
});
