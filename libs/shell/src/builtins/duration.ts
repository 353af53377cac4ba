/** `read -t`: seconds with a fraction. */

/** Nanoseconds; undefined for what is no number. */
export function parseDurationNs(text: string): number | undefined {
  return /^(?:\d+\.?\d*|\.\d+)$/.test(text) ? Math.round(Number(text) * 1e9) : undefined;
}
