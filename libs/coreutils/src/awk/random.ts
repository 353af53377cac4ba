/** random(3) of the C library (TYPE_3: x_i = x_{i-3} + x_{i-31}), which mawk's rand() draws from. */

export class GlibcRandom {
  private readonly state = new Int32Array(31);
  private front = 3;
  private rear = 0;

  constructor(seed: number) {
    this.seed(seed);
  }

  seed(value: number): void {
    const state = this.state;
    state[0] = (value | 0) === 0 ? 1 : value | 0;
    for (let at = 1; at < 31; at++) {
      // 16807 * x mod (2^31 - 1), by Schrage's method.
      const before = state[at - 1] ?? 0;
      const word = 16807 * (before % 127773) - 2836 * Math.trunc(before / 127773);
      state[at] = word < 0 ? word + 2147483647 : word;
    }
    this.front = 3;
    this.rear = 0;
    for (let count = 0; count < 310; count++) this.next();
  }

  /** 0 to 2^31 - 1. */
  next(): number {
    const sum = ((this.state[this.front] ?? 0) + (this.state[this.rear] ?? 0)) | 0;
    this.state[this.front] = sum;
    this.front = (this.front + 1) % 31;
    this.rear = (this.rear + 1) % 31;
    return sum >>> 1;
  }

  /** 0 to 1. */
  fraction(): number {
    return this.next() / 2147483647;
  }
}
