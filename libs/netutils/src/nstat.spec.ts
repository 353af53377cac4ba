import { nstatMain } from './nstat.js';
import { run } from './spec-sys.js';

const snmp = (received: number): string =>
  `Ip: Forwarding DefaultTTL InReceives\nIp: 2 64 ${received}\nIcmp: InMsgs InErrors\nIcmp: ${received} 0\n`;

describe('nstat', () => {
  it('shows increments since its last run', async () => {
    const files = new Map([
      ['/proc/net/snmp', snmp(4)],
      ['/proc/net/netstat', 'IpExt: InOctets\nIpExt: 336\n'],
    ]);
    expect((await run(nstatMain, 'nstat', { files })).out).toBe(
      '#kernel\nIpInReceives                    4                  0.0\nIcmpInMsgs                      4                  0.0\nIpExtInOctets                   336                0.0\n',
    );
    expect((await run(nstatMain, 'nstat', { files })).out).toBe('#kernel\n');
    files.set('/proc/net/snmp', snmp(6));
    expect((await run(nstatMain, 'nstat -s IcmpInMsgs', { files })).out).toBe(
      '#kernel\nIcmpInMsgs                      2                  0.0\n',
    );
    expect((await run(nstatMain, "nstat 'icmp*'", { files })).out).toBe(
      '#kernel\nIcmpInMsgs                      2                  0.0\n',
    );
    expect((await run(nstatMain, 'nstat -z IcmpInErrors', { files })).out).toBe(
      '#kernel\nIcmpInErrors                    0                  0.0\n',
    );
    expect((await run(nstatMain, 'nstat -azj IcmpInMsgs IcmpInErrors', { files })).out).toBe(
      '{"kernel":{"IcmpInMsgs":6,"IcmpInErrors":0}}\n',
    );
  });
});
