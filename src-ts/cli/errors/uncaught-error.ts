// Prints an uncaught error as one sentence instead of a stack.

import { exitCodes } from './exit-codes';
import { explain } from './explain';
import { printJsonFailure } from '../reports/envelope';
import { printFailure } from '../terminal/messages';

process.on('uncaughtException', (error: unknown) => {
  try {
    // Before the command is loaded, only loading the library can fail, and its message says what to do.
    const explanation = { ...explain(error), ...(isLoaded() ? {} : loadFailure(error)) };
    const [command = '', ...rest] = process.argv.slice(2);
    if (rest.includes('--json'))
      printJsonFailure(command, undefined, explanation, mayBeData([command, ...rest]));
    else printFailure(explanation, undefined);
  } finally {
    process.exit(exitCodes.failed);
  }
});

function loadFailure(error: unknown) {
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'ERR_CLI_LOAD', kind: 'Load', message: message.replace(/\.$/, ''), advice: '' };
}

/** Whether standard output may be for data. The arguments can't be read if the command can't be loaded. */
function mayBeData([command, ...rest]: readonly string[]): boolean {
  return command === 'cat' || rest.some((argument) => /^(?:-|-o-|--output=-)$/.test(argument));
}

function isLoaded(): boolean {
  return require.main?.loaded ?? true;
}
