/**
 * One stream of a test: its socket and everything counted on it. Times are microseconds of the host's clock.
 */
import type { Sys } from '@netloom/sys';

/** What one reporting interval saw. */
export interface Interval {
  readonly startUs: number;
  readonly endUs: number;
  /** Seconds in single precision. */
  readonly seconds: number;
  readonly bytes: number;
  readonly omitted: boolean;
  readonly retransmits: number;
  readonly cwnd: number;
  readonly sndWnd: number;
  readonly rtt: number;
  readonly rttvar: number;
  readonly pmtu: number;
  readonly packets: number;
  readonly lost: number;
  readonly jitter: number;
  /** Totals at the end of the interval. */
  readonly totalPackets: number;
  readonly totalLost: number;
}

export class Stream {
  localHost = '';
  localPort = 0;
  remoteHost = '';
  remotePort = 0;

  bytesSent = 0;
  bytesSentOmitted = 0;
  bytesReceived = 0;
  intervalBytes = 0;
  /** Since when the current figures count, and since when it runs. */
  startUs = 0;
  runUs = 0;
  endUs = 0;
  last: Interval | undefined;

  retransmits = 0;
  previousRetransmits = 0;
  maxCwnd = 0;
  maxSndWnd = 0;
  maxRtt = 0;
  minRtt = 0;
  sumRtt = 0;
  countRtt = 0;

  /** Seconds of either end; 0 until known. */
  senderSeconds = 0;
  receiverSeconds = 0;

  packetCount = 0;
  peerPacketCount = 0;
  lost = 0;
  outOfOrder = 0;
  omittedPackets = 0;
  omittedLost = 0;
  omittedOutOfOrder = 0;
  /** Seconds. */
  jitter = 0;
  transitUs: number | undefined;

  /** May send now; otherwise from `greenAtNs`. */
  green = true;
  greenAtNs = 0;
  /** Bytes of the current block that are still to be written. */
  pending = 0;
  /** The peer has closed. */
  ended = false;

  /** Bytes that are let gather before reading, and the measuring that chooses them. */
  lowWater = 1;
  reads = 0;
  measureFromNs = 0;
  measureBytes = 0;

  constructor(
    readonly id: number,
    readonly fd: number,
    readonly sender: boolean,
    /** The descriptor of the block's own file, as iperf3 keeps one a stream. */
    readonly bufferFd: number,
  ) {}
}

/** What TCP_INFO tells of a sender. */
export interface SenderInfo {
  readonly retransmits: number;
  readonly cwnd: number;
  readonly sndWnd: number;
  readonly rtt: number;
  readonly rttvar: number;
  readonly pmtu: number;
}

/** TCP_INFO of a socket, through its entry in sock_diag. */
export function senderInfo(sys: Sys, fd: number): SenderInfo {
  const { ino } = sys.fstat(fd);
  const info = sys.sockDiag(['tcp']).find((entry) => entry.ino === ino)?.tcpInfo;
  const get = (name: string): number => info?.[name] ?? info?.[`tcpi_${name}`] ?? 0;
  return {
    retransmits: get('total_retrans'),
    cwnd: get('snd_cwnd') * get('snd_mss'),
    sndWnd: get('snd_wnd'),
    rtt: get('rtt'),
    rttvar: get('rttvar'),
    pmtu: get('pmtu'),
  };
}
