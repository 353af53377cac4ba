/** Names of users and groups from /etc/passwd and /etc/group. */
import { KernelError } from '@netloom/base';
import { readTextFile, type Sys } from '@netloom/sys';

export interface Accounts {
  /** Name, or the number where it has none. */
  user(uid: number): string;
  group(gid: number): string;
  /** Number of a name (or of digits); undefined where unknown. */
  uid(name: string): number | undefined;
  gid(name: string): number | undefined;
  /** Login group of a user, home and shell. */
  entry(
    uid: number,
  ): { readonly gid: number; readonly home: string; readonly shell: string } | undefined;
  /** Groups that a user is a member of. */
  groupsOf(user: string): readonly number[];
}

async function rows(sys: Sys, path: string): Promise<string[][]> {
  try {
    return (await readTextFile(sys, path))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(':'));
  } catch (error) {
    if (error instanceof KernelError) return [];
    throw error;
  }
}

export async function accounts(sys: Sys): Promise<Accounts> {
  const users = await rows(sys, '/etc/passwd');
  const groups = await rows(sys, '/etc/group');
  const nameOf = (table: string[][], id: number): string =>
    table.find((row) => row[2] === String(id))?.[0] ?? (id === 0 ? 'root' : String(id));
  const idOf = (table: string[][], name: string): number | undefined => {
    const row = table.find((item) => item[0] === name);
    if (row !== undefined) return Number(row[2]);
    if (name === 'root') return 0;
    return /^\d+$/.test(name) ? Number(name) : undefined;
  };
  return {
    user: (uid) => nameOf(users, uid),
    group: (gid) => nameOf(groups, gid),
    uid: (name) => idOf(users, name),
    gid: (name) => idOf(groups, name),
    entry: (uid) => {
      const row = users.find((item) => item[2] === String(uid));
      return row === undefined
        ? undefined
        : { gid: Number(row[3]), home: row[5] ?? '/', shell: row[6] ?? '/bin/sh' };
    },
    groupsOf: (user) =>
      groups.filter((row) => (row[3] ?? '').split(',').includes(user)).map((row) => Number(row[2])),
  };
}
