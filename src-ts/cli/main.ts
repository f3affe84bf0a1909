#!/usr/bin/env node
// The command `sealstream`. uncaught-error is imported first: importing the rest can fail too.

import './errors/uncaught-error';
import { run } from './runner/run';

void run(process.argv.slice(2)).then((exitCode) => {
  // All output was written synchronously, so nothing is lost. Waiting for open handles could only hang.
  process.exit(exitCode);
});
