/**
 * The time stamps of -t … -ttttt. UTC: a simulated world has one time zone.
 *
 * Units: whole seconds since 1970 and nanoseconds, kept apart so that both stay exact.
 */
import type { Settings } from './options.js';

const two = (n: number): string => String(n).padStart(2, '0');

function fraction(nsec: number, nano: boolean): string {
  return nano ? String(nsec).padStart(9, '0') : String(Math.floor(nsec / 1000)).padStart(6, '0');
}

function hms(sec: number, nsec: number, nano: boolean): string {
  const h = Math.floor(sec / 3600);
  const m = Math.floor(sec / 60) % 60;
  return `${two(h)}:${two(m)}:${two(sec % 60)}.${fraction(nsec, nano)}`;
}

/** Year-month-day of a day number since 1970-01-01 (proleptic Gregorian; after H. Hinnant). */
export function civilDate(day: number): string {
  const z = day + 719468; // days since 0000-03-01
  const era = Math.floor(z / 146097);
  const doe = z - era * 146097;
  const yoe = Math.floor(
    (doe - Math.floor(doe / 1460) + Math.floor(doe / 36524) - Math.floor(doe / 146096)) / 365,
  );
  const doy = doe - (365 * yoe + Math.floor(yoe / 4) - Math.floor(yoe / 100));
  const mp = Math.floor((5 * doy + 2) / 153);
  const month = mp < 10 ? mp + 3 : mp - 9;
  const year = yoe + era * 400 + (month <= 2 ? 1 : 0);
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(doy - Math.floor((153 * mp + 2) / 5) + 1)}`;
}

/** Prints stamps one after another; -ttt and -ttttt need the ones before. */
export class TimestampPrinter {
  private started = false;
  private refSec = 0;
  private refNsec = 0;

  constructor(private readonly options: Settings) {}

  print(sec: number, nsec: number): string {
    const { timestamps, nano } = this.options;
    switch (timestamps) {
      case 0:
        return `${hms(sec - Math.floor(sec / 86400) * 86400, nsec, nano)} `;
      case 1:
        return '';
      case 2:
        return `${sec}.${fraction(nsec, nano)} `;
      case 3:
      case 5:
        return this.difference(sec, nsec);
      default: {
        const day = Math.floor(sec / 86400);
        return `${civilDate(day)} ${hms(sec - day * 86400, nsec, nano)} `;
      }
    }
  }

  private difference(sec: number, nsec: number): string {
    const unit = this.options.nano ? 1 : 1000; // differences are taken of what is shown
    const shown = nsec - (nsec % unit);
    if (!this.started) {
      this.started = true;
      this.refSec = sec;
      this.refNsec = shown;
    }
    let ds = sec - this.refSec;
    let dn = shown - this.refNsec;
    const negative = ds < 0 || (ds === 0 && dn < 0);
    if (negative) {
      ds = -ds;
      dn = -dn;
    }
    if (dn < 0) {
      ds -= 1;
      dn += 1e9;
    }
    if (this.options.timestamps === 3) {
      this.refSec = sec;
      this.refNsec = shown;
    }
    return `${negative ? '-' : ' '}${hms(ds, dn, this.options.nano)} `;
  }
}
