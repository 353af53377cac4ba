/**
 * Makes AF_UNIX part of a kernel: its sockets, its sysctl, what sock_diag and /proc/net/unix list. @kernel af_unix_init()
 */
import { parseSysctlInt, type KernelModules, type Net } from '@netloom/kernel-core';
import {
  AF_UNIX,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  type SockDiagEntry,
} from '@netloom/sys';
import { unixTable, type UnixTable } from './unix-names.js';
import { MAX_DGRAM_QLEN, UnixSock } from './unix-sock.js';

const TYPES = [
  ['u_str', SOCK_STREAM],
  ['u_dgr', SOCK_DGRAM],
  ['u_seq', SOCK_SEQPACKET],
] as const satisfies readonly (readonly [SockDiagEntry['type'], number])[];

export function registerUnix(modules: KernelModules): void {
  for (const [diag, type] of TYPES) {
    modules.addSocketFactory(AF_UNIX, type, 0, (net) => new UnixSock(net, type));
    modules.addSockDiag(diag, (net) => unixSockets(net).filter((sk) => sk.type === type));
  }
  modules.addSocketFactory(AF_UNIX, SOCK_RAW, 0, (net) => new UnixSock(net, SOCK_DGRAM)); // an old name of it
  modules.addSysctls([
    {
      path: 'net/unix/max_dgram_qlen',
      read: (net) => String((net.unix as UnixTable | null)?.maxDgramQlen ?? MAX_DGRAM_QLEN),
      write: (net, text) => {
        unixTable(net).maxDgramQlen = parseSysctlInt(text);
      },
    },
  ]);
}

/** All AF_UNIX sockets of a namespace, oldest first. */
function unixSockets(net: Net): UnixSock[] {
  return [...((net.unix as UnixTable | null)?.sockets ?? [])];
}

const SO_ACCEPTCON = 0x10000;
const SS_UNCONNECTED = 1;
const SS_CONNECTING = 2;
const SS_CONNECTED = 3;
const SS_DISCONNECTING = 4;
const TCP_ESTABLISHED = 1;
const TCP_LISTEN = 10;

/** /proc/net/unix. @kernel unix_seq_show() */
export function procNetUnix(net: Net): string {
  const hex = (value: number, width: number): string =>
    value.toString(16).toUpperCase().padStart(width, '0');
  const line = (sk: UnixSock): string => {
    const { state } = sk;
    const connected = state === TCP_ESTABLISHED;
    const status =
      sk.ino !== 0
        ? connected
          ? SS_CONNECTED
          : SS_UNCONNECTED
        : connected
          ? SS_CONNECTING
          : SS_DISCONNECTING;
    const refs = 2 + (sk.peer === null ? 0 : 1);
    const path = sk.name === null ? '' : ` ${sk.name.path.replaceAll('\0', '@')}`;
    const where = (Math.imul(sk.cookie, 0x9e3779b1) >>> 0).toString(16).padStart(16, '0'); // a hashed pointer
    return `${where}: ${hex(refs, 8)} 00000000 ${hex(state === TCP_LISTEN ? SO_ACCEPTCON : 0, 8)} ${hex(sk.type, 4)} ${hex(status, 2)} ${String(sk.ino).padStart(5)}${path}\n`;
  };
  return `Num       RefCount Protocol Flags    Type St Inode Path\n${unixSockets(net).map(line).join('')}`;
}
