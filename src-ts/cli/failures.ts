// Where a failure happened, where the failure itself does not say.

/** Something failed while data went to standard output, which may have got a part of it. */
export class DuringOutput extends Error {
  override readonly name = 'DuringOutput';

  constructor(override readonly cause: unknown) {
    super('failed while writing to standard output', { cause });
  }
}
