// SPDX-License-Identifier: MIT

/** Bytes as people read them: `1.5 MB`, powers of 1000. */
export function amount(bytes: number): string {
  let value = bytes;
  for (const unit of ['B', 'kB', 'MB', 'GB']) {
    if (value < 999.5)
      return `${unit === 'B' || value >= 99.95 ? value.toFixed(0) : value.toFixed(1)} ${unit}`;
    value /= 1000;
  }
  return `${value.toFixed(1)} TB`;
}

/** `1 file`, `2 files`. */
export const counted = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

/** Seconds as `0:05`, `12:30`, `1:02:03`. */
export function duration(seconds: number): string {
  const s = Math.ceil(seconds);
  const two = (n: number): string => String(n).padStart(2, '0');
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes}:${two(s % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(s % 60)}`;
}

/** How fast it has gone in the last seconds: an average over a window, so that neither a pause nor a burst of long ago counts. */
export class Rate {
  private readonly samples: (readonly [ms: number, bytes: number])[] = [];
  private static readonly WINDOW_MS = 5000;

  /** `now` in ms, `bytes` in all so far. */
  add(now: number, bytes: number): void {
    this.samples.push([now, bytes]);
    while (this.samples.length > 2 && now - (this.samples[1]?.[0] ?? 0) >= Rate.WINDOW_MS)
      this.samples.shift();
  }

  /** Bytes a second; undefined until there is something to tell. */
  get(): number | undefined {
    const first = this.samples[0];
    const last = this.samples.at(-1);
    if (first === undefined || last === undefined || last[0] - first[0] < 500) return undefined;
    return ((last[1] - first[1]) * 1000) / (last[0] - first[0]);
  }
}

const BAR = 24;

/** One line of at most `columns` characters. `total` 0: it is not known. */
export function progressLine(
  bytes: number,
  total: number,
  rate: number | undefined,
  columns: number,
): string {
  const speed = rate === undefined ? '' : `  ${amount(rate)}/s`;
  if (total <= 0) return `${amount(bytes)}${speed}`.slice(0, columns);
  // Files may have grown since they were counted.
  const part = Math.min(1, bytes / total);
  const left =
    rate === undefined || rate < 1 || part === 1 ? '' : `  ${duration((total - bytes) / rate)} left`;
  const full = Math.round(part * BAR);
  const bar = `[${'#'.repeat(full)}${'.'.repeat(BAR - full)}]`;
  const text = `${String(Math.floor(part * 100)).padStart(3)}%  ${amount(bytes)} of ${amount(total)}${speed}${left}`;
  return (columns > BAR + text.length + 3 ? `${bar} ${text}` : text).slice(0, columns);
}
