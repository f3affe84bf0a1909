// Prints an uncaught error as one sentence instead of a stack.

import { exitCodes } from './exit-codes';
import { explain } from './explain';
import { printFailure } from '../terminal/messages';

process.on('uncaughtException', (error: unknown) => {
  try {
    // Before the command is loaded, only loading the library can fail, and its message says what to do.
    const explanation = { ...explain(error), ...(isLoaded() ? {} : loadFailure(error)) };
    printFailure(explanation, undefined, process.argv.includes('--json'));
  } finally {
    process.exit(exitCodes.failed);
  }
});

function loadFailure(error: unknown) {
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'ERR_CLI_LOAD', kind: 'Load', message: message.replace(/\.$/, ''), advice: '' };
}

function isLoaded(): boolean {
  return require.main?.loaded ?? true;
}
