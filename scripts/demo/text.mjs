// @ts-check
// Prints the demo's output.

/** @param {string} text */
export function print(text) {
  process.stdout.write(`${text}\n`);
}

/** @param {string} text */
export function heading(text) {
  print(`\n${text}`);
}

/**
 * @param {string} name
 * @param {string} text
 */
export function row(name, text) {
  print(`  ${name.padEnd(10)}${text}`);
}

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1024) return counted(bytes, 'byte');
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(power > 1 ? 2 : 0)} ${UNITS[power]}`;
}

/** @param {number} milliseconds */
export function duration(milliseconds) {
  return milliseconds < 1000 ? `${milliseconds.toFixed(1)} ms` : `${(milliseconds / 1000).toFixed(2)} s`;
}

/**
 * @param {number} bytes
 * @param {number} milliseconds
 */
export function rate(bytes, milliseconds) {
  return `${(bytes / 2 ** 30 / (Math.max(milliseconds, 0.001) / 1000)).toFixed(2)} GiB/s`;
}

/** @param {number} count */
export function grouped(count) {
  return count.toLocaleString('en-US');
}

/**
 * @param {number} count
 * @param {string} noun
 */
export function counted(count, noun) {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
