import { run } from '../spec-sys.js';
import { LINKS } from '../spec-fixtures.js';
import { tcpdumpMain } from './main.js';

const rtnl = { RTM_GETLINK: () => [...LINKS] };

describe('tcpdump', () => {
  it('lists devices, what runs first', async () => {
    expect((await run(tcpdumpMain, 'tcpdump -D', { rtnl })).out).toBe(
      '1.v1 [Up, Running, Connected]\n2.v0 [Up, Running, Connected]\n3.br0 [Up, Running, Connected]\n' +
        '4.any (Pseudo-device that captures on all interfaces) [Up, Running]\n5.lo [Up, Running, Loopback]\n' +
        '6.far [Up, Disconnected]\n7.vx [none, Disconnected]\n',
    );
  });

  it('shows the code of a filter', async () => {
    expect(await run(tcpdumpMain, 'tcpdump -d icmp', { rtnl })).toMatchObject({
      code: 0,
      err: 'Warning: assuming Ethernet\n',
      out: '(000) ldh      [12]\n(001) jeq      #0x800           jt 2\tjf 5\n(002) ldb      [23]\n(003) jeq      #0x1             jt 4\tjf 5\n(004) ret      #262144\n(005) ret      #0\n',
    });
    expect((await run(tcpdumpMain, 'tcpdump -ddd icmp', { rtnl })).out).toMatch(/^6\n40 0 0 12\n/);
  });

  it.each([
    ['tcpdump -i nosuch', 'tcpdump: nosuch: No such device exists\n(No such device exists)\n'],
    ['tcpdump -i vx', 'tcpdump: vx: That device is not up\n'],
    [
      "tcpdump -d 'tcp porrt 80'",
      "Warning: assuming Ethernet\ntcpdump: can't parse filter expression: syntax error\n",
    ],
    ['tcpdump -r nosuch.pcap', 'tcpdump: nosuch.pcap: No such file or directory\n'],
    ['tcpdump -c x', 'tcpdump: invalid packet count x\n'],
    ['tcpdump -s x', 'tcpdump: invalid snaplen x (must be >= 0 and <= 262144)\n'],
    ['tcpdump -Q foo', "tcpdump: unknown capture direction `foo'\n"],
  ])('%s is refused', async (line, err) => {
    expect(await run(tcpdumpMain, line, { rtnl })).toMatchObject({ code: 1, err });
  });
});
