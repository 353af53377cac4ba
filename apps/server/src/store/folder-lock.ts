/**
 * Keeps a second server out of a data folder, where it would run, and journal, the same labs.
 *
 * The lock is an open transaction on an SQLite file of its own, so that the system gives it back when the process ends,
 * by whatever signal; the file itself stays and says nothing.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { messageOf } from '../thrown.js';

interface Connection {
  exec(sql: string): unknown;
  close(): unknown;
}
type Driver = new (path: string, options: { readonly timeout: number }) => Connection;

/** Takes the lock, or throws where somebody has it; answers what gives it back. */
export function lockFolder(folder: string): () => void {
  const Database = createRequire(import.meta.url)('libsql') as Driver;
  const connection = new Database(join(folder, 'netloom.lock'), { timeout: 0 });
  try {
    connection.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    connection.close();
    if (!/locked|busy/i.test(messageOf(error))) throw error;
    throw new Error('another server is using it', { cause: error });
  }
  return () => {
    connection.exec('ROLLBACK');
    connection.close();
  };
}
