import { KernelError } from '@netloom/base';
import { AF_INET, type RouteMsg } from '@netloom/sys';
import { ADDRESSES, ip, LINKS, mac, NEIGHBOURS, route, ROUTES, RULES } from '../spec-fixtures.js';
import { run, type FakeRtnl, type Outcome } from '../spec-sys.js';
import { ipMain } from './main.js';

const rtnl: FakeRtnl = {
  RTM_GETLINK: () => [...LINKS],
  RTM_GETADDR: ({ family }) =>
    ADDRESSES.filter((one) => family === undefined || one.family === family),
  RTM_GETROUTE: ({ table }) => ROUTES.filter((one) => table === undefined || one.table === table),
  RTM_GETRULE: () => [...RULES],
  RTM_GETNEIGH: () => [...NEIGHBOURS],
};

const call = (line: string, more: FakeRtnl = {}): Promise<Outcome> =>
  run(ipMain, line, { rtnl: { ...rtnl, ...more } });
const text = async (line: string): Promise<string> => (await call(line)).out;

describe('ip link', () => {
  it('shows interfaces', async () => {
    expect(await text('ip link')).toBe(`\
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
2: v1@v0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master br0 state UP mode DEFAULT group default qlen 1000
    link/ether f2:f2:11:45:f1:9f brd ff:ff:ff:ff:ff:ff
3: v0@v1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000
    link/ether da:9b:a5:65:a4:a8 brd ff:ff:ff:ff:ff:ff
4: br0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000
    link/ether f2:f2:11:45:f1:9f brd ff:ff:ff:ff:ff:ff
5: vx: <BROADCAST,MULTICAST> mtu 1450 qdisc noop state DOWN mode DEFAULT group default qlen 1000
    link/ether 36:ff:78:e1:99:25 brd ff:ff:ff:ff:ff:ff
6: far@if5: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state LOWERLAYERDOWN mode DEFAULT group default qlen 1000
    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff link-netnsid 0
`);
  });

  it('shows a bridge port in detail', async () => {
    expect(await text('ip -d link show v1')).toBe(`\
2: v1@v0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master br0 state UP mode DEFAULT group default qlen 1000
    link/ether f2:f2:11:45:f1:9f brd ff:ff:ff:ff:ff:ff promiscuity 1  allmulti 1 minmtu 68 maxmtu 65535 
    veth 
    bridge_slave state forwarding priority 32 cost 2 hairpin off guard off root_block off fastleave off learning on flood on port_id 0x8001 port_no 0x1 designated_port 32769 designated_cost 0 designated_bridge 8000.f2:f2:11:45:f1:9f designated_root 8000.f2:f2:11:45:f1:9f hold_timer    0.00 message_age_timer    0.00 forward_delay_timer   13.98 topology_change_ack 0 config_pending 0 proxy_arp off proxy_arp_wifi off mcast_router 1 mcast_fast_leave off mcast_flood on bcast_flood on mcast_to_unicast off neigh_suppress off group_fwd_mask 0 group_fwd_mask_str 0x0 vlan_tunnel off isolated off locked off numtxqueues 2 numrxqueues 2 gso_max_size 65536 gso_max_segs 65535 
`);
  });

  it('shows VXLAN attributes as text and JSON', async () => {
    expect(await text('ip -d link show vx')).toContain(
      '    vxlan id 42 remote 10.0.0.9 dev v0 srcport 0 0 dstport 4789 ttl auto ageing 300 udpcsum noudp6zerocsumtx noudp6zerocsumrx numtxqueues 1',
    );
    expect(await text('ip -d -j link show vx')).toContain(
      '"linkinfo":{"info_kind":"vxlan","info_data":{"id":42,"remote":"10.0.0.9","link":"v0","port_range":{"low":0,"high":0},"port":4789,"learning":true,"ttl":0,"df":"unset","ageing":300,"udp_csum":true,"udp_zero_csum6_tx":false,"udp_zero_csum6_rx":false}}',
    );
  });

  it('shows counters', async () => {
    expect(await text('ip -s -s link show v0')).toBe(`\
3: v0@v1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000
    link/ether da:9b:a5:65:a4:a8 brd ff:ff:ff:ff:ff:ff
    RX:  bytes packets errors dropped  missed   mcast           
           484       6      0       0       0       0 
    RX errors:  length    crc   frame    fifo overrun
                     0      0       0       0       0 
    TX:  bytes packets errors dropped carrier collsns           
           266       3      0       0       0       0 
    TX errors: aborted   fifo  window heartbt transns
                     0      0       0       0       2 
`);
  });

  it('prints the short form, one line a record, JSON and colours', async () => {
    expect(await text('ip -br link show v0')).toBe(
      'v0@v1            UP             da:9b:a5:65:a4:a8 <BROADCAST,MULTICAST,UP,LOWER_UP> \n',
    );
    expect(await text('ip -o link show v0')).toBe(
      '3: v0@v1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000\\    link/ether da:9b:a5:65:a4:a8 brd ff:ff:ff:ff:ff:ff\n',
    );
    expect(await text('ip -j link show v0')).toBe(
      '[{"ifindex":3,"link":"v1","ifname":"v0","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"mtu":1500,"qdisc":"noqueue","operstate":"UP","linkmode":"DEFAULT","group":"default","txqlen":1000,"link_type":"ether","address":"da:9b:a5:65:a4:a8","broadcast":"ff:ff:ff:ff:ff:ff"}]\n',
    );
    expect(await text('ip -c=always -br a show vx')).toBe(
      '\x1b[36mvx               \x1b[0m\x1b[31mDOWN           \x1b[0m\n',
    );
    expect(await text('ip -br -c=never l sh v0')).not.toContain('\x1b');
  });

  it.each([
    ['type veth', ['v1', 'v0', 'far']],
    ['master br0', ['v1']],
    ['up', ['lo', 'v1', 'v0', 'br0', 'far']],
    ['type nosuch', []],
    ['nomaster', ['lo', 'v0', 'br0', 'vx', 'far']],
  ])('selects by %s', async (selector, names) => {
    const listed = JSON.parse(await text(`ip -j link show ${selector}`)) as { ifname: string }[];
    expect(listed.map((one) => one.ifname)).toEqual(names);
  });

  it('creates a pair of veths with attributes of both ends', async () => {
    const { code, changes } = await call(
      'ip link add ve9 mtu 1400 address 02:00:00:00:00:09 txqueuelen 5 type veth peer name ve8 mtu 1300',
    );
    expect(code).toBe(0);
    expect(changes).toEqual([
      [
        'RTM_NEWLINK',
        {
          kind: 'veth',
          ifname: 've9',
          mtu: 1400,
          txqlen: 5,
          address: mac('02:00:00:00:00:09'),
          peer: { ifname: 've8', mtu: 1300 },
        },
      ],
    ]);
  });

  it('changes an interface', async () => {
    const { changes } = await call(
      'ip link set dev v0 up mtu 1400 promisc on arp off master br0 name w0',
    );
    expect(changes).toEqual([
      [
        'RTM_SETLINK',
        { ifindex: 3, newName: 'w0', flags: 0x181, flagsMask: 0x181, mtu: 1400, master: 4 },
      ],
    ]);
    expect((await call('ip link set br0 type bridge ageing_time 100 stp 1')).changes).toEqual([
      ['RTM_SETLINK', { ifindex: 4, kind: 'bridge', data: { ageing_time: 100, stp_state: 1 } }],
    ]);
    expect((await call('ip link set v1 type bridge_slave hairpin on')).changes).toEqual([
      ['RTM_SETLINK', { ifindex: 2, slaveKind: 'bridge', slaveData: { hairpin: true } }],
    ]);
  });

  it.each([
    ['ip link show nosuch', 1, 'Device "nosuch" does not exist.\n'],
    ['ip link set nosuch up', 1, 'Cannot find device "nosuch"\n'],
    ['ip link del nosuch', 1, 'Cannot find device "nosuch"\n'],
    ['ip link set v0 mtu abc', 255, 'Error: argument "abc" is wrong: Invalid "mtu" value\n\n'],
    ['ip link set v0 foo', 255, 'Error: either "dev" is duplicate, or "foo" is a garbage.\n'],
    ['ip link set', 255, 'Not enough information: "dev" argument is required.\n'],
    ['ip link add foo', 1, 'Not enough information: "type" argument is required\n'],
    [
      'ip link set v0 master nosuch',
      255,
      'Error: argument "nosuch" is wrong: Device does not exist\n\n',
    ],
    [
      'ip link set v0 netns nosuch',
      255,
      'Error: argument "nosuch" is wrong: Invalid "netns" value\n\n',
    ],
    [
      'ip link set v0 promisc maybe',
      1,
      'Error: argument of "promisc" must be "on" or "off", not "maybe"\n',
    ],
    ['ip link set v0 address 00:zz', 1, '"zz" is invalid lladdr.\n'],
    [
      'ip link set v0 name averyveryverylongname',
      255,
      'Error: argument "averyveryverylongname" is wrong: "name" not a valid ifname\n',
    ],
    [
      'ip link add averyveryverylongname type veth',
      2,
      'Error: Attribute failed policy validation.\n',
    ],
    ['ip link add ve22 mtu', 255, 'Command line is not complete. Try option "help"\n'],
    ['ip link show dev', 255, 'Command line is not complete. Try option "help"\n'],
    ['ip link show group foo', 255, 'Error: argument "foo" is wrong: Invalid "group" value\n\n'],
    ['ip link bar', 255, 'Command "bar" is unknown, try "ip link help".\n'],
    ['ip foo', 1, 'Object "foo" is unknown, try "ip help".\n'],
    ['ip -x', 255, 'Option "-x" is unknown, try "ip -help".\n'],
    ['ip -fam foo link', 255, 'Error: argument "foo" is wrong: invalid protocol family\n'],
    [
      'ip -n nosuch link',
      255,
      'Cannot open network namespace "nosuch": No such file or directory\n',
    ],
  ])('%s is refused', async (line, code, err) => {
    expect(await call(line)).toMatchObject({ code, err, out: '' });
  });

  it('passes on what the kernel says', async () => {
    const refuse = (error: KernelError): FakeRtnl => ({
      RTM_SETLINK: () => {
        throw error;
      },
    });
    expect(
      await call(
        'ip link set v0 mtu 70000',
        refuse(new KernelError('EINVAL', 'mtu greater than device maximum')),
      ),
    ).toMatchObject({
      code: 2,
      err: 'Error: mtu greater than device maximum.\n',
    });
    expect(await call('ip link set v0 name v1', refuse(new KernelError('EEXIST')))).toMatchObject({
      code: 2,
      err: 'RTNETLINK answers: File exists\n',
    });
  });
});

describe('ip address', () => {
  it('shows addresses under their interfaces', async () => {
    expect(await text('ip addr show v0')).toBe(`\
3: v0@v1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000
    link/ether da:9b:a5:65:a4:a8 brd ff:ff:ff:ff:ff:ff
    inet 10.0.0.1/24 scope global v0
       valid_lft forever preferred_lft forever
    inet 10.0.0.5/24 brd 10.0.0.255 scope global secondary v0:1
       valid_lft forever preferred_lft forever
    inet6 fe80::d89b:a5ff:fe65:a4a8/64 scope link tentative 
       valid_lft forever preferred_lft forever
`);
    expect(await text('ip -4 a s v1')).toBe(`\
2: v1@v0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master br0 state UP group default qlen 1000
    inet 10.6.0.1/24 metric 5 scope link noprefixroute v1
       valid_lft forever preferred_lft forever
    inet 10.5.0.1/24 scope global dynamic v1
       valid_lft 100sec preferred_lft 50sec
    inet 10.3.0.1 peer 10.3.0.2/32 scope global v1
       valid_lft forever preferred_lft forever
`);
  });

  it('prints short, one-line and JSON forms', async () => {
    expect(await text('ip -br addr')).toBe(`\
lo               UNKNOWN        127.0.0.1/8 ::1/128 
v1@v0            UP             10.6.0.1/24 metric 5 10.5.0.1/24 10.3.0.1 peer 10.3.0.2/32 
v0@v1            UP             10.0.0.1/24 10.0.0.5/24 fe80::d89b:a5ff:fe65:a4a8/64 
br0              UP             
vx               DOWN           
far@if5          LOWERLAYERDOWN 
`);
    expect(await text('ip -o -4 addr show v0')).toBe(
      '3: v0    inet 10.0.0.1/24 scope global v0\\       valid_lft forever preferred_lft forever\n' +
        '3: v0    inet 10.0.0.5/24 brd 10.0.0.255 scope global secondary v0:1\\       valid_lft forever preferred_lft forever\n',
    );
    expect(await text('ip -j -p -4 addr show lo')).toBe(`\
[ {
        "ifindex": 1,
        "ifname": "lo",
        "flags": [ "LOOPBACK","UP","LOWER_UP" ],
        "mtu": 65536,
        "qdisc": "noqueue",
        "operstate": "UNKNOWN",
        "group": "default",
        "txqlen": 1000,
        "addr_info": [ {
                "family": "inet",
                "local": "127.0.0.1",
                "prefixlen": 8,
                "scope": "host",
                "label": "lo",
                "valid_life_time": 4294967295,
                "preferred_life_time": 4294967295
            } ]
    } ]
`);
  });

  it('asks for addresses as typed', async () => {
    expect(
      (
        await call(
          'ip addr add 10.9.0.1/24 brd + dev v0 label v0:2 valid_lft 100 preferred_lft 50 metric 7',
        )
      ).changes,
    ).toEqual([
      [
        'RTM_NEWADDR',
        {
          family: AF_INET,
          ifindex: 3,
          local: ip('10.9.0.1'),
          address: ip('10.9.0.1'),
          prefixlen: 24,
          scope: 0,
          broadcast: ip('10.9.0.255'),
          label: 'v0:2',
          validLft: 100,
          preferredLft: 50,
          metric: 7,
        },
      ],
    ]);
    expect((await call('ip addr add 10.3.0.1 peer 10.3.0.2/32 dev v1')).changes).toEqual([
      [
        'RTM_NEWADDR',
        {
          family: AF_INET,
          ifindex: 2,
          local: ip('10.3.0.1'),
          address: ip('10.3.0.2'),
          prefixlen: 32,
          scope: 0,
        },
      ],
    ]);
    expect((await call('ip addr add 127.0.0.5/8 dev lo')).changes[0]?.[1]).toMatchObject({
      scope: 254,
    });
  });

  it('warns of a deletion without a length', async () => {
    const { code, err, changes } = await call('ip addr del 10.0.0.1 dev v0');
    expect(code).toBe(0);
    expect(err).toBe(
      'Warning: Executing wildcard deletion to stay compatible with old scripts.\n' +
        '         Explicitly specify the prefix length (10.0.0.1/32) to avoid this warning.\n' +
        '         This special behaviour is likely to disappear in further releases,\n' +
        '         fix your scripts!\n',
    );
    expect(changes).toEqual([
      ['RTM_DELADDR', { family: AF_INET, ifindex: 3, local: ip('10.0.0.1') }],
    ]);
  });

  it.each([
    ['ip addr add 10.0.0.1/24', 1, 'Not enough information: "dev" argument is required.\n'],
    [
      'ip addr add 10.0.0.1/33 dev v0',
      1,
      'Error: any valid prefix is expected rather than "10.0.0.1/33".\n',
    ],
    ['ip addr add foo dev v0', 1, 'Error: any valid prefix is expected rather than "foo".\n'],
    ['ip addr add 1.1.1.1 dev nosuch', 1, 'Cannot find device "nosuch"\n'],
    [
      'ip addr add 1.1.1.1/24 dev v0 brd foo',
      1,
      'Error: inet address is expected rather than "foo".\n',
    ],
    [
      'ip addr add 1.1.1.1/24 dev v0 scope foo',
      255,
      'Error: argument "foo" is wrong: invalid scope value.\n',
    ],
    [
      'ip addr add 1.1.1.1/24 dev v0 valid_lft 10 preferred_lft 50',
      1,
      'preferred_lft is greater than valid_lft\n',
    ],
    ['ip addr flush', 1, 'Flush requires arguments.\n'],
    ['ip addr bar', 255, 'Command "bar" is unknown, try "ip address help".\n'],
  ])('%s is refused', async (line, code, err) => {
    expect(await call(line)).toMatchObject({ code, err });
  });
});

describe('ip route', () => {
  it('lists the main table', async () => {
    expect(await text('ip route')).toBe(`\
default via 10.0.0.2 dev v0 
default via 10.0.0.3 dev v0 metric 100 
10.0.0.0/24 dev v0 proto kernel scope link src 10.0.0.1 
10.66.1.0/24 via 10.0.0.2 dev v0 mtu lock 1400 advmss 1300 initcwnd 20 rto_min lock 5ms quickack 1 
blackhole 10.66.2.0/24 
10.77.0.0/16 
\tnexthop via 10.0.0.2 dev v0 weight 1 
\tnexthop via 10.2.0.2 dev v1 weight 2 
10.78.0.0/16 via 10.99.0.1 dev v0 onlink 
10.79.0.0/16 dev v1 proto static scope link src 10.2.0.1 metric 50 
10.80.0.0/16 tos 0x10 dev v1 scope link 
`);
  });

  it('tells the table where several are listed, and details with -d', async () => {
    expect(await text('ip route show table all')).toContain(
      '10.81.0.0/16 via 10.2.0.2 dev v1 table 77 proto 200 \n',
    );
    expect(await text('ip route show table all')).toContain(
      'local 10.0.0.1 dev v0 table local proto kernel scope host src 10.0.0.1 \n',
    );
    expect(await text('ip route show table 77')).toBe(
      '10.81.0.0/16 via 10.2.0.2 dev v1 proto 200 \n',
    );
    expect(await text('ip -d route show default')).toBe(
      'unicast default via 10.0.0.2 dev v0 proto boot scope global \nunicast default via 10.0.0.3 dev v0 proto boot scope global metric 100 \n',
    );
  });

  it.each([
    ['10.66.0.0/16', ''],
    ['root 10.66.2.0/24', 'blackhole 10.66.2.0/24 \n'],
    [
      'match 10.80.1.1',
      'default via 10.0.0.2 dev v0 \ndefault via 10.0.0.3 dev v0 metric 100 \n10.80.0.0/16 tos 0x10 dev v1 scope link \n',
    ],
    ['exact 10.80.0.0/16', '10.80.0.0/16 tos 0x10 dev v1 scope link \n'],
    ['via 10.0.0.3', 'default dev v0 metric 100 \n'],
    [
      'dev v1',
      '10.79.0.0/16 proto static scope link src 10.2.0.1 metric 50 \n10.80.0.0/16 tos 0x10 scope link \n',
    ],
    ['proto static', '10.79.0.0/16 dev v1 scope link src 10.2.0.1 metric 50 \n'],
    ['src 10.2.0.1', '10.79.0.0/16 dev v1 proto static scope link metric 50 \n'],
    ['metric 50', '10.79.0.0/16 dev v1 proto static scope link src 10.2.0.1 \n'],
    ['type blackhole', 'blackhole 10.66.2.0/24 \n'],
  ])('selects by %s and leaves out what the selector says', async (selector, out) => {
    expect(await text(`ip route show ${selector}`)).toBe(out);
  });

  it('writes JSON', async () => {
    expect(await text('ip -j route show root 10.66.0.0/15')).toBe(
      '[{"dst":"10.66.1.0/24","gateway":"10.0.0.2","dev":"v0","flags":[],"metrics":[{"mtu":1400,"advmss":1300,"initcwnd":20,"rto_min":5,"quickack":1}]},{"type":"blackhole","dst":"10.66.2.0/24","flags":[]}]\n',
    );
    expect(await text('ip -j -p route show table 99')).toBe('[ ]\n');
    expect(await text('ip -j route show 10.77.0.0/16')).toBe(
      '[{"dst":"10.77.0.0/16","flags":[],"nexthops":[{"gateway":"10.0.0.2","dev":"v0","weight":1,"flags":[]},{"gateway":"10.2.0.2","dev":"v1","weight":2,"flags":[]}]}]\n',
    );
  });

  it('shows the route to one destination', async () => {
    const one = (msg: RouteMsg): FakeRtnl => ({ RTM_GETROUTE_ONE: () => msg });
    const direct = route({
      dst: ip('10.0.0.7'),
      dstLen: 32,
      flags: 0x200,
      prefsrc: ip('10.0.0.1'),
      uid: 0,
      nexthops: [{ ifindex: 3, weight: 1, flags: 0 }],
    });
    expect((await call('ip route get 10.0.0.7', one(direct))).out).toBe(
      '10.0.0.7 dev v0 src 10.0.0.1 uid 0 \n    cache \n',
    );
    expect((await call('ip -o route get 10.0.0.7', one(direct))).out).toBe(
      '10.0.0.7 dev v0 src 10.0.0.1 uid 0 \\    cache \n',
    );
    expect((await call('ip -j route get 10.0.0.7', one(direct))).out).toBe(
      '[{"dst":"10.0.0.7","dev":"v0","prefsrc":"10.0.0.1","flags":[],"uid":0,"cache":[]}]\n',
    );
    const broadcast = { ...direct, type: 3, flags: 0x90000200 };
    expect((await call('ip route get 10.0.0.255', one(broadcast))).out).toContain(
      '    cache <local,brd> \n',
    );
    expect(
      (
        await call(
          'ip route get 10.0.0.7 from 10.0.0.9 iif v1',
          one({ ...direct, src: ip('10.0.0.9'), iif: 2 }),
        )
      ).out,
    ).toBe('10.0.0.7 from 10.0.0.9 dev v0 src 10.0.0.1 uid 0 \n    cache iif v1 \n');
  });

  it('asks for routes as typed', async () => {
    expect(
      (await call('ip route add 10.88.0.0/16 via 10.0.0.2 mtu lock 1400 metric 7')).changes,
    ).toEqual([
      [
        'RTM_NEWROUTE',
        {
          family: AF_INET,
          dst: ip('10.88.0.0'),
          dstLen: 16,
          protocol: 3,
          priority: 7,
          metrics: { lock: 4, mtu: 1400 },
          nexthops: [{ via: ip('10.0.0.2') }],
          type: 1,
          mode: 'add',
        },
      ],
    ]);
    expect(
      (await call('ip route replace default nexthop via 10.0.0.2 weight 2 nexthop dev v1')).changes,
    ).toEqual([
      [
        'RTM_NEWROUTE',
        {
          family: AF_INET,
          dstLen: 0,
          protocol: 3,
          nexthops: [
            { via: ip('10.0.0.2'), weight: 2 },
            { ifindex: 2, weight: 1 },
          ],
          type: 1,
          mode: 'replace',
        },
      ],
    ]);
    expect((await call('ip route add 10/8 dev v0')).changes[0]?.[1]).toMatchObject({
      dst: ip('10.0.0.0'),
      dstLen: 8,
      scope: 253,
    });
    expect(
      (await call('ip route del unreachable 10.1.0.0/16 table local')).changes[0]?.[1],
    ).toMatchObject({ type: 7, table: 255 });
  });

  it.each([
    ['ip route add foo via 1.1.1.1', 1, 'Error: any valid prefix is expected rather than "foo".\n'],
    [
      'ip route add 10.88.0.0/16 via foo',
      1,
      'Error: inet address is expected rather than "foo".\n',
    ],
    ['ip route add 10.88.0.0/16 dev nosuch', 1, 'Cannot find device "nosuch"\n'],
    [
      'ip route add 10.88.0.0/16 metric abc dev v0',
      255,
      'Error: argument "abc" is wrong: "metric" value is invalid\n\n',
    ],
    [
      'ip route add 10.88.0.0/16 foo',
      255,
      'Error: either "to" is duplicate, or "foo" is a garbage.\n',
    ],
    [
      'ip route add 10.0.9.0/24 nexthop foo',
      255,
      'Error: "nexthop" or end of line is expected instead of "foo"\n',
    ],
    [
      'ip route show table foo',
      255,
      'Error: argument "foo" is wrong: table id value is invalid\n\n',
    ],
    ['ip route get', 1, 'need at least a destination address\n'],
    ['ip route flush', 1, '"ip route flush" requires arguments.\n'],
    ['ip route foo', 255, 'Command "foo" is unknown, try "ip route help".\n'],
  ])('%s is refused', async (line, code, err) => {
    expect(await call(line)).toMatchObject({ code, err });
  });

  it('names the end of a dump that was refused', async () => {
    const refuse: FakeRtnl = {
      RTM_GETROUTE: () => {
        throw new KernelError('ENOENT', 'ipv4: FIB table does not exist');
      },
    };
    expect(await call('ip route show table 99', refuse)).toMatchObject({
      code: 2,
      err: 'Error: ipv4: FIB table does not exist.\nDump terminated\n',
    });
  });
});

describe('ip rule', () => {
  it('lists the policy database', async () => {
    expect(await text('ip rule')).toBe(`\
0:\tfrom all lookup local
600:\tfrom all goto 32766
700:\tfrom 10.9.0.1 prohibit
800:\tnot from 10.2.0.0/24 blackhole
900:\tfrom all to 10.5.0.0/24 tos 0x10 fwmark 0x1/0xff iif v0 oif v1 lookup main
1000:\tfrom all fwmark 0x1 lookup 200
32766:\tfrom all lookup main
`);
    expect(await text('ip -j rule list pref 800')).toBe(
      '[{"priority":800,"not":null,"src":"10.2.0.0","srclen":24,"action":"blackhole"}]\n',
    );
  });

  it('asks for rules as typed', async () => {
    expect(
      (await call('ip rule add from 10.1.0.0/16 fwmark 0x1/0xff table 100 pref 50')).changes,
    ).toEqual([
      [
        'RTM_NEWRULE',
        {
          family: AF_INET,
          src: ip('10.1.0.0'),
          srcLen: 16,
          fwmark: 1,
          fwmask: 255,
          table: 100,
          action: 1,
          priority: 50,
        },
      ],
    ]);
    expect(await call('ip rule add foo')).toMatchObject({
      code: 255,
      err: 'Error: argument "foo" is wrong: Failed to parse rule type\n',
    });
    expect(await call('ip rule del')).toMatchObject({
      code: 1,
      err: '"ip rule del" requires arguments.\n',
    });
  });
});

describe('ip neigh', () => {
  it('lists entries, with statistics, of one device and by state', async () => {
    expect(await text('ip neigh')).toBe(`\
10.0.0.9 dev v0 lladdr 02:00:00:00:00:09 PERMANENT 
10.0.0.7 dev v0 lladdr 02:00:00:00:00:07 REACHABLE 
10.0.0.6 dev v0 lladdr 02:00:00:00:00:06 router STALE 
10.0.0.4 dev v0 FAILED 
`);
    expect(await text('ip -s n show 10.0.0.4/31')).toBe(
      '10.0.0.4 dev v0  used 0/60/0probes 3 FAILED \n',
    );
    expect(await text('ip -s neigh show 10.0.0.7')).toBe(
      '10.0.0.7 dev v0 lladdr 02:00:00:00:00:07  ref 1 used 0/0/0probes 0 REACHABLE \n',
    );
    expect(await text('ip neigh show dev v0 nud permanent')).toBe(
      '10.0.0.9 lladdr 02:00:00:00:00:09 PERMANENT \n',
    );
    expect(await text('ip neigh show nud noarp')).toBe(
      '224.0.0.22 dev br0 lladdr 01:00:5e:00:00:16 NOARP \n',
    );
  });

  it('asks for entries as typed, and refuses', async () => {
    expect(
      (await call('ip neigh replace 10.0.0.8 lladdr 02:00:00:00:00:88 dev v0 nud stale')).changes,
    ).toEqual([
      [
        'RTM_NEWNEIGH',
        {
          family: AF_INET,
          ifindex: 3,
          dst: ip('10.0.0.8'),
          lladdr: mac('02:00:00:00:00:88'),
          state: 4,
          mode: 'replace',
        },
      ],
    ]);
    expect(await call('ip neigh add 10.0.0.222')).toMatchObject({
      code: 255,
      err: 'Device and destination are required arguments.\n',
    });
    expect(await call('ip neigh add 10.0.0.2 dev v0 nud foo')).toMatchObject({
      code: 255,
      err: 'Error: argument "foo" is wrong: nud state is bad\n',
    });
    expect(await call('ip neigh get 10.0.0.222 dev v0')).toMatchObject({
      code: 2,
      err: 'Error: Neighbour entry not found.\n',
    });
    expect(await call('ip neigh flush')).toMatchObject({
      code: 1,
      err: 'Flush requires arguments.\n',
    });
  });
});

describe('ip -batch', () => {
  const files = new Map([['/b', '# first\nlink show vx\nlink show nosuch\n\nlink show vx\n']]);

  it('stops at the first failure, or goes on with -force', async () => {
    const stopped = await run(ipMain, 'ip -br -b /b', { rtnl, files });
    expect(stopped).toMatchObject({
      code: 1,
      err: 'Device "nosuch" does not exist.\nCommand failed /b:3\n',
    });
    expect(stopped.out.match(/^vx/gm)).toHaveLength(1);
    const forced = await run(ipMain, 'ip -br -force -batch /b', { rtnl, files });
    expect(forced.out.match(/^vx/gm)).toHaveLength(2);
  });
});

describe('names of the host', () => {
  it('come from /etc/iproute2', async () => {
    const files = new Map([['/etc/iproute2/rt_tables', '255\tlocal\n77 wan # the way out\n']]);
    expect((await run(ipMain, 'ip route show table wan', { rtnl, files })).out).toBe(
      '10.81.0.0/16 via 10.2.0.2 dev v1 proto 200 \n',
    );
    expect((await run(ipMain, 'ip route show table all', { rtnl, files })).out).toContain(
      'table wan',
    );
  });
});
