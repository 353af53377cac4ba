/** A kind of queueing discipline as `tc` knows it: what may be said of it, and how it is shown. */
import type { Args } from '../args.js';
import type { IpContext } from '../ip/context.js';

export type QdiscOptions = Readonly<Record<string, unknown>>;

export interface TcQdisc {
  readonly name: string;
  /** Reads the words behind the kind. @throws CommandExit */
  parse(args: Args): QdiscOptions;
  /** Prints them behind the head of the line. */
  print(context: IpContext, options: QdiscOptions): void;
}

export function numberOf(options: QdiscOptions, name: string): number {
  const value = options[name];
  return typeof value === 'number' ? value : 0;
}
