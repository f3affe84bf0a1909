// @ts-check
// The runtimes of the matrix, each from an npm package that holds only its binary, and an application that has the package
// installed as users have it.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { npm } from '../lib/npm.mjs';
import { stage } from '../lib/release.mjs';

/**
 * @typedef {object} Runtime
 * @property {string} id
 * @property {string} title  Of its column.
 * @property {string} source  Name and version in the npm registry.
 * @property {string} binary  Inside the package.
 * @property {string[]} flags  Go between the binary and the program.
 * @property {Record<string, string[]>} [more]  Further flags for single capabilities.
 */

/**
 * All runtimes, for this platform: the oldest supported Node, the newest of each of its lines, and the newest Bun and Deno.
 * Versions are pinned, so the table changes only with the package or with this list.
 *
 * @returns {Runtime[]}
 */
export function runtimes() {
  const { platform, arch } = process;
  const suffix = platform === 'win32' ? '.exe' : '';
  const nodeBinary = platform === 'win32' ? 'bin/node.exe' : 'bin/node';
  const system = platform === 'win32' ? 'win' : platform;
  const bunSystem = platform === 'win32' ? 'windows' : platform;
  const denoLibc = platform === 'linux' ? '-glibc' : '';
  return [
    ...['20.19.0', '22.23.3', '24.21.0', '26.10.0'].map((version) => ({
      id: `node-${version.replace(/\..*/, '')}`,
      title: `Node ${version}`,
      source: `node-${system}-${arch}@${version}`,
      binary: nodeBinary,
      flags: [],
    })),
    {
      id: 'bun',
      title: 'Bun 1.4.5',
      source: `@oven/bun-${bunSystem}-${arch === 'arm64' ? 'aarch64' : arch}@1.4.5`,
      binary: `bin/bun${suffix}`,
      flags: [],
    },
    {
      id: 'deno',
      title: 'Deno 2.9.6',
      source: `@deno/${platform}-${arch}${denoLibc}@2.9.6`,
      binary: `deno${suffix}`,
      // --allow-write is for the trials' own files.
      flags: ['run', '--no-prompt', '--allow-ffi', '--allow-read', '--allow-write'],
      more: {
        'the `sealstream` command': ['--allow-run', '--allow-env'],
        '`openReader`: `httpSource`': ['--allow-net'],
        '`sealstream/electron`, `sealstream/aws-kms`': ['--allow-env'],
      },
    },
  ];
}

/**
 * Installs the runtimes unless they are installed.
 *
 * @param {string} folder
 * @param {readonly Runtime[]} wanted
 * @returns {Promise<Map<string, string>>} The binary of each, by its id.
 */
export async function installRuntimes(folder, wanted) {
  const dependencies = Object.fromEntries(wanted.map(({ id, source }) => [id, `npm:${source}`]));
  const manifest = `${JSON.stringify({ private: true, dependencies }, null, 2)}\n`;
  const place = join(folder, 'package.json');
  const binaries = new Map(
    wanted.map(({ id, binary }) => [id, join(folder, 'node_modules', id, ...binary.split('/'))]),
  );
  const isThere = existsSync(place) && readFileSync(place, 'utf8') === manifest;
  if (!isThere || [...binaries.values()].some((binary) => !existsSync(binary))) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(place, manifest);
    // The packages hold binaries and do not need their scripts.
    await npm(folder, 'install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock');
  }
  return binaries;
}

/**
 * Makes an application with the trials, and installs the package from the archives that a release would publish.
 *
 * @param {string} root  The repository, built.
 * @param {string} folder  Emptied first.
 * @returns {Promise<void>}
 */
export async function makeApplication(root, folder) {
  rmSync(folder, { recursive: true, force: true });
  const archives = join(folder, 'archives');
  mkdirSync(archives, { recursive: true });
  const platforms = readdirSync(join(root, 'native')).flatMap(
    (name) => /^sealstream\.(.+)\.node$/.exec(name)?.slice(1) ?? [],
  );
  const target = join(folder, 'staged');
  for (const place of stage({ root, artifacts: join(root, 'native'), target, platforms })) {
    await npm(archives, 'pack', '--silent', place);
  }
  const packed = readdirSync(archives).map((name) => `file:archives/${name}`);
  const [own, others] = [/archives\/sealstream-\d/, /archives\/sealstream-[a-z]/];
  const dependencies = Object.fromEntries(
    packed.filter((at) => own.test(at)).map((at) => ['sealstream', at]),
  );
  const optionalDependencies = Object.fromEntries(
    platforms.map((platform) => [
      `@sealstream/${platform}`,
      packed.find((at) => others.test(at) && at.includes(platform)),
    ]),
  );
  // Users of `sealstream/aws-kms` install the SDK themselves; this is the version that the tests use.
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  dependencies[SDK] = devDependencies[SDK];
  const manifest = { private: true, type: 'module', dependencies, optionalDependencies };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  await npm(folder, 'install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock');
  cpSync(join(root, 'scripts', 'matrix', 'smoke'), folder, { recursive: true });
}

const SDK = '@aws-sdk/client-kms';
