/**
 * The ARP cache's limits: room is made past gc_thresh2, refused past gc_thresh3, old entries are swept past gc_thresh1.
 */
import { arpCreate, ipv4Of } from '@netloom/kernel-inet';
import { encodeText, Nud, OpenFlag } from '@netloom/sys';
import type { Host } from './host.js';
import { ip4 } from './spec-frames.js';
import { SpecLab } from './spec-lab.js';

async function set(lab: SpecLab, host: Host, name: string, value: number): Promise<void> {
  lab.start(host, async (sys) => {
    const path = `/proc/sys/net/ipv4/neigh/default/${name}`;
    await sys.write(sys.open(path, OpenFlag.O_WRONLY), encodeText(String(value)));
    return 0;
  });
  await lab.advance(1e6);
}

function setup(): { lab: SpecLab; host: Host; add: (n: number, state?: number) => boolean } {
  const lab = new SpecLab();
  const host = lab.host('a');
  const nic = lab.nic(host, 'e0', '02:00:00:00:00:01', ['10.0.0.1/16']);
  const add = (n: number, state: number = Nud.NUD_STALE): boolean => {
    const neigh = arpCreate(nic.dev, ip4('10.0.0.0') + n);
    if (neigh === null) return false;
    neigh.nudState = state;
    neigh.used = host.kernel.engine.now;
    neigh.confirmed = host.kernel.engine.now;
    return true;
  };
  return { lab, host, add };
}

const entries = (host: Host): number => ipv4Of(host.kernel.initNet).neighCount;

describe('the ARP cache', () => {
  it('refuses entries past gc_thresh3 while all are in use, and says so ten times at most', async () => {
    const { lab, host, add } = setup();
    await set(lab, host, 'gc_thresh2', 4);
    await set(lab, host, 'gc_thresh3', 8);
    let made = 0;
    for (let n = 2; n < 40; n++) if (add(n)) made++;
    expect(made).toBe(8);
    const said = host.kernel.log.filter(({ text }) => text.includes('neighbor table overflow'));
    expect(said).toHaveLength(10);
    expect(said[0]?.text).toBe('neighbour: arp_cache: neighbor table overflow!');
  });

  it('makes room past gc_thresh2 once entries are of no use', async () => {
    const { lab, host, add } = setup();
    await set(lab, host, 'gc_thresh2', 4);
    for (let n = 2; n < 8; n++) expect(add(n)).toBe(true);
    await lab.advance(6e9);
    expect(add(50)).toBe(true);
    expect(entries(host)).toBeLessThanOrEqual(5);
  });

  it('sweeps stale entries past gc_thresh1, and leaves them below', async () => {
    const { lab, host, add } = setup();
    for (let n = 2; n < 6; n++) add(n);
    await lab.advance(300e9);
    expect(entries(host)).toBe(4);
    await set(lab, host, 'gc_thresh1', 2);
    add(50);
    add(51, Nud.NUD_PERMANENT);
    await lab.advance(300e9);
    expect(entries(host)).toBe(1);
  });
});
