/**
 * What code in a script may call things: the tcp_info of a socket, its memory, and the kernel's constants.
 * Sources: include/uapi/linux/tcp.h, include/uapi/linux/sock_diag.h.
 */
import type { Sock } from '@netloom/kernel-core';
import type { PyValue } from './python.js';

const CONSTANTS: Readonly<Record<string, number>> = {
  TCP_ESTABLISHED: 1,
  TCP_SYN_SENT: 2,
  TCP_SYN_RECV: 3,
  TCP_FIN_WAIT1: 4,
  TCP_FIN_WAIT2: 5,
  TCP_TIME_WAIT: 6,
  TCP_CLOSE: 7,
  TCP_CLOSE_WAIT: 8,
  TCP_LAST_ACK: 9,
  TCP_LISTEN: 10,
  TCP_CLOSING: 11,
  TCP_CA_Open: 0,
  TCP_CA_Disorder: 1,
  TCP_CA_CWR: 2,
  TCP_CA_Recovery: 3,
  TCP_CA_Loss: 4,
  TCPI_OPT_TIMESTAMPS: 1,
  TCPI_OPT_SACK: 2,
  TCPI_OPT_WSCALE: 4,
  TCPI_OPT_ECN: 8,
  TCPI_OPT_ECN_SEEN: 16,
  TCPI_OPT_SYN_DATA: 32,
  TCPI_OPT_USEC_TS: 64,
  TCPI_OPT_TFO_CHILD: 128,
};

/** Names for a socket as it is now; without one, the constants. */
export function socketNames(sk: Sock | undefined): Map<string, PyValue> {
  const names = new Map<string, PyValue>(Object.entries(CONSTANTS));
  if (sk === undefined) return names;
  const { tcpInfo, mem, ccInfo } = sk.diag();
  for (const [name, value] of Object.entries(tcpInfo ?? {})) names.set(`tcpi_${name}`, value);
  for (const [name, value] of Object.entries(ccInfo ?? {})) names.set(name, value);
  if (mem !== undefined) {
    const memory: Readonly<Record<string, number>> = {
      RMEM_ALLOC: mem.rmem,
      RCVBUF: mem.rcvbuf,
      WMEM_ALLOC: mem.wmem,
      SNDBUF: mem.sndbuf,
      FWD_ALLOC: mem.fwd,
      WMEM_QUEUED: mem.wmemQueued,
      OPTMEM: mem.opt,
      BACKLOG: mem.backlog,
      DROPS: mem.drops,
    };
    for (const [name, value] of Object.entries(memory)) names.set(`SK_MEMINFO_${name}`, value);
  }
  return names;
}
