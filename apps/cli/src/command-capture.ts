/** `netloom capture`: a live capture of an interface, as a pcapng file or stream. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import type { Output } from './command-test.js';
import { segment, type ServerClient } from './server-client.js';

export interface CaptureOptions {
  readonly write?: string;
  readonly snaplen?: number;
  readonly count?: number;
  readonly json?: boolean;
}

interface Answer {
  readonly id: string;
  readonly packets: number;
  readonly dropped: number;
  readonly bytes: number;
}

/**
 * Runs until SIGINT or SIGTERM, or until the capture stops. Packets go to the file, all words to standard error. The
 * server's copy is removed in the end. A file that cannot be written is an error; a reader that has gone is not.
 */
export async function captureCommand(
  client: ServerClient,
  lab: string,
  node: string,
  interfaceName: string,
  filterWords: readonly string[],
  options: CaptureOptions,
  output: Output,
  stdout: Writable & { readonly isTTY?: boolean },
): Promise<number> {
  const target = options.write ?? '-';
  if (target === '-' && stdout.isTTY === true) {
    throw new Error(
      'refusing to write packets to a terminal; use -w FILE, or pipe into `wireshark -k -i -`',
    );
  }
  const file = target === '-' ? stdout : createWriteStream(target);
  if (file !== stdout) await once(file, 'open'); // before anything is captured for a file that cannot be
  const filter = filterWords.join(' ');
  const captures = `/labs/${segment(lab)}/captures`;
  const { id } = await client.json<Answer>(captures, {
    method: 'POST',
    body: JSON.stringify({
      node,
      interface: interfaceName,
      ...(filter === '' ? {} : { filter }),
      ...(options.snaplen === undefined ? {} : { snaplen: options.snaplen }),
    }),
  });
  let stopping: Promise<Answer> | undefined;
  let broken: Error | undefined;
  const stop = (): Promise<Answer> =>
    (stopping ??= client.json<Answer>(`${captures}/${segment(id)}`, { method: 'DELETE' }));
  const onSignal = (): void => void stop().catch(() => undefined); // asked again, and told, below
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  file.on('error', (error: Error) => {
    if (file !== stdout) broken = error;
    onSignal();
  });
  try {
    const socket = await client.socket(`${captures}/${segment(id)}/stream`);
    if (options.json !== true)
      output.err(`netloom: capturing on ${node} ${interfaceName}, interrupt to end\n`);
    socket.on('message', (data: Buffer) => {
      if (!file.destroyed && !file.write(data)) {
        socket.pause();
        file.once('drain', () => socket.resume());
      }
    });
    await new Promise<void>((resolve, reject) => {
      socket.on('close', () => resolve());
      socket.on('error', reject);
      file.on('error', () => socket.close());
      socket.resume();
    });
    const { packets, dropped, bytes } = await stop();
    if (broken !== undefined) throw broken;
    if (file !== stdout && !file.destroyed)
      await new Promise<void>((done) => void file.end(() => done()));
    if (options.json === true)
      (target === '-' ? output.err : output.out)(
        `${JSON.stringify({ packets, dropped, bytes })}\n`,
      );
    else output.err(`netloom: ${packets} packets captured, ${dropped} dropped\n`);
    return 0;
  } finally {
    process.removeListener('SIGINT', onSignal);
    process.removeListener('SIGTERM', onSignal);
    await client // stops it, too, where that has not been done; it ends with the lab at the latest
      .request(`${captures}/${segment(id)}?purge=true`, { method: 'DELETE' })
      .catch(() => undefined);
  }
}
