/** The first schema. Migrations are only ever added; names of columns are what entities.ts says. */
import {
  Table,
  TableForeignKey,
  TableIndex,
  type MigrationInterface,
  type QueryRunner,
} from 'typeorm';

const id = { name: 'id', type: 'varchar', length: '36', isPrimary: true };
const labId = { name: 'lab_id', type: 'varchar', length: '36', isPrimary: true };
const ofLab = (): TableForeignKey =>
  new TableForeignKey({
    columnNames: ['lab_id'],
    referencedTableName: 'labs',
    referencedColumnNames: ['id'],
    onDelete: 'CASCADE',
  });

export class CreateTables1700000000000 implements MigrationInterface {
  readonly name = 'CreateTables1700000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'labs',
        columns: [
          id,
          { name: 'server', type: 'varchar', length: '64' },
          { name: 'name', type: 'varchar', length: '64' },
          { name: 'source', type: 'text' },
          { name: 'topology', type: 'text' },
          { name: 'files', type: 'text' },
          { name: 'warnings', type: 'text' },
          { name: 'seed', type: 'bigint' },
          { name: 'clock_mode', type: 'varchar', length: '16' },
          { name: 'clock_rate', type: 'float' },
          { name: 'restore', type: 'varchar', length: '16' },
          { name: 'reached_ns', type: 'bigint' },
          { name: 'journal_bytes', type: 'bigint' },
          { name: 'created_at', type: 'varchar', length: '32' },
        ],
        indices: [
          new TableIndex({ name: 'labs_name', columnNames: ['name'], isUnique: true }),
          new TableIndex({ name: 'labs_server', columnNames: ['server'] }),
        ],
      }),
    );
    await runner.createTable(
      new Table({
        name: 'journal',
        columns: [
          labId,
          { name: 'position', type: 'integer', isPrimary: true },
          { name: 'time_ns', type: 'bigint' },
          { name: 'type', type: 'varchar', length: '32' },
          { name: 'input', type: 'text' },
          { name: 'ended', type: 'boolean' },
        ],
        foreignKeys: [ofLab()],
      }),
    );
    await runner.createTable(
      new Table({
        name: 'captures',
        columns: [
          labId,
          { ...id, length: '16' },
          { name: 'number', type: 'integer' },
          { name: 'sources', type: 'text' },
          { name: 'filter', type: 'text', isNullable: true },
          { name: 'snaplen', type: 'integer' },
          { name: 'format', type: 'varchar', length: '8' },
          { name: 'state', type: 'varchar', length: '16' },
          { name: 'started_ns', type: 'bigint' },
          { name: 'stopped_ns', type: 'bigint', isNullable: true },
          { name: 'packets', type: 'bigint' },
          { name: 'bytes', type: 'bigint' },
          { name: 'dropped', type: 'bigint' },
          { name: 'stop_reason', type: 'text', isNullable: true },
          { name: 'created_at', type: 'varchar', length: '32' },
        ],
        foreignKeys: [ofLab()],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['captures', 'journal', 'labs']) await runner.dropTable(table);
  }
}
