/** Inputs and files of a lab as JSON text: bytes become `{"$bytes": base64}`, everything else is plain already. */

interface Bytes {
  readonly $bytes: string;
}

function isBytes(value: unknown): value is Bytes {
  return (
    typeof value === 'object' &&
    value !== null &&
    '$bytes' in value &&
    typeof value.$bytes === 'string'
  );
}

export function encode(value: unknown): string {
  return JSON.stringify(
    value,
    function (this: Record<string, unknown>, key: string, plain: unknown) {
      // `plain` may be the result of Buffer's own toJSON: look at the value itself.
      const own = this[key];
      if (!(own instanceof Uint8Array)) return plain;
      return { $bytes: Buffer.from(own.buffer, own.byteOffset, own.byteLength).toString('base64') };
    },
  );
}

export function decode<T>(text: string): T {
  return JSON.parse(text, (_key, value: unknown) =>
    isBytes(value) ? new Uint8Array(Buffer.from(value.$bytes, 'base64')) : value,
  ) as T;
}
