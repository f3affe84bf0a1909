#!/usr/bin/env node
// @ts-check
// Lays out the packages of a release in release/: one package with the binary for each platform, and the main package,
// which depends on them.
//
//   node scripts/release-packages.mjs --check [--tag v1.2.3]     only checks that all versions agree
//   node scripts/release-packages.mjs --artifacts <folder> [--tag v1.2.3]
//
// Prints the folders in the order to publish them.

import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { problems, stage } from './lib/release.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

const { values } = parseArgs({
  options: {
    artifacts: { type: 'string' },
    check: { type: 'boolean', default: false },
    refuse: { type: 'boolean', default: false },
    tag: { type: 'string' },
  },
});

/** @param {string} message */
function fail(message) {
  process.stderr.write(`release: ${message}\n`);
  process.exit(1);
}

if (values.refuse) {
  // `npm publish` in a clone ends here. The clone's package.json has no platform packages, so it would load nowhere.
  fail('publish the folders that `npm run release:stage -- --artifacts <folder>` lays out, not this one');
}

const found = problems(root, values.tag);
if (found.length > 0) fail(`this tree cannot be released\n  ${found.join('\n  ')}`);

if (!values.check) {
  if (values.artifacts === undefined) fail('say where the built addons are: --artifacts <folder>');
  try {
    const repository = process.env['GITHUB_REPOSITORY'];
    const folders = stage({
      root,
      artifacts: String(values.artifacts),
      target: join(root, 'release'),
      ...(repository === undefined ? {} : { repository }),
    });
    process.stdout.write(`${folders.join('\n')}\n`);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}
