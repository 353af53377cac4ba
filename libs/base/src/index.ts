export { Errno, errnoName, strerror, type ErrnoName } from './errno.js';
export { KernelError, InvariantError, invariant, assertNever } from './kernel-error.js';
export {
  parseIpv4,
  formatIpv4,
  ipv4Mask,
  parseMac,
  formatMac,
  parseIpv6,
  formatIpv6,
} from './ip-text.js';
export { parseDurationNs, parseRateBits, parsePercent } from './quantity.js';
export { RandomStream, hashText, chanceThreshold } from './random.js';
export { seqBefore, seqAfter, seqAdd, seqDiff, seqBetween } from './seq.js';
export {
  serviceName,
  servicePort,
  protocolName,
  protocolNumber,
  type ServiceProtocol,
} from './services.js';
export { WIDE_ZERO } from './wide.js';
export { withInserted } from './lists.js';
