import { KernelError } from '@netloom/base';
import { AF_BRIDGE, Nud, type NeighMsg } from '@netloom/sys';
import { ip, LINKS, mac } from '../spec-fixtures.js';
import { run, type FakeRtnl } from '../spec-sys.js';
import { bridgeMain } from './main.js';

const fdb = (lladdr: string, part: Partial<NeighMsg>): NeighMsg => ({
  family: AF_BRIDGE,
  ifindex: 2,
  lladdr: mac(lladdr),
  state: Nud.NUD_REACHABLE,
  flags: 4,
  master: 4,
  cacheinfo: { used: 3, confirmed: 3, updated: 1, refcnt: 0 },
  ...part,
});

const rtnl: FakeRtnl = {
  RTM_GETLINK: () => [...LINKS],
  RTM_GETNEIGH: () => [
    fdb('02:00:00:00:00:98', {}),
    fdb('02:00:00:00:00:99', { state: Nud.NUD_NOARP }),
    fdb('f2:f2:11:45:f1:9f', { state: Nud.NUD_PERMANENT }),
    {
      family: AF_BRIDGE,
      ifindex: 2,
      lladdr: mac('33:33:00:00:00:01'),
      state: Nud.NUD_PERMANENT,
      flags: 2,
    },
    {
      family: AF_BRIDGE,
      ifindex: 5,
      lladdr: mac('00:00:00:00:00:00'),
      dst: ip('10.0.0.9'),
      state: Nud.NUD_PERMANENT,
      flags: 2,
    },
  ],
};

const call = (line: string, more: FakeRtnl = {}) =>
  run(bridgeMain, line, { rtnl: { ...rtnl, ...more } });

describe('bridge', () => {
  it('shows forwarding entries', async () => {
    expect((await call('bridge fdb show br br0')).out).toBe(`\
02:00:00:00:00:98 dev v1 master br0 
02:00:00:00:00:99 dev v1 master br0 static
f2:f2:11:45:f1:9f dev v1 master br0 permanent
33:33:00:00:00:01 dev v1 self permanent
`);
    expect((await call('bridge fdb show dev vx')).out).toBe(
      '00:00:00:00:00:00 dst 10.0.0.9 self permanent\n',
    );
    expect((await call('bridge fdb show dynamic')).out).toBe(
      '02:00:00:00:00:98 dev v1 master br0 \n',
    );
    expect((await call('bridge fdb show br br0 state static')).out).toBe(
      '02:00:00:00:00:99 dev v1 master br0 static\n',
    );
    expect((await call('bridge -s fdb show dev v1 dynamic')).out).toBe(
      '02:00:00:00:00:98 used 3/1 master br0 \n',
    );
    expect((await call('bridge -j fdb show dynamic')).out).toBe(
      '[{"mac":"02:00:00:00:00:98","ifname":"v1","flags":[],"master":"br0","state":""}]\n',
    );
  });

  it('shows and changes ports', async () => {
    expect((await call('bridge link')).out).toBe(
      '2: v1@v0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master br0 state forwarding priority 32 cost 2 \n',
    );
    expect((await call('bridge -d link show dev v1')).out).toContain(
      '\n    hairpin off guard off root_block off fastleave off learning on flood on mcast_flood on bcast_flood on mcast_router 1 mcast_to_unicast off neigh_suppress off vlan_tunnel off isolated off locked off \n',
    );
    expect((await call('bridge link set dev v1 cost 10 hairpin on state 0')).changes).toEqual([
      [
        'RTM_SETLINK',
        {
          ifindex: 2,
          slaveKind: 'bridge',
          slaveData: { cost: 10, hairpin: true, state: 'disabled' },
        },
      ],
    ]);
  });

  it('adds and deletes entries', async () => {
    expect(
      (await call('bridge fdb add 02:00:00:00:00:55 dev v1 master static vlan 7')).changes,
    ).toEqual([
      [
        'RTM_NEWNEIGH',
        {
          family: AF_BRIDGE,
          ifindex: 2,
          lladdr: mac('02:00:00:00:00:55'),
          state: Nud.NUD_NOARP,
          flags: 4,
          vlan: 7,
          mode: 'add',
        },
      ],
    ]);
    const exists: FakeRtnl = {
      RTM_NEWNEIGH: () => {
        throw new KernelError('EEXIST');
      },
    };
    expect(await call('bridge fdb add 02:00:00:00:00:55 dev v1', exists)).toMatchObject({
      code: 255,
      err: 'RTNETLINK answers: File exists\n',
    });
  });

  it.each([
    ['bridge fdb add zz dev v1', 'Invalid mac address zz\n'],
    ['bridge fdb add', 'Device and address are required arguments.\n'],
    ['bridge fdb show dev nosuch', 'Cannot find device "nosuch"\n'],
    ['bridge fdb show br nosuch', 'Cannot find bridge device "nosuch"\n'],
    ['bridge link set cost 1', 'Device is a required argument.\n'],
    ['bridge foo', 'Object "foo" is unknown, try "bridge help".\n'],
    ['bridge fdb foo', 'Command "foo" is unknown, try "bridge fdb help".\n'],
  ])('%s is refused', async (line, err) => {
    expect(await call(line)).toMatchObject({ code: 255, err });
  });
});
