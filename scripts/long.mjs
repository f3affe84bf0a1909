#!/usr/bin/env node
// @ts-check
// Tests that take long: streams of 20 GiB, or of as many as are asked for. `npm run test:long -- [GIBIBYTES]`

import { fileURLToPath } from 'node:url';

import { run } from './lib/process.mjs';
import { setup } from './setup.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const ava = fileURLToPath(new URL('../node_modules/ava/entrypoints/cli.mjs', import.meta.url));

await setup();
const env = { ...process.env, SEALSTREAM_STREAM_GIB: process.argv[2] ?? '20' };
const args = [ava, '--timeout=20m', '__test__/api/citizen.test.mts'];
const { code } = await run(process.execPath, args, { cwd: root, show: true, env });
process.exitCode = code ?? 1;
