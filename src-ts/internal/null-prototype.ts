// Objects for the addon.

/** The addon looks names up, and must not find what somebody put on Object.prototype. @internal */
export function bare<T extends object>(value: T): T {
  return Object.assign(Object.create(null) as T, value);
}
