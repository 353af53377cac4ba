/**
 * Random MAC addresses of virtual devices, from the host's own stream. @kernel eth_random_addr()
 */
import type { Kernel } from './kernel.js';

/** A locally administered unicast address. */
export function ethRandomAddr(kernel: Kernel): Uint8Array {
  const random = kernel.random('mac');
  const bytes = new Uint8Array(6);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, random.below(0x10000));
  view.setUint32(2, random.u32());
  bytes[0] = ((bytes[0] as number) & 0xfe) | 2;
  return bytes;
}
