/**
 * iperf3's failures: their texts, and whether the system's reason follows.
 */
import { strerror } from '@netloom/base';

/** Code → text; a text that ends in a colon is followed by errno's. Codes are those of the control protocol. */
const TEXTS: Readonly<Record<number, string>> = {
  1: 'cannot be both server and client',
  2: 'must either be a client (-c) or server (-s)',
  3: 'some option you are trying to set is server only',
  4: 'some option you are trying to set is client only',
  5: 'test duration too long (maximum = 86400 seconds)',
  6: 'number of parallel streams too large (maximum = 128)',
  7: 'block size too large (maximum = 1048576 bytes)',
  8: 'socket buffer size too large (maximum = 536870912 bytes)',
  9: 'invalid report interval (min = 0.1, max = 60 seconds)',
  10: 'TCP MSS too large (maximum = 9216 bytes)',
  12: 'bogus value for --omit',
  13: 'an option you are trying to set is not implemented yet',
  15: 'invalid burst count (maximum = 1000)',
  16: 'only one test end condition (-t, -n, -k) may be specified',
  17: 'unable to open log file:',
  18: 'no SCTP support available',
  20: 'block size invalid (minimum = 16 bytes, maximum = 65507 bytes)',
  21: 'bad TOS value (must be between 0 and 255 inclusive)',
  24: 'bad format specifier (valid formats are in the set [kmgtKMGT])',
  25: 'cannot be both reverse and bidirectional',
  26: 'port number must be between 1 and 65535 inclusive',
  27: 'total required bandwidth is larger than server limit',
  30: 'idle timeout parameter is not positive or larger than allowed limit',
  31: 'receive timeout value is incorrect or not in range:',
  32: 'client receive timeout is valid only in receiving mode:',
  33: 'send timeout value is incorrect or not in range:',
  102: 'unable to start listener for connections:',
  103: 'unable to connect to server:',
  104: 'unable to accept connection from client:',
  105: 'unable to send cookie to server:',
  106: 'unable to receive cookie at server:',
  107: 'unable to write to the control socket:',
  108: 'unable to read from the control socket:',
  109: 'control socket has closed unexpectedly',
  110: 'received an unknown control message',
  111: 'unable to send control message:',
  112: 'unable to receive control message:',
  113: 'unable to send parameters to server:',
  114: 'unable to receive parameters from client:',
  116: 'unable to send results:',
  117: 'unable to receive results:',
  119: 'the client has terminated',
  120: 'the server has terminated',
  121: 'the server is busy running a test. try again later',
  122: 'unable to set TCP/SCTP NODELAY:',
  123: 'unable to set TCP/SCTP MSS:',
  124: 'unable to set socket buffer size:',
  125: 'unable to set IP TOS:',
  133: 'unable to become a daemon:',
  134: 'unable to set TCP_CONGESTION: Supplied congestion control algorithm not supported on this host',
  135: 'unable to write PID file:',
  141: 'socket buffer size not set correctly',
  143: 'Unable to bind-to-device (check perror, maybe permissions?)',
  144: 'idle timeout for receiving data',
  202: 'unable to start stream listener:',
  203: 'unable to connect stream:',
  204: 'unable to accept stream connection:',
  205: 'unable to write to stream socket:',
  206: 'unable to read from stream socket:',
};

/** Ends a test; `code` is iperf3's number, `errno` the system's reason or 0. */
export class IperfError extends Error {
  constructor(
    readonly code: number,
    readonly errno = 0,
  ) {
    const text = TEXTS[code] ?? `int_errno=${code}:`;
    const reason = errno === 0 ? '' : strerror(errno);
    super(text.endsWith(':') ? `${text} ${reason}` : text);
    this.name = 'IperfError';
  }
}
