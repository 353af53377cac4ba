/**
 * The first sequence numbers of every TCP connection that a printer saw, so that the following ones
 * can be printed relative to them.
 *
 * One entry for both directions: the end with the lower port is "forward"; equal ports are ordered
 * by address. Memory grows with the number of connections, as tcpdump's does.
 */

export interface Conversation {
  seq: number;
  ack: number;
}

export class TcpConversations {
  private readonly table = new Map<string, Conversation>();

  find(key: string): Conversation | undefined {
    return this.table.get(key);
  }

  remember(key: string, seq: number, ack: number): Conversation {
    const entry = { seq, ack };
    this.table.set(key, entry);
    return entry;
  }
}
