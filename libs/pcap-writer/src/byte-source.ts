/**
 * Incoming bytes of a capture, collected until a whole record is there.
 *
 * Caller: CaptureReader. Bytes handed out stay valid for ever: room is only appended to, and when
 * it runs out the rest moves to new memory instead of being shifted.
 */
export class ByteSource {
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(this.bytes.buffer);
  /** First unread byte and end of what was received. */
  pos = 0;
  end = 0;
  /** Nothing more will come. */
  ended = false;
  private owned = false;

  get available(): number {
    return this.end - this.pos;
  }

  push(chunk: Uint8Array): void {
    if (this.available === 0 && !this.owned) {
      this.adopt(chunk);
      return;
    }
    const need = this.end + chunk.length;
    if (!this.owned || need > this.bytes.length) this.grow(chunk.length);
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
  }

  private adopt(chunk: Uint8Array): void {
    this.bytes = chunk;
    this.view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.pos = 0;
    this.end = chunk.length;
  }

  private grow(extra: number): void {
    const rest = this.available;
    const bytes = new Uint8Array(Math.max(65536, 2 * (rest + extra)));
    bytes.set(this.bytes.subarray(this.pos, this.end));
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
    this.pos = 0;
    this.end = rest;
    this.owned = true;
  }
}
