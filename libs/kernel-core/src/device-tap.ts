/**
 * Taps: who sees every frame that a device, or all of a namespace, receives or sends.
 *
 * devHardStartXmit, receiveOnCpu → this → packet sockets, captures. Taps are linked through themselves, as the kernel links
 * its packet_type: on the way of every captured frame each object between the device and the one who writes it down costs.
 */
import type { NetDevice } from './net-device.js';
import type { SkBuff } from './skbuff.js';

/** @kernel struct packet_type for ETH_P_ALL */
export abstract class DeviceTap {
  next: DeviceTap | null = null;

  /** Sees a frame in the kernel's place for it; must not keep the sk_buff. */
  abstract see(skb: SkBuff, dev: NetDevice, outgoing: boolean): void;
}

/** Where taps hang: a device, or a namespace for all of its devices. */
export interface Tapped {
  taps: DeviceTap | null;
}

/** Hangs a tap behind the others; the returned function takes it away. A tap hangs in one place at a time. @kernel dev_add_pack() */
export function addTap(place: Tapped, tap: DeviceTap): () => void {
  tap.next = null;
  if (place.taps === null) {
    place.taps = tap;
  } else {
    let last = place.taps;
    while (last.next !== null) last = last.next;
    last.next = tap;
  }
  return () => {
    removeTap(place, tap);
  };
}

/** The one taken away still leads on to those behind it, so that it may go while it sees a frame. @kernel dev_remove_pack() */
function removeTap(place: Tapped, tap: DeviceTap): void {
  if (place.taps === tap) {
    place.taps = tap.next;
    return;
  }
  for (let before = place.taps; before !== null; before = before.next) {
    if (before.next === tap) {
      before.next = tap.next;
      return;
    }
  }
}

/** Shows a frame to a list of taps. */
export function showTaps(
  first: DeviceTap | null,
  skb: SkBuff,
  dev: NetDevice,
  outgoing: boolean,
): void {
  for (let tap = first; tap !== null; tap = tap.next) tap.see(skb, dev, outgoing);
}
