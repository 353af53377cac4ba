// Wireshark's tools read what a run captures, and find nothing wrong in it.
import { join } from 'node:path';
import { at, filesOf, has, netloom, run, temporaryFolder } from './netloom.mjs';

const installed = has('tshark') && has('capinfos');
if (!installed) process.stderr.write('captures.spec: skipped, tshark is not installed here\n');

const CHECKS = ['ip', 'tcp', 'udp'].flatMap((layer) => ['-o', `${layer}.check_checksum:TRUE`]);
const WRONG = [
  '_ws.malformed',
  ...['ip', 'tcp', 'udp', 'icmp'].map((layer) => `${layer}.checksum.status == "Bad"`),
].join(' || ');

/** Lines that tshark prints for a capture. */
function tshark(path, ...args) {
  const { status, stdout, stderr } = run('tshark', ['-n', '-r', path, ...CHECKS, ...args]);
  if (status !== 0) throw new Error(`tshark: ${stderr}`);
  return stdout.split('\n').filter((line) => line !== '');
}

(installed ? describe : describe.skip)('captures of a run', () => {
  const folder = temporaryFolder();
  const pcap = join(folder, 'pcap');
  const router = join(pcap, 'r.pcapng');

  beforeAll(() => {
    const { status, stdout, stderr } = netloom(
      'run',
      at('e2e/data/two-nets.scenario.yml'),
      '--pcap',
      pcap,
    );
    if (status !== 0) throw new Error(`${stdout}${stderr}`);
  });

  it('have neither malformed packets nor bad checksums', () => {
    const files = filesOf(pcap);
    expect(files).toHaveLength(3);
    for (const { path } of files) {
      expect(tshark(path, '-Y', WRONG)).toEqual([]);
      expect(tshark(path, '-Y', 'tcp.checksum.status == "Good"').length).toBeGreaterThan(100);
    }
  });

  it('have what was sent', () => {
    const kinds = tshark(router, '-T', 'fields', '-e', '_ws.col.Protocol');
    expect([...new Set(kinds)]).toEqual(expect.arrayContaining(['ARP', 'ICMP', 'TCP']));
    expect(tshark(router, '-Y', 'icmp.type == 11')).toHaveLength(1);
    expect(tshark(router, '-Y', 'ip.flags.mf == 1').length).toBeGreaterThan(0);
    expect(tshark(router, '-Y', 'tcp.flags.syn == 1 && tcp.flags.ack == 0')).toHaveLength(2);
    expect(tshark(router, '-Y', 'tcp.analysis.retransmission').length).toBeGreaterThan(0);
  });

  it('name their interfaces and hosts', () => {
    const names = tshark(router, '-T', 'fields', '-e', 'frame.interface_name');
    expect([...new Set(names)].sort()).toEqual(['r:eth1', 'r:eth2']);
    const hosts = tshark(router, '-N', 'n', '-q', '-z', 'hosts').join('\n');
    expect(hosts).toMatch(/^10\.1\.0\.2\s+c(\s|$)/m);
    expect(hosts).toMatch(/^10\.2\.0\.2\s+s(\s|$)/m);
  });

  it('count nanoseconds, in order', () => {
    const { status, stdout } = run('capinfos', ['-M', router]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/File type: +pcapng/);
    expect(stdout).toMatch(/File timestamp precision: +nanoseconds \(9\)/);
    expect(stdout).toMatch(/Strict time order: +True/);
    expect(stdout).toMatch(/Number of interfaces in file: 2/);
    expect(stdout).toMatch(/Capture application: +netloom /);
    const times = tshark(router, '-T', 'fields', '-e', 'frame.time_epoch');
    expect(times.every((time) => /\.\d{9}$/.test(time))).toBe(true);
    expect(times.some((time) => !time.endsWith('000'))).toBe(true); // a rate of 100 Mbit/s: 80 ns a byte
  });
});
