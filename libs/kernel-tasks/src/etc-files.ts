/**
 * The files of /etc (and a few beside them) that every host starts with. Texts with a host's name are made per host.
 *
 * Port and protocol numbers: IANA's registries; layouts: hosts(5), passwd(5), group(5), services(5), protocols(5),
 * nsswitch.conf(5), os-release(5).
 */
import type { TaskHost } from './task-host.js';

const PASSWD = `root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
`;

const GROUP = `root:x:0:
daemon:x:1:
tty:x:5:
www-data:x:33:
nogroup:x:65534:
`;

/** name, port, protocols, aliases */
const SERVICES: readonly (readonly [string, number, string, string?])[] = [
  ['tcpmux', 1, 'tcp'],
  ['echo', 7, 'tcp udp'],
  ['discard', 9, 'tcp udp', 'sink null'],
  ['systat', 11, 'tcp', 'users'],
  ['daytime', 13, 'tcp udp'],
  ['netstat', 15, 'tcp'],
  ['chargen', 19, 'tcp udp', 'ttytst source'],
  ['ftp-data', 20, 'tcp'],
  ['ftp', 21, 'tcp'],
  ['ssh', 22, 'tcp'],
  ['telnet', 23, 'tcp'],
  ['smtp', 25, 'tcp', 'mail'],
  ['time', 37, 'tcp udp', 'timserver'],
  ['whois', 43, 'tcp', 'nicname'],
  ['tacacs', 49, 'tcp udp'],
  ['domain', 53, 'tcp udp'],
  ['bootps', 67, 'udp'],
  ['bootpc', 68, 'udp'],
  ['tftp', 69, 'udp'],
  ['gopher', 70, 'tcp'],
  ['finger', 79, 'tcp'],
  ['http', 80, 'tcp', 'www'],
  ['kerberos', 88, 'tcp udp', 'kerberos5 krb5 kerberos-sec'],
  ['pop3', 110, 'tcp', 'pop-3'],
  ['sunrpc', 111, 'tcp udp', 'portmapper'],
  ['auth', 113, 'tcp', 'authentication tap ident'],
  ['nntp', 119, 'tcp', 'readnews untp'],
  ['ntp', 123, 'udp'],
  ['epmap', 135, 'tcp', 'loc-srv'],
  ['netbios-ns', 137, 'udp'],
  ['netbios-dgm', 138, 'udp'],
  ['netbios-ssn', 139, 'tcp'],
  ['imap2', 143, 'tcp', 'imap'],
  ['snmp', 161, 'tcp udp'],
  ['snmp-trap', 162, 'tcp udp', 'snmptrap'],
  ['bgp', 179, 'tcp'],
  ['irc', 194, 'tcp udp'],
  ['ldap', 389, 'tcp udp'],
  ['https', 443, 'tcp udp'],
  ['microsoft-ds', 445, 'tcp udp'],
  ['isakmp', 500, 'udp'],
  ['exec', 512, 'tcp'],
  ['login', 513, 'tcp'],
  ['shell', 514, 'tcp', 'cmd syslog'],
  ['syslog', 514, 'udp'],
  ['printer', 515, 'tcp', 'spooler'],
  ['route', 520, 'udp', 'router routed'],
  ['ldaps', 636, 'tcp udp'],
  ['domain-s', 853, 'tcp udp'],
  ['rsync', 873, 'tcp'],
  ['imaps', 993, 'tcp'],
  ['pop3s', 995, 'tcp'],
  ['socks', 1080, 'tcp'],
  ['openvpn', 1194, 'tcp udp'],
  ['l2f', 1701, 'udp', 'l2tp'],
  ['radius', 1812, 'tcp udp'],
  ['radius-acct', 1813, 'tcp udp', 'radacct'],
  ['nfs', 2049, 'tcp udp'],
  ['iscsi-target', 3260, 'tcp'],
  ['mysql', 3306, 'tcp'],
  ['ms-wbt-server', 3389, 'tcp'],
  ['epmd', 4369, 'tcp'],
  ['sip', 5060, 'tcp udp'],
  ['sip-tls', 5061, 'tcp udp'],
  ['xmpp-client', 5222, 'tcp'],
  ['mdns', 5353, 'udp'],
  ['postgresql', 5432, 'tcp', 'postgres'],
  ['amqp', 5672, 'tcp udp sctp'],
  ['x11', 6000, 'tcp', 'x11-0'],
  ['redis', 6379, 'tcp'],
  ['http-alt', 8080, 'tcp udp', 'webcache'],
];

function servicesText(): string {
  let text = '# Network services, Internet style\n\n';
  for (const [name, port, protocols, aliases] of SERVICES) {
    for (const protocol of protocols.split(' ')) {
      const head = `${name}${'\t'.repeat(Math.max(1, 2 - (name.length >> 3)))}${port}/${protocol}`;
      text += aliases === undefined ? `${head}\n` : `${head}\t\t${aliases}\n`;
    }
  }
  return text;
}

const PROTOCOLS: readonly (readonly [string, number, string])[] = [
  ['ip', 0, 'IP'],
  ['icmp', 1, 'ICMP'],
  ['igmp', 2, 'IGMP'],
  ['ipencap', 4, 'IP-ENCAP'],
  ['tcp', 6, 'TCP'],
  ['egp', 8, 'EGP'],
  ['igp', 9, 'IGP'],
  ['udp', 17, 'UDP'],
  ['dccp', 33, 'DCCP'],
  ['ipv6', 41, 'IPv6'],
  ['ipv6-route', 43, 'IPv6-Route'],
  ['ipv6-frag', 44, 'IPv6-Frag'],
  ['rsvp', 46, 'RSVP'],
  ['gre', 47, 'GRE'],
  ['esp', 50, 'IPSEC-ESP'],
  ['ah', 51, 'IPSEC-AH'],
  ['ipv6-icmp', 58, 'IPv6-ICMP'],
  ['ipv6-nonxt', 59, 'IPv6-NoNxt'],
  ['ipv6-opts', 60, 'IPv6-Opts'],
  ['eigrp', 88, 'EIGRP'],
  ['ospf', 89, 'OSPFIGP'],
  ['ipip', 94, 'IPIP'],
  ['pim', 103, 'PIM'],
  ['vrrp', 112, 'VRRP'],
  ['l2tp', 115, 'L2TP'],
  ['sctp', 132, 'SCTP'],
  ['udplite', 136, 'UDPLite'],
  ['mpls-in-ip', 137, 'MPLS-in-IP'],
];

function protocolsText(): string {
  const lines = PROTOCOLS.map(
    ([name, number, alias]) => `${name}${name.length < 8 ? '\t' : ' '}${number}\t${alias}\n`,
  );
  return `# Internet (IP) protocols\n\n${lines.join('')}`;
}

const NSSWITCH = `passwd:         files
group:          files
shadow:         files

hosts:          files dns
networks:       files

protocols:      files
services:       files
ethers:         files
`;

const OS_RELEASE = `PRETTY_NAME="Netloom simulated Linux"
NAME="Netloom"
ID=netloom
ID_LIKE=debian
`;

function hostsText(host: TaskHost): string {
  return `127.0.0.1\tlocalhost
127.0.1.1\t${host.hostname}

::1     localhost ip6-localhost ip6-loopback
ff02::1 ip6-allnodes
ff02::2 ip6-allrouters
`;
}

const RT_TABLES = `#
# reserved values
#
255\tlocal
254\tmain
253\tdefault
0\tunspec
`;

const RT_PROTOS = `0\tunspec
1\tredirect
2\tkernel
3\tboot
4\tstatic
16\tdhcp
186\tbgp
188\tospf
`;

/** Path and contents. */
export const ETC_FILES: readonly (readonly [string, string | ((host: TaskHost) => string)])[] = [
  ['/etc/hostname', (host) => `${host.hostname}\n`],
  ['/etc/hosts', hostsText],
  ['/etc/passwd', PASSWD],
  ['/etc/group', GROUP],
  ['/etc/services', servicesText()],
  ['/etc/protocols', protocolsText()],
  ['/etc/resolv.conf', '# no name server\n'],
  ['/etc/os-release', OS_RELEASE],
  ['/etc/nsswitch.conf', NSSWITCH],
  ['/etc/shells', '/bin/sh\n/bin/bash\n/usr/bin/sh\n/usr/bin/bash\n'],
  ['/etc/sysctl.conf', '# Kernel parameters read by sysctl -p; see also /etc/sysctl.d/\n'],
  ['/etc/iproute2/rt_tables', RT_TABLES],
  ['/etc/iproute2/rt_protos', RT_PROTOS],
];
