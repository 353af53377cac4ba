import { Signal } from '@netloom/sys';
import { makeHost, runLine } from './spec-host.js';

const { SIGINT, SIGTERM, SIGKILL } = Signal;

describe('signals', () => {
  it.each<readonly [string, string, number]>([
    ['a lone command replaces the shell', 'sleep 50', SIGTERM],
    ['the last command of a list replaces the shell', 'true; sleep 50', SIGTERM],
    ['SIGINT of the foreground child ends the shell too', 'sleep 50; echo no', SIGINT],
    ['SIGINT ends a loop of builtins', 'while :; do :; done', SIGINT],
    ['SIGINT ends a pipeline', 'sleep 50 | cat; echo no', SIGINT],
    ['SIGINT ends a wait', 'sleep 50 & wait; echo no', SIGINT],
    ['SIGKILL ends everything', 'while :; do sleep 1; done', SIGKILL],
  ])('%s', async (_title, line, signal) => {
    const ran = await runLine(line, { during: [[0.05, 'group', signal]] });
    expect(ran).toMatchObject({ out: '', err: '', status: { kind: 'signal', value: signal } });
    expect(ran.seconds).toBeLessThan(0.06);
  });

  it('reaches the program directly where the shell was replaced', async () => {
    const ran = await runLine('sleep 50', { during: [[1, 'process', SIGTERM]] });
    expect(ran.status).toMatchObject({ kind: 'signal', value: SIGTERM });
    expect(ran.seconds).toBeLessThan(1.1);
  });

  it('runs the EXIT trap before dying', async () => {
    const ran = await runLine('trap "echo bye" EXIT; sleep 50; echo no', {
      during: [[1, 'group', SIGTERM]],
    });
    expect(ran).toMatchObject({ out: 'bye\n', status: { kind: 'signal', value: SIGTERM } });
  });

  it('runs a trap after the foreground child', async () => {
    const ran = await runLine('trap "echo usr" USR1; sleep 2; echo end', {
      during: [[1, 'process', Signal.SIGUSR1]],
    });
    expect(ran).toMatchObject({ out: 'usr\nend\n', status: { kind: 'exit', value: 0 } });
    expect(ran.seconds).toBeGreaterThan(2);
  });

  it('a reader that leaves ends its writer by SIGPIPE', async () => {
    const ran = await runLine('yes | head -1; echo ${PIPESTATUS[*]}');
    expect(ran.out).toBe('y\n141 0\n');
  });

  it('background commands ignore SIGINT', async () => {
    const ran = await runLine('(sleep 2; echo survived) & trap "" INT; wait', {
      during: [[1, 'group', SIGINT]],
    });
    expect(ran.out).toBe('survived\n');
  });

  it('nothing stays behind', async () => {
    const host = makeHost();
    await runLine(
      'for i in 1 2 3; do echo $(echo $i) | cat | cat; done; cat <(echo x) > /dev/null; (sleep 0.1) & wait',
      { host },
    );
    await host.engine.run(host.engine.now + 1e9);
    expect(host.tasksWhere((task) => task.parent !== undefined && !task.ended).length).toBe(0);
  });
});

describe('time', () => {
  it('a spinning loop moves the clock and lets others run', async () => {
    const ran = await runLine(
      '(sleep 0.01; echo > stop) & until [ -e stop ]; do ((n++)); done; rm stop; [ $n -gt 100 ] && echo ok',
    );
    expect(ran.out).toBe('ok\n');
    expect(ran.seconds).toBeLessThan(1);
  });

  it('time measures virtual time', async () => {
    const ran = await runLine('time sleep 1.5');
    expect(ran.err).toMatch(/^\nreal\t0m1\.50\ds\nuser\t0m0\.00\ds\nsys\t0m0\.000s\n$/);
  });

  it('$SECONDS and $EPOCHSECONDS follow it', async () => {
    expect(
      (await runLine('a=$EPOCHSECONDS; sleep 100; echo $SECONDS $((EPOCHSECONDS - a))')).out,
    ).toBe('100 100\n');
  });

  it('read -t gives up', async () => {
    const ran = await runLine('sleep 5 | { read -t 1 x; echo $?; }');
    expect(ran.out).toBe('142\n');
  });

  it('runs ten thousand iterations in well under a second of work', async () => {
    expect((await runLine('for i in $(seq 10000); do x=$((x+i)); done; echo $x')).out).toBe(
      '50005000\n',
    );
  });

  it('the same line gives the same run', async () => {
    const line =
      'echo $RANDOM $RANDOM $SRANDOM $$; for i in 1 2 3; do (sleep 0.$RANDOM; echo $i) & done; wait; echo $EPOCHREALTIME';
    const first = await runLine(line);
    expect(await runLine(line)).toEqual(first);
  });
});

describe('bytes', () => {
  it('pass through substitution, variables and echo unchanged', async () => {
    const ran = await runLine(
      'x=$(printf \'\\xff\\xfe\'); printf \'%s\\xa9\' "$x" | cat > f; [ "$(cat f)" = "$x$(printf \'\\xa9\')" ] && echo same; wc -c < f; rm f',
    );
    expect(ran.out).toBe('same\n3\n');
  });

  it('warns of NUL', async () => {
    const ran = await runLine("x=$(printf 'a\\0b'); echo $x");
    expect(ran).toMatchObject({
      out: 'ab\n',
      err: 'bash: line 1: warning: command substitution: ignored null byte in input\n',
    });
  });
});

describe('other ways to start', () => {
  it('dash speaks as dash', async () => {
    const ran = await runLine('', { argv: ['sh', '-c', "nosuch; echo 'a\\tb'"] });
    expect(ran).toMatchObject({ out: 'a\tb\n', err: 'sh: 1: nosuch: not found\n' });
  });

  it('prints its version', async () => {
    expect((await runLine('', { argv: ['bash', '--version'] })).out).toMatch(
      /^GNU bash, version 5\.2\.15/,
    );
  });

  it('bash -i without a terminal says so', async () => {
    const ran = await runLine('', { argv: ['bash', '-i'], stdin: 'echo hi\n' });
    expect(ran.out).toBe('hi\n');
    expect(ran.err).toMatch(
      /^bash: cannot set terminal process group \(\d+\): Inappropriate ioctl for device\nbash: no job control in this shell\n/,
    );
  });

  it('reads a script from standard input without taking the rest', async () => {
    const ran = await runLine('', {
      argv: ['bash'],
      stdin: 'read x\nthe rest\necho "got $x"\ncat\nleft over\n',
    });
    expect(ran.out).toBe('got the rest\nleft over\n');
  });
});
