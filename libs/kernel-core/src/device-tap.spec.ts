import { DeviceTap, addTap, showTaps, type Tapped } from './device-tap.js';
import type { NetDevice } from './net-device.js';
import type { SkBuff } from './skbuff.js';

class Noted extends DeviceTap {
  constructor(
    private readonly name: string,
    private readonly log: string[],
    private readonly then?: () => void,
  ) {
    super();
  }

  override see(_skb: SkBuff, _dev: NetDevice, outgoing: boolean): void {
    this.log.push(this.name + (outgoing ? '>' : '<'));
    this.then?.();
  }
}

const show = (place: Tapped, outgoing = false): void => {
  showTaps(place.taps, {} as SkBuff, {} as NetDevice, outgoing);
};

test('taps see frames in the order in which they were hung, until taken away', () => {
  const log: string[] = [];
  const place: Tapped = { taps: null };
  const removers = ['a', 'b', 'c'].map((name) => addTap(place, new Noted(name, log)));
  show(place, true);
  removers[1]?.();
  show(place);
  removers[0]?.();
  show(place);
  removers[2]?.();
  removers[2]?.(); // harmless
  show(place);
  expect(log.join(' ')).toBe('a> b> c> a< c< c<');
  expect(place.taps).toBeNull();
});

test('a tap may go while it sees a frame, and those behind it still see it', () => {
  const log: string[] = [];
  const place: Tapped = { taps: null };
  const remove = addTap(place, new Noted('once', log, () => remove()));
  addTap(place, new Noted('always', log));
  show(place);
  show(place);
  expect(log).toEqual(['once<', 'always<', 'always<']);
});
