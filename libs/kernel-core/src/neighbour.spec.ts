import { RandomStream } from '@netloom/base';
import { Nud } from '@netloom/sys';
import { DropReason } from './drop-reasons.js';
import {
  NEIGH_PARMS_DEFAULT,
  NEIGH_UPDATE_F_ADMIN,
  NEIGH_UPDATE_F_OVERRIDE,
  Neighbour,
  type NeighOps,
  type NeighParms,
} from './neighbour.js';
import { SpecKernel, type SpecPort } from './spec-kernel.js';

const S = 1e9;
const NAMES = Object.fromEntries(
  Object.entries(Nud).map(([name, value]) => [value, name.slice(4)]),
);
const MAC = { hi: 0x0200, lo: 0x00000002 };
const OTHER = { hi: 0x0200, lo: 0x00000003 };

class Bench {
  readonly spec = new SpecKernel();
  readonly port: SpecPort = this.spec.port('e0');
  /** `time STATE` of each change, `time ask` of each question, `time fail` of each packet given up. */
  readonly log: string[] = [];
  readonly neigh: Neighbour;

  constructor(parms: Partial<NeighParms> = {}) {
    const random = new RandomStream(1, 'neigh');
    random.u32 = () => 0x8000_0000; // reachable for exactly the base time
    let last: number = Nud.NUD_NONE;
    const ops: NeighOps = {
      family: 2,
      solicit: () => this.note('ask'),
      errorReport: (_neigh, skb) => {
        this.note('fail');
        this.spec.kernel.kfreeSkbReason(skb, DropReason.NEIGH_FAILED);
      },
      notify: (neigh) => {
        if (neigh.nudState !== last) this.note(NAMES[neigh.nudState] ?? '?');
        last = neigh.nudState;
      },
      parms: () => ({ ...NEIGH_PARMS_DEFAULT, ...parms }),
      random: () => random,
    };
    this.neigh = new Neighbour(this.port.dev, 0x0a000002, ops);
  }

  private note(text: string): void {
    this.log.push(`${Number((this.spec.engine.now / S).toFixed(3))} ${text}`);
  }

  send(length = 60): void {
    this.neigh.output(this.spec.packet(length), 0x800);
  }

  at(seconds: number, fn: () => void): this {
    this.spec.engine.at(seconds * S, fn, undefined);
    return this;
  }

  reply(address = MAC, state: number = Nud.NUD_REACHABLE, flags = NEIGH_UPDATE_F_OVERRIDE): void {
    this.neigh.update(address, state, flags);
  }

  until(seconds: number): string {
    this.spec.advanceTo(seconds * S);
    return this.log.join(', ');
  }

  get sent(): number[] {
    return this.port.sent.map(({ bytes }) => bytes.length);
  }
}

describe('Neighbour', () => {
  it('asks three times a second apart, then fails and gives the packets up', () => {
    const bench = new Bench();
    bench.at(0, () => {
      bench.send();
      bench.send();
    });
    expect(bench.until(10)).toBe('0 INCOMPLETE, 0 ask, 1 ask, 2 ask, 3 FAILED, 3 fail, 3 fail');
    expect(bench.spec.pool.live).toBe(0);
  });

  it('starts over with the next packet after a failure', () => {
    const bench = new Bench();
    bench.at(0, () => bench.send()).at(8, () => bench.send());
    expect(bench.until(20)).toBe(
      '0 INCOMPLETE, 0 ask, 1 ask, 2 ask, 3 FAILED, 3 fail, 8 INCOMPLETE, 8 ask, 9 ask, 10 ask, 11 FAILED, 11 fail',
    );
  });

  it('sends what waited as soon as it is answered, in order, with the address', () => {
    const bench = new Bench();
    bench
      .at(0, () => {
        bench.send(60);
        bench.send(61);
      })
      .at(0.01, () => {
        bench.reply();
      });
    expect(bench.until(1)).toBe('0 INCOMPLETE, 0 ask, 0.01 REACHABLE');
    expect(bench.sent).toEqual([74, 75]);
    expect([...(bench.port.sent[0]?.bytes.subarray(0, 14) ?? [])]).toEqual([
      2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0,
    ]);
  });

  it('goes stale after the reachable time; use makes it check, and silence fails it', () => {
    const bench = new Bench();
    bench
      .at(0, () => bench.send())
      .at(0.01, () => {
        bench.reply();
      })
      .at(100, () => bench.send());
    expect(bench.until(200)).toBe(
      '0 INCOMPLETE, 0 ask, 0.01 REACHABLE, 30.02 STALE, 100 DELAY, 105 PROBE, 105 ask, 106 ask, 107 ask, 108 FAILED',
    );
    expect(bench.sent).toEqual([74, 74]);
  });

  it('answers to its probes make it reachable again', () => {
    const bench = new Bench();
    bench
      .at(0, () => bench.send())
      .at(0.01, () => {
        bench.reply();
      })
      .at(100, () => bench.send())
      .at(105.5, () => {
        bench.reply();
      });
    expect(bench.until(130)).toBe(
      '0 INCOMPLETE, 0 ask, 0.01 REACHABLE, 30.02 STALE, 100 DELAY, 105 PROBE, 105 ask, 105.5 REACHABLE',
    );
  });

  it('evidence from above in DELAY saves the probe', () => {
    const bench = new Bench();
    bench
      .at(0, () => bench.send())
      .at(0.01, () => {
        bench.reply();
      })
      .at(100, () => bench.send())
      .at(103, () => {
        bench.neigh.confirm();
      });
    expect(bench.until(130)).toBe(
      '0 INCOMPLETE, 0 ask, 0.01 REACHABLE, 30.02 STALE, 100 DELAY, 105 REACHABLE',
    );
  });

  it('traffic and evidence keep it reachable', () => {
    const bench = new Bench();
    bench
      .at(0, () => bench.send())
      .at(0.01, () => {
        bench.reply();
      });
    for (let t = 10; t < 100; t += 10) {
      bench.at(t, () => {
        bench.send();
        bench.neigh.confirm();
      });
    }
    expect(bench.until(100)).toBe('0 INCOMPLETE, 0 ask, 0.01 REACHABLE');
  });

  it('packets to a confirmed address are no evidence: it goes stale, and the next one checks it', () => {
    const bench = new Bench();
    bench
      .at(0, () => bench.send())
      .at(0.01, () => {
        bench.reply();
      });
    for (let t = 1; t < 40; t++) bench.at(t, () => bench.send());
    expect(bench.until(40)).toBe(
      '0 INCOMPLETE, 0 ask, 0.01 REACHABLE, 30.02 STALE, 31 DELAY, 36 PROBE, 36 ask, 37 ask, 38 ask, 39 FAILED',
    );
  });

  it('gossip teaches a stale address, and a packet checks it', () => {
    const bench = new Bench();
    bench
      .at(0, () => {
        bench.reply(MAC, Nud.NUD_STALE);
      })
      .at(1, () => bench.send());
    expect(bench.until(2)).toBe('0 STALE, 1 DELAY');
    expect(bench.sent).toEqual([74]);
  });

  it('gossip about a confirmed address does not unsettle it, another address does', () => {
    const bench = new Bench();
    bench.at(0, () => {
      bench.reply();
    });
    bench.at(1, () => {
      bench.reply(MAC, Nud.NUD_STALE);
    });
    bench.at(2, () => {
      bench.reply(OTHER, Nud.NUD_STALE, 0); // without override: kept
    });
    bench.at(3, () => {
      bench.reply(OTHER, Nud.NUD_STALE);
    });
    expect(bench.until(4)).toBe('0 REACHABLE, 3 STALE');
    expect([...bench.neigh.lladdr]).toEqual([2, 0, 0, 0, 0, 3]);
  });

  it('a permanent entry listens to the administrator only', () => {
    const bench = new Bench();
    bench.neigh.update(MAC, Nud.NUD_PERMANENT, NEIGH_UPDATE_F_ADMIN | NEIGH_UPDATE_F_OVERRIDE);
    bench.reply(OTHER);
    bench.send();
    expect([...bench.neigh.lladdr]).toEqual([2, 0, 0, 0, 0, 2]);
    bench.neigh.update(OTHER, Nud.NUD_PERMANENT, NEIGH_UPDATE_F_ADMIN | NEIGH_UPDATE_F_OVERRIDE);
    expect([...bench.neigh.lladdr]).toEqual([2, 0, 0, 0, 0, 3]);
    expect(bench.until(1000)).toBe('0 PERMANENT');
  });

  it('keeps unres_qlen_bytes of packets: the oldest goes first', () => {
    const bench = new Bench({ queueLenBytes: 3 * (124 + 576) });
    for (let i = 0; i < 5; i++) bench.send(60 + i); // truesize: 60 + 64 bytes of headroom + 576, and a little
    expect(bench.neigh.queue?.length).toBe(2);
    expect(bench.spec.drops.map(({ reason, bytes }) => [reason, bytes])).toEqual(
      [60, 61, 62].map((n) => [DropReason.NEIGH_QUEUEFULL, n]),
    );
    bench.reply();
    expect(bench.sent).toEqual([77, 78]);
  });

  it('taken out of use, drops what waits and does nothing more', () => {
    const bench = new Bench();
    bench.send();
    bench.neigh.kill();
    expect(bench.until(10)).toBe('0 INCOMPLETE, 0 ask');
    expect(bench.spec.drops.map(({ reason }) => reason)).toEqual([DropReason.NEIGH_DEAD]);
    expect(bench.spec.pool.live).toBe(0);
  });

  it.each([
    [{ mcastProbes: 1 }, '0 INCOMPLETE, 0 ask, 1 FAILED, 1 fail'],
    [{ mcastProbes: 2, retransTime: 0.5 * S }, '0 INCOMPLETE, 0 ask, 0.5 ask, 1 FAILED, 1 fail'],
    [{ mcastProbes: 0 }, '0 FAILED'],
  ])('obeys its sysctls: %j', (parms, expected) => {
    const bench = new Bench(parms);
    bench.at(0, () => bench.send());
    expect(bench.until(10)).toBe(expected);
    expect(bench.spec.pool.live).toBe(0);
  });
});
