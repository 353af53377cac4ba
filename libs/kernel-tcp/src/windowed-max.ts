/**
 * The largest sample of a sliding window, from the three best that are kept (Kathleen Nichols' algorithm).
 * Source: lib/win_minmax.c minmax_running_max(). The window's unit is whatever the samples' times are in.
 */
export class WindowedMax {
  private readonly times = [0, 0, 0];
  private readonly values = [0, 0, 0];

  get value(): number {
    return this.values[0] as number;
  }

  reset(time: number, value: number): void {
    this.times.fill(time);
    this.values.fill(value);
  }

  /** Takes a sample; returns the maximum over the last `window`. */
  add(window: number, time: number, value: number): number {
    const { times, values } = this;
    if (value >= (values[0] as number) || time - (times[2] as number) > window) {
      this.reset(time, value);
      return value;
    }
    if (value >= (values[1] as number)) this.put(1, time, value);
    else if (value >= (values[2] as number)) this.put(2, time, value);
    return this.age(window, time, value);
  }

  /** Sample `from` and those after it. */
  private put(from: number, time: number, value: number): void {
    for (let i = from; i < 3; i++) {
      this.times[i] = time;
      this.values[i] = value;
    }
  }

  /** Lets the best go when it is too old, and sees to it that the others are spread over the window. */
  private age(window: number, time: number, value: number): number {
    const { times, values } = this;
    const since = time - (times[0] as number);
    if (since > window) {
      this.shift(time, value);
      if (time - (times[0] as number) > window) this.shift(time, value);
    } else if (times[1] === times[0] && since > window / 4) {
      this.put(1, time, value);
    } else if (times[2] === times[1] && since > window / 2) {
      this.put(2, time, value);
    }
    return values[0] as number;
  }

  private shift(time: number, value: number): void {
    this.times.shift();
    this.times.push(time);
    this.values.shift();
    this.values.push(value);
  }
}
