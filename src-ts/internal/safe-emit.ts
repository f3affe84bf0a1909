// What makes listeners of the user's run, where a promise would swallow what they throw.

/**
 * What `emit` returns, or `otherwise` where a listener threw: that is then uncaught, as it is wherever an event has listeners.
 *
 * @internal
 */
export function emitting<T>(emit: () => T, otherwise: T): T {
  try {
    return emit();
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
    return otherwise;
  }
}
