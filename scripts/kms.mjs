#!/usr/bin/env node
// @ts-check
// Runs the tests of AWS KMS against a server: `npm run test:kms`. `npm test` runs them too, if Python is installed.

import { fileURLToPath } from 'node:url';

import { KmsError, startKms } from './kms/server.mjs';
import { run } from './lib/process.mjs';
import { setup, SetupError } from './setup.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const ava = fileURLToPath(new URL('../node_modules/ava/entrypoints/cli.mjs', import.meta.url));

try {
  await setup();
  const { url, stop } = await startKms((text) => process.stdout.write(`kms: ${text}\n`));
  try {
    const env = { ...process.env, SEALSTREAM_TEST_KMS: url };
    const { code } = await run(process.execPath, [ava, '__test__/api/providers/aws-kms*.test.mts'], {
      cwd: root,
      show: true,
      env,
    });
    process.exitCode = code ?? 1;
  } finally {
    await stop();
  }
} catch (error) {
  if (!(error instanceof SetupError || error instanceof KmsError)) throw error;
  process.stderr.write(`test:kms: ${error.message}\n`);
  process.exitCode = 1;
}
