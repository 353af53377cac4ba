/**
 * Packet sockets: frames of a device (or of all) as they pass the taps, and frames to send. Sources: net/packet/af_packet.c,
 * packet(7). SOCK_RAW has the link-layer header, SOCK_DGRAM has not.
 */
import { Errno } from '@netloom/base';
import { bpfRun } from '@netloom/bpf';
import {
  addTap,
  CHECKSUM_PARTIAL,
  DeviceTap,
  devQueueXmit,
  devSetPromiscuity,
  LL_MAX_HEADER,
  PACKET_HOST,
  PACKET_OUTGOING,
  skbBytes,
  skbPartialCheck,
  skbPush,
  skbPut,
  skbSetOwnerW,
  Sock,
  sockGetsockopt,
  sockSetsockopt,
  type Net,
  type NetdevEvent,
  type NetDevice,
  type SendOptions,
  type SkBuff,
} from '@netloom/kernel-core';
import {
  AF_PACKET,
  Msg,
  Poll,
  SOCK_RAW,
  type Control,
  type RecvResult,
  type SockAddr,
  type SockAddrLl,
  type SockDiagEntry,
  type SockOpt,
  type SockOptValue,
} from '@netloom/sys';
import { FanoutGroup, PACKET_FANOUT_QM } from './packet-fanout.js';
import { ETH_HLEN, ETH_P_ALL, ethProto, ethWrite } from '@netloom/wire';

const EALREADY = 114;

/** The packet sockets of a namespace, for ss and /proc/net/packet. */
export class PacketTable {
  readonly sockets = new Set<PacketSock>();
  /** PACKET_FANOUT groups by number. */
  fanouts: Map<number, FanoutGroup> | null = null;
}

export function packetTable(net: Net): PacketTable {
  return (net.packet ??= new PacketTable()) as PacketTable;
}

/** The checksum of a frame that came over a wire, in a copy of its bytes: the card that sent it has filled it in. */
function completeChecksum(skb: SkBuff, data: Uint8Array): void {
  const at = skb.csumStart + skb.csumOffset - skb.data;
  if (at < 0 || at + 2 > data.length) return;
  const check = skbPartialCheck(skb);
  data[at] = check >> 8;
  data[at + 1] = check & 255;
}

/** The tap of a socket. */
class PacketTap extends DeviceTap {
  constructor(private readonly sock: PacketSock) {
    super();
  }

  override see(skb: SkBuff, dev: NetDevice, outgoing: boolean): void {
    this.sock.receive(skb, dev, outgoing);
  }
}

export class PacketSock extends Sock {
  /** Ethertype wanted, ETH_P_ALL for all, 0 for none yet. */
  private ethertype: number;
  private ifindex = 0;
  private removeTap: (() => void) | null = null;
  private readonly memberships: number[] = [];
  private packets = 0;
  private dropped = 0;
  private auxdata = false;
  private ignoreOutgoing = false;
  private fanout: FanoutGroup | null = null;

  constructor(net: Net, type: number, protocol: number) {
    super(net, AF_PACKET, type, protocol);
    this.ethertype = protocol;
    packetTable(net).sockets.add(this);
    this.hook();
  }

  private hook(): void {
    this.removeTap?.();
    this.removeTap = null;
    if (this.ethertype === 0) return;
    const tap = new PacketTap(this);
    if (this.ifindex === 0) {
      this.removeTap = addTap(this.net, tap);
      return;
    }
    const dev = this.net.devByIndex(this.ifindex);
    if (dev?.up === true) this.removeTap = addTap(dev, tap);
    else this.fail(Errno.ENETDOWN);
  }

  private fail(errno: number): void {
    this.err = errno;
    if (this.dataReady !== null) this.dataReady(this);
  }

  /** The device that this socket is bound to came up, went down or away. @kernel packet_notifier() */
  deviceEvent(event: NetdevEvent, dev: NetDevice): void {
    if (dev.ifindex !== this.ifindex) return;
    if (event === 'UP') {
      this.hook();
      return;
    }
    if (this.removeTap !== null) {
      this.removeTap();
      this.removeTap = null;
      this.fail(Errno.ENETDOWN);
    }
    if (event === 'UNREGISTER') this.ifindex = -1;
  }

  release(): void {
    this.removeTap?.();
    for (const ifindex of this.memberships) {
      const dev = this.net.devByIndex(ifindex);
      if (dev !== undefined) devSetPromiscuity(dev, -1);
    }
    packetTable(this.net).sockets.delete(this);
    this.leaveFanout();
    this.receiveQueue.purge();
  }

  /** @param value the group's number, and its mode in the bits above @kernel fanout_add() */
  private joinFanout(value: number): number {
    const id = value & 0xffff;
    const mode = (value >>> 16) & 0xff;
    if (mode > PACKET_FANOUT_QM) return -Errno.EINVAL;
    if (this.fanout !== null) return -EALREADY;
    if (this.removeTap === null) return -Errno.EINVAL;
    const groups = (packetTable(this.net).fanouts ??= new Map<number, FanoutGroup>());
    const group = groups.get(id) ?? new FanoutGroup(id, mode);
    if (group.mode !== mode) return -Errno.EINVAL;
    groups.set(id, group);
    group.members.push(this);
    this.fanout = group;
    return 0;
  }

  private leaveFanout(): void {
    const group = this.fanout;
    if (group === null) return;
    this.fanout = null;
    group.members.splice(group.members.indexOf(this), 1);
    if (group.members.length === 0) packetTable(this.net).fanouts?.delete(group.id);
  }

  bind(addr: SockAddr): number {
    if (addr.family !== 'packet') return -Errno.EINVAL;
    if (addr.ifindex !== 0 && this.net.devByIndex(addr.ifindex) === undefined) return -Errno.ENODEV;
    this.ifindex = addr.ifindex;
    if (addr.protocol !== 0) this.ethertype = addr.protocol;
    this.hook();
    return 0;
  }

  /** @kernel packet_rcv(); the tap sees outgoing frames whole, received ones behind their Ethernet header. */
  /** A frame at the tap. */
  receive(skb: SkBuff, dev: NetDevice, outgoing: boolean): void {
    if (outgoing && (skb.sk === this || this.ignoreOutgoing)) return;
    if (this.fanout !== null && this.fanout.pick(skb, outgoing) !== this) return;
    const start = outgoing ? skb.data : skb.macHeader;
    const length = skb.tail - start + skb.dataLen;
    const header = dev.hardHeaderLen;
    const protocol = outgoing && header > 0 ? ethProto(skb.mem, start) : skb.protocol;
    if (this.ethertype !== ETH_P_ALL && (outgoing || protocol !== this.ethertype)) return;
    const from = this.type === SOCK_RAW ? start : start + header;
    const size = length - (from - start);
    let keep = size;
    if (this.skFilter !== null) {
      keep = Math.min(size, bpfRun(this.skFilter, skb.mem.u8, from, size, size));
      if (keep === 0) return;
    }
    if (this.rmemAlloc + skb.truesize > this.rcvbuf) {
      this.dropped++;
      this.drops++;
      return;
    }
    this.packets++;
    const copy = skb.pool.clone(skb);
    copy.dev = dev;
    copy.data = from;
    copy.len = size;
    copy.macHeader = start;
    copy.protocol = protocol;
    copy.pktType = outgoing ? PACKET_OUTGOING : skb.pktType;
    copy.tstamp = this.net.kernel.engine.now;
    copy.cbSeq = keep;
    copy.sk = this;
    copy.destructor = releaseRmem;
    this.rmemAlloc += copy.truesize;
    this.receiveQueue.push(copy);
    if (this.dataReady !== null) this.dataReady(this);
  }

  recvmsg(count: number, flags: number): RecvResult | number {
    const skb = this.receiveQueue.head;
    if (skb === null) return this.err !== 0 ? this.takeError() : -Errno.EAGAIN;
    const dev = skb.dev as NetDevice;
    const caught = Math.min(skb.cbSeq, skb.len);
    const control: Control = { timestampNs: skb.tstamp };
    if (this.auxdata)
      control.auxdata = { len: skb.len, snaplen: caught, netOff: dev.hardHeaderLen };
    const from: SockAddrLl = {
      family: 'packet',
      protocol: skb.protocol,
      ifindex: dev.ifindex,
      hatype: dev.type,
      pkttype: skb.pktType,
      addr: dev.hardHeaderLen === 0 ? new Uint8Array(0) : skb.mem.bytes(skb.macHeader + 6, 6),
    };
    const data = skbBytes(skb, 0, Math.min(count, caught));
    if (
      skb.ipSummed === CHECKSUM_PARTIAL &&
      skb.pktType !== PACKET_OUTGOING &&
      dev.ops.wired === true
    )
      completeChecksum(skb, data);
    const result: RecvResult = {
      data,
      from,
      flags: caught > count ? Msg.MSG_TRUNC : 0,
      length: skb.len,
      control,
    };
    if ((flags & Msg.MSG_PEEK) === 0) {
      this.receiveQueue.unlink(skb);
      skb.pool.release(skb);
    }
    return result;
  }

  private takeError(): number {
    const err = this.err;
    this.err = 0;
    return -err;
  }

  /** @kernel packet_snd() */
  sendmsg(data: Uint8Array, options: SendOptions): number {
    const { to } = options;
    if (to !== undefined && to.family !== 'packet') return -Errno.EINVAL;
    const dev = this.net.devByIndex(to?.ifindex ?? this.ifindex);
    if (dev === undefined) return -Errno.ENXIO;
    if (!dev.up) return -Errno.ENETDOWN;
    const bare = dev.hardHeaderLen === 0;
    const raw = this.type === SOCK_RAW || bare;
    if (raw && data.length < dev.hardHeaderLen) return -Errno.EINVAL;
    if (data.length > dev.mtu + (raw && !bare ? ETH_HLEN + 4 : 0)) return -Errno.EMSGSIZE;
    if (this.wmemAlloc > 0 && this.wmemAlloc + data.length > this.sndbuf) return -Errno.EAGAIN;
    const pool = this.net.kernel.pool;
    const skb = pool.alloc(data.length, LL_MAX_HEADER);
    if (skb === null) return -Errno.ENOBUFS;
    skb.mem.write(skbPut(skb, data.length), data);
    skb.dev = dev;
    skb.packetId = pool.nextPacketId();
    if (!raw) {
      const target = to?.addr ?? new Uint8Array(6);
      const view = new DataView(target.buffer, target.byteOffset);
      const o = skbPush(skb, ETH_HLEN);
      ethWrite(
        skb.mem,
        o,
        view.getUint16(0),
        view.getUint32(2),
        dev.addrHi,
        dev.addrLo,
        to?.protocol ?? this.ethertype,
      );
    }
    skb.protocol = bare ? (to?.protocol ?? this.ethertype) : ethProto(skb.mem, skb.data);
    skb.networkHeader = skb.data + dev.hardHeaderLen;
    skb.transportHeader = skb.networkHeader;
    skbSetOwnerW(skb, this);
    devQueueXmit(skb);
    return data.length;
  }

  poll(): number {
    return (
      (this.receiveQueue.length > 0 ? Poll.POLLIN : 0) |
      (this.wmemAlloc * 2 < this.sndbuf ? Poll.POLLOUT : 0) |
      (this.err !== 0 ? Poll.POLLERR : 0)
    );
  }

  setsockopt(option: SockOpt, value: SockOptValue): number {
    switch (option) {
      case 'PACKET_FANOUT':
        return this.joinFanout(Number(value));
      case 'PACKET_IGNORE_OUTGOING':
        this.ignoreOutgoing = Number(value) !== 0;
        return 0;
      case 'PACKET_AUXDATA':
        this.auxdata = Number(value) !== 0;
        return 0;
      case 'PACKET_ADD_MEMBERSHIP': {
        const dev = this.net.devByIndex(Number(value)); // PACKET_MR_PROMISC on an ifindex
        if (dev === undefined) return -Errno.ENODEV;
        devSetPromiscuity(dev, 1);
        this.memberships.push(dev.ifindex);
        return 0;
      }
      default: {
        const result = sockSetsockopt(this, option, value);
        return result === 1 ? -Errno.ENOPROTOOPT : result;
      }
    }
  }

  getsockopt(option: SockOpt): SockOptValue | undefined {
    if (option !== 'PACKET_STATISTICS') return sockGetsockopt(this, option);
    const stats = [this.packets + this.dropped, this.dropped]; // reading them starts them anew
    this.packets = 0;
    this.dropped = 0;
    return stats;
  }

  getname(peer: boolean): SockAddr | number {
    if (peer) return -Errno.EOPNOTSUPP;
    const dev = this.net.devByIndex(this.ifindex);
    return {
      family: 'packet',
      protocol: this.ethertype,
      ifindex: this.ifindex,
      hatype: dev?.type ?? 0,
      pkttype: PACKET_HOST,
      addr: dev?.address ?? new Uint8Array(0),
    };
  }

  diag(): Omit<SockDiagEntry, 'users' | 'ino'> {
    const address: SockAddrLl = {
      family: 'packet',
      protocol: this.ethertype,
      ifindex: this.ifindex,
      hatype: 0,
      pkttype: 0,
      addr: new Uint8Array(0),
    };
    return {
      family: 'packet',
      type: this.type === SOCK_RAW ? 'p_raw' : 'p_dgr',
      state: 7,
      local: address,
      peer: { family: 'unspec' },
      recvQ: this.rmemAlloc,
      sendQ: 0,
      uid: this.uid,
      ifindex: this.ifindex,
      mem: {
        rmem: this.rmemAlloc,
        rcvbuf: this.rcvbuf,
        wmem: 0,
        sndbuf: this.sndbuf,
        fwd: 0,
        wmemQueued: 0,
        opt: 0,
        backlog: 0,
        drops: this.drops,
      },
    };
  }

  connect(): number {
    return -Errno.EOPNOTSUPP;
  }

  listen(): number {
    return -Errno.EOPNOTSUPP;
  }

  accept(): number {
    return -Errno.EOPNOTSUPP;
  }

  shutdown(): number {
    return -Errno.EOPNOTSUPP;
  }
}

/** Tells the packet sockets of a namespace what happens to its devices. */
export function packetEvent(event: NetdevEvent, dev: NetDevice): void {
  if (event !== 'UP' && event !== 'DOWN' && event !== 'UNREGISTER') return;
  const table = dev.net.packet as PacketTable | null;
  if (table === null) return;
  for (const sk of table.sockets) sk.deviceEvent(event, dev);
}

function releaseRmem(skb: SkBuff): void {
  if (skb.sk !== null) skb.sk.rmemAlloc -= skb.truesize;
}
