import { KernelError } from '@netloom/base';
import { encodeText, OpenFlag, print, readTextFile, type Sys } from '@netloom/sys';
import { NsfsDescription } from './open-file.js';
import { pseudoDir, pseudoFile } from './pseudo-fs.js';
import { makeHost, runToEnd } from './spec-host.js';
import { createPseudoFs, type NetOps, type TaskHost } from './task-host.js';

const { O_RDONLY, O_WRONLY } = OpenFlag;

async function output(host: TaskHost, main: (sys: Sys) => Promise<string>): Promise<string> {
  const { out, err } = await runToEnd(host, async (sys) => (await print(sys, await main(sys)), 0), [
    'prog',
    'a b',
  ]);
  expect(err).toBe('');
  return out;
}

const codeOf = (error: KernelError): string => error.code;

describe('registered pseudo files', () => {
  interface Knobs {
    forward: string;
    devices: string[];
  }

  const pseudo = createPseudoFs();
  const knobs = (owner: unknown): Knobs => owner as Knobs;
  pseudo.registerFile('/proc/sys/net/ipv4/ip_forward', {
    read: ({ host }) => `${knobs(host.owner).forward}\n`,
    write: ({ host }, text) => {
      if (!/^\d+\n?$/.test(text)) throw new KernelError('EINVAL');
      knobs(host.owner).forward = text.trim();
    },
  });
  pseudo.registerFile('/proc/sys/net/ipv4/route/flush', { write: () => undefined });
  pseudo.registerDir('/proc/sys/net/ipv4/conf', {
    list: ({ host }) => knobs(host.owner).devices,
    lookup: ({ host }, device) =>
      knobs(host.owner).devices.includes(device)
        ? pseudoDir({
            list: () => ['mtu'],
            lookup: (_task, name) =>
              name === 'mtu' ? pseudoFile({ read: () => `${device} 1500\n` }) : undefined,
          })
        : undefined,
  });
  pseudo.registerFile('/proc/net/arp', { read: ({ net }) => `arp of ${String(net)}\n` });
  pseudo.registerFile('/sys/class/net/lo/address', { read: () => '00:00\n' });
  const host = makeHost([], {
    pseudo,
    owner: { forward: '0', devices: ['lo', 'eth1'] },
    net: 'root-ns',
  });
  const other = makeHost([], { pseudo, owner: { forward: '1', devices: [] } });

  it('are made for the host and task that read them', async () => {
    const read = (sys: Sys): Promise<string> => readTextFile(sys, '/proc/sys/net/ipv4/ip_forward');
    expect([await output(host, read), await output(other, read)]).toEqual(['0\n', '1\n']);
    expect(await output(host, (sys) => readTextFile(sys, '/proc/net/arp'))).toBe(
      'arp of root-ns\n',
    );
  });

  it('take writes as text, and refuse with the owner’s errno', async () => {
    const seen = await output(host, async (sys) => {
      const path = '/proc/sys/net/ipv4/ip_forward';
      const fd = sys.open(path, O_WRONLY | OpenFlag.O_TRUNC | OpenFlag.O_CREAT);
      await sys.write(fd, encodeText('7\n'));
      const bad = await sys.write(fd, encodeText('abc')).catch(codeOf);
      const reader = sys.open(path, O_RDONLY);
      const texts: string[] = [];
      for (const value of ['8\n', '9\n']) {
        await sys.write(fd, encodeText(value));
        sys.seek(reader, 0, 'set');
        texts.push(new TextDecoder().decode(await sys.read(reader, 99)));
      }
      return JSON.stringify([bad, texts, sys.stat(path).size, sys.stat(path).mode.toString(8)]);
    });
    expect(seen).toBe('["EINVAL",["8\\n","9\\n"],0,"644"]');
  });

  it('refuse by mode in sysctls and /sys, by transfer elsewhere in /proc', async () => {
    const seen = await output(host, async (sys) => {
      const open = (path: string, flags: number): string => {
        try {
          return String(sys.open(path, flags) > 2);
        } catch (error) {
          return codeOf(error as KernelError);
        }
      };
      return [
        open('/proc/sys/net/ipv4/route/flush', O_RDONLY),
        open('/sys/class/net/lo/address', O_WRONLY),
        await sys.write(sys.open('/proc/net/arp', O_WRONLY), encodeText('x')).catch(codeOf),
        sys.stat('/sys/class/net/lo/address').size,
      ].join(' ');
    });
    expect(seen).toBe('EACCES EACCES EIO 4096');
  });

  it('list dynamic directories, sorted', async () => {
    const seen = await output(host, async (sys) => {
      const conf = '/proc/sys/net/ipv4/conf';
      sys.chdir(`${conf}/eth1`);
      return [
        sys
          .readdir(conf)
          .map((e) => `${e.name}:${e.type}`)
          .join(),
        sys
          .readdir('/proc/sys/net/ipv4')
          .map((e) => e.name)
          .join(),
        await readTextFile(sys, 'mtu'),
        await readTextFile(sys, '../lo/mtu'),
        sys.getcwd(),
      ].join(' ');
    });
    expect(seen).toBe(
      `eth1:dir,lo:dir conf,ip_forward,route eth1 1500\n lo 1500\n /proc/sys/net/ipv4/conf/eth1`,
    );
  });
});

describe('/proc', () => {
  it('describes processes', async () => {
    const host = makeHost([], { hostname: 'web' });
    const seen = await output(host, async (sys) => {
      await sys.sleep(1.5e9);
      const me = `/proc/${sys.pid}`;
      const stat = (await readTextFile(sys, '/proc/self/stat')).trimEnd().split(' ');
      return [
        stat.slice(0, 8).join(' '),
        stat.length,
        stat[21],
        JSON.stringify(await readTextFile(sys, `${me}/cmdline`)),
        await readTextFile(sys, '/proc/1/comm'),
        sys.readlink('/proc/self'),
        sys.readlink('/proc/self/cwd'),
        (await readTextFile(sys, `${me}/status`)).split('\n').slice(0, 7).join('|'),
        (await readTextFile(sys, `${me}/environ`)).split('\0')[0],
        sys
          .readdir('/proc/self/fd')
          .map((e) => e.name)
          .join(),
        sys
          .readdir('/proc')
          .filter((e) => /^\d/.test(e.name))
          .map((e) => e.name)
          .join(),
        sys.stat('/proc/self/cwd').type,
      ].join('\n');
    });
    expect(seen).toBe(`100 (prog) R 1 100 100 0 -1
52
0
"prog\\u0000a b\\u0000"
init

100
/root
Name:\tprog|Umask:\t0022|State:\tR (running)|Tgid:\t100|Ngid:\t0|Pid:\t100|PPid:\t1
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
0,1,2
1,100
dir`);
  });

  it('describes the machine', async () => {
    const host = makeHost([], { nprocs: 2, hostname: 'web' });
    const seen = await output(host, async (sys) => {
      await sys.sleep(12.34e9);
      const fd = sys.open('/proc/sys/kernel/hostname', O_WRONLY);
      await sys.write(fd, encodeText('db\n'));
      return [
        await readTextFile(sys, '/proc/uptime'),
        await readTextFile(sys, '/proc/loadavg'),
        (await readTextFile(sys, '/proc/cpuinfo')).match(/^processor/gm)?.length,
        (await readTextFile(sys, '/proc/meminfo')).split('\n')[0],
        sys.uname().nodename,
        sys.hostname(),
        await readTextFile(sys, '/proc/sys/kernel/osrelease'),
        /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\n$/.test(
          await readTextFile(sys, '/proc/sys/kernel/random/uuid'),
        ),
        (await readTextFile(sys, '/proc/mounts')).split('\n')[1],
      ].join('\n');
    });
    expect(seen).toBe(`12.34 24.68

0.00 0.00 0.00 1/2 100

2
MemTotal:        2048000 kB
db
db
6.12.0-netloom

true
proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0`);
  });
});

describe('network namespaces as files', () => {
  const counted = (): { readonly ops: NetOps; readonly refs: Map<unknown, number> } => {
    const refs = new Map<unknown, number>();
    const add = (ns: unknown, n: number): void => void refs.set(ns, (refs.get(ns) ?? 0) + n);
    return {
      refs,
      ops: {
        ino: (ns) => (ns === 'root' ? 4026531840 : 4026532201),
        hold: (ns) => add(ns, 1),
        release: (ns) => add(ns, -1),
      },
    };
  };

  it('are opened from /proc/PID/ns/net, bound over a file, opened there, unbound', async () => {
    const { ops, refs } = counted();
    const host = makeHost([], { netOps: ops, net: 'root' });
    const seen = await output(host, async (sys) => {
      const task = host.task(sys.pid);
      if (task === undefined) return '';
      const out: unknown[] = [
        sys.readlink('/proc/self/ns/net'),
        sys.stat('/proc/self/ns/net').type,
      ];
      sys.mkdir('/run/netns');
      sys.close(sys.open('/run/netns/blue', OpenFlag.O_CREAT | O_RDONLY, 0));
      host.vfs.bindNamespace(task, '/run/netns/blue', 'blue-ns');
      const fd = sys.open('/var/run/netns/blue', O_RDONLY);
      const desc = task.fds.get(fd);
      out.push(
        desc instanceof NsfsDescription && desc.namespace,
        sys.fstat(fd).ino,
        sys.stat('/run/netns/blue').type,
      );
      for (const call of [
        () => sys.unlink('/run/netns/blue'),
        () => sys.rename('/run/netns/blue', '/tmp/x'),
      ]) {
        try {
          call();
        } catch (error) {
          out.push(codeOf(error as KernelError));
        }
      }
      out.push(
        (await readTextFile(sys, '/proc/mounts')).includes('nsfs /run/netns/blue nsfs rw 0 0\n'),
        refs.get('blue-ns'),
      );
      host.vfs.unbindNamespace(task, '/run/netns/blue');
      out.push(refs.get('blue-ns'), sys.stat('/run/netns/blue').type);
      sys.close(fd);
      sys.unlink('/run/netns/blue');
      out.push(refs.get('blue-ns'), (await readTextFile(sys, '/proc/mounts')).includes('nsfs'));
      return JSON.stringify(out);
    });
    expect(seen).toBe(
      '["net:[4026531840]","nsfs","blue-ns",4026532201,"nsfs","EBUSY","EBUSY",true,2,1,"file",0,false]',
    );
    expect(refs.get('root')).toBe(1); // init's
  });

  it('are inherited and released by tasks', async () => {
    const { ops, refs } = counted();
    const host = makeHost([], { netOps: ops, net: 'root' });
    const seen = await output(host, async (sys) => {
      const pid = sys.spawn({ program: async (s) => (await s.sleep(1e9), 0), argv: ['c'] });
      const during = refs.get('blue');
      const link = sys.readlink(`/proc/${pid}/ns/net`);
      await sys.waitpid(pid);
      return `${during} ${refs.get('blue')} ${link}`;
    });
    expect(seen).toBe('undefined undefined net:[4026531840]');
    const { out } = await runToEnd(
      host,
      async (sys) => {
        const pid = sys.spawn({ program: async (s) => (await s.sleep(1e9), 0), argv: ['c'] });
        const during = refs.get('blue');
        await sys.waitpid(pid);
        await print(sys, `${during} ${refs.get('blue')}`);
        return 0;
      },
      ['p'],
      { net: 'blue' },
    );
    expect(out).toBe('2 1');
    expect(refs.get('blue')).toBe(0);
  });
});

describe('links of /proc/PID', () => {
  it('tell removed files and directories apart', async () => {
    const seen = await output(makeHost(), async (sys) => {
      sys.mkdir('d');
      sys.chdir('d');
      const fd = sys.open('f', OpenFlag.O_CREAT | O_WRONLY);
      const again = sys.open(`/proc/self/fd/${fd}`, O_RDONLY);
      sys.unlink('f');
      sys.rmdir('/root/d');
      const names = sys.readdir('/proc/self').length;
      return [
        sys.readlink('/proc/self/cwd'),
        sys.readlink(`/dev/fd/${fd}`),
        sys.readlink(`/dev/fd/${again}`),
        names,
      ].join('\n');
    });
    expect(seen).toBe('/root/d (deleted)\n/root/d/f (deleted)\n/root/d/f (deleted)\n11');
  });
});
