// Every exported function and class, and every public method, has a docstring with its parameters and an example that compiles.

import { join } from 'node:path';

import test from 'ava';
import ts from 'typescript';

import { repositoryFile } from '../api/support/files.mjs';

/** As the compiler writes paths. */
const ROOT = join(import.meta.dirname, '..', '..').replaceAll('\\', '/');

interface Entry {
  readonly require: { readonly types: string };
}

/** A function, a class or a method that a caller sees. */
interface Item {
  readonly name: string;
  readonly declaration: ts.Declaration;
}

const manifest = JSON.parse(repositoryFile('package.json').toString()) as {
  exports: Record<string, Entry | string>;
};
const entries = Object.entries(manifest.exports).flatMap(([name, entry]) =>
  typeof entry === 'string'
    ? []
    : [{ name: `sealstream${name.slice(1)}`, file: join(ROOT, entry.require.types) }],
);
const program = ts.createProgram(
  entries.map(({ file }) => file),
  {
    module: ts.ModuleKind.Node20,
    target: ts.ScriptTarget.ES2022,
    strict: true,
    types: ['node'],
    noEmit: true,
  },
);
const checker = program.getTypeChecker();
const items = entries.flatMap(({ name, file }) => itemsOf(name, file));

test('every entry has functions to document', (t) => {
  for (const { name } of entries)
    t.true(
      items.some((item) => item.name.startsWith(`${name}: `)),
      name,
    );
  t.true(items.length > 60, String(items.length));
});

for (const { name, declaration } of items) {
  test(`${name} is documented`, (t) => {
    t.true(textOf(declaration) !== '', 'a docstring');
    for (const parameter of parametersOf(declaration)) {
      const tags = ts.getJSDocParameterTags(parameter);
      t.true(
        tags.some(({ comment }) => comment !== undefined && comment !== ''),
        `@param ${parameter.name.getText()}`,
      );
    }
    t.true(examplesOf(declaration).length > 0, '@example');
  });
}

test('the examples compile', (t) => {
  const files = new Map<string, string>();
  for (const { name, declaration } of items) {
    for (const [index, example] of examplesOf(declaration).entries()) {
      const file = `${ROOT}/__test__/types/example-${files.size}-${index}.mts`;
      files.set(file, moduleOf(name, example));
    }
  }
  t.true(files.size > 60, String(files.size));
  t.deepEqual(errorsIn(files), []);
});

test('a wrong example does not compile', (t) => {
  const file = `${ROOT}/__test__/types/wrong.mts`;
  const errors = errorsIn(new Map([[file, moduleOf('wrong', "await encrypt('text', { key });")]]));
  t.is(errors.length, 1, errors.join('\n'));
});

/** The functions and classes of an entry, and the public methods of its classes and interfaces. */
function itemsOf(entry: string, file: string): Item[] {
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) throw new Error(`${file} is missing: compile dist/ first`);
  return checker.getExportsOfModule(module).flatMap((exported) => {
    const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
    const symbol = isAlias ? checker.getAliasedSymbol(exported) : exported;
    return (symbol.declarations ?? []).flatMap((declaration): Item[] => {
      const name = `${entry}: ${exported.name}`;
      if (ts.isFunctionDeclaration(declaration)) return [{ name, declaration }];
      if (ts.isClassDeclaration(declaration)) return [{ name, declaration }, ...methodsOf(name, declaration)];
      return [];
    });
  });
}

/** The methods that a class adds; overloads count by their first, and `toString` and the like explain themselves. */
function methodsOf(name: string, declaration: ts.ClassDeclaration): Item[] {
  const seen = new Set<string>();
  return declaration.members.flatMap((member) => {
    if (!ts.isMethodDeclaration(member) || !ts.isIdentifier(member.name)) return [];
    const isHidden =
      (ts.getCombinedModifierFlags(member) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) !== 0;
    const method = member.name.text;
    if (isHidden || seen.has(method)) return [];
    seen.add(method);
    return [{ name: `${name}.${method}`, declaration: member }];
  });
}

/** The parameters that a caller gives, without `this`. */
function parametersOf(declaration: ts.Declaration): readonly ts.ParameterDeclaration[] {
  const made = ts.isClassDeclaration(declaration)
    ? declaration.members.find(ts.isConstructorDeclaration)
    : undefined;
  const called = made ?? declaration;
  const given = ts.isFunctionLike(called) ? called.parameters : [];
  return given.filter(({ name }) => name.getText() !== 'this');
}

function textOf(declaration: ts.Declaration): string {
  const comments = ts.getJSDocCommentsAndTags(declaration).filter(ts.isJSDoc);
  return comments.map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? '').join('');
}

function examplesOf(declaration: ts.Declaration): string[] {
  const tags = ts.getJSDocTags(declaration).filter(({ tagName }) => tagName.text === 'example');
  return tags.map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? '').filter((text) => text !== '');
}

/** A module with the example, all names of the package, and the values that examples assume. */
function moduleOf(name: string, example: string): string {
  const code = example.replaceAll(/^import .*;$/gm, '');
  return `// ${name}
import { readFile, writeFile } from 'node:fs/promises';
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { KMSClient } from '@aws-sdk/client-kms';
import { ${namesOf('sealstream').join(', ')} } from 'sealstream';
import * as floe from 'sealstream/floe';
import { attachHeader, detachHeader, exportHeader, rewrapHeader } from 'sealstream/header';
import { damagePage } from 'sealstream/report';
import { awsKmsKey } from 'sealstream/aws-kms';
import { type SafeStorage, safeStorageKey } from 'sealstream/electron';
import type { FileHandle } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
${ASSUMED}
export async function example() {
${code}
}
`;
}

/** What the examples assume, by the names that they use. */
const ASSUMED = `
declare const key: SecretKey, oldKey: SecretKey, newKey: SecretKey;
declare const bytes: Buffer, header: Buffer, sealed: Buffer, message: Buffer;
declare const response: Response & { body: ReadableStream<Uint8Array> };
declare const request: IncomingMessage, answer: ServerResponse;
declare const file: FileHandle, upload: { write(bytes: Uint8Array): Promise<void> };
declare const reader: import('sealstream').SealedReader, pair: KeyPair;
declare const url: string, recovery: string, error: unknown;
declare function token(): Promise<string>;
declare const vault: import('sealstream').KeyProvider;
declare const app: { whenReady(): Promise<void>; getName(): string }, safeStorage: SafeStorage;
`;

/** The values that an entry exports. */
function namesOf(entry: string): string[] {
  const names = items
    .map(({ name }) => name)
    .filter((name) => name.startsWith(`${entry}: `) && !name.includes('.'));
  return [...new Set(names.map((name) => name.slice(entry.length + 2)))];
}

/** Compiles modules that are not on the disk. */
function errorsIn(files: ReadonlyMap<string, string>): string[] {
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.Node20,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts'],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
  };
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (path) => files.has(path) || disk.fileExists(path),
    readFile: (path) => files.get(path) ?? disk.readFile(path),
    getSourceFile: (path, languageVersion, ...how) => {
      const text = files.get(path);
      if (text === undefined) return disk.getSourceFile(path, languageVersion, ...how);
      return ts.createSourceFile(path, text, languageVersion, true);
    },
  };
  const compiled = ts.createProgram([...files.keys()], options, host);
  return [...files].flatMap(([path, text]) => {
    const source = compiled.getSourceFile(path);
    const found = [...compiled.getSyntacticDiagnostics(source), ...compiled.getSemanticDiagnostics(source)];
    const name = text.slice(3, text.indexOf('\n'));
    return found.map(({ messageText, start }) => {
      const line = text.slice(text.lastIndexOf('\n', start) + 1, text.indexOf('\n', start));
      return `${name}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}: ${line.trim()}`;
    });
  });
}
