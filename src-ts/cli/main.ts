#!/usr/bin/env node
// The command `sealstream`. Everything that it does is in ./run; what a bug throws ends in ./last-resort, which is
// imported first because the import of the others may throw too.

import './errors/uncaught-error';
import { run } from './runner/run';

void run(process.argv.slice(2)).then((exitCode) => {
  // All output was written synchronously, so that nothing is lost; waiting for handles could only hang.
  process.exit(exitCode);
});
