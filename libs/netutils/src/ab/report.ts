/**
 * ab's report: what was asked, what came, and how the times spread.
 */
import { fixed } from '../c-number.js';
import type { HttpUrl } from '../http/url.js';
import type { AbOptions, Counts } from './main.js';

/** One request's times, microseconds. */
export interface Sample {
  readonly startUs: number;
  readonly connectUs: number;
  readonly totalUs: number;
  readonly waitUs: number;
}

const PERCENTILES = [50, 66, 75, 80, 90, 95, 98, 99];

const roundMs = (us: number): number => Math.floor((us + 500) / 1000);

interface Spread {
  readonly min: number;
  readonly mean: number;
  readonly median: number;
  readonly max: number;
  /** Milliseconds with a fraction; the others are whole. */
  readonly deviation: number;
}

function spreadOf(values: readonly number[]): Spread {
  const n = values.length;
  const sorted = [...values].sort((a, b) => a - b);
  const mean = Math.floor(values.reduce((sum, value) => sum + value, 0) / n);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const middle = Math.floor(n / 2);
  const at = (index: number): number => sorted[index] ?? 0;
  const median = n > 1 && n % 2 === 1 ? Math.floor((at(middle) + at(middle + 1)) / 2) : at(middle);
  return {
    min: roundMs(at(0)),
    mean: roundMs(mean),
    median: roundMs(median),
    max: roundMs(at(n - 1)),
    deviation: n > 1 ? Math.sqrt(squares / (n - 1)) / 1000 : 0,
  };
}

const right = (value: number, width: number): string => String(value).padStart(width);

function confidence(what: string, { mean, median, deviation }: Spread): string {
  const apart = Math.abs(mean - median);
  if (apart > 2 * deviation)
    return `ERROR: The median and mean for ${what} are more than twice the standard\n       deviation apart. These results are NOT reliable.\n`;
  if (apart > deviation)
    return `WARNING: The median and mean for ${what} are not within a normal deviation\n        These results are probably not that reliable.\n`;
  return '';
}

function timesText(samples: readonly Sample[], withConfidence: boolean): string {
  const rows = [
    ['Connect:    ', 'the initial connection time', spreadOf(samples.map((s) => s.connectUs))],
    ['Processing: ', 'the processing time', spreadOf(samples.map((s) => s.totalUs - s.connectUs))],
    ['Waiting:    ', 'the waiting time', spreadOf(samples.map((s) => s.waitUs))],
    ['Total:      ', 'the total time', spreadOf(samples.map((s) => s.totalUs))],
  ] as const;
  let text = '\nConnection Times (ms)\n';
  if (!withConfidence) {
    text += '              min   avg   max\n';
    for (const [name, , s] of rows)
      text += `${name}${right(s.min, 5)} ${right(s.mean, 5)}${right(s.max, 5)}\n`;
    return text;
  }
  text += '              min  mean[+/-sd] median   max\n';
  for (const [name, , s] of rows)
    text += `${name}${right(s.min, 5)} ${right(s.mean, 4)} ${fixed(s.deviation, 5, 1)} ${right(s.median, 6)} ${right(s.max, 7)}\n`;
  for (const [, what, s] of rows) text += confidence(what, s);
  return text;
}

function percentilesText(samples: readonly Sample[]): string {
  const sorted = samples.map((s) => s.totalUs).sort((a, b) => a - b);
  const n = sorted.length;
  let text = '\nPercentage of the requests served within a certain time (ms)\n';
  for (const percent of PERCENTILES)
    text += `  ${percent}%  ${right(roundMs(sorted[Math.floor((n * percent) / 100)] ?? 0), 5)}\n`;
  return `${text} 100%  ${right(roundMs(sorted[n - 1] ?? 0), 5)} (longest request)\n`;
}

/** Everything after `..done`. */
export function reportText(o: AbOptions, url: HttpUrl, counts: Counts, seconds: number): string {
  const line = (name: string, value: string | number): string =>
    `${`${name}:`.padEnd(24)}${value}\n`;
  let text = '\n\n';
  text += line('Server Software', counts.server);
  text += line('Server Hostname', url.host);
  text += line('Server Port', url.port);
  text += '\n';
  text += line('Document Path', url.path);
  text += line(
    'Document Length',
    o.variableLength ? 'Variable' : `${counts.documentLength ?? 0} bytes`,
  );
  text += '\n';
  text += line('Concurrency Level', o.concurrency);
  text += line('Time taken for tests', `${seconds.toFixed(3)} seconds`);
  text += line('Complete requests', counts.done);
  text += line('Failed requests', counts.failed);
  if (counts.failed > 0)
    text += `   (Connect: ${counts.failedConnect}, Receive: ${counts.failedReceive}, Length: ${counts.failedLength}, Exceptions: ${counts.failedException})\n`;
  if (counts.writeErrors > 0) text += line('Write errors', counts.writeErrors);
  if (counts.notOk > 0) text += line('Non-2xx responses', counts.notOk);
  if (o.keepAlive) text += line('Keep-Alive requests', counts.kept);
  text += line('Total transferred', `${counts.received} bytes`);
  if (o.body !== undefined) text += line('Total body sent', counts.sent);
  text += line('HTML transferred', `${counts.bodies} bytes`);
  if (seconds > 0) {
    const perRequest = counts.done > 0 ? (seconds * 1000) / counts.done : 0;
    const rate = (bytes: number): string => (bytes / 1024 / seconds).toFixed(2);
    text += line('Requests per second', `${(counts.done / seconds).toFixed(2)} [#/sec] (mean)`);
    if (counts.done > 0) {
      text += line('Time per request', `${(o.concurrency * perRequest).toFixed(3)} [ms] (mean)`);
      text += line(
        'Time per request',
        `${perRequest.toFixed(3)} [ms] (mean, across all concurrent requests)`,
      );
    }
    text += line('Transfer rate', `${rate(counts.received)} [Kbytes/sec] received`);
    if (o.body !== undefined) {
      text += `                        ${rate(counts.sent)} kb/s sent\n`;
      text += `                        ${rate(counts.sent + counts.received)} kb/s total\n`;
    }
  }
  if (counts.samples.length > 0) text += timesText(counts.samples, o.confidence);
  if (o.percentiles && counts.samples.length > 1) text += percentilesText(counts.samples);
  return text;
}
