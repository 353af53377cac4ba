export { registerTunnels } from './register.js';
export { vxlanKind } from './vxlan.js';
export { registerTunFile, TunFile } from './tun.js';
