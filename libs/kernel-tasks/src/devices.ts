/**
 * The character devices of /dev: null, zero, full, random, urandom, tty, console, and the terminals of /dev/pts.
 */
import { KernelError } from '@netloom/base';
import { FileDescription } from './file-description.js';
import { pseudoFile, type PseudoFileSpec, type PseudoFs } from './pseudo-fs.js';
import type { Task } from './task.js';
import { openTty } from './tty.js';

/** What /dev/null is; also standard input of what the application starts without one. */
export class NullDescription extends FileDescription {
  override read(_count: number, _task: Task): Uint8Array {
    return new Uint8Array(0);
  }

  override write(data: Uint8Array): number {
    return data.length;
  }

  override seek(): number {
    return 0;
  }
}

class ZeroDescription extends NullDescription {
  override read(count: number): Uint8Array {
    return new Uint8Array(count);
  }
}

class FullDescription extends ZeroDescription {
  override write(): number {
    throw new KernelError('ENOSPC');
  }
}

class RandomDescription extends NullDescription {
  override read(count: number, task: Task): Uint8Array {
    const bytes = new Uint8Array(count);
    const { random } = task.host;
    for (let i = 0; i < count; i += 4) {
      const word = random.u32();
      for (let j = 0; j < 4 && i + j < count; j++) bytes[i + j] = word >>> (8 * j);
    }
    return bytes;
  }
}

function device(open: NonNullable<PseudoFileSpec['open']>, mode = 0o666): PseudoFileSpec {
  return { open, mode, type: 'char' };
}

export function registerDevices(pseudo: PseudoFs): void {
  pseudo.registerFile(
    '/dev/null',
    device((_task, flags) => new NullDescription(flags)),
  );
  pseudo.registerFile(
    '/dev/zero',
    device((_task, flags) => new ZeroDescription(flags)),
  );
  pseudo.registerFile(
    '/dev/full',
    device((_task, flags) => new FullDescription(flags)),
  );
  pseudo.registerFile(
    '/dev/random',
    device((_task, flags) => new RandomDescription(flags)),
  );
  pseudo.registerFile(
    '/dev/urandom',
    device((_task, flags) => new RandomDescription(flags)),
  );
  pseudo.registerFile(
    '/dev/console',
    device((_task, flags) => new NullDescription(flags), 0o600),
  );
  pseudo.registerFile(
    '/dev/tty',
    device((task, flags) => {
      if (task.tty === undefined) throw new KernelError('ENXIO');
      return openTty(task.tty, task, flags);
    }),
  );
  pseudo.registerDir('/dev/pts', {
    list: ({ host }) => host.terminals().map((pty) => String(pty.tty.index)),
    lookup: ({ host }, name) => {
      const pty = /^\d+$/.test(name) ? host.terminal(Number(name)) : undefined;
      return pty === undefined
        ? undefined
        : pseudoFile(device((task, flags) => openTty(pty.tty, task, flags), 0o620));
    },
  });
}
