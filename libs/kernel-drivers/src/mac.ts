/**
 * Random MAC addresses of virtual devices.
 */
export { ethRandomAddr as randomMac } from '@netloom/kernel-core';
