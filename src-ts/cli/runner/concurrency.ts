// Several things at once, out of a list that is still being made.

/**
 * Calls `work` for every item, `lanes` of them at a time, each lane one after the other. The first that throws ends it all:
 * `stop` is called then, and it throws the same when every lane has come to rest.
 */
export async function inLanes<T>(
  items: AsyncGenerator<T, void, undefined>,
  lanes: number,
  work: (item: T, lane: number) => Promise<void>,
  stop: () => void,
): Promise<void> {
  let failed: { readonly error: unknown } | undefined;
  const lane = async (number: number): Promise<void> => {
    try {
      while (failed === undefined) {
        const next = await items.next();
        if (next.done === true) return;
        await work(next.value, number);
      }
    } catch (error) {
      if (failed === undefined) stop();
      failed ??= { error };
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)));
  await items.return();
  // A lane set it, which the compiler does not see.
  const end = failed as { readonly error: unknown } | undefined;
  if (end !== undefined) throw end.error;
}
