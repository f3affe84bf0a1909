import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import test, { type ExecutionContext } from 'ava';

import { platformOf, platformPackages, problems, stage } from '../../scripts/lib/release.mjs';

const repository = fileURLToPath(new URL('../..', import.meta.url));

test('this tree can be released: every version, name and platform agrees', (t) => {
  t.deepEqual(problems(repository), []);
  t.is(platformPackages(repository).length, 8);
});

test('a Rust target has the name that Node and npm give it', (t) => {
  t.is(platformOf('x86_64-unknown-linux-musl'), 'linux-x64-musl');
  t.is(platformOf('aarch64-unknown-linux-gnu'), 'linux-arm64-gnu');
  t.is(platformOf('aarch64-apple-darwin'), 'darwin-arm64');
  t.is(platformOf('x86_64-pc-windows-msvc'), 'win32-x64-msvc');
});

test('a version that differs is found, in a package, a crate or the tag', (t) => {
  const root = clone(t);
  change(join(root, 'npm/darwin-x64/package.json'), { version: '9.9.9' });
  writeFileSync(
    join(root, 'Cargo.toml'),
    '[workspace]\nmembers = []\n\n[workspace.package]\nversion = "9.9.8"\n',
  );

  const found = problems(root, 'v9.9.7').join('\n');
  t.regex(found, /npm\/darwin-x64\/package\.json: version 9\.9\.9/);
  t.regex(found, /Cargo\.toml: version 9\.9\.8/);
  t.regex(found, /the tag is v9\.9\.7/);
});

test('a platform without its package is found', (t) => {
  const root = clone(t);
  rmSync(join(root, 'npm/win32-arm64-msvc'), { recursive: true });
  t.regex(problems(root).join('\n'), /napi\.targets asks for .*win32-arm64-msvc/);
});

test('a release has every binary, and a main package that depends on all of them', (t) => {
  const root = clone(t);
  const artifacts = join(root, 'artifacts');
  for (const { binary } of platformPackages(root)) {
    mkdirSync(join(artifacts, `of-${binary}`), { recursive: true });
    writeFileSync(join(artifacts, `of-${binary}`, binary), binary);
  }

  const folders = stage({ root, artifacts, target: join(root, 'release'), repository: 'owner/name' });

  t.is(folders.length, 9);
  t.is(folders.at(-1), join(root, 'release/sealstream'));
  for (const { platform, binary } of platformPackages(root)) {
    const folder = join(root, 'release', platform);
    t.is(readFileSync(join(folder, binary), 'utf8'), binary);
    t.deepEqual(readdirSync(folder).sort(), [
      'LICENSE-APACHE',
      'LICENSE-MIT',
      'README.md',
      'package.json',
      binary,
    ]);
  }
  const main = read(join(root, 'release/sealstream/package.json'));
  const wanted = platformPackages(root).map(({ platform }) => [`@sealstream/${platform}`, main['version']]);
  t.deepEqual(main['optionalDependencies'], Object.fromEntries(wanted));
  t.is(main['scripts'], undefined);
  t.is(main['devDependencies'], undefined);
  t.deepEqual(main['repository'], { type: 'git', url: 'git+https://github.com/owner/name.git' });
  t.true(existsSync(join(root, 'release/sealstream/dist/index.js')));
  t.is(read(join(root, 'package.json'))['optionalDependencies'], undefined);
});

test('a release without a binary is refused, and the binary is named', (t) => {
  const root = clone(t);
  const artifacts = join(root, 'artifacts');
  mkdirSync(artifacts);
  const error = t.throws(() => stage({ root, artifacts, target: join(root, 'release') }));
  t.regex(error.message, /not built: .*sealstream\.linux-x64-gnu\.node/);
});

test('a release for some platforms has no packages of others', (t) => {
  const root = clone(t);
  const artifacts = join(root, 'artifacts');
  mkdirSync(artifacts);
  writeFileSync(join(artifacts, 'sealstream.darwin-x64.node'), '');
  const folders = stage({ root, artifacts, target: join(root, 'release'), platforms: ['darwin-x64'] });
  t.deepEqual(
    folders,
    ['darwin-x64', 'sealstream'].map((name) => join(root, 'release', name)),
  );
  const main = read(join(root, 'release/sealstream/package.json'));
  t.deepEqual(Object.keys(main['optionalDependencies'] as object), ['@sealstream/darwin-x64']);
});

/** What a release reads of the repository, with stand-ins for what is built. */
function clone(t: ExecutionContext): string {
  const root = mkdtempSync(join(tmpdir(), 'sealstream-'));
  t.teardown(() => {
    rmSync(root, { recursive: true });
  });
  for (const name of ['package.json', 'npm', 'LICENSE-MIT', 'LICENSE-APACHE']) {
    cpSync(join(repository, name), join(root, name), { recursive: true });
  }
  for (const name of ['README.md', 'dist/index.js', 'native/binding.d.ts']) {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, name), '');
  }
  return root;
}

function change(file: string, changes: Record<string, unknown>): void {
  writeFileSync(file, JSON.stringify({ ...read(file), ...changes }));
}

function read(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
}
