/**
 * An outside machine on the wire of an interface: one Ethernet frame (without FCS) a binary message, both ways.
 *
 * Frames that a slow client has not taken are bounded by the lab; what is over is lost: `{type: 'lost', count}`.
 */
import { Injectable } from '@nestjs/common';
import type { LabMessage } from '@netloom/lab';
import { notFound } from '../http/problem.js';
import type { LabSession } from '../labs/lab-session.js';
import { CLOSE, type PeerSocket } from './peer-socket.js';
import type { SocketHandler, SocketRequest } from './socket-router.js';

const ETH_HLEN = 14;
const LARGEST_FRAME = 65_535 + ETH_HLEN + 8;

@Injectable()
export class EthernetSocket implements SocketHandler {
  async prepare({
    session,
    params: [node = '', name = ''],
  }: SocketRequest): Promise<(socket: PeerSocket) => Promise<void>> {
    const { nodes } = await (await session.running()).info();
    const found = nodes.find((candidate) => candidate.name === node);
    if (found === undefined) throw notFound(`There is no node "${node}" in the lab.`);
    if (!found.interfaces.includes(name))
      throw notFound(`Node "${node}" has no interface "${name}".`);
    return (socket) => serveFrames(session, socket, node, name);
  }
}

async function serveFrames(
  session: LabSession,
  socket: PeerSocket,
  node: string,
  name: string,
): Promise<void> {
  const onMessage = (message: LabMessage): void => {
    if (message.type === 'frame') {
      if (message.lost > 0) void socket.sendJson({ type: 'lost', count: message.lost });
      void socket.sendBytes(message.data).then(() => session.runner.ack(message.attachment, 1));
    } else if (message.type === 'attachment-end') {
      session.release(message.attachment);
      socket.close(CLOSE.goingAway, 'the interface is gone');
    }
  };
  const attached = session.open(
    (runner) => runner.attach({ node, interface: name }),
    (answer) => answer.attachment,
    onMessage,
  );
  attached.catch(() => undefined); // awaited below; this only keeps Node from thinking that nobody does
  socket.onBytes(async (frame) => {
    if (frame.byteLength < ETH_HLEN || frame.byteLength > LARGEST_FRAME) {
      throw new Error(
        `a frame has ${ETH_HLEN} to ${LARGEST_FRAME} bytes, this has ${frame.byteLength}`,
      );
    }
    await session.runner.sendFrame((await attached).attachment, frame);
    await session.journal?.room();
  });
  const { attachment } = await attached;
  await socket.sendJson({ type: 'attached', node, interface: name });
  socket.onClose(() => {
    session.release(attachment);
    if (session.state === 'running') session.runner.detach(attachment).catch(() => undefined); // it may be gone already
  });
}
