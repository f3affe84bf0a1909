// Where a failure happened, where the failure itself does not say.

/** What a command was doing. */
export interface Scene {
  readonly command: 'encrypt' | 'decrypt' | 'inspect' | 'verify' | 'salvage' | 'heal' | 'header' | 'rewrap';
  /** The input, as a person knows it. */
  readonly input: string;
  /** Further inputs, where there are several. */
  readonly replicas?: readonly string[];
  /** The input has a name that may be wrong; standard input has none. */
  readonly isNamed: boolean;
  /** Data goes to standard output, which may have got a part of it. */
  readonly toStandardOutput: boolean;
  /** SEALSTREAM_KEY_FILE named the key, not an option. */
  readonly isKeyFromEnvironment?: boolean;
  /** The types of key slots that what was given may open. */
  readonly offered?: readonly string[];
  /** The file of the header that was given apart from the input. */
  readonly header?: string | undefined;
  /** The input is a header with nothing behind it. */
  readonly isHeaderAlone?: boolean;
  /** What is finished stays, and the same command goes on with it. */
  readonly resumable?: boolean;
}

/** Something failed while a command was at work. */
export class WorkFailure extends Error {
  override readonly name = 'WorkFailure';

  constructor(
    override readonly cause: unknown,
    readonly scene: Scene,
  ) {
    super('failed while at work', { cause });
  }
}
