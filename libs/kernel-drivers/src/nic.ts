/**
 * The card at a topology link's end: descriptor rings, DMA, an interrupt, NAPI.
 *
 *   wire ─▶ nicReceive: DMA into the next posted buffer ─▶ IRQ ─▶ napiSchedule ─▶ softirq ─▶ nicPoll (budget) ─▶ stack
 *   stack ─▶ startXmit: descriptor ─▶ wire
 *
 * A receive ring of N descriptors always has a buffer posted for each free one; the buffer's memory is taken from packet
 * memory when the frame arrives, so that an idle card holds none. A full ring counts `rx_missed`. Sending needs no
 * descriptor to be kept: the wire's queue is where frames wait, and completion is arithmetic there.
 * Source: the shape of drivers/net/ethernet/intel/igb.
 */
import { KernelError } from '@netloom/base';
import {
  devAddrSet, devTxStats, DropReason, ethTypeTrans, NapiStruct, napiComplete, napiSchedule, NET_SKB_PAD, NetDevice, NETDEV_TX_OK,
  netifCarrier, netifReceiveSkb, PfifoFast, registerNetdevice, skbCopyBits, Stat, statAdd, unregisterNetdevice, type Net, type NetDeviceOps,
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
  /** Frames lost because no descriptor was free, or no memory. */
  rxMissed = 0;
  readonly napi: NapiStruct;
  // The receive ring: start of the frame's buffer, length, lineage; allocated with the first frame.
  private slots: Int32Array | null = null;
  private lengths: Int32Array | null = null;
  private packetIds: Float64Array | null = null;
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

  /** DMA: takes a filled buffer into the ring; false when it is full. */
  post(slot: number, length: number, packetId: number): boolean {
    if (this.count === this.rxRingSize) return false;
    const slots = (this.slots ??= new Int32Array(this.rxRingSize));
    const lengths = (this.lengths ??= new Int32Array(this.rxRingSize));
    const packetIds = (this.packetIds ??= new Float64Array(this.rxRingSize));
    let tail = this.head + this.count;
    if (tail >= this.rxRingSize) tail -= this.rxRingSize;
    slots[tail] = slot;
    lengths[tail] = length;
    packetIds[tail] = packetId;
    this.count++;
    return true;
  }

  /** The next received frame as an sk_buff, null when the ring is empty; its descriptor is free again. */
  take(): SkBuff | null {
    if (this.count === 0) return null;
    const at = this.head;
    this.head = at + 1 === this.rxRingSize ? 0 : at + 1;
    this.count--;
    const slot = (this.slots as Int32Array)[at] as number;
    const skb = this.dev.kernel.pool.build(slot, slot + NET_SKB_PAD, (this.lengths as Int32Array)[at] as number);
    skb.packetId = (this.packetIds as Float64Array)[at] as number;
    return skb;
  }

  /** New ring sizes; waiting frames are lost, as when a driver restarts. */
  resize(rx: number, tx: number): void {
    this.clear();
    this.rxRingSize = rx;
    this.txRingSize = tx;
    this.slots = this.lengths = this.packetIds = null;
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
  if (length < ETH_HLEN || length > dev.mtu + ETH_HLEN + VLAN_HLEN) {
    statAdd(dev, Stat.rxErrors, 1);
    statAdd(dev, Stat.rxLengthErrors, 1);
    kernel.kfreeSkbReason(frame, length < ETH_HLEN ? DropReason.PKT_TOO_SMALL : DropReason.PKT_TOO_BIG);
    return;
  }
  const mem = kernel.mem;
  if (!accepts(dev, frame)) {
    frame.pool.release(frame); // another station's frame: the card's address filter, which counts nothing
    return;
  }
  const slot = mem.alloc(NET_SKB_PAD + length);
  if (slot < 0 || nic.rxPending === nic.rxRingSize) {
    if (slot >= 0) mem.unref(slot);
    nic.rxMissed++;
    statAdd(dev, Stat.rxMissedErrors, 1);
    kernel.kfreeSkbReason(frame, slot < 0 ? DropReason.NOMEM : DropReason.FULL_RING);
    return;
  }
  const engine = kernel.engine;
  const to = slot + NET_SKB_PAD;
  if (frame.dataLen > 0) {
    skbCopyBits(frame, 0, to, length);
    engine.fingerprint.mix(engine.now, nic.place, mem.ops.copyHash(to, to, length));
  } else {
    engine.fingerprint.mix(engine.now, nic.place, mem.ops.copyHash(to, frame.data, length));
  }
  nic.post(slot, length, frame.packetId);
  frame.pool.release(frame);
  if (nic.napi.scheduled) return; // the interrupt is masked while polling
  nic.irqs++;
  const sd = kernel.softnet(0);
  sd.hardIrqs++;
  napiSchedule(sd, nic.napi);
  sd.irqExit();
}

/** The card's address filter: its own address, group addresses, everything when promiscuous or watched. */
function accepts(dev: NetDevice, frame: SkBuff): boolean {
  const hi = ethDestHi(frame.mem, frame.data);
  if (hi === dev.addrHi && ethDestLo(frame.mem, frame.data) === dev.addrLo) return true;
  return (hi & 0x100) !== 0 || dev.promiscuity > 0 || dev.rxHandler !== null || dev.taps !== null || dev.net.tapCount > 0;
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
    statAdd(dev, Stat.rxPackets, 1);
    statAdd(dev, Stat.rxBytes, skb.len);
    skb.protocol = ethTypeTrans(skb, dev);
    if (skb.pktType === 2) statAdd(dev, Stat.multicast, 1);
    netifReceiveSkb(skb);
  }
  return work;
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
  devTxStats(dev, skb.len);
  nic.tx.send(skb);
  return NETDEV_TX_OK;
}

const nicOps: NetDeviceOps = {
  driver: 'netloom',
  startXmit,
  stop: (dev) => {
    (dev.priv as Nic).clear();
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
