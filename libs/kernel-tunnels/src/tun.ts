/**
 * tun and tap: devices whose far end is a program. What the stack sends there the program reads; what it writes arrives.
 * devQueueXmit → tunXmit → TunFile → read(2); write(2) → TunFile → netifRx. Source: drivers/net/tun.c.
 *
 * Differs: frames go one at a time, without segmentation offload; a tap has no filter; nobody but root owns a device.
 */
import { KernelError } from '@netloom/base';
import {
  CHECKSUM_PARTIAL,
  devAddrSet,
  devAllocName,
  DropReason,
  ethRandomAddr,
  ethTypeTrans,
  LL_MAX_HEADER,
  NetDevice,
  NETDEV_TX_OK,
  netifCarrier,
  netifRx,
  PACKET_HOST,
  PfifoFast,
  registerNetdevice,
  skbBytes,
  skbGetHash,
  skbOrphan,
  skbPut,
  SkbQueue,
  Stat,
  statAdd,
  unregisterNetdevice,
  type LinkKind,
  type Net,
  type NetDeviceOps,
  type SkBuff,
} from '@netloom/kernel-core';
import { FileDescription, type PseudoFs, type Task } from '@netloom/kernel-tasks';
import { Iff, OpenFlag, Poll, TunFlag, type LinkInfoData } from '@netloom/sys';
import { ETH_HLEN, ETH_P_IP, ETH_P_IPV6, ethProto } from '@netloom/wire';

const ARPHRD_NONE = 0xfffe;
const TUN_PI_HLEN = 4;
const VNET_HLEN = 10;
const VNET_NEEDS_CSUM = 1;
const MAX_QUEUES = 256;
/** Flags that make the device, and with which one attaches to it. */
const KIND_FLAGS = TunFlag.IFF_TUN | TunFlag.IFF_TAP;

/** A device's side. @kernel struct tun_struct */
class Tun {
  readonly files: TunFile[] = [];
  persist = false;
  owner: number | undefined = undefined;
  group: number | undefined = undefined;

  constructor(
    readonly dev: NetDevice,
    public flags: number,
  ) {}
}

function tunOf(dev: NetDevice): Tun {
  return dev.priv as Tun;
}

/** A descriptor's side: the frames that wait to be read. @kernel struct tun_file */
export class TunFile extends FileDescription {
  private readonly frames = new SkbQueue();
  /** Null before TUNSETIFF, and after the device has gone. */
  tun: Tun | null = null;

  constructor(
    private readonly net: Net,
    flags: number,
  ) {
    super(flags & OpenFlag.O_NONBLOCK ? OpenFlag.O_RDWR | OpenFlag.O_NONBLOCK : OpenFlag.O_RDWR);
  }

  private attached(): Tun {
    if (this.tun === null) throw new KernelError('EBADFD');
    return this.tun;
  }

  /**
   * TUNSETIFF: makes a device or attaches to one. @returns its name.
   * @errno EINVAL, EBUSY, E2BIG. @kernel tun_set_iff()
   */
  setIff(name: string, flags: number): string {
    if (this.tun !== null) throw new KernelError('EINVAL');
    const kind = flags & KIND_FLAGS;
    const known = name === '' ? undefined : this.net.devByName(name);
    let tun: Tun;
    if (known !== undefined) {
      if ((flags & TunFlag.IFF_TUN_EXCL) !== 0) throw new KernelError('EBUSY');
      if (known.ops !== tunOps || (tunOf(known).flags & KIND_FLAGS) !== kind)
        throw new KernelError('EINVAL');
      tun = tunOf(known);
      if (((tun.flags ^ flags) & TunFlag.IFF_MULTI_QUEUE) !== 0) throw new KernelError('EINVAL');
    } else {
      if (kind !== TunFlag.IFF_TUN && kind !== TunFlag.IFF_TAP) throw new KernelError('EINVAL');
      tun = create(this.net, name, flags);
    }
    const most = (tun.flags & TunFlag.IFF_MULTI_QUEUE) !== 0 ? MAX_QUEUES : 1;
    if (tun.files.length >= most) throw new KernelError(most === 1 ? 'EBUSY' : 'E2BIG');
    tun.flags = (tun.flags & KIND_FLAGS) | (flags & ~(KIND_FLAGS | TunFlag.IFF_TUN_EXCL));
    tun.files.push(this);
    this.tun = tun;
    netifCarrier(tun.dev, true);
    return tun.dev.name;
  }

  /** TUNSETPERSIST, TUNSETOWNER, TUNSETGROUP, TUNSETCARRIER. @errno EBADFD */
  set(what: 'persist' | 'owner' | 'group' | 'carrier', value: number): void {
    const tun = this.attached();
    if (what === 'persist') tun.persist = value !== 0;
    else if (what === 'carrier') netifCarrier(tun.dev, value !== 0);
    else tun[what] = value;
  }

  /** A frame for the program; false when its queue is full. */
  offer(skb: SkBuff, limit: number): boolean {
    if (this.frames.length >= limit) return false;
    this.frames.push(skb);
    this.queue.wake();
    return true;
  }

  override read(count: number): Uint8Array | undefined {
    const tun = this.attached();
    const skb = this.frames.shift();
    if (skb === null) return undefined;
    const { dev, flags } = tun;
    const pi = (flags & TunFlag.IFF_NO_PI) === 0 ? TUN_PI_HLEN : 0;
    const vnet = (flags & TunFlag.IFF_VNET_HDR) !== 0 ? VNET_HLEN : 0;
    const out = new Uint8Array(pi + vnet + skb.len);
    if (pi > 0) {
      const view = new DataView(out.buffer);
      view.setUint16(0, count < out.length ? 0x0100 : 0); // TUN_PKT_STRIP, in the machine's byte order
      view.setUint16(2, skb.protocol);
    }
    out.set(skbBytes(skb), pi + vnet);
    statAdd(dev, Stat.txPackets, 1);
    statAdd(dev, Stat.txBytes, skb.len + vnet);
    skb.pool.release(skb);
    return out.subarray(0, count);
  }

  /** @errno EBADFD, EINVAL, EIO (the device is down), ENOMEM. @kernel tun_get_user() */
  override write(data: Uint8Array): number {
    const { dev, flags } = this.attached();
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    let at = 0;
    let protocol = 0;
    if ((flags & TunFlag.IFF_NO_PI) === 0) {
      if (data.length < TUN_PI_HLEN) throw new KernelError('EINVAL');
      protocol = view.getUint16(2);
      at += TUN_PI_HLEN;
    }
    const vnet = at;
    if ((flags & TunFlag.IFF_VNET_HDR) !== 0) at += VNET_HLEN;
    const length = data.length - at;
    const tap = (flags & TunFlag.IFF_TAP) !== 0;
    if (length < (tap ? ETH_HLEN : 0)) throw new KernelError('EINVAL');
    if (!tap && (flags & TunFlag.IFF_NO_PI) !== 0) {
      const version = length > 0 ? (data[at] as number) >>> 4 : 0;
      if (version !== 4 && version !== 6) {
        statAdd(dev, Stat.rxDropped, 1);
        throw new KernelError('EINVAL');
      }
      protocol = version === 4 ? ETH_P_IP : ETH_P_IPV6;
    }
    if (!dev.up) {
      statAdd(dev, Stat.rxDropped, 1);
      throw new KernelError('EIO');
    }
    const skb = dev.kernel.pool.alloc(length, LL_MAX_HEADER);
    if (skb === null) throw new KernelError('ENOMEM');
    const o = skbPut(skb, length);
    skb.mem.write(o, data.subarray(at));
    skb.packetId = dev.kernel.pool.nextPacketId();
    if (at > vnet && ((data[vnet] as number) & VNET_NEEDS_CSUM) !== 0) {
      skb.ipSummed = CHECKSUM_PARTIAL;
      skb.csumStart = o + view.getUint16(vnet + 6, true);
      skb.csumOffset = view.getUint16(vnet + 8, true);
    }
    if (tap) {
      skb.protocol = ethTypeTrans(skb, dev);
    } else {
      skb.dev = dev;
      skb.macHeader = o;
      skb.protocol = protocol;
      skb.pktType = PACKET_HOST;
    }
    skb.networkHeader = skb.data;
    statAdd(dev, Stat.rxPackets, 1);
    statAdd(dev, Stat.rxBytes, length);
    netifRx(skb);
    return data.length;
  }

  override poll(): number {
    if (this.tun === null) return Poll.POLLERR;
    return (this.frames.length > 0 ? Poll.POLLIN : 0) | (this.tun.dev.up ? Poll.POLLOUT : 0);
  }

  /** The device goes: descriptors stay, of no use. */
  detach(): void {
    this.tun = null;
    this.frames.purge();
    this.queue.wake();
  }

  protected override release(): void {
    const { tun } = this;
    this.frames.purge();
    if (tun === null) return;
    this.tun = null;
    tun.files.splice(tun.files.indexOf(this), 1);
    if (tun.files.length > 0) return;
    if (tun.persist) netifCarrier(tun.dev, false);
    else unregisterNetdevice(tun.dev);
  }
}

function tunXmit(skb: SkBuff, dev: NetDevice): number {
  const { files } = tunOf(dev);
  const file = files.length > 1 ? files[skbGetHash(skb, dev.kernel) % files.length] : files[0];
  skbOrphan(skb);
  skb.dst = null;
  skb.nfct = null;
  if (dev.hardHeaderLen > 0) skb.protocol = ethProto(skb.mem, skb.data);
  if (file?.offer(skb, dev.txqlen) === true) return NETDEV_TX_OK;
  statAdd(dev, Stat.txDropped, 1);
  dev.kernel.kfreeSkbReason(skb, file === undefined ? DropReason.DEV_READY : DropReason.FULL_RING);
  return NETDEV_TX_OK;
}

function info(dev: NetDevice): LinkInfoData {
  const { flags, persist, owner, group, files } = tunOf(dev);
  const multi = (flags & TunFlag.IFF_MULTI_QUEUE) !== 0;
  return {
    type: (flags & TunFlag.IFF_TAP) !== 0 ? 'tap' : 'tun',
    pi: (flags & TunFlag.IFF_NO_PI) === 0,
    vnet_hdr: (flags & TunFlag.IFF_VNET_HDR) !== 0,
    ...((flags & TunFlag.IFF_ONE_QUEUE) !== 0 ? { one_queue: true } : {}),
    ...(multi ? { multi_queue: true, numqueues: files.length, numdisabled: 0 } : {}),
    persist,
    ...(owner !== undefined ? { user: owner } : {}),
    ...(group !== undefined ? { group } : {}),
  };
}

const tunOps: NetDeviceOps = {
  driver: 'tun',
  kind: 'tun',
  startXmit: tunXmit,
  info,
  setMacAddress: (dev, address) => {
    if (dev.hardHeaderLen === 0) return -95; // EOPNOTSUPP
    devAddrSet(dev, address);
    return 0;
  },
  changeCarrier: (dev, on) => {
    netifCarrier(dev, on);
    return 0;
  },
  uninit: (dev) => {
    for (const file of tunOf(dev).files.splice(0)) file.detach();
  },
};

/** @errno EINVAL, EEXIST */
function create(net: Net, name: string, flags: number): Tun {
  const tap = (flags & TunFlag.IFF_TAP) !== 0;
  const wanted = name === '' ? (tap ? 'tap%d' : 'tun%d') : name;
  const dev = new NetDevice(net, devAllocName(net, wanted), tunOps);
  const tun = new Tun(dev, flags & ~TunFlag.IFF_TUN_EXCL);
  dev.priv = tun;
  dev.carrier = false;
  dev.qdisc = new PfifoFast(dev);
  if ((flags & TunFlag.IFF_MULTI_QUEUE) !== 0) dev.numTxQueues = dev.numRxQueues = MAX_QUEUES;
  if (tap) {
    dev.maxMtu = 65535 - ETH_HLEN;
    devAddrSet(dev, ethRandomAddr(net.kernel));
  } else {
    dev.type = ARPHRD_NONE;
    dev.flags = Iff.IFF_POINTOPOINT | Iff.IFF_MULTICAST | Iff.IFF_NOARP;
    dev.hardHeaderLen = 0;
    dev.address = new Uint8Array(0);
    dev.broadcast = new Uint8Array(0);
    dev.txqlen = 500;
  }
  registerNetdevice(dev);
  return tun;
}

/** `ip link add type tun` is refused. */
export const tunKind: LinkKind = {
  kind: 'tun',
  newlink: () => {
    throw new KernelError('EOPNOTSUPP', 'tun/tap creation via rtnetlink is not supported.');
  },
};

/** /dev/net/tun. */
export function registerTunFile(pseudo: PseudoFs): void {
  pseudo.registerFile('/dev/net/tun', {
    type: 'char',
    mode: 0o666,
    open: (task: Task, flags: number) => new TunFile(task.net as Net, flags),
  });
}
