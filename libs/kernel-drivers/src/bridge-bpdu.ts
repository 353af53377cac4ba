/**
 * BPDUs as frames: written for bridge-stp.ts, read for it. Source: IEEE 802.1D-1998 §9, net/bridge/br_stp_bpdu.c.
 * Times in a BPDU are 1/256 seconds, here nanoseconds.
 */
import { devQueueXmit, LL_MAX_HEADER, skbPut, type SkBuff } from '@netloom/kernel-core';
import {
  BR_KERNEL_STP,
  bridgeIdText,
  BR_STATE_DISABLED,
  PortFlag,
  type BridgePort,
} from './bridge-state.js';
import {
  receivedConfigBpdu,
  receivedTcnBpdu,
  stpDisablePort,
  type ConfigBpdu,
} from './bridge-stp.js';

const LLC = [0x42, 0x42, 0x03];
const CONFIG_LENGTH = 35;
const TCN_LENGTH = 4;
const TICK = 1e9 / 256;
const TC_PRIO_CONTROL = 7;

/** Groups of eight bytes: priority and address. */
function idBytes(id: string): number[] {
  return (id.replace('.', '').match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));
}

function send(port: BridgePort, bpdu: readonly number[]): void {
  const { dev, br } = port;
  const { kernel } = dev;
  const length = 14 + LLC.length + bpdu.length;
  const skb = kernel.pool.alloc(length, LL_MAX_HEADER);
  if (skb === null) return;
  const o = skbPut(skb, length);
  const { u8, dv } = kernel.mem;
  u8.fill(0, o, o + length);
  u8.set([0x01, 0x80, 0xc2, 0, 0, br.groupAddress], o);
  u8.set(dev.address, o + 6);
  dv.setUint16(o + 12, LLC.length + bpdu.length);
  u8.set(LLC, o + 14);
  u8.set(bpdu, o + 14 + LLC.length);
  skb.protocol = 4; // ETH_P_802_2
  skb.priority = TC_PRIO_CONTROL;
  skb.packetId = kernel.pool.nextPacketId();
  skb.dev = dev;
  devQueueXmit(skb);
}

function ticks(ns: number): [number, number] {
  const value = Math.round(ns / TICK);
  return [(value >> 8) & 0xff, value & 0xff];
}

export function sendConfigBpduFrame(port: BridgePort, bpdu: ConfigBpdu): void {
  if (port.br.stpEnabled !== BR_KERNEL_STP) return;
  const cost = bpdu.rootPathCost;
  send(port, [
    0,
    0,
    0,
    0,
    (bpdu.topologyChange ? 1 : 0) | (bpdu.topologyChangeAck ? 0x80 : 0),
    ...idBytes(bpdu.root),
    (cost >>> 24) & 0xff,
    (cost >>> 16) & 0xff,
    (cost >>> 8) & 0xff,
    cost & 0xff,
    ...idBytes(bpdu.bridgeId),
    bpdu.portId >> 8,
    bpdu.portId & 0xff,
    ...ticks(bpdu.messageAge),
    ...ticks(bpdu.maxAge),
    ...ticks(bpdu.helloTime),
    ...ticks(bpdu.forwardDelay),
  ]);
}

export function sendTcnBpduFrame(port: BridgePort): void {
  send(port, [0, 0, 0, 0x80]);
}

/** Reads the BPDU in a frame to the bridge group address (data at the LLC header), if it is one. @kernel br_stp_rcv() */
export function brStpRcv(skb: SkBuff, port: BridgePort): void {
  const { br } = port;
  const { u8, dv } = skb.mem;
  const o = skb.data + LLC.length;
  const length = skb.len - skb.dataLen - LLC.length;
  if (length < TCN_LENGTH || LLC.some((byte, i) => u8[skb.data + i] !== byte)) return;
  if (u8[o] !== 0 || u8[o + 1] !== 0 || u8[o + 2] !== 0) return;
  if (br.stpEnabled !== BR_KERNEL_STP || !br.dev.up || port.state === BR_STATE_DISABLED) return;
  if ((port.flags & PortFlag.guard) !== 0) {
    br.dev.kernel.printk(
      5,
      `${br.dev.name}: BPDU received on blocked port ${port.portNo}(${port.dev.name})`,
    );
    stpDisablePort(port);
    return;
  }
  if (u8[o + 3] === 0x80) {
    receivedTcnBpdu(port);
    return;
  }
  if (u8[o + 3] !== 0 || length < CONFIG_LENGTH) return;
  const id = (at: number): string =>
    bridgeIdText(dv.getUint16(at), dv.getUint16(at + 2) * 0x1_0000_0000 + dv.getUint32(at + 4));
  const time = (at: number): number => dv.getUint16(at) * TICK;
  const flags = u8[o + 4] as number;
  const bpdu: ConfigBpdu = {
    topologyChange: (flags & 1) !== 0,
    topologyChangeAck: (flags & 0x80) !== 0,
    root: id(o + 5),
    rootPathCost: dv.getUint32(o + 13),
    bridgeId: id(o + 17),
    portId: dv.getUint16(o + 25),
    messageAge: time(o + 27),
    maxAge: time(o + 29),
    helloTime: time(o + 31),
    forwardDelay: time(o + 33),
  };
  if (bpdu.messageAge > bpdu.maxAge) return;
  receivedConfigBpdu(port, bpdu);
}
