/** A capture as binary messages from its first byte on: their concatenation is the file. Closes when it stops. */
import { Inject, Injectable } from '@nestjs/common';
import { CapturesService } from '../captures/captures.service.js';
import { CLOSE, type PeerSocket } from './peer-socket.js';
import type { SocketHandler, SocketRequest } from './socket-router.js';

@Injectable()
export class CaptureSocket implements SocketHandler {
  constructor(@Inject(CapturesService) private readonly captures: CapturesService) {}

  async prepare({
    session,
    params: [id = ''],
  }: SocketRequest): Promise<(socket: PeerSocket) => Promise<void>> {
    const { file } = await this.captures.file(session.facts.id, id);
    return async (socket) => {
      const gone = new AbortController();
      socket.onClose(() => gone.abort());
      for await (const piece of file.read({ follow: true, signal: gone.signal }))
        await socket.sendBytes(piece);
      socket.close(CLOSE.normal, 'the capture has stopped');
    };
  }
}
