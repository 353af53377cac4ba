/**
 * Short lists that rarely change, of which a lab has many thousands: made to measure. An array that grows by pushing, or by
 * a spread, has room for sixteen more.
 */

/** Up to so many items a list is copied; longer ones grow in place, or a thousand insertions would copy a million items. */
const SHORT = 8;

/** The list with `item` at `at`: another one, or the same where it is long. */
export function withInserted<T>(list: readonly T[], at: number, item: T): readonly T[] {
  if (list.length === 0) return [item];
  if (list.length < SHORT) return list.slice(0, at).concat([item], list.slice(at));
  const grown = list as T[];
  if (at === grown.length) grown.push(item);
  else grown.splice(at, 0, item);
  return grown;
}
