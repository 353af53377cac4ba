/**
 * Random MAC addresses of virtual devices.
 */
export { ethRandomAddr as randomMac } from '@netloom/kernel-core';

/** The largest super-packet that a device without hardware takes. @kernel GSO_MAX_SIZE */
export const TSO_MAX_SIZE = 524280;
