// Compiles the programs beside this file as a user does: with the package's declarations in `node_modules`, the oldest and the
// newest compiler, and the oldest and the newest types of Node.

import { execFile } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import test, { type ExecutionContext } from 'ava';

import { temporaryDirectory } from '../api/support/files.mjs';

const ROOT = join(import.meta.dirname, '..', '..');
const MODULES = join(ROOT, 'node_modules');

/** How a user compiles. */
interface Setup {
  readonly compiler: 'typescript' | 'typescript-5.6' | 'typescript-7';
  readonly nodeTypes: '@types/node' | 'types-node-26';
  readonly kind: 'node' | 'bundler';
  readonly options: Readonly<Record<string, unknown>>;
}

/** The oldest kind of modules that knows `exports`. */
const NODE16 = { module: 'node16', moduleResolution: 'node16' };
const NODENEXT = { module: 'nodenext', moduleResolution: 'nodenext' };
const BUNDLER = { module: 'esnext', moduleResolution: 'bundler', lib: ['es2022', 'dom', 'dom.iterable'] };
/** The default from TypeScript 6 on: the package itself refers to the types of Node. */
const UNNAMED = { types: [] };
const LOOSE = { exactOptionalPropertyTypes: false };
const SETUPS: readonly Setup[] = [
  { compiler: 'typescript-5.6', nodeTypes: '@types/node', kind: 'node', options: NODE16 },
  {
    compiler: 'typescript-5.6',
    nodeTypes: '@types/node',
    kind: 'bundler',
    options: { ...BUNDLER, ...LOOSE },
  },
  { compiler: 'typescript-5.6', nodeTypes: 'types-node-26', kind: 'node', options: NODENEXT },
  { compiler: 'typescript', nodeTypes: '@types/node', kind: 'node', options: { ...NODE16, ...LOOSE } },
  {
    compiler: 'typescript',
    nodeTypes: 'types-node-26',
    kind: 'bundler',
    options: { ...BUNDLER, ...UNNAMED },
  },
  {
    compiler: 'typescript-7',
    nodeTypes: '@types/node',
    kind: 'bundler',
    options: { ...BUNDLER, ...UNNAMED },
  },
  { compiler: 'typescript-7', nodeTypes: 'types-node-26', kind: 'node', options: NODENEXT },
];

for (const setup of SETUPS) {
  const { compiler, nodeTypes, kind, options } = setup;
  const modules = kind === 'bundler' ? 'a bundler' : String(options['module']);
  test.serial(
    `a user's program compiles with ${compiler}, ${versionOf(nodeTypes)} and ${modules}`,
    async (t) => {
      t.deepEqual(await compile(project(t, setup), compiler), []);
    },
  );
}

test.serial('a wrong type fails the compilation of the program', async (t) => {
  const [setup] = SETUPS;
  if (!setup) throw new Error('no setup');
  const directory = project(t, setup);
  const declarations = join(directory, 'node_modules', 'sealstream', 'dist', 'internal', 'bytes.d.ts');
  const text = readFileSync(declarations, 'utf8');
  const wrong = text.replace('ReturnType<typeof Buffer.alloc>', 'any');
  t.not(wrong, text);
  writeFileSync(declarations, wrong);
  const errors = await compile(directory, setup.compiler);
  t.true(
    errors.some((error) => error.includes("'true' is not assignable")),
    errors.join('\n'),
  );
  t.true(
    errors.some((error) => error.includes("Unused '@ts-expect-error' directive")),
    errors.join('\n'),
  );
});

/** Makes the directory of a user who has installed the package and the types of Node. */
function project(t: ExecutionContext, { nodeTypes, kind, options }: Setup): string {
  const directory = temporaryDirectory(t);
  const installed = join(directory, 'node_modules', 'sealstream');
  cpSync(join(ROOT, 'dist'), join(installed, 'dist'), {
    recursive: true,
    filter: (path) => !/\.m?js$/.test(path),
  });
  mkdirSync(join(installed, 'native'));
  copyFileSync(join(ROOT, 'native', 'binding.d.ts'), join(installed, 'native', 'binding.d.ts'));
  copyFileSync(join(ROOT, 'package.json'), join(installed, 'package.json'));
  mkdirSync(join(directory, 'node_modules', '@types'));
  symlinkSync(join(MODULES, nodeTypes), join(directory, 'node_modules', '@types', 'node'), 'junction');

  const program = readFileSync(join(import.meta.dirname, 'consumer.mts'));
  if (kind === 'bundler') writeFileSync(join(directory, 'consumer.ts'), program);
  else {
    // The same program as an ES module and as CommonJS.
    writeFileSync(join(directory, 'consumer.mts'), program);
    writeFileSync(join(directory, 'consumer.cts'), program);
    copyFileSync(join(import.meta.dirname, 'commonjs.cts'), join(directory, 'commonjs.cts'));
  }
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        target: 'es2022',
        lib: ['es2022'],
        strict: true,
        noEmit: true,
        skipLibCheck: false,
        exactOptionalPropertyTypes: true,
        types: ['node'],
        ...options,
      },
      include: ['*'],
    }),
  );
  return directory;
}

/** The errors in the program and in the package's declarations; those in other packages are their own. */
async function compile(directory: string, compiler: string): Promise<string[]> {
  const tsc = join(MODULES, compiler, 'bin', 'tsc');
  const output = await promisify(execFile)(
    process.execPath,
    [tsc, '--project', directory, '--pretty', 'false'],
    {
      cwd: directory,
    },
  ).then(
    () => '',
    (error: unknown) => {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      return `${stdout}\n${stderr}`;
    },
  );
  const lines = output.split('\n').filter((line) => /\S/.test(line) && !line.startsWith(' '));
  return lines.filter((line) => !/^[^(]*node_modules\/(?!sealstream\/)/.test(line.replaceAll('\\', '/')));
}

/** The package of the types with its version. */
function versionOf(nodeTypes: string): string {
  const manifest = readFileSync(join(MODULES, nodeTypes, 'package.json'), 'utf8');
  return `@types/node ${(JSON.parse(manifest) as { version: string }).version}`;
}
