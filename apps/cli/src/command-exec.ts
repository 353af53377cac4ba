/** `netloom exec`: a command in a node of a lab on a server, its streams those of this process. */
import { quoteForShell } from './shell-quote.js';
import type { Output } from './command-test.js';
import { segment, type ServerClient } from './server-client.js';

export interface ExecOptions {
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly json?: boolean;
}

/** This process's terminal and streams; tests give their own. */
export interface Console {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

const STDERR_TAG = 2;

/** A terminal that does not know its size says 0. */
function windowSize({ rows, columns }: NodeJS.WriteStream): {
  readonly rows: number;
  readonly cols: number;
} {
  return { rows: rows > 0 ? rows : 24, cols: columns > 0 ? columns : 80 };
}

/** Answers the command's exit code. */
export async function execCommand(
  client: ServerClient,
  lab: string,
  node: string,
  words: readonly string[],
  options: ExecOptions,
  output: Output,
  { stdin, stdout, stderr }: Console,
): Promise<number> {
  const command = words.length > 1 ? words.map(quoteForShell).join(' ') : words[0];
  const path = `/labs/${segment(lab)}/nodes/${segment(node)}`;
  if (options.json === true) {
    if (command === undefined) throw new Error('--json needs a command');
    const answer = await client.json<{ exitCode: number }>(`${path}/exec`, {
      method: 'POST',
      body: JSON.stringify({ command }),
    });
    output.out(`${JSON.stringify(answer, null, 2)}\n`);
    return answer.exitCode;
  }
  const tty = options.tty === true;
  if (command === undefined && !tty)
    throw new Error('which command? Write it after --, or -it for a terminal');
  const query = new URLSearchParams({ tty: String(tty) });
  if (command !== undefined) query.set('command', command);
  if (tty) {
    const { rows, cols } = windowSize(stdout);
    query.set('rows', String(rows));
    query.set('cols', String(cols));
  }
  const socket = await client.socket(`${path}/terminal?${query.toString()}`);
  const control = (message: object): void => socket.send(JSON.stringify(message));

  const attached = options.interactive === true || tty;
  const raw = tty && stdin.isTTY;
  const onKeys = (data: Buffer): void => socket.send(data);
  const onEnd = (): void => control({ type: 'eof' });
  const onResize = (): void => control({ type: 'resize', ...windowSize(stdout) });
  const onInterrupt = (): void => control({ type: 'signal', signal: 'INT' });
  const onTerminate = (): void => control({ type: 'signal', signal: 'TERM' });
  if (attached) {
    if (raw) stdin.setRawMode(true);
    stdin.on('data', onKeys);
    stdin.on('end', onEnd);
    if (tty) stdout.on('resize', onResize);
  } else control({ type: 'eof' });
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  try {
    return await new Promise<number>((resolve, reject) => {
      let exitCode: number | undefined;
      socket.on('message', (data: Buffer, binary: boolean) => {
        if (binary) {
          if (tty) stdout.write(data);
          else (data[0] === STDERR_TAG ? stderr : stdout).write(data.subarray(1));
          return;
        }
        const message = JSON.parse(data.toString()) as {
          type: string;
          exitCode?: number;
          bytes?: number;
          message?: string;
        };
        if (message.type === 'exit') exitCode = message.exitCode ?? 1;
        else if (message.type === 'lost')
          output.err(`netloom: ${message.bytes ?? 0} bytes of output were lost\n`);
        else if (message.type === 'error') output.err(`netloom: ${message.message ?? 'error'}\n`);
      });
      socket.on('error', reject);
      socket.on('close', (code: number, reason: Buffer) => {
        if (exitCode !== undefined) resolve(exitCode);
        else reject(new Error(`the connection has ended: ${reason.toString() || `code ${code}`}`));
      });
      socket.resume();
    });
  } finally {
    process.removeListener('SIGINT', onInterrupt);
    process.removeListener('SIGTERM', onTerminate);
    stdin.removeListener('data', onKeys);
    stdin.removeListener('end', onEnd);
    stdout.removeListener('resize', onResize);
    if (raw) stdin.setRawMode(false);
    stdin.pause();
  }
}
