// Errors of the command itself. The library's errors are SealErrors.

import { exitCodes } from './exit-codes';

/** What is wrong, as the kinds of the library's failures say it. */
export type CommandErrorKind =
  | 'Usage'
  | 'Refused'
  | 'TargetExists'
  | 'KeyFileMissing'
  | 'KeyFileUnreadable'
  | 'NotAKeyFile'
  | 'NoTerminal'
  | 'NoPassphrase'
  | 'NotARecipient'
  | 'LogUnwritable'
  | 'NothingFound';

/** An error of the command: a sentence without its full stop, and what to do about it. */
export class CommandError extends Error {
  override readonly name = 'CommandError';

  constructor(
    readonly kind: CommandErrorKind,
    message: string,
    readonly advice: string,
  ) {
    super(message);
  }

  /** Stable, for programs. */
  get code(): string {
    return CODES[this.kind].code;
  }

  get exitCode(): number {
    return CODES[this.kind].exitCode;
  }
}

/** The arguments are wrong. */
export function usageError(message: string, advice: string): CommandError {
  return new CommandError('Usage', message, advice);
}

/** A rule forbids what the arguments ask for. */
export function refusal(message: string, advice: string): CommandError {
  return new CommandError('Refused', message, advice);
}

/** A file that is to be written exists. The same code as the library's. */
export function targetExists(message: string, advice: string): CommandError {
  return new CommandError('TargetExists', message, advice);
}

const CODES: Readonly<Record<CommandErrorKind, { readonly code: string; readonly exitCode: number }>> = {
  Usage: { code: 'ERR_CLI_USAGE', exitCode: exitCodes.usage },
  Refused: { code: 'ERR_CLI_REFUSED', exitCode: exitCodes.refused },
  TargetExists: { code: 'ERR_SEAL_TARGET_EXISTS', exitCode: exitCodes.refused },
  KeyFileMissing: { code: 'ERR_CLI_KEY_FILE_MISSING', exitCode: exitCodes.usage },
  KeyFileUnreadable: { code: 'ERR_CLI_KEY_FILE_UNREADABLE', exitCode: exitCodes.refused },
  NotAKeyFile: { code: 'ERR_CLI_NOT_A_KEY_FILE', exitCode: exitCodes.wrongKey },
  NoTerminal: { code: 'ERR_CLI_NO_TERMINAL', exitCode: exitCodes.usage },
  NoPassphrase: { code: 'ERR_CLI_NO_PASSPHRASE', exitCode: exitCodes.usage },
  NotARecipient: { code: 'ERR_CLI_NOT_A_RECIPIENT', exitCode: exitCodes.usage },
  LogUnwritable: { code: 'ERR_CLI_LOG_UNWRITABLE', exitCode: exitCodes.failed },
  NothingFound: { code: 'ERR_CLI_NOTHING_FOUND', exitCode: exitCodes.failed },
};
