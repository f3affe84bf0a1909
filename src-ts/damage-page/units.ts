// Formats and parses sizes and times for readers.

/**
 * Parses bytes from text such as `65536`, `64K`, `64KiB` or `1M`; K, M and G are powers of 1024.
 *
 * @returns `undefined` for anything else.
 */
export function parseSize(text: string): number | undefined {
  const [, digits, unit = ''] = SIZE.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const size = Number(digits) * (FACTORS[unit.toUpperCase()] ?? 1);
  return Number.isSafeInteger(size) ? size : undefined;
}

/**
 * Parses a share from text such as `1%`, `0.5%` or `0.01`.
 *
 * @returns `undefined` for anything else.
 */
export function parseShare(text: string): number | undefined {
  const [, digits, sign] = SHARE.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) / (sign === undefined ? 1 : 100);
}

/** Formats bytes in the largest unit that fits, such as `1.5 MiB`. */
export function formatSize(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1023.95 && unit < UNITS.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${Number(value.toFixed(1))} ${UNITS[unit] ?? ''}`;
}

/** Formats a number with separators between thousands. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** Formats a count with its noun, in the plural unless the count is 1. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}

/** Formats a range by its first and last byte. */
export function bytesText({ offset, length }: { readonly offset: number; readonly length: number }): string {
  return length > 0 ? `bytes ${formatCount(offset)} to ${formatCount(offset + length - 1)}` : 'no bytes';
}

/** Formats a duration, such as `3 ms`, `0.62 s` or `3:05`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 99.5) return `${Math.ceil(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  return seconds < 60 ? `${seconds.toFixed(seconds < 9.995 ? 2 : 1)} s` : formatClock(milliseconds);
}

/** Formats a duration as a clock, in whole seconds: `0:05`, `1:02:03`. */
export function formatClock(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const padded = (count: number): string => String(count % 60).padStart(2, '0');
  return hours === 0 ? `${minutes}:${padded(seconds)}` : `${hours}:${padded(minutes)}:${padded(seconds)}`;
}

/** Formats bytes per second; empty if the time is too short. */
export function formatRate(bytes: number, milliseconds: number): string {
  return milliseconds < 1 ? '' : `${formatSize((bytes / milliseconds) * 1000)}/s`;
}

const SIZE = /^(\d{1,15})(?:([KMG])(?:i?B)?)?$/i;
const SHARE = /^(\d{1,15}(?:\.\d{1,15})?|\.\d{1,15})(%)?$/;
const FACTORS: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
