/**
 * The network programs of a host and where its file system has them (Debian 12's places; /bin and /sbin are /usr's).
 */
import type { ProgramSpec } from '@netloom/sys';
import { abMain } from './ab/main.js';
import { arpMain } from './arp.js';
import { bridgeMain } from './bridge/main.js';
import { curlMain } from './curl/main.js';
import { httpServerMain } from './http/http-server.js';
import { pythonMain } from './http/python.js';
import { wgetMain } from './http/wget.js';
import { ipMain } from './ip/main.js';
import { iperf3Main } from './iperf3/main.js';
import { ncMain } from './nc/main.js';
import { ifconfigMain } from './net-tools/ifconfig.js';
import { netstatMain } from './net-tools/netstat.js';
import { routeMain } from './net-tools/route.js';
import { nstatMain } from './nstat.js';
import { pingMain } from './ping/main.js';
import { radvdMain } from './radvd/main.js';
import { rdisc6Main } from './rdisc6.js';
import { ssMain } from './ss/main.js';
import { sysctlMain } from './sysctl.js';
import { tcMain } from './tc/main.js';
import { tcpdumpMain } from './tcpdump/main.js';
import { arpingMain } from './trace/arping.js';
import { mtrMain } from './trace/mtr.js';
import { tracepathMain } from './trace/tracepath.js';
import { tracerouteMain } from './trace/traceroute.js';

export const netutilsPrograms: readonly ProgramSpec[] = [
  { paths: ['/usr/bin/ab', '/bin/ab'], main: abMain },
  { paths: ['/usr/sbin/arp', '/sbin/arp'], main: arpMain },
  { paths: ['/usr/sbin/bridge', '/sbin/bridge'], main: bridgeMain },
  { paths: ['/usr/bin/wget', '/bin/wget'], main: wgetMain },
  { paths: ['/usr/bin/curl', '/bin/curl'], main: curlMain },
  { paths: ['/usr/local/bin/http-server'], main: httpServerMain },
  { paths: ['/usr/bin/python3', '/bin/python3'], main: pythonMain },
  { paths: ['/usr/sbin/ifconfig', '/sbin/ifconfig'], main: ifconfigMain },
  { paths: ['/usr/sbin/ip', '/usr/bin/ip', '/sbin/ip', '/bin/ip'], main: ipMain },
  { paths: ['/usr/bin/iperf3', '/bin/iperf3'], main: iperf3Main },
  {
    paths: ['/usr/bin/nc.openbsd', '/usr/bin/nc', '/bin/nc', '/usr/bin/netcat', '/bin/netcat'],
    main: ncMain,
  },
  { paths: ['/usr/bin/netstat', '/bin/netstat'], main: netstatMain },
  { paths: ['/usr/bin/nstat', '/bin/nstat'], main: nstatMain },
  {
    paths: [
      '/usr/bin/ping',
      '/bin/ping',
      '/usr/bin/ping4',
      '/bin/ping4',
      '/usr/bin/ping6',
      '/bin/ping6',
    ],
    main: pingMain,
  },
  { paths: ['/usr/sbin/radvd', '/sbin/radvd'], main: radvdMain },
  { paths: ['/usr/bin/rdisc6', '/bin/rdisc6'], main: rdisc6Main },
  { paths: ['/usr/sbin/route', '/sbin/route'], main: routeMain },
  { paths: ['/usr/bin/ss', '/bin/ss'], main: ssMain },
  { paths: ['/usr/sbin/sysctl', '/sbin/sysctl'], main: sysctlMain },
  { paths: ['/usr/sbin/tc', '/sbin/tc'], main: tcMain },
  {
    paths: ['/usr/bin/tcpdump', '/bin/tcpdump', '/usr/sbin/tcpdump', '/sbin/tcpdump'],
    main: tcpdumpMain,
  },
  { paths: ['/usr/bin/arping', '/bin/arping'], main: arpingMain },
  { paths: ['/usr/bin/mtr', '/bin/mtr'], main: mtrMain },
  { paths: ['/usr/bin/tracepath', '/bin/tracepath'], main: tracepathMain },
  {
    paths: [
      '/usr/bin/traceroute.db',
      '/usr/bin/traceroute',
      '/bin/traceroute',
      '/usr/bin/traceroute6',
      '/bin/traceroute6',
    ],
    main: tracerouteMain,
  },
];
