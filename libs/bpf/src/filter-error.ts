/**
 * A filter that does not compile. The message is what tcpdump prints after its own name.
 */
export class FilterError extends Error {
  override readonly name = 'FilterError';
}

/** The one message for everything the grammar refuses. */
export function syntaxError(): FilterError {
  return new FilterError("can't parse filter expression: syntax error");
}
