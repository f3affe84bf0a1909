import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';

import test, { type ExecutionContext } from 'ava';
import * as imported from 'sealstream';

import { repositoryFile, temporaryDirectory } from '../support/files.mjs';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const NAMES = [
  'DecryptionStream',
  'EncryptionStream',
  'KeyPair',
  'ProviderError',
  'SealError',
  'SealedReader',
  'SealstreamError',
  'SecretKey',
  'SenderKey',
  'SourceError',
  'createDecryptStream',
  'createEncryptStream',
  'decrypt',
  'decryptChunks',
  'decryptFile',
  'decryptFileToStream',
  'decryptSegments',
  'decryptSync',
  'encrypt',
  'encryptChunks',
  'encryptFile',
  'encryptFileDetached',
  'encryptStreamToFile',
  'encryptSync',
  'generatePassphrase',
  'heal',
  'httpSource',
  'identitiesFromFile',
  'inspect',
  'openReader',
  'passphrase',
  'provider',
  'publicKey',
  'recipientsFromFile',
  'rewrap',
  'salvage',
  'sealedSize',
  'secretKey',
  'senderKeyFromFile',
  'sendersFromFile',
  'sshAgentSigner',
  'verify',
];

test("the types of the addon have their comments as text, not as Rust's string tokens", (t) => {
  const types = readFileSync(join(ROOT, 'native', 'binding.d.ts'), 'utf8');
  t.regex(types, /^ *\/\*\* \w/m);
  t.notRegex(types, /^ *(\/\*\*|\*) r#*"/m);
});

test('both kinds of modules give the same exports', (t) => {
  const required = createRequire(import.meta.url)('sealstream') as Record<string, unknown>;
  t.deepEqual(Object.keys(required).sort(), NAMES);
  for (const name of NAMES) t.is((imported as Record<string, unknown>)[name], required[name], name);
});

test('the parts of the package that are imported by themselves give the same in both kinds of modules', async (t) => {
  const require = createRequire(import.meta.url);
  for (const [part, ...names] of [
    ['sealstream/aws-kms', 'awsKmsKey'],
    ['sealstream/electron', 'safeStorageKey'],
    ['sealstream/floe', 'FloeError', 'decrypt', 'encrypt'],
    ['sealstream/header', 'attachHeader', 'detachHeader', 'exportHeader', 'rewrapHeader'],
    ['sealstream/report', 'damagePage'],
  ] as const) {
    const [required, imported] = [require(part), await import(part)] as Record<string, unknown>[];
    t.deepEqual(Object.keys(required ?? {}).sort(), names, part);
    for (const name of names) {
      t.is(typeof imported?.[name], 'function');
      t.is(imported?.[name], required?.[name]);
    }
  }
});

test('exports cannot be replaced in either kind of modules', async (t) => {
  const require = createRequire(import.meta.url);
  const manifest = JSON.parse(repositoryFile('package.json').toString()) as { exports: object };
  const entries = Object.keys(manifest.exports).filter((name) => name !== './package.json');
  t.true(entries.length >= 6);
  for (const entry of entries) {
    const name = `sealstream${entry.slice(1)}`;
    for (const module of [require(name), await import(name)] as Record<string, unknown>[]) {
      const [first = ''] = Object.keys(module);
      const before = module[first];
      t.throws(() => (module[first] = () => undefined), { instanceOf: TypeError }, name);
      t.throws(() => Object.defineProperty(module, first, { value: 1 }), { instanceOf: TypeError }, name);
      t.is(module[first], before);
    }
  }
});

/** A copy of the package with another `package.json`, in which `native` is the addon's directory. */
function copyOfPackage(t: ExecutionContext, version: string, withNative: boolean): string {
  const directory = temporaryDirectory(t);
  cpSync(join(ROOT, 'dist'), join(directory, 'dist'), { recursive: true });
  const manifest = JSON.parse(repositoryFile('package.json').toString()) as Record<string, unknown>;
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ ...manifest, version }));
  if (withNative) symlinkSync(join(ROOT, 'native'), join(directory, 'native'), 'junction');
  else mkdirSync(join(directory, 'native'));
  return directory;
}

async function failureToLoad(directory: string, before = ''): Promise<string> {
  const code = `${before}; require(${JSON.stringify(join(directory, 'dist', 'index.js'))})`;
  const { stderr } = await promisify(execFile)(process.execPath, ['-e', code]).catch(
    (error: unknown) => error as { stderr: string },
  );
  return stderr;
}

test('native code of another version is refused when it is loaded', async (t) => {
  const { version } = JSON.parse(repositoryFile('package.json').toString()) as { version: string };
  const stderr = await failureToLoad(copyOfPackage(t, '99.0.0', true));
  t.true(stderr.includes(`Error: sealstream 99.0.0 found native code of version ${version}: `), stderr);
  t.regex(stderr, /install again/);
});

test('the error for missing native code says what to do', async (t) => {
  const { version } = JSON.parse(repositoryFile('package.json').toString()) as { version: string };
  const stderr = await failureToLoad(copyOfPackage(t, version, false));
  t.regex(stderr, /Error: sealstream cannot load its native code for /);
  t.regex(stderr, /install again/);
});

test('the error for forbidden native code says how to allow it', async (t) => {
  const { version } = JSON.parse(repositoryFile('package.json').toString()) as { version: string };
  // As Deno does it.
  const refusing = `require('node:module')._extensions['.node'] = () => {
    throw Object.assign(new Error('Requires ffi access'), { name: 'NotCapable' });
  }`;
  const stderr = await failureToLoad(copyOfPackage(t, version, true), refusing);
  t.regex(stderr, /Error: sealstream cannot load its native code for .*--allow-ffi/);
  t.notRegex(stderr, /install again|Build it again/);
});

test('a strict program that checks the types of its libraries compiles with these', async (t) => {
  const directory = mkdtempSync(join(ROOT, 'target', 'types-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true });
  });
  writeFileSync(
    join(directory, 'user.mts'),
    `import * as seal from 'sealstream';
     import { awsKmsKey } from 'sealstream/aws-kms';
     import { safeStorageKey } from 'sealstream/electron';
     export const all = [seal, awsKmsKey, safeStorageKey];
     // @ts-expect-error -- an operation is one of two words, not anything
     export const wrong: number = ({} as seal.ProviderError).operation;
     // @ts-expect-error -- an identity is no recipient
     export const sealing: seal.Recipient = {} as seal.Identity;
     // @ts-expect-error -- a public key opens nothing
     export const opening: seal.Identity = seal.publicKey('age1');`,
  );
  const options = [
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    'false',
    '--exactOptionalPropertyTypes',
  ];
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const kind = [
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--types',
    'node',
    '--lib',
    'es2023,esnext.disposable',
  ];
  const told = await promisify(execFile)(process.execPath, [
    compiler,
    ...options,
    ...kind,
    join(directory, 'user.mts'),
  ]).then(
    () => '',
    (error: unknown) => (error as { stdout: string }).stdout,
  );
  // Those of the SDK are its own.
  t.deepEqual(
    told.split('\n').filter((line) => line !== '' && !line.includes('node_modules/')),
    [],
  );
});

test('the types name only what the package exports', (t) => {
  const declared = repositoryFile('dist', 'index.d.ts').toString();
  for (const internal of ['NativeKey', 'Cancellation', 'keyArgument', 'translated', 'convertDescriptors']) {
    t.false(declared.includes(internal), internal);
  }
});
