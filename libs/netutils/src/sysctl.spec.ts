import { run, type FakeHost } from './spec-sys.js';
import { sysctlMain } from './sysctl.js';

const host = (): FakeHost & { files: Map<string, string> } => ({
  files: new Map([
    ['/proc/sys/net/ipv4/ip_forward', '0\n'],
    ['/proc/sys/net/ipv4/tcp_rmem', '4096\t131072\t6291456\n'],
    ['/proc/sys/net/ipv4/conf/all/rp_filter', '0\n'],
    ['/proc/sys/net/ipv4/conf/eth0.1/rp_filter', '2\n'],
    [
      '/conf',
      '# c\n; d\nnet.ipv4.ip_forward = 1\nfoo\n-net.ipv4.foo=3\nnet.ipv4.conf.*.rp_filter=1\n',
    ],
  ]),
});

describe('sysctl', () => {
  it.each([
    ['sysctl net.ipv4.ip_forward', 'net.ipv4.ip_forward = 0\n'],
    ['sysctl net/ipv4/ip_forward', 'net.ipv4.ip_forward = 0\n'],
    ['sysctl -n net.ipv4.tcp_rmem', '4096\t131072\t6291456\n'],
    ['sysctl -N net.ipv4.ip_forward', 'net.ipv4.ip_forward\n'],
    ['sysctl -b net.ipv4.ip_forward', '0'],
    ['sysctl net.ipv4.conf.eth0/1.rp_filter', 'net.ipv4.conf.eth0/1.rp_filter = 2\n'],
    [
      'sysctl net.ipv4.conf',
      'net.ipv4.conf.all.rp_filter = 0\nnet.ipv4.conf.eth0/1.rp_filter = 2\n',
    ],
    ['sysctl -a -r tcp_', 'net.ipv4.tcp_rmem = 4096\t131072\t6291456\n'],
    ['sysctl -e net.ipv4.foo', ''],
  ])('%s', async (line, out) => {
    expect(await run(sysctlMain, line, host())).toMatchObject({ code: 0, out, err: '' });
  });

  it('writes, with or without -w, and tells what it wrote', async () => {
    const one = host();
    expect(
      await run(
        sysctlMain,
        "sysctl -w 'net.ipv4.tcp_rmem=4096 87380 16777216' net.ipv4.ip_forward=1",
        one,
      ),
    ).toMatchObject({
      code: 0,
      out: 'net.ipv4.tcp_rmem = 4096 87380 16777216\nnet.ipv4.ip_forward = 1\n',
    });
    expect(one.files.get('/proc/sys/net/ipv4/ip_forward')).toBe('1\n');
    expect((await run(sysctlMain, 'sysctl -qw net.ipv4.ip_forward=0', one)).out).toBe('');
    expect((await run(sysctlMain, 'sysctl -n net.ipv4.ip_forward=1', one)).out).toBe('1\n');
  });

  it.each([
    [
      'sysctl net.ipv4.ip_forward net.ipv4.foo',
      'sysctl: cannot stat /proc/sys/net/ipv4/foo: No such file or directory\n',
    ],
    [
      'sysctl -w net.ipv4.foo=1',
      'sysctl: cannot stat /proc/sys/net/ipv4/foo: No such file or directory\n',
    ],
    ['sysctl -w net.ipv4.ip_forward', 'sysctl: command line(0): invalid syntax, continuing...\n'],
    ['sysctl -p /nonexistent', 'sysctl: cannot open "/nonexistent": No such file or directory\n'],
  ])('%s fails', async (line, err) => {
    expect(await run(sysctlMain, line, host())).toMatchObject({ code: 1, err });
  });

  it('reads files of settings', async () => {
    expect(await run(sysctlMain, 'sysctl -p /conf', host())).toMatchObject({
      code: 1,
      out: 'net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.rp_filter = 1\nnet.ipv4.conf.eth0/1.rp_filter = 1\n',
      err: 'sysctl: /conf(4): invalid syntax, continuing...\nsysctl: cannot stat /proc/sys/net/ipv4/foo: No such file or directory\n',
    });
  });
});
