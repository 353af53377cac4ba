/**
 * The card at a topology link's end: descriptor rings, DMA, an interrupt, NAPI.
 *
 *   wire ─▶ nicReceive: DMA into the next posted buffer ─▶ IRQ ─▶ napiSchedule ─▶ softirq ─▶ nicPoll (budget) ─▶ stack
 *   stack ─▶ startXmit: descriptor ─▶ wire
 *
 * A receive ring of N descriptors always has a buffer posted for each free one. The buffer's memory is the frame's own
 * where nobody else holds it (a DMA that moves instead of copying), else a copy; an idle card so holds none. A full ring
 * counts `rx_missed`. Sending needs no
 * descriptor to be kept: the wire's queue is where frames wait, and completion is arithmetic there.
 * Source: the shape of drivers/net/ethernet/intel/igb.
 */
import { KernelError } from '@netloom/base';
import {
  devAddrSet,
  devTxStats,
  DropReason,
  ethTypeTrans,
  Feature,
  NapiStruct,
  napiComplete,
  napiSchedule,
  NET_SKB_PAD,
  NetDevice,
  NETDEV_TX_OK,
  netifCarrier,
  netifReceiveSkb,
  PfifoFast,
  registerNetdevice,
  skbCopyBits,
  skbGsoHeaderLength,
  skbLinearize,
  Stat,
  statAdd,
  unregisterNetdevice,
  type Net,
  type NetDeviceOps,
  type SkBuff,
} from '@netloom/kernel-core';
import { ETH_HLEN, ethDestHi, ethDestLo } from '@netloom/wire';
import type { WireDirection } from './wire-link.js';

/** Descriptors of a ring, and how many it may have. */
export const NIC_RING_DEFAULT = 256;
export const NIC_RING_MAX = 4096;

/** Room of a VLAN tag that the card accepts beyond its MTU. */
const VLAN_HLEN = 4;

export class Nic {
  /** The way out; null without a wire. */
  tx: WireDirection | null = null;
  rxRingSize = NIC_RING_DEFAULT;
  txRingSize = NIC_RING_DEFAULT;
  /** Interrupts raised. */
  irqs = 0;
  /** Brought up by its host: a card that is down keeps its link down, so the other end loses carrier too. */
  adminUp = false;
  /** Frames lost because no descriptor was free, or no memory. */
  rxMissed = 0;
  readonly napi: NapiStruct;
  /** The receive ring's filled buffers; made with the first frame. */
  private ring: (SkBuff | null)[] | null = null;
  private head = 0;
  private count = 0;

  constructor(
    readonly dev: NetDevice,
    /** Names the card in fingerprints. */
    readonly place: number,
  ) {
    this.napi = new NapiStruct(nicPoll, dev, this);
  }

  /** Frames that wait in the receive ring. */
  get rxPending(): number {
    return this.count;
  }

  setAdminUp(up: boolean): void {
    this.adminUp = up;
    this.tx?.wire.syncCarrier();
  }

  /** DMA: a filled buffer enters the ring; false when no descriptor is free. */
  post(skb: SkBuff): boolean {
    if (this.count === this.rxRingSize) return false;
    let ring = this.ring;
    if (ring === null || this.count === ring.length) ring = this.growRing();
    let tail = this.head + this.count;
    if (tail >= ring.length) tail -= ring.length;
    ring[tail] = skb;
    this.count++;
    return true;
  }

  /** The next received frame, null when the ring is empty; its descriptor is free again. */
  take(): SkBuff | null {
    if (this.count === 0) return null;
    const at = this.head;
    const ring = this.ring as (SkBuff | null)[];
    this.head = at + 1 === ring.length ? 0 : at + 1;
    this.count--;
    const skb = ring[at] as SkBuff;
    ring[at] = null;
    return skb;
  }

  /** Room for more descriptors in use: few cards ever fill their rings. */
  private growRing(): (SkBuff | null)[] {
    const old = this.ring ?? [];
    const ring = new Array<SkBuff | null>(
      Math.min(this.rxRingSize, Math.max(8, old.length * 2)),
    ).fill(null);
    for (let i = 0; i < this.count; i++) ring[i] = old[(this.head + i) % old.length] as SkBuff;
    this.ring = ring;
    this.head = 0;
    return ring;
  }

  /** New ring sizes; waiting frames are lost, as when a driver restarts. */
  resize(rx: number, tx: number): void {
    this.clear();
    this.rxRingSize = rx;
    this.txRingSize = tx;
    this.ring = null;
    this.head = 0;
  }

  clear(): void {
    for (let skb = this.take(); skb !== null; skb = this.take()) skb.pool.release(skb);
  }
}

/** The card behind a device. */
export function nicOf(dev: NetDevice): Nic | undefined {
  return dev.priv instanceof Nic ? dev.priv : undefined;
}

/** A frame's last bit has arrived. Consumes it. */
export function nicReceive(nic: Nic, frame: SkBuff): void {
  const dev = nic.dev;
  const kernel = dev.kernel;
  const length = frame.len;
  if (!dev.running) {
    kernel.kfreeSkbReason(frame, DropReason.DEV_READY);
    return;
  }
  if (length < ETH_HLEN || (length > dev.mtu + ETH_HLEN + VLAN_HLEN && frame.gsoSize === 0)) {
    statAdd(dev, Stat.rxErrors, 1);
    statAdd(dev, Stat.rxLengthErrors, 1);
    kernel.kfreeSkbReason(
      frame,
      length < ETH_HLEN ? DropReason.PKT_TOO_SMALL : DropReason.PKT_TOO_BIG,
    );
    return;
  }
  const engine = kernel.engine;
  if (!skbLinearize(frame)) {
    nic.rxMissed++;
    statAdd(dev, Stat.rxMissedErrors, 1);
    kernel.kfreeSkbReason(frame, DropReason.NOMEM);
    return;
  }
  engine.fingerprint.mix(engine.now, nic.place, kernel.mem.ops.hash(frame.data, length));
  if (!accepts(dev, frame)) {
    frame.pool.release(frame); // another station's frame: the card's address filter, which counts nothing
    return;
  }
  const skb = frame.pool.adopt(frame) ? frame : copyFrame(frame);
  if (skb === null || !nic.post(skb)) {
    nic.rxMissed++;
    statAdd(dev, Stat.rxMissedErrors, 1);
    kernel.kfreeSkbReason(skb ?? frame, skb === null ? DropReason.NOMEM : DropReason.FULL_RING);
    return;
  }
  if (nic.napi.scheduled) return; // the interrupt is masked while polling
  nic.irqs++;
  const sd = kernel.softnet(0);
  sd.hardIrqs++;
  napiSchedule(sd, nic.napi);
  sd.irqExit();
}

/** A received frame of its own where the sender, a clone or fragments still hold the bytes; null without memory. */
function copyFrame(frame: SkBuff): SkBuff | null {
  const length = frame.len;
  const slot = frame.mem.alloc(NET_SKB_PAD + length);
  if (slot < 0) return null;
  skbCopyBits(frame, 0, slot + NET_SKB_PAD, length);
  const skb = frame.pool.build(slot, slot + NET_SKB_PAD, length);
  skb.packetId = frame.packetId;
  skb.ipSummed = frame.ipSummed;
  skb.csumStart = frame.csumStart - frame.data + skb.data;
  skb.csumOffset = frame.csumOffset;
  skb.networkHeader = frame.networkHeader - frame.data + skb.data;
  skb.gsoSize = frame.gsoSize;
  skb.gsoSegs = frame.gsoSegs;
  frame.pool.release(frame);
  return skb;
}

/** The card's address filter: its own address, groups (of IPv6 those joined), everything when promiscuous or watched. */
function accepts(dev: NetDevice, frame: SkBuff): boolean {
  const hi = ethDestHi(frame.mem, frame.data);
  if (hi === dev.addrHi && ethDestLo(frame.mem, frame.data) === dev.addrLo) return true;
  if ((hi & 0x100) !== 0 && (hi !== 0x3333 || dev.allmulti > 0)) return true;
  return (
    dev.promiscuity > 0 ||
    dev.rxHandler !== null ||
    dev.taps !== null ||
    dev.net.taps !== null ||
    (hi === 0x3333 &&
      (dev.vlans !== null || dev.groups6?.has(ethDestLo(frame.mem, frame.data)) === true)) ||
    (dev.ucList !== null && dev.ucList.has(hi * 0x1_0000_0000 + ethDestLo(frame.mem, frame.data)))
  );
}

/** Takes up to `budget` frames off the ring and up the stack. */
function nicPoll(napi: NapiStruct, budget: number): number {
  const nic = napi.priv as Nic;
  const dev = nic.dev;
  let work = 0;
  while (work < budget) {
    const skb = nic.take();
    if (skb === null) {
      napiComplete(napi); // unmask the interrupt
      return work;
    }
    work++;
    if (skb.gsoSize === 0) {
      statAdd(dev, Stat.rxPackets, 1);
      statAdd(dev, Stat.rxBytes, skb.len);
    } else {
      countSegments(skb, dev, Stat.rxPackets, Stat.rxBytes);
    }
    skb.protocol = ethTypeTrans(skb, dev);
    if (skb.pktType === 2) statAdd(dev, Stat.multicast, 1);
    netifReceiveSkb(skb);
  }
  return work;
}

/** Counts a super-packet, data at its Ethernet header, as the frames that cross the wire. */
function countSegments(skb: SkBuff, dev: NetDevice, packets: number, bytes: number): void {
  statAdd(dev, packets, skb.gsoSegs);
  statAdd(dev, bytes, skb.len + (skb.gsoSegs - 1) * skbGsoHeaderLength(skb));
}

/** @kernel ndo_start_xmit */
function startXmit(skb: SkBuff, dev: NetDevice): number {
  const nic = dev.priv as Nic;
  if (nic.tx === null || !dev.carrier) {
    statAdd(dev, Stat.txDropped, 1);
    statAdd(dev, Stat.txCarrierErrors, 1);
    dev.kernel.kfreeSkbReason(skb, DropReason.WIRE_DOWN);
    return NETDEV_TX_OK;
  }
  skb.dst = null;
  if (skb.gsoSize === 0) devTxStats(dev, skb.len);
  else countSegments(skb, dev, Stat.txPackets, Stat.txBytes);
  nic.tx.send(skb);
  return NETDEV_TX_OK;
}

const nicOps: NetDeviceOps = {
  driver: 'netloom',
  wired: true,
  startXmit,
  open: (dev) => {
    (dev.priv as Nic).setAdminUp(true);
    return 0;
  },
  stop: (dev) => {
    (dev.priv as Nic).clear();
    (dev.priv as Nic).setAdminUp(false);
  },
  setMacAddress: (dev, address) => {
    if (((address[0] ?? 0) & 1) !== 0) return -99; // EADDRNOTAVAIL: a group address
    devAddrSet(dev, address);
    return 0;
  },
};

/** Puts a card into a host, down and without carrier. @errno EEXIST, EINVAL */
export function nicCreate(net: Net, name: string, address: Uint8Array, mtu: number): Nic {
  if (mtu < 68 || mtu > 65535) throw new KernelError('EINVAL');
  const dev = new NetDevice(net, name, nicOps);
  dev.mtu = mtu;
  dev.maxMtu = 65535 - 14;
  dev.carrier = false;
  dev.features = Feature.HW_CSUM | Feature.TSO | Feature.GSO; // as veth: joining what arrives is to be asked for
  devAddrSet(dev, address);
  dev.permAddress = address.slice();
  dev.qdisc = new PfifoFast(dev);
  registerNetdevice(dev);
  const nic = new Nic(dev, net.kernel.hostId * 256 + dev.ifindex);
  dev.priv = nic;
  return nic;
}

/** Takes a card out of its host. */
export function nicRemove(nic: Nic): void {
  nic.clear();
  unregisterNetdevice(nic.dev);
}

/** The wire tells the card of its carrier. */
export function nicSetLink(nic: Nic, up: boolean): void {
  netifCarrier(nic.dev, up);
}
