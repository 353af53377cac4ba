import { KernelError } from '@netloom/base';
import { decodeText, encodeText, OpenFlag, print, readTextFile, type Sys } from '@netloom/sys';
import { makeHost, runToEnd } from './spec-host.js';

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW } =
  OpenFlag;

async function put(
  sys: Sys,
  path: string,
  text: string,
  flags: number = O_CREAT | O_TRUNC,
): Promise<void> {
  const fd = sys.open(path, O_WRONLY | flags);
  await sys.write(fd, encodeText(text));
  sys.close(fd);
}

/** Runs a program and gives what it returns. */
async function inside<T>(main: (sys: Sys) => Promise<T> | T, host = makeHost()): Promise<T> {
  const box: { value?: T } = {};
  const { status, err } = await runToEnd(host, async (sys) => {
    box.value = await main(sys);
    return 0;
  });
  expect({ status, err }).toMatchObject({ status: { kind: 'exit', value: 0 }, err: '' });
  return box.value as T;
}

/** The errno name a call fails with, 'ok' where it does not. */
function errnoOf(call: () => unknown): string {
  try {
    call();
    return 'ok';
  } catch (error) {
    if (error instanceof KernelError) return error.code;
    throw error;
  }
}

describe('the tree that a host starts with', () => {
  it('has the usual places', async () => {
    const seen = await inside(async (sys) => [
      sys.getcwd(),
      sys
        .readdir('/')
        .map((e) => e.name)
        .join(' '),
      sys.readlink('/bin'),
      await readTextFile(sys, '/etc/hostname'),
      sys.stat('/var/run').type,
      errnoOf(() => sys.stat('/run/netns')),
      (await readTextFile(sys, '/etc/services')).match(/^http\t.*$/m)?.[0],
      sys.stat('/tmp').mode.toString(8),
    ]);
    expect(seen).toEqual([
      '/root',
      'bin dev etc home lib media mnt opt proc root run sbin srv sys tmp usr var',
      'usr/bin',
      'h\n',
      'dir',
      'ENOENT',
      'http\t\t80/tcp\t\twww',
      '1777',
    ]);
  });

  it('is shared until a host changes it', async () => {
    const host = makeHost();
    const other = makeHost([], { programs: host.programs });
    await inside(async (sys) => {
      await put(sys, '/etc/hosts', 'mine\n');
      sys.unlink('/etc/passwd');
      sys.rename('/etc/group', '/tmp/group');
      sys.unlink('/dev/null');
    }, host);
    expect(
      await inside(
        (sys) => [
          sys.readdir('/etc').map((e) => e.name),
          errnoOf(() => sys.stat('/etc/passwd')),
          errnoOf(() => sys.stat('/dev/null')),
        ],
        host,
      ),
    ).toEqual([expect.not.arrayContaining(['passwd', 'group']), 'ENOENT', 'ENOENT']);
    expect(await inside((sys) => readTextFile(sys, '/etc/hosts'), other)).toContain(
      '127.0.0.1\tlocalhost',
    );
    expect(await inside((sys) => sys.stat('/etc/passwd').size > 0, other)).toBe(true);
  });
});

describe('regular files', () => {
  it('read, write, seek, append, truncate', async () => {
    const seen = await inside(async (sys) => {
      const texts: string[] = [];
      await put(sys, 'f', 'hello world\n');
      await put(sys, 'f', 'again\n', O_APPEND);
      texts.push(await readTextFile(sys, 'f'));
      const fd = sys.open('f', O_RDWR);
      sys.seek(fd, -6, 'end');
      await sys.write(fd, encodeText('AGAIN'));
      sys.seek(fd, 6, 'set');
      texts.push(decodeText(await sys.read(fd, 5)), String(sys.seek(fd, 0, 'cur')));
      sys.ftruncate(fd, 5);
      texts.push(await readTextFile(sys, 'f'));
      sys.seek(fd, 8, 'set');
      await sys.write(fd, encodeText('x'));
      texts.push(JSON.stringify(await readTextFile(sys, 'f')), String(sys.fstat(fd).size));
      texts.push(errnoOf(() => sys.seek(fd, -1, 'set')));
      return texts;
    });
    expect(seen).toEqual([
      'hello world\nagain\n',
      'world',
      '11',
      'hello',
      '"hello\\u0000\\u0000\\u0000x"',
      '9',
      'EINVAL',
    ]);
  });

  it('follow a descriptor when they are removed, and carry virtual time', async () => {
    const seen = await inside(async (sys) => {
      await sys.sleep(5e9);
      await put(sys, 'f', 'kept');
      const fd = sys.open('f', O_RDONLY);
      const { mtimeNs, nlink } = sys.fstat(fd);
      sys.unlink('f');
      return [
        mtimeNs >= 5e9 && mtimeNs < 5.001e9,
        nlink,
        sys.fstat(fd).nlink,
        decodeText(await sys.read(fd, 10)),
        errnoOf(() => sys.stat('f')),
      ];
    });
    expect(seen).toEqual([true, 1, 0, 'kept', 'ENOENT']);
  });

  it('are one file under all hard links', async () => {
    const seen = await inside(async (sys) => {
      await put(sys, 'a', 'one');
      sys.link('a', 'b');
      await put(sys, 'b', 'two');
      const { ino, nlink } = sys.stat('a');
      sys.rename('a', 'b');
      return [await readTextFile(sys, 'a'), nlink, sys.stat('b').ino === ino, sys.stat('a').nlink];
    });
    expect(seen).toEqual(['two', 2, true, 2]);
  });
});

describe('errors of path calls', () => {
  const cases: readonly (readonly [string, (sys: Sys) => unknown, string])[] = [
    ['open missing', (s) => s.open('none', O_RDONLY), 'ENOENT'],
    ['open empty', (s) => s.open('', O_RDONLY), 'ENOENT'],
    ['open below a file', (s) => s.open('f/x', O_RDONLY), 'ENOTDIR'],
    ['open file with slash', (s) => s.open('f/', O_RDONLY), 'ENOTDIR'],
    ['create with slash', (s) => s.open('new/', O_WRONLY | O_CREAT), 'EISDIR'],
    ['create in missing dir', (s) => s.open('no/new', O_WRONLY | O_CREAT), 'ENOENT'],
    ['write a dir', (s) => s.open('d', O_WRONLY), 'EISDIR'],
    ['O_CREAT a dir', (s) => s.open('d', O_CREAT), 'EISDIR'],
    ['O_EXCL', (s) => s.open('f', O_WRONLY | O_CREAT | O_EXCL), 'EEXIST'],
    ['O_EXCL on a dangling link', (s) => s.open('dangling', O_WRONLY | O_CREAT | O_EXCL), 'EEXIST'],
    ['O_DIRECTORY', (s) => s.open('f', O_DIRECTORY), 'ENOTDIR'],
    ['O_NOFOLLOW', (s) => s.open('link', O_NOFOLLOW), 'ELOOP'],
    ['loop', (s) => s.stat('loop'), 'ELOOP'],
    ['dangling', (s) => s.stat('dangling'), 'ENOENT'],
    ['long name', (s) => s.stat('x'.repeat(256)), 'ENAMETOOLONG'],
    ['mkdir existing', (s) => s.mkdir('f'), 'EEXIST'],
    ['mkdir root', (s) => s.mkdir('/'), 'EEXIST'],
    ['mkdir in missing', (s) => s.mkdir('no/d'), 'ENOENT'],
    ['rmdir full', (s) => s.rmdir('d'), 'ENOTEMPTY'],
    ['rmdir a link to a dir', (s) => (s.symlink('empty', 'to-dir'), s.rmdir('to-dir/')), 'ENOTDIR'],
    ['rename over the parent', (s) => s.rename('d/sub', 'd'), 'ENOTEMPTY'],
    ['mkdir dangling', (s) => s.mkdir('dangling/'), 'EEXIST'],
    ['symlink with slash', (s) => s.symlink('f', 'y/'), 'ENOENT'],
    ['unlink with slash', (s) => s.unlink('f/'), 'ENOTDIR'],
    ['rmdir file', (s) => s.rmdir('f'), 'ENOTDIR'],
    ['rmdir .', (s) => s.rmdir('d/.'), 'EINVAL'],
    ['rmdir ..', (s) => s.rmdir('d/..'), 'ENOTEMPTY'],
    ['rmdir /', (s) => s.rmdir('/'), 'EBUSY'],
    ['rmdir mount', (s) => s.rmdir('/proc'), 'EBUSY'],
    ['unlink dir', (s) => s.unlink('d'), 'EISDIR'],
    ['unlink missing', (s) => s.unlink('none'), 'ENOENT'],
    ['rename missing', (s) => s.rename('none', 'x'), 'ENOENT'],
    ['rename dir over file', (s) => s.rename('d', 'f'), 'ENOTDIR'],
    ['rename file over dir', (s) => s.rename('f', 'd'), 'EISDIR'],
    ['rename over full dir', (s) => s.rename('empty', 'd'), 'ENOTEMPTY'],
    ['rename into itself', (s) => s.rename('d', 'd/sub/x'), 'EINVAL'],
    ['rename .', (s) => s.rename('.', 'x'), 'EBUSY'],
    ['rename file to slash', (s) => s.rename('f', 'x/'), 'ENOTDIR'],
    ['rename out of /proc', (s) => s.rename('/proc/uptime', 'x'), 'EXDEV'],
    ['link dir', (s) => s.link('d', 'x'), 'EPERM'],
    ['link existing', (s) => s.link('f', 'd'), 'EEXIST'],
    ['readlink file', (s) => s.readlink('f'), 'EINVAL'],
    ['readdir file', (s) => s.readdir('f'), 'ENOTDIR'],
    ['chdir file', (s) => s.chdir('f'), 'ENOTDIR'],
    ['close twice', (s) => s.close(99), 'EBADF'],
    ['create in /proc', (s) => s.open('/proc/x', O_WRONLY | O_CREAT), 'ENOENT'],
    ['create in /sys', (s) => s.open('/sys/x', O_WRONLY | O_CREAT), 'EACCES'],
    ['mkdir in /sys', (s) => s.mkdir('/sys/x'), 'EPERM'],
    ['unlink in /proc', (s) => s.unlink('/proc/uptime'), 'EPERM'],
    ['unlink sysctl', (s) => s.unlink('/proc/sys/kernel/ostype'), 'EACCES'],
    ['write sysctl 0444', (s) => s.open('/proc/sys/kernel/ostype', O_WRONLY), 'EACCES'],
    ['chmod sysctl', (s) => s.chmod('/proc/sys/kernel/ostype', 0o600), 'EPERM'],
    ['open for writing in /proc', (s) => s.open('/proc/uptime', O_WRONLY), 'ok'],
    ['open /dev/tty without one', (s) => s.open('/dev/tty', O_RDWR), 'ENXIO'],
  ];

  it.each(cases)('%s', async (_name, call, code) => {
    expect(
      await inside(async (sys) => {
        await put(sys, 'f', '');
        sys.mkdir('d');
        sys.mkdir('d/sub');
        sys.mkdir('empty');
        sys.symlink('f', 'link');
        sys.symlink('nowhere', 'dangling');
        sys.symlink('loop', 'loop');
        return errnoOf(() => call(sys));
      }),
    ).toBe(code);
  });
});

describe('directories', () => {
  it('resolve links, parents and the working directory', async () => {
    const seen = await inside(async (sys) => {
      sys.mkdir('a/'.slice(0, 1));
      sys.mkdir('a/b/');
      sys.symlink('../a/b', 'a/l');
      sys.chdir('a/l');
      const out = [sys.getcwd()];
      await put(sys, '../f', 'x');
      out.push(await readTextFile(sys, '/root/a/l/../f'));
      sys.rename('/root/a', '/tmp/moved');
      out.push(sys.getcwd());
      sys.symlink('/tmp/made', '/tmp/dangling');
      await put(sys, '/tmp/dangling', 'through');
      out.push(
        await readTextFile(sys, '/tmp/made'),
        sys
          .readdir('/tmp')
          .map((e) => `${e.name}:${e.type}`)
          .join(' '),
      );
      sys.rmdir('/tmp/moved/b');
      out.push(
        errnoOf(() => sys.getcwd()),
        errnoOf(() => sys.open('x', O_CREAT | O_WRONLY)),
      );
      return out;
    });
    expect(seen).toEqual([
      '/root/a/b',
      'x',
      '/tmp/moved/b',
      'through',
      'dangling:symlink made:file moved:dir',
      'ENOENT',
      'ENOENT',
    ]);
  });

  it('apply the umask and count links', async () => {
    const seen = await inside((sys) => {
      sys.mkdir('d');
      sys.mkdir('d/e', 0o1777);
      const old = sys.umask(0);
      sys.close(sys.open('f', O_CREAT | O_WRONLY, 0o666));
      sys.chmod('d', 0o700);
      return [
        old.toString(8),
        sys.stat('d').mode.toString(8),
        sys.stat('d/e').mode.toString(8),
        sys.stat('f').mode.toString(8),
        sys.stat('d').nlink,
      ];
    });
    expect(seen).toEqual(['22', '700', '1755', '666', 3]);
  });
});

describe('descriptors', () => {
  it('share their offset through dup, take the lowest number, and respect the access mode', async () => {
    const seen = await inside(async (sys) => {
      await put(sys, 'f', 'abcdef');
      const a = sys.open('f', O_RDONLY);
      const b = sys.dup(a);
      const c = sys.dup(a, 10);
      await sys.read(a, 2);
      const out: unknown[] = [a, b, c, decodeText(await sys.read(b, 2)), sys.dup2(a, 20)];
      sys.close(a);
      out.push(sys.open('/dev/null', O_WRONLY), decodeText(await sys.read(c, 9)));
      out.push(await sys.write(b, encodeText('x')).catch((e: KernelError) => e.code));
      out.push(await sys.read(3, 1).catch((e: KernelError) => e.code));
      out.push(sys.openFds().join());
      return out;
    });
    expect(seen).toEqual([3, 4, 10, 'cd', 20, 3, 'ef', 'EBADF', 'EBADF', '0,1,2,3,4,10,20']);
  });

  it('run out at 1024', async () => {
    const seen = await inside((sys) =>
      errnoOf(() => {
        for (let i = 0; i < 1025; i++) sys.dup(0);
      }),
    );
    expect(seen).toBe('EMFILE');
  });

  it('open again through /dev/fd, /proc/self/fd and /dev/stdout', async () => {
    const { out } = await runToEnd(makeHost(), async (sys) => {
      await put(sys, 'f', 'text');
      const fd = sys.open('f', O_RDONLY);
      await sys.read(fd, 2);
      await print(
        sys,
        `${await readTextFile(sys, `/dev/fd/${fd}`)} ${sys.readlink(`/proc/self/fd/${fd}`)} ${sys.readlink('/proc/self/fd/0')}\n`,
      );
      const [r, w] = sys.pipe();
      const again = sys.open(`/proc/self/fd/${w}`, O_WRONLY);
      await sys.write(again, encodeText('piped'));
      await print(
        sys,
        `${decodeText(await sys.read(r, 99))} ${/^pipe:\[\d+\]$/.test(sys.readlink(`/dev/fd/${r}`))}\n`,
      );
      return 0;
    });
    expect(out).toBe('text /root/f /dev/null\npiped true\n');
  });
});

describe('devices', () => {
  it('behave as the real ones', async () => {
    const seen = await inside(async (sys) => {
      const read = async (path: string, n: number): Promise<Uint8Array> =>
        sys.read(sys.open(path, O_RDONLY), n);
      const out: unknown[] = [
        (await read('/dev/null', 9)).length,
        [...(await read('/dev/zero', 3))],
        (await read('/dev/urandom', 7)).length,
      ];
      out.push(
        await sys
          .write(sys.open('/dev/full', O_WRONLY), encodeText('x'))
          .catch((e: KernelError) => e.code),
      );
      out.push(
        await sys.write(sys.open('/dev/null', O_WRONLY | O_TRUNC | O_CREAT), encodeText('xyz')),
        sys.stat('/dev/null').type,
      );
      return out;
    });
    expect(seen).toEqual([0, [0, 0, 0], 7, 'ENOSPC', 3, 'char']);
    const draw = (): Promise<unknown> =>
      inside(async (sys) => [
        ...(await sys.read(sys.open('/dev/random', O_RDONLY), 9)),
        sys.random(),
      ]);
    expect(await draw()).toEqual(await draw());
  });
});
