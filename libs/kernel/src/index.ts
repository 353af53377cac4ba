export {
  createEnvironment,
  type HostEnvironment,
} from './environment.js';
export {
  Host,
  hostOf,
  netOf,
  type HostOptions,
} from './host.js';
export {
  registerLinkEvents,
} from './link-events.js';
export {
  netCalls,
} from './net-calls.js';
export {
  registerHostFiles,
} from './proc-host.js';
export {
  registerProcNet,
} from './proc-net.js';
export {
  registerProcSys,
} from './proc-sys.js';
export {
  RtnlDescription,
} from './rtnl-events.js';
export {
  linkMsg,
  linkGet,
  linkAdd,
  linkDelete,
  linkSet,
} from './rtnl-link.js';
export {
  routeGet,
} from './rtnl-route-get.js';
export {
  rtnlRequest,
  freeNsid,
  type RtnlContext,
} from './rtnl.js';
export {
  SocketDescription,
} from './socket-file.js';
export {
  registerSysClassNet,
} from './sys-class-net.js';
