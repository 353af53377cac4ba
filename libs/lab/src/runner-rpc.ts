/**
 * LabRunner across a message channel: a worker thread, a browser worker, another machine.
 *
 * Caller: server → connectRunner → channel → serveRunner → the runner that holds the lab. Knows nothing of threads: an
 * application wraps its MessagePort, Worker or socket as {@link RunnerChannel}. The proxy is built from the list of
 * method names, so a method added to the port needs nothing here.
 */
import {
  LAB_RUNNER_METHODS,
  LabError,
  type LabErrorData,
  type LabMessage,
  type LabRunner,
  type LabRunnerMethod,
} from './port.js';

/** A duplex of structured-cloneable messages that keeps their order. */
export interface RunnerChannel {
  post(message: unknown): void;
  listen(listener: (message: unknown) => void): void;
}

type Down =
  | {
      readonly t: 'call';
      readonly id: number;
      readonly method: LabRunnerMethod;
      readonly args: readonly unknown[];
    }
  | { readonly t: 'ack'; readonly stream: string; readonly amount: number };

type Up =
  | { readonly t: 'done'; readonly id: number; readonly value: unknown }
  | { readonly t: 'fail'; readonly id: number; readonly error: LabErrorData }
  | { readonly t: 'say'; readonly message: LabMessage };

type AnyMethod = (...args: readonly unknown[]) => Promise<unknown>;

/** An error as plain data; anything that is no LabError becomes kind `failed`. */
export function labErrorData(error: unknown): LabErrorData {
  if (error instanceof LabError)
    return { kind: error.kind, message: error.message, problems: error.problems };
  return {
    kind: 'failed',
    message: error instanceof Error ? error.message : String(error),
    problems: [],
  };
}

/** The side of the lab: answers what comes over the channel with a runner. */
export function serveRunner(channel: RunnerChannel, runner: LabRunner): void {
  const methods = runner as unknown as Record<LabRunnerMethod, AnyMethod>;
  const known = new Set<string>(LAB_RUNNER_METHODS);
  runner.onMessage((message) => channel.post({ t: 'say', message } satisfies Up));
  channel.listen((raw) => {
    const message = raw as Down;
    if (message.t === 'ack') {
      runner.ack(message.stream, message.amount);
      return;
    }
    const { id, method, args } = message;
    const answer = known.has(method)
      ? (async () => methods[method](...args))()
      : Promise.reject(new LabError('unsupported', `no method ${String(method)}`));
    answer.then(
      (value) => channel.post({ t: 'done', id, value } satisfies Up),
      (error: unknown) => channel.post({ t: 'fail', id, error: labErrorData(error) } satisfies Up),
    );
  });
}

/** A runner at the other end of a channel; `fail` is for the application to call when that end is gone. */
export function connectRunner(channel: RunnerChannel): LabRunner & { fail(message: string): void } {
  const pending = new Map<
    number,
    { resolve(value: unknown): void; reject(error: LabError): void }
  >();
  const listeners = new Set<(message: LabMessage) => void>();
  let nextId = 1;
  let dead: string | undefined;

  const fail = (message: string): void => {
    if (dead !== undefined) return;
    dead = message;
    const error = new LabError('failed', message);
    for (const call of pending.values()) call.reject(error);
    pending.clear();
    for (const listener of listeners) listener({ type: 'failed', message });
  };

  channel.listen((raw) => {
    const message = raw as Up;
    if (message.t === 'say') {
      for (const listener of listeners) listener(message.message);
      return;
    }
    const call = pending.get(message.id);
    if (call === undefined) return;
    pending.delete(message.id);
    if (message.t === 'done') call.resolve(message.value);
    else
      call.reject(new LabError(message.error.kind, message.error.message, message.error.problems));
  });

  const proxy: Record<string, unknown> = {
    fail,
    ack: (stream: string, amount: number) => {
      if (dead === undefined) channel.post({ t: 'ack', stream, amount } satisfies Down);
    },
    onMessage: (listener: (message: LabMessage) => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  for (const method of LAB_RUNNER_METHODS) {
    proxy[method] = (...args: unknown[]) =>
      new Promise((resolve, reject) => {
        if (dead !== undefined) {
          reject(new LabError('failed', dead));
          return;
        }
        const id = nextId++;
        pending.set(id, { resolve, reject });
        try {
          channel.post({ t: 'call', id, method, args } satisfies Down);
        } catch (error) {
          pending.delete(id);
          reject(new LabError('invalid', error instanceof Error ? error.message : String(error)));
        }
      });
  }
  return proxy as unknown as LabRunner & { fail(message: string): void };
}
