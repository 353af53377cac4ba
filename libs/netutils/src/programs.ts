/**
 * The network programs of a host and where its file system has them (Debian 12's places; /bin and /sbin are /usr's).
 */
import type { ProgramSpec } from '@netloom/sys';
import { ipMain } from './ip/main.js';
import { ncMain } from './nc/main.js';
import { pingMain } from './ping/main.js';
import { ssMain } from './ss/main.js';
import { sysctlMain } from './sysctl.js';

export const netutilsPrograms: readonly ProgramSpec[] = [
  { paths: ['/usr/sbin/ip', '/usr/bin/ip', '/sbin/ip', '/bin/ip'], main: ipMain },
  { paths: ['/usr/bin/ping', '/bin/ping', '/usr/bin/ping4', '/bin/ping4', '/usr/bin/ping6', '/bin/ping6'], main: pingMain },
  { paths: ['/usr/bin/nc.openbsd', '/usr/bin/nc', '/bin/nc', '/usr/bin/netcat', '/bin/netcat'], main: ncMain },
  { paths: ['/usr/bin/ss', '/bin/ss'], main: ssMain },
  { paths: ['/usr/sbin/sysctl', '/sbin/sysctl'], main: sysctlMain },
];
