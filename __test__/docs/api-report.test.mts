// docs/api.txt has every public name and type.

import { readFileSync } from 'node:fs';

import test from 'ava';

import { apiReport, REPORT } from '../../scripts/api-report.mjs';

test('docs/api.txt states the public surface; after a change on purpose: npm run api', (t) => {
  t.is(readFileSync(REPORT, 'utf8').replaceAll('\r\n', '\n'), apiReport());
});
