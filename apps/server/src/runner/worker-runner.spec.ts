import { WorkerRunnerFactory } from './worker-runner.js';

/** A thread that does this when it is first called. */
const entry = (body: string): URL =>
  new URL(
    `data:text/javascript,${encodeURIComponent(
      `import { parentPort } from 'node:worker_threads'; parentPort.once('message', (call) => { ${body} });`,
    )}`,
  );

describe('a lab in a worker thread', () => {
  it('that needs too much memory is stopped with a clear error, and others go on', async () => {
    const hungry = new WorkerRunnerFactory(
      32,
      entry('const all = []; for (;;) all.push(new Array(1000).fill(0).map(() => ({})));'),
    ).open('hungry');
    const frugal = new WorkerRunnerFactory(
      32,
      entry("parentPort.postMessage({ t: 'done', id: call.id, value: 'here' });"),
    ).open('frugal');
    const failed = new Promise((resolve) => hungry.runner.onMessage(resolve));
    await expect(hungry.runner.info()).rejects.toMatchObject({
      kind: 'failed',
      message: 'the lab needed more than its memory limit of 32 MiB and was stopped',
    });
    expect(await failed).toMatchObject({ type: 'failed' });
    await expect(hungry.runner.info()).rejects.toMatchObject({ kind: 'failed' });
    expect(await frugal.runner.info()).toBe('here');
    await frugal.terminate();
  });

  it('that dies of an error says which', async () => {
    const lab = new WorkerRunnerFactory(32, entry("throw new Error('an invariant');")).open(
      'broken',
    );
    await expect(lab.runner.info()).rejects.toThrow('the lab died of an error: an invariant');
  });

  it('can be ended while it is in an endless loop', async () => {
    const lab = new WorkerRunnerFactory(32, entry('for (;;);')).open('busy');
    const call = lab.runner.info();
    await new Promise((resolve) => setTimeout(resolve, 200));
    lab.fail('it was silent');
    await expect(call).rejects.toThrow('it was silent');
    await lab.terminate();
  });

  it('sees nothing of the environment and the arguments of the server', async () => {
    process.env['NETLOOM_SPEC_SECRET'] = 'secret';
    const body =
      "parentPort.postMessage({ t: 'done', id: call.id, value: [process.env.NETLOOM_SPEC_SECRET ?? 'none', process.argv.slice(2).length] });";
    const lab = new WorkerRunnerFactory(32, entry(body)).open('curious');
    expect(await lab.runner.info()).toEqual(['none', 0]);
    await lab.terminate();
    delete process.env['NETLOOM_SPEC_SECRET'];
  });
});
