// What happens to an error that nobody caught: a sentence instead of a stack.

import { exitCodes } from './exit-codes';
import { explain } from './explain';
import { tellFailure } from '../terminal/messages';

process.on('uncaughtException', (error: unknown) => {
  try {
    const explanation = explain(error);
    // Before the command is loaded, what fails is the library's loading, and its message says what to do.
    const told = isLoaded() ? explanation : { ...explanation, ...loadFailure(error) };
    tellFailure(told, { command: undefined, json: process.argv.includes('--json') });
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
