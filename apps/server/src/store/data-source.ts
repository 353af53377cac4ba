/**
 * Opens the database: an SQLite file in the data folder, or PostgreSQL where a URL is given.
 *
 * SQLite comes through libsql, whose prebuilt binary has better-sqlite3's interface (docs/decisions/0001). Write-ahead
 * log with `synchronous=FULL`: a committed transaction survives the process and the machine.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import type { ServerConfig } from '../config.js';
import { CreateTables1700000000000 } from './create-tables.migration.js';
import { CaptureEntity, JournalEntity, LabEntity } from './entities.js';

interface Pragmas {
  pragma(text: string): unknown;
}

export async function openDatabase(
  config: Pick<ServerConfig, 'dataDir' | 'databaseUrl'>,
): Promise<DataSource> {
  const shared = {
    entities: [LabEntity, JournalEntity, CaptureEntity],
    migrations: [CreateTables1700000000000],
    migrationsRun: true,
    synchronize: false,
    logging: false,
  };
  const source =
    config.databaseUrl === undefined
      ? new DataSource({
          ...shared,
          type: 'better-sqlite3',
          driver: createRequire(import.meta.url)('libsql') as unknown,
          database: join(config.dataDir, 'netloom.sqlite'),
          enableWAL: true,
          prepareDatabase: (database: Pragmas) => {
            database.pragma('synchronous = FULL');
          },
        })
      : new DataSource({ ...shared, type: 'postgres', url: config.databaseUrl });
  return source.initialize();
}
