/** What the options of a received segment said, and what a connection agreed on. */
import { WIDE_ZERO } from '@netloom/base';
import { TCP_MSS_DEFAULT } from './tcp-const.js';

/** @kernel struct tcp_options_received */
export class TcpOptionsReceived {
  /** The peer's last timestamp that we echo, and when it came (seconds). */
  tsRecent = WIDE_ZERO;
  tsRecentStamp = 0;
  rcvTsval = WIDE_ZERO;
  rcvTsecr = WIDE_ZERO;
  sawTstamp = false;
  tstampOk = false;
  wscaleOk = false;
  sackOk = false;
  dsack = false;
  sndWscale = 0;
  rcvWscale = 0;
  /** Offset in packet memory of the last segment's first SACK block, and how many there are. */
  sackOff = 0;
  sackCount = 0;
  /** Where the last segment's AccECN option is in packet memory, 0 for none. */
  accecn = 0;
  userMss = 0;
  mssClamp = TCP_MSS_DEFAULT;
}
