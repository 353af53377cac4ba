export { registerTunnels } from './register.js';
export { vxlanKind } from './vxlan.js';
