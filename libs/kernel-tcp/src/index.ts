export { registerTcp } from './register.js';
export { tcpSysctls } from './tcp-sysctl.js';
export { TcpStreamSock } from './tcp.js';
export { TcpSock } from './tcp-sock.js';
export { tcpMetricsDelete, tcpMetricsDump } from './tcp-metrics.js';
export { tcpGetInfo } from './tcp-diag.js';
export { TcpCongestionTable, tcpSetCongestionControl } from './tcp-cong.js';
export type { RateSample, TcpCongestionOps } from './tcp-cong-ops.js';
export {
  TCP_CLOSE,
  TCP_CLOSE_WAIT,
  TCP_CLOSING,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_LAST_ACK,
  TCP_LISTEN,
  TCP_STATE_NAMES,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TCP_TIME_WAIT,
} from './tcp-const.js';
export { tcpNet } from './tcp-net.js';
