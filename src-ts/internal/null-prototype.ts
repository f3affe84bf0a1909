// Objects on which no name is found that a program put on `Object.prototype`.

/**
 * Copies the own properties of `value` into an object without a prototype. The addon looks names up, and so does code that reads
 * optional properties.
 */
export function nullPrototype<T extends object>(value: T): T {
  return Object.assign(Object.create(null) as T, value);
}
