import { RandomStream } from '@netloom/base';
import { print, type Program, type Sys } from '@netloom/sys';
import { makeEngine, makeHost, runToEnd } from './spec-host.js';
import { TaskHost } from './task-host.js';
import { ProgramTable } from './template.js';

declare const process: {
  memoryUsage(): { heapUsed: number };
  cpuUsage(): { user: number; system: number };
};

describe('an idle host', () => {
  it('costs less than 3 kB and 20 µs', () => {
    const engine = makeEngine();
    const programs = new ProgramTable([]);
    const make = (n: number): TaskHost[] =>
      Array.from(
        { length: n },
        (_, i) =>
          new TaskHost({
            engine,
            hostname: `h${i}`,
            bootTimeSec: 0,
            random: new RandomStream(i, 'h'),
            programs,
          }),
      );
    make(1000);
    const [before, start] = [process.memoryUsage().heapUsed, process.cpuUsage()];
    const hosts = make(5000);
    const { user, system } = process.cpuUsage();
    expect((process.memoryUsage().heapUsed - before) / hosts.length).toBeLessThan(3000);
    expect((user + system - start.user - start.system) / hosts.length).toBeLessThan(20);
  });
});

describe('a run', () => {
  const busy: Program = async (sys: Sys) => {
    const [r, w] = sys.pipe();
    for (let i = 0; i < 5; i++) {
      sys.spawn({
        program: async (s) => {
          await s.sleep(s.random() % 1000);
          await print(s, `${s.pid} at ${s.now()}\n`);
          return 0;
        },
        argv: ['c'],
        fds: new Map([[1, w]]),
      });
    }
    sys.close(w);
    for (;;) {
      const chunk = await sys.read(r, 100);
      if (chunk.length === 0) return 0;
      await sys.write(1, chunk);
    }
  };

  it('is the same every time', async () => {
    const [a, b] = [await runToEnd(makeHost(), busy), await runToEnd(makeHost(), busy)];
    expect(a).toEqual(b);
    expect(a.out.split('\n').length).toBe(6);
  });

  it('leaves nothing behind', async () => {
    const host = makeHost();
    await runToEnd(host, busy);
    expect(host.allTasks().map((task) => task.pid)).toEqual([1]);
    expect(host.init.children).toEqual([]);
  });

  it('is cut short by killAll', async () => {
    const host = makeHost();
    const handle = host.run(
      async (sys) => {
        sys.spawn({ program: async (s) => (await s.sleep(9e9), 0), argv: ['c'] });
        await sys.sleep(9e9);
        return 0;
      },
      ['p'],
    );
    await host.engine.run(1e9);
    host.killAll();
    expect(await handle.exit).toMatchObject({ kind: 'signal', value: 9 });
    expect(host.allTasks().length).toBe(1);
  });
});

describe('spawning', () => {
  it('a thousand processes in turn takes little real time', async () => {
    const host = makeHost([{ paths: ['/usr/bin/true'], main: () => Promise.resolve(0) }]);
    const start = process.cpuUsage();
    const { endNs } = await runToEnd(host, async (sys) => {
      for (let i = 0; i < 1000; i++) {
        sys.spawn({ program: '/usr/bin/true', argv: ['true'] });
        await sys.waitpid(-1);
      }
      return 0;
    });
    const { user, system } = process.cpuUsage();
    expect((user + system - start.user - start.system) / 1000).toBeLessThan(500);
    expect(endNs).toBeGreaterThanOrEqual(300e6);
    expect(endNs).toBeLessThan(302e6);
  });
});
