import { Fingerprint } from './fingerprint.js';

type Event = readonly [time: number, place: number, what: number];

const EVENTS: readonly Event[] = [
  [0, 1, 2],
  [5, 1, 2],
  [2 ** 40, 3, -4],
  [2 ** 40 + 1, 3, 0x7fffffff],
];

function textOf(events: readonly Event[]): string {
  const print = new Fingerprint();
  for (const event of events) print.mix(...event);
  return print.text;
}

describe('Fingerprint', () => {
  it('is a function of what happened', () => {
    expect(textOf(EVENTS)).toBe(textOf(EVENTS));
    expect(textOf(EVENTS)).toMatch(/^[0-9a-f]{16}$/);
    expect(textOf([])).toMatchInlineSnapshot(`"2f0b4c477a8d0f13"`);
    expect(textOf(EVENTS)).toMatchInlineSnapshot(`"a1a3fce231d7568e"`);
  });

  it('tells apart another time, place, content, order, and an event less', () => {
    const variants = [
      EVENTS,
      [...EVENTS].reverse(),
      EVENTS.slice(1),
      EVENTS.slice(0, -1),
      ...EVENTS.flatMap((_, i) =>
        [
          [1, 0, 0],
          [2 ** 32, 0, 0],
          [0, 1, 0],
          [0, 0, 1],
          [0, 0, 0x80000000],
        ].map((change) =>
          EVENTS.map(
            (event, j) =>
              (i === j
                ? [
                    event[0] + (change[0] ?? 0),
                    event[1] + (change[1] ?? 0),
                    event[2] ^ (change[2] ?? 0),
                  ]
                : event) as Event,
          ),
        ),
      ),
    ].map(textOf);
    expect(new Set(variants).size).toBe(variants.length);
  });
});
