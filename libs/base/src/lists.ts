/**
 * Short lists that rarely change, of which a lab has many thousands: made to measure. An array that grows by pushing, or by
 * a spread, has room for sixteen more.
 */

/** `list` with `item` at `at`. */
export function withInserted<T>(list: readonly T[], at: number, item: T): T[] {
  return list.length === 0 ? [item] : list.slice(0, at).concat([item], list.slice(at));
}
